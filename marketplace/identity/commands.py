"""What the operator of the marketplace types: make someone an operator, see who waits for verification."""

import click
from flask.cli import with_appcontext

from marketplace.identity import personal
from marketplace.identity.people import person_with
from marketplace.identity.rules import LastOwner
from marketplace.identity.verification import unverified_organisations
from marketplace.store.base import session
from marketplace.values.actor import Actor
from marketplace.values.words import in_language

MOST_SHOWN = 200


@click.command("make-operator")
@click.argument("email")
@click.option("--end", is_flag=True, help="Take the role away again.")
@with_appcontext
def make_operator(email: str, end: bool) -> None:
    """Let the confirmed account with that address verify and suspend organisations."""
    current = session()
    person = person_with(current, email)
    if person is None or person.confirmed_at is None:
        raise click.ClickException("There is no confirmed account with that address.")
    person.operator = not end
    current.commit()
    click.echo("No longer an operator." if end else "That account is an operator now.")


@click.command("list-unverified")
@with_appcontext
def list_unverified() -> None:
    """Show unverified organisations, the longest waiting first."""
    waiting = unverified_organisations(session(), None, MOST_SHOWN)
    for each in waiting[:MOST_SHOWN]:
        name, _ = in_language(each.name, ())
        numbers = " ".join(f"{one.scheme}-{one.number}" for one in each.identifiers)
        click.echo(f"{each.id}  {each.kind:18} {name}  {numbers}".rstrip())
    click.echo(f"{len(waiting[:MOST_SHOWN])} shown." if waiting else "Nobody waits.")


@click.command("erase-person")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def erase_person(email: str, yes: bool) -> None:
    """Erase the person with that address: it cannot be undone."""
    current = session()
    person = person_with(current, email)
    if person is None:
        raise click.ClickException("There is no account with that address.")
    if not yes:
        click.confirm("Erase this person for good?", abort=True)
    try:
        personal.erase_person(current, Actor(), person.id)
    except LastOwner as refusal:
        alone = ", ".join(reason["found"] for reason in refusal.facts["reasons"])
        raise click.ClickException(f"Another owner is needed first in: {alone}") from refusal
    current.commit()
    click.echo("Erased.")


COMMANDS = (make_operator, list_unverified, erase_person)
