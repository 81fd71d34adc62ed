"""Scenarios over HTTP: those that come with the marketplace, an organisation's own, and two of them compared."""

from typing import Any
from uuid import UUID

from flask import Response, request

from marketplace.checks.routes import NO_STORE, checked_seldom
from marketplace.insight import scenarios as service
from marketplace.insight.routes import LARGEST_REQUEST, SVG, SVG_POLICY, charts
from marketplace.insight.schemas import (
    ScenarioDraft,
    ScenarioPresetsView,
    ScenarioQuery,
    ScenarioView,
    SimulationDraft,
    SimulationQuery,
    SimulationView,
)
from marketplace.reference.scenarios import PRESETS, SOURCES, VERSION
from marketplace.store.base import session
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.openapi import MarketBlueprint, also_answers
from marketplace.web.paging import after_id, page_of, paged
from marketplace.web.parsing import body_at_most
from marketplace.web.writes import writes

scenarios = MarketBlueprint("scenarios", __name__, description="Named sets of assumptions, and two of them compared")


@scenarios.get("/scenario-presets")
@open_to_all
@scenarios.response(200, ScenarioPresetsView)
def list_scenario_presets() -> dict[str, Any]:
    """List the scenarios that come with the marketplace, and where their figures are from."""
    told = [{**preset, "parameters": service.parameters_of(preset["parameters"])} for preset in PRESETS.values()]
    return {"version": VERSION, "data": told, "sources": SOURCES}


@scenarios.get("/organisations/<uuid:organisation_id>/scenarios")
@scenarios.arguments(ScenarioQuery, location="query")
@scenarios.response(200, page_of(ScenarioView))
def list_scenarios(query: dict[str, Any], organisation_id: UUID) -> dict[str, Any]:
    """List the scenarios of one's organisation, the newest first."""
    page = service.list_scenarios(session(), current_actor(), organisation_id, after_id(query), query["limit"])
    return paged(page)


@scenarios.post("/organisations/<uuid:organisation_id>/scenarios")
@writes
@scenarios.arguments(ScenarioDraft)
@scenarios.response(201, ScenarioView)
def post_scenario(draft: dict[str, Any], organisation_id: UUID) -> dict[str, Any]:
    """Keep a scenario for one's organisation."""
    made = service.keep_scenario(session(), current_actor(), organisation_id, draft)
    located(f"/v1/scenarios/{made.id}")
    return service.told(tagged(made))


@scenarios.get("/scenarios/<uuid:scenario_id>")
@scenarios.response(200, ScenarioView)
def get_scenario(scenario_id: UUID) -> dict[str, Any]:
    """Read a scenario of one's organisation."""
    return service.told(tagged(service.scenario_seen(session(), current_actor(), scenario_id)))


@scenarios.put("/scenarios/<uuid:scenario_id>")
@writes
@scenarios.arguments(ScenarioDraft)
@scenarios.response(200, ScenarioView)
def put_scenario(draft: dict[str, Any], scenario_id: UUID) -> dict[str, Any]:
    """Replace a scenario of one's organisation."""
    return service.told(tagged(service.change_scenario(session(), current_actor(), scenario_id, draft, if_match)))


@scenarios.delete("/scenarios/<uuid:scenario_id>")
@writes
@scenarios.response(204)
def delete_scenario(scenario_id: UUID) -> None:
    """Delete a scenario of one's organisation."""
    service.drop_scenario(session(), current_actor(), scenario_id, if_match)


@scenarios.post("/simulations")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@scenarios.arguments(SimulationQuery, location="query")
@scenarios.arguments(SimulationDraft)
@scenarios.response(200, SimulationView)
@also_answers(SVG)
def post_simulation(query: dict[str, Any], draft: dict[str, Any]) -> Any:
    """Play two scenarios and compare them, as JSON or as a chart (SVG); the same parameters, the same answer.

    Each is a preset, a scenario of one's own organisation, or parameters as they are given. Nothing is kept.
    """
    compared = service.compare(session(), current_actor(), draft)
    wanted = request.accept_mimetypes.best_match(["application/json", SVG])
    if query.get("format", "svg" if wanted == SVG else "json") == "svg":
        session().rollback()  # no transaction is open while something is drawn
        answer = Response(charts().simulation_svg(compared), content_type=f"{SVG}; charset=utf-8")
        answer.headers["Content-Security-Policy"] = SVG_POLICY
        answer.headers["Cache-Control"] = "no-store"
        return answer
    return compared, 200, NO_STORE
