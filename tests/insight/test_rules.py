"""The arithmetic of reports: Bass and Rogers by the worked examples' ids, what is told of small numbers, scenarios."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.insight.bass import Bass, Form, course, cumulative_at, external_at, peak_of, share_led_from_outside
from marketplace.insight.bass_fit import fit_bass
from marketplace.insight.rogers import Adopter, category_counts, category_of, ranked
from marketplace.insight.rules import Months
from marketplace.insight.simulation import Parameters, simulate, step
from marketplace.insight.suppression import blocks_of, hidden, told, total_hidden
from marketplace.insight.tables import Basis, Measure, counted_table, split_table
from marketplace.reference import historical
from marketplace.values.counts import SMALL, band
from marketplace.values.money import Money

EXAMPLES: dict[str, Any] = json.loads(Path(__file__).with_name("worked_examples.json").read_text())
MODELS = st.builds(
    Bass, market=st.floats(1, 1e6), p=st.floats(1e-4, 1, exclude_min=True), q=st.floats(0, 2, allow_subnormal=False)
)


def example(name: str) -> tuple[Any, Any]:
    return EXAMPLES[name]["inputs"], EXAMPLES[name]["expected"]


def model_of(inputs: Any) -> Bass:
    return Bass(float(inputs["m"]), float(inputs["p"]), float(inputs["q"]))


# Bass


def test_bass_continuous_is_reproduced() -> None:
    inputs, expected = example("bass-continuous")
    model = model_of(inputs)
    periods = course(model, Form.CONTINUOUS, len(inputs["t"]))
    peak = peak_of(model)

    assert [each.cumulative for each in periods] == pytest.approx(expected["cumulative"], abs=1e-4)
    assert [each.new for each in periods] == pytest.approx(expected["new"], abs=1e-4)
    assert peak.time == pytest.approx(expected["peak_time"], abs=1e-6)
    assert (peak.rate, peak.level) == pytest.approx((expected["peak_rate"], expected["cumulative_at_peak"]), abs=1e-4)


def test_bass_discrete_is_reproduced() -> None:
    inputs, expected = example("bass-discrete")
    periods = course(model_of(inputs), Form.DISCRETE, len(inputs["t"]))

    assert [each.new for each in periods] == pytest.approx(expected["new"], abs=1e-4)
    assert [each.cumulative for each in periods] == pytest.approx(expected["cumulative"], abs=1e-4)
    assert [each.external for each in periods] == pytest.approx(expected["external_influence"], abs=1e-4)


@pytest.mark.parametrize(("start", "name"), [(2009, "fit_t0_2009"), (2006, "fit_t0_2006")])
def test_mutuals_adoption_series_is_fitted_within_two_per_cent(start: int, name: str) -> None:
    """The example's "2017" is dated by its note, the research of February 2017; a year alone stands for its middle."""
    inputs, expected = example("mutuals-adoption-series")
    dates = {"2017": "2017-02"}
    points = [
        (historical.moment_of(dates.get(each["date"], each["date"])) - start, float(each["count"]))
        for each in inputs["series"]
    ]
    fit = fit_bass(points, None)

    assert fit is not None
    assert fit.market_fitted
    assert fit.model.market == pytest.approx(expected[name]["m"], rel=0.02)
    assert fit.model.q == pytest.approx(expected[name]["q"], rel=0.02)
    assert fit.model.p == pytest.approx(expected[name]["p"], rel=0.02, abs=5e-5)
    assert fit.rmse == pytest.approx(expected[name]["rmse"], rel=0.02)
    if "peak" in expected[name]:
        assert start + peak_of(fit.model).time == pytest.approx(expected[name]["peak"], abs=0.05)


def test_the_served_series_is_that_of_mutuals_adoption_series() -> None:
    inputs, _ = example("mutuals-adoption-series")

    assert [each.count for each in historical.ADOPTION_POINTS] == [each["count"] for each in inputs["series"]]


