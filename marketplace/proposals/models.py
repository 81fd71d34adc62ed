"""Proposals: drafts in sections, immutable versions, asks, what is shared with whom, and the employer's consent."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    false,
    func,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.eligibility.cells import MEASURES, WORDS
from marketplace.store.base import JSONB, Identified, Model, Slug, Versioned


class Proposal(Identified, Versioned, Model):
    """One proposal of a staff group, and the ladder of who sees it. `version` counts changes of what is shared.

    The parent is named by its organisation here, by its identifier (`GB-COH-01234567`), or by a plain name. Either of
    the first two keeps that organisation out while `exclude_parent` holds.
    """

    __tablename__ = "proposal"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    pseudonym: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    visibility: Mapped[Slug] = mapped_column(server_default="private", default="private")
    state: Mapped[Slug] = mapped_column(server_default="active", default="active")
    withdrawn_at: Mapped[datetime | None]
    parent_organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"))
    parent_identifier: Mapped[str | None] = mapped_column(String(101))
    parent_name: Mapped[str | None] = mapped_column(String(200))
    exclude_parent: Mapped[bool] = mapped_column(Boolean, server_default=true(), default=True)
    current_version_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("proposal_version.id", use_alter=True, name="fk_proposal_current_version_id")
    )
    first_published_at: Mapped[datetime | None]
    historical_example: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)
    case_slug: Mapped[str | None] = mapped_column(String(80), unique=True)

    __table_args__ = (
        CheckConstraint("visibility IN ('private', 'named', 'verified_funders', 'public')", name="visibility"),
        CheckConstraint("state IN ('active', 'withdrawn')", name="state"),
        CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn_at"),
    )


class ProposalSection(Identified, Versioned, Model):
    """One part of a draft, with an ETag of its own: several people write without overwriting each other."""

    __tablename__ = "proposal_section"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id", ondelete="CASCADE"))
    name: Mapped[Slug]
    content: Mapped[dict[str, Any]]
    updated_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (UniqueConstraint("proposal_id", "name"),)


class ProposalVersion(Identified, Model):
    """What the group published; a trigger refuses every later change. `facts` has authored and derived ones."""

    __tablename__ = "proposal_version"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    number: Mapped[int]
    title: Mapped[dict[str, str]]
    summary: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    facts: Mapped[dict[str, Any]]
    ask: Mapped[dict[str, Any]]
    published_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (UniqueConstraint("proposal_id", "number"),)


class FactAssurance(Identified, Model):
    """That a fact of a version is more than declared: evidenced or verified, by whom. No row means declared."""

    __tablename__ = "fact_assurance"

    proposal_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal_version.id"))
    fact: Mapped[Slug]
    level: Mapped[Slug]
    by_user_id: Mapped[uuid.UUID]
    evidence_id: Mapped[uuid.UUID | None]

    __table_args__ = (
        UniqueConstraint("proposal_version_id", "fact"),
        CheckConstraint("level IN ('evidenced', 'verified')", name="level"),
    )


class Ask(Identified, Versioned, Model):
    """What the group asks for at a stage, in minor units. `accepted` is the sum of accepted pledges to it.

    `outside` is what the group has declared as awarded from elsewhere; together they never pass `amount`.
    """

    __tablename__ = "ask"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"), index=True)
    stage: Mapped[Slug]
    currency: Mapped[str] = mapped_column(String(3))
    instruments: Mapped[list[str]] = mapped_column(ARRAY(String(60)), server_default="{}", default=list)
    amount: Mapped[int] = mapped_column(BigInteger)
    accepted: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    outside: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    state: Mapped[Slug] = mapped_column(server_default="open", default="open")

    lines: Mapped[list["AskLine"]] = relationship(
        lazy="selectin", order_by="AskLine.position", cascade="all, delete-orphan"
    )

    __table_args__ = (
        CheckConstraint("0 <= accepted AND accepted <= amount AND amount <= 1000000000000000", name="accepted"),
        CheckConstraint("outside >= 0 AND accepted + outside <= amount", name="outside"),
        CheckConstraint("state IN ('open', 'closed')", name="state"),
        Index("uq_ask_open_stage", "proposal_id", "stage", unique=True, postgresql_where=text("state = 'open'")),
    )

    @property
    def filled(self) -> int:
        """What is accepted and declared from outside, in minor units."""
        return self.accepted + self.outside

    @property
    def open_gap(self) -> int:
        """What may still be promised, in minor units: nothing of an ask that is closed."""
        return self.amount - self.filled if self.state == "open" else 0


class AskLine(Identified, Model):
    """One line of an ask: what for, how much, and what fills it; the lines' figures sum to the ask's."""

    __tablename__ = "ask_line"

    ask_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ask.id", ondelete="CASCADE"))
    position: Mapped[int]
    purpose: Mapped[Slug]
    description: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    amount: Mapped[int] = mapped_column(BigInteger)
    accepted: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    outside: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)

    __table_args__ = (
        UniqueConstraint("ask_id", "position"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("accepted >= 0 AND outside >= 0 AND accepted + outside <= amount", name="room"),
    )

    @property
    def filled(self) -> int:
        """What is accepted and declared from outside, in minor units."""
        return self.accepted + self.outside


class ProposalNamed(Model):
    """An organisation with which the group shares by name."""

    __tablename__ = "proposal_named"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id", ondelete="CASCADE"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True, index=True)


class ProposalExclusion(Model):
    """An organisation kept out: `chosen` by the group, or a `commissioner` (for as long as the parent is)."""

    __tablename__ = "proposal_exclusion"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id", ondelete="CASCADE"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True, index=True)
    source: Mapped[Slug] = mapped_column(primary_key=True)

    __table_args__ = (CheckConstraint("source IN ('chosen', 'commissioner')", name="source"),)


class FactVisibility(Model):
    """The group's own choice for a fact, over the registry's default."""

    __tablename__ = "fact_visibility"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id", ondelete="CASCADE"), primary_key=True)
    fact: Mapped[Slug] = mapped_column(primary_key=True)
    visibility: Mapped[Slug]

    __table_args__ = (CheckConstraint("visibility IN ('open', 'confidential')", name="visibility"),)


class FactGrant(Model):
    """Confidential facts that the group shares with one organisation."""

    __tablename__ = "fact_grant"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id", ondelete="CASCADE"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True, index=True)
    facts: Mapped[list[str]] = mapped_column(ARRAY(String(60)))


class ProposalProjection(Model):
    """The published proposal laid flat for search and matching; rewritten with whatever it is made of.

    `facts` are all, `open_facts` those that whoever sees the proposal may see; `sector`, `nation` and `region` are
    None where they are confidential. After `consent_until` the employer's consent is unknown again. `assurance` gives
    the level of each fact that is more than declared.
    """

    __tablename__ = "proposal_projection"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id", ondelete="CASCADE"), primary_key=True)
    version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal_version.id"))
    title: Mapped[dict[str, str]]
    stage: Mapped[Slug] = mapped_column(index=True)
    currency: Mapped[str] = mapped_column(String(3))
    ask: Mapped[int] = mapped_column(BigInteger)
    sector: Mapped[str | None] = mapped_column(String(60), index=True)
    nation: Mapped[str | None] = mapped_column(String(60))
    region: Mapped[str | None] = mapped_column(String(60))
    facts: Mapped[dict[str, Any]]
    open_facts: Mapped[dict[str, Any]]
    open_slugs: Mapped[list[str]] = mapped_column(ARRAY(String(60)))
    assurance: Mapped[dict[str, str]] = mapped_column(server_default=text("'{}'"))
    consent_until: Mapped[date | None]


def _point_columns() -> list[Column[Any]]:
    known = [Column(f"known_{word}", BigInteger, nullable=False) for word in range(WORDS)]
    return [*known, *(Column(fact, BigInteger) for fact in MEASURES)]


class ProposalPoint(Model):
    """The projection's open facts as `cells.Point` says, for the index; written with the projection.

    Nothing confidential is in it, and nothing that a day changes (the employer's consent may lapse). `sector` is 0
    where it is not open or unknown, `position` NULL. A proposal without a point of the program's own layout
    (`cells.LAYOUT`) is evaluated by itself in every query.
    """

    __table__ = Table(
        "proposal_point",
        Model.metadata,
        Column("proposal_id", Uuid, ForeignKey("proposal.id", ondelete="CASCADE"), primary_key=True),
        Column("layout", Integer, nullable=False),
        Column("sector", SmallInteger, nullable=False),
        Column("position", SmallInteger),
        Column("sought", BigInteger, nullable=False),
        Column("unknown", BigInteger, nullable=False),
        *_point_columns(),
        Index("ix_proposal_point_layout_sector_position", "layout", "sector", "position"),
        Index("ix_proposal_point_layout_position", "layout", "position"),
    )


class ProposalShare(Model):
    """What one organisation may see beyond the open facts; `slugs` names them whether or not they are answered."""

    __tablename__ = "proposal_share"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id", ondelete="CASCADE"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True, index=True)
    facts: Mapped[dict[str, Any]]
    slugs: Mapped[list[str]] = mapped_column(ARRAY(String(60)))


class EmployerConsent(Identified, Versioned, Model):
    """A record of two parties: the group invites its employer, the employer answers. It promises no contract.

    `title` and `message` are all that the employer learns. It is invited, answered, or withdrawn (by the employer).
    """

    __tablename__ = "employer_consent"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"))
    parent_organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    state: Mapped[Slug] = mapped_column(server_default="invited", default="invited")
    title: Mapped[dict[str, str]]
    message: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    invited_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    answer: Mapped[str | None] = mapped_column(String(60))
    scope: Mapped[str | None] = mapped_column(String(2000))
    authority: Mapped[str | None] = mapped_column(String(500))
    decided_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    answered_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    answered_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawal_reason: Mapped[str | None] = mapped_column(String(2000))

    __table_args__ = (
        CheckConstraint("state IN ('invited', 'answered', 'withdrawn')", name="state"),
        CheckConstraint("state = 'invited' OR answer IS NOT NULL", name="answer"),
        Index(
            "uq_employer_consent_invited",
            "proposal_id",
            "parent_organisation_id",
            unique=True,
            postgresql_where=text("state = 'invited'"),
        ),
        Index("ix_employer_consent_proposal_id", "proposal_id"),
    )


__all__ = [
    "Ask",
    "AskLine",
    "EmployerConsent",
    "FactAssurance",
    "FactGrant",
    "FactVisibility",
    "Proposal",
    "ProposalExclusion",
    "ProposalNamed",
    "ProposalPoint",
    "ProposalProjection",
    "ProposalSection",
    "ProposalShare",
    "ProposalVersion",
]
