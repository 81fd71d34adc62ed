"""The calculators that anyone may use: right to the penny, bounded, and keeping nothing."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.instruments.oracles import basis_points, expected, given, pence

LOAN = {"principal": {"amount": 1_000_00, "currency": "GBP"}, "rate_bp": 750, "months": 12, "starts_on": "2026-01-31"}


def test_blended_thrive_over_http(client: FlaskClient) -> None:
    told, wanted = given("blended-thrive"), expected("blended-thrive")
    body = {
        "principal": {"amount": pence(wanted["loan"]), "currency": "GBP"},
        "grant": {"amount": pence(wanted["grant"]), "currency": "GBP"},
        "rate_bp": basis_points(told["rate"]),
        "months": told["months"],
        "holiday_months": told["holiday"],
        "fee_bp": basis_points(told["fee"]),
        "starts_on": "2026-01-31",
    }
    answer = client.post("/v1/repayment-schedules", json=body)

    assert answer.status_code == 200, answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    told_back = answer.json
    assert (told_back["interest"], told_back["paid_in_all"]) == (
        pence(wanted["total_interest"]),
        pence(wanted["total_paid"]),
    )
    assert told_back["instalments"][-1]["payment"] == pence(wanted["last_payment"])
    rates = (float(told_back["effective_annual_rate"]), float(told_back["blended_effective_annual_rate"]))
    assert [f"{rate:.4f}" for rate in rates] == [
        wanted["loan_only_effective_annual"],
        wanted["blended_effective_annual"],
    ]


def test_xirr_microsoft_over_http(client: FlaskClient) -> None:
    flows = [{"on": day, "amount": pence(amount)} for day, amount in given("xirr-microsoft")["flows"]]
    answer = client.post("/v1/cash-flow-returns", json={"flows": flows})

    assert abs(float(answer.json["rate"]) - float(expected("xirr-microsoft")["xirr"])) < 1e-8
    assert answer.json["multiple"] == "1.3000"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"holiday_months": 12}, "#/holiday_months"),
        ({"holiday_months": 1, "in_advance": True}, "#/in_advance"),
        ({"months": 601}, "#/months"),
        ({"grant": {"amount": 5, "currency": "EUR"}}, "#/grant/currency"),
        ({"principal": {"amount": 10**15, "currency": "GBP"}}, "#/principal/amount"),
        ({"principal": {"amount": 0, "currency": "GBP"}}, "#/principal/amount"),
    ],
)
def test_terms_that_are_no_loan_name_the_place(client: FlaskClient, change: dict[str, Any], pointer: str) -> None:
    answer = client.post("/v1/repayment-schedules", json=LOAN | change)

    assert (answer.status_code, [each["pointer"] for each in answer.json["errors"]]) == (422, [pointer])


def test_a_loan_at_the_end_of_the_calendar_that_the_api_knows_still_has_its_days(client: FlaskClient) -> None:
    answer = client.post("/v1/repayment-schedules", json=LOAN | {"starts_on": "2200-12-31", "months": 600})

    assert answer.json["instalments"][-1]["due_on"] == "2250-12-31"


@pytest.mark.parametrize(
    ("amounts", "code", "rates"),
    [
        ((-100, -5, -5), "no-rate-of-return", None),
        ((-100_00, 230_00, -132_00), "several-rates-of-return", ["0.100000000", "0.200000000"]),
    ],
)
def test_flows_without_one_rate_are_told_so(
    client: FlaskClient, amounts: tuple[int, ...], code: str, rates: list[str] | None
) -> None:
    flows = [{"on": f"202{place + 5}-01-01", "amount": amount} for place, amount in enumerate(amounts)]
    answer = client.post("/v1/cash-flow-returns", json={"flows": flows})

    assert (answer.status_code, answer.json["code"], answer.json.get("rates")) == (422, code, rates)
