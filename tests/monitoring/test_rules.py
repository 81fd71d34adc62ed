"""The rules of monitoring: due days, the state by the clock, reminders, what a report and a change may say."""

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.monitoring import rules
from marketplace.monitoring.models import CHANGE_STATES, DUTY_STATES

DAY = date(2026, 11, 22)
DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
BOOKS = rules.Books(paid=1_000, returned=0, spent=600, purposes={"legal", "hr"}, evidence={UUID(int=1)})
CLOSING = {"outcome": {"en": "It began."}, "lessons": {"en": "Ask early."}, "additionality": "later"}


def pointers(faults: list[dict[str, str]]) -> list[str]:
    return [fault["pointer"] for fault in faults]


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 11, 22), 14, date(2028, 1, 22)),
        (date(2026, 11, 22), 0, date(2026, 11, 22)),
    ],
)
def test_months_are_counted_to_the_same_day_or_the_months_last(day: date, months: int, expected: date) -> None:
    assert rules.add_months(day, months) == expected


@given(day=DAYS, months=st.integers(0, 240))
def test_so_many_months_later_is_in_that_month_and_never_on_a_later_day(day: date, months: int) -> None:
    later = rules.add_months(day, months)

    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day <= day.day


def test_a_duty_counts_from_a_day_the_agreement_or_the_first_payment() -> None:
    signed, paid = date(2026, 1, 10), date(2026, 3, 5)
    fixed = rules.DutyPlan("closing", due_on=DAY)
    agreed = rules.DutyPlan("progress", months=6, counted_from="agreement")
    from_payment = rules.DutyPlan("spend", months=1, counted_from="first_payment")

    assert rules.due_day(fixed, signed, None) == DAY
    assert rules.due_day(agreed, signed, None) == date(2026, 7, 10)
    assert rules.due_day(from_payment, signed, None) is None
    assert rules.due_day(from_payment, signed, paid) == date(2026, 4, 5)


def test_every_fault_of_the_reporting_terms_is_named() -> None:
    terms = [
        {"kind": "closing", "due_on": DAY},
        {"kind": "closing", "due_on": DAY},
        {"kind": "spend"},
        {"kind": "progress", "months": 3},
        {"kind": "progress", "due_on": DAY, "months": 3, "counted_from": "agreement"},
    ]

    with pytest.raises(rules.TermsWrong) as refused:
        rules.plan_duties(terms)

    assert pointers(refused.value.facts["errors"]) == ["#/duties/2", "#/duties/3", "#/duties/4", "#/duties/1/kind"]


@pytest.mark.parametrize(
    ("state", "due_on", "expected"),
    [
        ("open", None, "due"),
        ("open", DAY, "due"),
        ("open", DAY - timedelta(days=1), "overdue"),
        ("submitted", DAY - timedelta(days=9), "submitted"),
        ("accepted", DAY - timedelta(days=9), "accepted"),
    ],
)
def test_a_duty_is_overdue_once_its_day_is_over(state: str, due_on: date | None, expected: str) -> None:
    assert rules.duty_state_at(state, due_on, DAY) == expected


@given(due_on=DAYS, start=DAYS, steps=st.lists(st.integers(0, 40), max_size=30))
def test_however_late_and_often_the_rounds_run_no_occasion_comes_back(
    due_on: date, start: date, steps: list[int]
) -> None:
    day, told = start, []
    for step in steps:
        day += timedelta(days=step)
        told.append(rules.reminder_for(due_on, day))
    order = [None, "ahead", "on_day", "overdue"]
    places = [order.index(each) for each in told]

    assert places == sorted(places)


def test_the_first_reminder_comes_a_fortnight_ahead() -> None:
    assert rules.reminder_for(DAY, DAY - timedelta(days=15)) is None
    assert rules.reminder_for(DAY, DAY - timedelta(days=14)) == "ahead"
    assert rules.reminder_for(DAY, DAY - timedelta(days=1)) == "ahead"
    assert rules.reminder_for(DAY, DAY) == "on_day"
    assert rules.reminder_for(DAY, DAY + timedelta(days=1)) == "overdue"
    assert rules.reminder_for(None, DAY) is None


