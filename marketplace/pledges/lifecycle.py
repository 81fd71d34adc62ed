"""The life cycles of pledges and tranches, as tables. Pure; printed into the documentation."""

from collections.abc import Mapping
from datetime import date, datetime

from marketplace.values.clock import end_of_day
from marketplace.values.refusals import Conflict

PLEDGE: Mapping[tuple[str, str], str] = {
    ("draft", "indicate"): "indicated",
    ("draft", "offer"): "offered",
    ("indicated", "offer"): "offered",
    ("draft", "withdraw"): "withdrawn",
    ("indicated", "withdraw"): "withdrawn",
    ("offered", "withdraw"): "withdrawn",
    ("accepted", "withdraw"): "withdrawn",
    ("indicated", "decline"): "declined",
    ("offered", "decline"): "declined",
    ("draft", "lapse"): "expired",
    ("indicated", "lapse"): "expired",
    ("offered", "lapse"): "expired",
    ("offered", "accept"): "accepted",
    ("accepted", "lapse"): "expired",
    ("accepted", "sign"): "contracted",
    ("contracted", "pay"): "drawing",
    ("drawing", "pay"): "drawing",
    ("contracted", "complete"): "completed",
    ("drawing", "complete"): "completed",
    ("contracted", "terminate"): "terminated",
    ("drawing", "terminate"): "terminated",
    ("drawing", "claw_back"): "clawed_back",
    ("completed", "claw_back"): "clawed_back",
    ("terminated", "claw_back"): "clawed_back",
    ("drawing", "reopen"): "drawing",
    ("completed", "reopen"): "drawing",
    ("drawing", "undo_first_payment"): "contracted",
}

TRANCHE: Mapping[tuple[str, str], str] = {
    ("scheduled", "mature"): "claimable",
    ("claimable", "claim"): "claimed",
    ("claimed", "approve"): "approved",
    ("claimed", "send_back"): "claimable",
    ("approved", "pay"): "paid",
    ("scheduled", "hold"): "held",
    ("claimable", "hold"): "held",
    ("claimed", "hold"): "held",
    ("approved", "hold"): "held",
    ("scheduled", "cancel"): "cancelled",
    ("claimable", "cancel"): "cancelled",
    ("claimed", "cancel"): "cancelled",
    ("approved", "cancel"): "cancelled",
    ("held", "cancel"): "cancelled",
    ("scheduled", "replace"): "replaced",
    ("claimable", "replace"): "replaced",
    ("claimed", "replace"): "replaced",
    ("held", "replace"): "replaced",
    ("paid", "reverse"): "approved",
}
"""Besides, `release` takes a held tranche back to where it was held from; one held from approved is not replaced."""

SCHEDULE: Mapping[tuple[str, str], str] = {
    ("proposed", "accept"): "accepted",
    ("proposed", "reject"): "rejected",
    ("proposed", "withdraw"): "withdrawn",
}
REVERSAL: Mapping[tuple[str, str], str] = {
    ("requested", "approve"): "approved",
    ("requested", "reject"): "rejected",
}
DEMAND: Mapping[tuple[str, str], str] = {
    ("open", "recover_part"): "open",
    ("open", "recover"): "recovered",
    ("open", "withdraw"): "withdrawn",
}
TRANCHE_OVER = frozenset({"paid", "cancelled", "replaced"})
"""States in which nothing of a tranche is promised any more."""

COMMITTED = frozenset({"accepted", "contracted", "drawing"})
"""States in which the unpaid rest of a pledge is committed money."""
BINDING = COMMITTED | {"completed"}
"""States in which the funder is party to what was promised, and goes on seeing the proposal."""
PAYABLE = frozenset({"contracted", "drawing"})
OPEN = frozenset({"draft", "indicated", "offered"})
SEEN_BY_GROUP = frozenset(set(PLEDGE.values()) - {"draft"})


class NoSuchStep(Conflict):
    """The life cycle has no such step from the present state."""

    code = "no-such-step"
    title = "Its state does not allow this step"


class OfferExpired(Conflict):
    """The offer's last day is over."""

    code = "offer-expired"
    title = "The offer has expired"


def pledge_step(state: str, event: str) -> str:
    """The pledge's state after `event`; NoSuchStep where there is no such step."""
    return _step(PLEDGE, "pledge", state, event)


def tranche_step(state: str, event: str) -> str:
    """The tranche's state after `event`; NoSuchStep where there is no such step."""
    return _step(TRANCHE, "tranche", state, event)


def schedule_step(state: str, event: str) -> str:
    """The schedule's state after `event`; NoSuchStep where there is no such step."""
    return _step(SCHEDULE, "schedule", state, event)


def reversal_step(state: str, event: str) -> str:
    """The reversal's state after `event`; NoSuchStep where there is no such step."""
    return _step(REVERSAL, "payment reversal", state, event)


def demand_step(state: str, event: str) -> str:
    """The demand's state after `event`; NoSuchStep where there is no such step."""
    return _step(DEMAND, "demand", state, event)


def _step(table: Mapping[tuple[str, str], str], thing: str, state: str, event: str) -> str:
    following = table.get((state, event))
    if following is None:
        possible = sorted(name for (origin, name) in table if origin == state)
        raise NoSuchStep(f"A {thing} that is {state} cannot {event.replace('_', ' ')}.", state=state, possible=possible)
    return following


def pledge_state_at(state: str, expires_on: date | None, now: datetime, lapses_on: date | None = None) -> str:
    """The state by the clock: an offer is expired once its last day (London) is over, recorded or not.

    So is an acceptance once the last day of a threshold is over that was not reached (`lapses_on`).
    """
    last_day = {"offered": expires_on, "accepted": lapses_on}.get(state)
    if last_day is not None and now >= end_of_day(last_day):
        return "expired"
    return state


def tranche_state_at(
    state: str, basis: str, *, pledge_state: str, milestone_verified: bool, due_on: date | None, today: date
) -> str:
    """The state by the clock and the evidence: a scheduled tranche of a signed pledge matures by its basis."""
    if state != "scheduled" or pledge_state not in PAYABLE:
        return state
    matured = {
        "on_agreement": True,
        "in_advance": due_on is not None and today >= due_on,
        "on_milestone": milestone_verified,
    }[basis]
    return "claimable" if matured else "scheduled"
