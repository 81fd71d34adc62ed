"""Simulations of vehicles over HTTP: open to all, limited as checks are, keeping nothing."""

from typing import Any

from marketplace.checks.routes import NO_STORE, checked_seldom
from marketplace.vehicles import simulation_schemas as schemas
from marketplace.vehicles import simulations
from marketplace.web.guard import open_to_all
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.parsing import body_at_most

LARGEST_REQUEST = 64 * 1024

vehicle_simulations = MarketBlueprint(
    "vehicle_simulations", __name__, description="Vehicles for the start-up phase, simulated before they are opened"
)


@vehicle_simulations.post("/vehicles/simulations/success-repayable-pool")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@vehicle_simulations.arguments(schemas.SuccessPoolPlanDraft)
@vehicle_simulations.response(200, schemas.SimulatedSuccessPoolView)
def post_success_repayable_pool_simulation(draft: dict[str, Any]) -> Any:
    """Simulate a success-repayable pool year by year, without an account; nothing is kept."""
    return simulations.success_repayable_pool(draft), 200, NO_STORE


@vehicle_simulations.post("/vehicles/simulations/outcome-linked-conversion")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@vehicle_simulations.arguments(schemas.ConversionPlanDraft)
@vehicle_simulations.response(200, schemas.SimulatedConversionView)
def post_outcome_linked_conversion_simulation(draft: dict[str, Any]) -> Any:
    """Simulate grants that convert to a share of revenue, without an account; nothing is kept."""
    return simulations.outcome_linked_conversion(draft), 200, NO_STORE


@vehicle_simulations.post("/vehicles/simulations/employer-match")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@vehicle_simulations.arguments(schemas.MatchPlanDraft)
@vehicle_simulations.response(200, schemas.SimulatedMatchView)
def post_employer_match_simulation(draft: dict[str, Any]) -> Any:
    """Simulate a fund that matches employers and is repaid from savings, without an account; nothing is kept."""
    return simulations.employer_match_fund(draft), 200, NO_STORE


@vehicle_simulations.post("/vehicles/simulations/wholesale-facility")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@vehicle_simulations.arguments(schemas.FacilityPlanDraft)
@vehicle_simulations.response(200, schemas.SimulatedFacilityView)
def post_wholesale_facility_simulation(draft: dict[str, Any]) -> Any:
    """Simulate a wholesale facility deal by deal, without an account; nothing is kept."""
    return simulations.wholesale_facility(draft), 200, NO_STORE
