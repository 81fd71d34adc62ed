"""The pledge as one aggregate: held under one lock order, stepped along its life cycle, its money freed, its journal.

Lock order: proposal (shared), ask, pledge, tranches; the ledger's balances come after. A role is checked before the
locks (so that a stranger learns nothing) and again under them (it may have been lost while waiting).
"""

from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.identity.organisations import freshly
from marketplace.pledges import booking, hooks, lifecycle, queries
from marketplace.pledges.models import Pledge, Tranche
from marketplace.proposals.models import Ask, Proposal
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action, permit


def hold_pledge(
    session: Session, actor: Actor, pledge_id: UUID, action: Action, *, for_group: bool = False
) -> tuple[Pledge, Proposal, Ask]:
    """The pledge, its proposal and its ask, held until the transaction ends, for one who may do `action`."""
    pledge = queries.pledge_for(session, actor, pledge_id)
    organisation_id = pledge.group_organisation_id if for_group else pledge.organisation_id
    permit(actor, action, organisation_id)
    proposal = queries.hold_proposal(session, pledge.proposal_id)
    ask = queries.lock_ask(session, pledge.ask_id)
    pledge = queries.lock_pledge(session, pledge_id)
    permit(freshly(session, actor), action, organisation_id)
    return pledge, proposal, ask


def step(pledge: Pledge, event: str) -> None:
    """Take the pledge along its life cycle; NoSuchStep where there is no such step."""
    pledge.state = lifecycle.pledge_step(pledge.state, event)
    pledge.version += 1


def cancel_tranche_money(session: Session, actor: Actor, tranche: Tranche) -> None:
    """Free exactly one unpaid tranche, in the part and in the ledger; the ask is for the caller to open again."""
    tranche.state = lifecycle.tranche_step(tranche.state, "cancel")
    tranche.version += 1
    tranche.part.cancelled += tranche.amount
    tranche.part.pledge.version += 1
    session.flush()
    booking.book_cancellation(session, actor, tranche)
    hooks.cancelled(session, actor, tranche)


def settle(session: Session, actor: Actor, pledge: Pledge) -> None:
    """End a pledge with nothing left to pay: complete once signed, withdrawn where every tranche went before that."""
    if any(tranche.state not in lifecycle.TRANCHE_OVER for part in pledge.parts for tranche in part.tranches):
        return
    if pledge.state in lifecycle.PAYABLE:
        step(pledge, "complete")
    elif pledge.state == "accepted":
        step(pledge, "withdraw")
    else:
        return
    pledge.ended_at = now()
    session.flush()
    record(session, actor, pledge, f"pledge.{pledge.state}")


def record(session: Session, actor: Actor, pledge: Pledge, type_: str) -> None:
    """Journal a change of a pledge; the group learns of it only once it has been shown."""
    parties = [pledge.organisation_id] + ([pledge.group_organisation_id] if pledge.shown_at else [])
    journal.record(
        session,
        type_,
        "pledge",
        pledge.id,
        actor=actor,
        audience=journal.only(*parties),
        path=f"/v1/pledges/{pledge.id}",
        after={"state": pledge.state, "amount": pledge.amount, "version": pledge.version},
    )
