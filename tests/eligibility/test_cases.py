"""The demonstration cases: every programme against every proposal comes to the expected answer, reasons and all."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from marketplace.eligibility.rules import evaluate
from marketplace.eligibility.tree import CriteriaTree, compile_columns, compile_tree, parse_author_tree, read_tree
from marketplace.reference.facts import REGISTRY, derive
from marketplace.reference.parameters import values_on

CASES = Path(__file__).parents[2] / "marketplace" / "demo" / "cases"


def read_cases(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


def criteria_of(programme: dict[str, Any]) -> CriteriaTree:
    author_tree = parse_author_tree({"schema_version": 1, "criteria": programme["criteria"]}, REGISTRY)
    columns = compile_columns(
        programme["currency"],
        programme["instruments"],
        programme["stages"],
        programme["ask_min"],
        programme["ask_max"],
    )
    return read_tree(compile_tree(columns, author_tree))


def facts_of(proposal: dict[str, Any]) -> dict[str, Any]:
    consent = {True: "explore", False: "refused", None: None}[proposal["employer_consent"]]
    return derive(proposal["facts"], proposal["ask"], consent)


PROGRAMMES = {programme["slug"]: criteria_of(programme) for programme in read_cases("programmes")["programmes"]}
PROPOSALS = {proposal["slug"]: facts_of(proposal) for proposal in read_cases("proposals")["proposals"]}
EXPECTED = read_cases("expected_matches")
THE_DAYS_PARAMETERS = values_on(date.fromisoformat(EXPECTED["as_of"]))


def test_the_matrix_covers_every_proposal_and_every_programme_with_a_history() -> None:
    assert len(EXPECTED["matches"]) == 16
    assert {slug for row in EXPECTED["matches"].values() for slug in row} == set(PROPOSALS)
    assert all(len(row) == len(PROPOSALS) for row in EXPECTED["matches"].values())


@pytest.mark.parametrize(
    ("programme", "proposal"),
    [(programme, proposal) for programme, row in EXPECTED["matches"].items() for proposal in row],
)
def test_a_pair_comes_to_the_expected_answer(programme: str, proposal: str) -> None:
    evaluation = evaluate(PROGRAMMES[programme], PROPOSALS[proposal], parameters=THE_DAYS_PARAMETERS)

    assert {
        "result": evaluation.result.value,
        "failed": list(evaluation.unmet),
        "unknown": list(evaluation.unknown),
        "soft_failed": list(evaluation.soft_unmet),
    } == EXPECTED["matches"][programme][proposal]
