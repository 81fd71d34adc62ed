"""Writing off principal that will not come back, and forgiving a recoverable grant: two people of the funder's."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.instruments.allocation import Share
from marketplace.instruments.amounts import in_order
from marketplace.ledger import rules as ledger
from marketplace.ledger import service as books
from marketplace.pledges import authority, lifecycle, queries
from marketplace.pledges.aggregate import hold_pledge
from marketplace.pledges.models import Pledge, PledgePart
from marketplace.pledges.rules import REPAYABLE
from marketplace.repayments import hooks, rules
from marketplace.repayments.models import WriteOff
from marketplace.repayments.positions import part_standing, success_event_of
from marketplace.repayments.service import effective_day, lower, refuse_demanded, the_part
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action
from marketplace.values.reasons import Outcome, Reason, unmet
from marketplace.values.refusals import NotFound


def request(session: Session, actor: Actor, pledge_id: UUID, draft: dict[str, Any]) -> WriteOff:
    """Ask for principal to be written off; nothing moves before somebody else approves."""
    pledge, _, _ = hold_pledge(session, actor, pledge_id, Action.REQUEST_WRITE_OFF)
    part = the_part(pledge, draft.get("part_id"), REPAYABLE)
    amount = draft["amount"]
    if amount.currency != pledge.currency or amount.amount > part.outstanding:
        raise _more_than_outstanding(pledge, part)
    refuse_demanded(part)
    _refuse_unforgivable(session, pledge, part, draft["ground"])
    made = WriteOff(
        pledge_id=pledge.id,
        part_id=part.id,
        amount=amount.amount,
        ground=draft["ground"],
        reason=draft["reason"],
        requested_by=actor.person,
    )
    session.add(made)
    session.flush()
    _say(session, actor, pledge, made)
    return made


def approve(session: Session, actor: Actor, write_off_id: UUID) -> WriteOff:
    """Approve as a second person: principal is written off, oldest tranche first, with the fee that goes with it."""
    write_off, pledge = _held(session, actor, write_off_id)
    part = next(each for each in pledge.parts if each.id == write_off.part_id)
    if write_off.amount > part.outstanding:
        raise _more_than_outstanding(pledge, part)
    refuse_demanded(part)
    _refuse_unforgivable(session, pledge, part, write_off.ground)
    authority.may_write_off(session, actor, pledge, write_off.id, write_off.amount)
    books.post(
        session, kind="part.written_off", reference=str(write_off.id), actor=actor, description="Written off",
        entries=ledger.write_off(pledge.programme_id, pledge.id, write_off.amount),
    )  # fmt: skip
    _decided(actor, write_off, "approved")
    session.flush()
    _take_off(session, part, write_off)
    pledge.version += 1
    session.flush()
    hooks.written_off(session, actor, part, write_off)
    _say(session, actor, pledge, write_off)
    return write_off


def refuse(session: Session, actor: Actor, write_off_id: UUID) -> WriteOff:
    """Refuse a requested write-off; another may be asked for."""
    write_off, pledge = _held(session, actor, write_off_id)
    _decided(actor, write_off, "refused")
    session.flush()
    _say(session, actor, pledge, write_off)
    return write_off


def write_offs_of(session: Session, actor: Actor, pledge_id: UUID, after: UUID | None, limit: int) -> list[WriteOff]:
    """A pledge's write-offs, newest first; the group sees approved ones. One more than `limit` if there are more."""
    pledge = queries.pledge_for(session, actor, pledge_id)
    query = select(WriteOff).where(WriteOff.pledge_id == pledge.id)
    if actor.membership_in(pledge.organisation_id) is None:
        query = query.where(WriteOff.state == "approved")
    if after is not None:
        query = query.where(WriteOff.id < after)
    return list(session.scalars(query.order_by(WriteOff.id.desc()).limit(limit + 1)))


def _take_off(session: Session, part: PledgePart, write_off: WriteOff) -> None:
    on = effective_day(session, part, today())
    standing = part_standing(session, part, on)
    taken = in_order(write_off.amount, [each.tranche.outstanding for each in standing.tranches])
    for each, amount in zip(standing.tranches, taken, strict=True):
        if not amount:
            continue
        fee = each.fee_left if amount == each.tranche.outstanding else 0
        lower(session, each, "written_off", Share(fee=fee, principal=amount), on, write_off_id=write_off.id)
        each.tranche.written_off += amount
        each.tranche.version += 1
    part.written_off += write_off.amount


def _held(session: Session, actor: Actor, write_off_id: UUID) -> tuple[WriteOff, Pledge]:
    found = session.get(WriteOff, write_off_id)
    if found is None:
        raise NotFound()
    pledge, _, _ = hold_pledge(session, actor, found.pledge_id, Action.DECIDE_WRITE_OFF)
    write_off = session.get_one(WriteOff, write_off_id, populate_existing=True)
    if write_off.state != "requested":
        raise lifecycle.NoSuchStep(f"A write-off that is {write_off.state} is decided.", state=write_off.state)
    if actor.person == write_off.requested_by:
        raise rules.SecondPersonNeeded("Whoever asked for the write-off cannot decide on it.")
    return write_off, pledge


def _decided(actor: Actor, write_off: WriteOff, state: str) -> None:
    write_off.state, write_off.decided_by, write_off.decided_at = state, actor.person, now()
    write_off.version += 1


def _refuse_unforgivable(session: Session, pledge: Pledge, part: PledgePart, ground: str) -> None:
    """NotForgivable, with every reason, but for a recoverable grant without its event whose lesson was told."""
    if ground != "forgiven":
        return
    happened = success_event_of(session, part.id) is not None
    told = queries.verification_for(session, pledge, rules.LEARNING_REPORT) is not None

    def check(code: str, holds: bool, wanted: Any, found: Any) -> Reason:
        return Reason(code, Outcome.MET if holds else Outcome.UNMET, wanted=wanted, found=found)

    missing = unmet(
        [
            check("RECOVERABLE", part.instrument == "recoverable_grant", "recoverable_grant", part.instrument),
            check("NO_SUCCESS_EVENT", not happened, False, happened),
            check("LEARNING_REPORT", told, rules.LEARNING_REPORT, rules.LEARNING_REPORT if told else None),
        ]
    )
    if missing:
        raise rules.NotForgivable("It lacks what `reasons` names.", reasons=[reason.as_json() for reason in missing])


def _more_than_outstanding(pledge: Pledge, part: PledgePart) -> rules.MoreThanOwed:
    return rules.MoreThanOwed(
        "Give at most the principal that is outstanding, in the pledge's currency.",
        pointer="#/amount",
        owed={"amount": part.outstanding, "currency": pledge.currency},
    )


def _say(session: Session, actor: Actor, pledge: Pledge, write_off: WriteOff) -> None:
    """The group hears of a write-off once it is approved: until then it is the funder's own deliberation."""
    group = pledge.group_organisation_id if write_off.state == "approved" else None
    journal.record(
        session, f"write_off.{write_off.state}", "write_off", write_off.id, actor=actor,
        audience=journal.only(pledge.organisation_id, group), path=f"/v1/pledges/{pledge.id}/write-offs",
        after={"state": write_off.state, "amount": write_off.amount, "ground": write_off.ground},
    )  # fmt: skip
