"""How early a group would launch in its sector and region, and which programmes offer terms to those who come early.

Counts what reports count (public proposals by their open facts) and tells it as they do, in bands of five: a proposal
that not everyone sees changes no answer. Shown to the group alone, since the sector may be confidential.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.insight.counting import LAUNCHED, counted
from marketplace.insight.rogers import RankBand, rank_after, terms_reach
from marketplace.matching.service import matches_among
from marketplace.pipeline.models import StageMove
from marketplace.programmes.cohort_models import FirstMoverTerms
from marketplace.programmes.models import Programme
from marketplace.proposals.models import Proposal, ProposalProjection
from marketplace.proposals.queries import own_view
from marketplace.proposals.sharing import own_proposal
from marketplace.values.actor import Actor
from marketplace.values.permissions import Action

MOST_PROGRAMMES = 50


def mover_rank(session: Session, actor: Actor, proposal_id: UUID, *, strict: bool) -> dict[str, Any]:
    """The rank that one's own proposal has, or would have if it launched now, as a band; None where it is not known.

    With the best `MOST_PROGRAMMES` matching programmes whose terms for first movers reach to it, or may. `strict`: as
    of matches. NothingToMatch before a version is published, NotFound for others.
    """
    own_proposal(session, actor, proposal_id, Action.READ_PROPOSAL)
    facts = own_view(session, proposal_id).facts
    sector, region = facts.get("sector"), facts.get("region")
    rank = None
    if sector is not None and region is not None:
        rank = rank_after(_launched_before(session, proposal_id, sector, region))
    return {
        "sector": sector,
        "region": region,
        "rank": rank,
        "programmes": _programmes(session, actor, proposal_id, rank, strict=strict),
    }


def _programmes(
    session: Session, actor: Actor, proposal_id: UUID, rank: RankBand | None, *, strict: bool
) -> list[dict[str, Any]]:
    reaching = select(FirstMoverTerms.id).where(FirstMoverTerms.up_to_rank >= (1 if rank is None else rank.at_least))
    matched = matches_among(session, actor, proposal_id, Programme.id.in_(reaching), MOST_PROGRAMMES, strict=strict)
    ids = [each["programme"]["id"] for each in matched]
    disclosed = select(FirstMoverTerms).where(FirstMoverTerms.id.in_(ids), FirstMoverTerms.up_to_rank.is_not(None))
    terms = {each.id: each for each in session.scalars(disclosed)}
    return [
        {
            "programme": each["programme"],
            "result": each["result"],
            "terms": terms[each["programme"]["id"]],
            "reached": terms_reach(terms[each["programme"]["id"]].up_to_rank or 0, rank),
        }
        for each in matched
    ]


def _launched_before(session: Session, proposal_id: UUID, sector: str, region: str) -> int:
    """How many others of that sector and region launched before it, or until now if it has not."""
    others = (
        select(func.min(StageMove.created_at).label("launched_at"))
        .join(Proposal, Proposal.id == StageMove.proposal_id)
        .join(ProposalProjection, ProposalProjection.proposal_id == Proposal.id)
        .where(
            counted(),
            Proposal.id != proposal_id,
            ProposalProjection.sector == sector,
            ProposalProjection.region == region,
            StageMove.to_stage.in_(LAUNCHED),
        )
        .group_by(Proposal.id)
        .subquery()
    )
    query = select(func.count()).select_from(others)
    own = _launched_at(session, proposal_id)
    if own is not None:
        query = query.where(others.c.launched_at < own)
    return session.scalars(query).one()


def _launched_at(session: Session, proposal_id: UUID) -> datetime | None:
    first = select(func.min(StageMove.created_at)).where(
        StageMove.proposal_id == proposal_id, StageMove.to_stage.in_(LAUNCHED)
    )
    return session.scalar(first)
