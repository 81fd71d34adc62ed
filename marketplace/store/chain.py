"""The audit chain: each organisation's entries numbered without gaps, each sealed over the one before it.

A seal is HMAC-SHA256 over canonical JSON with a key that is not in the database: who can write there can neither change
an entry nor make one up. Entries are collected while a transaction runs and written by its commit, whoever commits: the
heads are locked last, in the order of the organisations' ids, so that numbers are in commit order and no two commits
wait for each other. Knows no feature and not what an entry is about.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import BigInteger, Row, String, event, text
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from marketplace.settings import Settings
from marketplace.store.base import Model, new_id
from marketplace.store.mail import present_settings
from marketplace.values.canonical import canonical_json

GENESIS = "0" * 64
MARKETPLACE = UUID(int=0)
"""The chain of what concerns no organisation: what the operator does, and bookings that no organisation heard of."""
_PENDING = "audit entries of this transaction"

EVENT_COLUMNS = """id uuid, type text, subject_kind text, subject_id uuid, subject_path text, scope text,
    organisation_ids uuid[], excluded_ids uuid[], owner_id uuid"""
EVENT_NAMES = tuple(each.split()[0] for each in EVENT_COLUMNS.split(","))
SAY_AND_LOCK_HEADS = text(
    f"""
    WITH said AS (
      INSERT INTO event ({", ".join(EVENT_NAMES)})
      SELECT {", ".join(EVENT_NAMES)} FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS event({EVENT_COLUMNS})
      RETURNING id, seq, xid, created_at),
    locked AS (
      INSERT INTO audit_head AS head (organisation_id, seq, hash)
      SELECT asked.organisation_id, asked.entries, :genesis
        FROM unnest(CAST(:organisations AS uuid[]), CAST(:entries AS bigint[])) AS asked(organisation_id, entries)
       ORDER BY asked.organisation_id
      ON CONFLICT (organisation_id) DO UPDATE SET seq = head.seq + excluded.seq
      RETURNING head.organisation_id, head.seq, head.hash, clock_timestamp() AS at)
    SELECT id, seq, xid, created_at AS at, NULL AS hash FROM said
    UNION ALL
    SELECT organisation_id, seq, NULL, at, hash FROM locked
    """  # noqa: S608 - names of our own
)
COLUMNS = """id uuid, created_at timestamptz, organisation_id uuid, seq bigint, event_id uuid, type text,
    actor_user_id uuid, insider boolean, subject_kind text, subject_id uuid, before text, after text, content jsonb,
    sealed_with text, prev_hash text, hash text"""
NAMES = ", ".join(each.split()[0] for each in COLUMNS.split(","))
SEALED = tuple(NAMES.removesuffix(", hash").split(", "))
"""The columns that an entry's seal covers; beside them, what its event says."""
WRITE_ENTRIES = text(
    f"""
    WITH written AS (
      INSERT INTO audit_entry ({NAMES})
      SELECT {NAMES} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS entry({COLUMNS}))
    UPDATE audit_head SET hash = latest.hash
      FROM jsonb_to_recordset(CAST(:heads AS jsonb)) AS latest(organisation_id uuid, hash text)
     WHERE audit_head.organisation_id = latest.organisation_id
    """  # noqa: S608 - names of our own
)


class AuditHead(Model):
    """Where an organisation's chain stands: the number of its last entry, and that entry's seal."""

    __tablename__ = "audit_head"

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))


class EventSaid(Protocol):
    """The event behind an entry, as far as the entry's seal covers it."""

    id: Any
    created_at: Any
    seq: Any
    xid: Any
    subject_path: Any
    scope: Any
    organisation_ids: Any
    excluded_ids: Any
    owner_id: Any

    def was_written(self, seq: int, xid: Any, at: datetime) -> None:
        """What the database gave it."""


@dataclass(slots=True)
class Draft:
    """An entry that the commit will number and seal. `content` is what it says beyond its digests."""

    organisation_id: UUID
    type: str
    subject_kind: str
    subject_id: UUID
    actor_user_id: UUID | None
    insider: bool
    event: Any = None
    before: str | None = None
    after: str | None = None
    content: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bound:
    """A row elsewhere (a booking, a decision) whose digest the chain keeps: it cannot change unseen."""

    kind: str
    id: UUID
    sha256: str


@dataclass(slots=True)
class _Waiting:
    item: Draft | Bound
    within: SessionTransaction | None


@dataclass(frozen=True, slots=True)
class AuditKey:
    """A key that seals, and the name under which entries remember it."""

    name: str
    secret: bytes


def audit_keys(settings: Settings) -> tuple[AuditKey, ...]:
    """The keys, the one that seals first."""
    return _derived(settings.audit_keys or (settings.secret_key,))


def salted_digest(content: Any, subject_id: UUID) -> str:
    """A digest of what something was: keyed, and another for every subject, so that nobody finds the words by trying.

    The same content of the same subject has the same digest, so that one can see what followed on what.
    """
    key = hmac.digest(audit_keys(present_settings())[0].secret, b"digests" + subject_id.bytes, "sha256")
    written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hmac.new(key, written.encode(), hashlib.sha256).hexdigest()


def collect(session: Session, item: Draft | Bound) -> None:
    """Keep an entry, or the digest of a row, for the commit of the session's transaction."""
    session.info.setdefault(_PENDING, []).append(_Waiting(item, session.get_nested_transaction()))


def seal(key: AuditKey, row: Mapping[str, Any], said: EventSaid | None) -> str:
    """The seal of an entry (`row` without its own `hash`) and of what its event says."""
    told = {name: _plain(value) for name, value in row.items() if name != "hash"}
    told["event"] = None if said is None else _told(said)
    return hmac.new(key.secret, canonical_json(told).encode(), hashlib.sha256).hexdigest()


