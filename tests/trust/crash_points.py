"""G7: every money operation broken off at every point there is, asked for again, must end as if nothing had been.

Points: before each SQL statement, before COMMIT, and after COMMIT before the answer. At each one the connection to the
database is closed under the program (PostgreSQL sees a client that died) and the request ends without an answer. Then
the client does what clients do: it sends the same request with the same Idempotency-Key, which is broken off at the
next point, and so on until nothing stops it. After each point before COMMIT no table holds anything new, and none has
lost a row; so every invariant holds that held before, and all of them are asked again after COMMIT and in the end, when
all rows written, in whichever tables, must be those that one undisturbed request writes.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

import marketplace.app  # noqa: F401  (every feature's tables)
from marketplace.store.base import Base, db
from tests.conftest import fresh_database
from tests.trust.ground import Ground, on_database, program
from tests.trust.invariants import broken
from tests.trust.scenarios import MADE_BY, SCENARIOS, Asked

UUID_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(\+00:00|Z|\+00)?")
DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
OF_THE_MOMENT = frozenset({"seq", "xid", "prev_hash", "hash", "standing", "fingerprint", "headers"})
"""Columns that differ between two right runs: places in an order, seals over ids and times."""
SEALED = frozenset({"audit_entry"})
"""Tables whose digests are of new things' ids, of bookings and their times: masked, as `verify-audit` reads them."""


WRITTEN = text(
    " UNION ALL ".join(
        f"SELECT '{table.name}', to_jsonb(t) FROM {table.name} t WHERE t.xmin::text::bigint >= :before"
        for table in Base.metadata.sorted_tables
    )
)


HELD = text(
    " UNION ALL ".join(f"SELECT '{table.name}', count(*) FROM {table.name}" for table in Base.metadata.sorted_tables)
)


class Crash(BaseException):
    """The process is gone: nothing that handles exceptions may handle this one."""


@dataclass
class CrashPoint:
    """Where to break off: before statement `number` (from 1), before COMMIT (-1), or after it (-2); None: nowhere."""

    number: int | None
    statements: int = 0
    reached: bool = False
    committing: bool = False

    @property
    def words(self) -> str:
        named = {None: "undisturbed", -1: "before COMMIT", -2: "after COMMIT"}
        return named.get(self.number, f"before statement {self.number}")

    def hit(self, connection: Any) -> None:
        """Close the connection under the program, and be gone."""
        self.reached = True
        with suppress(Exception):
            connection.close()
        raise Crash(self.words)


@dataclass
class Enumerated:
    """What came of one scenario: how many points were tried, and what was wrong at which."""

    operation: str
    points: int = 0
    faults: list[str] = field(default_factory=list)


@contextmanager
def breaking_off(engine: Engine, session: Any, point: CrashPoint) -> Iterator[None]:
    """Count this process's statements, and crash where the point says; later statements go through."""

    def before_statement(_: Any, cursor: Any, *__: Any) -> None:
        if point.reached:
            return
        point.statements += 1
        if point.statements == point.number:
            point.hit(cursor.connection)

    def before_commit(connection: Any) -> None:
        point.committing = True
        if point.number == -1 and not point.reached:
            point.hit(connection.connection.dbapi_connection)

    def after_commit(_: Session) -> None:
        if point.number == -2 and point.committing and not point.reached:
            point.reached = True
            raise Crash(point.words)

    event.listen(engine, "before_cursor_execute", before_statement)
    event.listen(engine, "commit", before_commit)
    event.listen(session.session_factory, "after_commit", after_commit)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", before_statement)
        event.remove(engine, "commit", before_commit)
        event.remove(session.session_factory, "after_commit", after_commit)


