"""From which day on a pair is eligible where nothing but time is missing.

Knows which comparisons look at the day, and when the dated parameters change. Must not know the database, HTTP,
programmes (a window is no criterion) or proposals.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from marketplace.eligibility.representatives import (
    DAYS_ABOUT_A_MONTH,
    FIRST_DAY,
    LAST_DAY,
    MONTHS_AFTER,
    MONTHS_BEFORE,
    months_from,
)
from marketplace.eligibility.rules import Result, evaluate
from marketplace.eligibility.tree import CriteriaTree, Criterion, read_tree
from marketplace.reference.parameters import PARAMETERS, values_on
from marketplace.values.reasons import Level


def eligible_from(
    tree: CriteriaTree | Mapping[str, Any],
    facts_on: Callable[[date], Mapping[str, Any]],
    after: date,
    *,
    assurance: Mapping[str, str] | None = None,
) -> date | None:
    """The first day after `after`, to the end of 2200, on which the same facts are eligible; None if there is none.

    Asked of a pair that is not eligible on `after`. `facts_on` gives the facts as they stand on a day: nothing is
    answered or changed, but a consent may have lapsed.
    Exact: only days on which a comparison can turn are looked at, and all of those.
    """
    read = tree if isinstance(tree, CriteriaTree) else read_tree(tree)
    for day in sorted(set(_turning_days(read, facts_on(after), after))):
        told = evaluate(read, facts_on(day), parameters=values_on(day), assurance=assurance)
        if told.result is Result.ELIGIBLE:
            return day
    return None


def _turning_days(tree: CriteriaTree, facts: Mapping[str, Any], after: date) -> Iterator[date]:
    for leaf in tree.leaves():
        if leaf.level is Level.HARD:
            yield from (day for day in _days_of(leaf, facts) if after < day <= LAST_DAY)


def _days_of(leaf: Criterion, facts: Mapping[str, Any]) -> Iterator[date]:
    """The days about which the criterion's outcome may turn by itself."""
    if leaf.op in (MONTHS_BEFORE, MONTHS_AFTER):
        day = facts.get(leaf.fact)
        if day is not None:
            months = leaf.value if leaf.op == MONTHS_BEFORE else -leaf.value
            turn = months_from(date.fromisoformat(day), months)
            reach = range(-DAYS_ABOUT_A_MONTH, DAYS_ABOUT_A_MONTH + 1)
            yield from (turn + timedelta(days=step) for step in reach if turn > FIRST_DAY)
        return
    values = leaf.value if isinstance(leaf.value, list) else [leaf.value]
    for value in values:
        if isinstance(value, dict) and value.get("parameter") in PARAMETERS:
            yield from (first for first, _ in PARAMETERS[value["parameter"]].values)
