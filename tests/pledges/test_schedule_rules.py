"""The arithmetic of schedules: an amendment conserves its part, a cut takes exactly what it says. Pure."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.pledges import lifecycle
from marketplace.pledges.models import TRANCHE_STATES
from marketplace.pledges.recovery_models import DEMAND_STATES, REVERSAL_STATES
from marketplace.pledges.schedule_models import SCHEDULE_STATES
from marketplace.pledges.schedule_rules import (
    UNCLAIMED,
    RestTooSmall,
    ScheduleWrong,
    Standing,
    overtaken,
    plan_amendments,
    plan_cut,
)

PART = UUID(int=1)


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    """Tranches of one part, in any states."""
    made = []
    for number in range(draw(st.integers(1, 8))):
        state = draw(st.sampled_from(TRANCHE_STATES))
        held_from = draw(st.sampled_from(["scheduled", "claimed", "approved"])) if state == "held" else None
        made.append(Standing(UUID(int=number + 2), 1, state, held_from, draw(st.integers(1, 1000))))
    return made


def asked(amounts: list[int]) -> list[dict[str, Any]]:
    return [{"part_id": PART, "tranches": [{"basis": "on_agreement", "amount": amount} for amount in amounts]}]


@given(standing=standings(), amounts=st.lists(st.integers(1, 1000), min_size=1, max_size=6))
def test_an_amendment_passes_only_where_it_replaces_exactly_the_unapproved_rest(
    standing: list[Standing], amounts: list[int]
) -> None:
    untouchable = {"approved", "paid", "cancelled", "replaced"}
    rest = sum(each.amount for each in standing if (each.held_from or each.state) not in untouchable)

    try:
        (made,) = plan_amendments(asked(amounts), {PART: standing})
    except ScheduleWrong:
        assert rest == 0 or sum(amounts) != rest
    else:
        assert sum(each.amount for each in made.comes) == sum(each.amount for each in made.goes) == rest > 0


@given(standing=standings(), amount=st.integers(1, 3000))
def test_a_cut_takes_exactly_its_amount_from_the_end_and_leaves_what_is_claimed(
    standing: list[Standing], amount: int
) -> None:
    unclaimed = {each.id: each.amount for each in standing if each.state in UNCLAIMED}

    if amount > sum(unclaimed.values()):
        with pytest.raises(RestTooSmall):
            plan_cut(PART, standing, amount)
        return
    whole, split = plan_cut(PART, standing, amount)
    taken = sum(unclaimed[each] for each in whole)
    if split is not None:
        tranche, stays, goes = split
        assert min(stays, goes) > 0
        assert stays + goes == unclaimed[tranche]
        taken += goes
    assert taken == amount
    last = list(unclaimed)[len(unclaimed) - len(whole) :]
    assert set(whole) == set(last)


def test_what_came_went_or_changed_overtakes_a_schedule() -> None:
    stands = [Standing(UUID(int=each), 1, "scheduled", None, 5) for each in (1, 2)]
    proposed = [{"id": str(each.id), "version": each.version} for each in stands]

    assert overtaken(proposed, stands) == []
    assert overtaken(proposed, stands[:1]) == [str(UUID(int=2))]
    assert overtaken(proposed, [stands[0], Standing(UUID(int=2), 2, "claimed", None, 5)]) == [str(UUID(int=2))]


def test_the_tables_speak_the_words_that_are_kept() -> None:
    for table, kept in (
        (lifecycle.SCHEDULE, SCHEDULE_STATES),
        (lifecycle.REVERSAL, REVERSAL_STATES),
        (lifecycle.DEMAND, DEMAND_STATES),
    ):
        assert {state for state, _ in table} | set(table.values()) == set(kept)
