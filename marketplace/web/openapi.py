"""The blueprint and the API object that all features use: closed doors, strict bodies, and an OpenAPI 3.1 document."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from flask import Flask, current_app, request
from flask_smorest import Api, Blueprint
from flask_smorest.utils import deepupdate, prepare_response
from marshmallow import Schema
from webargs.flaskparser import abort

from marketplace.web.guard import let_in
from marketplace.web.languages import ALL_LANGUAGES_PARAMETER
from marketplace.web.parsing import StrictParser
from marketplace.web.problems import Problem, http_problem

ALWAYS = {"429": "TOO_MANY_REQUESTS", "503": "SERVICE_UNAVAILABLE", "400": "BAD_REQUEST"}
View = TypeVar("View", bound=Callable[..., Any])
RENAMED = {"UNPROCESSABLE_CONTENT": "UNPROCESSABLE_ENTITY", "CONTENT_TOO_LARGE": "REQUEST_ENTITY_TOO_LARGE"}
"""Newer Pythons name these statuses otherwise; the document is the same on all of them."""

DESCRIPTION = """\
Staff groups of public services that want to spin out as mutuals post funding asks; funders publish programmes with
eligibility rules; both see who fits whom and why; money is pledged, and released in stages against evidence.

Money is integer minor units with an ISO 4217 currency. Times are RFC 3339, UTC. Every failure is
`application/problem+json` (RFC 9457) with a stable `code`. Lists are keyset pages: follow `next_cursor`. PUT, PATCH
and DELETE need `If-Match`; POSTs may carry an `Idempotency-Key`, and money POSTs must. Authored text is answered in the
language of `Accept-Language` (en, cy), or as a language map with `languages=all`.
"""


class MarketBlueprint(Blueprint):
    """A feature's routes under `/v1`. Closed unless a view is marked `open_to_all`."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, import_name: str, **kwargs: Any) -> None:
        super().__init__(name, import_name, **kwargs)
        self._prepare_doc_cbks.append(self._prepare_market_doc)
        self.before_request(_check_request)

    def _store_endpoint_docs(self, endpoint: str, obj: Any, *args: Any, **options: Any) -> None:
        described = deepcopy(getattr(obj, "_apidoc", {}))
        market = described.setdefault("market", {})
        market["operation"] = _camel(obj.__name__)
        market["open"] = getattr(obj, "open_to_all", False)
        obj._apidoc = described
        super()._store_endpoint_docs(endpoint, obj, *args, **options)

    def _prepare_market_doc(
        self, doc: dict[str, Any], doc_info: dict[str, Any], *, app: Flask, method: str, **_: Any
    ) -> dict[str, Any]:
        market = doc_info["market"]
        doc["operationId"] = market["operation"]
        responses: dict[str, Any] = doc.setdefault("responses", {})
        for response in responses.values():
            if isinstance(response, dict):
                response.pop("content_type", None)
        refusals = dict(ALWAYS)
        parameters: list[dict[str, Any]] = doc.setdefault("parameters", [])
        if market["open"]:
            doc["security"] = [{}, {"bearer": []}]
        refusals["401"] = "UNAUTHORIZED"
        refusals["404"] = "NOT_FOUND"
        refusals["422"] = "UNPROCESSABLE_ENTITY"
        if method != "get":
            refusals |= {"403": "FORBIDDEN", "409": "CONFLICT", "413": "REQUEST_ENTITY_TOO_LARGE"}
            refusals |= {"415": "UNSUPPORTED_MEDIA_TYPE"}
        else:
            refusals["403"] = "FORBIDDEN"
        if method in {"put", "patch", "delete"}:
            refusals |= {"412": "PRECONDITION_FAILED", "428": "PRECONDITION_REQUIRED"}
            parameters.append(_header("If-Match", "The ETag of what you change.", required=True))
        if "body_limit" in market:
            doc["x-body-limit"] = market["body_limit"]
        writing = market.get("writes")
        if writing and not market["open"]:
            words = "Makes the request safe to repeat: the same key gives the same answer for 30 days."
            parameters.append(_header("Idempotency-Key", words, required=writing == "required"))
        if method == "get":
            parameters.append(_language_parameter())
        for status, name in refusals.items():
            responses.setdefault(status, name)
            if status == "422":
                responses.pop(422, None)  # type: ignore[call-overload]
        _describe_success(
            responses, method, media=(*market.get("media", ()), *(("text/csv",) * market.get("csv", False)))
        )
        return doc


def also_answers(*media: str) -> Callable[[View], View]:
    """Say in the OpenAPI document that the answer is also there as these media types. Stands below `response`."""

    def described(view: View) -> View:
        documented: Any = view
        documented._apidoc = deepupdate(deepcopy(getattr(view, "_apidoc", {})), {"market": {"media": media}})
        return view

    return described


