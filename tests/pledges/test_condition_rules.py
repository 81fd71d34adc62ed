"""Lines, conditions and subsidy headroom, purely."""

import json
from datetime import date
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.pledges import condition_rules as rules
from marketplace.pledges import subsidy_rules
from marketplace.pledges.condition_rules import Condition, Standing
from marketplace.pledges.subsidy_rules import Headroom
from marketplace.reference.parameters import value_on
from marketplace.values.reasons import Level, Outcome

(WORKED,) = [json.loads((Path(__file__).parent / "worked_mfa.json").read_text())]
ROOMS = st.lists(st.integers(0, 50), min_size=1, max_size=6)
WAITING = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 250)), max_size=5)


def standing(**values: Any) -> Standing:
    nothing = dict.fromkeys(("total", "others_cash", "others_in_kind", "others_released", "deal", "loans"), 0)
    return Standing(**{**nothing, "waits": False, "released": 0, "releasing": 0, **values})


def outcomes(condition: Condition, **values: Any) -> list[tuple[str, str]]:
    return [(each.code, str(each.outcome)) for each in rules.release_reasons([condition], standing(**values))]


@given(rooms=ROOMS, amount=st.integers(0, 400))
def test_money_is_laid_over_open_lines_in_order_and_taken_back_to_the_penny(rooms: list[int], amount: int) -> None:
    laid = rules.spread(amount, list(enumerate(rooms)))

    assert sum(laid.values()) == min(amount, sum(rooms))
    assert all(0 < laid[line] <= rooms[line] for line in laid)
    touched = sorted(laid)
    assert all(laid[line] == rooms[line] for line in touched[:-1])
    back = rules.unlaid(sum(laid.values()), sorted(laid.items()))
    assert back == laid


def test_what_is_freed_leaves_the_last_line_first() -> None:
    assert rules.unlaid(70, [("legal", 50), ("hr", 60)]) == {"hr": 60, "legal": 10}
    with pytest.raises(ValueError, match="cannot give back"):
        rules.unlaid(111, [("legal", 50), ("hr", 60)])


@given(certain=st.integers(0, 150), pledges=WAITING)
def test_what_is_reached_is_the_greatest_set_that_carries_itself(certain: int, pledges: list[tuple[int, int]]) -> None:
    waiting = dict(enumerate(pledges))

    def carries(chosen: tuple[int, ...]) -> bool:
        total = certain + sum(waiting[key][0] for key in chosen)
        return all(total >= waiting[key][1] for key in chosen)

    every = [chosen for size in range(len(waiting) + 1) for chosen in combinations(waiting, size) if carries(chosen)]
    union = frozenset(key for chosen in every for key in chosen)

    assert rules.reached(certain, waiting) == union
    assert carries(tuple(union))


@given(certain=st.integers(0, 150), pledges=st.lists(st.tuples(st.integers(1, 60), st.integers(1, 200)), max_size=4))
def test_the_order_of_acceptances_does_not_matter_and_nothing_reached_is_lost_by_one(
    certain: int, pledges: list[tuple[int, int]]
) -> None:
    final = {
        rules.reached(certain, {key: pledges[key] for key in order}) for order in permutations(range(len(pledges)))
    }

    assert len(final) == 1
    for number in range(len(pledges)):
        before = rules.reached(certain, dict(enumerate(pledges[:number])))
        assert before <= rules.reached(certain, dict(enumerate(pledges[: number + 1])))


def test_two_pledges_that_wait_for_each_other_go_through_and_one_out_of_reach_counts_for_nobody() -> None:
    assert rules.reached(0, {"a": (40, 100), "b": (60, 100)}) == {"a", "b"}
    assert rules.reached(0, {"a": (40, 100), "b": (60, 101)}) == frozenset()
    assert rules.reached(100, {"a": (40, 140), "b": (60, 1000)}) == {"a"}
    assert rules.total_reached(100, {"a": (40, 140), "b": (60, 1000)}) == 140


@pytest.mark.parametrize(
    ("released", "releasing", "outcome"), [(0, 500_00, "met"), (200_00, 300_00, "met"), (200_00, 300_01, "unmet")]
)
def test_a_matching_pledge_pays_its_ratio_of_the_others_money(released: int, releasing: int, outcome: str) -> None:
    half = Condition("match_ratio", ratio_bp=5000, in_kind_bp=2500)

    found = outcomes(half, others_cash=900_00, others_in_kind=400_00, released=released, releasing=releasing)

    assert found == [("MATCH_RATIO", outcome)]


