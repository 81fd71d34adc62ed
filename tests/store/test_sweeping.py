"""A sweep and an upload of the same bytes at the same moment: the upload wins, whichever comes first."""

import io
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.store import documents
from marketplace.store.base import db
from marketplace.store.places import OnDisk

BYTES = b"nobody names these bytes yet"
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


def test_an_upload_that_meets_a_sweep_of_the_same_bytes_is_kept(
    committed_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = OnDisk.remove
    uploads: list[threading.Thread] = []

    def upload() -> None:
        with committed_app.app_context():
            documents.keep(io.BytesIO(BYTES), limit=100)

    def removed(place: OnDisk, sha256: str) -> None:
        """The sweep holds the row's lock here: let an upload run up against it, then go on."""
        uploads.append(threading.Thread(target=upload))
        uploads[0].start()
        with db.engine.connect() as watching:
            while not watching.execute(WAITING).scalar_one():
                watching.rollback()
        remove(place, sha256)

    monkeypatch.setattr(OnDisk, "remove", removed)
    with committed_app.app_context():
        stored = documents.keep(io.BytesIO(BYTES), limit=100)
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE stored_document SET touched_at = now() - interval '2 days'"))
        swept = documents.sweep(db.session(), datetime.now(UTC) - timedelta(days=1), remove=True)
        uploads[0].join()

        assert swept.unnamed == [stored]
        assert b"".join(documents.content_of(stored.sha256)) == BYTES
        assert db.session().get(documents.StoredDocument, stored.sha256) is not None


def test_a_sweep_spares_what_was_touched_since_it_looked(committed_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    before = datetime.now(UTC) + timedelta(minutes=1)
    still: Any = documents._swept

    def touched(session: Any, *about: Any) -> bool:
        with db.engine.begin() as other:
            other.execute(text("UPDATE stored_document SET touched_at = now() + interval '1 hour'"))
        return bool(still(session, *about))

    monkeypatch.setattr(documents, "_swept", touched)
    with committed_app.app_context():
        stored = documents.keep(io.BytesIO(BYTES), limit=100)

        assert documents.sweep(db.session(), before, remove=True).unnamed == []
        assert b"".join(documents.content_of(stored.sha256)) == BYTES


def test_the_command_changes_nothing_unless_it_is_told_to(committed_app: Flask) -> None:
    with committed_app.app_context():
        stored = documents.keep(io.BytesIO(BYTES), limit=100)
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE stored_document SET touched_at = now() - interval '2 days'"))
    looked = committed_app.test_cli_runner().invoke(args=["sweep-documents"])
    again = committed_app.test_cli_runner().invoke(args=["sweep-documents", "--remove"])
    after = committed_app.test_cli_runner().invoke(args=["sweep-documents"])

    assert looked.output.startswith(f"{stored.sha256} {len(BYTES)}\n1 documents of {len(BYTES)} bytes to be taken away")
    assert f"1 documents of {len(BYTES)} bytes taken away" in again.output
    assert after.output.startswith("0 documents")
