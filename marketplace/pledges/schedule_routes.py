"""Schedules over HTTP: either side proposes, the other answers. What binds money asks for an Idempotency-Key."""

from typing import Any
from uuid import UUID

from marketplace.pledges import schedules as service
from marketplace.pledges.schedule_models import Schedule
from marketplace.pledges.schedule_schemas import ScheduleDraft, ScheduleView
from marketplace.pledges.schemas import ReasonDraft
from marketplace.store.base import session
from marketplace.web.conditional import located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

schedules = MarketBlueprint("schedules", __name__, description="How a pledge is paid, agreed by both sides")


@schedules.post("/pledges/<uuid:pledge_id>/schedules")
@writes(key_required=True)
@schedules.arguments(ScheduleDraft)
@schedules.response(201, ScheduleView)
def post_pledge_schedule(draft: dict[str, Any], pledge_id: UUID) -> Schedule:
    """Propose how the unpaid rest of a pledge is to be paid."""
    made = service.propose(session(), current_actor(), pledge_id, draft)
    located(f"/v1/schedules/{made.id}")
    return tagged(made)


@schedules.get("/pledges/<uuid:pledge_id>/schedules")
@schedules.arguments(PageQuery, location="query")
@schedules.response(200, page_of(ScheduleView))
def list_pledge_schedules(query: dict[str, Any], pledge_id: UUID) -> dict[str, Any]:
    """List a pledge's schedules, the newest first: its versions, and what was proposed besides."""
    rows = service.schedules_of(session(), current_actor(), pledge_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@schedules.get("/schedules/<uuid:schedule_id>")
@schedules.response(200, ScheduleView)
def get_schedule(schedule_id: UUID) -> Schedule:
    """Read a schedule."""
    return tagged(service.schedule_for(session(), current_actor(), schedule_id))


@schedules.post("/schedules/<uuid:schedule_id>/acceptance")
@writes(key_required=True)
@schedules.response(200, ScheduleView)
def post_schedule_acceptance(schedule_id: UUID) -> Schedule:
    """Accept the other side's schedule as the next version."""
    return tagged(service.accept(session(), current_actor(), schedule_id))


@schedules.post("/schedules/<uuid:schedule_id>/rejection")
@writes
@schedules.arguments(ReasonDraft)
@schedules.response(200, ScheduleView)
def post_schedule_rejection(body: dict[str, Any], schedule_id: UUID) -> Schedule:
    """Reject the other side's schedule."""
    return tagged(service.reject(session(), current_actor(), schedule_id, body["reason"]))


@schedules.post("/schedules/<uuid:schedule_id>/withdrawal")
@writes
@schedules.arguments(ReasonDraft)
@schedules.response(200, ScheduleView)
def post_schedule_withdrawal(body: dict[str, Any], schedule_id: UUID) -> Schedule:
    """Withdraw a schedule of your own side."""
    return tagged(service.withdraw(session(), current_actor(), schedule_id, body["reason"]))
