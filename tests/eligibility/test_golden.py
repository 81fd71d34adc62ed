"""Decisions are replayed for ever: what was decided once is decided again, to the byte.

`golden.json` holds trees with facts, assurance, sharing and parameters, and the evaluation that each came to. A change
of the language may add cases; it may not change one. New cases are added by

    python -m tests.eligibility.test_golden

which keeps every case that is there and refuses to run where one would come out differently.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from marketplace.eligibility.rules import evaluate
from marketplace.eligibility.tree import COMPARISONS, CriteriaTree, Criterion, read_tree
from tests.eligibility.test_rules import COMPARISONS as COMPARED
from tests.eligibility.test_rules import WITH_MORE_THAN_THE_FACT
from tests.eligibility.trees import (
    PARAMETERS,
    REGISTRY,
    a_random_tree,
    a_tree,
    random_facts,
    random_levels,
)

FILE = Path(__file__).with_name("golden.json")
Case = dict[str, Any]


def written(value: Any) -> str:
    """The one writing of an evaluation, member for member in order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def decided(case: Mapping[str, Any]) -> str:
    evaluation = evaluate(
        case["tree"],
        case["facts"],
        parameters=case["parameters"],
        shared=None if case["shared"] is None else frozenset(case["shared"]),
        assurance=case["assurance"],
        waived=frozenset(case["waived"]),
    )
    return written(evaluation.as_json())


def cases() -> list[Case]:
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else []


GOLDEN = cases()


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in GOLDEN])
def test_what_was_decided_once_is_decided_again(case: Case) -> None:
    assert decided(case) == case["decided"]


def test_the_golden_cases_show_every_comparison_group_and_result() -> None:
    read = [read_tree(case["tree"]) for case in GOLDEN]
    text = written([case["tree"] for case in GOLDEN])
    results = {json.loads(case["decided"])["result"] for case in GOLDEN}

    assert len(GOLDEN) >= 60
    assert {leaf.op for tree in read for leaf in tree.leaves()} == set(COMPARISONS)
    assert all(f'"{group}":' in text for group in ("all", "any", "not", "at_least", "parameter", "assurance", "chain"))
    assert results == {"eligible", "needs_information", "ineligible"}
    assert any(case["shared"] is not None for case in GOLDEN)
    assert any(case["waived"] for case in GOLDEN)


def _proposed() -> list[Case]:
    """One case for each comparison in each outcome it can have, then random trees."""
    tables: dict[str, tuple[Criterion, dict[str, Any]]] = {}
    for op, found, wanted, outcome in COMPARED:
        tables.setdefault(f"{op} {outcome}", (Criterion("C", "it", op, wanted), {"it": found}))
    for criterion, known, outcome in WITH_MORE_THAN_THE_FACT:
        tables.setdefault(f"{criterion.op} {outcome}", (criterion, known))
    made = [_case(name, a_tree(criterion), known, {}, None, []) for name, (criterion, known) in tables.items()]
    random = Random(1844)
    for number in range(30):
        tree = a_random_tree(random)
        codes = [leaf.code for leaf in tree.leaves() if leaf.waivable]
        shared = sorted(random.sample(sorted(REGISTRY), 8)) if number % 3 == 0 else None
        waived = random.sample(codes, min(len(codes), 2)) if number % 4 == 0 else []
        made.append(
            _case(f"random {number}", tree, random_facts(random), random_levels(random), shared, sorted(waived))
        )
    return made


def _case(
    name: str,
    tree: CriteriaTree,
    facts: dict[str, Any],
    assurance: dict[str, str],
    shared: list[str] | None,
    waived: list[str],
) -> Case:
    case: Case = {
        "name": name,
        "tree": tree.as_json(),
        "facts": facts,
        "parameters": PARAMETERS,
        "assurance": assurance,
        "shared": shared,
        "waived": waived,
    }
    return {**case, "decided": decided(case)}


def _keep() -> None:
    differing = [case["name"] for case in GOLDEN if decided(case) != case["decided"]]
    if differing:
        raise SystemExit(f"Decided differently than before: {', '.join(differing)}")
    held = {case["name"] for case in GOLDEN}
    added = [case for case in _proposed() if case["name"] not in held]
    lines = ",\n".join(written(case) for case in (*GOLDEN, *added))
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(GOLDEN)} kept, {len(added)} added")


if __name__ == "__main__":
    _keep()
