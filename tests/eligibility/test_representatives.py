"""The values of a fact that stand for all others: no combination of outcomes is missed, and each is valid."""

import operator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.eligibility.representatives import months_from, outcomes_of, representative_values, telling_values
from marketplace.eligibility.tree import COMPARISONS, OPS_BY_TYPE, Criterion, Takes
from marketplace.reference import areas, codelists
from marketplace.reference.facts import REGISTRY, check_value, derive
from marketplace.reference.parameters import values_on

PARAMETERS = values_on(date(2026, 11, 22))
LIVE = sorted(code for code, area in areas.ALL.items() if area.is_live)
CLOSE = ["E92000001", "E12000007", "E12000003", "E09000001", "E08000035", "W92000004", "K02000001"]
FACTS = sorted(REGISTRY)
GROUPS = ["health_and_care", "culture_and_leisure", "youth_services", "mental_health"]


def wild(slug: str, *, near: bool) -> st.SearchStrategy[Any]:
    """Any value of the fact; `near`: values that often fall on one another."""
    definition = REGISTRY[slug]
    small = st.integers(0, 6)
    match definition.type:
        case "boolean":
            return st.booleans()
        case "choice":
            slugs = codelists.slugs(definition.codelist or "")
            return st.sampled_from(slugs[:4] if near and len(slugs) > 20 else slugs)
        case "choices" | "areas" if definition.derived_from:
            [source] = definition.derived_from
            chains = (derive({source: each}, None, None)[slug] for each in _sources(source))
            return st.sampled_from(list(chains))
        case "choices":
            return st.lists(st.sampled_from(codelists.slugs(definition.codelist or "")), min_size=1, unique=True)
        case "area":
            return st.sampled_from(CLOSE if near else LIVE)
        case "money":
            amounts = small if near else st.one_of(small, st.integers(0, 10**15))
            currencies = st.sampled_from(["GBP", "EUR", "USD"])
            return st.builds(lambda amount, currency: {"amount": amount, "currency": currency}, amounts, currencies)
        case "percentage":
            return small if near else st.integers(0, 10_000)
        case "integer":
            return small if near else st.integers(0, 10**15)
        case "decimal":
            return st.sampled_from(["0", "0.01", "0.02", "0.5", "1", "1.01", "99"])
        case "date":
            close = st.sampled_from([date(2025, 11, 22), date(2026, 8, 22), date(2026, 11, 22), date(2027, 2, 22)])
            turns = st.integers(-1, 1).map(lambda turn: timedelta(days=turn))
            days = st.builds(operator.add, close, turns) if near else st.dates(date(1970, 1, 1), date(2200, 12, 31))
            return days.map(date.isoformat)
    raise LookupError(slug)


def _sources(source: str) -> list[str]:
    definition = REGISTRY[source]
    return LIVE if definition.type == "area" else list(codelists.slugs(definition.codelist or ""))


def item_of(slug: str) -> st.SearchStrategy[Any]:
    if REGISTRY[slug].type == "areas":
        return st.sampled_from(CLOSE)
    if slug == "sectors":
        return st.sampled_from(GROUPS)
    if REGISTRY[slug].type == "choices":
        return st.sampled_from(codelists.slugs(REGISTRY[slug].codelist or ""))
    return wild(slug, near=True)


@st.composite
def criteria_about(draw: st.DrawFn, slug: str) -> list[Criterion]:
    made = []
    definition = REGISTRY[slug]
    ops = sorted(OPS_BY_TYPE[definition.type] | ({"within"} if definition.chain else set()))
    one = item_of(slug)
    for place in range(draw(st.integers(0, 5))):
        op = draw(st.sampled_from(ops))
        match COMPARISONS[op].takes:
            case Takes.TRUE:
                value: Any = True
            case Takes.MONTHS:
                value = draw(st.sampled_from([0, 1, 3, 12, 1200]))
            case Takes.LINKS:
                value = draw(st.lists(st.sampled_from(CLOSE if slug == "area_code" else GROUPS), min_size=1))
            case Takes.RANGE:
                value = [draw(one), draw(one)]
            case Takes.LIST:
                value = draw(st.lists(one, min_size=1, max_size=5))
            case _:
                value = draw(one)
                if slug == "mfa_total_with_ask" and draw(st.booleans()):
                    value = {"parameter": "mfa_limit"}
        chain = definition.chain if op == "within" else None
        made.append(Criterion(f"C{place}", slug, op, value, chain=chain))
    return made


@given(st.data())
def test_every_combination_that_some_value_gives_is_given_by_a_representative(data: st.DataObject) -> None:
    slug = data.draw(st.sampled_from(FACTS))
    criteria = data.draw(criteria_about(slug))
    value = check_value(slug, data.draw(st.one_of(wild(slug, near=True), wild(slug, near=False))))
    definition = REGISTRY[slug]
    chosen = representative_values(definition, criteria, PARAMETERS)
    told = [outcomes_of(definition, each, criteria, PARAMETERS) for each in chosen]
    assert outcomes_of(definition, value, criteria, PARAMETERS) in told
    assert len(set(told)) == len(told)


@given(st.data())
def test_every_representative_is_a_value_in_its_one_normal_writing(data: st.DataObject) -> None:
    slug = data.draw(st.sampled_from(FACTS))
    criteria = data.draw(criteria_about(slug))
    chosen = telling_values(REGISTRY[slug], criteria, PARAMETERS)
    assert chosen
    assert [check_value(slug, each) for each in chosen] == chosen


def test_a_decimal_steps_by_its_own_scale() -> None:
    asked = [Criterion("SOON", "payback_years", "lte", "5")]
    assert telling_values(REGISTRY["payback_years"], asked, PARAMETERS) == ["0", "4.99", "5", "5.01"]


def test_amounts_stand_in_each_currency_named_and_in_one_other() -> None:
    asked = [Criterion("BIG", "turnover", "gte", {"amount": 5, "currency": "EUR"})]
    chosen = telling_values(REGISTRY["turnover"], asked, PARAMETERS)
    assert [(each["amount"], each["currency"]) for each in chosen] == [
        (0, "EUR"), (4, "EUR"), (5, "EUR"), (6, "EUR"), (0, "GBP"),
    ]  # fmt: skip


def test_no_more_lists_are_made_than_the_criteria_can_tell_apart() -> None:
    every = list(codelists.slugs("instruments"))
    asked = [Criterion("ALL", "instruments_sought", "contains_all", every)]
    assert len(representative_values(REGISTRY["instruments_sought"], asked, PARAMETERS)) == 2


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2024, 3, 31), -1, date(2024, 2, 29)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
    ],
)
def test_months_are_counted_to_the_same_day_or_the_months_last(day: date, months: int, expected: date) -> None:
    assert months_from(day, months) == expected
