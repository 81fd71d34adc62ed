"""What holds of matches: their order, what a small count may tell, and when two answers differ. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from marketplace.eligibility.rules import Evaluation, Result
from marketplace.values.refusals import Unprocessable

SMALL = 5
"""Counts below this are not told to anyone but the group itself."""


class NothingToMatch(Unprocessable):
    """Matches are over what was published: a proposal's current version (private is enough), a programme's criteria."""

    code = "nothing-to-match"
    title = "Nothing has been published yet that could be matched"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place in a ranked list: the other side's id, the rank of the result (0 eligible) and the fit, 0 to 100."""

    id: UUID
    rank: int
    fit: int

    def differs_from(self, evaluation: Evaluation) -> bool:
        """Whether the one evaluator comes to another answer than the database did."""
        return (self.rank, self.fit) != (evaluation.result.rank, evaluation.fit)


def guarded_counts(counts: Mapping[Result, int]) -> dict[str, dict[str, int]]:
    """How many of each result, without telling a small number.

    A count below five is `{"fewer_than": 5}`, none included. Whoever knows the sum from elsewhere could subtract the
    others from it; so where one is small the others are bounds too, `{"at_least": 5}` (complementary suppression;
    blurring the largest alone would still give a small count away where the others lie close). No sum is given.
    """
    small = {result for result in Result if counts.get(result, 0) < SMALL}
    if not small:
        return exact_counts(counts)
    return {result.value: {"fewer_than": SMALL} if result in small else {"at_least": SMALL} for result in Result}


def exact_counts(counts: Mapping[Result, int]) -> dict[str, dict[str, int]]:
    """How many of each result: for the group, about its own facts."""
    return {result.value: {"count": counts.get(result, 0)} for result in Result}
