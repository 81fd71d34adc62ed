"""Employer matches over HTTP."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from marketplace.store.base import session
from marketplace.vehicles import match_schemas as schemas
from marketplace.vehicles import matches
from marketplace.vehicles.models import EmployerContribution, EmployerMatch, EmployerReturn
from marketplace.web.conditional import located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

employer_matches = MarketBlueprint(
    "employer_matches", __name__, description="Employers' money beside a fund's, repaid from what is saved"
)


def _card(match: EmployerMatch) -> dict[str, Any]:
    tagged(match)
    return matches.card(session(), current_actor(), match)


@employer_matches.post("/pledges/<uuid:pledge_id>/employer-match")
@writes(key_required=True)
@employer_matches.arguments(schemas.MatchInvitationDraft)
@employer_matches.response(201, schemas.EmployerMatchView)
def post_employer_match(draft: dict[str, Any], pledge_id: UUID) -> dict[str, Any]:
    """Invite the employer, for the group, to match a fund's pledge."""
    made = matches.invite(session(), current_actor(), pledge_id, draft)
    located(f"/v1/employer-matches/{made.id}")
    return _card(made)


@employer_matches.get("/employer-matches")
@employer_matches.arguments(PageQuery, location="query")
@employer_matches.response(200, page_of(schemas.EmployerMatchView))
def list_employer_matches(query: dict[str, Any]) -> dict[str, Any]:
    """List the matches that your organisations are party to."""
    rows = matches.matches_for(session(), current_actor(), after_id(query), query["limit"])
    page = cut(rows, query["limit"], by_id)
    return paged(replace(page, items=[matches.card(session(), current_actor(), each) for each in page.items]))


@employer_matches.get("/employer-matches/<uuid:match_id>")
@employer_matches.response(200, schemas.EmployerMatchView)
def get_employer_match(match_id: UUID) -> dict[str, Any]:
    """Read a match: what was committed, given, paid beside it, due and returned."""
    return _card(matches.match_for(session(), current_actor(), match_id))


@employer_matches.post("/employer-matches/<uuid:match_id>/agreement")
@writes(key_required=True)
@employer_matches.arguments(schemas.MatchAgreementDraft)
@employer_matches.response(200, schemas.EmployerMatchView)
def post_employer_match_agreement(draft: dict[str, Any], match_id: UUID) -> dict[str, Any]:
    """Commit cash and staff time for the employer, its conflict as a later commissioner declared."""
    return _card(matches.answer(session(), current_actor(), match_id, draft))


@employer_matches.post("/employer-matches/<uuid:match_id>/decline")
@writes
@employer_matches.response(200, schemas.EmployerMatchView)
def post_employer_match_decline(match_id: UUID) -> dict[str, Any]:
    """Decline a match for the employer."""
    return _card(matches.answer(session(), current_actor(), match_id, None))


@employer_matches.post("/employer-matches/<uuid:match_id>/cash")
@writes(key_required=True)
@employer_matches.arguments(schemas.CashContributionDraft)
@employer_matches.response(201, schemas.ContributionView)
def post_employer_cash(draft: dict[str, Any], match_id: UUID) -> EmployerContribution:
    """Record cash that the employer paid, to the group or its fiscal host."""
    return matches.pay_cash(session(), current_actor(), match_id, draft)


@employer_matches.post("/employer-contributions/<uuid:contribution_id>/receipt")
@writes(key_required=True)
@employer_matches.response(200, schemas.ContributionView)
def post_employer_contribution_receipt(contribution_id: UUID) -> EmployerContribution:
    """Confirm for the group that the employer's cash arrived."""
    return matches.confirm(session(), current_actor(), contribution_id)


@employer_matches.post("/employer-matches/<uuid:match_id>/staff-time")
@writes(key_required=True)
@employer_matches.arguments(schemas.StaffTimeDraft)
@employer_matches.response(201, schemas.ContributionView)
def post_employer_staff_time(draft: dict[str, Any], match_id: UUID) -> EmployerContribution:
    """Record staff time by signed timesheets that the fund has accepted."""
    return matches.give_staff_time(session(), current_actor(), match_id, draft)


@employer_matches.post("/employer-matches/<uuid:match_id>/launch")
@writes
@employer_matches.arguments(schemas.LaunchDraft)
@employer_matches.response(200, schemas.EmployerMatchView)
def post_employer_match_launch(draft: dict[str, Any], match_id: UUID) -> dict[str, Any]:
    """Record that the mutual has launched."""
    return _card(matches.record_launch(session(), current_actor(), match_id, draft["launched_on"]))


@employer_matches.post("/employer-matches/<uuid:match_id>/saving")
@writes(key_required=True)
@employer_matches.arguments(schemas.SavingDraft)
@employer_matches.response(200, schemas.EmployerMatchView)
def post_employer_match_saving(draft: dict[str, Any], match_id: UUID) -> dict[str, Any]:
    """Record the yearly saving out of which the fund's share is returned."""
    return _card(matches.record_saving(session(), current_actor(), match_id, draft))


@employer_matches.post("/employer-matches/<uuid:match_id>/returns")
@writes(key_required=True)
@employer_matches.arguments(schemas.EmployerReturnDraft)
@employer_matches.response(201, schemas.EmployerReturnView)
def post_employer_return(draft: dict[str, Any], match_id: UUID) -> EmployerReturn:
    """Record what the employer returned of the fund's share."""
    return matches.record_return(session(), current_actor(), match_id, draft)
