"""Trees and facts for the tests: builders with fixed values, and generators of all that the grammar allows."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from hypothesis import strategies as st

from marketplace.eligibility.tree import (
    OPS_BY_TYPE,
    ORDERED,
    WITH_LIST,
    AllOf,
    AnyOf,
    AtLeast,
    CriteriaTree,
    Criterion,
    Node,
    Not,
)
from marketplace.values.reasons import Level


@dataclass(frozen=True)
class Shape:
    type: str


REGISTRY = {
    "flag": Shape("boolean"),
    "sector": Shape("choice"),
    "place": Shape("area"),
    "turnover": Shape("money"),
    "staff": Shape("integer"),
    "share": Shape("percentage"),
    "payback": Shape("decimal"),
    "opened": Shape("date"),
    "instruments": Shape("choices"),
    "places": Shape("areas"),
}


def gbp(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "GBP"}


def eur(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


VALUES: dict[str, list[Any]] = {
    "boolean": [True, False],
    "choice": ["arts", "libraries", "youth", "parks"],
    "area": ["E92000001", "W92000004", "E12000003"],
    "money": [gbp(0), gbp(1), gbp(2), gbp(10**15), eur(1)],
    "integer": [-1, 0, 1, 2, 10**15],
    "percentage": [0, 1, 10_000],
    "decimal": ["-1", "0", "0.5", "0.50", "1", "1.00", "10", "9"],
    "date": ["1999-12-31", "2026-11-22", "2026-11-23", "2027-01-01"],
    "choices": ["grant", "loan", "equity", "guarantee"],
    "areas": ["E92000001", "E12000003", "E08000035"],
}
LISTS = ("choices", "areas")
ILL_SHAPED = [7, "seven", "", True, [], ["grant"], {}, {"amount": "1", "currency": "GBP"}, {"currency": "GBP"}, gbp(5)]

PARAMETERS = {"limit": gbp(1)}


def met(code: str = "MET", **members: Any) -> Criterion:
    return Criterion(code, "flag", "eq", True, **members)


def unmet(code: str = "UNMET", **members: Any) -> Criterion:
    return Criterion(code, "flag", "eq", False, **members)


def unknown(code: str = "UNKNOWN", **members: Any) -> Criterion:
    return Criterion(code, "sector", "eq", "arts", **members)


FACTS = {"flag": True}
"""With these facts the three criteria above come to what their names say."""


def a_tree(*criteria: Node) -> CriteriaTree:
    return CriteriaTree(criteria)


@st.composite
def criteria(draw: st.DrawFn, codes: Any, *, soft: bool) -> Criterion:
    fact = draw(st.sampled_from(sorted(REGISTRY)))
    kind = REGISTRY[fact].type
    op = draw(st.sampled_from(sorted(OPS_BY_TYPE[kind])))
    one = st.sampled_from(VALUES[kind])
    if op in WITH_LIST:
        drawn = draw(st.lists(one, min_size=1, max_size=3))
        value: Any = [item for place, item in enumerate(drawn) if item not in drawn[:place]]
    elif kind == "money" and op in ORDERED and draw(st.booleans()):
        value = {"parameter": draw(st.sampled_from(["limit", "not_yet_set"]))}
    else:
        value = draw(one)
    return Criterion(
        code=f"C{next(codes)}",
        fact=fact,
        op=op,
        value=value,
        level=draw(st.sampled_from(list(Level))) if soft else Level.HARD,
        weight=draw(st.integers(1, 100)),
        waivable=draw(st.booleans()),
    )


@st.composite
def nodes(draw: st.DrawFn, codes: Any, *, soft: bool = False, depth: int = 3) -> Node:
    kind = draw(st.sampled_from(["leaf", "leaf", "all", "any", "not", "at_least"])) if depth else "leaf"
    if kind == "leaf":
        return draw(criteria(codes, soft=soft))
    if kind == "not":
        return Not(draw(nodes(codes, depth=depth - 1)))
    below = nodes(codes, soft=soft and kind == "all", depth=depth - 1)
    branches = tuple(draw(st.lists(below, min_size=1, max_size=4)))
    if kind == "all":
        return AllOf(branches)
    if kind == "any":
        return AnyOf(branches)
    return AtLeast(draw(st.integers(1, len(branches))), branches)


@st.composite
def trees(draw: st.DrawFn) -> CriteriaTree:
    codes = count()
    return CriteriaTree(tuple(draw(st.lists(nodes(codes, soft=True), max_size=4))))


def known_value(fact: str) -> st.SearchStrategy[Any]:
    kind = REGISTRY[fact].type
    one = st.sampled_from(VALUES[kind])
    return st.lists(one, unique=True, max_size=3) if kind in LISTS else one


def facts(*, ill_shaped: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Some facts known, some absent, some null; with `ill_shaped`, some of a shape that their type does not have."""
    odd = st.sampled_from(ILL_SHAPED) if ill_shaped else st.none()
    return st.fixed_dictionaries(
        {}, optional={fact: st.one_of(known_value(fact), known_value(fact), st.none(), odd) for fact in REGISTRY}
    )


def all_facts() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({fact: known_value(fact) for fact in REGISTRY})
