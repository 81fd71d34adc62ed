"""Accounts over HTTP: nobody learns who is known, a link works once, a new password ends every session."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from marketplace.identity.models import OneTimeLink, User
from marketplace.store.base import db
from marketplace.store.jobs import worker_app
from marketplace.values.clock import now
from tests.builders import a_member, a_person, an_organisation
from tests.identity.conftest import PASSWORD, Postbox, a_confirmed_visitor, registration


def test_a_person_registers_confirms_and_reads_their_account(app: Flask) -> None:
    ada = a_confirmed_visitor(app)

    answer = ada.client.get("/v1/account", headers=ada.headers)

    assert answer.status_code == 200
    assert answer.json["email"] == "ada@example.org"
    assert answer.json["memberships"] == []
    assert "ETag" in answer.headers


def test_registering_a_known_and_an_unknown_address_is_answered_alike(app: Flask, postbox: Postbox) -> None:
    a_confirmed_visitor(app)
    client = app.test_client()

    known = client.post("/v1/registrations", json=registration("Ada@example.org"))
    unknown = client.post("/v1/registrations", json=registration("Bob@example.org"))

    assert (known.status_code, known.data, known.headers["Content-Length"]) == (
        unknown.status_code,
        unknown.data,
        unknown.headers["Content-Length"],
    )
    assert {name for name, _ in known.headers} == {name for name, _ in unknown.headers}
    assert "There is one already" in postbox.letters("Ada@example.org")[-1]["body"]


def test_asking_for_a_new_password_is_answered_alike_for_everyone(app: Flask, postbox: Postbox) -> None:
    ada = a_confirmed_visitor(app)
    before = len(postbox.letters())

    known = ada.client.post("/v1/password-resets", json={"email": "ADA@example.org"})
    unknown = ada.client.post("/v1/password-resets", json={"email": "eve@example.org"})

    assert (known.status_code, known.data) == (202, unknown.data)
    assert unknown.status_code == 202
    recipients = [letter["to"] for letter in postbox.letters()[before:]]
    assert recipients == ["ada@example.org", None]


def test_logging_in_is_refused_alike_whatever_is_wrong(app: Flask) -> None:
    ada = a_confirmed_visitor(app)
    ada.client.post("/v1/registrations", json=registration("unconfirmed@example.org"))

    answers = [
        ada.client.post("/v1/sessions", json={"email": email, "password": password})
        for email, password in (
            ("ada@example.org", "not the password"),
            ("nobody@example.org", PASSWORD),
            ("unconfirmed@example.org", PASSWORD),
        )
    ]

    bodies = [{**answer.json, "request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert bodies[0] == bodies[1] == bodies[2]
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'Bearer error="invalid_token"'}


def test_a_confirmation_works_once(app: Flask, postbox: Postbox) -> None:
    a_confirmed_visitor(app)

    again = app.test_client().post("/v1/confirmations", json={"token": postbox.secret("ada@example.org")})

    assert (again.status_code, again.json["code"]) == (422, "link-not-usable")


def test_a_confirmation_expires_after_a_day(app: Flask, session: Session, postbox: Postbox) -> None:
    client = app.test_client()
    client.post("/v1/registrations", json=registration("ada@example.org"))
    session.execute(update(OneTimeLink).values(expires_at=now() - timedelta(seconds=1)))
    session.commit()

    answer = client.post("/v1/confirmations", json={"token": postbox.secret("ada@example.org")})

    assert answer.json["code"] == "link-not-usable"


def test_who_registers_anothers_address_first_does_not_choose_their_password(app: Flask, postbox: Postbox) -> None:
    client = app.test_client()
    client.post("/v1/registrations", json=registration("ada@example.org", password="the thief's password"))
    client.post("/v1/registrations", json=registration("ada@example.org"))

    client.post("/v1/confirmations", json={"token": postbox.secret("ada@example.org")})

    def log_in(password: str) -> int:
        return client.post("/v1/sessions", json={"email": "ada@example.org", "password": password}).status_code

    assert (log_in("the thief's password"), log_in(PASSWORD)) == (401, 201)


def test_an_address_gets_only_so_many_letters_an_hour(app: Flask, postbox: Postbox) -> None:
    client = app.test_client()

    for _ in range(8):
        assert client.post("/v1/registrations", json=registration("ada@example.org")).status_code == 202

    assert len(postbox.letters("ada@example.org")) == 5


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        pytest.param({"password": "elevenchars"}, "#/password", id="too short"),
        pytest.param({"password": "x" * 201}, "#/password", id="too long"),
        pytest.param({"password": "Ada.Nurse@example.org", "email": "ada.nurse@example.org"}, "#/password", id="mail"),
        pytest.param({"password": "aaaaaaaaaaaaaa"}, "#/password", id="one sign"),
        pytest.param({"email": "no address"}, "#/email", id="no address"),
        pytest.param({"email": "a" * 100_000}, "#/email", id="a very long address"),
        pytest.param({"name": "Ada\nhttps://evil.example"}, "#/name", id="two lines"),
        pytest.param({"operator": True}, "#/operator", id="a privilege"),
    ],
)
def test_a_registration_that_cannot_be_is_refused(client: FlaskClient, values: dict, pointer: str) -> None:
    answer = client.post("/v1/registrations", json=registration("ada@example.org") | values)

    assert answer.status_code == 422
    assert pointer in {each["pointer"] for each in answer.json["errors"]}


def test_a_new_password_by_letter_ends_every_session_and_the_old_password(app: Flask, postbox: Postbox) -> None:
    ada = a_confirmed_visitor(app)
    ada.client.post("/v1/password-resets", json={"email": ada.email})
    secret = postbox.secret(ada.email)

    redeemed = ada.client.post("/v1/password-resets/redeem", json={"token": secret, "password": "another quiet word"})

    assert redeemed.status_code == 204
    assert ada.client.get("/v1/account", headers=ada.headers).status_code == 401
    assert ada.client.post("/v1/sessions/refresh", headers=ada.refreshing).status_code == 401
    assert ada.client.post("/v1/sessions", json={"email": ada.email, "password": PASSWORD}).status_code == 401
    fresh = ada.client.post("/v1/sessions", json={"email": ada.email, "password": "another quiet word"})
    assert fresh.status_code == 201
    again = ada.client.post("/v1/password-resets/redeem", json={"token": secret, "password": "a third quiet word"})
    assert again.json["code"] == "link-not-usable"


def test_a_confirmation_secret_sets_no_password(app: Flask, postbox: Postbox) -> None:
    client = app.test_client()
    client.post("/v1/registrations", json=registration("ada@example.org"))

    answer = client.post(
        "/v1/password-resets/redeem",
        json={"token": postbox.secret("ada@example.org"), "password": "another quiet word"},
    )

    assert answer.json["code"] == "link-not-usable"


def test_changing_the_password_needs_the_present_one_and_ends_every_session(app: Flask) -> None:
    ada = a_confirmed_visitor(app)
    change = {"current": "not the password", "new": "another quiet word"}

    wrong = ada.client.post("/v1/account/password", json=change, headers=ada.headers)
    right = ada.client.post("/v1/account/password", json=change | {"current": PASSWORD}, headers=ada.headers)

    assert (wrong.status_code, wrong.json["code"]) == (422, "wrong-password")
    assert right.status_code == 204
    assert ada.client.get("/v1/account", headers=ada.headers).status_code == 401


def test_wrong_present_passwords_count_towards_the_lock(app: Flask, session: Session) -> None:
    ada = a_confirmed_visitor(app)
    change = {"current": "not the password", "new": "another quiet word"}

    ada.client.post("/v1/account/password", json=change, headers=ada.headers)

    assert session.scalars(select(User.failed_logins)).one() == 1


def test_an_account_is_changed_only_by_who_has_seen_it(app: Flask) -> None:
    ada = a_confirmed_visitor(app)
    tag = ada.client.get("/v1/account", headers=ada.headers).headers["ETag"]
    change = {"name": "Ada Lovelace", "language": "cy"}

    blind = ada.client.patch("/v1/account", json=change, headers=ada.headers)
    first = ada.client.patch("/v1/account", json=change, headers={**ada.headers, "If-Match": tag})
    stale = ada.client.patch("/v1/account", json=change, headers={**ada.headers, "If-Match": tag})

    assert [blind.status_code, first.status_code, stale.status_code] == [428, 200, 412]
    assert (first.json["name"], first.json["language"]) == ("Ada Lovelace", "cy")


def test_the_account_lists_memberships_with_the_organisations_name(client: FlaskClient, session: Session) -> None:
    group = an_organisation(session, name="Riverside")
    ada = a_member(session, group, "editor")

    answer = client.get("/v1/account", headers=ada.headers)

    [membership] = answer.json["memberships"]
    assert (membership["organisation_name"], membership["role"]) == ("Riverside", "editor")


def test_letters_tell_a_reader_over_the_shoulder_nothing(client: FlaskClient, session: Session, app: Flask) -> None:
    group = an_organisation(session, name="Riverside mutual", kind="staff_group")
    ada = a_member(session, group)
    a_confirmed_visitor(app, "bob@example.org")
    client.post("/v1/password-resets", json={"email": "bob@example.org"})
    invited = {"email": "bob@example.org", "role": "viewer"}
    client.post(f"/v1/organisations/{group.id}/invitations", json=invited, headers=ada.headers)

    letters = Postbox(app).letters("bob@example.org")

    assert len(letters) == 3
    assert {letter["subject"] for letter in letters} == {"A message about your account"}
    words = " ".join(letter["body"] for letter in letters).lower()
    assert not [
        word for word in ("riverside", "mutual", "marketplace", "fund", "proposal", "ada nurse") if word in words
    ]


def test_a_frontend_that_is_set_gets_the_link(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = app.extensions["marketplace_settings"]
    monkeypatch.setitem(
        app.extensions,
        "marketplace_settings",
        type(settings)(
            **{
                **{name: getattr(settings, name) for name in settings.__slots__},
                "frontend_url": "https://front.example",
            }
        ),
    )
    app.test_client().post("/v1/registrations", json=registration("ada@example.org"))

    assert "https://front.example/confirm#token=" in Postbox(app).letters("ada@example.org")[-1]["body"]


def test_a_refused_request_writes_to_nobody(client: FlaskClient, session: Session, postbox: Postbox) -> None:
    group = an_organisation(session)
    ada = a_member(session, group)
    guest = {"email": "bob@example.org", "role": "guest"}

    answer = client.post(f"/v1/organisations/{group.id}/invitations", json=guest, headers=ada.headers)

    assert answer.json["code"] == "guest-terms-not-valid"
    assert postbox.letters() == []


def test_the_queue_shows_neither_address_nor_secret(app: Flask, session: Session, postbox: Postbox) -> None:
    app.test_client().post("/v1/registrations", json=registration("ada@example.org"))

    stored = session.execute(text("SELECT string_agg(args::text, ' ') FROM procrastinate_jobs")).scalar_one()

    assert "ada@example.org" not in stored
    assert postbox.secret("ada@example.org") not in stored


def test_a_worker_delivers_the_letter_as_a_file(committed_app: Flask, tmp_path: Path) -> None:
    committed_app.test_client().post("/v1/registrations", json=registration("ada@example.org"))

    async def work() -> None:
        with worker_app(committed_app.config["SQLALCHEMY_DATABASE_URI"]) as app:
            async with app.open_async() as worker:
                await worker.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    with committed_app.app_context():
        asyncio.run(work())

    [letter] = (tmp_path / "mail").glob("*.eml")
    assert "To: ada@example.org" in letter.read_text()
    assert (letter.stat().st_mode & 0o777) == 0o600


def test_an_account_made_in_the_database_without_a_password_cannot_be_logged_into(
    client: FlaskClient, session: Session
) -> None:
    ada = a_person(session)
    email = session.get_one(User, ada.id).email

    answer = client.post("/v1/sessions", json={"email": email, "password": "!"})

    assert answer.status_code == 401


def test_hashes_made_with_other_costs_are_renewed_at_log_in(app: Flask, session: Session) -> None:
    from argon2 import PasswordHasher

    ada = a_confirmed_visitor(app)
    dear = PasswordHasher(time_cost=2, memory_cost=128, parallelism=1).hash(PASSWORD)
    session.execute(update(User).values(password_hash=dear))
    session.commit()

    assert ada.client.post("/v1/sessions", json={"email": ada.email, "password": PASSWORD}).status_code == 201

    db.session.expire_all()
    assert session.scalars(select(User.password_hash)).one().startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert ada.client.post("/v1/sessions", json={"email": ada.email, "password": PASSWORD}).status_code == 201
