"""The journal: one event row per change and one audit row per organisation concerned, in the change's own transaction.

Event payloads are thin (id, type, time, subject): a reader fetches what it may see. Audit rows are numbered and
sealed by the commit (`chain`). Knows no feature.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, FetchedValue, Index, String, Text, UniqueConstraint, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.types import UserDefinedType

from marketplace.store.base import Identified, Model, new_id
from marketplace.store.chain import MARKETPLACE, Bound, Draft, collect, salted_digest
from marketplace.values.actor import Actor


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's xid8: 64-bit, in order of start, never reused."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may learn of an event: the named organisations, and beyond them verified funders or everyone.

    Whoever acts for an `excluded` organisation learns nothing below public, through no other organisation either;
    only members of the `owner` (whose thing it is) do in any case.
    """

    organisations: frozenset[UUID]
    verified_funders: bool = False
    public: bool = False
    excluded: frozenset[UUID] = frozenset()
    owner: UUID | None = None

    @property
    def scope(self) -> str:
        if self.public:
            return "public"
        return "verified_funders" if self.verified_funders else "organisations"


def only(*organisations: UUID | None) -> Audience:
    """An audience of these organisations alone."""
    return Audience(frozenset(each for each in organisations if each is not None))


class Event(Identified, Model):
    """One committed change. `(xid, seq)` is the feed's order; rows below the oldest running transaction are final."""

    __tablename__ = "event"

    seq: Mapped[int] = mapped_column(BigInteger, server_default=FetchedValue(), unique=True)
    xid: Mapped[Any] = mapped_column(TransactionId(), server_default=func.pg_current_xact_id())
    type: Mapped[str] = mapped_column(String(60))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID]
    subject_path: Mapped[str] = mapped_column(String(200))
    scope: Mapped[str] = mapped_column(String(20))
    organisation_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    excluded_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    owner_id: Mapped[UUID | None]

    __table_args__ = (
        Index("ix_event_xid_seq", "xid", "seq"),
        Index("ix_event_organisation_ids", "organisation_ids", postgresql_using="gin"),
        Index("ix_event_subject_id", "subject_id"),
    )

    def was_written(self, seq: int, xid: Any, at: datetime) -> None:
        """Take what the database gave the row; the session did not write it and does not know it."""
        for name, value in (("seq", seq), ("xid", xid), ("created_at", at)):
            set_committed_value(self, name, value)


class AuditEntry(Identified, Model):
    """What one organisation's record says of an event: who did it, and digests of the subject before and after.

    `seq` counts the organisation's entries without gaps, in commit order; `hash` seals the entry, and `prev_hash` is
    the seal before it. An `insider` acted for that organisation. `content` names rows that the entry binds, by digest,
    or what was refused: a refusal has no event.
    """

    __tablename__ = "audit_entry"

    organisation_id: Mapped[UUID]
    seq: Mapped[int] = mapped_column(BigInteger)
    event_id: Mapped[UUID | None] = mapped_column(index=True)
    type: Mapped[str] = mapped_column(String(60))
    actor_user_id: Mapped[UUID | None] = mapped_column(index=True)
    insider: Mapped[bool]
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID]
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
    content: Mapped[dict[str, Any] | None]
    sealed_with: Mapped[str] = mapped_column(String(16))
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (UniqueConstraint("organisation_id", "seq"),)


def record(
    session: Session,
    type_: str,
    kind: str,
    subject_id: UUID,
    *,
    actor: Actor,
    audience: Audience,
    path: str,
    before: Any = None,
    after: Any = None,
) -> Event:
    """Write the event and its audit rows. `type_` is past tense with its subject first, as in `pledge.accepted`."""
    event = Event(
        id=new_id(),
        type=type_,
        subject_kind=kind,
        subject_id=subject_id,
        subject_path=path,
        scope=audience.scope,
        organisation_ids=sorted(audience.organisations),
        excluded_ids=sorted(audience.excluded),
        owner_id=audience.owner,
    )
    session.add(event)
    was = None if before is None else salted_digest(before, subject_id)
    became = None if after is None else salted_digest(after, subject_id)
    for organisation in sorted(audience.organisations):
        insider = any(each.organisation_id == organisation for each in actor.memberships)
        draft = Draft(organisation, type_, kind, subject_id, actor.user_id, insider, event, was, became)
        collect(session, draft)
    return event


def bind(session: Session, kind: str, row_id: UUID, sha256: str) -> None:
    """Keep the digest of a row that never changes with the entry that is recorded next in this transaction."""
    collect(session, Bound(kind, row_id, sha256))


def record_refusal(session: Session, actor: Actor, organisation_id: UUID | None, *, operation: str, code: str) -> None:
    """Write that the caller was refused: no event, for nothing changed; one entry in the organisation's record.

    Without an organisation, in the marketplace's own.
    """
    chain = organisation_id or MARKETPLACE
    insider = any(each.organisation_id == chain for each in actor.memberships)
    refused = {"operation": operation, "code": code}
    draft = Draft(chain, "access.refused", "organisation", chain, actor.user_id, insider, content=refused)
    collect(session, draft)
