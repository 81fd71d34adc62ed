"""Requests to the product's own application, without a socket: what a worker process does for each of them.

Knows WSGI and who is logged in to a corpus. An answer that is not 200 is refused, so that nobody times errors.
"""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import orjson
from flask import Flask
from flask_jwt_extended import create_access_token
from werkzeug.test import EnvironBuilder

from benchmarks.corpus import family_id

Wsgi = Callable[..., Iterable[bytes]]


class UnexpectedAnswerError(AssertionError):
    """The application did not answer as the benchmark needs it to."""


def headers_of(app: Flask, person: UUID) -> dict[str, str]:
    """What a request of that person carries."""
    with app.app_context():
        token = create_access_token(identity=str(person), additional_claims={"fam": str(family_id(person))})
    return {"Authorization": f"Bearer {token}"}


def request_to(path: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """A GET request as a WSGI server hands it over."""
    path, _, query = path.partition("?")
    return EnvironBuilder(path=path, query_string=query, headers=list((headers or {}).items())).get_environ()


def answer(wsgi: Wsgi, environ: dict[str, Any]) -> bytes:
    """The body of a 200 answer; UnexpectedAnswerError for any other."""
    told: list[str] = []

    def start(status: str, _headers: Any, _error: Any = None) -> Callable[[bytes], None]:
        told.append(status)
        return lambda _written: None

    made = wsgi(dict(environ), start)
    try:
        body = b"".join(made)
    finally:
        close = getattr(made, "close", None)
        if close is not None:
            close()
    if not told or not told[0].startswith("200"):
        raise UnexpectedAnswerError(f"{environ['PATH_INFO']}: {told}: {body[:300]!r}")
    return body


def answer_json(wsgi: Wsgi, environ: dict[str, Any]) -> Any:
    """The same, read."""
    return orjson.loads(answer(wsgi, environ))
