"""Vehicles simulated over HTTP: the worked examples by id, honest runways, and bad terms that name their place."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.instruments.oracles import basis_points, pence
from tests.vehicles.oracles import expected, given

POOL: dict[str, Any] = {"opening": 1_000_000_00, "planned": 300_000_00, "costs": 40_000_00, "floor": 50_000_00}
SUCCESS = POOL | {"success_bp": 5_000, "charge_bp": 12_000, "loss_bp": 1_000}
MATCH = POOL | {"employer_cash": 50_000_00, "yearly_saving": 100_000_00}
CONVERSION = POOL | {
    "award": 60_000_00,
    "drawn_on": "2013-04-01",
    "threshold": 800_000_00,
    "rate_bp": 150,
    "cap_multiple_bp": 15_000,
    "years_of_revenue": [{"ended_on": "2015-03-31", "revenue": 900_000_00}],
}
FACILITY = {"first_loss": 200_000_00, "mezzanine": 300_000_00, "senior": 500_000_00}
BODIES = {
    "success-repayable-pool": SUCCESS,
    "outcome-linked-conversion": CONVERSION,
    "employer-match": MATCH,
    "wholesale-facility": FACILITY,
}


def simulated(client: FlaskClient, kind: str, body: dict[str, Any]) -> Any:
    answer = client.post(f"/v1/vehicles/simulations/{kind}", json=body)
    assert answer.status_code == 200, answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json


def codes(told: Any) -> set[str]:
    return {each["code"] for each in told["warnings"]}


@pytest.mark.parametrize("name", ["pool-a-base", "pool-a-topup"])
def test_pool_a_base_and_pool_a_topup_over_http(client: FlaskClient, name: str) -> None:
    inputs = given(name)
    body = {
        "opening": pence(inputs["opening"]),
        "planned": pence(inputs["planned_awards"]),
        "costs": pence(inputs["opex"]),
        "floor": pence(inputs["floor"]),
        "topup": pence(inputs["topup_from_year_2"]),
        "success_bp": basis_points(inputs["success"]),
        "charge_bp": basis_points(inputs["charge"]),
        "loss_bp": basis_points(inputs["loss"]),
        "lag": inputs["lag_years"],
        "instalments": inputs["instalments"],
        "years": inputs["years"],
    }
    told = simulated(client, "success-repayable-pool", body)

    names = ("opening", "repaid", "awarded", "closing")
    assert [{name: each[name] for name in ("year", *names)} for each in told["years"]] == [
        {"year": row["year"]} | {name: pence(row[name]) for name in names} for row in expected(name)["rows"]
    ]
    assert told["awarded_in_all"] == pence(expected(name)["total_awarded"])
    assert told["break_even_charge_bp"] == 22_222


def test_a_pool_shows_its_runway_and_the_top_up_that_would_carry_it(client: FlaskClient) -> None:
    told = simulated(client, "success-repayable-pool", SUCCESS)
    runway = told["runway"]

    assert (runway["full_years"], runway["first_short_year"], runway["last_year_with_awards"]) == (2, 3, 9)
    assert runway["yearly_gap"] == 178_000_00
    assert {"RUNWAY_ENDS", "AWARDS_END", "NEEDS_TOPUP", "NEEDS_SPONSOR", "EXPECTED_VALUES"} <= codes(told)
    carried = simulated(client, "success-repayable-pool", SUCCESS | {"topup": runway["required_topup"]})
    assert carried["runway"]["first_short_year"] is None
    short = simulated(client, "success-repayable-pool", SUCCESS | {"topup": runway["required_topup"] - 1})
    assert short["runway"]["first_short_year"] is not None


def test_a_charge_as_high_as_break_even_is_called_a_poor_bargain(client: FlaskClient) -> None:
    assert "POOR_BARGAIN" in codes(simulated(client, "success-repayable-pool", SUCCESS | {"charge_bp": 22_223}))
    assert "POOR_BARGAIN" not in codes(simulated(client, "success-repayable-pool", SUCCESS))


def test_a_pool_that_cannot_pay_its_costs_says_so_and_never_goes_below_zero(client: FlaskClient) -> None:
    told = simulated(client, "success-repayable-pool", SUCCESS | {"opening": 10_000_00, "success_bp": 0})

    assert all(each["closing"] >= 0 for each in told["years"])
    assert told["runway"]["costs_unmet"] == 390_000_00
    assert "COSTS_UNMET" in codes(told)


def test_quasi_equity_over_http(client: FlaskClient) -> None:
    inputs, wanted = given("quasi-equity"), expected("quasi-equity")
    years = [
        {"ended_on": day, "revenue": pence(revenue)}
        for day, revenue in zip(inputs["paid_on"], inputs["revenues"], strict=True)
    ]
    body = CONVERSION | {"award": pence(inputs["principal"]), "years_of_revenue": years}
    told = simulated(client, "outcome-linked-conversion", body)

    assert [each["payment"] for each in told["payments"]] == [pence(each) for each in wanted["payments"]]
    assert told["paid_in_all"] == pence(wanted["total"])
    assert Decimal(told["multiple"]) == Decimal(wanted["multiple"])
    assert abs(float(told["rate"]) - float(wanted["xirr"])) < 1e-6


def test_a_community_interest_company_pays_at_most_its_cap_of_the_surplus(client: FlaskClient) -> None:
    year = {"ended_on": "2015-03-31", "revenue": 2_000_000_00, "surplus": 10_000_00}
    body = CONVERSION | {"years_of_revenue": [year], "community_interest_company": True}
    told = simulated(client, "outcome-linked-conversion", body)

    assert told["paid_in_all"] == 3_500_00
    assert "SURPLUS_CAP" in codes(told)


def test_without_the_threshold_by_the_test_date_it_stays_a_grant(client: FlaskClient) -> None:
    late = [{"ended_on": "2016-04-02", "revenue": 2_000_000_00}]
    told = simulated(client, "outcome-linked-conversion", CONVERSION | {"years_of_revenue": late})

    assert told["paid_in_all"] == 0
    assert "STAYS_A_GRANT" in codes(told)


def test_employer_match_over_http(client: FlaskClient) -> None:
    inputs = given("employer-match")
    body = MATCH | {
        "employer_cash": pence(inputs["fund_share"]),
        "cap": pence(inputs["fund_share"]),
        "yearly_saving": pence(inputs["annual_saving"]),
        "saving_share_bp": basis_points(inputs["saving_share"]),
    }
    told = simulated(client, "employer-match", body)

    assert told["fund_share"] == pence(inputs["fund_share"])
    assert told["months_to_repay"] == expected("employer-match")["months_to_repay"]


def test_suffolk_payback_over_http(client: FlaskClient) -> None:
    inputs, wanted = given("suffolk-payback"), expected("suffolk-payback")
    saving = pence(inputs["cost_before"]) - pence(inputs["cost_after"])
    half = pence(inputs["setup"]) // 2
    told = simulated(client, "employer-match", MATCH | {"employer_cash": half, "cap": half, "yearly_saving": saving})

    assert saving == pence(wanted["saving"])
    assert told["payback_days"] == wanted["payback_days"]


def test_revolving_over_http(client: FlaskClient) -> None:
    inputs, wanted = given("revolving"), expected("revolving")
    for rate, multiples, limit in zip(inputs["rates"], wanted["multiples"], wanted["infinite"], strict=True):
        for rounds, multiple in zip(inputs["rounds"], multiples, strict=True):
            body = SUCCESS | {"success_bp": 10_000, "charge_bp": basis_points(rate), "loss_bp": 0, "years": rounds}
            told = simulated(client, "success-repayable-pool", body)
            assert abs(float(told["recycling_multiple"]) - multiple) < 1e-6
            assert told["recycling_limit"] == limit


def test_a_match_counts_cash_whole_and_staff_time_by_half_up_to_its_cap(client: FlaskClient) -> None:
    body = MATCH | {"employer_cash": 10_000_00, "employer_staff_time": 30_000_01}

    assert simulated(client, "employer-match", body)["fund_share"] == 25_000_00
    assert simulated(client, "employer-match", body | {"employer_cash": 90_000_00})["fund_share"] == 50_000_00


def test_a_match_without_a_saving_becomes_a_grant(client: FlaskClient) -> None:
    told = simulated(client, "employer-match", MATCH | {"yearly_saving": 0})

    assert told["months_to_repay"] is None
    assert {"BECOMES_A_GRANT", "CONFLICT_AS_COMMISSIONER", "NEEDS_SPONSOR"} <= codes(told)


def test_wholesale_facility_over_http(client: FlaskClient) -> None:
    inputs, wanted = given("wholesale-facility"), expected("wholesale-facility")
    body = {
        **{name: pence(inputs[name]) for name in ("first_loss", "mezzanine", "senior")},
        "concentration_bp": int(inputs["cap_percent_of_facility"]) * 100,
        "loss_stop_bp": int(inputs["stop_at_percent_of_first_loss"]) * 100,
        "deals": [{"amount": pence(amount), "lost_bp": basis_points(lost)} for amount, lost in inputs["deals"]],
    }
    told = simulated(client, "wholesale-facility", body)

    for deal, (number, outcome, first, *rest) in zip(told["deals"], wanted["log"], strict=True):
        assert deal["number"] == number
        if outcome == "lent":
            assert (deal["outcome"], deal["lent"], deal["lost"]) == ("lent", pence(first), pence(rest[0]))
            continue
        reason = deal["reasons"][0]
        assert f"refused:{reason['code'].lower()}" == outcome
        assert pence(first) == (reason["found"] if reason["code"] == "LOSS_STOP" else reason["wanted"])
    summary = wanted["summary"]
    assert (told["lent"], told["lost"]) == (pence(summary["lent"]), pence(summary["loss"]))
    assert [told[name] for name in ("first_loss", "mezzanine", "senior")] == [
        pence(summary[name]) for name in ("first_loss", "mezzanine", "senior")
    ]
    assert told["leverage"] == summary["leverage"]
    assert {"LOSS_STOP", "NEEDS_SPONSOR"} <= codes(told)


def test_waterfall_tslf_over_http(client: FlaskClient) -> None:
    inputs, wanted = given("waterfall-tslf"), expected("waterfall-tslf")
    layers = {name: pence(size) for name, size in inputs["layers"]}
    for loss, borne in zip(inputs["losses"], wanted["allocations"], strict=True):
        deal = {"amount": pence(loss), "lost_bp": 10_000}
        body = layers | {"lender": "proven", "concentration_bp": 10_000, "deals": [deal]}
        told = simulated(client, "wholesale-facility", body)
        assert [told[name] for name in ("first_loss", "mezzanine", "senior")] == [pence(each) for each in borne]


def test_more_above_the_first_loss_than_the_lender_may_have_names_the_place(client: FlaskClient) -> None:
    for lender, most in (("seed", 4), ("proven", 19)):
        body = {"first_loss": 100, "senior": 100 * most + 1, "lender": lender}
        answer = client.post("/v1/vehicles/simulations/wholesale-facility", json=body)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/first_loss")
        assert simulated(client, "wholesale-facility", body | {"senior": 100 * most})


@pytest.mark.parametrize(
    ("kind", "change", "pointer"),
    [
        ("success-repayable-pool", {"success_bp": 10_001}, "#/success_bp"),
        ("success-repayable-pool", {"planned": 0}, "#/planned"),
        ("success-repayable-pool", {"years": 41}, "#/years"),
        ("success-repayable-pool", {"opening": 10**14}, "#/opening"),
        ("employer-match", {"employer_cash": 0}, "#/employer_cash"),
        ("outcome-linked-conversion", {"years_of_revenue": []}, "#/years_of_revenue"),
        (
            "outcome-linked-conversion",
            {"years_of_revenue": [{"ended_on": "2015-03-31", "revenue": 1}] * 2},
            "#/years_of_revenue",
        ),
        ("wholesale-facility", {"deals": [{"amount": 1, "lost_bp": 10_001}]}, "#/deals/0/lost_bp"),
    ],
)
def test_terms_that_cannot_be_name_the_place(
    client: FlaskClient, kind: str, change: dict[str, Any], pointer: str
) -> None:
    answer = client.post(f"/v1/vehicles/simulations/{kind}", json=BODIES[kind] | change)

    assert answer.status_code == 422, answer.json
    assert answer.json["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("kind", list(BODIES))
def test_nothing_in_an_answer_calls_a_pool_self_sustaining(client: FlaskClient, kind: str) -> None:
    assert "sustain" not in client.post(f"/v1/vehicles/simulations/{kind}", json=BODIES[kind]).text.lower()


def test_the_years_of_a_conversion_are_counted_from_its_award(client: FlaskClient) -> None:
    years = [{"ended_on": str(date(2013 + each, 3, 31)), "revenue": 2_000_000_00} for each in (2, 3)]
    told = simulated(client, "outcome-linked-conversion", CONVERSION | {"years_of_revenue": years, "years": 3})

    half = 18_000_00 // 2
    assert [each["repaid"] for each in told["years"]] == [0, 0, 300_000_00 * half // 60_000_00]
