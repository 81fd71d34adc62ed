"""Schedules: either side proposes how a pledge's unpaid rest is paid, the other side accepts, and a version is kept.

Nothing moves in the ledger: the new tranches of a part sum to those that they replace. Held as aggregate.py says.
Flushes, never commits.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.ledger.reconciliation import Owners
from marketplace.pledges import commitments, lifecycle, queries
from marketplace.pledges.aggregate import cancel_tranche_money, hold_pledge, settle
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.pledges.rules import BothSides, TranchePlan
from marketplace.pledges.schedule_models import Schedule
from marketplace.pledges.schedule_rules import (
    Amendment,
    OtherSideAnswers,
    ScheduleOpen,
    ScheduleOvertaken,
    Standing,
    overtaken,
    plan_amendments,
    plan_cut,
)
from marketplace.pledges.tranches import record_tranche
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action
from marketplace.values.refusals import NotFound


def propose(session: Session, actor: Actor, pledge_id: UUID, draft: dict[str, Any]) -> Schedule:
    """Propose a schedule for the caller's side; ScheduleWrong names every fault, ScheduleOpen where one waits."""
    pledge, acts_for = _held(session, actor, pledge_id, Action.MANAGE_TRANCHE, Action.CLAIM_TRANCHE)
    _refuse_uncommitted(pledge)
    amendments = plan_amendments(draft["parts"], standing_of(pledge))
    if session.scalar(select(Schedule.id).where(Schedule.pledge_id == pledge.id, Schedule.state == "proposed")):
        raise ScheduleOpen("Answer or withdraw the schedule that is open first.")
    schedule = Schedule(
        pledge_id=pledge.id,
        parts=[_kept_part(each) for each in amendments],
        replaces=[{"id": str(each.id), "version": each.version} for each in _going(amendments)],
        reason=draft["reason"],
        proposed_by=actor.person,
        proposed_for=acts_for,
        proposed_at=now(),
    )
    session.add(schedule)
    session.flush()
    _record(session, actor, pledge, schedule, "schedule.proposed")
    return schedule


def accept(session: Session, actor: Actor, schedule_id: UUID) -> Schedule:
    """Accept the other side's schedule: its tranches replace the unapproved ones, and it becomes the next version.

    ScheduleOvertaken where a tranche has changed since it was proposed; nothing is done by halves.
    """
    pledge, schedule, acts_for = _held_schedule(
        session, actor, schedule_id, Action.ISSUE_OFFER, Action.ANSWER_OFFER, of_the_other_side=True
    )
    state = lifecycle.schedule_step(schedule.state, "accept")
    _refuse_uncommitted(pledge)
    standing = standing_of(pledge)
    named = {UUID(part["part_id"]) for part in schedule.parts}
    present = [each for part_id in named for each in standing[part_id] if each.replaceable]
    changed = overtaken(schedule.replaces, present)
    if changed:
        raise ScheduleOvertaken("Propose it anew for the tranches as they are now.", overtaken=changed)
    for amendment in plan_amendments([_asked_part(part) for part in schedule.parts], standing):
        _amend(pledge, amendment)
    pledge.version += 1
    session.flush()
    schedule.state, schedule.version = state, schedule.version + 1
    schedule.number, schedule.in_force = _next_number(session, pledge.id), _in_force(pledge)
    schedule.answered_by, schedule.answered_for, schedule.answered_at = actor.person, acts_for, now()
    session.flush()
    _record(session, actor, pledge, schedule, "schedule.accepted")
    return schedule


def reject(session: Session, actor: Actor, schedule_id: UUID, reason: dict[str, str]) -> Schedule:
    """Reject the other side's schedule, with the reason."""
    pledge, schedule, acts_for = _held_schedule(
        session, actor, schedule_id, Action.ISSUE_OFFER, Action.ANSWER_OFFER, of_the_other_side=True
    )
    return _ended(session, actor, pledge, schedule, acts_for, "reject", reason)


def withdraw(session: Session, actor: Actor, schedule_id: UUID, reason: dict[str, str]) -> Schedule:
    """Withdraw a schedule of the caller's own side, with the reason."""
    pledge, schedule, acts_for = _held_schedule(
        session, actor, schedule_id, Action.MANAGE_TRANCHE, Action.CLAIM_TRANCHE, of_the_other_side=False
    )
    return _ended(session, actor, pledge, schedule, acts_for, "withdraw", reason)


def keep_first(session: Session, pledge: Pledge) -> None:
    """Keep the offer's own schedule as version 1, once the group has accepted the offer."""
    drafted = pledge.offered_by or pledge.drafted_by
    session.add(
        Schedule(
            pledge_id=pledge.id,
            state="accepted",
            number=1,
            parts=[_kept_part(Amendment(part.id, (), _plans(part.tranches))) for part in pledge.parts],
            replaces=[],
            in_force=_in_force(pledge),
            proposed_by=drafted,
            proposed_for=pledge.organisation_id,
            proposed_at=pledge.offered_at,
            answered_by=pledge.answered_by,
            answered_for=pledge.group_organisation_id,
            answered_at=pledge.answered_at,
        )
    )
    session.flush()


