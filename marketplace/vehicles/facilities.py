"""Facilities: offered by a wholesale vehicle, agreed by an intermediary, drawn on by its accepted pledges.

Heard from the pledges and repayments below: an acceptance draws, a cancellation gives back, repayments and write-offs
follow. Lock order: whatever the pledge holds, its programme's accounts, then the vehicle, the facility and its
accounts; nothing of a pledge is asked for after these. Flushes, never commits.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Uuid, bindparam, func, or_, select, text
from sqlalchemy.orm import Session

from marketplace.identity.organisations import freshly
from marketplace.instruments.facilities import Standing, draw_checks, shares_of_loss, shares_of_recovery
from marketplace.ledger import service as books
from marketplace.ledger.reconciliation import Owners
from marketplace.ledger.rules import InsufficientBalance, Owner
from marketplace.pledges.decisions import decide_offer
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.pledges.rules import REPAYABLE, refuse_future
from marketplace.programmes.models import Programme
from marketplace.proposals.models import Ask, Proposal
from marketplace.repayments.models import Repayment, WriteOff
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import Outcome, Reason, unmet
from marketplace.values.refusals import NotFound
from marketplace.vehicles import booking, rules
from marketplace.vehicles.models import Facility, FacilityDraw, FacilityLoss, Vehicle
from marketplace.vehicles.service import WHOLESALE, own_vehicle
from marketplace.vehicles.simulations import facility_terms

SMALL_ASK = 50_000_00
"""Asks below this are the small ones, of which a vehicle has to fund its share."""


def offer_facility(session: Session, actor: Actor, vehicle_id: UUID, draft: dict[str, Any]) -> Facility:
    """Offer a facility to the intermediary of a programme that the vehicle's programme funds. TermsWrong otherwise, or
    where the layers pass the lender's leverage cap."""
    vehicle = own_vehicle(session, actor, vehicle_id, WHOLESALE, Action.SET_BUDGET)
    programme = session.get(Programme, draft["programme_id"])
    faults = rules.leverage_faults(facility_terms(draft), draft["lender"])
    if programme is None or programme.funded_by_programme_id != vehicle.programme_id:
        detail = "Name a programme that says it is funded by the vehicle's."
        faults.append({"pointer": "#/programme_id", "detail": detail})
    elif programme.currency != vehicle.currency:
        faults.append({"pointer": "#/programme_id", "detail": f"The vehicle's currency is {vehicle.currency}."})
    if faults or programme is None:
        raise rules.TermsWrong("`errors` names each fault.", errors=faults)
    names = ("lender", "first_loss", "mezzanine", "senior", "loss_stop_bp", "concentration_bp")
    facility = Facility(
        vehicle_id=vehicle.id,
        programme_id=programme.id,
        organisation_id=vehicle.organisation_id,
        intermediary_organisation_id=programme.organisation_id,
        currency=vehicle.currency,
        state="offered",
        offered_by=actor.person,
        **{name: draft[name] for name in names},
    )
    session.add(facility)
    session.flush()
    _note(session, actor, facility, "facility.offered")
    return facility


def agree(session: Session, actor: Actor, facility_id: UUID) -> Facility:
    """Agree for the intermediary: the vehicle's programme puts the money aside, and pledges draw on it from now on."""
    found = facility_for(session, actor, facility_id)
    permit(actor, Action.SET_BUDGET, found.intermediary_organisation_id)
    facility = _locked(session, facility_id)
    permit(freshly(session, actor), Action.SET_BUDGET, facility.intermediary_organisation_id)
    _refuse_decided(facility)
    facility.state, facility.agreed_by, facility.agreed_at = "open", actor.person, now()
    facility.version += 1
    session.flush()
    vehicle = session.get_one(Vehicle, facility.vehicle_id)
    booking.open_facility(session, actor, facility.id, vehicle.programme_id, facility.currency, facility.layers)
    _note(session, actor, facility, "facility.opened")
    return facility


def withdraw(session: Session, actor: Actor, facility_id: UUID) -> Facility:
    """Take back a facility that nobody has agreed to yet."""
    found = facility_for(session, actor, facility_id)
    permit(actor, Action.SET_BUDGET, found.organisation_id)
    facility = _locked(session, facility_id)
    permit(freshly(session, actor), Action.SET_BUDGET, facility.organisation_id)
    _refuse_decided(facility)
    facility.state = "withdrawn"
    facility.version += 1
    session.flush()
    _note(session, actor, facility, "facility.withdrawn")
    return facility


