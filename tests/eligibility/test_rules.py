"""The reference evaluator, without a database."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.eligibility.rules import Evaluation, Result, compare, evaluate
from marketplace.eligibility.tree import (
    OPS,
    AllOf,
    AnyOf,
    AtLeast,
    CriteriaTree,
    Criterion,
    Not,
    UnreadableTreeError,
    compile_columns,
    compile_tree,
)
from marketplace.values.reasons import Level, Outcome
from tests.eligibility.trees import (
    FACTS,
    PARAMETERS,
    REGISTRY,
    a_tree,
    all_facts,
    branches,
    eur,
    facts,
    gbp,
    known_value,
    levels,
    met,
    nodes,
    trees,
    unknown,
    unmet,
)

COMPARISONS = [
    ("eq", "arts", "arts", "met"),
    ("eq", "arts", "parks", "unmet"),
    ("eq", False, False, "met"),
    ("eq", False, True, "unmet"),
    ("eq", 1, True, "unknown"),
    ("eq", 0, False, "unknown"),
    ("eq", 7, 7, "met"),
    ("eq", 7, 8, "unmet"),
    ("eq", "7", 7, "unknown"),
    ("eq", "0.50", "0.5", "met"),
    ("eq", "0.51", "0.5", "unmet"),
    ("eq", "arts", "0.5", "unmet"),
    ("eq", "2026-11-22", "2026-11-22", "met"),
    ("eq", "2026-11-22", "2026-11-23", "unmet"),
    ("eq", gbp(5), gbp(5), "met"),
    ("eq", gbp(5), gbp(6), "unmet"),
    ("eq", eur(5), gbp(5), "unknown"),
    ("eq", {"currency": "GBP"}, gbp(5), "unknown"),
    ("eq", ["arts"], "arts", "unknown"),
    ("ne", "arts", "parks", "met"),
    ("ne", "arts", "arts", "unmet"),
    ("ne", eur(5), gbp(5), "unknown"),
    ("ne", 7, "arts", "unknown"),
    ("in", "arts", ["parks", "arts"], "met"),
    ("in", "arts", ["parks"], "unmet"),
    ("in", True, ["parks"], "unknown"),
    ("in", "1.0", ["2", "1"], "met"),
    ("in", "1.5", ["2", "1"], "unmet"),
    ("in", gbp(5), [eur(5), gbp(5)], "met"),
    ("in", gbp(5), [eur(5), gbp(6)], "unknown"),
    ("in", gbp(5), [gbp(4), gbp(6)], "unmet"),
    ("not_in", "arts", ["parks"], "met"),
    ("not_in", "arts", ["parks", "arts"], "unmet"),
    ("not_in", gbp(5), [eur(5), gbp(6)], "unknown"),
    ("lt", 1, 2, "met"),
    ("lt", 2, 2, "unmet"),
    ("lt", "1", 2, "unknown"),
    ("lt", True, 2, "unknown"),
    ("lte", 2, 2, "met"),
    ("lte", 3, 2, "unmet"),
    ("lte", gbp(10_000_00), gbp(10_000_00), "met"),
    ("lte", gbp(10_000_01), gbp(10_000_00), "unmet"),
    ("lte", eur(1), gbp(10_000_00), "unknown"),
    ("lte", 1, gbp(10_000_00), "unknown"),
    ("lte", {"amount": True, "currency": "GBP"}, gbp(5), "unknown"),
    ("lte", [], 2, "unknown"),
    ("gt", "10", "9", "met"),
    ("gt", "0.50", "0.5", "unmet"),
    ("gt", "-0.5", "-1", "met"),
    ("gt", "ten", "9", "unknown"),
    ("gt", "1\n", "0", "unknown"),
    ("gt", "2026-11-22", "9", "unknown"),
    ("gte", "2026-11-22", "2026-11-22", "met"),
    ("gte", "2026-11-21", "2026-11-22", "unmet"),
    ("gte", "9", "2026-11-22", "unknown"),
    ("contains_any", ["grant", "loan"], ["loan", "equity"], "met"),
    ("contains_any", ["grant"], ["loan", "equity"], "unmet"),
    ("contains_any", [], ["loan"], "unmet"),
    ("contains_any", "loan", ["loan"], "unknown"),
    ("contains_all", ["grant", "loan", "equity"], ["loan", "grant"], "met"),
    ("contains_all", ["grant"], ["loan", "grant"], "unmet"),
    ("contains_all", {"loan": 1}, ["loan"], "unknown"),
    ("contains_none", ["grant"], ["loan", "equity"], "met"),
    ("contains_none", [], ["loan"], "met"),
    ("contains_none", ["grant", "loan"], ["loan"], "unmet"),
    ("contains_none", True, ["loan"], "unknown"),
    ("known", "arts", True, "met"),
    ("known", False, True, "met"),
    ("known", 0, True, "met"),
    ("known", [], True, "met"),
    ("between", 5, [5, 7], "met"),
    ("between", 7, [5, 7], "met"),
    ("between", 4, [5, 7], "unmet"),
    ("between", 8, [5, 7], "unmet"),
    ("between", "5", [5, 7], "unknown"),
    ("between", True, [0, 7], "unknown"),
    ("between", "0.50", ["0.5", "0.5"], "met"),
    ("between", "10", ["9", "11"], "met"),
    ("between", "2026-11-22", ["2026-11-22", "2026-12-01"], "met"),
    ("between", "2026-12-02", ["2026-11-22", "2026-12-01"], "unmet"),
    ("between", "9", ["2026-11-22", "2026-12-01"], "unknown"),
    ("between", gbp(5), [gbp(5), gbp(6)], "met"),
    ("between", gbp(7), [gbp(5), gbp(6)], "unmet"),
    ("between", eur(5), [gbp(5), gbp(6)], "unknown"),
    ("between", {"currency": "GBP"}, [gbp(5), gbp(6)], "unknown"),
    ("between", gbp(7), [eur(5), gbp(6)], "unmet"),
    ("between", gbp(5), [eur(5), gbp(6)], "unknown"),
]
"""op, found, wanted, outcome. The database's twin is put to the same table."""


