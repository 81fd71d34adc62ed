"""Random pairs over the real registry: an author's tree and a group's answers. The same seed, the same pair."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count
from random import Random
from typing import Any

from marketplace.eligibility.inputs import Inputs
from marketplace.eligibility.tree import (
    COMPARISONS,
    OPS_BY_TYPE,
    AllOf,
    AnyOf,
    AtLeast,
    CriteriaTree,
    Criterion,
    Node,
    Not,
    Takes,
    compile_columns,
)
from marketplace.reference import codelists
from marketplace.reference.facts import REGISTRY, FactDefinition
from marketplace.reference.parameters import values_on
from marketplace.values.reasons import Level

THE_DAY = date(2026, 11, 22)
PARAMETERS = values_on(THE_DAY)
AREAS = ["E12000007", "E08000035", "W92000004", "S92000003", "E92000001", "W06000015", "E06000009", "K04000001"]
AMOUNTS = [1, 100, 1_000_000, 3_000_000, 20_000_000, 31_500_000, 31_500_001]
DAYS = ["1999-12-31", "2024-02-29", "2025-11-22", "2026-11-22", "2026-11-23", "2027-05-31"]
CHANGEABLE = [slug for slug, definition in REGISTRY.items() if definition.changeable]
AUTHORED = [slug for slug, definition in REGISTRY.items() if not definition.derived]
CHAINED = {"area_code": "areas", "sector": "sectors"}


@dataclass(frozen=True)
class RandomPair:
    tree: CriteriaTree
    inputs: Inputs
    assurance: dict[str, str]


def a_pair(random: Random, *, widest: int = 3, known: float = 0.7) -> RandomPair:
    """A tree of at most `widest` nodes at its root under a programme's columns, and a group's inputs."""
    codes = count()
    author = [_node(random, codes, 2, denied=False) for _ in range(random.randint(1, widest))]
    columns = compile_columns(
        "GBP",
        random.choice([None, None, ["grant"], ["loan_secured", "loan_unsecured"]]),
        random.choice([None, None, None, ["exploring", "set_up"], ["launched"]]),
        random.choice([None, None, 2_000_000]),
        random.choice([None, None, 1_000_000, 25_000_000]),
    )
    answers = {slug: a_value(random, REGISTRY[slug]) for slug in AUTHORED if random.random() < known}
    ask = {
        "amount": random.choice(AMOUNTS),
        "currency": random.choice(["GBP"] * 9 + ["EUR"]),
        "stage": random.choice(codelists.slugs("stages")[:8]),
        "instruments": random.sample(codelists.slugs("instruments")[:8], random.randint(1, 2)),
    }
    assurance = {slug: random.choice(["evidenced", "verified"]) for slug in answers if random.random() < 0.2}
    consent = random.choice([None, None, "no_objection", "explore", "refused"])
    return RandomPair(CriteriaTree((*columns, *author)), Inputs(answers, ask, consent), assurance)


def a_value(random: Random, definition: FactDefinition) -> Any:
    """One value that the fact may have; few different ones, so that they often meet what is asked."""
    match definition.type:
        case "boolean":
            return random.random() < 0.5
        case "choice":
            return random.choice(codelists.slugs(definition.codelist or "")[:4])
        case "choices":
            return random.sample(codelists.slugs(definition.codelist or "")[:6], random.randint(1, 2))
        case "money":
            return {"amount": random.choice(AMOUNTS), "currency": random.choice(["GBP"] * 7 + ["EUR"])}
        case "integer":
            return random.choice([0, 1, 3, 50])
        case "percentage":
            return random.choice([0, 2_500, 5_000, 10_000])
        case "decimal":
            return random.choice(["0", "0.5", "2", "2.75", "10"])
        case "area":
            return random.choice(AREAS)
        case "areas":
            return random.sample(AREAS, random.randint(1, 2))
        case _:
            return random.choice(DAYS)


def _node(random: Random, codes: Iterator[int], depth: int, *, denied: bool) -> Node:
    kind = random.choice(["leaf", "leaf", "all", "any", "not", "at_least"]) if depth else "leaf"
    if kind == "leaf":
        return a_leaf(random, codes, denied=denied)
    if kind == "not":
        return Not(_node(random, codes, depth - 1, denied=True))
    branches = tuple(_node(random, codes, depth - 1, denied=denied) for _ in range(random.randint(2, 3)))
    if kind == "all":
        return AllOf(branches)
    if kind == "any":
        return AnyOf(branches)
    return AtLeast(random.randint(1, len(branches)), branches)


def a_leaf(random: Random, codes: Iterator[int], *, denied: bool) -> Criterion:
    """Any hard criterion that an author may write; most are about what can be changed."""
    fact = random.choice([random.choice(sorted(REGISTRY)), random.choice(CHANGEABLE), random.choice(CHANGEABLE)])
    definition = REGISTRY[fact]
    op = random.choice(sorted(OPS_BY_TYPE[definition.type] | ({"within"} if fact in CHAINED else set())))
    value: Any
    match COMPARISONS[op].takes:
        case Takes.TRUE:
            value = True
        case Takes.MONTHS:
            value = random.choice([0, 1, 6, 12, 24])
        case Takes.LINKS:
            value = random.sample(AREAS, 2) if fact == "area_code" else ["health_and_care", "youth_services"]
        case Takes.RANGE:
            value = sorted((a_value(random, definition) for _ in range(2)), key=_place)
            if definition.type == "money":
                value = [{**each, "currency": "GBP"} for each in value]
        case Takes.LIST:
            listed = definition.type in ("choices", "areas")
            value = a_value(random, definition) if listed else [a_value(random, definition) for _ in range(2)]
        case _:
            value = a_value(random, definition)
            if definition.type == "money" and random.random() < 0.5 and op in ("lt", "lte", "gt", "gte"):
                value = {"parameter": "mfa_limit"}
    wants = definition.assurable and not denied and random.random() < 0.15
    return Criterion(
        code=f"C{next(codes)}",
        fact=fact,
        op=op,
        value=value,
        level=Level.HARD,
        assurance=random.choice(["evidenced", "verified"]) if wants else None,
        chain=CHAINED[fact] if op == "within" else None,
    )


def _place(value: Any) -> Any:
    if isinstance(value, dict):
        return value["amount"]
    return float(value) if isinstance(value, str) and "-" not in value else value
