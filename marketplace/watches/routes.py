"""Watches over HTTP: what an organisation wants to hear of, what it finds now, and what has changed."""

from typing import Any
from uuid import UUID

from marketplace.store.base import session
from marketplace.watches import service
from marketplace.watches.models import Watch
from marketplace.watches.schemas import (
    LettersDraft,
    VisitDraft,
    WatchChangeDraft,
    WatchChangeQuery,
    WatchChangeView,
    WatchDraft,
    WatchMatchQuery,
    WatchMatchView,
    WatchQuery,
    WatchView,
)
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import page_of, paged, position
from marketplace.web.writes import writes

watches = MarketBlueprint("watches", __name__, description="Hearing of what fits, when it begins to and when it ceases")


@watches.get("/organisations/<uuid:organisation_id>/watches")
@watches.arguments(WatchQuery, location="query")
@watches.response(200, page_of(WatchView))
def list_watches(query: dict[str, Any], organisation_id: UUID) -> dict[str, Any]:
    """List one's organisation's watches, the newest first."""
    return paged(service.list_watches(session(), current_actor(), organisation_id, query, position(query)))


@watches.post("/organisations/<uuid:organisation_id>/watches")
@writes
@watches.arguments(WatchDraft)
@watches.response(201, WatchView)
def post_watch(draft: dict[str, Any], organisation_id: UUID) -> dict[str, Any]:
    """Watch programmes for one's proposal, proposals for one's programme, or a search; its maker gets the letters."""
    made = service.make_watch(session(), current_actor(), organisation_id, draft)
    located(f"/v1/watches/{made.id}")
    return _shown(made)


@watches.get("/watches/<uuid:watch_id>")
@watches.response(200, WatchView)
def get_watch(watch_id: UUID) -> dict[str, Any]:
    """Read a watch of one's organisation."""
    return _shown(service.watch_seen(session(), current_actor(), watch_id))


@watches.patch("/watches/<uuid:watch_id>")
@writes
@watches.arguments(WatchChangeDraft)
@watches.response(200, WatchView)
def patch_watch(change: dict[str, Any], watch_id: UUID) -> dict[str, Any]:
    """Change, pause or resume a watch; another query begins the watching anew."""
    return _shown(service.change_watch(session(), current_actor(), watch_id, change, if_match))


@watches.delete("/watches/<uuid:watch_id>")
@writes
@watches.response(204)
def delete_watch(watch_id: UUID) -> None:
    """Delete a watch, with all that it recorded."""
    service.delete_watch(session(), current_actor(), watch_id, if_match)


@watches.post("/watches/<uuid:watch_id>/letters")
@writes
@watches.arguments(LettersDraft)
@watches.response(200, WatchView)
def post_watch_letters(draft: dict[str, Any], watch_id: UUID) -> dict[str, Any]:
    """Ask for a watch's letters for oneself, or stop them."""
    return _shown(service.want_letters(session(), current_actor(), watch_id, wanted=draft["wanted"]))


@watches.get("/watches/<uuid:watch_id>/matches")
@watches.arguments(WatchMatchQuery, location="query")
@watches.response(200, page_of(WatchMatchView))
def list_watch_matches(query: dict[str, Any], watch_id: UUID) -> dict[str, Any]:
    """List what a watch finds, what came last first, marked where it is new since one's last visit."""
    return paged(service.matches(session(), current_actor(), watch_id, query, position(query)))


@watches.get("/watches/<uuid:watch_id>/changes")
@watches.arguments(WatchChangeQuery, location="query")
@watches.response(200, page_of(WatchChangeView))
def list_watch_changes(query: dict[str, Any], watch_id: UUID) -> dict[str, Any]:
    """List what has changed for a watch and why, the latest first."""
    return paged(service.changes(session(), current_actor(), watch_id, query, position(query)))


@watches.post("/watches/<uuid:watch_id>/visits")
@writes
@watches.arguments(VisitDraft)
@watches.response(200, WatchView)
def post_watch_visit(draft: dict[str, Any], watch_id: UUID) -> dict[str, Any]:
    """Mark what a watch has found as seen by oneself."""
    return _shown(service.visit(session(), current_actor(), watch_id, draft.get("latest_change")))


def _shown(watch: Watch) -> dict[str, Any]:
    tagged(watch)
    return service.card(session(), current_actor(), watch)
