"""The hostile-input table: what is sent, where it fits, and which answers are ours.

Each row is data. Knows the shapes of the document and how a row becomes a request; must not know any feature.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

Schema = Mapping[str, Any]
Step = str | int
MARK = "@@HOSTILE@@"
TEXTS = frozenset({"text", "email", "uri", "words", "enum"})
STRINGS = TEXTS | {"id", "day", "instant"}
EVERY = STRINGS | {"secret", "flag", "count", "list", "object", "map", "open"}
SHAPED = EVERY - {"open"}
UNREADABLE, INVALID, EITHER = frozenset({400}), frozenset({422}), frozenset({400, 422})
SOME_ID = "0192f3c4-7b1e-7a53-9c1d-3f6a2b8e4d10"


# Values of members


@dataclass(frozen=True)
class Site:
    """A member of a body that a value can be put into: its steps, its kind, its schema."""

    steps: tuple[Step, ...]
    kind: str
    schema: Schema
    nullable: bool = False

    def __str__(self) -> str:
        return "#" + "".join(f"/{step}" for step in self.steps)


@dataclass(frozen=True)
class ValueRow:
    """A JSON literal for members of some kinds, and our answers. `unless` names a keyword that makes it legal."""

    name: str
    kinds: frozenset[str]
    literal: str
    wanted: frozenset[int] = INVALID
    unless: str = ""

    def fits(self, site: Site) -> bool:
        if site.kind not in self.kinds:
            return False
        if self.unless == "nullable":
            return not site.nullable
        if self.unless == "minimum":
            return site.schema.get("minimum", 0) >= 0
        if self.unless == "zero":
            return site.schema.get("minimum", 0) >= 1
        return True


def text_literal(text: str) -> str:
    return json.dumps(text)


def _rows(kinds: frozenset[str], wanted: frozenset[int], values: Mapping[str, str]) -> list[ValueRow]:
    return [ValueRow(name, kinds, literal, wanted) for name, literal in values.items()]


COUNTS, FLAGS, IDS = frozenset({"count"}), frozenset({"flag"}), frozenset({"id"})
DAYS = frozenset({"day", "instant"})

VALUES: list[ValueRow] = [
    *_rows(
        EVERY,
        UNREADABLE,
        {
            "NaN": "NaN",
            "Infinity": "Infinity",
            "-Infinity": "-Infinity",
            "integer of 5,000 digits": "9" * 5000,
            "an array 100,000 deep": "[" * 100_000 + "]" * 100_000,
            "an object 33 deep": '{"a":' * 33 + "1" + "}" * 33,
            "an object that names a member twice": '{"amount": 1, "amount": 999, "currency": "GBP"}',
            "a number with a leading zero": "0123",
            "a hexadecimal number": "0x10",
            "a bare word": "undefined",
        },
    ),
    *_rows(
        EVERY,
        EITHER,
        {"10^100": "1" + "0" * 100, "1e400000000": "1e400000000", "1e-400000000": "1e-400000000"},
    ),
    *_rows(
        EVERY,
        INVALID,
        {
            "text with NUL": '"a\\u0000b"',
            "a lone surrogate": '"a\\ud800b"',
            "a key with NUL": '{"a\\u0000": 1}',
            "a key with a lone surrogate": '{"\\udfff": 1}',
        },
    ),
    ValueRow("null", SHAPED, "null", unless="nullable"),
    *_rows(SHAPED - {"list"}, INVALID, {"a list": '["a"]', "an empty list": "[]"}),
    *_rows(SHAPED - {"object", "map", "words"}, INVALID, {"an object": '{"a": 1}', "an empty object": "{}"}),
    *_rows(SHAPED - {"count"}, INVALID, {"a number": "12"}),
    *_rows(SHAPED - {"flag"}, INVALID, {"true": "true"}),
    *_rows(frozenset({"list", "object", "map", "flag", "count"}), INVALID, {"a text": '"12"', "an empty text": '""'}),
    *_rows(
        STRINGS | {"secret"},
        INVALID,
        {"100,000 characters": text_literal("a" * 100_000), "empty": '""'},
    ),
    *_rows(
        STRINGS,
        INVALID,
        {
            "spaces": '"   "',
            "right-to-left override": '"a\\u202eb"',
            "zero-width space": '"a\\u200bb"',
            "byte order mark in text": '"\\ufeffa"',
            "a control character": '"a\\u0007b"',
        },
    ),
    *_rows(frozenset({"words"}), INVALID, {"an unknown language": '{"xx": "a"}', "no languages": "{}"}),
    *_rows(
        frozenset({"words"}),
        INVALID,
        {"NUL in a language": '{"en": "a\\u0000"}', "a number in a language": '{"en": 7}'},
    ),
    *_rows(
        frozenset({"email"}),
        INVALID,
        {
            "100,000 characters before the @": text_literal("a" * 100_000 + "@example.org"),
            "100,000 dots": text_literal("a@" + "a." * 50_000 + "org"),
            "no @": '"nobody"',
            "two lines": '"a@example.org\\r\\nBcc: b@example.org"',
        },
    ),
    *_rows(
        frozenset({"uri"}),
        INVALID,
        {
            "100,000 characters of address": text_literal("https://" + "a" * 100_000),
            "a script": '"javascript:alert(1)"',
        },
    ),
    *_rows(frozenset({"enum"}), INVALID, {"a value that is not in the list": '"no-such-value"'}),
    *_rows(
        COUNTS,
        INVALID,
        {
            "1.9": "1.9",
            "1.0": "1.0",
            '"12"': '"12"',
            '" ٣ "': '" ٣ "',
            '"1_000"': '"1_000"',
            "true as a number": "true",
            "2^63": str(2**63),
            "10^15 + 1": str(10**15 + 1),
            "-2^63": str(-(2**63)),
            "1e30": "1e30",
            "-0.0": "-0.0",
            '"-0"': '"-0"',
            '"1e400000000"': '"1e400000000"',
            '"NaN"': '"NaN"',
        },
    ),
    ValueRow("-5", COUNTS, "-5", unless="minimum"),
    ValueRow("-0", COUNTS, "-0", unless="zero"),
    *_rows(FLAGS, INVALID, {'"true"': '"true"', "1 as a flag": "1", "0 as a flag": "0", '"yes"': '"yes"'}),
    *_rows(
        IDS,
        INVALID,
        {
            "id 10^30": str(10**30),
            "id 2^31": str(2**31),
            "an id that is none": '"not-a-uuid"',
            "an id in braces": text_literal(f"{{{SOME_ID}}}"),
            "an id as a URN": text_literal(f"urn:uuid:{SOME_ID}"),
            "an id without dashes": text_literal(SOME_ID.replace("-", "")),
            "an id and a newline": text_literal(f"{SOME_ID}\n"),
            "an id with SQL": text_literal(f"{SOME_ID}' OR '1'='1"),
        },
    ),
    *_rows(
        DAYS,
        INVALID,
        {
            "9999-12-31T23:59:59-23:59": '"9999-12-31T23:59:59-23:59"',
            "0001-01-01": '"0001-01-01"',
            "9999-12-31": '"9999-12-31"',
            "2201-01-01": '"2201-01-01"',
            "30 February": '"2026-02-30"',
            "a day without dashes": '"20260101"',
            "a day as a number": "20260101",
            "a day in other digits": text_literal("".join(chr(0x660 + int(each)) for each in "20260101")),
            "a week": '"2026-W01-1"',
            "a day and a newline": '"2026-01-01\\n"',
        },
    ),
]

LEGAL_VALUES = [
    ValueRow("2^31", COUNTS, str(2**31)),
    ValueRow("10^15", COUNTS, str(10**15)),
    ValueRow("an unknown id", IDS, text_literal(SOME_ID)),
    ValueRow("composed letters", TEXTS, text_literal("e\u0301" * 20)),
]
"""Values of the right shape that may be accepted, or refused for their meaning: never an answer of 500."""


def resolved(schema: Schema, document: Mapping[str, Any]) -> tuple[Schema, bool, bool]:
    """The schema behind references and alternatives; whether it takes null; whether it is authored text."""
    if "$ref" in schema:
        return resolved(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], document)
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        nullable = {"type": "null"} in branches
        others = [each for each in branches if each != {"type": "null"}]
        if len(others) > 1:
            return others[0], nullable, True
        found, inner, words = resolved(others[0], document)
        return found, nullable or inner, words
    kinds = schema.get("type", [])
    return schema, "null" in kinds if isinstance(kinds, list) else False, False


def kind_of(schema: Schema, name: Step) -> str:
    """Which rows fit a member."""
    kinds = schema.get("type", [])
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    shape = schema.get("format")
    if "boolean" in kinds:
        return "flag"
    if "integer" in kinds:
        return "count"
    if "array" in kinds:
        return "list"
    if "object" in kinds:
        return "object" if "properties" in schema else "map"
    if "string" not in kinds:
        return "open"
    if shape == "password" or name == "token":
        return "secret"
    if "enum" in schema:
        return "enum"
    if name == "website":
        return "uri"
    return {"uuid": "id", "date": "day", "date-time": "instant", "email": "email"}.get(str(shape), "text")


def sites_of(schema: Schema, body: Any, document: Mapping[str, Any], steps: tuple[Step, ...] = ()) -> Iterator[Site]:
    """Every member that the schema names, and those of the example's maps."""
    found, nullable, words = resolved(schema, document)
    kind = "words" if words else kind_of(found, steps[-1] if steps else "")
    if steps:
        yield Site(steps, kind, found, nullable)
    if kind == "object":
        for name, inner in found["properties"].items():
            yield from sites_of(inner, body.get(name) if isinstance(body, dict) else None, document, (*steps, name))
    elif kind == "map" and isinstance(body, dict):
        values = found.get("additionalProperties") or {}
        for name in list(body)[:2]:
            yield from sites_of(values, body[name], document, (*steps, name))
    elif kind == "list":
        items, _, _ = resolved(found["items"], document)
        if body or kind_of(items, 0) not in {"object", "list"}:
            yield from sites_of(items, body[0] if body else None, document, (*steps, 0))


