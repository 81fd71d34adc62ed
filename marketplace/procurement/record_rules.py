"""What opinions, bids, sureties and entries of the fair-competition record may say; precedents without names. Pure.

Returns every fault with its place, and is told what day it is. Must not know the database.
"""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from marketplace.values.counts import SMALL, Told, band, guarded_counts
from marketplace.values.refusals import Conflict, Unprocessable

MOST_OPINIONS = 100
MOST_BIDS = 200
MOST_SURETIES = 10
MOST_ENTRIES = 2000
MOST_READERS = 50
NOTICE_MONTHS = 18
"""A contract's end is told so many months ahead: winning it again takes about that long."""
CHALLENGE_RISKS: Mapping[str, range] = {"low": range(1, 3), "middling": range(3, 4), "high": range(4, 6)}
"""Challenge risks as precedents tell them."""
UNDECIDED = "undecided"
OUTCOMES = ("won", "lost", "withdrawn", UNDECIDED)
OF_PEOPLE = frozenset({"sponsor", "evaluator"})
OFFERED = frozenset({"information_day", "data_room", "document_offered", "questions_answered"})

Fault = dict[str, str]


class OpinionFaults(Unprocessable):
    """The opinion contradicts itself or what it rests on; `errors` names each fault."""

    code = "opinion-faults"
    title = "The opinion contradicts itself or what it rests on"


class AlreadySuperseded(Conflict):
    """Another opinion has taken that one's place already."""

    code = "opinion-already-superseded"
    title = "That opinion was superseded already"


class TooManyRecords(Conflict):
    """So many are kept of one proposal at most."""

    code = "too-many-procurement-records"
    title = "There are as many of these as one proposal can have"


class BidFaults(Unprocessable):
    """The bid, its outcome or its sureties contradict themselves; `errors` names each fault."""

    code = "bid-faults"
    title = "The bid contradicts itself"


class EntryFaults(Unprocessable):
    """The entry says too little, or contradicts the record; `errors` names each fault."""

    code = "fair-competition-faults"
    title = "The entry says too little, or contradicts the record"


class AlreadyCorrected(Conflict):
    """A correction has taken that entry's place already."""

    code = "entry-already-corrected"
    title = "That entry was corrected already"


class AlreadyPublished(Conflict):
    """The public part of the record is published already."""

    code = "record-already-published"
    title = "The record is published already"


