"""The audit trail over HTTP: an organisation's own, and the published root over all."""

from typing import Any
from uuid import UUID

from marketplace.feeds import audit, heads
from marketplace.feeds.audit_schemas import AuditEntryView, AuditHeadView, AuditQuery, PublishedView
from marketplace.feeds.models import PublishedHeads
from marketplace.store.base import session
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import cut, page_of, paged, position

audit_trail = MarketBlueprint("audit", __name__, description="Who did what, sealed entry by entry")


@audit_trail.get("/organisations/<uuid:organisation_id>/audit")
@audit_trail.arguments(AuditQuery, location="query")
@audit_trail.response(200, page_of(AuditEntryView))
def list_audit_entries(query: dict[str, Any], organisation_id: UUID) -> dict[str, Any]:
    """List an organisation's audit entries, the oldest first."""
    place, limit = position(query), query["limit"]
    after = None if place is None else int(place[0])
    found = audit.entries_of(session(), current_actor(), organisation_id, query, after, limit)
    page = cut(found, limit, lambda entry: [entry.seq])
    return {**paged(page), "data": audit.entry_cards(session(), page.items)}


@audit_trail.get("/organisations/<uuid:organisation_id>/audit/head")
@audit_trail.response(200, AuditHeadView)
def get_audit_head(organisation_id: UUID) -> dict[str, Any]:
    """Read where an organisation's audit chain stands, with the proof that its head was published."""
    return heads.head_of(session(), current_actor(), organisation_id)


@audit_trail.get("/audit/head")
@open_to_all
@audit_trail.response(200, PublishedView)
def get_published_audit_head() -> PublishedHeads:
    """Read the root over all audit chains that was published last."""
    return heads.latest_heads(session())
