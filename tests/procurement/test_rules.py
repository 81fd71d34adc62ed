"""Checks of procurement law: the statute's constructed cases, edges of days and shares, and what stays unknown."""

import json
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.procurement.rules import CHECKS, Checked, Situation, procurement_checks, situation_of, years_before
from marketplace.reference import codelists
from marketplace.reference.parameters import figures_on
from marketplace.values.reasons import Outcome

DAY = date(2026, 11, 23)
EXAMPLE = json.loads(Path(__file__).with_name("worked_s33.json").read_text())["examples"][0]
TAKEN_FOR_GRANTED = Situation(nation="england", health_care=False, public_service_purpose=True)
"""What the example does not speak of."""
HISTORICAL = date(2020, 5, 1)
FULL = replace(
    TAKEN_FOR_GRANTED,
    authority="sub_central",
    contract_value={"amount": 100_000_00, "currency": "GBP"},
    term_months=36,
    light_touch=True,
    reservable=True,
    profits="not_for_profit",
    employee_control=True,
    comparable_contract=False,
    employment_purpose=True,
    supported_workforce_bp=3000,
    authority_control=True,
    others_influence=False,
    activity_for_authority_bp=8001,
    private_capital=False,
)
"""Everything known, and every check of the present law met."""


def checked(slug: str, known: Situation, day: date = DAY) -> Checked:
    (one,) = procurement_checks(known, day, figures_on(day), [slug])
    return one


def failing(one: Checked) -> list[str]:
    return [each.reason.code.lower() for each in one.conditions if each.reason.outcome is Outcome.UNMET]


def months_before(day: date, months: int) -> date:
    years, months = divmod(day.year * 12 + day.month - 1 - months, 12)
    return day.replace(year=years, month=months + 1)


def of_the_example(given_: dict[str, Any]) -> Situation:
    since = given_["months_since_comparable"]
    return replace(
        TAKEN_FOR_GRANTED,
        reservable=given_["light_touch_reservable"],
        term_months=int(float(given_["term_years"]) * 12),
        employee_control=given_["employee_control"],
        profits=given_["profit"],
        comparable_contract=since is not None,
        comparable_contract_on=None if since is None else months_before(DAY, since),
    )


@pytest.mark.parametrize("case", range(6))
def test_s33_each_case_of_the_reserved_contract_test(case: int) -> None:
    one = checked("reserved_s33", of_the_example(EXAMPLE["inputs"][case]))

    assert (one.outcome is Outcome.MET) == EXAMPLE["expected"]["qualifies"][case]
    assert failing(one) == EXAMPLE["expected"]["reasons"][case]
    assert all(each.law and each.section for each in one.conditions)


def test_with_everything_in_its_favour_every_check_of_the_present_law_is_met() -> None:
    told = {each.slug: each.outcome for each in procurement_checks(FULL, DAY, figures_on(DAY))}

    past = {"reserved_reg77", "vertical_reg12"}
    assert told == {slug: Outcome.UNMET if slug in past else Outcome.MET for slug in CHECKS}


@pytest.mark.parametrize("slug", ["reserved_reg77", "vertical_reg12"])
@pytest.mark.parametrize(
    ("day", "outcome"),
    [
        (date(2015, 2, 25), Outcome.UNMET),
        (date(2015, 2, 26), Outcome.MET),
        (date(2025, 2, 23), Outcome.MET),
        (date(2025, 2, 24), Outcome.UNMET),
    ],
)
def test_the_regulations_of_2015_are_judged_within_their_days(slug: str, day: date, outcome: Outcome) -> None:
    one = checked(slug, FULL, day)

    assert one.outcome is outcome
    assert ("not_in_force" in failing(one)) == (outcome is Outcome.UNMET)


def test_the_act_of_2023_is_not_judged_before_its_first_day() -> None:
    assert failing(checked("reserved_s33", FULL, date(2025, 2, 23))) == ["not_in_force"]
    assert checked("reserved_s33", FULL, date(2025, 2, 24)).outcome is Outcome.MET


@pytest.mark.parametrize(("slug", "day", "most"), [("reserved_s33", DAY, 60), ("reserved_reg77", HISTORICAL, 36)])
def test_a_reserved_contract_may_last_as_long_as_the_law_says_and_no_month_longer(
    slug: str, day: date, most: int
) -> None:
    assert checked(slug, replace(FULL, term_months=most), day).outcome is Outcome.MET
    assert failing(checked(slug, replace(FULL, term_months=most + 1), day)) == ["term"]


@pytest.mark.parametrize("slug", CHECKS)
def test_for_another_nation_a_check_says_that_it_does_not_cover_it(slug: str) -> None:
    entry = codelists.entry("procurement_checks", slug)
    day = date.fromisoformat(entry["from"])
    for nation in codelists.slugs("nations"):
        one = checked(slug, replace(FULL, nation=nation), day)
        if nation in entry["nations"]:
            assert one.conditions[0].reason.code == "NATION"
            assert len(one.conditions) > 1
        else:
            assert one.outcome is Outcome.UNKNOWN
            assert [each.reason.code for each in one.conditions] == ["NATION_NOT_COVERED"]
            assert one.conditions[0].reason.wanted == entry["nations"]


@pytest.mark.parametrize("slug", CHECKS)
def test_knowing_nothing_nothing_is_met_and_nothing_is_unmet(slug: str) -> None:
    day = date.fromisoformat(codelists.entry("procurement_checks", slug)["from"])

    one = checked(slug, Situation(), day)

    assert one.outcome is Outcome.UNKNOWN
    assert {each.reason.outcome for each in one.conditions} == {Outcome.UNKNOWN}


