"""The facts registry: its own soundness, the checking of values, and what is derived from what."""

import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.reference import areas, codelists, facts
from marketplace.reference.facts import REGISTRY, InvalidFact, check_answer, check_value, derive, normalise

LEEDS = "E08000035"
DERIVED = sorted(slug for slug, definition in REGISTRY.items() if definition.derived)
ANSWERED = sorted(slug for slug, definition in REGISTRY.items() if not definition.derived)
A_DAY = replace(REGISTRY["route"], slug="started_on", type="date", codelist=None)


def an_ask(**changes: Any) -> dict[str, Any]:
    ask = {"amount": 8_000_00, "currency": "GBP", "stage": "exploring", "instruments": ["in_kind_support", "grant"]}
    return ask | changes


def pounds(amount: int) -> dict[str, Any]:
    return {"amount": amount * 100, "currency": "GBP"}


# The registry


@pytest.mark.parametrize("slug", REGISTRY)
def test_every_fact_is_sound(slug: str) -> None:
    definition = REGISTRY[slug]

    assert definition.type in facts.TYPES
    assert (definition.codelist is not None) == (definition.type in {"choice", "choices"})
    assert definition.codelist is None or definition.codelist in codelists.CODELISTS
    assert (definition.scale is not None) == (definition.type == "decimal")
    assert definition.question["en"].endswith("?")
    assert definition.visibility in codelists.slugs("fact_visibilities")
    assert definition.attested_by
    assert set(definition.attested_by) <= {"group", "employer", "verifier"}
    assert definition.changeable is None or definition.changeable.cost in {"none", "low", "medium", "high"}
    assert (definition.section is None) == definition.derived
    assert definition.derived or not (definition.follows or definition.derived_from)
    assert set(definition.derived_from) | set(definition.follows) <= set(REGISTRY)


def test_every_answered_fact_is_in_exactly_one_section() -> None:
    in_sections = [definition.slug for section in facts.SECTIONS for definition in facts.authored_in(section)]

    assert sorted(in_sections) == ANSWERED
    assert facts.SECTIONS == ("service", "people", "organisation", "finance", "rights")
    with pytest.raises(KeyError):
        facts.authored_in("secrets")


def test_confidential_facts_are_the_ones_that_would_give_a_group_away() -> None:
    confidential = {slug for slug, definition in REGISTRY.items() if definition.visibility == "confidential"}

    assert confidential == {
        *("area_code", "areas", "turnover", "mfa_received", "mfa_total_with_ask", "investment_sought"),
        *("annual_contract_value", "pension_arrangement", "staff_count", "cuts_threat", "contract_ends_on"),
    }


def test_a_derived_fact_that_gives_a_confidential_input_away_follows_it() -> None:
    follows = {slug: definition.follows for slug, definition in REGISTRY.items() if definition.follows}

    assert follows == {
        "mfa_total_with_ask": ("mfa_received",),
        "areas": ("area_code",),
        "sectors": ("sector",),
    }


def test_a_chain_is_shared_exactly_where_its_fact_is() -> None:
    """So that `within` is never told by a chain alone, and never silent about a fact that is shared."""
    chains = {slug: definition.chain for slug, definition in REGISTRY.items() if definition.chain}

    assert chains == {"area_code": "areas", "sector": "sectors"}
    assert {chain: REGISTRY[chain].follows for chain in chains.values()} == {
        chain: (slug,) for slug, chain in chains.items()
    }


def test_only_what_somebody_else_attests_can_be_more_than_declared() -> None:
    declared = {slug for slug, definition in REGISTRY.items() if not definition.assurable}

    assert declared == {
        *("ask", "ask_currency", "stage", "instruments_sought", "staff_publicly_employed"),
        *("investment_sought", "loan_share", "additionality"),
    }
    for definition in REGISTRY.values():
        if definition.derived_from:
            assert definition.assurable == any(REGISTRY[slug].assurable for slug in definition.derived_from)


def test_the_threat_of_cuts_and_additionality_may_be_weighed_and_never_decide() -> None:
    assert [slug for slug, definition in REGISTRY.items() if definition.never_hard] == [
        "cuts_threat",
        "additionality",
    ]


