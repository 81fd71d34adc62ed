"""What holds of a programme: its status by the clock, its window on a day, and what may be written. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from marketplace.values.clock import day_of, end_of_day
from marketplace.values.money import LARGEST_AMOUNT, Money
from marketplace.values.refusals import Conflict, Forbidden, Unprocessable

WHOLE = 10_000
LARGEST_SAFE_INTEGER = 2**53
MOST_PLACES, MOST_RANK = 10_000, 10_000
"""Of a cohort limit, and of terms for first movers."""
Fault = dict[str, str]


class Status(StrEnum):
    """The `programme_statuses` codelist."""

    DRAFT = "draft"
    ANNOUNCED = "announced"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


class Window(StrEnum):
    """Where a day lies: before the window, in it (open, or paused), or after it."""

    BEFORE = "before"
    OPEN = "open"
    PAUSED = "paused"
    AFTER = "after"


FRESH_FOR = timedelta(days=180)
"""How long a listing counts as fresh after its source was read."""


class Dated(Protocol):
    """What the clock needs to know of a programme."""

    @property
    def opens_on(self) -> date | None: ...
    @property
    def closes_on(self) -> date | None: ...
    @property
    def paused(self) -> bool: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def current_criteria_version_id(self) -> UUID | None: ...


class NotAFunder(Forbidden):
    """Only funders, intermediaries, wholesale vehicles and public bodies have programmes."""

    code = "not-a-funder"
    title = "An organisation of this kind has no programmes"


class ProgrammeFaults(Unprocessable):
    """The programme contradicts itself; `errors` names every fault with its place."""

    code = "programme-faults"
    title = "The programme contradicts itself"


class CurrencyFixed(Conflict):
    """A programme's currency stays once it was published or given a budget."""

    code = "programme-currency-fixed"
    title = "The programme's currency can no longer change"


class ProgrammeNotPublished(Conflict):
    """Only a published programme can be paused, resumed or closed."""

    code = "programme-not-published"
    title = "The programme has not been published"


class ProgrammeClosed(Conflict):
    """The programme has been closed for good."""

    code = "programme-closed"
    title = "The programme is closed"


class ProgrammeUnclaimed(Conflict):
    """The programme was listed from a public source; its funder has not joined, so that no money moves through it."""

    code = "programme-unclaimed"
    title = "The programme's funder has not joined yet"


class NotAListing(Conflict):
    """Only a programme that was listed from a public source, and is still unclaimed, can be claimed."""

    code = "not-a-listing"
    title = "The programme cannot be claimed"


class ClaimDecided(Conflict):
    """The claim has been decided or withdrawn."""

    code = "claim-decided"
    title = "The claim has been decided"


class ClaimStands(Conflict):
    """The organisation's claim of this programme is waiting already."""

    code = "claim-stands"
    title = "The claim has been made already"


class OwnClaim(Forbidden):
    """Nobody decides on a claim of an organisation that they belong to."""

    code = "own-claim"
    title = "It is your own organisation's claim"


class ReportsWaiting(Conflict):
    """Many reports on this programme have not been answered yet."""

    code = "reports-waiting"
    title = "Too many reports wait for an answer"


class ReportAnswered(Conflict):
    """The report has been answered."""

    code = "report-answered"
    title = "The report has been answered"


class ProgrammeAlreadyPaused(Conflict):
    """The programme is paused already."""

    code = "programme-already-paused"
    title = "The programme is paused already"


class ProgrammeNotPaused(Conflict):
    """The programme is not paused, so that there is nothing to resume."""

    code = "programme-not-paused"
    title = "The programme is not paused"


def status_of(programme: Dated, now: datetime) -> Status:
    """What the programme is at `now`. Its closing day belongs to it until midnight in London."""
    if programme.current_criteria_version_id is None:
        return Status.DRAFT
    if programme.ended_at is not None and programme.ended_at <= now:
        return Status.CLOSED
    if programme.closes_on is not None and now >= end_of_day(programme.closes_on):
        return Status.CLOSED
    if programme.opens_on is not None and day_of(now) < programme.opens_on:
        return Status.ANNOUNCED
    return Status.PAUSED if programme.paused else Status.OPEN


