"""Reporting terms, duties, reports and the end of the monitoring: what a group owes after the money, and to whom.

The pledge is held as pledges.aggregate says, its monitoring after it. Flushes, never commits.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.monitoring import queries, rules
from marketplace.monitoring.models import (
    AgreedUse,
    Duty,
    Monitoring,
    Report,
    ReportingTemplate,
    ReportingTerms,
    ReportSpend,
)
from marketplace.pledges.aggregate import hold_pledge
from marketplace.pledges.models import Pledge, Tranche
from marketplace.programmes.service import own_programme, programme_seen
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action
from marketplace.values.reasons import Reason, unmet
from marketplace.values.refusals import NotFound

Precondition = Callable[[Any], None]


# What has to be reported


def template_of(session: Session, actor: Actor, programme_id: UUID) -> ReportingTemplate:
    """What a programme that the caller may see asks of new offers; version 0 where it never said."""
    programme = programme_seen(session, actor, programme_id)
    kept = session.get(ReportingTemplate, programme.id)
    return kept or ReportingTemplate(programme_id=programme.id, duties=[], version=0)


def set_template(
    session: Session, actor: Actor, programme_id: UUID, duties: Sequence[dict[str, Any]], precondition: Precondition
) -> ReportingTemplate:
    """Set what new offers of a programme have to report; offers that were made keep theirs."""
    programme = own_programme(session, actor, programme_id, Action.WRITE_PROGRAMME, lock=True)
    template = session.get(ReportingTemplate, programme.id, populate_existing=True)
    precondition(template or ReportingTemplate(programme_id=programme.id, version=0))
    if template is None:
        template = ReportingTemplate(programme_id=programme.id, version=0)
        session.add(template)
    template.duties = _kept(rules.plan_duties(duties))
    template.version += 1
    session.flush()
    journal.record(
        session, "programme.reporting_set", "programme", programme.id, actor=actor,
        audience=journal.only(programme.organisation_id), path=f"/v1/programmes/{programme.id}/reporting-template",
        after=template.duties,
    )  # fmt: skip
    return template


def set_terms(
    session: Session, actor: Actor, pledge_id: UUID, duties: Sequence[dict[str, Any]], precondition: Precondition
) -> ReportingTerms:
    """Set what one pledge has to report, before its offer is made. TermsFixed afterwards."""
    pledge, _, _ = hold_pledge(session, actor, pledge_id, Action.WRITE_PLEDGE)
    terms = session.get(ReportingTerms, pledge.id, populate_existing=True)
    precondition(terms or queries.terms_of(session, pledge))
    if pledge.state not in {"draft", "indicated"}:
        raise rules.TermsFixed("What has been offered is changed by a new pledge.", state=pledge.state)
    if terms is None:
        terms = ReportingTerms(pledge_id=pledge.id, own=True, version=0)
        session.add(terms)
    terms.duties, terms.own = _kept(rules.plan_duties(duties)), True
    terms.version += 1
    session.flush()
    parties = [pledge.organisation_id, *([pledge.group_organisation_id] if pledge.shown_at else [])]
    journal.record(
        session, "pledge.reporting_set", "pledge", pledge.id, actor=actor, audience=journal.only(*parties),
        path=f"/v1/pledges/{pledge.id}/reporting-terms", after=terms.duties,
    )  # fmt: skip
    return terms


def pin_terms(session: Session, pledge: Pledge) -> None:
    """Keep with an offer what its programme asks on that day, unless the offer says something of its own."""
    terms = queries.terms_of(session, pledge)
    if terms.version == 0:
        terms.version = 1
        session.add(terms)
        session.flush()


def open_monitoring(session: Session, pledge: Pledge) -> None:
    """With the agreement the monitoring is opened, its duties are made, and the agreed use is version 1."""
    terms = queries.terms_of(session, pledge)
    session.add(Monitoring(pledge_id=pledge.id, state="open", spent=0))
    session.add(AgreedUse(pledge_id=pledge.id, number=1, amount=_left(pledge)))
    signed_on = pledge.signed_on or today()
    for place, plan in enumerate(_plans(terms.duties)):
        session.add(
            Duty(
                pledge_id=pledge.id,
                position=place,
                kind=plan.kind,
                due_on=rules.due_day(plan, signed_on, None),
                months=plan.months,
                counted_from=plan.counted_from,
            )
        )
    session.flush()


def payments_changed(session: Session, pledge: Pledge) -> None:
    """Duties that count from the first payment get their day from it, and lose it when it is undone."""
    paid = [each.paid_on for part in pledge.parts for each in part.tranches if each.state == "paid" and each.paid_on]
    for duty in queries.duties_of(session, pledge.id):
        if duty.counted_from == "first_payment" and duty.state == "open":
            plan = rules.DutyPlan(duty.kind, None, duty.months, duty.counted_from)
            due_on = rules.due_day(plan, pledge.signed_on or today(), min(paid, default=None))
            if due_on != duty.due_on:
                duty.due_on, duty.version = due_on, duty.version + 1
    session.flush()


def payment_reasons(session: Session, tranche: Tranche) -> list[Reason]:
    """What the reports on the tranche's pledge say to its payment."""
    duties = queries.duties_of(session, tranche.part.pledge_id)
    overdue = [str(each.id) for each in duties if rules.duty_state_at(each.state, each.due_on, today()) == "overdue"]
    return rules.overdue_reasons(overdue, closing_given=not tranche.part.in_kind and _closing_given(duties))


