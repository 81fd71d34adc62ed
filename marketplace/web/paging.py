"""Keyset pages (never offsets): sealed cursors bound to the route, its filters and its order.

A cursor says nothing to its holder and cannot be made up: it is encrypted with AES-SIV (RFC 5297), under a key from the
application's secret. The same place is always the same cursor, so that the same list is the same answer.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app, request
from flask_smorest.utils import get_appcontext
from marshmallow import Schema, ValidationError, fields, validate
from webargs.flaskparser import abort

from marketplace.values.canonical import canonical_json
from marketplace.web.fields import View

DEFAULT_LIMIT, LARGEST_LIMIT = 20, 100
LONGEST_CURSOR = 2000


class QueryCount(fields.Integer):
    """A whole number in a query string: ASCII digits only."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 18:
            raise self.make_error("invalid", input=value)
        return int(value)


class PageQuery(Schema):
    """How much of a list, and from where."""

    limit = QueryCount(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(min=1, max=LARGEST_LIMIT),
        metadata={"description": f"Items a page, 1 to {LARGEST_LIMIT}."},
    )
    cursor = fields.String(
        validate=validate.Length(max=LONGEST_CURSOR),
        metadata={"description": "`next_cursor` of the page before. Bound to the same filters."},
    )


@dataclass(frozen=True, slots=True)
class Page:
    """Some items and, where there are more, the position after the last one (JSON values); facets if asked for."""

    items: Sequence[Any]
    after: list[Any] | None = None
    facets: dict[str, Any] | None = None


@cache
def page_of(view: type[View], facets: fields.Field[Any] | None = None) -> type[View]:
    """The schema of a page of `view`s, and beside them of the list's facets where it has some."""
    name = view.__name__.removesuffix("View") + "Page"
    members: dict[str, Any] = {
        "data": fields.List(fields.Nested(view), required=True),
        "next_cursor": fields.String(allow_none=True, required=True),
        "has_more": fields.Boolean(required=True),
        **({} if facets is None else {"facets": facets}),
    }
    return type(name, (View,), members)


def position(query: dict[str, Any]) -> list[Any] | None:
    """Where the page starts, out of the request's cursor; 422 for a cursor that is not ours or of another list."""
    cursor = query.get("cursor")
    if cursor is None:
        return None
    try:
        bound, place = _opened(cursor)
    except (ValueError, TypeError):
        abort(422, messages={"query": {"cursor": ["Is not a cursor that was given out here."]}})
    if bound != _binding():
        abort(422, messages={"query": {"cursor": ["Belongs to another list or other filters."]}})
    if not isinstance(place, list):
        raise ValidationError("cursor")
    return place


def after_id(query: dict[str, Any]) -> UUID | None:
    """Where the page starts in a list that is ordered by its rows' ids (see `by_id`); None: at its beginning."""
    place = position(query)
    return None if place is None else UUID(place[0])


def by_id(row: Any) -> list[Any]:
    """The place of a row in a list that is ordered by its rows' ids."""
    return [str(row.id)]


def paged(page: Page) -> dict[str, Any]:
    """The page's body, and its Link header (RFC 8288)."""
    cursor = None
    if page.after is not None:
        cursor = _sealed([_binding(), page.after])
        arguments = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
        target = f"{request.path}?{urlencode([*arguments, ('cursor', cursor)])}"
        get_appcontext().setdefault("market_headers", {})["Link"] = f'<{target}>; rel="next"'
    facets = {} if page.facets is None else {"facets": page.facets}
    return {"data": page.items, "next_cursor": cursor, "has_more": cursor is not None, **facets}


def cut(rows: Sequence[Any], limit: int, place: Any) -> Page:
    """A page of at most `limit` out of `limit + 1` fetched rows; `place` gives a row's position."""
    more = len(rows) > limit
    kept = list(rows[:limit])
    return Page(kept, place(kept[-1]) if more else None)


def sealed_place(place: list[Any], asked: Any) -> str:
    """Where a page ended whose list was asked for in a body: a cursor bound to the route and to `asked` (JSON)."""
    return _sealed([_asked_binding(asked), place])


def place_in(after: str | None, asked: Any) -> list[Any] | None:
    """The place that `sealed_place` made a cursor of; 422 for one that is not ours or was made for another body."""
    if after is None:
        return None
    try:
        bound, place = _opened(after)
    except (ValueError, TypeError):
        abort(422, messages={"json": {"after": ["Is not a cursor that was given out here."]}})
    if bound != _asked_binding(asked):
        abort(422, messages={"json": {"after": ["Belongs to another body: post the same one again."]}})
    return list(place)


def _asked_binding(asked: Any) -> str:
    return hashlib.sha256(canonical_json([request.path, asked]).encode()).hexdigest()[:16]


def _sealed(content: list[Any]) -> str:
    plain = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    sealed = _cipher(current_app.config["SECRET_KEY"]).encrypt(plain, None)
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def _opened(cursor: str) -> Any:
    """What `_sealed` made a cursor of; ValueError for anything else."""
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return json.loads(_cipher(current_app.config["SECRET_KEY"]).decrypt(sealed, None))
    except (InvalidTag, binascii.Error) as error:
        raise ValueError("not a cursor") from error


@cache
def _cipher(secret: str) -> AESSIV:
    return AESSIV(HKDF(hashes.SHA256(), 64, None, b"marketplace cursors").derive(secret.encode()))


def _binding() -> str:
    free = {"cursor", "limit", "facets"}
    filters = sorted((name, value) for name, value in request.args.items(multi=True) if name not in free)
    return hashlib.sha256(json.dumps([request.path, filters]).encode()).hexdigest()[:16]


def place_after(cursor: str | None) -> tuple[int, int]:
    """The place in the feed that an `after` cursor names; the start for None; 422 for a cursor that is not ours."""
    if cursor is None:
        return 0, 0
    try:
        kind, transaction, sequence = _opened(cursor)
        if kind != "feed":
            raise ValueError("not a feed cursor")
        return int(transaction), int(sequence)
    except (ValueError, TypeError):
        abort(422, messages={"query": {"after": ["Is not a cursor that was given out here."]}})


def resume_cursor(place: list[Any] | None) -> str:
    """A feed cursor: bound to no filter, good for as long as the feed."""
    transaction, sequence = place or (0, 0)
    return _sealed(["feed", transaction, sequence])
