"""Lines and conditions of pledges, purely: how money is laid over lines, what each condition means, who waits for whom.

Amounts are integer minor units of the ask's one currency, ratios basis points. Must not know the database, the clock
or who asks.

**Thresholds and cycles.** Accepted pledges may each wait until the ask has reached some total. What counts as reached
is the *greatest* set of waiting pledges that satisfy each other: money that waits for nothing counts, and so does that
of every waiting pledge in the set, where each one's own threshold is reached by both together. Two pledges that wait
for each other therefore go through, and one whose threshold is out of reach holds up nobody and counts for nobody. The
greatest set is unique, whatever the order (the sum is monotone in the set: Knaster and Tarski), so that the order of
acceptances cannot matter.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from marketplace.values.reasons import Outcome, Reason
from marketplace.values.refusals import Conflict, Unprocessable

Line = TypeVar("Line", bound=Hashable)
Key = TypeVar("Key", bound=Hashable)
LOANS = frozenset({"loan_unsecured", "loan_secured", "working_capital_facility"})
WHOLE_BP = 10_000
MEMBERS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "threshold": (frozenset({"amount", "by"}), frozenset()),
    "match_ratio": (frozenset({"ratio_bp"}), frozenset({"cap", "in_kind_bp"})),
    "cofunding_before_release": (frozenset({"amount"}), frozenset({"counts"})),
    "beside_loan": (frozenset(), frozenset()),
    "loan_share": (frozenset({"ratio_bp"}), frozenset()),
    "pool": (frozenset({"pool_id"}), frozenset()),
}
"""The members that each kind of condition needs, and those it may have besides."""


class LinesWrong(Unprocessable):
    """The lines do not fit the amount or the ask; `errors` names each fault."""

    code = "lines-wrong"
    title = "The lines do not add up"


class ConditionsWrong(Unprocessable):
    """A condition lacks what its kind needs, or contradicts itself; `errors` names each fault."""

    code = "conditions-wrong"
    title = "The conditions do not hold together"


class ConditionsUnmet(Conflict):
    """What the pledge waits for has not come about; `reasons` names it."""

    code = "conditions-unmet"
    title = "The pledge's conditions are not met"


class PoolExhausted(Conflict):
    """The pool has no room for this pledge any more; `left` says what it has."""

    code = "pool-exhausted"
    title = "The pool has no room for this pledge"


def spread(amount: int, rooms: Sequence[tuple[Line, int]]) -> dict[Line, int]:
    """`amount` laid over lines with room, in order, each filled before the next; what finds no room is left out."""
    laid: dict[Line, int] = {}
    for line, room in rooms:
        taken = min(room, amount - sum(laid.values()))
        if taken > 0:
            laid[line] = taken
    return laid


def unlaid(amount: int, laid: Sequence[tuple[Line, int]]) -> dict[Line, int]:
    """`amount` taken back from lines that hold money, the last of them first. ValueError where they hold less."""
    taken = spread(amount, list(reversed(laid)))
    if sum(taken.values()) != amount:
        raise ValueError(f"lines that hold {sum(held for _, held in laid)} cannot give back {amount}")
    return taken


def line_faults(lines: Sequence[Mapping[str, Any]], amount: int, known: Iterable[Any]) -> list[dict[str, str]]:
    """Every way in which named lines (`line`, `amount`) do not fit the ask's lines or the amount that they share."""
    there = set(known)
    faults = [
        {"pointer": f"#/lines/{place}/line", "detail": "The ask has no such line."}
        for place, each in enumerate(lines)
        if each["line"] not in there
    ]
    if len({each["line"] for each in lines}) != len(lines):
        faults.append({"pointer": "#/lines", "detail": "Name each line once."})
    if sum(each["amount"] for each in lines) != amount:
        faults.append({"pointer": "#/lines", "detail": f"The lines must sum to {amount}."})
    return faults


def condition_faults(conditions: Sequence[Mapping[str, Any]], today: date) -> list[dict[str, str]]:
    """Every way in which conditions as they came in contradict their kinds."""
    faults: list[dict[str, str]] = []
    for place, condition in enumerate(conditions):
        needed, possible = MEMBERS[condition["kind"]]
        given = set(condition) - {"kind"}
        for name in sorted(needed - given):
            faults.append({"pointer": f"#/conditions/{place}/{name}", "detail": f"A {condition['kind']} needs it."})
        for name in sorted(given - needed - possible):
            faults.append({"pointer": f"#/conditions/{place}/{name}", "detail": f"A {condition['kind']} has none."})
        if condition["kind"] == "loan_share" and condition.get("ratio_bp", 0) > WHOLE_BP:
            faults.append({"pointer": f"#/conditions/{place}/ratio_bp", "detail": f"At most {WHOLE_BP}, the whole."})
        if "by" in condition and condition["by"] < today:
            faults.append({"pointer": f"#/conditions/{place}/by", "detail": "That day is over."})
    if len({condition["kind"] for condition in conditions}) != len(conditions):
        faults.append({"pointer": "#/conditions", "detail": "Give each kind once."})
    return faults


