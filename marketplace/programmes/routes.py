"""Programmes over HTTP: anyone reads what is published; members draft, publish, pause, close. Their list: `search`."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.service import criteria_version
from marketplace.programmes import budgets, service
from marketplace.programmes.models import Programme
from marketplace.programmes.schemas import (
    BudgetDraft,
    CriteriaVersionView,
    ProgrammeChange,
    ProgrammeDraft,
    ProgrammeView,
)
from marketplace.store.base import session
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.fields import View
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.writes import writes

programmes = MarketBlueprint("programmes", __name__, description="What funders offer, and to whom")


class CriteriaVersionsView(View):
    """Every version, the newest first."""

    data = fields.List(fields.Nested(CriteriaVersionView), required=True)


@programmes.post("/programmes")
@writes
@programmes.arguments(ProgrammeDraft)
@programmes.response(201, ProgrammeView)
def post_programme(draft: dict[str, Any]) -> dict[str, Any]:
    """Draft a programme for an organisation that funds."""
    made = service.draft_programme(session(), current_actor(), draft)
    located(f"/v1/programmes/{made.id}")
    return _shown(made)


@programmes.get("/programmes/<uuid:programme_id>")
@open_to_all
@programmes.response(200, ProgrammeView)
def get_programme(programme_id: UUID) -> dict[str, Any]:
    """Read a programme."""
    return _shown(service.programme_seen(session(), current_actor(), programme_id))


@programmes.patch("/programmes/<uuid:programme_id>")
@writes
@programmes.arguments(ProgrammeChange)
@programmes.response(200, ProgrammeView)
def patch_programme(change: dict[str, Any], programme_id: UUID) -> dict[str, Any]:
    """Change a programme; published columns and criteria stay until they are published again."""
    return _shown(service.change_programme(session(), current_actor(), programme_id, change, if_match))


@programmes.get("/programmes/<uuid:programme_id>/criteria-versions")
@open_to_all
@programmes.response(200, CriteriaVersionsView)
def list_criteria_versions(programme_id: UUID) -> dict[str, Any]:
    """List what a programme asked over time, the newest version first."""
    return {"data": service.criteria_versions(session(), current_actor(), programme_id)}


@programmes.post("/programmes/<uuid:programme_id>/criteria-versions")
@writes
@programmes.response(201, CriteriaVersionView)
def post_criteria_version(programme_id: UUID) -> CriteriaVersion:
    """Publish a programme's columns and criteria as its next version."""
    made = service.publish_criteria(session(), current_actor(), programme_id)
    located(f"/v1/criteria-versions/{made.id}")
    return made


@programmes.get("/criteria-versions/<uuid:version_id>")
@open_to_all
@programmes.response(200, CriteriaVersionView)
def get_criteria_version(version_id: UUID) -> CriteriaVersion:
    """Read one published version of a programme's criteria."""
    return criteria_version(session(), version_id)


@programmes.put("/programmes/<uuid:programme_id>/budget")
@writes(key_required=True)
@programmes.arguments(BudgetDraft)
@programmes.response(200, ProgrammeView)
def put_programme_budget(draft: dict[str, Any], programme_id: UUID) -> dict[str, Any]:
    """Set a programme's whole budget; below what is committed it cannot fall."""
    return _shown(budgets.set_budget(session(), current_actor(), programme_id, draft["amount"], if_match))


@programmes.post("/programmes/<uuid:programme_id>/pauses")
@writes
@programmes.response(200, ProgrammeView)
def post_programme_pause(programme_id: UUID) -> dict[str, Any]:
    """Pause a programme: it takes nothing new until it is resumed."""
    return _shown(service.pause_programme(session(), current_actor(), programme_id))


@programmes.post("/programmes/<uuid:programme_id>/resumptions")
@writes
@programmes.response(200, ProgrammeView)
def post_programme_resumption(programme_id: UUID) -> dict[str, Any]:
    """Resume a paused programme."""
    return _shown(service.resume_programme(session(), current_actor(), programme_id))


@programmes.post("/programmes/<uuid:programme_id>/closure")
@writes
@programmes.response(200, ProgrammeView)
def post_programme_closure(programme_id: UUID) -> dict[str, Any]:
    """Close a programme for good."""
    return _shown(service.close_programme(session(), current_actor(), programme_id))


def _shown(programme: Programme) -> dict[str, Any]:
    tagged(service.stamp(programme))
    return service.card(session(), current_actor(), programme)
