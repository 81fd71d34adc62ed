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
    assert parameters.figures_on(day) == in_force
    assert parameters.values_on(day) == {**in_force, "as_of": day.isoformat()}


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
