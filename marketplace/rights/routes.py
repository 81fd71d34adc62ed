"""Rights over HTTP: routes and coverage, claims and their answers, how often claims are accepted."""

from typing import Any
from uuid import UUID

from marketplace.reference import rights as routes_data
from marketplace.rights import motives as motives_service
from marketplace.rights import reading, service
from marketplace.rights.models import Motives, RightClaim
from marketplace.rights.schemas import (
    AcceptanceQuery,
    AcceptanceView,
    MotivesDraft,
    MotivesView,
    RightClaimAnswer,
    RightClaimAppeal,
    RightClaimAppealOutcome,
    RightClaimDraft,
    RightClaimQuery,
    RightClaimsView,
    RightClaimView,
    RightClaimWithdrawal,
    RightRoutesView,
    RightsCoverageView,
    RightsDayQuery,
    RightsPositionView,
)
from marketplace.store.base import session
from marketplace.values.clock import today
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import Page, after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

rights = MarketBlueprint("rights", __name__, description="Rights to propose a mutual: routes, coverage, claims")


@rights.get("/rights")
@open_to_all
@rights.response(200, RightRoutesView)
def list_rights() -> dict[str, Any]:
    """List the routes: where and when each lives, its appeal, and what an acceptance leads to."""
    return {"version": routes_data.VERSION, "data": list(routes_data.ROUTES.values())}


@rights.get("/rights/coverage")
@open_to_all
@rights.arguments(RightsDayQuery, location="query")
@rights.response(200, RightsCoverageView)
def get_rights_coverage(query: dict[str, Any]) -> dict[str, Any]:
    """Read which rights and policies live for each sector in each nation on a day."""
    return reading.coverage_on(query.get("on") or today())


@rights.get("/rights/statistics")
@open_to_all
@rights.arguments(AcceptanceQuery, location="query")
@rights.response(200, AcceptanceView)
def get_rights_statistics(query: dict[str, Any]) -> dict[str, Any]:
    """Read how often claims for public proposals were accepted; small numbers are not told."""
    return reading.acceptance(session(), query["by"])


@rights.get("/proposals/<uuid:proposal_id>/rights-position")
@rights.arguments(RightsDayQuery, location="query")
@rights.response(200, RightsPositionView)
def get_rights_position(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """Read which rights one's own proposal has, and what to mind; nothing is refused for it."""
    return reading.position_of(session(), current_actor(), proposal_id, query.get("on") or today())


@rights.get("/proposals/<uuid:proposal_id>/motives")
@rights.response(200, MotivesView)
def get_motives(proposal_id: UUID) -> Motives:
    """Read why one's own group wants to leave."""
    return tagged(motives_service.motives_of(session(), current_actor(), proposal_id))


@rights.put("/proposals/<uuid:proposal_id>/motives")
@writes
@rights.arguments(MotivesDraft)
@rights.response(200, MotivesView)
def put_motives(draft: dict[str, Any], proposal_id: UUID) -> Motives:
    """State why one's group wants to leave."""
    return tagged(motives_service.put_motives(session(), current_actor(), proposal_id, draft, if_match))


@rights.get("/proposals/<uuid:proposal_id>/right-claims")
@rights.response(200, RightClaimsView)
def list_proposal_right_claims(proposal_id: UUID) -> dict[str, Any]:
    """List the claims for one's own proposal, the newest first."""
    rows = reading.claims_of_proposal(session(), current_actor(), proposal_id)
    return {"data": [reading.claim_card(row, for_group=True) for row in rows]}


@rights.post("/proposals/<uuid:proposal_id>/right-claims")
@writes
@rights.arguments(RightClaimDraft)
@rights.response(201, RightClaimView)
def post_right_claim(draft: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """Claim a right for one's proposal from the authority."""
    made = service.submit_claim(session(), current_actor(), proposal_id, draft)
    located(f"/v1/right-claims/{made.id}")
    return _shown(made, for_group=True)


@rights.get("/right-claims")
@rights.arguments(RightClaimQuery, location="query")
@rights.response(200, page_of(RightClaimView))
def list_right_claims(query: dict[str, Any]) -> dict[str, Any]:
    """List the claims made to one's own organisation as an authority, the oldest first."""
    limit, after, about = query["limit"], after_id(query), query["organisation_id"]
    rows = reading.claims_for_authority(session(), current_actor(), about, query.get("state"), after, limit)
    page = cut(rows, limit, by_id)
    return paged(Page([reading.claim_card(row, for_group=False) for row in page.items], page.after))


@rights.get("/right-claims/<uuid:claim_id>")
@rights.response(200, RightClaimView)
def get_right_claim(claim_id: UUID) -> dict[str, Any]:
    """Read a claim and its answer, as group or as authority."""
    claim, for_group = reading.claim_seen(session(), current_actor(), claim_id)
    return _shown(claim, for_group=for_group)


@rights.post("/right-claims/<uuid:claim_id>/answer")
@writes
@rights.arguments(RightClaimAnswer)
@rights.response(200, RightClaimView)
def post_right_claim_answer(draft: dict[str, Any], claim_id: UUID) -> dict[str, Any]:
    """Answer a claim for the authority: accept it, accept it with changes, or reject it with a reason."""
    return _shown(service.answer_claim(session(), current_actor(), claim_id, draft), for_group=False)


@rights.post("/right-claims/<uuid:claim_id>/declared-answer")
@writes
@rights.arguments(RightClaimAnswer)
@rights.response(200, RightClaimView)
def post_right_claim_declared_answer(draft: dict[str, Any], claim_id: UUID) -> dict[str, Any]:
    """Write down the answer of an authority that is not here, with its source."""
    return _shown(service.declare_answer(session(), current_actor(), claim_id, draft), for_group=True)


@rights.post("/right-claims/<uuid:claim_id>/appeal")
@writes
@rights.arguments(RightClaimAppeal)
@rights.response(200, RightClaimView)
def post_right_claim_appeal(draft: dict[str, Any], claim_id: UUID) -> dict[str, Any]:
    """Appeal against a rejection, where the route has an appeal."""
    return _shown(service.appeal_claim(session(), current_actor(), claim_id, draft), for_group=True)


@rights.post("/right-claims/<uuid:claim_id>/appeal-outcome")
@writes
@rights.arguments(RightClaimAppealOutcome)
@rights.response(200, RightClaimView)
def post_right_claim_appeal_outcome(draft: dict[str, Any], claim_id: UUID) -> dict[str, Any]:
    """Write down how an appeal ended, with its source."""
    return _shown(service.record_appeal_outcome(session(), current_actor(), claim_id, draft), for_group=True)


@rights.post("/right-claims/<uuid:claim_id>/withdrawal")
@writes
@rights.arguments(RightClaimWithdrawal)
@rights.response(200, RightClaimView)
def post_right_claim_withdrawal(draft: dict[str, Any], claim_id: UUID) -> dict[str, Any]:
    """Take back a claim, or an appeal, that waits for its answer."""
    return _shown(service.withdraw_claim(session(), current_actor(), claim_id, draft.get("reason")), for_group=True)


def _shown(claim: RightClaim, *, for_group: bool) -> dict[str, Any]:
    tagged(claim)
    return reading.claim_card(claim, for_group=for_group)