def facilities_for(session: Session, actor: Actor, after: UUID | None, limit: int) -> list[Facility]:
    """The facilities that the caller's organisations have set or were offered, newest first; one more than `limit`."""
    own = sorted(actor.organisation_ids)
    query = select(Facility).where(
        or_(Facility.organisation_id.in_(own), Facility.intermediary_organisation_id.in_(own))
    )
    if after is not None:
        query = query.where(Facility.id < after)
    return list(session.scalars(query.order_by(Facility.id.desc()).limit(limit + 1)))


def facility_for(session: Session, actor: Actor, facility_id: UUID) -> Facility:
    """A facility that one of the caller's organisations is party to; NotFound otherwise."""
    facility = session.get(Facility, facility_id)
    own = actor.organisation_ids
    if facility is None or not own & {facility.organisation_id, facility.intermediary_organisation_id}:
        raise NotFound()
    return facility


def card(session: Session, facility: Facility) -> dict[str, Any]:
    """A facility with its balances."""
    held = books.balances(session, Owner.FACILITY, facility.id)
    told = {name: getattr(facility, name) for name in CARD}
    return told | {
        "largest_deal": facility.layers.largest_deal,
        "undrawn": held.get("undrawn", 0),
        "drawn": held.get("drawn", 0),
        "repaid": held.get("repaid", 0),
        "lost": held.get("lost", 0),
        "layers": [{"name": each.name, "size": each.size, "lost": each.lost} for each in booking.standing_layers(held)]
        if held
        else [{"name": each.name, "size": each.size, "lost": 0} for each in facility.layers.layers],
    }


CARD = (
    *("id", "version", "vehicle_id", "programme_id", "organisation_id", "intermediary_organisation_id", "lender"),
    *("currency", "loss_stop_bp", "concentration_bp", "state", "agreed_at", "created_at"),
)


def draws_of(session: Session, actor: Actor, facility_id: UUID, after: UUID | None, limit: int) -> list[dict[str, Any]]:
    """What was drawn on a facility, newest first; one more than `limit`. The intermediary alone is told by which
    pledge: to the vehicle each group is a key, the same in all of its facilities."""
    facility = facility_for(session, actor, facility_id)
    query = select(FacilityDraw).where(FacilityDraw.facility_id == facility.id)
    if after is not None:
        query = query.where(FacilityDraw.id < after)
    own = actor.membership_in(facility.intermediary_organisation_id) is not None
    names = ("id", "facility_id", "group_key", "amount", "cancelled", "repaid", "lost", "recovered", "outstanding")
    return [
        {name: getattr(row, name) for name in names} | {"pledge_id": row.pledge_id if own else None}
        for row in session.scalars(query.order_by(FacilityDraw.id.desc()).limit(limit + 1))
    ]


# What an offer and an acceptance ask


def offer_reasons(session: Session, pledge: Pledge, proposal: Proposal) -> list[tuple[str, Reason]]:
    """What the facility and the vehicle behind the programme say to an offer: all of both rule sets, each named."""
    facility, amount = _behind(session, pledge.programme_id), drawn_by(pledge)
    if facility is None:
        return []
    vehicle = session.get_one(Vehicle, facility.vehicle_id)
    wholesale = session.get_one(Programme, vehicle.programme_id)
    told = rules.layered("vehicle", _vehicle_reasons(session, vehicle, wholesale, pledge, amount))
    if wholesale.current_criteria_version_id is not None:
        seen_by = facility.intermediary_organisation_id
        decided = decide_offer(session, wholesale, proposal, {}, shared_with=seen_by)
        told += rules.layered("vehicle", decided.blocking({}))
    if amount:
        told += rules.layered("facility", _facility_reasons(session, facility, pledge, amount))
    return told


def draw_on_acceptance(session: Session, actor: Actor, pledge: Pledge) -> None:
    """Draw an accepted pledge's repayable parts on the facility behind its programme. DrawRefused, by codes alone: the
    group is not party to the facility's terms."""
    found, amount = _behind(session, pledge.programme_id), drawn_by(pledge)
    if found is None or not amount:
        return
    vehicle = session.get_one(Vehicle, found.vehicle_id, with_for_update={"key_share": True}, populate_existing=True)
    facility = _locked(session, found.id)
    wholesale = session.get_one(Programme, vehicle.programme_id)
    against = [
        *rules.layered("vehicle", unmet(_vehicle_reasons(session, vehicle, wholesale, pledge, amount))),
        *rules.layered("facility", unmet(_facility_reasons(session, facility, pledge, amount))),
    ]
    if against:
        raise _refused(against)
    ask = session.get_one(Ask, pledge.ask_id)
    draw = FacilityDraw(
        facility_id=facility.id,
        pledge_id=pledge.id,
        group_organisation_id=pledge.group_organisation_id,
        group_key=_key_of(session, vehicle.id, pledge.group_organisation_id),
        amount=amount,
        small=ask.amount < SMALL_ASK,
    )
    session.add(draw)
    session.flush()
    try:
        booking.draw(session, actor, facility.id, amount, str(pledge.id))
    except InsufficientBalance as short:
        raise _refused([("facility", Reason("CAPACITY", Outcome.UNMET, op="lte"))]) from short
    _note(session, actor, facility, "facility.drawn")


