"""Criteria as they read on one day: named parameters by their values, numbers of months by the day they come to.

Knows the tree and the parameters of a day. Must not know facts, the database or HTTP.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from marketplace.eligibility.representatives import MONTHS_AFTER, MONTHS_BEFORE, months_from
from marketplace.eligibility.rules import wanted_of
from marketplace.eligibility.tree import AllOf, AnyOf, AtLeast, CriteriaTree, Criterion, Node, Not
from marketplace.reference.parameters import AS_OF


def as_on(tree: CriteriaTree, parameters: Mapping[str, Any]) -> CriteriaTree:
    """The tree that says of all facts what `tree` says with the `parameters` of a day, and needs none.

    What has no value on that day, or comes to a day that no calendar has, stays as it is.
    """
    return CriteriaTree(tuple(_node(node, parameters) for node in tree.criteria))


def _node(node: Node, parameters: Mapping[str, Any]) -> Node:
    match node:
        case Criterion():
            return _criterion(node, parameters)
        case Not(branch):
            return Not(_node(branch, parameters))
        case AllOf(branches):
            return AllOf(tuple(_node(branch, parameters) for branch in branches))
        case AnyOf(branches):
            return AnyOf(tuple(_node(branch, parameters) for branch in branches))
        case AtLeast(needed, branches):
            return AtLeast(needed, tuple(_node(branch, parameters) for branch in branches))


def _criterion(leaf: Criterion, parameters: Mapping[str, Any]) -> Criterion:
    if leaf.op in (MONTHS_BEFORE, MONTHS_AFTER):
        day = _day_of(leaf.op, date.fromisoformat(parameters[AS_OF]), leaf.value)
        op = "lte" if leaf.op == MONTHS_BEFORE else "gte"
        return leaf if day is None else replace(leaf, op=op, value=day.isoformat())
    return replace(leaf, value=wanted_of(leaf, parameters))


def _day_of(op: str, today: date, months: int) -> date | None:
    """The latest day that is at least so many months before today, or the earliest that is as many after.

    Where a month has no such day, its last one counts: 31 January and one month more are 28 February. So all days
    from 28 to 31 January were a month ago on the last day of a February of 28 days.
    """
    before = op == MONTHS_BEFORE
    try:
        day = months_from(today, -months if before else months)
    except ValueError:
        return None
    return day.replace(day=_last_of(day)) if before and today.day == _last_of(today) else day


def _last_of(day: date) -> int:
    return monthrange(day.year, day.month)[1]
