"""Deals over HTTP: who pays which line, awards from outside, pools, and subsidy control."""

from typing import Any
from uuid import UUID

from marketplace.pledges import condition_schemas as schemas
from marketplace.pledges import deal, outside, pools, subsidy
from marketplace.pledges.condition_models import OutsideAward, ProgrammePool, ProgrammeSubsidyTerms
from marketplace.pledges.models import Pledge
from marketplace.pledges.schemas import PledgeView
from marketplace.pledges.subsidy_rules import Headroom
from marketplace.store.base import session
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

deals = MarketBlueprint("deals", __name__, description="Several funders around one ask, and what they wait for")


@deals.get("/proposals/<uuid:proposal_id>/deal")
@deals.response(200, schemas.DealView)
def get_proposal_deal(proposal_id: UUID) -> dict[str, Any]:
    """Read who pays which line of the ask, and what stands in the way."""
    return deal.deal_of(session(), current_actor(), proposal_id)


@deals.post("/proposals/<uuid:proposal_id>/outside-awards")
@writes(key_required=True)
@deals.arguments(schemas.OutsideAwardDraft)
@deals.response(201, schemas.OutsideAwardView)
def post_outside_award(draft: dict[str, Any], proposal_id: UUID) -> OutsideAward:
    """Declare an award from elsewhere."""
    made = outside.declare_award(session(), current_actor(), proposal_id, draft)
    located(f"/v1/proposals/{proposal_id}/outside-awards/{made.id}")
    return tagged(made)


@deals.get("/proposals/<uuid:proposal_id>/outside-awards")
@deals.arguments(PageQuery, location="query")
@deals.response(200, page_of(schemas.OutsideAwardView))
def list_outside_awards(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """List the awards that the group has declared."""
    rows = outside.awards_of(session(), current_actor(), proposal_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@deals.get("/proposals/<uuid:proposal_id>/outside-awards/<uuid:award_id>")
@deals.response(200, schemas.OutsideAwardView)
def get_outside_award(proposal_id: UUID, award_id: UUID) -> OutsideAward:
    """Read an award that the group has declared."""
    return tagged(outside.award_for(session(), current_actor(), proposal_id, award_id))


@deals.delete("/proposals/<uuid:proposal_id>/outside-awards/<uuid:award_id>")
@writes(key_required=True)
@deals.response(204)
def delete_outside_award(proposal_id: UUID, award_id: UUID) -> None:
    """Withdraw the declaration of an award."""
    outside.withdraw_award(session(), current_actor(), proposal_id, award_id, if_match)


@deals.get("/proposals/<uuid:proposal_id>/subsidy-headroom")
@deals.arguments(schemas.HeadroomQuery, location="query")
@deals.response(200, schemas.HeadroomView)
def get_subsidy_headroom(query: dict[str, Any], proposal_id: UUID) -> Headroom:
    """Read what is used and left of the limit of Minimal Financial Assistance."""
    return subsidy.headroom_for(session(), current_actor(), proposal_id, query.get("on"))


@deals.post("/pledges/<uuid:pledge_id>/subsidy-confirmation")
@writes(key_required=True)
@deals.arguments(schemas.SubsidyConfirmationDraft)
@deals.response(200, PledgeView)
def post_subsidy_confirmation(said: dict[str, Any], pledge_id: UUID) -> Pledge:
    """Confirm for the group that the limit is kept with this pledge."""
    return tagged(subsidy.confirm(session(), current_actor(), pledge_id, said.get("statement")))


@deals.get("/programmes/<uuid:programme_id>/subsidy-terms")
@deals.response(200, schemas.SubsidyTermsView)
def get_subsidy_terms(programme_id: UUID) -> ProgrammeSubsidyTerms:
    """Read whether a programme's money is public."""
    return tagged(subsidy.terms_of(session(), current_actor(), programme_id))


@deals.put("/programmes/<uuid:programme_id>/subsidy-terms")
@writes
@deals.arguments(schemas.SubsidyTermsDraft)
@deals.response(200, schemas.SubsidyTermsView)
def put_subsidy_terms(terms: dict[str, Any], programme_id: UUID) -> ProgrammeSubsidyTerms:
    """Say whether a programme's money is public."""
    return tagged(subsidy.set_terms(session(), current_actor(), programme_id, terms, if_match))


@deals.post("/programmes/<uuid:programme_id>/pools")
@writes(key_required=True)
@deals.arguments(schemas.PoolDraft)
@deals.response(201, schemas.PoolView)
def post_programme_pool(draft: dict[str, Any], programme_id: UUID) -> ProgrammePool:
    """Open a pool that pledges of the programme can draw on."""
    return tagged(pools.open_pool(session(), current_actor(), programme_id, draft))


@deals.get("/programmes/<uuid:programme_id>/pools")
@deals.arguments(PageQuery, location="query")
@deals.response(200, page_of(schemas.PoolView))
def list_programme_pools(query: dict[str, Any], programme_id: UUID) -> dict[str, Any]:
    """List a programme's pools."""
    rows = pools.pools_of(session(), current_actor(), programme_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@deals.get("/programmes/<uuid:programme_id>/pools/<uuid:pool_id>")
@deals.response(200, schemas.PoolView)
def get_programme_pool(programme_id: UUID, pool_id: UUID) -> ProgrammePool:
    """Read a pool of a programme."""
    return tagged(pools.pool_for(session(), current_actor(), programme_id, pool_id))


@deals.patch("/programmes/<uuid:programme_id>/pools/<uuid:pool_id>")
@writes(key_required=True)
@deals.arguments(schemas.PoolChange)
@deals.response(200, schemas.PoolView)
def patch_programme_pool(change: dict[str, Any], programme_id: UUID, pool_id: UUID) -> ProgrammePool:
    """Make a pool larger or smaller; below what is drawn it cannot fall."""
    resized = pools.resize_pool(session(), current_actor(), programme_id, pool_id, change["amount"], if_match)
    return tagged(resized)
