"""Questions of funders' own, beside the facts registry. Knows no programme, no criteria and no group's answer."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.store.base import JSONB, Identified, Model, Slug, Versioned


class Question(Identified, Versioned, Model):
    """One question that a funder added; criteria name it by its slug, as they name a fact of the registry.

    Everything but its retirement is fixed, for groups have answered what it says: a trigger refuses other changes.
    `options` lists {slug, label} for choices; `scale` is the number of decimals of a decimal.
    """

    __tablename__ = "question"

    slug: Mapped[str] = mapped_column(String(60), unique=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    type: Mapped[Slug]
    question: Mapped[dict[str, str]]
    help: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    unit: Mapped[str | None] = mapped_column(String(60))
    scale: Mapped[int | None]
    options: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"), default=list)
    asked_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "type IN ('boolean', 'choice', 'choices', 'money', 'integer', 'percentage', 'decimal', 'date')", name="type"
        ),
        CheckConstraint("slug ~ '^x_[a-z0-9_]{2,50}$'", name="slug"),
        CheckConstraint("(type IN ('choice', 'choices')) = (jsonb_array_length(options) > 0)", name="options"),
        CheckConstraint("(type = 'decimal') = (scale IS NOT NULL)", name="scale"),
    )

    @property
    def retired(self) -> bool:
        """True when no new criteria may name it."""
        return self.retired_at is not None


__all__ = ["Question"]
