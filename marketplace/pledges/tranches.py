"""Claiming, approving, paying, delivering, holding, cancelling and returning tranches.

Every condition of a payment is read inside the paying transaction, under the locks of aggregate.py.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.hosting.models import FiscalHosting
from marketplace.hosting.service import agreed_hosting, host_may_hold
from marketplace.identity.authentication import memberships_of
from marketplace.pipeline import service as pipeline
from marketplace.pledges import authority, booking, commitments, conditions, hooks, lifecycle, queries, rules
from marketplace.pledges.aggregate import hold_pledge, settle
from marketplace.pledges.models import Pledge, Tranche
from marketplace.proposals.models import Ask
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import Forbidden, NotFound


def claim(session: Session, actor: Actor, tranche_id: UUID, claim_: dict[str, Any]) -> Tranche:
    """Claim a tranche for the group. NotClaimable while its milestone, day or agreement is missing."""
    tranche = _locked(session, actor, tranche_id, Action.CLAIM_TRANCHE, for_group=True)
    state = state_now(session, tranche)
    if state == "scheduled":
        raise rules.NotClaimable("It waits for its agreement, its day or its verified milestone.", basis=tranche.basis)
    tranche.state = lifecycle.tranche_step(state, "claim")
    tranche.claimed_by, tranche.claimed_at = actor.user_id, now()
    tranche.claim_note = claim_.get("note")
    return _changed(session, actor, tranche, "tranche.claimed")


def approve(session: Session, actor: Actor, tranche_id: UUID) -> Tranche:
    """Approve a claim: a second person of the funder's, neither the claimant nor the verifier."""
    tranche = _locked(session, actor, tranche_id, Action.APPROVE_TRANCHE)
    following = lifecycle.tranche_step(tranche.state, "approve")
    of_the_group = actor.membership_in(tranche.part.pledge.group_organisation_id) is not None
    verified_by = verifier_of(session, tranche)
    reasons = rules.approval_reasons(tranche.claimed_by, verified_by, actor.person, of_the_group=of_the_group)
    if reasons:
        raise rules.NotApprovable("A second person has to approve.", reasons=[reason.as_json() for reason in reasons])
    authority.may_approve_claim(session, actor, tranche)
    tranche.state = following
    tranche.approved_by, tranche.approved_at = actor.user_id, now()
    return _changed(session, actor, tranche, "tranche.approved")


def send_back(session: Session, actor: Actor, tranche_id: UUID, reason: dict[str, str]) -> Tranche:
    """Send a claim back to the group, saying what is missing."""
    tranche = _locked(session, actor, tranche_id, Action.APPROVE_TRANCHE)
    tranche.state = lifecycle.tranche_step(tranche.state, "send_back")
    tranche.claimed_by = tranche.claimed_at = None
    tranche.reason = reason
    return _changed(session, actor, tranche, "tranche.sent_back")


def pay(session: Session, actor: Actor, tranche_id: UUID, payment: dict[str, Any]) -> Tranche:
    """Record a payment that was made outside. NotPayable names every condition that is missing."""
    tranche = _locked(session, actor, tranche_id, Action.PAY_TRANCHE)
    rules.refuse_future(payment["paid_on"], today(), "#/paid_on")
    if tranche.part.in_kind:
        raise rules.WrongKind("Support in kind is delivered: record a delivery.")
    hosting = agreed_hosting(session, tranche.part.pledge.proposal_id)
    facts = payment_facts(session, tranche, hosting)
    _settle(session, actor, tranche, facts, payment["paid_on"])
    tranche.payment_reference = payment["reference"]
    tranche.part.paid += tranche.amount
    needs_host = hosting is not None and facts.incorporated is not True
    tranche.fiscal_hosting_id = hosting.id if needs_host and hosting else None
    tranche.payee_organisation_id = (
        hosting.host_organisation_id if needs_host and hosting else tranche.part.pledge.group_organisation_id
    )
    authority.may_pay(session, actor, tranche)
    session.flush()
    booking.book_payment(session, actor, tranche)
    for paid in hooks.ON_PAID:
        paid(session, actor, tranche)
    return _paid(session, actor, tranche, "tranche.paid")


