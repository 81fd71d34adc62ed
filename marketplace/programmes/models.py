"""Programmes: what a funder offers, to whom, when; and those listed from a public source before their funder joins.

Published criteria lie in `criteria_version`, money in the ledger.
Knows no proposal.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, CheckConstraint, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.store.base import JSONB, Identified, Model, Slug, Versioned


class Programme(Identified, Versioned, Model):
    """One programme. Its columns and `criteria` are the author's draft; the current criteria version is what counts.

    Amounts are minor units of `currency`; `ticket_max` is the largest single pledge. `tranche_template` lists
    {basis, milestone, share_bp} and is empty where one tranche pays all.
    """

    __tablename__ = "programme"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    title: Mapped[dict[str, str]]
    summary: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    currency: Mapped[str] = mapped_column(String(3))
    instruments: Mapped[list[str]] = mapped_column(ARRAY(String(60)), server_default="{}", default=list)
    stages: Mapped[list[str]] = mapped_column(ARRAY(String(60)), server_default="{}", default=list)
    ask_min: Mapped[int | None] = mapped_column(BigInteger)
    ask_max: Mapped[int | None] = mapped_column(BigInteger)
    criteria: Mapped[dict[str, Any]]
    opens_on: Mapped[date | None]
    closes_on: Mapped[date | None]
    paused: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)
    ended_at: Mapped[datetime | None]
    ticket_max: Mapped[int | None] = mapped_column(BigInteger)
    has_budget: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)
    public_money: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)
    recycles: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)
    tranche_template: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"), default=list)
    funded_by_programme_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("programme.id"), index=True)
    current_criteria_version_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("criteria_version.id", use_alter=True, name="fk_programme_current_criteria_version_id")
    )
    historical_example: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)
    provenance: Mapped[str | None] = mapped_column(String(2000))
    sources: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"), default=list)
    case_slug: Mapped[str | None] = mapped_column(String(80), unique=True)

    listing: Mapped["Listing | None"] = relationship(lazy="selectin", viewonly=True)

    __table_args__ = (
        CheckConstraint("ask_min IS NULL OR ask_max IS NULL OR ask_min <= ask_max", name="ask_range"),
        CheckConstraint("opens_on IS NULL OR closes_on IS NULL OR opens_on <= closes_on", name="window"),
        CheckConstraint("ask_min >= 0 AND ask_min <= 1000000000000000", name="ask_min"),
        CheckConstraint("ask_max >= 0 AND ask_max <= 1000000000000000", name="ask_max"),
        CheckConstraint("ticket_max > 0 AND ticket_max <= 1000000000000000", name="ticket_max"),
    )


class Listing(Model):
    """That a programme was taken from a public source by an organisation that does not fund it, until it is claimed.

    `funder_identifier` is `<scheme>-<number>`. `checked_on` is the day on which the source was last read.
    """

    __tablename__ = "listing"

    programme_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programme.id"), primary_key=True)
    listed_by_organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    funder_name: Mapped[dict[str, str]]
    funder_identifier: Mapped[str | None] = mapped_column(String(101))
    source_url: Mapped[str] = mapped_column(String(500))
    checked_on: Mapped[date]
    claimed_at: Mapped[datetime | None]


class ListingClaim(Identified, Versioned, Model):
    """An organisation's word that a listed programme is its own; one open claim per programme and organisation."""

    __tablename__ = "listing_claim"

    programme_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.programme_id"))
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    statement: Mapped[str] = mapped_column(String(2000))
    state: Mapped[Slug] = mapped_column(server_default="open", default="open")
    claimed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(2000))

    __table_args__ = (
        CheckConstraint("state IN ('open', 'accepted', 'refused', 'withdrawn')", name="state"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_at"),
        Index(
            "uq_listing_claim_open",
            "programme_id",
            "organisation_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index("uq_listing_claim_accepted", "programme_id", unique=True, postgresql_where=text("state = 'accepted'")),
    )


class ErrorReport(Identified, Versioned, Model):
    """What someone found wrong in a published programme; `about` is a JSON pointer into it, or nothing in particular.

    Nothing is kept of who reported it without an account.
    """

    __tablename__ = "error_report"

    programme_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programme.id"), index=True)
    about: Mapped[str | None] = mapped_column(String(200))
    statement: Mapped[str] = mapped_column(String(2000))
    source_url: Mapped[str | None] = mapped_column(String(500))
    reported_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    state: Mapped[Slug] = mapped_column(server_default="open", default="open")
    answer: Mapped[str | None] = mapped_column(String(2000))
    answered_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('open', 'corrected', 'no_error')", name="state"),
        CheckConstraint("(state = 'open') = (answered_at IS NULL)", name="answered_at"),
    )


__all__ = ["ErrorReport", "Listing", "ListingClaim", "Programme"]
