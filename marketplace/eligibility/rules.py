"""The one reference evaluator: a criteria tree over a group's facts, three-valued, every criterion explained.

Knows Kleene's logic and how facts compare; is told the facts, what the asker may see and the parameters of the day.
Must not know the database, HTTP, programmes or proposals. Its twin in the database is made by a migration.

Facts and values are JSON in one shape each: true/false; a slug, code or day as text; a decimal as text ("0.26");
a whole number (also for basis points); `{"amount": minor units, "currency": "GBP"}`; a list of slugs or codes.
A fact that is absent, null or of another shape than the value it is compared with is unknown; so is an amount in
another currency.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from marketplace.eligibility.tree import (
    AllOf,
    AnyOf,
    AtLeast,
    CriteriaTree,
    Criterion,
    Node,
    Not,
    read_tree,
)
from marketplace.values.reasons import Level, Outcome, Reason

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,10})?")

MET, UNMET, UNKNOWN = Outcome.MET, Outcome.UNMET, Outcome.UNKNOWN
OPPOSITE = {MET: UNMET, UNMET: MET, UNKNOWN: UNKNOWN}
NO_CODES: frozenset[str] = frozenset()


class Result(StrEnum):
    """The `match_results` codelist."""

    ELIGIBLE = "eligible"
    NEEDS_INFORMATION = "needs_information"
    INELIGIBLE = "ineligible"

    @property
    def rank(self) -> int:
        """0 eligible, 1 needs information, 2 ineligible: the number that the database's twin answers."""
        return _RANKS[self]


_RANKS = {Result.ELIGIBLE: 0, Result.NEEDS_INFORMATION: 1, Result.INELIGIBLE: 2}
_RESULTS = {MET: Result.ELIGIBLE, UNKNOWN: Result.NEEDS_INFORMATION, UNMET: Result.INELIGIBLE}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The answer. Lists of codes stand in tree order.

    `unmet` and `unknown` name the hard criteria that stand in the way (a failed branch of an `any` that holds is in
    neither); `fit` is 0 to 100. A waived criterion stands in no one's way, yet its Reason tells what was found.
    """

    result: Result
    reasons: tuple[Reason, ...]
    unmet: tuple[str, ...]
    unknown: tuple[str, ...]
    soft_unmet: tuple[str, ...]
    soft_unknown: tuple[str, ...]
    fit: int

    def as_json(self) -> dict[str, Any]:
        """The evaluation as plain JSON values."""
        return {
            "result": self.result.value,
            "fit": self.fit,
            "unmet": list(self.unmet),
            "unknown": list(self.unknown),
            "soft_unmet": list(self.soft_unmet),
            "soft_unknown": list(self.soft_unknown),
            "reasons": [reason.as_json() for reason in self.reasons],
        }


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the evaluator looks at: the facts, and how much of them the asker may see."""

    facts: Mapping[str, Any]
    parameters: Mapping[str, Any]
    shared: Set[str] | None
    assurance: Mapping[str, str]
    waived: Set[str]


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a node comes to, with the hard criteria that stand in its way."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    unmet: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def evaluate(
    tree: CriteriaTree | Mapping[str, Any],
    facts: Mapping[str, Any],
    *,
    parameters: Mapping[str, Any],
    shared: Set[str] | None = None,
    assurance: Mapping[str, str] | None = None,
    waived: Set[str] = NO_CODES,
) -> Evaluation:
    """Evaluate a tree (or its stored JSON) over one group's facts.

    `parameters` holds the day's value of each named parameter. `shared` None is the group's own view; otherwise a
    fact outside it is unknown and nothing in the answer depends on its value. `assurance` gives each fact's level.
    `waived` names criteria that the funder waives: honoured where the criterion is waivable.
    UnreadableTreeError for a stored tree that cannot be read.
    """
    read = tree if isinstance(tree, CriteriaTree) else read_tree(tree)
    sight = _Sight(facts, parameters, shared, assurance or {}, waived)
    verdict = _judge(AllOf(read.criteria), sight, negated=False)
    result = _RESULTS[verdict.outcome]
    soft = {criterion.code: criterion.weight for criterion in read.leaves() if criterion.level is Level.SOFT}
    outcomes = {reason.code: reason.outcome for reason in verdict.reasons}
    return Evaluation(
        result=result,
        reasons=verdict.reasons,
        unmet=verdict.unmet,
        unknown=verdict.unknown,
        soft_unmet=tuple(code for code in soft if outcomes[code] is UNMET),
        soft_unknown=tuple(code for code in soft if outcomes[code] is UNKNOWN),
        fit=0 if result is Result.INELIGIBLE else _fit(soft, outcomes),
    )


def _fit(weights: Mapping[str, int], outcomes: Mapping[str, Outcome]) -> int:
    """The weight of the met soft criteria in a hundred of all soft weight, rounded down; 100 when there are none."""
    met = sum(weight for code, weight in weights.items() if outcomes[code] is MET)
    return 100 * met // sum(weights.values()) if weights else 100


def _judge(node: Node, sight: _Sight, *, negated: bool) -> _Verdict:
    """A `not` is carried down to the criteria (De Morgan), so that what is blocking is named as it is required."""
    match node:
        case Criterion():
            return _judge_criterion(node, sight, negated=negated)
        case Not(branch):
            return _judge(branch, sight, negated=not negated)
        case AllOf(branches):
            needed = len(branches)
        case AnyOf(branches):
            needed = 1
        case AtLeast(needed, branches):
            pass
    if negated:
        needed = len(branches) - needed + 1
    return _at_least(needed, [_judge(branch, sight, negated=negated) for branch in branches])


