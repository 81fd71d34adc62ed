"""Social value over HTTP: a proposal's assessments and their comparison, and its benefits register."""

from typing import Any
from uuid import UUID

from marketplace.social_value import assessments, benefits
from marketplace.social_value.models import BenefitMeasurement, SocialValueAssessment, SocialValueVersion
from marketplace.social_value.schemas import (
    BenefitDraft,
    BenefitMeasurementDraft,
    BenefitMeasurementView,
    BenefitPatch,
    BenefitRetirementDraft,
    BenefitsCheckView,
    BenefitsQuery,
    BenefitView,
    SocialValueAssessmentDraft,
    SocialValueAssessmentView,
    SocialValueComparisonQuery,
    SocialValueComparisonView,
    SocialValueQuery,
    SocialValueSharingDraft,
    SocialValueVersionDraft,
    SocialValueVersionView,
)
from marketplace.store.base import session
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

social_value = MarketBlueprint(
    "social-value", __name__, description="Social return in versions, and the benefits that a proposal is for"
)


@social_value.post("/proposals/<uuid:proposal_id>/social-value-assessments")
@writes
@social_value.arguments(SocialValueAssessmentDraft)
@social_value.response(201, SocialValueAssessmentView)
def post_social_value_assessment(draft: dict[str, Any], proposal_id: UUID) -> SocialValueAssessment:
    """Open an assessment of what a proposal is worth to whom; its accounts are added as versions."""
    made = assessments.open_assessment(session(), current_actor(), proposal_id, draft)
    located(f"/v1/social-value-assessments/{made.id}")
    return tagged(made)


