"""Canonical JSON: one text for one value, so that two writings can be compared byte for byte, and its digest.

Members sorted by code point, no spaces, nothing escaped that need not be, UTF-8. No NaN, no infinity.
"""

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> str:
    """The one text of a JSON value; TypeError for what JSON has no form for, ValueError for NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(text: str) -> str:
    """SHA-256 of a text in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
