"""Alembic's environment: one engine, PostgreSQL; short lock waits, so that a migration never holds the service up."""

from alembic import context
from sqlalchemy import create_engine, text

import marketplace.app  # noqa: F401  (every feature's tables)
from marketplace.settings import settings_from_environment
from marketplace.store.base import db
from marketplace.store.embedded import embedded_database_url


def database_url() -> str:
    """The address given by the caller (tests, `flask migrate`), else that of the settings."""
    given = context.config.attributes.get("database_url")
    if given:
        return str(given)
    settings = settings_from_environment()
    return settings.database_url or embedded_database_url(settings.database_folder, cleanup_mode=None)


def ours(_object: object, name: str | None, type_: str, _reflected: bool, _compare_to: object) -> bool:
    """The job queue's tables belong to its library."""
    return not (type_ == "table" and (name or "").startswith("procrastinate"))


def run() -> None:
    """Run the migrations in one transaction."""
    engine = create_engine(database_url())
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = '1s'"))
        connection.commit()
        context.configure(
            connection=connection, target_metadata=db.metadata, include_object=ours, compare_server_default=False
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
