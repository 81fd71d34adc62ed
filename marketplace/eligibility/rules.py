"""The one reference evaluator: a criteria tree over a group's facts, three-valued, every criterion explained.

Knows Kleene's logic and how facts compare; is told the facts, what the asker may see and the parameters of the day.
Must not know the database, HTTP, programmes or proposals. Its twin in the database is made by a migration.

Facts and values are JSON in one shape each: true/false; a slug, code or day as text; a decimal as text ("0.26");
a whole number (also for basis points); `{"amount": minor units, "currency": "GBP"}`; a list of slugs or codes.
A fact that is absent, null or of another shape than the value it is compared with is unknown; so is an amount in
another currency, and so is a fact that would be met, but is known less well than the criterion wants.

Everything here is monotone: to learn a fact, to be shown one or to have one assured turns an unknown outcome into met
or unmet, and never met into unmet or back.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from marketplace.eligibility.measures import calendar_day, measures, months_later, order
from marketplace.eligibility.tree import (
    ASSURANCE_LEVELS,
    AllOf,
    AnyOf,
    AtLeast,
    CriteriaTree,
    Criterion,
    Node,
    Not,
    read_tree,
)
from marketplace.reference.parameters import AS_OF
from marketplace.values.reasons import Level, Outcome, Reason

MET, UNMET, UNKNOWN = Outcome.MET, Outcome.UNMET, Outcome.UNKNOWN
OPPOSITE = {MET: UNMET, UNMET: MET, UNKNOWN: UNKNOWN}
NO_CODES: frozenset[str] = frozenset()
ASSURANCE_MEMBER = "_assurance"
"""Where the facts that the database's twin is given hold their levels; no fact's slug begins like that."""


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

    `parameters` holds the day's value of each named parameter, and the day itself as `as_of`. `shared` None is the
    group's own view; otherwise a fact outside it is unknown and nothing in the answer depends on its value.
    `assurance` gives the level of each fact that is more than declared.
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
    hidden = not _shown(criterion, sight)
    found = None if hidden else sight.facts.get(criterion.fact)
    wanted = wanted_of(criterion, sight.parameters)
    assurance = None if found is None else sight.assurance.get(criterion.fact)
    outcome = UNKNOWN if found is None else _compared(criterion, found, wanted, sight)
    if outcome is MET and _rank(assurance) < _rank(criterion.assurance):
        outcome = UNKNOWN
    return Reason(
        code=criterion.code,
        outcome=OPPOSITE[outcome] if negated else outcome,
        op=criterion.op,
        fact=criterion.fact,
        wanted=wanted,
        found=found,
        level=criterion.level,
        assurance=assurance,
        assurance_wanted=criterion.assurance,
        words=criterion.reason,
        negated=negated,
        not_shared=hidden,
        waivable=criterion.waivable,
    )


def _shown(criterion: Criterion, sight: _Sight) -> bool:
    """Whether the asker may see all that the criterion looks at."""
    if sight.shared is None:
        return True
    return criterion.fact in sight.shared and (criterion.chain is None or criterion.chain in sight.shared)


def _rank(assurance: str | None) -> int:
    """0 declared, 1 evidenced, 2 verified."""
    return ASSURANCE_LEVELS.index(assurance) if assurance in ASSURANCE_LEVELS else 0


def wanted_of(criterion: Criterion, parameters: Mapping[str, Any]) -> Any:
    """The value compared with: parameters' own values; the name stays where one has no value on that day."""
    if criterion.op == "between":
        return [_named(bound, parameters) for bound in criterion.value]
    return _named(criterion.value, parameters)


def _named(value: Any, parameters: Mapping[str, Any]) -> Any:
    if isinstance(value, dict) and "parameter" in value:
        named = parameters.get(value["parameter"])
        return value if named is None else named
    return value


def _compared(criterion: Criterion, found: Any, wanted: Any, sight: _Sight) -> Outcome:
    if criterion.op in _MONTHS:
        return _months_apart(criterion.op, found, wanted, sight.parameters.get(AS_OF))
    if criterion.chain is not None:
        return _contains("contains_any", sight.facts.get(criterion.chain), wanted)
    return compare(criterion.op, found, wanted)


def compare(op: str, found: Any, wanted: Any) -> Outcome:
    """How a known fact compares by an op that looks at nothing besides; unknown where the two do not compare.

    KeyError for an op that is none, or that needs the day or the chain of what holds the fact.
    """
    if op == "known":
        return MET
    if op in _CONTAINS:
        return _contains(op, found, wanted)
    if op in _ORDER:
        found_order = order(found, wanted)
        return UNKNOWN if found_order is None else MET if found_order in _ORDER[op] else UNMET
    return _EQUALITY[op](found, wanted)


_CONTAINS = frozenset({"contains_any", "contains_all", "contains_none"})
_ORDER = {"lt": (-1,), "lte": (-1, 0), "gt": (1,), "gte": (0, 1)}
_MONTHS = frozenset({"at_least_months_before", "at_least_months_after"})


def _contains(op: str, found: Any, wanted: Sequence[Any]) -> Outcome:
    if not isinstance(found, list):
        return UNKNOWN
    held = [value in found for value in wanted]
    holds = all(held) if op == "contains_all" else any(held) is (op == "contains_any")
    return MET if holds else UNMET


def _months_apart(op: str, found: Any, months: int, as_of: Any) -> Outcome:
    day, today = calendar_day(found), calendar_day(as_of)
    if day is None or today is None:
        return UNKNOWN
    earlier, later = (day, today) if op == "at_least_months_before" else (today, day)
    return MET if months_later(earlier, months) <= later else UNMET


def _equal(found: Any, wanted: Any) -> Outcome:
    if type(found) is not type(wanted):
        return UNKNOWN
    if isinstance(wanted, bool):
        return MET if found == wanted else UNMET
    pair = measures(found, wanted)
    if pair is not None:
        return MET if pair[0] == pair[1] else UNMET
    if isinstance(wanted, str):
        return MET if found == wanted else UNMET
    return UNKNOWN


def _one_of(found: Any, wanted: Sequence[Any]) -> Outcome:
    outcomes = {_equal(found, value) for value in wanted}
    return MET if MET in outcomes else UNKNOWN if UNKNOWN in outcomes else UNMET


def _between(found: Any, wanted: Sequence[Any]) -> Outcome:
    """Not less than the first and not more than the second, each in Kleene's logic."""
    outcomes = {compare("gte", found, wanted[0]), compare("lte", found, wanted[1])}
    return UNMET if UNMET in outcomes else UNKNOWN if UNKNOWN in outcomes else MET


def _opposite_of(compared: Callable[[Any, Any], Outcome]) -> Callable[[Any, Any], Outcome]:
    return lambda found, wanted: OPPOSITE[compared(found, wanted)]


_EQUALITY: Mapping[str, Callable[[Any, Any], Outcome]] = {
    "eq": _equal,
    "ne": _opposite_of(_equal),
    "in": _one_of,
    "not_in": _opposite_of(_one_of),
    "between": _between,
}
