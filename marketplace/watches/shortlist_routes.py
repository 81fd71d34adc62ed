"""A funder's shortlist over HTTP: for the members of the programme's organisation alone."""

from typing import Any
from uuid import UUID

from marketplace.store.base import session
from marketplace.watches import shortlists as service
from marketplace.watches.models import ShortlistEntry
from marketplace.watches.schemas import ShortlistDraft, ShortlistQuery, ShortlistView
from marketplace.web.conditional import if_match, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import page_of, paged, position
from marketplace.web.writes import writes

shortlists = MarketBlueprint("shortlists", __name__, description="What a funder thinks of proposals; private to it")


@shortlists.get("/programmes/<uuid:programme_id>/shortlist")
@shortlists.arguments(ShortlistQuery, location="query")
@shortlists.response(200, page_of(ShortlistView))
def list_shortlist(query: dict[str, Any], programme_id: UUID) -> dict[str, Any]:
    """List the proposals that one's programme keeps in sight or has passed on."""
    return paged(service.list_entries(session(), current_actor(), programme_id, query, position(query)))


@shortlists.get("/programmes/<uuid:programme_id>/shortlist/<uuid:proposal_id>")
@shortlists.response(200, ShortlistView)
def get_shortlist_entry(programme_id: UUID, proposal_id: UUID) -> dict[str, Any]:
    """Read what one's organisation thinks of a proposal; `none` if nothing yet."""
    return _shown(*service.entry(session(), current_actor(), programme_id, proposal_id))


@shortlists.put("/programmes/<uuid:programme_id>/shortlist/<uuid:proposal_id>")
@writes
@shortlists.arguments(ShortlistDraft)
@shortlists.response(200, ShortlistView)
def put_shortlist_entry(draft: dict[str, Any], programme_id: UUID, proposal_id: UUID) -> dict[str, Any]:
    """Shortlist a proposal, or pass on it with a reason; the group never learns of it."""
    return _shown(*service.keep_entry(session(), current_actor(), programme_id, proposal_id, draft, if_match))


@shortlists.delete("/programmes/<uuid:programme_id>/shortlist/<uuid:proposal_id>")
@writes
@shortlists.response(204)
def delete_shortlist_entry(programme_id: UUID, proposal_id: UUID) -> None:
    """Take a proposal off the shortlist, with the notes on it."""
    service.drop_entry(session(), current_actor(), programme_id, proposal_id, if_match)


def _shown(entry: dict[str, Any], row: ShortlistEntry | None) -> dict[str, Any]:
    tagged(service.stamp(entry, row))
    return entry
