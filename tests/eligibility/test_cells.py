"""Rows and points say what the evaluator says, for every shape of criteria, and stay within their bounds."""

from collections import Counter
from random import Random
from typing import Any

import pytest

from marketplace.eligibility.cells import (
    ANY,
    CODE_NODES,
    INSTRUMENT_NODES,
    MOST_CELLS,
    MOST_ROWS,
    SECTOR_NODES,
    WITHIN_NODES,
    Alternative,
    Row,
    UnplaceableError,
    alternatives_of,
    point_of,
    rows_of,
    stretches,
)
from marketplace.eligibility.normal_form import TooManyAlternatives
from marketplace.eligibility.one_day import as_on
from marketplace.eligibility.rules import Result, evaluate
from marketplace.eligibility.tree import (
    AllOf,
    AnyOf,
    CriteriaTree,
    Not,
    read_tree,
)
from marketplace.reference import areas, codelists
from marketplace.reference.parameters import values_on
from marketplace.values.reasons import Outcome
from tests.eligibility.points import eq, in_cell, outside, random_facts, random_tree, standing
from tests.matching.markets import THE_DAY

LEEDS, YORKSHIRE, WALES = "E08000035", "E12000003", "W92000004"
PARAMETERS = values_on(THE_DAY)
BEST = [Outcome.UNMET, Outcome.UNKNOWN, Outcome.MET]
RESULTS = {
    Outcome.MET: Result.ELIGIBLE,
    Outcome.UNKNOWN: Result.NEEDS_INFORMATION,
    Outcome.UNMET: Result.INELIGIBLE,
}


def a_tree(*criteria: Any) -> CriteriaTree:
    return CriteriaTree(criteria)


def left_over(kept: Alternative, facts: dict[str, Any]) -> Outcome:
    if kept.residual is None:
        return Outcome.MET
    rest = read_tree({"schema_version": 1, "criteria": [kept.residual]})
    told = {result: outcome for outcome, result in RESULTS.items()}
    return told[evaluate(rest, facts, parameters=PARAMETERS).result]


def worst(*outcomes: Outcome) -> Outcome:
    return min(outcomes, key=BEST.index)


def by_cells(rows: tuple[Row, ...], facts: dict[str, Any]) -> Result:
    """What a search through the rows comes to."""
    point = point_of(facts)
    found = [
        worst(standing(row.alternative, point), left_over(row.alternative, facts))
        for row in rows
        if in_cell(row, point)
    ]
    return RESULTS[max(found, key=BEST.index, default=Outcome.UNMET)]


def by_rule(rules: tuple[Alternative, ...], facts: dict[str, Any]) -> Result:
    """What a rule comes to that looks for points, the employer's consent looked up by itself."""
    point = point_of({slug: value for slug, value in facts.items() if slug != "employer_consent"})
    found = [
        Outcome.UNMET if outside(kept, point) else worst(standing(kept, point), left_over(kept, facts))
        for kept in rules
    ]
    return RESULTS[max(found, key=BEST.index, default=Outcome.UNMET)]


@pytest.mark.parametrize(
    ("trees", "groups"),
    [
        pytest.param(50, 40, id="2000 pairs"),
        pytest.param(100, 100, id="10,000 pairs", marks=pytest.mark.slow),
        pytest.param(500, 200, id="100,000 pairs", marks=pytest.mark.soak),
    ],
)
def test_rows_and_rules_say_what_the_evaluator_says(trees: int, groups: int) -> None:
    random = Random(1711)
    drawn = [random_tree(random) for _ in range(trees)]
    known = [random_facts(random, random.choice([0.5, 0.9])) for _ in range(groups)]
    results: Counter[Result] = Counter()

    differences = []
    for tree in drawn:
        rows = rows_of(tree)
        rules = alternatives_of(as_on(tree, PARAMETERS), without=frozenset({"employer_consent"}))
        for facts in known:
            told = evaluate(tree, facts, parameters=PARAMETERS).result
            results[told] += 1
            if (by_cells(rows, facts), by_rule(rules, facts)) != (told, told):
                differences.append((tree, facts, told, rows, rules))

    assert differences[:1] == []
    assert set(results) == set(Result)


@pytest.mark.parametrize(
    ("tree", "areas_", "sectors"),
    [
        pytest.param(a_tree(), {ANY}, {ANY}, id="nothing asked: one cell of all"),
        pytest.param(
            a_tree(eq("areas", [LEEDS, WALES], "contains_any")),
            {WITHIN_NODES[LEEDS], WITHIN_NODES[WALES]},
            {ANY},
            id="two areas",
        ),
        pytest.param(a_tree(eq("area_code", LEEDS)), {CODE_NODES[LEEDS]}, {ANY}, id="an area's own code"),
        pytest.param(
            a_tree(eq("sector", ["libraries_archives", "leisure_sport"], "in")),
            {ANY},
            {SECTOR_NODES["libraries_archives"], SECTOR_NODES["leisure_sport"]},
            id="two sectors",
        ),
        pytest.param(a_tree(eq("sector", "libraries_archives", "ne")), {ANY}, {ANY}, id="all but one sector"),
        pytest.param(
            a_tree(Not(eq("areas", [LEEDS], "contains_any"))), {ANY}, {ANY}, id="anywhere but there is for the residual"
        ),
    ],
)
def test_criteria_lie_in_the_cells_of_what_they_name(tree: CriteriaTree, areas_: set[int], sectors: set[int]) -> None:
    rows = rows_of(tree)

    assert {row.area for row in rows} == areas_
    assert {row.sector for row in rows} == sectors


