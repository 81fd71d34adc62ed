"""A report as tables of measured rows, and what of them is told. Pure.

Live figures are told in bands of five, and not at all where they are small (`suppression`): a band says the same for
every number in it, so that no difference of two of them, across tables, reports or days, tells a number. Figures of the
public record are told as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from marketplace.insight.suppression import hidden, total_hidden
from marketplace.values.counts import SMALL, band
from marketplace.values.money import Money
from marketplace.values.words import Words

ROUNDED_TO = 100_000
"""Live sums of money are told to the nearest 1,000 pounds (minor units)."""


class Basis(StrEnum):
    """What a report counts: what happens here, or what the public record said before."""

    LIVE = "live"
    HISTORICAL = "historical"


@dataclass(frozen=True, slots=True)
class Measure:
    """What a column holds: its name, what it is called, and the unit."""

    name: str
    label: Words
    unit: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a stable key, what it is called, and a value for each measure.

    A value is a number, Money, a band `{"at_least": .., "at_most": ..}`, a text, or None; `suppressed` names the
    measures that are held back, None otherwise means that there is nothing to tell.
    """

    key: str
    label: Words
    values: Mapping[str, Any]
    suppressed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows over the same measures. `total`, where there is one, is of the first measure alone."""

    name: str
    label: Words
    measures: tuple[Measure, ...]
    rows: tuple[Row, ...]
    total: Row | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One report on one basis. `figures` are what a chart draws besides: fitted curves, parameters."""

    slug: str
    title: Words
    description: Words
    basis: Basis
    as_of: date
    counted: Words
    tables: tuple[Table, ...]
    sources: tuple[str, ...] = ()
    findings: tuple[Words, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)


COUNT = Measure("count", {"en": "Number"}, "proposals")
TOTAL: Words = {"en": "All"}


def counted_table(
    name: str,
    label: Words,
    measures: Sequence[Measure],
    keys: Mapping[str, Words],
    figures: Mapping[str, Mapping[str, Any]],
    basis: Basis,
    *,
    parts: Sequence[str] = (),
    with_total: bool = True,
) -> Table:
    """A table by one dimension. The first measure counts a row's things; a row without figures counts none.

    `parts` name measures that count some of the row's things: told only where they and the rest are five or more. Other
    measures are of all its things, and told where the row's count is.
    """
    first = measures[0].name
    counts = {key: int(figures.get(key, {}).get(first) or 0) for key in keys}
    live = basis is Basis.LIVE
    kept_back = hidden(counts) if live else frozenset()
    rows = tuple(
        _row(key, label_, measures, {**figures.get(key, {}), first: counts[key]}, live, key in kept_back, parts)
        for key, label_ in keys.items()
    )
    total = None
    if with_total:
        small = live and total_hidden(counts)
        total = Row("total", TOTAL, {first: None if small else _told(sum(counts.values()), live)}, (first,) * small)
    return Table(name, label, tuple(measures), rows, total)


def split_table(
    name: str,
    label: Words,
    unit: str,
    keys: Mapping[str, Words],
    categories: Mapping[str, Words],
    counts: Mapping[str, Mapping[str, int]],
    basis: Basis,
) -> Table:
    """A table by two dimensions: how many of each category in each row, and of the row, with no totals of the columns.

    The rows' totals are held back like a table of one dimension, and within a row that is told so are its categories.
    """
    live = basis is Basis.LIVE
    cells = {key: {category: int(counts.get(key, {}).get(category, 0)) for category in categories} for key in keys}
    sums = {key: sum(row.values()) for key, row in cells.items()}
    kept_back = hidden(sums) if live else frozenset()
    names = ("count", *categories)
    rows = []
    for key, label_ in keys.items():
        within: frozenset[str] = hidden(cells[key]) if live else frozenset()
        held = tuple(each for each in names if key in kept_back or each in within)
        told = {"count": sums[key], **cells[key]}
        values = {each: None if each in held else _told(told[each], live) for each in names}
        rows.append(Row(key, label_, values, held))
    measures = (Measure("count", TOTAL, unit), *(Measure(each, words, unit) for each, words in categories.items()))
    return Table(name, label, measures, tuple(rows))


def share_bp(part: int, whole: int) -> int | None:
    """A share in basis points, halves up; None of nothing."""
    return None if whole == 0 else (part * 20_000 + whole) // (2 * whole)


def _row(
    key: str, label: Words, measures: Sequence[Measure], found: Mapping[str, Any], live: bool, back: bool, parts: Any
) -> Row:
    values: dict[str, Any] = {}
    held: list[str] = []
    whole = found[measures[0].name]
    for measure in measures:
        value = found.get(measure.name)
        small = measure.name in parts and value is not None and min(value, whole - value) < SMALL
        if live and (back or small):
            values[measure.name] = None
            held.append(measure.name)
        else:
            counted = measure is measures[0] or measure.name in parts
            values[measure.name] = _told(value, live) if counted else _rounded(value, live)
    return Row(key, label, values, tuple(held))


def _told(count: int | None, live: bool) -> Any:
    if count is None or not live:
        return count
    return band(count)


def _rounded(value: Any, live: bool) -> Any:
    if live and isinstance(value, Money):
        return Money((value.amount + ROUNDED_TO // 2) // ROUNDED_TO * ROUNDED_TO, value.currency)
    return value
