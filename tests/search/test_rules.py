"""What may be looked for: orders, places, facts, and how counts are told."""

from typing import Any

import pytest

from marketplace.reference import areas
from marketplace.reference.facts import REGISTRY, InvalidFact
from marketplace.search.rules import (
    MOST_FILTERS,
    SearchFaults,
    SortKey,
    answers_in,
    fact_filters,
    facts_of_place,
    order_of,
    place_coded,
    place_named,
    refuse_many,
    within,
)
from marketplace.values.counts import FEW, SOME, exact_counts, guarded_counts

LEEDS, YORKSHIRE, ENGLAND, UK = "E08000035", "E12000003", "E92000001", "K02000001"


def detail(refusal: pytest.ExceptionInfo[SearchFaults]) -> tuple[str, str]:
    (error,) = refusal.value.facts["errors"]
    return error["parameter"], error["detail"]


@pytest.mark.parametrize(
    ("written", "by_words", "order"),
    [
        pytest.param(None, False, [], id="the id alone: the newest first"),
        pytest.param(None, True, [SortKey("relevance", False)], id="the nearest first where words are looked for"),
        pytest.param(["-closes_on", "title"], True, [SortKey("closes_on", True), SortKey("title", False)], id="asked"),
    ],
)
def test_an_order_is_what_was_asked_for_or_what_helps_most(
    written: list[str] | None, by_words: bool, order: list[SortKey]
) -> None:
    assert order_of(written, by_words=by_words) == tuple(order)


@pytest.mark.parametrize("written", [["title", "-title"], ["relevance"]])
def test_an_order_names_a_key_once_and_is_by_relevance_only_to_words(written: list[str]) -> None:
    with pytest.raises(SearchFaults) as refusal:
        order_of(written, by_words=False)

    assert detail(refusal)[0] == "sort"


def test_there_is_a_most_of_filters() -> None:
    refuse_many(f"fact.{number}" for number in range(MOST_FILTERS))
    with pytest.raises(SearchFaults):
        refuse_many(f"fact.{number}" for number in range(MOST_FILTERS + 1))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Leeds", LEEDS),
        ("leeds", LEEDS),
        ("Yorkshire and The Humber", YORKSHIRE),
        ("Cymru", "W92000004"),
        ("Caerdydd", None),
        ("Wakef", "E08000036"),
    ],
)
def test_a_place_is_named_in_full_or_so_far_that_only_one_is_meant(name: str, code: str | None) -> None:
    if code is None:
        with pytest.raises(SearchFaults, match="errors"):
            place_named(name)
    else:
        assert place_named(name).code == code


def test_an_ambiguous_place_is_refused_with_those_that_may_be_meant() -> None:
    with pytest.raises(SearchFaults) as refusal:
        place_named("West Midlands")

    parameter, words = detail(refusal)
    assert parameter == "place"
    assert "West Midlands (region, E12000005)" in words
    assert "West Midlands (combined authority, E47000007)" in words or "(county, E11000005)" in words


def test_a_dead_code_leads_to_the_area_that_replaced_it() -> None:
    dead = next(area for area in areas.ALL.values() if not area.is_live)

    assert place_coded(dead.code).code == dead.live_code
    with pytest.raises(SearchFaults):
        place_coded("E99999999")


@pytest.mark.parametrize(
    ("code", "regions", "nations"),
    [
        pytest.param(LEEDS, 0, 0, id="a district holds no region"),
        pytest.param(YORKSHIRE, 1, 0, id="a region is itself"),
        pytest.param(ENGLAND, 9, 1, id="a nation holds its regions"),
        pytest.param(UK, 10, 4, id="the whole kingdom holds everything"),
    ],
)
def test_an_area_is_found_by_the_regions_and_nations_in_it(code: str, regions: int, nations: int) -> None:
    place = within(areas.area(code))

    assert (len(place.regions), len(place.nations)) == (regions, nations)


def test_what_is_known_of_a_place_is_what_would_be_known_of_a_group_there() -> None:
    facts = facts_of_place(areas.area(LEEDS))

    assert facts["region"] == "yorkshire_humber"
    assert facts["beneficiary_nation"] == "england"
    assert {LEEDS, YORKSHIRE, ENGLAND, UK} <= set(facts["areas"])


@pytest.mark.parametrize(
    ("slug", "texts", "values"),
    [
        ("staff_count", ["40"], (40,)),
        ("cuts_threat", ["true", "false"], (True, False)),
        ("sector", ["youth_services"], ("youth_services",)),
        ("payback_years", ["2.50"], ("2.5",)),
        ("instruments_sought", ["grant", "equity"], ("grant", "equity")),
        ("areas", [LEEDS], (LEEDS,)),
        ("turnover", [{"amount": 5, "currency": "GBP"}], ({"amount": 5, "currency": "GBP"},)),
    ],
)
def test_the_answers_in_a_query_are_read_as_the_registry_writes_them(
    slug: str, texts: list[Any], values: tuple[Any, ...]
) -> None:
    assert answers_in(REGISTRY[slug], texts) == values


@pytest.mark.parametrize(
    ("slug", "text"),
    [("staff_count", "forty"), ("staff_count", "-1"), ("cuts_threat", "yes"), ("sector", "no"), ("areas", "E1")],
)
def test_an_answer_that_a_fact_cannot_have_is_refused(slug: str, text: str) -> None:
    with pytest.raises(InvalidFact):
        answers_in(REGISTRY[slug], [text])


def test_the_facts_asked_for_are_read_out_of_a_query() -> None:
    asked = fact_filters({"fact.staff_count.gte": (40,), "fact.sector": ("youth_services",), "stage": ["set_up"]})

    assert [(each.slug, each.op, each.values) for each in asked] == [
        ("staff_count", "gte", (40,)),
        ("sector", "eq", ("youth_services",)),
    ]


def test_a_small_count_is_not_told_nor_what_it_could_be_worked_out_from() -> None:
    five = {"at_least": 5, "at_most": 9}
    assert guarded_counts({"a": 7, "b": 5}) == {"a": five, "b": five}
    assert exact_counts({"a": 7, "b": 5}) == {"a": {"count": 7}, "b": {"count": 5}}
    assert guarded_counts({"a": 60, "b": 4, "c": 0}) == {"a": SOME, "b": FEW, "c": FEW}