def write_pending(session: Session) -> None:
    """Write the events that are still to be written; number, seal and write what was collected.

    Two statements, however much it is: from the first to the commit, all who record for these organisations wait.
    """
    waiting: list[_Waiting] = session.info.pop(_PENDING, [])
    if not waiting:
        return
    drafts = _bound_drafts(waiting)
    unsaid = {draft.event.id: draft.event for draft in drafts if draft.event in session.new}
    for said in unsaid.values():
        session.expunge(said)
    session.flush()
    by_organisation: dict[UUID, list[Draft]] = {}
    for draft in sorted(drafts, key=lambda each: each.organisation_id):
        by_organisation.setdefault(draft.organisation_id, []).append(draft)
    events = [{name: getattr(each, name) for name in EVENT_NAMES} for each in unsaid.values()]
    asked = {
        "events": json.dumps(events, default=str),
        "genesis": GENESIS,
        "organisations": list(by_organisation),
        "entries": [len(each) for each in by_organisation.values()],
    }
    heads: list[Row[Any]] = []
    for row in session.execute(SAY_AND_LOCK_HEADS, asked):
        if row.id in unsaid:
            unsaid[row.id].was_written(row.seq, row.xid, row.at)
        else:
            heads.append(row)
    rows = [entry for head in heads for entry in _linked(by_organisation[head.id], head.seq, head.hash, head.at)]
    latest = {row["organisation_id"]: row["hash"] for row in rows}
    hashes_now = [{"organisation_id": whose, "hash": hash_} for whose, hash_ in latest.items()]
    session.execute(WRITE_ENTRIES, {"rows": json.dumps(rows), "heads": json.dumps(hashes_now)})


def _linked(drafts: list[Draft], last: int, hash_: str, at: datetime) -> list[dict[str, Any]]:
    """One organisation's rows as JSON values, the latest with number `last`, the first following on `hash_`."""
    key = audit_keys(present_settings())[0]
    rows: list[dict[str, Any]] = []
    for seq, draft in enumerate(drafts, start=last - len(drafts) + 1):
        row = _sealed_row(key, draft, seq, rows[-1]["hash"] if rows else hash_, at)
        rows.append({name: _plain(value) for name, value in row.items()})
    return rows


def _sealed_row(key: AuditKey, draft: Draft, seq: int, prev_hash: str, at: datetime) -> dict[str, Any]:
    row = {
        "id": new_id(),
        "created_at": at,
        "organisation_id": draft.organisation_id,
        "seq": seq,
        "event_id": draft.event.id if draft.event else None,
        "type": draft.type,
        "actor_user_id": draft.actor_user_id,
        "insider": draft.insider,
        "subject_kind": draft.subject_kind,
        "subject_id": draft.subject_id,
        "before": draft.before,
        "after": draft.after,
        "content": draft.content or None,
        "sealed_with": key.name,
        "prev_hash": prev_hash,
    }
    return {**row, "hash": seal(key, row, draft.event)}


def _bound_drafts(waiting: Iterable[_Waiting]) -> list[Draft]:
    """The entries, each event's with the rows that were written just before it; what follows the last, with that."""
    loose: list[dict[str, str]] = []
    drafts: list[Draft] = []
    for item in (each.item for each in waiting):
        if isinstance(item, Bound):
            loose.append({"kind": item.kind, "id": str(item.id), "sha256": item.sha256})
            continue
        if drafts and _of_one_event(drafts[-1], item):
            item.content |= drafts[-1].content
        elif loose:
            item.content["binds"], loose = loose, []
        drafts.append(item)
    if loose and not drafts:
        drafts.append(Draft(MARKETPLACE, "row.written", loose[0]["kind"], UUID(loose[0]["id"]), None, False))
    if loose:
        for draft in drafts:
            if draft is drafts[-1] or _of_one_event(draft, drafts[-1]):
                draft.content["binds"] = [*draft.content.get("binds", []), *loose]
    return drafts


def _of_one_event(one: Draft, other: Draft) -> bool:
    return one.event is not None and other.event is not None and one.event.id == other.event.id


def _told(said: EventSaid) -> dict[str, Any]:
    return {
        "id": str(said.id),
        "at": _plain(said.created_at),
        "seq": said.seq,
        "xid": str(said.xid),
        "path": said.subject_path,
        "scope": said.scope,
        "organisations": sorted(str(each) for each in said.organisation_ids),
        "excluded": sorted(str(each) for each in said.excluded_ids),
        "owner": _plain(said.owner_id),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value


@cache
def _derived(secrets: tuple[str, ...]) -> tuple[AuditKey, ...]:
    made = [HKDF(hashes.SHA256(), 32, None, b"marketplace audit").derive(each.encode()) for each in secrets]
    return tuple(AuditKey(hashlib.sha256(each).hexdigest()[:16], each) for each in made)


@event.listens_for(Session, "before_commit")
def _seal_before_commit(session: Session) -> None:
    """Of the transaction, not of a savepoint in it: there is more to come."""
    if session.get_nested_transaction() is None:
        write_pending(session)


@event.listens_for(Session, "after_soft_rollback")
def _forget_what_was_undone(session: Session, undone: SessionTransaction) -> None:
    waiting: list[_Waiting] = session.info.get(_PENDING, [])
    session.info[_PENDING] = [each for each in waiting if undone.nested and not _lies_within(each.within, undone)]


@event.listens_for(Session, "after_transaction_end")
def _forget_at_the_end(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:
        session.info.pop(_PENDING, None)


def _lies_within(inner: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while inner is not None:
        if inner is outer:
            return True
        inner = inner.parent
    return False
