"""docs/trust.md names every invariant, every drill, and only tests that exist."""

import ast
import re

from marketplace.cli import ROOT
from tests.trust.__main__ import DRILLS
from tests.trust.guards import GUARDS

WORDS = (ROOT / "docs" / "trust.md").read_text()
INVARIANTS = {f"{letter}{number}" for letter, most in (("L", 8), ("P", 13), ("I", 2)) for number in range(1, most + 1)}


def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def missing(names: list[str]) -> list[str]:
    return [
        name for name in names if name.partition("::")[2].partition("[")[0] not in names_in(name.partition("::")[0])
    ]


def test_every_invariant_has_a_test_and_every_test_exists() -> None:
    rows = dict(re.findall(r"^\| ([LPI]\d+) \|.*\| (.*) \|$", WORDS, re.MULTILINE))
    named = re.findall(r"`(tests/[\w/.]+::\w+)`", WORDS)

    assert set(rows) == INVARIANTS
    assert all("::" in tests for tests in rows.values())
    assert missing(named) == []


def test_the_drills_are_those_of_the_document() -> None:
    described = {figure.lower() for figure in re.findall(r"^\| (G\d+) \|", WORDS, re.MULTILINE)}

    assert described - {"g2"} == set(DRILLS)


def test_each_guard_names_a_test_that_exists_and_no_other_guard() -> None:
    assert missing([guard.test for guard in GUARDS]) == []
    assert len({guard.words for guard in GUARDS}) == len({guard.protection for guard in GUARDS}) == len(GUARDS)