def with_literal(body: Any, steps: tuple[Step, ...], literal: str) -> bytes:
    """The body as JSON with that literal at the member."""
    return orjson.dumps(_placed(body, steps)).replace(f'"{MARK}"'.encode(), literal.encode("utf-8", "surrogatepass"))


def _placed(body: Any, steps: tuple[Step, ...]) -> Any:
    if not steps:
        return MARK
    first, *rest = steps
    if isinstance(first, int):
        items = list(body) if body else [None]
        items[0] = _placed(items[0], tuple(rest))
        return items
    members = dict(body) if isinstance(body, dict) else {}
    if rest and members.get(first) is None:
        members[first] = _minimal(rest[0])
    members[first] = _placed(members.get(first), tuple(rest))
    return members


def _minimal(step: Step) -> Any:
    return [None] if isinstance(step, int) else {}


# Whole bodies


@dataclass(frozen=True)
class BodyRow:
    """A whole body and its headers. `optional` is what a body without required members may answer instead."""

    name: str
    content: bytes
    wanted: frozenset[int]
    headers: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False


JSON = {"Content-Type": "application/json"}


def bodies(example: Any) -> Iterator[BodyRow]:
    """Rows made of a valid body."""
    valid = orjson.dumps(example)
    whole = {"Content-Type": "application/json"}
    members = example if isinstance(example, dict) else {}
    yield BodyRow("empty", b"", EITHER, whole, optional=True)
    yield BodyRow("spaces", b"   ", UNREADABLE, whole)
    for name, text in {"null": "null", "a text": '"text"', "a list": "[]", "a number": "12", "true": "true"}.items():
        yield BodyRow(name, text.encode(), EITHER, whole)
    broken = {
        "an open brace": b"{",
        "a missing value": b'{"a":}',
        "a trailing comma": b'{"a": 1,}',
        "single quotes": b"{'a': 1}",
        "a comment": b"/* a */" + valid,
        "two documents": valid + valid,
        "rubbish after it": valid + b"x",
        "NUL after it": valid + b"\x00",
        "a raw NUL in a text": b'{"a": "\x00"}',
        "form fields": b"a=1&b=2",
        "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        "UTF-16": valid.decode().encode("utf-16"),
        "UTF-16 without a mark": valid.decode().encode("utf-16-le"),
        "UTF-32": valid.decode().encode("utf-32"),
        "a byte order mark": b"\xef\xbb\xbf" + valid,
        "bad UTF-8": b'{"a": "\xff\xfe"}',
        "an overlong NUL": b'{"a": "\xc0\x80"}',
        "a surrogate in UTF-8": b'{"a": "\xed\xa0\x80"}',
        "arrays 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
        "objects 40,000 deep": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
        "brackets that never close": b"[" * 200_000,
        "a key 33 deep": b'{"a":' + b"[" * 33 + b"]" * 33 + b"}",
        "NaN in an unknown member": b'{"unknown": NaN}',
    }
    for name, content in broken.items():
        yield BodyRow(name, content, UNREADABLE, whole)
    if members:
        name = next(iter(members))
        pair = orjson.dumps({name: members[name]})[1:-1]
        yield BodyRow("a member twice", valid[:-1] + b"," + pair + b"}", UNREADABLE, whole)
    for extra in ({"status": "funded"}, {"id": 777}, {"__proto__": {}}, {"version": 1}, {"organisation": {}}, {"": 1}):
        yield BodyRow(f"unknown member {next(iter(extra))!r}", orjson.dumps({**members, **extra}), INVALID, whole)
    many = b"{" + b",".join(b'"k%d":1' % each for each in range(20_000)) + b"}"
    yield BodyRow("20,000 unknown members", many, INVALID, whole)
    more = b"{" + b",".join(b'"k%d":1' % each for each in range(100_000)) + b"}"
    yield BodyRow("100,000 unknown members", more, frozenset({413, 400}), whole)
    yield BodyRow("a list of 1,000,000", b"[" + b"0," * 999_999 + b"0]", frozenset({413}), whole)
    yield BodyRow("300 KiB", b'{"a": "' + b"a" * 300 * 1024 + b'"}', frozenset({413}), whole)
    for media in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "",
    ):
        yield BodyRow(f"as {media or 'nothing'}", valid, frozenset({415}), {"Content-Type": media})
    yield BodyRow("as XML", valid, frozenset({415}), {"Content-Type": "application/xml"})
    for coding in ("gzip", "deflate", "br", "gzip, identity"):
        yield BodyRow(f"encoded as {coding}", valid, frozenset({415}), {**whole, "Content-Encoding": coding})


