"""Each published proposal's open facts as a point of the index over proposals.

Knows open facts alone: what is confidential has no place in an index that every funder's question goes through.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Table, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.eligibility.cells import LAYOUT, MEASURES, SECTOR, SECTOR_NODES, WORDS, UnplaceableError, point_of
from marketplace.proposals.models import ProposalPoint, ProposalProjection
from marketplace.proposals.rules import CONSENT

BATCH = 500
POINTS: Table = ProposalPoint.__table__


def place_point(current: Session, proposal_id: UUID, open_facts: Mapping[str, Any]) -> None:
    """Write the proposal's point anew."""
    place_points(current, {proposal_id: open_facts})


def place_points(current: Session, open_facts: Mapping[UUID, Mapping[str, Any]]) -> None:
    """As `place_point`, for several proposals."""
    if not open_facts:
        return
    rows = [{"proposal_id": proposal_id, **_as_columns(facts)} for proposal_id, facts in open_facts.items()]
    made = insert(POINTS)
    told = {name: made.excluded[name] for name in rows[0] if name != "proposal_id"}
    current.execute(made.on_conflict_do_update(index_elements=["proposal_id"], set_=told), rows)


def unplaced(current: Session, after: UUID | None, number: int = BATCH) -> dict[UUID, dict[str, Any]]:
    """The next projections without a point of this layout, by proposal: their open facts. Locks them."""
    rows = (
        select(ProposalProjection.proposal_id, ProposalProjection.open_facts)
        .join(POINTS, POINTS.c.proposal_id == ProposalProjection.proposal_id)
        .where(or_(POINTS.c.layout < LAYOUT, POINTS.c.layout > LAYOUT))
        .order_by(ProposalProjection.proposal_id)
        .limit(number)
        .with_for_update(of=ProposalProjection, key_share=True)
    )
    if after is not None:
        rows = rows.where(ProposalProjection.proposal_id > after)
    return dict(current.execute(rows).all())


def _as_columns(facts: Mapping[str, Any]) -> dict[str, Any]:
    try:
        point = point_of({slug: value for slug, value in facts.items() if slug != CONSENT})
    except UnplaceableError:
        return _NOWHERE
    return {
        "layout": LAYOUT,
        "sector": SECTOR_NODES.get(facts.get(SECTOR, ""), 0),
        "position": point.position,
        "sought": point.sought,
        "unknown": point.unknown,
        **{f"known_{word}": known for word, known in enumerate(point.words)},
        **point.measures,
    }


_NOWHERE: dict[str, Any] = {
    **{"layout": 0, "sector": 0, "position": None, "sought": 0, "unknown": 0},
    **{f"known_{word}": 0 for word in range(WORDS)},
    **dict.fromkeys(MEASURES),
}
"""Facts that are not as the registry writes them are evaluated, not indexed."""
