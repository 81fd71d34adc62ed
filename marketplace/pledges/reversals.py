"""Undoing a payment that was recorded by mistake: asked by one person, approved by a second, booked once.

The ledger's reversal is the only correction: the payment stays in the books, beside its opposite. Flushes.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.pledges import authority, booking, commitments, hooks, lifecycle, queries
from marketplace.pledges.aggregate import hold_pledge, record, step
from marketplace.pledges.models import Pledge, Tranche
from marketplace.pledges.recovery_models import PaymentReversal
from marketplace.pledges.recovery_rules import NotReversible, ReversalOpen, reversal_reasons
from marketplace.pledges.tranches import record_tranche
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action
from marketplace.values.reasons import unmet


def ask_reversal(session: Session, actor: Actor, tranche_id: UUID, reason: dict[str, str]) -> PaymentReversal:
    """Ask that a payment (or delivery) be undone. NotReversible names everything that stands in the way."""
    tranche = _held(session, actor, tranche_id, Action.PAY_TRANCHE)
    _refuse(session, tranche)
    if _open(session, tranche.id) is not None:
        raise ReversalOpen("Decide on the reversal that was asked for first.")
    asked = PaymentReversal(
        tranche_id=tranche.id,
        amount=tranche.amount,
        paid_by=tranche.paid_by,
        paid_on=tranche.paid_on,
        payment_reference=tranche.payment_reference,
        payee_organisation_id=tranche.payee_organisation_id,
        reason=reason,
        requested_by=actor.person,
    )
    session.add(asked)
    session.flush()
    _record(session, actor, tranche, asked, "payment_reversal.requested")
    return asked


def approve_reversal(session: Session, actor: Actor, tranche_id: UUID) -> PaymentReversal:
    """Approve it as a second person: the payment is undone in the ledger, and the tranche is approved again.

    Of a pledge that has ended for good, what is free again is cancelled at once.
    """
    tranche = _held(session, actor, tranche_id, Action.APPROVE_TRANCHE)
    commitments.settle_due(session, tranche.part.pledge.ask_id)
    asked = _the_open(session, tranche.id)
    _refuse(session, tranche, asked, actor)
    authority.may_reverse_payment(session, actor, tranche)
    asked.state = lifecycle.reversal_step(asked.state, "approve")
    asked.decided_by, asked.decided_at, asked.version = actor.person, now(), asked.version + 1
    asked.ledger_transaction_id = booking.book_payment_reversal(session, actor, tranche)
    _undo(tranche)
    session.flush()
    record_tranche(session, actor, tranche, "tranche.payment_reversed")
    _record(session, actor, tranche, asked, "payment_reversal.approved")
    _reopen(session, actor, tranche)
    hooks.payments_changed(session, tranche.part.pledge)
    return asked


def reject_reversal(session: Session, actor: Actor, tranche_id: UUID, reason: dict[str, str]) -> PaymentReversal:
    """Let the payment stand, with the reason."""
    tranche = _held(session, actor, tranche_id, Action.APPROVE_TRANCHE)
    asked = _the_open(session, tranche.id)
    asked.state = lifecycle.reversal_step(asked.state, "reject")
    asked.decided_by, asked.decided_at, asked.version = actor.person, now(), asked.version + 1
    asked.decision_reason = reason
    session.flush()
    _record(session, actor, tranche, asked, "payment_reversal.rejected")
    return asked


def reversals_of(
    session: Session, actor: Actor, tranche_id: UUID, after: UUID | None, limit: int
) -> list[PaymentReversal]:
    """A tranche's reversals, the newest first; one more than `limit` where there are more."""
    tranche = queries.tranche_for(session, actor, tranche_id)
    query = select(PaymentReversal).where(PaymentReversal.tranche_id == tranche.id)
    if after is not None:
        query = query.where(PaymentReversal.id < after)
    return list(session.scalars(query.order_by(PaymentReversal.id.desc()).limit(limit + 1)))


def _held(session: Session, actor: Actor, tranche_id: UUID, action: Action) -> Tranche:
    pledge = queries.tranche_for(session, actor, tranche_id).part.pledge
    hold_pledge(session, actor, pledge.id, action)
    return session.get_one(Tranche, tranche_id)


def _open(session: Session, tranche_id: UUID) -> PaymentReversal | None:
    query = select(PaymentReversal).where(
        PaymentReversal.tranche_id == tranche_id, PaymentReversal.state == "requested"
    )
    return session.scalars(
        query.with_for_update(key_share=True).execution_options(populate_existing=True)
    ).one_or_none()


def _the_open(session: Session, tranche_id: UUID) -> PaymentReversal:
    asked = _open(session, tranche_id)
    if asked is None:
        raise lifecycle.NoSuchStep("No reversal of this payment waits for a decision.")
    return asked


def _refuse(
    session: Session, tranche: Tranche, asked: PaymentReversal | None = None, approver: Actor | None = None
) -> None:
    group = tranche.part.pledge.group_organisation_id
    reasons: list[Any] = reversal_reasons(
        state=tranche.state,
        returned=tranche.returned,
        demanded=tranche.demanded,
        requested_by=asked.requested_by if asked else None,
        approver=approver.person if approver else None,
        of_the_group=approver is not None and approver.membership_in(group) is not None,
    )
    missing = unmet([*reasons, *hooks.reversal_reasons(session, tranche)])
    if missing:
        raise NotReversible("`reasons` says what stands in the way.", reasons=[each.as_json() for each in missing])


def _undo(tranche: Tranche) -> None:
    if tranche.part.in_kind:
        tranche.part.delivered -= tranche.amount
    else:
        tranche.part.paid -= tranche.amount
    tranche.state = lifecycle.tranche_step(tranche.state, "reverse")
    tranche.paid_by = tranche.paid_on = tranche.payment_reference = None
    tranche.payee_organisation_id = tranche.fiscal_hosting_id = None
    tranche.reversals += 1
    tranche.version += 1


def _reopen(session: Session, actor: Actor, tranche: Tranche) -> None:
    """The pledge goes on where it stood; in one that was ended nothing is to be paid, and the money is freed."""
    pledge = tranche.part.pledge
    if (pledge.state, "reopen") not in lifecycle.PLEDGE:
        turned = commitments.free_tranche(session, actor, tranche)
        session.flush()
        record_tranche(session, actor, tranche, "tranche.cancelled")
        commitments.note_thresholds(session, actor, turned)
        return
    step(pledge, "reopen")
    pledge.ended_at = None
    if not any(each.state == "paid" for part in pledge.parts for each in part.tranches):
        step(pledge, "undo_first_payment")
    session.flush()
    record(session, actor, pledge, f"pledge.{_word(pledge)}")


def _word(pledge: Pledge) -> str:
    return "reopened" if pledge.state == "drawing" else "contracted"


def _record(session: Session, actor: Actor, tranche: Tranche, asked: PaymentReversal, type_: str) -> None:
    pledge = tranche.part.pledge
    journal.record(
        session,
        type_,
        "tranche",
        tranche.id,
        actor=actor,
        audience=journal.only(pledge.organisation_id, pledge.group_organisation_id),
        path=f"/v1/tranches/{tranche.id}",
        after={"state": asked.state, "amount": asked.amount},
    )
