"""What the operator of the marketplace types."""

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.identity.commands import list_unverified, make_operator
from marketplace.identity.models import User
from tests.builders import an_organisation
from tests.identity.conftest import a_confirmed_visitor, registration


def test_an_operator_is_made_and_unmade(app: Flask) -> None:
    ada = a_confirmed_visitor(app)
    run = app.test_cli_runner().invoke

    made = run(make_operator, ["ADA@example.org"])
    assert made.exit_code == 0
    assert ada.client.get("/v1/account", headers=ada.headers).json["operator"] is True

    ended = run(make_operator, ["ada@example.org", "--end"])
    assert ended.exit_code == 0
    assert ada.client.get("/v1/account", headers=ada.headers).json["operator"] is False


def test_an_unconfirmed_account_is_made_no_operator(app: Flask, session: Session) -> None:
    app.test_client().post("/v1/registrations", json=registration("ada@example.org"))

    outcome = app.test_cli_runner().invoke(make_operator, ["ada@example.org"])

    assert outcome.exit_code == 1
    assert session.scalars(select(User.operator)).one() is False


def test_who_waits_for_verification_is_listed(app: Flask, session: Session) -> None:
    an_organisation(session, name="Night nurses", verification="unverified", identifier=("GB-COH", "01234567"))
    an_organisation(session, name="Verified fund", kind="funder")

    shown = app.test_cli_runner().invoke(list_unverified).output

    assert "Night nurses  GB-COH-01234567" in shown
    assert "Verified fund" not in shown
