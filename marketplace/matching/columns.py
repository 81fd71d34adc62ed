"""The columns of matches as CSV: what the JSON shows, laid flat, with the labels of slugs in the caller's language."""

from collections.abc import Mapping
from typing import Any

from marketplace.values.money import Money
from marketplace.web.csv import CsvColumn, label, label_of, member


def _of(other: str, name: str, codelist: str | None = None) -> tuple[CsvColumn, ...]:
    """A member of the other side, and what its slug is called."""
    plain = CsvColumn(f"{other}_{name}", lambda item: item[other].get(name))
    if codelist is None:
        return (plain,)
    return plain, CsvColumn(f"{plain.name}_label", lambda item: label_of(codelist, item[other].get(name)))


def _confidence(item: Mapping[str, Any]) -> Any:
    return item["confidence"]["score"]


def _currency(ask: Money | None) -> str | None:
    return None if ask is None else ask.currency


_ANSWER = (
    *(member("result"), label("result", "match_results"), member("fit"), CsvColumn("confidence", _confidence)),
    *(member(name) for name in ("unmet", "unknown", "soft_unmet", "soft_unknown")),
)

PROGRAMME_MATCH_COLUMNS = (
    *(*_of("programme", "id"), *_of("programme", "title")),
    CsvColumn("programme_organisation_name", lambda item: item["programme"]["organisation"]["name"]),
    *(*_of("programme", "window"), *_of("programme", "opens_on"), *_of("programme", "closes_on")),
    *(*_of("programme", "instruments", "instruments"), *_of("programme", "wholesale")),
    *_ANSWER,
    CsvColumn("they_see_result", lambda item: item["they_see"].get("result")),
)
"""Programmes for a group."""

PROPOSAL_MATCH_COLUMNS = (
    *(*_of("proposal", "id"), *_of("proposal", "pseudonym"), *_of("proposal", "title")),
    *(*_of("proposal", "organisation_name"), *_of("proposal", "stage", "stages")),
    *(*_of("proposal", "sector", "service_sectors"), *_of("proposal", "nation", "nations")),
    *(*_of("proposal", "region", "regions"), *_of("proposal", "ask")),
    CsvColumn("proposal_ask_currency", lambda item: _currency(item["proposal"].get("ask"))),
    *_ANSWER,
    member("shortlist"),
)
"""Proposals for a funder, as it is shown them."""