def reached(certain: int, waiting: Mapping[Key, tuple[int, int]]) -> frozenset[Key]:
    """The greatest set of waiting pledges (amount, threshold) that reach their thresholds together.

    `certain` is what waits for nothing, outside awards included. At most as many rounds as there are pledges.
    """
    together = dict(waiting)
    while True:
        total = certain + sum(amount for amount, _ in together.values())
        short = [key for key, (_, threshold) in together.items() if total < threshold]
        if not short:
            return frozenset(together)
        for key in short:
            del together[key]


def total_reached(certain: int, waiting: Mapping[Key, tuple[int, int]]) -> int:
    """What counts as promised to the ask: what is certain, and the waiting pledges that satisfy each other."""
    return certain + sum(waiting[key][0] for key in reached(certain, waiting))


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; the members that its kind needs (`MEMBERS`), the others None."""

    kind: str
    amount: int | None = None
    by: date | None = None
    ratio_bp: int | None = None
    cap: int | None = None
    in_kind_bp: int | None = None
    counts: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The deal as a pledge's conditions see it. Others are other organisations' accepted pledges that wait for nothing
    any more, and awards from outside; of these it is not known whether they are paid.

    `released` is what this pledge has paid or delivered and not got back, `releasing` what it is about to.
    """

    total: int
    """Promised to the ask: `total_reached`."""
    waits: bool
    """The pledge's own threshold is not reached."""
    others_cash: int
    others_in_kind: int
    others_released: int
    deal: int
    loans: int
    released: int
    releasing: int


def release_reasons(conditions: Iterable[Condition], standing: Standing) -> list[Reason]:
    """What stands between a pledge and its next release, each condition as a Reason, met or not.

    A pool was drawn on by the acceptance, and asks for nothing any more.
    """
    return [_release_reason(each, standing) for each in conditions if each.kind != "pool"]


def matched(condition: Condition, standing: Standing) -> int:
    """The most that a matching pledge pays in all: its ratio of the others' cash, and of their support in kind by its
    share, rounded down to the penny; at most its cap."""
    counted = standing.others_cash * WHOLE_BP + standing.others_in_kind * (condition.in_kind_bp or 0)
    most = counted * (condition.ratio_bp or 0) // (WHOLE_BP * WHOLE_BP)
    return most if condition.cap is None else min(most, condition.cap)


def _release_reason(condition: Condition, standing: Standing) -> Reason:
    wanted: Any
    found: Any
    if condition.kind == "threshold":
        wanted, found = condition.amount, standing.total
        return _reason("THRESHOLD", not standing.waits, wanted, found, "gte")
    if condition.kind == "match_ratio":
        wanted, found = matched(condition, standing), standing.released + standing.releasing
        return _reason("MATCH_RATIO", found <= wanted, wanted, found, "lte")
    if condition.kind == "cofunding_before_release":
        accepted = standing.others_cash + standing.others_in_kind
        wanted, found = condition.amount or 0, standing.others_released if condition.counts == "paid" else accepted
        return _reason("COFUNDING_BEFORE_RELEASE", found >= wanted, wanted, found, "gte")
    if condition.kind == "beside_loan":
        return _reason("BESIDE_LOAN", standing.loans > 0, "an accepted loan in the same ask", standing.loans, "gt")
    wanted = condition.ratio_bp or 0
    found = standing.loans * WHOLE_BP // standing.deal if standing.deal else 0
    return _reason("LOAN_SHARE", standing.loans * WHOLE_BP >= wanted * standing.deal, wanted, found, "gte")


def _reason(code: str, holds: bool, wanted: Any, found: Any, op: str) -> Reason:
    return Reason(code, Outcome.MET if holds else Outcome.UNMET, op=op, wanted=wanted, found=found)


def day_over(day: date) -> Reason:
    """A threshold whose day is over before the pledge is offered or accepted."""
    return Reason("THRESHOLD_DAY", Outcome.UNMET, op="gte", wanted="a day to come", found=day.isoformat())


def relied_upon(conditions: Iterable[Condition], standing: Standing) -> list[Reason]:
    """What a signed pledge has relied on, over a deal that is about to shrink: its threshold, and once it has released
    money everything that its releases asked for."""
    reasons = []
    for condition in conditions:
        if condition.kind == "threshold":
            wanted = condition.amount or 0
            reasons.append(_reason("THRESHOLD", standing.total >= wanted, wanted, standing.total, "gte"))
        elif condition.kind != "pool" and standing.released:
            reasons.append(_release_reason(condition, standing))
    return reasons


def line_reasons(named: Mapping[Line, int], rooms: Mapping[Line, int], amount: int) -> list[Reason]:
    """What stands in the way of named lines: one that is gone, or has no room; nothing where all is well."""
    reasons = [
        _reason("LINE_GAP", False, {"line": str(line), "amount": rooms.get(line, 0)}, paid, "lte")
        for line, paid in named.items()
        if paid > rooms.get(line, 0)
    ]
    if not reasons and sum(named.values()) != amount:
        reasons.append(Reason("LINES", Outcome.UNMET, op="eq", wanted=amount, found=sum(named.values())))
    return reasons


def pool_left(left: int, amount: int) -> Reason:
    """Whether the pool has room for the pledge."""
    return _reason("POOL_LEFT", amount <= left, left, amount, "lte")
