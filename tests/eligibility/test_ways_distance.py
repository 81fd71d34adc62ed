"""How many gates away: what the number means, and that the database comes to the same."""

from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from marketplace.eligibility.distance import Gates, gates_away
from marketplace.eligibility.normal_form import TooManyAlternatives, alternatives
from marketplace.eligibility.rules import Result, evaluate
from marketplace.eligibility.tree import AllOf, AnyOf, AtLeast, CriteriaTree, Not
from marketplace.values.reasons import Level, Outcome
from tests.eligibility.trees import FACTS, PARAMETERS, a_tree, facts, met, trees, unknown, unmet

DISTANCES = """
SELECT answer.unmet, answer.unknown
FROM jsonb_array_elements(%s) WITH ORDINALITY AS asked (pair, place),
    LATERAL criteria_distance(asked.pair -> 'tree', asked.pair -> 'facts', %s) AS answer
ORDER BY asked.place
"""


def distance(tree: CriteriaTree, known: dict[str, Any]) -> Gates:
    return gates_away(tree, evaluate(tree, known, parameters=PARAMETERS))


@pytest.mark.parametrize(
    ("tree", "gates"),
    [
        pytest.param(a_tree(), (0, 0), id="nothing is asked"),
        pytest.param(a_tree(met(), unmet(), unknown()), (1, 1), id="all are needed"),
        pytest.param(a_tree(AllOf((unmet("A"), unmet("B"))), unmet("C")), (3, 0), id="sums in sums"),
        pytest.param(a_tree(AnyOf((unmet(), unknown()))), (0, 1), id="the nearest branch, unknown before unmet"),
        pytest.param(a_tree(AnyOf((AllOf((unmet("A"), unmet("B"))), unmet("C")))), (1, 0), id="the nearest of sums"),
        pytest.param(
            a_tree(AtLeast(2, (unmet("A"), unmet("B"), unknown()))), (1, 1), id="the two nearest of at least two"
        ),
        pytest.param(a_tree(Not(met())), (1, 0), id="what must not hold does"),
        pytest.param(a_tree(Not(AllOf((met("A"), met("B"))))), (1, 0), id="one of what must not all hold"),
        pytest.param(a_tree(Not(AnyOf((met("A"), met("B"))))), (2, 0), id="each of what must not hold at all"),
        pytest.param(a_tree(Not(AtLeast(2, (met("A"), met("B"), met("C"))))), (2, 0), id="all but one of three"),
        pytest.param(a_tree(unmet(level=Level.SOFT)), (0, 0), id="soft criteria are no gates"),
    ],
)
def test_gates_are_counted_on_the_nearest_way(tree: CriteriaTree, gates: tuple[int, int]) -> None:
    assert distance(tree, FACTS) == gates


@given(tree=trees(), known=facts())
def test_the_distance_agrees_with_the_result(tree: CriteriaTree, known: dict[str, Any]) -> None:
    told = evaluate(tree, known, parameters=PARAMETERS)
    gates = gates_away(tree, told)
    assert (gates == (0, 0)) is (told.result is Result.ELIGIBLE)
    assert (gates.unmet == 0) is (told.result is not Result.INELIGIBLE)
    assert gates.near_miss is (told.result is Result.INELIGIBLE and gates.unmet <= 2)


@given(tree=trees(), known=facts())
def test_the_distance_is_that_of_the_nearest_alternative(tree: CriteriaTree, known: dict[str, Any]) -> None:
    try:
        ways = alternatives(tree)
    except TooManyAlternatives:
        return
    outcomes = {each.code: each.outcome for each in evaluate(tree, known, parameters=PARAMETERS).reasons}
    counted = [[outcomes[literal.criterion.code] for literal in way.literals] for way in ways]
    assert distance(tree, known) == min((way.count(Outcome.UNMET), way.count(Outcome.UNKNOWN)) for way in counted)


@settings(max_examples=60)
@given(pairs=st.lists(st.tuples(trees(), facts(ill_shaped=True)), min_size=1, max_size=12))
def test_the_database_counts_the_same_gates(
    database: psycopg.Connection, pairs: list[tuple[CriteriaTree, dict[str, Any]]]
) -> None:
    asked = [{"tree": tree.as_json(), "facts": known} for tree, known in pairs]
    counted = database.execute(DISTANCES, [Jsonb(asked), Jsonb(PARAMETERS)]).fetchall()
    assert counted == [distance(tree, known) for tree, known in pairs]


@pytest.mark.parametrize("tree", [None, {"schema_version": 2, "criteria": []}, {"schema_version": 1, "criteria": [{}]}])
def test_a_tree_that_cannot_be_read_has_no_distance(database: psycopg.Connection, tree: Any) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        database.execute("SELECT * FROM criteria_distance(%s::jsonb, '{}', '{}')", [Jsonb(tree)])
