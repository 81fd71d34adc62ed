"""Having documents scanned, and what follows from it. The scanner is asked by a job, outside every transaction.

Without a scanner in the settings documents are `not_scanned`, and say so. Knows who is told, not how clamd is asked.
"""

from typing import cast

from flask import current_app
from procrastinate import RetryStrategy
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence.models import EvidenceVersion
from marketplace.evidence.rules import ScanState
from marketplace.settings import Settings
from marketplace.store import journal
from marketplace.store.base import session as present_session
from marketplace.store.documents import StoredDocument, checked_pieces
from marketplace.store.jobs import defer, jobs
from marketplace.store.scanner import Verdict, scan
from marketplace.values.actor import Actor
from marketplace.values.clock import now

QUEUE = "evidence"
AT_A_TIME = 200
UNSCANNED = (ScanState.NOT_SCANNED.value, ScanState.SCAN_PENDING.value)


def strict() -> bool:
    """Whether the group alone reads a document that waits for its scan."""
    return _settings().document_scan_strict


def await_scan(session: Session, version: EvidenceVersion) -> None:
    """Have the version's document scanned, where something scans here and has not seen it yet."""
    document = session.get_one(StoredDocument, version.sha256, populate_existing=True)
    if document.scan_state == ScanState.INFECTED:
        _reject(session, version)
    elif _settings().document_scanner is not None and document.scan_state in UNSCANNED:
        document.scan_state = ScanState.SCAN_PENDING.value
        session.flush()
        ask_for_scan(session, version.sha256)


def ask_for_scan(session: Session, sha256: str) -> None:
    """Queue the scan of that document in the session's transaction."""
    defer(session, scan_document, sha256=sha256)


@jobs.task(name="evidence.scan_document", queue=QUEUE, retry=RetryStrategy(max_attempts=8, exponential_wait=3))
def scan_document(sha256: str) -> None:
    """Scan one document. Fails, and is tried again, while the scanner is away."""
    scan_stored(present_session(), sha256)


def scan_stored(session: Session, sha256: str) -> None:
    """Ask the scanner about that document, and act on its verdict. Safe to repeat.

    ScannerAway, DocumentStoreAway and DocumentDamaged leave everything as it was. No transaction is open meanwhile.
    """
    scanner = _settings().document_scanner
    waiting = session.scalar(select(StoredDocument.scan_state).where(StoredDocument.sha256 == sha256)) in UNSCANNED
    session.rollback()
    if scanner is None or not waiting:
        return
    judge(session, sha256, scan(scanner, checked_pieces(sha256)))


def judge(session: Session, sha256: str, verdict: Verdict) -> None:
    """Record the verdict; reject the waiting versions of an infected document; tell those who see it."""
    found = ScanState.CLEAN if verdict.finding is None else ScanState.INFECTED
    judging = (
        update(StoredDocument)
        .where(StoredDocument.sha256 == sha256, StoredDocument.scan_state.in_(UNSCANNED))
        .values(scan_state=found.value, scanned_at=now(), finding=verdict.finding)
        .returning(StoredDocument.sha256)
    )
    if session.execute(judging).scalar() is None:
        return
    versions = select(EvidenceVersion).where(EvidenceVersion.sha256 == sha256).order_by(EvidenceVersion.id)
    for version in session.scalars(versions.execution_options(populate_existing=True)):
        if found is ScanState.INFECTED:
            _reject(session, version)
        else:
            _tell(session, version, "evidence.scanned")


def still_unscanned(session: Session) -> list[str]:
    """Documents that versions name and no scanner has judged, the oldest first; none where nothing scans here."""
    if _settings().document_scanner is None:
        return []
    named = select(EvidenceVersion.id).where(EvidenceVersion.sha256 == StoredDocument.sha256).exists()
    waiting = select(StoredDocument.sha256).where(StoredDocument.scan_state.in_(UNSCANNED), named)
    return list(session.scalars(waiting.order_by(StoredDocument.touched_at).limit(AT_A_TIME)))


def _reject(session: Session, version: EvidenceVersion) -> None:
    """Reject a version that waits for a decision: nobody is asked about an infected document. A decided one stands."""
    rejecting = (
        update(EvidenceVersion)
        .where(EvidenceVersion.id == version.id, EvidenceVersion.state == "submitted")
        .values(state="rejected")
        .execution_options(synchronize_session=False)
    )
    session.execute(rejecting)
    session.refresh(version)
    _tell(session, version, "evidence.infected")


def _tell(session: Session, version: EvidenceVersion, type_: str) -> None:
    journal.record(
        session,
        type_,
        "evidence_version",
        version.id,
        actor=Actor(),
        audience=policy.readers_of(session, version.evidence),
        path=f"/v1/evidence-versions/{version.id}",
        after={"state": version.state, "scan": version.scan_state},
    )


def _settings() -> Settings:
    return cast(Settings, current_app.extensions["marketplace_settings"])
