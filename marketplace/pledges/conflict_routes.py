"""Conflicts of interest on a funder's side, as the parties to its pledge learn of them, over HTTP."""

from typing import Any
from uuid import UUID

from marketplace.governance.interests import interests_shown
from marketplace.governance.schemas import ConflictsShownView
from marketplace.pledges import queries
from marketplace.store.base import session
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint

pledge_conflicts = MarketBlueprint("pledge_conflicts", __name__, description="Conflicts on a funder's side of a pledge")


@pledge_conflicts.get("/pledges/<uuid:pledge_id>/conflicts")
@pledge_conflicts.response(200, ConflictsShownView)
def list_pledge_conflicts(pledge_id: UUID) -> dict[str, Any]:
    """List the conflicts of interest on the funder's side of a pledge, without persons or words."""
    pledge = queries.pledge_for(session(), current_actor(), pledge_id)
    return {"data": interests_shown(session(), pledge.organisation_id, pledge.proposal_id)}
