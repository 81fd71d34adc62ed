"""What a vehicle publishes of itself, and the look-through of a wholesale vehicle's capital.

Public figures are of whole fives of awards, the earliest first: whoever compares two readings learns of five awards at
least, and of fewer than five nothing is told. Reads alone; changes nothing.
"""

from collections.abc import Sequence
from statistics import median
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.instruments.facilities import pro_rata
from marketplace.ledger import service as books
from marketplace.ledger.models import LedgerAccount
from marketplace.ledger.rules import Owner
from marketplace.pledges.lifecycle import BINDING
from marketplace.pledges.models import Pledge, PledgePart
from marketplace.proposals.models import ProposalProjection
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.counts import SMALL, band, guarded_counts
from marketplace.values.permissions import Action
from marketplace.vehicles import rules
from marketplace.vehicles.models import Facility, FacilityDraw, Vehicle
from marketplace.vehicles.service import WHOLESALE, own_vehicle, programme_title

INTERMEDIARY_SHARE_BP = 2_500
"""The most of a vehicle's capital that one intermediary may have."""
SMALL_SHARE_BP = 3_000
"""The least of it that goes to small asks."""


def told_of(session: Session, vehicle: Vehicle) -> dict[str, Any]:
    """A vehicle as everyone reads it: its terms, forecast, and its figures so far."""
    names = ("id", "version", "organisation_id", "programme_id", "kind", "currency", "terms", "forecast", "opened_on")
    return {name: getattr(vehicle, name) for name in names} | {
        "title": programme_title(session, vehicle),
        "figures": figures_of(session, vehicle),
    }


def figures_of(session: Session, vehicle: Vehicle) -> dict[str, Any]:
    """Awards, what came back and what was lost, fees, time to decision, the share that began bottom-up, and what was
    expected by now. Nothing of fewer than five awards."""
    awards = _awards(session, vehicle)
    counted = awards[: len(awards) - len(awards) % SMALL]
    figures: dict[str, Any] = {"awards": band(len(counted)), "expected": _expected(vehicle)}
    if not counted:
        return figures | dict.fromkeys(("awarded", "repaid", "written_off", "fees", "days_to_decision", "bottom_up"))
    ids = [each.id for each in counted]
    summed = select(
        func.coalesce(func.sum(PledgePart.amount - PledgePart.cancelled), 0),
        func.coalesce(func.sum(PledgePart.repaid + PledgePart.returned), 0),
        func.coalesce(func.sum(PledgePart.written_off), 0),
    ).where(PledgePart.pledge_id.in_(ids))
    awarded, repaid, lost = session.execute(summed).one()
    fees = select(func.coalesce(func.sum(LedgerAccount.balance), 0)).where(
        LedgerAccount.owner_kind == Owner.PLEDGE, LedgerAccount.owner_id.in_(ids), LedgerAccount.name == "fees"
    )
    days = [(each.offered_at - each.created_at).days for each in counted if each.offered_at is not None]
    begun = _bottom_up(session, [each.proposal_id for each in counted])
    return figures | {
        "awarded": int(awarded),
        "repaid": int(repaid),
        "written_off": int(lost),
        "fees": int(session.scalars(fees).one()),
        "days_to_decision": round(median(days)),
        "bottom_up": guarded_counts({"bottom_up": begun, "other": len(counted) - begun})["bottom_up"],
    }


