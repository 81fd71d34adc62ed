"""Asking the searches over HTTP."""

from typing import Any

from flask.testing import FlaskClient

from tests.builders import Person


def found(client: FlaskClient, path: str, who: Person | None = None, **query: str) -> list[str]:
    """The ids on the first page, in order; parameters with a point in them are written with two underscores."""
    return [item["id"] for item in answer(client, path, who, **query)["data"]]


def answer(client: FlaskClient, path: str, who: Person | None = None, **query: str) -> Any:
    """The page, which has to be one."""
    told = client.get(path, headers=who.headers if who else {}, query_string=parameters(query))
    assert told.status_code == 200, told.text
    return told.json


def refused(client: FlaskClient, path: str, who: Person | None = None, **query: str) -> list[tuple[str, str]]:
    """The parameters that were refused, and why."""
    told = client.get(path, headers=who.headers if who else {}, query_string=parameters(query))
    assert told.status_code == 422, told.text
    return [(error["parameter"], error["detail"]) for error in told.json["errors"]]


def parameters(query: dict[str, str]) -> dict[str, str]:
    return {name.replace("__", "."): value for name, value in query.items()}
