"""Safeguards and stakes over HTTP."""

from typing import Any
from uuid import UUID

from marketplace.safeguards import service
from marketplace.safeguards.models import Stakes
from marketplace.safeguards.schemas import (
    SafeguardCheckDraft,
    SafeguardDraft,
    SafeguardsView,
    SafeguardView,
    StakesDraft,
    StakesView,
)
from marketplace.store.base import session
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.writes import writes

safeguards = MarketBlueprint("safeguards", __name__, description="What keeps a mutual public: promised, shown, checked")


@safeguards.get("/proposals/<uuid:proposal_id>/safeguards")
@safeguards.response(200, SafeguardsView)
def list_safeguards(proposal_id: UUID) -> dict[str, Any]:
    """List every safeguard, claimed or not, with how well each is known today."""
    return {"data": service.checklist(session(), current_actor(), proposal_id)}


@safeguards.get("/proposals/<uuid:proposal_id>/safeguards/<safeguard>")
@safeguards.response(200, SafeguardView)
def get_safeguard(proposal_id: UUID, safeguard: str) -> service.SafeguardSeen:
    """Read one safeguard, claimed or not."""
    return _shown(service.safeguard_seen(session(), current_actor(), proposal_id, safeguard))


@safeguards.put("/proposals/<uuid:proposal_id>/safeguards/<safeguard>")
@writes
@safeguards.arguments(SafeguardDraft)
@safeguards.response(200, SafeguardView)
def put_safeguard(draft: dict[str, Any], proposal_id: UUID, safeguard: str) -> service.SafeguardSeen:
    """Claim a safeguard, or claim it anew; what was checked of the earlier claim counts no more."""
    return _shown(service.put_safeguard(session(), current_actor(), proposal_id, safeguard, draft, if_match))


@safeguards.delete("/proposals/<uuid:proposal_id>/safeguards/<safeguard>")
@writes
@safeguards.response(204)
def delete_safeguard(proposal_id: UUID, safeguard: str) -> None:
    """Take a safeguard back."""
    service.retract_safeguard(session(), current_actor(), proposal_id, safeguard, if_match)


@safeguards.post("/proposals/<uuid:proposal_id>/safeguards/<safeguard>/verification")
@writes
@safeguards.arguments(SafeguardCheckDraft)
@safeguards.response(201, SafeguardView)
def post_safeguard_verification(draft: dict[str, Any], proposal_id: UUID, safeguard: str) -> service.SafeguardSeen:
    """Confirm or refuse that the accepted document shows the safeguard, for who may verify its evidence."""
    made = service.check_safeguard(
        session(), current_actor(), proposal_id, safeguard, draft["decision"], draft["reason"]
    )
    located(f"/v1/proposals/{proposal_id}/safeguards/{safeguard}")
    return _shown(made)


@safeguards.get("/proposals/<uuid:proposal_id>/stakes")
@safeguards.response(200, StakesView)
def get_stakes(proposal_id: UUID) -> Stakes:
    """Read who holds what of the organisation."""
    return tagged(service.stakes_of(session(), current_actor(), proposal_id))


@safeguards.put("/proposals/<uuid:proposal_id>/stakes")
@writes
@safeguards.arguments(StakesDraft)
@safeguards.response(200, StakesView)
def put_stakes(draft: dict[str, Any], proposal_id: UUID) -> Stakes:
    """Say who holds what of the organisation: private stake, votes, seats on the board."""
    return tagged(service.put_stakes(session(), current_actor(), proposal_id, draft, if_match))


def _shown(seen: service.SafeguardSeen) -> service.SafeguardSeen:
    kept: Any = seen.kept
    tagged(kept)
    return seen