def reversal_reasons(session: Session, tranche: Tranche) -> list[Reason]:
    """What the reports on the tranche's pledge say to undoing its payment."""
    monitoring = queries.lock_monitoring(session, tranche.part.pledge_id)
    if monitoring is None or tranche.part.in_kind:
        return []
    left = queries.paid_in_cash(tranche.part.pledge) - tranche.amount
    given = _closing_given(queries.duties_of(session, tranche.part.pledge_id))
    return rules.spend_covered(monitoring.spent, left, closing_given=given)


# Reporting


def submit_report(session: Session, actor: Actor, duty_id: UUID, draft: dict[str, Any]) -> Report:
    """Report for the group. ReportWrong names every fault: spend beyond what was paid, what a closing report lacks."""
    pledge, duty, monitoring = _held(session, actor, duty_id, Action.SUBMIT_EVIDENCE, for_group=True)
    duty.state = rules.step(rules.DUTY, "duty", duty.state, "submit")
    faults = rules.report_faults(duty.kind, draft, queries.books_of(session, pledge, monitoring))
    if faults:
        raise rules.ReportWrong("`errors` names each fault.", errors=faults)
    report = Report(
        duty_id=duty.id,
        number=1 + (session.scalar(select(func.max(Report.number)).where(Report.duty_id == duty.id)) or 0),
        words=draft["words"],
        evidence_ids=list(draft.get("evidence_ids", [])),
        outcome=draft.get("outcome"),
        lessons=draft.get("lessons"),
        additionality=draft.get("additionality"),
        underspend=draft.get("underspend"),
        submitted_by=actor.person,
        spend=[ReportSpend(**line) for line in draft.get("spend", [])],
    )
    session.add(report)
    monitoring.spent += report.spent
    _raise(duty, monitoring)
    session.flush()
    _record(session, actor, pledge, report, "report.submitted")
    return report


def accept_report(session: Session, actor: Actor, report_id: UUID) -> Report:
    """Accept a report for the funder; a closing report's underspend is then what has to come back."""
    pledge, duty, monitoring, report = _decided(session, actor, report_id)
    duty.state = rules.step(rules.DUTY, "duty", duty.state, "accept")
    report.state = "accepted"
    _decide(actor, report)
    if duty.kind == "closing":
        monitoring.underspend = report.underspend
    _raise(duty, monitoring)
    session.flush()
    _record(session, actor, pledge, report, "report.accepted")
    return report


def send_back_report(session: Session, actor: Actor, report_id: UUID, reason: dict[str, str]) -> Report:
    """Send a report back, with the reason: the duty is open again, and what it said was spent counts no more."""
    pledge, duty, monitoring, report = _decided(session, actor, report_id)
    if report.state == "sent_back":
        raise rules.NoSuchStep("The report was sent back already.", state=report.state)
    duty.state = rules.step(rules.DUTY, "duty", duty.state, "send_back")
    report.state = "sent_back"
    _decide(actor, report)
    report.reason = reason
    monitoring.spent -= report.spent
    if duty.kind == "closing":
        monitoring.underspend = None
    _raise(duty, monitoring)
    session.flush()
    _record(session, actor, pledge, report, "report.sent_back")
    return report


def waive_duty(session: Session, actor: Actor, duty_id: UUID, reason: dict[str, str]) -> Duty:
    """Renounce a duty for the funder, with the reason."""
    pledge, duty, monitoring = _held(session, actor, duty_id, Action.MANAGE_TRANCHE)
    _refuse_group(actor, pledge)
    duty.state = rules.step(rules.DUTY, "duty", duty.state, "waive")
    duty.reason = reason
    _raise(duty, monitoring)
    session.flush()
    journal.record(
        session, "duty.waived", "duty", duty.id, actor=actor, audience=_parties(pledge), path=f"/v1/duties/{duty.id}",
        after={"state": duty.state},
    )  # fmt: skip
    return duty


