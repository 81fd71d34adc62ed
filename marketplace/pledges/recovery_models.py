"""Money that has to come back: payments recorded by mistake, and what a funder demands after a breach.

Amounts are minor units of the pledge's currency. What was asked never changes (triggers in migration 0017).
"""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.pledges.models import one_of
from marketplace.pledges.recovery_rules import ReversalOpen
from marketplace.store.base import Identified, Minor, Model, Slug, Versioned
from marketplace.store.constraints import refuse_on
from marketplace.values.money import LARGEST_AMOUNT

REVERSAL_STATES = ("requested", "approved", "rejected")
DEMAND_STATES = ("open", "recovered", "withdrawn")


class PaymentReversal(Identified, Versioned, Model):
    """That a payment was recorded by mistake: said by one person, agreed by a second, with the payment as it stood."""

    __tablename__ = "payment_reversal"

    tranche_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tranche.id"), index=True)
    state: Mapped[Slug] = mapped_column(default="requested")
    amount: Mapped[Minor]
    paid_by: Mapped[uuid.UUID]
    paid_on: Mapped[date]
    payment_reference: Mapped[str | None] = mapped_column(String(140))
    payee_organisation_id: Mapped[uuid.UUID | None]
    reason: Mapped[dict[str, str]]
    requested_by: Mapped[uuid.UUID]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[dict[str, str] | None]
    ledger_transaction_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("ledger_transaction.id"), unique=True)

    __table_args__ = (
        CheckConstraint(one_of("state", REVERSAL_STATES), name="state"),
        CheckConstraint("(state = 'requested') = (decided_by IS NULL)", name="decided"),
        CheckConstraint("state <> 'approved' OR decided_by <> requested_by", name="two_people"),
        CheckConstraint("(state = 'approved') = (ledger_transaction_id IS NOT NULL)", name="booked"),
        Index("uq_payment_reversal_open", "tranche_id", unique=True, postgresql_where=text("state = 'requested'")),
    )


class Demand(Identified, Versioned, Model):
    """That money is to come back by a day, and why. Its lines say how much of which paid tranche."""

    __tablename__ = "demand"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"))
    state: Mapped[Slug] = mapped_column(default="open")
    due_on: Mapped[date]
    reason: Mapped[dict[str, str]]
    demanded_by: Mapped[uuid.UUID]
    ended_by: Mapped[uuid.UUID | None]
    ended_at: Mapped[datetime | None]
    ending_reason: Mapped[dict[str, str] | None]

    lines: Mapped[list["DemandLine"]] = relationship(
        lazy="selectin", order_by="DemandLine.tranche_id", cascade="all, delete-orphan"
    )

    __table_args__ = (
        CheckConstraint(one_of("state", DEMAND_STATES), name="state"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        Index("ix_demand_pledge_id_id", "pledge_id", "id"),
    )

    @property
    def outstanding(self) -> int:
        """What has not come back yet, in minor units; nothing of a demand that was withdrawn."""
        return sum(line.amount - line.recovered for line in self.lines) if self.state == "open" else 0


class DemandLine(Identified, Model):
    """What is demanded of one tranche, and what of it has come back."""

    __tablename__ = "demand_line"

    demand_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("demand.id"))
    tranche_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tranche.id"), index=True)
    amount: Mapped[Minor]
    recovered: Mapped[Minor] = mapped_column(default=0)

    __table_args__ = (
        UniqueConstraint("demand_id", "tranche_id"),
        CheckConstraint(f"amount BETWEEN 1 AND {LARGEST_AMOUNT}", name="amount"),
        CheckConstraint("recovered BETWEEN 0 AND amount", name="recovered"),
    )


refuse_on("uq_payment_reversal_open", lambda: ReversalOpen("Decide on the reversal that was asked for first."))
