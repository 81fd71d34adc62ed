"""What holds of claims of a right: when a route lives, what an answer must say, what follows, and how many are told.

Pure: told everything, the day included. Routes and their days are data (`reference.rights`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median_low
from typing import Any
from uuid import UUID

from marketplace.reference.rights import Route, cover, routes_for
from marketplace.values.counts import SMALL, Told, band
from marketplace.values.reasons import Level, Outcome, Reason
from marketplace.values.refusals import Conflict, Forbidden, Unprocessable

Fault = dict[str, str]
SUBMITTED, ACCEPTED, MODIFIED, REJECTED = "submitted", "accepted", "modified", "rejected"
APPEALED, UPHELD, DISMISSED, WITHDRAWN = "appealed", "upheld", "dismissed", "withdrawn"
SUCCEEDED = frozenset({ACCEPTED, MODIFIED, UPHELD})
FAILED = frozenset({REJECTED, APPEALED, DISMISSED})
WAITING = frozenset({SUBMITTED, APPEALED})
AVOID_CUT = "avoid_cut"
MOST_CLAIMS = 50
WHOLE = 10_000
WEEK = 7


class RouteNotOpen(Unprocessable):
    """The route does not live on the day of the claim; `opened_on` and `closed_on` are its days."""

    code = "route-not-open"
    title = "The route was not open on that day"


class ClaimFaults(Unprocessable):
    """The claim, its answer or its appeal contradicts itself; `errors` names each fault."""

    code = "right-claim-faults"
    title = "The claim cannot be kept as it stands"


class ClaimWaits(Conflict):
    """A claim of this right for this proposal waits for an answer already."""

    code = "right-claim-waits"
    title = "The claim has been made already"


class ClaimNotThere(Conflict):
    """The claim is in another state than this step needs; `state` says which, `wanted` which would do."""

    code = "right-claim-state"
    title = "The claim's state does not allow this"


class AuthorityAnswers(Conflict):
    """The authority is on the marketplace: it answers for itself."""

    code = "authority-answers-itself"
    title = "The authority answers for itself"


class NoAppeal(Conflict):
    """The route has no appeal; `route` names it."""

    code = "no-appeal-on-route"
    title = "The route has no appeal"


class TooManyClaims(Conflict):
    """The proposal has as many claims as it may have."""

    code = "too-many-right-claims"
    title = "No more claims fit here"


class OwnRightClaim(Forbidden):
    """Nobody who belongs to the group answers for the authority."""

    code = "own-right-claim"
    title = "It is your own group's claim"


class NotAnAuthority(Unprocessable):
    """The organisation is not a verified public body."""

    code = "not-an-authority"
    title = "That organisation cannot be asked"


# Claims


def refuse_closed(route: Route, day: date) -> None:
    """RouteNotOpen, naming the route's days, where it does not live on `day`."""
    if not route.lives_on(day):
        days = {"opened_on": route.opened_on, "closed_on": route.closed_on}
        told = {name: None if each is None else each.isoformat() for name, each in days.items()}
        words = f"{route.slug} was open from {told['opened_on']} to {told['closed_on'] or 'now'}."
        raise RouteNotOpen(words, pointer="#/submitted_on", route=route.slug, **told)


def claim_faults(draft: Mapping[str, Any], today: date) -> list[Fault]:
    """Every way in which a claim contradicts itself."""
    faults: list[Fault] = []
    named = [name for name in ("authority_organisation_id", "authority_name") if draft.get(name) is not None]
    if len(named) != 1:
        words = "Name the authority once: by its organisation here, or by its name."
        faults.append({"pointer": "#/authority_name", "detail": words})
    if draft["submitted_on"] > today:
        faults.append({"pointer": "#/submitted_on", "detail": "Lies in the future."})
    due = draft.get("answer_due_on")
    if due is not None and due < draft["submitted_on"]:
        faults.append({"pointer": "#/answer_due_on", "detail": "Lies before the claim."})
    return faults


