"""What a part owes, out of dues by event or revenue: never negative, never more than the part, oldest first."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from marketplace.instruments.loans import LoanTerms, Lowering, loan_position, loan_schedule
from marketplace.instruments.quasi_equity import Year
from marketplace.instruments.recoverable import Due
from marketplace.repayments import rules

DAY = date(2026, 1, 31)


def test_a_kept_schedule_is_read_back_as_it_was_made() -> None:
    terms = LoanTerms(750, 24, holiday_months=6, fee_bp=200)
    made = loan_schedule(75_000_00, terms, DAY)
    kept = {"rate_bp": 750, "months": 24, "holiday_months": 6, "fee_bp": 200, "in_advance": False}

    assert rules.schedule_again(made.principal, made.fee, DAY, kept, rules.kept_instalments(made)) == made


def test_the_fee_is_the_first_of_the_capital_that_falls_due() -> None:
    schedule = loan_schedule(1_000_00, LoanTerms(0, 10, fee_bp=1_000), DAY)
    position = loan_position(schedule, [], schedule.instalments[0].due_on)
    owed = rules.loan_owed(position, schedule.fee)

    assert (owed.fee_due, owed.principal_due, owed.fee_later, owed.principal_later) == (100_00, 10_00, 0, 990_00)
    assert owed.all == schedule.opening


def test_a_reschedule_begins_where_the_last_instalment_fell_due_and_brings_interest_along() -> None:
    schedule = loan_schedule(1_000_00, LoanTerms(1_200, 10), DAY)
    second = schedule.instalments[1].due_on
    today = second + timedelta(days=3)
    late = loan_position(schedule, [], today)
    ahead = loan_position(schedule, [Lowering(DAY, 0, 10_00)], DAY)

    assert rules.rescheduled_from(schedule, late, today) == (second, late.interest_due)
    assert rules.rescheduled_from(schedule, ahead, DAY) == (DAY, -10_00)


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 10**9), st.integers(0, 10**9)), max_size=6),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=4),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.integers(0, 900),
)
def test_dues_never_ask_for_more_than_they_are_or_than_is_outstanding(
    made: list[tuple[int, int, int]], outstanding: list[int], lowered: int, premium_paid: int, days: int
) -> None:
    dues = [Due(DAY + timedelta(days=after), principal, premium) for after, principal, premium in sorted(made)]
    owed = rules.dues_owed(
        dues, outstanding, lowered=lowered, premium_paid=premium_paid, as_of=DAY + timedelta(days=days)
    )

    for each, size in zip(owed, outstanding, strict=True):
        assert 0 <= each.principal_due + each.principal_later <= size
        assert min(each.principal_due, each.principal_later, each.premium_due, each.premium_later) >= 0
    principal = sum(each.principal_due + each.principal_later for each in owed)
    premium = sum(each.premium_due + each.premium_later for each in owed)
    assert principal == min(sum(outstanding), max(0, sum(due.principal for due in dues) - lowered))
    assert premium == max(0, sum(due.premium for due in dues) - premium_paid)


@given(st.lists(st.integers(1, 10**9), max_size=6), st.integers(0, 10**9), st.integers(0, 10**10))
def test_what_was_paid_fills_the_oldest_dues_first(amounts: list[int], principal: int, paid: int) -> None:
    days = [(DAY + timedelta(days=place), amount) for place, amount in enumerate(amounts)]
    dues = rules.shared_dues(principal, days)
    now = rules.dues_now(dues, paid, DAY + timedelta(days=2))

    assert sum(due.amount for due in dues) == sum(amounts)
    assert sum(due.principal for due in dues) == min(principal, sum(amounts))
    assert sum(each.capital_paid for each in now) == min(paid, sum(amounts))
    states = [each.state for each in now]
    assert states == sorted(states, key=["paid", "overdue", "due", "scheduled"].index)


def test_match_trading_earns_up_to_its_cap_over_all_years_together() -> None:
    terms = {"baseline": 100, "rate_bp": 10_000, "cap": 50}
    years = [Year(date(2027, 3, 31), 180), Year(date(2026, 3, 31), 130)]

    assert rules.due_by_year("match_trading", terms, 0, None, years) == [20, 30]


def test_a_share_of_revenue_is_due_a_month_after_it_was_confirmed() -> None:
    assert rules.due_after(date(2026, 1, 1)) == date(2026, 1, 31)
    terms = {"threshold": 0, "rate_bp": 100, "cap_multiple_bp": 15_000, "years": 10, "test_on": "2026-01-01"}
    years = [Year(date(2025, 3, 31), 5_000)]
    assert rules.due_by_year("quasi_equity", terms, 1_000, None, years) == [0]
    assert rules.due_by_year("quasi_equity", terms, 1_000, date(2025, 1, 1), years) == [50]
