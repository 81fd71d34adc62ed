"""The tests would notice a view that forgets to commit: each request has a session and a transaction of its own."""

from flask import Flask
from sqlalchemy import text

from marketplace.store.base import session

HELD = "SELECT count(*) FROM event WHERE type = 'test.forgotten'"
WRITTEN = text(
    "INSERT INTO event (id, type, subject_kind, subject_id, subject_path, scope, organisation_ids, excluded_ids)"
    " VALUES (gen_random_uuid(), 'test.forgotten', 'test', gen_random_uuid(), '/x', 'organisations', '{}', '{}')"
)


def test_what_a_view_forgets_to_commit_the_next_request_does_not_see(committed_app: Flask) -> None:
    @committed_app.post("/forgetful")
    def forgetful() -> str:
        session().execute(WRITTEN)
        return "written"

    @committed_app.post("/careful")
    def careful() -> str:
        session().execute(WRITTEN)
        session().commit()
        return "written"

    @committed_app.get("/count")
    def count() -> str:
        return str(session().scalar(text(HELD)))

    client = committed_app.test_client()

    assert client.post("/forgetful").text == "written"
    assert client.get("/count").text == "0"
    assert client.post("/careful").text == "written"
    assert client.get("/count").text == "1"
