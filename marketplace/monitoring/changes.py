"""Changes of use: the group asks for another purpose, end, lines or less money; the funder decides; versions are kept.

A decrease cancels exactly that much of the unpaid rest. Held as pledges.aggregate says. Flushes, never commits.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.monitoring import queries, rules
from marketplace.monitoring.models import AgreedUse, ChangeRequest
from marketplace.pledges.aggregate import hold_pledge
from marketplace.pledges.models import Pledge
from marketplace.pledges.schedules import cut_rest
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action
from marketplace.values.refusals import NotFound


def ask_change(session: Session, actor: Actor, pledge_id: UUID, draft: dict[str, Any]) -> ChangeRequest:
    """Ask for a change for the group. ChangeWrong names every fault; ChangeOpen where one waits."""
    pledge, _, _ = hold_pledge(session, actor, pledge_id, Action.CLAIM_TRANCHE, for_group=True)
    _refuse_closed(session, pledge.id)
    _refuse_faults(session, pledge, draft)
    if _open(session, pledge.id):
        raise rules.ChangeOpen("Answer or withdraw the change that was asked for first.")
    change = ChangeRequest(
        pledge_id=pledge.id,
        purpose=draft.get("purpose"),
        ends_on=draft.get("ends_on"),
        lines=draft.get("lines"),
        decreases=[{**cut, "part_id": str(cut["part_id"])} for cut in draft.get("decreases", [])],
        reason=draft["reason"],
        requested_by=actor.person,
    )
    session.add(change)
    session.flush()
    _record(session, actor, pledge, change)
    return change


def accept_change(session: Session, actor: Actor, change_id: UUID) -> ChangeRequest:
    """Agree to a change for the funder: the next version of the use, and exactly that much less to pay.

    ChangeWrong where the pledge has moved on so that the change does not fit any more; nothing is done by halves.
    """
    pledge, change = _held(session, actor, change_id, Action.ISSUE_OFFER)
    _refuse_own(actor, pledge, change)
    state = rules.step(rules.CHANGE_REQUEST, "change request", change.state, "accept")
    asked = _as_asked(change)
    _refuse_faults(session, pledge, asked)
    before = queries.current_use(session, pledge.id)
    if before is None:
        raise NotFound()
    cuts = [(cut["part_id"], cut["amount"]) for cut in asked.get("decreases", [])]
    if cuts:
        cut_rest(session, actor, pledge, cuts, change.reason)
    session.add(
        AgreedUse(
            pledge_id=pledge.id,
            number=before.number + 1,
            purpose=change.purpose or before.purpose,
            ends_on=change.ends_on or before.ends_on,
            lines=change.lines or before.lines,
            amount=_left(pledge),
            change_request_id=change.id,
        )
    )
    pledge.version += 1
    _decide(actor, change, state)
    session.flush()
    _record(session, actor, pledge, change)
    return change


def reject_change(session: Session, actor: Actor, change_id: UUID, answer: dict[str, str]) -> ChangeRequest:
    """Reject a change for the funder, with the reason."""
    pledge, change = _held(session, actor, change_id, Action.ISSUE_OFFER)
    _refuse_own(actor, pledge, change)
    return _ended(session, actor, pledge, change, "reject", answer)


def withdraw_change(session: Session, actor: Actor, change_id: UUID, answer: dict[str, str]) -> ChangeRequest:
    """Withdraw a change that the group asked for, with the reason."""
    pledge, change = _held(session, actor, change_id, Action.CLAIM_TRANCHE, for_group=True)
    return _ended(session, actor, pledge, change, "withdraw", answer)


def _held(
    session: Session, actor: Actor, change_id: UUID, action: Action, *, for_group: bool = False
) -> tuple[Pledge, ChangeRequest]:
    change = queries.change_for(session, actor, change_id)
    pledge, _, _ = hold_pledge(session, actor, change.pledge_id, action, for_group=for_group)
    return pledge, session.get_one(ChangeRequest, change_id, populate_existing=True)


def _refuse_closed(session: Session, pledge_id: UUID) -> None:
    monitoring = queries.lock_monitoring(session, pledge_id)
    if monitoring is None:
        raise rules.NoSuchStep("Nothing has been agreed yet; the offer itself can be changed.")
    if monitoring.state == "closed":
        raise rules.MonitoringClosed("Nothing is changed any more.")


def _refuse_faults(session: Session, pledge: Pledge, change: dict[str, Any]) -> None:
    use = queries.current_use(session, pledge.id)
    committed = queries.is_committed(pledge)
    free = {
        part.id: sum(each.amount for each in part.tranches if committed and each.state in {"scheduled", "claimable"})
        for part in pledge.parts
    }
    faults = rules.change_faults(
        change, amount=_left(pledge), unclaimed=free, ends_on=use.ends_on if use else None, today=today()
    )
    if faults:
        raise rules.ChangeWrong("`errors` names each fault.", errors=faults)


def _refuse_own(actor: Actor, pledge: Pledge, change: ChangeRequest) -> None:
    if actor.membership_in(pledge.group_organisation_id) is not None or change.requested_by == actor.person:
        raise rules.SecondPersonDecides("A member of the group does not decide for the funder.")


def _open(session: Session, pledge_id: UUID) -> bool:
    query = select(ChangeRequest.id).where(ChangeRequest.pledge_id == pledge_id, ChangeRequest.state == "requested")
    return session.scalars(query).first() is not None


def _as_asked(change: ChangeRequest) -> dict[str, Any]:
    """The change as it was asked for, without what it does not ask."""
    asked = {name: getattr(change, name) for name in ("purpose", "ends_on", "lines", "reason")}
    cuts = [{**cut, "part_id": UUID(cut["part_id"])} for cut in change.decreases]
    return {name: value for name, value in (asked | {"decreases": cuts or None}).items() if value is not None}


def _left(pledge: Pledge) -> int:
    return sum(part.amount - part.cancelled for part in pledge.parts)


def _decide(actor: Actor, change: ChangeRequest, state: str) -> None:
    change.state, change.version = state, change.version + 1
    change.decided_by, change.decided_at = actor.person, now()


def _ended(
    session: Session, actor: Actor, pledge: Pledge, change: ChangeRequest, event: str, answer: dict[str, str]
) -> ChangeRequest:
    _decide(actor, change, rules.step(rules.CHANGE_REQUEST, "change request", change.state, event))
    change.answer = answer
    session.flush()
    _record(session, actor, pledge, change)
    return change


def _record(session: Session, actor: Actor, pledge: Pledge, change: ChangeRequest) -> None:
    journal.record(
        session,
        f"change_request.{change.state}",
        "change_request",
        change.id,
        actor=actor,
        audience=journal.only(pledge.organisation_id, pledge.group_organisation_id),
        path=f"/v1/change-requests/{change.id}",
        after={"state": change.state, "decreases": change.decreases},
    )
