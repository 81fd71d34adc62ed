"""What holds for every pool, facility and match: no money is made, none is paid out that is not there."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import pairwise

from hypothesis import given as holds_for
from hypothesis import strategies as st

from marketplace.instruments import employer_match, facilities, start_up_pools
from marketplace.instruments.employer_match import MatchTerms
from marketplace.instruments.facilities import Deal, FacilityTerms, Standing
from marketplace.instruments.start_up_pools import PoolPlan
from tests.instruments.oracles import pence
from tests.vehicles.oracles import given

SUMS = st.integers(0, 10**9)
PLANS = st.builds(
    PoolPlan, opening=SUMS, planned=st.integers(1, 10**9), costs=SUMS, floor=SUMS, topup=SUMS, years=st.integers(1, 15)
)
PROFILES = st.builds(
    start_up_pools.success_profile,
    st.integers(0, 10_000),
    st.integers(0, 30_000),
    st.integers(0, 10_000),
    st.integers(1, 6),
    st.integers(1, 6),
)
TERMS = st.builds(FacilityTerms, first_loss=st.integers(1, 10**6), mezzanine=SUMS, senior=SUMS)
DEALS = st.lists(st.builds(Deal, amount=st.integers(1, 10**6), lost_bp=st.integers(0, 10_000)), max_size=30)


@holds_for(PLANS, PROFILES)
def test_a_pool_never_pays_out_more_than_it_holds(plan: PoolPlan, back: tuple[Fraction, ...]) -> None:
    years = start_up_pools.run_pool(plan, back)

    for year in years:
        assert year.closing == year.opening + year.repaid + year.topup - year.costs - year.awarded
        assert year.closing >= 0
        assert 0 <= year.awarded <= plan.planned
        assert year.awarded == 0 or year.closing >= plan.floor
        assert 0 <= year.costs <= plan.costs
    assert [each.opening for each in years[1:]] == [each.closing for each in years[:-1]]


@holds_for(PLANS, PROFILES)
def test_the_required_top_up_is_the_least_that_carries_the_plan(plan: PoolPlan, back: tuple[Fraction, ...]) -> None:
    needed = start_up_pools.required_topup(plan, back)

    def carries(topup: int) -> bool:
        carried = replace(plan, topup=topup)
        found = start_up_pools.runway(carried, start_up_pools.run_pool(carried, back))
        return found.first_short is None and found.costs_unmet == 0

    if needed is None:
        assert not carries(10**10)
    else:
        assert carries(needed)
        assert needed == 0 or not carries(needed - 1)


@holds_for(TERMS, DEALS)
def test_a_facility_lends_no_more_than_it_has_and_its_layers_bear_what_is_lost(
    terms: FacilityTerms, deals: list[Deal]
) -> None:
    run = facilities.run_facility(terms, deals)

    assert run.lent + run.undrawn == terms.total
    assert sum(layer.lost for layer in run.layers) == run.lost <= run.lent
    assert all(0 <= layer.lost <= layer.size for layer in run.layers)
    assert [each.lost == each.size for each in run.layers[:-1]] or run.layers[-1].lost == 0
    for told in run.deals:
        assert told.refused or told.amount <= terms.largest_deal


@holds_for(TERMS, st.lists(st.tuples(st.booleans(), st.integers(0, 10**9)), max_size=20))
def test_losses_fall_first_to_last_and_recoveries_climb_back_and_none_is_lost_on_the_way(
    terms: FacilityTerms, moves: list[tuple[bool, int]]
) -> None:
    layers, lost = terms.layers, 0
    for is_loss, amount in moves:
        if is_loss:
            layers, taken, uncovered = facilities.shares_of_loss(layers, amount)
            assert sum(taken) + uncovered == amount
            lost += sum(taken)
        else:
            layers, given_back, over = facilities.shares_of_recovery(layers, amount)
            assert sum(given_back) + over == amount
            lost -= sum(given_back)
        assert lost == sum(layer.lost for layer in layers)
        assert all(low.left == 0 or high.lost == 0 for low, high in pairwise(layers))


def test_the_checks_of_a_draw_stand_in_their_order_and_hold_up_to_the_penny() -> None:
    terms = FacilityTerms(200, 300, 500)

    def failing(amount: int, standing: Standing, already: int = 0) -> list[str]:
        return [each.code for each in facilities.draw_checks(terms, standing, amount, already) if not each.holds]

    assert failing(100, Standing(1000)) == []
    assert failing(101, Standing(1000)) == ["CONCENTRATION"]
    assert failing(60, Standing(1000), already=41) == ["CONCENTRATION"]
    assert failing(60, Standing(59)) == ["CAPACITY"]
    assert failing(60, Standing(1000, lost=159)) == []
    assert failing(101, Standing(0, lost=160)) == ["LOSS_STOP", "CONCENTRATION", "CAPACITY"]


@holds_for(st.integers(0, 10**9), st.lists(SUMS, max_size=8), st.integers(0, 10_000))
def test_an_allocation_passes_no_cap_and_gives_no_more_than_there_is(
    amount: int, performing: list[int], most_bp: int
) -> None:
    shares = facilities.pro_rata(amount, performing, most_bp)

    assert sum(shares) <= amount
    assert all(share <= amount * most_bp // 10_000 for share in shares)
    assert all(share == 0 for share, each in zip(shares, performing, strict=True) if each == 0)


def test_new_capital_goes_by_what_is_drawn_and_performs_and_a_capped_share_goes_to_the_others() -> None:
    assert facilities.pro_rata(1_000, [100, 100, 100, 100], 2_500) == [250] * 4
    assert facilities.pro_rata(1_000, [800, 100, 100, 100], 4_000) == [400, 200, 200, 200]
    assert facilities.pro_rata(1_000, [800, 100], 2_500) == [250, 250]


@holds_for(SUMS, SUMS, st.integers(0, 10_000))
def test_a_match_never_passes_its_cap_nor_what_was_given(cash: int, time: int, time_bp: int) -> None:
    terms = MatchTerms(staff_time_bp=time_bp)

    assert employer_match.matched(terms, cash, time) <= min(terms.cap, cash + time)
    assert employer_match.matched(terms, cash, time) <= employer_match.matched(terms, cash + 1, time + 1)


@holds_for(SUMS, SUMS, st.integers(0, 400))
def test_what_is_due_of_a_match_only_grows_and_never_passes_what_was_paid(paid: int, saving: int, months: int) -> None:
    terms = MatchTerms()
    due = employer_match.due_by_month(terms, paid, saving, months)

    assert 0 <= due <= paid
    assert due <= employer_match.due_by_month(terms, paid, saving, months + 1)


def test_employer_match_is_all_due_after_its_months() -> None:
    inputs = given("employer-match")
    paid, saving = pence(inputs["fund_share"]), pence(inputs["annual_saving"])

    assert employer_match.due_by_month(MatchTerms(), paid, saving, 7) < paid
    assert employer_match.due_by_month(MatchTerms(), paid, saving, 8) == paid


def test_months_are_whole_and_end_with_a_short_month() -> None:
    assert employer_match.whole_months(date(2026, 1, 31), date(2026, 2, 27)) == 0
    assert employer_match.whole_months(date(2026, 1, 31), date(2026, 2, 28)) == 1
    assert employer_match.whole_months(date(2026, 1, 31), date(2028, 1, 30)) == 23
    assert employer_match.last_day_to_save(MatchTerms(), date(2026, 1, 31)) == date(2028, 1, 31)
