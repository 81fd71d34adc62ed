"""Loading a corpus by COPY into the product's own tables, as the services would have written it.

    python -m benchmarks.corpus --programmes 10000 --proposals 10000 --seed 2 --database embedded

Rows go in by batches, so memory does not grow with the corpus; foreign keys are taken off meanwhile and put back
validated. Then the product builds its own index. A corpus of the same recipe and schema that is there is kept.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import click
import orjson
import psycopg
from psycopg import sql

from benchmarks.databases import EMBEDDED, Server, application_on, connected, schema_digest, server_at
from benchmarks.draws import (
    ASK,
    ASK_LINE,
    CONSENT,
    CRITERIA,
    FUNDERS,
    GROUPS,
    ORGANISATION,
    PERSON,
    PROGRAMME,
    PROPOSAL,
    SAME_MIX,
    SHAPES,
    VERSION,
    DrawnProgramme,
    DrawnProposal,
    Market,
    Recipe,
    id_of,
)
from marketplace.eligibility.tree import compile_columns, compile_tree
from marketplace.matching.commands import rebuild_index
from marketplace.proposals.rules import part_of, shared_slugs
from marketplace.reference.facts import REGISTRY, derive

BATCH = 5_000
EMPLOYERS = 50
FUNDER_KINDS = ("funder", "funder", "intermediary", "public_body")
LOADER, GROUP_OWNER, FUNDER_OWNER = (id_of(PERSON, number) for number in range(3))
"""Who wrote everything; the owner of group 0; the owner of funder 0."""
EMPLOYERS_WORD, VERIFIED = "employer_consent", "verified"
"""The one fact of the corpus that is more than declared: the employer itself has answered."""

Say = Callable[[str], None]
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A loaded corpus: what it was drawn from, where it is, and how long loading took (None if it was there)."""

    recipe: Recipe
    name: str
    url: str
    loaded_in: float | None


def name_of(recipe: Recipe) -> str:
    """The database of a recipe."""
    shape = recipe.shape.replace("-", "_")
    return f"bench_{shape}_{recipe.programmes}_{recipe.proposals}_{recipe.seed}"


def ensure_corpus(server: Server, recipe: Recipe, say: Say) -> Corpus:
    """The recipe's corpus on that server: found whole, or loaded afresh."""
    name = name_of(recipe)
    if name in server.names() and _is_whole(server.url_of(name), recipe):
        say(f"{name}: found")
        write_index(server.url_of(name), say)
        return Corpus(recipe, name, server.url_of(name), None)
    started = time.perf_counter()
    url = server.make(name)
    load(url, recipe, say)
    write_index(url, say)
    with connected(url) as connection:
        connection.execute("VACUUM (ANALYZE)")
    _mark(url, recipe)
    seconds = time.perf_counter() - started
    say(f"{name}: loaded in {seconds:.0f} s")
    return Corpus(recipe, name, url, seconds)


def load(url: str, recipe: Recipe, say: Say) -> None:
    """Fill a fresh, migrated database."""
    market = Market(recipe)
    with connected(url, autocommit=False) as connection:
        people_and_organisations(connection)
        fill(connection, "programmes", PROGRAMME_TABLES, recipe.programmes, programme_rows(market), say)
        fill(connection, "proposals", PROPOSAL_TABLES, recipe.proposals, proposal_rows(market), say)
        connection.execute("ANALYZE")
        connection.commit()


def write_index(url: str, say: Say) -> None:
    """Have the product index what it has not indexed, or not as it does now, by its own command."""
    with application_on(url) as app:
        started = time.perf_counter()
        written = app.test_cli_runner().invoke(rebuild_index)
        if written.exit_code != 0:
            raise RuntimeError(f"flask {rebuild_index.name} failed: {written.output}") from written.exception
        say(f"index: {written.output.strip()} {time.perf_counter() - started:.0f} s")


# Tables and rows

ORGANISATION_TABLES = {"organisation": ("id", "name", "kind", "verification")}
PROGRAMME_TABLES = {
    "programme": (
        *("id", "organisation_id", "title", "summary", "currency", "instruments", "stages", "ask_min", "ask_max"),
        *("criteria", "ticket_max", "current_criteria_version_id"),
    ),
    "criteria_version": ("id", "programme_id", "number", "tree", "columns", "author_tree", "published_by"),
}
PROPOSAL_TABLES = {
    "proposal": (
        *("id", "organisation_id", "pseudonym", "title", "visibility", "parent_organisation_id"),
        *("current_version_id", "first_published_at"),
    ),
    "proposal_version": ("id", "proposal_id", "number", "title", "facts", "ask", "published_by"),
    "ask": ("id", "proposal_id", "stage", "currency", "instruments", "amount"),
    "ask_line": ("id", "ask_id", "position", "purpose", "amount"),
    "fact_visibility": ("proposal_id", "fact", "visibility"),
    "employer_consent": (
        *("id", "proposal_id", "parent_organisation_id", "state", "title", "invited_by", "answer", "decided_on"),
        *("answered_by", "answered_at"),
    ),
    "proposal_projection": (
        *("proposal_id", "version_id", "title", "stage", "currency", "ask", "sector", "nation", "region"),
        *("facts", "open_facts", "open_slugs", "assurance"),
    ),
}
WHEN = "2026-02-01T09:00:00Z"