@given(MODELS, st.sampled_from(list(Form)), st.integers(1, 40))
def test_the_cumulative_curve_never_falls_nor_passes_the_market(model: Bass, form: Form, periods: int) -> None:
    reached = 0.0
    for each in course(model, form, periods):
        assert each.cumulative >= reached - 1e-9 * model.market
        assert each.cumulative <= model.market * (1 + 1e-12)
        assert -1e-9 <= each.external <= each.new + 1e-9
        assert each.external + each.internal == pytest.approx(each.new)
        reached = each.cumulative


@settings(max_examples=20)
@given(MODELS)
def test_of_the_continuous_form_what_came_from_outside_is_the_integral_of_its_rate(model: Bass) -> None:
    steps, end = 400, 1.0
    rate = [model.p * (model.market - cumulative_at(model, (at + 0.5) * end / steps)) for at in range(steps)]

    assert external_at(model, end) == pytest.approx(sum(rate) * end / steps, rel=1e-3)


def test_without_imitation_all_are_led_from_outside_and_the_peak_is_at_the_start() -> None:
    model = Bass(100, 0.2, 0)

    assert share_led_from_outside(course(model, Form.CONTINUOUS, 5)) == pytest.approx(1)
    assert (peak_of(model).time, peak_of(model).rate) == (0, 20)
    assert share_led_from_outside([]) is None


@settings(max_examples=3)
@given(st.floats(0.005, 0.1), st.floats(0.2, 0.9), st.integers(50, 5000))
def test_a_curve_that_is_fitted_to_itself_is_found_again(p: float, q: float, market: int) -> None:
    model = Bass(float(market), p, q)
    found = fit_bass([(float(time), cumulative_at(model, time)) for time in range(1, 25, 2)], float(market))

    assert found is not None
    assert (found.model.p, found.model.q) == pytest.approx((p, q), rel=0.02, abs=1e-4)


def test_fewer_points_than_parameters_are_not_fitted() -> None:
    assert fit_bass([(1, 5), (2, 9)], None) is None
    assert fit_bass([(1, 5)], 100) is None
    assert fit_bass([(-2, 0), (-1, 0), (0, 0)], 100) is None


# Rogers


def test_rogers_categories_are_reproduced() -> None:
    inputs, expected = example("rogers-categories")
    market = inputs["adopters"]

    assert {category.value: count for category, count in category_counts(market).items()} == expected["counts"]
    assert {rank: category_of(int(rank), market).value for rank in expected["rank_examples"]} == expected[
        "rank_examples"
    ]


def test_rogers_target_share_is_just_past_the_innovators() -> None:
    inputs, expected = example("rogers-target-share")

    assert category_of(inputs["employees"], inputs["target"]).value == expected["category"]


@given(st.integers(1, 3000))
def test_every_rank_has_a_category_and_the_counts_sum_to_the_market(market: int) -> None:
    counts = category_counts(market)

    assert sum(counts.values()) == market
    assert [category_of(rank, market) for rank in range(1, market + 1)] == [
        category for category, count in counts.items() for _ in range(count)
    ]


def test_a_rank_beyond_the_market_has_no_category() -> None:
    with pytest.raises(ValueError, match="between 1 and the market"):
        category_of(201, 200)


def test_who_launched_in_the_same_year_shares_the_rank() -> None:
    found = ranked(
        [Adopter("late", "2012", "north"), Adopter("one", "2010", "north"), Adopter("two", "2010", "south")], 200
    )

    assert [(each.adopter.name, each.rank, each.mover_rank) for each in found] == [
        ("one", 1, 1),
        ("two", 1, 1),
        ("late", 3, 2),
    ]


# What is told of small numbers


