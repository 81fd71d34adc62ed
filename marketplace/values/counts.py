"""What a count may tell: a small number of proposals is told to nobody but the group that they are of."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

SMALL = 5
"""Counts below this are not told."""

Key = TypeVar("Key", bound=Hashable)
Told = dict[str, int]
"""One count as it is told: {"count": n}, {"at_least": 30, "at_most": 34}, {"fewer_than": 5} or {"at_least": 5}."""
FEW: Told = {"fewer_than": SMALL}
SOME: Told = {"at_least": SMALL}


def band(count: int) -> Told:
    """A count as the band of five that it lies in, always the same for the same count.

    The difference of two bands leaves at least five numbers open: no subtraction, nor a second look after one change,
    tells how many the change concerned.
    """
    least = count - count % SMALL
    return dict(FEW) if count < SMALL else {"at_least": least, "at_most": least + SMALL - 1}


def guarded_counts(counts: Mapping[Key, int]) -> dict[Key, Told]:
    """How many of each, in bands, without telling a small number; `counts` has every key there is, zeros included.

    A count below five is `{"fewer_than": 5}`, none included. Whoever knows the sum from elsewhere could subtract the
    others from it; so where one is small the others are told as `{"at_least": 5}`, and no closer (complementary
    suppression; blurring the largest alone would still give a small count away where the others lie close).
    """
    if all(count >= SMALL for count in counts.values()):
        return {key: band(count) for key, count in counts.items()}
    return {key: dict(FEW if count < SMALL else SOME) for key, count in counts.items()}


def exact_counts(counts: Mapping[Key, int]) -> dict[Key, Told]:
    """How many of each: of what is public, or for the group, about its own."""
    return {key: {"count": count} for key, count in counts.items()}
