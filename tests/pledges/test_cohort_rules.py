"""Who takes a place of a cohort, and when there is one: by tables, and for any groups that there may be."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.pledges.cohort_rules import (
    BEFORE_LAUNCH,
    Held,
    Limit,
    Standing,
    held_for,
    place_for,
    places_by_sector,
    takers,
)
from marketplace.values.reasons import Outcome

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def a_standing(proposal_id: UUID = A, sector: str | None = "mental_health", **members: bool) -> Standing:
    return Standing(proposal_id, sector, **{"promised": True, "before_launch": True, "owes_note": False} | members)


standings = st.lists(
    st.builds(
        Standing,
        st.integers(1, 9).map(lambda number: UUID(int=number)),
        st.sampled_from([None, "mental_health", "arts_culture"]),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    unique_by=lambda each: each.proposal_id,
)
limits = st.builds(Limit, st.integers(1, 6), st.booleans(), st.booleans())


@pytest.mark.parametrize(
    ("promised", "before_launch", "owes_note", "required", "held"),
    [
        (True, True, False, False, Held.PROMISE),
        (True, True, True, True, Held.PROMISE),
        (True, False, True, False, None),
        (True, False, True, True, Held.LEARNING_NOTE),
        (True, False, False, True, None),
        (False, True, True, False, None),
        (False, True, True, True, Held.LEARNING_NOTE),
        (False, True, False, True, None),
        (False, False, False, False, None),
    ],
)
def test_a_place_is_taken_before_the_launch_and_until_the_note_that_is_owed(
    promised: bool, before_launch: bool, owes_note: bool, required: bool, held: Held | None
) -> None:
    standing = a_standing(promised=promised, before_launch=before_launch, owes_note=owes_note)

    assert held_for(standing, learning_note_required=required) is held


def test_a_limit_holds_in_all_or_in_each_sector() -> None:
    taken = [a_standing(A), a_standing(B, "arts_culture")]

    in_all = place_for(Limit(2, per_sector=False, learning_note_required=False), C, "mental_health", taken)
    in_each = place_for(Limit(2, per_sector=True, learning_note_required=False), C, "mental_health", taken)
    full = place_for(Limit(1, per_sector=True, learning_note_required=False), C, "mental_health", taken)

    assert (in_all.outcome, in_all.wanted, in_all.found) == (
        Outcome.UNMET,
        {"limit": 2, "per_sector": False},
        {"taken": 2},
    )
    assert in_each.outcome is Outcome.MET
    assert (full.outcome, full.wanted, full.found) == (
        Outcome.UNMET,
        {"limit": 1, "per_sector": True, "sector": "mental_health"},
        {"taken": 1, "sector": "mental_health"},
    )


def test_groups_whose_sector_is_not_shown_count_together() -> None:
    limit = Limit(1, per_sector=True, learning_note_required=False)

    assert place_for(limit, B, None, [a_standing(A, None)]).outcome is Outcome.UNMET
    assert place_for(limit, B, "arts_culture", [a_standing(A, None)]).outcome is Outcome.MET


def test_stages_before_the_launch_are_no_ends() -> None:
    assert {"exploring", "feasibility", "business_case", "decision", "set_up"} == BEFORE_LAUNCH


@given(limits, standings, st.sampled_from([None, "mental_health", "arts_culture"]))
def test_offers_that_find_a_place_never_pass_the_limit(limit: Limit, kept: list[Standing], sector: str | None) -> None:
    """Those who are there already may be more, after a limit was lowered; no offer makes them more still."""
    for number in range(20, 30):
        newcomer = UUID(int=number)
        before = _taken(limit, kept, sector)
        if place_for(limit, newcomer, sector, kept).outcome is Outcome.MET:
            kept = [*kept, a_standing(newcomer, sector)]
            assert _taken(limit, kept, sector) == before + 1 <= limit.places
        else:
            assert before >= limit.places


@given(limits, standings)
def test_who_has_a_place_needs_no_second(limit: Limit, kept: list[Standing]) -> None:
    for each, _ in takers(kept, learning_note_required=limit.learning_note_required):
        assert place_for(limit, each.proposal_id, each.sector, kept).outcome is Outcome.MET


@given(standings, st.booleans())
def test_the_sectors_sum_to_all_places(kept: list[Standing], required: bool) -> None:
    by_sector = places_by_sector(kept, learning_note_required=required)

    assert sum(by_sector.values()) == len(takers(kept, learning_note_required=required))


def _taken(limit: Limit, kept: list[Standing], sector: str | None) -> int:
    by_sector = places_by_sector(kept, learning_note_required=limit.learning_note_required)
    return by_sector.get(sector, 0) if limit.per_sector else sum(by_sector.values())
