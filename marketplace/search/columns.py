"""The columns of searches as CSV: what the JSON shows, laid flat, with the labels of slugs in the caller's language."""

from collections.abc import Mapping
from typing import Any

from marketplace.reference.facts import REGISTRY
from marketplace.values.money import Money
from marketplace.web.csv import CsvColumn, decimal, label, member

PROGRAMME_COLUMNS = (
    *(member(name) for name in ("id", "title", "summary", "organisation_id", "organisation_name")),
    *(member("status"), label("status", "programme_statuses"), member("opens_on"), member("closes_on")),
    *(member("ended_at"), member("instruments"), label("instruments", "instruments")),
    *(member("stages"), label("stages", "stages"), member("currency")),
    *(member(name) for name in ("ask_min", "ask_max", "ticket_max", "has_budget", "public_money", "recycles")),
    *(member(name) for name in ("wholesale", "funded_by_programme_id", "historical_example", "created_at")),
)


def _of_ask(name: str) -> CsvColumn:
    return CsvColumn(f"ask_{name}", lambda item: item["ask"][name] if "ask" in item else None)


def _place(name: str, codelist: str) -> tuple[CsvColumn, CsvColumn]:
    in_place = CsvColumn(name, lambda item: item["place"].get(name))
    labelled = label(name, codelist)
    return in_place, CsvColumn(labelled.name, lambda item: labelled.value(item["place"]))


def _sector() -> tuple[CsvColumn, CsvColumn]:
    labelled = label("sector", "service_sectors")
    held = CsvColumn("sector", lambda item: item["facts"].get("sector"))
    return held, CsvColumn(labelled.name, lambda item: labelled.value(item["facts"]))


def _fact(slug: str) -> CsvColumn:
    return CsvColumn(f"fact.{slug}", lambda item: _flat(item["facts"].get(slug)))


def _flat(value: Any) -> Any:
    """A fact's value in one cell; money as its decimal and currency."""
    if isinstance(value, Mapping):
        return f"{decimal(Money(value['amount'], value['currency']))} {value['currency']}"
    return value


PROPOSAL_COLUMNS = (
    *(member(name) for name in ("id", "perspective", "pseudonym", "title", "summary")),
    *(member(name) for name in ("organisation_id", "organisation_name", "state", "stage")),
    *(label("stage", "stages"), *_sector(), *_place("nation", "nations"), *_place("region", "regions")),
    *(_of_ask("amount"), _of_ask("currency"), _of_ask("open_gap"), _of_ask("instruments")),
    *(member("first_published_at"), member("historical_example")),
    *(_fact(slug) for slug in REGISTRY),
)
"""A fact that is not shared with the caller has an empty cell, as one that is not answered."""
