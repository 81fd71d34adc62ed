"""Rules of bids, sureties and entries, and precedents that tell no small number."""

from collections import Counter
from datetime import date, timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.procurement.record_rules import (
    OUTCOMES,
    Case,
    Guarantee,
    alert_horizon,
    entry_faults,
    precedents,
    surety_faults,
)

DAY = date(2026, 11, 23)
GROUPS = [uuid4() for _ in range(40)]
CASES = st.lists(
    st.builds(
        Case,
        st.sampled_from(GROUPS),
        st.integers(1, 5),
        st.sampled_from(OUTCOMES),
        st.sampled_from(["england", "wales", None]),
    ),
    max_size=60,
)


def least(told: dict[str, int]) -> int:
    return told.get("at_least", 0)


def most(told: dict[str, int], whole: int) -> int:
    return told.get("at_most", told["fewer_than"] - 1 if "fewer_than" in told else whole)


@given(cases=CASES)
def test_fewer_than_five_groups_are_told_of_with_nothing_at_all(cases: list[Case]) -> None:
    groups = {case.group for case in cases}

    assert (precedents(cases) is None) == (len(groups) < 5)


@given(cases=CASES)
def test_no_subtraction_tells_a_count_below_five(cases: list[Case]) -> None:
    told = precedents(cases)
    if told is None:
        return
    kept = list({case.group: case for case in cases}.values())
    true = Counter(case.outcome for case in kept)
    for name, shown in told["outcomes"].items():
        assert least(shown) <= true[name] <= most(shown, len(kept))
        if true[name] < 5:
            possible = _possible(told, name)
            assert set(range(5)) <= possible, "every small count explains what is told"


def _possible(told: dict[str, Any], name: str) -> set[int]:
    """The counts of `name` that fit everything told of the outcomes, the sum's band included."""
    bands = {each: range(least(shown), most(shown, 60) + 1) for each, shown in told["outcomes"].items()}
    others = [bands[each] for each in bands if each != name]
    low, high = sum(each.start for each in others), sum(each.stop - 1 for each in others)
    sums = range(told["cases"]["at_least"], told["cases"]["at_most"] + 1)
    return {count for count in bands[name] if any(low <= total - count <= high for total in sums)}


@given(amounts=st.lists(st.integers(1, 50), max_size=6), guaranteed=st.integers(0, 120), used=st.integers(0, 60))
def test_sureties_pass_exactly_where_their_sum_and_what_is_used_stay_within_the_guarantee(
    amounts: list[int], guaranteed: int, used: int
) -> None:
    pledge = uuid4()
    sureties = [{"amount": each, "covered_by": "pledge", "pledge_id": pledge} for each in amounts]

    faults = surety_faults(sureties, "GBP", {pledge: Guarantee(guaranteed, "GBP", used)})

    assert (faults == []) == (sum(amounts) + used <= guaranteed or not amounts)


def test_a_guarantee_in_another_currency_covers_nothing() -> None:
    pledge = uuid4()
    surety = {"amount": 1, "covered_by": "pledge", "pledge_id": pledge}

    faults = surety_faults([surety], "GBP", {pledge: Guarantee(100, "EUR", 0)})

    assert [each["pointer"] for each in faults] == ["#/sureties/0/pledge_id"]


@pytest.mark.parametrize(
    ("day", "horizon"),
    [
        (date(2026, 11, 23), date(2028, 5, 23)),
        (date(2026, 8, 31), date(2028, 2, 29)),
        (date(2026, 12, 31), date(2028, 6, 30)),
        (date(2025, 8, 30), date(2027, 2, 28)),
    ],
)
def test_eighteen_months_ahead_is_the_same_day_or_the_month_s_last(day: date, horizon: date) -> None:
    assert alert_horizon(day) == horizon


@pytest.mark.parametrize(
    ("kind", "said", "expected"),
    [
        ("sponsor", {}, ["#/role", "#/organisation_name"]),
        ("evaluator", {"role": "Chair"}, ["#/organisation_name"]),
        ("evaluator", {"role": "Chair", "person_name": "Hal"}, []),
        ("conflict", {}, ["#/words"]),
        ("data_room", {}, ["#/words"]),
        ("external_interest", {}, ["#/organisation_name"]),
        ("external_interest", {"words": {"en": "A charity"}}, []),
        ("sponsor", {"taken_back": True}, ["#/corrects_id", "#/words"]),
        ("sponsor", {"taken_back": True, "corrects_id": uuid4(), "role": "x", "words": {"en": "Wrong"}}, ["#"]),
        ("sponsor", {"taken_back": True, "corrects_id": uuid4(), "words": {"en": "Wrong"}}, []),
        ("external_interest", {"role": "x", "happened_on": DAY + timedelta(days=1)}, ["#/happened_on"]),
    ],
)
def test_an_entry_says_what_its_kind_asks(kind: str, said: dict[str, Any], expected: list[str]) -> None:
    draft = {"kind": kind, "happened_on": DAY, "taken_back": False, **said}

    assert [each["pointer"] for each in entry_faults(draft, DAY)] == expected


def test_one_case_of_each_group_counts_and_it_is_the_latest() -> None:
    groups = [UUID(int=each) for each in range(6)]
    early = [Case(group, 5, "lost", "wales") for group in groups]
    late = [Case(group, 1, "won", "england") for group in groups]

    told = precedents([*early, *late])

    assert told is not None
    assert told["cases"] == {"at_least": 5, "at_most": 9}
    assert told["outcomes"] == {"won": {"at_least": 5}, **{each: {"fewer_than": 5} for each in OUTCOMES[1:]}}
    assert [told["challenge_risks"][each] for each in ("low", "middling", "high")] == [
        {"at_least": 5},
        {"fewer_than": 5},
        {"fewer_than": 5},
    ]


def test_every_kind_of_entry_has_a_test_of_what_it_asks() -> None:
    for kind, words in product(("information_day", "document_offered", "questions_answered"), (None, {"en": "x"})):
        draft = {"kind": kind, "happened_on": DAY, "taken_back": False, "words": words}
        assert [each["pointer"] for each in entry_faults(draft, DAY)] == ([] if words else ["#/words"])
