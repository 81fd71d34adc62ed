"""Scanning documents with clamd: what it says is done, what it has not said yet is not taken for a yes."""

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from marketplace.evidence import jobs, scanning
from marketplace.settings import Scanner
from marketplace.store.base import db
from marketplace.store.documents import StoredDocument
from marketplace.store.journal import Event
from marketplace.store.scanner import ScannerAway, Verdict, scan
from tests.evidence.scene import PDF, Scene

VIRUS = b"%PDF-1.7\nEICAR"


class Clamd(socketserver.StreamRequestHandler):
    """Speaks INSTREAM: chunks behind their length, ended by one of no length. Finds EICAR, chokes on CHOKE."""

    received: list[bytes] = []

    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        content = b""
        while size := int.from_bytes(self.rfile.read(4), "big"):
            content += self.rfile.read(size)
        self.received.append(content)
        if b"CHOKE" in content:
            self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
        elif b"SILENCE" not in content:
            self.wfile.write(b"stream: Eicar-Signature FOUND\0" if b"EICAR" in content else b"stream: OK\0")


@pytest.fixture
def clamd() -> Iterator[Scanner]:
    Clamd.received.clear()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Clamd) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield Scanner("127.0.0.1", server.server_address[1])
        server.shutdown()
        thread.join()


@pytest.fixture
def scanned(scene: Scene, clamd: Scanner, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The scene, where a scanner is set."""
    use(scene, monkeypatch, document_scanner=clamd)
    return scene


def use(scene: Scene, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    extensions = scene.client.application.extensions
    monkeypatch.setitem(extensions, "marketplace_settings", replace(extensions["marketplace_settings"], **settings))


def run_scan(scene: Scene, version: str) -> None:
    """What the worker does with the job that the submission left."""
    sha256 = scene.read(f"/v1/evidence-versions/{version}").json["sha256"]
    with scene.client.application.app_context():
        scanning.scan_document(sha256)
        db.session.commit()


def deferred(scene: Scene) -> int:
    query = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'evidence.scan_document'")
    return int(scene.session.scalar(query) or 0)


def content(scene: Scene, version: str, person: Any = None) -> tuple[int, str | None]:
    answer = scene.read(f"/v1/evidence-versions/{version}/content", person)
    return answer.status_code, answer.json["code"] if answer.is_json else None


def test_where_nothing_scans_a_document_says_so_and_is_read(scene: Scene) -> None:
    version = scene.uploaded(PDF + b"never scanned")

    assert scene.read(f"/v1/evidence-versions/{version}").json["scan_state"] == "not_scanned"
    assert content(scene, version, scene.officer) == (200, None)
    assert deferred(scene) == 0


def test_only_the_group_reads_a_document_that_waits_and_nobody_accepts_it(scanned: Scene) -> None:
    version = scanned.uploaded(PDF + b"waits")

    assert scanned.read(f"/v1/evidence-versions/{version}").json["scan_state"] == "scan_pending"
    assert content(scanned, version) == (200, None)
    assert content(scanned, version, scanned.officer) == (409, "document-not-scanned-yet")
    assert scanned.verify(version).json["code"] == "document-not-scanned-yet"
    assert deferred(scanned) == 1


def test_where_that_is_not_strict_others_read_it_meanwhile(scanned: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    use(scanned, monkeypatch, document_scan_strict=False)
    version = scanned.uploaded(PDF + b"waits, read meanwhile")

    assert content(scanned, version, scanned.officer) == (200, None)


def test_a_clean_document_is_sent_whole_read_and_accepted(scanned: Scene) -> None:
    long = PDF + b"x" * 300_000
    version = scanned.uploaded(long)
    run_scan(scanned, version)

    assert Clamd.received == [long]
    assert scanned.read(f"/v1/evidence-versions/{version}").json["scan_state"] == "clean"
    assert content(scanned, version, scanned.officer) == (200, None)
    assert scanned.verify(version).status_code == 201


def test_an_infected_document_is_rejected_and_never_given_out_not_even_to_the_group(scanned: Scene) -> None:
    version = scanned.uploaded(VIRUS)
    run_scan(scanned, version)

    shown = scanned.read(f"/v1/evidence-versions/{version}").json
    assert (shown["scan_state"], shown["state"], shown["verification"]) == ("infected", "rejected", None)
    assert content(scanned, version) == content(scanned, version, scanned.officer) == (409, "document-infected")
    assert scanned.verify(version).json["code"] in {"document-infected", "evidence-already-decided"}
    told = scanned.session.scalars(select(Event).where(Event.type == "evidence.infected")).one()
    assert set(told.organisation_ids) == {scanned.group, scanned.funder}


def test_the_same_infected_bytes_are_rejected_at_once_when_they_come_again(scanned: Scene) -> None:
    run_scan(scanned, scanned.uploaded(VIRUS + b" twice"))

    again = scanned.uploaded(VIRUS + b" twice")

    assert scanned.read(f"/v1/evidence-versions/{again}").json["state"] == "rejected"
    assert len(Clamd.received) == 1


def test_a_document_that_was_accepted_before_it_was_found_infected_is_given_out_no_more(
    scene: Scene, clamd: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = scene.uploaded(VIRUS + b" accepted")
    scene.verify(version)
    use(scene, monkeypatch, document_scanner=clamd)
    with scene.client.application.app_context():
        jobs.scan_what_waits(0)
        db.session.commit()

    assert deferred(scene) >= 1
    run_scan(scene, version)
    assert scene.read(f"/v1/evidence-versions/{version}").json["state"] == "accepted"
    assert content(scene, version, scene.officer) == (409, "document-infected")


@pytest.mark.parametrize("trouble", [b"CHOKE", b"SILENCE"])
def test_no_verdict_is_no_yes(scanned: Scene, trouble: bytes) -> None:
    version = scanned.uploaded(PDF + trouble)

    with pytest.raises(ScannerAway):
        run_scan(scanned, version)

    assert scanned.read(f"/v1/evidence-versions/{version}").json["scan_state"] == "scan_pending"


def test_a_scanner_that_is_away_is_asked_again_later(scanned: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    use(scanned, monkeypatch, document_scanner=Scanner("127.0.0.1", 9))
    version = scanned.uploaded(PDF + b"scanner away")

    with pytest.raises(ScannerAway):
        run_scan(scanned, version)
    assert scanned.read(f"/v1/evidence-versions/{version}").json["scan_state"] == "scan_pending"


def test_the_verdict_is_read_to_its_end(clamd: Scanner) -> None:
    assert scan(clamd, [b"a", b"EI", b"CAR"]) == Verdict("Eicar-Signature")
    assert scan(clamd, []) == Verdict(None)


def test_infected_stays_infected_in_the_database(scanned: Scene) -> None:
    run_scan(scanned, scanned.uploaded(VIRUS + b" for good"))
    infected = scanned.session.scalars(select(StoredDocument).where(StoredDocument.scan_state == "infected")).first()
    assert infected is not None

    with pytest.raises(IntegrityError, match="stays infected"):
        scanned.session.execute(
            text("UPDATE stored_document SET scan_state = 'clean', finding = NULL WHERE sha256 = :it"),
            {"it": infected.sha256},
        )
    scanned.session.rollback()
