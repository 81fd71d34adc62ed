"""Conditional requests (RFC 9110, 13): strong ETags, If-Match on every change.

A thing's stamp is its id and version. What a GET answers differs with who asks and in which language, so that its ETag
is the stamp and a digest of the body (`<stamp>.<digest>`); If-Match looks at the stamp alone, whoever's sight it is of.
"""

import hashlib
import re
from typing import Any, Protocol, TypeVar
from uuid import UUID

from flask import Flask, Response, request
from flask_smorest.utils import get_appcontext
from werkzeug.exceptions import PreconditionFailed, PreconditionRequired


class Stamped(Protocol):
    """Anything with an id and a version."""

    id: Any
    version: Any


Thing = TypeVar("Thing", bound=Stamped)
_DIGEST = re.compile(r"\.[0-9a-f]{16}\Z")


def etag_of(thing: Stamped) -> str:
    """The stamp (without quotes): it changes whenever the version does."""
    identity = thing.id.hex if isinstance(thing.id, UUID) else str(thing.id)
    return f"{identity}.{thing.version}"


def tagged(thing: Thing) -> Thing:
    """Give the answer the thing's ETag."""
    get_appcontext().setdefault("market_headers", {})["ETag"] = f'"{etag_of(thing)}"'
    return thing


def located(path: str) -> None:
    """Give the answer a Location: the path of what was made."""
    get_appcontext().setdefault("market_headers", {})["Location"] = path


def if_match(thing: Stamped) -> None:
    """Refuse the change unless the caller has seen the present version: 428 without If-Match, 412 when stale."""
    if not request.if_match:
        raise PreconditionRequired("Send If-Match with the ETag of what you change.")
    stamp = etag_of(thing)
    if not request.if_match.star_tag and all(_DIGEST.sub("", each) != stamp for each in request.if_match):
        raise PreconditionFailed("It was changed by someone else meanwhile; read it again.")


def register_conditional(app: Flask) -> None:
    """Answer 304 to a GET whose If-None-Match names the present ETag."""

    @app.after_request
    def not_modified(response: Response) -> Response:
        shown = request.method in {"GET", "HEAD"} and response.status_code == 200 and response.is_json
        for name, value in get_appcontext().pop("market_headers", {}).items():
            if response.status_code < 300:
                response.headers[name] = _of_body(value, response) if name == "ETag" and shown else value
        if request.method in {"GET", "HEAD"} and response.status_code == 200 and "ETag" in response.headers:
            response.make_conditional(request)
        return response


def _of_body(stamp: str, response: Response) -> str:
    return f'{stamp[:-1]}.{hashlib.sha256(response.get_data()).hexdigest()[:16]}"'
