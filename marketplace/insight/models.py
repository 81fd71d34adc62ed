"""Scenarios that organisations keep: a name and parameters, nobody else's business."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.store.base import Identified, Model, Versioned


class Scenario(Identified, Versioned, Model):
    """A named set of parameters of one organisation. `parameters` are those of `simulation.Parameters`, as JSON."""

    __tablename__ = "scenario"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(120))
    parameters: Mapped[dict[str, Any]]
    changed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (UniqueConstraint("organisation_id", "name"),)


__all__ = ["Scenario"]