@dataclass
class Prepared:
    """A scenario that stands where its operation is asked for, as often as wanted: one database, made again each time.

    Its name stays, and so does the program's engine with all it has compiled; only connections are closed.
    """

    app: Flask
    server: Engine
    template: str
    name: str
    asked: Asked
    names: dict[str, str]

    def again(self) -> None:
        """The database as it was before the request."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        with self.server.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.template}"'))


MANY_STATEMENTS = {"postErasure": 8}
"""Operations that move no money and have hundreds of statements: one in so many is tried."""


def enumerate_points(
    ground: Ground, app: Flask, operation: str, *, only: set[int] | None = None, every: int = 1
) -> Enumerated:
    """Try every point of a scenario, each on a database that stands where the operation begins.

    Of its statements those in `only`, or one in `every`; in any case what comes before COMMIT and after.
    """
    found = Enumerated(operation)
    with prepared(ground, app, operation) as scenario:
        undisturbed = CrashPoint(None)
        wanted = run(scenario, [undisturbed], found)
        before_commit = [*range(1, undisturbed.statements + 1, every), -1]
        for numbers in (before_commit, [-2]):
            points = [CrashPoint(number) for number in numbers if only is None or number in only]
            found.points += len(points)
            if points and (came := run(scenario, points, found)) != wanted:
                found.faults.append(f"{points[-1].words}: {_difference(wanted, came)}")
    return found


@contextmanager
def prepared(ground: Ground, app: Flask, operation: str) -> Iterator[Prepared]:
    """Bring a scene to where the operation is asked for, and turn the program to copies of it."""
    with ground.clone() as original:
        with on_database(app, original), app.app_context():
            scene = MADE_BY[operation](db.session(), app.test_client())
            names = {str(value.id): name for name, value in vars(scene).items() if hasattr(value, "id")}
            asked = SCENARIOS[operation](scene)
        copy = fresh_database(ground.server_url, None)
        url = make_url(ground.server_url).set(database=copy.name)
        server = create_engine(ground.server_url, isolation_level="AUTOCOMMIT")
        try:
            with on_database(app, url.render_as_string(hide_password=False)):
                yield Prepared(app, server, str(make_url(original).database), copy.name, asked, names)
        finally:
            copy.__exit__()
            server.dispose()


def run(scenario: Prepared, points: list[CrashPoint], found: Enumerated) -> dict[str, list[str]]:
    """Send the request, broken off at each of the points in turn, and once more; the rows written in the end.

    After each point before COMMIT nothing may be left behind or be missing; after others every invariant is asked.
    """
    scenario.again()
    app = scenario.app
    with app.app_context():
        engine = db.engine
        before = _next_transaction(db.session())
        held = rows_held(db.session())
        db.session.remove()
    for point in points:
        with breaking_off(engine, db.session, point), suppress(Crash):
            first = send(app, scenario.asked)
            if point.number is not None and first.status_code < 500:
                found.faults.append(f"{point.words}: was not reached, or was answered {first.status_code}")
            if point.number is None and first.status_code >= 300:
                found.faults.append(f"{point.words}: was answered {first.status_code} {first.get_data()[:300]!r}")
        with app.app_context():
            if point.number in (None, -2):
                found.faults += [f"{point.words}: {sentence}" for sentence in broken(db.session())]
            elif rows_held(db.session()) != held:
                found.faults.append(f"{point.words}: a table has more rows or fewer than before")
        if point.number not in (None, -2):
            found.faults += [f"{point.words}: left {table} behind" for table in written_since(scenario, before)]
    again = send(app, scenario.asked)
    found.faults += [f"{points[-1].words}: {fault}" for fault in _wrongly_answered(scenario.asked, points[-1], again)]
    with app.app_context():
        found.faults += [f"after {points[-1].words}: {sentence}" for sentence in broken(db.session())]
    return written_since(scenario, before)


def _wrongly_answered(asked: Asked, point: CrashPoint, again: TestResponse) -> list[str]:
    """What is wrong with the answer to the repeated request; done already, it is a replay, or of nobody any more."""
    done = point.number in (None, -2)
    if done and asked.leaves_nobody:
        return [] if again.status_code == 401 else [f"the retry of nobody was answered {again.status_code}"]
    found = []
    if not 200 <= again.status_code < 300:
        found.append(f"the retry was answered {again.status_code} {again.get_data()[:300]!r}")
    replayed = again.headers.get("Idempotent-Replayed") == "true"
    return found if replayed is done else [*found, f"the retry was {'' if replayed else 'not '}a replay"]


def send(app: Flask, asked: Asked) -> TestResponse:
    """The request with its one Idempotency-Key."""
    headers = asked.person.headers | {"Idempotency-Key": "once"} | dict(asked.headers)
    return app.test_client().open(f"/v1{asked.path}", method=asked.method, json=asked.body, headers=headers)


def written_since(scenario: Prepared, before: int) -> dict[str, list[str]]:
    """All rows of all tables that transactions since `before` wrote, but for what ids and times decide."""
    found: dict[str, list[str]] = {}
    with scenario.app.app_context():
        for table, row in db.session().execute(WRITTEN, {"before": before}):
            words = _plain(row, scenario.names)
            found.setdefault(table, []).append(DIGEST.sub("(digest)", words) if table in SEALED else words)
        db.session.remove()
    return {table: sorted(rows) for table, rows in found.items()}


def rows_held(session: Session) -> dict[str, int]:
    """How many rows each table has."""
    return {str(table): int(number) for table, number in session.execute(HELD)}


def _next_transaction(session: Session) -> int:
    return int(session.scalar(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint % 4294967296")))


def _plain(row: dict[str, Any], names: dict[str, str]) -> str:
    """A row as text in which scene's ids are names, other ids and instants are marks, and stored bodies are read."""
    kept = {name: value for name, value in row.items() if name not in OF_THE_MOMENT}
    if isinstance(kept.get("body"), str) and kept["body"].startswith("\\x"):
        kept["body"] = bytes.fromhex(kept["body"][2:]).decode()
    words = json.dumps(kept, sort_keys=True)
    return INSTANT.sub("(instant)", UUID_FORM.sub(lambda each: _named(each[0], names), words))


def _named(found: str, names: dict[str, str]) -> str:
    return names.get(str(UUID(found)), "(id)")


def _difference(wanted: dict[str, list[str]], came: dict[str, list[str]]) -> str:
    tables = sorted(name for name in {*wanted, *came} if wanted.get(name) != came.get(name))
    return f"{', '.join(tables)} differ from the undisturbed run: {[came.get(name) for name in tables]}"[:600]


def crash_every_operation(ground: Ground) -> None:
    """All scenarios, a line each."""
    points, faults = 0, 0
    with ground.clone() as url, program(url) as app:
        for operation in SCENARIOS:
            every = MANY_STATEMENTS.get(operation, 1)
            found = enumerate_points(ground, app, operation, every=every)
            points, faults = points + found.points, faults + len(found.faults)
            some = f" (of its statements one in {every})" if every > 1 else ""
            words = f"{operation}: {found.points} crash points{some}, {len(found.faults)} faults"
            ground.tell("G7", words, not found.faults)
            for fault in found.faults[:5]:
                print(f"       {fault}", flush=True)
    ground.tell("G7", f"{len(SCENARIOS)} scenarios, {points} crash points in all, {faults} faults", faults == 0)
