"""Reporting duties, reports and changes of use over HTTP. What binds money asks for an Idempotency-Key."""

from typing import Any
from uuid import UUID

from marketplace.monitoring import changes, queries, schemas, service
from marketplace.monitoring.models import (
    ChangeRequest,
    Duty,
    Monitoring,
    Report,
    ReportingTemplate,
    ReportingTerms,
)
from marketplace.pledges import queries as pledges
from marketplace.pledges.models import Pledge
from marketplace.pledges.schemas import ReasonDraft
from marketplace.store.base import session
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

monitoring = MarketBlueprint("monitoring", __name__, description="What became of the money, reported and answered")


@monitoring.get("/programmes/<uuid:programme_id>/reporting-template")
@monitoring.response(200, schemas.ReportingTemplateView)
def get_reporting_template(programme_id: UUID) -> ReportingTemplate:
    """Read what new offers of a programme have to report."""
    return tagged(service.template_of(session(), current_actor(), programme_id))


@monitoring.put("/programmes/<uuid:programme_id>/reporting-template")
@writes
@monitoring.arguments(schemas.ReportingDraft)
@monitoring.response(200, schemas.ReportingTemplateView)
def put_reporting_template(draft: dict[str, Any], programme_id: UUID) -> ReportingTemplate:
    """Set what new offers of a programme have to report."""
    return tagged(service.set_template(session(), current_actor(), programme_id, draft["duties"], if_match))


@monitoring.get("/pledges/<uuid:pledge_id>/reporting-terms")
@monitoring.response(200, schemas.ReportingTermsView)
def get_reporting_terms(pledge_id: UUID) -> ReportingTerms:
    """Read what a pledge has to report."""
    pledge = pledges.pledge_for(session(), current_actor(), pledge_id)
    return tagged(queries.terms_of(session(), pledge))


@monitoring.put("/pledges/<uuid:pledge_id>/reporting-terms")
@writes
@monitoring.arguments(schemas.ReportingDraft)
@monitoring.response(200, schemas.ReportingTermsView)
def put_reporting_terms(draft: dict[str, Any], pledge_id: UUID) -> ReportingTerms:
    """Set what one pledge has to report, before its offer."""
    return tagged(service.set_terms(session(), current_actor(), pledge_id, draft["duties"], if_match))


