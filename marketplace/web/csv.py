"""Lists as CSV (RFC 4180) for whoever asks for `text/csv`: the whole result, streamed, with the list's own filters.

Each batch is a keyset page of its own, and no transaction waits for a slow reader: a row that stands throughout is
there once; one that comes or goes meanwhile may be there or not.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from flask import Response, current_app, request, stream_with_context
from flask_smorest.utils import deepupdate
from webargs.flaskparser import abort

from marketplace.reference import codelists
from marketplace.store.base import session
from marketplace.values.money import Money
from marketplace.values.words import in_language
from marketplace.web.languages import ALL_LANGUAGES_PARAMETER, wanted_languages
from marketplace.web.paging import Page, paged, position

CSV = "text/csv"
BATCH = 500
"""Rows of one query."""
OF_PAGES = ("limit", "cursor", "facets", ALL_LANGUAGES_PARAMETER)
"""Parameters that mean nothing for a whole result in one language."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet takes a cell that begins so for a formula."""

View = TypeVar("View", bound=Callable[..., Any])
Pages = Callable[[dict[str, Any], list[Any] | None], Page]


@dataclass(frozen=True, slots=True)
class CsvColumn:
    """A column: its name, and its value in an item of the list (None: an empty cell)."""

    name: str
    value: Callable[[Mapping[str, Any]], Any]


def member(name: str) -> CsvColumn:
    """A column that is a member of the items."""
    return CsvColumn(name, lambda item: item.get(name))


def label(name: str, codelist: str) -> CsvColumn:
    """What a slug in the items is called, in the caller's language where the codelist has it."""
    return CsvColumn(f"{name}_label", lambda item: label_of(codelist, item.get(name)))


def label_of(codelist: str, slugs: Any) -> Any:
    """What a slug, or each of a list of them, is called: language maps."""
    if slugs is None:
        return None
    if isinstance(slugs, list | tuple):
        return [label_of(codelist, slug) for slug in slugs]
    entry = codelists.entry(codelist, slugs)
    welsh = {"cy": entry["label_cy"]} if "label_cy" in entry else {}
    return {"en": entry["label"], **welsh}


def answered_in_csv(view: View) -> View:
    """Say in the OpenAPI document that the list is also there as CSV. Stands below `response`."""
    documented: Any = view
    documented._apidoc = deepupdate(deepcopy(getattr(view, "_apidoc", {})), {"market": {"csv": True}})
    return view


def listed(name: str, columns: Sequence[CsvColumn], query: dict[str, Any], pages: Pages) -> dict[str, Any] | Response:
    """A page of a list as JSON, or the whole of it as CSV, as the caller accepts it.

    `pages` gives the page of a query at a place (None: the first).
    """
    if request.accept_mimetypes.best_match(["application/json", CSV]) != CSV:
        return paged(pages(query, position(query)))
    for parameter in OF_PAGES:
        if parameter in request.args:
            abort(422, messages={"query": {parameter: ["A CSV has the whole result, in one language; leave it out."]}})
    batch = {**query, "limit": BATCH}
    first = pages(batch, None)
    lines = _lines(columns, first, lambda place: pages(batch, place), wanted_languages())
    answer = current_app.response_class(
        stream_with_context(lines), content_type=f"{CSV}; charset=utf-8; header=present"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer.headers["Content-Language"] = ", ".join(dict.fromkeys((*wanted_languages(), "en")))
    return answer


def _lines(
    columns: Sequence[CsvColumn], page: Page, following: Callable[[list[Any]], Page], languages: Sequence[str]
) -> Iterator[str]:
    yield written_line([column.name for column in columns])
    while True:
        yield "".join(written_line([cell(column.value(item), languages) for column in columns]) for item in page.items)
        if page.after is None:
            return
        session().rollback()
        page = following(page.after)


def written_line(cells: Sequence[str]) -> str:
    """One line of such a file, its end included."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue()


def cell(value: Any, languages: Sequence[str] = ()) -> str:
    """One value as text: lists parted by semicolons, money as a decimal, nothing that a spreadsheet computes."""
    if isinstance(value, list | tuple):
        return _guarded("; ".join(_text(each, languages) for each in value))
    return _guarded(_text(value, languages))


def _text(value: Any, languages: Sequence[str]) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        return decimal(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return in_language(value, languages)[0] if value else ""
    return str(value)


def decimal(money: Money) -> str:
    """An amount in whole units of its currency, such as 15000.00, without the currency."""
    places: int = codelists.entry("currencies", money.currency)["minor_units"]
    if places == 0:
        return str(money.amount)
    whole, part = divmod(money.amount, 10**places)
    return f"{whole}.{part:0{places}d}"


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