def window_on(programme: Dated, day: date) -> Window:
    """Where `day` (London) lies in the programme's window. A programme that was closed early is over on that day."""
    if programme.ended_at is not None and day >= day_of(programme.ended_at):
        return Window.AFTER
    if programme.closes_on is not None and day > programme.closes_on:
        return Window.AFTER
    if programme.opens_on is not None and day < programme.opens_on:
        return Window.BEFORE
    return Window.PAUSED if programme.paused else Window.OPEN


def is_stale(checked_on: date, day: date) -> bool:
    """Whether a listing's source was last read so long before `day` that it should be read again."""
    return day - checked_on > FRESH_FOR


def claim_is_evident(funder_identifier: str | None, verification: str, identifiers: Collection[str]) -> bool:
    """Whether a claim needs nobody's decision: the claimant was checked in the register under the listed number."""
    return verification == "register_checked" and funder_identifier is not None and funder_identifier in identifiers


def faults_of(programme: Mapping[str, Any]) -> list[Fault]:
    """Every way in which a programme contradicts itself, by JSON pointer."""
    faults = [
        _fault(name, f"Has to be in the programme's currency, {programme['currency']}.")
        for name in ("ask_min", "ask_max", "ticket_max")
        if isinstance(programme.get(name), Money) and programme[name].currency != programme["currency"]
    ]
    least, most = programme.get("ask_min"), programme.get("ask_max")
    if least is not None and most is not None and least.amount > most.amount:
        faults.append(_fault("ask_max", "Is less than ask_min."))
    opens, closes = programme.get("opens_on"), programme.get("closes_on")
    if opens is not None and closes is not None and opens > closes:
        faults.append(_fault("closes_on", "Is before opens_on."))
    return faults + template_faults(programme.get("tranche_template") or [])


def template_faults(template: Sequence[Mapping[str, Any]]) -> list[Fault]:
    """What is wrong with a tranche template: shares that are not the whole, a milestone out of place, a day needed."""
    faults: list[Fault] = []
    if template and sum(tranche["share_bp"] for tranche in template) != WHOLE:
        faults.append(_fault("tranche_template", f"The shares have to sum to {WHOLE} basis points."))
    for place, tranche in enumerate(template):
        if (tranche["basis"] == "on_milestone") != (tranche.get("milestone") is not None):
            words = "A tranche on a milestone names it, and no other tranche does."
            faults.append(_fault(f"tranche_template/{place}/milestone", words))
        if tranche["basis"] == "in_advance":
            words = "A tranche in advance has a day of its own, which no template knows."
            faults.append(_fault(f"tranche_template/{place}/basis", words))
    return faults


def cohort_limit_faults(terms: Mapping[str, Any], *, wholesale: bool) -> list[Fault]:
    """What is wrong with a cohort limit: a rule on the places of none, or a limit on groups that it never funds."""
    if terms["limit"] is None:
        named = [name for name in ("per_sector", "learning_note_required") if terms[name]]
        return [_fault(name, "Says something of a limit: give one, or leave this out.") for name in named]
    return [_fault("limit", "A wholesale vehicle promises groups nothing.")] if wholesale else []


def first_mover_faults(terms: Mapping[str, Any]) -> list[Fault]:
    """What is wrong with terms for first movers: words without the rank that they reach to, or the other way round."""
    if (terms["words"] is None) == (terms["up_to_rank"] is None):
        return []
    missing = "words" if terms["words"] is None else "up_to_rank"
    return [_fault(missing, "Give the words and the rank that they reach to, or neither.")]


def storable_tree(value: Any) -> bool:
    """True when a draft tree can be kept and served again as it is: JSON numbers that every client can read."""
    if isinstance(value, dict):
        return all(storable_tree(inner) for inner in value.values())
    if isinstance(value, list):
        return all(storable_tree(inner) for inner in value)
    if isinstance(value, float):
        return abs(value) <= LARGEST_AMOUNT
    return not isinstance(value, int) or abs(value) <= LARGEST_SAFE_INTEGER


def _fault(place: str, detail: str) -> Fault:
    return {"pointer": f"#/{place}", "detail": detail}
