"""Searches over HTTP: the lists of programmes (open to all) and of proposals, as JSON pages or as CSV."""

from typing import Any

from marketplace.search import service
from marketplace.search.columns import PROGRAMME_COLUMNS, PROPOSAL_COLUMNS
from marketplace.search.schemas import ProgrammePage, ProgrammeQuery, ProposalPage, ProposalQuery
from marketplace.store.base import session
from marketplace.values.words import DEFAULT_LANGUAGE
from marketplace.web.csv import answered_in_csv, listed
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.languages import wanted_languages
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import Page

search = MarketBlueprint("search", __name__, description="Finding programmes and proposals")


@search.get("/programmes")
@open_to_all
@search.arguments(ProgrammeQuery, location="query")
@search.response(200, ProgrammePage)
@answered_in_csv
def list_programmes(query: dict[str, Any]) -> Any:
    """Search published programmes, and with `organisation_id` one's own drafts."""

    def pages(asked: dict[str, Any], place: list[Any] | None) -> Page:
        return service.search_programmes(session(), current_actor(), asked, place, _language())

    return listed("programmes", PROGRAMME_COLUMNS, query, pages)


@search.get("/proposals")
@search.arguments(ProposalQuery, location="query")
@search.response(200, ProposalPage)
@answered_in_csv
def list_proposals(query: dict[str, Any]) -> Any:
    """Search the proposals that the caller may see, by what is shared with the caller."""

    def pages(asked: dict[str, Any], place: list[Any] | None) -> Page:
        return service.search_proposals(session(), current_actor(), asked, place, _language())

    return listed("proposals", PROPOSAL_COLUMNS, query, pages)


def _language() -> str:
    return next(iter(wanted_languages()), DEFAULT_LANGUAGE)
