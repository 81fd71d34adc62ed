"""The evaluator's twin in the database answers as the reference does."""

from calendar import monthrange
from collections import Counter
from datetime import date
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from marketplace.eligibility.measures import calendar_day, months_later
from marketplace.eligibility.rules import ASSURANCE_MEMBER, evaluate
from marketplace.eligibility.tree import OPS, CriteriaTree, Criterion
from tests.eligibility.test_cases import PROGRAMMES, PROPOSALS, THE_DAYS_PARAMETERS
from tests.eligibility.test_rules import COMPARISONS, MONTHS, WITH_MORE_THAN_THE_FACT
from tests.eligibility.trees import (
    PARAMETERS,
    REGISTRY,
    a_random_tree,
    a_tree,
    facts,
    gbp,
    levels,
    met,
    random_facts,
    random_levels,
    trees,
    unmet,
)

ANSWERS = """
SELECT answer.result, answer.fit
FROM jsonb_array_elements(%s) WITH ORDINALITY AS asked (pair, place),
    LATERAL criteria_evaluate(asked.pair -> 'tree', asked.pair -> 'facts', %s) AS answer
ORDER BY asked.place
"""
RANKS = {"met": 0, "unknown": 1, "unmet": 2}
DAYS = [
    PARAMETERS,
    {},
    {"limit": None, "as_of": None},
    {"limit": {"amount": 1, "currency": "EUR"}, "as_of": "2024-02-29"},
    {"limit": gbp(2), "as_of": "2026-02-30"},
]


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

    found = [(row, rank) for row, (rank, _) in zip(COMPARISONS, answers(database, pairs, {}), strict=True)]

    assert [(row, rank) for row, rank in found if rank != RANKS[row[3]]] == []


def test_what_looks_at_more_than_its_fact_has_the_outcome_of_the_table(database: psycopg.Connection) -> None:
    pairs = [(a_tree(criterion), known) for criterion, known, _ in WITH_MORE_THAN_THE_FACT]

    found = [rank for rank, _ in answers(database, pairs, PARAMETERS)]

    assert found == [RANKS[outcome] for _, _, outcome in WITH_MORE_THAN_THE_FACT]


@pytest.mark.parametrize("level", [None, "declared", "evidenced", "verified", "sworn", 7])
def test_a_fact_known_less_well_than_wanted_is_unknown_and_one_that_fails_still_fails(
    database: psycopg.Connection, level: Any
) -> None:
    held = {} if level is None else {ASSURANCE_MEMBER: {"flag": level}}
    wanted = [met(), met(assurance="evidenced"), met(assurance="verified"), unmet(assurance="verified")]

    found = [rank for rank, _ in answers(database, [(a_tree(each), {"flag": True, **held}) for each in wanted], {})]

    assert found == {"evidenced": [0, 0, 1, 2], "verified": [0, 0, 0, 2]}.get(level, [0, 1, 1, 2])


@pytest.mark.parametrize("held", [[], "verified", None, 7, ["flag"]])
def test_levels_of_another_shape_assure_nothing(database: psycopg.Connection, held: Any) -> None:
    known = {"flag": True, ASSURANCE_MEMBER: held}

    assert answers(database, [(a_tree(met(assurance="evidenced")), known)], {}) == [(1, 100)]


def test_months_later_is_what_postgresql_says(database: psycopg.Connection) -> None:
    """Ends of months, leap days and 4,000 random days, and the table of the reference's own tests."""
    random = Random(2026)
    ends = [
        date(year, month, monthrange(year, month)[1]) for year in (1999, 2000, 2023, 2024) for month in range(1, 13)
    ]
    asked = [(day, months) for day in ends for months in (0, 1, 2, 11, 12, 13, 48, 1200)]
    asked += [(date.fromisoformat(day), months) for day, months, _ in MONTHS]
    asked += [(date.fromordinal(random.randint(719163, 803532)), random.randint(0, 1200)) for _ in range(4_000)]

    told = database.execute(
        "SELECT later.day::text FROM unnest(%s::date[], %s::integer[]) WITH ORDINALITY AS asked (day, months, place),"
        " LATERAL (SELECT (asked.day + make_interval(months => asked.months))::date AS day) AS later ORDER BY place",
        [[day for day, _ in asked], [months for _, months in asked]],
    ).fetchall()

    own = [months_later((day.year, day.month, day.day), months) for day, months in asked]
    assert [day for (day,) in told] == [f"{year:04}-{month:02}-{number:02}" for year, month, number in own]


