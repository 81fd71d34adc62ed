"""What comes back: schedules, repayments, what lowers a balance, reschedules, write-offs, revenue and success events.

Amounts are integer minor units of the pledge's currency. Schedules, repayments, reductions and success events are never
rewritten (triggers in migration 0018); principal is kept on parts and tranches too, which the pledges know.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.repayments import rules
from marketplace.store.base import Identified, Minor, Model, Slug, Versioned
from marketplace.store.constraints import refuse_on

CAUSES = ("repaid", "returned", "written_off")
GROUNDS = ("uncollectable", "forgiven")


class RepaymentSchedule(Identified, Model):
    """A tranche's payments, as one version: number 1 is made when it is paid, the next by an accepted reschedule.

    `principal + fee` is the balance it begins with on `starts_on`. `brought_interest` was due before and is added to
    the first instalment; it is below zero where interest was paid ahead. `instalments` lists {number, due_on, opening,
    interest, capital, balance}.
    """

    __tablename__ = "repayment_schedule"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), index=True)
    tranche_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tranche.id"))
    number: Mapped[int] = mapped_column(Integer)
    reschedule_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reschedule.id"), unique=True)
    starts_on: Mapped[date]
    principal: Mapped[Minor]
    fee: Mapped[Minor]
    brought_interest: Mapped[Minor]
    terms: Mapped[dict[str, Any]]
    instalments: Mapped[list[Any]]

    __table_args__ = (
        UniqueConstraint("tranche_id", "number"),
        CheckConstraint("number >= 1 AND (number = 1) = (reschedule_id IS NULL)", name="number"),
        CheckConstraint("principal >= 0 AND fee >= 0", name="not_negative"),
    )


class Repayment(Identified, Model):
    """Money that came back on a repayable part, and what it was for. `reference` is used once for a pledge, for ever.

    `recycled`: the principal went back to the programme's budget. Fee, interest and premium are income.
    """

    __tablename__ = "repayment"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"))
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge_part.id"), index=True)
    amount: Mapped[Minor]
    received_on: Mapped[date]
    reference: Mapped[str] = mapped_column(String(100))
    fee: Mapped[Minor]
    interest: Mapped[Minor]
    principal: Mapped[Minor]
    premium: Mapped[Minor]
    recycled: Mapped[bool] = mapped_column(Boolean)
    recorded_by: Mapped[uuid.UUID]

    __table_args__ = (
        UniqueConstraint("pledge_id", "reference"),
        CheckConstraint("amount > 0 AND amount = fee + interest + principal + premium", name="amount"),
        CheckConstraint("fee >= 0 AND interest >= 0 AND principal >= 0 AND premium >= 0", name="not_negative"),
    )


class Reduction(Identified, Model):
    """What lowered what a tranche owes: a repayment's share, a return, a write-off. `schedule_id`: the one in force.

    `effective_on` is never before that of an earlier one: what is told late counts from the latest day told.
    """

    __tablename__ = "reduction"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), index=True)
    tranche_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tranche.id"), index=True)
    schedule_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("repayment_schedule.id"), index=True)
    repayment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("repayment.id"), index=True)
    write_off_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("write_off.id"), index=True)
    cause: Mapped[Slug]
    effective_on: Mapped[date]
    fee: Mapped[Minor]
    interest: Mapped[Minor]
    principal: Mapped[Minor]
    premium: Mapped[Minor]

    __table_args__ = (
        CheckConstraint("cause IN ('repaid', 'returned', 'written_off')", name="cause"),
        CheckConstraint("(cause = 'repaid') = (repayment_id IS NOT NULL)", name="repaid"),
        CheckConstraint("(cause = 'written_off') = (write_off_id IS NOT NULL)", name="written_off"),
        CheckConstraint("fee >= 0 AND interest >= 0 AND principal >= 0 AND premium >= 0", name="not_negative"),
        CheckConstraint("fee + interest + principal + premium > 0", name="something"),
        CheckConstraint("cause = 'repaid' OR interest = 0 AND premium = 0", name="income_is_received"),
    )


class Reschedule(Identified, Versioned, Model):
    """A change of a tranche's remaining term or holiday: proposed by one side of the pledge, accepted by the other."""

    __tablename__ = "reschedule"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), index=True)
    tranche_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tranche.id"))
    side: Mapped[Slug]
    months: Mapped[int] = mapped_column(Integer)
    holiday_months: Mapped[int] = mapped_column(Integer)
    reason: Mapped[dict[str, str]]
    state: Mapped[Slug] = mapped_column(server_default="proposed", default="proposed")
    proposed_by: Mapped[uuid.UUID]
    answered_by: Mapped[uuid.UUID | None]
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("side IN ('funder', 'group')", name="side"),
        CheckConstraint("state IN ('proposed', 'accepted', 'declined', 'withdrawn')", name="state"),
        CheckConstraint("(state = 'proposed') = (answered_by IS NULL)", name="answered"),
        CheckConstraint("state <> 'accepted' OR answered_by <> proposed_by", name="two_people"),
        CheckConstraint("months BETWEEN 1 AND 600 AND holiday_months BETWEEN 0 AND months - 1", name="term"),
        Index("uq_reschedule_proposed", "tranche_id", unique=True, postgresql_where=text("state = 'proposed'")),
    )


