"""The journal: one event row per change and one audit row per organisation concerned, in the change's own transaction.

Event payloads are thin (id, type, time, subject): a reader fetches what it may see. Knows no feature.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, FetchedValue, Index, String, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.types import UserDefinedType

from marketplace.store.base import Identified, Model, new_id
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


class AuditEntry(Identified, Model):
    """What one organisation's record says of an event: who did it, and digests of the subject before and after."""

    __tablename__ = "audit_entry"

    organisation_id: Mapped[UUID] = mapped_column(index=True)
    event_id: Mapped[UUID] = mapped_column(index=True)
    type: Mapped[str] = mapped_column(String(60))
    actor_user_id: Mapped[UUID | None]
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID]
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)


def digest(content: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


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
    for organisation in sorted(audience.organisations):
        session.add(
            AuditEntry(
                organisation_id=organisation,
                event_id=event.id,
                type=type_,
                actor_user_id=actor.user_id,
                subject_kind=kind,
                subject_id=subject_id,
                before=None if before is None else digest(before),
                after=None if after is None else digest(after),
            )
        )
    return event
