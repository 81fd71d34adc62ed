"""The worked examples of the vehicles, by id."""

import json
from pathlib import Path
from typing import Any

EXAMPLES: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("worked_examples.json").read_text())


def given(name: str) -> Any:
    return EXAMPLES[name]["inputs"]


def expected(name: str) -> Any:
    return EXAMPLES[name]["expected"]
