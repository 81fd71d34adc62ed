"""Vehicles and facilities over HTTP."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from marketplace.store.base import session
from marketplace.vehicles import facilities, figures, schemas, service
from marketplace.vehicles.models import Facility, FacilityLoss, Vehicle
from marketplace.web.conditional import located, tagged
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, after_id, cut, page_of, paged
from marketplace.web.writes import writes

vehicles = MarketBlueprint("vehicles", __name__, description="Vehicles for the start-up phase, opened and run")


def _by_id(row: Any) -> list[Any]:
    return [str(row["id"] if isinstance(row, dict) else row.id)]


def _vehicle(vehicle: Vehicle) -> dict[str, Any]:
    tagged(vehicle)
    return figures.told_of(session(), vehicle)


def _facility(facility: Facility) -> dict[str, Any]:
    tagged(facility)
    return facilities.card(session(), facility)


@vehicles.post("/vehicles")
@writes
@vehicles.arguments(schemas.VehicleDraft)
@vehicles.response(201, schemas.VehicleView)
def post_vehicle(draft: dict[str, Any]) -> dict[str, Any]:
    """Run a published programme as a vehicle; its terms are simulated and the forecast is kept."""
    made = service.open_vehicle(session(), current_actor(), draft)
    located(f"/v1/vehicles/{made.id}")
    return _vehicle(made)


@vehicles.get("/vehicles")
@open_to_all
@vehicles.arguments(schemas.VehicleQuery, location="query")
@vehicles.response(200, page_of(schemas.VehicleView))
def list_vehicles(query: dict[str, Any]) -> dict[str, Any]:
    """List vehicles with their forecasts and figures."""
    rows = service.vehicles(session(), query.get("kind"), after_id(query), query["limit"])
    page = cut(rows, query["limit"], _by_id)
    return paged(replace(page, items=[figures.told_of(session(), each) for each in page.items]))


@vehicles.get("/vehicles/<uuid:vehicle_id>")
@open_to_all
@vehicles.response(200, schemas.VehicleView)
def get_vehicle(vehicle_id: UUID) -> dict[str, Any]:
    """Read a vehicle: its terms, its forecast, and its figures so far."""
    return _vehicle(service.vehicle_of(session(), vehicle_id))


@vehicles.get("/vehicles/<uuid:vehicle_id>/look-through")
@vehicles.response(200, schemas.LookThroughView)
def get_vehicle_look_through(vehicle_id: UUID) -> dict[str, Any]:
    """Look through a wholesale vehicle: its intermediaries, and what each group owes through all of them."""
    return figures.look_through(session(), current_actor(), vehicle_id)


@vehicles.post("/vehicles/<uuid:vehicle_id>/facilities")
@writes(key_required=True)
@vehicles.arguments(schemas.FacilityDraft)
@vehicles.response(201, schemas.FacilityView)
def post_facility(draft: dict[str, Any], vehicle_id: UUID) -> dict[str, Any]:
    """Offer a facility to the intermediary of a programme that the vehicle's programme funds."""
    made = facilities.offer_facility(session(), current_actor(), vehicle_id, draft)
    located(f"/v1/facilities/{made.id}")
    return _facility(made)


@vehicles.get("/facilities")
@vehicles.arguments(PageQuery, location="query")
@vehicles.response(200, page_of(schemas.FacilityView))
def list_facilities(query: dict[str, Any]) -> dict[str, Any]:
    """List the facilities that your organisations have set or were offered."""
    rows = facilities.facilities_for(session(), current_actor(), after_id(query), query["limit"])
    page = cut(rows, query["limit"], _by_id)
    return paged(replace(page, items=[facilities.card(session(), each) for each in page.items]))


@vehicles.get("/facilities/<uuid:facility_id>")
@vehicles.response(200, schemas.FacilityView)
def get_facility(facility_id: UUID) -> dict[str, Any]:
    """Read a facility and where it stands."""
    return _facility(facilities.facility_for(session(), current_actor(), facility_id))


@vehicles.post("/facilities/<uuid:facility_id>/agreement")
@writes(key_required=True)
@vehicles.response(200, schemas.FacilityView)
def post_facility_agreement(facility_id: UUID) -> dict[str, Any]:
    """Agree to a facility for the intermediary: the vehicle's money is put aside for it."""
    return _facility(facilities.agree(session(), current_actor(), facility_id))


@vehicles.post("/facilities/<uuid:facility_id>/withdrawal")
@writes
@vehicles.response(200, schemas.FacilityView)
def post_facility_withdrawal(facility_id: UUID) -> dict[str, Any]:
    """Take back a facility that nobody has agreed to."""
    return _facility(facilities.withdraw(session(), current_actor(), facility_id))


@vehicles.get("/facilities/<uuid:facility_id>/draws")
@vehicles.arguments(PageQuery, location="query")
@vehicles.response(200, page_of(schemas.FacilityDrawView))
def list_facility_draws(query: dict[str, Any], facility_id: UUID) -> dict[str, Any]:
    """List what was drawn on a facility."""
    rows = facilities.draws_of(session(), current_actor(), facility_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], _by_id))


@vehicles.post("/facility-draws/<uuid:draw_id>/recoveries")
@writes(key_required=True)
@vehicles.arguments(schemas.FacilityRecoveryDraft)
@vehicles.response(201, schemas.FacilityLossView)
def post_facility_recovery(recovery: dict[str, Any], draw_id: UUID) -> FacilityLoss:
    """Record what came back of a loss: the senior layer is made whole first."""
    return facilities.record_recovery(session(), current_actor(), draw_id, recovery)
