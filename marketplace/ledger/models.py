"""The ledger's tables: accounts with kept balances, transactions and postings that are never rewritten.

Knows owners by kind and id only. What a guard, a balance or a reversal must satisfy is also a constraint or a trigger
in the database (migration 0004), so that no other program can break it.
"""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.ledger.rules import BalanceTooLarge
from marketplace.store.base import Identified, Minor, Model
from marketplace.store.constraints import refuse_on

BOUND = "1000000000000000"
"""10^15 minor units, as `values.money.LARGEST_AMOUNT`."""


class LedgerAccount(Identified, Model):
    """One account. `balance` is the sum of its postings; a guarded one is never negative."""

    __tablename__ = "ledger_account"

    owner_kind: Mapped[str] = mapped_column(String(20))
    owner_id: Mapped[uuid.UUID]
    name: Mapped[str] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(String(3))
    balance: Mapped[Minor] = mapped_column(server_default=text("0"), default=0)
    guarded: Mapped[bool] = mapped_column(Boolean)

    __table_args__ = (
        UniqueConstraint("owner_kind", "owner_id", "name"),
        CheckConstraint("owner_kind IN ('programme', 'pledge', 'facility', 'employer_match')", name="owner_kind"),
        CheckConstraint("NOT guarded OR balance >= 0", name="never_below_zero"),
        CheckConstraint(f"abs(balance) <= {BOUND}", name="within_limits"),
    )


class LedgerTransaction(Identified, Model):
    """Something booked, for ever. `(kind, reference)` names the business act, which can be booked once only."""

    __tablename__ = "ledger_transaction"

    kind: Mapped[str] = mapped_column(String(60))
    reference: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(500))
    booked_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    actor_user_id: Mapped[uuid.UUID | None]
    reverses_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("ledger_transaction.id"), unique=True)
    posting_count: Mapped[int] = mapped_column(SmallInteger)

    postings: Mapped[list["Posting"]] = relationship(viewonly=True, order_by="Posting.position", lazy="select")

    __table_args__ = (
        UniqueConstraint("kind", "reference"),
        CheckConstraint("posting_count >= 2", name="two_postings"),
        Index("ix_ledger_transaction_booked_at", "booked_at"),
    )


class Posting(Identified, Model):
    """`amount` signed minor units into one account. Within an account `seq` is the order of booking."""

    __tablename__ = "posting"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    transaction_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ledger_transaction.id"))
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ledger_account.id"))
    amount: Mapped[Minor]
    position: Mapped[int] = mapped_column(SmallInteger)

    account: Mapped[LedgerAccount] = relationship(viewonly=True, lazy="joined")

    __table_args__ = (
        UniqueConstraint("transaction_id", "position"),
        CheckConstraint(f"amount <> 0 AND abs(amount) <= {BOUND}", name="amount"),
        Index("ix_posting_account_id_seq", "account_id", "seq"),
    )


refuse_on(
    "ck_ledger_account_within_limits",
    lambda: BalanceTooLarge("An account holds at most 10^15 minor units."),
)

__all__ = ["LedgerAccount", "LedgerTransaction", "Posting"]
