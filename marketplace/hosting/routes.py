"""Fiscal hosting over HTTP."""

from typing import Any
from uuid import UUID

from marketplace.hosting import service
from marketplace.hosting.models import FiscalHosting
from marketplace.hosting.schemas import HostingAnswer, HostingDraft, HostingEnd, HostingQuery, HostingsView, HostingView
from marketplace.store.base import session
from marketplace.web.conditional import located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

hosting = MarketBlueprint("hosting", __name__, description="Fiscal hosts for groups without legal form")


@hosting.post("/proposals/<uuid:proposal_id>/fiscal-hostings")
@writes
@hosting.arguments(HostingDraft)
@hosting.response(201, HostingView)
def post_fiscal_hosting(draft: dict[str, Any], proposal_id: UUID) -> FiscalHosting:
    """Ask an organisation to hold the group's money."""
    made = service.propose_hosting(session(), current_actor(), proposal_id, draft)
    located(f"/v1/fiscal-hostings/{made.id}")
    return tagged(made)


@hosting.get("/proposals/<uuid:proposal_id>/fiscal-hostings")
@hosting.response(200, HostingsView)
def list_proposal_fiscal_hostings(proposal_id: UUID) -> dict[str, Any]:
    """List a proposal's fiscal hostings."""
    return {"data": service.hostings_of_proposal(session(), current_actor(), proposal_id)}


@hosting.get("/fiscal-hostings")
@hosting.arguments(HostingQuery, location="query")
@hosting.response(200, page_of(HostingView))
def list_fiscal_hostings(query: dict[str, Any]) -> dict[str, Any]:
    """List the fiscal hostings of a host."""
    host, limit = query["organisation_id"], query["limit"]
    rows = service.hostings_for_host(session(), current_actor(), host, after_id(query), limit)
    return paged(cut(rows, limit, by_id))


@hosting.get("/fiscal-hostings/<uuid:hosting_id>")
@hosting.response(200, HostingView)
def get_fiscal_hosting(hosting_id: UUID) -> FiscalHosting:
    """Read a fiscal hosting."""
    return tagged(service.hosting_of(session(), current_actor(), hosting_id))


@hosting.post("/fiscal-hostings/<uuid:hosting_id>/answer")
@writes
@hosting.arguments(HostingAnswer)
@hosting.response(200, HostingView)
def post_fiscal_hosting_answer(answer: dict[str, Any], hosting_id: UUID) -> FiscalHosting:
    """Agree or decline to hold the group's money."""
    return tagged(service.answer_hosting(session(), current_actor(), hosting_id, answer))


@hosting.post("/fiscal-hostings/<uuid:hosting_id>/end")
@writes
@hosting.arguments(HostingEnd)
@hosting.response(200, HostingView)
def post_fiscal_hosting_end(end: dict[str, Any], hosting_id: UUID) -> FiscalHosting:
    """End a fiscal hosting."""
    return tagged(service.end_hosting(session(), current_actor(), hosting_id, end["reason"]))
