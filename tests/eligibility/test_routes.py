"""The criteria language as it is served: the parser's own tables, no second ones."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from marketplace.eligibility import tree
from marketplace.eligibility.tree import COMPARISONS, parse_author_tree
from marketplace.reference.facts import REGISTRY
from marketplace.reference.parameters import AS_OF, values_on
from marketplace.values.clock import today

PATH = "/v1/criteria-language"


@pytest.fixture
def told(client: FlaskClient) -> dict[str, Any]:
    answer = client.get(PATH)
    assert answer.status_code == 200
    return answer.json


def test_anyone_reads_the_whole_language(told: dict[str, Any]) -> None:
    assert [each["op"] for each in told["comparisons"]] == list(COMPARISONS)
    assert {each["name"]: each["ops"] for each in told["types"]} == {
        kind: sorted(ops) for kind, ops in tree.OPS_BY_TYPE.items()
    }
    assert [each["name"] for each in told["groups"]] == ["all", "any", "not", "at_least"]
    assert all(each["meaning"].endswith(".") for each in (*told["comparisons"], *told["groups"]))
    assert told["assurance_levels"] == ["declared", "evidenced", "verified"]
    assert told["reserved_codes"] == ["ASK_MAX", "ASK_MIN", "CURRENCY", "INSTRUMENT", "STAGE"]
    named = {each["name"]: each["value"] for each in told["parameters"]}
    assert named | {AS_OF: today().isoformat()} == values_on(today())
    (within,) = [each for each in told["comparisons"] if each["op"] == "within"]
    assert (within["types"], within["facts"]) == ([], ["sector", "area_code"])


def test_it_is_fetched_again_only_when_it_has_changed(client: FlaskClient) -> None:
    first = client.get(PATH)

    again = client.get(PATH, headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data) == (304, b"")


def a_leaf(code: str, **members: Any) -> dict[str, Any]:
    return {"code": code, "fact": "staff_count", "op": "gte", "value": 1, **members}


def nested(levels: int) -> dict[str, Any]:
    node = a_leaf("A")
    for _ in range(levels - 1):
        node = {"not": node}
    return node


@pytest.mark.parametrize(
    ("cap", "of_size"),
    [
        ("depth", lambda size: [nested(size)]),
        ("nodes", lambda size: [{"all": [a_leaf(f"A{place}") for place in range(size - 1)]}]),
        ("branches", lambda size: [a_leaf(f"A{place}") for place in range(size)]),
        ("values", lambda size: [a_leaf("A", op="in", value=list(range(size)))]),
        ("months", lambda size: [a_leaf("A", fact="trading_since", op="at_least_months_before", value=size)]),
        ("weight", lambda size: [a_leaf("A", weight=size)]),
        ("reason_length", lambda size: [a_leaf("A", reason="x" * size)]),
    ],
)
def test_the_parser_keeps_to_the_caps_that_are_served(told: dict[str, Any], cap: str, of_size: Any) -> None:
    most = told["caps"][cap]

    def read(size: int) -> Any:
        return parse_author_tree({"schema_version": told["schema_version"], "criteria": of_size(size)}, REGISTRY)

    assert read(most)
    with pytest.raises(tree.InvalidCriteria):
        read(most + 1)


def test_a_fact_says_what_criteria_may_do_with_it(client: FlaskClient) -> None:
    facts = {each["slug"]: each for each in client.get("/v1/facts").json["data"]}

    assert (facts["sector"]["chain"], facts["sectors"]["group_codelist"]) == ("sectors", "sector_groups")
    assert (facts["cuts_threat"]["never_hard"], facts["stage"]["never_hard"]) == (True, False)
    assert (facts["sector"]["assurable"], facts["ask"]["assurable"]) == (True, False)
