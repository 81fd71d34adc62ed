"""The tests would notice a view that forgets to commit: each request has a session and a transaction of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.app import create_app
from marketplace.store.base import db, session
from tests.conftest import FreshClient, fresh_database, test_settings

HELD = "SELECT count(*) FROM event WHERE type = 'test.forgotten'"
WRITTEN = text(
    "INSERT INTO event (id, type, subject_kind, subject_id, subject_path, scope, organisation_ids, excluded_ids)"
    " VALUES (gen_random_uuid(), 'test.forgotten', 'test', gen_random_uuid(), '/x', 'organisations', '{}', '{}')"
)


@pytest.fixture
def fresh_app(clone: Callable[[], fresh_database], tmp_path: Path) -> Iterator[Flask]:
    """An application that has answered nothing yet, and so can be given routes."""
    with clone() as url:
        app = create_app(test_settings(url, tmp_path))
        app.test_client_class = FreshClient
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def test_what_a_view_forgets_to_commit_the_next_request_does_not_see(fresh_app: Flask) -> None:
    @fresh_app.post("/forgetful")
    def forgetful() -> str:
        session().execute(WRITTEN)
        return "written"

    @fresh_app.post("/careful")
    def careful() -> str:
        session().execute(WRITTEN)
        session().commit()
        return "written"

    @fresh_app.get("/count")
    def count() -> str:
        return str(session().scalar(text(HELD)))

    client = fresh_app.test_client()

    assert client.post("/forgetful").text == "written"
    assert client.get("/count").text == "0"
    assert client.post("/careful").text == "written"
    assert client.get("/count").text == "1"
