"""Repayments over HTTP. Steps that move or bind money ask for an Idempotency-Key."""

from typing import Any
from uuid import UUID

from marketplace.instruments.loans import InstalmentNow
from marketplace.pledges.models import Pledge
from marketplace.repayments import reports, reschedules, schemas, service, write_offs
from marketplace.repayments.models import Repayment, Reschedule, RevenueReport, SuccessEvent, WriteOff
from marketplace.repayments.positions import PartStanding, Standing
from marketplace.store.base import session
from marketplace.values.clock import today
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

repayments = MarketBlueprint("repayments", __name__, description="What comes back, when, and what does not")


@repayments.get("/pledges/<uuid:pledge_id>/repayment-schedule")
@repayments.response(200, schemas.RepaymentScheduleView)
def get_pledge_repayment_schedule(pledge_id: UUID) -> dict[str, Any]:
    """Read what a pledge's repayable parts owe, instalment by instalment."""
    pledge, standings = service.repayment_schedule(session(), current_actor(), pledge_id)
    return _schedule(pledge, standings)


@repayments.post("/pledges/<uuid:pledge_id>/repayments")
@writes(key_required=True)
@repayments.arguments(schemas.RepaymentDraft)
@repayments.response(201, schemas.RepaymentView)
def post_repayment(told: dict[str, Any], pledge_id: UUID) -> Repayment:
    """Record money that came back on a pledge."""
    return service.record_repayment(session(), current_actor(), pledge_id, told)


