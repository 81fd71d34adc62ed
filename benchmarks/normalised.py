"""Criteria as a good engineer would normalise them: one row per alternative, its ranges as columns, its sets as rows.

The yardstick that the product's index is held against, made in a schema of its own in the benchmarks' database. It is
exact and three-valued like the product: a fact that is not known keeps an alternative in and marks it. It covers what
the corpus asks; a criterion it has no place for is refused when it is built, never guessed.

Two writings of the query are kept, because neither wins everywhere: `joined` lets the planner start from any set (each
alternative has a row for "any" in each set it leaves open), `filtered` walks the alternatives and looks each set up.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from benchmarks.databases import connected
from marketplace.eligibility.normal_form import Conjunction, Literal, alternatives
from marketplace.eligibility.rules import Result
from marketplace.eligibility.tree import read_tree
from marketplace.reference.facts import REGISTRY
from marketplace.reference.parameters import values_on
from marketplace.values.actor import VERIFIED_STATES

SETS = frozenset({"choice", "choices", "area", "areas"})
NUMBERS = frozenset({"money", "integer", "percentage", "decimal"})
ANY = "*"
WANTS = frozenset({("in", False), ("eq", False), ("contains_any", False), ("not_in", True), ("ne", True)})
REFUSES = frozenset({("in", True), ("eq", True), ("contains_any", True), ("not_in", False), ("ne", False)})
BATCH = 5_000


class NoPlaceForItError(ValueError):
    """A criterion that the normalised rows cannot hold."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """The facts that the corpus asks for, by how they are kept."""

    sets: tuple[str, ...]
    refused: tuple[str, ...]
    numbers: tuple[str, ...]
    booleans: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NormalisedCriteria:
    """The rows in one database, and how to ask them."""

    columns: _Columns

    def joined(self, current: Session, question: Any) -> frozenset[UUID]:
        """The programmes that come to the question's result for its proposal's facts, written with semi-joins."""
        return self._asked(current, question, joined=True)

    def filtered(self, current: Session, question: Any) -> frozenset[UUID]:
        """The same, written as filters on each alternative."""
        return self._asked(current, question, joined=False)

    def _asked(self, current: Session, question: Any, *, joined: bool) -> frozenset[UUID]:
        values, known = self._values(question.facts)
        values["currency"] = question.facts["ask_currency"]
        statement = self._statement(known, question.result, joined)
        return frozenset(current.scalars(statement, values))

    def _values(self, facts: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
        columns = self.columns
        asked = {*columns.sets, *columns.refused, *columns.numbers, *columns.booleans}
        values: dict[str, Any] = {}
        for slug in asked & facts.keys():
            found = facts[slug]
            if REGISTRY[slug].type in SETS:
                values[slug] = found if isinstance(found, list) else [found]
            else:
                values[slug] = found["amount"] if isinstance(found, dict) else found
        return values, frozenset(values)

    def _statement(self, known: frozenset[str], result: Result, joined: bool) -> TextClause:
        key = (self.columns, known, result, joined)
        if key not in _STATEMENTS:
            _STATEMENTS[key] = text(self._written(known, result, joined)).bindparams(verified=sorted(VERIFIED_STATES))
        return _STATEMENTS[key]

    def _written(self, known: frozenset[str], result: Result, joined: bool) -> str:
        conditions = " AND ".join(["one.currency = :currency", *self._conditions(known, joined)])
        doubtful = " OR ".join(self._doubts(known)) or "false"
        if result is Result.ELIGIBLE:
            return _SELECT.format("DISTINCT one.programme_id", f"{conditions} AND NOT ({doubtful})", "")
        return _SELECT.format("one.programme_id", conditions, f"GROUP BY one.programme_id HAVING bool_and({doubtful})")

    def _conditions(self, known: frozenset[str], joined: bool) -> Iterator[str]:
        """What an alternative may ask of the facts that are known."""
        for slug in (each for each in self.columns.numbers if each in known):
            yield f"(one.{slug}_lo IS NULL OR one.{slug}_lo <= cast(:{slug} AS {_kind(slug)}))"
            yield f"(one.{slug}_hi IS NULL OR one.{slug}_hi >= cast(:{slug} AS {_kind(slug)}))"
        for slug in (each for each in self.columns.booleans if each in known):
            yield f"(one.{slug} IS NULL OR one.{slug} = :{slug})"
        for slug in (each for each in self.columns.sets if each in known):
            yield _held(slug, joined)
        for slug in (each for each in self.columns.refused if each in known):
            yield f"NOT EXISTS (SELECT FROM bench.refused_{slug} other WHERE {_LOOKED_UP.format(slug)})"

    def _doubts(self, known: frozenset[str]) -> Iterator[str]:
        """Where an alternative asks for a fact that is not known."""
        columns = self.columns
        yield from (f"one.{slug}_lo IS NOT NULL" for slug in columns.numbers if slug not in known)
        yield from (f"one.{slug}_hi IS NOT NULL" for slug in columns.numbers if slug not in known)
        yield from (f"one.{slug} IS NOT NULL" for slug in columns.booleans if slug not in known)
        yield from (f"one.{slug}_asked" for slug in columns.sets if slug not in known)
        yield from (f"one.{slug}_refused" for slug in columns.refused if slug not in known)


def _held(slug: str, joined: bool) -> str:
    if joined:
        return (
            f"EXISTS (SELECT FROM bench.wanted_{slug} other WHERE other.conjunction_id = one.id"
            f" AND other.value = ANY (cast(:{slug} AS text[]) || '{ANY}'::text))"
        )
    looked_up = _LOOKED_UP.format(slug)
    return f"(NOT one.{slug}_asked OR EXISTS (SELECT FROM bench.wanted_{slug} other WHERE {looked_up}))"


_STATEMENTS: dict[tuple[_Columns, frozenset[str], Result, bool], TextClause] = {}
_LOOKED_UP = "other.conjunction_id = one.id AND other.value = ANY (cast(:{0} AS text[]))"
_SELECT = """
    SELECT {}
    FROM bench.conjunction one
    JOIN organisation funder ON funder.id = one.organisation_id
    WHERE funder.verification = ANY (:verified) AND {} {}
