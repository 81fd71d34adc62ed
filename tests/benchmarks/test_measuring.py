"""Ratios and verdicts, from times that were made up: no clock decides a test."""

import pytest

from benchmarks import goals
from benchmarks.measuring import EnginesDisagreeError, Load, Measured, Spread, interleave

QUIET, BUSY = Load(seen=[0.4, 1.9]), Load(seen=[0.4, 3.2])


def test_a_ratio_is_the_median_of_each_question_s_own_ratio() -> None:
    measured = Measured({"slow": {0: 10.0, 1: 8.0, 2: 900.0}, "fast": {0: 5.0, 1: 1.0, 2: 100.0}})

    assert measured.ratio("slow", "fast") == Spread(median=8.0, low=5.0, high=8.5, count=3)


def test_questions_that_one_engine_did_not_take_do_not_count() -> None:
    measured = Measured({"slow": {1: 8.0}, "fast": {0: 5.0, 1: 2.0, 2: 100.0}})

    assert measured.ratio("slow", "fast") == Spread(4.0, 4.0, 4.0, 1)


@pytest.mark.parametrize(
    ("judged", "verdict"),
    [
        pytest.param(goals.at_least("a", Spread.of([3.9, 4.0, 4.1]), 4, QUIET), goals.PASS, id="just reached"),
        pytest.param(goals.at_least("a", Spread.of([3.8, 3.9, 9.0]), 4, QUIET), goals.MISS, id="just missed"),
        pytest.param(goals.at_most("a", Spread.of([1.3]), 1.3, QUIET), goals.PASS, id="just kept"),
        pytest.param(goals.at_most("a", Spread.of([1.31]), 1.3, QUIET), goals.MISS, id="just passed"),
        pytest.param(goals.at_least("a", Spread.of([9.0]), 4, BUSY), goals.NOT_JUDGED, id="good on a busy machine"),
        pytest.param(goals.at_most("a", Spread.of([9.0]), 4, BUSY), goals.NOT_JUDGED, id="bad on a busy machine"),
        pytest.param(goals.at_most("a", Spread.of([9.0]), 4), goals.MISS, id="no matter of load"),
        pytest.param(goals.holds("a", False, "one stale answer"), goals.MISS, id="it does not hold"),
        pytest.param(goals.holds("a", True, "no stale answer"), goals.PASS, id="it holds"),
    ],
)
def test_a_verdict_is_of_the_median_and_only_on_a_quiet_machine(judged: goals.Judged, verdict: str) -> None:
    assert judged.verdict == verdict


def test_a_busy_machine_still_prints_the_ratio() -> None:
    line = str(goals.at_least("match", Spread.of([9.0]), 4, BUSY))

    assert "9.00" in line
    assert "not judged (others keep the machine at a load of 2.2)" in line


def test_the_load_of_others_is_the_larger_of_before_and_after() -> None:
    assert Load(seen=[9.0, 3.5, 1.2]).others() == 2.5
    assert Load(seen=[0.2]).others() == 0.0


def test_engines_take_turns_to_be_first() -> None:
    order: list[str] = []
    interleave({name: _noting(order, name) for name in "abc"}, range(3), warm_up=0)

    assert order == [*"abc", *"bca", *"cab"]


def test_engines_that_differ_have_no_time() -> None:
    with pytest.raises(
        EnginesDisagreeError, match=r"question 1: other and one differ: 2 and 1 results; in one alone: \['1'\]"
    ):
        interleave({"one": lambda q: frozenset({0}), "other": lambda q: frozenset(range(q + 1))}, range(3), warm_up=0)


def test_a_slow_engine_takes_questions_from_first_to_last() -> None:
    taken: list[int] = []
    measured = interleave({"fast": lambda _q: None, "slow": taken.append}, range(11), sparse={"slow": 3}, warm_up=0)

    assert taken == [0, 5, 10]
    assert sorted(measured.wall["fast"]) == list(range(11))


def test_warming_up_is_not_timed() -> None:
    asked: list[int] = []
    measured = interleave({"only": asked.append}, [7, 8], warm_up=2)

    assert asked == [7, 8, 7, 8]
    assert sorted(measured.wall["only"]) == [0, 1]


def _noting(order: list[str], name: str) -> object:
    return lambda _question: order.append(name)
