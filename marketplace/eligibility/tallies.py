"""A criteria tree over many groups at once: how it stands with each, and what each criterion keeps out.

Knows the tree and Kleene's logic. Must not know facts, how they compare, the database or HTTP: it is told of which
groups each criterion holds. Groups are numbered from 0; a set of them is an integer, bit i for group i, so that one
step decides for all of them. The answers are those of the one evaluator, group by group; tests hold the two together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from marketplace.eligibility.rules import Result
from marketplace.eligibility.tree import AllOf, AnyOf, AtLeast, CriteriaTree, Criterion, Node, Not
from marketplace.values.reasons import Level


@dataclass(frozen=True, slots=True)
class Held:
    """Of which groups something is met, and of which unmet; of all others it is unknown."""

    met: int
    unmet: int

    @property
    def opposite(self) -> "Held":
        return Held(self.unmet, self.met)


@dataclass(frozen=True, slots=True)
class Toll:
    """What a hard criterion costs, as sets of groups.

    `unmet` and `unknown`: it stands in their way, as `Evaluation.unmet` and `Evaluation.unknown` tell. `only_this`:
    they are not eligible, and would be if this criterion alone were met.
    """

    unmet: int = 0
    unknown: int = 0
    only_this: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """How it stands: the groups of each result, and the toll of each hard criterion by code, in tree order."""

    results: Mapping[Result, int]
    tolls: Mapping[str, Toll]


def tally(tree: CriteriaTree, held: Mapping[str, Held], everyone: int) -> Tally:
    """The tree over all groups in `everyone`. `held` tells where each hard criterion as written is met, and unmet."""
    counting = _Counting(held, everyone)
    root = counting.stand(AllOf(tree.criteria), negated=False)
    counting.blame(root, everyone, everyone, everyone & ~root.held.met)
    results = {
        Result.ELIGIBLE: root.held.met,
        Result.NEEDS_INFORMATION: everyone & ~(root.held.met | root.held.unmet),
        Result.INELIGIBLE: root.held.unmet,
    }
    return Tally(results, counting.tolls)


@dataclass(frozen=True, slots=True)
class _Standing:
    """A node as it is asked for (turned round where it is negated); `needed` of its branches have to be met."""

    held: Held
    code: str | None = None
    needed: int = 0
    branches: tuple["_Standing", ...] = ()
    enough: int = 0
    """Groups of which as many branches are met as are needed, and"""
    one_short: int = 0
    """of which at least all but one of those are."""


@dataclass(slots=True)
class _Counting:
    told: Mapping[str, Held]
    everyone: int
    tolls: dict[str, Toll] = field(default_factory=dict)

    def stand(self, node: Node, *, negated: bool) -> _Standing:
        match node:
            case Criterion():
                return self.criterion(node, negated=negated)
            case Not(branch):
                return self.stand(branch, negated=not negated)
            case AllOf(branches):
                needed = len(branches)
            case AnyOf(branches):
                needed = 1
            case AtLeast(needed, branches):
                pass
        if negated:
            needed = len(branches) - needed + 1
        below = tuple(self.stand(branch, negated=negated) for branch in branches)
        met = self.at_least(needed, [each.held.met for each in below])
        unmet = self.at_least(len(below) - needed + 1, [each.held.unmet for each in below])
        return _Standing(Held(met[needed], unmet[-1]), None, needed, below, met[needed], met[max(needed - 1, 0)])

    def criterion(self, criterion: Criterion, *, negated: bool) -> _Standing:
        if criterion.level is Level.SOFT:
            return _Standing(Held(self.everyone, 0))
        held = self.told[criterion.code]
        self.tolls[criterion.code] = Toll()
        return _Standing(held.opposite if negated else held, criterion.code)

    def at_least(self, most: int, sets: Sequence[int]) -> list[int]:
        """In place n the groups that are in at least n of the sets, up to `most`."""
        reached = [self.everyone] + [0] * most
        for each in sets:
            for number in range(most, 0, -1):
                reached[number] |= reached[number - 1] & each
        return reached

    def blame(self, standing: _Standing, blocking: int, deciding: int, wanting: int) -> None:
        """Charge the criteria below.

        `blocking`: groups in whose way this node may stand; `deciding`: groups that would be eligible if this node were
        met; `wanting`: groups that are not eligible.
        """
        if standing.code is not None:
            unmet = blocking & standing.held.unmet
            unknown = blocking & self.everyone & ~(standing.held.met | standing.held.unmet)
            self.tolls[standing.code] = Toll(unmet, unknown, deciding & wanting & ~standing.held.met)
            return
        of_all = standing.needed == len(standing.branches)
        open_here = self.everyone & ~(standing.held.met | standing.held.unmet)
        for branch in standing.branches:
            branch_open = self.everyone & ~(branch.held.met | branch.held.unmet)
            if of_all:
                charged = blocking & ~branch.held.met
            else:
                charged = blocking & ((standing.held.unmet & branch.held.unmet) | (open_here & branch_open))
            alone = deciding & (standing.enough | (standing.one_short & ~branch.held.met))
            self.blame(branch, charged, alone, wanting)