def many_areas(number: int) -> list[str]:
    return sorted(code for code, area in areas.ALL.items() if area.kind == "district" and area.is_live)[:number]


def test_forty_areas_of_seven_sectors_are_kept_by_their_areas_alone() -> None:
    half = list(codelists.slugs("service_sectors")[:7])
    tree = a_tree(eq("areas", many_areas(40), "contains_any"), eq("sector", half, "in", "S"))

    rows = rows_of(tree)

    assert len(rows) == 40 < MOST_CELLS < 40 * 7
    assert {row.sector for row in rows} == {ANY}


def test_forty_areas_of_all_fourteen_sectors_make_forty_rows() -> None:
    every = list(codelists.slugs("service_sectors"))

    rows = rows_of(a_tree(eq("areas", many_areas(40), "contains_any"), eq("sector", every, "in", "S")))

    assert len(rows) == 40


def test_a_rule_of_two_hundred_branches_has_a_row_for_each() -> None:
    ways = [eq("area_code", code, code=f"C{at}") for at, code in enumerate(many_areas(199))]

    assert len(rows_of(a_tree(AnyOf(tuple(ways))))) == 199


def test_many_branches_of_many_areas_are_kept_in_the_cell_of_all() -> None:
    codes = many_areas(150)
    ways = [
        AllOf((eq("areas", codes[at:], "contains_any", f"A{at}"), eq("years_trading", at, "gte", f"Y{at}")))
        for at in range(60)
    ]

    rows = rows_of(a_tree(AnyOf(tuple(ways))))

    assert len(rows) == 60 <= MOST_ROWS
    assert {(row.area, row.sector) for row in rows} == {(ANY, ANY)}


def test_wanted_instruments_have_a_cell_each_unless_there_are_too_many_cells() -> None:
    wanted = eq("instruments_sought", ["grant", "loan_unsecured"], "contains_any", "I")
    half = eq("sector", list(codelists.slugs("service_sectors")[:7]), "in", "S")
    few, many = (eq("areas", many_areas(number), "contains_any", "A") for number in (2, 30))

    assert {row.instrument for row in rows_of(a_tree(wanted))} == {INSTRUMENT_NODES[slug] for slug in wanted.value}
    assert len(rows_of(a_tree(wanted, half, few))) == 2 * 7 * 2
    assert {row.instrument for row in rows_of(a_tree(wanted, half, many))} == {ANY}
    assert point_of({}).instruments == (ANY, *INSTRUMENT_NODES.values())
    assert point_of({"instruments_sought": ["grant"]}).instruments == (ANY, INSTRUMENT_NODES["grant"])


def test_criteria_with_too_many_alternatives_have_no_rows() -> None:
    pairs = [
        AnyOf((eq("years_trading", at, "gte", f"Y{at}"), eq("staff_count", at, "gte", f"S{at}"))) for at in range(12)
    ]

    with pytest.raises(TooManyAlternatives):
        rows_of(a_tree(*pairs))


@pytest.mark.parametrize("code", [LEEDS, YORKSHIRE, WALES, "E92000001", "K02000001", "E47000004"])
def test_the_stretches_of_an_area_hold_exactly_what_lies_in_it(code: str) -> None:
    held = stretches((WITHIN_NODES[code],))

    within = {
        each
        for each in areas.ALL
        if any(first <= areas.position(each) <= last for first, last in held) and areas.ALL[each].is_live
    }

    assert within == {
        each for each, area in areas.ALL.items() if area.is_live and code in (each, *areas.ancestors(each))
    }


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"area_code": LEEDS}, id="an area without what holds it"),
        pytest.param({"areas": [LEEDS]}, id="what holds an area that is not told"),
        pytest.param({"area_code": LEEDS, "areas": [LEEDS, WALES]}, id="Leeds in Wales"),
        pytest.param({"legal_form": "guild"}, id="a slug that is none"),
        pytest.param({"social_enterprise": "yes"}, id="a word for yes"),
        pytest.param({"staff_count": "many"}, id="a word for a number"),
        pytest.param({"ask": {"amount": "1", "currency": "GBP"}}, id="an amount in words"),
        pytest.param({"payback_years": "2.755"}, id="more decimals than the registry keeps"),
        pytest.param({"instruments_sought": "grant"}, id="a slug for a list"),
    ],
)
def test_facts_that_are_not_as_the_registry_writes_them_have_no_point(facts: dict[str, Any]) -> None:
    with pytest.raises(UnplaceableError):
        point_of(facts)
