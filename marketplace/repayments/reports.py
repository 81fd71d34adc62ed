"""What makes something due: reported revenue that the funder confirms, and success events that evidence shows."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.evidence.models import Evidence, EvidenceVersion, Verification
from marketplace.pledges import lifecycle, queries
from marketplace.pledges.aggregate import hold_pledge
from marketplace.pledges.models import Pledge, PledgePart
from marketplace.pledges.rules import refuse_future
from marketplace.repayments import rules
from marketplace.repayments.models import RevenueReport, SuccessEvent
from marketplace.repayments.positions import due_of_years
from marketplace.repayments.service import said, the_part
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.permissions import Action
from marketplace.values.refusals import NotFound


def report_revenue(session: Session, actor: Actor, pledge_id: UUID, draft: dict[str, Any]) -> RevenueReport:
    """Report a year's revenue for the group (match trading: its trading income), once a year unless it was rejected."""
    pledge, _, _ = hold_pledge(session, actor, pledge_id, Action.REPORT_REVENUE, for_group=True)
    refuse_future(draft["year_ended_on"], today(), "#/year_ended_on")
    part = the_part(pledge, draft.get("part_id"), rules.REPORTING)
    if draft["revenue"].currency != pledge.currency:
        raise rules.CurrencyDiffers("Give the revenue in the pledge's currency.", pointer="#/revenue/currency")
    if pledge.state not in lifecycle.BINDING | {"terminated", "clawed_back"}:
        raise rules.NothingRepayable("The pledge was not accepted.")
    report = RevenueReport(
        pledge_id=pledge.id,
        part_id=part.id,
        year_ended_on=draft["year_ended_on"],
        revenue=draft["revenue"].amount,
        free_cash_was_negative=draft["free_cash_was_negative"],
        reported_by=actor.person,
    )
    session.add(report)
    session.flush()
    _say(session, actor, pledge, report)
    return report


def confirm_revenue(session: Session, actor: Actor, report_id: UUID) -> RevenueReport:
    """Confirm for the funder: from now on the year counts, and its share falls due."""
    report, pledge = _held(session, actor, report_id)
    if actor.person == report.reported_by:
        raise rules.SecondPersonNeeded("Whoever reported the revenue cannot confirm it.")
    return _decide(session, actor, pledge, report, "confirmed", None)


def reject_revenue(session: Session, actor: Actor, report_id: UUID, reason: dict[str, str]) -> RevenueReport:
    """Reject for the funder, with the reason; the group may report that year again."""
    report, pledge = _held(session, actor, report_id)
    return _decide(session, actor, pledge, report, "rejected", reason)


def revenue_reports_of(
    session: Session, actor: Actor, pledge_id: UUID, after: UUID | None, limit: int
) -> list[RevenueReport]:
    """A pledge's revenue reports, newest first, for its two parties; one more than `limit` where there are more."""
    pledge = queries.pledge_for(session, actor, pledge_id)
    query = select(RevenueReport).where(RevenueReport.pledge_id == pledge.id)
    if after is not None:
        query = query.where(RevenueReport.id < after)
    return list(session.scalars(query.order_by(RevenueReport.id.desc()).limit(limit + 1)))


def with_dues(session: Session, reports: Sequence[RevenueReport]) -> list[dict[str, Any]]:
    """The reports with what each makes due, or would if it were confirmed beside those that are, in minor units."""
    return [_with_due(session, report) for report in reports]


def record_success(session: Session, actor: Actor, pledge_id: UUID, told: dict[str, Any]) -> SuccessEvent:
    """Record for the funder that the event happened on which a recoverable grant is repaid; EventNotShown otherwise."""
    pledge, _, _ = hold_pledge(session, actor, pledge_id, Action.RECORD_REPAYMENT)
    refuse_future(told["happened_on"], today(), "#/happened_on")
    part = the_part(pledge, told.get("part_id"), {"recoverable_grant"})
    if part.financial_terms is None or not part.paid:
        raise rules.NothingRepayable("Nothing was paid under terms that name an event.")
    if not _shows(session, pledge, part, told["evidence_version_id"]):
        raise rules.EventNotShown(
            "Name evidence of the proposal that you or one you named accepted, for the milestone of the terms.",
            milestone=part.financial_terms.get("milestone"),
        )
    event = SuccessEvent(
        pledge_id=pledge.id,
        part_id=part.id,
        happened_on=told["happened_on"],
        evidence_version_id=told["evidence_version_id"],
        recorded_by=actor.person,
    )
    session.add(event)
    pledge.version += 1
    session.flush()
    after = {"happened_on": str(event.happened_on), "evidence_version_id": str(event.evidence_version_id)}
    said(session, actor, pledge, "success_event.recorded", "success_event", event.id, after)
    return event


def _shows(session: Session, pledge: Pledge, part: PledgePart, version_id: UUID) -> bool:
    query = (
        select(Evidence.milestone)
        .join(EvidenceVersion, EvidenceVersion.evidence_id == Evidence.id)
        .join(Verification, Verification.evidence_version_id == EvidenceVersion.id)
        .where(
            EvidenceVersion.id == version_id,
            Evidence.proposal_id == pledge.proposal_id,
            Verification.decision == "accepted",
            Verification.verifier_organisation_id.in_([pledge.organisation_id, *pledge.verifier_organisation_ids]),
        )
    )
    wanted = (part.financial_terms or {}).get("milestone")
    return any(wanted is None or found == wanted for found in session.scalars(query))


def _held(session: Session, actor: Actor, report_id: UUID) -> tuple[RevenueReport, Pledge]:
    found = session.get(RevenueReport, report_id)
    if found is None:
        raise NotFound()
    pledge, _, _ = hold_pledge(session, actor, found.pledge_id, Action.CONFIRM_REVENUE)
    report = session.get_one(RevenueReport, report_id, populate_existing=True)
    if report.state != "reported":
        raise lifecycle.NoSuchStep(f"A report that is {report.state} is decided.", state=report.state)
    return report, pledge


def _decide(
    session: Session, actor: Actor, pledge: Pledge, report: RevenueReport, state: str, reason: dict[str, str] | None
) -> RevenueReport:
    report.state, report.decided_by, report.decided_on, report.reason = state, actor.person, today(), reason
    report.version += 1
    pledge.version += 1
    session.flush()
    _say(session, actor, pledge, report)
    return report


def _with_due(session: Session, report: RevenueReport) -> dict[str, Any]:
    part = session.get_one(PledgePart, report.part_id)
    counted = session.scalars(
        select(RevenueReport).where(RevenueReport.part_id == report.part_id, RevenueReport.state == "confirmed")
    )
    years = sorted({*counted, report}, key=lambda each: each.year_ended_on)
    due = 0 if report.state == "rejected" else due_of_years(part, years)[years.index(report)]
    due_on = rules.due_after(report.decided_on) if report.state == "confirmed" and report.decided_on else None
    shown = {column.name: getattr(report, column.name) for column in report.__table__.columns}
    return {**shown, "instrument": part.instrument, "due": due, "due_on": due_on if due else None}


def _say(session: Session, actor: Actor, pledge: Pledge, report: RevenueReport) -> None:
    after = {"state": report.state, "year_ended_on": str(report.year_ended_on), "revenue": report.revenue}
    said(session, actor, pledge, f"revenue_report.{report.state}", "revenue_report", report.id, after)
