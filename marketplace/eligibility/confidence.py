"""How sure a result is, and what its fit is made of: two outputs of their own, neither of which decides anything.

Knows evaluations and trees. Must not know the database, HTTP, programmes or proposals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marketplace.eligibility.rules import Evaluation, Result
from marketplace.eligibility.tree import CriteriaTree, read_tree
from marketplace.values.reasons import Level, Outcome, Reason

POINTS: Mapping[str, int] = {"verified": 100, "evidenced": 80, "declared": 50, "unknown": 0}
"""What a criterion counts by how well the fact that it rests on is known."""


@dataclass(frozen=True, slots=True)
class Confidence:
    """On how well-known facts a result rests: the hard criteria that decided it, by what they rest on.

    `score` is 0 to 100: the mean of POINTS over those criteria, rounded down; 100 where no hard criterion decided.
    """

    score: int
    verified: int
    evidenced: int
    declared: int
    unknown: int

    def as_json(self) -> dict[str, int]:
        """The members as plain JSON values."""
        return {name: getattr(self, name) for name in ("score", *POINTS)}


def confidence(evaluation: Evaluation) -> Confidence:
    """How sure the result is, by the assurance with which it was evaluated.

    What decided: for an eligible result the hard criteria that are met, for an ineligible one those that stand in
    its way, for one that needs information the met ones and the unknown ones in its way. A derived fact is as well
    known as the answers that it is derived from; the ask is declared.
    """
    rests_on = [_rests_on(reason) for reason in _deciding(evaluation)]
    counts = {name: rests_on.count(name) for name in POINTS}
    score = sum(POINTS[name] for name in rests_on) // len(rests_on) if rests_on else 100
    return Confidence(score=score, **counts)


def fit_makeup(tree: CriteriaTree | Mapping[str, Any], evaluation: Evaluation) -> list[dict[str, Any]]:
    """Each soft criterion in tree order: its code, its weight, and whether it is met, unmet or unknown.

    The fit of a result that is not ineligible is the met weight in a hundred of all weight, rounded down, and 100
    without soft criteria; of an ineligible one it is 0, whatever the make-up.
    """
    read = tree if isinstance(tree, CriteriaTree) else read_tree(tree)
    outcomes = {reason.code: reason.outcome.value for reason in evaluation.reasons}
    return [
        {"code": leaf.code, "weight": leaf.weight, "outcome": outcomes[leaf.code]}
        for leaf in read.leaves()
        if leaf.level is Level.SOFT
    ]


def _deciding(evaluation: Evaluation) -> list[Reason]:
    in_the_way = frozenset(evaluation.unmet if evaluation.result is Result.INELIGIBLE else evaluation.unknown)
    met_counts = evaluation.result is not Result.INELIGIBLE
    return [
        reason
        for reason in evaluation.reasons
        if reason.level is Level.HARD and (reason.code in in_the_way or (met_counts and reason.outcome is Outcome.MET))
    ]


def _rests_on(reason: Reason) -> str:
    return "unknown" if reason.found is None else reason.assurance or "declared"


__all__ = ["POINTS", "Confidence", "confidence", "fit_makeup"]
