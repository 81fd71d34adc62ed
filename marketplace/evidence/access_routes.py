"""Evidence shown to others, over HTTP: whom the group names, who has read it, who relies on another's acceptance."""

from typing import Any
from uuid import UUID

from marketplace.evidence import access, reliance
from marketplace.evidence.models import EvidenceAccessGrant, Reliance
from marketplace.evidence.schemas import (
    EvidenceAccessGrantDraft,
    EvidenceAccessGrantView,
    EvidenceAccessView,
    RelianceAnswerDraft,
    RelianceDraft,
    RelianceView,
)
from marketplace.store.base import session
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, after_id, page_of, paged
from marketplace.web.writes import writes

evidence_access = MarketBlueprint(
    "evidence-access", __name__, description="Who may read evidence, who has, and who relies on its acceptance"
)


@evidence_access.post("/evidence/<uuid:evidence_id>/access-grants")
@writes
@evidence_access.arguments(EvidenceAccessGrantDraft)
@evidence_access.response(201, EvidenceAccessGrantView)
def post_evidence_access_grant(draft: dict[str, Any], evidence_id: UUID) -> EvidenceAccessGrant:
    """Let an organisation or a person see a piece of evidence and its documents."""
    return access.grant_access(session(), current_actor(), evidence_id, draft)


@evidence_access.get("/evidence/<uuid:evidence_id>/access-grants")
@evidence_access.arguments(PageQuery, location="query")
@evidence_access.response(200, page_of(EvidenceAccessGrantView))
def list_evidence_access_grants(query: dict[str, Any], evidence_id: UUID) -> dict[str, Any]:
    """List whom the group has let see a piece of evidence."""
    return paged(access.list_grants(session(), current_actor(), evidence_id, after_id(query), query["limit"]))


@evidence_access.delete("/evidence/<uuid:evidence_id>/access-grants/<uuid:grant_id>")
@writes
@evidence_access.response(204)
def delete_evidence_access_grant(evidence_id: UUID, grant_id: UUID) -> None:
    """Let them see it no longer; what they have read stays on the record. If-Match: the ETag of the evidence."""
    access.end_access(session(), current_actor(), evidence_id, grant_id, if_match)


@evidence_access.get("/evidence/<uuid:evidence_id>/accesses")
@evidence_access.arguments(PageQuery, location="query")
@evidence_access.response(200, page_of(EvidenceAccessView))
def list_evidence_accesses(query: dict[str, Any], evidence_id: UUID) -> dict[str, Any]:
    """List who from outside the group has read a piece of evidence, the latest first."""
    return paged(access.list_accesses(session(), current_actor(), evidence_id, after_id(query), query["limit"]))


@evidence_access.post("/evidence-versions/<uuid:version_id>/reliance-requests")
@writes
@evidence_access.arguments(RelianceDraft)
@evidence_access.response(201, RelianceView)
def post_reliance_request(draft: dict[str, Any], version_id: UUID) -> Reliance:
    """Ask the group to let a funder rely on another's acceptance of a version."""
    made = reliance.request_reliance(session(), current_actor(), version_id, draft)
    located(f"/v1/reliance-requests/{made.id}")
    return tagged(made)


@evidence_access.get("/evidence-versions/<uuid:version_id>/reliance-requests")
@evidence_access.arguments(PageQuery, location="query")
@evidence_access.response(200, page_of(RelianceView))
def list_reliance_requests(query: dict[str, Any], version_id: UUID) -> dict[str, Any]:
    """List the requests to rely on a version: the group sees all of them, a funder its own."""
    return paged(reliance.list_reliance(session(), current_actor(), version_id, after_id(query), query["limit"]))


@evidence_access.get("/reliance-requests/<uuid:reliance_id>")
@evidence_access.response(200, RelianceView)
def get_reliance_request(reliance_id: UUID) -> Reliance:
    """Read a request to rely on another's acceptance, and the group's answer."""
    return tagged(reliance.reliance_seen(session(), current_actor(), reliance_id))


@evidence_access.post("/reliance-requests/<uuid:reliance_id>/answer")
@writes
@evidence_access.arguments(RelianceAnswerDraft)
@evidence_access.response(200, RelianceView)
def post_reliance_answer(answer: dict[str, Any], reliance_id: UUID) -> Reliance:
    """Consent that a funder relies on another's acceptance, or refuse."""
    return tagged(reliance.answer_reliance(session(), current_actor(), reliance_id, answer))


@evidence_access.post("/reliance-requests/<uuid:reliance_id>/withdrawal")
@writes
@evidence_access.response(200, RelianceView)
def post_reliance_withdrawal(reliance_id: UUID) -> Reliance:
    """Take back the group's consent, or the funder's request, for what is decided from now on."""
    return tagged(reliance.withdraw_reliance(session(), current_actor(), reliance_id))
