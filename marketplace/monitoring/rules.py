"""Reporting duties, reports and changes of use: their life cycles, their arithmetic, their faults. Pure.

Is told the day and every figure; amounts are minor units of the pledge's one currency.
"""

import calendar
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from marketplace.values.reasons import Outcome, Reason
from marketplace.values.refusals import Conflict, Forbidden, Unprocessable

DUTY: Mapping[tuple[str, str], str] = {
    ("open", "submit"): "submitted",
    ("submitted", "send_back"): "open",
    ("submitted", "accept"): "accepted",
    ("accepted", "send_back"): "open",
    ("open", "waive"): "waived",
}
"""A report that was accepted can be sent back until the monitoring is closed: a return may show it to be wrong."""
CHANGE_REQUEST: Mapping[tuple[str, str], str] = {
    ("requested", "accept"): "accepted",
    ("requested", "reject"): "rejected",
    ("requested", "withdraw"): "withdrawn",
}
MONITORING: Mapping[tuple[str, str], str] = {("open", "close"): "closed"}
ANSWERED = frozenset({"accepted", "waived"})
GIVEN = frozenset({"submitted", "accepted"})
REMINDED_AHEAD = timedelta(days=14)
MOST_DUTIES = 30
CLOSING_MEMBERS = ("outcome", "lessons", "additionality", "underspend")


class NoSuchStep(Conflict):
    """The life cycle has no such step from the present state."""

    code = "no-such-monitoring-step"
    title = "Its state does not allow this step"


class TermsWrong(Unprocessable):
    """The reporting duties contradict each other; `errors` names each fault."""

    code = "reporting-terms-wrong"
    title = "The reporting duties contradict each other"


class TermsFixed(Conflict):
    """What a group has to report is part of the offer: it is set before the offer is made."""

    code = "reporting-terms-fixed"
    title = "The offer has been made with its reporting duties"


class ReportWrong(Unprocessable):
    """The report contradicts itself or the books; `errors` names each fault."""

    code = "report-wrong"
    title = "The report does not add up"


class MonitoringClosed(Conflict):
    """The monitoring of the pledge is closed; nothing is reported or changed any more."""

    code = "monitoring-closed"
    title = "The monitoring is closed"


class NotClosable(Conflict):
    """The monitoring cannot be closed; `reasons` lists everything that is missing."""

    code = "monitoring-not-closable"
    title = "The monitoring cannot be closed yet"


class ChangeWrong(Unprocessable):
    """The change cannot be asked for as it stands; `errors` names each fault."""

    code = "change-wrong"
    title = "The change does not fit the pledge"


class ChangeOpen(Conflict):
    """A pledge has one open change request at most."""

    code = "change-open"
    title = "A change request is waiting for its answer"


class SecondPersonDecides(Forbidden):
    """Whoever reports or asks, and whoever belongs to the group, does not decide for the funder."""

    code = "second-person-decides"
    title = "Somebody else has to decide"


@dataclass(frozen=True, slots=True)
class DutyPlan:
    """A duty to be: a fixed day, or so many months after the agreement or the first payment."""

    kind: str
    due_on: date | None = None
    months: int | None = None
    counted_from: str | None = None


def step(table: Mapping[tuple[str, str], str], thing: str, state: str, event: str) -> str:
    """The state after `event`; NoSuchStep where there is no such step."""
    following = table.get((state, event))
    if following is None:
        possible = sorted(name for (origin, name) in table if origin == state)
        raise NoSuchStep(f"A {thing} that is {state} cannot {event.replace('_', ' ')}.", state=state, possible=possible)
    return following


def plan_duties(terms: Sequence[Mapping[str, Any]]) -> tuple[DutyPlan, ...]:
    """The duties as they will be kept; TermsWrong naming every fault by pointer."""
    faults = []
    for place, term in enumerate(terms):
        counted = "months" in term and "counted_from" in term
        if ("due_on" in term) == counted or ("months" in term) != ("counted_from" in term):
            words = "Give either a day, or the months and what they are counted from."
            faults.append({"pointer": f"#/duties/{place}", "detail": words})
    closings = [place for place, term in enumerate(terms) if term["kind"] == "closing"]
    faults += [
        {"pointer": f"#/duties/{place}/kind", "detail": "There is one closing report."} for place in closings[1:]
    ]
    if faults:
        raise TermsWrong("`errors` names each fault.", errors=faults)
    return tuple(
        DutyPlan(term["kind"], term.get("due_on"), term.get("months"), term.get("counted_from")) for term in terms
    )


