"""Where the drills play: a PostgreSQL of their own, databases cloned from a migrated one, and how a figure is told.

Knows servers, databases and the program; knows no drill.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic import command
from flask import Flask
from sqlalchemy import create_engine, make_url
from sqlalchemy.orm import Session

from marketplace.app import create_app
from marketplace.cli import ROOT, alembic_config
from marketplace.store.base import db
from marketplace.store.embedded import embedded_database_url
from tests.conftest import FreshClient, fresh_database, test_settings
from tests.live import live_server

FOLDER = ROOT / "instance" / "trust"


@dataclass(frozen=True)
class Line:
    """One figure: its number in docs/trust.md, the counts in words, and whether what it requires holds.

    A `goal` is about speed: to miss it breaks no promise about money.
    """

    figure: str
    words: str
    holds: bool
    goal: bool = False

    def __str__(self) -> str:
        if self.goal:
            return f"{self.figure:<4} {'met   ' if self.holds else 'MISSED'} {self.words}"
        return f"{self.figure:<4} {'holds' if self.holds else 'FAILS'}  {self.words}"


@dataclass
class Ground:
    """A server with a migrated template; `seed` decides everything that is drawn."""

    server_url: str
    seed: int
    template: str = ""
    lines: list[Line] = field(default_factory=list)

    def clone(self) -> fresh_database:
        """A database of one's own, as the migrations leave it."""
        return fresh_database(self.server_url, self.template)

    def tell(self, figure: str, words: str, holds: bool, *, goal: bool = False) -> None:
        """Print a figure's line and keep it."""
        line = Line(figure, words, holds, goal)
        self.lines.append(line)
        print(line, flush=True)


@contextmanager
def trust_ground(seed: int, server_url: str | None = None) -> Iterator[Ground]:
    """The server in TEST_DATABASE_URL, or an embedded one under instance/trust; one migrated template."""
    url = server_url or os.environ.get("TEST_DATABASE_URL") or embedded_database_url(FOLDER / "postgresql")
    with fresh_database(url, None) as template_url:
        command.upgrade(alembic_config(template_url), "head")
        yield Ground(url, seed, str(make_url(template_url).database))


@contextmanager
def program(url: str) -> Iterator[Flask]:
    """The program in this process on that database, closed at the end."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(test_settings(url, Path(folder)))
        app.test_client_class = FreshClient
        try:
            yield app
        finally:
            with app.app_context():
                db.session.remove()
                for engine in db.engines.values():
                    engine.dispose()


@dataclass
class Live:
    """A database that is served by worker processes, and the program in this process on the same one."""

    url: str
    app: Flask
    address: str

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session of the database that is served."""
        with self.app.app_context():
            yield db.session()


@contextmanager
def served(ground: Ground, *, forked: bool = False, **options: Any) -> Iterator[Live]:
    """Two worker processes on a fresh database; they take the tokens that this process signs.

    `forked`: a new worker is a fork of a server that has loaded the program, which takes no time, so that workers can
    be killed faster than one would start. The program connects to nothing before it serves.
    """
    with ground.clone() as url, program(url) as app:
        environment = {"MARKETPLACE_SECRET_KEY": app.config["SECRET_KEY"]}
        environment |= {"GUNICORN_CMD_ARGS": "--preload"} if forked else {}
        with live_server(url, env=environment, **options) as address:
            yield Live(url, app, address)


@contextmanager
def on_database(app: Flask, url: str) -> Iterator[None]:
    """Turn a program that was made already to another database, for as long as the block lasts."""
    engine = create_engine(url, **app.config.get("SQLALCHEMY_ENGINE_OPTIONS", {}))
    with app.app_context():
        before = db.engines[None]
        db.engines[None] = engine
    try:
        yield
    finally:
        with app.app_context():
            db.session.remove()
            db.engines[None] = before
        engine.dispose()