def lies(*places: str) -> Criterion:
    return Criterion("PLACE", "place", "within", list(places), chain="places")


def was(months: int) -> Criterion:
    return Criterion("OPENED", "opened", "at_least_months_before", months)


def comes(months: int) -> Criterion:
    return Criterion("OPENED", "opened", "at_least_months_after", months)


LEEDS = {"place": "E08000035", "places": ["E08000035", "E12000003", "E92000001"]}

WITH_MORE_THAN_THE_FACT: list[tuple[Criterion, dict[str, Any], str]] = [
    (lies("E08000035"), LEEDS, "met"),
    (lies("W92000004", "E12000003"), LEEDS, "met"),
    (lies("W92000004"), LEEDS, "unmet"),
    (lies("E12000003"), {"place": "E08000035"}, "unknown"),
    (lies("E12000003"), {"place": None, "places": ["E12000003"]}, "unknown"),
    (lies("E12000003"), {"places": ["E12000003"]}, "unknown"),
    (lies("E12000003"), {"place": "E08000035", "places": "E12000003"}, "unknown"),
    (lies("E12000003"), {"place": "E08000035", "places": {"E12000003": 1}}, "unknown"),
    (was(0), {"opened": "2026-11-22"}, "met"),
    (was(0), {"opened": "2026-11-23"}, "unmet"),
    (was(12), {"opened": "2025-11-22"}, "met"),
    (was(12), {"opened": "2025-11-23"}, "unmet"),
    (was(1200), {"opened": "1926-11-22"}, "met"),
    (was(1), {"opened": "9999-12-31"}, "unmet"),
    (was(1), {"opened": "2026-02-30"}, "unknown"),
    (was(1), {"opened": "2026-13-01"}, "unknown"),
    (was(1), {"opened": "0000-01-01"}, "unknown"),
    (was(1), {"opened": "2026-1-1"}, "unknown"),
    (was(1), {"opened": 20261122}, "unknown"),
    (was(1), {"opened": None}, "unknown"),
    (was(1), {}, "unknown"),
    (comes(0), {"opened": "2026-11-22"}, "met"),
    (comes(18), {"opened": "2028-05-22"}, "met"),
    (comes(18), {"opened": "2028-05-21"}, "unmet"),
    (comes(1200), {"opened": "2126-11-22"}, "met"),
    (comes(1), {"opened": ["2027-01-01"]}, "unknown"),
]
"""Criterion, facts, outcome on 22 November 2026: what looks at the chain or the day besides its fact."""