@repayments.get("/pledges/<uuid:pledge_id>/repayments")
@repayments.arguments(PageQuery, location="query")
@repayments.response(200, page_of(schemas.RepaymentView))
def list_repayments(query: dict[str, Any], pledge_id: UUID) -> dict[str, Any]:
    """List what came back on a pledge, newest first."""
    rows = service.repayments_of(session(), current_actor(), pledge_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@repayments.post("/pledges/<uuid:pledge_id>/reschedules")
@writes(key_required=True)
@repayments.arguments(schemas.RescheduleDraft)
@repayments.response(201, schemas.RescheduleView)
def post_reschedule(draft: dict[str, Any], pledge_id: UUID) -> Reschedule:
    """Propose another term for what a tranche still owes."""
    return reschedules.propose(session(), current_actor(), pledge_id, draft)


@repayments.get("/pledges/<uuid:pledge_id>/reschedules")
@repayments.arguments(PageQuery, location="query")
@repayments.response(200, page_of(schemas.RescheduleView))
def list_reschedules(query: dict[str, Any], pledge_id: UUID) -> dict[str, Any]:
    """List a pledge's reschedules, newest first."""
    rows = reschedules.reschedules_of(session(), current_actor(), pledge_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@repayments.post("/reschedules/<uuid:reschedule_id>/acceptance")
@writes(key_required=True)
@repayments.response(200, schemas.RescheduleView)
def post_reschedule_acceptance(reschedule_id: UUID) -> Reschedule:
    """Accept what the other side proposed; a new schedule is made."""
    return reschedules.accept(session(), current_actor(), reschedule_id)


@repayments.post("/reschedules/<uuid:reschedule_id>/decline")
@writes
@repayments.response(200, schemas.RescheduleView)
def post_reschedule_decline(reschedule_id: UUID) -> Reschedule:
    """Decline what the other side proposed, or take back your own proposal."""
    return reschedules.decline(session(), current_actor(), reschedule_id)


@repayments.post("/pledges/<uuid:pledge_id>/write-offs")
@writes(key_required=True)
@repayments.arguments(schemas.WriteOffDraft)
@repayments.response(201, schemas.WriteOffView)
def post_write_off(draft: dict[str, Any], pledge_id: UUID) -> WriteOff:
    """Ask for principal to be written off, or forgiven."""
    return write_offs.request(session(), current_actor(), pledge_id, draft)


@repayments.get("/pledges/<uuid:pledge_id>/write-offs")
@repayments.arguments(PageQuery, location="query")
@repayments.response(200, page_of(schemas.WriteOffView))
def list_write_offs(query: dict[str, Any], pledge_id: UUID) -> dict[str, Any]:
    """List a pledge's write-offs, newest first; the group sees those that were approved."""
    rows = write_offs.write_offs_of(session(), current_actor(), pledge_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@repayments.post("/write-offs/<uuid:write_off_id>/approval")
@writes(key_required=True)
@repayments.response(200, schemas.WriteOffView)
def post_write_off_approval(write_off_id: UUID) -> WriteOff:
    """Approve a write-off, as a second person."""
    return write_offs.approve(session(), current_actor(), write_off_id)


@repayments.post("/write-offs/<uuid:write_off_id>/refusal")
@writes
@repayments.response(200, schemas.WriteOffView)
def post_write_off_refusal(write_off_id: UUID) -> WriteOff:
    """Refuse a write-off, as a second person."""
    return write_offs.refuse(session(), current_actor(), write_off_id)


@repayments.post("/pledges/<uuid:pledge_id>/revenue-reports")
@writes(key_required=True)
@repayments.arguments(schemas.RevenueReportDraft)
@repayments.response(201, schemas.RevenueReportView)
def post_revenue_report(draft: dict[str, Any], pledge_id: UUID) -> dict[str, Any]:
    """Report a year's revenue for the group."""
    current = session()
    return _report(reports.report_revenue(current, current_actor(), pledge_id, draft))


@repayments.get("/pledges/<uuid:pledge_id>/revenue-reports")
@repayments.arguments(PageQuery, location="query")
@repayments.response(200, page_of(schemas.RevenueReportView))
def list_revenue_reports(query: dict[str, Any], pledge_id: UUID) -> dict[str, Any]:
    """List a pledge's revenue reports, newest first."""
    current, limit = session(), query["limit"]
    rows = reports.revenue_reports_of(current, current_actor(), pledge_id, after_id(query), limit)
    page = cut(rows, limit, by_id)
    return {**paged(page), "data": reports.with_dues(current, page.items)}


@repayments.post("/revenue-reports/<uuid:report_id>/confirmation")
@writes(key_required=True)
@repayments.response(200, schemas.RevenueReportView)
def post_revenue_report_confirmation(report_id: UUID) -> dict[str, Any]:
    """Confirm a year's revenue for the funder; its share falls due."""
    return _report(reports.confirm_revenue(session(), current_actor(), report_id))


@repayments.post("/revenue-reports/<uuid:report_id>/rejection")
@writes
@repayments.arguments(schemas.RejectionDraft)
@repayments.response(200, schemas.RevenueReportView)
def post_revenue_report_rejection(rejection: dict[str, Any], report_id: UUID) -> dict[str, Any]:
    """Reject a year's revenue for the funder, with the reason."""
    return _report(reports.reject_revenue(session(), current_actor(), report_id, rejection["reason"]))


@repayments.post("/pledges/<uuid:pledge_id>/success-event")
@writes(key_required=True)
@repayments.arguments(schemas.SuccessEventDraft)
@repayments.response(201, schemas.SuccessEventView)
def post_success_event(told: dict[str, Any], pledge_id: UUID) -> SuccessEvent:
    """Record that the event happened on which a recoverable grant is repaid."""
    return reports.record_success(session(), current_actor(), pledge_id, told)


def _report(report: RevenueReport) -> dict[str, Any]:
    return reports.with_dues(session(), [report])[0]


def _schedule(pledge: Pledge, standings: list[PartStanding]) -> dict[str, Any]:
    return {
        "pledge_id": pledge.id,
        "currency": pledge.currency,
        "as_of": today(),
        "parts": [_part(standing) for standing in standings],
    }


def _part(standing: PartStanding) -> dict[str, Any]:
    part = standing.part
    figures = ("instrument", "paid", "returned", "repaid", "written_off", "outstanding")
    return {
        "part_id": part.id,
        **{name: getattr(part, name) for name in figures},
        **{name: getattr(standing, name) for name in ("due", "overdue", "owed", "success_event")},
        "schedules": [_tranche(each) for each in standing.tranches if each.kept is not None],
        "dues": [
            {
                "due_on": each.instalment.due_on,
                "principal": each.instalment.capital,
                "premium": each.instalment.interest,
                "paid": each.capital_paid,
                "state": each.state,
            }
            for each in standing.dues
        ],
    }


def _tranche(standing: Standing) -> dict[str, Any]:
    kept, position = standing.kept, standing.position
    assert kept is not None and position is not None  # noqa: S101, PT018
    names = ("tranche_id", "number", "starts_on", "principal", "fee", "brought_interest", "terms")
    return {
        **{name: getattr(kept, name) for name in names},
        "capital": position.capital,
        "interest_due": position.interest_due,
        "instalments": [_instalment(each) for each in position.instalments],
    }


def _instalment(now: InstalmentNow) -> dict[str, Any]:
    each = now.instalment
    names = ("number", "due_on", "opening", "interest", "capital", "payment", "balance")
    paid = now.capital_paid + now.interest_paid
    return {**{name: getattr(each, name) for name in names}, "paid": paid, "state": now.state}
