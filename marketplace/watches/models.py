"""Watches, what each last found, what has changed since, who reads the letters; and a funder's shortlist."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, false, func, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.store.base import JSONB, Identified, Model, Slug, Versioned


class Watch(Identified, Versioned, Model):
    """What one organisation wants to hear of. Its members see it; nobody else knows that there is one.

    `programmes` watches programmes for `proposal_id`, `proposals` watches proposals for `programme_id`, `search` keeps
    the query of a `listing`. `changes` counts what was recorded: a change's number is the count with it. It is None in
    `watching_since` until what there is has been looked at once, and `computed_on` is the day of the last whole look.
    """

    __tablename__ = "watch"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    kind: Mapped[Slug]
    proposal_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("proposal.id"), index=True)
    programme_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("programme.id"), index=True)
    listing: Mapped[str | None] = mapped_column(String(20))
    query: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"), default=dict)
    name: Mapped[str] = mapped_column(String(120))
    delivery: Mapped[Slug]
    paused: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)
    watching_since: Mapped[datetime | None]
    computed_on: Mapped[date | None]
    changes: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    last_letter_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None] = mapped_column(String(60))

    __table_args__ = (
        CheckConstraint(
            "(kind = 'programmes') = (proposal_id IS NOT NULL) AND (kind = 'proposals') = (programme_id IS NOT NULL)"
            " AND (kind = 'search') = (listing IS NOT NULL) AND kind IN ('programmes', 'proposals', 'search')",
            name="kind",
        ),
        CheckConstraint("listing IN ('programmes', 'proposals')", name="listing"),
        CheckConstraint("delivery IN ('at_once', 'daily', 'weekly', 'none')", name="delivery"),
        CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended"),
        Index("ix_watch_computed_on", "computed_on", postgresql_where=text("ended_at IS NULL AND NOT paused")),
    )


class WatchRecipient(Model):
    """A member who wants the letters. Whoever has left the organisation gets none."""

    __tablename__ = "watch_recipient"

    watch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("watch.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class WatchVisit(Model):
    """Up to which change a person has seen a watch."""

    __tablename__ = "watch_visit"

    watch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("watch.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    seen: Mapped[int] = mapped_column(Integer)
    visited_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WatchMatch(Model):
    """The last known answer on one subject (a programme or a proposal) that is eligible, needs information, or listed.

    No row: ineligible, or not to be seen. `open_criteria` are the hard criteria that are not met, with their outcome;
    `number` is that of the change that brought it, 0 for what was there when the watching began. No title is kept.
    """

    __tablename__ = "watch_match"

    watch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("watch.id", ondelete="CASCADE"), primary_key=True)
    subject_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    result: Mapped[Slug]
    window: Mapped[str | None] = mapped_column(String(10))
    open_criteria: Mapped[dict[str, str]]
    number: Mapped[int] = mapped_column(Integer)
    since: Mapped[datetime]

    __table_args__ = (Index("ix_watch_match_watch_id_number", "watch_id", "number", "subject_id"),)


class WatchChange(Identified, Model):
    """One change of an answer: from what (None: not listed, or not known) to what, and because of what.

    `criteria` lists {code, was, became} of the criteria whose outcome changed. `awaits_letter` until a letter tells it.
    """

    __tablename__ = "watch_change"

    watch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("watch.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    subject_id: Mapped[uuid.UUID]
    was: Mapped[str | None] = mapped_column(String(60))
    became: Mapped[str | None] = mapped_column(String(60))
    window_was: Mapped[str | None] = mapped_column(String(10))
    window_became: Mapped[str | None] = mapped_column(String(10))
    cause: Mapped[Slug]
    criteria: Mapped[list[Any]]
    awaits_letter: Mapped[bool] = mapped_column(Boolean)
    delivered_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("watch_id", "number"),
        Index("ix_watch_change_awaits_letter", "watch_id", postgresql_where=text("awaits_letter")),
        CheckConstraint("NOT (awaits_letter AND delivered_at IS NOT NULL)", name="delivered_once"),
    )


class ShortlistEntry(Identified, Versioned, Model):
    """What a funder thinks of a proposal for one of its programmes. The group never learns of it."""

    __tablename__ = "shortlist_entry"

    programme_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programme.id"))
    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"), index=True)
    state: Mapped[Slug]
    reason: Mapped[str | None] = mapped_column(String(60))
    words: Mapped[str | None] = mapped_column(String(2000))
    note: Mapped[str | None] = mapped_column(String(4000))
    changed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("programme_id", "proposal_id"),
        CheckConstraint("state IN ('shortlisted', 'passed')", name="state"),
        CheckConstraint("(state = 'passed') = (reason IS NOT NULL)", name="reason"),
    )


__all__ = ["ShortlistEntry", "Watch", "WatchChange", "WatchMatch", "WatchRecipient", "WatchVisit"]
