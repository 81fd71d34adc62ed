"""Pledges, their parts and tranches: one aggregate. Amounts are integer minor units of the pledge's one currency."""

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
    String,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.pledges.condition_models import PledgeCondition, PledgeLine, PledgeSubsidy
from marketplace.store.base import Identified, Minor, Model, Slug, Versioned
from marketplace.values.money import LARGEST_AMOUNT, Money

STATES = (
    "draft",
    "indicated",
    "offered",
    "accepted",
    "contracted",
    "drawing",
    "completed",
    "withdrawn",
    "declined",
    "expired",
    "terminated",
    "clawed_back",
)
TRANCHE_STATES = ("scheduled", "claimable", "claimed", "approved", "paid", "held", "cancelled", "replaced")


def one_of(column: str, values: tuple[str, ...]) -> str:
    """A CHECK that the column holds one of these words."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Pledge(Identified, Versioned, Model):
    """A promise of one programme to one proposal's ask. `amount` is the sum of its parts.

    `shown_at` is when the group first saw it: a draft that is withdrawn never shows. From `offered_at` on it has a
    Decision: what the offer rests on. `lapses_on` is the last day of a threshold that an accepted pledge waits for.
    """

    __tablename__ = "pledge"

    programme_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programme.id"), index=True)
    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"), index=True)
    ask_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ask.id"), index=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    group_organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    state: Mapped[Slug] = mapped_column(default="draft")
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Minor]
    message: Mapped[dict[str, str] | None]
    expires_on: Mapped[date | None]
    waivers: Mapped[list[Any]] = mapped_column(default=list)
    verifier_organisation_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()), default=list)
    drafted_by: Mapped[uuid.UUID]
    shown_at: Mapped[datetime | None]
    offered_by: Mapped[uuid.UUID | None]
    offered_at: Mapped[datetime | None]
    answered_by: Mapped[uuid.UUID | None]
    answered_at: Mapped[datetime | None]
    signed_on: Mapped[date | None]
    agreement_reference: Mapped[str | None] = mapped_column(String(200))
    ended_at: Mapped[datetime | None]
    reason: Mapped[dict[str, str] | None]

    lines_named: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)
    lapses_on: Mapped[date | None]

    lines: Mapped[list[PledgeLine]] = relationship(
        lazy="selectin", order_by=PledgeLine.ask_line_id, cascade="all, delete-orphan", passive_deletes=True
    )
    conditions: Mapped[list[PledgeCondition]] = relationship(
        lazy="selectin", order_by=PledgeCondition.kind, cascade="all, delete-orphan"
    )
    subsidy: Mapped[PledgeSubsidy | None] = relationship(lazy="selectin")
    parts: Mapped[list["PledgePart"]] = relationship(
        back_populates="pledge", lazy="selectin", order_by="PledgePart.position", cascade="all, delete-orphan"
    )

    __table_args__ = (
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint(f"amount BETWEEN 1 AND {LARGEST_AMOUNT}", name="amount"),
        CheckConstraint("state <> 'offered' OR expires_on IS NOT NULL", name="offer_expires"),
        Index("ix_pledge_lapses_on", "lapses_on", postgresql_where=text("lapses_on IS NOT NULL")),
    )

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


class Decision(Model):
    """What an offer rests on, one for each pledge that was offered; a trigger refuses every later change.

    The funder's sight of the facts on that day and nothing else of the group; `shared` are the slugs it was shown or
    would have been, `waived` the codes of `Pledge.waivers`. `result` is the evaluation as canonical JSON; the digests
    are those of `eligibility.decisions`.
    """

    __tablename__ = "decision"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), primary_key=True)
    criteria_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("criteria_version.id"))
    proposal_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal_version.id"))
    evaluator: Mapped[int]
    as_of: Mapped[date]
    tree_sha256: Mapped[str] = mapped_column(String(64))
    facts: Mapped[dict[str, Any]]
    shared: Mapped[list[Any]]
    assurance: Mapped[dict[str, Any]]
    waived: Mapped[list[Any]]
    parameters: Mapped[dict[str, Any]]
    basis_sha256: Mapped[str] = mapped_column(String(64))
    result: Mapped[str] = mapped_column(Text)
    result_sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PledgePart(Identified, Model):
    """One instrument of a pledge; `pledged == unpaid + paid + delivered + cancelled`, `0 <= returned <= paid`.

    `terms` are words; `financial_terms` are figures by instrument, as financial_terms.py says. `repaid` and
    `written_off` are principal alone.
    """

    __tablename__ = "pledge_part"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    instrument: Mapped[Slug]
    in_kind: Mapped[bool] = mapped_column(Boolean)
    amount: Mapped[Minor]
    paid: Mapped[Minor] = mapped_column(default=0)
    delivered: Mapped[Minor] = mapped_column(default=0)
    cancelled: Mapped[Minor] = mapped_column(default=0)
    returned: Mapped[Minor] = mapped_column(default=0)
    repaid: Mapped[Minor] = mapped_column(default=0, server_default="0")
    written_off: Mapped[Minor] = mapped_column(default=0, server_default="0")
    terms: Mapped[dict[str, str] | None]
    financial_terms: Mapped[dict[str, Any] | None]

    pledge: Mapped[Pledge] = relationship(back_populates="parts")
    tranches: Mapped[list["Tranche"]] = relationship(
        back_populates="part", lazy="selectin", order_by="Tranche.position", cascade="all, delete-orphan"
    )

    __table_args__ = (
        UniqueConstraint("pledge_id", "position"),
        CheckConstraint(f"amount BETWEEN 1 AND {LARGEST_AMOUNT}", name="amount"),
        CheckConstraint("paid >= 0 AND delivered >= 0 AND cancelled >= 0", name="not_negative"),
        CheckConstraint("paid + delivered + cancelled <= amount", name="never_more_than_pledged"),
        CheckConstraint("returned BETWEEN 0 AND paid", name="returned"),
        CheckConstraint(
            "repaid >= 0 AND written_off >= 0 AND returned + repaid + written_off <= paid",
            name="repaid_and_written_off",
        ),
        CheckConstraint("in_kind AND paid = 0 OR NOT in_kind AND delivered = 0", name="kind"),
    )

    @property
    def unpaid(self) -> int:
        """What is still promised, in minor units."""
        return self.amount - self.paid - self.delivered - self.cancelled

    @property
    def outstanding(self) -> int:
        """What was paid and has neither come back nor been written off, in minor units."""
        return self.paid - self.returned - self.repaid - self.written_off


class Tranche(Identified, Versioned, Model):
    """A stage of a part. `state` is as stored; a scheduled one becomes claimable by milestone, day or agreement.

    `demanded` is asked back and has not come yet; `reversals` counts payments that were recorded by mistake.
    """

    __tablename__ = "tranche"

    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge_part.id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    basis: Mapped[Slug]
    milestone: Mapped[str | None] = mapped_column(String(60))
    due_on: Mapped[date | None]
    amount: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[Slug] = mapped_column(default="scheduled")
    held_from: Mapped[str | None] = mapped_column(String(20))
    reason: Mapped[dict[str, str] | None]
    claim_note: Mapped[dict[str, str] | None]
    claimed_by: Mapped[uuid.UUID | None]
    claimed_at: Mapped[datetime | None]
    approved_by: Mapped[uuid.UUID | None]
    approved_at: Mapped[datetime | None]
    paid_by: Mapped[uuid.UUID | None]
    paid_on: Mapped[date | None]
    payment_reference: Mapped[str | None] = mapped_column(String(140))
    payee_organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    fiscal_hosting_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("fiscal_hosting.id"))
    returned: Mapped[Minor] = mapped_column(default=0)
    demanded: Mapped[Minor] = mapped_column(server_default="0", default=0)
    reversals: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    repaid: Mapped[Minor] = mapped_column(default=0, server_default="0")
    written_off: Mapped[Minor] = mapped_column(default=0, server_default="0")

    part: Mapped[PledgePart] = relationship(back_populates="tranches", lazy="joined")

    __table_args__ = (
        UniqueConstraint("part_id", "position"),
        CheckConstraint(one_of("state", TRANCHE_STATES), name="state"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("returned BETWEEN 0 AND amount", name="returned"),
        CheckConstraint("demanded >= 0 AND returned + demanded <= amount", name="demanded"),
        CheckConstraint("state = 'paid' OR returned = 0 AND demanded = 0", name="only_paid_money_returns"),
        CheckConstraint(
            "repaid >= 0 AND written_off >= 0 AND returned + demanded + repaid + written_off <= amount",
            name="repaid_and_written_off",
        ),
        CheckConstraint("(basis = 'on_milestone') = (milestone IS NOT NULL)", name="milestone"),
        CheckConstraint("(basis = 'in_advance') = (due_on IS NOT NULL)", name="due_on"),
        CheckConstraint("state <> 'held' OR held_from IS NOT NULL AND reason IS NOT NULL", name="held"),
        CheckConstraint("state <> 'paid' OR paid_by IS NOT NULL AND approved_by IS NOT NULL", name="paid"),
        CheckConstraint("claimed_by <> approved_by", name="two_people"),
    )

    @property
    def money(self) -> Money:
        return Money(self.amount, self.part.pledge.currency)

    @property
    def outstanding(self) -> int:
        """What was paid and has neither come back nor been written off; `demanded` is the part of it asked back."""
        paid = self.amount if self.state == "paid" and not self.part.in_kind else 0
        return paid - self.returned - self.repaid - self.written_off
