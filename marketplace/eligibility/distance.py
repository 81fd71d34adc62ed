"""How many gates a pair is away from eligible. The twin in the database, `criteria_distance`, is made by a migration.

Knows trees and evaluations. Must not know the database, HTTP, programmes or proposals.

The distance is the least number of hard criteria that would have to turn to met: first as few unmet ones as can be,
then as few unknown ones. Unmet and unknown criteria count one each; `all` is the sum of its branches, `any` the
nearest of them, `at_least` the sum of its nearest ones, and `not` is carried down to the criteria. So it is (0, 0)
exactly where the pair is eligible, and has no unmet one exactly where it is not ineligible. Criteria count, not facts:
one change may turn several. There are no waivers here.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from marketplace.eligibility.rules import Evaluation
from marketplace.eligibility.tree import AllOf, AnyOf, AtLeast, CriteriaTree, Criterion, Node, Not, read_tree
from marketplace.values.reasons import Level, Outcome

NEAR = 2
"""A pair is a near miss when it is ineligible by at most so many unmet criteria."""


class Gates(NamedTuple):
    """The distance: criteria that are unmet, and those that are unknown, on the nearest way. Compares in that order."""

    unmet: int
    unknown: int

    @property
    def near_miss(self) -> bool:
        """Ineligible, and by no more than NEAR unmet criteria."""
        return 1 <= self.unmet <= NEAR


_COST = {Outcome.MET: Gates(0, 0), Outcome.UNMET: Gates(1, 0), Outcome.UNKNOWN: Gates(0, 1)}


def gates_away(tree: CriteriaTree | Mapping[str, Any], evaluation: Evaluation) -> Gates:
    """The distance of an evaluation of that tree (or of its stored JSON)."""
    read = tree if isinstance(tree, CriteriaTree) else read_tree(tree)
    outcomes = {reason.code: reason.outcome for reason in evaluation.reasons}
    return _distance(AllOf(read.criteria), outcomes, negated=False)


def _distance(node: Node, outcomes: Mapping[str, Outcome], *, negated: bool) -> Gates:
    """A reason's outcome is turned round already where its criterion stands below `not`."""
    match node:
        case Criterion():
            return Gates(0, 0) if node.level is Level.SOFT else _COST[outcomes[node.code]]
        case Not(branch):
            return _distance(branch, outcomes, negated=not negated)
        case AllOf(branches):
            needed = len(branches)
        case AnyOf(branches):
            needed = 1
        case AtLeast(needed, branches):
            pass
    if negated:
        needed = len(branches) - needed + 1
    nearest = sorted(_distance(branch, outcomes, negated=negated) for branch in branches)[:needed]
    return Gates(sum(each.unmet for each in nearest), sum(each.unknown for each in nearest))
