"""Keeping the index over published criteria: one version's cells, written in the transaction that publishes it.

Knows how rows are written, all programmes' as one programme's. Must not know proposals, nor how rows are searched.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from marketplace.eligibility.cells import LAYOUT, MEASURES, Row, has_soft, rows_of
from marketplace.eligibility.models import CriteriaCell, CriteriaVersion, IndexedCriteria
from marketplace.eligibility.normal_form import TooManyAlternatives
from marketplace.eligibility.tree import CriteriaTree, read_tree

BATCH = 500
CELLS: Table = CriteriaCell.__table__
EMPTY_RANGES: dict[str, int | None] = {f"{fact}_{end}": None for fact in MEASURES for end in ("least", "most")}


def index_version(current: Session, version: CriteriaVersion) -> None:
    """Put the version in place of whatever the index has of its programme. The caller holds the programme's row."""
    index_versions(current, [version])


def index_versions(current: Session, versions: list[CriteriaVersion]) -> None:
    """As `index_version`, for one version each of several programmes.

    The headers come first: writers of one programme's rows wait for each other there.
    """
    written: list[dict[str, Any]] = []
    headers = []
    for version in versions:
        cells = _cells_of(version.programme_id, read_tree(version.tree))
        written += cells
        headers.append(
            {
                "programme_id": version.programme_id,
                "criteria_version_id": version.id,
                "layout": LAYOUT,
                "cells": len(cells),
            }
        )
    made = upsert(IndexedCriteria)
    told = {name: made.excluded[name] for name in ("criteria_version_id", "layout", "cells")}
    current.execute(made.on_conflict_do_update(index_elements=["programme_id"], set_=told), headers)
    programmes = [version.programme_id for version in versions]
    current.execute(delete(CELLS).where(CELLS.c.programme_id.in_(programmes)))
    if written:
        current.execute(insert(CELLS), sorted(written, key=_cell_of))


def stale_versions(current: Session, number: int = BATCH) -> list[CriteriaVersion]:
    """Some current versions without cells of this layout, locked; those being published now are passed over."""
    rows = (
        select(CriteriaVersion)
        .join(IndexedCriteria, IndexedCriteria.criteria_version_id == CriteriaVersion.id)
        .where(or_(IndexedCriteria.layout < LAYOUT, IndexedCriteria.layout > LAYOUT))
        .limit(number)
        .with_for_update(of=IndexedCriteria, key_share=True, skip_locked=True)
    )
    return list(current.scalars(rows))


def _cell_of(row: Mapping[str, Any]) -> tuple[int, ...]:
    """The order of the index: rows that are searched together are to lie together."""
    return row["area"], row["sector"], row["instrument"]


def _cells_of(programme_id: UUID, tree: CriteriaTree) -> list[dict[str, Any]]:
    soft = has_soft(tree)
    try:
        return [_as_columns(programme_id, row, soft=soft) for row in rows_of(tree)]
    except TooManyAlternatives:
        return []


def _as_columns(programme_id: UUID, row: Row, *, soft: bool) -> dict[str, Any]:
    kept = row.alternative
    columns: dict[str, Any] = {
        **EMPTY_RANGES,
        "layout": LAYOUT,
        "area": row.area,
        "sector": row.sector,
        "instrument": row.instrument,
        "programme_id": programme_id,
        "number": row.number,
        "has_soft": soft,
        "wants": kept.wants,
        "asks": kept.asks,
        "residual": kept.residual,
    }
    columns |= {f"refuses_{word}": refused for word, refused in enumerate(kept.refuses)}
    for fact, least, most in kept.ranges:
        columns |= {f"{fact}_least": least, f"{fact}_most": most}
    return columns
