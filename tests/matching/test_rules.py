"""Small counts are not told, and cannot be worked out from the others."""

from typing import Any

import pytest

from marketplace.eligibility.rules import Result
from marketplace.matching.rules import guarded_counts
from marketplace.values.counts import FEW, SOME, band

RESULTS = list(Result)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        pytest.param((7, 6, 5), [band(7), band(6), band(5)], id="five is not small"),
        pytest.param((4, 6, 9), [FEW, SOME, SOME], id="beside a small one the others are bounds"),
        pytest.param((60, 4, 9), [SOME, FEW, SOME], id="wherever it stands"),
        pytest.param((0, 3, 60), [FEW, FEW, SOME], id="none is as small as four"),
        pytest.param((0, 0, 0), [FEW, FEW, FEW], id="nothing at all"),
    ],
)
def test_a_count_below_five_is_not_told(counts: tuple[int, ...], told: list[Any]) -> None:
    assert list(guarded_counts(dict(zip(RESULTS, counts, strict=True))).values()) == told


def test_whoever_knows_the_sum_still_cannot_tell_a_small_count() -> None:
    """Every small count has another value that fits what is told and the sum (unless none is more than five)."""
    every = [(a, b, c) for a in range(14) for b in range(14) for c in range(14)]
    fitting: dict[tuple[str, int], list[tuple[int, ...]]] = {}
    for counts in every:
        fitting.setdefault((told(counts), sum(counts)), []).append(counts)

    for counts in (each for each in every if max(each) < 13):
        alike = fitting[told(counts), sum(counts)]
        for place in (place for place in range(3) if counts[place] < 5 < max(counts)):
            assert len({other[place] for other in alike}) > 1, counts


def told(counts: tuple[int, ...]) -> str:
    return str(guarded_counts(dict(zip(RESULTS, counts, strict=True))))