@monitoring.get("/proposals/<uuid:proposal_id>/duties")
@monitoring.arguments(schemas.DutyQuery, location="query")
@monitoring.response(200, page_of(schemas.DutyView))
def list_proposal_duties(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """List the reports that a proposal's group owes."""
    limit = query["limit"]
    rows = queries.proposal_duties(session(), current_actor(), proposal_id, query, after_id(query), limit)
    return paged(cut(rows, limit, by_id))


@monitoring.get("/organisations/<uuid:organisation_id>/duties")
@monitoring.arguments(schemas.DutyQuery, location="query")
@monitoring.response(200, page_of(schemas.DutyView))
def list_organisation_duties(query: dict[str, Any], organisation_id: UUID) -> dict[str, Any]:
    """List the reports that are owed to a funder."""
    limit = query["limit"]
    rows = queries.organisation_duties(session(), current_actor(), organisation_id, query, after_id(query), limit)
    return paged(cut(rows, limit, by_id))


@monitoring.get("/duties/<uuid:duty_id>")
@monitoring.response(200, schemas.DutyView)
def get_duty(duty_id: UUID) -> Duty:
    """Read what has to be reported."""
    return tagged(queries.duty_for(session(), current_actor(), duty_id))


@monitoring.post("/duties/<uuid:duty_id>/waiver")
@writes
@monitoring.arguments(ReasonDraft)
@monitoring.response(200, schemas.DutyView)
def post_duty_waiver(body: dict[str, Any], duty_id: UUID) -> Duty:
    """Renounce a report that is owed."""
    return tagged(service.waive_duty(session(), current_actor(), duty_id, body["reason"]))


@monitoring.post("/duties/<uuid:duty_id>/reports")
@writes(key_required=True)
@monitoring.arguments(schemas.ReportDraft)
@monitoring.response(201, schemas.ReportView)
def post_report(draft: dict[str, Any], duty_id: UUID) -> Report:
    """Report for the group."""
    made = service.submit_report(session(), current_actor(), duty_id, draft)
    located(f"/v1/reports/{made.id}")
    return tagged(made)


@monitoring.get("/duties/<uuid:duty_id>/reports")
@monitoring.arguments(PageQuery, location="query")
@monitoring.response(200, page_of(schemas.ReportView))
def list_reports(query: dict[str, Any], duty_id: UUID) -> dict[str, Any]:
    """List what was reported for a duty, the newest first."""
    rows = queries.reports_of(session(), current_actor(), duty_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@monitoring.get("/reports/<uuid:report_id>")
@monitoring.response(200, schemas.ReportView)
def get_report(report_id: UUID) -> Report:
    """Read a report."""
    return tagged(queries.report_for(session(), current_actor(), report_id)[0])


@monitoring.post("/reports/<uuid:report_id>/acceptance")
@writes(key_required=True)
@monitoring.response(200, schemas.ReportView)
def post_report_acceptance(report_id: UUID) -> Report:
    """Accept a report."""
    return tagged(service.accept_report(session(), current_actor(), report_id))


@monitoring.post("/reports/<uuid:report_id>/rejection")
@writes
@monitoring.arguments(ReasonDraft)
@monitoring.response(200, schemas.ReportView)
def post_report_rejection(body: dict[str, Any], report_id: UUID) -> Report:
    """Send a report back to the group."""
    return tagged(service.send_back_report(session(), current_actor(), report_id, body["reason"]))


@monitoring.get("/pledges/<uuid:pledge_id>/monitoring")
@monitoring.response(200, schemas.MonitoringView)
def get_monitoring(pledge_id: UUID) -> dict[str, Any]:
    """Read what became of a pledge's money."""
    return _shown(*queries.monitoring_for(session(), current_actor(), pledge_id))


@monitoring.post("/pledges/<uuid:pledge_id>/monitoring/closure")
@writes(key_required=True)
@monitoring.response(200, schemas.MonitoringView)
def post_monitoring_closure(pledge_id: UUID) -> dict[str, Any]:
    """Close the monitoring, once everything is reported and the underspend has come back."""
    return _shown(*service.close_monitoring(session(), current_actor(), pledge_id))


@monitoring.get("/pledges/<uuid:pledge_id>/agreed-uses")
@monitoring.response(200, schemas.AgreedUsesView)
def list_agreed_uses(pledge_id: UUID) -> dict[str, Any]:
    """List what a pledge's money is and was for, the newest version first."""
    return {"data": queries.agreed_uses(session(), current_actor(), pledge_id)}


@monitoring.post("/pledges/<uuid:pledge_id>/change-requests")
@writes(key_required=True)
@monitoring.arguments(schemas.ChangeDraft)
@monitoring.response(201, schemas.ChangeRequestView)
def post_change_request(draft: dict[str, Any], pledge_id: UUID) -> ChangeRequest:
    """Ask for a change of a pledge's use, end, lines or amount."""
    made = changes.ask_change(session(), current_actor(), pledge_id, draft)
    located(f"/v1/change-requests/{made.id}")
    return tagged(made)


@monitoring.get("/pledges/<uuid:pledge_id>/change-requests")
@monitoring.arguments(PageQuery, location="query")
@monitoring.response(200, page_of(schemas.ChangeRequestView))
def list_change_requests(query: dict[str, Any], pledge_id: UUID) -> dict[str, Any]:
    """List the changes that were asked of a pledge, the newest first."""
    rows = queries.changes_of(session(), current_actor(), pledge_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@monitoring.get("/change-requests/<uuid:change_id>")
@monitoring.response(200, schemas.ChangeRequestView)
def get_change_request(change_id: UUID) -> ChangeRequest:
    """Read a change request."""
    return tagged(queries.change_for(session(), current_actor(), change_id))


@monitoring.post("/change-requests/<uuid:change_id>/acceptance")
@writes(key_required=True)
@monitoring.response(200, schemas.ChangeRequestView)
def post_change_request_acceptance(change_id: UUID) -> ChangeRequest:
    """Agree to a change; a decrease frees exactly that much of the unpaid rest."""
    return tagged(changes.accept_change(session(), current_actor(), change_id))


@monitoring.post("/change-requests/<uuid:change_id>/rejection")
@writes
@monitoring.arguments(ReasonDraft)
@monitoring.response(200, schemas.ChangeRequestView)
def post_change_request_rejection(body: dict[str, Any], change_id: UUID) -> ChangeRequest:
    """Reject a change."""
    return tagged(changes.reject_change(session(), current_actor(), change_id, body["reason"]))


@monitoring.post("/change-requests/<uuid:change_id>/withdrawal")
@writes
@monitoring.arguments(ReasonDraft)
@monitoring.response(200, schemas.ChangeRequestView)
def post_change_request_withdrawal(body: dict[str, Any], change_id: UUID) -> ChangeRequest:
    """Withdraw a change that your group asked for."""
    return tagged(changes.withdraw_change(session(), current_actor(), change_id, body["reason"]))


def _shown(kept: Monitoring, pledge: Pledge) -> dict[str, Any]:
    tagged(kept)
    use = queries.current_use(session(), pledge.id)
    spent = queries.spent_by_purpose(session(), pledge.id)
    return {
        "pledge_id": pledge.id,
        "state": kept.state,
        "paid": queries.paid_in_cash(pledge),
        "spent": kept.spent,
        "returned": queries.returned_freely(session(), pledge),
        "underspend": kept.underspend,
        "lines": schemas.use_lines(use.lines if use else None, spent),
        "closed_by": kept.closed_by,
        "closed_at": kept.closed_at,
    }