def schedule_for(session: Session, actor: Actor, schedule_id: UUID) -> Schedule:
    """A schedule of a pledge that the caller may see; NotFound otherwise."""
    query = select(Schedule).join(Pledge, Pledge.id == Schedule.pledge_id)
    schedule = session.scalars(query.where(Schedule.id == schedule_id, queries.may_see(actor))).one_or_none()
    if schedule is None:
        raise NotFound()
    return schedule


def schedules_of(session: Session, actor: Actor, pledge_id: UUID, after: UUID | None, limit: int) -> list[Schedule]:
    """A pledge's schedules, the newest first, versions and others; one more than `limit` where there are more."""
    pledge = queries.pledge_for(session, actor, pledge_id)
    query = select(Schedule).where(Schedule.pledge_id == pledge.id)
    if after is not None:
        query = query.where(Schedule.id < after)
    return list(session.scalars(query.order_by(Schedule.id.desc()).limit(limit + 1)))


def standing_of(pledge: Pledge) -> dict[UUID, list[Standing]]:
    """The pledge's tranches by part, in their order."""
    return {
        part.id: [
            Standing(each.id, each.version, each.state, each.held_from, each.amount)
            for each in sorted(part.tranches, key=lambda tranche: tranche.position)
        ]
        for part in pledge.parts
    }


def cut_rest(
    session: Session, actor: Actor, pledge: Pledge, cuts: Iterable[tuple[UUID, int]], reason: dict[str, str]
) -> int:
    """Cancel exactly (part, minor units) of a held pledge's unclaimed rest, and free it; the sum that was freed.

    From the last tranche backwards; one that is only cut is replaced by what stays of it and what goes.
    """
    commitments.settle_due(session, pledge.ask_id)
    _refuse_uncommitted(pledge)
    asked = list(cuts)
    freed = sum(amount for _, amount in asked)
    commitments.free_lines(session, pledge, freed)
    turned = commitments.recount(session, pledge.ask_id)
    for part_id, amount in asked:
        part = _part(pledge, part_id)
        whole, split = plan_cut(part_id, standing_of(pledge)[part_id], amount)
        going = [_tranche(part, each) for each in whole]
        if split is not None:
            going.append(_split(part, *split))
        session.flush()
        for tranche in going:
            tranche.reason = reason
            cancel_tranche_money(session, actor, tranche)
            record_tranche(session, actor, tranche, "tranche.cancelled")
    session.flush()
    commitments.note_thresholds(session, actor, turned)
    settle(session, actor, pledge)
    return freed


def tranches_and_parts_differ(session: Session, owners: Owners = None) -> list[str]:
    """For `flask reconcile`: parts whose figures are not those of their tranches (P4)."""
    found = []
    parts = select(PledgePart).join(Pledge).where(Pledge.answered_at.is_not(None))
    if owners is not None:
        parts = parts.where(Pledge.id.in_(owners))
    for part in session.scalars(parts):
        kept = [each for each in part.tranches if each.state != "replaced"]
        figures = {
            "amount": (part.amount, sum(each.amount for each in kept)),
            "paid": (part.paid + part.delivered, sum(each.amount for each in kept if each.state == "paid")),
            "cancelled": (part.cancelled, sum(each.amount for each in kept if each.state == "cancelled")),
            "returned": (part.returned, sum(each.returned for each in kept)),
        }
        if part.pledge.state == "declined":
            continue
        found += [
            f"part {part.id}: {name} is {own} and its tranches say {theirs}"
            for name, (own, theirs) in figures.items()
            if own != theirs
        ]
    return found


def _held(session: Session, actor: Actor, pledge_id: UUID, of_funder: Action, of_group: Action) -> tuple[Pledge, UUID]:
    """The pledge, held, and the organisation that the caller acts for; BothSides for one who is on both."""
    pledge = queries.pledge_for(session, actor, pledge_id)
    in_funder = actor.membership_in(pledge.organisation_id) is not None
    in_group = actor.membership_in(pledge.group_organisation_id) is not None
    if in_funder and in_group:
        raise BothSides("Somebody who is on one side only has to do this.")
    action = of_group if in_group else of_funder
    pledge, _, _ = hold_pledge(session, actor, pledge_id, action, for_group=in_group)
    return pledge, pledge.group_organisation_id if in_group else pledge.organisation_id


