"""What holds of matches: their order, what a small count may tell, and when two answers differ. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from marketplace.eligibility.rules import Evaluation, Result
from marketplace.values import counts as told
from marketplace.values.counts import Told
from marketplace.values.refusals import Unprocessable


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


def guarded_counts(counts: Mapping[Result, int]) -> dict[str, Told]:
    """How many of each result, without telling a small number (`values.counts`)."""
    return told.guarded_counts(_every_result(counts))


def exact_counts(counts: Mapping[Result, int]) -> dict[str, Told]:
    """How many of each result: for the group, about its own facts."""
    return told.exact_counts(_every_result(counts))


def _every_result(counts: Mapping[Result, int]) -> dict[str, int]:
    return {result.value: counts.get(result, 0) for result in Result}