def deliver(session: Session, actor: Actor, tranche_id: UUID, delivery: dict[str, Any]) -> Tranche:
    """Record support that was given in kind: it fills the ask and uses the budget, and is never cash."""
    tranche = _locked(session, actor, tranche_id, Action.PAY_TRANCHE)
    rules.refuse_future(delivery["delivered_on"], today(), "#/delivered_on")
    if not tranche.part.in_kind:
        raise rules.WrongKind("Money is paid: record a payment.")
    _settle(session, actor, tranche, payment_facts(session, tranche, None), delivery["delivered_on"])
    tranche.claim_note = delivery.get("description", tranche.claim_note)
    tranche.part.delivered += tranche.amount
    tranche.payee_organisation_id = tranche.part.pledge.group_organisation_id
    authority.may_pay(session, actor, tranche)
    session.flush()
    booking.book_delivery(session, actor, tranche)
    return _paid(session, actor, tranche, "tranche.delivered")


def hold(session: Session, actor: Actor, tranche_id: UUID, reason: dict[str, str]) -> Tranche:
    """Pause an unpaid tranche, with the reason."""
    tranche = _locked(session, actor, tranche_id, Action.MANAGE_TRANCHE)
    held_from = tranche.state
    tranche.state = lifecycle.tranche_step(tranche.state, "hold")
    tranche.held_from, tranche.reason = held_from, reason
    return _changed(session, actor, tranche, "tranche.held")


def release(session: Session, actor: Actor, tranche_id: UUID) -> Tranche:
    """Let a held tranche go on from where it was held."""
    tranche = _locked(session, actor, tranche_id, Action.MANAGE_TRANCHE)
    if tranche.state != "held" or tranche.held_from is None:
        raise lifecycle.NoSuchStep(f"A tranche that is {tranche.state} is not held.", state=tranche.state)
    tranche.state, tranche.held_from, tranche.reason = tranche.held_from, None, None
    return _changed(session, actor, tranche, "tranche.released")


def cancel(session: Session, actor: Actor, tranche_id: UUID, reason: dict[str, str]) -> Tranche:
    """Cancel an unpaid tranche of a committed pledge: frees exactly its amount, in the budget and in the ask."""
    tranche = _locked(session, actor, tranche_id, Action.MANAGE_TRANCHE)
    pledge = tranche.part.pledge
    commitments.settle_due(session, pledge.ask_id)
    if pledge.state not in lifecycle.COMMITTED:
        raise lifecycle.NoSuchStep(f"The pledge is {pledge.state}: nothing is committed.", state=pledge.state)
    lifecycle.tranche_step(tranche.state, "cancel")
    turned = commitments.free_tranche(session, actor, tranche)
    tranche.reason = reason
    session.flush()
    record_tranche(session, actor, tranche, "tranche.cancelled")
    commitments.note_thresholds(session, actor, turned)
    settle(session, actor, pledge)
    return tranche


def return_money(session: Session, actor: Actor, tranche_id: UUID, returned: dict[str, Any]) -> Tranche:
    """Record money that came back from a paid tranche, once per reference."""
    tranche = _locked(session, actor, tranche_id, Action.RECORD_RETURN)
    amount = returned["amount"].amount
    left = tranche.outstanding - tranche.demanded
    if returned["amount"].currency != tranche.part.pledge.currency or amount > left:
        raise rules.ReturnTooLarge(
            "Give at most what was paid and not returned yet, in the pledge's currency.",
            pointer="#/amount",
            returnable={"amount": left, "currency": tranche.part.pledge.currency},
            demanded={"amount": tranche.demanded, "currency": tranche.part.pledge.currency},
        )
    authority.may_record_return(session, actor, tranche, amount, returned["reference"])
    take_back(session, actor, tranche, amount, returned["reference"])
    return tranche


def take_back(session: Session, actor: Actor, tranche: Tranche, amount: int, reference: str) -> None:
    """Book money that came back, in the tranche, its part and the ledger; the caller has checked that it may."""
    tranche.returned += amount
    tranche.part.returned += amount
    tranche.part.pledge.version += 1
    tranche.version += 1
    session.flush()
    booking.book_return(session, actor, tranche, amount, reference)
    for lowered in hooks.ON_RETURNED:
        lowered(session, actor, tranche, amount)
    record_tranche(session, actor, tranche, "tranche.returned")


def state_now(session: Session, tranche: Tranche) -> str:
    """The tranche's state by the clock and the evidence."""
    pledge = tranche.part.pledge
    return lifecycle.tranche_state_at(
        tranche.state,
        tranche.basis,
        pledge_state=pledge.state,
        milestone_verified=queries.verification_for(session, pledge, tranche.milestone, tranche.claimed_at) is not None,
        due_on=tranche.due_on,
        today=today(),
    )


