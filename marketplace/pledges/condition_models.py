"""What stands beside a pledge: the lines it pays, its conditions, the pool it draws on, its standing as a subsidy.

Besides: awards declared from outside the marketplace, which fill lines as pledges do. Amounts are integer minor units.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.store.base import Identified, Minor, Model, Slug, Versioned
from marketplace.values.money import LARGEST_AMOUNT, Money

CONDITIONS = ("threshold", "match_ratio", "cofunding_before_release", "beside_loan", "loan_share", "pool")
COUNTS = ("accepted", "paid")
ROUTES = ("mfa", "spei", "streamlined_scheme", "assessed", "exempt")
_MONEY = f"BETWEEN 1 AND {LARGEST_AMOUNT}"


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(repr(value) for value in values)


class PledgeLine(Model):
    """What a pledge pays of one line of its ask. `freed` of it was given back, by cancellation, withdrawal or lapse.

    Named by the funder before the acceptance, or laid over the open lines by it. Of an accepted pledge the lines' rest
    is what its parts promise and have not cancelled.
    """

    __tablename__ = "pledge_line"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id", ondelete="CASCADE"), primary_key=True)
    ask_line_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("ask_line.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    amount: Mapped[Minor]
    freed: Mapped[Minor] = mapped_column(default=0)

    __table_args__ = (
        CheckConstraint(f"amount {_MONEY}", name="amount"),
        CheckConstraint("freed BETWEEN 0 AND amount", name="freed"),
    )


class PledgeCondition(Model):
    """One condition of a pledge, as typed data; each kind at most once. `condition_rules` says what each means."""

    __tablename__ = "pledge_condition"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[Slug] = mapped_column(primary_key=True)
    amount: Mapped[Minor | None]
    by: Mapped[date | None]
    ratio_bp: Mapped[int | None]
    cap: Mapped[Minor | None]
    in_kind_bp: Mapped[int | None]
    counts: Mapped[Slug | None]
    pool_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("programme_pool.id"), index=True)

    __table_args__ = (
        CheckConstraint(f"kind IN ({_listed(CONDITIONS)})", name="kind"),
        CheckConstraint(
            "(kind = 'threshold') = (by IS NOT NULL)"
            " AND (kind IN ('threshold', 'cofunding_before_release')) = (amount IS NOT NULL)"
            " AND (kind IN ('match_ratio', 'loan_share')) = (ratio_bp IS NOT NULL)"
            " AND (kind = 'match_ratio') = (in_kind_bp IS NOT NULL)"
            " AND (kind = 'match_ratio' OR cap IS NULL)"
            " AND (kind = 'cofunding_before_release') = (counts IS NOT NULL)"
            " AND (kind = 'pool') = (pool_id IS NOT NULL)",
            name="members",
        ),
        CheckConstraint(
            f"amount {_MONEY} AND cap {_MONEY} AND ratio_bp BETWEEN 1 AND 1000000 AND in_kind_bp BETWEEN 0 AND 10000"
            f" AND counts IN ({_listed(COUNTS)})",
            name="bounds",
        ),
    )


class ProgrammePool(Identified, Versioned, Model):
    """A limit within a programme's budget that pledges share by drawing on it. `drawn` is what live ones hold."""

    __tablename__ = "programme_pool"

    programme_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programme.id"))
    name: Mapped[str] = mapped_column(String(100))
    amount: Mapped[Minor]
    drawn: Mapped[Minor] = mapped_column(default=0)

    __table_args__ = (
        UniqueConstraint("programme_id", "name"),
        CheckConstraint(f"amount {_MONEY}", name="amount"),
        CheckConstraint("drawn BETWEEN 0 AND amount", name="drawn"),
    )

    @property
    def left(self) -> int:
        """What can still be drawn."""
        return self.amount - self.drawn


class OutsideAward(Identified, Versioned, Model):
    """Money from elsewhere, as the group declares it; `ask_id` where it fills lines of that ask.

    `benefit` is what counts of it as a subsidy: its amount, or the cash-equivalent benefit of what is repaid.
    """

    __tablename__ = "outside_award"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"), index=True)
    ask_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("ask.id"), index=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    funder_name: Mapped[str] = mapped_column(String(200))
    programme_name: Mapped[str | None] = mapped_column(String(200))
    instrument: Mapped[Slug]
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Minor]
    awarded_on: Mapped[date]
    is_subsidy: Mapped[bool] = mapped_column(Boolean)
    benefit: Mapped[Minor]
    reference: Mapped[str | None] = mapped_column(String(140))
    declared_by: Mapped[uuid.UUID]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[uuid.UUID | None]

    lines: Mapped[list["OutsideAwardLine"]] = relationship(lazy="selectin", order_by="OutsideAwardLine.ask_line_id")

    __table_args__ = (
        CheckConstraint(f"amount {_MONEY}", name="amount"),
        CheckConstraint("benefit BETWEEN 0 AND amount", name="benefit"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
    )

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


class OutsideAwardLine(Model):
    """What an outside award pays of one line of the ask."""

    __tablename__ = "outside_award_line"

    award_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("outside_award.id"), primary_key=True)
    ask_line_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("ask_line.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    amount: Mapped[Minor]

    __table_args__ = (CheckConstraint(f"amount {_MONEY}", name="amount"),)


class ProgrammeSubsidyTerms(Versioned, Model):
    """Whether a programme's money is public, and whether it is given as Minimal Financial Assistance alone."""

    __tablename__ = "programme_subsidy_terms"

    id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programme.id"), primary_key=True)
    public_money: Mapped[bool] = mapped_column(Boolean)
    mfa_only: Mapped[bool] = mapped_column(Boolean)

    __table_args__ = (CheckConstraint("public_money OR NOT mfa_only", name="mfa_only"),)


class PledgeSubsidy(Model):
    """What an offer of public money counts for under subsidy control, as it stood when the offer was made.

    `used` is what had been used of `mfa_limit` since `window_from`; None where the group does not share it with the
    funder. The group confirms before the payment that the limit is kept (Subsidy Control Act 2022, section 37).
    """

    __tablename__ = "pledge_subsidy"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), primary_key=True)
    route: Mapped[Slug]
    benefit: Mapped[Minor]
    window_from: Mapped[date]
    used: Mapped[Minor | None]
    mfa_limit: Mapped[Minor]
    confirmed_by: Mapped[uuid.UUID | None]
    confirmed_at: Mapped[datetime | None]
    statement: Mapped[str | None] = mapped_column(String(2000))

    __table_args__ = (
        CheckConstraint(f"benefit {_MONEY}", name="benefit"),
        CheckConstraint(f"route IN ({_listed(ROUTES)})", name="route"),
        CheckConstraint("(confirmed_at IS NULL) = (confirmed_by IS NULL)", name="confirmed"),
    )


__all__ = [
    "OutsideAward",
    "OutsideAwardLine",
    "PledgeCondition",
    "PledgeLine",
    "PledgeSubsidy",
    "ProgrammePool",
    "ProgrammeSubsidyTerms",
]