def due_day(plan: DutyPlan, signed_on: date, first_paid_on: date | None) -> date | None:
    """When the duty is due; None for one that counts from a first payment which has not been made."""
    if plan.due_on is not None or plan.months is None:
        return plan.due_on
    start = signed_on if plan.counted_from == "agreement" else first_paid_on
    return None if start is None else add_months(start, plan.months)


def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later, or that month's last day where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def duty_state_at(state: str, due_on: date | None, today: date) -> str:
    """The state by the clock: an open duty is due until its day is over, and overdue then."""
    if state != "open":
        return state
    return "overdue" if due_on is not None and due_on < today else "due"


def reminder_for(due_on: date | None, today: date) -> str | None:
    """Which reminder an open duty's day calls for: `ahead` for 14 days, `on_day`, then `overdue`; None before.

    A round that runs late tells what is true on its own day and catches up on nothing.
    """
    if due_on is None or today < due_on - REMINDED_AHEAD:
        return None
    return "ahead" if today < due_on else "on_day" if today == due_on else "overdue"


def overdue_reasons(overdue: Sequence[str], *, closing_given: bool) -> list[Reason]:
    """What the reports say to the next payment: none may be overdue, and after the closing report nothing is paid."""
    reported = Outcome.UNMET if overdue else Outcome.MET
    reasons = [Reason("REPORTS_NOT_OVERDUE", reported, wanted=[], found=list(overdue))]
    if closing_given:
        reasons.append(Reason("CLOSING_REPORT_NOT_GIVEN", Outcome.UNMET, wanted="no closing report yet"))
    return reasons


def spend_covered(spent: int, paid_after: int, *, closing_given: bool) -> list[Reason]:
    """Whether a payment can be undone: what was reported as spent is still paid then, and the account not closed."""
    covered = Outcome.MET if spent <= paid_after else Outcome.UNMET
    reasons = [Reason("SPEND_COVERED", covered, op="lte", wanted=paid_after, found=spent)]
    if closing_given:
        reasons.append(Reason("CLOSING_REPORT_NOT_GIVEN", Outcome.UNMET, wanted="no closing report"))
    return reasons


@dataclass(frozen=True, slots=True)
class Books:
    """What a report is held against: paid in cash, come back freely, reported as spent so far, known purposes."""

    paid: int
    returned: int
    spent: int
    purposes: Collection[str]
    evidence: Collection[UUID]


def report_faults(kind: str, report: Mapping[str, Any], books: Books) -> list[dict[str, str]]:
    """Every fault of a report by pointer: spend beyond what was paid, unknown purposes, what a closing report lacks."""
    faults: list[dict[str, str]] = []

    def fault(pointer: str, detail: str) -> None:
        faults.append({"pointer": pointer, "detail": detail})

    lines = report.get("spend", ())
    purposes = [line["purpose"] for line in lines]
    for place, purpose in enumerate(purposes):
        if purpose not in books.purposes:
            fault(f"#/spend/{place}/purpose", "The money was not asked or agreed for this purpose.")
        if purpose in purposes[:place]:
            fault(f"#/spend/{place}/purpose", "Name each purpose once.")
    for place, evidence_id in enumerate(report.get("evidence_ids", ())):
        if evidence_id not in books.evidence:
            fault(f"#/evidence_ids/{place}", "The proposal has no such evidence.")
    spent = books.spent + sum(line["amount"] for line in lines)
    if spent > books.paid:
        fault("#/spend", f"With this, {spent} would be spent of the {books.paid} that was paid.")
    if kind == "spend" and not lines:
        fault("#/spend", "A spend report says what was spent, by purpose.")
    for pointer, detail in _closing_faults(kind, report, books, spent):
        fault(pointer, detail)
    return faults