@pytest.mark.parametrize(("cells", "most"), [(2, 16), (3, 14), (4, 11)])
def test_no_hidden_cell_can_be_worked_out_by_one_who_knows_the_rule(cells: int, most: int) -> None:
    """Every table that looks alike, exact counts and exact total told, is put together: more than a reader is told."""
    alike: dict[Any, list[tuple[int, ...]]] = {}
    for counts in product(range(most + 1), repeat=cells):
        table = dict(enumerate(counts))
        total = None if total_hidden(table) else sum(counts)
        if total is None or total <= most:
            alike.setdefault((total, tuple(told(table).values())), []).append(counts)
    for (total, looks), worlds in alike.items():
        for place in range(cells):
            if looks[place] is None and total is not None and any(world[place] < SMALL for world in worlds):
                assert len({world[place] for world in worlds}) >= SMALL, (total, looks)


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_difference_of_two_bands_leaves_five_numbers_open(more: int, fewer: int) -> None:
    def ends(count: int) -> tuple[int, int]:
        shown = band(count)
        return shown.get("at_least", 0), shown.get("at_most", SMALL - 1)

    (low, high), (under, over) = ends(more), ends(fewer)

    assert (high - under) - (low - over) >= SMALL - 1


@given(st.dictionaries(st.integers(0, 9), st.integers(0, 30), min_size=1))
def test_what_is_hidden_is_whole_blocks_with_five_things_in_them(counts: dict[int, int]) -> None:
    back = hidden(counts)

    assert {key for key, count in counts.items() if count < SMALL} <= back
    assert all(set(block) <= back or not set(block) & back for block in blocks_of(list(counts)))
    if back and not total_hidden(counts):
        assert sum(counts[key] for key in back) >= SMALL


COUNTED = (Measure("count", {"en": "Number"}, "things"), Measure("part", {"en": "Part"}, "things"))
KEYS = {name: {"en": name} for name in "abcd"}


def test_live_figures_are_bands_and_small_ones_with_their_block_are_held_back() -> None:
    figures = {"a": {"count": 12, "part": 6}, "b": {"count": 7, "part": 3}, "c": {"count": 2}, "d": {"count": 30}}
    table = counted_table("t", {"en": "T"}, COUNTED, KEYS, figures, Basis.LIVE, parts=("part",))
    rows = {row.key: row for row in table.rows}

    assert rows["a"].values == {"count": {"at_least": 10, "at_most": 14}, "part": {"at_least": 5, "at_most": 9}}
    assert (rows["b"].values["part"], rows["b"].suppressed) == (None, ("part",))
    assert (rows["c"].values["count"], rows["d"].values["count"]) == (None, None)
    assert rows["d"].suppressed[0] == "count"
    assert table.total is not None
    assert table.total.values == {"count": {"at_least": 50, "at_most": 54}}


def test_historical_figures_are_told_as_they_are() -> None:
    table = counted_table("t", {"en": "T"}, COUNTED, KEYS, {"a": {"count": 1, "part": 1}}, Basis.HISTORICAL)

    assert [row.values["count"] for row in table.rows] == [1, 0, 0, 0]
    assert not any(row.suppressed for row in table.rows)


@given(st.fixed_dictionaries({key: st.fixed_dictionaries({c: st.integers(0, 20) for c in "xyz"}) for key in "abcd"}))
def test_in_a_table_of_two_dimensions_no_told_cell_is_small(counts: dict[str, dict[str, int]]) -> None:
    table = split_table("t", {"en": "T"}, "things", KEYS, {c: {"en": c} for c in "xyz"}, counts, Basis.LIVE)

    assert table.total is None
    for row in table.rows:
        for name, value in row.values.items():
            assert (value is None) == (name in row.suppressed)
            assert value is None or value["at_least"] >= SMALL


def test_live_sums_of_money_are_rounded_to_a_thousand_pounds() -> None:
    measures = (COUNTED[0], Measure("sum", {"en": "Sum"}, "GBP"))
    figures = {"a": {"count": 9, "sum": Money(1_234_567, "GBP")}}
    table = counted_table("t", {"en": "T"}, measures, {"a": {"en": "a"}}, figures, Basis.LIVE)

    assert table.rows[0].values["sum"] == Money(1_200_000, "GBP")


