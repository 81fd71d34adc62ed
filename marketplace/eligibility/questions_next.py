"""Which answer, and which sharing, would settle most: counted over evaluations that were made before.

Knows evaluations and the facts registry. Must not know programmes, proposals, the database or HTTP.
An evaluation is settled by a fact when that fact is all that it waits for: whatever the answer, it then is eligible
or ineligible (but for an answer that compares with nothing, such as an amount in another currency).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from marketplace.eligibility.rules import Evaluation, Result
from marketplace.reference.facts import REGISTRY
from marketplace.values.reasons import Outcome, Reason

MOST_QUESTIONS = 10

PLACES = {slug: place for place, slug in enumerate(REGISTRY)}


@dataclass(frozen=True, slots=True)
class NextFact:
    """A fact to answer, or to share: how many evaluations it would settle alone, and of how many it is a part."""

    fact: str
    settles: int
    part_of: int


@dataclass(frozen=True, slots=True)
class SightOfOne:
    """One pair from both sides: what the group knows of it, what the funder gets, and the facts it is shown."""

    own: Evaluation
    theirs: Evaluation
    shared: Collection[str]


def next_questions(
    evaluations: Iterable[Evaluation], known: Collection[str] = (), limit: int = MOST_QUESTIONS
) -> list[NextFact]:
    """The unknown facts of evaluations at `needs_information`, the one that settles most first, at most `limit`.

    `known` are the facts that are answered; for a derived fact the question is about what it is derived from and is
    not among them. Equal counts stand in the order of the registry.
    """
    waits = [_waits_for(evaluation, frozenset(known)) for evaluation in evaluations]
    return _ranked(waits, limit)


def next_shares(sights: Iterable[SightOfOne], known: Collection[str], limit: int = MOST_QUESTIONS) -> list[NextFact]:
    """The answered facts that are not shared and would settle most funders' `needs_information`, as next_questions."""
    return _ranked([_waits_for_sharing(sight, frozenset(known)) for sight in sights], limit)


def facts_to_share(fact: str, shared: Collection[str]) -> frozenset[str]:
    """What the group has to open so that one who is shown `shared` sees the fact: its inputs where it is derived."""
    definition = REGISTRY.get(fact)
    sources = () if definition is None else definition.follows or definition.derived_from
    if not sources:
        return frozenset() if fact in shared else frozenset({fact})
    return frozenset(each for source in sources for each in facts_to_share(source, shared))


def inputs_unknown(fact: str, known: Collection[str]) -> frozenset[str]:
    """The unknown facts that somebody answers and that leave this one unknown: itself unless it is derived."""
    definition = REGISTRY.get(fact)
    if definition is None or not definition.derived_from:
        return frozenset() if fact in known else frozenset({fact})
    return frozenset(each for source in definition.derived_from for each in inputs_unknown(source, known))


@dataclass(frozen=True, slots=True)
class _Waits:
    """The facts that one evaluation waits for; `on_more` where they alone would not settle it."""

    facts: frozenset[str]
    on_more: bool = False


_NOTHING = _Waits(frozenset())


def _blocking_unknown(evaluation: Evaluation) -> Iterator[Reason]:
    """The reasons of the hard criteria that an evaluation at `needs_information` cannot tell."""
    codes = frozenset(evaluation.unknown)
    return (reason for reason in evaluation.reasons if reason.code in codes)


def _waits_for(evaluation: Evaluation, known: frozenset[str]) -> _Waits:
    if evaluation.result is not Result.NEEDS_INFORMATION:
        return _NOTHING
    facts: set[str] = set()
    on_more = False
    for reason in _blocking_unknown(evaluation):
        asked = frozenset() if reason.found is not None or reason.fact is None else inputs_unknown(reason.fact, known)
        facts |= asked
        on_more = on_more or not asked
    return _Waits(frozenset(facts), on_more)


def _waits_for_sharing(sight: SightOfOne, known: frozenset[str]) -> _Waits:
    if sight.theirs.result is not Result.NEEDS_INFORMATION:
        return _NOTHING
    told: Mapping[str, Any] = {reason.code: reason.outcome for reason in sight.own.reasons}
    facts: set[str] = set()
    on_more = False
    for reason in _blocking_unknown(sight.theirs):
        hidden = reason.not_shared and reason.fact is not None and told[reason.code] is not Outcome.UNKNOWN
        opened = facts_to_share(reason.fact, sight.shared) & known if hidden and reason.fact else frozenset()
        facts |= opened
        on_more = on_more or not opened
    return _Waits(frozenset(facts), on_more)


def _ranked(waits: Iterable[_Waits], limit: int) -> list[NextFact]:
    settles: Counter[str] = Counter()
    part_of: Counter[str] = Counter()
    for each in waits:
        part_of.update(each.facts)
        if len(each.facts) == 1 and not each.on_more:
            settles.update(each.facts)
    ranked = sorted(part_of, key=lambda fact: (-settles[fact], -part_of[fact], PLACES.get(fact, len(PLACES)), fact))
    return [NextFact(fact, settles[fact], part_of[fact]) for fact in ranked[:limit]]
