"""Safeguards as they are claimed and checked, who holds what, the public assurance statement, and remarks on it.

Knows proposals and evidence; must not know which claims contradict which.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    false,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.safeguards.rules import SafeguardDecided
from marketplace.store.base import JSONB, Identified, Model, Slug, Versioned
from marketplace.store.constraints import refuse_on


class Safeguard(Versioned, Model):
    """A promise of the codelist `safeguards`, in the group's words, and the evidence that is to show it.

    One that was retracted stays, so that what was checked of it can be read. Before it was claimed there is no row, and
    its version is 0.
    """

    __tablename__ = "safeguard"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"), primary_key=True)
    safeguard: Mapped[Slug] = mapped_column(primary_key=True)
    words: Mapped[dict[str, str]]
    limit_bp: Mapped[int | None]
    months: Mapped[int | None]
    evidence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("evidence.id"))
    retracted: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)
    claimed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    claimed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("limit_bp BETWEEN 0 AND 10000", name="limit_bp"),
        CheckConstraint("months BETWEEN 1 AND 600", name="months"),
    )

    @property
    def id(self) -> str:
        """What its ETag is made of."""
        return f"{self.proposal_id.hex}-{self.safeguard}"


class SafeguardVerification(Identified, Model):
    """What an organisation outside the group said of a safeguard as it was claimed then, by which document."""

    __tablename__ = "safeguard_verification"

    proposal_id: Mapped[uuid.UUID]
    safeguard: Mapped[Slug]
    safeguard_version: Mapped[int]
    evidence_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence_version.id"))
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    decision: Mapped[Slug]
    reason: Mapped[str] = mapped_column(String(2000))
    verified_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (
        ForeignKeyConstraint(
            ["proposal_id", "safeguard"],
            ["safeguard.proposal_id", "safeguard.safeguard"],
            name="fk_safeguard_verification_safeguard",
        ),
        UniqueConstraint(
            "proposal_id",
            "safeguard",
            "safeguard_version",
            "evidence_version_id",
            "organisation_id",
            name="uq_safeguard_verification_once",
        ),
        CheckConstraint("decision IN ('confirmed', 'refused')", name="decision"),
    )


class Stakes(Versioned, Model):
    """Who holds what of the organisation, as the group says: basis points, and seats on the board. By proposal.

    Before anything was said there is no row, and its version is 0.
    """

    __tablename__ = "stakes"

    id: Mapped[uuid.UUID] = mapped_column("proposal_id", ForeignKey("proposal.id"), primary_key=True)
    private_stake_bp: Mapped[int | None]
    public_stake_bp: Mapped[int | None]
    staff_votes_bp: Mapped[int | None]
    community_votes_bp: Mapped[int | None]
    board_seats: Mapped[int | None] = mapped_column(SmallInteger)
    board_staff_seats: Mapped[int | None] = mapped_column(SmallInteger)
    board_private_seats: Mapped[int | None] = mapped_column(SmallInteger)
    updated_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(
            "private_stake_bp BETWEEN 0 AND 10000 AND public_stake_bp BETWEEN 0 AND 10000"
            " AND coalesce(private_stake_bp, 0) + coalesce(public_stake_bp, 0) <= 10000",
            name="capital",
        ),
        CheckConstraint(
            "staff_votes_bp BETWEEN 0 AND 10000 AND community_votes_bp BETWEEN 0 AND 10000"
            " AND coalesce(staff_votes_bp, 0) + coalesce(community_votes_bp, 0) <= 10000",
            name="votes",
        ),
        CheckConstraint(
            "board_staff_seats >= 0 AND board_private_seats >= 0"
            " AND coalesce(board_staff_seats, 0) + coalesce(board_private_seats, 0) <= coalesce(board_seats, 0)",
            name="seats",
        ),
    )


class AssuranceStatement(Identified, Model):
    """A version of a proposal's public assurance statement, as it was published: it never changes.

    `lines` are sentences with how well each was known then; `open_to_all` shows it to everyone, even where the proposal
    is not public.
    """

    __tablename__ = "assurance_statement"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    proposal_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal_version.id"))
    number: Mapped[int]
    title: Mapped[dict[str, str]]
    group_name: Mapped[dict[str, str]]
    introduction: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    lines: Mapped[list[Any]]
    open_to_all: Mapped[bool]
    published_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (
        UniqueConstraint("proposal_id", "number"),
        CheckConstraint("number > 0", name="number"),
    )


class AssuranceRemark(Identified, Versioned, Model):
    """A question about a statement, or a position on it, of an organisation in a role that it declares itself."""

    __tablename__ = "assurance_remark"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    statement_number: Mapped[int]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    role: Mapped[Slug]
    kind: Mapped[Slug]
    words: Mapped[dict[str, str]]
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    state: Mapped[Slug] = mapped_column(server_default="open", default="open")
    answer: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    answered_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    answered_at: Mapped[datetime | None]
    withdrawn_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    withdrawn_at: Mapped[datetime | None]
    hidden_reason: Mapped[str | None] = mapped_column(String(2000))
    hidden_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    hidden_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["proposal_id", "statement_number"],
            ["assurance_statement.proposal_id", "assurance_statement.number"],
            name="fk_assurance_remark_statement",
        ),
        CheckConstraint("state IN ('open', 'answered', 'withdrawn', 'hidden')", name="state"),
        CheckConstraint("kind IN ('question', 'support', 'concern', 'oppose')", name="kind"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answer"),
        CheckConstraint(
            "(state <> 'answered' OR answered_at IS NOT NULL) AND (state <> 'open' OR answered_at IS NULL)",
            name="answered",
        ),
        CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn"),
        CheckConstraint("(state = 'hidden') = (hidden_at IS NOT NULL AND hidden_reason IS NOT NULL)", name="hidden"),
        Index("ix_assurance_remark_proposal_id_id", "proposal_id", "id"),
    )


refuse_on(
    "uq_safeguard_verification_once",
    lambda: SafeguardDecided("Wait for another document, or for the claim to change."),
)

__all__ = ["AssuranceRemark", "AssuranceStatement", "Safeguard", "SafeguardVerification", "Stakes"]