class WriteOff(Identified, Versioned, Model):
    """Principal of a part that will not come back: asked for by one person of the funder's, approved by another.

    Forgiven: a recoverable grant whose group has stopped and whose learning report was accepted.
    """

    __tablename__ = "write_off"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), index=True)
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge_part.id"))
    amount: Mapped[Minor]
    ground: Mapped[Slug]
    reason: Mapped[dict[str, str]]
    state: Mapped[Slug] = mapped_column(server_default="requested", default="requested")
    requested_by: Mapped[uuid.UUID]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("ground IN ('uncollectable', 'forgiven')", name="ground"),
        CheckConstraint("state IN ('requested', 'approved', 'refused')", name="state"),
        CheckConstraint("(state = 'requested') = (decided_by IS NULL)", name="decided"),
        CheckConstraint("decided_by <> requested_by", name="two_people"),
        Index("uq_write_off_requested", "part_id", unique=True, postgresql_where=text("state = 'requested'")),
    )


class RevenueReport(Identified, Versioned, Model):
    """A year's revenue (match trading: trading income) as the group reports it; it counts once the funder confirms."""

    __tablename__ = "revenue_report"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), index=True)
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge_part.id"))
    year_ended_on: Mapped[date]
    revenue: Mapped[Minor]
    free_cash_was_negative: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[Slug] = mapped_column(server_default="reported", default="reported")
    reported_by: Mapped[uuid.UUID]
    decided_by: Mapped[uuid.UUID | None]
    decided_on: Mapped[date | None] = mapped_column(Date)
    reason: Mapped[dict[str, str] | None]

    __table_args__ = (
        CheckConstraint("revenue BETWEEN 0 AND 1000000000000000", name="revenue"),
        CheckConstraint("state IN ('reported', 'confirmed', 'rejected')", name="state"),
        CheckConstraint("(state = 'reported') = (decided_by IS NULL)", name="decided"),
        Index(
            "uq_revenue_report_year",
            "part_id",
            "year_ended_on",
            unique=True,
            postgresql_where=text("state <> 'rejected'"),
        ),
    )


class SuccessEvent(Identified, Model):
    """That the event happened on which a recoverable grant is repaid, with the accepted evidence. Once for a part."""

    __tablename__ = "success_event"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), index=True)
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge_part.id"), unique=True)
    happened_on: Mapped[date]
    evidence_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence_version.id"))
    recorded_by: Mapped[uuid.UUID]


for constraint, refusal in (
    ("uq_reschedule_proposed", lambda: rules.AlreadyProposed("Answer the reschedule that is proposed first.")),
    ("uq_write_off_requested", lambda: rules.AlreadyRequested("Decide the write-off that is requested first.")),
    ("uq_revenue_report_year", lambda: rules.AlreadyReported("That year was reported.")),
    ("uq_success_event_part_id", lambda: rules.AlreadyHappened("The success event was recorded before.")),
):
    refuse_on(constraint, refusal)

__all__ = [
    "Reduction",
    "Repayment",
    "RepaymentSchedule",
    "Reschedule",
    "RevenueReport",
    "SuccessEvent",
    "WriteOff",
]
