"""The published and constructed figures that the arithmetic has to reproduce, by id."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

EXAMPLES: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("worked_examples.json").read_text())


def given(name: str) -> Any:
    return EXAMPLES[name]["inputs"]


def expected(name: str) -> Any:
    return EXAMPLES[name]["expected"]


def pence(amount: str) -> int:
    """Pounds as a decimal string, in minor units."""
    exact = Decimal(amount) * 100
    assert exact == int(exact)
    return int(exact)


def basis_points(fraction: str) -> int:
    return int(Decimal(fraction) * 10_000)