def drawn_by(pledge: Pledge) -> int:
    """What of a pledge is drawn on a facility: its repayable parts. Grants beside them are the programme's own."""
    return sum(part.amount for part in pledge.parts if part.instrument in REPAYABLE)


# What follows


def give_back(session: Session, actor: Actor, tranche: Tranche) -> None:
    """A repayable tranche will not be paid: it can be drawn again."""
    draw = _draw_behind(session, tranche.part)
    if draw is not None:
        draw.cancelled += tranche.amount
        session.flush()
        booking.undraw(session, actor, draw.facility_id, tranche.amount, str(tranche.id))


def note_return(session: Session, actor: Actor, tranche: Tranche, amount: int) -> None:
    """Money of a repayable tranche came back unspent."""
    draw = _draw_behind(session, tranche.part)
    if draw is not None:
        draw.repaid += amount
        session.flush()
        booking.repay(session, actor, draw.facility_id, amount, f"{tranche.id}:{tranche.returned}")


def note_repayment(session: Session, actor: Actor, part: PledgePart, repayment: Repayment) -> None:
    """Principal was repaid; income is the intermediary's."""
    draw = _draw_behind(session, part)
    if draw is not None and repayment.principal:
        draw.repaid += repayment.principal
        session.flush()
        booking.repay(session, actor, draw.facility_id, repayment.principal, str(repayment.id))


def note_write_off(session: Session, actor: Actor, part: PledgePart, write_off: WriteOff) -> None:
    """A loss falls on the layers: first loss, mezzanine, senior."""
    draw = _draw_behind(session, part)
    if draw is None:
        return
    layers = booking.standing_layers(books.balances(session, Owner.FACILITY, draw.facility_id))
    _, taken, uncovered = shares_of_loss(layers, write_off.amount)
    if uncovered:
        raise AssertionError("a facility cannot lose what it never held")
    shares = {layer.name: share for layer, share in zip(layers, taken, strict=True)}
    draw.lost += write_off.amount
    _keep(session, draw, "loss", write_off.amount, shares, str(write_off.id), write_off.decided_by)
    booking.lose(session, actor, draw.facility_id, shares, str(write_off.id))
    _note(session, actor, session.get_one(Facility, draw.facility_id), "facility.lost")


def record_recovery(session: Session, actor: Actor, draw_id: UUID, told: dict[str, Any]) -> FacilityLoss:
    """Record for the intermediary what came back of a loss, once per reference: senior, mezzanine, first loss again.

    FacilityRecoveryTooLarge past what was lost of that draw and not recovered.
    """
    found = session.get(FacilityDraw, draw_id)
    if found is None:
        raise NotFound()
    facility = facility_for(session, actor, found.facility_id)
    permit(actor, Action.RECORD_REPAYMENT, facility.intermediary_organisation_id)
    refuse_future(told["received_on"], today(), "#/received_on")
    facility = _locked(session, facility.id)
    permit(freshly(session, actor), Action.RECORD_REPAYMENT, facility.intermediary_organisation_id)
    draw = session.get_one(FacilityDraw, draw_id, populate_existing=True)
    amount = told["amount"]
    if amount.currency != facility.currency or amount.amount > draw.lost - draw.recovered:
        raise rules.FacilityRecoveryTooLarge(
            "Give at most what was lost and not recovered, in the facility's currency.",
            pointer="#/amount",
            lost={"amount": draw.lost - draw.recovered, "currency": facility.currency},
        )
    layers = booking.standing_layers(books.balances(session, Owner.FACILITY, facility.id))
    _, given, _ = shares_of_recovery(layers, amount.amount)
    shares = {layer.name: share for layer, share in zip(layers, given, strict=True)}
    draw.recovered += amount.amount
    made = _keep(session, draw, "recovery", amount.amount, shares, told["reference"], actor.person, told["received_on"])
    booking.recover(session, actor, facility.id, shares, str(made.id))
    _note(session, actor, facility, "facility.recovered")
    return made


# Within