def test_twelve_months_run_over_the_end_of_a_year() -> None:
    days = Months(2026, 11).days()

    assert (str(days[0][0]), str(days[-1][1]), len(days)) == ("2026-11-01", "2027-10-31", 12)


# Scenarios


def parameters(**given_: Any) -> Parameters:
    values = {
        "form": Form.DISCRETE,
        "market": 1000.0,
        "p": 0.03,
        "q": 0.38,
        "start_year": 2026,
        "years": 12,
        "already": 0,
        "seed_per_launch": Money(2_000_000, "GBP"),
        "seed_per_year": Money(10**13, "GBP"),
        "unfunded_bp": 0,
        "contract_years": 4,
        "rewon_bp": 10_000,
    }
    return Parameters(**{**values, **given_})


@pytest.mark.parametrize("name", ["bass-continuous", "bass-discrete"])
def test_with_money_for_all_and_all_re_won_a_scenario_is_bass_continuous_or_bass_discrete(name: str) -> None:
    _, expected = example(name)
    years = simulate(parameters(form=Form(name.removeprefix("bass-"))))

    assert [each.launched for each in years] == pytest.approx(expected["new"], abs=1e-4)
    assert [each.running for each in years] == pytest.approx(expected["cumulative"], abs=1e-4)


SCENARIOS = st.builds(
    parameters,
    form=st.sampled_from(list(Form)),
    market=st.floats(50, 1e5),
    p=st.floats(0.001, 1),
    q=st.floats(0, 2),
    years=st.integers(1, 50),
    already=st.integers(0, 50),
    seed_per_year=st.integers(0, 10**11).map(lambda amount: Money(amount, "GBP")),
    unfunded_bp=st.integers(0, 10_000),
    contract_years=st.integers(1, 30),
    rewon_bp=st.integers(0, 10_000),
)


@given(SCENARIOS)
def test_nobody_is_lost_and_no_more_is_paid_than_there_is(scenario: Parameters) -> None:
    for each in simulate(scenario):
        assert each.running + each.ended == pytest.approx(each.launched_so_far, rel=1e-9, abs=1e-6)
        assert each.launched_so_far <= scenario.market * (1 + 1e-9)
        assert each.launched + each.not_launched == pytest.approx(each.willing)
        assert each.seed_used.amount <= min(each.seed_available.amount, each.seed_needed.amount + 1)
        assert each.seed_short.amount == max(each.seed_needed.amount - each.seed_available.amount, 0)


@given(SCENARIOS, st.integers(0, 10**10))
def test_more_seed_money_never_means_fewer_launches(scenario: Parameters, more: int) -> None:
    raised = parameters(
        **{
            name: getattr(scenario, name)
            for name in Parameters.__dataclass_fields__
            if name not in {"seed_per_year", "form"}
        },
        form=Form.CONTINUOUS,
        seed_per_year=Money(scenario.seed_per_year.amount + more, "GBP"),
    )
    same = parameters(**{**{n: getattr(scenario, n) for n in Parameters.__dataclass_fields__}, "form": Form.CONTINUOUS})

    assert simulate(raised)[-1].launched_so_far >= simulate(same)[-1].launched_so_far * (1 - 1e-9)


@given(MODELS, st.floats(0, 1))
def test_a_step_never_passes_the_market(model: Bass, share: float) -> None:
    for form in Form:
        reached = share * model.market
        assert 0 <= step(model, form, reached) <= model.market - reached + 1e-9 * model.market


def test_no_seed_money_and_no_contract_re_won_is_the_nightmare() -> None:
    years = simulate(parameters(seed_per_year=Money(0, "GBP"), rewon_bp=0, contract_years=2, already=10))

    assert all(each.launched == 0 for each in years)
    assert years[-1].running == 0
    assert years[-1].ended == 10