def test_a_comparable_contract_counts_for_three_years_that_end_with_the_day_of_the_award() -> None:
    def told(last: date) -> Outcome:
        return checked("reserved_s33", replace(FULL, comparable_contract=True, comparable_contract_on=last)).outcome

    assert told(date(2023, 11, 23)) is Outcome.MET
    assert told(date(2023, 11, 24)) is Outcome.UNMET
    assert told(DAY) is Outcome.UNMET
    assert years_before(date(2024, 2, 29), 3) == date(2021, 2, 28)


def test_a_comparable_contract_of_an_unknown_day_leaves_the_check_unknown() -> None:
    known = replace(FULL, comparable_contract=True)

    assert checked("reserved_s33", known).outcome is Outcome.UNKNOWN


def test_health_care_in_england_is_not_for_the_act() -> None:
    health = replace(FULL, health_care=True)

    assert failing(checked("reserved_s33", health)) == ["not_health_care"]
    assert failing(checked("light_touch_competition", health)) == ["not_health_care"]
    assert checked("reserved_s33", replace(health, nation="northern_ireland")).outcome is Outcome.MET


def test_a_mutual_that_its_staff_control_fails_the_vertical_test_at_control() -> None:
    own = replace(FULL, authority_control=False, others_influence=True)

    assert failing(checked("vertical_teckal", own)) == ["authority_control", "others_influence"]


@pytest.mark.parametrize(("slug", "day"), [("vertical_teckal", DAY), ("vertical_reg12", HISTORICAL)])
def test_a_controlled_person_does_more_than_four_fifths_for_its_controllers_without_private_capital(
    slug: str, day: date
) -> None:
    assert failing(checked(slug, replace(FULL, activity_for_authority_bp=8000), day)) == ["activities"]
    assert checked(slug, replace(FULL, activity_for_authority_bp=8001), day).outcome is Outcome.MET
    assert failing(checked(slug, replace(FULL, private_capital=True), day)) == ["private_capital"]


def test_thirty_per_cent_of_a_supported_workforce_are_enough() -> None:
    assert failing(checked("supported_employment_s32", replace(FULL, supported_workforce_bp=2999))) == [
        "supported_workforce"
    ]
    assert checked("supported_employment_s32", FULL).outcome is Outcome.MET


@pytest.mark.parametrize(
    ("day", "authority", "light_touch", "threshold"),
    [
        (date(2025, 12, 31), "sub_central", False, 214_904_00),
        (date(2026, 1, 1), "sub_central", False, 207_720_00),
        (date(2026, 1, 1), "central_government", False, 135_018_00),
        (date(2026, 1, 1), "central_government", True, 663_540_00),
    ],
)
def test_a_contract_is_below_the_threshold_of_its_day_by_a_penny(
    day: date, authority: str, light_touch: bool, threshold: int
) -> None:
    def told(amount: int) -> Outcome:
        value = {"amount": amount, "currency": "GBP"}
        known = replace(FULL, authority=authority, light_touch=light_touch, contract_value=value)
        return checked("direct_award_below_threshold", known, day).outcome

    assert told(threshold - 1) is Outcome.MET
    assert told(threshold) is Outcome.UNMET


def test_without_the_kind_of_service_a_value_decides_only_where_every_threshold_agrees() -> None:
    def told(amount: int, **known: Any) -> Outcome:
        value = {"amount": amount, "currency": "GBP"}
        return checked("direct_award_below_threshold", Situation("england", contract_value=value, **known)).outcome

    assert told(135_017_99) is Outcome.MET
    assert told(135_018_00) is Outcome.UNKNOWN
    assert told(663_540_00) is Outcome.UNMET


def test_a_value_in_another_currency_tells_nothing_of_a_threshold() -> None:
    known = replace(FULL, contract_value={"amount": 1, "currency": "EUR"})

    assert checked("direct_award_below_threshold", known).outcome is Outcome.UNKNOWN


KNOWN = st.fixed_dictionaries(
    {name: st.just(getattr(FULL, name)) | st.none() for name in (each.name for each in fields(Situation))}
)


@given(facts=KNOWN, day=st.dates(date(2014, 1, 1), date(2030, 1, 1)))
def test_forgetting_a_fact_never_turns_an_outcome_into_its_opposite(facts: dict[str, Any], day: date) -> None:
    whole = procurement_checks(FULL, day, figures_on(day))
    less = procurement_checks(Situation(**facts), day, figures_on(day))

    for known, forgotten in zip(whole, less, strict=True):
        assert forgotten.outcome in {known.outcome, Outcome.UNKNOWN}


def test_a_proposals_facts_tell_only_what_they_surely_mean() -> None:
    told = situation_of(
        {
            "sector": "libraries_archives",
            "beneficiary_nation": "england",
            "legal_form": "cic_limited_by_guarantee",
            "staff_control": True,
            "delivers_public_service": True,
            "parent_kind": "local_authority",
        },
        {"term_months": 36, "contract_value": {"amount": 1, "currency": "GBP"}},
    )

    assert checked("light_touch_competition", told).outcome is Outcome.MET
    assert checked("reserved_s33", told).outcome is Outcome.UNKNOWN
    assert [
        each.reason.code for each in checked("reserved_s33", told).conditions if each.reason.outcome is not Outcome.MET
    ] == ["COMPARABLE_CONTRACT"]
    assert situation_of({"sector": "arts_culture", "legal_form": "company_limited_by_shares"}) == Situation(
        health_care=False
    )
    assert situation_of({"sector": "community_health"}).health_care is None
