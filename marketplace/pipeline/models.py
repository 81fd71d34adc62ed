"""Where a proposal stands in its pipeline, how it came there, and what its gates rest on. No money."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.store.base import JSONB, Identified, Model, Slug, Versioned


class ProposalPipeline(Versioned, Model):
    """The stage that a proposal is at, since when, and the template version that it is pinned to for good (a trigger).

    There is one from the first publication on. Its stage is that of the published ask, but for ends.
    """

    __tablename__ = "proposal_pipeline"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"), primary_key=True)
    template: Mapped[Slug]
    template_version: Mapped[int]
    stage: Mapped[Slug]
    entered_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (CheckConstraint("template_version >= 1", name="template_version"),)


class StageMove(Identified, Model):
    """One move, never changed: from where to where, why, and every condition as it stood then.

    The first is `entered`: the stage that the group declared when it first published.
    """

    __tablename__ = "stage_move"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    number: Mapped[int]
    kind: Mapped[Slug]
    from_stage: Mapped[str | None] = mapped_column(String(60))
    to_stage: Mapped[Slug]
    reason: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    conditions: Mapped[list[Any]]
    by_user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (
        UniqueConstraint("proposal_id", "number"),
        CheckConstraint("kind IN ('entered', 'forward', 'back', 'ended')", name="kind"),
        CheckConstraint("(kind = 'entered') = (from_stage IS NULL)", name="from_stage"),
        CheckConstraint("kind NOT IN ('back', 'ended') OR reason IS NOT NULL", name="reason"),
    )


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


class Ballot(Identified, Model):
    """A vote of the staff, as counted, and its rules in basis points. Never changed: the latest stands.

    Its evidence is the document that shows the count; an acceptance of it can only come after the count was entered.
    """

    __tablename__ = "ballot"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    evidence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence.id"))
    question: Mapped[dict[str, str]] = mapped_column(JSONB(none_as_null=True))
    electorate: Mapped[int]
    votes_for: Mapped[int]
    votes_against: Mapped[int]
    spoiled: Mapped[int]
    held_on: Mapped[date]
    scrutineer: Mapped[str] = mapped_column(String(200))
    quorum_bp: Mapped[int]
    threshold_bp: Mapped[int]
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (
        CheckConstraint("electorate > 0 AND votes_for >= 0 AND votes_against >= 0 AND spoiled >= 0", name="counts"),
        CheckConstraint("votes_for::bigint + votes_against + spoiled <= electorate", name="papers"),
        CheckConstraint("quorum_bp BETWEEN 1 AND 10000 AND threshold_bp BETWEEN 1 AND 10000", name="rules"),
        Index("ix_ballot_proposal_id_id", "proposal_id", "id"),
    )


class PensionArrangement(Versioned, Model):
    """How the staff's pensions are to be kept up: arrangement, bond, yearly gap in contributions, evidence.

    Where the gap was computed, what from: staff, their pensionable pay a year, the rate that the scheme needs and the
    rate that the plan pays, in basis points of that pay.

    Goes by its proposal's id. Amounts are minor units of `currency`. Before anything was said there is no row, and its
    version is 0.
    """

    __tablename__ = "pension_arrangement"

    id: Mapped[uuid.UUID] = mapped_column("proposal_id", ForeignKey("proposal.id"), primary_key=True)
    arrangement: Mapped[Slug]
    currency: Mapped[str | None] = mapped_column(String(3))
    bond: Mapped[int | None] = mapped_column(BigInteger)
    contribution_gap: Mapped[int | None] = mapped_column(BigInteger)
    staff: Mapped[int | None]
    pensionable_pay: Mapped[int | None] = mapped_column(BigInteger)
    rate_needed_bp: Mapped[int | None]
    rate_planned_bp: Mapped[int | None]
    evidence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("evidence.id"))
    updated_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(
            "bond BETWEEN 0 AND 1000000000000000 AND contribution_gap BETWEEN 0 AND 1000000000000000", name="amounts"
        ),
        CheckConstraint("(currency IS NULL) = (bond IS NULL AND contribution_gap IS NULL)", name="currency"),
        CheckConstraint(
            "num_nonnulls(staff, pensionable_pay, rate_needed_bp, rate_planned_bp) IN (0, 4)"
            " AND staff > 0 AND pensionable_pay BETWEEN 0 AND 1000000000000000"
            " AND rate_needed_bp BETWEEN 0 AND 10000 AND rate_planned_bp BETWEEN 0 AND 10000"
            " AND (staff IS NULL OR contribution_gap IS NOT NULL)",
            name="gap_basis",
        ),
    )


__all__ = ["Ballot", "GatePassage", "MilestoneRecord", "PensionArrangement", "ProposalPipeline", "StageMove"]