def test_no_slug_can_be_the_member_that_holds_the_levels() -> None:
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", slug) for slug in REGISTRY)


def test_every_cost_of_a_change_has_its_points() -> None:
    points = {entry["slug"]: entry["points"] for entry in codelists.CODELISTS["change_costs"]}

    assert points == {"none": 0, "low": 1, "medium": 3, "high": 9}
    assert {definition.changeable.cost for definition in REGISTRY.values() if definition.changeable} <= set(points)


def test_the_employer_alone_answers_for_its_consent() -> None:
    assert REGISTRY["employer_consent"].attested_by == ("employer",)
    assert REGISTRY["employer_consent"].derived


# Values


@pytest.mark.parametrize(
    ("slug", "value", "normal"),
    [
        ("staff_control", False, False),
        ("sector", "community_health", "community_health"),
        ("instruments_sought", ["in_kind_support", "grant"], ["grant", "in_kind_support"]),
        ("turnover", {"currency": "GBP", "amount": 0}, {"amount": 0, "currency": "GBP"}),
        ("turnover", {"amount": 10**15, "currency": "EUR"}, {"amount": 10**15, "currency": "EUR"}),
        ("years_trading", 0, 0),
        ("match_cash", 10_000, 10_000),
        ("payback_years", "0.26", "0.26"),
        ("payback_years", "1.20", "1.2"),
        ("payback_years", "3.00", "3"),
        ("area_code", LEEDS, LEEDS),
        ("area_code", "E07000153", "E06000061"),
        ("areas", [LEEDS, "E07000153", "E07000150"], [LEEDS, "E06000061"]),
        ("ask_currency", "EUR", "EUR"),
        ("sectors", ["health_and_care", "youth_services"], ["youth_services", "health_and_care"]),
    ],
)
def test_a_value_is_kept_in_its_one_normal_writing(slug: str, value: Any, normal: Any) -> None:
    assert check_value(slug, value) == normal