def due_on(route: Route, submitted_on: date, stated: date | None) -> tuple[date | None, str | None]:
    """By when an answer is due, and on whose word: `stated` by the authority, or `usual` for the route."""
    if stated is not None:
        return stated, "stated"
    if route.usual_answer_days is None:
        return None, None
    return submitted_on + timedelta(days=route.usual_answer_days), "usual"


def answer_faults(answer: Mapping[str, Any], submitted_on: date, today: date, *, declared: bool) -> list[Fault]:
    """Every way in which an answer contradicts itself: what was changed goes with `modified`, a reason with `rejected`.

    An answer that the group declares names where it can be read.
    """
    faults: list[Fault] = []
    outcome = answer["outcome"]
    for name, wanted in (("modification", MODIFIED), ("rejection_reason", REJECTED)):
        given = answer.get(name) is not None
        if given and outcome != wanted:
            faults.append({"pointer": f"#/{name}", "detail": f"Belongs to the outcome {wanted} alone."})
        if not given and outcome == wanted:
            faults.append({"pointer": f"#/{name}", "detail": f"Is needed where the outcome is {wanted}."})
    if outcome == REJECTED and answer.get("words") is None:
        faults.append({"pointer": "#/words", "detail": "A rejection says why in words, too."})
    if declared and answer.get("source") is None:
        faults.append({"pointer": "#/source", "detail": "Say where the authority's answer can be read."})
    return faults + day_faults("answered_on", answer["answered_on"], submitted_on, today)


def day_faults(name: str, day: date, not_before: date, today: date) -> list[Fault]:
    """What is wrong with a step's day: it lies in the future, or before what it follows."""
    if day > today:
        return [{"pointer": f"#/{name}", "detail": "Lies in the future."}]
    if day < not_before:
        return [{"pointer": f"#/{name}", "detail": f"Lies before {not_before.isoformat()}, which it follows."}]
    return []


def refuse_unless(state: str, *wanted: str) -> None:
    """ClaimNotThere unless the claim is in one of the wanted states."""
    if state not in wanted:
        raise ClaimNotThere(f"It is {state}.", state=state, wanted=list(wanted))


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a claim has waited, or did wait. `days` count from the day of the claim to its answer, or to today."""

    days: int
    answered: bool
    due_on: date | None
    due_by: str | None
    overdue: bool


def timing(route: Route, submitted_on: date, stated: date | None, answered_on: date | None, today: date) -> Timing:
    """A claim's timing on `today`; overdue are those that are still unanswered after the day, or were answered late."""
    due, by = due_on(route, submitted_on, stated)
    until = answered_on or today
    return Timing((until - submitted_on).days, answered_on is not None, due, by, due is not None and until > due)


# Where a proposal stands


@dataclass(frozen=True, slots=True)
class Position:
    """What is known of a proposal for its rights: its facts (absent ones unknown) and the motives that are stated."""

    sector: str | None
    nation: str | None
    route: str | None
    parent_kind: str | None
    initiation: str | None
    cuts_threat: bool | None
    motives: tuple[str, ...]


def position_reasons(position: Position, route: Route | None, day: date) -> list[Reason]:
    """Every flag of a proposal's rights, each met, unmet or unknown; none of them refuses anything.

    RIGHT_OPEN: a right lives for its sector and nation. ROUTE_OPEN, ROUTE_FOR_SECTOR, ROUTE_FOR_NATION and
    ROUTE_FOR_PARENT: the route that it names is one that it can take. MORE_THAN_CUTS: a threatened cut is not the only
    motive that is stated.
    """
    return [_right_open(position, day), *_route_reasons(position, route, day), _more_than_cuts(position)]


def _right_open(position: Position, day: date) -> Reason:
    known = position.sector is not None and position.nation is not None
    found = cover(routes_for(position.sector or "", position.nation or "", day)) if known else None
    outcome = Outcome.UNKNOWN if found is None else Outcome.MET if found == "right" else Outcome.UNMET
    return Reason("RIGHT_OPEN", outcome, "eq", None, "right", found, Level.SOFT)


