"""Pure: shares to the penny, the one way a tranche goes, and a history checker that sees what it is there to see."""

from fractions import Fraction
from itertools import pairwise, product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.pledges import lifecycle
from marketplace.pledges.models import TRANCHE_STATES
from marketplace.values.money import split_by_basis_points
from tests.trust.history import Booked, History, Read, check

FORWARD = ["scheduled", "claimable", "claimed", "approved", "paid"]
EVENTS = ["mature", "claim", "approve", "pay"]


@st.composite
def shares(draw: st.DrawFn) -> list[int]:
    """Basis points that sum to 10,000."""
    cuts = draw(st.sets(st.integers(1, 9_999), max_size=12))
    edges = [0, *sorted(cuts), 10_000]
    return [upper - lower for lower, upper in pairwise(edges)]


@given(amount=st.integers(0, 10**15), parts=shares())
def test_shares_sum_to_the_whole_and_none_is_a_penny_off(amount: int, parts: list[int]) -> None:
    split = split_by_basis_points(amount, parts)

    assert sum(split) == amount
    assert all(abs(Fraction(amount * part, 10_000) - got) < 1 for part, got in zip(parts, split, strict=True))


@pytest.mark.parametrize(
    ("state", "event"),
    list(product(TRANCHE_STATES, [*EVENTS, "send_back", "hold", "replace", "cancel", "release", "return", "reverse"])),
)
def test_a_tranche_goes_one_way_and_leaves_it_only_as_is_known(state: str, event: str) -> None:
    allowed = {(before, act): after for before, act, after in zip(FORWARD, EVENTS, FORWARD[1:], strict=False)}
    allowed |= {(unpaid, "hold"): "held" for unpaid in FORWARD[:-1]}
    allowed |= {(unpaid, "cancel"): "cancelled" for unpaid in (*FORWARD[:-1], "held")}
    allowed |= {(unapproved, "replace"): "replaced" for unapproved in (*FORWARD[:-2], "held")}
    allowed["claimed", "send_back"] = "claimable"
    allowed["paid", "reverse"] = "approved"

    if (state, event) in allowed:
        assert lifecycle.tranche_step(state, event) == allowed[state, event]
    else:
        with pytest.raises(lifecycle.NoSuchStep):
            lifecycle.tranche_step(state, event)


ONE, TWO, LEFT, RIGHT = (UUID(int=number) for number in range(1, 5))
POSTINGS = [(1, ONE, LEFT, -5), (2, ONE, RIGHT, 5), (3, TWO, LEFT, -2), (4, TWO, RIGHT, 2)]


def history(seen: dict[UUID, tuple[int, int]], *, began: float = 2.5, booked: UUID = TWO) -> list[str]:
    """What is found in a history of two bookings (asked at 1 and 3, answered at 2 and 4) and one read."""
    bookings = [Booked(ONE, 1, 2), Booked(booked, 3, 4)]
    return check(History(bookings, [Read(0, began, began + 0.1, seen)]), POSTINGS)


def test_a_right_history_shows_no_anomaly() -> None:
    assert history({LEFT: (-5, 1), RIGHT: (5, 2)}) == []
    assert history({LEFT: (-7, 3), RIGHT: (7, 4)}, began=5) == []


@pytest.mark.parametrize(
    ("seen", "began", "anomaly"),
    [
        pytest.param({LEFT: (-6, 1), RIGHT: (5, 2)}, 2.5, "held -6, its list -5", id="a balance that is no sum"),
        pytest.param({LEFT: (-7, 3), RIGHT: (5, 2)}, 3.5, "in some of its accounts only", id="a fractured read"),
        pytest.param({LEFT: (-5, 1), RIGHT: (5, 2)}, 5, "missed", id="a stale read"),
        pytest.param({LEFT: (-7, 3), RIGHT: (7, 4)}, 2.5, "asked for after it ended", id="a read of the future"),
    ],
)
def test_each_anomaly_is_found(seen: dict[UUID, tuple[int, int]], began: float, anomaly: str) -> None:
    assert any(anomaly in found for found in history(seen, began=began))


def test_a_lost_booking_is_found() -> None:
    lost = UUID(int=9)

    assert any(str(lost) in found for found in history({LEFT: (-5, 1), RIGHT: (5, 2)}, booked=lost))
