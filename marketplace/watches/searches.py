"""Saved searches: which lists can be watched, the schema of each one's query, and which ids it lists.

The one place that knows the lists. A query is kept as it was written, a map from parameter to text, and
read by the schema each time: it means what the list means by it now.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy import Select
from sqlalchemy.orm import Session

from marketplace.programmes.models import Programme
from marketplace.programmes.rules import Window
from marketplace.proposals.models import Proposal
from marketplace.search.schemas import ProgrammeQuery, ProposalQuery
from marketplace.search.service import programmes_listed, proposals_listed
from marketplace.values.actor import Actor
from marketplace.watches.rules import WatchFaults, WatchKind
from marketplace.web.fields import Slug

HOW_TOLD = ("limit", "cursor", "sort", "facets")
"""What a search is asked besides its filters: how much of it, in which order, counted by what."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that can be watched: its query's filters, and what it lists for a caller with them."""

    query: Schema
    lists: Callable[[Session, Actor, dict[str, Any]], Select[Any]]
    key: Any


LISTINGS: dict[str, Listing] = {
    "programmes": Listing(ProgrammeQuery(exclude=HOW_TOLD), programmes_listed, Programme.id),
    "proposals": Listing(ProposalQuery(exclude=HOW_TOLD), proposals_listed, Proposal.id),
}


class ProgrammeFilters(Schema):
    """Which programmes a group wants to hear of: those that offer an instrument, those of a window."""

    instrument = Slug("instruments")
    window = fields.String(validate=validate.OneOf([window.value for window in Window]))


FILTERS: dict[str, Schema] = {WatchKind.PROGRAMMES: ProgrammeFilters(), WatchKind.PROPOSALS: Schema()}
"""What the kinds of watch that ask matching take besides."""


def read_filters(kind: str, query: Mapping[str, str]) -> dict[str, Any]:
    """The filters of a watch that asks matching. WatchFaults with a pointer for each that it does not take."""
    return _read(FILTERS[kind], query)


def check(current: Session, looking: Actor, listing: str, query: Mapping[str, str]) -> None:
    """WatchFaults for a query that the list does not take, and what the list itself refuses that caller."""
    LISTINGS[listing].lists(current, looking, _read(LISTINGS[listing].query, query))


def _read(schema: Schema, query: Mapping[str, str]) -> dict[str, Any]:
    try:
        read: dict[str, Any] = schema.load(query)
    except ValidationError as error:
        faults = [
            {"pointer": f"#/query/{name}", "detail": " ".join(map(str, messages))}
            for name, messages in error.messages_dict.items()
        ]
        raise WatchFaults("`errors` names each parameter that it does not take.", errors=faults) from error
    return read


def listed(
    current: Session, looking: Actor, listing: str, query: Mapping[str, str], only: set[UUID] | None = None
) -> set[UUID]:
    """The ids that the list holds for that caller, of `only` these if given."""
    found = LISTINGS[listing]
    rows = found.lists(current, looking, _read(found.query, query)).with_only_columns(found.key)
    if only is not None:
        rows = rows.where(found.key.in_(sorted(only)))
    return set(current.scalars(rows))