def _closing_faults(kind: str, report: Mapping[str, Any], books: Books, spent: int) -> list[tuple[str, str]]:
    if kind != "closing":
        return [(f"#/{name}", "This is for the closing report.") for name in CLOSING_MEMBERS if name in report]
    faults = [(f"#/{name}", "A closing report says this.") for name in CLOSING_MEMBERS if name not in report]
    underspend = report.get("underspend")
    if underspend is not None and spent <= books.paid and underspend != books.paid - spent:
        faults.append(("#/underspend", f"It must be {books.paid - spent}: what was paid and not spent."))
    if underspend is not None and underspend < books.returned:
        faults.append(("#/underspend", f"{books.returned} has come back already."))
    return faults


@dataclass(frozen=True, slots=True)
class Closing:
    """What the end of a monitoring depends on. `returned` came back freely, without a demand."""

    unanswered: Sequence[str]
    pledge_committed: bool
    underspend: int
    returned: int
    demanded: int


def closing_reasons(closing: Closing) -> list[Reason]:
    """Every condition of closing a monitoring as a Reason, met or not."""

    def check(code: str, holds: bool, wanted: Any, found: Any) -> Reason:
        return Reason(code, Outcome.MET if holds else Outcome.UNMET, op="eq", wanted=wanted, found=found)

    unanswered = list(closing.unanswered)
    return [
        check("DUTIES_ANSWERED", not unanswered, [], unanswered),
        check("NOTHING_UNPAID", not closing.pledge_committed, False, closing.pledge_committed),
        check("UNDERSPEND_RETURNED", closing.returned == closing.underspend, closing.underspend, closing.returned),
        check("NOTHING_DEMANDED", closing.demanded == 0, 0, closing.demanded),
    ]


def change_faults(
    change: Mapping[str, Any], *, amount: int, unclaimed: Mapping[UUID, int], ends_on: date | None, today: date
) -> list[dict[str, str]]:
    """Every fault of a change request by pointer. `amount`: what the pledge comes to today, in minor units.

    `unclaimed`: of each part what is neither claimed, held, approved nor paid. Lines sum to what is left.
    """
    faults = _decrease_faults(change.get("decreases", ()), unclaimed)

    def fault(pointer: str, detail: str) -> None:
        faults.append({"pointer": pointer, "detail": detail})

    if not {"purpose", "ends_on", "lines", "decreases"} & change.keys():
        fault("#/reason", "Ask for a change of the purpose, the end, the lines or the amount.")
    if "ends_on" in change and (change["ends_on"] < today or change["ends_on"] == ends_on):
        fault("#/ends_on", "Give another day, one that has not passed.")
    purposes = [line["purpose"] for line in change.get("lines", ())]
    for place, purpose in enumerate(purposes):
        if purpose in purposes[:place]:
            fault(f"#/lines/{place}/purpose", "Name each purpose once.")
    left = amount - sum(cut["amount"] for cut in change.get("decreases", ()))
    total = sum(line["amount"] for line in change.get("lines", ()))
    if "lines" in change and not faults and total != left:
        fault("#/lines", f"The lines must sum to {left}, what the pledge comes to then; these are {total}.")
    return faults


def _decrease_faults(decreases: Sequence[Mapping[str, Any]], unclaimed: Mapping[UUID, int]) -> list[dict[str, str]]:
    faults = []
    named = [cut["part_id"] for cut in decreases]
    for place, (part_id, cut) in enumerate(zip(named, decreases, strict=True)):
        at = f"#/decreases/{place}"
        if part_id not in unclaimed:
            faults.append({"pointer": f"{at}/part_id", "detail": "The pledge has no such part."})
        elif part_id in named[:place]:
            faults.append({"pointer": f"{at}/part_id", "detail": "Name each part once."})
        elif cut["amount"] > unclaimed[part_id]:
            words = f"At most {unclaimed[part_id]} of it is neither claimed, held nor paid."
            faults.append({"pointer": f"{at}/amount", "detail": words})
    return faults
