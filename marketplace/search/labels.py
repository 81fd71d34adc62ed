"""The labels of codelists and the names of areas, kept beside the texts so that they are found by them.

A new codelist label comes with a new release: `flask migrate` brings the table, and every text made of it, up to date.
"""

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from marketplace.reference import areas, codelists
from marketplace.reference.facts import REGISTRY
from marketplace.search.models import SearchLabel

SEARCHED_LISTS = frozenset(
    {"service_sectors", "stages", "instruments", "nations", "regions", "parent_kinds", "legal_forms"}
)
"""Codelists whose labels are words to look for; no one looks for a yes, a currency or a pension scheme by its label."""
TOO_WIDE = "union"
"""No place is found by the nations that it shares a union with: all of England is in "England and Wales"."""


def label_rows() -> list[dict[str, str]]:
    """Every label: {fact, slug, words}, the words in each language."""
    rows = []
    for fact, definition in REGISTRY.items():
        if definition.codelist in SEARCHED_LISTS:
            for entry in codelists.CODELISTS[definition.codelist]:
                rows.append(
                    {"fact": fact, "slug": entry["slug"], "words": _words(entry["label"], entry.get("label_cy"))}
                )
        elif definition.type in {"area", "areas"}:
            for area in areas.ALL.values():
                if area.is_live and area.kind != TOO_WIDE:
                    rows.append({"fact": fact, "slug": area.code, "words": _words(area.name, area.name_cy)})
    return rows


def refresh_labels(current: Session) -> bool:
    """Bring the labels up to this program's, and where they differed write every text anew. True if they differed."""
    held = {(row.fact, row.slug, row.words) for row in current.scalars(select(SearchLabel))}
    rows = label_rows()
    if held == {(row["fact"], row["slug"], row["words"]) for row in rows}:
        return False
    current.execute(delete(SearchLabel))
    current.execute(insert(SearchLabel), rows)
    current.execute(select(func.search_write_all()))
    return True


def _words(english: str, welsh: str | None) -> str:
    return english if welsh is None or welsh == english else f"{english} {welsh}"
