"""Published criteria: immutable versions of what a programme asks, and the index over them.

Knows no proposal and no one's facts.
"""

import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.eligibility.cells import MEASURES, WORDS
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


class IndexedCriteria(Model):
    """How the current criteria of a programme stand in the index; every published programme has one.

    `layout` is that of its cells (`cells.LAYOUT`), 0 where they are still to be written: a trigger sees to that
    whenever the programme's current version changes without them. `cells` is their number, 0 for criteria with too
    many alternatives. A programme of another layout or without cells is evaluated by itself in every query.
    `criteria_version_id` repeats the programme's own reference.
    """

    __tablename__ = "indexed_criteria"

    programme_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("programme.id"), primary_key=True)
    criteria_version_id: Mapped[uuid.UUID]
    layout: Mapped[int]
    cells: Mapped[int]

    __table_args__ = (Index("ix_indexed_criteria_layout_cells", "layout", "cells"),)


def _words() -> list[Column[Any]]:
    return [Column(f"refuses_{word}", BigInteger, nullable=False) for word in range(WORDS)]


def _ranges() -> list[Column[Any]]:
    return [Column(f"{fact}_{end}", BigInteger) for fact in MEASURES for end in ("least", "most")]


class CriteriaCell(Model):
    """One alternative of a programme's current criteria in one cell, as `cells.Row` says; no history.

    It refers to the header and not to the programme: who writes cells holds the header's row and waits for no other.
    """

    __table__ = Table(
        "criteria_cell",
        Model.metadata,
        Column("layout", Integer, primary_key=True, autoincrement=False),
        Column("area", SmallInteger, primary_key=True, autoincrement=False),
        Column("sector", SmallInteger, primary_key=True, autoincrement=False),
        Column("instrument", SmallInteger, primary_key=True, autoincrement=False),
        Column("programme_id", Uuid, ForeignKey("indexed_criteria.programme_id"), primary_key=True),
        Column("number", SmallInteger, primary_key=True, autoincrement=False),
        Column("has_soft", Boolean, nullable=False),
        Column("wants", BigInteger, nullable=False),
        Column("asks", BigInteger, nullable=False),
        *_words(),
        *_ranges(),
        Column("residual", JSONB(none_as_null=True)),
        Index("ix_criteria_cell_programme_id", "programme_id"),
    )


__all__ = ["CriteriaCell", "CriteriaVersion", "IndexedCriteria"]