def _vehicle_reasons(
    session: Session, vehicle: Vehicle, wholesale: Programme, pledge: Pledge, amount: int
) -> list[Reason]:
    """The vehicle's own limits: its largest pledge, and what one group may owe through all of its intermediaries.

    Of the latter no figure is told: it would say what another intermediary lends the group.
    """
    told = []
    if wholesale.ticket_max is not None:
        holds = Outcome.MET if pledge.amount <= wholesale.ticket_max else Outcome.UNMET
        told.append(Reason("TICKET_MAX", holds, op="lte", wanted=wholesale.ticket_max, found=pledge.amount))
    most = vehicle.terms.get("group_exposure")
    if most is not None:
        exposed = _exposure(session, pledge.group_organisation_id, vehicle_id=vehicle.id) + amount
        holds = Outcome.MET if exposed <= most else Outcome.UNMET
        told.append(Reason("GROUP_EXPOSURE", holds, op="lte", wanted=most))
    return told


def _facility_reasons(session: Session, facility: Facility, pledge: Pledge, amount: int) -> list[Reason]:
    held = books.balances(session, Owner.FACILITY, facility.id)
    already = _exposure(session, pledge.group_organisation_id, facility_id=facility.id)
    standing = Standing(held.get("undrawn", 0), held.get("lost", 0))
    return [rules.check_reason(each) for each in draw_checks(facility.layers, standing, amount, already)]


def _exposure(
    session: Session, group_id: UUID, *, vehicle_id: UUID | None = None, facility_id: UUID | None = None
) -> int:
    """What a group has outstanding in a facility, or in all facilities of a vehicle."""
    outstanding = FacilityDraw.amount - FacilityDraw.cancelled - FacilityDraw.repaid - FacilityDraw.lost
    query = select(func.coalesce(func.sum(outstanding), 0)).where(FacilityDraw.group_organisation_id == group_id)
    if facility_id is not None:
        query = query.where(FacilityDraw.facility_id == facility_id)
    else:
        query = query.join(Facility).where(Facility.vehicle_id == vehicle_id)
    return int(session.scalars(query).one())


def _refused(against: Sequence[tuple[str, Reason]]) -> rules.DrawRefused:
    told = [reason.as_json() | {"layer": layer} for layer, each in against for reason in rules.without_figures([each])]
    return rules.DrawRefused("Ask the funder for another offer.", reasons=told)


def _behind(session: Session, programme_id: UUID) -> Facility | None:
    query = select(Facility).where(Facility.programme_id == programme_id, Facility.state == "open")
    return session.scalars(query).one_or_none()


def _draw_behind(session: Session, part: PledgePart) -> FacilityDraw | None:
    """The draw that a repayable part belongs to, its facility held; None where nothing was drawn."""
    if part.instrument not in REPAYABLE:
        return None
    query = select(FacilityDraw).where(FacilityDraw.pledge_id == part.pledge_id)
    draw = session.scalars(query).one_or_none()
    if draw is None:
        return None
    _locked(session, draw.facility_id)
    return session.get_one(FacilityDraw, draw.id, populate_existing=True)


def _locked(session: Session, facility_id: UUID) -> Facility:
    return session.get_one(Facility, facility_id, with_for_update={"key_share": True}, populate_existing=True)


def _key_of(session: Session, vehicle_id: UUID, group_id: UUID) -> UUID:
    query = select(FacilityDraw.group_key).join(Facility).where(Facility.vehicle_id == vehicle_id)
    return session.scalars(query.where(FacilityDraw.group_organisation_id == group_id)).first() or new_id()


def _keep(
    session: Session,
    draw: FacilityDraw,
    kind: str,
    amount: int,
    shares: dict[str, int],
    reference: str,
    person: UUID | None,
    on: Any = None,
) -> FacilityLoss:
    made = FacilityLoss(
        facility_id=draw.facility_id,
        draw_id=draw.id,
        kind=kind,
        amount=amount,
        happened_on=on or today(),
        reference=reference,
        recorded_by=person,
        **shares,
    )
    session.add(made)
    session.flush()
    return made


def _refuse_decided(facility: Facility) -> None:
    if facility.state != "offered":
        raise rules.FacilityNotOffered(f"It is {facility.state}.", state=facility.state)


def _note(session: Session, actor: Actor, facility: Facility, type_: str) -> None:
    journal.record(
        session, type_, "facility", facility.id, actor=actor,
        audience=journal.only(facility.organisation_id, facility.intermediary_organisation_id),
        path=f"/v1/facilities/{facility.id}", after={"state": facility.state, "version": facility.version},
    )  # fmt: skip