def _at_least(needed: int, verdicts: Sequence[_Verdict]) -> _Verdict:
    """Met when `needed` are met, unmet when so many no longer can be. Where all are needed, each one short blocks."""
    outcomes = [verdict.outcome for verdict in verdicts]
    met, unknown = outcomes.count(MET), outcomes.count(UNKNOWN)
    outcome = MET if met >= needed else UNKNOWN if met + unknown >= needed else UNMET
    if needed == len(verdicts):
        blocking = [verdict for verdict in verdicts if verdict.outcome is not MET]
    elif outcome is MET:
        blocking = []
    else:
        blocking = [verdict for verdict in verdicts if verdict.outcome is outcome]
    return _Verdict(
        outcome=outcome,
        reasons=tuple(reason for verdict in verdicts for reason in verdict.reasons),
        unmet=tuple(code for verdict in blocking for code in verdict.unmet),
        unknown=tuple(code for verdict in blocking for code in verdict.unknown),
    )


def _judge_criterion(criterion: Criterion, sight: _Sight, *, negated: bool) -> _Verdict:
    reason = _explain(criterion, sight, negated=negated)
    waived = criterion.waivable and criterion.code in sight.waived
    if criterion.level is Level.SOFT or waived or reason.outcome is MET:
        return _Verdict(MET, (reason,))
    if reason.outcome is UNMET:
        return _Verdict(UNMET, (reason,), unmet=(criterion.code,))
    return _Verdict(UNKNOWN, (reason,), unknown=(criterion.code,))


def _explain(criterion: Criterion, sight: _Sight, *, negated: bool) -> Reason:
    """The criterion's Reason. Its outcome is the one the criteria ask for: turned round where it is negated."""
    hidden = sight.shared is not None and criterion.fact not in sight.shared
    found = None if hidden else sight.facts.get(criterion.fact)
    wanted = _wanted(criterion.value, sight.parameters)
    outcome = UNKNOWN if found is None or wanted is None else compare(criterion.op, found, wanted)
    return Reason(
        code=criterion.code,
        outcome=OPPOSITE[outcome] if negated else outcome,
        op=criterion.op,
        fact=criterion.fact,
        wanted=criterion.value if wanted is None else wanted,
        found=found,
        level=criterion.level,
        assurance=None if found is None else sight.assurance.get(criterion.fact),
        words=criterion.reason,
        negated=negated,
        not_shared=hidden,
        waivable=criterion.waivable,
    )


def _wanted(value: Any, parameters: Mapping[str, Any]) -> Any:
    """The value compared with: a parameter's own value, None where it has none on that day."""
    if isinstance(value, dict) and "parameter" in value:
        return parameters.get(value["parameter"])
    return value


def compare(op: str, found: Any, wanted: Any) -> Outcome:
    """How a known fact compares; unknown where the two cannot be compared. KeyError for an op that is none."""
    if op in _CONTAINS:
        return _contains(op, found, wanted)
    if op in _ORDER:
        order = _order(found, wanted)
        return UNKNOWN if order is None else MET if order in _ORDER[op] else UNMET
    return _EQUALITY[op](found, wanted)


_CONTAINS = frozenset({"contains_any", "contains_all", "contains_none"})
_ORDER = {"lt": (-1,), "lte": (-1, 0), "gt": (1,), "gte": (0, 1)}


def _contains(op: str, found: Any, wanted: Sequence[Any]) -> Outcome:
    if not isinstance(found, list):
        return UNKNOWN
    held = [value in found for value in wanted]
    holds = all(held) if op == "contains_all" else any(held) is (op == "contains_any")
    return MET if holds else UNMET


def _order(found: Any, wanted: Any) -> int | None:
    """-1, 0 or 1 as `found` is less, equal or more; None where they have no order."""
    pair = _measures(found, wanted)
    return None if pair is None else (pair[0] > pair[1]) - (pair[0] < pair[1])


def _measures(found: Any, wanted: Any) -> tuple[Decimal, Decimal] | None:
    """Both as numbers on one scale: amounts of one currency, whole numbers, decimals, days."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict) or found.get("currency") != wanted.get("currency"):
            return None
        found, wanted = found.get("amount"), wanted.get("amount")
    if type(wanted) is int and type(found) is int:
        return Decimal(found), Decimal(wanted)
    if isinstance(wanted, str) and isinstance(found, str):
        if DAY.fullmatch(wanted) and DAY.fullmatch(found):
            return Decimal(found.replace("-", "")), Decimal(wanted.replace("-", ""))
        if DECIMAL.fullmatch(wanted) and DECIMAL.fullmatch(found):
            return Decimal(found), Decimal(wanted)
    return None


def _equal(found: Any, wanted: Any) -> Outcome:
    if type(found) is not type(wanted):
        return UNKNOWN
    if isinstance(wanted, bool):
        return MET if found == wanted else UNMET
    pair = _measures(found, wanted)
    if pair is not None:
        return MET if pair[0] == pair[1] else UNMET
    if isinstance(wanted, str):
        return MET if found == wanted else UNMET
    return UNKNOWN


def _one_of(found: Any, wanted: Sequence[Any]) -> Outcome:
    outcomes = {_equal(found, value) for value in wanted}
    return MET if MET in outcomes else UNKNOWN if UNKNOWN in outcomes else UNMET


def _opposite_of(compared: Callable[[Any, Any], Outcome]) -> Callable[[Any, Any], Outcome]:
    return lambda found, wanted: OPPOSITE[compared(found, wanted)]


_EQUALITY: Mapping[str, Callable[[Any, Any], Outcome]] = {
    "eq": _equal,
    "ne": _opposite_of(_equal),
    "in": _one_of,
    "not_in": _opposite_of(_one_of),
}
