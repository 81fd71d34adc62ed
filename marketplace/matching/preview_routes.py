"""Previews of criteria over HTTP: what rules would come to before they are published. Nothing is stored."""

from typing import Any
from uuid import UUID

from marketplace.matching import preview
from marketplace.matching.preview_schemas import (
    CriteriaCheckDraft,
    CriteriaCheckView,
    CriteriaPreviewDraft,
    CriteriaPreviewView,
)
from marketplace.store.base import session
from marketplace.web.guard import current_actor
from marketplace.web.limits import limiter
from marketplace.web.openapi import MarketBlueprint

PREVIEW_LIMIT = "60 per minute"

previews = MarketBlueprint("previews", __name__, description="Criteria tried out before they are published")


@previews.post("/programmes/<uuid:programme_id>/criteria-preview")
@limiter.limit(PREVIEW_LIMIT)
@previews.arguments(CriteriaPreviewDraft)
@previews.response(200, CriteriaPreviewView)
def post_criteria_preview(draft: dict[str, Any], programme_id: UUID) -> dict[str, Any]:
    """Preview unsaved criteria over the proposals that one's programme may see; small numbers are not told."""
    return preview.preview_criteria(session(), current_actor(), programme_id, draft)


@previews.post("/criteria/check")
@limiter.limit(PREVIEW_LIMIT)
@previews.arguments(CriteriaCheckDraft)
@previews.response(200, CriteriaCheckView)
def post_criteria_check(draft: dict[str, Any]) -> dict[str, Any]:
    """Check criteria by themselves: whether they can be published, and what in them can never matter."""
    return preview.check_criteria(session(), draft)
