"""Programmes' rules: what the clock says, and what contradicts itself."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from marketplace.programmes.rules import faults_of, status_of, storable_tree, window_on
from marketplace.values.money import Money

MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 15), date(2026, 7, 31)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)

PUBLISHED = UUID("0192f3c4-7b1e-7a53-9c1d-3f6a2b8e4d10")


@dataclass(frozen=True)
class Programme:
    opens_on: date | None = None
    closes_on: date | None = None
    paused: bool = False
    ended_at: datetime | None = None
    current_criteria_version_id: UUID | None = PUBLISHED


@pytest.mark.parametrize(
    ("programme", "at", "status"),
    [
        pytest.param(Programme(current_criteria_version_id=None), NOON, "draft", id="nothing published"),
        pytest.param(Programme(), NOON, "open", id="no window is an open one"),
        pytest.param(Programme(opens_on=JULY), NOON, "announced", id="before it opens"),
        pytest.param(Programme(opens_on=JULY, paused=True), NOON, "announced", id="paused before it opens"),
        pytest.param(Programme(opens_on=JUNE), NOON, "open", id="its first day"),
        pytest.param(Programme(paused=True), NOON, "paused", id="paused"),
        pytest.param(Programme(closes_on=MAY), NOON, "closed", id="its window is over"),
        pytest.param(Programme(closes_on=MAY, paused=True), NOON, "closed", id="over, and paused"),
        pytest.param(Programme(ended_at=NOON), NOON, "closed", id="closed by hand this instant"),
        pytest.param(
            Programme(closes_on=JUNE), datetime(2026, 6, 15, 22, 59, tzinfo=UTC), "open", id="a minute to midnight"
        ),
        pytest.param(
            Programme(closes_on=JUNE), datetime(2026, 6, 15, 23, 0, tzinfo=UTC), "closed", id="midnight in London"
        ),
        pytest.param(
            Programme(opens_on=JUNE), datetime(2026, 6, 14, 23, 30, tzinfo=UTC), "open", id="after midnight in London"
        ),
    ],
)
def test_the_clock_tells_what_a_programme_is(programme: Programme, at: datetime, status: str) -> None:
    assert status_of(programme, at) == status


@pytest.mark.parametrize(
    ("programme", "window"),
    [
        pytest.param(Programme(), "open", id="no window"),
        pytest.param(Programme(opens_on=JULY), "before", id="opens later"),
        pytest.param(Programme(closes_on=JUNE), "open", id="its last day"),
        pytest.param(Programme(closes_on=MAY), "after", id="closed before"),
        pytest.param(Programme(paused=True), "paused", id="paused"),
        pytest.param(Programme(ended_at=NOON), "after", id="closed by hand that day"),
        pytest.param(Programme(ended_at=datetime(2026, 7, 1, tzinfo=UTC)), "open", id="closed by hand later"),
    ],
)
def test_a_day_lies_somewhere_in_the_window(programme: Programme, window: str) -> None:
    assert window_on(programme, JUNE) == window


def a_programme(**members: Any) -> dict[str, Any]:
    return {"currency": "GBP", **members}


@pytest.mark.parametrize(
    ("programme", "pointers"),
    [
        pytest.param(a_programme(), [], id="nothing is said"),
        pytest.param(a_programme(ask_min=Money(5, "GBP"), ask_max=Money(5, "GBP")), [], id="one amount only"),
        pytest.param(a_programme(ask_min=Money(6, "GBP"), ask_max=Money(5, "GBP")), ["#/ask_max"], id="range"),
        pytest.param(a_programme(ticket_max=Money(5, "EUR")), ["#/ticket_max"], id="another currency"),
        pytest.param(a_programme(opens_on=JULY, closes_on=MAY), ["#/closes_on"], id="closes before it opens"),
        pytest.param(
            a_programme(tranche_template=[{"basis": "on_agreement", "milestone": None, "share_bp": 9_999}]),
            ["#/tranche_template"],
            id="shares that are not the whole",
        ),
        pytest.param(
            a_programme(
                tranche_template=[
                    {"basis": "on_milestone", "milestone": None, "share_bp": 5_000},
                    {"basis": "on_agreement", "milestone": "incorporated", "share_bp": 5_000},
                ]
            ),
            ["#/tranche_template/0/milestone", "#/tranche_template/1/milestone"],
            id="milestones out of place",
        ),
        pytest.param(
            a_programme(tranche_template=[{"basis": "in_advance", "milestone": None, "share_bp": 10_000}]),
            ["#/tranche_template/0/basis"],
            id="in advance, of which no template knows the day",
        ),
        pytest.param(
            a_programme(ask_min=Money(6, "EUR"), ask_max=Money(5, "GBP"), opens_on=JULY, closes_on=MAY),
            ["#/ask_min", "#/ask_max", "#/closes_on"],
            id="all faults at once",
        ),
    ],
)
def test_every_contradiction_is_named(programme: dict[str, Any], pointers: list[str]) -> None:
    assert [fault["pointer"] for fault in faults_of(programme)] == pointers


@pytest.mark.parametrize(
    ("tree", "storable"),
    [
        ({"criteria": [{"value": 12}]}, True),
        ({"criteria": [{"value": 2**70}]}, False),
        ({"criteria": [{"value": [1e300]}]}, False),
    ],
)
def test_a_draft_tree_holds_only_numbers_that_come_back_as_they_are(tree: dict[str, Any], storable: bool) -> None:
    assert storable_tree(tree) is storable