# Queries


@dataclass(frozen=True)
class QueryRow:
    """A raw (already encoded) value for parameters of some kinds."""

    name: str
    kinds: frozenset[str]
    raw: str
    wanted: frozenset[int] = EITHER


ANY_QUERY = frozenset({"count", "cursor", "id", "day", "enum", "text"})
QUERIES = [
    QueryRow("NUL", ANY_QUERY, "%00"),
    QueryRow("bytes that are no UTF-8", ANY_QUERY, "%ff%fe"),
    QueryRow("a lone surrogate", ANY_QUERY, "%ed%a0%80"),
    QueryRow("5,000 characters", ANY_QUERY, "a" * 5000),
    QueryRow("a newline", ANY_QUERY, "a%0ab"),
    *[
        QueryRow(f"count {value}", frozenset({"count"}), value)
        for value in (
            "-1",
            "0",
            "101",
            "1" + "0" * 20,
            "1" + "0" * 30,
            "abc",
            "1.5",
            "%D9%A3",
            "%205",
            "%2B5",
            "1e1",
            "",
        )
    ],
    *[
        QueryRow(f"cursor {value[:12]}", frozenset({"cursor"}), value)
        for value in ("junk", "eyJhIjoxfQ", "WyJ4IixbMV1d.c2lnbmF0dXJl", "..", "a.b.c", "9" * 500, "null", "", "-1")
    ],
    *[
        QueryRow(f"id {value[:12]}", frozenset({"id"}), value)
        for value in ("junk", "1" + "0" * 30, "2147483648", "", f"%7B{SOME_ID}%7D", f"{SOME_ID}%0a", f"{SOME_ID}'--")
    ],
    *[
        QueryRow(f"day {value[:12]}", frozenset({"day"}), value)
        for value in ("junk", "0001-01-01", "9999-12-31", "2026-02-30", "", "20260101", "9999-12-31T23:59:59-23:59")
    ],
    *[QueryRow(f"enum {value[:12]!r}", frozenset({"enum"}), value) for value in ("junk", "", "GRANT%20", "1;DROP")],
]
ANYWHERE = {
    "page": "page=abc",
    "page 10^20": "page=100000000000000000000",
    "offset": "offset=-1",
    "sort": "sort=no_such_column",
    "fields": "fields=password_hash",
    "a name with NUL": "a%00b=1",
    "a name of 5,000 characters": "a" * 5000 + "=1",
    "brackets": "filter[$ne]=1",
    "no name": "=1",
    "method override": "_method=DELETE",
}
"""Queries that no operation has."""


