"""Trees and facts for the tests: builders with fixed values, and generators of all that the grammar allows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from hypothesis import strategies as st

from marketplace.eligibility.measures import order
from marketplace.eligibility.tree import (
    COMPARISONS,
    OPS_BY_TYPE,
    ORDERED,
    AllOf,
    AnyOf,
    AtLeast,
    CriteriaTree,
    Criterion,
    Node,
    Not,
    Takes,
)
from marketplace.values.reasons import Level


@dataclass(frozen=True)
class Shape:
    type: str
    chain: str | None = None
    never_hard: bool = False
    assurable: bool = True


REGISTRY = {
    "flag": Shape("boolean"),
    "sector": Shape("choice", chain="sectors"),
    "place": Shape("area", chain="places"),
    "turnover": Shape("money"),
    "staff": Shape("integer"),
    "share": Shape("percentage"),
    "payback": Shape("decimal"),
    "opened": Shape("date"),
    "instruments": Shape("choices"),
    "places": Shape("areas"),
    "sectors": Shape("choices"),
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
    "date": ["1999-12-31", "2024-02-29", "2025-11-22", "2026-11-22", "2026-11-23", "2027-01-01", "2053-10-22"],
    "choices": ["grant", "loan", "equity", "guarantee"],
    "areas": ["E92000001", "E12000003", "E08000035"],
}
LISTS = ("choices", "areas")
ILL_SHAPED = [
    7,
    "seven",
    "",
    True,
    [],
    ["grant"],
    {},
    {"amount": "1", "currency": "GBP"},
    {"currency": "GBP"},
    gbp(5),
    "2026-02-30",
]

PARAMETERS = {"limit": gbp(1), "as_of": "2026-11-22"}


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


def a_criterion(random: Random, codes: Iterator[int], *, soft: bool, denied: bool) -> Criterion:
    """Any criterion that an author may write at such a place; one in three wants assurance where it may."""
    fact = random.choice(sorted(REGISTRY))
    shape = REGISTRY[fact]
    op = random.choice(sorted(OPS_BY_TYPE[shape.type] | ({"within"} if shape.chain else set())))
    return Criterion(
        code=f"C{next(codes)}",
        fact=fact,
        op=op,
        value=a_wanted_value(random, shape, op),
        level=random.choice(list(Level)) if soft else Level.HARD,
        weight=random.randint(1, 100),
        waivable=random.choice([True, False]),
        assurance=None if denied else random.choice([None, None, None, None, "evidenced", "verified"]),
        chain=shape.chain if op == "within" else None,
    )


def a_wanted_value(random: Random, shape: Shape, op: str) -> Any:
    """A value of the shape that the operator takes."""
    values = VALUES[shape.type]
    match COMPARISONS[op].takes:
        case Takes.ONE:
            named = shape.type == "money" and op in ORDERED and random.choice([True, False])
            return a_parameter(random) if named else random.choice(values)
        case Takes.LIST:
            return some_of(random, values)
        case Takes.LINKS:
            return some_of(random, VALUES[REGISTRY[shape.chain or ""].type])
        case Takes.RANGE:
            low, high = random.choice(values), random.choice(values)
            found = order(low, high)
            low, high = (low, low) if found is None else (high, low) if found > 0 else (low, high)
            if shape.type != "money":
                return [low, high]
            return [random.choice([low, low, a_parameter(random)]), random.choice([high, high, a_parameter(random)])]
        case Takes.MONTHS:
            return random.choice([0, 1, 2, 11, 12, 323, 1_200])
        case Takes.TRUE:
            return True


def a_parameter(random: Random) -> dict[str, str]:
    return {"parameter": random.choice(["limit", "not_yet_set"])}


def some_of(random: Random, values: Sequence[Any]) -> list[Any]:
    drawn = [random.choice(values) for _ in range(random.randint(1, 3))]
    return [item for place, item in enumerate(drawn) if item not in drawn[:place]]


def a_node(random: Random, codes: Iterator[int], *, soft: bool = False, denied: bool = False, depth: int = 3) -> Node:
    """Any node, nested up to `depth` groups deep."""
    kind = random.choice(["leaf", "leaf", "all", "any", "not", "at_least"]) if depth else "leaf"
    if kind == "leaf":
        return a_criterion(random, codes, soft=soft, denied=denied)
    if kind == "not":
        return Not(a_node(random, codes, denied=True, depth=depth - 1))
    inner = soft and kind == "all"
    branches = tuple(
        a_node(random, codes, soft=inner, denied=denied, depth=depth - 1) for _ in range(random.randint(1, 4))
    )
    if kind == "all":
        return AllOf(branches)
    if kind == "any":
        return AnyOf(branches)
    return AtLeast(random.randint(1, len(branches)), branches)


def a_random_tree(random: Random) -> CriteriaTree:
    """Any tree: every operator, group, level and assurance, parameters with and without a value on the day."""
    codes = count()
    return CriteriaTree(tuple(a_node(random, codes, soft=True) for _ in range(random.randint(0, 4))))


def a_known_value(random: Random, fact: str) -> Any:
    values = VALUES[REGISTRY[fact].type]
    if REGISTRY[fact].type in LISTS:
        return random.sample(values, random.randint(0, 3))
    return random.choice(values)


def random_facts(random: Random) -> dict[str, Any]:
    """Some facts known, some absent, some null, some of a shape that their type does not have."""
    known: dict[str, Any] = {}
    for fact in REGISTRY:
        kind = random.choice(["known", "known", "known", "absent", "null", "odd"])
        if kind != "absent":
            odd = random.choice(ILL_SHAPED)
            known[fact] = {"known": a_known_value(random, fact), "null": None, "odd": odd}[kind]
    return known


def random_levels(random: Random) -> dict[str, str]:
    """The levels of some facts, known or not."""
    return {
        fact: random.choice(["declared", "evidenced", "verified"]) for fact in REGISTRY if random.choice([True, False])
    }


def drawn(make: Callable[[Random], Any]) -> st.SearchStrategy[Any]:
    """What the generator makes, as a strategy: found faults are made small."""
    return st.randoms(use_true_random=False).map(make)


def trees() -> st.SearchStrategy[CriteriaTree]:
    return drawn(a_random_tree)


def nodes() -> st.SearchStrategy[Node]:
    """Hard nodes that may be denied."""
    return drawn(lambda random: a_node(random, count(), denied=True))


def branches() -> st.SearchStrategy[list[Node]]:
    """Hard nodes that may stand together and be denied."""

    def some(random: Random) -> list[Node]:
        codes = count()
        return [a_node(random, codes, denied=True) for _ in range(random.randint(1, 4))]

    return drawn(some)


def levels() -> st.SearchStrategy[dict[str, str]]:
    return drawn(random_levels)


def known_value(fact: str) -> st.SearchStrategy[Any]:
    return drawn(lambda random: a_known_value(random, fact))


def facts(*, ill_shaped: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Some facts known, some absent, some null; with `ill_shaped`, some of a shape that their type does not have."""
    odd = st.sampled_from(ILL_SHAPED) if ill_shaped else st.none()
    return st.fixed_dictionaries(
        {}, optional={fact: st.one_of(known_value(fact), known_value(fact), st.none(), odd) for fact in REGISTRY}
    )


def all_facts() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({fact: known_value(fact) for fact in REGISTRY})
