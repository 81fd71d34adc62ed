"""After the agreement: what has to be reported, what was, and how the use of the money changed.

Amounts are minor units of the pledge's currency. Agreed uses are append-only, and what a report says never changes
(triggers in migration 0017).
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship, synonym

from marketplace.monitoring.rules import ChangeOpen
from marketplace.pledges.models import one_of
from marketplace.store.base import Identified, Minor, Model, Slug, Versioned
from marketplace.store.constraints import refuse_on
from marketplace.values.money import LARGEST_AMOUNT

DUTY_KINDS = ("progress", "spend", "closing")
DUTY_STATES = ("open", "submitted", "accepted", "waived")
REPORT_STATES = ("submitted", "accepted", "sent_back")
CHANGE_STATES = ("requested", "accepted", "rejected", "withdrawn")
COUNTED_FROM = ("agreement", "first_payment")
OCCASIONS = ("ahead", "on_day", "overdue")


class ReportingTemplate(Versioned, Model):
    """What a programme's pledges have to report, where an offer says nothing else."""

    __tablename__ = "reporting_template"

    programme_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programme.id"), primary_key=True)
    duties: Mapped[list[Any]]
    id: Mapped[uuid.UUID] = synonym("programme_id")


class ReportingTerms(Versioned, Model):
    """What one pledge has to report: its offer's own, or the programme's as it stood when the offer was made."""

    __tablename__ = "reporting_terms"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), primary_key=True)
    duties: Mapped[list[Any]]
    own: Mapped[bool] = mapped_column(Boolean)
    id: Mapped[uuid.UUID] = synonym("pledge_id")


class Monitoring(Versioned, Model):
    """The account of what became of a pledge's money, open from the agreement on. `spent` is what reports say."""

    __tablename__ = "monitoring"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), primary_key=True)
    state: Mapped[Slug] = mapped_column(default="open")
    spent: Mapped[Minor] = mapped_column(default=0)
    underspend: Mapped[int | None] = mapped_column(BigInteger)
    closed_by: Mapped[uuid.UUID | None]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('open', 'closed')", name="state"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint(f"spent BETWEEN 0 AND {LARGEST_AMOUNT}", name="spent"),
        CheckConstraint("underspend >= 0", name="underspend"),
    )
    id: Mapped[uuid.UUID] = synonym("pledge_id")


class Duty(Identified, Versioned, Model):
    """A report that is owed. `due_on` is unknown while it counts from a first payment that has not been made."""

    __tablename__ = "duty"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"))
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[Slug]
    due_on: Mapped[date | None]
    months: Mapped[int | None] = mapped_column(SmallInteger)
    counted_from: Mapped[str | None] = mapped_column(String(20))
    state: Mapped[Slug] = mapped_column(default="open")
    reason: Mapped[dict[str, str] | None]

    __table_args__ = (
        UniqueConstraint("pledge_id", "position"),
        CheckConstraint(one_of("kind", DUTY_KINDS), name="kind"),
        CheckConstraint(one_of("state", DUTY_STATES), name="state"),
        CheckConstraint(one_of("counted_from", COUNTED_FROM), name="counted_from"),
        CheckConstraint("(months IS NULL) = (counted_from IS NULL)", name="months"),
        CheckConstraint("due_on IS NOT NULL OR counted_from IS NOT NULL", name="due_on"),
        Index("uq_duty_closing", "pledge_id", unique=True, postgresql_where=text("kind = 'closing'")),
        Index("ix_duty_due_on", "due_on", postgresql_where=text("state = 'open'")),
    )


class Report(Identified, Versioned, Model):
    """What a group reported for a duty, once per number; sent back, it reports again under the next."""

    __tablename__ = "report"

    duty_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("duty.id"))
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[Slug] = mapped_column(default="submitted")
    words: Mapped[dict[str, str]]
    evidence_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()), default=list)
    outcome: Mapped[dict[str, str] | None]
    lessons: Mapped[dict[str, str] | None]
    additionality: Mapped[str | None] = mapped_column(String(60))
    underspend: Mapped[int | None] = mapped_column(BigInteger)
    submitted_by: Mapped[uuid.UUID]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[dict[str, str] | None]

    spend: Mapped[list["ReportSpend"]] = relationship(lazy="selectin", order_by="ReportSpend.purpose")

    __table_args__ = (
        UniqueConstraint("duty_id", "number"),
        CheckConstraint(one_of("state", REPORT_STATES), name="state"),
        CheckConstraint("(state = 'submitted') = (decided_by IS NULL)", name="decided"),
        CheckConstraint("decided_by <> submitted_by", name="two_people"),
        CheckConstraint("underspend >= 0", name="underspend"),
        Index("uq_report_live", "duty_id", unique=True, postgresql_where=text("state <> 'sent_back'")),
    )

    @property
    def spent(self) -> int:
        """What it says was spent, in minor units."""
        return sum(line.amount for line in self.spend)


class ReportSpend(Model):
    """What a report says was spent for one purpose."""

    __tablename__ = "report_spend"

    report_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("report.id"), primary_key=True)
    purpose: Mapped[Slug] = mapped_column(primary_key=True)
    amount: Mapped[Minor]

    __table_args__ = (CheckConstraint(f"amount BETWEEN 1 AND {LARGEST_AMOUNT}", name="amount"),)


class DutyReminder(Model):
    """That a duty's day was told: once for each occasion and day, however many jobs run."""

    __tablename__ = "duty_reminder"

    duty_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("duty.id"), primary_key=True)
    occasion: Mapped[Slug] = mapped_column(primary_key=True)
    due_on: Mapped[date] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (CheckConstraint(one_of("occasion", OCCASIONS), name="occasion"),)


class ChangeRequest(Identified, Versioned, Model):
    """What a group wants to be different: the purpose, the end, the lines, less money. What it asks never changes.

    `lines` lists {purpose, amount}, `decreases` {part_id, amount}, in minor units.
    """

    __tablename__ = "change_request"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"))
    state: Mapped[Slug] = mapped_column(default="requested")
    purpose: Mapped[dict[str, str] | None]
    ends_on: Mapped[date | None]
    lines: Mapped[list[Any] | None]
    decreases: Mapped[list[Any]]
    reason: Mapped[dict[str, str]]
    requested_by: Mapped[uuid.UUID]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    answer: Mapped[dict[str, str] | None]

    __table_args__ = (
        CheckConstraint(one_of("state", CHANGE_STATES), name="state"),
        CheckConstraint("(state = 'requested') = (decided_by IS NULL)", name="decided"),
        CheckConstraint("state <> 'accepted' OR decided_by <> requested_by", name="two_people"),
        Index("ix_change_request_pledge_id_id", "pledge_id", "id"),
        Index("uq_change_request_open", "pledge_id", unique=True, postgresql_where=text("state = 'requested'")),
    )


class AgreedUse(Model):
    """What a pledge's money is for, until when, by line: version 1 as it was agreed, then one per accepted change.

    Without `lines` the ask's own count. `amount` is what the pledge comes to, in minor units.
    """

    __tablename__ = "agreed_use"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    purpose: Mapped[dict[str, str] | None]
    ends_on: Mapped[date | None]
    lines: Mapped[list[Any] | None]
    amount: Mapped[Minor]
    change_request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("change_request.id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("number >= 1 AND (number = 1) = (change_request_id IS NULL)", name="number"),
        CheckConstraint(f"amount BETWEEN 0 AND {LARGEST_AMOUNT}", name="amount"),
    )


refuse_on("uq_change_request_open", lambda: ChangeOpen("Answer or withdraw the change that was asked for first."))
