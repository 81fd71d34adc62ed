"""Tranches over HTTP. Steps that move money ask for an Idempotency-Key."""

from typing import Any
from uuid import UUID

from marketplace.pledges import queries, schemas
from marketplace.pledges import tranches as service
from marketplace.pledges.models import Tranche
from marketplace.store.base import session
from marketplace.web.conditional import tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.writes import writes

tranches = MarketBlueprint("tranches", __name__, description="Money in stages, against evidence")


@tranches.get("/pledges/<uuid:pledge_id>/tranches")
@tranches.response(200, schemas.TranchesView)
def list_tranches(pledge_id: UUID) -> dict[str, Any]:
    """List a pledge's tranches."""
    pledge = queries.pledge_for(session(), current_actor(), pledge_id)
    return {"data": [_shown(tranche) for part in pledge.parts for tranche in part.tranches]}


@tranches.get("/tranches/<uuid:tranche_id>")
@tranches.response(200, schemas.TrancheView)
def get_tranche(tranche_id: UUID) -> Any:
    """Read a tranche."""
    return _shown(tagged(queries.tranche_for(session(), current_actor(), tranche_id)))


@tranches.post("/tranches/<uuid:tranche_id>/claim")
@writes(key_required=True)
@tranches.arguments(schemas.ClaimDraft)
@tranches.response(200, schemas.TrancheView)
def post_tranche_claim(claim: dict[str, Any], tranche_id: UUID) -> Any:
    """Claim a tranche for the group."""
    return _shown(tagged(service.claim(session(), current_actor(), tranche_id, claim)))


@tranches.post("/tranches/<uuid:tranche_id>/approval")
@writes(key_required=True)
@tranches.response(200, schemas.TrancheView)
def post_tranche_approval(tranche_id: UUID) -> Any:
    """Approve a claim, as a second person."""
    return _shown(tagged(service.approve(session(), current_actor(), tranche_id)))


@tranches.post("/tranches/<uuid:tranche_id>/rejection")
@writes
@tranches.arguments(schemas.ReasonDraft)
@tranches.response(200, schemas.TrancheView)
def post_tranche_rejection(body: dict[str, Any], tranche_id: UUID) -> Any:
    """Send a claim back to the group."""
    return _shown(tagged(service.send_back(session(), current_actor(), tranche_id, body["reason"])))


@tranches.post("/tranches/<uuid:tranche_id>/payment")
@writes(key_required=True)
@tranches.arguments(schemas.PaymentDraft)
@tranches.response(200, schemas.TrancheView)
def post_tranche_payment(payment: dict[str, Any], tranche_id: UUID) -> Any:
    """Record the payment of an approved tranche."""
    return _shown(tagged(service.pay(session(), current_actor(), tranche_id, payment)))


@tranches.post("/tranches/<uuid:tranche_id>/delivery")
@writes(key_required=True)
@tranches.arguments(schemas.DeliveryDraft)
@tranches.response(200, schemas.TrancheView)
def post_tranche_delivery(delivery: dict[str, Any], tranche_id: UUID) -> Any:
    """Record support that was delivered in kind."""
    return _shown(tagged(service.deliver(session(), current_actor(), tranche_id, delivery)))


@tranches.post("/tranches/<uuid:tranche_id>/hold")
@writes
@tranches.arguments(schemas.ReasonDraft)
@tranches.response(200, schemas.TrancheView)
def post_tranche_hold(body: dict[str, Any], tranche_id: UUID) -> Any:
    """Pause an unpaid tranche."""
    return _shown(tagged(service.hold(session(), current_actor(), tranche_id, body["reason"])))


@tranches.post("/tranches/<uuid:tranche_id>/release")
@writes
@tranches.response(200, schemas.TrancheView)
def post_tranche_release(tranche_id: UUID) -> Any:
    """Let a held tranche go on."""
    return _shown(tagged(service.release(session(), current_actor(), tranche_id)))


@tranches.post("/tranches/<uuid:tranche_id>/cancellation")
@writes(key_required=True)
@tranches.arguments(schemas.ReasonDraft)
@tranches.response(200, schemas.TrancheView)
def post_tranche_cancellation(body: dict[str, Any], tranche_id: UUID) -> Any:
    """Cancel an unpaid tranche and free its money."""
    return _shown(tagged(service.cancel(session(), current_actor(), tranche_id, body["reason"])))


@tranches.post("/tranches/<uuid:tranche_id>/return")
@writes(key_required=True)
@tranches.arguments(schemas.ReturnDraft)
@tranches.response(200, schemas.TrancheView)
def post_tranche_return(body: dict[str, Any], tranche_id: UUID) -> Any:
    """Record money that came back from a paid tranche."""
    return _shown(tagged(service.return_money(session(), current_actor(), tranche_id, body)))


def _shown(tranche: Tranche) -> dict[str, Any]:
    """The tranche with its state by the clock and the evidence."""
    shown = {name: getattr(tranche, name) for name in schemas.TrancheView._declared_fields if hasattr(tranche, name)}
    return shown | {
        "state": service.state_now(session(), tranche),
        "part": tranche.part,
        "money": tranche.money,
        "claim_note": tranche.claim_note,
    }
