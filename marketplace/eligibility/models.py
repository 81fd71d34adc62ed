"""Published criteria: immutable versions of what a programme asks. Knows no proposal and no one's facts."""

import uuid
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.store.base import Identified, Model


class CriteriaVersion(Identified, Model):
    """What a programme asked from `created_at` on, until its next version; a trigger refuses every later change.

    `tree` is evaluated: the columns' criteria at the head, then the author's. `columns` are the programme's columns
    as they were: currency, instruments, stages, ask_min, ask_max (minor units).
    """

    __tablename__ = "criteria_version"

    programme_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programme.id"))
    number: Mapped[int]
    tree: Mapped[dict[str, Any]]
    columns: Mapped[dict[str, Any]]
    author_tree: Mapped[dict[str, Any]]
    published_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (UniqueConstraint("programme_id", "number"),)


__all__ = ["CriteriaVersion"]