@pytest.mark.parametrize(
    ("criterion", "known", "outcome"),
    [pytest.param(*row, id=f"{row[1]} {row[0].op} {row[0].value}") for row in WITH_MORE_THAN_THE_FACT],
)
def test_what_looks_at_more_than_its_fact_has_the_outcome_of_the_table(
    criterion: Criterion, known: dict[str, Any], outcome: str
) -> None:
    assert look_at(a_tree(criterion), known).reasons[0].outcome == outcome


MONTHS = [
    ("2024-02-29", 12, "2025-02-28"),
    ("2023-02-28", 12, "2024-02-28"),
    ("2020-02-29", 48, "2024-02-29"),
    ("1900-01-31", 1, "1900-02-28"),
    ("2000-01-31", 1, "2000-02-29"),
    ("2026-01-31", 1, "2026-02-28"),
    ("2026-01-31", 3, "2026-04-30"),
    ("2026-11-30", 3, "2027-02-28"),
    ("2026-12-01", 1, "2027-01-01"),
    ("2026-12-31", 0, "2026-12-31"),
]
"""A day, months, the first day that is so many months later."""


@pytest.mark.parametrize(("day", "months", "later"), MONTHS)
def test_months_end_where_their_month_does(day: str, months: int, later: str) -> None:
    the_day_before = (date.fromisoformat(later) - timedelta(days=1)).isoformat()

    def outcome(as_of: str) -> str:
        return evaluate(a_tree(was(months)), {"opened": day}, parameters={"as_of": as_of}).reasons[0].outcome

    assert (outcome(the_day_before), outcome(later)) == ("unmet", "met")


@pytest.mark.parametrize("parameters", [{}, {"as_of": None}, {"as_of": "2026-02-30"}, {"as_of": 20261122}])
@pytest.mark.parametrize("criterion", [was(0), comes(0)])
def test_without_the_day_nothing_is_so_many_months_away(criterion: Criterion, parameters: dict[str, Any]) -> None:
    evaluation = evaluate(a_tree(criterion), {"opened": "2026-11-22"}, parameters=parameters)

    assert evaluation.unknown == ("OPENED",)


@pytest.mark.parametrize(
    ("wanted", "level", "outcome"),
    [
        (None, None, "met"),
        ("evidenced", None, "unknown"),
        ("evidenced", "declared", "unknown"),
        ("evidenced", "evidenced", "met"),
        ("evidenced", "verified", "met"),
        ("verified", "evidenced", "unknown"),
        ("verified", "verified", "met"),
        ("verified", "sworn", "unknown"),
    ],
)
@pytest.mark.parametrize("at", [Level.HARD, Level.SOFT])
def test_a_fact_known_less_well_than_wanted_does_not_count_as_met(
    wanted: str | None, level: str | None, outcome: str, at: Level
) -> None:
    levels = {} if level is None else {"flag": level}

    reason = look_at(a_tree(met(level=at, assurance=wanted)), assurance=levels).reasons[0]

    assert (reason.outcome, reason.found, reason.assurance, reason.assurance_wanted) == (outcome, True, level, wanted)


def test_a_fact_that_fails_fails_however_well_it_is_known() -> None:
    assert look_at(a_tree(unmet(assurance="verified"))).unmet == ("UNMET",)


