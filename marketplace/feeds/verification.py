"""Verifying the audit chains: every seal made again, every bound row digested again, every published head looked for.

Reads, and says what is wrong; changes nothing. Finds an entry that was changed, deleted, moved or made up, an end that
was cut off (by the head, the events, the published heads), and bookings and decisions that were touched.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, union
from sqlalchemy.orm import Session

from marketplace.ledger import seal as bookings
from marketplace.pledges import decisions
from marketplace.store.chain import GENESIS, SEALED, AuditHead, AuditKey, audit_keys, seal
from marketplace.store.journal import AuditEntry
from marketplace.store.mail import present_settings

BATCH = 1000
ENTRIES = text(
    """
    SELECT a.id, a.created_at, a.organisation_id, a.seq, a.event_id, a.type, a.actor_user_id, a.insider,
           a.subject_kind, a.subject_id, a.before, a.after, a.content, a.sealed_with, a.prev_hash, a.hash,
           e.id AS said_id, e.created_at AS said_at, e.seq AS said_seq, e.xid::text AS xid, e.type AS said_type,
           e.subject_kind AS said_kind, e.subject_id AS said_subject, e.subject_path, e.scope, e.organisation_ids,
           e.excluded_ids, e.owner_id
      FROM audit_entry a LEFT JOIN event e ON e.id = a.event_id
     WHERE a.organisation_id = :organisation_id AND a.seq > :after ORDER BY a.seq LIMIT :batch
    """
)
EVENTS_WITHOUT_ENTRY = text(
    """
    SELECT e.id, e.type, concerned.id AS organisation_id
      FROM event e CROSS JOIN LATERAL unnest(e.organisation_ids) AS concerned(id)
     WHERE (CAST(:organisation_id AS uuid) IS NULL OR concerned.id = :organisation_id)
       AND NOT EXISTS (SELECT FROM audit_entry a WHERE a.event_id = e.id AND a.organisation_id = concerned.id)
     ORDER BY e.seq LIMIT 100
    """
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: in whose chain (None: none's), from which entry on."""

    organisation_id: UUID | None
    seq: int | None
    words: str

    def __str__(self) -> str:
        where = "" if self.organisation_id is None else f"organisation {self.organisation_id}"
        return f"{where}{'' if self.seq is None else f', entry {self.seq}'}: {self.words}".lstrip(": ")


@dataclass(slots=True)
class Report:
    """What was looked at, and the first fault of each chain, and all others."""

    chains: int = 0
    entries: int = 0
    bound: int = 0
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rows:
    """How bound rows of a kind are digested again, and all of them listed."""

    digests_of: Callable[[Session, Iterable[UUID]], dict[UUID, str]]
    ids_after: Callable[[Session, UUID | None, int], list[UUID]]


KINDS: dict[str, Rows] = {
    bookings.BOUND_AS: Rows(bookings.digests_of, bookings.ids_after),
    decisions.BOUND_AS: Rows(decisions.digests_of, decisions.ids_after),
}


def verify(session: Session, organisation_id: UUID | None = None, published: Sequence[dict[str, Any]] = ()) -> Report:
    """Verify one organisation's chain, or all and everything that they bind. `published`: heads that were kept outside.

    Several statements: run it on a REPEATABLE READ transaction where others write meanwhile.
    """
    report, keys = Report(), {each.name: each for each in audit_keys(present_settings())}
    bound: dict[str, set[UUID]] = {kind: set() for kind in KINDS}
    for each in [organisation_id] if organisation_id else _chains(session):
        report.chains += 1
        _verify_chain(session, each, keys, report, bound)
    for missing in session.execute(EVENTS_WITHOUT_ENTRY, {"organisation_id": organisation_id}):
        words = f"event {missing.id} ({missing.type}) has no entry"
        report.faults.append(Fault(missing.organisation_id, None, words))
    report.faults += _published_and_gone(session, organisation_id, published)
    if organisation_id is None:
        report.faults += _unbound(session, bound)
    return report


def _chains(session: Session) -> list[UUID]:
    of_heads, of_entries = select(AuditHead.organisation_id), select(AuditEntry.organisation_id)
    return sorted(session.scalars(union(of_heads, of_entries)))


