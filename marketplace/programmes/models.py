"""Programmes: what a funder offers, to whom, when. Published criteria lie in `criteria_version`, money in the ledger.

Knows no proposal.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, CheckConstraint, ForeignKey, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.store.base import JSONB, Identified, Model, Versioned


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

    __table_args__ = (
        CheckConstraint("ask_min IS NULL OR ask_max IS NULL OR ask_min <= ask_max", name="ask_range"),
        CheckConstraint("opens_on IS NULL OR closes_on IS NULL OR opens_on <= closes_on", name="window"),
        CheckConstraint("ask_min >= 0 AND ask_min <= 1000000000000000", name="ask_min"),
        CheckConstraint("ask_max >= 0 AND ask_max <= 1000000000000000", name="ask_max"),
        CheckConstraint("ticket_max > 0 AND ticket_max <= 1000000000000000", name="ticket_max"),
    )


__all__ = ["Programme"]
