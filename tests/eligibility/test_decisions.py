"""A decision is made again from what was kept of it, byte for byte, and whatever was tampered with is found."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.eligibility import decisions
from marketplace.eligibility.decisions import EVALUATOR, EVALUATORS, Basis, decide, replay, result_text, tree_digest
from marketplace.eligibility.rules import evaluate
from marketplace.eligibility.tree import CriteriaTree
from marketplace.values.canonical import canonical_json, sha256_of
from tests.eligibility.trees import PARAMETERS, REGISTRY, facts, trees

KEPT = Path(__file__).parent / "decisions"
IDS = {"criteria_version_id": UUID(int=1), "proposal_version_id": UUID(int=2)}


def kept(evaluator: int) -> dict[str, Any]:
    """The decision that was committed when that evaluator came."""
    document: dict[str, Any] = json.loads((KEPT / f"evaluator-{evaluator}.json").read_text(encoding="utf-8"))
    return document


def basis_in(document: dict[str, Any]) -> Basis:
    written = document["basis"]
    ids = {name: UUID(written[name]) for name in IDS}
    return Basis(**{**written, **ids, "as_of": date.fromisoformat(written["as_of"])})


def again(document: dict[str, Any]) -> decisions.Replay:
    return replay(
        document["tree"],
        basis_in(document),
        document["basis_sha256"],
        document["result"],
        document["result_sha256"],
    )


def a_basis(tree: dict[str, Any], known: dict[str, Any], **members: Any) -> Basis:
    values: dict[str, Any] = {
        "evaluator": EVALUATOR,
        "tree_sha256": tree_digest(tree),
        "as_of": date(2026, 11, 22),
        "facts": known,
        "shared": sorted(REGISTRY),
        "assurance": {},
        "waived": [],
        "parameters": PARAMETERS,
    }
    return Basis(**IDS, **values | members)


@pytest.mark.parametrize("evaluator", sorted(EVALUATORS))
def test_a_decision_of_each_evaluator_is_made_again_byte_for_byte(evaluator: int) -> None:
    """Red where the evaluator says another thing, or says it in other words or another order: raise EVALUATOR."""
    document = kept(evaluator)

    assert result_text(decide(document["tree"], basis_in(document)), evaluator) == document["result"]
    assert again(document).equal


def test_the_kept_decision_shows_every_outcome_and_kind_of_node() -> None:
    document = kept(EVALUATOR)
    reasons = json.loads(document["result"])["reasons"]

    assert {each["outcome"] for each in reasons} == {"met", "unmet", "unknown"}
    assert {(each["negated"], each["not_shared"], each["waivable"]) for each in reasons} >= {
        (True, False, False),
        (False, True, False),
        (False, False, True),
    }
    assert {node for each in document["tree"]["criteria"] for node in each} >= {"any", "not", "at_least", "op"}


def set_to(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Put `value` where the path leads in a kept decision."""

    def tamper(document: dict[str, Any]) -> None:
        place = document
        for step in path[:-1]:
            place = place[step]
        assert place.get(path[-1]) != value
        place[path[-1]] = value

    return tamper


@pytest.mark.parametrize(
    ("tamper", "differs"),
    [
        pytest.param(set_to("basis", "facts", "staff_count", value=41), ("basis", "result"), id="a fact it rests on"),
        pytest.param(set_to("basis", "facts", "founded", value=1), ("basis",), id="a fact that no criterion asks for"),
        pytest.param(set_to("basis", "assurance", value={}), ("basis", "result"), id="the assurance"),
        pytest.param(set_to("basis", "waived", value=[]), ("basis", "result"), id="the waivers"),
        pytest.param(set_to("basis", "shared", value=[]), ("basis", "result"), id="what was shared"),
        pytest.param(set_to("basis", "parameters", value={}), ("basis", "result"), id="the parameters"),
        pytest.param(set_to("basis", "as_of", value="2026-11-23"), ("basis",), id="the day"),
        pytest.param(set_to("basis", "evaluator", value=99), ("evaluator", "basis", "result"), id="the evaluator"),
        pytest.param(set_to("basis", "facts", value={"staff_count": {}}), ("basis", "result"), id="nonsense for facts"),
        pytest.param(set_to("tree", "criteria", value=[]), ("criteria", "result"), id="the criteria"),
        pytest.param(set_to("tree", value={}), ("criteria", "result"), id="no criteria at all"),
        pytest.param(set_to("tree", value={"schema_version": 1, "criteria": 7}), ("criteria", "result"), id="no tree"),
        pytest.param(set_to("result", value="{}"), ("result",), id="the result"),
        pytest.param(set_to("result_sha256", value="0" * 64), ("result",), id="the digest of the result"),
        pytest.param(set_to("basis_sha256", value="0" * 64), ("basis",), id="the digest of the basis"),
    ],
)
def test_each_tampering_is_found_and_named(tamper: Callable[[dict[str, Any]], None], differs: tuple[str, ...]) -> None:
    document = kept(EVALUATOR)
    tamper(document)

    assert again(document).differs == differs


def test_a_tree_that_cannot_be_read_is_not_replayed() -> None:
    document = kept(EVALUATOR)
    document["tree"] = {}

    assert again(document).replayed_sha256 is None


@given(
    tree=trees(),
    known=facts(),
    shared=st.sets(st.sampled_from(sorted(REGISTRY))),
    waived=st.sets(st.sampled_from([f"C{number}" for number in range(6)])),
)
def test_whatever_was_decided_comes_out_the_same_from_its_stored_text(
    tree: CriteriaTree, known: dict[str, Any], shared: set[str], waived: set[str]
) -> None:
    stored = tree.as_json()
    basis = a_basis(stored, known, shared=sorted(shared), waived=sorted(waived))
    evaluation = decide(stored, basis)
    document = json.loads(
        canonical_json(
            {
                "tree": stored,
                "basis": basis.as_json(),
                "basis_sha256": basis.sha256,
                "result": result_text(evaluation),
                "result_sha256": sha256_of(result_text(evaluation)),
            }
        )
    )

    assert again(document).equal
    assert evaluation == evaluate(stored, known, parameters=PARAMETERS, shared=shared, waived=waived)
    assert json.loads(result_text(evaluation)) == json.loads(json.dumps(evaluation.as_json()))


def test_the_same_value_is_the_same_text_whatever_the_order_of_its_members() -> None:
    assert (
        canonical_json({"b": [1, {"d": "\u00a3", "c": None}], "a": True})
        == '{"a":true,"b":[1,{"c":null,"d":"\u00a3"}]}'
    )
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1})


def test_an_evaluator_that_is_gone_decides_nothing() -> None:
    basis = a_basis({"schema_version": 1, "criteria": []}, {})

    with pytest.raises(KeyError):
        decide({"schema_version": 1, "criteria": []}, replace(basis, evaluator=EVALUATOR + 1))
