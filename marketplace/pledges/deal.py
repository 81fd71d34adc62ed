"""The deal around an ask: who pays which line, what is open, what stands between here and the next release.

For the group, and for funders with a pledge to it. A funder whose pledge was accepted sees the other accepted amounts,
as every party does; one below acceptance sees what is open and its own pledges. The conditions of a pledge are for its
funder and the group.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.pledges import conditions, lifecycle, queries
from marketplace.pledges.condition_models import OutsideAward
from marketplace.pledges.models import Pledge
from marketplace.pledges.offers import is_current
from marketplace.proposals.models import Ask, Proposal
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.money import Money
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

GROUP, PARTY, PROSPECT = "group", "party", "prospect"


def deal_of(session: Session, actor: Actor, proposal_id: UUID) -> dict[str, Any]:
    """The deal as the caller may see it; NotFound for whoever is no part of it."""
    proposal = session.get(Proposal, proposal_id)
    if proposal is None:
        raise NotFound()
    if actor.membership_in(proposal.organisation_id) is not None:
        permit(actor, Action.READ_PROPOSAL, proposal.organisation_id)
        return _deal(session, actor, proposal, _groups_ask(session, proposal), GROUP)
    own = _own_pledges(session, actor, proposal_id)
    if not own:
        raise NotFound()
    ask = session.get_one(Ask, own[-1].ask_id)
    is_party = any(_state(pledge) in lifecycle.BINDING and pledge.ask_id == ask.id for pledge in own)
    return _deal(session, actor, proposal, ask, PARTY if is_party else PROSPECT)


def _own_pledges(session: Session, actor: Actor, proposal_id: UUID) -> list[Pledge]:
    """The caller's own live pledges to it, the newest last; of those below acceptance, only while it is in sight."""
    query = select(Pledge).where(
        Pledge.proposal_id == proposal_id,
        Pledge.organisation_id.in_(sorted(actor.organisation_ids)),
        queries.may_see(actor),
        queries.state_at(now()).in_(sorted(lifecycle.BINDING | lifecycle.OPEN)),
    )
    return [
        pledge
        for pledge in session.scalars(query.order_by(Pledge.id))
        if pledge.state in lifecycle.BINDING or queries.sees(session, actor, proposal_id, pledge.organisation_id)
    ]


def _groups_ask(session: Session, proposal: Proposal) -> Ask:
    """The open ask of the group's stage, else the latest that there was."""
    asks = list(session.scalars(select(Ask).where(Ask.proposal_id == proposal.id).order_by(Ask.id)))
    if not asks:
        raise NotFound()
    return next((ask for ask in asks if is_current(session, proposal, ask)), asks[-1])


def _deal(session: Session, actor: Actor, proposal: Proposal, ask: Ask, sight: str) -> dict[str, Any]:
    query = select(Pledge).where(Pledge.ask_id == ask.id, Pledge.state.in_(conditions.PROMISED)).order_by(Pledge.id)
    accepted = [pledge for pledge in session.scalars(query) if _state(pledge) != "expired" and _held(pledge)]
    awards = conditions.awards_to(session, ask.id)
    seen = accepted if sight in {GROUP, PARTY} else []
    card: dict[str, Any] = {
        "proposal_id": proposal.id,
        "ask_id": ask.id,
        "stage": ask.stage,
        "perspective": sight,
        "amount": Money(ask.amount, ask.currency),
        "open_gap": Money(ask.open_gap, ask.currency),
        "lines": [_line(ask, line, seen, awards, sight) for line in ask.lines],
        "pledges": [_pledge(session, actor, pledge, sight) for pledge in seen],
    }
    if sight == PROSPECT:
        return card
    return card | {
        "accepted": Money(ask.accepted, ask.currency),
        "outside": Money(ask.outside, ask.currency),
        "outside_awards": awards,
    }


def _line(ask: Ask, line: Any, pledges: list[Pledge], awards: list[OutsideAward], sight: str) -> dict[str, Any]:
    gap = line.amount - line.filled if ask.state == "open" else 0
    card = {"id": line.id, "purpose": line.purpose, "amount": line.amount, "open_gap": gap}
    if sight == PROSPECT:
        return card
    paying = [
        {"pledge_id": pledge.id, "organisation_id": pledge.organisation_id, "amount": each.amount - each.freed}
        for pledge in pledges
        for each in pledge.lines
        if each.ask_line_id == line.id and each.amount > each.freed
    ]
    outside = [
        {"outside_award_id": award.id, "funder_name": award.funder_name, "amount": each.amount}
        for award in awards
        for each in award.lines
        if each.ask_line_id == line.id
    ]
    return card | {"accepted": line.accepted, "outside": line.outside, "pledges": paying, "outside_awards": outside}


def _pledge(session: Session, actor: Actor, pledge: Pledge, sight: str) -> dict[str, Any]:
    card = {
        "pledge_id": pledge.id,
        "organisation_id": pledge.organisation_id,
        "state": _state(pledge),
        "instruments": sorted({part.instrument for part in pledge.parts}),
        "amount": _held(pledge),
        "paid": sum(part.paid + part.delivered - part.returned for part in pledge.parts),
        "waits": pledge.lapses_on is not None,
    }
    if sight == GROUP or actor.membership_in(pledge.organisation_id) is not None:
        card["reasons"] = [reason.as_json() for reason in conditions.standing_reasons(session, pledge)]
    return card


def _state(pledge: Pledge) -> str:
    return lifecycle.pledge_state_at(pledge.state, pledge.expires_on, now(), pledge.lapses_on)


def _held(pledge: Pledge) -> int:
    return sum(part.amount - part.cancelled for part in pledge.parts)
