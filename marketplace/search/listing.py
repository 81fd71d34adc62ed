"""Walking any list in any order, and counting it: keyset pages over several keys, and facets.

Knows neither programmes nor proposals: it is given rows, their filters, their keys and their facets as SQL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, DateTime, Select, String, and_, column, func, literal, or_, true
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from marketplace.search.rules import SortKey

SORTED_LENGTH = 60
"""Characters of a text that order it; the id decides between longer ones that begin alike. Keeps cursors short."""


@dataclass(frozen=True, slots=True)
class Facet:
    """One way to divide a list. `values` is an array, the row's values; `known` all there are, in their meant order."""

    values: Any
    known: tuple[str, ...]


@dataclass(slots=True)
class Listing:
    """The rows that the caller may see (a SELECT that can be narrowed), and all that can be asked of them.

    `filters` are those asked for, by parameter. `keys` makes the orders there are, `facets` the counts, by the
    parameter that filters by the same: made when asked for, since there are many.
    """

    rows: Select[Any]
    identity: Any
    keys: Mapping[str, Callable[[], Any]]
    facets: Mapping[str, Callable[[], Facet]]
    filters: dict[str, ColumnElement[bool]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A row's id and its place: the values of the order's keys as JSON, then the id."""

    id: UUID
    place: list[Any]


def found(
    current: Session, listing: Listing, order: Sequence[SortKey], after: Sequence[Any] | None, most: int
) -> list[Found]:
    """At most `most` rows that pass every filter, in order, from the place `after` on."""
    expressions = [listing.keys[key.name]() for key in order]
    labelled = [each.label(f"key_{number}") for number, each in enumerate(expressions)]
    rows = listing.rows.with_only_columns(listing.identity, *labelled, maintain_column_froms=True)
    rows = rows.where(*listing.filters.values())
    if after is not None:
        rows = rows.where(_beyond(listing.identity, expressions, order, after))
    ways = [each.desc() if key.descending else each.asc() for key, each in zip(order, expressions, strict=True)]
    rows = rows.order_by(*(way.nulls_last() for way in ways), listing.identity.desc()).limit(most)
    return [Found(row[0], [*(_as_json(value) for value in row[1:]), str(row[0])]) for row in current.execute(rows)]


def counted(current: Session, listing: Listing, name: str) -> dict[str, int]:
    """How many rows have each value of a facet: those that pass every filter but the facet's own. Zeros included."""
    facet = listing.facets[name]()
    others = [condition for parameter, condition in listing.filters.items() if parameter != name]
    each: Any = func.unnest(facet.values).table_valued(column("value", String)).lateral("counted")
    each = each.render_derived()
    rows = listing.rows.with_only_columns(each.c.value, func.count(), maintain_column_froms=True).join(each, true())
    tally = rows.where(*others).group_by(each.c.value)
    numbers: dict[str, int] = {held: number for held, number in current.execute(tally) if held is not None}
    return {known: numbers.get(known, 0) for known in facet.known}


def sorted_text(written: Any) -> ColumnElement[Any]:
    """Text as it is ordered: without case and accents, by code point on every server, its beginning alone."""
    folded = func.left(func.lower(func.search_folded(written, type_=String)), SORTED_LENGTH, type_=String)
    return folded.collate("C")


def one_of(value: Any) -> ColumnElement[Any]:
    """A single value as a facet counts it."""
    return array([value.cast(String)], type_=String)


def _beyond(
    identity: Any,
    expressions: Sequence[Any],
    order: Sequence[SortKey],
    after: Sequence[Any],
) -> ColumnElement[bool]:
    """Rows that stand after that place: beyond it by the first key in which they differ from it, at last by the id."""
    *values, last = after
    alike: list[ColumnElement[bool]] = []
    ways: list[ColumnElement[bool]] = []
    for key, each, told in zip(order, expressions, values, strict=True):
        value = _from_json(told, each.type)
        if value is None:
            alike.append(each.is_(None))
            continue
        bound = literal(value, each.type)
        further = each < bound if key.descending else each > bound
        ways.append(and_(*alike, or_(further, each.is_(None))))
        alike.append(each == bound)
    return or_(*ways, and_(*alike, identity < UUID(last)))


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _from_json(value: Any, type_: TypeEngine[Any]) -> Any:
    if isinstance(value, str) and isinstance(type_, DateTime):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and isinstance(type_, Date):
        return date.fromisoformat(value)
    return value
