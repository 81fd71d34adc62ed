"""The evaluator's twin in the database answers as the reference does."""

from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from marketplace.eligibility.rules import evaluate
from marketplace.eligibility.tree import CriteriaTree, Criterion
from tests.eligibility.test_cases import PROGRAMMES, PROPOSALS, THE_DAYS_PARAMETERS
from tests.eligibility.test_rules import COMPARISONS
from tests.eligibility.trees import PARAMETERS, REGISTRY, a_tree, facts, trees

ANSWERS = """
SELECT answer.result, answer.fit
FROM jsonb_array_elements(%s) WITH ORDINALITY AS asked (pair, place),
    LATERAL criteria_evaluate(asked.pair -> 'tree', asked.pair -> 'facts', %s) AS answer
ORDER BY asked.place
"""


def answers(
    database: psycopg.Connection, pairs: list[tuple[CriteriaTree, dict[str, Any]]], parameters: dict[str, Any]
) -> list[tuple[int, int]]:
    asked = [{"tree": tree.as_json(), "facts": known} for tree, known in pairs]
    return database.execute(ANSWERS, [Jsonb(asked), Jsonb(parameters)]).fetchall()


def reference(tree: CriteriaTree, known: dict[str, Any], parameters: dict[str, Any], **options: Any) -> tuple[int, int]:
    evaluation = evaluate(tree, known, parameters=parameters, **options)
    return evaluation.result.rank, evaluation.fit


def test_every_comparison_has_the_outcome_of_the_table(database: psycopg.Connection) -> None:
    pairs = [(a_tree(Criterion("C", "it", op, wanted)), {"it": found}) for op, found, wanted, _ in COMPARISONS]
    ranks = {"met": 0, "unknown": 1, "unmet": 2}

    found = [(row, rank) for row, (rank, _) in zip(COMPARISONS, answers(database, pairs, {}), strict=True)]

    assert [(row, rank) for row, rank in found if rank != ranks[row[3]]] == []


@settings(deadline=None, max_examples=60)
@given(
    pairs=st.lists(st.tuples(trees(), facts(ill_shaped=True)), min_size=1, max_size=12),
    parameters=st.sampled_from([PARAMETERS, {}, {"limit": None}, {"limit": {"amount": 1, "currency": "EUR"}}]),
)
def test_database_and_reference_agree(
    database: psycopg.Connection, pairs: list[tuple[CriteriaTree, dict[str, Any]]], parameters: dict[str, Any]
) -> None:
    assert answers(database, pairs, parameters) == [reference(tree, known, parameters) for tree, known in pairs]


@settings(deadline=None, max_examples=40)
@given(
    pairs=st.lists(st.tuples(trees(), facts()), min_size=1, max_size=12),
    shared=st.sets(st.sampled_from(sorted(REGISTRY))),
)
def test_leaving_out_what_is_not_shared_gives_the_asker_s_answer(
    database: psycopg.Connection, pairs: list[tuple[CriteriaTree, dict[str, Any]]], shared: set[str]
) -> None:
    seen = [(tree, {fact: value for fact, value in known.items() if fact in shared}) for tree, known in pairs]

    assert answers(database, seen, PARAMETERS) == [
        reference(tree, known, PARAMETERS, shared=shared) for tree, known in pairs
    ]


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param(None, id="no tree"),
        pytest.param({"schema_version": 2, "criteria": []}, id="another version"),
        pytest.param({"schema_version": 1, "criteria": [{"some": []}]}, id="another kind of node"),
        pytest.param(
            {"schema_version": 1, "criteria": [{"code": "A", "fact": "flag", "op": "like", "value": 1}]},
            id="another op",
        ),
    ],
)
def test_a_tree_that_cannot_be_read_is_never_guessed_at(database: psycopg.Connection, tree: Any) -> None:
    stored = None if tree is None else Jsonb(tree)

    with pytest.raises(psycopg.errors.InvalidParameterValue):
        database.execute("SELECT * FROM criteria_evaluate(%s::jsonb, '{}', '{}')", [stored])


def test_an_answer_may_be_indexed_cached_and_computed_in_parallel(database: psycopg.Connection) -> None:
    kinds = database.execute(
        "SELECT DISTINCT provolatile, proparallel FROM pg_proc WHERE proname LIKE 'criteria\\_%'"
    ).fetchall()

    assert kinds == [("i", "s")]


def test_the_database_agrees_on_every_pair_of_the_demonstration_cases(database: psycopg.Connection) -> None:
    pairs = [(tree, known) for tree in PROGRAMMES.values() for known in PROPOSALS.values()]

    assert answers(database, pairs, THE_DAYS_PARAMETERS) == [
        reference(tree, known, THE_DAYS_PARAMETERS) for tree, known in pairs
    ]
