"""Facilities and employer matches in the ledger: what each act moves, booked once under its own reference.

The movements are here; who may, and which rows are held, is for whoever calls. Accounts come last in the lock order.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.instruments.facilities import LAYERS, FacilityTerms
from marketplace.instruments.waterfall import Layer
from marketplace.ledger import service as books
from marketplace.ledger.rules import AccountKey, Entry, InsufficientBalance, Owner
from marketplace.values.actor import Actor
from marketplace.vehicles.rules import FacilityNotFunded

IN_FACILITIES = {"in_facilities": True}
"""What a wholesale programme has put into facilities; opened with its first."""


def open_facility(
    session: Session, actor: Actor, facility_id: UUID, programme_id: UUID, currency: str, terms: FacilityTerms
) -> None:
    """available -> in_facilities of the wholesale programme; the facility's capital, and its layers. FacilityNotFunded
    where the programme has less."""
    books.open_accounts(session, Owner.FACILITY, facility_id, currency)
    books.open_accounts(session, Owner.PROGRAMME, programme_id, currency, IN_FACILITIES)
    entries = [
        *_move(Owner.PROGRAMME, programme_id, "available", "in_facilities", terms.total),
        *_move(Owner.FACILITY, facility_id, "capital_source", "undrawn", terms.total),
        *_layers(facility_id, {name: getattr(terms, name) for name in LAYERS}, "layers_source", ""),
    ]
    try:
        _post(session, actor, "facility.opened", str(facility_id), entries, "Facility opened")
    except InsufficientBalance as short:
        raise FacilityNotFunded("Raise the programme's budget, or offer a smaller facility.") from short


def draw(session: Session, actor: Actor, facility_id: UUID, amount: int, reference: str) -> None:
    """undrawn -> drawn. InsufficientBalance where less is left."""
    entries = _move(Owner.FACILITY, facility_id, "undrawn", "drawn", amount)
    _post(session, actor, "facility.drawn", reference, entries, "Drawn on a facility")


def undraw(session: Session, actor: Actor, facility_id: UUID, amount: int, reference: str) -> None:
    """drawn -> undrawn: what will not be paid can be drawn again."""
    entries = _move(Owner.FACILITY, facility_id, "drawn", "undrawn", amount)
    _post(session, actor, "facility.undrawn", reference, entries, "Given back to a facility undrawn")


def repay(session: Session, actor: Actor, facility_id: UUID, amount: int, reference: str) -> None:
    """drawn -> repaid."""
    entries = _move(Owner.FACILITY, facility_id, "drawn", "repaid", amount)
    _post(session, actor, "facility.repaid", reference, entries, "Repaid to a facility")


def lose(session: Session, actor: Actor, facility_id: UUID, shares: Mapping[str, int], reference: str) -> None:
    """drawn -> lost, and each layer's share from what is left of it to what it bore."""
    entries = _move(Owner.FACILITY, facility_id, "drawn", "lost", sum(shares.values()))
    entries += _layers(facility_id, shares, "", "_lost")
    _post(session, actor, "facility.lost", reference, entries, "Loss of a facility")


def recover(session: Session, actor: Actor, facility_id: UUID, shares: Mapping[str, int], reference: str) -> None:
    """lost -> repaid, and each layer's share back from what it bore."""
    entries = _move(Owner.FACILITY, facility_id, "lost", "repaid", sum(shares.values()))
    entries += _layers(facility_id, shares, "_lost", "")
    _post(session, actor, "facility.recovered", reference, entries, "Recovered for a facility")


def standing_layers(balances: Mapping[str, int]) -> list[Layer]:
    """The layers out of a facility's balances: their sizes and what they bore."""
    return [
        Layer(name, balances.get(name, 0) + balances.get(f"{name}_lost", 0), balances.get(f"{name}_lost", 0))
        for name in LAYERS
    ]


def commit_match(session: Session, actor: Actor, match_id: UUID, currency: str, cash: int, staff_time: int) -> None:
    """What an employer commits: promised -> cash_committed and time_committed."""
    books.open_accounts(session, Owner.EMPLOYER_MATCH, match_id, currency)
    entries = [
        entry
        for name, amount in (("cash_committed", cash), ("time_committed", staff_time))
        if amount
        for entry in _move(Owner.EMPLOYER_MATCH, match_id, "promised", name, amount)
    ]
    _post(session, actor, "employer_match.agreed", str(match_id), entries, "Employer match agreed")


def give(session: Session, actor: Actor, match_id: UUID, contribution_id: UUID, kind: str, amount: int) -> None:
    """A contribution counts: cash_committed -> cash_paid, or time_committed -> time_given."""
    names = ("cash_committed", "cash_paid") if kind == "cash" else ("time_committed", "time_given")
    entries = _move(Owner.EMPLOYER_MATCH, match_id, *names, amount)
    _post(session, actor, "employer_match.contributed", str(contribution_id), entries, "Employer's contribution")


def _layers(facility_id: UUID, shares: Mapping[str, int], source: str, target: str) -> list[Entry]:
    """Each layer's share, from its account with the suffix `source` (or that one account) to that with `target`."""
    return [
        entry
        for name, amount in shares.items()
        if amount
        for entry in _move(
            Owner.FACILITY,
            facility_id,
            source if source == "layers_source" else f"{name}{source}",
            f"{name}{target}",
            amount,
        )
    ]


def _move(owner: Owner, owner_id: UUID, source: str, target: str, amount: int) -> list[Entry]:
    return [
        Entry(AccountKey(owner, owner_id, source), -amount),
        Entry(AccountKey(owner, owner_id, target), amount),
    ]


def _post(
    session: Session, actor: Actor, kind: str, reference: str, entries: Iterable[Entry], description: str
) -> None:
    books.post(session, kind=kind, reference=reference, entries=list(entries), actor=actor, description=description)
