"""Near misses, ways in and next questions over HTTP."""

from typing import Any
from uuid import UUID

from flask import current_app

from marketplace.matching import near, service
from marketplace.matching.near_schemas import (
    NearMissesQuery,
    NearProgrammesView,
    NearProposalsView,
    NextQuestionsView,
    WaysInView,
)
from marketplace.matching.schemas import MatchQuery
from marketplace.store.base import session
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint

near_misses = MarketBlueprint("near misses", __name__, description="How to get in: near misses, ways, next questions")


@near_misses.get("/proposals/<uuid:proposal_id>/near-misses")
@near_misses.arguments(NearMissesQuery, location="query")
@near_misses.response(200, NearProgrammesView)
def list_proposal_near_misses(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """List the programmes that one's own proposal misses by least, with the ways in."""
    return near.near_misses_for_proposal(session(), current_actor(), proposal_id, query, strict=_strict())


@near_misses.get("/proposals/<uuid:proposal_id>/matches/<uuid:programme_id>/ways-in")
@near_misses.arguments(MatchQuery, location="query")
@near_misses.response(200, WaysInView)
def get_proposal_match_ways_in(query: dict[str, Any], proposal_id: UUID, programme_id: UUID) -> dict[str, Any]:
    """Read the cheapest changes after which one's own proposal is eligible for one programme."""
    return near.ways_into_programme(session(), current_actor(), proposal_id, programme_id, query, strict=_strict())


@near_misses.get("/proposals/<uuid:proposal_id>/next-questions")
@near_misses.arguments(NearMissesQuery, location="query")
@near_misses.response(200, NextQuestionsView)
def list_proposal_next_questions(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """List the facts whose answer, or whose sharing, would settle most programmes."""
    return near.what_to_answer_next(session(), current_actor(), proposal_id, query)


@near_misses.get("/programmes/<uuid:programme_id>/near-misses")
@near_misses.arguments(MatchQuery, location="query")
@near_misses.response(200, NearProposalsView)
def list_programme_near_misses(query: dict[str, Any], programme_id: UUID) -> dict[str, Any]:
    """List the proposals that miss one's programme by least, over the facts shared with it."""
    return service.near_misses_for_programme(session(), current_actor(), programme_id, query, strict=_strict())


def _strict() -> bool:
    return bool(current_app.config["STRICT_MATCHING"])