def test_reported_spend_never_passes_what_was_paid() -> None:
    spend = [{"purpose": "legal", "amount": 401}]

    assert pointers(rules.report_faults("spend", {"spend": spend}, BOOKS)) == ["#/spend"]
    assert rules.report_faults("spend", {"spend": [{"purpose": "legal", "amount": 400}]}, BOOKS) == []


def test_every_fault_of_a_report_is_named() -> None:
    report = {
        "spend": [
            {"purpose": "marketing", "amount": 1},
            {"purpose": "hr", "amount": 1},
            {"purpose": "hr", "amount": 1},
        ],
        "evidence_ids": [UUID(int=1), UUID(int=2)],
        "outcome": {"en": "Early."},
    }

    assert pointers(rules.report_faults("progress", report, BOOKS)) == [
        "#/spend/0/purpose", "#/spend/2/purpose", "#/evidence_ids/1", "#/outcome"
    ]  # fmt: skip


def test_a_closing_report_says_what_happened_and_what_was_not_spent_to_the_penny() -> None:
    assert pointers(rules.report_faults("closing", {}, BOOKS)) == [
        "#/outcome", "#/lessons", "#/additionality", "#/underspend"
    ]  # fmt: skip
    assert pointers(rules.report_faults("closing", CLOSING | {"underspend": 399}, BOOKS)) == ["#/underspend"]
    assert rules.report_faults("closing", CLOSING | {"underspend": 400}, BOOKS) == []
    come_back = rules.Books(1_000, 401, 600, BOOKS.purposes, BOOKS.evidence)
    assert pointers(rules.report_faults("closing", CLOSING | {"underspend": 400}, come_back)) == ["#/underspend"]


def test_a_spend_report_says_what_was_spent() -> None:
    assert pointers(rules.report_faults("spend", {}, BOOKS)) == ["#/spend"]


def test_every_condition_of_closing_is_named() -> None:
    nothing = rules.Closing(["one"], pledge_committed=True, underspend=5, returned=4, demanded=1)

    assert [reason.code for reason in rules.closing_reasons(nothing) if reason.outcome != "met"] == [
        "DUTIES_ANSWERED", "NOTHING_UNPAID", "UNDERSPEND_RETURNED", "NOTHING_DEMANDED"
    ]  # fmt: skip
    ready = rules.Closing([], pledge_committed=False, underspend=5, returned=5, demanded=0)
    assert {reason.outcome for reason in rules.closing_reasons(ready)} == {"met"}


def test_every_fault_of_a_change_is_named() -> None:
    part, other = uuid4(), uuid4()
    facts = {"amount": 100, "unclaimed": {part: 30}, "ends_on": None, "today": DAY}

    assert pointers(rules.change_faults({"reason": {}}, **facts)) == ["#/reason"]
    change = {
        "ends_on": DAY - timedelta(days=1),
        "decreases": [{"part_id": other, "amount": 1}, {"part_id": part, "amount": 31}, {"part_id": part, "amount": 1}],
        "lines": [{"purpose": "hr", "amount": 1}, {"purpose": "hr", "amount": 1}],
    }
    assert sorted(pointers(rules.change_faults(change, **facts))) == [
        "#/decreases/0/part_id", "#/decreases/1/amount", "#/decreases/2/part_id", "#/ends_on", "#/lines/1/purpose"
    ]  # fmt: skip
    lines = [{"purpose": "hr", "amount": 70}]
    assert rules.change_faults({"lines": lines, "decreases": [{"part_id": part, "amount": 30}]}, **facts) == []
    assert pointers(rules.change_faults({"lines": lines}, **facts)) == ["#/lines"]


def test_the_tables_speak_the_words_that_are_kept() -> None:
    assert {state for state, _ in rules.DUTY} | set(rules.DUTY.values()) == set(DUTY_STATES)
    assert {state for state, _ in rules.CHANGE_REQUEST} | set(rules.CHANGE_REQUEST.values()) == set(CHANGE_STATES)
    with pytest.raises(rules.NoSuchStep) as refused:
        rules.step(rules.DUTY, "duty", "waived", "submit")
    assert refused.value.facts == {"state": "waived", "possible": []}