def verifier_of(session: Session, tranche: Tranche) -> UUID | None:
    """Who verified the tranche's milestone, as it stood when it was claimed; None for a tranche without one."""
    verification = queries.verification_for(session, tranche.part.pledge, tranche.milestone, tranche.claimed_at)
    return None if verification is None else verification.verifier_user_id


def payment_facts(session: Session, tranche: Tranche, hosting: FiscalHosting | None) -> rules.PaymentFacts:
    """Everything the payment depends on, as it is now in this transaction."""
    pledge = tranche.part.pledge
    proposal = queries.hold_proposal(session, pledge.proposal_id)
    stage = session.scalars(select(Ask.stage).where(Ask.id == pledge.ask_id)).one()
    verified_by = verifier_of(session, tranche)
    approver = _approver(session, tranche)
    facts = session.scalar(select(func.own_facts(pledge.proposal_id, today()))) or {}
    return rules.PaymentFacts(
        tranche_state=tranche.state,
        pledge_state=pledge.state,
        in_kind=tranche.part.in_kind,
        proposal_withdrawn=proposal.state == "withdrawn",
        stage=stage,
        entry_gate_passed=pipeline.entry_passed(session, pledge.proposal_id, stage) is not None,
        milestone=tranche.milestone,
        milestone_verified=verified_by is not None,
        claimed_by=tranche.claimed_by,
        verified_by=verified_by,
        approved_by=tranche.approved_by,
        approver_still_may=_may_approve(approver, pledge),
        approver_independent=approver.membership_in(pledge.group_organisation_id) is None,
        incorporated=facts.get("incorporated"),
        host_agreed=hosting is not None and host_may_hold(session, hosting),
        conditions=conditions.release_reasons(session, tranche),
    )


def may_read_evidence(session: Session, actor: Actor, proposal_id: UUID) -> bool:
    """True for the parties of a live pledge to that proposal, and those whom its funder names as verifiers."""
    return bool(actor.organisation_ids & queries.live_parties(session, proposal_id))


def _locked(session: Session, actor: Actor, tranche_id: UUID, action: Action, *, for_group: bool = False) -> Tranche:
    """The tranche with its pledge and ask locked, after the caller's role was checked."""
    pledge = queries.tranche_for(session, actor, tranche_id).part.pledge
    hold_pledge(session, actor, pledge.id, action, for_group=for_group)
    return session.get_one(Tranche, tranche_id)


def _settle(session: Session, actor: Actor, tranche: Tranche, facts: rules.PaymentFacts, day: Any) -> None:
    rules.check_payable(facts, hooks.payment_reasons(session, tranche))
    tranche.state = lifecycle.tranche_step(tranche.state, "pay")
    tranche.paid_by, tranche.paid_on = actor.user_id, day
    tranche.version += 1


def _paid(session: Session, actor: Actor, tranche: Tranche, type_: str) -> Tranche:
    pledge = tranche.part.pledge
    pledge.state = lifecycle.pledge_step(pledge.state, "pay")
    pledge.version += 1
    session.flush()
    hooks.payments_changed(session, pledge)
    record_tranche(session, actor, tranche, type_)
    settle(session, actor, pledge)
    return tranche


def _approver(session: Session, tranche: Tranche) -> Actor:
    """Whoever approved, with the roles they hold now; nobody before the approval."""
    if tranche.approved_by is None:
        return Actor()
    return Actor(tranche.approved_by, memberships_of(session, tranche.approved_by, fresh=True))


def _may_approve(approver: Actor, pledge: Pledge) -> bool:
    """True while they hold the role: one lost before the payment voids the approval."""
    try:
        permit(approver, Action.APPROVE_TRANCHE, pledge.organisation_id)
    except (NotFound, Forbidden):
        return False
    return True


def _changed(session: Session, actor: Actor, tranche: Tranche, type_: str) -> Tranche:
    tranche.version += 1
    session.flush()
    record_tranche(session, actor, tranche, type_)
    return tranche


def record_tranche(session: Session, actor: Actor, tranche: Tranche, type_: str) -> None:
    """Journal a change of a tranche for both parties."""
    pledge = tranche.part.pledge
    journal.record(
        session, type_, "tranche", tranche.id, actor=actor,
        audience=journal.only(pledge.organisation_id, pledge.group_organisation_id),
        path=f"/v1/tranches/{tranche.id}",
        after={"state": tranche.state, "amount": tranche.amount, "returned": tranche.returned},
    )  # fmt: skip