def query_kind(parameter: Schema) -> str:
    """Which rows fit a query parameter."""
    schema = parameter["schema"]
    if parameter["name"] in {"cursor", "after"}:
        return "cursor"
    if schema.get("type") == "integer":
        return "count"
    if "enum" in schema:
        return "enum"
    return {"uuid": "id", "date": "day"}.get(schema.get("format", ""), "text")


# Paths, methods, headers

PATHS = {
    "junk": "junk",
    "10^30": "1" + "0" * 30,
    "2^31": "2147483648",
    "-1": "-1",
    "NUL": "%00",
    "an id and NUL": f"{SOME_ID}%00",
    "an id in braces": f"%7B{SOME_ID}%7D",
    "an id without dashes": SOME_ID.replace("-", ""),
    "an id and a newline": f"{SOME_ID}%0A",
    "an id with SQL": f"{SOME_ID}'%20OR%20'1'='1",
    "bytes that are no UTF-8": "%ff%fe",
    "a lone surrogate": "%ed%a0%80",
    "parents": "..%2f..%2f..%2fetc%2fpasswd",
    "4,000 characters": "a" * 4000,
    "an unknown id": SOME_ID,
    "a template": "%7B%7B7*7%7D%7D",
}
"""Raw path segments instead of an id or a name: all 404."""