def look_through(session: Session, actor: Actor, vehicle_id: UUID) -> dict[str, Any]:
    """A wholesale vehicle's capital, through its intermediaries, to the groups that owe it; for the vehicle's own.

    A group is a key here, the same in all of the vehicle's facilities: the vehicle is told what one group owes through
    several intermediaries, and not who it is. `performing` is drawn and not lost.
    """
    vehicle = own_vehicle(session, actor, vehicle_id, WHOLESALE, Action.READ_PROGRAMME)
    query = select(Facility).where(Facility.vehicle_id == vehicle.id, Facility.state == "open").order_by(Facility.id)
    facilities = list(session.scalars(query))
    draws: dict[UUID, list[FacilityDraw]] = {each.id: [] for each in facilities}
    for draw in session.scalars(
        select(FacilityDraw).where(FacilityDraw.facility_id.in_(draws)).order_by(FacilityDraw.id)
    ):
        draws[draw.facility_id].append(draw)
    keys = _one_key_a_group([draw for each in draws.values() for draw in each])
    capital: dict[UUID, int] = {}
    for each in facilities:
        organisation = each.intermediary_organisation_id
        capital[organisation] = capital.get(organisation, 0) + each.layers.total
    performing = [sum(draw.outstanding for draw in draws[each.id]) for each in facilities]
    available = books.balances(session, Owner.PROGRAMME, vehicle.programme_id).get("available", 0)
    drawn = [draw for each in draws.values() for draw in each]
    reasons = rules.allocation_reasons(
        INTERMEDIARY_SHARE_BP,
        list(capital.values()),
        sum(capital.values()),
        SMALL_SHARE_BP,
        sum(draw.amount - draw.cancelled for draw in drawn if draw.small),
        sum(draw.amount - draw.cancelled for draw in drawn),
    )
    shares = pro_rata(available, performing, INTERMEDIARY_SHARE_BP)
    return {
        "vehicle_id": vehicle.id,
        "currency": vehicle.currency,
        "available": available,
        "intermediaries": [
            {
                "facility_id": each.id,
                "organisation_id": each.intermediary_organisation_id,
                "name": session.get_one(Organisation, each.intermediary_organisation_id).name,
                "capital": each.layers.total,
                "performing": outstanding,
                "lost": sum(draw.lost - draw.recovered for draw in draws[each.id]),
                "allocation": share,
                "groups": _by_group(draws[each.id], keys),
            }
            for each, outstanding, share in zip(facilities, performing, shares, strict=True)
        ],
        "groups": _by_group(drawn, keys),
        "reasons": [each.as_json() for each in reasons],
    }


def _awards(session: Session, vehicle: Vehicle) -> list[Pledge]:
    """The accepted pledges that the vehicle paid for, the earliest acceptance first."""
    accepted = select(Pledge).where(Pledge.state.in_(sorted(BINDING)), Pledge.answered_at.is_not(None))
    if vehicle.kind == WHOLESALE:
        drawn = select(FacilityDraw.pledge_id).join(Facility).where(Facility.vehicle_id == vehicle.id)
        accepted = accepted.where(Pledge.id.in_(drawn))
    else:
        accepted = accepted.where(Pledge.programme_id == vehicle.programme_id, Pledge.answered_at >= vehicle.created_at)
    return list(session.scalars(accepted.order_by(Pledge.answered_at, Pledge.id)))


def _expected(vehicle: Vehicle) -> dict[str, Any] | None:
    """What the forecast expected by the end of the vehicle's present year; None where it has no years."""
    years = vehicle.forecast.get("years")
    if not years:
        return None
    past = min(len(years), (today() - vehicle.opened_on).days // 365 + 1)
    return {
        "year": past,
        "awarded": sum(each["awarded"] for each in years[:past]),
        "repaid": sum(each["repaid"] for each in years[:past]),
    }


def _bottom_up(session: Session, proposal_ids: Sequence[UUID]) -> int:
    """How many awards are of a proposal that says openly that it began bottom-up."""
    query = select(ProposalProjection.proposal_id, ProposalProjection.open_facts).where(
        ProposalProjection.proposal_id.in_(proposal_ids)
    )
    begun = {row.proposal_id for row in session.execute(query) if row.open_facts.get("initiation") == "bottom_up"}
    return sum(each in begun for each in proposal_ids)


def _one_key_a_group(draws: Sequence[FacilityDraw]) -> dict[UUID, UUID]:
    keys: dict[UUID, UUID] = {}
    for draw in draws:
        keys.setdefault(draw.group_organisation_id, draw.group_key)
    return keys


def _by_group(draws: Sequence[FacilityDraw], keys: dict[UUID, UUID]) -> list[dict[str, Any]]:
    groups: dict[UUID, dict[str, Any]] = {}
    for draw in draws:
        key = keys[draw.group_organisation_id]
        held = groups.setdefault(key, {"group_key": key, "deals": 0, "outstanding": 0, "lost": 0})
        held["deals"] += 1
        held["outstanding"] += draw.outstanding
        held["lost"] += draw.lost - draw.recovered
    return sorted(groups.values(), key=lambda each: (-each["outstanding"], str(each["group_key"])))
