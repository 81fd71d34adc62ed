"""Instruments to the penny: the worked examples by id, and what holds for every loan, pool and layer."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import assume, settings
from hypothesis import given as holds_for
from hypothesis import strategies as st

from marketplace.instruments import caps, loans, match_trading, pools, quasi_equity, recoverable, returns, waterfall
from marketplace.instruments.allocation import Owed, allocate
from marketplace.instruments.amounts import equal_parts, half_up, share_of
from marketplace.instruments.dates import months_after
from marketplace.instruments.loans import LoanTerms, Lowering, loan_position, loan_schedule
from tests.instruments.oracles import basis_points, expected, given, pence

DRAWN = date(2026, 1, 31)
AMOUNTS = st.integers(1, 10**12)
DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@st.composite
def loan_terms(draw: st.DrawFn) -> LoanTerms:
    months = draw(st.integers(1, 120))
    in_advance = draw(st.booleans())
    return LoanTerms(
        rate_bp=draw(st.integers(0, 5_000)),
        months=months,
        holiday_months=0 if in_advance else draw(st.integers(0, months - 1)),
        fee_bp=draw(st.integers(0, 1_000)),
        in_advance=in_advance,
    )


# pmt-microsoft


def test_pmt_microsoft() -> None:
    made = []
    for each in given("pmt-microsoft"):
        rate, _, months = each["rate"].partition("/")
        monthly = Decimal(rate) / (Decimal(months) if months else 1)
        made.append(loans.level_payment(pence(each["pv"]), monthly, each["n"], in_advance=bool(each["type"])))

    assert made == [pence(each) for each in expected("pmt-microsoft")["payments"]]


def test_without_interest_a_level_payment_is_a_plain_share() -> None:
    assert loans.level_payment(100_00, Decimal(0), 3) == 33_33


# blended-thrive


def test_blended_thrive() -> None:
    told, wanted = given("blended-thrive"), expected("blended-thrive")
    loan = pence(told["total"]) * int(told["loan_percent"]) // 100
    terms = LoanTerms(
        basis_points(told["rate"]), told["months"], holiday_months=told["holiday"], fee_bp=basis_points(told["fee"])
    )
    schedule = loan_schedule(loan, terms, DRAWN)
    first, repaying, last = schedule.instalments[0], schedule.instalments[12], schedule.instalments[-1]
    payments = [(each.number, each.payment) for each in schedule.instalments]

    assert (loan, schedule.fee, schedule.opening) == (
        pence(wanted["loan"]),
        pence(wanted["fee"]),
        pence(wanted["opening_balance"]),
    )
    assert first.payment == pence(wanted["interest_only"])
    assert (repaying.payment, repaying.balance) == (pence(wanted["payment"]), pence(wanted["balance_after_13"]))
    assert (last.payment, last.balance) == (pence(wanted["last_payment"]), 0)
    assert schedule.interest == pence(wanted["total_interest"])
    assert schedule.paid_in_all == pence(wanted["total_paid"])
    alone = returns.effective_annual_rate(loan, payments)
    blended = returns.effective_annual_rate(pence(told["total"]), payments)
    assert (f"{alone:.4f}", f"{blended:.4f}") == (
        wanted["loan_only_effective_annual"],
        wanted["blended_effective_annual"],
    )


# What holds for every loan


@holds_for(AMOUNTS, loan_terms())
def test_a_schedule_repays_what_was_lent_and_the_fee_to_the_penny_and_is_never_negative(
    principal: int, terms: LoanTerms
) -> None:
    schedule = loan_schedule(principal, terms, DRAWN)

    assert sum(each.capital for each in schedule.instalments) == schedule.opening
    assert schedule.paid_in_all == schedule.principal + schedule.fee + schedule.interest
    assert all(min(each.interest, each.capital, each.balance) >= 0 for each in schedule.instalments)
    assert schedule.instalments[-1].balance == 0
    assert [each.opening for each in schedule.instalments[1:]] == [each.balance for each in schedule.instalments[:-1]]


@holds_for(AMOUNTS, loan_terms())
def test_level_payments_are_level_but_for_the_last(principal: int, terms: LoanTerms) -> None:
    assume(principal > 100_00)
    level = loan_schedule(principal, terms, DRAWN).instalments[terms.holiday_months : -1]

    assert len({each.payment for each in level if each.balance}) <= 1


@pytest.mark.parametrize(
    ("terms", "wrong"),
    [
        (LoanTerms(750, 0), ["months"]),
        (LoanTerms(750, 601), ["months"]),
        (LoanTerms(750, 12, holiday_months=12), ["holiday_months"]),
        (LoanTerms(750, 12, holiday_months=3, in_advance=True), ["in_advance"]),
    ],
)
def test_terms_that_contradict_themselves_are_named_and_make_no_schedule(terms: LoanTerms, wrong: list[str]) -> None:
    assert sorted(loans.faults_of(terms)) == sorted(wrong)
    with pytest.raises(ValueError, match="no schedule"):
        loan_schedule(1000, terms, DRAWN)


def test_payments_fall_on_the_day_of_the_month_or_its_last() -> None:
    days = [each.due_on for each in loan_schedule(900, LoanTerms(0, 3), DRAWN).instalments]

    assert days == [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    in_advance = loan_schedule(900, LoanTerms(600, 2, in_advance=True), DRAWN).instalments
    assert [(each.due_on, each.interest > 0) for each in in_advance] == [(DRAWN, False), (date(2026, 2, 28), True)]
    with pytest.raises(ValueError, match="beyond the calendar"):
        months_after(date(9999, 12, 1), 1)


# Where a loan stands


def paid_when_due(schedule: loans.LoanSchedule, number: int) -> list[Lowering]:
    return [Lowering(each.due_on, each.capital, each.interest) for each in schedule.instalments[:number]]


@holds_for(AMOUNTS, loan_terms(), st.data())
def test_a_loan_that_is_paid_when_due_owes_its_scheduled_balance(
    principal: int, terms: LoanTerms, data: st.DataObject
) -> None:
    schedule = loan_schedule(principal, terms, DRAWN)
    number = data.draw(st.integers(1, terms.months))
    last = schedule.instalments[number - 1]
    position = loan_position(schedule, paid_when_due(schedule, number), last.due_on)

    assert (position.capital, position.capital_due, position.interest_due) == (last.balance, 0, 0)
    assert all(each.state == "paid" for each in position.instalments[:number])


def test_what_was_not_paid_is_overdue_the_day_after_and_bears_no_interest_on_top() -> None:
    schedule = loan_schedule(1_200_00, LoanTerms(1_200, 12), DRAWN)
    first = schedule.instalments[0]

    assert [loan_position(schedule, [], day).instalments[0].state for day in (DRAWN, first.due_on)] == [
        "scheduled",
        "due",
    ]
    late = loan_position(schedule, [], first.due_on + timedelta(days=1))
    assert (late.instalments[0].state, late.overdue) == ("overdue", first.payment)
    year_later = loan_position(schedule, [], schedule.instalments[-1].due_on)
    assert year_later.interest_due == schedule.interest


def test_capital_repaid_early_bears_no_interest_from_the_next_month_on() -> None:
    schedule = loan_schedule(1_200_00, LoanTerms(1_200, 12), DRAWN)
    early = [Lowering(DRAWN + timedelta(days=5), 600_00)]
    position = loan_position(schedule, early, DRAWN + timedelta(days=6))
    interest = [each.instalment.interest for each in position.instalments]

    assert interest[0] == schedule.instalments[0].interest == 12_00
    assert interest[1] == 6_00
    assert sum(interest) < schedule.interest
    assert position.capital == 600_00


def test_a_loan_repaid_in_full_owes_nothing_ever_after() -> None:
    schedule = loan_schedule(1_200_00, LoanTerms(1_200, 12), DRAWN)
    settled = [Lowering(DRAWN + timedelta(days=5), 1_200_00, 12_00)]
    position = loan_position(schedule, settled, date(2040, 1, 1))

    assert (position.capital, position.capital_due, position.interest_due, position.overdue) == (0, 0, 0, 0)
    assert {each.state for each in position.instalments} == {"paid"}


@holds_for(AMOUNTS, loan_terms(), st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 10**12)), max_size=8))
def test_whatever_is_paid_and_when_it_is_shared_to_the_penny_and_never_passes_what_was_lent(
    principal: int, terms: LoanTerms, paid: list[tuple[int, int]]
) -> None:
    schedule = loan_schedule(principal, terms, DRAWN)
    lowered: list[Lowering] = []
    for days, wanted in sorted(paid):
        on = DRAWN + timedelta(days=days)
        now = loan_position(schedule, lowered, on)
        owed = Owed(
            interest_due=now.interest_due,
            principal_due=now.capital_due,
            interest_begun=now.interest_begun,
            principal_later=now.capital - now.capital_due,
        )
        assert min(owed.interest_due, owed.principal_due, owed.interest_begun, owed.principal_later) >= 0
        if not owed.all:
            continue
        amount = min(wanted, owed.all)
        (share,) = allocate(amount, [owed])
        assert share.amount == amount
        lowered.append(Lowering(on, share.principal, share.interest))

    assert 0 <= sum(each.capital for each in lowered) <= schedule.opening
    assert sum(each.interest for each in lowered) <= schedule.interest


# Sharing a repayment


def test_a_repayment_pays_fees_due_then_interest_due_then_principal_due_of_every_tranche_before_anything_early() -> (
    None
):
    owed = [Owed(fee_due=10, interest_due=20, principal_due=30, principal_later=100), Owed(fee_due=5, interest_due=5)]

    assert [(each.fee, each.interest, each.principal) for each in allocate(38, owed)] == [(10, 20, 0), (5, 3, 0)]
    assert [each.amount for each in allocate(170, owed)] == [160, 10]


@pytest.mark.parametrize("amount", [0, -1, 171])
def test_more_than_is_owed_or_nothing_is_never_shared(amount: int) -> None:
    with pytest.raises(ValueError, match="is not between"):
        allocate(amount, [Owed(principal_due=70), Owed(interest_begun=100)])


# xirr-microsoft


def test_xirr_microsoft() -> None:
    flows = [(date.fromisoformat(day), pence(amount)) for day, amount in given("xirr-microsoft")["flows"]]

    assert abs(returns.xirr(flows) - float(expected("xirr-microsoft")["xirr"])) < 1e-8
    assert f"{returns.multiple([amount for _, amount in flows]):.2f}" == expected("xirr-microsoft")["multiple"]


@settings(max_examples=50)
@holds_for(st.lists(st.tuples(DAYS, st.integers(-(10**9), 10**9)), min_size=2, max_size=6))
def test_at_its_rate_of_return_the_flows_are_worth_nothing(flows: list[tuple[date, int]]) -> None:
    try:
        rate = returns.xirr(flows)
    except (returns.NoRateOfReturn, returns.SeveralRatesOfReturn):
        assume(False)
    assume(-0.99 < rate < 100)
    dated = returns.dated(flows)
    worth = returns.net_present_value(rate, dated)

    assert abs(worth) <= 1e-8 * sum(abs(each.amount) * (1 + rate) ** -each.years for each in dated)


@holds_for(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(180, 3_650))
def test_one_payment_out_and_one_in_have_the_rate_of_their_quotient(out: int, back: int, days: int) -> None:
    exact = (back / out) ** (365 / days) - 1
    assume(-0.999999 < exact < 10**8)

    assert returns.xirr([(DRAWN, -out), (DRAWN + timedelta(days=days), back)]) == pytest.approx(exact, rel=1e-7)


@pytest.mark.parametrize(
    "amounts", [(100, 200), (-100, -200), (0, 0), (-100, 0)], ids=["in only", "out only", "nothing", "never back"]
)
def test_flows_of_one_sign_have_no_rate_and_that_is_said(amounts: tuple[int, int]) -> None:
    with pytest.raises(returns.NoRateOfReturn):
        returns.xirr([(DRAWN, amounts[0]), (DRAWN + timedelta(days=365), amounts[1])])


def test_flows_with_two_rates_are_not_given_one_of_them() -> None:
    flows = [(date(2025, 1, 1), -100_00), (date(2026, 1, 1), 230_00), (date(2027, 1, 1), -132_00)]

    with pytest.raises(returns.SeveralRatesOfReturn) as several:
        returns.xirr(flows)
    assert several.value.rates == [pytest.approx(0.1), pytest.approx(0.2)]


# quasi-equity


def quasi() -> tuple[int, quasi_equity.QuasiEquityTerms, list[quasi_equity.Year]]:
    told = given("quasi-equity")
    terms = quasi_equity.QuasiEquityTerms(
        pence(told["threshold"]), basis_points(told["rate"]), basis_points(told["cap_multiple"])
    )
    years = [
        quasi_equity.Year(date.fromisoformat(day), pence(revenue))
        for day, revenue in zip(told["paid_on"], told["revenues"], strict=True)
    ]
    return pence(told["principal"]), terms, years


def test_quasi_equity() -> None:
    principal, terms, years = quasi()
    wanted, drawn = expected("quasi-equity"), date.fromisoformat(given("quasi-equity")["drawn_on"])
    dues = quasi_equity.dues(principal, terms, drawn, years)

    assert dues == [pence(each) for each in wanted["payments"]]
    assert sum(dues) == pence(wanted["total"]) == quasi_equity.cap_of(principal, terms)
    flows = [(drawn, -principal), *((each.ended_on, due) for each, due in zip(years, dues, strict=True))]
    assert abs(returns.xirr(flows) - float(wanted["xirr"])) < 1e-6


def test_a_year_of_negative_free_cash_makes_nothing_due() -> None:
    principal, terms, years = quasi()
    years[1] = quasi_equity.Year(years[1].ended_on, years[1].revenue, cash_was_negative=True)

    assert quasi_equity.dues(principal, terms, date(2013, 4, 1), years)[1] == 0


def test_nothing_falls_due_before_drawing_or_once_its_years_are_over() -> None:
    principal, terms, _ = quasi()
    ends = [date(2013, 3, 31), date(2023, 4, 1), date(2023, 4, 2)]
    years = [quasi_equity.Year(day, pence("900000")) for day in ends]

    assert quasi_equity.dues(principal, terms, date(2013, 4, 1), years) == [0, pence("1500"), 0]


def test_it_stays_a_grant_where_the_test_is_not_met_by_its_day() -> None:
    principal, terms, years = quasi()
    tested = quasi_equity.QuasiEquityTerms(terms.threshold, terms.rate_bp, terms.cap_bp, test_on=date(2015, 3, 30))
    met = quasi_equity.QuasiEquityTerms(terms.threshold, terms.rate_bp, terms.cap_bp, test_on=date(2015, 3, 31))

    assert sum(quasi_equity.dues(principal, tested, date(2013, 4, 1), years)) == 0
    assert sum(quasi_equity.dues(principal, met, date(2013, 4, 1), years)) == pence("90000")


@holds_for(
    AMOUNTS,
    st.integers(0, 10**10),
    st.integers(0, 10_000),
    st.integers(0, 50_000),
    st.lists(st.integers(0, 10**12), min_size=1, max_size=9),
    st.data(),
)
def test_quasi_equity_never_passes_its_cap_and_grows_with_revenue(
    principal: int, threshold: int, rate: int, cap: int, revenues: list[int], data: st.DataObject
) -> None:
    terms = quasi_equity.QuasiEquityTerms(threshold, rate, cap)

    def paid(each: list[int]) -> int:
        years = [quasi_equity.Year(date(2020 + place, 12, 31), revenue) for place, revenue in enumerate(each)]
        dues = quasi_equity.dues(principal, terms, date(2020, 1, 1), years)
        assert min(dues) >= 0
        return sum(dues)

    more = list(revenues)
    more[data.draw(st.integers(0, len(revenues) - 1))] += data.draw(st.integers(0, 10**12))
    assert paid(revenues) <= paid(more) <= share_of(principal, cap)


# Recoverable grants


@holds_for(st.integers(0, 10**12), st.integers(0, 30_000), st.integers(1, 10), st.integers(0, 5))
def test_a_recoverable_grant_falls_due_in_equal_parts_that_sum_to_its_multiple(
    award: int, multiple: int, parts: int, first: int
) -> None:
    dues = recoverable.recoverable_dues(award, recoverable.RecoverableTerms(multiple, parts, first), DRAWN)

    assert sum(due.amount for due in dues) == (share_of(award, multiple) if award else 0)
    assert sum(due.principal for due in dues) == (min(award, share_of(award, multiple)) if award else 0)
    assert all(min(due.principal, due.premium) >= 0 for due in dues)
    assert not dues or max(due.amount for due in dues) - min(due.amount for due in dues) <= 1


def test_nothing_of_a_recoverable_grant_is_due_before_its_event() -> None:
    terms = recoverable.RecoverableTerms(12_000, 3, 2)

    assert recoverable.recoverable_dues(50_000_00, terms, None) == []
    assert [(due.due_on, due.amount) for due in recoverable.recoverable_dues(50_000_00, terms, date(2026, 4, 1))] == [
        (date(2028, 4, 1), 20_000_00),
        (date(2029, 4, 1), 20_000_00),
        (date(2030, 4, 1), 20_000_00),
    ]


# cic-dividend, waterfall-tslf, revolving, suffolk-payback, employer-match


def test_cic_dividend() -> None:
    told, wanted = given("cic-dividend"), expected("cic-dividend")
    cap = caps.dividend_cap(pence(told["distributable_profit"]))

    assert cap == pence(wanted["cap"])
    assert (pence(told["proposed"]) <= cap) is wanted["allowed"]
    assert caps.dividend_cap(-1) == 0
    assert (caps.interest_cap(1_000_00), caps.interest_cap(4), caps.interest_cap(-5)) == (200_00, 0, 0)


def layers() -> list[waterfall.Layer]:
    return [waterfall.Layer(name, pence(size)) for name, size in given("waterfall-tslf")["layers"]]


def test_waterfall_tslf() -> None:
    wanted = expected("waterfall-tslf")
    for loss, allocation in zip(given("waterfall-tslf")["losses"], wanted["allocations"], strict=True):
        after, uncovered = waterfall.absorb(layers(), pence(loss))
        assert ([layer.lost for layer in after], uncovered) == ([pence(each) for each in allocation], 0)
    sizes = [layer.size for layer in layers()]
    assert sum(sizes) / sizes[0] == float(wanted["fund_to_first_loss"])


@holds_for(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=6),
    st.lists(st.tuples(st.booleans(), st.integers(0, 10**9)), max_size=12),
)
def test_a_waterfall_conserves_losses_and_recoveries(sizes: list[int], steps: list[tuple[bool, int]]) -> None:
    now = [waterfall.Layer(str(place), size) for place, size in enumerate(sizes)]
    lost = 0
    for is_loss, amount in steps:
        if is_loss:
            now, uncovered = waterfall.absorb(now, amount)
            lost += amount - uncovered
            assert uncovered == 0 or all(layer.left == 0 for layer in now)
        else:
            now, over = waterfall.recover(now, amount)
            lost -= amount - over
            assert over == 0 or all(layer.lost == 0 for layer in now)
        assert sum(layer.lost for layer in now) == lost
        assert all(0 <= layer.lost <= layer.size for layer in now)
        assert all(not after.lost or not before.left for before, after in pairwise(now))


def test_revolving() -> None:
    told, wanted = given("revolving"), expected("revolving")
    for rate, multiples, limit in zip(told["rates"], wanted["multiples"], wanted["infinite"], strict=True):
        made = [pools.recycling_multiple(Decimal(rate), rounds) for rounds in told["rounds"]]
        assert [float(each) for each in made] == pytest.approx(multiples, abs=1e-6)
        assert f"{pools.recycling_limit(Decimal(rate)):.4f}" == limit
    with pytest.raises(ValueError, match="no limit"):
        pools.recycling_limit(Decimal(1))


def test_suffolk_payback() -> None:
    told, wanted = given("suffolk-payback"), expected("suffolk-payback")
    before, after = pence(told["cost_before"]), pence(told["cost_after"])

    assert before - after == pence(wanted["saving"])
    assert f"{pools.payback_days(pence(told['setup']), before - after):.2f}" == wanted["payback_days"]
    assert f"{Decimal(100) * (before - after) / before:.1f}" == wanted["saving_percent"]
    with pytest.raises(ValueError, match="nothing is saved"):
        pools.payback_days(1, 0)


def test_employer_match() -> None:
    told = given("employer-match")
    months = pools.months_to_repay(
        pence(told["fund_share"]), pence(told["annual_saving"]), basis_points(told["saving_share"])
    )

    assert f"{months:.2f}" == expected("employer-match")["months_to_repay"]


# Match trading, and shares to the penny


def test_match_trading_pays_for_growth_alone_up_to_its_cap() -> None:
    assert [match_trading.grant_due(income, 50_000_00, 10_000_00) for income in (40_000_00, 50_000_01, 90_000_00)] == [
        0,
        1,
        10_000_00,
    ]
    assert match_trading.grant_due(50_000_03, 50_000_00, 10_000_00, 5_000) == 2


@holds_for(AMOUNTS, st.integers(0, 10_000))
def test_a_share_in_basis_points_is_the_exact_one_rounded_half_up(amount: int, rate: int) -> None:
    assert share_of(amount, rate) == half_up(Decimal(amount) * rate / 10_000)


@holds_for(AMOUNTS, st.integers(0, 5_000))
def test_a_month_of_interest_is_the_exact_one_rounded_half_up(amount: int, rate: int) -> None:
    assert loans.month_of_interest(amount, rate) == half_up(Decimal(amount) * rate / 120_000)


@holds_for(st.integers(0, 10**15), st.integers(1, 50))
def test_equal_parts_sum_to_the_whole_and_differ_by_a_penny_at_most(amount: int, number: int) -> None:
    parts = equal_parts(amount, number)

    assert (sum(parts), len(parts), max(parts) - min(parts) <= 1) == (amount, number, True)
