"""Every example of docs/criteria.md is read as it says and comes to what it says."""

import json
import re
from typing import Any

import pytest

from marketplace.cli import ROOT
from marketplace.eligibility.rules import evaluate
from marketplace.eligibility.tree import COMPARISONS, InvalidCriteria, parse_author_tree
from marketplace.reference.facts import REGISTRY, check_answer, derive
from marketplace.reference.parameters import values_on
from tests.matching.markets import THE_DAY

TEXT = (ROOT / "docs" / "criteria.md").read_text(encoding="utf-8")
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]


def author_tree(example: dict[str, Any]) -> dict[str, Any]:
    return {"schema_version": 1, "criteria": example["criteria"]}


@pytest.mark.parametrize("example", [each for each in EXAMPLES if "comes_to" in each])
def test_an_example_comes_to_what_it_says(example: dict[str, Any]) -> None:
    tree = parse_author_tree(author_tree(example), REGISTRY)

    for told in example["comes_to"]:
        assert {slug: check_answer(slug, value) for slug, value in told["facts"].items()} == told["facts"]
        facts = derive(told["facts"], told.get("ask"), None)
        evaluation = evaluate(tree, facts, parameters=values_on(THE_DAY), assurance=told.get("assurance"))
        assert evaluation.result == told["result"]
        assert (list(evaluation.unmet), list(evaluation.unknown)) == (told.get("unmet", []), told.get("unknown", []))
        assert evaluation.fit == told.get("fit", evaluation.fit)


@pytest.mark.parametrize("example", [each for each in EXAMPLES if "refused_at" in each])
def test_an_example_is_refused_where_it_says(example: dict[str, Any]) -> None:
    with pytest.raises(InvalidCriteria) as refusal:
        parse_author_tree(author_tree(example), REGISTRY)

    assert [error["pointer"] for error in refusal.value.facts["errors"]] == example["refused_at"]


def test_the_document_tells_of_every_comparison_that_the_language_gained_and_links_where_it_says() -> None:
    assert len(EXAMPLES) >= 8
    for op in ("known", "between", "within", "at_least_months_before", "at_least_months_after"):
        assert op in COMPARISONS
        assert f'"op": "{op}"' in TEXT
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert (ROOT / "docs" / target).exists()