def test_the_level_of_a_place_is_that_of_the_fact_and_not_of_its_chain() -> None:
    tree = a_tree(replace(lies("E12000003"), assurance="verified"))

    assert look_at(tree, LEEDS, assurance={"place": "verified"}).result is Result.ELIGIBLE
    assert look_at(tree, LEEDS, assurance={"places": "verified"}).result is Result.NEEDS_INFORMATION


@pytest.mark.parametrize("shared", [set(), {"place"}, {"places"}])
def test_within_needs_both_the_fact_and_its_chain_to_be_shared(shared: set[str]) -> None:
    evaluation = look_at(a_tree(lies("E12000003")), LEEDS, shared=shared)

    reason = evaluation.reasons[0]
    assert (reason.outcome, reason.found, reason.not_shared) == ("unknown", None, True)
    assert look_at(a_tree(lies("E12000003")), LEEDS, shared={"place", "places"}).result is Result.ELIGIBLE


def test_not_known_is_unknown_or_unmet_and_never_met() -> None:
    tree = a_tree(Not(Criterion("KNOWN", "staff", "known", True)))

    assert look_at(tree, {"staff": 0}).result is Result.INELIGIBLE
    assert look_at(tree, {}).result is Result.NEEDS_INFORMATION


@pytest.mark.parametrize(
    ("bounds", "parameters", "outcome", "wanted"),
    [
        ([gbp(0), {"parameter": "limit"}], {"limit": gbp(1)}, "met", [gbp(0), gbp(1)]),
        ([{"parameter": "limit"}, gbp(9)], {"limit": gbp(2)}, "unmet", [gbp(2), gbp(9)]),
        ([gbp(0), {"parameter": "limit"}], {}, "unknown", [gbp(0), {"parameter": "limit"}]),
        ([gbp(2), {"parameter": "limit"}], {}, "unmet", [gbp(2), {"parameter": "limit"}]),
        ([gbp(0), {"parameter": "limit"}], {"limit": eur(9)}, "unknown", [gbp(0), eur(9)]),
    ],
)
def test_a_bound_may_be_a_parameter_of_the_day(
    bounds: list[Any], parameters: dict[str, Any], outcome: str, wanted: list[Any]
) -> None:
    tree = a_tree(Criterion("TURNOVER", "turnover", "between", bounds))

    reason = evaluate(tree, {"turnover": gbp(1)}, parameters=parameters).reasons[0]

    assert (reason.outcome, reason.wanted) == (outcome, wanted)


@pytest.mark.parametrize(
    ("op", "found", "wanted", "outcome"),
    [pytest.param(*row, id=f"{row[1]!r} {row[0]} {row[2]!r} is {row[3]}") for row in COMPARISONS],
)
def test_a_known_fact_compares_as_the_table_says(op: str, found: Any, wanted: Any, outcome: str) -> None:
    assert compare(op, found, wanted) == outcome


def test_the_table_shows_each_comparison_in_each_outcome() -> None:
    shown = {(op, outcome) for op, _, _, outcome in COMPARISONS} | {
        (criterion.op, outcome) for criterion, _, outcome in WITH_MORE_THAN_THE_FACT
    }
    never = {("known", "unmet"), ("known", "unknown")}

    assert shown | never == {(op, outcome) for op in OPS for outcome in ("met", "unmet", "unknown")}
    assert shown.isdisjoint(never)


@pytest.mark.parametrize("known", [{}, {"staff": None}], ids=["absent", "null"])
def test_a_fact_that_nobody_answered_is_unknown_and_not_a_no(known: dict[str, Any]) -> None:
    evaluation = look_at(a_tree(Criterion("STAFF", "staff", "gte", 5)), known)

    assert (evaluation.result, evaluation.unmet, evaluation.unknown) == ("needs_information", (), ("STAFF",))


