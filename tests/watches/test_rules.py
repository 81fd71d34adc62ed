"""The rules of watches: differences, what they amount to, why, and when digests are due."""

from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.watches.rules import (
    Change,
    Delivery,
    PassNeedsReason,
    Standing,
    Turn,
    anchor_faults,
    cause_of,
    check_entry,
    criteria_changed,
    differences,
    is_due,
    last_boundary,
    turn_of,
)

IDS = [UUID(int=number) for number in range(4)]
OPEN, SHUT = Standing("eligible", "open"), Standing("eligible", "after")
STANDINGS = st.sampled_from([OPEN, SHUT, Standing("needs_information")])
FOUND = st.dictionaries(st.sampled_from(IDS), STANDINGS)


@given(held=FOUND, found=FOUND)
def test_what_is_held_with_its_differences_is_what_is_found(
    held: dict[UUID, Standing], found: dict[UUID, Standing]
) -> None:
    after = dict(held)
    for change in differences(held, found):
        assert change.was == held.get(change.subject_id) != change.became
        after.pop(change.subject_id, None)
        if change.became is not None:
            after[change.subject_id] = change.became

    assert after == found
    assert differences(after, found) == []


@pytest.mark.parametrize(
    ("was", "became", "turn"),
    [
        (None, "eligible", Turn.BECAME_ELIGIBLE),
        ("needs_information", "eligible", Turn.BECAME_ELIGIBLE),
        ("eligible", "needs_information", Turn.NOW_NEEDS_INFORMATION),
        ("eligible", "ineligible", Turn.CEASED_TO_BE_ELIGIBLE),
        ("needs_information", "ineligible", Turn.NOW_INELIGIBLE),
        (None, "listed", Turn.NOW_LISTED),
        ("listed", None, Turn.LISTED_NO_LONGER),
        ("eligible", None, Turn.LISTED_NO_LONGER),
        ("eligible", "eligible", Turn.WINDOW_CHANGED),
    ],
)
def test_each_change_amounts_to_one_turn(was: str | None, became: str | None, turn: Turn) -> None:
    assert turn_of(was, became) is turn


@pytest.mark.parametrize(
    ("cause", "was", "became", "windows", "by_window", "told"),
    [
        ("time_passed", OPEN, SHUT, ("open", "after"), False, "window_closed"),
        ("time_passed", SHUT, OPEN, ("before", "open"), False, "window_opened"),
        ("time_passed", None, OPEN, ("before", "open"), True, "window_opened"),
        ("time_passed", OPEN, None, ("open", "after"), True, "window_closed"),
        ("time_passed", None, OPEN, ("before", "open"), False, "time_passed"),
        ("time_passed", None, OPEN, ("open", "open"), True, "time_passed"),
        ("time_passed", OPEN, Standing("needs_information", "after"), ("open", "after"), False, "time_passed"),
        ("programme_closed", OPEN, SHUT, ("open", "after"), False, "programme_closed"),
    ],
)
def test_time_is_a_window_s_opening_or_closing_only_where_that_made_the_change(
    cause: str, was: Standing | None, became: Standing | None, windows: tuple[str, str], by_window: bool, told: str
) -> None:
    assert cause_of(cause, Change(IDS[0], was, became), *windows, by_window=by_window) == told


def test_criteria_that_only_one_side_has_are_told_with_nothing_on_the_other() -> None:
    was, became = {"AREA": "unmet", "STAFF": "unknown", "AGE": "unmet"}, {"AREA": "unmet", "STAFF": "unmet"}

    assert criteria_changed(was, became) == [
        {"code": "AGE", "was": "unmet", "became": None},
        {"code": "STAFF", "was": "unknown", "became": "unmet"},
    ]


@pytest.mark.parametrize(
    ("delivery", "now", "boundary"),
    [
        ("daily", "2026-11-24T07:00", "2026-11-24T07:00"),
        ("daily", "2026-11-24T06:59", "2026-11-23T07:00"),
        ("daily", "2026-07-01T06:00", "2026-07-01T06:00"),
        ("weekly", "2026-11-23T07:00", "2026-11-23T07:00"),
        ("weekly", "2026-11-23T06:59", "2026-11-16T07:00"),
        ("weekly", "2026-11-29T23:00", "2026-11-23T07:00"),
    ],
)
def test_digests_are_due_at_seven_in_london_summer_and_winter(delivery: str, now: str, boundary: str) -> None:
    moment, wanted = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (now, boundary))

    assert last_boundary(delivery, moment) == wanted


@given(
    after=st.timedeltas(timedelta(0), timedelta(days=400)),
    waited=st.timedeltas(timedelta(0), timedelta(days=20)),
)
def test_a_digest_is_never_later_than_its_period_nor_twice_in_it(after: timedelta, waited: timedelta) -> None:
    last = datetime(2026, 1, 1, tzinfo=UTC) + after
    for delivery, period in ((Delivery.DAILY, timedelta(days=1)), (Delivery.WEEKLY, timedelta(days=7))):
        due = is_due(delivery, last, last + waited)
        assert due or waited <= period + timedelta(hours=1)
        assert not due or not is_due(delivery, last + waited, last + waited)


def test_no_letters_are_never_due_and_at_once_always() -> None:
    moment = datetime(2026, 11, 23, 3, tzinfo=UTC)

    assert not is_due(Delivery.NONE, moment - timedelta(days=99), moment)
    assert is_due(Delivery.AT_ONCE, moment, moment)


def test_each_kind_of_watch_needs_its_own_anchor_and_no_other() -> None:
    needed = {"programmes": "proposal_id", "proposals": "programme_id", "search": "listing"}
    for kind, given_ in product(needed, [(), *[(each,) for each in needed.values()], tuple(needed.values())]):
        faults = {each["pointer"] for each in anchor_faults({"kind": kind, **dict.fromkeys(given_, "x")})}
        wrong = set(given_) ^ {needed[kind]}
        assert faults == {f"#/{name}" for name in wrong}


@pytest.mark.parametrize(("state", "reason"), [("passed", None), ("shortlisted", "too_early")])
def test_what_is_passed_on_and_only_that_has_a_reason(state: str, reason: str | None) -> None:
    with pytest.raises(PassNeedsReason):
        check_entry(state, reason)


def test_a_reasoned_pass_and_a_plain_shortlisting_are_fine() -> None:
    check_entry("passed", "too_early")
    check_entry("shortlisted", None)
