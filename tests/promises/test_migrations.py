"""Migrations: one line of them, equal to the models, and the way back is real."""

from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from marketplace.cli import ROOT, alembic_config
from tests.conftest import fresh_database

LEFT = text(
    """
    SELECT 'table ' || relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
       AND relname <> 'alembic_version'
    UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'type ' || typname FROM pg_type
     WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
    """
)


def left_in(url: str) -> list[str]:
    """What the public schema of that database holds, beside Alembic's own table."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = sorted(connection.scalars(LEFT))
    engine.dispose()
    return found


def test_there_is_one_head_and_the_file_names_it() -> None:
    heads = ScriptDirectory.from_config(alembic_config("postgresql+psycopg://none")).get_heads()

    assert heads == [(ROOT / "migrations" / ".current-head").read_text().strip()]


@pytest.mark.filterwarnings("ignore:Did not recognize type .xid8.")  # PostgreSQL has it, SQLAlchemy no name for it
def test_the_models_are_what_the_migrations_make(clone: Callable[[], Any]) -> None:
    with clone() as url:
        command.check(alembic_config(url))


def test_going_back_to_nothing_leaves_nothing_and_the_way_up_is_the_same(server_url: str) -> None:
    with fresh_database(server_url, None) as url:
        config = alembic_config(url)
        command.upgrade(config, "head")
        full = left_in(url)
        command.downgrade(config, "base")
        empty = left_in(url)
        command.upgrade(config, "head")

        assert empty == []
        assert left_in(url) == full


@pytest.mark.slow
def test_each_step_goes_back_alone(server_url: str) -> None:
    steps = [
        each.revision
        for each in ScriptDirectory.from_config(alembic_config("postgresql+psycopg://none")).walk_revisions()
    ]
    with fresh_database(server_url, None) as url:
        config = alembic_config(url)
        for step in reversed(steps):
            before = left_in(url)
            command.upgrade(config, step)
            command.downgrade(config, "-1")
            assert left_in(url) == before, step
            command.upgrade(config, step)
