"""Dated legal parameters."""

from datetime import date

import pytest

from marketplace.reference import facts, parameters

LIMIT = {"amount": 315_000_00, "currency": "GBP"}
SPEI = {"amount": 725_000_00, "currency": "GBP"}


@pytest.mark.parametrize(
    ("day", "mfa", "spei"),
    [
        pytest.param(date(2023, 1, 3), None, None, id="the day before the law began"),
        pytest.param(date(2023, 1, 4), LIMIT, SPEI, id="the first day"),
        pytest.param(date(2026, 11, 22), LIMIT, SPEI, id="years later"),
    ],
)
def test_the_limits_of_the_subsidy_control_act_hold_from_its_first_day(day: date, mfa: object, spei: object) -> None:
    in_force = {} if mfa is None else {"mfa_limit": mfa, "spei_limit": spei}

    assert parameters.value_on("mfa_limit", day) == mfa
    assert parameters.value_on("spei_limit", day) == spei
    figures = parameters.figures_on(day)
    assert {name: figures.get(name) for name in in_force} == in_force
    amounts = {name: value for name, value in figures.items() if name in parameters.amounts()}
    assert parameters.values_on(day) == {**amounts, "as_of": day.isoformat()}


def test_criteria_are_told_amounts_and_no_rates() -> None:
    day = date(2026, 11, 22)

    assert parameters.figures_on(day)["discount_rate"] == 350
    assert parameters.values_on(day).keys() == parameters.amounts() | {parameters.AS_OF}
    assert "discount_rate" not in parameters.amounts()


@pytest.mark.parametrize(
    ("name", "day", "value"),
    [
        ("discount_rate", date(2003, 3, 31), None),
        ("discount_rate", date(2003, 4, 1), 350),
        ("health_discount_rate", date(2018, 3, 31), None),
        ("health_discount_rate", date(2018, 4, 1), 150),
        ("social_value_weighting_minimum", date(2020, 12, 31), None),
        ("social_value_weighting_minimum", date(2021, 1, 1), 1000),
        ("social_value_weighting_minimum", date(2026, 11, 22), 1000),
    ],
)
def test_rates_and_weightings_of_social_value_hold_from_their_day(name: str, day: date, value: int | None) -> None:
    assert parameters.value_on(name, day) == value


def test_no_parameter_has_the_name_of_the_day() -> None:
    assert parameters.AS_OF not in parameters.PARAMETERS


def test_an_unknown_parameter_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        parameters.value_on("vat_rate", date(2026, 1, 1))


def test_a_reader_who_changes_a_value_changes_only_its_own() -> None:
    parameters.value_on("mfa_limit", date(2026, 1, 1))["amount"] = 0

    assert parameters.value_on("mfa_limit", date(2026, 1, 1)) == LIMIT


@pytest.mark.parametrize("name", parameters.PARAMETERS)
def test_every_parameter_names_its_law_and_has_values_of_a_type_that_facts_have(name: str) -> None:
    parameter = parameters.PARAMETERS[name]

    assert parameter.law
    assert parameter.source.startswith("https://")
    assert parameter.type in facts.TYPES
    assert [first_day for first_day, _ in parameter.values] == sorted({first_day for first_day, _ in parameter.values})
