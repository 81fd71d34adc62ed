"""Limits and their versions, approvals, what was done on which authority, declared interests and plans for them.

Knows people, organisations and the ids of what acts are done to. What is approved and done is fixed by triggers too
(migration 0019), so that no other program can change it.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.governance.rules import (
    ACTS,
    APPROVAL_STATES,
    DECLARED_KINDS,
    PLAN_STATES,
    VERSION_STATES,
    AlreadyAsked,
    PlanThere,
)
from marketplace.store.base import Identified, Model, Slug, Versioned
from marketplace.store.constraints import refuse_on
from marketplace.values.money import LARGEST_AMOUNT, Money


def _one_of(column: str, values: Any) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


AMOUNT = f"(amount IS NULL) = (currency IS NULL) AND (amount IS NULL OR amount BETWEEN 0 AND {LARGEST_AMOUNT})"


class Governance(Model):
    """The one row of an organisation that sets limits: held while its limits change, shared while they are applied."""

    __tablename__ = "governance"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")


class GovernanceVersion(Identified, Model):
    """An organisation's limits as an owner set them, kept for ever; at most one is in force and one proposed.

    `approval_limits` are {"act", "amount"}, `delegated_limits` {"role" or "user_id", "act" or none, "amount"}, in minor
    units of `currency`.
    """

    __tablename__ = "governance_version"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[Slug]
    currency: Mapped[str] = mapped_column(String(3))
    approval_limits: Mapped[list[Any]]
    delegated_limits: Mapped[list[Any]]
    proposed_by: Mapped[uuid.UUID]
    answered_by: Mapped[uuid.UUID | None]
    in_force_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        CheckConstraint(_one_of("state", VERSION_STATES), name="state"),
        CheckConstraint("answered_by <> proposed_by", name="two_owners"),
        CheckConstraint("state <> 'in_force' OR in_force_at IS NOT NULL", name="in_force_at"),
        Index(
            "uq_governance_version_in_force",
            "organisation_id",
            unique=True,
            postgresql_where=text("state = 'in_force'"),
        ),
        Index(
            "uq_governance_version_proposed",
            "organisation_id",
            unique=True,
            postgresql_where=text("state = 'proposed'"),
        ),
    )


class Approval(Identified, Versioned, Model):
    """One act that was asked to be approved by a second person, on exactly these terms; used once at most.

    `amount` in minor units of `currency`; none for an act without one. `terms_sha256` covers act, subject, amount and
    terms (`rules.terms_digest`).
    """

    __tablename__ = "approval"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    act: Mapped[Slug]
    subject_id: Mapped[uuid.UUID]
    proposal_id: Mapped[uuid.UUID | None]
    amount: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    terms: Mapped[dict[str, Any]]
    terms_sha256: Mapped[str] = mapped_column(String(64))
    words: Mapped[dict[str, str]]
    state: Mapped[Slug] = mapped_column(default="requested")
    expires_at: Mapped[datetime]
    requested_by: Mapped[uuid.UUID]
    answered_by: Mapped[uuid.UUID | None]
    answered_at: Mapped[datetime | None]
    answer: Mapped[dict[str, str] | None]
    consumed_by: Mapped[uuid.UUID | None]
    consumed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(_one_of("act", ACTS), name="act"),
        CheckConstraint(_one_of("state", APPROVAL_STATES), name="state"),
        CheckConstraint(AMOUNT, name="amount"),
        CheckConstraint("state NOT IN ('approved', 'consumed') OR answered_by IS NOT NULL", name="answered"),
        CheckConstraint(
            "state NOT IN ('approved', 'consumed') OR answered_by <> requested_by", name="approver_not_requester"
        ),
        CheckConstraint("(state = 'consumed') = (consumed_by IS NOT NULL)", name="consumed"),
        CheckConstraint("consumed_by <> answered_by", name="approver_not_doer"),
        Index("ix_approval_organisation_id_id", "organisation_id", "id"),
        Index("ix_approval_terms_sha256", "organisation_id", "terms_sha256"),
    )

    @property
    def money(self) -> Money | None:
        if self.amount is None or self.currency is None:
            return None
        return Money(self.amount, self.currency)


class AuthorisedAct(Identified, Model):
    """An act that passed the gate: who did it for whom, how much, on which approval if one was needed. Append only.

    `scope_id` is the proposal, or what the act was done to where there is none: what is counted together.
    """

    __tablename__ = "authorised_act"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    act: Mapped[Slug]
    subject_id: Mapped[uuid.UUID]
    scope_id: Mapped[uuid.UUID]
    user_id: Mapped[uuid.UUID]
    amount: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    terms_sha256: Mapped[str] = mapped_column(String(64))
    approval_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("approval.id"), unique=True)
    approved_by: Mapped[uuid.UUID | None]
    done_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(_one_of("act", ACTS), name="act"),
        CheckConstraint(AMOUNT, name="amount"),
        CheckConstraint("(approval_id IS NULL) = (approved_by IS NULL)", name="approved_by"),
        CheckConstraint("approved_by <> user_id", name="two_people"),
        Index("ix_authorised_act_scope", "organisation_id", "scope_id", "act", "done_at"),
    )


class Interest(Identified, Versioned, Model):
    """What a person declares that could sway them: an interest in an organisation or in a proposal, from day to day.

    `words` are the person's own, for the organisations they act for and nobody else.
    """

    __tablename__ = "interest"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"))
    proposal_id: Mapped[uuid.UUID | None]
    kind: Mapped[Slug]
    words: Mapped[dict[str, str]]
    from_on: Mapped[date]
    to_on: Mapped[date | None]

    __table_args__ = (
        CheckConstraint(_one_of("kind", DECLARED_KINDS), name="kind"),
        CheckConstraint("(organisation_id IS NULL) <> (proposal_id IS NULL)", name="one_subject"),
        CheckConstraint("to_on >= from_on", name="days"),
    )


class ConflictPlan(Identified, Versioned, Model):
    """How an organisation manages one person's conflict about one proposal; live once another owner approved it."""

    __tablename__ = "conflict_plan"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    proposal_id: Mapped[uuid.UUID]
    words: Mapped[dict[str, str]]
    state: Mapped[Slug] = mapped_column(default="proposed")
    until: Mapped[date | None]
    proposed_by: Mapped[uuid.UUID]
    answered_by: Mapped[uuid.UUID | None]
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(_one_of("state", PLAN_STATES), name="state"),
        CheckConstraint("state <> 'approved' OR answered_by IS NOT NULL", name="answered"),
        CheckConstraint("state <> 'approved' OR answered_by NOT IN (proposed_by, user_id)", name="another_owner"),
        Index("ix_conflict_plan_organisation_id_id", "organisation_id", "id"),
        Index(
            "uq_conflict_plan_open", "organisation_id", "user_id", "proposal_id", unique=True,
            postgresql_where=text("state IN ('proposed', 'approved')"),
        ),
    )  # fmt: skip


refuse_on("uq_authorised_act_approval_id", lambda: AlreadyAsked("The approval has been used."))
refuse_on("uq_conflict_plan_open", lambda: PlanThere("End it before you record another one."))

__all__ = ["Approval", "AuthorisedAct", "ConflictPlan", "Governance", "GovernanceVersion", "Interest"]
