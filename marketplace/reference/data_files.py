"""Reads the package's own data files. Knows where they lie and how they are encoded; must not know what they mean."""

import csv
import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


def read_document(name: str) -> dict[str, Any]:
    """The JSON object in `data/<name>`."""
    document: dict[str, Any] = json.loads((DATA / name).read_text(encoding="utf-8"))
    return document


def read_rows(name: str) -> list[dict[str, str]]:
    """The rows of the CSV file `data/<name>`, each by column name; an empty cell is an empty string."""
    with (DATA / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
