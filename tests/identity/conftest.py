"""Letters that wait in the queue, and people who came in through the front door."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from marketplace.store.base import db
from marketplace.store.mail import present_settings, unseal

PASSWORD = "a quiet word in the ward"


@dataclass
class Postbox:
    """What the queue holds, opened."""

    app: Flask

    def letters(self, to: str | None = None) -> list[dict[str, str]]:
        query = text("SELECT args->>'sealed' FROM procrastinate_jobs WHERE task_name = 'mail.deliver' ORDER BY id")
        with self.app.app_context():
            sealed = db.session().execute(query).scalars().all()
            opened = [unseal(present_settings(), each) for each in sealed]
            db.session().rollback()
        return [letter for letter in opened if to is None or letter["to"] == to]

    def secret(self, to: str) -> str:
        """The secret in the latest letter to that address."""
        found = re.search(r'"token": "([\w-]+)"', self.letters(to)[-1]["body"])
        assert found is not None
        return found.group(1)


@dataclass
class Visitor:
    """Someone who uses the API from outside, with the tokens they were given."""

    client: FlaskClient
    email: str
    tokens: dict[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    @property
    def refreshing(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['refresh_token']}"}


@pytest.fixture
def postbox(app: Flask) -> Postbox:
    return Postbox(app)


def registration(email: str, **values: Any) -> dict[str, Any]:
    return {"email": email, "name": "Ada Nurse", "password": PASSWORD, **values}


def a_confirmed_visitor(app: Flask, email: str = "ada@example.org", password: str = PASSWORD) -> Visitor:
    """Register, confirm and log in over HTTP."""
    client = app.test_client()
    assert client.post("/v1/registrations", json=registration(email, password=password)).status_code == 202
    secret = Postbox(app).secret(email)
    assert client.post("/v1/confirmations", json={"token": secret}).status_code == 204
    answer = client.post("/v1/sessions", json={"email": email, "password": password})
    assert answer.status_code == 201, answer.text
    return Visitor(client, email, answer.json)