"""


# Building


def normalise(url: str, day: date, say: Callable[[str], None]) -> NormalisedCriteria:
    """The normalised rows of every current version in that database, made afresh unless they are there."""
    with connected(url, autocommit=False) as connection:
        columns = _columns(connection)
        if connection.execute("SELECT to_regclass('bench.conjunction') IS NULL").fetchone() == (True,):
            _create(connection, columns)
            number = _fill(connection, columns, values_on(day))
            columns = _less_what_nobody_refuses(connection, columns)
            _index(connection, columns)
            say(f"exists: {number} alternatives normalised")
            _tidy(url, columns)
        else:
            columns = _less_what_nobody_refuses(connection, columns)
    return NormalisedCriteria(columns)


def _columns(connection: psycopg.Connection[Any]) -> _Columns:
    """What the corpus asks for, in the registry's order. Parameters are those of one day: the rows are of that day."""
    facts = "SELECT DISTINCT jsonb_path_query(tree, 'strict $.**.fact') #>> '{}' FROM criteria_version"
    asked = {row[0] for row in connection.execute(facts)} - {"ask_currency"}

    def of(types: frozenset[str]) -> tuple[str, ...]:
        return tuple(slug for slug in REGISTRY if slug in asked and REGISTRY[slug].type in types)

    return _Columns(of(SETS), of(frozenset({"choice"})), of(NUMBERS), of(frozenset({"boolean"})))


def _less_what_nobody_refuses(connection: psycopg.Connection[Any], columns: _Columns) -> _Columns:
    """Without the sets of which no alternative refuses a value: a good engineer would not ask them."""
    kept = []
    for slug in columns.refused:
        found = connection.execute(_plain(f"SELECT EXISTS (SELECT FROM bench.refused_{slug})")).fetchone()
        if found == (True,):
            kept.append(slug)
    return replace(columns, refused=tuple(kept))


def _create(connection: psycopg.Connection[Any], columns: _Columns) -> None:
    members = [
        "id integer PRIMARY KEY",
        "programme_id uuid NOT NULL",
        "organisation_id uuid NOT NULL",
        "currency text NOT NULL",
    ]
    members += [f"{slug}_{end} {_kind(slug)}" for slug in columns.numbers for end in ("lo", "hi")]
    members += [f"{slug} boolean" for slug in columns.booleans]
    members += [f"{slug}_asked boolean NOT NULL" for slug in columns.sets]
    members += [f"{slug}_refused boolean NOT NULL" for slug in columns.refused]
    connection.execute(_plain(f"CREATE TABLE bench.conjunction ({', '.join(members)})"))
    for table in _tables(columns):
        connection.execute(_plain(f"CREATE TABLE bench.{table} (value text NOT NULL, conjunction_id integer NOT NULL)"))


def _tables(columns: _Columns) -> list[str]:
    return [f"wanted_{slug}" for slug in columns.sets] + [f"refused_{slug}" for slug in columns.refused]


def _index(connection: psycopg.Connection[Any], columns: _Columns) -> None:
    for table in _tables(columns):
        connection.execute(_plain(f"ALTER TABLE bench.{table} ADD PRIMARY KEY (value, conjunction_id)"))
        connection.execute(_plain(f"CREATE UNIQUE INDEX ON bench.{table} (conjunction_id, value)"))
    connection.commit()


