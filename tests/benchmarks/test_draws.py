"""The corpus is drawn by number: the same on any machine, valid in the product's own words, of the shape it says."""

from itertools import islice

import pytest

from benchmarks.draws import (
    GROWTH,
    HOME_NATION,
    OTHER_REGIONS,
    SHAPES,
    TWO_HUNDRED_BRANCHES,
    Market,
    Recipe,
    fingerprint,
)
from marketplace.eligibility.normal_form import alternatives
from marketplace.eligibility.rules import Result, evaluate
from marketplace.eligibility.tree import compile_columns, compile_tree, leaves_of, parse_author_tree
from marketplace.reference.facts import REGISTRY, check_answer, derive
from marketplace.reference.parameters import values_on
from tests.matching.markets import THE_DAY


def test_the_same_recipe_draws_the_same_rows() -> None:
    one, other = Market(Recipe(50, 50, seed=7)), Market(Recipe(50, 50, seed=7))

    assert [one.programme(each) for each in range(50)] == [other.programme(each) for each in range(50)]
    assert [one.proposal(each) for each in range(50)] == [other.proposal(each) for each in range(50)]
    assert fingerprint(Recipe(50, 50, seed=7)) != fingerprint(Recipe(50, 50, seed=8))


def test_a_larger_corpus_begins_with_the_smaller_one() -> None:
    small, large = Market(Recipe(40, 40)), Market(Recipe(40 * GROWTH, 40, shape=OTHER_REGIONS))

    assert [small.programme(each) for each in range(40)] == [large.programme(each) for each in range(40)]
    assert [small.proposal(each) for each in range(40)] == [large.proposal(each) for each in range(40)]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_tree_is_one_that_an_author_may_write(shape: str) -> None:
    market = Market(Recipe(200, 1, shape=shape))

    for number in range(0, 200, 2):
        drawn = market.programme(number)
        written = drawn.tree.as_json()
        assert parse_author_tree(written, REGISTRY).as_json() == written
        assert alternatives(drawn.tree)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_answer_is_one_that_a_group_may_give(shape: str) -> None:
    market = Market(Recipe(1, 100, shape=shape))

    for number in range(100):
        answers = market.proposal(number).answers
        assert {slug: check_answer(slug, value) for slug, value in answers.items()} == answers


def test_what_is_added_elsewhere_asks_nothing_of_the_home_nation() -> None:
    market = Market(Recipe(200, 60, shape=OTHER_REGIONS))
    at_home = (
        facts for number in range(60) if (facts := _facts(market, number)).get("beneficiary_nation") == HOME_NATION
    )
    parameters = values_on(THE_DAY)

    for facts in islice(at_home, 10):
        for number in range(200 // GROWTH, 200):
            drawn = market.programme(number)
            tree = compile_tree(compile_columns(**drawn.columns), drawn.tree)
            assert evaluate(tree, facts, parameters=parameters).result is Result.INELIGIBLE


def test_one_programme_in_a_hundred_has_some_two_hundred_branches() -> None:
    market = Market(Recipe(200, 1, shape=TWO_HUNDRED_BRANCHES))

    assert [len(alternatives(market.programme(number).tree)) > 190 for number in (0, 1, 99, 100)] == [
        *(True, False, False, True)
    ]


def test_a_branch_has_about_seven_criteria() -> None:
    market = Market(Recipe(400, 1))
    asked = [
        len(conjunction.literals) + len(compile_columns(**drawn.columns))
        for drawn in map(market.programme, range(400))
        for conjunction in alternatives(drawn.tree)
    ]

    assert 6 <= sum(asked) / len(asked) <= 9
    assert 0.2 <= sum(_is_soft(market, number) for number in range(400)) / 400 <= 0.4


def _is_soft(market: Market, number: int) -> bool:
    return any(leaf.level == "soft" for node in market.programme(number).tree.criteria for leaf in leaves_of(node))


def _facts(market: Market, number: int) -> dict[str, object]:
    drawn = market.proposal(number)
    return derive(drawn.answers, drawn.ask, drawn.consent)
