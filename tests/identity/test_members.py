"""Members and invitations over HTTP: an owner always remains, a link works once and for one address only."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from marketplace.identity.members import GUEST_SUBJECTS
from marketplace.identity.models import Invitation, Membership, Organisation, User
from marketplace.store.base import db, new_id
from marketplace.store.journal import Event
from marketplace.values.clock import now, today
from tests.builders import Person, a_member, a_person, an_organisation
from tests.identity.conftest import Postbox

PROPOSAL = UUID("0192f3c4-7b1e-7a53-9c1d-3f6a2b8e4d10")


@pytest.fixture
def group(session: Session) -> Organisation:
    return an_organisation(session)


@pytest.fixture
def _one_proposal(group: Organisation) -> Iterator[None]:
    """The group has one proposal."""

    def knows(_: Session, organisation_id: UUID, proposal_id: UUID) -> bool:
        return (organisation_id, proposal_id) == (group.id, PROPOSAL)

    others = list(GUEST_SUBJECTS)
    GUEST_SUBJECTS[:] = [knows]
    yield
    GUEST_SUBJECTS[:] = others


def membership_path(session: Session, organisation: Organisation, person: Person) -> str:
    found = select(Membership.id).where(Membership.user_id == person.id, Membership.organisation_id == organisation.id)
    return f"/v1/organisations/{organisation.id}/memberships/{session.scalars(found).one()}"


def seen(client: FlaskClient, who: Person, path: str) -> dict[str, str]:
    """Headers of who has just read it."""
    return {**who.headers, "If-Match": client.get(path, headers=who.headers).headers.get("ETag", "")}


def invited(client: FlaskClient, owner: Person, organisation: Organisation, email: str, **values: Any) -> Any:
    body = {"email": email, "role": "editor", **values}
    return client.post(f"/v1/organisations/{organisation.id}/invitations", json=body, headers=owner.headers)


def address_of(session: Session, person: Person) -> str:
    return session.get_one(User, person.id).email


def test_only_owners_see_members_addresses(client: FlaskClient, session: Session, group: Organisation) -> None:
    owner, viewer = a_member(session, group), a_member(session, group, "viewer")
    path = f"/v1/organisations/{group.id}/memberships"

    by_owner = client.get(path, headers=owner.headers).json["data"]
    by_viewer = client.get(path, headers=viewer.headers).json["data"]

    assert [each["role"] for each in by_owner] == ["owner", "viewer"]
    assert all("email" in each["person"] for each in by_owner)
    assert not any("email" in each["person"] for each in by_viewer)


def test_an_owner_gives_roles_and_others_do_not(client: FlaskClient, session: Session, group: Organisation) -> None:
    owner = a_member(session, group)
    target = a_member(session, group, "viewer")
    path = membership_path(session, group, target)

    statuses = {
        role: client.patch(path, json={"role": "owner"}, headers=seen(client, who, path)).status_code
        for role, who in (
            ("editor", a_member(session, group, "editor")),
            ("approver", a_member(session, group, "approver")),
            ("viewer", target),
            ("stranger", a_person(session)),
        )
    }
    by_owner = client.patch(path, json={"role": "editor"}, headers=seen(client, owner, path))

    assert statuses == {"editor": 403, "approver": 403, "viewer": 403, "stranger": 404}
    assert (by_owner.status_code, by_owner.json["role"]) == (200, "editor")


@pytest.mark.parametrize("way", ["leave", "step down"])
def test_the_last_owner_neither_leaves_nor_steps_down(
    client: FlaskClient, session: Session, group: Organisation, way: str
) -> None:
    owner = a_member(session, group)
    a_member(session, group, "approver")
    path = membership_path(session, group, owner)

    def go() -> Any:
        headers = seen(client, owner, path)
        if way == "leave":
            return client.delete(path, headers=headers)
        return client.patch(path, json={"role": "viewer"}, headers=headers)

    alone = go()
    a_member(session, group)
    together = go()

    assert (alone.status_code, alone.json["code"]) == (409, "last-owner")
    assert together.status_code in {200, 204}


@pytest.mark.parametrize("way", ["leave", "step down", "remove each other"])
def test_of_two_owners_who_go_at_once_exactly_one_goes(committed_app: Flask, way: str) -> None:
    for _ in range(5):
        with committed_app.app_context():
            session = db.session()
            group = an_organisation(session)
            owners = [a_member(session, group), a_member(session, group)]
            paths = [membership_path(session, group, each) for each in owners]
            group_id = group.id
        targets = paths[::-1] if way == "remove each other" else paths
        client = committed_app.test_client()
        headers = [seen(client, who, path) for who, path in zip(owners, targets, strict=True)]
        start = Barrier(2)

        def go(place: int, targets: Any = targets, headers: Any = headers, start: Any = start) -> int:
            own = committed_app.test_client()
            start.wait()
            if way == "step down":
                return own.patch(targets[place], json={"role": "editor"}, headers=headers[place]).status_code
            return own.delete(targets[place], headers=headers[place]).status_code

        with ThreadPoolExecutor(2) as pool:
            statuses = list(pool.map(go, range(2)))

        with committed_app.app_context():
            remaining = db.session.scalar(
                select(func.count()).where(Membership.organisation_id == group_id, Membership.role == "owner")
            )
        assert sum(status < 300 for status in statuses) == 1, statuses
        assert remaining == 1


def test_a_member_leaves_and_is_gone_at_once(client: FlaskClient, session: Session, group: Organisation) -> None:
    a_member(session, group)
    editor = a_member(session, group, "editor")
    path = membership_path(session, group, editor)

    left = client.delete(path, headers=seen(client, editor, path))

    assert (left.status_code, left.data) == (204, b"")
    assert client.get(f"/v1/organisations/{group.id}", headers=editor.headers).status_code == 404


def test_a_change_of_members_needs_the_present_version(
    client: FlaskClient, session: Session, group: Organisation
) -> None:
    owner, editor = a_member(session, group), a_member(session, group, "editor")
    path = membership_path(session, group, editor)
    headers = seen(client, owner, path)

    statuses = [
        client.patch(path, json={"role": "viewer"}, headers=owner.headers).status_code,
        client.patch(path, json={"role": "viewer"}, headers=headers).status_code,
        client.patch(path, json={"role": "approver"}, headers=headers).status_code,
        client.delete(path, headers=headers).status_code,
    ]

    assert statuses == [428, 200, 412, 412]


def test_an_invitation_makes_a_member_once(client: FlaskClient, session: Session, group: Organisation) -> None:
    owner, bob = a_member(session, group), a_person(session, name="Bob")
    email = address_of(session, bob)
    made = invited(client, owner, group, email.upper())
    secret = {"token": Postbox(client.application).secret(email.upper())}

    accepted = client.post("/v1/invitations/accept", json=secret, headers=bob.headers)
    again = client.post("/v1/invitations/accept", json=secret, headers=bob.headers)

    assert made.status_code == 201
    assert secret["token"] not in made.text
    assert (accepted.status_code, accepted.json["role"]) == (201, "editor")
    assert (again.status_code, again.json["code"]) == (422, "invitation-not-usable")
    assert client.get(accepted.headers["Location"], headers=bob.headers).json["id"] == accepted.json["id"]
    assert session.scalars(select(Event.type).order_by(Event.seq)).all() == ["membership.invited", "membership.added"]


def test_an_invitation_accepted_twice_at_once_makes_one_member(committed_app: Flask) -> None:
    with committed_app.app_context():
        session = db.session()
        group = an_organisation(session)
        owner, bob = a_member(session, group), a_person(session)
        email = address_of(session, bob)
        invited(committed_app.test_client(), owner, group, email)
    secret = {"token": Postbox(committed_app).secret(email)}
    start = Barrier(4)

    def accept(_: int) -> int:
        start.wait()
        client = committed_app.test_client()
        return client.post("/v1/invitations/accept", json=secret, headers=bob.headers).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(accept, range(4)))

    assert statuses == [201, 422, 422, 422]


@pytest.mark.parametrize("spoilt", ["another's", "revoked", "expired", "sender left", "suspended", "made up"])
def test_an_invitation_that_does_not_count_is_refused_without_saying_why(
    client: FlaskClient, session: Session, group: Organisation, spoilt: str
) -> None:
    owner, bob, eve = a_member(session, group), a_person(session), a_person(session)
    a_member(session, group)
    email = address_of(session, bob)
    path = invited(client, owner, group, email).headers["Location"]
    secret = Postbox(client.application).secret(email)
    who = eve if spoilt == "another's" else bob
    if spoilt == "revoked":
        assert client.delete(path, headers=seen(client, owner, path)).status_code == 204
    if spoilt == "expired":
        session.execute(update(Invitation).values(expires_at=now() - timedelta(seconds=1)))
        session.commit()
    if spoilt == "sender left":
        own = membership_path(session, group, owner)
        assert client.delete(own, headers=seen(client, owner, own)).status_code == 204
    if spoilt == "suspended":
        session.execute(update(Organisation).values(verification="suspended"))
        session.commit()
    if spoilt == "made up":
        secret = "made-up"

    answer = client.post("/v1/invitations/accept", json={"token": secret}, headers=who.headers)

    assert (answer.status_code, answer.json["code"]) == (422, "invitation-not-usable")
    assert "another address" in answer.json["detail"]


def test_an_invitation_lasts_two_weeks(client: FlaskClient, session: Session, group: Organisation) -> None:
    invited(client, a_member(session, group), group, "bob@example.org")

    expires = session.scalars(select(Invitation.expires_at)).one()
    assert timedelta(days=14) - timedelta(minutes=1) < expires - now() <= timedelta(days=14)


def test_a_member_is_not_made_a_member_again(client: FlaskClient, session: Session, group: Organisation) -> None:
    owner, editor = a_member(session, group), a_member(session, group, "editor")
    email = address_of(session, editor)
    invited(client, owner, group, email)
    secret = {"token": Postbox(client.application).secret(email)}

    answer = client.post("/v1/invitations/accept", json=secret, headers=editor.headers)

    assert (answer.status_code, answer.json["code"]) == (409, "already-member")


def test_only_owners_invite_and_read_invitations(client: FlaskClient, session: Session, group: Organisation) -> None:
    path = f"/v1/organisations/{group.id}/invitations"
    people = {role: a_member(session, group, role) for role in ("owner", "editor", "approver", "viewer")}

    posted = {role: invited(client, who, group, "bob@example.org").status_code for role, who in people.items()}
    read = {role: client.get(path, headers=who.headers).status_code for role, who in people.items()}

    assert posted == {"owner": 201, "editor": 403, "approver": 403, "viewer": 403}
    assert read == {"owner": 200, "editor": 403, "approver": 403, "viewer": 403}


@pytest.mark.usefixtures("_one_proposal")
@pytest.mark.parametrize(
    ("values", "pointers"),
    [
        pytest.param({}, ["#/proposal_id", "#/until"], id="neither"),
        pytest.param({"proposal_id": str(PROPOSAL), "until": "2020-01-01"}, ["#/until"], id="a day gone by"),
        pytest.param({"proposal_id": str(PROPOSAL), "until": "2199-01-01"}, ["#/until"], id="for ever"),
        pytest.param(
            {"proposal_id": str(new_id()), "until": str(today())}, ["#/proposal_id"], id="a proposal of nobody's"
        ),
        pytest.param({"role": "viewer", "until": str(today())}, ["#/until"], id="a viewer until a day"),
    ],
)
def test_a_guest_is_invited_to_one_proposal_until_a_day(
    client: FlaskClient, session: Session, group: Organisation, values: dict[str, Any], pointers: list[str]
) -> None:
    answer = invited(client, a_member(session, group), group, "bob@example.org", **{"role": "guest", **values})

    assert (answer.status_code, answer.json["code"]) == (422, "guest-terms-not-valid")
    assert [each["pointer"] for each in answer.json["errors"]] == pointers


@pytest.mark.usefixtures("_one_proposal")
def test_a_guest_is_of_the_proposal_and_sees_no_organisation(
    client: FlaskClient, session: Session, group: Organisation
) -> None:
    owner, adviser = a_member(session, group), a_person(session)
    email = address_of(session, adviser)
    invited(client, owner, group, email, role="guest", proposal_id=str(PROPOSAL), until=str(today()))
    secret = {"token": Postbox(client.application).secret(email)}
    assert client.post("/v1/invitations/accept", json=secret, headers=adviser.headers).status_code == 201

    session.expire_all()
    assert adviser.actor(session).guest_of(PROPOSAL) is not None
    assert client.get(f"/v1/organisations/{group.id}", headers=adviser.headers).status_code == 404
    assert client.get(f"/v1/organisations/{group.id}/memberships", headers=adviser.headers).status_code == 404
    session.execute(update(Membership).where(Membership.role == "guest").values(until=today() - timedelta(days=1)))
    session.commit()
    assert adviser.actor(session).guest_of(PROPOSAL) is None
    assert client.get("/v1/account", headers=adviser.headers).json["memberships"] == []


@pytest.mark.usefixtures("_one_proposal")
def test_a_guest_becomes_nothing_else(client: FlaskClient, session: Session, group: Organisation) -> None:
    owner = a_member(session, group)
    guest = a_member(session, group, "guest", proposal_id=PROPOSAL, until=today())
    path = membership_path(session, group, guest)

    answer = client.patch(path, json={"role": "owner"}, headers=seen(client, owner, path))

    assert (answer.status_code, answer.json["code"]) == (409, "guest-role-fixed")


def test_an_invitation_that_was_accepted_is_not_revoked(
    client: FlaskClient, session: Session, group: Organisation
) -> None:
    owner, bob = a_member(session, group), a_person(session)
    email = address_of(session, bob)
    path = invited(client, owner, group, email).headers["Location"]
    secret = {"token": Postbox(client.application).secret(email)}
    client.post("/v1/invitations/accept", json=secret, headers=bob.headers)

    answer = client.delete(path, headers=seen(client, owner, path))

    assert (answer.status_code, answer.json["code"]) == (409, "invitation-closed")
