"""Fixtures: a real PostgreSQL, a database made by the migrations, and a transaction per test that is rolled back."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextvars import Context
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as examples
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session

os.environ["MARKETPLACE_ENV"] = "test"

from marketplace.app import create_app, engine_options
from marketplace.cli import ROOT, alembic_config
from marketplace.settings import Settings, settings_from_environment
from marketplace.store.base import db
from marketplace.store.embedded import embedded_database_url

examples.register_profile("untimed", examples(), deadline=None)
examples.load_profile("untimed")
"""No example is judged by how long it takes. All else as hypothesis has it: in CI, the same examples each time."""


class FreshClient(FlaskClient):
    """A client whose every request has an application context of its own, whatever the test has open.

    Inside the test's context a request would share the session and `g`, and a forgotten commit would pass. An answer
    that is streamed is read to its end before it is handed over: it needs its request's context.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return Context().run(super().open, *args, **{"buffered": True, **kwargs})


PURE = ("test_rules.py", "test_tree.py")
LONGEST = ("promises", "journeys", "search", "proposals", "matching")
"""The folders whose files take longest: they go first, so that no worker starts a long file when others are done."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Rules are pure: their tests may not ask for the application or the database. Long files go first."""
    for item in items:
        if item.path.name in PURE:
            touched = {"app", "client", "session", "committed_app", "database_url"} & set(
                getattr(item, "fixturenames", ())
            )
            if touched:
                raise pytest.UsageError(f"{item.nodeid} tests pure rules and may not use {sorted(touched)}")
    items.sort(key=lambda item: item.path.parent.name not in LONGEST)


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """pytest-flask would share one application context among all requests of a test and hide a forgotten commit."""


@pytest.fixture(scope="session")
def server_url() -> str:
    """The tests' PostgreSQL: TEST_DATABASE_URL, or an embedded one with a folder of its own.

    Tests that run side by side have a server each: the event feed waits for every transaction of its server.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return embedded_database_url(ROOT / "instance" / f"tests{worker}" / "postgresql")


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a migrated database that others are cloned from."""
    with fresh_database(server_url, None) as url:
        command.upgrade(alembic_config(url), "head")
        yield str(make_url(url).database)


@pytest.fixture(scope="session")
def clone(server_url: str, template: str) -> Callable[[], "fresh_database"]:
    """Make databases out of the migrated one."""
    return lambda: fresh_database(server_url, template)


class fresh_database:  # noqa: N801  (used as `with fresh_database(...)`)
    """A database of its own, dropped at the end."""

    def __init__(self, server_url: str, template: str | None) -> None:
        self.server_url = server_url
        self.template = template
        self.name = f"test_{secrets.token_hex(6)}"

    def __enter__(self) -> str:
        copied = f' TEMPLATE "{self.template}"' if self.template else ""
        self._run(f'CREATE DATABASE "{self.name}"{copied}')
        return make_url(self.server_url).set(database=self.name).render_as_string(hide_password=False)

    def __exit__(self, *_: object) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        engine = create_engine(self.server_url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@pytest.fixture(scope="session")
def database_url(clone: Callable[[], fresh_database]) -> Iterator[str]:
    """The database of tests that are rolled back."""
    with clone() as url:
        yield url


@pytest.fixture(scope="session")
def instance_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mail and documents go."""
    return tmp_path_factory.mktemp("instance")


def test_settings(database_url: str, instance_path: Path) -> Settings:
    """Settings for tests: cheap passwords, no rate limits, strict matching."""
    return replace(settings_from_environment(), database_url=database_url, instance_path=instance_path)


test_settings.__test__ = False  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def _application(database_url: str, instance_path: Path) -> Iterator[Flask]:
    app = create_app(test_settings(database_url, instance_path))
    app.test_client_class = FreshClient
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(_application: Flask) -> Iterator[Flask]:
    """The application inside one transaction that is rolled back; commits become savepoints."""
    with _application.app_context():
        engine = db.engines[None]
        connection = engine.connect()
        outer = connection.begin()
        db.engines[None] = connection  # type: ignore[assignment]
        db.session.session_factory.configure(join_transaction_mode="create_savepoint")
    try:
        yield _application
        if connection.in_transaction() and outer.is_active:
            connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    finally:
        with _application.app_context():
            db.session.remove()
            db.engines[None] = engine
            db.session.session_factory.configure(join_transaction_mode="conditional_savepoint")
        outer.rollback()
        connection.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the application in the test's transaction."""
    return app.test_client()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """The session for services and builders; what it flushes, requests see after `commit`."""
    with app.app_context():
        yield db.session()


@pytest.fixture(scope="session")
def _committing_application(server_url: str, instance_path: Path) -> Flask:
    """An application that each test gives a database: to make one takes longer than most tests do."""
    app = create_app(test_settings(server_url, instance_path))
    app.test_client_class = FreshClient
    return app


@pytest.fixture
def committed_app(
    clone: Callable[[], fresh_database], tmp_path: Path, _committing_application: Flask
) -> Iterator[Flask]:
    """An application on a database of its own, where commits are real."""
    app = _committing_application
    with clone() as url:
        settings = test_settings(url, tmp_path)
        app.config["SQLALCHEMY_DATABASE_URI"] = url
        app.extensions["marketplace_settings"] = settings
        with app.app_context():
            db.engines[None] = create_engine(url, **engine_options(settings, url))
        yield app
        with app.app_context():
            db.session.remove()
            for engine in db.engines.values():
                engine.dispose()
