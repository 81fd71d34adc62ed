"""Cohort limits and terms for first movers over HTTP: who says them, what contradicts itself, who reads them."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.identity.models import Organisation
from marketplace.store.journal import Event
from marketplace.values.clock import today
from tests.builders import Person, a_member, an_organisation
from tests.programmes.builders import a_programme, an_open_programme

LIMIT = {"limit": 3, "per_sector": True, "learning_note_required": True}
TERMS = {"words": {"en": "Half the rate", "cy": "Hanner y gyfradd"}, "up_to_rank": 5}
BOTH = [("cohort-limit", LIMIT), ("first-mover-terms", TERMS)]


@pytest.fixture
def funder(session: Session) -> Organisation:
    return an_organisation(session, kind="funder", name="Leeds Fund")


@pytest.fixture
def officer(session: Session, funder: Organisation) -> Person:
    return a_member(session, funder, "editor")


def put(client: FlaskClient, person: Person, path: str, body: Any) -> TestResponse:
    etag = client.get(path, headers=person.headers).headers["ETag"]
    return client.put(path, json=body, headers=person.headers | {"If-Match": etag})


def test_a_programme_shows_its_limit_and_its_terms_to_anyone(
    client: FlaskClient, session: Session, funder: Organisation, officer: Person
) -> None:
    path = f"/v1/programmes/{an_open_programme(session, funder).id}"
    shown = client.get(path).json
    assert (shown["cohort_limit"], shown["first_mover_terms"]) == (None, None)
    assert client.get(f"{path}/cohort-limit").json == dict.fromkeys(LIMIT, False) | {"limit": None}
    assert client.get(f"{path}/first-mover-terms").json == {"words": None, "up_to_rank": None}

    for name, body in BOTH:
        assert put(client, officer, f"{path}/{name}", body).status_code == 200

    shown = client.get(f"{path}?languages=all").json
    assert (shown["cohort_limit"], shown["first_mover_terms"]) == (LIMIT, TERMS)
    assert client.get(f"{path}/cohort-limit").json == LIMIT
    welsh = client.get(f"{path}/first-mover-terms", headers={"Accept-Language": "cy"})
    assert welsh.json == {"words": "Hanner y gyfradd", "up_to_rank": 5}
    (listed,) = client.get("/v1/programmes").json["data"]
    assert listed["cohort_limit"] == LIMIT


@pytest.mark.parametrize(
    ("name", "body", "none"),
    [("cohort-limit", LIMIT, {"limit": None}), ("first-mover-terms", TERMS, {"words": None, "up_to_rank": None})],
)
def test_what_was_said_is_taken_back_and_every_time_everyone_is_told(
    client: FlaskClient, session: Session, funder: Organisation, officer: Person, name: str, body: Any, none: Any
) -> None:
    programme = an_open_programme(session, funder)
    path = f"/v1/programmes/{programme.id}"
    put(client, officer, f"{path}/{name}", body)

    assert put(client, officer, f"{path}/{name}", none).status_code == 200

    assert client.get(path).json[name.replace("-", "_")] is None
    type_ = f"programme.{name.replace('-', '_')}_set"
    events = session.scalars(select(Event).where(Event.type == type_)).all()
    assert [(each.subject_id, each.scope) for each in events] == [(programme.id, "public")] * 2


@pytest.mark.parametrize(("name", "body"), BOTH)
def test_a_draft_s_are_seen_by_its_funder_alone_and_told_to_nobody(
    client: FlaskClient, session: Session, funder: Organisation, officer: Person, name: str, body: Any
) -> None:
    path = f"/v1/programmes/{a_programme(session, funder).id}/{name}"

    assert put(client, officer, path, body).status_code == 200

    assert client.get(path).status_code == 404
    type_ = f"programme.{name.replace('-', '_')}_set"
    assert session.scalars(select(Event.scope).where(Event.type == type_)).all() == ["organisations"]


@pytest.mark.parametrize(("name", "body"), BOTH)
def test_a_change_shows_that_the_present_one_was_read(
    client: FlaskClient, session: Session, funder: Organisation, officer: Person, name: str, body: Any
) -> None:
    path = f"/v1/programmes/{an_open_programme(session, funder).id}/{name}"
    first = client.get(path).headers["ETag"]

    assert client.put(path, json=body, headers=officer.headers).status_code == 428
    assert client.put(path, json=body, headers=officer.headers | {"If-Match": first}).status_code == 200
    assert client.put(path, json=body, headers=officer.headers | {"If-Match": first}).status_code == 412


@pytest.mark.parametrize(("name", "body"), BOTH)
def test_who_publishes_a_programme_says_them(
    client: FlaskClient, session: Session, funder: Organisation, name: str, body: Any
) -> None:
    path = f"/v1/programmes/{an_open_programme(session, funder).id}/{name}"

    assert put(client, a_member(session, funder, "approver"), path, body).status_code == 403
    other = a_member(session, an_organisation(session, kind="funder", name="Another Fund"))
    assert put(client, other, path, body).status_code == 404
    funder.verification = "unverified"
    session.commit()
    assert put(client, a_member(session, funder), path, body).status_code == 403


@pytest.mark.parametrize(
    ("name", "body", "pointers"),
    [
        ("cohort-limit", LIMIT | {"limit": None}, ["#/per_sector", "#/learning_note_required"]),
        ("cohort-limit", {"limit": 0}, ["#/limit"]),
        ("cohort-limit", {"limit": "3"}, ["#/limit"]),
        ("cohort-limit", {"per_sector": True}, ["#/limit"]),
        ("cohort-limit", LIMIT | {"taken": 1}, ["#/taken"]),
        ("first-mover-terms", TERMS | {"words": None}, ["#/words"]),
        ("first-mover-terms", TERMS | {"up_to_rank": None}, ["#/up_to_rank"]),
        ("first-mover-terms", TERMS | {"up_to_rank": 10_001}, ["#/up_to_rank"]),
    ],
)
def test_what_contradicts_itself_is_named_and_nothing_is_kept(
    client: FlaskClient,
    session: Session,
    funder: Organisation,
    officer: Person,
    name: str,
    body: Any,
    pointers: list[str],
) -> None:
    path = f"/v1/programmes/{an_open_programme(session, funder).id}/{name}"
    before = client.get(path).data

    refused = put(client, officer, path, body)

    assert refused.status_code == 422
    assert [each["pointer"] for each in refused.json["errors"]] == pointers
    assert client.get(path).data == before


def test_a_wholesale_vehicle_has_no_cohort_to_limit(client: FlaskClient, session: Session) -> None:
    wholesaler = an_organisation(session, kind="wholesale_vehicle", name="Big Fund")
    path = f"/v1/programmes/{an_open_programme(session, wholesaler).id}/cohort-limit"

    refused = put(client, a_member(session, wholesaler, "editor"), path, LIMIT)

    assert refused.json["errors"][0]["pointer"] == "#/limit"


@pytest.mark.parametrize(("name", "body"), BOTH)
def test_whoever_keeps_a_listing_promises_nothing_in_its_funder_s_name(
    client: FlaskClient, session: Session, funder: Organisation, officer: Person, name: str, body: Any
) -> None:
    listing = {
        "funder_name": "Leeds Seed Trust",
        "source_url": "https://example.org/seed",
        "checked_on": today().isoformat(),
    }
    draft = {"organisation_id": str(funder.id), "title": "Seed grants", "listing": listing}
    path = client.post("/v1/programmes", json=draft, headers=officer.headers).headers["Location"]

    refused = put(client, officer, f"{path}/{name}", body)

    assert (refused.status_code, refused.json["code"]) == (409, "programme-unclaimed")
