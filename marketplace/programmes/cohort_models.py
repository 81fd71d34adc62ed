"""What a programme says of those who come first: how many groups it takes on at a time, and terms for first movers.

Each goes by its programme's id; version 0 before anything was said. Knows no pledge: who takes a place is told above.
"""

import uuid

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, false
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.programmes.rules import MOST_PLACES, MOST_RANK
from marketplace.store.base import JSONB, Model, Versioned


class CohortLimit(Versioned, Model):
    """The most groups before their launch that may hold a promise of the programme at a time; None is no limit.

    `per_sector`: so many in each sector. `learning_note_required`: a group keeps its place until it has written what it
    learned. How many places are taken is counted from the pledges and kept nowhere.
    """

    __tablename__ = "cohort_limit"

    id: Mapped[uuid.UUID] = mapped_column("programme_id", ForeignKey("programme.id"), primary_key=True)
    limit: Mapped[int | None]
    per_sector: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)
    learning_note_required: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)

    __table_args__ = (
        CheckConstraint(f'"limit" BETWEEN 1 AND {MOST_PLACES}', name="limit"),
        CheckConstraint('"limit" IS NOT NULL OR NOT (per_sector OR learning_note_required)', name="of_a_limit"),
    )


class FirstMoverTerms(Versioned, Model):
    """What the first in a sector and region are offered, in words, up to which mover rank; both None: nothing."""

    __tablename__ = "first_mover_terms"

    id: Mapped[uuid.UUID] = mapped_column("programme_id", ForeignKey("programme.id"), primary_key=True)
    words: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    up_to_rank: Mapped[int | None]

    __table_args__ = (
        CheckConstraint(f"up_to_rank BETWEEN 1 AND {MOST_RANK}", name="up_to_rank"),
        CheckConstraint("num_nonnulls(words, up_to_rank) <> 1", name="both"),
    )


__all__ = ["CohortLimit", "FirstMoverTerms"]
