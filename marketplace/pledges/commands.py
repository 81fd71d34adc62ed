"""`flask verify-decisions`: decide every offer again, say which comes out differently, and end with 1 when any does."""

import click
from flask.cli import with_appcontext
from sqlalchemy import text

from marketplace.pledges.decisions import Verified, replay_all
from marketplace.store.base import session


@click.command("verify-decisions")
@with_appcontext
def verify_decisions() -> None:
    """Replay the decision behind every offer, byte for byte."""
    current = session()
    current.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
    current.execute(text("SET LOCAL statement_timeout = 0"))
    replayed, different = 0, 0
    for verified in replay_all(current):
        replayed += 1
        fault = _fault(verified)
        if fault is not None:
            different += 1
            click.echo(f"pledge {verified.pledge_id}: {fault}")
    current.rollback()
    click.echo(f"{replayed} decisions replayed, {replayed - different} equal, {different} different.")
    if different:
        raise click.exceptions.Exit(1)


def _fault(verified: Verified) -> str | None:
    """What is wrong, in a few words that hold no fact; None where nothing is."""
    if verified.replay is None:
        return "was offered and has no decision"
    return None if verified.replay.equal else f"{', '.join(verified.replay.differs)} differ"