def _verify_chain(
    session: Session, organisation_id: UUID, keys: dict[str, AuditKey], report: Report, bound: dict[str, set[UUID]]
) -> None:
    seq, before, fault = 0, GENESIS, None
    for rows in _batches(session, organisation_id):
        for row in rows:
            report.entries += 1
            words = None if fault else _wrong_with(row, seq + 1, before, keys)
            if words:
                fault = Fault(organisation_id, row.seq, words)
            seq, before = row.seq, row.hash
        changed = _bound_and_changed(session, organisation_id, rows, report, bound)
        if changed is not None and (fault is None or (changed.seq or 0) < (fault.seq or 0)):
            fault = changed
    head = session.get(AuditHead, organisation_id, populate_existing=True)
    if fault is None and head is None:
        fault = Fault(organisation_id, None, "the head is missing")
    if fault is None and head is not None and (head.seq, head.hash) != (seq, before):
        fault = Fault(
            organisation_id, min(seq, head.seq) + 1, f"the head stands at {head.seq}, the last entry at {seq}"
        )
    if fault is not None:
        report.faults.append(fault)


def _batches(session: Session, organisation_id: UUID) -> Iterator[Sequence[Any]]:
    after = -(2**63)
    while True:
        rows = session.execute(ENTRIES, {"organisation_id": organisation_id, "after": after, "batch": BATCH}).all()
        if rows:
            yield rows
        if len(rows) < BATCH:
            return
        after = rows[-1].seq


def _wrong_with(row: Any, expected: int, before: str, keys: dict[str, AuditKey]) -> str | None:
    """The first thing that is wrong with an entry, in words; None where nothing is."""
    if row.seq != expected:
        return f"entry {expected} is missing before it"
    if row.prev_hash != before:
        return "it does not follow on the entry before it"
    if row.sealed_with not in keys:
        return f"it is sealed with a key ({row.sealed_with}) that this program does not have"
    if row.event_id is not None and row.said_id is None:
        return "its event is gone"
    of_event = (row.said_type, row.said_kind, row.said_subject)
    if row.event_id is not None and of_event != (row.type, row.subject_kind, row.subject_id):
        return "its event says otherwise"
    sealed = {name: getattr(row, name) for name in SEALED}
    return None if seal(keys[row.sealed_with], sealed, _event_of(row)) == row.hash else "its seal does not fit"


def _event_of(row: Any) -> Any:
    if row.said_id is None:
        return None
    return SimpleNamespace(
        id=row.said_id,
        created_at=row.said_at,
        seq=row.said_seq,
        xid=row.xid,
        subject_path=row.subject_path,
        scope=row.scope,
        organisation_ids=row.organisation_ids,
        excluded_ids=row.excluded_ids,
        owner_id=row.owner_id,
    )


def _bound_and_changed(
    session: Session, organisation_id: UUID, rows: Sequence[Any], report: Report, bound: dict[str, set[UUID]]
) -> Fault | None:
    """The first entry of these that binds a row which is gone or has changed."""
    told = [(row.seq, *each) for row in rows for each in _binds(row.content)]
    report.bound += len(told)
    changed: list[Fault] = []
    for kind, known in KINDS.items():
        ids = {row_id for _, its_kind, row_id, _ in told if its_kind == kind}
        bound[kind] |= ids
        present = known.digests_of(session, ids) if ids else {}
        for seq, its_kind, row_id, sha256 in told:
            if its_kind == kind and present.get(row_id) != sha256:
                words = f"the {kind} {row_id} that it binds {'has changed' if row_id in present else 'is gone'}"
                changed.append(Fault(organisation_id, seq, words))
    return min(changed, key=lambda each: each.seq or 0, default=None)


def _binds(content: Any) -> Iterator[tuple[str, UUID, str]]:
    """What an entry binds; whatever else stands there its seal does not fit."""
    listed = content.get("binds") if isinstance(content, dict) else None
    for each in listed if isinstance(listed, list) else ():
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            yield str(each["kind"]), UUID(each["id"]), str(each["sha256"])


def _unbound(session: Session, bound: dict[str, set[UUID]]) -> Iterator[Fault]:
    """Rows that no entry binds: nobody booked or decided them through the program."""
    for kind, known in KINDS.items():
        after: UUID | None = None
        while True:
            ids = known.ids_after(session, after, BATCH)
            yield from (Fault(None, None, f"{kind} {each} is in no chain") for each in ids if each not in bound[kind])
            if len(ids) < BATCH:
                break
            after = ids[-1]


def _published_and_gone(
    session: Session, organisation_id: UUID | None, published: Sequence[dict[str, Any]]
) -> Iterator[Fault]:
    """Published heads that are not in their chain any more."""
    for head in published:
        whose = UUID(head["organisation_id"])
        if organisation_id not in (None, whose):
            continue
        there = select(AuditEntry.hash).where(AuditEntry.organisation_id == whose, AuditEntry.seq == head["seq"])
        if session.scalars(there).one_or_none() != head["hash"]:
            yield Fault(whose, head["seq"], "it is not the entry that was published")
