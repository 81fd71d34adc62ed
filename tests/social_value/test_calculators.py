"""The calculators that anyone may use: the published figures to the penny, every broken rule by its name."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.social_value.accounts import (
    an_account,
    an_outcome,
    basis_points,
    example_account,
    expected,
    given,
    pence,
    pounds,
)


def computed(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/v1/social-returns", json=body)
    assert answer.status_code == 200, answer.json
    return dict(answer.json["result"])


def broken(answer: TestResponse) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.json
    places = [each["pointer"] for each in answer.json["errors"]]
    return list(zip([each["code"] for each in answer.json["reasons"]], places, strict=True))


def test_sroi_employment_public_over_http(client: FlaskClient) -> None:
    wanted = expected("sroi-employment-public")

    answer = client.post("/v1/social-returns", json=example_account("sroi-employment-public"))

    assert answer.status_code == 200, answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    told, (outcome,) = answer.json["result"], answer.json["result"]["outcomes"]
    assert outcome["gross"] == pence(wanted["gross"])
    assert outcome["after_deadweight"] == pence(wanted["after_deadweight"])
    assert outcome["first_year"] == pence(wanted["year1_impact"])
    assert told["years"][1]["present_value"] == pence(wanted["year2_present_value"])
    assert told["total_present_value"] == pence(wanted["total_present_value"])
    assert (told["ratio"], told["ratio_shown"]) == (wanted["ratio"], wanted["ratio_2dp"])
    assert answer.json["account"]["convention"] == "start_of_year"
    rates = answer.json["account"]["rates"]
    assert (rates["standard_bp"], rates["health_bp"], rates["from"]) == (350, 150, "parameters")
    assert [each["name"] for each in rates["sources"]] == ["discount_rate", "health_discount_rate"]


@pytest.mark.parametrize("example", ["sroi-employment-end-of-year", "sroi-constructed-a"])
def test_sroi_employment_end_of_year_and_sroi_constructed_a_over_http(client: FlaskClient, example: str) -> None:
    wanted = expected(example)

    told = computed(client, example_account(example))

    assert {each["beneficiary"]: each["first_year"] for each in told["outcomes"]} == {
        name: pence(amount) for name, amount in wanted["year1_impact"].items()
    }
    assert [each["undiscounted"] for each in told["years"]] == [pence(each) for each in wanted["undiscounted"]]
    assert [each["present_value"] for each in told["years"]] == [pence(each) for each in wanted["present_values"]]
    assert told["total_present_value"] == pence(wanted["total_present_value"])
    assert told["net_present_value"] == pence(wanted["net_present_value"])
    assert (told["ratio"], told["ratio_shown"]) == (wanted["ratio"], wanted["ratio_2dp"])


def test_sroi_constructed_a_with_its_payback_and_its_sensitivity(client: FlaskClient) -> None:
    wanted = expected("sroi-constructed-a")

    told = computed(client, example_account("sroi-constructed-a"))

    cases = {each["assumption"]: each["ratio"] for each in told["sensitivity"]}
    assert told["payback_months"] == told["cumulative_payback_months"] == wanted["payback_months"]
    assert cases["deadweight_plus_10_points"] == wanted["sensitivity"]["deadweight_plus_10pp"]
    assert cases["deadweight_plus_20_points"] == wanted["sensitivity"]["deadweight_plus_20pp"]
    assert cases["no_discounting"] == wanted["sensitivity"]["zero_discount"]


def test_green_book_pv_year_by_year(client: FlaskClient) -> None:
    """A thousand pounds in each of years 0 to 10: at the start of a year, the first is year 0."""
    told, wanted = given("green-book-pv"), expected("green-book-pv")
    steady = an_outcome(
        quantity="1",
        proxy={"name": "A thousand", "value": pounds(told["amount"]), "source": "Green Book, table 2", "year": 2022},
        deadweight_bp=0,
        attribution_bp=0,
        drop_off_bp=0,
        duration_years=len(told["years"]),
    )

    years = computed(client, an_account(steady))["years"]

    assert [round(each["present_value"] / 100) for each in years] == wanted["rounded_pounds"]
    assert [f"{each['present_value'] / 100:.2f}" for each in years] == [
        f"{float(each):.2f}" for each in wanted["four_dp"]
    ]


def test_the_two_conventions_differ_by_one_year_of_discount(client: FlaskClient) -> None:
    told = computed(client, example_account("sroi-employment-public"))

    cases = {each["assumption"]: each["ratio"] for each in told["sensitivity"]}
    assert cases["other_convention"] == expected("sroi-employment-end-of-year")["ratio"]


def test_health_and_life_values_are_discounted_at_their_own_rate(client: FlaskClient) -> None:
    account = example_account("sroi-employment-end-of-year")
    account["outcomes"][0]["health"] = True

    told = computed(client, account)

    assert told["years"][0]["present_value"] == round(21_420_000 / 1.015)


def test_own_rates_come_with_a_reason(client: FlaskClient) -> None:
    account = example_account("sroi-employment-end-of-year")
    unreasoned = client.post("/v1/social-returns", json=account | {"rates": {"standard_bp": 0}})
    assert unreasoned.status_code == 422
    assert [each["pointer"] for each in unreasoned.json["errors"]] == ["#/rates/reason"]

    answer = client.post("/v1/social-returns", json=account | {"rates": {"standard_bp": 0, "reason": "Funder's rule"}})

    assert answer.json["account"]["rates"]["from"] == "author"
    assert answer.json["result"]["total_present_value"] == 21_420_000 + 14_994_000


def test_volunteer_time_is_an_input(client: FlaskClient) -> None:
    hours = {"contributor": "Volunteers", "hours": "100.5", "hourly_value": pounds("10.01"), "source": "Living wage"}

    told = computed(client, an_account(volunteer_time=[hours]))

    assert told["invested"] == 25_000_000 + 100_601


def test_who_benefits_and_who_pays_are_summed(client: FlaskClient) -> None:
    other = {"name": "Benefits not paid", "value": pounds("1000"), "source": "DWP", "year": 2024}
    account = an_account(
        an_outcome(payer="The council", theme="ppn0620_inequality"),
        an_outcome(beneficiary="The Treasury", proxy=other),
    )

    told = computed(client, account)

    assert [each["name"] for each in told["by_beneficiary"]] == ["People out of work", "The Treasury"]
    assert [each["name"] for each in told["by_payer"]] == ["The council", None]
    assert [each["name"] for each in told["by_theme"]] == ["ppn0620_inequality", None]
    rounded_once_each = sum(each["present_value"] for each in told["by_payer"]) - told["total_present_value"]
    assert abs(rounded_once_each) <= 1


@pytest.mark.parametrize(
    ("change", "rule", "pointer"),
    [
        ({"deadweight_bp": 10_001}, "SHARE_WITHIN_WHOLE", "#/outcomes/0/deadweight_bp"),
        ({"attribution_bp": 40_000}, "SHARE_WITHIN_WHOLE", "#/outcomes/0/attribution_bp"),
        ({"displacement_bp": 10_001}, "SHARE_WITHIN_WHOLE", "#/outcomes/0/displacement_bp"),
        ({"drop_off_bp": 10_001}, "SHARE_WITHIN_WHOLE", "#/outcomes/0/drop_off_bp"),
        ({"quantity": "0"}, "QUANTITY_NOT_ZERO", "#/outcomes/0/quantity"),
        ({"start_year": 30}, "WITHIN_HORIZON", "#/outcomes/0/duration_years"),
    ],
)
def test_an_outcome_that_breaks_a_rule_is_told_which(
    client: FlaskClient, change: dict[str, Any], rule: str, pointer: str
) -> None:
    answer = client.post("/v1/social-returns", json=an_account(an_outcome(**change)))

    assert broken(answer) == [(rule, pointer)]


@pytest.mark.parametrize(
    ("change", "rule", "pointer"),
    [
        ({"year": 2027}, "PROXY_YEAR_PAST", "#/outcomes/0/proxy/year"),
        ({"value": {"amount": 5, "currency": "EUR"}}, "ONE_CURRENCY", "#/outcomes/0/proxy/value/currency"),
        ({"value": {"amount": 10**15, "currency": "GBP"}}, "AMOUNTS_WITHIN_BOUNDS", "#/outcomes"),
    ],
)
def test_a_proxy_that_breaks_a_rule_is_told_which(
    client: FlaskClient, change: dict[str, Any], rule: str, pointer: str
) -> None:
    outcome = an_outcome()
    outcome["proxy"] = outcome["proxy"] | change

    assert broken(client.post("/v1/social-returns", json=an_account(outcome))) == [(rule, pointer)]


def test_a_proxy_without_source_or_year_is_refused_by_the_rule_s_name(client: FlaskClient) -> None:
    outcome = an_outcome(proxy={"name": "A job", "value": pounds("8500")})

    answer = client.post("/v1/social-returns", json=an_account(outcome))

    assert answer.status_code == 422
    told = {each["pointer"]: each["detail"] for each in answer.json["errors"]}
    assert told.keys() == {"#/outcomes/0/proxy/source", "#/outcomes/0/proxy/year"}
    assert all("PROXY_SOURCED" in detail for detail in told.values())


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(an_outcome(change="Said otherwise"), id="of the same name"),
        pytest.param(an_outcome(beneficiary=" people  OUT of work"), id="of the same name, spelt otherwise"),
        pytest.param(
            an_outcome(proxy=an_outcome()["proxy"] | {"name": "Employment"}), id="of the same source under another name"
        ),
    ],
)
def test_the_same_value_for_the_same_stakeholder_is_counted_once(client: FlaskClient, again: dict[str, Any]) -> None:
    answer = client.post("/v1/social-returns", json=an_account(an_outcome(), again))

    assert broken(answer) == [("COUNTED_ONCE", "#/outcomes/1/proxy")]


def test_the_same_value_in_other_years_or_for_others_is_another_one(client: FlaskClient) -> None:
    apart = an_account(an_outcome(), an_outcome(start_year=3), an_outcome(beneficiary="Their families"))

    assert len(computed(client, apart)["outcomes"]) == 3


def test_every_broken_rule_is_told_at_once(client: FlaskClient) -> None:
    account = an_account(an_outcome(deadweight_bp=10_001, quantity="0"), inputs=[])

    answer = client.post("/v1/social-returns", json=account)

    assert broken(answer) == [
        ("INPUTS_POSITIVE", "#/inputs"),
        ("SHARE_WITHIN_WHOLE", "#/outcomes/0/deadweight_bp"),
        ("QUANTITY_NOT_ZERO", "#/outcomes/0/quantity"),
    ]


@pytest.mark.parametrize("day", ["2003-03-31", "2190-01-01"])
def test_no_rate_is_made_up_for_a_day_without_one(client: FlaskClient, day: str) -> None:
    answer = client.post("/v1/social-returns", json=an_account(as_of=day))

    assert broken(answer) == [("RATE_KNOWN", "#/as_of")]


def test_a_careful_reader_s_questions_are_asked(client: FlaskClient) -> None:
    bold = an_outcome(deadweight_bp=0, attribution_bp=0, duration_years=6)
    bold["proxy"] = bold["proxy"] | {"year": 2010}

    warned = [each["code"] for each in computed(client, an_account(bold))["warnings"]]

    assert warned == ["PROXY_OLD", "DURATION_LONG", "NOTHING_TAKEN_OFF"]
    assert computed(client, an_account())["warnings"] == []


def test_social_value_tender_score_over_http(client: FlaskClient) -> None:
    told, wanted = given("social-value-tender-score"), expected("social-value-tender-score")
    bids = [{"bidder": name, "value": pounds(told[name])} for name in ("bid_value", "strongest")]

    answer = client.post("/v1/tender-scores", json={"bids": bids, "max_points": told["max_points"]})

    assert answer.status_code == 200, answer.json
    assert [each["score"] for each in answer.json["scores"]] == [wanted["score"], wanted["score_strongest"]]
    assert [each["outcome"] for each in answer.json["warnings"]] == ["unknown"]


@pytest.mark.parametrize(("weighting", "warned", "points"), [(900, ["LEAST_WEIGHTING"], "4.50"), (1000, [], "5.00")])
def test_a_weighting_below_central_government_s_least_is_pointed_out(
    client: FlaskClient, weighting: int, warned: list[str], points: str
) -> None:
    bids = [{"bidder": "A", "value": pounds("50")}, {"bidder": "B", "value": pounds("100")}]

    answer = client.post("/v1/tender-scores", json={"bids": bids, "max_points": "10", "weighting_bp": weighting})

    assert [each["code"] for each in answer.json["warnings"]] == warned
    assert answer.json["weighting"]["least_bp"] == 1000
    assert answer.json["scores"][0]["weighted_points"] == points


def test_there_was_no_least_weighting_before_2021(client: FlaskClient) -> None:
    body = {"bids": [{"bidder": "A", "value": pounds("50")}], "max_points": "10", "as_of": "2020-12-31"}

    answer = client.post("/v1/tender-scores", json=body | {"weighting_bp": 0})

    assert (answer.json["weighting"]["least_bp"], answer.json["warnings"]) == (None, [])


def test_bids_that_cannot_be_scored_are_told_why(client: FlaskClient) -> None:
    bids = [{"bidder": "A", "value": pounds("0")}, {"bidder": "B", "value": {"amount": 0, "currency": "EUR"}}]

    answer = client.post("/v1/tender-scores", json={"bids": bids, "max_points": "0"})

    assert broken(answer) == [
        ("ONE_CURRENCY", "#/bids/1/value/currency"),
        ("BEST_BID_POSITIVE", "#/bids"),
        ("POINTS_POSITIVE", "#/max_points"),
    ]


def test_toms_nt1_fte_over_http(client: FlaskClient) -> None:
    told, wanted = given("toms-nt1-fte"), expected("toms-nt1-fte")
    body = {
        "full_time": told["full_time"],
        "part_time": told["part_time"],
        "part_time_fraction_bp": basis_points(told["part_time_fraction"]),
        "years": str(told["years"]),
    }

    answer = client.post("/v1/full-time-equivalents", json=body)

    assert answer.json == {
        "full_time_equivalents": wanted["fte"],
        "full_time_equivalent_years": wanted["fte_years"],
    }


def test_net_outcome_uplift_over_http(client: FlaskClient) -> None:
    told, wanted = given("net-outcome-uplift"), expected("net-outcome-uplift")
    body = {
        "reached_bp": int(told["treated_percent"]) * 100,
        "comparison_bp": int(told["comparison_percent"]) * 100,
        "participants": told["participants"],
    }

    answer = client.post("/v1/net-outcomes", json=body)

    assert answer.json == {
        "uplift_points": wanted["uplift_points"],
        "people": wanted["attributable"],
        "deadweight_bp": 5357,
    }


def test_a_service_that_does_worse_than_its_comparison_group_has_no_deadweight(client: FlaskClient) -> None:
    body = {"reached_bp": 1500, "comparison_bp": 2800, "participants": 500}

    answer = client.post("/v1/net-outcomes", json=body)

    assert answer.json == {"uplift_points": "-13", "people": "-65", "deadweight_bp": None}


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("net-outcomes", {"reached_bp": 10_001, "comparison_bp": 0, "participants": 1}, "#/reached_bp"),
        ("full-time-equivalents", {"full_time": 1, "part_time_fraction_bp": 10_001, "years": "1"},
         "#/part_time_fraction_bp"),
    ],
)  # fmt: skip
def test_no_share_is_more_than_the_whole(client: FlaskClient, path: str, body: dict[str, Any], pointer: str) -> None:
    assert broken(client.post(f"/v1/{path}", json=body)) == [("SHARE_WITHIN_WHOLE", pointer)]
