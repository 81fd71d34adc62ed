"""What groups learned, what helps them, and how their staff were told and asked. No money.

Notes, products and listings are for others to read; sessions, questions and the transfer belong to one proposal.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.store.base import JSONB, Identified, Model, Slug, Versioned


class LearningNote(Identified, Versioned, Model):
    """What a group learned at a stage of its proposal, as it reads now; public from `embargo_until` on.

    `anonymous`: others are told sector and region, and neither the group nor its proposal.
    """

    __tablename__ = "learning_note"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"), index=True)
    evidence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("evidence.id"))
    state: Mapped[Slug] = mapped_column(server_default="standing", default="standing")
    kind: Mapped[Slug]
    stage: Mapped[Slug]
    sector: Mapped[Slug]
    route: Mapped[str | None] = mapped_column(String(60))
    region: Mapped[str | None] = mapped_column(String(60))
    title: Mapped[dict[str, str]] = mapped_column(JSONB(none_as_null=True))
    body: Mapped[dict[str, str]] = mapped_column(JSONB(none_as_null=True))
    anonymous: Mapped[bool]
    embargo_until: Mapped[date | None]
    written_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("state IN ('standing', 'withdrawn')", name="state"),
        Index("ix_learning_note_organisation_id_id", "organisation_id", "id"),
        Index("ix_learning_note_sector_stage", "sector", "stage"),
    )


class LearningNoteVersion(Identified, Model):
    """A note as it was written once: its whole content. Only the words of somebody who is erased ever change."""

    __tablename__ = "learning_note_version"

    learning_note_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("learning_note.id"))
    number: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB(none_as_null=True))
    written_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (UniqueConstraint("learning_note_id", "number"),)


class SupportProduct(Identified, Versioned, Model):
    """Something made for one group that others may use again: a link, or a document that is open evidence.

    `programme_id` is the publisher's own programme that paid for it.
    """

    __tablename__ = "support_product"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    programme_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("programme.id"))
    evidence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("evidence.id"))
    state: Mapped[Slug] = mapped_column(server_default="standing", default="standing")
    kind: Mapped[Slug]
    licence: Mapped[Slug]
    title: Mapped[dict[str, str]] = mapped_column(JSONB(none_as_null=True))
    summary: Mapped[dict[str, str]] = mapped_column(JSONB(none_as_null=True))
    link: Mapped[str | None] = mapped_column(String(500))
    sectors: Mapped[list[Any]]
    stages: Mapped[list[Any]]
    published_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("state IN ('standing', 'withdrawn')", name="state"),
        CheckConstraint("num_nonnulls(link, evidence_id) = 1", name="one_place"),
    )


class AdviserListing(Versioned, Model):
    """An organisation's entry in the directory of advisers, with the conflicts that it declares.

    Goes by the organisation's id; version 0 where there is none yet. `interests` are the ids of organisations that it,
    or somebody who acts for it, has an interest in.
    """

    __tablename__ = "adviser_listing"

    id: Mapped[uuid.UUID] = mapped_column("organisation_id", ForeignKey("organisation.id"), primary_key=True)
    listed: Mapped[bool]
    services: Mapped[list[Any]]
    sectors: Mapped[list[Any]]
    nations: Mapped[list[Any]]
    words: Mapped[dict[str, str]] = mapped_column(JSONB(none_as_null=True))
    link: Mapped[str | None] = mapped_column(String(500))
    conflicts: Mapped[dict[str, str]] = mapped_column(JSONB(none_as_null=True))
    interests: Mapped[list[Any]]
    updated_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class InformationSession(Identified, Versioned, Model):
    """A time at which staff were told of the plan: how many were asked to come, how many came, what was shown."""

    __tablename__ = "information_session"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    kind: Mapped[Slug]
    held_on: Mapped[date]
    invited: Mapped[int]
    attended: Mapped[int]
    evidence_ids: Mapped[list[Any]]
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (
        CheckConstraint("invited > 0 AND attended BETWEEN 0 AND invited", name="counts"),
        Index("ix_information_session_proposal_id_id", "proposal_id", "id"),
    )


class StaffQuestion(Identified, Versioned, Model):
    """What somebody of the staff asked, and what they were answered. Nobody is named as having asked it."""

    __tablename__ = "staff_question"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("information_session.id"))
    asked_on: Mapped[date]
    question: Mapped[dict[str, str]] = mapped_column(JSONB(none_as_null=True))
    answer: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    answered_on: Mapped[date | None]
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    answered_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (
        CheckConstraint("num_nonnulls(answer, answered_on, answered_by) IN (0, 3)", name="answered"),
        CheckConstraint("answered_on >= asked_on", name="days"),
        Index("ix_staff_question_proposal_id_id", "proposal_id", "id"),
    )


class StaffTransfer(Versioned, Model):
    """The transfer of the staff (TUPE): its day, how many, how long their terms are promised, who was consulted.

    Goes by its proposal's id; version 0 before anything was said. A consultation is {"representatives", "began_on",
    "ended_on", "evidence_id"}.
    """

    __tablename__ = "staff_transfer"

    id: Mapped[uuid.UUID] = mapped_column("proposal_id", ForeignKey("proposal.id"), primary_key=True)
    transfer_on: Mapped[date | None]
    staff: Mapped[int | None]
    promise_months: Mapped[int | None]
    measures: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    consultations: Mapped[list[Any]]
    updated_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (CheckConstraint("staff > 0 AND promise_months BETWEEN 0 AND 600", name="counts"),)


__all__ = [
    "AdviserListing",
    "InformationSession",
    "LearningNote",
    "LearningNoteVersion",
    "StaffQuestion",
    "StaffTransfer",
    "SupportProduct",
]