def _route_reasons(position: Position, route: Route | None, day: date) -> list[Reason]:
    if route is None:
        return [Reason("ROUTE_OPEN", Outcome.UNKNOWN, "known", "route", level=Level.SOFT)]
    days = [None if each is None else each.isoformat() for each in (route.opened_on, route.closed_on)]
    life = Outcome.MET if route.lives_on(day) else Outcome.UNMET
    every_sector = route.sectors is None
    return [
        Reason("ROUTE_OPEN", life, "between", "route", days, day.isoformat(), Level.SOFT),
        _within("ROUTE_FOR_SECTOR", "sector", position.sector, None if every_sector else list(route.sectors or ())),
        _within("ROUTE_FOR_NATION", "beneficiary_nation", position.nation, list(route.nations)),
        _within("ROUTE_FOR_PARENT", "parent_kind", position.parent_kind, list(route.parent_kinds)),
    ]


def _within(code: str, fact: str, found: str | None, wanted: list[str] | None) -> Reason:
    if wanted is None:
        outcome = Outcome.MET
    elif found is None:
        outcome = Outcome.UNKNOWN
    else:
        outcome = Outcome.MET if found in wanted else Outcome.UNMET
    return Reason(code, outcome, "in", fact, wanted, found, Level.SOFT)


def _more_than_cuts(position: Position) -> Reason:
    """A cut is the only motive where it is the one motive stated, or where it threatens and no motive is stated."""
    if set(position.motives) == {AVOID_CUT} or (position.cuts_threat and not position.motives):
        outcome = Outcome.UNMET
    else:
        outcome = Outcome.MET if position.motives else Outcome.UNKNOWN
    return Reason("MORE_THAN_CUTS", outcome, "more_than", "motives", [AVOID_CUT], list(position.motives), Level.SOFT)


# How often claims are accepted


@dataclass(frozen=True, slots=True)
class Counted:
    """One claim of a public proposal as it is counted: its group, its key on the asked axis, and what became of it."""

    group: UUID
    key: str
    state: str
    days: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """What is told of one key: claims, and of the decided ones the accepted and the rejected, in bands of five.

    The two are told together or not at all: None where either is fewer than five, since whoever knows how many were
    decided would subtract. `least_bp` and `most_bp` bound the share accepted that the bands leave open.
    `days` is the band of seven days in which half of the answers had come; None below five answers.
    """

    key: str
    claims: Told
    accepted: Told | None
    rejected: Told | None
    least_bp: int | None
    most_bp: int | None
    days: Told | None


def statistics_of(claims: Iterable[Counted]) -> tuple[list[Row], Told]:
    """A row for each key with claims of at least five groups, by key, and how many other claims there are.

    Bands, and telling neither side where one is small, leave every count below five open, also to who subtracts. Keys
    with fewer groups are not named at all.
    """
    by_key: dict[str, list[Counted]] = {}
    for claim in claims:
        by_key.setdefault(claim.key, []).append(claim)
    told = {key for key, each in by_key.items() if len({claim.group for claim in each}) >= SMALL}
    others = sum(len(each) for key, each in by_key.items() if key not in told)
    return [_row(key, by_key[key]) for key in sorted(told)], band(others)


def _row(key: str, claims: Sequence[Counted]) -> Row:
    accepted = sum(claim.state in SUCCEEDED for claim in claims)
    rejected = sum(claim.state in FAILED for claim in claims)
    told = min(accepted, rejected) >= SMALL
    least, most = share_bounds(band(accepted), band(rejected)) if told else (None, None)
    days = [claim.days for claim in claims if claim.days is not None]
    half = None if len(days) < SMALL else median_low(days)
    return Row(
        key=key,
        claims=band(len(claims)),
        accepted=band(accepted) if told else None,
        rejected=band(rejected) if told else None,
        least_bp=least,
        most_bp=most,
        days=None if half is None else {"at_least": half - half % WEEK, "at_most": half - half % WEEK + WEEK - 1},
    )


def share_bounds(accepted: Told, rejected: Told) -> tuple[int, int]:
    """The smallest and the largest share accepted that the two bands leave open, in basis points, rounded outwards."""
    least = accepted["at_least"] * WHOLE // (accepted["at_least"] + rejected["at_most"])
    most = -(-accepted["at_most"] * WHOLE // (accepted["at_most"] + rejected["at_least"]))
    return least, most
