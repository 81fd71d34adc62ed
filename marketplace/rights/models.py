"""Claims of a right, and the motives that a group states. Knows the proposal; must not know what a route allows."""

import uuid
from datetime import date, datetime

from sqlalchemy import ARRAY, Boolean, CheckConstraint, ForeignKey, Index, String, false, func, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.rights.rules import ClaimWaits
from marketplace.store.base import JSONB, Identified, Model, Slug, Versioned
from marketplace.store.constraints import refuse_on


class RightClaim(Identified, Versioned, Model):
    """A group claims a right by a route, from an authority here or from one that is only named.

    `declared` says that the group wrote down the authority's answer, with its `source`; an appeal's outcome is always
    written down by the group. The authority reads what stands in the claim alone: `claimant` is who the group says
    that it is.
    """

    __tablename__ = "right_claim"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    route: Mapped[Slug]
    authority_organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"))
    authority_name: Mapped[str | None] = mapped_column(String(200))
    claimant: Mapped[str] = mapped_column(String(200))
    title: Mapped[dict[str, str]]
    statement: Mapped[dict[str, str]]
    submitted_on: Mapped[date]
    submitted_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    answer_due_on: Mapped[date | None]
    state: Mapped[Slug] = mapped_column(server_default="submitted", default="submitted")
    outcome: Mapped[str | None] = mapped_column(String(60))
    declared: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)
    modification: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    rejection_reason: Mapped[str | None] = mapped_column(String(60))
    answer: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    source: Mapped[str | None] = mapped_column(String(500))
    answered_on: Mapped[date | None]
    answered_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    answered_at: Mapped[datetime | None]
    appeal: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    appealed_on: Mapped[date | None]
    appealed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    appeal_answer: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    appeal_source: Mapped[str | None] = mapped_column(String(500))
    appeal_decided_on: Mapped[date | None]
    appeal_recorded_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    withdrawal_reason: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (
        CheckConstraint(
            "state IN ('submitted', 'accepted', 'modified', 'rejected', 'appealed', 'upheld', 'dismissed',"
            " 'withdrawn')",
            name="state",
        ),
        CheckConstraint("outcome IN ('accepted', 'modified', 'rejected')", name="outcome"),
        CheckConstraint("num_nonnulls(authority_organisation_id, authority_name) = 1", name="one_authority"),
        CheckConstraint("(outcome IS NULL) = (answered_on IS NULL)", name="answered_on"),
        CheckConstraint("(outcome IS NULL) = (answered_by IS NULL)", name="answered_by"),
        CheckConstraint("state <> 'submitted' OR outcome IS NULL", name="submitted"),
        CheckConstraint(
            "state NOT IN ('accepted', 'modified', 'rejected') OR outcome = state", name="outcome_is_the_state"
        ),
        CheckConstraint(
            "state NOT IN ('appealed', 'upheld', 'dismissed') OR outcome = 'rejected' AND appealed_on IS NOT NULL",
            name="appealed",
        ),
        CheckConstraint("(state IN ('upheld', 'dismissed')) = (appeal_decided_on IS NOT NULL)", name="appeal_decided"),
        CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn"),
        CheckConstraint("answered_on >= submitted_on AND appealed_on >= answered_on", name="days"),
        CheckConstraint("NOT declared OR source IS NOT NULL", name="declared_with_source"),
        CheckConstraint("NOT declared OR authority_organisation_id IS NULL", name="declared_for_the_absent"),
        Index(
            "uq_right_claim_waiting",
            "proposal_id",
            "route",
            unique=True,
            postgresql_where=text("state = 'submitted'"),
        ),
        Index("ix_right_claim_proposal_id_id", "proposal_id", "id"),
        Index("ix_right_claim_authority_organisation_id_id", "authority_organisation_id", "id"),
    )


class Motives(Versioned, Model):
    """Why the group wants to leave: slugs of the codelist `motives`, and its own words. Goes by its proposal's id."""

    __tablename__ = "motives"

    id: Mapped[uuid.UUID] = mapped_column("proposal_id", ForeignKey("proposal.id"), primary_key=True)
    motives: Mapped[list[str]] = mapped_column(ARRAY(String(60)))
    statement: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    updated_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (CheckConstraint("cardinality(motives) > 0", name="motives"),)


refuse_on("uq_right_claim_waiting", lambda: ClaimWaits("A claim by this route waits for its answer."))

__all__ = ["Motives", "RightClaim"]
