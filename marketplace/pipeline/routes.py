"""The pipeline over HTTP: how far a proposal has come, its moves, ballots and pensions."""

from typing import Any
from uuid import UUID

from marketplace.pipeline import ballots, moves, pensions, service
from marketplace.pipeline.models import PensionArrangement, StageMove
from marketplace.pipeline.rules import two_tiers
from marketplace.pipeline.schemas import (
    BallotDraft,
    BallotsView,
    BallotView,
    MovesQuery,
    PensionArrangementDraft,
    PensionArrangementView,
    ProgressView,
    StageMoveDraft,
    StageMoveView,
)
from marketplace.store.base import session
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

pipeline = MarketBlueprint("pipeline", __name__, description="Stages, gates and milestones of a proposal")


@pipeline.get("/proposals/<uuid:proposal_id>/pipeline")
@pipeline.response(200, ProgressView)
def get_pipeline(proposal_id: UUID) -> service.Progress:
    """Read how far a proposal has come: its stage, every gate's conditions, and whom it waits on."""
    return service.progress_of(session(), current_actor(), proposal_id)


@pipeline.post("/proposals/<uuid:proposal_id>/stage-moves")
@writes
@pipeline.arguments(StageMoveDraft)
@pipeline.response(201, StageMoveView)
def post_stage_move(draft: dict[str, Any], proposal_id: UUID) -> StageMove:
    """Move a proposal to another stage: forward through its gate, back with a reason, or into an end."""
    made = moves.move_stage(session(), current_actor(), proposal_id, draft["to"], draft.get("reason"))
    located(f"/v1/proposals/{proposal_id}/stage-moves")
    return made


@pipeline.get("/proposals/<uuid:proposal_id>/stage-moves")
@pipeline.arguments(MovesQuery, location="query")
@pipeline.response(200, page_of(StageMoveView))
def list_stage_moves(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """List a proposal's moves, the newest first, each with its conditions as they stood."""
    limit = query["limit"]
    rows = moves.moves_of(session(), current_actor(), proposal_id, after_id(query), limit)
    return paged(cut(rows, limit, by_id))


@pipeline.post("/proposals/<uuid:proposal_id>/ballots")
@writes
@pipeline.arguments(BallotDraft)
@pipeline.response(201, BallotView)
def post_ballot(draft: dict[str, Any], proposal_id: UUID) -> ballots.BallotSeen:
    """Enter the votes of a staff ballot; it takes the place of the one before."""
    made = ballots.record_ballot(session(), current_actor(), proposal_id, draft)
    located(f"/v1/proposals/{proposal_id}/ballots")
    return made


@pipeline.get("/proposals/<uuid:proposal_id>/ballots")
@pipeline.response(200, BallotsView)
def list_ballots(proposal_id: UUID) -> dict[str, Any]:
    """List a proposal's staff ballots, the newest first."""
    return {"data": ballots.ballots_of(session(), current_actor(), proposal_id)}


@pipeline.put("/proposals/<uuid:proposal_id>/pension-arrangement")
@writes
@pipeline.arguments(PensionArrangementDraft)
@pipeline.response(200, PensionArrangementView)
def put_pension_arrangement(draft: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """Say how the staff's pensions will be kept up."""
    made = pensions.put_pension_arrangement(session(), current_actor(), proposal_id, draft, if_match)
    return _pension(made)


@pipeline.get("/proposals/<uuid:proposal_id>/pension-arrangement")
@pipeline.response(200, PensionArrangementView)
def get_pension_arrangement(proposal_id: UUID) -> dict[str, Any]:
    """Read how the staff's pensions will be kept up."""
    return _pension(pensions.pension_arrangement_of(session(), current_actor(), proposal_id))


def _pension(kept: PensionArrangement) -> dict[str, Any]:
    tagged(kept)
    plain = {name: getattr(kept, name) for name in ("arrangement", "evidence_id", "updated_at")}
    sums = {name: pensions.as_money(kept, name) for name in ("bond", "contribution_gap")}
    told = {"gap_basis": pensions.gap_basis_of(kept), "two_tier_workforce": two_tiers(kept.arrangement)}
    return plain | sums | told