def _tidy(url: str, columns: _Columns) -> None:
    with connected(url) as connection:
        for table in ["conjunction", *_tables(columns)]:
            connection.execute(_plain(f"VACUUM (ANALYZE) bench.{table}"))


def _fill(connection: psycopg.Connection[Any], columns: _Columns, parameters: Mapping[str, Any]) -> int:
    names = ["id", "programme_id", "organisation_id", "currency"]
    names += [f"{slug}_{end}" for slug in columns.numbers for end in ("lo", "hi")]
    names += [*columns.booleans, *(f"{slug}_asked" for slug in columns.sets)]
    names += [f"{slug}_refused" for slug in columns.refused]
    number = 0
    for batch in _batches(connection):
        rows: list[Sequence[Any]] = []
        sets: dict[str, list[tuple[str, int]]] = {table: [] for table in _tables(columns)}
        for programme, organisation, tree in batch:
            for conjunction in alternatives(read_tree(tree)):
                number += 1
                made = _Alternative.of(conjunction, parameters)
                rows.append((number, programme, organisation, made.currency, *made.row(columns)))
                made.put_sets(columns, number, sets)
        _copy(connection, "conjunction", names, rows)
        for table, pairs in sets.items():
            _copy(connection, table, ["value", "conjunction_id"], pairs)
    return number


def _batches(connection: psycopg.Connection[Any]) -> Iterator[list[Any]]:
    with connection.cursor("current_versions") as cursor:
        cursor.execute(
            "SELECT programme.id, programme.organisation_id, version.tree FROM programme"
            " JOIN criteria_version version ON version.id = programme.current_criteria_version_id ORDER BY 1"
        )
        while batch := cursor.fetchmany(BATCH):
            yield batch


def _copy(
    connection: psycopg.Connection[Any], table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    into = sql.SQL("COPY bench.{} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(row)


def _kind(slug: str) -> str:
    """How a number is kept: whole ones as such."""
    return "numeric" if REGISTRY[slug].type == "decimal" else "bigint"


def _plain(statement: str) -> sql.SQL:
    """A statement whose names come out of the registry."""
    return sql.SQL(statement)


@dataclass(slots=True)
class _Alternative:
    """One conjunction laid out: a range for each number, a value for each boolean, values wanted and refused."""

    currency: str
    lowest: dict[str, Any]
    highest: dict[str, Any]
    booleans: dict[str, bool]
    wanted: dict[str, set[str]]
    refused: dict[str, set[str]]

    @classmethod
    def of(cls, conjunction: Conjunction, parameters: Mapping[str, Any]) -> "_Alternative":
        made = cls("", {}, {}, {}, {}, {})
        for each in conjunction.literals:
            made.take(each, parameters)
        if not made.currency:
            raise NoPlaceForItError("an alternative without a currency")
        return made

    def take(self, literal: Literal, parameters: Mapping[str, Any]) -> None:
        criterion, sign = literal.criterion, (literal.criterion.op, literal.negated)
        slug, value = criterion.fact, criterion.value
        if isinstance(value, dict) and "parameter" in value:
            value = parameters[value["parameter"]]
        kind = REGISTRY[slug].type
        if slug == "ask_currency" and sign == ("eq", False):
            self.currency = value
        elif kind in NUMBERS and sign in {("lte", False), ("gte", False)}:
            side = self.highest if criterion.op == "lte" else self.lowest
            bound = value["amount"] if isinstance(value, dict) else value
            side[slug] = bound if slug not in side else (min if criterion.op == "lte" else max)(side[slug], bound)
        elif kind == "boolean" and sign == ("eq", False) and self.booleans.get(slug, value) is value:
            self.booleans[slug] = value
        elif kind in SETS and sign in WANTS and slug not in self.wanted:
            self.wanted[slug] = set(value if isinstance(value, list) else [value])
        elif kind == "choice" and sign in REFUSES:
            self.refused.setdefault(slug, set()).update(value if isinstance(value, list) else [value])
        else:
            raise NoPlaceForItError(f"{criterion.op} on {slug}, negated: {literal.negated}")

    def row(self, columns: _Columns) -> list[Any]:
        made: list[Any] = []
        for slug in columns.numbers:
            made += [self.lowest.get(slug), self.highest.get(slug)]
        made += [self.booleans.get(slug) for slug in columns.booleans]
        made += [slug in self.wanted for slug in columns.sets]
        return made + [slug in self.refused for slug in columns.refused]

    def put_sets(self, columns: _Columns, number: int, tables: Mapping[str, list[tuple[str, int]]]) -> None:
        for slug in columns.sets:
            tables[f"wanted_{slug}"] += [(value, number) for value in self.wanted.get(slug, {ANY})]
        for slug in columns.refused:
            tables[f"refused_{slug}"] += [(value, number) for value in self.refused.get(slug, ())]