def people_and_organisations(connection: psycopg.Connection[Any]) -> None:
    """One person who wrote everything, the funders, groups and employers whose it is, and two owners logged in."""
    rows: list[Row] = [
        (funder_id(at), _json({"en": f"Funder {at}"}), FUNDER_KINDS[at % len(FUNDER_KINDS)], "vouched")
        for at in range(FUNDERS)
    ]
    rows += [(group_id(at), _json({"en": f"Group {at}"}), "staff_group", "vouched") for at in range(GROUPS)]
    rows += [(employer_id(at), _json({"en": f"Employer {at}"}), "public_body", "vouched") for at in range(EMPLOYERS)]
    copy_rows(connection, "organisation", ORGANISATION_TABLES["organisation"], rows)
    for number, person in enumerate((LOADER, GROUP_OWNER, FUNDER_OWNER)):
        connection.execute(
            "INSERT INTO user_account (id, email, name, password_hash, confirmed_at) VALUES (%s, %s, %s, '!', now())",
            [person, f"person{number}@benchmark.invalid", f"Person {number}"],
        )
    for person, organisation in ((GROUP_OWNER, group_id(0)), (FUNDER_OWNER, funder_id(0))):
        connection.execute(
            "INSERT INTO membership (id, organisation_id, user_id, role) VALUES (%s, %s, %s, 'owner')",
            [membership_id(person), organisation, person],
        )
        connection.execute(
            "INSERT INTO session_family (id, user_id, current_token, epoch) VALUES (%s, %s, %s, 1)",
            [family_id(person), person, person],
        )


def membership_id(person: UUID) -> UUID:
    return UUID(int=person.int + 1)


def family_id(person: UUID) -> UUID:
    """The session in which that person is logged in."""
    return UUID(int=person.int + 2)


def funder_id(number: int) -> UUID:
    return id_of(ORGANISATION, number)


def group_id(number: int) -> UUID:
    return id_of(ORGANISATION, FUNDERS + number)


def employer_id(number: int) -> UUID:
    return id_of(ORGANISATION, FUNDERS + GROUPS + number)


def programme_rows(market: Market) -> Callable[[int], dict[str, list[Row]]]:
    """What programme number n puts into each table."""

    def rows(number: int) -> dict[str, list[Row]]:
        drawn: DrawnProgramme = market.programme(number)
        programme, version, columns = id_of(PROGRAMME, number), id_of(CRITERIA, number), drawn.columns
        author = _json(drawn.tree.as_json())
        tree = _json(compile_tree(compile_columns(**columns), drawn.tree))
        title = _json({"en": f"Programme {number}"})
        summary = _json({"en": "Money for groups that leave the public sector to run their service themselves."})
        return {
            "programme": [
                (
                    *(programme, funder_id(drawn.funder), title, summary, columns["currency"]),
                    *(columns["instruments"], columns["stages"], columns["ask_min"], columns["ask_max"]),
                    *(author, columns["ask_max"], version),
                )
            ],
            "criteria_version": [(version, programme, 1, tree, _json(columns), author, LOADER)],
        }

    return rows


def proposal_rows(market: Market) -> Callable[[int], dict[str, list[Row]]]:
    """What proposal number n puts into each table."""

    def rows(number: int) -> dict[str, list[Row]]:
        drawn: DrawnProposal = market.proposal(number)
        proposal, version, ask = id_of(PROPOSAL, number), id_of(VERSION, number), id_of(ASK, number)
        lines = [{"purpose": "other", "amount": drawn.ask["amount"]}]
        asked = {**drawn.ask, "lines": lines}
        published = derive(drawn.answers, asked, None)
        facts = derive(published, asked, drawn.consent)
        slugs = _open_slugs(drawn.opened)
        open_facts = part_of(facts, slugs)
        title = _json({"en": f"Proposal {number}"})
        parent = employer_id(number % EMPLOYERS) if drawn.consent else None
        made: dict[str, list[Row]] = {
            "proposal": [
                (
                    *(proposal, group_id(drawn.group), f"Bench {number:09d}", title, drawn.visibility, parent),
                    *(version, WHEN),
                )
            ],
            "proposal_version": [(version, proposal, 1, title, _json(published), _json(asked), LOADER)],
            "ask": [(ask, proposal, asked["stage"], asked["currency"], asked["instruments"], asked["amount"])],
            "ask_line": [(id_of(ASK_LINE, number), ask, 0, "other", asked["amount"])],
            "fact_visibility": [(proposal, slug, "open") for slug in drawn.opened],
            "proposal_projection": [
                (
                    *(proposal, version, title, asked["stage"], asked["currency"], asked["amount"]),
                    *(open_facts.get("sector"), open_facts.get("beneficiary_nation"), open_facts.get("region")),
                    *(_json(facts), _json(open_facts), [slug for slug in REGISTRY if slug in slugs]),
                    _json({EMPLOYERS_WORD: VERIFIED} if EMPLOYERS_WORD in facts else {}),
                )
            ],
        }
        if drawn.consent:
            answer = (LOADER, drawn.consent, "2026-01-15", LOADER, WHEN)
            made["employer_consent"] = [(id_of(CONSENT, number), proposal, parent, "answered", title, *answer)]
        return made

    return rows


