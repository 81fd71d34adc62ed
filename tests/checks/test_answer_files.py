"""An answer file becomes a private draft without retyping; whatever is uploaded, nothing is lost in silence."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.proposals.models import Proposal
from tests.builders import Person, a_member, an_organisation
from tests.matching.builders import a_criterion, a_programme

ANSWERS: dict[str, Any] = {
    "sector": "community_health",
    "area_code": "E08000035",
    "staff_count": 40,
    "payback_years": "2.50",
    "registration": "not_registered",
}
ASK: dict[str, Any] = {
    "amount": {"amount": 900_000, "currency": "GBP"},
    "stage": "feasibility",
    "instruments": ["in_kind_support", "grant"],
}


@pytest.fixture
def group(session: Session) -> Organisation:
    return an_organisation(session, name="Riverside speech therapy", verification="unverified")


@pytest.fixture
def nurse(session: Session, group: Organisation) -> Person:
    return a_member(session, group, "editor")


def a_file(client: FlaskClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/check", json={"answers": ANSWERS, "ask": ASK} | body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json["answer_file"])


def upload(client: FlaskClient, who: Person, organisation: Organisation, file: Any, **headers: str) -> Any:
    body = {"organisation_id": str(organisation.id), "title": "Speech therapy", "answer_file": file}
    return client.post("/v1/proposals/from-answers", json=body, headers=who.headers | headers)


def proposals(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Proposal)) or 0


def test_every_section_is_filled_and_the_ask_is_started(
    client: FlaskClient, group: Organisation, nurse: Person
) -> None:
    answer = upload(client, nurse, group, a_file(client))
    path = answer.headers["Location"]
    rows = client.get(f"{path}/sections", headers=nurse.headers).json["data"]
    sections = {row["name"]: row["content"] for row in rows}
    facts = {slug: value for row in sections.values() for slug, value in row.get("facts", {}).items()}

    assert answer.status_code == 201
    assert answer.json["left_out"] == []
    assert answer.json["proposal"]["visibility"] == "private"
    assert facts == ANSWERS | {"payback_years": "2.5"}
    assert sections["summary"]["title"] == {"en": "Speech therapy"}
    assert sections["ask"] == {
        "stage": "feasibility",
        "currency": "GBP",
        "instruments": ["grant", "in_kind_support"],
        "lines": [{"purpose": "other", "description": {"en": "To be divided by purpose"}, "amount": 900_000}],
    }


def test_the_draft_published_as_it_is_comes_to_what_the_check_said(
    client: FlaskClient, session: Session, group: Organisation, nurse: Person
) -> None:
    funder = an_organisation(session, kind="funder", name="Northern Foundation")
    person = a_member(session, funder)
    a_programme(session, funder, person.id, a_criterion("STAFF", "staff_count", "gte", 10))
    a_programme(session, funder, person.id, a_criterion("FEW", "staff_count", "lt", 10))
    a_programme(session, funder, person.id, a_criterion("CONTROL", "staff_control", "eq", True))
    said = client.post("/v1/check", json={"answers": ANSWERS, "ask": ASK}).json

    path = upload(client, nurse, group, said["answer_file"]).headers["Location"]
    assert client.post(f"{path}/versions", headers=nurse.headers).status_code == 201
    told = client.get(f"{path}/matches", headers=nurse.headers).json["data"]

    names = ("result", "fit", "reasons", "programme")
    assert len(told) == 3
    assert [[each[name] for name in names] for each in told] == [
        [each[name] for name in names] for each in said["data"]
    ]


def test_what_no_longer_fits_is_reported_and_the_rest_is_drafted(
    client: FlaskClient, group: Organisation, nurse: Person
) -> None:
    file = a_file(client)
    file["registry_version"] = "2031-01-01"
    file["answers"] |= {"sector": "alchemy", "gone": True, "incorporated": True}
    file["ask"] |= {"stage": "dreaming", "instruments": ["gold", "grant"]}

    answer = upload(client, nurse, group, file)

    assert answer.status_code == 201
    assert [(each["slug"], each["pointer"]) for each in answer.json["left_out"]] == [
        ("sector", "#/answer_file/answers/sector"),
        ("gone", "#/answer_file/answers/gone"),
        ("incorporated", "#/answer_file/answers/incorporated"),
        ("stage", "#/answer_file/ask/stage"),
        ("instruments_sought", "#/answer_file/ask/instruments/0"),
    ]
    path = answer.headers["Location"]
    assert client.get(f"{path}/sections/people", headers=nurse.headers).json["content"]["facts"] == {"staff_count": 40}
    assert client.get(f"{path}/sections/ask", headers=nurse.headers).json["content"]["instruments"] == ["grant"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"version": 2}, "#/answer_file/version"),
        ({"version": "1"}, "#/answer_file/version"),
        ({"format": "csv"}, "#/answer_file/format"),
        ({"made_on": "yesterday"}, "#/answer_file/made_on"),
        ({"registry_version": ""}, "#/answer_file/registry_version"),
        ({"answers": [1]}, "#/answer_file/answers"),
        ({"answers": {f"fact_{number}": 1 for number in range(101)}}, "#/answer_file/answers"),
        ({"ask": "a million"}, "#/answer_file/ask"),
        ({"signature": "x"}, "#/answer_file/signature"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_nothing_is_drafted(
    client: FlaskClient, session: Session, group: Organisation, nurse: Person, change: dict[str, Any], pointer: str
) -> None:
    answer = upload(client, nurse, group, a_file(client) | change)

    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json["errors"]] == [pointer]
    assert proposals(session) == 0


def test_who_may_not_draft_may_not_draft_from_answers(
    client: FlaskClient, session: Session, group: Organisation, nurse: Person
) -> None:
    file = a_file(client)
    funder = an_organisation(session, kind="funder", name="Northern Foundation")
    cases = [
        (a_member(session, group, "viewer"), group, 403),
        (a_member(session, funder), group, 404),
        (a_member(session, funder), funder, 403),
    ]

    assert [upload(client, who, where, file).status_code for who, where, _ in cases] == [each[2] for each in cases]
    assert proposals(session) == 0


def test_the_same_key_drafts_once(client: FlaskClient, session: Session, group: Organisation, nurse: Person) -> None:
    file = a_file(client)
    first, second = (upload(client, nurse, group, file, **{"Idempotency-Key": "once"}) for _ in range(2))

    assert first.json == second.json
    assert proposals(session) == 1


def test_a_file_of_nothing_is_an_empty_draft(client: FlaskClient, group: Organisation, nurse: Person) -> None:
    answer = upload(client, nurse, group, a_file(client, answers={}, ask={}))

    assert (answer.status_code, answer.json["left_out"]) == (201, [])
