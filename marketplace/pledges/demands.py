"""Clawing money back: what a funder demands of paid tranches after a breach, and what has come back against it.

A demand cancels and frees the unpaid rest; each return against it is booked as any return is. Flushes, never commits.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.ledger.reconciliation import Owners
from marketplace.pledges import authority, commitments, lifecycle, queries
from marketplace.pledges.aggregate import hold_pledge, record, step
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.pledges.recovery_models import Demand, DemandLine
from marketplace.pledges.recovery_rules import DemandWrong, RecoveryTooLarge, demand_faults
from marketplace.pledges.tranches import take_back
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action
from marketplace.values.refusals import NotFound


def claw_back(session: Session, actor: Actor, pledge_id: UUID, draft: dict[str, Any]) -> Demand:
    """Demand money back from paid tranches. DemandWrong names every line that asks for more than was paid.

    A pledge that still pays is ended: its unpaid rest is cancelled and freed. Clawed back it is once all has come.
    """
    pledge, _, ask = hold_pledge(session, actor, pledge_id, Action.END_PLEDGE)
    commitments.settle_due(session, ask.id)
    lifecycle.pledge_step(pledge.state, "claw_back")
    tranches = {each.id: each for part in pledge.parts for each in part.tranches}
    demandable = {each.id: each.outstanding - each.demanded for each in tranches.values()}
    faults = demand_faults(draft["tranches"], demandable, pledge.currency)
    if faults:
        raise DemandWrong("`errors` names each line that does not fit what was paid.", errors=faults)
    authority.may_claw_back(session, actor, pledge, draft)
    turned: list[Pledge] = []
    if pledge.state in lifecycle.COMMITTED:
        step(pledge, "terminate")
        turned = commitments.free_unpaid(session, actor, pledge)
        pledge.ended_at, pledge.reason = now(), draft["reason"]
        session.flush()
        record(session, actor, pledge, "pledge.terminated")
    demand = Demand(
        pledge_id=pledge.id,
        due_on=draft["due_on"],
        reason=draft["reason"],
        demanded_by=actor.person,
        lines=[
            DemandLine(tranche_id=line["tranche_id"], amount=line["amount"].amount, recovered=0)
            for line in draft["tranches"]
        ],
    )
    for line in demand.lines:
        _demanded(tranches[line.tranche_id], line.amount)
    pledge.version += 1
    session.add(demand)
    session.flush()
    _record(session, actor, pledge, demand, "demand.made")
    commitments.note_thresholds(session, actor, turned)
    return demand


def record_recovery(session: Session, actor: Actor, demand_id: UUID, recovery: dict[str, Any]) -> Demand:
    """Record money that came back against a demand, once per reference; the last of it makes the pledge clawed back."""
    pledge, demand = _held(session, actor, demand_id, Action.RECORD_RETURN)
    line = next((each for each in demand.lines if each.tranche_id == recovery["tranche_id"]), None)
    amount = recovery["amount"].amount
    left = 0 if line is None else line.amount - line.recovered
    settled = demand.outstanding == amount
    state = lifecycle.demand_step(demand.state, "recover" if settled else "recover_part")
    if line is None or recovery["amount"].currency != pledge.currency or amount > left:
        raise RecoveryTooLarge(
            "Give at most what is demanded of that tranche and has not come back, in the pledge's currency.",
            pointer="#/amount",
            outstanding={"amount": left, "currency": pledge.currency},
        )
    line.recovered += amount
    demand.state, demand.version = state, demand.version + 1
    if settled:
        demand.ended_by, demand.ended_at = actor.person, now()
    tranche = session.get_one(Tranche, line.tranche_id)
    tranche.demanded -= amount
    take_back(session, actor, tranche, amount, recovery["reference"])
    _record(session, actor, pledge, demand, "demand.recovered" if settled else "demand.recovered_in_part")
    if settled:
        _clawed_back(session, actor, pledge)
    return demand


def withdraw_demand(session: Session, actor: Actor, demand_id: UUID, reason: dict[str, str]) -> Demand:
    """Give up what is outstanding of a demand, with the reason; what has come back stays."""
    pledge, demand = _held(session, actor, demand_id, Action.END_PLEDGE)
    state = lifecycle.demand_step(demand.state, "withdraw")
    for line in demand.lines:
        _demanded(session.get_one(Tranche, line.tranche_id), line.recovered - line.amount)
    demand.state, demand.version = state, demand.version + 1
    demand.ended_by, demand.ended_at, demand.ending_reason = actor.person, now(), reason
    pledge.version += 1
    session.flush()
    _record(session, actor, pledge, demand, "demand.withdrawn")
    return demand


def demand_for(session: Session, actor: Actor, demand_id: UUID) -> Demand:
    """A demand on a pledge that the caller may see; NotFound otherwise."""
    query = select(Demand).join(Pledge, Pledge.id == Demand.pledge_id)
    demand = session.scalars(query.where(Demand.id == demand_id, queries.may_see(actor))).one_or_none()
    if demand is None:
        raise NotFound()
    return demand


def demands_of(session: Session, actor: Actor, pledge_id: UUID, after: UUID | None, limit: int) -> list[Demand]:
    """A pledge's demands, the newest first; one more than `limit` where there are more."""
    pledge = queries.pledge_for(session, actor, pledge_id)
    query = select(Demand).where(Demand.pledge_id == pledge.id)
    if after is not None:
        query = query.where(Demand.id < after)
    return list(session.scalars(query.order_by(Demand.id.desc()).limit(limit + 1)))