def close_monitoring(session: Session, actor: Actor, pledge_id: UUID) -> tuple[Monitoring, Pledge]:
    """Close the monitoring for the funder. NotClosable names what is missing: reports, payments, the underspend."""
    pledge, _, _ = hold_pledge(session, actor, pledge_id, Action.MANAGE_TRANCHE)
    monitoring = _open_monitoring(session, pledge.id)
    _refuse_group(actor, pledge)
    duties = queries.duties_of(session, pledge.id)
    closing = rules.Closing(
        unanswered=[str(each.id) for each in duties if each.state not in rules.ANSWERED],
        pledge_committed=queries.is_committed(pledge),
        underspend=monitoring.underspend or 0,
        returned=queries.returned_freely(session, pledge),
        demanded=sum(each.demanded for part in pledge.parts for each in part.tranches),
    )
    missing = unmet(rules.closing_reasons(closing))
    if missing:
        raise rules.NotClosable("`reasons` names what is missing.", reasons=[each.as_json() for each in missing])
    monitoring.state = rules.step(rules.MONITORING, "monitoring", monitoring.state, "close")
    monitoring.closed_by, monitoring.closed_at = actor.person, now()
    monitoring.version += 1
    session.flush()
    journal.record(
        session, "monitoring.closed", "pledge", pledge.id, actor=actor, audience=_parties(pledge),
        path=f"/v1/pledges/{pledge.id}/monitoring", after={"spent": monitoring.spent},
    )  # fmt: skip
    return monitoring, pledge


def _kept(plans: Sequence[rules.DutyPlan]) -> list[dict[str, Any]]:
    """Duties as JSON."""
    return [
        {
            "kind": plan.kind,
            "due_on": plan.due_on.isoformat() if plan.due_on else None,
            "months": plan.months,
            "counted_from": plan.counted_from,
        }
        for plan in plans
    ]


def _plans(duties: Sequence[dict[str, Any]]) -> list[rules.DutyPlan]:
    """`_kept` undone."""
    return [
        rules.DutyPlan(
            each["kind"],
            date.fromisoformat(each["due_on"]) if each["due_on"] else None,
            each["months"],
            each["counted_from"],
        )
        for each in duties
    ]


def _left(pledge: Pledge) -> int:
    return sum(part.amount - part.cancelled for part in pledge.parts)


def _held(
    session: Session, actor: Actor, duty_id: UUID, action: Action, *, for_group: bool = False
) -> tuple[Pledge, Duty, Monitoring]:
    duty = queries.duty_for(session, actor, duty_id)
    pledge, _, _ = hold_pledge(session, actor, duty.pledge_id, action, for_group=for_group)
    monitoring = _open_monitoring(session, pledge.id)
    return pledge, session.get_one(Duty, duty_id, populate_existing=True), monitoring


def _open_monitoring(session: Session, pledge_id: UUID) -> Monitoring:
    monitoring = queries.lock_monitoring(session, pledge_id)
    if monitoring is None:
        raise NotFound()
    if monitoring.state == "closed":
        raise rules.MonitoringClosed("Nothing is reported or decided any more.")
    return monitoring


def _decided(session: Session, actor: Actor, report_id: UUID) -> tuple[Pledge, Duty, Monitoring, Report]:
    report, duty = queries.report_for(session, actor, report_id)
    pledge, duty, monitoring = _held(session, actor, duty.id, Action.MANAGE_TRANCHE)
    report = session.get_one(Report, report_id, populate_existing=True)
    _refuse_group(actor, pledge)
    if report.submitted_by == actor.person:
        raise rules.SecondPersonDecides("Whoever reported does not decide on the report.")
    return pledge, duty, monitoring, report


def _refuse_group(actor: Actor, pledge: Pledge) -> None:
    if actor.membership_in(pledge.group_organisation_id) is not None:
        raise rules.SecondPersonDecides("A member of the group does not decide for the funder.")


def _decide(actor: Actor, report: Report) -> None:
    report.decided_by, report.decided_at = actor.person, now()
    report.version += 1


def _closing_given(duties: Sequence[Duty]) -> bool:
    return any(each.kind == "closing" and each.state in rules.GIVEN for each in duties)


def _raise(duty: Duty, monitoring: Monitoring) -> None:
    duty.version += 1
    monitoring.version += 1


def _parties(pledge: Pledge) -> journal.Audience:
    return journal.only(pledge.organisation_id, pledge.group_organisation_id)


def _record(session: Session, actor: Actor, pledge: Pledge, report: Report, type_: str) -> None:
    journal.record(
        session, type_, "report", report.id, actor=actor, audience=_parties(pledge), path=f"/v1/reports/{report.id}",
        after={"state": report.state, "spent": report.spent, "underspend": report.underspend},
    )  # fmt: skip
