"""Who takes a place of a programme's cohort, and whether there is one for an offer. Pure; told how each group stands.

A cohort are the groups before their launch that a programme has promised something: so that early mistakes stay few.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from marketplace.reference import codelists
from marketplace.values.reasons import Outcome, Reason
from marketplace.values.refusals import Conflict

PLACE = "COHORT_PLACE"
LIVE = frozenset({"offered", "accepted", "contracted", "drawing", "completed"})
"""States of a promise that stands. One that was paid in full is not over: the group has yet to launch with it."""
_LAUNCH = codelists.entry("stages", "launched")["order"]
BEFORE_LAUNCH = frozenset(each["slug"] for each in codelists.CODELISTS["stages"] if each["order"] < _LAUNCH)
"""Ends are not among them: a group that has ended is no longer on its way."""


class CohortFull(Conflict):
    """The programme's cohort has no place: `reasons` says how many there are, in which sector, and how many are taken.
    Where more stands in the way, `offer-refused` names this with the rest.

    A place comes free when a group launches or its promise ends; where the limit says so, when it has written a
    learning note besides.
    """

    code = "cohort-full"
    title = "The programme takes on no more groups at present"


class Held(StrEnum):
    """What a place is taken for."""

    PROMISE = "promise"
    LEARNING_NOTE = "learning_note"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many groups at a time; in each sector, if so wished, and until they have written what they learned."""

    places: int
    per_sector: bool
    learning_note_required: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How a proposal stands to a programme, by what it was promised before its launch.

    One for each proposal. `sector` is the one that the funder was shown with its latest offer; None was not shown.
    `promised`: something stands. `owes_note`: an agreement was signed, and no learning note written since its offer.
    """

    proposal_id: UUID
    sector: str | None
    promised: bool
    before_launch: bool
    owes_note: bool


def held_for(standing: Standing, *, learning_note_required: bool) -> Held | None:
    """What the proposal takes a place for; None where it takes none."""
    if standing.promised and standing.before_launch:
        return Held.PROMISE
    if learning_note_required and standing.owes_note:
        return Held.LEARNING_NOTE
    return None


def takers(standings: Collection[Standing], *, learning_note_required: bool) -> list[tuple[Standing, Held]]:
    """Those who take a place, each with what for."""
    found = [(each, held_for(each, learning_note_required=learning_note_required)) for each in standings]
    return [(each, held) for each, held in found if held is not None]


def place_for(limit: Limit, proposal_id: UUID, sector: str | None, standings: Collection[Standing]) -> Reason:
    """Whether the limit has a place for another promise to that proposal: one that has a place needs no second."""
    taken = {
        each.proposal_id
        for each, _ in takers(standings, learning_note_required=limit.learning_note_required)
        if not limit.per_sector or each.sector == sector
    }
    met = proposal_id in taken or len(taken) < limit.places
    counted = {"sector": sector} if limit.per_sector else {}
    return Reason(
        PLACE,
        Outcome.MET if met else Outcome.UNMET,
        op="lte",
        wanted={"limit": limit.places, "per_sector": limit.per_sector, **counted},
        found={"taken": len(taken), **counted},
    )


def places_by_sector(standings: Collection[Standing], *, learning_note_required: bool) -> Mapping[str | None, int]:
    """How many places are taken in each sector that has any; None: of groups whose sector was not shown."""
    return Counter(each.sector for each, _ in takers(standings, learning_note_required=learning_note_required))
