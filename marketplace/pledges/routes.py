"""Pledges over HTTP. Steps that move money ask for an Idempotency-Key."""

from typing import Any
from uuid import UUID

from marketplace.eligibility.decisions import Replay
from marketplace.ledger.queries import Statement
from marketplace.pledges import decisions, offers, queries, schemas, statements
from marketplace.pledges.ledger_schemas import StatementQuery
from marketplace.pledges.models import Pledge
from marketplace.store.base import session
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import Page, after_id, by_id, cut, page_of, paged, position
from marketplace.web.writes import writes

pledges = MarketBlueprint("pledges", __name__, description="Promises of programmes to asks")


@pledges.post("/pledges")
@writes
@pledges.arguments(schemas.PledgeDraft)
@pledges.response(201, schemas.PledgeView)
def post_pledge(draft: dict[str, Any]) -> Pledge:
    """Draft a pledge of a programme to a proposal."""
    made = offers.draft_pledge(session(), current_actor(), draft)
    located(f"/v1/pledges/{made.id}")
    return tagged(made)


@pledges.get("/pledges")
@pledges.arguments(schemas.PledgeQuery, location="query")
@pledges.response(200, page_of(schemas.PledgeView))
def list_pledges(query: dict[str, Any]) -> dict[str, Any]:
    """List the pledges that you made, and those made to your group."""
    rows = queries.pledges_for(session(), current_actor(), query, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@pledges.get("/pledges/<uuid:pledge_id>")
@pledges.response(200, schemas.PledgeView)
def get_pledge(pledge_id: UUID) -> Pledge:
    """Read a pledge."""
    return tagged(queries.pledge_for(session(), current_actor(), pledge_id))


@pledges.patch("/pledges/<uuid:pledge_id>")
@writes
@pledges.arguments(schemas.PledgeChange)
@pledges.response(200, schemas.PledgeView)
def patch_pledge(change: dict[str, Any], pledge_id: UUID) -> Pledge:
    """Change a pledge that has not been offered."""
    return tagged(offers.change_pledge(session(), current_actor(), pledge_id, change, if_match))


@pledges.post("/pledges/<uuid:pledge_id>/indication")
@writes
@pledges.response(200, schemas.PledgeView)
def post_pledge_indication(pledge_id: UUID) -> Pledge:
    """Show the group soft interest."""
    return tagged(offers.indicate(session(), current_actor(), pledge_id))


@pledges.post("/pledges/<uuid:pledge_id>/offer")
@writes(key_required=True)
@pledges.arguments(schemas.OfferDraft)
@pledges.response(200, schemas.PledgeView)
def post_pledge_offer(terms: dict[str, Any], pledge_id: UUID) -> Pledge:
    """Issue the offer; a refusal carries every reason."""
    return tagged(offers.offer(session(), current_actor(), pledge_id, terms))


@pledges.post("/pledges/<uuid:pledge_id>/acceptance")
@writes(key_required=True)
@pledges.response(200, schemas.PledgeView)
def post_pledge_acceptance(pledge_id: UUID) -> Pledge:
    """Accept an offer: its amount becomes committed."""
    return tagged(offers.accept(session(), current_actor(), pledge_id))


@pledges.post("/pledges/<uuid:pledge_id>/decline")
@writes
@pledges.arguments(schemas.DeclineDraft)
@pledges.response(200, schemas.PledgeView)
def post_pledge_decline(decline: dict[str, Any], pledge_id: UUID) -> Pledge:
    """Decline a pledge for the group."""
    return tagged(offers.decline(session(), current_actor(), pledge_id, decline.get("reason")))


@pledges.post("/pledges/<uuid:pledge_id>/withdrawal")
@writes(key_required=True)
@pledges.arguments(schemas.ReasonDraft)
@pledges.response(200, schemas.PledgeView)
def post_pledge_withdrawal(ending: dict[str, Any], pledge_id: UUID) -> Pledge:
    """Withdraw a pledge before its agreement is signed."""
    return tagged(offers.withdraw(session(), current_actor(), pledge_id, ending["reason"]))


@pledges.post("/pledges/<uuid:pledge_id>/agreement")
@writes(key_required=True)
@pledges.arguments(schemas.AgreementDraft)
@pledges.response(200, schemas.PledgeView)
def post_pledge_agreement(agreement: dict[str, Any], pledge_id: UUID) -> Pledge:
    """Record the signed agreement."""
    return tagged(offers.sign_agreement(session(), current_actor(), pledge_id, agreement))


@pledges.post("/pledges/<uuid:pledge_id>/termination")
@writes(key_required=True)
@pledges.arguments(schemas.ReasonDraft)
@pledges.response(200, schemas.PledgeView)
def post_pledge_termination(ending: dict[str, Any], pledge_id: UUID) -> Pledge:
    """End a signed pledge; the unpaid rest is freed."""
    return tagged(offers.terminate(session(), current_actor(), pledge_id, ending["reason"]))


@pledges.get("/pledges/<uuid:pledge_id>/decision")
@pledges.response(200, schemas.DecisionView)
def get_pledge_decision(pledge_id: UUID) -> dict[str, Any]:
    """Read what an offer was decided on, and with which result."""
    return decisions.decision_card(decisions.decision_for(session(), current_actor(), pledge_id))


@pledges.get("/pledges/<uuid:pledge_id>/decision/replay")
@pledges.response(200, schemas.ReplayView)
def get_pledge_decision_replay(pledge_id: UUID) -> Replay:
    """Decide an offer again from what was kept, and compare."""
    return decisions.replayed(session(), decisions.decision_for(session(), current_actor(), pledge_id))


@pledges.get("/pledges/<uuid:pledge_id>/statement")
@pledges.arguments(StatementQuery, location="query")
@pledges.response(200, schemas.StatementView)
def get_pledge_statement(query: dict[str, Any], pledge_id: UUID) -> dict[str, Any]:
    """Read what was booked on a pledge's accounts."""
    found = statements.pledge_statement(
        session(), current_actor(), pledge_id, position(query), query["limit"], query.get("as_of")
    )
    return _statement(found)


@pledges.get("/programmes/<uuid:programme_id>/statement")
@pledges.arguments(StatementQuery, location="query")
@pledges.response(200, schemas.StatementView)
def get_programme_statement(query: dict[str, Any], programme_id: UUID) -> dict[str, Any]:
    """Read what was booked on a programme's accounts."""
    found = statements.programme_statement(
        session(), current_actor(), programme_id, position(query), query["limit"], query.get("as_of")
    )
    return _statement(found)


@pledges.get("/proposals/<uuid:proposal_id>/statement")
@pledges.arguments(StatementQuery, location="query")
@pledges.response(200, schemas.StatementView)
def get_proposal_statement(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """Read what was booked on the pledges made to a proposal."""
    found = statements.proposal_statement(
        session(), current_actor(), proposal_id, position(query), query["limit"], query.get("as_of")
    )
    return _statement(found)


@pledges.get("/organisations/<uuid:organisation_id>/held-funds")
@pledges.response(200, schemas.HeldFundsView)
def list_held_funds(organisation_id: UUID) -> dict[str, Any]:
    """List what an organisation holds as fiscal host, and for whom."""
    return {"data": statements.held_funds(session(), current_actor(), organisation_id)}


def _statement(found: Statement) -> dict[str, Any]:
    return {**paged(Page(found.lines, found.after)), "totals": found.totals}