@lru_cache(maxsize=64)
def _open_slugs(opened: tuple[str, ...]) -> frozenset[str]:
    return shared_slugs(dict.fromkeys(opened, "open"))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


# Copying


def fill(
    connection: psycopg.Connection[Any],
    what: str,
    tables: dict[str, tuple[str, ...]],
    number: int,
    rows_of: Callable[[int], dict[str, list[Row]]],
    say: Say,
) -> None:
    """Copy the rows of `number` things into their tables, a batch at a time, and commit.

    The tables are analysed each time that they have doubled: triggers keep the plans of an empty table otherwise, and
    read all of it for every row.
    """
    constraints = list(_foreign_keys(connection, tables))
    for table, constraint, _ in constraints:
        connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(_name(table), _name(constraint)))
    started, counted = time.perf_counter(), BATCH // 2
    for first in range(0, number, BATCH):
        batch: dict[str, list[Row]] = {table: [] for table in tables}
        for each in range(first, min(first + BATCH, number)):
            for table, rows in rows_of(each).items():
                batch[table] += rows
        for table, columns in tables.items():
            copy_rows(connection, table, columns, batch[table])
        done = min(first + BATCH, number)
        if done >= counted * 2:
            connection.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(map(_name, tables))))
            counted = done
        if done == number or done % 50_000 == 0:
            say(f"{done} of {number} {what}, {time.perf_counter() - started:.0f} s")
    for table, constraint, definition in constraints:
        put_back = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(_name(table), _name(constraint))
        connection.execute(put_back + sql.SQL(definition))
    connection.commit()


def copy_rows(connection: psycopg.Connection[Any], table: str, columns: Iterable[str], rows: Iterable[Row]) -> None:
    """COPY rows into some columns of a table."""
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(_name(table), sql.SQL(", ").join(map(_name, columns)))
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(row)


def _foreign_keys(connection: psycopg.Connection[Any], tables: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Table, name and definition of the foreign keys on those tables."""
    found = connection.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND conrelid = ANY (%s::regclass[]) ORDER BY conname",
        [list(tables)],
    )
    yield from found.fetchall()


def _name(name: str) -> sql.Identifier:
    return sql.Identifier(name)


# Knowing it again


def _is_whole(url: str, recipe: Recipe) -> bool:
    with connected(url) as connection:
        marked = connection.execute("SELECT to_regclass('bench.corpus') IS NOT NULL").fetchone()
        if marked != (True,):
            return False
        kept = connection.execute("SELECT recipe, migrations FROM bench.corpus").fetchone()
    return kept == (recipe.as_json(), schema_digest())


def _mark(url: str, recipe: Recipe) -> None:
    with connected(url) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS bench")
        connection.execute("CREATE TABLE bench.corpus (recipe jsonb NOT NULL, migrations text NOT NULL)")
        connection.execute("INSERT INTO bench.corpus VALUES (%s, %s)", [_json(recipe.as_json()), schema_digest()])


@click.command("corpus")
@click.option("--programmes", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True)
@click.option("--proposals", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True)
@click.option("--seed", type=click.IntRange(0, 32_767), default=2, show_default=True)
@click.option("--shape", type=click.Choice(SHAPES), default=SAME_MIX, show_default=True)
@click.option("--database", default=EMBEDDED, show_default=True, help="`embedded`, or the URL of a server to use.")
@click.option("--drop", is_flag=True, help="Drop every database that the benchmarks made on that server instead.")
def main(programmes: int, proposals: int, seed: int, shape: str, database: str, drop: bool) -> None:
    """Load a corpus into a database of its own, and print its URL."""
    server = server_at(database)
    if drop:
        for name in server.names():
            server.drop(name)
            click.echo(f"{name}: dropped", err=True)
        return
    corpus = ensure_corpus(server, Recipe(programmes, proposals, seed, shape), say_on_stderr)
    click.echo(corpus.url)


def say_on_stderr(line: str) -> None:
    """Progress, apart from what a program may read."""
    click.echo(line, err=True)


if __name__ == "__main__":
    sys.exit(main())
