"""A programme's cohort over HTTP, for its funder alone: the places taken would tell others of hidden groups."""

from typing import Any
from uuid import UUID

from marketplace.pledges import cohorts
from marketplace.pledges.cohort_schemas import CohortPlaceView, CohortView
from marketplace.store.base import session
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, after_id, by_id, cut, page_of, paged

cohort = MarketBlueprint("cohort", __name__, description="Which groups take the places of a programme")


@cohort.get("/programmes/<uuid:programme_id>/cohort")
@cohort.response(200, CohortView)
def get_programme_cohort(programme_id: UUID) -> dict[str, Any]:
    """Read how many places of one's own programme are taken."""
    return cohorts.cohort_of(session(), current_actor(), programme_id)


@cohort.get("/programmes/<uuid:programme_id>/cohort/places")
@cohort.arguments(PageQuery, location="query")
@cohort.response(200, page_of(CohortPlaceView))
def list_cohort_places(query: dict[str, Any], programme_id: UUID) -> dict[str, Any]:
    """List the proposals that take a place of one's own programme, and what for."""
    rows = cohorts.places_of(session(), current_actor(), programme_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))
