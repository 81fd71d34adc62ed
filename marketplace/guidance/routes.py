"""Next steps and asks to be, over HTTP."""

from typing import Any
from uuid import UUID

from flask import current_app

from marketplace.guidance import asks, steps
from marketplace.guidance.schemas import (
    AskBuilderDraft,
    AskBuilderView,
    NextStepsView,
    UsualLinesQuery,
    UsualLinesView,
)
from marketplace.learning.routes import note_shown
from marketplace.store.base import session
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.parsing import body_at_most

LARGEST_ASK = 64 * 1024

guidance = MarketBlueprint("guidance", __name__, description="What a group does next, and how it builds an ask")


@guidance.get("/proposals/<uuid:proposal_id>/next-steps")
@guidance.response(200, NextStepsView)
def list_next_steps(proposal_id: UUID) -> dict[str, Any]:
    """Read the next three things to be done about one's own proposal, by whom, how, and with whose help."""
    strict = bool(current_app.config["STRICT_MATCHING"])
    found = steps.next_steps(session(), current_actor(), proposal_id, strict=strict)
    names = ("stage", "days_in_stage", "stage_time", "steps", "more", "money")
    return {name: getattr(found, name) for name in names} | {"learned": [note_shown(each) for each in found.learned]}


@guidance.get("/ask-lines/usual")
@open_to_all
@guidance.arguments(UsualLinesQuery, location="query")
@guidance.response(200, UsualLinesView)
def list_usual_ask_lines(query: dict[str, Any]) -> dict[str, Any]:
    """Read what an ask usually has lines for at a stage, with ranges and past awards."""
    return asks.usual_lines(query["stage"], query.get("sector"))


@guidance.post("/ask-builder")
@open_to_all
@body_at_most(LARGEST_ASK)
@guidance.arguments(AskBuilderDraft)
@guidance.response(200, AskBuilderView)
def post_ask_builder(draft: dict[str, Any]) -> dict[str, Any]:
    """Build an ask and check it against what is usual; nothing is kept."""
    return asks.build_ask(draft)
