"""Reading request bodies strictly: what JSON leaves open (duplicate keys, NaN, huge numbers, depth) is refused here."""

import json
import math
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import wraps
from typing import Any, NoReturn

from flask import Request, current_app, request
from flask_smorest.utils import deepupdate
from webargs.core import missing
from webargs.flaskparser import FlaskParser, abort

DEEPEST = 32
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})


def malformed(detail: str) -> NoReturn:
    """Refuse the body as unreadable (400)."""
    abort(400, detail=detail)


class StrictParser(FlaskParser):
    """webargs' Flask parser with our reading of JSON bodies; smorest's blueprints use it through `ARGUMENTS_PARSER`."""

    DEFAULT_VALIDATION_STATUS = 422

    def _raw_load_json(self, req: Request) -> Any:
        return strict_json(req)


def strict_json(req: Request) -> Any:
    """The body as JSON; 415 for another media type, 413 too large, 400 unreadable, 422 for NUL or surrogates."""
    body = read_body(req, current_app.config["BODY_LIMIT"])
    if not body and req.mimetype in {"", *JSON_TYPES}:
        return missing
    if req.mimetype not in JSON_TYPES:
        abort(415, detail="Send the body as application/json.")
    if body.startswith(b"\xef\xbb\xbf"):
        malformed("The body starts with a byte order mark.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        malformed("The body is not UTF-8.")
    _refuse_depth(body)
    try:
        document = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constants,
            parse_int=_bounded_integer,
            parse_float=_kept_float,
        )
    except RecursionError:
        malformed("The body is nested too deeply.")
    except ValueError as error:
        malformed(f"The body is not JSON: {_brief(error)}")
    faults = {pointer: ["Holds a character that cannot be stored."] for pointer in _unstorable(document)}
    if faults:
        abort(422, messages={"json": faults})
    return document


def read_body(req: Request, limit: int) -> bytes:
    """At most `limit` bytes of body; 413 past that, 415 for an encoded one."""
    if req.headers.get("Content-Encoding", "identity").lower() != "identity":
        abort(415, detail="Send the body without Content-Encoding.")
    if req.content_length is not None and req.content_length > limit:
        abort(413, detail=f"The body may have at most {limit} bytes.")
    body = req.get_data(cache=True)
    if len(body) > limit:
        abort(413, detail=f"The body may have at most {limit} bytes.")
    return body


def body_at_most(limit: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Refuse a larger body with 413, where a view takes less than the rest. Stands outside `arguments`."""

    def limited(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def read_first(*args: Any, **kwargs: Any) -> Any:
            read_body(request, limit)
            return view(*args, **kwargs)

        documented: Any = read_first
        documented._apidoc = deepupdate(deepcopy(getattr(view, "_apidoc", {})), {"market": {"body_limit": limit}})
        return read_first

    return limited


def _refuse_depth(body: bytes) -> None:
    depth = 0
    for token in _TOKENS.finditer(body):
        sign = token.group()
        if sign in b"[{":
            depth += 1
            if depth > DEEPEST:
                malformed(f"The body is nested more than {DEEPEST} deep.")
        elif sign in b"]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("an object names a member twice")
    return made


def _no_constants(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _bounded_integer(digits: str) -> int:
    if len(digits) > 40:
        raise ValueError("a number has too many digits")
    return int(digits)


def _kept_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number) or (number == 0 and re.search("[1-9]", digits.lower().partition("e")[0])):
        raise ValueError("a number is too large or too small to be kept")
    return number


def _brief(error: ValueError) -> str:
    return str(error).split(":", maxsplit=1)[0][:120].encode("ascii", "replace").decode()


def _unstorable(value: Any, pointer: str = "") -> Iterator[str]:
    """Pointers (without `#/`) of texts that hold NUL or a lone surrogate."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            yield pointer.lstrip("/") or "body"
    elif isinstance(value, dict):
        for key, inner in value.items():
            if list(_unstorable(key)):
                yield pointer.lstrip("/") or "body"
            else:
                yield from _unstorable(inner, f"{pointer}/{key}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _unstorable(inner, f"{pointer}/{place}")
