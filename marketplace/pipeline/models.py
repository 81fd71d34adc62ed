"""Gates passed and milestones verified, per proposal. No money; knows the proposal by id only."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.store.base import Identified, Model, Slug


class GatePassage(Identified, Model):
    """The entry gate of a stage is passed: as the group declared when it first asked there, or by evidence."""

    __tablename__ = "gate_passage"

    proposal_id: Mapped[uuid.UUID]
    stage: Mapped[Slug]
    basis: Mapped[Slug]
    passed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    evidenced_at: Mapped[datetime | None]
    by_user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (
        UniqueConstraint("proposal_id", "stage"),
        CheckConstraint("basis IN ('declared', 'evidenced')", name="basis"),
        CheckConstraint("(basis = 'evidenced') = (evidenced_at IS NOT NULL)", name="evidenced_at"),
    )


class MilestoneRecord(Identified, Model):
    """A milestone that a proposal works towards (`open`) or has reached, with the evidence that verified it."""

    __tablename__ = "milestone_record"

    proposal_id: Mapped[uuid.UUID]
    milestone: Mapped[Slug]
    state: Mapped[Slug] = mapped_column(server_default="open", default="open")
    evidence_version_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("evidence_version.id"))
    verified_by_user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    verified_by_organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"))
    verified_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("proposal_id", "milestone"),
        CheckConstraint("state IN ('open', 'verified')", name="state"),
        CheckConstraint(
            "(state = 'verified') = (evidence_version_id IS NOT NULL AND verified_by_user_id IS NOT NULL"
            " AND verified_by_organisation_id IS NOT NULL AND verified_at IS NOT NULL)",
            name="verified_by_evidence",
        ),
    )


__all__ = ["GatePassage", "MilestoneRecord"]