def look_at(tree: CriteriaTree, known: dict[str, Any] = FACTS, **options: Any) -> Evaluation:
    return evaluate(tree, known, parameters=PARAMETERS, **options)


A, B, C = (unmet(code) for code in "ABC")
P, Q = met("P"), met("Q")
X, Y = unknown("X"), unknown("Y")


@pytest.mark.parametrize(
    ("node", "result", "blocked", "missing"),
    [
        pytest.param(P, "eligible", "", "", id="met"),
        pytest.param(A, "ineligible", "A", "", id="unmet"),
        pytest.param(X, "needs_information", "", "X", id="unknown"),
        pytest.param(AllOf((P, Q)), "eligible", "", "", id="all, all met"),
        pytest.param(AllOf((A, X, B)), "ineligible", "AB", "X", id="all names both what fails and what is missing"),
        pytest.param(AllOf((P, X)), "needs_information", "", "X", id="all, one unknown"),
        pytest.param(AnyOf((A, X, P)), "eligible", "", "", id="any that holds names nothing"),
        pytest.param(AnyOf((A, X)), "needs_information", "", "X", id="any that may hold names what is missing"),
        pytest.param(AnyOf((A, B)), "ineligible", "AB", "", id="any that fails names every branch"),
        pytest.param(AnyOf((AllOf((A, X)), B)), "ineligible", "AB", "X", id="a failed branch brings its unknowns"),
        pytest.param(AnyOf((AllOf((P, X)), B)), "needs_information", "", "X", id="an open branch leaves out its met"),
        pytest.param(AtLeast(2, (P, Q, A)), "eligible", "", "", id="2 of 3 with 2"),
        pytest.param(AtLeast(2, (P, X, A)), "needs_information", "", "X", id="2 of 3 with 1 and an unknown"),
        pytest.param(AtLeast(2, (X, A, B)), "ineligible", "AB", "", id="2 of 3 out of reach"),
        pytest.param(AtLeast(2, (X, A)), "ineligible", "A", "X", id="2 of 2 is all"),
        pytest.param(Not(A), "eligible", "", "", id="not unmet"),
        pytest.param(Not(P), "ineligible", "P", "", id="not met"),
        pytest.param(Not(X), "needs_information", "", "X", id="not unknown"),
        pytest.param(Not(Not(A)), "ineligible", "A", "", id="not not"),
        pytest.param(Not(AllOf((P, X))), "needs_information", "", "X", id="not all is any of the opposites"),
        pytest.param(Not(AllOf((P, Q))), "ineligible", "PQ", "", id="not all, all met"),
        pytest.param(Not(AnyOf((P, X, A))), "ineligible", "P", "X", id="not any is all of the opposites"),
        pytest.param(Not(AtLeast(2, (P, A, B))), "eligible", "", "", id="not 2 of 3 with 1"),
        pytest.param(Not(AtLeast(2, (P, X, A))), "needs_information", "", "X", id="not 2 of 3 with 1 and an unknown"),
        pytest.param(Not(AtLeast(2, (P, Q, A))), "ineligible", "PQ", "", id="not 2 of 3 with 2"),
    ],
)
def test_a_node_names_what_stands_in_its_way(node: Any, result: str, blocked: str, missing: str) -> None:
    evaluation = look_at(a_tree(node))

    assert (evaluation.result, "".join(evaluation.unmet), "".join(evaluation.unknown)) == (result, blocked, missing)


@pytest.mark.parametrize(
    ("soft", "fit"),
    [
        pytest.param([], 100, id="no soft criteria"),
        pytest.param([met("P", level=Level.SOFT, weight=2), unmet("A", level=Level.SOFT)], 66, id="rounded down"),
        pytest.param([met("P", level=Level.SOFT), unknown("X", level=Level.SOFT)], 50, id="unknown earns nothing"),
        pytest.param([AllOf((AllOf((met("P", level=Level.SOFT),)), unmet("A", level=Level.SOFT)))], 50, id="nested"),
        pytest.param([unmet("A", level=Level.SOFT)], 0, id="none met"),
    ],
)
def test_soft_criteria_move_the_fit_and_never_the_result(soft: list[Any], fit: int) -> None:
    evaluation = look_at(a_tree(met(), *soft))

    assert (evaluation.result, evaluation.fit) == ("eligible", fit)


