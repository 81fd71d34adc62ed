"""Rogers's adopter categories by rank (Rogers 1962), and who was first in a sector and region.

The boundaries are definitions, no findings: cumulative shares 2.5, 16, 50 and 84 per cent, each upper boundary
inclusive; the exact normal shares between the standard deviations are 2.275, 13.59, 34.13, 34.13 and 15.87 per cent.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from marketplace.values.counts import SMALL
from marketplace.values.reasons import Outcome


class Category(StrEnum):
    """In order of adopting."""

    INNOVATOR = "innovator"
    EARLY_ADOPTER = "early_adopter"
    EARLY_MAJORITY = "early_majority"
    LATE_MAJORITY = "late_majority"
    LAGGARD = "laggard"


UPPER_PER_MILLE: tuple[tuple[Category, int], ...] = (
    (Category.INNOVATOR, 25),
    (Category.EARLY_ADOPTER, 160),
    (Category.EARLY_MAJORITY, 500),
    (Category.LATE_MAJORITY, 840),
    (Category.LAGGARD, 1000),
)
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Adopter:
    """Someone who adopted: when, as a text that sorts, and among whom (sector and region) they may have been first."""

    name: str
    on: str
    ground: Hashable


@dataclass(frozen=True, slots=True)
class Ranked:
    """An adopter's rank among all, from 1; those of one date share it; their category; their rank on their ground."""

    adopter: Adopter
    rank: int
    category: Category
    mover_rank: int


def category_of(rank: int, market: int) -> Category:
    """The category of the adopter of that rank (1 to `market`) in a market of so many."""
    if not 1 <= rank <= market:
        raise ValueError("a rank lies between 1 and the market")
    return next(category for category, upper in UPPER_PER_MILLE if rank * 1000 <= upper * market)


def category_counts(market: int) -> dict[Category, int]:
    """How many of a market of so many fall into each category."""
    reached, counts = 0, {}
    for category, upper in UPPER_PER_MILLE:
        last = upper * market // 1000
        counts[category] = last - reached
        reached = last
    return counts


def ranked(adopters: Sequence[Adopter], market: int) -> list[Ranked]:
    """The adopters by date, each with rank, category and mover rank; whoever is of one date has the same rank."""
    ordered = sorted(adopters, key=lambda each: (each.on, each.name))
    found = []
    for each in ordered:
        rank = 1 + sum(other.on < each.on for other in ordered)
        mover = 1 + sum(other.on < each.on for other in ordered if other.ground == each.ground)
        found.append(Ranked(each, rank, category_of(rank, max(market, len(ordered))), mover))
    return found


@dataclass(frozen=True, slots=True)
class RankBand:
    """A mover rank as it is told: the five ranks that it is one of."""

    at_least: int
    at_most: int


def rank_after(others: int) -> RankBand:
    """The rank of the next after so many, by fives: 1 to 5, 6 to 10 ..."""
    first = others - others % SMALL + 1
    return RankBand(first, first + SMALL - 1)


def terms_reach(up_to_rank: int, rank: RankBand | None) -> Outcome:
    """Whether terms for first movers up to that rank are for one whose rank is so told; unknown where it may be."""
    if rank is None or rank.at_least <= up_to_rank < rank.at_most:
        return Outcome.UNKNOWN
    return Outcome.MET if rank.at_most <= up_to_rank else Outcome.UNMET
