"""Fiscal hosting: an organisation that holds and spends money for a group without legal form."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.store.base import Identified, Model, Slug, Versioned


class FiscalHosting(Identified, Versioned, Model):
    """One proposed or agreed hosting of a proposal. `fee` is in basis points of each payment that the host receives.

    `signatories` are {"name", "position", "side": group|host}; at least one of each side once agreed.
    """

    __tablename__ = "fiscal_hosting"

    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposal.id"), index=True)
    group_organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    host_organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    state: Mapped[Slug] = mapped_column(default="proposed")
    fee: Mapped[int] = mapped_column(Integer)
    terms: Mapped[dict[str, str]]
    signatories: Mapped[list[Any]]
    agreed_on: Mapped[date | None]
    answered_by: Mapped[uuid.UUID | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reason: Mapped[dict[str, str] | None]

    __table_args__ = (
        CheckConstraint("fee BETWEEN 0 AND 10000", name="fee"),
        CheckConstraint("state IN ('proposed', 'agreed', 'declined', 'ended')", name="state"),
        Index("uq_fiscal_hosting_agreed", "proposal_id", unique=True, postgresql_where=text("state = 'agreed'")),
    )
