"""openapi.yaml: written by the code, valid, the same as the routes, and closed where it does not say open."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from marketplace.app import create_app
from marketplace.cli import ROOT, openapi_text
from marketplace.web.openapi import document
from tests.conftest import test_settings as settings_for
from tests.promises.committed import committed_openapi

METHODS = {"get", "post", "put", "patch", "delete"}
OPEN = {
    line.strip()
    for line in (Path(__file__).parent / "open_operations.txt").read_text().splitlines()
    if line.strip() and not line.startswith("#")
}
NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/none"
SOME_ID = "0192f3c4-7b1e-7a53-9c1d-3f6a2b8e4d10"


@pytest.fixture(scope="module")
def unconnected(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application without a database: its routes and its document need none."""
    return create_app(settings_for(NOWHERE, tmp_path_factory.mktemp("instance")))


@pytest.fixture(scope="module")
def described(unconnected: Flask) -> dict[str, Any]:
    """The document that the code writes."""
    return document(unconnected.extensions["market_api"])


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of each."""
    for path, item in described["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield method, path, operation


def test_the_committed_document_is_what_the_code_writes(unconnected: Flask) -> None:
    assert (ROOT / "openapi.yaml").exists(), "run: make openapi"
    wanted = openapi_text(unconnected.extensions["market_api"])

    assert (ROOT / "openapi.yaml").read_text(encoding="utf-8") == wanted, "run: make openapi"


def test_the_document_does_not_hang_on_where_it_is_made(unconnected: Flask, tmp_path: Path) -> None:
    settings = replace(settings_for(NOWHERE, tmp_path), public_url="https://elsewhere.example", body_limit=1000)

    assert openapi_text(create_app(settings).extensions["market_api"]) == openapi_text(
        unconnected.extensions["market_api"]
    )


def test_the_document_is_valid(described: dict[str, Any]) -> None:
    faults = [
        f"{list(each.absolute_path)}: {each.message}" for each in OpenAPIV31SpecValidator(described).iter_errors()
    ]

    assert faults == []


def test_every_route_is_described_and_nothing_else(unconnected: Flask, described: dict[str, Any]) -> None:
    routes = {
        (method.lower(), re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule))
        for rule in unconnected.url_map.iter_rules()
        for method in rule.methods or ()
        if rule.rule.startswith("/v1") and method.lower() in METHODS
    }

    assert {(method, path) for method, path, _ in operations(described)} == routes


def test_every_operation_has_a_name_of_its_own_and_a_summary(described: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(described)]
    nameless = [f"{method} {path}" for method, path, each in operations(described) if not each.get("summary")]

    assert len(names) == len(set(names))
    assert nameless == []


def test_the_open_operations_are_exactly_the_listed_ones(described: dict[str, Any]) -> None:
    found = {f"{method} {path}" for method, path, each in operations(described) if {} in each.get("security", [])}

    assert found == OPEN


def test_every_closed_operation_answers_401_to_a_stranger(client: FlaskClient, described: dict[str, Any]) -> None:
    wrong = []
    for method, path, _ in operations(described):
        if f"{method} {path}" in OPEN:
            continue
        some = re.sub(r"\{\w*_id\}", SOME_ID, path)
        answer = client.open(re.sub(r"\{[^}]*\}", "1", some), method=method.upper())
        if (answer.status_code, answer.content_type) != (401, "application/problem+json"):
            wrong.append((method, path, answer.status_code, answer.content_type))
        elif not answer.headers.get("WWW-Authenticate", "").startswith("Bearer"):
            wrong.append((method, path, "no WWW-Authenticate", ""))

    assert wrong == []


def test_every_string_that_comes_in_has_a_length(described: dict[str, Any]) -> None:
    """An unbounded string or list is an open door: each has a bound, a pattern, a format or a list of values."""
    schemas = described["components"]["schemas"]
    unbounded: set[str] = set()

    def look(schema: Any, where: str, seen: frozenset[str]) -> None:
        if not isinstance(schema, dict):
            return
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            if name not in seen:
                look(schemas.get(name), name, seen | {name})
            return
        kinds = schema.get("type")
        kinds = {kinds} if isinstance(kinds, str) else set(kinds or ())
        if "string" in kinds and not {"maxLength", "pattern", "format", "enum", "const"} & set(schema):
            unbounded.add(where)
        if "array" in kinds and not {"maxItems", "enum"} & set(schema):
            unbounded.add(f"{where} (list)")
        for name, inner in (schema.get("properties") or {}).items():
            look(inner, f"{where}.{name}", seen)
        for key in ("items", "additionalProperties"):
            look(schema.get(key), f"{where}[]", seen)
        for key in ("allOf", "anyOf", "oneOf"):
            for inner in schema.get(key) or []:
                look(inner, where, seen)

    for method, path, operation in operations(described):
        for media, body in (operation.get("requestBody") or {}).get("content", {}).items():
            look(body.get("schema"), f"{method} {path} {media}", frozenset())

    assert sorted(unbounded) == []


def test_the_committed_document_reads_as_yaml() -> None:
    assert committed_openapi()["openapi"] == "3.1.0"
