"""Bids: what the group tendered for, what it came to, and the surety that the authority demanded.

Everything of a proposal's bids changes under the proposal's lock, so that no guarantee is counted on twice. Read by the
group and by those who pledged to it. Flushes, never commits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.identity.organisations import freshly
from marketplace.pipeline.service import audience_of
from marketplace.pledges.lifecycle import BINDING
from marketplace.pledges.models import Pledge
from marketplace.pledges.rules import GUARANTEES
from marketplace.procurement.models import Bid, SuretyDemand
from marketplace.procurement.record_rules import (
    MOST_BIDS,
    BidFaults,
    Guarantee,
    TooManyRecords,
    bid_faults,
    outcome_faults,
    surety_faults,
)
from marketplace.proposals.hooks import is_party
from marketplace.proposals.models import Proposal
from marketplace.proposals.sharing import changeable, own_proposal
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

Precondition = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class SuretySeen:
    """A surety demanded, in minor units of the bid's currency, and whether somebody stands behind it now."""

    surety: SuretyDemand
    covered: bool


@dataclass(frozen=True, slots=True)
class BidSeen:
    """A bid with its sureties."""

    bid: Bid
    sureties: list[SuretySeen]


def record_bid(session: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> BidSeen:
    """Keep that the group has bid. `draft`: contract_value is Money; the rest as the columns. BidFaults."""
    proposal = _held_proposal(session, actor, proposal_id)
    _refuse(bid_faults(draft["submitted_on"], today()))
    if session.scalars(select(func.count()).where(Bid.proposal_id == proposal_id)).one() >= MOST_BIDS:
        raise TooManyRecords(f"A proposal has at most {MOST_BIDS} bids.")
    value = draft["contract_value"]
    columns = {**draft, "contract_value": value.amount, "currency": value.currency}
    bid = Bid(id=new_id(), proposal_id=proposal_id, recorded_by=actor.person, lost_on=[], **columns)
    session.add(bid)
    session.flush()
    session.refresh(bid)
    _record(session, actor, proposal, bid, "bid.recorded", None)
    return _seen(session, [bid])[0]


def put_outcome(
    session: Session, actor: Actor, bid_id: UUID, draft: dict[str, Any], precondition: Precondition
) -> BidSeen:
    """Say what became of a bid; said again, it replaces what was said before. BidFaults with every fault."""
    proposal, bid = _held_bid(session, actor, bid_id, precondition)
    faults = outcome_faults(draft, bid.submitted_on, today())
    if draft["outcome"] == "won":
        kept = [_as_drafted(each) for each in bid.sureties]
        faults += surety_faults(kept, bid.currency, _guarantees(session, proposal, bid))
    _refuse(faults)
    before = _content(bid)
    for name in ("outcome", "decided_on", "lost_on", "words", "starts_on", "ends_on"):
        setattr(bid, name, draft.get(name))
    return _changed(session, actor, proposal, bid, f"bid.{bid.outcome}", before)


def put_sureties(
    session: Session, actor: Actor, bid_id: UUID, sureties: Sequence[Mapping[str, Any]], precondition: Precondition
) -> BidSeen:
    """Replace the sureties that are demanded in a bid. BidFaults, also where a pledge guarantees less than they are."""
    proposal, bid = _held_bid(session, actor, bid_id, precondition)
    _refuse(surety_faults(sureties, bid.currency, _guarantees(session, proposal, bid)))
    before = _content(bid)
    bid.sureties = [SuretyDemand(id=new_id(), bid_id=bid.id, **each) for each in sureties]
    return _changed(session, actor, proposal, bid, "bid.sureties_changed", before)


def bids_of(session: Session, actor: Actor, proposal_id: UUID, after: UUID | None, limit: int) -> list[BidSeen]:
    """A proposal's bids, the newest first; `limit` + 1 of them. For the group, its guests and those who pledged."""
    _refuse_strangers(session, actor, proposal_id)
    query = select(Bid).where(Bid.proposal_id == proposal_id)
    if after is not None:
        query = query.where(Bid.id < after)
    return _seen(session, list(session.scalars(query.order_by(Bid.id.desc()).limit(limit + 1))))


def bid_for(session: Session, actor: Actor, bid_id: UUID) -> BidSeen:
    """One bid that the caller may read; NotFound otherwise."""
    bid = session.get(Bid, bid_id)
    if bid is None:
        raise NotFound()
    _refuse_strangers(session, actor, bid.proposal_id)
    return _seen(session, [bid])[0]


def _refuse_strangers(session: Session, actor: Actor, proposal_id: UUID) -> None:
    owner = policy.OWNER_OF_PROPOSAL(session, proposal_id)
    if owner is not None and policy.of_the_group(actor, owner, proposal_id):
        return
    kept_out = any(each(session, actor, proposal_id) for each in policy.KEPT_OUT)
    if owner is None or kept_out or not is_party(session, proposal_id, actor.organisation_ids):
        raise NotFound()


def _held_proposal(session: Session, actor: Actor, proposal_id: UUID) -> Proposal:
    """The group's own proposal, locked; the caller's role is read again under the lock."""
    proposal = changeable(own_proposal(session, actor, proposal_id, Action.WRITE_PROPOSAL, lock=True))
    permit(freshly(session, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    return proposal


def _held_bid(session: Session, actor: Actor, bid_id: UUID, precondition: Precondition) -> tuple[Proposal, Bid]:
    bid = session.get(Bid, bid_id)
    if bid is None:
        raise NotFound()
    _refuse_strangers(session, actor, bid.proposal_id)
    proposal = _held_proposal(session, actor, bid.proposal_id)
    session.refresh(bid)
    precondition(bid)
    return proposal, bid


def _guarantees(session: Session, proposal: Proposal, bid: Bid) -> dict[UUID, Guarantee]:
    """What each accepted pledge to the proposal guarantees, and how much of it other live bids count on."""
    pledges = select(Pledge).where(Pledge.proposal_id == proposal.id, Pledge.state.in_(sorted(BINDING)))
    query = (
        select(SuretyDemand.pledge_id, func.sum(SuretyDemand.amount))
        .join(Bid, Bid.id == SuretyDemand.bid_id)
        .where(Bid.proposal_id == proposal.id, Bid.id != bid.id, or_(Bid.outcome.is_(None), Bid.outcome == "won"))
        .group_by(SuretyDemand.pledge_id)
    )
    used = {pledge: int(total) for pledge, total in session.execute(query)}
    found = {}
    for pledge in session.scalars(pledges):
        amount = sum(part.amount for part in pledge.parts if part.instrument in GUARANTEES)
        if amount:
            found[pledge.id] = Guarantee(amount, pledge.currency, used.get(pledge.id, 0))
    return found


def _seen(session: Session, bids: Sequence[Bid]) -> list[BidSeen]:
    named = {each.pledge_id for bid in bids for each in bid.sureties if each.pledge_id is not None}
    live = select(Pledge.id).where(Pledge.id.in_(named), Pledge.state.in_(sorted(BINDING)))
    standing = set(session.scalars(live)) if named else set()
    return [BidSeen(bid, [SuretySeen(each, _covered(each, standing)) for each in bid.sureties]) for bid in bids]


def _covered(surety: SuretyDemand, standing: set[UUID]) -> bool:
    return surety.covered_by != "none" and (surety.pledge_id is None or surety.pledge_id in standing)


def _as_drafted(surety: SuretyDemand) -> dict[str, Any]:
    return {name: getattr(surety, name) for name in ("kind", "amount", "covered_by", "pledge_id")}


def _refuse(faults: list[dict[str, str]]) -> None:
    if faults:
        raise BidFaults("`errors` names each fault.", errors=faults)


def _changed(session: Session, actor: Actor, proposal: Proposal, bid: Bid, type_: str, before: Any) -> BidSeen:
    bid.updated_by = actor.person
    bid.version += 1
    session.flush()
    _record(session, actor, proposal, bid, type_, before)
    return _seen(session, [bid])[0]


def _content(bid: Bid) -> dict[str, Any]:
    names = ("route", "occasion", "contract_value", "currency", "term_months", "outcome", "lost_on", "ends_on")
    sureties = [_as_drafted(each) for each in bid.sureties]
    return {**{name: getattr(bid, name) for name in names}, "sureties": sureties}


def _record(session: Session, actor: Actor, proposal: Proposal, bid: Bid, type_: str, before: Any) -> None:
    journal.record(
        session,
        type_,
        "bid",
        bid.id,
        actor=actor,
        audience=journal.only(*(audience_of(session, proposal))),
        path=f"/v1/bids/{bid.id}",
        before=before,
        after=_content(bid),
    )
