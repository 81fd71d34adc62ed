"""Rules of learning and engagement: likeness, what is told of attendance, what the law asks of a transfer."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.learning.rules import (
    LEAST_ALIKE,
    WEIGHTS,
    Setting,
    attendance_told,
    likeness,
    note_faults,
    reached,
    totals_told,
    transfer_conditions,
    weight,
)
from marketplace.reference import codelists
from marketplace.values.counts import SMALL

TODAY = date(2026, 11, 23)
COUNTS = st.lists(
    st.integers(1, 60).flatmap(lambda invited: st.tuples(st.just(invited), st.integers(0, invited))), max_size=8
)


def test_a_stage_in_common_counts_more_than_all_else_and_a_region_alone_does_not() -> None:
    assert list(WEIGHTS) == ["stage", "sector", "route", "region"]
    weights = list(WEIGHTS.values())
    assert all(each > sum(weights[place + 1 :]) for place, each in enumerate(weights))
    assert WEIGHTS["region"] < LEAST_ALIKE <= WEIGHTS["route"]


def test_what_is_not_known_on_either_side_is_unknown_and_weighs_nothing() -> None:
    here = Setting("exploring", None, "right_to_provide", "london")
    reasons = likeness(Setting("exploring", "arts_culture", None, "north_east"), here)

    assert [each.outcome.value for each in reasons] == ["met", "unknown", "unknown", "unmet"]
    assert [each.code for each in reasons] == ["SAME_STAGE", "SAME_SECTOR", "SAME_ROUTE", "SAME_REGION"]
    assert weight(reasons) == WEIGHTS["stage"]


@pytest.mark.parametrize(
    ("stage", "now", "expected"),
    [
        ("exploring", "decision", True),
        ("decision", "decision", True),
        ("set_up", "decision", False),
        ("decision", "rejected", True),
        ("rejected", "rejected", True),
        ("wound_up", "rejected", False),
        ("rejected", "decision", False),
    ],
)
def test_a_group_writes_of_stages_that_it_has_reached(stage: str, now: str, expected: bool) -> None:
    assert reached(stage, now) is expected


def test_every_stage_was_reached_by_who_is_at_it() -> None:
    assert all(reached(stage, stage) for stage in codelists.slugs("stages"))


def test_both_faults_of_a_note_are_named() -> None:
    draft = {"stage": "growth", "embargo_until": TODAY + timedelta(days=731)}

    assert [each["pointer"] for each in note_faults(draft, "exploring", TODAY)] == ["#/stage", "#/embargo_until"]


@given(COUNTS)
def test_attendance_told_never_gives_a_small_number_away(counts: list[tuple[int, int]]) -> None:
    told = attendance_told(counts)
    totals = totals_told(counts, told)

    for (invited, attended), shown in zip(counts, told, strict=True):
        assert shown.invited in {None, invited}
        assert shown.attended in {None, attended}
        assert shown.invited is None or shown.invited >= SMALL
        if shown.attended is not None:
            assert shown.attended >= SMALL
            assert shown.invited is not None
            assert not 0 < shown.invited - shown.attended < SMALL
    for name in ("invited", "attended"):
        hidden = [each for each in told if getattr(each, name) is None]
        assert (getattr(totals, name) is None) == bool(hidden)


def test_of_a_transfer_nothing_is_known_before_anything_is_said() -> None:
    outcomes = {each.code: each.outcome.value for each in transfer_conditions(None, None, None, [])}

    assert set(outcomes.values()) == {"unknown"}
    assert len(outcomes) == 4


def test_a_consultation_that_begins_on_the_day_of_the_transfer_is_too_late() -> None:
    day = TODAY + timedelta(days=30)
    late = transfer_conditions(day, 40, {"en": "None"}, [{"began_on": day, "ended_on": None}])
    in_time = transfer_conditions(day, 40, {"en": "None"}, [{"began_on": TODAY, "ended_on": day}])

    assert {each.code: each.outcome.value for each in late} == {
        "STAFF_COUNTED": "met",
        "MEASURES_STATED": "met",
        "CONSULTED_BEFORE_TRANSFER": "unmet",
        "CONSULTATIONS_OVER": "unmet",
    }
    assert {each.outcome.value for each in in_time} == {"met"}
    assert all("SI 2006/246, regulation" in (each.words or {})["en"] for each in late)
