"""D1: what is held of a person comes out whole, and goes away whole; ledger and audit chain still verify."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from marketplace.feeds.verification import verify
from marketplace.identity import personal
from marketplace.identity.models import Invitation, Membership, SessionFamily, User
from marketplace.ledger.reconciliation import reconcile
from marketplace.programmes.models import ErrorReport
from marketplace.store import mail
from marketplace.store.base import new_id
from marketplace.store.mail import present_settings, unseal
from marketplace.values.clock import now
from tests.builders import a_member, a_person, an_organisation
from tests.identity.canary import EMAIL, NAME, PASSWORD, WORDS, become, erase, places_that_hold
from tests.pledges.scene import Scene, a_scene


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    """The nurse of the scene is the one who asks; another owner of her group stays."""
    scene = a_scene(session, client)
    become(session, scene.nurse)
    a_member(session, scene.group)
    return scene


def leave_traces(scene: Scene) -> None:
    """Something of the person in as many places as one gets into."""
    group, session = scene.group.id, scene.session
    pledge = scene.signed()
    scene.do(scene.nurse, f"/tranches/{scene.tranches(pledge)[0]['id']}/claim", {"note": f"{WORDS}, {EMAIL}"})
    scene.do(scene.director, f"/tranches/{scene.tranches(pledge)[0]['id']}/approval")
    scene.pay(scene.tranches(pledge)[0]["id"])
    scene.prove("business_plan_v1")
    report = {"statement": f"{WORDS}, write to {EMAIL}", "about": "#/title"}
    scene.do(scene.nurse, f"/programmes/{scene.programme.id}/error-reports", report)
    scene.do(scene.nurse, f"/organisations/{group}/invitations", {"email": "friend@example.org", "role": "viewer"})
    session.add(
        Invitation(
            organisation_id=scene.funder.id,
            email=EMAIL.upper(),
            role="viewer",
            token_digest=new_id().hex * 2,
            invited_by=scene.director.id,
            expires_at=now() + timedelta(days=3),
        )
    )
    mail.send(session, EMAIL, "Subject", "Body")
    mail.send(session, "somebody.else@example.org", "Subject", "Body")
    scene.programme.summary = {"en": f"Ask {EMAIL} for the form."}
    session.commit()
    scene.client.patch(
        "/v1/account",
        json={"language": "cy"},
        headers=scene.nurse.headers | {"If-Match": "*", "Idempotency-Key": "canary"},
    )


def letters_to(session: Session, address: str) -> int:
    sealed = session.scalars(
        text("SELECT args->>'sealed' FROM procrastinate_jobs WHERE task_name = 'mail.deliver'")
    ).all()
    return sum(unseal(present_settings(), each)["to"] == address for each in sealed)


def test_every_column_that_names_a_person_has_a_source(app: Flask) -> None:
    covered = {column for source in personal.SOURCES for column in source.columns}

    missing = personal.person_columns() - covered
    assert missing == set(), f"say in wiring.py what is held there of a person, and what becomes of it: {missing}"
    assert covered - personal.person_columns() == set()


def test_subject_access_tells_everything_and_of_nobody_else(scene: Scene) -> None:
    leave_traces(scene)

    answer = scene.client.get("/v1/me/data", headers=scene.nurse.headers)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json
    assert (told["account"]["name"], told["account"]["email"]) == (NAME, EMAIL)
    held = told["held"]
    for name in ("session_family", "membership", "invitation", "audit_entry", "proposal_version", "tranche"):
        assert held[name], name
    assert held["error_report"][0]["statement"] == f"{WORDS}, write to {EMAIL}"
    assert held["letter"][0]["status"] == "todo"
    others = scene.session.scalars(select(User).where(User.id != scene.nurse.id)).all()
    for other in others:
        assert other.email not in answer.text
        assert str(other.id) not in answer.text
    assert "friend@example.org" not in answer.text
    assert "somebody.else@example.org" not in answer.text


def test_erasure_leaves_nothing_of_the_person_and_the_record_still_verifies(scene: Scene) -> None:
    leave_traces(scene)
    session = scene.session
    before = {canary: places_that_hold(session, canary) for canary in (NAME, EMAIL, WORDS)}
    balances, entries = scene.balances(), verify(session).entries
    assert all(before.values())

    answer = erase(scene)

    assert answer.status_code == 204, answer.json
    session.expire_all()
    after = {canary: places_that_hold(session, canary) for canary in (NAME, EMAIL, WORDS)}
    places = len(set().union(*before.values()))
    print(f"D1: {places} columns held name, address or words before, {len(set().union(*after.values()))} after")
    assert after == {NAME: set(), EMAIL: set(), WORDS: set()}
    assert letters_to(session, EMAIL) == 0
    assert letters_to(session, "somebody.else@example.org") == 1
    assert scene.balances() == balances
    assert reconcile(session) == []
    report = verify(session)
    assert [str(each) for each in report.faults] == []
    assert report.entries > entries
    row = session.get_one(User, scene.nurse.id)
    assert (row.name, row.operator, row.confirmed_at) == (personal.ERASED_NAME, False, None)


@pytest.mark.slow
def test_an_erased_person_is_nobody(scene: Scene) -> None:
    erase(scene)

    assert scene.client.get("/v1/account", headers=scene.nurse.headers).status_code == 401
    tried = scene.client.post("/v1/sessions", json={"email": EMAIL, "password": PASSWORD})
    assert tried.status_code == 401
    assert scene.session.scalars(select(SessionFamily).filter_by(user_id=scene.nurse.id)).all() == []
    assert scene.session.scalars(select(Membership).filter_by(user_id=scene.nurse.id)).all() == []


@pytest.mark.slow
def test_no_list_tells_of_an_erased_person(scene: Scene) -> None:
    leave_traces(scene)
    a_colleague = a_member(scene.session, scene.group)
    erase(scene)
    paths = (
        f"/organisations/{scene.group.id}/memberships",
        f"/organisations/{scene.group.id}/invitations",
        f"/organisations/{scene.group.id}/audit?limit=100",
        f"/proposals/{scene.proposal.id}",
        f"/proposals/{scene.proposal.id}/evidence",
        f"/programmes?q={EMAIL}",
        "/proposals",
        "/events?limit=100",
    )
    for reader in (a_colleague, scene.officer, a_person(scene.session, operator=True)):
        for path in paths:
            answer = scene.read(reader, path)
            told = answer.text.replace(EMAIL, "", 1) if "q=" in path else answer.text
            assert NAME not in told, path
            assert EMAIL not in told, path


def test_the_last_owner_hands_over_first_and_every_such_organisation_is_named(scene: Scene) -> None:
    alone = [an_organisation(scene.session, name=name) for name in ("One", "Two")]
    for each in alone:
        scene.session.add(Membership(organisation_id=each.id, user_id=scene.nurse.id, role="owner"))
    scene.session.commit()

    answer = erase(scene)

    assert (answer.status_code, answer.json["code"]) == (409, "last-owner")
    assert {each["found"] for each in answer.json["reasons"]} == {str(each.id) for each in alone}
    assert scene.read(scene.nurse, "/account").json["name"] == NAME


def test_a_token_alone_erases_nobody(scene: Scene) -> None:
    answer = erase(scene, "not the password")

    assert (answer.status_code, answer.json["code"]) == (422, "wrong-password")
    assert scene.read(scene.nurse, "/account").json["name"] == NAME
    bare = scene.client.post("/v1/me/erasure", json={"password": PASSWORD}, headers=scene.nurse.headers)
    assert bare.status_code == 400


@pytest.mark.slow
def test_anothers_words_stay_though_they_hold_the_name(scene: Scene) -> None:
    """A name goes from what its bearer wrote alone: one called Social Enterprise shall not blank out others' texts."""
    scene.programme.summary = {"en": f"In memory of {NAME}."}
    report = ErrorReport(programme_id=scene.programme.id, statement=f"By {NAME}", reported_by=scene.officer.id)
    scene.session.add(report)
    scene.session.commit()

    erase(scene)

    scene.session.expire_all()
    assert scene.programme.summary == {"en": f"In memory of {NAME}."}
    assert report.statement == f"By {NAME}"


@pytest.mark.slow
def test_the_address_may_register_anew(scene: Scene) -> None:
    erase(scene)

    answer = scene.client.post("/v1/registrations", json={"email": EMAIL, "name": "Somebody New", "password": PASSWORD})

    assert answer.status_code == 202
    assert scene.session.scalars(select(User.name).where(User.email == EMAIL)).one() == "Somebody New"


@pytest.mark.slow
def test_the_operator_erases_by_a_command(scene: Scene, app: Flask) -> None:
    scene.session.commit()

    answer = app.test_cli_runner().invoke(args=["erase-person", EMAIL, "--yes"])

    assert answer.exit_code == 0, answer.output
    scene.session.expire_all()
    assert scene.session.get_one(User, scene.nurse.id).erased_at is not None
    again = app.test_cli_runner().invoke(args=["erase-person", EMAIL, "--yes"])
    assert again.exit_code == 1


def test_what_never_changes_changes_for_an_erasure_alone(session: Session) -> None:
    for table in ("event", "audit_entry", "ledger_transaction", "decision"):
        refused = session.scalar(
            text("SELECT position(:name IN prosrc) > 0 FROM pg_proc WHERE proname = 'refuse_rewriting'"),
            {"name": f"'{table}'"},
        )
        assert refused, table