@social_value.get("/proposals/<uuid:proposal_id>/social-value-assessments")
@social_value.arguments(SocialValueQuery, location="query")
@social_value.response(200, page_of(SocialValueAssessmentView))
def list_social_value_assessments(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """List a proposal's assessments that the caller may see, the oldest first."""
    limit = query["limit"]
    rows = assessments.assessments_of(session(), current_actor(), proposal_id, after_id(query), limit)
    return paged(cut(rows, limit, by_id))


@social_value.get("/social-value-assessments/<uuid:assessment_id>")
@social_value.response(200, SocialValueAssessmentView)
def get_social_value_assessment(assessment_id: UUID) -> SocialValueAssessment:
    """Read an assessment."""
    return tagged(assessments.assessment_seen(session(), current_actor(), assessment_id))


@social_value.put("/social-value-assessments/<uuid:assessment_id>/sharing")
@writes
@social_value.arguments(SocialValueSharingDraft)
@social_value.response(200, SocialValueAssessmentView)
def put_social_value_assessment_sharing(draft: dict[str, Any], assessment_id: UUID) -> SocialValueAssessment:
    """Show an assessment to those who see the proposal under its name, or keep it confidential again."""
    made = assessments.share_assessment(session(), current_actor(), assessment_id, if_match, **draft)
    return tagged(made)


@social_value.post("/social-value-assessments/<uuid:assessment_id>/versions")
@writes
@social_value.arguments(SocialValueVersionDraft)
@social_value.response(201, SocialValueVersionView)
def post_social_value_version(draft: dict[str, Any], assessment_id: UUID) -> SocialValueVersion:
    """Add an assessment's next account, a forecast or what was measured; it is computed, and never changed."""
    made = assessments.add_version(session(), current_actor(), assessment_id, draft)
    located(f"/v1/social-value-versions/{made.id}")
    return made


@social_value.get("/social-value-assessments/<uuid:assessment_id>/versions")
@social_value.arguments(SocialValueQuery, location="query")
@social_value.response(200, page_of(SocialValueVersionView))
def list_social_value_versions(query: dict[str, Any], assessment_id: UUID) -> dict[str, Any]:
    """List an assessment's accounts, the newest first."""
    limit = query["limit"]
    rows = assessments.versions_of(session(), current_actor(), assessment_id, after_id(query), limit)
    return paged(cut(rows, limit, by_id))


@social_value.get("/social-value-versions/<uuid:version_id>")
@social_value.response(200, SocialValueVersionView)
def get_social_value_version(version_id: UUID) -> SocialValueVersion:
    """Read one account with everything that it was computed from."""
    return assessments.version_seen(session(), current_actor(), version_id)


@social_value.get("/social-value-comparisons")
@social_value.arguments(SocialValueComparisonQuery, location="query")
@social_value.response(200, SocialValueComparisonView)
def get_social_value_comparison(query: dict[str, Any]) -> dict[str, Any]:
    """Compare two accounts of one proposal, as a forecast with what was measured; those of different ones are refused.

    A ratio rests on what its author counts and how they value it: it ranks nothing (docs/social-value.md).
    """
    return assessments.compare_versions(session(), current_actor(), query["first"], query["second"])


@social_value.post("/proposals/<uuid:proposal_id>/benefits")
@writes
@social_value.arguments(BenefitDraft)
@social_value.response(201, BenefitView)
def post_benefit(draft: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """Enter a benefit: what changes for whom, baseline, target, owner and days of measurement."""
    made = benefits.register_benefit(session(), current_actor(), proposal_id, draft)
    located(f"/v1/benefits/{made.benefit.id}")
    return _benefit(made)


@social_value.get("/proposals/<uuid:proposal_id>/benefits")
@social_value.arguments(BenefitsQuery, location="query")
@social_value.response(200, page_of(BenefitView))
def list_benefits(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """List a proposal's benefits, the oldest entry first, each with how far it has come."""
    limit = query["limit"]
    rows = benefits.benefits_of(session(), current_actor(), proposal_id, after_id(query), limit)
    page = cut(rows, limit, lambda seen: by_id(seen.benefit))
    return paged(page) | {"data": [_shown(each) for each in page.items]}


@social_value.get("/benefits/<uuid:benefit_id>")
@social_value.response(200, BenefitView)
def get_benefit(benefit_id: UUID) -> dict[str, Any]:
    """Read a benefit, its latest measurement and how far it has come."""
    return _benefit(benefits.benefit_seen(session(), current_actor(), benefit_id))


@social_value.patch("/benefits/<uuid:benefit_id>")
@writes
@social_value.arguments(BenefitPatch)
@social_value.response(200, BenefitView)
def patch_benefit(changes: dict[str, Any], benefit_id: UUID) -> dict[str, Any]:
    """Give a benefit another owner or other days of measurement; baseline and target stay as they were set."""
    return _benefit(benefits.change_benefit(session(), current_actor(), benefit_id, changes, if_match))


@social_value.post("/benefits/<uuid:benefit_id>/retirement")
@writes
@social_value.arguments(BenefitRetirementDraft)
@social_value.response(200, BenefitView)
def post_benefit_retirement(draft: dict[str, Any], benefit_id: UUID) -> dict[str, Any]:
    """Say why a benefit is measured no more; it stays in the register."""
    return _benefit(benefits.retire_benefit(session(), current_actor(), benefit_id, draft["reason"]))


@social_value.post("/benefits/<uuid:benefit_id>/measurements")
@writes
@social_value.arguments(BenefitMeasurementDraft)
@social_value.response(201, BenefitMeasurementView)
def post_benefit_measurement(draft: dict[str, Any], benefit_id: UUID) -> BenefitMeasurement:
    """Enter a measured value of a benefit; of one day, the latest entry stands."""
    made = benefits.measure_benefit(session(), current_actor(), benefit_id, draft)
    located(f"/v1/benefits/{benefit_id}/measurements")
    return made


@social_value.get("/benefits/<uuid:benefit_id>/measurements")
@social_value.arguments(BenefitsQuery, location="query")
@social_value.response(200, page_of(BenefitMeasurementView))
def list_benefit_measurements(query: dict[str, Any], benefit_id: UUID) -> dict[str, Any]:
    """List what was measured of a benefit, the latest entry first."""
    limit = query["limit"]
    rows = benefits.measurements_of(session(), current_actor(), benefit_id, after_id(query), limit)
    return paged(cut(rows, limit, by_id))


@social_value.get("/proposals/<uuid:proposal_id>/benefits-check")
@social_value.response(200, BenefitsCheckView)
def get_benefits_check(proposal_id: UUID) -> dict[str, Any]:
    """Check whether a proposal's benefits register holds what it has to before the proposal sets up."""
    return benefits.register_check(session(), current_actor(), proposal_id)


def _benefit(seen: benefits.BenefitSeen) -> dict[str, Any]:
    tagged(seen.benefit)
    return _shown(seen)


def _shown(seen: benefits.BenefitSeen) -> dict[str, Any]:
    kept = seen.benefit
    names = (
        "id", "proposal_id", "title", "beneficiary", "unit", "measurement_days", "state", "retirement_reason",
        "created_at",
    )  # fmt: skip
    return {name: getattr(kept, name) for name in names} | {
        "baseline": {"value": kept.baseline, "on": kept.baseline_on, "source": kept.baseline_source},
        "target": {"value": kept.target, "on": kept.target_on},
        "owner": {"name": kept.owner_name, "role": kept.owner_role},
        "latest": seen.latest,
        "progress": seen.progress,
        "next_due_on": seen.next_due_on,
        "overdue": seen.overdue,
    }