def test_a_match_is_rounded_down_and_stops_at_its_cap() -> None:
    assert rules.matched(Condition("match_ratio", ratio_bp=3333, in_kind_bp=0), standing(others_cash=100)) == 33
    capped = Condition("match_ratio", ratio_bp=20_000, in_kind_bp=10_000, cap=150)
    assert rules.matched(capped, standing(others_cash=60, others_in_kind=10)) == 140
    assert rules.matched(capped, standing(others_cash=100, others_in_kind=10)) == 150


@pytest.mark.parametrize(
    ("condition", "met", "unmet"),
    [
        (Condition("threshold", amount=10), {"waits": False}, {"waits": True}),
        (
            Condition("cofunding_before_release", amount=10, counts="accepted"),
            {"others_cash": 6, "others_in_kind": 4},
            {"others_cash": 9, "others_released": 10},
        ),
        (
            Condition("cofunding_before_release", amount=10, counts="paid"),
            {"others_released": 10},
            {"others_released": 9, "others_cash": 100},
        ),
        (Condition("beside_loan"), {"loans": 1, "deal": 9}, {"deal": 9}),
        (Condition("loan_share", ratio_bp=5000), {"loans": 50, "deal": 100}, {"loans": 49, "deal": 99}),
    ],
    ids=lambda value: value.kind if isinstance(value, Condition) else "",
)
def test_each_condition_says_when_it_is_met(condition: Condition, met: dict[str, Any], unmet: dict[str, Any]) -> None:
    assert outcomes(condition, **met) == [(condition.kind.upper(), "met")]
    assert outcomes(condition, **unmet) == [(condition.kind.upper(), "unmet")]


def test_faults_of_conditions_are_all_named() -> None:
    faults = rules.condition_faults(
        [
            {"kind": "threshold", "by": date(2026, 1, 1)},
            {"kind": "loan_share", "ratio_bp": 10_001, "cap": 5},
            {"kind": "loan_share", "ratio_bp": 1},
        ],
        date(2026, 1, 2),
    )

    assert [fault["pointer"] for fault in faults] == [
        "#/conditions/0/amount",
        "#/conditions/0/by",
        "#/conditions/1/cap",
        "#/conditions/1/ratio_bp",
        "#/conditions",
    ]


@pytest.mark.parametrize("case", WORKED["cases"], ids=lambda case: f"{WORKED['id']} {case['on']} {case['proposed']}")
def test_the_worked_example_of_minimal_financial_assistance(case: dict[str, Any]) -> None:
    on = date.fromisoformat(case["on"])
    limit = value_on("mfa_limit", on)["amount"]
    given_ = [(date.fromisoformat(day), amount) for day, amount in case["prior"]]
    headroom = Headroom(on, limit, 0, subsidy_rules.used_on(on, given_), None)

    reason = subsidy_rules.mfa_reason(headroom, limit, case["proposed"], hard=False)

    assert headroom.window_from.isoformat() == case["window_start"]
    assert (reason.found, reason.outcome is Outcome.MET) == (case["total"], case["allowed"])
    assert reason.level is Level.SOFT


def test_the_groups_own_answer_is_a_floor_and_never_counted_twice() -> None:
    assert Headroom(date(2026, 5, 1), 100, 30, 20, 40).used == 50
    assert Headroom(date(2026, 5, 1), 100, 30, 20, 60).used == 60
    assert Headroom(date(2026, 5, 1), 100, 90, 20, None).left == 0


def test_an_offer_over_the_limit_needs_another_route() -> None:
    over = subsidy_rules.mfa_reason(Headroom(date(2026, 5, 1), 100, 90, 0, None), 100, 11, hard=False)
    within = subsidy_rules.mfa_reason(Headroom(date(2026, 5, 1), 100, 90, 0, None), 100, 10, hard=False)
    unseen = subsidy_rules.mfa_reason(None, 100, 10, hard=False)

    assert [subsidy_rules.route_of(over, named) for named in (None, "mfa", "assessed")] == [None, None, "assessed"]
    assert [subsidy_rules.route_of(within, named) for named in (None, "mfa", "assessed")] == ["mfa", "mfa", "assessed"]
    assert subsidy_rules.route_of(unseen, None) == "mfa"
    assert (unseen.outcome, unseen.not_shared) == (Outcome.UNKNOWN, True)


def test_a_loan_counts_by_its_declared_benefit_and_a_grant_by_its_amount() -> None:
    subsidies = frozenset({"grant", "in_kind_support"})

    assert subsidy_rules.benefit_of([("grant", 70), ("in_kind_support", 20)], subsidies, None) == 90
    assert subsidy_rules.benefit_of([("grant", 70), ("pro_bono", 20)], subsidies, None) == 70
    assert subsidy_rules.benefit_of([("grant", 70), ("loan_unsecured", 500)], subsidies, None) is None
    assert subsidy_rules.benefit_of([("grant", 70), ("loan_unsecured", 500)], subsidies, 95) == 95
