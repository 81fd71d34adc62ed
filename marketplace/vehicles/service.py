"""Opening a vehicle on a programme, and what everyone may read of it.

A vehicle is opened with the terms that were simulated, and keeps what the simulation came to: its forecast. Flushes,
never commits.
"""

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.programmes.models import Programme
from marketplace.programmes.rules import ProgrammeNotPublished
from marketplace.programmes.service import own_programme
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.permissions import Action
from marketplace.values.refusals import NotFound
from marketplace.vehicles.models import Vehicle
from marketplace.vehicles.rules import KINDS, TermsWrong, WrongVehicle
from marketplace.vehicles.simulations import SIMULATED

WHOLESALE = "wholesale_facility"


def open_vehicle(session: Session, actor: Actor, draft: dict[str, Any]) -> Vehicle:
    """Run one of the caller's published programmes as a vehicle; its terms are simulated once more, and kept with it.

    TermsWrong unless exactly one kind's terms are given, in the programme's currency; WrongVehicle where the kind of
    organisation does not fit: a wholesale vehicle sets facilities, and nobody else does.
    """
    programme = own_programme(session, actor, draft["programme_id"], Action.SET_BUDGET, lock=True)
    if programme.current_criteria_version_id is None:
        raise ProgrammeNotPublished("Publish its criteria first.")
    given = [kind for kind in KINDS if kind in draft]
    if len(given) != 1:
        raise TermsWrong(
            "Give the terms of one kind of vehicle.", errors=[{"pointer": "#", "detail": f"One of {', '.join(KINDS)}."}]
        )
    kind, terms = given[0], draft[given[0]]
    if terms["currency"] != programme.currency:
        fault = {"pointer": f"#/{kind}/currency", "detail": f"The programme's currency is {programme.currency}."}
        raise TermsWrong("The currencies differ.", errors=[fault])
    organisation = session.get_one(Organisation, programme.organisation_id)
    if (organisation.kind == "wholesale_vehicle") != (kind == WHOLESALE):
        raise WrongVehicle("A wholesale vehicle sets facilities, and nobody else does.", kind=kind)
    vehicle = Vehicle(
        organisation_id=programme.organisation_id,
        programme_id=programme.id,
        kind=kind,
        currency=programme.currency,
        terms=_plain(terms),
        forecast=_plain(_simulated(kind, terms)),
        opened_by=actor.person,
        opened_on=today(),
    )
    session.add(vehicle)
    session.flush()
    journal.record(
        session, "vehicle.opened", "vehicle", vehicle.id, actor=actor,
        audience=journal.Audience(frozenset({vehicle.organisation_id}), public=True),
        path=f"/v1/vehicles/{vehicle.id}", after={"kind": kind, "terms": vehicle.terms},
    )  # fmt: skip
    return vehicle


def vehicles(session: Session, kind: str | None, after: UUID | None, limit: int) -> list[Vehicle]:
    """Every vehicle, newest first; one more than `limit` where there are more."""
    query = select(Vehicle)
    if kind is not None:
        query = query.where(Vehicle.kind == kind)
    if after is not None:
        query = query.where(Vehicle.id < after)
    return list(session.scalars(query.order_by(Vehicle.id.desc()).limit(limit + 1)))


def vehicle_of(session: Session, vehicle_id: UUID) -> Vehicle:
    """One vehicle; NotFound otherwise."""
    found = session.get(Vehicle, vehicle_id)
    if found is None:
        raise NotFound()
    return found


def vehicle_behind(session: Session, programme_id: UUID, kind: str) -> Vehicle | None:
    """The vehicle that the programme runs, where it is of that kind."""
    return session.scalars(select(Vehicle).where(Vehicle.programme_id == programme_id, Vehicle.kind == kind)).first()


def own_vehicle(session: Session, actor: Actor, vehicle_id: UUID, kind: str, action: Action) -> Vehicle:
    """A vehicle of the caller's, of that kind, for one who may do `action`; its programme's row is locked."""
    vehicle = vehicle_of(session, vehicle_id)
    own_programme(session, actor, vehicle.programme_id, action, lock=action is not Action.READ_PROGRAMME)
    if vehicle.kind != kind:
        raise WrongVehicle(f"That takes a vehicle of the kind {kind}.", kind=vehicle.kind)
    return vehicle


def programme_title(session: Session, vehicle: Vehicle) -> dict[str, str]:
    """What the vehicle's programme is called."""
    return session.get_one(Programme, vehicle.programme_id).title


def _simulated(kind: str, terms: dict[str, Any]) -> dict[str, Any]:
    """What the simulation answers; its faults point into the member that the terms came in."""
    try:
        return SIMULATED[kind](terms)
    except TermsWrong as wrong:
        faults = [each | {"pointer": f"#/{kind}{each['pointer'][1:]}"} for each in wrong.facts["errors"]]
        raise TermsWrong(wrong.detail, errors=faults) from wrong


def _plain(value: Any) -> Any:
    """The same in JSON values, days as text."""
    return orjson.loads(orjson.dumps(value))
