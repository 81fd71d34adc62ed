"""Reading duties, reports and changes: who may see them, and the figures that reports are held against."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, literal, select
from sqlalchemy.orm import Session

from marketplace.evidence.models import Evidence
from marketplace.ledger.reconciliation import Owners
from marketplace.monitoring import rules
from marketplace.monitoring.models import (
    AgreedUse,
    ChangeRequest,
    Duty,
    Monitoring,
    Report,
    ReportingTemplate,
    ReportingTerms,
    ReportSpend,
)
from marketplace.pledges import queries as pledges
from marketplace.pledges.demands import recovered_of
from marketplace.pledges.lifecycle import COMMITTED
from marketplace.pledges.models import Pledge
from marketplace.proposals.models import Ask, AskLine, Proposal
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound


def duty_for(session: Session, actor: Actor, duty_id: UUID) -> Duty:
    """A duty of a pledge that the caller may see; NotFound otherwise."""
    duty: Duty = _one(session, _seen(actor, Duty).where(Duty.id == duty_id))
    return duty


def report_for(session: Session, actor: Actor, report_id: UUID) -> tuple[Report, Duty]:
    """A report on a pledge that the caller may see, and its duty; NotFound otherwise."""
    report: Report = _one(
        session,
        select(Report)
        .join(Duty, Duty.id == Report.duty_id)
        .join(Pledge, Pledge.id == Duty.pledge_id)
        .where(Report.id == report_id, pledges.may_see(actor)),
    )
    return report, session.get_one(Duty, report.duty_id)


def change_for(session: Session, actor: Actor, change_id: UUID) -> ChangeRequest:
    """A change request on a pledge that the caller may see; NotFound otherwise."""
    change: ChangeRequest = _one(session, _seen(actor, ChangeRequest).where(ChangeRequest.id == change_id))
    return change


def monitoring_for(session: Session, actor: Actor, pledge_id: UUID) -> tuple[Monitoring, Pledge]:
    """The monitoring of a pledge that the caller may see; NotFound before its agreement."""
    pledge = pledges.pledge_for(session, actor, pledge_id)
    return _one(session, select(Monitoring).where(Monitoring.pledge_id == pledge.id)), pledge


def proposal_duties(
    session: Session, actor: Actor, proposal_id: UUID, filters: dict[str, Any], after: UUID | None, limit: int
) -> list[Duty]:
    """What is owed to the funders of one proposal, oldest first, for the group; one more than `limit` if there are."""
    owner = session.scalar(select(Proposal.organisation_id).where(Proposal.id == proposal_id))
    if owner is None:
        raise NotFound()
    permit(actor, Action.READ_PLEDGE, owner)
    return _duties(session, actor, Pledge.proposal_id == proposal_id, filters, after, limit)


def organisation_duties(
    session: Session, actor: Actor, organisation_id: UUID, filters: dict[str, Any], after: UUID | None, limit: int
) -> list[Duty]:
    """What is owed to one funder, oldest first, for its members; one more than `limit` where there are more."""
    permit(actor, Action.READ_PLEDGE, organisation_id)
    return _duties(session, actor, Pledge.organisation_id == organisation_id, filters, after, limit)


def _duties(
    session: Session,
    actor: Actor,
    concerned: ColumnElement[bool],
    filters: dict[str, Any],
    after: UUID | None,
    limit: int,
) -> list[Duty]:
    query = _seen(actor, Duty).where(concerned)
    if "state" in filters:
        query = query.where(duty_state_at(today()) == filters["state"])
    if after is not None:
        query = query.where(Duty.id > after)
    return list(session.scalars(query.order_by(Duty.id).limit(limit + 1)))


def duty_state_at(day: date) -> ColumnElement[str]:
    """`rules.duty_state_at` in SQL."""
    return case(
        (and_(Duty.state == "open", Duty.due_on < day), literal("overdue")),
        (Duty.state == "open", literal("due")),
        else_=Duty.state,
    )


def reports_of(session: Session, actor: Actor, duty_id: UUID, after: UUID | None, limit: int) -> list[Report]:
    """A duty's reports, the newest first; one more than `limit` where there are more."""
    duty = duty_for(session, actor, duty_id)
    query = select(Report).where(Report.duty_id == duty.id)
    if after is not None:
        query = query.where(Report.id < after)
    return list(session.scalars(query.order_by(Report.id.desc()).limit(limit + 1)))


def changes_of(session: Session, actor: Actor, pledge_id: UUID, after: UUID | None, limit: int) -> list[ChangeRequest]:
    """A pledge's change requests, the newest first; one more than `limit` where there are more."""
    pledge = pledges.pledge_for(session, actor, pledge_id)
    query = select(ChangeRequest).where(ChangeRequest.pledge_id == pledge.id)
    if after is not None:
        query = query.where(ChangeRequest.id < after)
    return list(session.scalars(query.order_by(ChangeRequest.id.desc()).limit(limit + 1)))


def agreed_uses(session: Session, actor: Actor, pledge_id: UUID) -> list[AgreedUse]:
    """Every version of what a pledge's money is for, the newest first."""
    pledge = pledges.pledge_for(session, actor, pledge_id)
    query = select(AgreedUse).where(AgreedUse.pledge_id == pledge.id)
    return list(session.scalars(query.order_by(AgreedUse.number.desc())))


