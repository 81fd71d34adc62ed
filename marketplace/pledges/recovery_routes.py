"""Payment reversals and demands over HTTP. What moves or binds money asks for an Idempotency-Key."""

from typing import Any
from uuid import UUID

from marketplace.pledges import demands, reversals
from marketplace.pledges.recovery_models import Demand, PaymentReversal
from marketplace.pledges.recovery_schemas import DemandDraft, DemandView, PaymentReversalView, RecoveryDraft
from marketplace.pledges.schemas import ReasonDraft
from marketplace.store.base import session
from marketplace.web.conditional import located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

recovery = MarketBlueprint("recovery", __name__, description="Payments undone, and money demanded back")


@recovery.post("/tranches/<uuid:tranche_id>/payment-reversal")
@writes(key_required=True)
@recovery.arguments(ReasonDraft)
@recovery.response(201, PaymentReversalView)
def post_payment_reversal(body: dict[str, Any], tranche_id: UUID) -> PaymentReversal:
    """Ask that a payment which was recorded by mistake be undone."""
    made = reversals.ask_reversal(session(), current_actor(), tranche_id, body["reason"])
    located(f"/v1/tranches/{tranche_id}/payment-reversals")
    return made


@recovery.post("/tranches/<uuid:tranche_id>/payment-reversal/approval")
@writes(key_required=True)
@recovery.response(200, PaymentReversalView)
def post_payment_reversal_approval(tranche_id: UUID) -> PaymentReversal:
    """Undo the payment, as a second person."""
    return reversals.approve_reversal(session(), current_actor(), tranche_id)


@recovery.post("/tranches/<uuid:tranche_id>/payment-reversal/rejection")
@writes
@recovery.arguments(ReasonDraft)
@recovery.response(200, PaymentReversalView)
def post_payment_reversal_rejection(body: dict[str, Any], tranche_id: UUID) -> PaymentReversal:
    """Let the payment stand."""
    return reversals.reject_reversal(session(), current_actor(), tranche_id, body["reason"])


@recovery.get("/tranches/<uuid:tranche_id>/payment-reversals")
@recovery.arguments(PageQuery, location="query")
@recovery.response(200, page_of(PaymentReversalView))
def list_payment_reversals(query: dict[str, Any], tranche_id: UUID) -> dict[str, Any]:
    """List what was asked to be undone of a tranche, the newest first."""
    rows = reversals.reversals_of(session(), current_actor(), tranche_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@recovery.post("/pledges/<uuid:pledge_id>/clawback")
@writes(key_required=True)
@recovery.arguments(DemandDraft)
@recovery.response(201, DemandView)
def post_pledge_clawback(draft: dict[str, Any], pledge_id: UUID) -> Demand:
    """Demand money back from paid tranches; the unpaid rest is freed."""
    made = demands.claw_back(session(), current_actor(), pledge_id, draft)
    located(f"/v1/demands/{made.id}")
    return tagged(made)


@recovery.get("/pledges/<uuid:pledge_id>/demands")
@recovery.arguments(PageQuery, location="query")
@recovery.response(200, page_of(DemandView))
def list_pledge_demands(query: dict[str, Any], pledge_id: UUID) -> dict[str, Any]:
    """List what was demanded back of a pledge, the newest first."""
    rows = demands.demands_of(session(), current_actor(), pledge_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@recovery.get("/demands/<uuid:demand_id>")
@recovery.response(200, DemandView)
def get_demand(demand_id: UUID) -> Demand:
    """Read a demand."""
    return tagged(demands.demand_for(session(), current_actor(), demand_id))


@recovery.post("/demands/<uuid:demand_id>/return")
@writes(key_required=True)
@recovery.arguments(RecoveryDraft)
@recovery.response(200, DemandView)
def post_demand_return(body: dict[str, Any], demand_id: UUID) -> Demand:
    """Record money that came back against a demand."""
    return tagged(demands.record_recovery(session(), current_actor(), demand_id, body))


@recovery.post("/demands/<uuid:demand_id>/withdrawal")
@writes(key_required=True)
@recovery.arguments(ReasonDraft)
@recovery.response(200, DemandView)
def post_demand_withdrawal(body: dict[str, Any], demand_id: UUID) -> Demand:
    """Give up what is outstanding of a demand."""
    return tagged(demands.withdraw_demand(session(), current_actor(), demand_id, body["reason"]))
