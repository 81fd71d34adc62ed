"""Cohort limits and terms for first movers over HTTP: public with the programme, said by its funder."""

from typing import Any
from uuid import UUID

from marketplace.programmes import cohorts
from marketplace.programmes.cohort_models import CohortLimit, FirstMoverTerms
from marketplace.programmes.cohort_schemas import (
    CohortLimitDraft,
    CohortLimitView,
    FirstMoverTermsDraft,
    FirstMoverTermsView,
)
from marketplace.store.base import session
from marketplace.web.conditional import if_match, tagged
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.writes import writes

cohort_terms = MarketBlueprint("cohort terms", __name__, description="How many groups a programme takes on at a time")


@cohort_terms.get("/programmes/<uuid:programme_id>/cohort-limit")
@open_to_all
@cohort_terms.response(200, CohortLimitView)
def get_cohort_limit(programme_id: UUID) -> CohortLimit:
    """Read how many groups a programme takes on at a time."""
    return tagged(cohorts.limit_seen(session(), current_actor(), programme_id))


@cohort_terms.put("/programmes/<uuid:programme_id>/cohort-limit")
@writes
@cohort_terms.arguments(CohortLimitDraft)
@cohort_terms.response(200, CohortLimitView)
def put_cohort_limit(terms: dict[str, Any], programme_id: UUID) -> CohortLimit:
    """Limit how many groups a programme takes on at a time; promises that were made stay."""
    return tagged(cohorts.set_cohort_limit(session(), current_actor(), programme_id, terms, if_match))


@cohort_terms.get("/programmes/<uuid:programme_id>/first-mover-terms")
@open_to_all
@cohort_terms.response(200, FirstMoverTermsView)
def get_first_mover_terms(programme_id: UUID) -> FirstMoverTerms:
    """Read what a programme offers the first in a sector and region."""
    return tagged(cohorts.terms_seen(session(), current_actor(), programme_id))


@cohort_terms.put("/programmes/<uuid:programme_id>/first-mover-terms")
@writes
@cohort_terms.arguments(FirstMoverTermsDraft)
@cohort_terms.response(200, FirstMoverTermsView)
def put_first_mover_terms(terms: dict[str, Any], programme_id: UUID) -> FirstMoverTerms:
    """Disclose what a programme offers the first in a sector and region."""
    return tagged(cohorts.disclose_terms(session(), current_actor(), programme_id, terms, if_match))