def current_use(session: Session, pledge_id: UUID) -> AgreedUse | None:
    """What the pledge's money is for now; None before its agreement."""
    query = select(AgreedUse).where(AgreedUse.pledge_id == pledge_id).order_by(AgreedUse.number.desc()).limit(1)
    return session.scalars(query).one_or_none()


def lock_monitoring(session: Session, pledge_id: UUID) -> Monitoring | None:
    """The monitoring row, locked and read afresh (after its pledge); None before the agreement."""
    query = select(Monitoring).where(Monitoring.pledge_id == pledge_id).with_for_update(key_share=True)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def duties_of(session: Session, pledge_id: UUID) -> list[Duty]:
    """The pledge's duties in their order, read afresh."""
    query = select(Duty).where(Duty.pledge_id == pledge_id).order_by(Duty.position)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def terms_of(session: Session, pledge: Pledge) -> ReportingTerms:
    """What the pledge has to report: as kept with it, or else what its programme asks of new offers (version 0)."""
    kept = session.get(ReportingTerms, pledge.id)
    if kept is not None:
        return kept
    template = session.get(ReportingTemplate, pledge.programme_id)
    return ReportingTerms(pledge_id=pledge.id, duties=template.duties if template else [], own=False, version=0)


def paid_in_cash(pledge: Pledge) -> int:
    """What was paid of the pledge, in minor units; what has come back of it is not taken off."""
    return sum(part.paid for part in pledge.parts)


def returned_freely(session: Session, pledge: Pledge) -> int:
    """What has come back without a demand, in minor units."""
    return sum(part.returned for part in pledge.parts) - recovered_of(session, pledge.id)


def books_of(session: Session, pledge: Pledge, monitoring: Monitoring) -> rules.Books:
    """What a report on that pledge is held against."""
    return rules.Books(
        paid=paid_in_cash(pledge),
        returned=returned_freely(session, pledge),
        spent=monitoring.spent,
        purposes=purposes_of(session, pledge),
        evidence=frozenset(session.scalars(select(Evidence.id).where(Evidence.proposal_id == pledge.proposal_id))),
    )


def purposes_of(session: Session, pledge: Pledge) -> frozenset[str]:
    """What the money may be reported for: the agreed lines of every version, or those of the ask."""
    uses = session.scalars(select(AgreedUse.lines).where(AgreedUse.pledge_id == pledge.id)).all()
    agreed = {line["purpose"] for lines in uses if lines for line in lines}
    asked = session.scalars(select(AskLine.purpose).join(Ask, Ask.id == AskLine.ask_id).where(Ask.id == pledge.ask_id))
    return frozenset(agreed | set(asked))


def spent_by_purpose(session: Session, pledge_id: UUID) -> dict[str, int]:
    """What the reports that stand say was spent for each purpose, in minor units."""
    rows = session.scalars(
        select(ReportSpend)
        .join(Report, Report.id == ReportSpend.report_id)
        .join(Duty, Duty.id == Report.duty_id)
        .where(Duty.pledge_id == pledge_id, Report.state != "sent_back")
        .order_by(ReportSpend.purpose)
    )
    spent: dict[str, int] = {}
    for row in rows:
        spent[row.purpose] = spent.get(row.purpose, 0) + row.amount
    return spent


def due_for_reminders(session: Session, day: date, after: UUID | None, limit: int) -> list[UUID]:
    """Open duties whose day is near or over, of pledges that owe reports; by id, at most `limit`."""
    query = (
        select(Duty.id)
        .join(Monitoring, Monitoring.pledge_id == Duty.pledge_id)
        .where(Duty.state == "open", Duty.due_on <= day + rules.REMINDED_AHEAD, Monitoring.state == "open")
    )
    if after is not None:
        query = query.where(Duty.id > after)
    return list(session.scalars(query.order_by(Duty.id).limit(limit)))


def spend_differs(session: Session, owners: Owners = None) -> list[str]:
    """For `flask reconcile`: monitorings whose `spent` is not what their reports say, or is more than was paid."""
    found = []
    looked_at = select(Monitoring).order_by(Monitoring.pledge_id)
    if owners is not None:
        looked_at = looked_at.where(Monitoring.pledge_id.in_(owners))
    for monitoring in session.scalars(looked_at):
        said = sum(spent_by_purpose(session, monitoring.pledge_id).values())
        paid = paid_in_cash(session.get_one(Pledge, monitoring.pledge_id))
        if said != monitoring.spent:
            found.append(f"monitoring {monitoring.pledge_id}: spent is {monitoring.spent}, its reports say {said}")
        if said > paid:
            found.append(f"monitoring {monitoring.pledge_id}: {said} spent of {paid} paid")
    return found


def _seen(actor: Actor, model: Any) -> Select[Any]:
    return select(model).join(Pledge, Pledge.id == model.pledge_id).where(pledges.may_see(actor))


def _one(session: Session, query: Select[Any]) -> Any:
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound()
    return found


def is_committed(pledge: Pledge) -> bool:
    """True while something of the pledge may still be paid."""
    return pledge.state in COMMITTED
