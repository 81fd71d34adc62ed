"""The employer's consent over HTTP: the group invites, the employer answers and may withdraw its answer."""

from typing import Any
from uuid import UUID

from marketplace.proposals import consents
from marketplace.proposals.models import EmployerConsent
from marketplace.proposals.schemas import (
    ConsentAnswerDraft,
    ConsentWithdrawalDraft,
    EmployerConsentDraft,
    EmployerConsentQuery,
    EmployerConsentsView,
    EmployerConsentView,
)
from marketplace.store.base import session
from marketplace.web.conditional import located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import Page, page_of, paged, position
from marketplace.web.writes import writes

employer_consents = MarketBlueprint(
    "employer-consents", __name__, description="Whether the employer lets its staff explore, or receive money"
)


@employer_consents.get("/proposals/<uuid:proposal_id>/employer-consents")
@employer_consents.response(200, EmployerConsentsView)
def list_proposal_employer_consents(proposal_id: UUID) -> dict[str, Any]:
    """List one's own group's invitations to the employer, and its answers."""
    rows = consents.consents_of_proposal(session(), current_actor(), proposal_id)
    return {"data": [consents.consent_card(row, for_group=True) for row in rows]}


@employer_consents.post("/proposals/<uuid:proposal_id>/employer-consents")
@writes
@employer_consents.arguments(EmployerConsentDraft)
@employer_consents.response(201, EmployerConsentView)
def post_employer_consent(draft: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """Invite the employer to say whether it consents."""
    made = consents.invite_employer(session(), current_actor(), proposal_id, draft)
    located(f"/v1/employer-consents/{made.id}")
    return _shown(made, for_group=True)


@employer_consents.get("/employer-consents")
@employer_consents.arguments(EmployerConsentQuery, location="query")
@employer_consents.response(200, page_of(EmployerConsentView))
def list_employer_consents(query: dict[str, Any]) -> dict[str, Any]:
    """List the invitations to one's own organisation as an employer."""
    page = consents.consents_for_employer(
        session(), current_actor(), query["organisation_id"], query["limit"], position(query)
    )
    return paged(Page([consents.consent_card(row, for_group=False) for row in page.items], page.after))


@employer_consents.get("/employer-consents/<uuid:consent_id>")
@employer_consents.response(200, EmployerConsentView)
def get_employer_consent(consent_id: UUID) -> dict[str, Any]:
    """Read an invitation and its answer, as group or as employer."""
    consent, for_group = consents.consent_seen(session(), current_actor(), consent_id)
    return _shown(consent, for_group=for_group)


@employer_consents.post("/employer-consents/<uuid:consent_id>/answer")
@writes
@employer_consents.arguments(ConsentAnswerDraft)
@employer_consents.response(200, EmployerConsentView)
def post_employer_consent_answer(draft: dict[str, Any], consent_id: UUID) -> dict[str, Any]:
    """Answer an invitation for the employer."""
    return _shown(consents.answer_consent(session(), current_actor(), consent_id, draft), for_group=False)


@employer_consents.post("/employer-consents/<uuid:consent_id>/withdrawal")
@writes
@employer_consents.arguments(ConsentWithdrawalDraft)
@employer_consents.response(200, EmployerConsentView)
def post_employer_consent_withdrawal(draft: dict[str, Any], consent_id: UUID) -> dict[str, Any]:
    """Withdraw the employer's answer."""
    return _shown(consents.withdraw_consent(session(), current_actor(), consent_id, draft["reason"]), for_group=False)


def _shown(consent: EmployerConsent, *, for_group: bool) -> dict[str, Any]:
    tagged(consent)
    return consents.consent_card(consent, for_group=for_group)
