"""`flask reconcile`: recompute the books, say what differs, and end with 1 when anything does."""

import click
from flask.cli import with_appcontext
from sqlalchemy import text

from marketplace.ledger.reconciliation import reconcile
from marketplace.store.base import read_one_snapshot, session


@click.command("reconcile")
@with_appcontext
def reconcile_books() -> None:
    """Recompute every invariant of the ledger."""
    current = session()
    read_one_snapshot(current)
    current.execute(text("SET LOCAL statement_timeout = 0"))
    differences = reconcile(current)
    current.rollback()
    for difference in differences:
        click.echo(difference)
    if differences:
        raise click.exceptions.Exit(1)
    click.echo("The books are right.")
