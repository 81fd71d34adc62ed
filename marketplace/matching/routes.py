"""Matches over HTTP: which programmes a group could get, which proposals fit a programme, and why not the rest."""

from typing import Any
from uuid import UUID

from flask import current_app

from marketplace.matching import service
from marketplace.matching.columns import PROGRAMME_MATCH_COLUMNS, PROPOSAL_MATCH_COLUMNS
from marketplace.matching.schemas import (
    MatchQuery,
    MatchSummaryView,
    ProgrammeMatchView,
    ProposalMatchesQuery,
    ProposalMatchQuery,
    ProposalMatchView,
    ShortlistedMatchesQuery,
)
from marketplace.store.base import session
from marketplace.web.csv import answered_in_csv, listed
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import Page, page_of

matching = MarketBlueprint("matching", __name__, description="Who fits whom, and why")


@matching.get("/proposals/<uuid:proposal_id>/matches")
@matching.arguments(ProposalMatchesQuery, location="query")
@matching.response(200, page_of(ProposalMatchView))
@answered_in_csv
def list_proposal_matches(query: dict[str, Any], proposal_id: UUID) -> Any:
    """List programmes for one's own proposal, the best fit first, with what each funder sees."""

    def pages(asked: dict[str, Any], place: list[Any] | None) -> Page:
        return service.matches_for_proposal(session(), current_actor(), proposal_id, asked, place, strict=_strict())

    return listed("matches", PROGRAMME_MATCH_COLUMNS, query, pages)


@matching.get("/proposals/<uuid:proposal_id>/matches/<uuid:programme_id>")
@matching.arguments(ProposalMatchQuery, location="query")
@matching.response(200, ProposalMatchView)
def get_proposal_match(query: dict[str, Any], proposal_id: UUID, programme_id: UUID) -> dict[str, Any]:
    """Read how one programme fits one's own proposal."""
    return service.match_for_proposal(session(), current_actor(), proposal_id, programme_id, query, strict=_strict())


@matching.get("/proposals/<uuid:proposal_id>/match-summary")
@matching.arguments(MatchQuery, location="query")
@matching.response(200, MatchSummaryView)
def get_proposal_match_summary(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """Count the programmes for one's own proposal by result."""
    return service.summary_for_proposal(session(), current_actor(), proposal_id, query)


@matching.get("/programmes/<uuid:programme_id>/matches")
@matching.arguments(ShortlistedMatchesQuery, location="query")
@matching.response(200, page_of(ProgrammeMatchView))
@answered_in_csv
def list_programme_matches(query: dict[str, Any], programme_id: UUID) -> Any:
    """List the proposals that one's programme may see, the best fit first, over the facts shared with it."""

    def pages(asked: dict[str, Any], place: list[Any] | None) -> Page:
        return service.matches_for_programme(session(), current_actor(), programme_id, asked, place, strict=_strict())

    return listed("matches", PROPOSAL_MATCH_COLUMNS, query, pages)


@matching.get("/programmes/<uuid:programme_id>/matches/<uuid:proposal_id>")
@matching.arguments(MatchQuery, location="query")
@matching.response(200, ProgrammeMatchView)
def get_programme_match(query: dict[str, Any], programme_id: UUID, proposal_id: UUID) -> dict[str, Any]:
    """Read how one proposal fits one's programme, over the facts shared with it."""
    return service.match_for_programme(session(), current_actor(), programme_id, proposal_id, query, strict=_strict())


@matching.get("/programmes/<uuid:programme_id>/match-summary")
@matching.arguments(MatchQuery, location="query")
@matching.response(200, MatchSummaryView)
def get_programme_match_summary(query: dict[str, Any], programme_id: UUID) -> dict[str, Any]:
    """Count the proposals that one's programme may see by result; small numbers are not told."""
    return service.summary_for_programme(session(), current_actor(), programme_id, query)


def _strict() -> bool:
    return bool(current_app.config["STRICT_MATCHING"])
