"""Evidence over HTTP: open it, upload versions of it, read their content, verify them."""

from typing import Any
from uuid import UUID

from flask import Response, current_app

from marketplace.evidence import service
from marketplace.evidence.models import Evidence, EvidenceVersion, Verification
from marketplace.evidence.rules import MEDIA_TYPES
from marketplace.evidence.schemas import (
    EvidenceDraft,
    EvidenceVerificationDraft,
    EvidenceVerificationView,
    EvidenceVersionView,
    EvidenceView,
)
from marketplace.evidence.uploads import FILENAME_PARAMETER, REQUEST_BODY, attachment_names, receives_document
from marketplace.store.base import session
from marketplace.store.documents import content_of
from marketplace.web.conditional import located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, page_of, paged, position
from marketplace.web.writes import writes

evidence = MarketBlueprint(
    "evidence", __name__, description="Documents that show what happened, and their verification"
)

CONTENT = {
    "200": {
        "description": "The document, as an attachment.",
        "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in MEDIA_TYPES},
    }
}


@evidence.post("/proposals/<uuid:proposal_id>/evidence")
@writes
@evidence.arguments(EvidenceDraft)
@evidence.response(201, EvidenceView)
def post_evidence(draft: dict[str, Any], proposal_id: UUID) -> Evidence:
    """Open a piece of evidence for a proposal of the caller's group."""
    made = service.open_evidence(session(), current_actor(), proposal_id, draft)
    located(f"/v1/evidence/{made.id}")
    return tagged(made)


@evidence.get("/proposals/<uuid:proposal_id>/evidence")
@evidence.arguments(PageQuery, location="query")
@evidence.response(200, page_of(EvidenceView))
def list_evidence(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """List the evidence of a proposal that the caller may see."""
    return paged(service.list_evidence(session(), current_actor(), proposal_id, position(query), query["limit"]))


@evidence.get("/evidence/<uuid:evidence_id>")
@evidence.response(200, EvidenceView)
def get_evidence(evidence_id: UUID) -> Evidence:
    """Read a piece of evidence with its versions."""
    return tagged(service.evidence_seen(session(), current_actor(), evidence_id))


@evidence.post("/evidence/<uuid:evidence_id>/versions")
@receives_document
@writes
@evidence.doc(requestBody=REQUEST_BODY, parameters=[FILENAME_PARAMETER])
@evidence.response(201, EvidenceVersionView)
def post_evidence_version(evidence_id: UUID, upload: service.Upload) -> EvidenceVersion:
    """Submit a document as the next version of a piece of evidence.

    The body is the document itself. A version still waiting for a decision is superseded; decided ones stand.
    """
    made = service.submit_version(session(), current_actor(), evidence_id, upload)
    located(f"/v1/evidence-versions/{made.id}")
    return made


@evidence.get("/evidence-versions/<uuid:version_id>")
@evidence.response(200, EvidenceVersionView)
def get_evidence_version(version_id: UUID) -> EvidenceVersion:
    """Read one version of a piece of evidence."""
    return service.version_seen(session(), current_actor(), version_id)


@evidence.get("/evidence-versions/<uuid:version_id>/content")
@evidence.doc(responses=CONTENT)
@evidence.response(200)
def get_evidence_content(version_id: UUID) -> Response:
    """Download the document of one version."""
    version = service.version_seen(session(), current_actor(), version_id)
    answer = current_app.response_class(content_of(version.sha256), content_type=version.media_type)
    answer.headers.set("Content-Disposition", "attachment", **attachment_names(version.filename))
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.content_length = version.size
    answer.set_etag(version.sha256)
    return answer


@evidence.post("/evidence-versions/<uuid:version_id>/verification")
@writes
@evidence.arguments(EvidenceVerificationDraft)
@evidence.response(201, EvidenceVerificationView)
def post_evidence_verification(draft: dict[str, Any], version_id: UUID) -> Verification:
    """Accept or reject a version, for the party that named the caller as verifier."""
    made = service.verify_version(session(), current_actor(), version_id, draft["decision"], draft["reason"])
    located(f"/v1/evidence-versions/{version_id}")
    return made
