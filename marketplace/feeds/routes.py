"""The event feed over HTTP: poll it with the cursor of the page before; it never skips a change."""

from typing import Any

from marshmallow import Schema, fields, validate

from marketplace.feeds import service
from marketplace.store.base import session
from marketplace.web.fields import Id, View
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import LARGEST_LIMIT, QueryCount, place_after, resume_cursor

feeds = MarketBlueprint("events", __name__, url_prefix="/events", description="What changed, in commit order")


class EventQuery(Schema):
    """From where, how much, and of what."""

    after = fields.String(
        validate=validate.Length(max=1000),
        metadata={"description": "`next_cursor` of the page before; absent: the start."},
    )
    limit = QueryCount(load_default=50, validate=validate.Range(min=1, max=LARGEST_LIMIT))
    types = fields.String(
        validate=validate.Length(max=500),
        metadata={"description": "Event types separated by commas, such as `pledge.accepted,tranche.paid`."},
    )
    subject_id = Id(metadata={"description": "Only events about this thing."})


class EventView(View):
    """A thin event: fetch `subject` to see what you may see of it."""

    id = fields.UUID(required=True)
    type = fields.String(required=True)
    at = fields.DateTime(attribute="created_at", required=True)
    subject = fields.String(attribute="subject_path", required=True)
    subject_kind = fields.String(required=True)
    subject_id = fields.UUID(required=True)


class EventPage(View):
    """Events, oldest first. `next_cursor` is always there: keep it, and ask again later from it."""

    data = fields.List(fields.Nested(EventView), required=True)
    next_cursor = fields.String(required=True)
    has_more = fields.Boolean(required=True)


@feeds.get("")
@feeds.arguments(EventQuery, location="query")
@feeds.response(200, EventPage)
def list_events(query: dict[str, Any]) -> dict[str, Any]:
    """List what changed after a cursor."""
    types = [each.strip() for each in query.get("types", "").split(",") if each.strip()]
    place = place_after(query.get("after"))
    limit: int = query["limit"]
    found = service.events_after(session(), current_actor(), place, types, limit, query.get("subject_id"))
    events = found[:limit]
    last = [int(events[-1].xid), events[-1].seq] if events else list(place)
    return {"data": events, "next_cursor": resume_cursor(last), "has_more": len(found) > limit}