METHODS_NOT_OFFERED = ("TRACE", "PROPFIND", "CONNECT", "BREW")


def tokens(valid: str, public_key: bytes) -> dict[str, str]:
    """Authorization headers that are not valid, made of one that is: all 401."""
    head, claims, signature = valid.removeprefix("Bearer ").split(".")
    none = _segment({"alg": "none", "typ": "JWT"})
    mac = _segment({"alg": "HS256", "typ": "JWT"})
    return {
        "one word": "Bearer junk",
        "two segments": f"Bearer {head}.{claims}",
        "four segments": f"Bearer {head}.{claims}.{signature}.{signature}",
        "empty segments": "Bearer ..",
        "alg=none": f"Bearer {none}.{claims}.",
        "alg=none with a signature": f"Bearer {none}.{claims}.{signature}",
        "alg=None": f"Bearer {_segment({'alg': 'None', 'typ': 'JWT'})}.{claims}.",
        "HS256 with the public key": f"Bearer {mac}.{claims}.{_signed(f'{mac}.{claims}', public_key)}",
        "other claims": f"Bearer {head}.{_segment({'sub': SOME_ID, 'fam': SOME_ID})}.{signature}",
        "another signature": f"Bearer {head}.{claims}.{signature[:-4]}AAAA",
        "a list as claims": f"Bearer {head}.{_segment([])}.{signature}",
        "deep claims": f"Bearer {head}.{base64.urlsafe_b64encode(b'[' * 3000).decode()}.{signature}",
        "not base64": f"Bearer {head}.%%%.{signature}",
        "NUL": "Bearer a\x00b",
        "8 KB": f"Bearer {'a' * 8000}",
        "no UTF-8": "Bearer \xff\xfe.\xff.\xff",
    }


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


def _signed(message: str, key: bytes) -> str:
    return base64.urlsafe_b64encode(hmac.new(key, message.encode(), hashlib.sha256).digest()).decode().rstrip("=")


KEYS = {
    "empty": "",
    "spaces": "   ",
    "empty quoted": '""',
    "201": "k" * 201,
    "NUL": "a\x00b",
    "accents": "clé",
    "tab": "a\tb",
}
"""Idempotency-Keys that are none: 400."""

SHOWN_TAGS = {
    "nothing": ("", 428),
    "rubbish": ("rubbish", 412),
    "another": ('"0192f3c47b1e7a539c1d3f6a2b8e4d10.1"', 412),
    "NUL": ('"a\x00b"', 412),
    "8 KB": (", ".join(['"a"'] * 2000), 412),
    "one quote": ('"', 428),
    "SQL": ('"\' OR 1=1 --"', 412),
}
"""If-Match values that do not show the present version."""

HARMLESS = {
    "method override": {"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE", "X-Method-Override": "DELETE"},
    "Accept-Language": {"Accept-Language": "xx;q=abc, \x00, *;q=99, " + "en-" * 200},
    "many languages": {"Accept-Language": ", ".join(f"l{each};q=0.{each}" for each in range(500))},
    "Accept": {"Accept": "application/x-unknown;q=abc, */*;q=NaN"},
    "Content-Language": {"Content-Language": "zz-\x00"},
    "traceparent": {"traceparent": "00-" + "g" * 32 + "-00-zz"},
    "forwarding": {
        "X-Forwarded-For": "127.0.0.1, \x00",
        "X-Forwarded-Host": "evil.example",
        "X-Original-URL": "/livez",
    },
    "Host": {"Host": "evil.example"},
    "Cookie": {"Cookie": "session=../../etc; a\x00=b; =;;"},
    "Range": {"Range": "bytes=99999999-0, junk"},
    "If-None-Match": {"If-None-Match": 'junk, "', "If-Modified-Since": "yesterday", "If-Range": "\x00"},
    "Origin": {"Origin": "null", "Referer": "javascript:alert(1)"},
    "X-User": {"X-User": "operator", "X-Role": "owner", "X-Organisation": SOME_ID},
}
"""Headers that change nothing: the answer's status is that of the request without them."""