class SituationFaults(Unprocessable):
    """What is told of the award contradicts itself; `errors` names each fault."""

    code = "situation-faults"
    title = "What is told of the award contradicts itself"


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What a pledge guarantees: minor units of `currency` in all, and how much of it covers other sureties already."""

    amount: int
    currency: str
    used: int


@dataclass(frozen=True, slots=True)
class Case:
    """One case among the precedents: whose it is (told to nobody), its challenge risk, outcome and nation."""

    group: UUID
    challenge_risk: int
    outcome: str
    nation: str | None


def opinion_faults(given_on: date, today: date, *, evidence_wanted: bool, evidence_kind: str | None) -> list[Fault]:
    """`evidence_kind` is that of the document named; None where there is none such in the proposal."""
    faults = _not_in_future("#/given_on", given_on, today)
    if evidence_wanted and evidence_kind != "procurement_opinion":
        detail = "Name an evidence of this proposal of the kind procurement_opinion."
        faults.append({"pointer": "#/evidence_id", "detail": detail})
    return faults


def situation_faults(told: Mapping[str, Any]) -> list[Fault]:
    """A day of a comparable contract that is said not to be there."""
    if told.get("comparable_contract") is False and told.get("comparable_contract_on") is not None:
        detail = "A comparable contract has a day only where there was one."
        return [{"pointer": "#/comparable_contract_on", "detail": detail}]
    return []


def bid_faults(submitted_on: date, today: date) -> list[Fault]:
    return _not_in_future("#/submitted_on", submitted_on, today)


def outcome_faults(draft: Mapping[str, Any], submitted_on: date, today: date) -> list[Fault]:
    """`draft` as in the request: outcome, decided_on, lost_on, words, starts_on, ends_on."""
    faults = _not_in_future("#/decided_on", draft["decided_on"], today)
    if draft["decided_on"] < submitted_on:
        faults.append({"pointer": "#/decided_on", "detail": "It cannot be decided before the bid was handed in."})
    lost, won = draft["outcome"] == "lost", draft["outcome"] == "won"
    if lost != bool(draft["lost_on"]):
        detail = "Say on which grounds it was lost." if lost else "Only a lost bid has grounds of loss."
        faults.append({"pointer": "#/lost_on", "detail": detail})
    if "other" in draft["lost_on"] and not draft.get("words"):
        faults.append({"pointer": "#/words", "detail": "Say in words which other ground it was."})
    for name in ("starts_on", "ends_on"):
        if won != (draft.get(name) is not None):
            detail = "A contract that was won has a first and a last day." if won else "Only a won contract has days."
            faults.append({"pointer": f"#/{name}", "detail": detail})
    starts_on, ends_on = draft.get("starts_on"), draft.get("ends_on")
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        faults.append({"pointer": "#/ends_on", "detail": "It cannot end before it begins."})
    return faults


def surety_faults(
    sureties: Sequence[Mapping[str, Any]], currency: str, guarantees: Mapping[UUID, Guarantee]
) -> list[Fault]:
    """Each surety names a pledge exactly where a pledge covers it; no guarantee covers more than it is.

    `guarantees`: what each pledge to this proposal guarantees, by its id.
    """
    faults, left = [], {pledge: each.amount - each.used for pledge, each in guarantees.items()}
    for place, surety in enumerate(sureties):
        pledge = surety.get("pledge_id")
        at = f"#/sureties/{place}"
        if (surety["covered_by"] == "pledge") != (pledge is not None):
            faults.append({"pointer": f"{at}/pledge_id", "detail": "Name a pledge exactly where a pledge covers it."})
        elif pledge is not None and (pledge not in guarantees or guarantees[pledge].currency != currency):
            detail = f"Name an accepted pledge to this proposal with a guarantee in {currency}."
            faults.append({"pointer": f"{at}/pledge_id", "detail": detail})
        elif pledge is not None:
            left[pledge] -= surety["amount"]
            if left[pledge] < 0:
                detail = "The pledge guarantees less than the sureties that it would cover."
                faults.append({"pointer": f"{at}/amount", "detail": detail})
    return faults


def entry_faults(draft: Mapping[str, Any], today: date) -> list[Fault]:
    """What an entry of its kind has to say. An entry that is taken back says only why, in words."""
    faults = _not_in_future("#/happened_on", draft["happened_on"], today)
    kind, said = draft["kind"], {name for name in ("organisation_name", "person_name", "role") if draft.get(name)}
    if draft["taken_back"]:
        if draft.get("corrects_id") is None:
            faults.append({"pointer": "#/corrects_id", "detail": "Name the entry that is taken back."})
        if said:
            faults.append({"pointer": "#", "detail": "An entry that is taken back names nobody; say why in words."})
        if not draft.get("words"):
            faults.append({"pointer": "#/words", "detail": "Say why it is taken back."})
        return faults
    if kind in OF_PEOPLE and "role" not in said:
        faults.append({"pointer": "#/role", "detail": "Say in which role."})
    if kind in OF_PEOPLE and not said & {"organisation_name", "person_name"}:
        faults.append({"pointer": "#/organisation_name", "detail": "Name the organisation or the person."})
    if (kind == "conflict" or kind in OFFERED) and not draft.get("words"):
        faults.append({"pointer": "#/words", "detail": "Say in words what it was."})
    if kind == "external_interest" and not said and not draft.get("words"):
        faults.append({"pointer": "#/organisation_name", "detail": "Name the provider, or describe it in words."})
    return faults


def alert_horizon(day: date, months: int = NOTICE_MONTHS) -> date:
    """The last day whose contracts are told of on `day`: so many months ahead, at most the month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def precedents(cases: Iterable[Case]) -> dict[str, Any] | None:
    """What became of like cases, in bands of five; None where fewer than five groups have one (one case each).

    Only the one cell that was asked for is told, never the sum of several; within it a count below five is suppressed
    with its complements (`values.counts`).
    """
    one_each = {case.group: case for case in cases}
    if len(one_each) < SMALL:
        return None
    kept = list(one_each.values())
    risks = Counter(_risk(case.challenge_risk) for case in kept)
    outcomes = Counter(case.outcome for case in kept)
    nations = Counter(case.nation for case in kept)
    return {
        "cases": band(len(kept)),
        "challenge_risks": guarded_counts({name: risks[name] for name in CHALLENGE_RISKS}),
        "outcomes": guarded_counts({name: outcomes[name] for name in OUTCOMES}),
        "nations": _nations(nations),
    }


def _nations(counts: Mapping[str | None, int]) -> dict[str, Told]:
    """By nation; who has told none is among `unknown`."""
    names = ("england", "wales", "scotland", "northern_ireland")
    told = {name: counts.get(name, 0) for name in names} | {"unknown": counts.get(None, 0)}
    return guarded_counts(told)


def _risk(challenge_risk: int) -> str:
    return next(name for name, risks in CHALLENGE_RISKS.items() if challenge_risk in risks)


def _not_in_future(pointer: str, day: date, today: date) -> list[Fault]:
    return [] if day <= today else [{"pointer": pointer, "detail": "That day has not come."}]
