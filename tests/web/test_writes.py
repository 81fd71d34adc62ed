"""Repeating a request: the same answer for the same person, as long as they are what they were."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete
from sqlalchemy.orm import Session

from marketplace.identity.models import Membership, Organisation
from tests.builders import Person, a_member, an_organisation


def drafted(client: FlaskClient, person: Person, group: Organisation) -> Any:
    body = {"organisation_id": str(group.id), "title": "Speech therapy by its staff"}
    return client.post("/v1/proposals", json=body, headers=person.headers | {"Idempotency-Key": "a"})


def test_a_request_that_comes_again_gets_its_answer_again(client: FlaskClient, session: Session) -> None:
    group = an_organisation(session)
    person = a_member(session, group, "editor")

    first, again = drafted(client, person, group), drafted(client, person, group)

    assert first.status_code == 201
    assert (again.status_code, again.json, again.headers["Idempotent-Replayed"]) == (201, first.json, "true")


def test_who_has_become_more_gets_the_answer_again(client: FlaskClient, session: Session) -> None:
    group = an_organisation(session, verification="unverified")
    person = a_member(session, group, "editor")
    first = drafted(client, person, group)
    group.verification = "vouched"
    session.query(Membership).filter_by(user_id=person.id).update({"role": "owner"})
    session.add(Membership(organisation_id=an_organisation(session).id, user_id=person.id, role="viewer"))
    session.commit()

    assert drafted(client, person, group).json == first.json


@pytest.mark.parametrize("loss", ["membership", "role", "verification"])
def test_who_has_lost_what_they_were_gets_no_old_answer(client: FlaskClient, session: Session, loss: str) -> None:
    group = an_organisation(session)
    person = a_member(session, group, "editor")
    assert drafted(client, person, group).status_code == 201
    if loss == "membership":
        session.execute(delete(Membership).where(Membership.user_id == person.id))
    elif loss == "role":
        session.query(Membership).filter_by(user_id=person.id).update({"role": "viewer"})
    else:
        group.verification = "suspended"
    session.commit()

    refused = drafted(client, person, group)

    assert (refused.status_code, refused.json["code"]) == (409, "replay-not-allowed")