def _held_schedule(
    session: Session, actor: Actor, schedule_id: UUID, of_funder: Action, of_group: Action, *, of_the_other_side: bool
) -> tuple[Pledge, Schedule, UUID]:
    schedule = schedule_for(session, actor, schedule_id)
    pledge, acts_for = _held(session, actor, schedule.pledge_id, of_funder, of_group)
    query = select(Schedule).where(Schedule.id == schedule_id).with_for_update(key_share=True)
    schedule = session.scalars(query.execution_options(populate_existing=True)).one()
    if (schedule.proposed_for != acts_for) != of_the_other_side:
        raise OtherSideAnswers("One side proposes, the other answers; who proposed may withdraw.")
    if of_the_other_side and schedule.proposed_by == actor.person:
        raise BothSides("Whoever proposed it cannot answer it too.")
    return pledge, schedule, acts_for


def _ended(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    schedule: Schedule,
    acts_for: UUID,
    event: str,
    reason: dict[str, str],
) -> Schedule:
    schedule.state = lifecycle.schedule_step(schedule.state, event)
    schedule.answered_by, schedule.answered_for, schedule.answered_at = actor.person, acts_for, now()
    schedule.answer, schedule.version = reason, schedule.version + 1
    session.flush()
    _record(session, actor, pledge, schedule, f"schedule.{schedule.state}")
    return schedule


def _refuse_uncommitted(pledge: Pledge) -> None:
    if pledge.state not in lifecycle.COMMITTED:
        raise lifecycle.NoSuchStep(f"The pledge is {pledge.state}: nothing is left to schedule.", state=pledge.state)


def _amend(pledge: Pledge, amendment: Amendment) -> None:
    part = _part(pledge, amendment.part_id)
    for gone in amendment.goes:
        _replaced(_tranche(part, gone.id))
    first = 1 + max(each.position for each in part.tranches)
    for place, plan in enumerate(amendment.comes, start=first):
        part.tranches.append(_planned(place, plan))


def _split(part: PledgePart, tranche_id: UUID, stays: int, goes: int) -> Tranche:
    """Replace a tranche by two like it, of `stays` and of `goes` minor units; the second."""
    whole = _tranche(part, tranche_id)
    _replaced(whole)
    first = 1 + max(each.position for each in part.tranches)
    halves = [
        _planned(place, TranchePlan(whole.basis, amount, whole.milestone, whole.due_on))
        for place, amount in enumerate((stays, goes), start=first)
    ]
    part.tranches.extend(halves)
    return halves[1]


def _replaced(tranche: Tranche) -> None:
    tranche.state = lifecycle.tranche_step(tranche.state, "replace")
    tranche.version += 1


def _planned(position: int, plan: TranchePlan) -> Tranche:
    return Tranche(
        position=position,
        basis=plan.basis,
        milestone=plan.milestone,
        due_on=plan.due_on,
        amount=plan.amount,
        state="scheduled",
        returned=0,
        demanded=0,
        reversals=0,
    )


def _plans(tranches: Sequence[Tranche]) -> tuple[TranchePlan, ...]:
    return tuple(TranchePlan(each.basis, each.amount, each.milestone, each.due_on) for each in tranches)


def _kept_part(amendment: Amendment) -> dict[str, Any]:
    """An amendment as JSON."""
    tranches = [
        {
            "basis": plan.basis,
            "amount": plan.amount,
            "milestone": plan.milestone,
            "due_on": plan.due_on.isoformat() if plan.due_on else None,
        }
        for plan in amendment.comes
    ]
    return {"part_id": str(amendment.part_id), "tranches": tranches}


def _asked_part(kept: dict[str, Any]) -> dict[str, Any]:
    """`_kept_part` undone: as it was asked for."""
    tranches = [
        {name: date.fromisoformat(value) if name == "due_on" else value for name, value in each.items() if value}
        for each in kept["tranches"]
    ]
    return {"part_id": UUID(kept["part_id"]), "tranches": tranches}


def _going(amendments: Sequence[Amendment]) -> list[Standing]:
    return [each for amendment in amendments for each in amendment.goes]


def _in_force(pledge: Pledge) -> list[str]:
    return [str(each.id) for part in pledge.parts for each in part.tranches if each.state != "replaced"]


def _next_number(session: Session, pledge_id: UUID) -> int:
    last = session.scalar(select(func.max(Schedule.number)).where(Schedule.pledge_id == pledge_id))
    return 1 + (last or 0)


def _part(pledge: Pledge, part_id: UUID) -> PledgePart:
    found = [part for part in pledge.parts if part.id == part_id]
    if not found:
        raise NotFound("The pledge has no such part.")
    return found[0]


def _tranche(part: PledgePart, tranche_id: UUID) -> Tranche:
    return next(each for each in part.tranches if each.id == tranche_id)


def _record(session: Session, actor: Actor, pledge: Pledge, schedule: Schedule, type_: str) -> None:
    journal.record(
        session,
        type_,
        "schedule",
        schedule.id,
        actor=actor,
        audience=journal.only(pledge.organisation_id, pledge.group_organisation_id),
        path=f"/v1/schedules/{schedule.id}",
        after={"state": schedule.state, "number": schedule.number, "parts": schedule.parts},
    )