def test_soft_criteria_are_told_apart_and_an_ineligible_group_has_no_fit() -> None:
    tree = a_tree(unmet("A"), met("P", level=Level.SOFT), unmet("B", level=Level.SOFT), unknown("X", level=Level.SOFT))

    evaluation = look_at(tree)

    assert (evaluation.unmet, evaluation.unknown, evaluation.fit) == (("A",), (), 0)
    assert (evaluation.soft_unmet, evaluation.soft_unknown) == (("B",), ("X",))


def test_every_criterion_has_its_reason_in_tree_order() -> None:
    criterion = Criterion("TURNOVER", "turnover", "lte", {"parameter": "limit"}, waivable=True, reason={"en": "Small"})
    tree = a_tree(AnyOf((met("P"), Not(criterion))), unknown("X"))

    first, reason, last = look_at(tree, {**FACTS, "turnover": gbp(1)}, assurance={"turnover": "verified"}).reasons

    assert (first.code, last.code, last.found, last.assurance) == ("P", "X", None, None)
    assert reason.as_json() == {
        "code": "TURNOVER",
        "outcome": "unmet",
        "op": "lte",
        "fact": "turnover",
        "wanted": gbp(1),
        "found": gbp(1),
        "level": "hard",
        "assurance": "verified",
        "assurance_wanted": None,
        "words": {"en": "Small"},
        "negated": True,
        "not_shared": False,
        "waivable": True,
    }


def test_a_parameter_without_a_value_on_the_day_leaves_the_criterion_unknown() -> None:
    tree = a_tree(Criterion("LIMIT", "turnover", "lte", {"parameter": "limit"}))

    evaluation = evaluate(tree, {"turnover": gbp(1)}, parameters={})

    assert evaluation.unknown == ("LIMIT",)
    assert evaluation.reasons[0].wanted == {"parameter": "limit"}


def test_an_unshared_fact_is_unknown_and_says_that_it_is_not_shared() -> None:
    evaluation = look_at(a_tree(met()), shared=frozenset(), assurance={"flag": "verified"})

    reason = evaluation.reasons[0]
    assert (evaluation.result, evaluation.unknown) == ("needs_information", ("MET",))
    assert (reason.outcome, reason.found, reason.assurance, reason.not_shared) == ("unknown", None, None, True)


@given(trees(), facts(), st.sampled_from(sorted(REGISTRY)), st.data())
def test_an_answer_is_equal_for_any_value_of_a_fact_that_is_not_shared(
    tree: CriteriaTree, known: dict[str, Any], hidden: str, data: st.DataObject
) -> None:
    shared = frozenset(REGISTRY) - {hidden}
    other = {**known, hidden: data.draw(known_value(hidden))}
    absent = {fact: value for fact, value in known.items() if fact != hidden}
    answers = [
        look_at(tree, version, shared=shared, assurance=assurance)
        for version, assurance in [(known, {hidden: "verified"}), (other, {hidden: "declared"}), (absent, {})]
    ]

    assert repr(answers[0]) == repr(answers[1]) == repr(answers[2])


@given(trees(), facts(), st.sets(st.sampled_from(sorted(REGISTRY))))
def test_hiding_a_fact_decides_as_not_knowing_it_does(
    tree: CriteriaTree, known: dict[str, Any], shared: set[str]
) -> None:
    seen = look_at(tree, known, shared=shared)
    told = look_at(tree, {fact: value for fact, value in known.items() if fact in shared})

    assert (seen.result, seen.fit, seen.unmet, seen.unknown) == (told.result, told.fit, told.unmet, told.unknown)


