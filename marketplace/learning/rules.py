"""What may be written of learning, help, engagement and transfer, and how alike two groups are. Pure; told the day.

Returns every fault, as {"pointer", "detail"}. Knows codelists and what it is told; must not know where it is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from marketplace.reference import codelists
from marketplace.values.counts import SMALL
from marketplace.values.reasons import Level, Outcome, Reason
from marketplace.values.refusals import Conflict, Unprocessable

Fault = dict[str, str]
LONGEST_EMBARGO = timedelta(days=730)
FIRST_END = 90
"""In the codelist `stages`, those from this order on are ends."""
MOST_NOTES, MOST_SESSIONS, MOST_QUESTIONS = 100, 200, 500
TUPE = "Transfer of Undertakings (Protection of Employment) Regulations 2006, SI 2006/246"


class LearningNoteFaults(Unprocessable):
    """The note contradicts what is known of its proposal."""

    code = "learning-note-faults"
    title = "The learning note cannot be kept as it is"


class SupportProductFaults(Unprocessable):
    """The product has no place where it is found, or names what is not the publisher's."""

    code = "support-product-faults"
    title = "The support product cannot be published as it is"


class AdviserListingFaults(Unprocessable):
    """The listing keeps back a conflict, or names what nobody may find."""

    code = "adviser-listing-faults"
    title = "The listing cannot be kept as it is"


class InformationSessionFaults(Unprocessable):
    """More came than were invited, the day lies ahead, or a document is not the proposal's."""

    code = "information-session-faults"
    title = "The session cannot be recorded as it is"


class StaffQuestionFaults(Unprocessable):
    """The question or its answer contradicts the calendar, or names a session of another proposal."""

    code = "staff-question-faults"
    title = "The question cannot be recorded as it is"


class StaffTransferFaults(Unprocessable):
    """The transfer or its consultations contradict themselves."""

    code = "staff-transfer-faults"
    title = "The transfer cannot be recorded as it is"


class AlreadyWithdrawn(Conflict):
    """It was withdrawn before."""

    code = "already-withdrawn"
    title = "It was withdrawn before"


class TooManyRecords(Conflict):
    """A proposal or an organisation keeps so many of them and no more."""

    code = "too-many-records"
    title = "There are as many as can be kept"


# Learning notes


def note_faults(draft: Mapping[str, Any], stage_now: str, today: date) -> list[Fault]:
    """Every fault of a note by a group whose proposal is at `stage_now`: a stage is written of once it was reached."""
    faults: list[Fault] = []
    if not reached(draft["stage"], stage_now):
        detail = f"The proposal is at {stage_now}: write of that stage or one before it."
        faults.append({"pointer": "#/stage", "detail": detail})
    embargo = draft.get("embargo_until")
    if embargo is not None and embargo > today + LONGEST_EMBARGO:
        detail = f"An embargo ends within {LONGEST_EMBARGO.days} days, by {today + LONGEST_EMBARGO}."
        faults.append({"pointer": "#/embargo_until", "detail": detail})
    return faults


def reached(stage: str, stage_now: str) -> bool:
    """Whether a proposal at `stage_now` may have been at `stage`; an end is reached by who is at it."""
    order = codelists.entry("stages", stage)["order"]
    return stage == stage_now or (order < FIRST_END and order <= codelists.entry("stages", stage_now)["order"])


@dataclass(frozen=True, slots=True)
class Setting:
    """Where something was learned, or where a group is; None is not known."""

    stage: str | None
    sector: str | None
    route: str | None
    region: str | None


WEIGHTS: Mapping[str, int] = {"stage": 8, "sector": 4, "route": 2, "region": 1}
"""What each thing in common counts; a thing counts more than all after it, so that the order reads like a sort."""
LEAST_ALIKE = 2
"""A region alone makes no two groups alike."""


def likeness(learned: Setting, here: Setting) -> list[Reason]:
    """What a note's setting has in common with a group's: met, unmet, or unknown where either is not known."""
    return [_in_common(name, getattr(learned, name), getattr(here, name)) for name in WEIGHTS]


def weight(reasons: Iterable[Reason]) -> int:
    """How alike that is: the sum of the weights of what is in common."""
    return sum(WEIGHTS[each.fact] for each in reasons if each.fact is not None and each.outcome is Outcome.MET)


def _in_common(name: str, found: str | None, wanted: str | None) -> Reason:
    outcome = Outcome.UNKNOWN if found is None or wanted is None else Outcome.MET if found == wanted else Outcome.UNMET
    return Reason(f"SAME_{name.upper()}", outcome, "eq", fact=name, wanted=wanted, found=found, level=Level.SOFT)


# Support products


def product_faults(draft: Mapping[str, Any], *, evidence_open: bool, own_programme: bool) -> list[Fault]:
    """Every fault of a support product: it lies in one place, open to all, and its programme is the publisher's."""
    faults: list[Fault] = []
    if (draft.get("link") is None) == (draft.get("evidence_id") is None):
        faults.append({"pointer": "#/link", "detail": "Give a link or a document (evidence_id), and not both."})
    elif draft.get("evidence_id") is not None and not evidence_open:
        detail = "Name a document of your own that is not confidential, of a public proposal."
        faults.append({"pointer": "#/evidence_id", "detail": detail})
    if draft.get("programme_id") is not None and not own_programme:
        detail = "Name a published programme of this organisation."
        faults.append({"pointer": "#/programme_id", "detail": detail})
    return faults


