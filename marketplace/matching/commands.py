"""`flask rebuild-index` writes what the index lacks; `flask verify-index` holds its answers against the evaluator's.

Both go through everything in batches, so that memory does not grow with the marketplace.
"""

from uuid import UUID

import click
from flask.cli import with_appcontext
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from marketplace.eligibility.indexing import index_versions, stale_versions
from marketplace.eligibility.models import CriteriaCell, IndexedCriteria
from marketplace.matching.agreement import Difference, figures, forward_differences, reverse_differences
from marketplace.proposals.models import ProposalPoint
from marketplace.proposals.points import place_points, unplaced
from marketplace.store.base import session

TOLD = 50
"""Differences that are written out; the others are only counted."""


def index_what_is_missing(current: Session) -> tuple[int, int]:
    """Write the cells and points of this program's layout that are missing, committing batch by batch.

    How many programmes and proposals were looked at. Safe to repeat, and beside a running service.
    """
    programmes = proposals = 0
    while versions := stale_versions(current):
        index_versions(current, versions)
        current.commit()
        programmes += len(versions)
    after: UUID | None = None
    while facts := unplaced(current, after):
        place_points(current, facts)
        current.commit()
        after = max(facts)
        proposals += len(facts)
    current.commit()
    return programmes, proposals


@click.command("rebuild-index")
@click.option("--all", "everything", is_flag=True, help="Throw the index away first, and write all of it anew.")
@with_appcontext
def rebuild_index(everything: bool) -> None:
    """Write what the index of criteria and proposals lacks; until then it is found without the index."""
    current = session()
    current.execute(text("SET statement_timeout = 0"))
    if everything:
        current.execute(update(IndexedCriteria).values(layout=0, cells=0))
        current.execute(update(ProposalPoint).values(layout=0))
        current.execute(delete(CriteriaCell))
        current.commit()
    programmes, proposals = index_what_is_missing(current)
    click.echo(f"Indexed {programmes} programmes and {proposals} proposals.")


@click.command("verify-index")
@click.option("--sample", type=click.IntRange(1), default=50, show_default=True, help="Proposals, and programmes.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which ones are sampled.")
@click.option("--repair", is_flag=True, help="Write what the index lacks first.")
@with_appcontext
def verify_index(sample: int, seed: int, repair: bool) -> None:
    """Compare the index with the evaluator, sampled proposals with all programmes and the other way round."""
    current = session()
    if repair:
        programmes, proposals = index_what_is_missing(current)
        click.echo(f"Indexed {programmes} programmes and {proposals} proposals.")
    current.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
    current.execute(text("SET LOCAL statement_timeout = 0"))
    differences: list[Difference] = []
    compared = 0
    for found, pairs in (forward_differences(current, sample, seed), reverse_differences(current, sample, seed)):
        differences += found
        compared += pairs
    told = figures(current)
    current.rollback()
    for line in told:
        click.echo(line)
    for difference in differences[:TOLD]:
        click.echo(difference)
    click.echo(f"{compared} pairs compared, {len(differences)} differences.")
    if differences:
        raise click.exceptions.Exit(1)


COMMANDS = (rebuild_index, verify_index)
