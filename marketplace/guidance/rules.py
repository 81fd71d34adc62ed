"""What to do next, in which order, and whether an ask is as asks usually are. Pure; told everything.

Returns all reasons. Knows codelists and what is usual; must not know where things are kept, nor the time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from marketplace.reference import codelists
from marketplace.reference.usual import CURRENCY, USUAL_LINES, USUAL_STEPS, UsualLine, UsualStep
from marketplace.values.reasons import Level, Outcome, Reason

FIRST = 3
"""How many things are told at once."""
GROUP = "group"


@dataclass(frozen=True, slots=True)
class Operation:
    """The operation that does a step: its id in the OpenAPI document, method and path."""

    id: str
    method: str
    path: str


# In the order in which things are told: what is late or lapses, what the gate asks, what the market offers.
ORDER = (
    "REPORT_OVERDUE",
    "ANSWER_OFFER",
    "CLAIM_TRANCHE",
    "CONTRACT_ENDS",
    "PUBLISH",
    "MOVE",
    "EVIDENCE",
    "INVITE_EMPLOYER",
    "EMPLOYER_APPROVAL",
    "STAFF_BALLOT",
    "PENSION_DECIDED",
    "BENEFITS_REGISTER",
    "STAFF_TRANSFERRED",
    "REPORT",
    "LEARNING_NOTE",
    "ANSWER_FACT",
    "SHARE_PROPOSAL",
    "SHARE_FACT",
    "OPEN_ASK",
)
DOERS = (GROUP, "employer", "verifier", "funder")
TIMES: Mapping[str, str] = {"REPORT_OVERDUE": "REPORT", "ANSWER_OFFER": "OFFER", "CLAIM_TRANCHE": "CLAIM"}
"""Steps whose usual time goes by another name."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be done: by whom, about what, by when if there is a day, with which operation, and why.

    `parties` are those of whom one may do it. `settles` counts the programmes that an answer would settle.
    """

    code: str
    by: str
    about: str | None = None
    parties: tuple[str, ...] = ()
    due_on: date | None = None
    subject_id: UUID | None = None
    operation: Operation | None = None
    reason: Reason | None = None
    settles: int | None = None


def in_order(steps: Sequence[Step]) -> list[Step]:
    """What the group does first, then what it waits for; within each by ORDER, the earlier day, and as they came."""
    return sorted(
        steps,
        key=lambda each: (each.by != GROUP, ORDER.index(each.code), each.due_on or date.max, -(each.settles or 0)),
    )


def usual_for(step: Step) -> UsualStep:
    """How long the step usually takes and who helps: by the document or milestone it is about, else by its code."""
    if step.by == "verifier":
        return USUAL_STEPS["VERIFICATION"]
    by_subject = USUAL_STEPS.get(step.about or "") if step.code not in {"ANSWER_FACT", "SHARE_FACT"} else None
    return by_subject or USUAL_STEPS[TIMES.get(step.code, step.code)]


# Asks


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A line of an ask to be: what for, how much, and what more is said."""

    purpose: str
    amount: int
    described: bool


def usual_sum(stage: str) -> tuple[int, int] | None:
    """What asks at that stage usually come to, in minor units of GBP (codelist `stages`); None where nothing is."""
    entry = codelists.entry("stages", stage)
    least, most = entry["usual_seed_min"], entry["usual_seed_max"]
    return None if least is None or most is None else (least["amount"], most["amount"])


def lines_to_begin_from(stage: str) -> list[UsualLine]:
    """The usual lines of a stage that always cost something: an ask to begin from, at the least of each range."""
    return [line for line in USUAL_LINES.get(stage, ()) if line.least]


def check_ask(stage: str, currency: str, instruments: Sequence[str], lines: Sequence[DraftLine]) -> list[Reason]:
    """How an ask compares with what is usual, every point of it. All soft: a funder's criteria decide, not these.

    Ranges are in GBP; of another currency they say unknown.
    """
    return [
        _sum_usual(stage, currency, lines),
        *(_line_usual(stage, currency, line) for line in lines),
        *_said_twice(lines),
        *_fits_employment(stage, lines),
        *(_instrument_usual(stage, each) for each in instruments),
    ]


def _soft(code: str, holds: bool | None, wanted: Any, found: Any, fact: str | None = None) -> Reason:
    outcome = Outcome.UNKNOWN if holds is None else Outcome.MET if holds else Outcome.UNMET
    return Reason(code, outcome, fact=fact, wanted=wanted, found=found, level=Level.SOFT)


def _sum_usual(stage: str, currency: str, lines: Sequence[DraftLine]) -> Reason:
    total, usual = sum(line.amount for line in lines), usual_sum(stage)
    known = usual is not None and currency == CURRENCY
    holds = usual[0] <= total <= usual[1] if usual is not None and known else None
    return _soft("SUM_USUAL", holds, None if usual is None else list(usual), total, fact="ask")


def _line_usual(stage: str, currency: str, line: DraftLine) -> Reason:
    usual = next((each for each in USUAL_LINES.get(stage, ()) if each.purpose == line.purpose), None)
    found = {"purpose": line.purpose, "amount": line.amount}
    if line.purpose == "other":
        return _soft("OTHER_DESCRIBED", line.described, True, found)
    if usual is None:
        return _soft(
            "PURPOSE_USUAL", holds=False, wanted=[each.purpose for each in USUAL_LINES.get(stage, ())], found=found
        )
    holds = usual.least <= line.amount <= usual.most if currency == CURRENCY else None
    return _soft("LINE_USUAL", holds, [usual.least, usual.most], found)


def _said_twice(lines: Sequence[DraftLine]) -> list[Reason]:
    purposes = [line.purpose for line in lines]
    twice = sorted({each for each in purposes if purposes.count(each) > 1})
    return [_soft("PURPOSE_ONCE", holds=False, wanted=1, found=each) for each in twice]


def _fits_employment(stage: str, lines: Sequence[DraftLine]) -> list[Reason]:
    """Cover for staff is paid while they are publicly employed; cash to bridge a contract's income, from its start."""
    employed, purposes = codelists.entry("stages", stage)["staff_publicly_employed"], {line.purpose for line in lines}
    reasons = []
    if "backfill" in purposes:
        reasons.append(_soft("BACKFILL_WHILE_EMPLOYED", employed, True, employed, fact="staff_publicly_employed"))
    if "working_capital" in purposes:
        ready = not employed or stage == "set_up"
        reasons.append(_soft("WORKING_CAPITAL_FROM_SET_UP", ready, "set_up", stage, fact="stage"))
    return reasons


def _instrument_usual(stage: str, instrument: str) -> Reason:
    usual = list(codelists.entry("stages", stage)["usual_instruments"])
    return _soft("INSTRUMENT_USUAL", instrument in usual, usual, instrument, fact="instruments_sought")
