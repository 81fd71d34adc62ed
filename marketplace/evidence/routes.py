"""Evidence over HTTP: open it, upload versions of it, read their content, verify them."""

from typing import Any
from uuid import UUID

from flask import Response, current_app

from marketplace.evidence import access, scanning, service
from marketplace.evidence.models import Evidence, EvidenceVersion, Verification
from marketplace.evidence.rules import MEDIA_TYPES, refuse_unreadable
from marketplace.evidence.schemas import (
    EvidenceDraft,
    EvidenceVerificationDraft,
    EvidenceVerificationView,
    EvidenceVersionView,
    EvidenceView,
)
from marketplace.evidence.uploads import FILENAME_PARAMETER, REQUEST_BODY, attachment_names, receives_document
from marketplace.store.base import session
from marketplace.store.documents import Content, DocumentDamaged, content_of
from marketplace.web.conditional import located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, page_of, paged, position
from marketplace.web.writes import leaves_trace, writes

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
@leaves_trace
@evidence.response(200, EvidenceView)
def get_evidence(evidence_id: UUID) -> Evidence:
    """Read a piece of evidence with its versions."""
    seen = service.evidence_seen(session(), current_actor(), evidence_id)
    access.note_access(session(), current_actor(), seen, "metadata")
    return tagged(seen)


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
@leaves_trace
@evidence.response(200, EvidenceVersionView)
def get_evidence_version(version_id: UUID) -> EvidenceVersion:
    """Read one version of a piece of evidence."""
    version = service.version_seen(session(), current_actor(), version_id)
    access.note_access(session(), current_actor(), version.evidence, "metadata", version.id)
    return version


@evidence.get("/evidence-versions/<uuid:version_id>/content")
@leaves_trace
@evidence.doc(responses=CONTENT)
@evidence.response(200)
def get_evidence_content(version_id: UUID) -> Response:
    """Download the document of one version, checked against its digest before the first byte is sent."""
    content = _checked_content(version_id)
    try:
        version = service.version_seen(session(), current_actor(), version_id)
        access.note_access(session(), current_actor(), version.evidence, "content", version.id)
    except BaseException:
        content.close()
        raise
    answer = current_app.response_class(content, content_type=version.media_type)
    answer.headers.set("Content-Disposition", "attachment", **attachment_names(version.filename))
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.content_length = version.size
    answer.set_etag(version.sha256)
    return answer


def _checked_content(version_id: UUID) -> Content:
    """The document, for those who may have it. It is fetched while no transaction is open: the store may be slow."""
    version = service.version_seen(session(), current_actor(), version_id)
    own = current_actor().membership_in(version.evidence.organisation_id) is not None
    refuse_unreadable(version.scan_state, of_the_group=own, strict=scanning.strict())
    sha256 = version.sha256
    session().rollback()
    try:
        return content_of(sha256)
    except DocumentDamaged:
        service.note_damage(session(), version_id)
        session().commit()
        raise


@evidence.post("/evidence-versions/<uuid:version_id>/verification")
@writes
@evidence.arguments(EvidenceVerificationDraft)
@evidence.response(201, EvidenceVerificationView)
def post_evidence_verification(draft: dict[str, Any], version_id: UUID) -> Verification:
    """Accept or reject a version, for the party that named the caller as verifier."""
    made = service.verify_version(session(), current_actor(), version_id, **draft)
    located(f"/v1/evidence-versions/{version_id}")
    return made
