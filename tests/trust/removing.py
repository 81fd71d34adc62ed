"""A plugin of pytest: runs each guard's test twice, with the guard and without it, and writes down what came of it.

Loaded by `tests.trust.guards` alone (`-p tests.trust.removing`); the file to write is named by TRUST_GUARDS.
"""

import importlib
import inspect
import json
import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from tests.trust.guards import CONTROL, GUARDS, Constraint, Guard, Line, Protection, Trigger

FIXTURES: dict[str, str] = {}
"""Where the databases are: the template that others are cloned from, and the one of tests that are rolled back."""


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Iterator[None]:
    made = yield
    if fixturedef.argname in {"server_url", "template", "database_url"}:
        FIXTURES[fixturedef.argname] = str(made)
    return made


def pytest_runtestloop(session: pytest.Session) -> bool:
    """The runs: for each guard, each of its tests once as things are, then once without the guard.

    Where the same test follows, pytest is told that its module does: it would take down no fixture of the test, and
    every second run would be red, guard or not. The control, a guard that removes nothing, stays green where it is so.
    """
    by_name: dict[str, list[pytest.Item]] = {}
    for item in session.items:
        by_name.setdefault(item.nodeid, []).append(item)
        by_name.setdefault(item.nodeid.partition("[")[0], []).append(item)
    guards = [*GUARDS, CONTROL]
    runs = [
        (guard, item, removed) for guard in guards for item in by_name.get(guard.test, []) for removed in (False, True)
    ]
    found: dict[str, str] = {}
    for place, (guard, item, removed) in enumerate(runs):
        following = runs[place + 1][1] if place + 1 < len(runs) else None
        try:
            came = _run(item, item.parent if following is item else following, guard if removed else None)
        except (LookupError, DBAPIError) as error:
            came = f"could not be removed: {str(error).splitlines()[0]}"
        if not removed:
            found.setdefault(guard.words, "red with the guard too" if came == "red" else "stayed green")
        elif found[guard.words] == "stayed green" and came != "green":
            found[guard.words] = came
        Path(os.environ["TRUST_GUARDS"]).write_text(json.dumps(found))
    return True


def _run(item: pytest.Item, following: Any, guard: Guard | None) -> str:
    with ExitStack() as stack:
        if guard is not None:
            stack.enter_context(removed_guard(guard.protection))
        item._initrequest()  # type: ignore[attr-defined]
        reports = runtestprotocol(item, log=False, nextitem=following)
    return "red" if any(report.failed for report in reports) else "green"


@contextmanager
def removed_guard(protection: Protection) -> Iterator[None]:
    """Things as they are without the guard, for as long as the block lasts."""
    if isinstance(protection, Line):
        with without_line(protection):
            yield
        return
    for name in ("template", "database_url"):
        _alter(name, protection, remove=True)
    try:
        yield
    finally:
        for name in ("template", "database_url"):
            _alter(name, protection, remove=False)


@contextmanager
def without_line(line: Line) -> Iterator[None]:
    """The function without those words, wherever it was imported to or hung. LookupError: not found, or not once."""
    module_name, name = line.function.split(":")
    module = importlib.import_module(module_name)
    original = getattr(module, name)
    source = textwrap.dedent(inspect.getsource(original))
    if source.count(line.words) != 1:
        raise LookupError(f"{line.function} has {source.count(line.words)} times: {line.words}")
    made: dict[str, Any] = {}
    exec(compile(source.replace(line.words, line.instead), f"<{line.function}>", "exec"), module.__dict__, made)
    users = [each for each in list(sys.modules.values()) if getattr(each, name, None) is original]
    _hang(users, original, made[name])
    try:
        yield
    finally:
        _hang(users, made[name], original)


def _hang(users: list[Any], old: Any, new: Any) -> None:
    """Put the one function in the other's place: in those modules, and in the lists of hooks that it hangs on."""
    for each in users:
        setattr(each, old.__name__, new)
    for module in [each for name, each in sys.modules.items() if name.startswith("marketplace.")]:
        for hooks in [each for each in vars(module).values() if isinstance(each, list)]:
            hooks[:] = [new if each is old else each for each in hooks]


DEFINITIONS: dict[str, str] = {}


def _alter(which: str, protection: Constraint | Trigger, *, remove: bool) -> None:
    """Take the constraint or trigger out of a database, or put it back as it was."""
    if which not in FIXTURES:
        return
    url = FIXTURES[which] if which == "database_url" else make_url(FIXTURES["server_url"]).set(database=FIXTURES[which])
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        table = f"ALTER TABLE {protection.table}"
        if isinstance(protection, Trigger):
            connection.execute(text(f"{table} {'DISABLE' if remove else 'ENABLE'} TRIGGER {protection.name}"))
        elif remove:
            query = text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name")
            DEFINITIONS[protection.name] = str(connection.scalar(query, {"name": protection.name}))
            connection.execute(text(f"{table} DROP CONSTRAINT {protection.name}"))
        else:
            made = DEFINITIONS[protection.name].replace(":", r"\:")
            connection.execute(text(f"{table} ADD CONSTRAINT {protection.name} {made}"))
    engine.dispose()
