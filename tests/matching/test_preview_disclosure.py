"""From what previews tell, no number below five can be had: by trying every market up to a size."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import pytest

from marketplace.matching.disclosure import told_part, told_toll
from marketplace.values.counts import FEW, SOME, band, guarded_counts

Numbers = dict[str, int]


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, FEW), (4, FEW), (5, {"at_least": 5, "at_most": 9}), (9, {"at_least": 5, "at_most": 9})],
)
def test_a_count_is_told_as_a_band_of_five(count: int, told: Numbers) -> None:
    assert band(count) == told


def test_a_part_that_leaves_few_of_the_whole_is_told_without_its_upper_end() -> None:
    assert told_part(30, 35) == {"at_least": 30, "at_most": 34}
    assert told_part(30, 34) == SOME
    assert told_part(3, 4) == FEW


def test_beside_a_small_part_the_others_are_five_or_more() -> None:
    assert guarded_counts({"a": 4, "b": 60, "c": 5}) == {"a": FEW, "b": SOME, "c": SOME}
    assert guarded_counts({"a": 5, "b": 60}) == {"a": band(5), "b": band(60)}


def test_a_toll_that_lets_few_pass_is_told_without_its_upper_ends() -> None:
    assert told_toll(30, 0, 12, 60) == {"unmet": band(30), "unknown": FEW, "only_this": band(12)}
    assert told_toll(30, 27, 12, 60) == {"unmet": SOME, "unknown": SOME, "only_this": band(12)}
    assert told_toll(58, 0, 58, 60) == {"unmet": SOME, "unknown": FEW, "only_this": SOME}


# Every market


def of_one_criterion(met: int, unmet: int, unknown: int) -> tuple[Any, Numbers]:
    """What the preview of one criterion tells, and the numbers behind it."""
    whole = met + unmet + unknown
    counts = {"eligible": met, "needs_information": unknown, "ineligible": unmet}
    told = [band(whole), guarded_counts(counts), told_toll(unmet, unknown, unmet + unknown, whole)]
    return told, {**counts, "in the way": unmet + unknown}


def of_two_criteria(both: int, first: int, second: int, neither: int) -> tuple[Any, Numbers]:
    """What is told by a preview of two criteria, and by one of the first alone, against what was published."""
    whole = both + first + second + neither
    counts = {"eligible": both, "needs_information": 0, "ineligible": whole - both}
    alone = {"eligible": both + first, "needs_information": 0, "ineligible": second + neither}
    change = {"would_gain": first, "would_lose": 0, "unchanged": whole - first}
    told = [
        band(whole),
        guarded_counts(counts),
        told_toll(second + neither, 0, second, whole),
        told_toll(first + neither, 0, first, whole),
        guarded_counts(alone),
        told_toll(second + neither, 0, second + neither, whole),
        guarded_counts(change),
    ]
    return told, {**counts, **alone, "the second alone": first, "the first alone": second, "met first": both + first}


def fitting(markets: Iterable[tuple[int, ...]], preview: Any) -> Iterator[tuple[tuple[int, ...], list[Numbers]]]:
    """Each market with the numbers of every market of which the same is told."""
    alike: dict[str, list[Numbers]] = defaultdict(list)
    kept = [(market, *preview(*market)) for market in markets]
    for _, told, numbers in kept:
        alike[str(told)].append(numbers)
    for market, told, _ in kept:
        yield market, alike[str(told)]


def test_one_preview_leaves_every_small_number_open() -> None:
    most = 16
    for market, others in fitting(product(range(most), repeat=3), of_one_criterion):
        if max(market) < most - 5:
            _, numbers = of_one_criterion(*market)
            for name, number in numbers.items():
                if number < 5:
                    assert len({other[name] for other in others}) > 1, (market, name)


def test_two_previews_one_edit_apart_leave_every_small_number_open() -> None:
    """But for what nothing can be of: a result that a tree of known facts does not have."""
    most = 13
    for market, others in fitting(product(range(most), repeat=4), of_two_criteria):
        if max(market) < most - 5:
            _, numbers = of_two_criteria(*market)
            for name, number in numbers.items():
                if number < 5 and name != "needs_information":
                    assert len({other[name] for other in others}) > 1, (market, name)


def test_the_difference_of_two_told_counts_leaves_at_least_five_numbers_open() -> None:
    pairs: dict[str, set[int]] = defaultdict(set)
    for one, other in product(range(60), repeat=2):
        pairs[str((band(one), band(other)))].add(one - other)

    assert min(len(differences) for differences in pairs.values()) >= 5
