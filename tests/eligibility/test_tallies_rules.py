"""Many groups at once: the answers are the evaluator's, group by group."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.eligibility.rules import Result, evaluate
from marketplace.eligibility.tallies import Held, Tally, tally
from marketplace.eligibility.tree import AllOf, AnyOf, AtLeast, CriteriaTree, Criterion, Node, Not
from marketplace.values.reasons import Level, Outcome
from tests.eligibility.trees import FACTS, PARAMETERS, a_tree, facts, met, trees, unknown, unmet


def told_of(tree: CriteriaTree, groups: list[dict[str, Any]]) -> dict[str, Held]:
    """Of which groups each criterion, as it is written, is met and unmet."""
    alone = CriteriaTree(tuple(tree.leaves()))
    outcomes = [
        {each.code: each.outcome for each in evaluate(alone, one, parameters=PARAMETERS).reasons} for one in groups
    ]
    return {
        leaf.code: Held(
            sum(1 << number for number, each in enumerate(outcomes) if each[leaf.code] is Outcome.MET),
            sum(1 << number for number, each in enumerate(outcomes) if each[leaf.code] is Outcome.UNMET),
        )
        for leaf in tree.leaves()
    }


def tallied(tree: CriteriaTree, groups: list[dict[str, Any]]) -> Tally:
    return tally(tree, told_of(tree, groups), (1 << len(groups)) - 1)


def waivable(node: Node) -> Node:
    """The same node with every criterion waivable."""
    match node:
        case Criterion():
            return replace(node, waivable=True)
        case Not(branch):
            return Not(waivable(branch))
        case AtLeast(needed, branches):
            return AtLeast(needed, tuple(waivable(each) for each in branches))
        case AllOf(branches):
            return AllOf(tuple(waivable(each) for each in branches))
        case AnyOf(branches):
            return AnyOf(tuple(waivable(each) for each in branches))


@settings(max_examples=150)
@given(tree=trees(), groups=st.lists(facts(), max_size=8))
def test_every_group_stands_where_the_evaluator_puts_it(tree: CriteriaTree, groups: list[dict[str, Any]]) -> None:
    tree = CriteriaTree(tuple(waivable(node) for node in tree.criteria))
    found = tallied(tree, groups)

    assert list(found.tolls) == [leaf.code for leaf in tree.leaves() if leaf.level is Level.HARD]
    for number, one in enumerate(groups):
        answer = evaluate(tree, one, parameters=PARAMETERS)
        bit = 1 << number
        assert [result for result, members in found.results.items() if members & bit] == [answer.result]
        assert tuple(code for code, toll in found.tolls.items() if toll.unmet & bit) == answer.unmet
        assert tuple(code for code, toll in found.tolls.items() if toll.unknown & bit) == answer.unknown
        for code, toll in found.tolls.items():
            waived = evaluate(tree, one, parameters=PARAMETERS, waived={code})
            would_be = answer.result is not Result.ELIGIBLE and waived.result is Result.ELIGIBLE
            assert bool(toll.only_this & bit) == would_be, code


def test_nobody_is_no_one_s_toll() -> None:
    found = tallied(a_tree(met(), unmet()), [])

    assert set(found.results.values()) == {0}
    assert (found.tolls["UNMET"].unmet, found.tolls["UNMET"].only_this) == (0, 0)


def test_a_criterion_costs_alone_only_where_nothing_else_stands_in_the_way() -> None:
    assert tallied(a_tree(met(), unmet()), [FACTS]).tolls["UNMET"].only_this == 1
    assert tallied(a_tree(unmet(), unmet("OTHER")), [FACTS]).tolls["UNMET"].only_this == 0
    assert tallied(a_tree(AnyOf((unmet(), unknown()))), [FACTS]).tolls["UNMET"].only_this == 1
    assert tallied(a_tree(AtLeast(2, (met(), unmet(), unknown()))), [FACTS]).tolls["UNMET"].only_this == 1
    assert tallied(a_tree(AtLeast(3, (met(), unmet(), unknown()))), [FACTS]).tolls["UNMET"].only_this == 0