@pytest.mark.parametrize(
    ("slug", "value"),
    [
        pytest.param("staff_control", 1, id="one is not true"),
        pytest.param("staff_control", "true", id="a word is not true"),
        pytest.param("staff_control", None, id="null is no value"),
        pytest.param("years_trading", True, id="true is not one"),
        pytest.param("years_trading", 2.0, id="a float is not a whole number"),
        pytest.param("years_trading", "2", id="a string is not a number"),
        pytest.param("years_trading", -1, id="below zero"),
        pytest.param("years_trading", 10**15 + 1, id="beyond the largest"),
        pytest.param("match_cash", 10_001, id="more than the whole"),
        pytest.param("sector", "astrology", id="not in the codelist"),
        pytest.param("sector", ["youth_services"], id="a list for one choice"),
        pytest.param("sector", "youth_services\x00", id="a NUL"),
        pytest.param("instruments_sought", "grant", id="one choice for a list"),
        pytest.param("instruments_sought", [], id="an empty list"),
        pytest.param("instruments_sought", ["grant", "grant"], id="twice the same"),
        pytest.param("instruments_sought", ["grant", {}], id="not a slug"),
        pytest.param("turnover", 100, id="money without a currency"),
        pytest.param("turnover", {"amount": 100}, id="no currency"),
        pytest.param("turnover", {"amount": 100, "currency": "GBP", "note": ""}, id="an unknown member"),
        pytest.param("turnover", {"amount": 100, "currency": "DEM"}, id="a currency of the past"),
        pytest.param("turnover", {"amount": 100, "currency": ["GBP"]}, id="a list for a currency"),
        pytest.param("turnover", {"amount": 1.5, "currency": "GBP"}, id="half a penny"),
        pytest.param("turnover", {"amount": -1, "currency": "GBP"}, id="less than nothing"),
        pytest.param("turnover", {"amount": 10**15 + 1, "currency": "GBP"}, id="more than the largest amount"),
        pytest.param("payback_years", "0.265", id="three decimals"),
        pytest.param("payback_years", "1e3", id="an exponent"),
        pytest.param("payback_years", "-1", id="a negative decimal"),
        pytest.param("payback_years", "NaN", id="not a number"),
        pytest.param("payback_years", "01", id="a leading zero"),
        pytest.param("payback_years", "\u0661", id="digits of another script"),
        pytest.param("payback_years", 0.26, id="a float for a decimal"),
        pytest.param("area_code", "E99999999", id="no such area"),
        pytest.param("area_code", [LEEDS], id="a list for one area"),
        pytest.param("areas", LEEDS, id="one area for a list"),
        pytest.param("areas", [LEEDS, 7], id="not a code"),
        pytest.param("favourite_colour", "red", id="no such fact"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(slug: str, value: Any) -> None:
    with pytest.raises(InvalidFact) as refusal:
        check_value(slug, value)

    assert refusal.value.slug == slug
    assert refusal.value.detail


@pytest.mark.parametrize("day", ["1970-01-01", "2024-02-29", "2200-12-31"])
def test_a_day_of_the_calendar_is_kept(day: str) -> None:
    assert normalise(A_DAY, day) == day


@pytest.mark.parametrize("day", ["1969-12-31", "2201-01-01", "2023-02-29", "20240229", "2024-2-9", 0])
def test_a_day_that_is_not_in_the_calendar_or_its_bounds_is_refused(day: Any) -> None:
    with pytest.raises(InvalidFact):
        normalise(A_DAY, day)


@pytest.mark.parametrize("slug", DERIVED)
def test_nobody_can_answer_a_derived_fact(slug: str) -> None:
    with pytest.raises(InvalidFact, match="computed"):
        check_answer(slug, True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(REGISTRY)), JSON)
def test_any_json_is_either_refused_or_normal_after_one_check(slug: str, value: Any) -> None:
    try:
        normal = check_value(slug, value)
    except InvalidFact:
        return
    assert check_value(slug, normal) == normal


# Derived facts


@pytest.mark.parametrize(
    ("answers", "ask", "consent", "expected"),
    [
        pytest.param({}, None, None, {}, id="nothing is known of nothing"),
        pytest.param(
            {},
            an_ask(),
            None,
            {
                "ask": pounds(8_000),
                "ask_currency": "GBP",
                "stage": "exploring",
                "instruments_sought": ["grant", "in_kind_support"],
                "staff_publicly_employed": True,
            },
            id="the ask gives its money, stage and instruments",
        ),
        pytest.param(
            {"mfa_received": pounds(1)},
            {"amount": None, "currency": "GBP", "stage": "growth", "instruments": []},
            None,
            {
                "mfa_received": pounds(1),
                "ask_currency": "GBP",
                "stage": "growth",
                "staff_publicly_employed": False,
            },
            id="an ask without an amount leaves the total unknown",
        ),
        pytest.param(
            {"sector": "youth_services"},
            None,
            None,
            {"sectors": ["youth_services", "children_and_young_people"]},
            id="a sector and its group",
        ),
        pytest.param({"registration": "registered"}, None, None, {"incorporated": True}, id="registered"),
        pytest.param({"registration": "not_registered"}, None, None, {"incorporated": False}, id="not registered"),
        pytest.param({"legal_form": "cio"}, None, None, {"asset_lock": "statutory"}, id="a form with a lock"),
        pytest.param(
            {"legal_form": "community_benefit_society"},
            None,
            None,
            {"asset_lock": "optional_statutory"},
            id="a form that may have a lock keeps that answer",
        ),
        pytest.param({"legal_form": "la_controlled_company"}, None, None, {}, id="a form that does not decide"),
        pytest.param({}, None, "explore", {"employer_consent": True}, id="may explore"),
        pytest.param({}, None, "receive_funding", {"employer_consent": True}, id="may receive funding"),
        pytest.param({}, None, "refused", {"employer_consent": False}, id="refused"),
        pytest.param({}, None, "no_objection", {}, id="no objection is not consent"),
        pytest.param({"sector": None}, None, None, {}, id="null is unknown"),
        pytest.param(
            {"employer_consent": True, "stage": "set_up"}, None, None, {}, id="derived facts cannot be answered"
        ),
        pytest.param(
            {"area_code": "W06000015"},
            None,
            None,
            {
                "beneficiary_nation": "wales",
                "areas": ["W06000015", "W92000004", "K04000001", "K03000001", "K02000001"],
            },
            id="a Welsh area has a nation and no region",
        ),
        pytest.param(
            {"area_code": "E92000001", "lead_nation": "wales"},
            None,
            None,
            {"beneficiary_nation": "england", "areas": ["E92000001", "K04000001", "K03000001", "K02000001"]},
            id="an area in one nation decides the nation",
        ),
        pytest.param(
            {"area_code": "K02000001"},
            None,
            None,
            {"region": "uk_wide", "areas": ["K02000001"]},
            id="the nation of a UK-wide group is unknown until it says so",
        ),
        pytest.param(
            {"area_code": "K02000001", "lead_nation": "scotland"},
            None,
            None,
            {"beneficiary_nation": "scotland", "region": "uk_wide", "areas": ["K02000001"]},
            id="a UK-wide group names the nation of most of its people",
        ),
    ],
)
def test_derived_facts_follow_from_answers_ask_and_consent(
    answers: dict[str, Any], ask: dict[str, Any] | None, consent: str | None, expected: dict[str, Any]
) -> None:
    known_answers = {slug: value for slug, value in answers.items() if value is not None and slug in ANSWERED}

    assert derive(answers, ask, consent) == known_answers | expected


@pytest.mark.parametrize(
    ("received", "total"),
    [
        pytest.param(pounds(250_000), pounds(258_000), id="the sum"),
        pytest.param(pounds(0), pounds(8_000), id="nothing received is an answer"),
        pytest.param({"amount": 1, "currency": "EUR"}, None, id="currencies are never added"),
        pytest.param(None, None, id="unknown stays unknown"),
    ],
)
def test_the_subsidy_total_adds_the_ask_in_one_currency(received: Any, total: Any) -> None:
    assert derive({"mfa_received": received}, an_ask(), None).get("mfa_total_with_ask") == total


@given(st.sampled_from(sorted(code for code, area in areas.ALL.items() if area.is_live)))
def test_what_is_derived_from_an_area_agrees_with_the_areas_that_hold_it(code: str) -> None:
    derived = derive({"area_code": code}, None, None)
    nations = {entry["gss"]: entry["slug"] for entry in codelists.CODELISTS["nations"]}

    assert derived["areas"][0] == code
    assert [nations[held] for held in derived["areas"] if held in nations] == [
        nation for nation in [derived.get("beneficiary_nation")] if nation
    ]


@given(
    st.sampled_from(codelists.slugs("stages")),
    st.sampled_from([None, *codelists.slugs("legal_forms")]),
    st.sampled_from([None, *codelists.slugs("employer_consent_answers")]),
    st.sampled_from([None, *codelists.slugs("registration_states")]),
    st.sampled_from([None, *sorted(areas.ALL)]),
    st.integers(0, 10**14),
    st.sampled_from([None, *codelists.slugs("service_sectors")]),
)
def test_every_derived_value_is_one_that_the_registry_allows(
    stage: str,
    legal_form: str | None,
    consent: str | None,
    registration: str | None,
    area: str | None,
    received: int,
    sector: str | None,
) -> None:
    answers = {
        "sector": sector,
        "legal_form": legal_form,
        "registration": registration,
        "area_code": area and areas.live(area),
        "mfa_received": {"amount": received, "currency": "GBP"},
    }

    derived = derive(answers, an_ask(stage=stage), consent)

    assert {slug: check_value(slug, value) for slug, value in derived.items()} == derived


def test_reference_data_need_no_web_framework_and_no_database() -> None:
    modules = "marketplace.reference.facts, marketplace.reference.identifiers, marketplace.reference.parameters"
    lines = f"import sys, {modules}; print(*sorted({{'flask', 'sqlalchemy', 'babel'}} & set(sys.modules)))"

    answer = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == ""