DIFFERENCES = text(
    """
WITH books AS (
  SELECT owner_id AS id, sum(balance) FILTER (WHERE name = 'undrawn') AS undrawn,
         sum(balance) FILTER (WHERE name = 'drawn') AS drawn, sum(balance) FILTER (WHERE name = 'repaid') AS repaid,
         sum(balance) FILTER (WHERE name = 'lost') AS lost,
         sum(balance) FILTER (WHERE name IN ('first_loss_lost', 'mezzanine_lost', 'senior_lost')) AS borne,
         sum(balance) FILTER (WHERE name IN ('first_loss', 'mezzanine', 'senior')) AS left_in_layers
  FROM ledger_account WHERE owner_kind = 'facility' GROUP BY owner_id
), drawn AS (
  SELECT facility_id AS id, sum(amount - cancelled - repaid - lost) AS drawn, sum(repaid + recovered) AS repaid,
         sum(lost - recovered) AS lost
  FROM facility_draw GROUP BY facility_id
), parts AS (
  SELECT part.pledge_id, sum(part.amount) AS amount, sum(part.cancelled) AS cancelled,
         sum(part.returned + part.repaid) AS repaid, sum(part.written_off) AS lost
  FROM pledge_part part WHERE part.instrument = ANY (:repayable) GROUP BY part.pledge_id
), kept AS (
  SELECT draw_id, coalesce(sum(amount) FILTER (WHERE kind = 'loss'), 0) AS lost,
         coalesce(sum(amount) FILTER (WHERE kind = 'recovery'), 0) AS recovered
  FROM facility_loss GROUP BY draw_id
)
SELECT 'facility ' || facility.id || ': the ledger says undrawn ' || coalesce(books.undrawn, 0) || ', drawn '
       || coalesce(books.drawn, 0) || ', repaid ' || coalesce(books.repaid, 0) || ', lost ' || coalesce(books.lost, 0)
       || ', borne ' || coalesce(books.borne, 0) || '; its draws say ' || coalesce(drawn.drawn, 0) || ', '
       || coalesce(drawn.repaid, 0) || ', ' || coalesce(drawn.lost, 0)
FROM facility JOIN vehicle ON vehicle.id = facility.vehicle_id
LEFT JOIN books ON books.id = facility.id LEFT JOIN drawn ON drawn.id = facility.id
WHERE facility.state = 'open'
  AND (:everybody OR facility.programme_id = ANY (:owners) OR vehicle.programme_id = ANY (:owners))
  AND ((coalesce(books.drawn, 0), coalesce(books.repaid, 0), coalesce(books.lost, 0)) IS DISTINCT FROM
       (coalesce(drawn.drawn, 0), coalesce(drawn.repaid, 0), coalesce(drawn.lost, 0))
    OR books.borne IS DISTINCT FROM books.lost
    OR books.undrawn + books.drawn + books.repaid + books.lost IS DISTINCT FROM
       facility.first_loss + facility.mezzanine + facility.senior
    OR books.left_in_layers + books.borne IS DISTINCT FROM
       facility.first_loss + facility.mezzanine + facility.senior)
UNION ALL
SELECT 'draw ' || draw.id || ' of pledge ' || draw.pledge_id || ': ' || draw.amount || ', cancelled ' || draw.cancelled
       || ', repaid ' || draw.repaid || ', lost ' || draw.lost || '; the pledge says ' || parts.amount || ', '
       || parts.cancelled || ', ' || parts.repaid || ', ' || parts.lost
FROM facility_draw draw JOIN parts USING (pledge_id) LEFT JOIN kept ON kept.draw_id = draw.id
WHERE (:everybody OR draw.pledge_id = ANY (:owners))
  AND ((draw.amount, draw.cancelled, draw.repaid, draw.lost) IS DISTINCT FROM
       (parts.amount, parts.cancelled, parts.repaid, parts.lost)
    OR (draw.lost, draw.recovered) IS DISTINCT FROM (coalesce(kept.lost, 0), coalesce(kept.recovered, 0)))
ORDER BY 1 LIMIT 1000
"""
).bindparams(
    bindparam("everybody", type_=Boolean()),
    bindparam("owners", type_=ARRAY(Uuid())),
    bindparam("repayable", value=sorted(REPAYABLE)),
)


def facilities_and_books_differ(session: Session, owners: Owners = None) -> list[str]:
    """For `flask reconcile`: facilities, their draws, their pledges' parts and their ledger accounts say the same."""
    asked = {"everybody": owners is None, "owners": sorted(owners or ())}
    return [str(found) for found in session.scalars(DIFFERENCES, asked)]
