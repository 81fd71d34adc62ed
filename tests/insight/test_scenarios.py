"""Scenarios and calculators over HTTP: kept for their organisation alone, compared, and refused by name."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.builders import a_member, an_organisation

PRESET = {"first": {"preset": "dream"}, "second": {"preset": "nightmare"}}


def preset(client: FlaskClient, **changed: Any) -> dict[str, Any]:
    return {**client.get("/v1/scenario-presets").json["data"][0]["parameters"], **changed}


def test_the_nightmare_has_no_seed_money_and_no_contract_re_won(client: FlaskClient) -> None:
    told = client.post("/v1/simulations", json=PRESET).json
    dream, nightmare = told["first"], told["second"]

    assert nightmare["parameters"]["seed_per_year"]["amount"] == nightmare["parameters"]["rewon_bp"] == 0
    assert nightmare["sums"]["seed_used"]["amount"] == 0
    assert nightmare["sums"]["launched"] < dream["sums"]["launched"]
    assert told["difference"]["running"] == pytest.approx(
        nightmare["sums"]["running"] - dream["sums"]["running"], abs=1e-3
    )
    assert client.post("/v1/simulations", json=PRESET).json == told


def test_a_scenario_is_kept_changed_compared_and_deleted_by_its_organisation_alone(
    client: FlaskClient, session: Session
) -> None:
    group = an_organisation(session)
    member, stranger = a_member(session, group).headers, a_member(session, an_organisation(session)).headers
    path = f"/v1/organisations/{group.id}/scenarios"
    draft = {"name": "Ours", "parameters": preset(client, market=500, already=3)}
    made = client.post(path, json=draft, headers=member)
    own = made.headers["Location"]

    assert made.status_code == 201, made.json
    assert client.post(path, json=draft, headers=member).json["code"] == "scenario-name-taken"
    assert client.get(own, headers=stranger).status_code == 404
    changed = client.put(own, json={**draft, "name": "Bolder"}, headers={**member, "If-Match": made.headers["ETag"]})
    assert changed.json["name"] == "Bolder"
    sides = {"first": {"scenario_id": made.json["id"]}, "second": {"preset": "nightmare"}}
    assert client.post("/v1/simulations", json=sides).status_code == 404
    assert client.post("/v1/simulations", json=sides, headers=stranger).status_code == 404
    assert client.post("/v1/simulations", json=sides, headers=member).json["first"]["name"] == "Bolder"
    assert [each["name"] for each in client.get(path, headers=member).json["data"]] == ["Bolder"]
    ended = client.delete(own, headers={**member, "If-Match": changed.headers["ETag"]})
    assert ended.status_code == 204
    assert client.get(own, headers=member).status_code == 404


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"p": 0}, "p"),
        ({"q": 2.5}, "q"),
        ({"p": True}, "p"),
        ({"rewon_bp": 10_001}, "rewon_bp"),
        ({"already": 4000}, "already"),
        ({"seed_per_launch": {"amount": 0, "currency": "GBP"}}, "seed_per_launch"),
        ({"seed_per_year": {"amount": 5, "currency": "EUR"}}, "seed_per_year"),
    ],
)
def test_parameters_that_cannot_be_are_refused_by_place(
    client: FlaskClient, changed: dict[str, Any], pointer: str
) -> None:
    asked = {"first": {"parameters": preset(client, **changed)}, "second": {"preset": "dream"}}
    refused = client.post("/v1/simulations", json=asked)

    assert refused.status_code == 422
    assert any(each["pointer"].startswith(f"#/first/parameters/{pointer}") for each in refused.json["errors"])


def test_a_side_is_one_thing_and_both_are_in_one_currency(client: FlaskClient) -> None:
    euros = {name: {"amount": 5, "currency": "EUR"} for name in ("seed_per_launch", "seed_per_year")}
    two = {"first": {"preset": "dream", "parameters": preset(client)}, "second": {"preset": "dream"}}
    mixed = {"first": {"preset": "dream"}, "second": {"parameters": preset(client, **euros)}}

    assert client.post("/v1/simulations", json=two).status_code == 422
    assert client.post("/v1/simulations", json=mixed).json["code"] == "scenario-currencies-differ"


def test_the_comparison_is_there_as_a_chart(client: FlaskClient) -> None:
    drawn = client.post("/v1/simulations?format=svg", json=PRESET)

    assert drawn.content_type == "image/svg+xml; charset=utf-8"
    assert b'role="img"' in drawn.data


def test_the_diffusion_of_the_record_is_told_in_a_market_that_one_sets(client: FlaskClient) -> None:
    told = client.get("/v1/market/diffusion?market=500").json
    fits = {each["name"]: each for each in told["fits"]}

    assert (told["market"], told["market_given"], told["present_category"]) == (500, True, "early_majority")
    assert (fits["potential"]["market"], fits["potential"]["market_fitted"]) == (500, False)
    assert fits["ceiling"]["market"] == pytest.approx(114.7, rel=0.02)
    assert client.get("/v1/market/diffusion").json["present_category"] == "early_adopter"
    assert next(each for each in told["movers"] if each["slug"] == "central-surrey-health")["rank"] == 1


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("bass-fits", {"points": [{"time": 1, "count": 5}, {"time": 2, "count": 9}]}, "too-few-points"),
        ("bass-fits", {"points": [{"time": 2, "count": 5}, {"time": 1, "count": 9}]}, "too-few-points"),
        ("bass-fits", {"points": [{"time": 1, "count": 5}, {"time": 2, "count": 9}], "market": 8}, "market-too-small"),
        ("adopter-categories", {"adopters": 5, "ranks": [6]}, "rank-beyond-market"),
    ],
)
def test_what_cannot_be_computed_is_refused_by_name(
    client: FlaskClient, path: str, body: dict[str, Any], code: str
) -> None:
    refused = client.post(f"/v1/{path}", json=body)

    assert (refused.status_code, refused.json["code"]) == (422, code)


def test_curves_are_computed_for_anyone_in_the_form_that_is_named(client: FlaskClient) -> None:
    asked = {"market": 1000, "p": 0.03, "q": 0.38, "periods": 1}
    first = {
        form: client.post("/v1/bass-curves", json={**asked, "form": form}).json["periods"][0]["new"]
        for form in ("continuous", "discrete")
    }

    assert first == pytest.approx({"continuous": 35.7582, "discrete": 30}, abs=1e-4)
    assert client.post("/v1/bass-curves", json=asked).status_code == 422
