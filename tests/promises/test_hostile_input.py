"""Hostile input gets our answer on every operation it fits: a problem, never a failure, and nothing is changed.

Each operation is first asked what is hostile, by a caller who may do it in a state where it may be done, and then what
is valid: that it succeeds shows that the refusals were about the input.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from marketplace.store.base import db, new_id
from marketplace.web.openapi import document
from marketplace.web.problems import MOST_ERRORS
from tests.promises import hostile
from tests.promises.played import METHODS, Answer, Asked, Play, a_cast, operations_of, sending_with, the_main_job

SLOWEST_SECONDS = 2.0
PARTS = 24
"""The whole table in so many: at once it would not fit into the locks of the one transaction that undoes it.

Of a part, each place gets every so manieth of the rows that fit it, each time others.
"""
KEPT_APART = {"idempotent_request", "alembic_version"}
"""Tables that a refused request may write to: a refusal is kept under its Idempotency-Key."""


@dataclass
class Siege:
    """Sends the table's rows to an operation and keeps what was wrong with the answers."""

    play: Play
    document: dict[str, Any]
    connection: Connection
    public_key: bytes
    part: int
    faults: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    rows: set[str] = field(default_factory=set)
    attacked: set[str] = field(default_factory=set)
    slowest: tuple[float, str] = (0.0, "")
    turn: int = 0

    def before(self, asked: Asked) -> None:
        """Everything that fits this operation, the first time it is asked for."""
        if asked.operation.id in self.attacked:
            return
        self.attacked.add(asked.operation.id)
        state = self._state()
        for part in (self._bodies, self._values, self._queries, self._paths, self._tokens, self._keys, self._tags):
            part(asked)
        self._methods(asked)
        if self._state() != state:
            self.faults.append(f"{asked.operation.id}: something was changed")
        self._legal(asked)
        self._harmless(asked)

    def _bodies(self, asked: Asked) -> None:
        if asked.operation.body_schema is None:
            return
        found, _, _ = hostile.resolved(asked.operation.body_schema, self.document)
        free = not found.get("required")
        for row in self._some(list(hostile.bodies(asked.body))):
            if row.optional and free:
                continue
            headers = {**self._fresh(asked), **row.headers}
            self._expect(asked, f"body: {row.name}", row.wanted, headers=headers, body=row.content)

    def _values(self, asked: Asked) -> None:
        for site in self._sites(asked):
            fitting = [row for row in hostile.VALUES if row.fits(site)]
            for row in self._some(fitting):
                body = hostile.with_literal(asked.body, site.steps, row.literal)
                self._expect(asked, f"{site.kind}: {row.name}", row.wanted, where=str(site), body=body)

    def _queries(self, asked: Asked) -> None:
        for name, raw in self._some(list(hostile.ANYWHERE.items())):
            self._expect(asked, f"query: {name}", hostile.EITHER, target=_with_query(asked, raw))
        for name, parameter in asked.operation.parameters("query").items():
            kind = hostile.query_kind(parameter)
            for row in self._some([row for row in hostile.QUERIES if kind in row.kinds]):
                if kind == "text" and row.name == "5,000 characters" and "maxLength" not in parameter["schema"]:
                    continue
                target = _with_query(asked, f"{name}={row.raw}", besides=name)
                self._expect(asked, f"query {kind}: {row.name}", row.wanted, where=name, target=target)
            valid = quote(asked.query.get(name, ""))
            target = _with_query(asked, f"{name}={valid}&{name}={valid}", besides=name)
            self._expect(asked, "query: named twice", hostile.EITHER, where=name, target=target)

    def _paths(self, asked: Asked) -> None:
        for name, value in asked.values.items():
            for row, raw in self._some(list(hostile.PATHS.items())):
                target = asked.path.replace(quote(value, safe=""), raw)
                self._expect(asked, f"path: {row}", frozenset({404}), where=name, target=target)

    def _tokens(self, asked: Asked) -> None:
        valid = self.play.people["group owner"]["Authorization"]
        for row, token in self._some(list(hostile.tokens(valid, self.public_key).items())):
            headers = {**self._fresh(asked), "Authorization": token}
            answer = self._expect(asked, f"token: {row}", frozenset({401}), headers=headers)
            if not answer.headers.get("WWW-Authenticate", "").startswith("Bearer"):
                self.faults.append(f"{asked.operation.id}: no challenge for {row}")
        if not asked.operation.open:
            headers = {**self._fresh(asked), "Authorization": "Basic dXNlcjpwYXNz"}
            self._expect(asked, "token: another scheme", frozenset({401}), headers=headers)

    def _keys(self, asked: Asked) -> None:
        declared = asked.operation.parameters("header").get("Idempotency-Key")
        if declared is None:
            return
        for row, key in self._some(list(hostile.KEYS.items())):
            headers = {**asked.headers, "Idempotency-Key": key}
            self._expect(asked, f"Idempotency-Key: {row}", hostile.UNREADABLE, headers=headers)
        if declared["required"]:
            headers = {name: value for name, value in asked.headers.items() if name != "Idempotency-Key"}
            self._expect(asked, "Idempotency-Key: none", hostile.UNREADABLE, headers=headers)

    def _tags(self, asked: Asked) -> None:
        if "If-Match" not in asked.headers:
            return
        present = asked.headers["If-Match"]
        rows = {**hostile.SHOWN_TAGS, "the present one, weak": (f"W/{present}", 412)}
        for row, (shown, status) in self._some(list(rows.items())):
            headers = {**self._fresh(asked), "If-Match": shown}
            self._expect(asked, f"If-Match: {row}", frozenset({status}), headers=headers)
        headers = {name: value for name, value in self._fresh(asked).items() if name != "If-Match"}
        self._expect(asked, "If-Match: none", frozenset({428}), headers=headers)

    def _methods(self, asked: Asked) -> None:
        offered = {
            each.method for each in self.play.operations.values() if _same_shape(each.path, asked.operation.path)
        }
        missing = [*hostile.METHODS_NOT_OFFERED, *(each for each in METHODS if each not in offered)]
        for method in self._some(missing):
            answer = self._send(asked, method.upper(), asked.path, self._fresh(asked), None)
            self._judge(asked, f"method: {method.upper()}", "", frozenset({405}), answer)
            if "Allow" not in answer.headers:
                self.faults.append(f"{asked.operation.id}: 405 without Allow")

    def _legal(self, asked: Asked) -> None:
        """Values that may be accepted: each is undone."""
        for site in self._sites(asked):
            for row in self._some([row for row in hostile.LEGAL_VALUES if row.fits(site)]):
                with self._undone():
                    body = hostile.with_literal(asked.body, site.steps, row.literal)
                    headers = {**self._fresh(asked), **hostile.JSON}
                    answer = self._send(asked, asked.operation.method, asked.target, headers, body)
                self._judge(asked, f"{site.kind}: {row.name}", str(site), frozenset(range(200, 500)), answer)

    def _harmless(self, asked: Asked) -> None:
        """Headers that must not matter: what they accompany does what it does without them."""
        with self._undone():
            plain = self.play.ask(asked).status
        for row, added in self._some(list(hostile.HARMLESS.items())):
            with self._undone():
                answer = self.play.ask(asked, headers={**asked.headers, **added})
            self._judge(asked, f"header: {row}", "", frozenset({plain}), answer)

    def _sites(self, asked: Asked) -> list[hostile.Site]:
        schema = asked.operation.body_schema
        return [] if schema is None else list(hostile.sites_of(schema, asked.body, self.document))

    def _some(self, rows: list[Any]) -> Iterable[Any]:
        self.turn += 1
        return rows[(self.turn + self.part) % PARTS :: PARTS]

    def _fresh(self, asked: Asked) -> dict[str, str]:
        headers = dict(asked.headers)
        if "Idempotency-Key" in headers:
            headers["Idempotency-Key"] = f"hostile-{new_id()}"
        return headers

    def _expect(
        self,
        asked: Asked,
        row: str,
        wanted: frozenset[int],
        *,
        where: str = "",
        target: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        sent = dict(self._fresh(asked) if headers is None else headers)
        if body is None:
            body = asked.content if asked.body is None else orjson.dumps(asked.body)
        if asked.body is not None:
            sent.setdefault("Content-Type", "application/json")
        if body is not None and len(body) > asked.operation.body_limit:
            wanted = frozenset({413})
        answer = self._send(asked, asked.operation.method, target or asked.target, sent, body)
        self._judge(asked, row, where, wanted, answer)
        return answer

    def _send(self, asked: Asked, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        started = time.perf_counter()
        answer = self.play.send(method, target, headers, body)
        took = time.perf_counter() - started
        self.slowest = max(self.slowest, (took, f"{asked.operation.id} {target[:80]}"))
        return answer

    def _judge(self, asked: Asked, row: str, where: str, wanted: frozenset[int], answer: Answer) -> None:
        self.rows.add(row)
        self.counted[row.partition(":")[0].split(" ")[0]] += 1
        name = f"{asked.operation.id} {where} [{row}]"
        if answer.status not in wanted or answer.status >= 500:
            self.faults.append(f"{name}: {answer.status}, not {sorted(wanted)[:4]}: {answer.body[:300]!r}")
        elif answer.status >= 400:
            self.faults.extend(f"{name}: {each}" for each in _faults_of_problem(answer))

    @contextmanager
    def _undone(self) -> Iterator[None]:
        point = self.connection.begin_nested()
        try:
            yield
        finally:
            point.rollback()

    def _state(self) -> dict[str, str]:
        """A digest of every table."""
        names = self.connection.execute(text("SELECT relname FROM pg_stat_user_tables")).scalars()
        tables = sorted(set(names) - KEPT_APART)
        parts = " UNION ALL ".join(
            f"SELECT '{name}', md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM \"{name}\" t"
            for name in tables
        )
        return {row[0]: row[1] for row in self.connection.execute(text(parts))}


def _faults_of_problem(answer: Answer) -> Iterator[str]:
    if answer.headers.get("Content-Type") != "application/problem+json":
        yield f"answered as {answer.headers.get('Content-Type')}"
        return
    problem = answer.json
    if problem["status"] != answer.status or not problem["code"] or not problem["request_id"]:
        yield "an incomplete problem"
    if len(problem.get("errors", [])) > MOST_ERRORS:
        yield f"{len(problem['errors'])} errors are reported"
    if len(answer.body) > 64 * 1024:
        yield f"a problem of {len(answer.body)} bytes"
    for trace in (b"Traceback", b"psycopg", b"sqlalchemy", b"SELECT "):
        if trace in answer.body:
            yield f"tells {trace!r}"


def _with_query(asked: Asked, raw: str, besides: str = "") -> str:
    kept = [f"{name}={quote(value)}" for name, value in asked.query.items() if name != besides]
    return f"{asked.path}?{'&'.join([*kept, raw])}"


def _same_shape(one: str, other: str) -> bool:
    """Whether a request for one path may be routed to the other."""
    mine, theirs = one.split("/"), other.split("/")
    return len(mine) == len(theirs) and all(
        a == b or a.startswith("{") or b.startswith("{") for a, b in zip(mine, theirs, strict=True)
    )


def besieged(app: Flask, client: FlaskClient, session: Session, part: int) -> Siege:
    """Play the main job, each operation besieged before it is done, by that part of the table."""
    with app.app_context():
        connection: Any = db.engines[None]
    described = document(app.extensions["market_api"])
    play = Play(app, sending_with(client), operations_of(described))
    siege = Siege(play, described, connection, app.config["JWT_PUBLIC_KEY"], part)
    a_cast(play, session)
    play.before = siege.before
    the_main_job(play)
    return siege


def report(siege: Siege, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(siege.counted.items()))
        print(
            f"\n{len(siege.attacked)} operations, {len(siege.rows)} rows, {siege.counted.total()} requests ({kinds}); "
            f"{len(siege.faults)} faults; slowest {siege.slowest[0]:.2f} s: {siege.slowest[1]}"
        )


def check(siege: Siege) -> None:
    assert siege.faults == [], "\n".join(siege.faults[:80])
    assert siege.attacked == set(siege.play.operations)
    for asked in siege.play.asked.values():
        if asked.operation.id.startswith("list"):
            answer = siege.play.ask(asked)
            assert answer.status == 200, (asked.target, answer.body)
            assert answer.media_type == "text/csv" or isinstance(answer.json, dict), asked.target


@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=pytest.mark.soak if part else pytest.mark.slow) for part in range(PARTS)]
)
def test_every_row_is_answered_by_every_member_it_fits(
    app: Flask, client: FlaskClient, session: Session, capsys: pytest.CaptureFixture[str], part: int
) -> None:
    siege = besieged(app, client, session, part)
    report(siege, capsys)

    check(siege)
