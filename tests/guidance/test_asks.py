"""Building an ask over HTTP: what is usual, and an answer that the ask's own operation takes."""

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.proposals.builders import a_group, a_proposal


def build(client: FlaskClient, **members: Any) -> dict[str, Any]:
    answer = client.post("/v1/ask-builder", json={"stage": "business_case"} | members)
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def test_usual_lines_are_told_with_where_they_are_from(client: FlaskClient) -> None:
    told = client.get("/v1/ask-lines/usual?stage=business_case&sector=libraries_archives").json

    assert (told["provenance"], told["staff_publicly_employed"]) == ("inferred", True)
    assert {"purpose": "legal", "least": money(2_000_00), "most": money(20_000_00)} in told["lines"]
    assert (told["least"], told["most"]) == (money(10_000_00), money(100_000_00))
    assert told["past_awards"][0]["recipient"].startswith("Explore York")
    assert told["past_awards"][0]["up_to"] is True


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "GBP"}


def test_at_an_end_nothing_is_asked(client: FlaskClient) -> None:
    answers = [
        client.get("/v1/ask-lines/usual?stage=wound_up"),
        client.post("/v1/ask-builder", json={"stage": "rejected"}),
    ]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(422, "not-a-stage-to-ask-at")] * 2
    assert answers[0].json["errors"][0]["parameter"] == "stage"
    assert answers[1].json["errors"][0]["pointer"] == "#/stage"


def test_an_ask_is_checked_in_every_point(client: FlaskClient) -> None:
    lines = [
        {"purpose": "legal", "amount": 900_000_00},
        {"purpose": "working_capital", "amount": 1_00},
        {"purpose": "other", "amount": 1_00},
        {"purpose": "other", "amount": 1_00, "description": "A bus"},
    ]

    built = build(client, lines=lines, instruments=["equity"])

    assert [(each["code"], each["outcome"]) for each in built["checks"]] == [
        ("SUM_USUAL", "unmet"),
        ("LINE_USUAL", "unmet"),
        ("PURPOSE_USUAL", "unmet"),
        ("OTHER_DESCRIBED", "unmet"),
        ("OTHER_DESCRIBED", "met"),
        ("PURPOSE_ONCE", "unmet"),
        ("WORKING_CAPITAL_FROM_SET_UP", "unmet"),
        ("INSTRUMENT_USUAL", "unmet"),
    ]
    assert built["total"] == money(900_003_00)


def test_what_was_built_is_what_the_asks_operation_takes(client: FlaskClient, session: Session) -> None:
    group, owner = a_group(session)
    proposal = a_proposal(session, group, owner, published=False)
    path = f"/v1/proposals/{proposal.id}/sections/ask"
    for built in (
        build(client),
        build(client, currency="EUR"),
        build(client, lines=[{"purpose": "hr", "amount": 5, "description": "Advice"}]),
    ):
        answer = client.put(path, json=built["ask"], headers=owner.headers | {"If-Match": "*"})
        assert answer.status_code == 200, answer.json
    assert build(client)["drafted_from_usual"] is True
    assert build(client, currency="EUR")["ask"]["lines"] == []