@given(trees(), facts(), all_facts(), levels(), levels())
def test_learning_more_never_turns_a_decided_answer_round(
    tree: CriteriaTree, known: dict[str, Any], rest: dict[str, Any], held: dict[str, str], raised: dict[str, str]
) -> None:
    ranks = {"declared": 0, "evidenced": 1, "verified": 2}
    higher = held | {fact: level for fact, level in raised.items() if ranks[level] > ranks[held.get(fact, "declared")]}

    before = look_at(tree, known, assurance=held)
    more = {**rest, **{fact: value for fact, value in known.items() if value is not None}}
    after = look_at(tree, more, assurance=higher)

    assert before.result in (Result.NEEDS_INFORMATION, after.result)
    assert before.result is Result.INELIGIBLE or after.result is Result.INELIGIBLE or before.fit <= after.fit
    for one, other in zip(before.reasons, after.reasons, strict=True):
        assert one.outcome in (Outcome.UNKNOWN, other.outcome)


@given(trees(), facts(), levels(), st.sets(st.sampled_from(sorted(REGISTRY))))
def test_what_is_told_over_shared_facts_is_never_contradicted_over_all(
    tree: CriteriaTree, known: dict[str, Any], held: dict[str, str], shared: set[str]
) -> None:
    told = look_at(tree, known, assurance=held, shared=shared)
    own = look_at(tree, known, assurance=held)

    assert told.result in (Result.NEEDS_INFORMATION, own.result)
    for one, other in zip(told.reasons, own.reasons, strict=True):
        assert one.outcome in (Outcome.UNKNOWN, other.outcome)


@given(st.sampled_from(["turnover", "staff", "share", "payback", "opened"]), facts(ill_shaped=True), st.data())
def test_between_says_what_its_two_bounds_say(fact: str, known: dict[str, Any], data: st.DataObject) -> None:
    low, high = data.draw(known_value(fact)), data.draw(known_value(fact))

    assert (
        an_answer(Criterion("A", fact, "between", [low, high]), known)[0]
        == an_answer(AllOf((Criterion("A", fact, "gte", low), Criterion("B", fact, "lte", high))), known)[0]
    )


@given(trees(), facts(ill_shaped=True))
def test_the_codes_named_explain_the_result(tree: CriteriaTree, known: dict[str, Any]) -> None:
    evaluation = look_at(tree, known)
    outcomes = {reason.code: reason.outcome for reason in evaluation.reasons}

    assert [reason.code for reason in evaluation.reasons] == [leaf.code for leaf in tree.leaves()]
    assert {outcomes[code] for code in evaluation.unmet} <= {Outcome.UNMET}
    assert {outcomes[code] for code in evaluation.unknown} <= {Outcome.UNKNOWN}
    assert (evaluation.result is Result.INELIGIBLE) == bool(evaluation.unmet)
    assert (evaluation.result is Result.ELIGIBLE) == (not evaluation.unmet and not evaluation.unknown)


def an_answer(node: Any, known: dict[str, Any]) -> tuple[Any, ...]:
    answer = look_at(a_tree(node), known)
    return answer.result, answer.unmet, answer.unknown


@given(nodes(), facts())
def test_denying_twice_says_the_same(node: Any, known: dict[str, Any]) -> None:
    assert an_answer(Not(Not(node)), known) == an_answer(node, known)


@given(branches(), facts(), st.data())
def test_denying_a_group_is_the_dual_group_of_denials(
    branches: list[Any], known: dict[str, Any], data: st.DataObject
) -> None:
    needed = data.draw(st.integers(1, len(branches)))
    denied = tuple(Not(branch) for branch in branches)

    assert an_answer(Not(AllOf(tuple(branches))), known) == an_answer(AnyOf(denied), known)
    assert an_answer(Not(AnyOf(tuple(branches))), known) == an_answer(AllOf(denied), known)
    assert an_answer(Not(AtLeast(needed, tuple(branches))), known) == an_answer(
        AtLeast(len(branches) - needed + 1, denied), known
    )


