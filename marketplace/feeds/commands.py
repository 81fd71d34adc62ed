"""`flask verify-audit` and `flask export-audit-heads`: what the operator types to keep the record honest."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from flask.cli import with_appcontext
from sqlalchemy import text

from marketplace.feeds.heads import HeadsNotGenuine, genuine_heads, publish_heads, write_file
from marketplace.feeds.verification import verify
from marketplace.store.base import session
from marketplace.store.mail import present_settings


@click.command("verify-audit")
@click.option("--organisation", type=click.UUID, help="Only this organisation's chain.")
@click.option(
    "--heads",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="A file of published heads, or a folder of them (also looked at: the instance's own folder).",
)
@with_appcontext
def verify_audit(organisation: UUID | None, heads: tuple[Path, ...]) -> None:
    """Seal every audit entry again, say what does not fit, and end with 1 when anything does not."""
    published, doubtful = _published((present_settings().audit_heads_folder, *heads))
    current = session()
    current.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
    current.execute(text("SET LOCAL statement_timeout = 0"))
    report = verify(current, organisation, published)
    current.rollback()
    for words in [*doubtful, *(str(fault) for fault in report.faults)]:
        click.echo(words)
    told = f"{report.chains} chains, {report.entries} entries, {report.bound} bound rows, {len(published)} heads"
    click.echo(f"{told}; {len(report.faults) + len(doubtful)} faults.")
    if report.faults or doubtful:
        raise click.exceptions.Exit(1)


@click.command("export-audit-heads")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), required=False)
@with_appcontext
def export_audit_heads(folder: Path | None) -> None:
    """Publish today's heads of all audit chains, unless that was done, and write them into a file."""
    published = publish_heads(session())
    session().commit()
    path = write_file(published, folder or present_settings().audit_heads_folder)
    click.echo(f"Wrote {path}: {published.count} heads, root {published.root}.")


def _published(places: tuple[Path, ...]) -> tuple[list[dict[str, Any]], list[str]]:
    """The heads in those files and folders, and in words which files are not genuine."""
    files = [file for place in places for file in (sorted(place.glob("*.json")) if place.is_dir() else [place])]
    heads: list[dict[str, Any]] = []
    doubtful: list[str] = []
    for file in (each for each in files if each.exists()):
        try:
            heads += genuine_heads(json.loads(file.read_text()), present_settings())
        except ValueError as error:
            words = str(error) if isinstance(error, HeadsNotGenuine) else "it is not JSON"
            doubtful.append(f"{file.name}: {words}")
    return heads, doubtful


COMMANDS = (verify_audit, export_audit_heads)