def _describe_success(responses: dict[Any, Any], method: str, *, media: Sequence[str]) -> None:
    for each in media:
        responses[200].setdefault("content", {})[each] = {"schema": {"type": "string"}}
    if method == "get" and any(str(status) == "200" for status in responses):
        responses.setdefault("304", {"description": "Not modified: If-None-Match names the present ETag."})


class MarketApi(Api):
    """The API object: errors are problem+json in the document as in life."""

    ERROR_SCHEMA = Problem

    def _register_responses(self) -> None:
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        for newer, steady in RENAMED.items():
            status = next((each for each in HTTPStatus if each.name == newer), None)
            if status is not None:
                response = {"description": status.phrase, "schema": self.ERROR_SCHEMA}
                prepare_response(response, self.spec, self.DEFAULT_RESPONSE_CONTENT_TYPE)
                self.spec.components.response(steady, response, lazy=True)
        del self.DEFAULT_RESPONSE_CONTENT_TYPE

    def handle_http_exception(self, error: Any) -> Any:
        return http_problem(error)


def spec_options(public_url: str) -> dict[str, Any]:
    """Settings of the OpenAPI document."""
    return {
        "API_TITLE": "Mutuals Marketplace",
        "API_VERSION": "1.0.0",
        "OPENAPI_VERSION": "3.1.0",
        "API_SPEC_OPTIONS": {
            "info": {
                "description": DESCRIPTION,
                "license": {"name": "MIT", "identifier": "MIT"},
                "summary": "Seed money for public-service mutuals: who could fund whom, why, and what was promised.",
            },
            "servers": [{"url": "/", "description": "This server"}],
            "security": [{"bearer": []}],
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
        },
    }


def document(api: MarketApi) -> dict[str, Any]:
    """The whole OpenAPI document as plain values, without what smorest adds and nobody uses."""
    made: dict[str, Any] = deepcopy(api.spec.to_dict())
    schemas = made["components"].get("schemas", {})
    for unused in ("PaginationMetadata", "Error"):
        schemas.pop(unused, None)
    made["components"].pop("headers", None)
    used = str(made["paths"]) + str(made["components"].get("responses", {}))
    responses = made["components"].get("responses", {})
    for name in [name for name in responses if f"#/components/responses/{name}'" not in used]:
        responses.pop(name)
    return deepupdate({}, made)  # type: ignore[no-any-return]


def _check_request() -> None:
    """Before each view: who calls, names that can exist, and no query but what the operation has, each said once."""
    view = current_app.view_functions[request.endpoint or ""]
    let_in(view)
    if any(isinstance(value, str) and not value.isprintable() for value in (request.view_args or {}).values()):
        abort(404, detail="Nothing has such a name.")
    try:
        unquote_to_bytes(request.query_string).decode()
    except UnicodeDecodeError:
        abort(400, detail="The query is not UTF-8.")
    known = _query_names(view)
    for name in request.args:
        if name not in known:
            abort(422, messages={"query": {name[:60]: ["Unknown parameter."]}})
    for name, values in request.args.lists():
        if len(values) > 1:
            abort(422, messages={"query": {name[:60]: ["Given more than once."]}})
        if not values[0].isprintable():
            abort(422, messages={"query": {name[:60]: ["Holds a character that cannot be searched."]}})


def _query_names(view: Any) -> set[str]:
    names = {ALL_LANGUAGES_PARAMETER} if request.method in {"GET", "HEAD"} else set()
    if request.args.get(ALL_LANGUAGES_PARAMETER, "all") != "all":
        abort(422, messages={"query": {ALL_LANGUAGES_PARAMETER: ["Only `all` is known."]}})
    return names | _described_names(view)


@cache
def _described_names(view: Any) -> frozenset[str]:
    """The query parameters of a view's schemas: some have a hundred, and a schema is made of copies of its fields."""
    names: set[str] = set()
    for parameter in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", []):
        if parameter.get("in") == "query":
            schema: Schema = parameter["schema"]() if isinstance(parameter["schema"], type) else parameter["schema"]
            names |= {field.data_key or name for name, field in schema.fields.items()}
    return frozenset(names)


def _header(name: str, words: str, *, required: bool) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 200}
    return {"in": "header", "name": name, "required": required, "description": words, "schema": schema}


def _language_parameter() -> dict[str, Any]:
    return {
        "in": "query",
        "name": ALL_LANGUAGES_PARAMETER,
        "required": False,
        "description": "`all` answers authored text as language maps.",
        "schema": {"type": "string", "enum": ["all"]},
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
