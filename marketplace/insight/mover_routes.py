"""A group's mover rank over HTTP, with the programmes that disclose terms for it."""

from typing import Any
from uuid import UUID

from flask import current_app

from marketplace.insight.mover_schemas import MoverRankView
from marketplace.insight.movers import mover_rank
from marketplace.store.base import session
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint

movers = MarketBlueprint("movers", __name__, description="Who comes first in a sector and region")


@movers.get("/proposals/<uuid:proposal_id>/mover-rank")
@movers.response(200, MoverRankView)
def get_mover_rank(proposal_id: UUID) -> dict[str, Any]:
    """Read how early one's own group would launch in its sector and region, and who offers terms for that."""
    strict = bool(current_app.config["STRICT_MATCHING"])
    return mover_rank(session(), current_actor(), proposal_id, strict=strict)
