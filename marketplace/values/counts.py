"""What a count may tell: a small number of proposals is told to nobody but the group that they are of."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

SMALL = 5
"""Counts below this are not told."""

Key = TypeVar("Key", bound=Hashable)
Told = dict[str, int]
"""One count as it is told: {"count": n}, {"fewer_than": 5} or {"at_least": 5}."""


def guarded_counts(counts: Mapping[Key, int]) -> dict[Key, Told]:
    """How many of each, without telling a small number; `counts` has every key there is, zeros included.

    A count below five is `{"fewer_than": 5}`, none included. Whoever knows the sum from elsewhere could subtract the
    others from it; so where one is small the others are bounds too, `{"at_least": 5}` (complementary suppression;
    blurring the largest alone would still give a small count away where the others lie close). No sum is given.
    """
    if all(count >= SMALL for count in counts.values()):
        return exact_counts(counts)
    return {key: {"fewer_than": SMALL} if count < SMALL else {"at_least": SMALL} for key, count in counts.items()}


def exact_counts(counts: Mapping[Key, int]) -> dict[Key, Told]:
    """How many of each: of what is public, or for the group, about its own."""
    return {key: {"count": count} for key, count in counts.items()}
