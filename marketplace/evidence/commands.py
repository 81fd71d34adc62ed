"""`flask sweep-documents`: say which kept documents nothing names, and with --remove take them away."""

from datetime import timedelta

import click
from flask.cli import with_appcontext
from sqlalchemy import text

from marketplace.store.base import session
from marketplace.store.documents import sweep
from marketplace.values.clock import now

SPARED = timedelta(days=1)


@click.command("sweep-documents")
@click.option("--remove", is_flag=True, help="Take them away. Without it nothing is changed.")
@with_appcontext
def sweep_documents(remove: bool) -> None:
    """Find documents that nothing names and nobody has submitted for a day. Safe while documents are uploaded."""
    current = session()
    current.execute(text("SET statement_timeout = 0"))
    current.execute(text("SET idle_in_transaction_session_timeout = 0"))
    current.commit()
    found = sweep(current, now() - SPARED, remove=remove)
    for document in found.unnamed:
        click.echo(f"{document.sha256} {document.size}")
    size = sum(document.size for document in found.unnamed)
    done = "taken away" if remove else "to be taken away with --remove"
    click.echo(f"{len(found.unnamed)} documents of {size} bytes {done}; {found.unfinished} unfinished uploads cleared.")
