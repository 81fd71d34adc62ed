"""The benchmarks' own databases: made by the migrations, named `bench_...`, never anybody's data.

A server is the embedded PostgreSQL in a folder of its own under the instance, or the one that a given URL names; the
database that the URL itself names is only used to make others from. What is dropped has the prefix and the mark.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from flask import Flask
from psycopg import sql
from sqlalchemy import Engine, create_engine, make_url

from marketplace.app import create_app
from marketplace.cli import ROOT, alembic_config
from marketplace.settings import checked_database_url, settings_from_environment
from marketplace.store.base import db
from marketplace.store.embedded import embedded_database_url

EMBEDDED = "embedded"
PREFIX = "bench_"
PLAIN_NAME = re.compile(r"bench_[a-z0-9_]{1,50}")


def bench_folder() -> Path:
    """Where the benchmarks keep their server and their results."""
    return settings_from_environment().instance_path / "benchmarks"


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server on which databases may be made. `url` is in SQLAlchemy's writing."""

    url: str

    def url_of(self, name: str) -> str:
        """The URL of one of the benchmarks' databases; ValueError for any other name."""
        if not PLAIN_NAME.fullmatch(name):
            raise ValueError(f"the benchmarks use databases named {PREFIX}... only, not {name!r}")
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def names(self) -> list[str]:
        """The benchmarks' databases on this server."""
        with connected(self.url) as connection:
            rows = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
            return sorted(row[0] for row in rows)

    def make(self, name: str) -> str:
        """A fresh, migrated database of that name (one that was there is dropped); its URL."""
        url = self.url_of(name)
        self.drop(name)
        with connected(self.url) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        command.upgrade(alembic_config(url), "head")
        return url

    def copy(self, source: str, name: str) -> str:
        """A copy of one of the benchmarks' databases, which nobody may be connected to; its URL."""
        url, _ = self.url_of(name), self.url_of(source)
        self.drop(name)
        with connected(self.url) as connection:
            copied = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source))
            connection.execute(copied)
        return url

    def drop(self, name: str) -> None:
        """Drop one of the benchmarks' databases, if it is there."""
        self.url_of(name)
        with connected(self.url) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def server_at(place: str) -> Server:
    """The server that `place` names: `embedded`, or a PostgreSQL URL whose user may create databases."""
    if place == EMBEDDED:
        return Server(embedded_database_url(bench_folder() / "postgresql"))
    return Server(checked_database_url(place) or "")


def schema_digest() -> str:
    """A digest of every migration of this program: what the schema is, to the letter."""
    folder = ROOT / "migrations"
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("versions/*.py"), *folder.glob("sql/*.sql")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def connected(url: str, *, autocommit: bool = True) -> Iterator[psycopg.Connection[Any]]:
    """A plain connection, without the web application's timeouts: loading takes its time."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=autocommit, options="-c timezone=UTC") as connection:
        yield connection


def engine_of(url: str) -> Engine:
    """An engine that lets a statement take its time; otherwise what the application's is."""
    return create_engine(url, connect_args={"options": "-c timezone=UTC", "application_name": "benchmarks"})


@contextmanager
def application_on(url: str) -> Iterator[Flask]:
    """The product's application on one of the benchmarks' databases: no rate limits, every match verified."""
    settings = replace(
        settings_from_environment(),
        database_url=url,
        instance_path=bench_folder(),
        rate_limits_enabled=False,
        strict_matching=True,
        log_level="WARNING",
    )
    app = create_app(settings)
    try:
        yield app
    finally:
        with app.app_context():
            db.session.remove()
            for engine in db.engines.values():
                engine.dispose()
