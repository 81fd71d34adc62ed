"""Random criteria and facts of the real registry, and what the index's SQL says of a row and a point, in Python."""

from itertools import count
from random import Random
from typing import Any

from marketplace.eligibility.cells import Alternative, Point, Row, stretches
from marketplace.eligibility.rules import MET, UNKNOWN, UNMET
from marketplace.eligibility.tree import CriteriaTree, Criterion, compile_columns, parse_author_tree
from marketplace.reference import codelists
from marketplace.reference.facts import REGISTRY, derive
from marketplace.values.reasons import Level, Outcome
from tests.matching.markets import AREAS, a_value, some_criteria, some_facts


def standing(kept: Alternative, point: Point) -> Outcome:
    """The packed part of an alternative at a point; the residual and the places are left out."""
    refused = any(mask & known for mask, known in zip(kept.refuses, point.words, strict=True))
    refused = refused or not kept.wants & point.sought
    for fact, least, most in kept.ranges:
        measure = point.measures[fact]
        if measure is not None:
            refused = refused or (least is not None and measure < least) or (most is not None and measure > most)
    return UNMET if refused else UNKNOWN if kept.asks & point.unknown else MET


def in_cell(row: Row, point: Point) -> bool:
    """Whether a search for the point comes to the row's cell."""
    here = row.area in point.areas or any(first <= row.area <= last for first, last in point.unsure_areas)
    return here and row.sector in point.sectors and row.instrument in point.instruments


def outside(kept: Alternative, point: Point) -> bool:
    """Whether the point is known to lie in none of the nodes of one of the places."""
    if point.position is None:
        return False
    return any(not any(first <= point.position <= last for first, last in stretches(nodes)) for nodes in kept.places)


def eq(fact: str, value: Any, op: str = "eq", code: str = "C", level: Level = Level.HARD) -> Criterion:
    return Criterion(code, fact, op, value, level)


def random_tree(random: Random) -> CriteriaTree:
    author = parse_author_tree({"schema_version": 1, "criteria": some_criteria(random)}, REGISTRY)
    columns = compile_columns(
        random.choice(["GBP", "GBP", "GBP", "EUR"]),
        random.choice([None, ["grant"], ["grant", "loan_unsecured"]]),
        random.choice([None, None, ["exploring", "set_up"]]),
        random.choice([None, None, 1, 1_000_000]),
        random.choice([None, None, 1_000_000]),
    )
    codes = count()
    wheres = []
    if random.random() < 0.5:
        fact, op = random.choice([("areas", "contains_any"), ("area_code", "in"), ("areas", "contains_none")])
        wheres.append(eq(fact, random.sample(AREAS, random.randint(1, 3)), op, f"A{next(codes)}"))
    if random.random() < 0.4:
        sectors = random.sample(codelists.slugs("service_sectors")[:5], random.randint(1, 3))
        wheres.append(eq("sector", sectors, random.choice(["in", "not_in"]), "S"))
    return CriteriaTree((*columns, *wheres, *author.criteria))


def random_facts(random: Random, known: float = 0.5) -> dict[str, Any]:
    """Facts as they are projected; now and then only a part of them, as they are shared."""
    ask = {
        "stage": random.choice(["exploring", "set_up", "launched"]),
        "currency": random.choice(["GBP"] * 5 + ["EUR"]),
        "instruments": random.choice([["grant"], ["loan_unsecured"], ["equity", "grant"]]),
        "amount": random.choice([1, 1_000_000, 31_500_000]),
    }
    answers = (
        some_facts(random)
        if known == 0.5
        else {
            slug: a_value(random, REGISTRY[slug])
            for slug, definition in REGISTRY.items()
            if not definition.derived and random.random() < known
        }
    )
    facts = derive(answers, ask, random.choice([None, "explore", "refused"]))
    if random.random() < 0.3:
        hidden = set(random.sample(sorted(REGISTRY), 12))
        hidden |= {"areas", "area_code"} if hidden & {"areas", "area_code"} else set()
        hidden |= {"sector", "sectors"} if hidden & {"sector", "sectors"} else set()
        facts = {slug: value for slug, value in facts.items() if slug not in hidden}
    return facts
