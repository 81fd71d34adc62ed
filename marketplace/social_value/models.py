"""Assessments of social value in versions, and the benefits that a proposal is for, with what was measured."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.store.base import JSONB, Identified, Model, Slug, Versioned

Measure = Numeric(20, 4)
"""A measured quantity: sixteen digits before the point, four after it."""


class SocialValueAssessment(Identified, Versioned, Model):
    """What a proposal is worth to whom, said in versions. Confidential unless the group shows it with the proposal."""

    __tablename__ = "social_value_assessment"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    title: Mapped[dict[str, str]] = mapped_column(JSONB(none_as_null=True))
    confidential: Mapped[bool]
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (Index("ix_social_value_assessment_proposal_id_id", "proposal_id", "id"),)


class SocialValueVersion(Identified, Model):
    """One account of an assessment, never changed: its assumptions, rates and convention, and what they came to."""

    __tablename__ = "social_value_version"

    assessment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("social_value_assessment.id"))
    number: Mapped[int]
    kind: Mapped[Slug]
    convention: Mapped[Slug]
    method: Mapped[int]
    content: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any]]
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (
        UniqueConstraint("assessment_id", "number"),
        CheckConstraint("kind IN ('forecast', 'evaluated')", name="kind"),
        CheckConstraint("convention IN ('end_of_year', 'start_of_year')", name="convention"),
        CheckConstraint("number >= 1 AND method >= 1", name="numbers"),
    )


class Benefit(Identified, Versioned, Model):
    """What the proposal is to change: baseline, target, who answers for it, and when it is measured.

    Baseline and target stay as they were set (a trigger); owner and days of measurement may change, and it may be
    retired with a reason.
    """

    __tablename__ = "benefit"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    title: Mapped[dict[str, str]] = mapped_column(JSONB(none_as_null=True))
    beneficiary: Mapped[str] = mapped_column(String(200))
    unit: Mapped[str] = mapped_column(String(100))
    baseline: Mapped[Decimal] = mapped_column(Measure)
    baseline_on: Mapped[date]
    baseline_source: Mapped[str] = mapped_column(String(500))
    target: Mapped[Decimal] = mapped_column(Measure)
    target_on: Mapped[date]
    owner_name: Mapped[str] = mapped_column(String(200))
    owner_role: Mapped[str] = mapped_column(String(200))
    measurement_days: Mapped[list[Any]]
    state: Mapped[Slug] = mapped_column(server_default="active", default="active")
    retirement_reason: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    changed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (
        Index("ix_benefit_proposal_id_id", "proposal_id", "id"),
        CheckConstraint("state IN ('active', 'retired')", name="state"),
        CheckConstraint("(state = 'retired') = (retirement_reason IS NOT NULL)", name="retirement_reason"),
        CheckConstraint("target <> baseline AND target_on > baseline_on", name="target"),
    )


class BenefitMeasurement(Identified, Model):
    """A benefit's value on a day, and how it is known; never changed: of one day, the latest stands."""

    __tablename__ = "benefit_measurement"

    benefit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("benefit.id"))
    measured_on: Mapped[date]
    value: Mapped[Decimal] = mapped_column(Measure)
    source: Mapped[str] = mapped_column(String(500))
    note: Mapped[str | None] = mapped_column(Text)
    measured_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (Index("ix_benefit_measurement_benefit_id_id", "benefit_id", "id"),)


__all__ = ["Benefit", "BenefitMeasurement", "SocialValueAssessment", "SocialValueVersion"]
