"""Claims of listed programmes, and reports of errors in published ones, over HTTP."""

from typing import Any
from uuid import UUID

from flask_limiter.util import get_remote_address

from marketplace.programmes import claims
from marketplace.programmes import error_reports as reports
from marketplace.programmes.listing_schemas import (
    ErrorReportAnswer,
    ErrorReportDraft,
    ErrorReportQuery,
    ErrorReportView,
    ListingClaimDecision,
    ListingClaimDraft,
    ListingClaimQuery,
    ListingClaimView,
)
from marketplace.programmes.models import ErrorReport, ListingClaim
from marketplace.store.base import session
from marketplace.web.conditional import located, tagged
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.limits import REPORT_LIMIT, limiter
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

listing_claims = MarketBlueprint(
    "listing_claims", __name__, description="Programmes found in public sources, and whose they are"
)
error_reports = MarketBlueprint("error_reports", __name__, description="What is wrong in a published programme")
BLUEPRINTS = [listing_claims, error_reports]


@listing_claims.post("/programmes/<uuid:programme_id>/claims")
@writes
@listing_claims.arguments(ListingClaimDraft)
@listing_claims.response(201, ListingClaimView)
def post_listing_claim(draft: dict[str, Any], programme_id: UUID) -> ListingClaim:
    """Claim a listed programme for one's verified organisation. For owners.

    Accepted at once where the register's number of the organisation is the one listed; else the operator decides.
    """
    made = claims.claim_listing(session(), current_actor(), programme_id, draft)
    located(f"/v1/listing-claims/{made.id}")
    return tagged(made)


@listing_claims.get("/listing-claims")
@listing_claims.arguments(ListingClaimQuery, location="query")
@listing_claims.response(200, page_of(ListingClaimView))
def list_listing_claims(query: dict[str, Any]) -> dict[str, Any]:
    """List the claims of one's organisations, the operator those of all, the oldest first."""
    limit, after = query["limit"], after_id(query)
    rows = claims.claims(session(), current_actor(), query.get("state"), after, limit)
    return paged(cut(rows, limit, by_id))


@listing_claims.get("/listing-claims/<uuid:claim_id>")
@listing_claims.response(200, ListingClaimView)
def get_listing_claim(claim_id: UUID) -> ListingClaim:
    """Read a claim."""
    return tagged(claims.seen_claim(session(), current_actor(), claim_id))


@listing_claims.post("/listing-claims/<uuid:claim_id>/decision")
@writes
@listing_claims.arguments(ListingClaimDecision)
@listing_claims.response(200, ListingClaimView)
def post_listing_claim_decision(draft: dict[str, Any], claim_id: UUID) -> ListingClaim:
    """Accept or refuse a claim. For the operator."""
    return tagged(claims.decide_claim(session(), current_actor(), claim_id, draft["decision"], draft["reason"]))


@listing_claims.post("/listing-claims/<uuid:claim_id>/withdrawal")
@writes
@listing_claims.response(200, ListingClaimView)
def post_listing_claim_withdrawal(claim_id: UUID) -> ListingClaim:
    """Take back an open claim. For owners of the organisation that claims."""
    return tagged(claims.withdraw_claim(session(), current_actor(), claim_id))


@error_reports.post("/programmes/<uuid:programme_id>/error-reports")
@open_to_all
@limiter.limit(REPORT_LIMIT, key_func=get_remote_address)
@writes
@error_reports.arguments(ErrorReportDraft)
@error_reports.response(201, ErrorReportView)
def post_error_report(draft: dict[str, Any], programme_id: UUID) -> ErrorReport:
    """Report an error in a published programme, with or without an account."""
    made = reports.report_error(session(), current_actor(), programme_id, draft)
    located(f"/v1/error-reports/{made.id}")
    return tagged(made)


@error_reports.get("/programmes/<uuid:programme_id>/error-reports")
@error_reports.arguments(ErrorReportQuery, location="query")
@error_reports.response(200, page_of(ErrorReportView))
def list_error_reports(query: dict[str, Any], programme_id: UUID) -> dict[str, Any]:
    """List the reports on one's programme, the oldest first."""
    limit, after = query["limit"], after_id(query)
    rows = reports.reports(session(), current_actor(), programme_id, query.get("state"), after, limit)
    return paged(cut(rows, limit, by_id))


@error_reports.get("/error-reports/<uuid:report_id>")
@error_reports.response(200, ErrorReportView)
def get_error_report(report_id: UUID) -> ErrorReport:
    """Read a report on one's programme, or one that one made."""
    return tagged(reports.seen_report(session(), current_actor(), report_id))


@error_reports.post("/error-reports/<uuid:report_id>/answer")
@writes
@error_reports.arguments(ErrorReportAnswer)
@error_reports.response(200, ErrorReportView)
def post_error_report_answer(draft: dict[str, Any], report_id: UUID) -> ErrorReport:
    """Say what became of a report. For editors of the organisation that keeps the programme."""
    return tagged(reports.answer_report(session(), current_actor(), report_id, draft["outcome"], draft["answer"]))
