"""The commands that operators and developers type: `flask --app wsgi ...`."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import yaml
from alembic import command
from alembic.config import Config
from flask import Flask, current_app
from flask.cli import with_appcontext
from procrastinate.jobs import DeleteJobCondition

from marketplace.evidence.commands import sweep_documents
from marketplace.feeds.commands import COMMANDS as OF_FEEDS
from marketplace.identity.commands import COMMANDS as OF_IDENTITY
from marketplace.insight.commands import report_charts
from marketplace.ledger.commands import reconcile_books
from marketplace.matching.commands import COMMANDS as OF_MATCHING
from marketplace.matching.commands import index_what_is_missing
from marketplace.pledges.commands import verify_decisions
from marketplace.search.labels import refresh_labels
from marketplace.serving import (
    check_database,
    failing_plainly,
    serve,
    server_settings_from_environment,
)
from marketplace.store.base import session
from marketplace.store.jobs import worker_app
from marketplace.web.docs_ui import problem_catalogue
from marketplace.web.openapi import MarketApi, document

ROOT = Path(__file__).resolve().parents[1]
ERRORS_FOREWORD = """\
# Errors

Written by `make errors` from the code; a test compares them. Every failure is `application/problem+json` (RFC 9457):
`code` is stable and safe to branch on, `type` is `/problems/` and the code, `title` and `detail` are for people,
`errors` names each fault of a request by `pointer` or `parameter`, and `reasons` carries every unmet criterion.
"""


def register_commands(app: Flask) -> None:
    """Add the commands to `flask`. What stops one from starting is said in one line, with exit status 2."""
    of_features = (
        *OF_IDENTITY,
        *OF_MATCHING,
        *OF_FEEDS,
        reconcile_books,
        verify_decisions,
        sweep_documents,
        report_charts,
    )
    for each in (migrate, serve_all, run_worker, *of_features, write_openapi, write_errors):
        app.cli.add_command(speaking_plainly(each))


def speaking_plainly(made: click.Command) -> click.Command:
    """`made`, saying in plain words that the settings are wrong or the database is away."""
    run = made.callback
    if run is None or getattr(run, "speaks_plainly", False):
        return made

    @wraps(run)
    def plainly(*args: Any, **kwargs: Any) -> Any:
        with failing_plainly():
            return run(*args, **kwargs)

    plainly.__dict__["speaks_plainly"] = True
    made.callback = plainly
    return made


def alembic_config(database_url: str) -> Config:
    """Alembic's settings out of pyproject.toml, for that database."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["database_url"] = database_url
    return config


@click.command("migrate")
@with_appcontext
def migrate() -> None:
    """Bring the database up to this program's schema, and the index up to its words."""
    url = current_app.config["SQLALCHEMY_DATABASE_URI"]
    check_database(url)
    command.upgrade(alembic_config(url), "head")
    index_what_is_missing(session())
    refresh_labels(session())
    session().commit()
    click.echo("The database is up to date.")


@click.command("openapi")
@click.argument("path", type=click.Path(path_type=Path), default=ROOT / "openapi.yaml")
@click.option("--check", is_flag=True, help="Write nothing; fail where the file says otherwise.")
def write_openapi(path: Path, check: bool) -> None:
    """Write the OpenAPI document."""
    write_or_compare(path, openapi_text(current_app.extensions["market_api"]), check, "make openapi")


@click.command("errors")
@click.argument("path", type=click.Path(path_type=Path), default=ROOT / "docs" / "errors.md")
@click.option("--check", is_flag=True, help="Write nothing; fail where the file says otherwise.")
def write_errors(path: Path, check: bool) -> None:
    """Write the list of problem codes."""
    write_or_compare(path, errors_text(), check, "make errors")


@click.command("serve")
@click.option("--host", help="Address to listen on (MARKETPLACE_HOST).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port (MARKETPLACE_PORT).")
@click.option("--workers", type=click.IntRange(1, 64), help="Web processes (MARKETPLACE_WORKERS).")
@click.option("--threads", type=click.IntRange(1, 256), help="Threads in each (MARKETPLACE_THREADS).")
def serve_all(**given: Any) -> None:
    """Serve, with one worker for background jobs, until Ctrl-C."""
    told = {name: value for name, value in given.items() if value is not None}
    server = replace(server_settings_from_environment(), **told)
    raise SystemExit(serve(current_app.config["SQLALCHEMY_DATABASE_URI"], server))


@click.command("worker")
@click.option("--once", is_flag=True, help="Stop when no job is left.")
@click.option("--concurrency", type=click.IntRange(1, 32), default=2, show_default=True, help="Jobs at a time.")
def run_worker(once: bool, concurrency: int) -> None:
    """Run background jobs until Ctrl-C. Any number of workers may run, on any number of hosts."""
    url = current_app.config["SQLALCHEMY_DATABASE_URI"]
    check_database(url)
    load_jobs()
    with worker_app(url) as worker:
        worker.run_worker(
            wait=not once,
            concurrency=concurrency,
            task_middleware=[in_one_transaction(current_app._get_current_object())],  # type: ignore[attr-defined]
            delete_jobs=DeleteJobCondition.SUCCESSFUL,
            shutdown_graceful_timeout=25,
        )


def load_jobs() -> None:
    """Import every feature's `jobs.py`, so that the worker knows its tasks and their hours."""
    for path in sorted((ROOT / "marketplace").glob("*/jobs.py")):
        import_module(f"marketplace.{path.parent.name}.jobs")


def in_one_transaction(app: Flask) -> Callable[[Callable[[], Any], Any, Any], Any]:
    """Run each job with the application's session, and commit when it has ended well."""

    def transacted(run: Callable[[], Any], _context: Any, _worker: Any) -> Any:
        with app.app_context():
            try:
                result = run()
                session().commit()
            except BaseException:
                session().rollback()
                raise
            return result

    return transacted


def write_or_compare(path: Path, wanted: str, check: bool, remedy: str) -> None:
    """Write the text, or with `check` exit 1 where the file differs."""
    if not check:
        path.write_text(wanted, encoding="utf-8")
        click.echo(f"Wrote {path.name}.")
    elif not path.exists() or path.read_text(encoding="utf-8") != wanted:
        click.echo(f"{path.name} does not say what the code says. Run: {remedy}", err=True)
        raise SystemExit(1)


def openapi_text(api: MarketApi) -> str:
    """The document as it is committed."""
    return yaml.safe_dump(document(api), sort_keys=False, allow_unicode=True, width=110)


def errors_text() -> str:
    """docs/errors.md as it is committed: every code with its status, title and meaning."""
    entries = [
        f"\n## {code}\n\n{status}. {title.rstrip('.')}. {words}\n"
        for code, (status, title, words) in problem_catalogue().items()
    ]
    return ERRORS_FOREWORD + "".join(entries)
