"""The social return as arithmetic: sums that must hold, and each rule of the method."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.social_value.rules import (
    CASES,
    Account,
    Convention,
    Input,
    Outcome,
    Planned,
    Proxy,
    Rates,
    account_faults,
    benefit_faults,
    break_even,
    full_time_years,
    net_outcome,
    next_due,
    paired,
    present_value,
    progress,
    restated,
    sensitivity,
    social_return,
    tender_score,
)
from tests.social_value import accounts
from tests.social_value.accounts import expected

CLOSE = Decimal("1e-9")
shares = st.integers(0, 10_000).map(lambda points: Decimal(points) / 10_000)
goods = st.integers(1, 100_000).map(lambda hundredths: Decimal(hundredths) / 100)
quantities = st.builds(lambda amount, sign: amount * sign, goods, st.sampled_from([1, 1, 1, -1]))
DRAWN = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def outcomes(draw: st.DrawFn, quantity: st.SearchStrategy[Decimal] = quantities) -> Outcome:
    return Outcome(
        beneficiary="People",
        quantity=draw(quantity),
        proxy=Proxy("A job", draw(st.integers(1, 1_000_000)), "GBP", "Unit costs", 2020),
        deadweight=draw(shares),
        displacement=draw(shares),
        attribution=draw(shares),
        drop_off=draw(shares),
        duration=draw(st.integers(1, 10)),
        start=draw(st.integers(1, 5)),
        health=draw(st.booleans()),
    )


def an_account(*made: Outcome, invested: int = 1_000_000, convention: Convention = Convention.END_OF_YEAR) -> Account:
    paid = Input("#/inputs/0/amount", Decimal(invested), "GBP")
    return Account("GBP", convention, Rates(Decimal("0.035"), Decimal("0.015")), (paid,), made)


AN_OUTCOME = Outcome(
    beneficiary="People out of work",
    quantity=Decimal(60),
    proxy=Proxy("A job", 850_000, "GBP", "Unit costs", 2024),
    deadweight=Decimal("0.40"),
    displacement=Decimal(0),
    attribution=Decimal("0.30"),
    drop_off=Decimal("0.30"),
    duration=2,
    start=1,
)


@given(outcomes(), st.integers(1, 1000))
@DRAWN
def test_the_return_is_linear_in_quantity(outcome: Outcome, times: int) -> None:
    more = replace(outcome, quantity=outcome.quantity * times)

    assert abs(social_return(an_account(more)).total - times * social_return(an_account(outcome)).total) < CLOSE


@given(st.lists(outcomes(), min_size=1, max_size=5), st.sampled_from(Convention))
@DRAWN
def test_years_and_outcomes_sum_to_the_same_total(made: list[Outcome], convention: Convention) -> None:
    told = social_return(an_account(*made, convention=convention))

    assert abs(sum(each.present_value for each in told.years) - told.total) < CLOSE
    assert abs(sum(each.present_value for each in told.outcomes) - told.total) < CLOSE
    undiscounted = sum(each.undiscounted for each in told.years)
    assert abs(undiscounted - sum(each.undiscounted for each in told.outcomes)) < CLOSE
    assert abs(told.net + told.invested - told.total) < CLOSE


@given(st.lists(outcomes(), min_size=1, max_size=5))
@DRAWN
def test_accounts_that_are_put_together_have_the_sum_of_their_values(made: list[Outcome]) -> None:
    each_alone = sum(social_return(an_account(each)).total for each in made)

    assert abs(social_return(an_account(*made)).total - each_alone) < CLOSE


@given(outcomes(goods))
@DRAWN
def test_no_caution_makes_a_good_worth_more(outcome: Outcome) -> None:
    told = social_return(an_account(outcome)).total

    cases = {each.name: each.total for each in sensitivity(an_account(outcome))}
    cautious = [name for name in cases if name not in {"no_discounting", "other_convention"}]
    assert all(cases[name] <= told for name in cautious)
    assert cases["no_discounting"] >= told


@given(outcomes())
@DRAWN
def test_the_start_of_a_year_is_one_year_of_discount_before_its_end(outcome: Outcome) -> None:
    rate = Decimal("0.015") if outcome.health else Decimal("0.035")
    early = social_return(an_account(outcome, convention=Convention.START_OF_YEAR)).total

    assert abs(early - social_return(an_account(outcome)).total * (1 + rate)) < CLOSE


@given(st.lists(outcomes(), min_size=1, max_size=4), st.integers(1, 10_000_000))
@DRAWN
def test_at_the_break_even_the_ratio_is_one(made: list[Outcome], invested: int) -> None:
    account = an_account(*made, invested=invested)

    found = break_even(account)

    if social_return(account).total < invested:
        assert (found.value_share, found.deadweight_points) == (None, None)
        return
    assert found.value_share is not None
    assert found.deadweight_points is not None
    assert abs(found.value_share * social_return(account).total - invested) < CLOSE
    rise = found.deadweight_points
    raised = (replace(each, deadweight=min(Decimal(1), each.deadweight + rise)) for each in made)
    assert abs(social_return(replace(account, outcomes=tuple(raised))).ratio - 1) < CLOSE


def test_every_answer_has_the_same_cases_of_sensitivity() -> None:
    assert [each.name for each in sensitivity(an_account(AN_OUTCOME))] == [name for name, _ in CASES]


def test_nothing_is_rounded_on_the_way() -> None:
    """sroi-employment-end-of-year and sroi-constructed-a, as far as they were written down."""
    account = an_account(AN_OUTCOME, invested=25_000_000)

    raw = expected("sroi-employment-end-of-year")["raw_tpv"]

    assert abs(social_return(account).total / 100 - Decimal(raw)) < Decimal("1e-11")


def test_green_book_pv_to_four_places() -> None:
    told, wanted = accounts.given("green-book-pv"), expected("green-book-pv")

    values = [
        present_value(Decimal(told["amount"]), year, Decimal(told["rate"]), Convention.END_OF_YEAR)
        for year in told["years"]
    ]

    assert [f"{each:.4f}" for each in values] == [f"{Decimal(each):.4f}" for each in wanted["four_dp"]]


def test_payback_inside_the_first_year_is_the_guide_s() -> None:
    """Where year 1 alone does not bring it back, the Guide goes on as if every year were the first."""
    quick = social_return(an_account(AN_OUTCOME, invested=10_000_000))
    slow = social_return(an_account(AN_OUTCOME, invested=25_000_000))
    never = social_return(an_account(AN_OUTCOME, invested=90_000_000))

    assert quick.payback_months == quick.cumulative_payback_months
    assert slow.payback_months is not None
    assert slow.cumulative_payback_months is not None
    assert (round(slow.payback_months, 2), round(slow.cumulative_payback_months, 2)) == (
        Decimal("14.01"),
        Decimal("14.87"),
    )
    assert never.cumulative_payback_months is None


def test_what_begins_later_brings_nothing_in_its_first_year() -> None:
    told = social_return(an_account(replace(AN_OUTCOME, start=3)))

    assert [each.undiscounted for each in told.years[:2]] == [0, 0]
    assert told.payback_months is None


def test_what_drops_off_whole_is_worth_something_in_its_first_year_alone() -> None:
    told = social_return(an_account(replace(AN_OUTCOME, drop_off=Decimal(1))))

    assert [each.undiscounted for each in told.years] == [21_420_000, 0]


@pytest.mark.parametrize(("start", "faults"), [(29, []), (30, ["WITHIN_HORIZON"])])
def test_value_is_counted_while_the_rate_holds(start: int, faults: list[str]) -> None:
    account = an_account(replace(AN_OUTCOME, start=start))

    assert [each.rule for each in account_faults(account, date(2026, 1, 1))] == faults


def test_unit_cost_values_are_quantity_times_proxy() -> None:
    """unit-cost-values."""
    for pair, value in zip(accounts.given("unit-cost-values"), expected("unit-cost-values")["values"], strict=True):
        proxy = replace(AN_OUTCOME.proxy, value=accounts.pence(pair["unit"]))
        outcome = replace(AN_OUTCOME, quantity=Decimal(pair["n"]), proxy=proxy)
        assert social_return(an_account(outcome)).outcomes[0].gross == accounts.pence(value)


def test_outcomes_of_two_accounts_are_paired_once_each() -> None:
    other = replace(AN_OUTCOME, beneficiary="Families")
    again = replace(AN_OUTCOME, start=3)

    pairs = paired([AN_OUTCOME, again], [again, AN_OUTCOME, other])

    assert [(each.first, each.second) for each in pairs] == [(0, 0), (1, 1), (None, 2)]


def test_a_restated_account_differs_in_convention_and_rates_alone() -> None:
    first = an_account(AN_OUTCOME)
    second = replace(an_account(convention=Convention.START_OF_YEAR), rates=Rates(Decimal(0), Decimal(0)))

    made = restated(first, second)

    assert (made.convention, made.rates) == (second.convention, second.rates)
    assert replace(made, convention=first.convention, rates=first.rates) == first


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=8).filter(any), goods)
@DRAWN
def test_the_best_bid_has_all_points_and_none_has_more(bids: list[int], points: Decimal) -> None:
    scores = [tender_score(each, max(bids), points) for each in bids]

    assert max(scores) == points
    assert all(score >= 0 for score in scores)
    assert sorted(range(len(bids)), key=lambda place: bids[place]) == sorted(
        range(len(bids)), key=lambda place: scores[place]
    )


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10**6))
@DRAWN
def test_deadweight_from_a_comparison_group_is_what_the_uplift_leaves(reached: int, compared: int, people: int) -> None:
    told = net_outcome(Decimal(reached) / 10_000, Decimal(compared) / 10_000, people)

    if told.deadweight is None:
        assert reached == 0 or reached < compared
    else:
        all_of_them = Decimal(reached) / 10_000 * people
        assert abs(all_of_them * (1 - told.deadweight) - told.people) < CLOSE * max(1, people)


def test_part_time_posts_count_by_their_fraction() -> None:
    told = full_time_years(0, 4, Decimal("0.25"), Decimal("1.5"))

    assert (told.equivalents, told.years) == (1, Decimal("1.5"))


PLAN = Planned(Decimal(18), date(2026, 1, 1), Decimal(8), date(2027, 1, 1), (date(2026, 6, 1), date(2026, 12, 1)))


def test_a_sound_plan_has_no_faults() -> None:
    assert benefit_faults(PLAN, date(2026, 1, 1)) == []


@pytest.mark.parametrize(
    ("measured", "due"),
    [
        (None, date(2026, 6, 1)),
        (date(2026, 5, 31), date(2026, 6, 1)),
        (date(2026, 6, 1), date(2026, 12, 1)),
        (date(2026, 12, 1), None),
    ],
)
def test_a_planned_day_is_due_until_a_measurement_reaches_it(measured: date | None, due: date | None) -> None:
    assert next_due(PLAN.measured_on, measured) == due


@pytest.mark.parametrize(("value", "share"), [(18, 0), (8, 1), (13, "0.5"), (20, "-0.2"), (6, "1.2")])
def test_progress_is_the_share_of_the_way(value: int, share: str) -> None:
    assert progress(PLAN, Decimal(value)) == Decimal(share)
