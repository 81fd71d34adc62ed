"""Problem details (RFC 9457): the one place where refusals become HTTP. No message of a library gets out."""

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, current_app, g, request
from marshmallow import EXCLUDE, Schema, fields
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, InternalServerError

from marketplace.store.constraints import refusal_for
from marketplace.values.refusals import Conflict, Forbidden, MarketplaceError, NotFound, Unavailable, Unprocessable
from marketplace.web.refusals import note_refusal

STATUS_OF_KIND: Mapping[type[MarketplaceError], int] = {
    NotFound: 404,
    Forbidden: 403,
    Conflict: 409,
    Unprocessable: 422,
    Unavailable: 503,
}
CODES_OF_HTTP = {
    400: "malformed-request",
    401: "not-authenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    408: "request-timeout",
    409: "conflict",
    410: "gone",
    412: "precondition-failed",
    413: "content-too-large",
    414: "uri-too-long",
    415: "unsupported-media-type",
    422: "validation-failed",
    428: "precondition-required",
    429: "too-many-requests",
    431: "header-too-large",
    500: "internal-error",
    503: "try-again",
}
PROBLEM_TYPE = "application/problem+json"
MOST_ERRORS = 50
RETRY_SECONDS = "30"
"""After which a client may try again what failed because a service of ours was away."""
RETRYABLE = frozenset({"40001", "40P01", "55P03", "57014", "57P01", "57P03", "08006", "53300"})
"""SQLSTATEs after which the same request may succeed: serialisation, deadlock, timeouts, restarts."""

log = logging.getLogger(__name__)


class ProblemPart(Schema):
    """One fault: where (`pointer` into the body, or `parameter`) and what is wrong with it."""

    pointer = fields.String()
    parameter = fields.String()
    detail = fields.String(required=True)

    class Meta:
        unknown = EXCLUDE


class Problem(Schema):
    """RFC 9457 problem details. `code` is stable; `reasons` carries every unmet criterion where there are some."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    instance = fields.String()
    code = fields.String(required=True)
    request_id = fields.String()
    errors = fields.List(fields.Nested(ProblemPart))
    reasons = fields.List(fields.Dict())

    class Meta:
        unknown = EXCLUDE


def problem_response(
    status: int, code: str, title: str, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> Response:
    """An `application/problem+json` answer."""
    body: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "instance": quote(request.path, safe="/~!$&'()*+,;=:@"),
        "request_id": g.get("request_id"),
        **members,
    }
    if isinstance(body.get("errors"), list):
        body["errors"] = body["errors"][:MOST_ERRORS]
    response = current_app.response_class(current_app.json.dumps(body), status=status, content_type=PROBLEM_TYPE)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = "en"
    return response


def refusal_response(error: MarketplaceError) -> Response:
    """The answer for a refusal of ours: its kind decides the status."""
    status = next(code for kind, code in STATUS_OF_KIND.items() if isinstance(error, kind))
    if isinstance(error, Forbidden):
        note_refusal(error)
    headers = {"Retry-After": RETRY_SECONDS} if isinstance(error, Unavailable) else None
    return problem_response(status, error.code, error.title, error.detail, headers, **error.facts)


def http_problem(error: HTTPException) -> Response:
    """The answer for werkzeug's and flask-smorest's refusals, with the headers that belong to them."""
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    headers = {
        name: value for name, value in error.get_headers() if name.lower() not in {"content-type", "content-length"}
    }
    headers.update(data.get("headers") or {})
    members: dict[str, Any] = {}
    if "messages" in data:
        members["errors"] = list(_parts(data["messages"]))
    detail = data.get("detail") or (
        error.description if status != 500 else "Something failed here. It is not your request."
    )
    if "messages" in data:
        detail = "The request does not have the form that is asked for; `errors` names each fault."
    code = data.get("code") or CODES_OF_HTTP.get(status, "refused")
    return problem_response(status, code, HTTPStatus(status).phrase, detail or "", headers, **members)


def database_problem(error: Exception) -> Response:
    """The answer for a database error that reached us: a named refusal, a retry, or (422) data that does not fit."""
    if isinstance(error, StaleDataError):
        return problem_response(
            412, "precondition-failed", "Precondition Failed", "It was changed by someone else meanwhile."
        )
    if isinstance(error, IntegrityError):
        return refusal_response(refusal_for(_constraint_name(error)))
    sqlstate = getattr(getattr(error, "orig", None), "sqlstate", None)
    if isinstance(error, OperationalError) or sqlstate in RETRYABLE:
        log.warning("database busy or away", extra={"sqlstate": sqlstate})
        return problem_response(
            503, "try-again", "Try again", "The database is busy; nothing was changed.", {"Retry-After": "1"}
        )
    if sqlstate is not None and sqlstate.startswith("22"):
        return problem_response(
            422, "validation-failed", "Unprocessable Content", "A value does not fit where it belongs."
        )
    log.error("unexpected database error", exc_info=error)
    return http_problem(InternalServerError())


def register_problems(app: Flask) -> None:
    """Answer every failure with problem+json."""
    app.register_error_handler(MarketplaceError, refusal_response)
    app.register_error_handler(HTTPException, http_problem)
    app.register_error_handler(DBAPIError, database_problem)
    app.register_error_handler(StaleDataError, database_problem)
    app.register_error_handler(Exception, _unexpected)


def _unexpected(error: Exception) -> Response:
    log.error("unexpected failure", exc_info=error)
    return http_problem(InternalServerError())


def _constraint_name(error: IntegrityError) -> str | None:
    diagnosis = getattr(error.orig, "diag", None)
    return getattr(diagnosis, "constraint_name", None)


def _parts(messages: Any) -> Iterator[dict[str, str]]:
    """Marshmallow's nested messages as flat problem parts."""
    for location, inner in messages.items() if isinstance(messages, dict) else [("json", messages)]:
        for path, text in _leaves(inner, ()):
            if location in {"json", "form", "files"}:
                steps = [step.replace("~", "~0").replace("/", "~1") for step in path if step != "_schema"]
                yield {"pointer": "#" + "".join(f"/{step}" for step in steps), "detail": text}
            else:
                yield {"parameter": path[0] if path else location, "detail": text}


def _leaves(messages: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(messages, list):
        for inner in messages:
            yield from _leaves(inner, path)
    else:
        yield path, str(messages)