def test_days_that_are_and_days_that_are_not_are_told_apart_alike(database: psycopg.Connection) -> None:
    written = [
        f"{year}-{month:02}-{day:02}"
        for year in ("0000", "0001", "1900", "2000", "2023", "2024", "9999")
        for month in range(14)
        for day in range(33)
    ]
    written += ["", "2026-1-1", "2026-01-01 ", "2026-01-01\n", "+2026-01-01", "2026-W01-1", "20260101", "٢٠٢٦-01-01"]

    told = database.execute(
        "SELECT criteria_day(to_jsonb(written)) IS NOT NULL FROM unnest(%s::text[]) WITH ORDINALITY AS asked"
        " (written, place) ORDER BY place",
        [written],
    ).fetchall()

    differ = [each for each, (known,) in zip(written, told, strict=True) if known != (calendar_day(each) is not None)]
    assert differ == []
    assert sum(known for (known,) in told) == 4 * 365 + 2 * 366


def with_levels(known: dict[str, Any], held: dict[str, str]) -> dict[str, Any]:
    return {**known, ASSURANCE_MEMBER: held}


@settings(max_examples=60)
@given(
    pairs=st.lists(st.tuples(trees(), facts(ill_shaped=True), levels()), min_size=1, max_size=12),
    parameters=st.sampled_from(DAYS),
)
def test_database_and_reference_agree(
    database: psycopg.Connection,
    pairs: list[tuple[CriteriaTree, dict[str, Any], dict[str, str]]],
    parameters: dict[str, Any],
) -> None:
    asked = [(tree, with_levels(known, held)) for tree, known, held in pairs]

    assert answers(database, asked, parameters) == [
        reference(tree, known, parameters, assurance=held) for tree, known, held in pairs
    ]


MANY_ANSWERS = """
SELECT answer.result, answer.fit
FROM unnest(%s::jsonb[], %s::jsonb[], %s::jsonb[]) WITH ORDINALITY AS asked (tree, facts, parameters, place),
    LATERAL criteria_evaluate(asked.tree, asked.facts, asked.parameters) AS answer
ORDER BY asked.place
"""


@pytest.mark.parametrize(
    ("seed", "number"),
    [
        pytest.param(2026, 2_000, id="2000 pairs"),
        pytest.param(20260, 10_000, id="10000 pairs", marks=pytest.mark.slow),
        pytest.param(1122, 100_000, id="100000 pairs", marks=pytest.mark.soak),
    ],
)
def test_database_and_reference_agree_on_a_crowd(database: psycopg.Connection, seed: int, number: int) -> None:
    """Every operator, level, assurance and parameter, nested, over facts that are known, absent, null or ill-shaped."""
    random = Random(seed)
    classes: Counter[int] = Counter()
    operators: Counter[str] = Counter()
    assured = differences = 0
    for _ in range(number // 1_000):
        crowd = [
            (tree, random_facts(random), random_levels(random), random.choice(DAYS))
            for tree in (a_random_tree(random) for _ in range(500))
            for _ in range(2)
        ]
        told = database.execute(
            MANY_ANSWERS,
            [
                [Jsonb(tree.as_json()) for tree, _, _, _ in crowd],
                [Jsonb(with_levels(known, held)) for _, known, held, _ in crowd],
                [Jsonb(parameters) for _, _, _, parameters in crowd],
            ],
        ).fetchall()
        own = [reference(tree, known, parameters, assurance=held) for tree, known, held, parameters in crowd]
        differences += sum(one != other for one, other in zip(told, own, strict=True))
        classes.update(rank for rank, _ in own)
        leaves = [leaf for tree, _, _, _ in crowd for leaf in tree.leaves()]
        operators.update(leaf.op for leaf in leaves)
        assured += sum(leaf.assurance is not None for leaf in leaves)

    print(
        f"\n{number} pairs, {sum(operators.values())} criteria, {assured} that want assurance; eligible {classes[0]},"
        f" needs information {classes[1]}, ineligible {classes[2]}; {differences} differences"
    )
    assert differences == 0
    assert set(operators) == OPS
    assert min(classes[rank] for rank in range(3)) > number // 50


@settings(max_examples=40)
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
        " AND proname <> 'criteria_one_by_one'"  # it reads programmes
    ).fetchall()

    assert kinds == [("i", "s")]


def test_the_database_agrees_on_every_pair_of_the_demonstration_cases(database: psycopg.Connection) -> None:
    pairs = [(tree, known) for tree in PROGRAMMES.values() for known in PROPOSALS.values()]

    assert answers(database, pairs, THE_DAYS_PARAMETERS) == [
        reference(tree, known, THE_DAYS_PARAMETERS) for tree, known in pairs
    ]