def recovered_of(session: Session, pledge_id: UUID) -> int:
    """What has come back against demands on that pledge, in minor units."""
    lines = session.scalars(select(DemandLine).join(Demand).where(Demand.pledge_id == pledge_id))
    return sum(line.recovered for line in lines)


def demands_and_tranches_differ(session: Session, owners: Owners = None) -> list[str]:
    """For `flask reconcile`: tranches whose `demanded` is not what open demands have outstanding of them."""
    outstanding: dict[UUID, int] = {}
    lines = select(DemandLine, Demand.state).join(Demand)
    tranches = select(Tranche.id, Tranche.demanded).where(Tranche.demanded > 0)
    if owners is not None:
        lines = lines.where(Demand.pledge_id.in_(owners))
        tranches = tranches.join(PledgePart).where(PledgePart.pledge_id.in_(owners))
    for line, state in session.execute(lines):
        if state == "open":
            outstanding[line.tranche_id] = outstanding.get(line.tranche_id, 0) + line.amount - line.recovered
    demanded = {row.id: row.demanded for row in session.execute(tranches)}
    return [
        f"tranche {each}: {demanded.get(each, 0)} demanded, its demands say {outstanding.get(each, 0)}"
        for each in sorted(demanded.keys() | {each for each, amount in outstanding.items() if amount})
        if demanded.get(each, 0) != outstanding.get(each, 0)
    ]


def _held(session: Session, actor: Actor, demand_id: UUID, action: Action) -> tuple[Pledge, Demand]:
    demand = demand_for(session, actor, demand_id)
    pledge, _, _ = hold_pledge(session, actor, demand.pledge_id, action)
    query = select(Demand).where(Demand.id == demand_id).with_for_update(key_share=True)
    return pledge, session.scalars(query.execution_options(populate_existing=True)).one()


def _demanded(tranche: Tranche, amount: int) -> None:
    tranche.demanded += amount
    tranche.version += 1


def _clawed_back(session: Session, actor: Actor, pledge: Pledge) -> None:
    """Once nothing is demanded any more; a second demand on a pledge waits for its own end."""
    if any(each.demanded for part in pledge.parts for each in part.tranches) or pledge.state == "clawed_back":
        return
    step(pledge, "claw_back")
    session.flush()
    record(session, actor, pledge, "pledge.clawed_back")


def _record(session: Session, actor: Actor, pledge: Pledge, demand: Demand, type_: str) -> None:
    journal.record(
        session,
        type_,
        "demand",
        demand.id,
        actor=actor,
        audience=journal.only(pledge.organisation_id, pledge.group_organisation_id),
        path=f"/v1/demands/{demand.id}",
        after={"state": demand.state, "outstanding": demand.outstanding, "version": demand.version},
    )