# Advisers


def listing_faults(named: Sequence[UUID], known: Iterable[UUID], declared: Iterable[UUID]) -> list[Fault]:
    """Every fault of a listing that names these interests: those nobody finds, and declared ones that it keeps back."""
    findable = set(known)
    faults = [
        {"pointer": f"#/interests/{place}", "detail": "There is no such organisation."}
        for place, each in enumerate(named)
        if each not in findable
    ]
    kept_back = sorted(set(declared) - set(named))
    faults += [
        {"pointer": "#/interests", "detail": f"The register of interests names {each}: name it here as well."}
        for each in kept_back
    ]
    return faults


# Engagement


def session_faults(draft: Mapping[str, Any], today: date, strange: Sequence[int]) -> list[Fault]:
    """Every fault of an information session. `strange`: the places of documents that are not the proposal's."""
    faults: list[Fault] = []
    if draft["attended"] > draft["invited"]:
        detail = f"{draft['attended']} came and {draft['invited']} were invited: attended <= invited."
        faults.append({"pointer": "#/attended", "detail": detail})
    if draft["held_on"] > today:
        faults.append({"pointer": "#/held_on", "detail": "A session is recorded once it was held."})
    faults += [{"pointer": f"#/evidence_ids/{place}", "detail": "Name evidence of this proposal."} for place in strange]
    return faults


@dataclass(frozen=True, slots=True)
class Attendance:
    """How many were invited to a session, and came; None is not told."""

    invited: int | None
    attended: int | None


def attendance_told(counts: Sequence[tuple[int, int]]) -> list[Attendance]:
    """(invited, attended) of each session as people outside are told: nothing below five, nor those who stayed away.

    A number that could be had by subtraction from another is not told either.
    """
    return [_told(invited, attended) for invited, attended in counts]


def totals_told(counts: Sequence[tuple[int, int]], told: Sequence[Attendance]) -> Attendance:
    """The sums over all sessions; None where one of them is not told, since the others give it away."""
    invited = None if any(each.invited is None for each in told) else sum(pair[0] for pair in counts)
    attended = None if any(each.attended is None for each in told) else sum(pair[1] for pair in counts)
    return Attendance(invited, attended)


def _told(invited: int, attended: int) -> Attendance:
    if invited < SMALL:
        return Attendance(None, None)
    away = invited - attended
    return Attendance(invited, None if attended < SMALL or 0 < away < SMALL else attended)


# Transfer


def transfer_faults(draft: Mapping[str, Any], today: date, strange: Sequence[int]) -> list[Fault]:
    """Every fault of a transfer. `strange`: the places of consultations whose document is not the proposal's."""
    faults: list[Fault] = []
    for place, each in enumerate(draft["consultations"]):
        ended = each.get("ended_on")
        if ended is not None and ended < each["began_on"]:
            detail = "It ends before it begins."
            faults.append({"pointer": f"#/consultations/{place}/ended_on", "detail": detail})
        if ended is not None and ended > today:
            detail = "It is not over yet: leave the day out until it is."
            faults.append({"pointer": f"#/consultations/{place}/ended_on", "detail": detail})
    faults += [
        {"pointer": f"#/consultations/{place}/evidence_id", "detail": "Name evidence of this proposal."}
        for place in strange
    ]
    return faults


def transfer_conditions(
    transfer_on: date | None, staff: int | None, measures: Any, consultations: Sequence[Mapping[str, Any]]
) -> list[Reason]:
    """What the law and good practice ask of a transfer, each with its section; unknown where nothing was said.

    Great Britain. Regulation 13(2) and (6): representatives are informed, and consulted about measures, long enough
    before the transfer; regulation 4: contracts go over as they are. How long is long enough the law leaves open.
    """
    began = min((each["began_on"] for each in consultations), default=None)
    ended = [each.get("ended_on") for each in consultations]
    informed = None if transfer_on is None or began is None else began < transfer_on
    over = all(day is not None and (transfer_on is None or day <= transfer_on) for day in ended) if ended else None
    return [
        _condition("STAFF_COUNTED", None if staff is None else True, "regulation 4", staff),
        _condition("MEASURES_STATED", None if measures is None else True, "regulation 13(2)(d)", None),
        _condition("CONSULTED_BEFORE_TRANSFER", informed, "regulation 13(2), 13(6)", _day(began), _day(transfer_on)),
        _condition("CONSULTATIONS_OVER", over, "regulation 13(7)", sum(day is not None for day in ended), len(ended)),
    ]


def _condition(code: str, holds: bool | None, section: str, found: Any, wanted: Any = None) -> Reason:
    outcome = Outcome.UNKNOWN if holds is None else Outcome.MET if holds else Outcome.UNMET
    words = {"en": f"{TUPE}, {section}"}
    return Reason(code, outcome, wanted=wanted, found=found, level=Level.SOFT, words=words)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
