"""Criteria as they read on one day say of all facts what they say with that day's parameters."""

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from marketplace.eligibility.one_day import as_on
from marketplace.eligibility.rules import evaluate
from marketplace.eligibility.tree import AnyOf, CriteriaTree, Criterion, Not
from marketplace.reference.parameters import values_on
from marketplace.values.reasons import Outcome
from tests.eligibility.points import random_facts, random_tree

DAY = date(2026, 11, 22)


def outcomes(tree: CriteriaTree, facts: dict[str, Any], parameters: dict[str, Any]) -> Any:
    told = evaluate(tree, facts, parameters=parameters)
    return told.result, told.fit, [(reason.code, reason.outcome) for reason in told.reasons]


@pytest.mark.parametrize("op", ["at_least_months_before", "at_least_months_after"])
def test_months_come_to_the_day_on_which_the_evaluator_turns(op: str) -> None:
    """Every day of two years as today, leap day and ends of months among them."""
    turned = 0
    for number in range(731):
        today = date(2023, 7, 1) + timedelta(days=number)
        parameters = values_on(today)
        for months in (0, 1, 6, 12, 48):
            whole = CriteriaTree((Criterion("SINCE", "trading_since", op, months),))
            plain = as_on(whole, parameters)
            (leaf,) = plain.leaves()
            turn = date.fromisoformat(leaf.value)
            told = []
            for step in range(-4, 5):
                facts = {"trading_since": (turn + timedelta(days=step)).isoformat()}
                told.append(outcomes(plain, facts, {}))
                assert told[-1] == outcomes(whole, facts, parameters), (today, months, facts)
            turned += told[0] != told[-1]
    assert turned == 731 * 5


def test_a_named_parameter_is_its_value_of_the_day_wherever_it_stands() -> None:
    limit = {"parameter": "mfa_limit"}
    nothing = {"amount": 0, "currency": "GBP"}
    tree = CriteriaTree(
        (
            Criterion("MOST", "mfa_total_with_ask", "lte", limit),
            AnyOf(
                (
                    Criterion("SOME", "turnover", "between", [nothing, limit]),
                    Not(Criterion("LESS", "turnover", "lt", limit)),
                )
            ),
        )
    )
    parameters = values_on(DAY)

    read = as_on(tree, parameters)

    assert [leaf.value for leaf in read.leaves()] == [
        parameters["mfa_limit"],
        [nothing, parameters["mfa_limit"]],
        parameters["mfa_limit"],
    ]
    for amount in (parameters["mfa_limit"]["amount"] + step for step in (-1, 0, 1)):
        facts = {slug: {"amount": amount, "currency": "GBP"} for slug in ("mfa_total_with_ask", "turnover")}
        assert outcomes(read, facts, {}) == outcomes(tree, facts, parameters)


def test_a_parameter_without_a_value_and_a_day_beyond_the_calendar_stay_as_they_are() -> None:
    tree = CriteriaTree(
        (
            Criterion("LIMIT", "mfa_total_with_ask", "lte", {"parameter": "none_of_this_name"}),
            Criterion("AFTER", "contract_ends_on", "at_least_months_after", 1_200),
        )
    )
    parameters = values_on(date(9990, 1, 1))

    read = as_on(tree, parameters)

    assert read == tree
    assert outcomes(read, {"contract_ends_on": "9999-01-01"}, parameters)[2][1] == ("AFTER", Outcome.UNMET)


def test_random_criteria_say_the_same_of_random_facts() -> None:
    random = Random(52)
    parameters = values_on(DAY)
    changed = 0
    for _ in range(120):
        tree = random_tree(random)
        read = as_on(tree, parameters)
        changed += read != tree
        for _ in range(10):
            facts = random_facts(random, random.choice([0.5, 0.9]))
            assert outcomes(read, facts, parameters) == outcomes(tree, facts, parameters), (tree, facts)
    assert changed > 10