def test_a_waived_criterion_stands_in_no_ones_way_and_its_reason_stays_true() -> None:
    evaluation = look_at(a_tree(unmet("A", waivable=True), unknown("X", waivable=True)), waived=frozenset({"A", "X"}))

    assert (evaluation.result, evaluation.unmet, evaluation.unknown) == ("eligible", (), ())
    assert [reason.outcome for reason in evaluation.reasons] == ["unmet", "unknown"]


@pytest.mark.parametrize("node", [unmet("A"), Not(met("A"))], ids=["plain", "under not"])
def test_what_is_not_waivable_cannot_be_waived(node: Any) -> None:
    assert look_at(a_tree(node), waived=frozenset({"A"})).unmet == ("A",)


def test_a_waiver_under_not_waives_the_criterion_as_it_is_required() -> None:
    assert look_at(a_tree(Not(met("A", waivable=True))), waived=frozenset({"A"})).result is Result.ELIGIBLE


@given(trees(), facts(), st.sets(st.integers(0, 20)), st.sets(st.integers(0, 20)))
def test_a_waiver_more_never_makes_an_answer_worse(
    tree: CriteriaTree, known: dict[str, Any], some: set[int], others: set[int]
) -> None:
    fewer = look_at(tree, known, waived=frozenset(f"C{number}" for number in some))
    more = look_at(tree, known, waived=frozenset(f"C{number}" for number in some | others))

    assert more.result.rank <= fewer.result.rank


@given(trees(), facts(), facts())
def test_facts_that_no_criterion_names_change_nothing(
    tree: CriteriaTree, known: dict[str, Any], others: dict[str, Any]
) -> None:
    named = {fact for leaf in tree.leaves() for fact in (leaf.fact, leaf.chain)}
    unrelated = {fact: value for fact, value in others.items() if fact not in named}

    assert look_at(tree, {**known, **unrelated}) == look_at(tree, known)


@given(trees(), facts())
def test_a_stored_tree_is_evaluated_as_the_tree_it_was_written_from(tree: CriteriaTree, known: dict[str, Any]) -> None:
    stored = compile_tree((), tree)

    assert evaluate(stored, known, parameters=PARAMETERS) == look_at(tree, known)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param({"schema_version": 2, "criteria": []}, id="another version"),
        pytest.param({"schema_version": 1, "criteria": [{"some": []}]}, id="another kind of node"),
        pytest.param(
            {"schema_version": 1, "criteria": [{"code": "A", "fact": "f", "op": "like", "value": 1}]}, id="another op"
        ),
    ],
)
def test_a_stored_tree_that_cannot_be_read_is_never_guessed_at(stored: dict[str, Any]) -> None:
    with pytest.raises(UnreadableTreeError):
        evaluate(stored, {}, parameters={})


@pytest.mark.parametrize(
    ("amount", "currency", "unmet_codes", "unknown_codes"),
    [
        pytest.param(10_000_00, "GBP", (), (), id="the largest ask is still welcome"),
        pytest.param(10_000_01, "GBP", ("ASK_MAX",), (), id="one penny over"),
        pytest.param(999_99, "GBP", ("ASK_MIN",), (), id="one penny under"),
        pytest.param(5_000_00, "EUR", ("CURRENCY",), ("ASK_MIN", "ASK_MAX"), id="another currency"),
    ],
)
def test_an_ask_is_held_against_the_programmes_columns(
    amount: int, currency: str, unmet_codes: tuple[str, ...], unknown_codes: tuple[str, ...]
) -> None:
    columns = compile_columns("GBP", ["grant"], ["set_up"], 1_000_00, 10_000_00)
    known = {
        "instruments_sought": ["grant"],
        "stage": "set_up",
        "ask": {"amount": amount, "currency": currency},
        "ask_currency": currency,
    }

    evaluation = evaluate(compile_tree(columns, a_tree()), known, parameters={})

    assert (evaluation.unmet, evaluation.unknown) == (unmet_codes, unknown_codes)
