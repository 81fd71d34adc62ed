"""Searching: the one way to list programmes and proposals. Who may see what is theirs to say; here it is narrowed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from marketplace.programmes.models import Programme
from marketplace.programmes.service import cards as programme_cards
from marketplace.proposals.models import Proposal
from marketplace.proposals.reading import cards as proposal_cards
from marketplace.search import listing, programmes, proposals
from marketplace.search.listing import Listing
from marketplace.search.rules import fault, order_of, refuse_many
from marketplace.search.words import has_words
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.counts import Told, exact_counts, guarded_counts
from marketplace.values.permissions import Action, permit
from marketplace.values.words import DEFAULT_LANGUAGE
from marketplace.web.paging import Page, cut

Telling = Callable[[Mapping[str, int]], Mapping[str, Told]]
Cards = Callable[[Session, Actor, Sequence[Any]], list[dict[str, Any]]]


def search_programmes(
    current: Session, actor: Actor, query: Mapping[str, Any], place: list[Any] | None, language: str
) -> Page:
    """A page of programmes that the caller may list. `query` by parameter; `place` is where the page before ended.

    SearchFaults for what cannot be looked for.
    """
    _refuse(current, query)
    language = _language_of(place, language)
    asked = programmes.programmes(actor, query, language, now())
    page = _page(current, actor, asked, query, place, language, Programme, programme_cards)
    return Page(page.items, page.after, _counts(current, asked, query, exact_counts))


def search_proposals(
    current: Session, actor: Actor, query: Mapping[str, Any], place: list[Any] | None, language: str
) -> Page:
    """A page of proposals that the caller sees, by what the caller is shown of them; small counts are not told.

    With `organisation_id` those of one's own group, counted exactly. SearchFaults for what cannot be looked for.
    """
    own = "organisation_id" in query
    if own:
        permit(actor, Action.READ_PROPOSAL, query["organisation_id"])
    _refuse(current, query)
    language = _language_of(place, language)
    asked = proposals.proposals(actor, query, language, now())
    page = _page(current, actor, asked, query, place, language, Proposal, proposal_cards)
    return Page(page.items, page.after, _counts(current, asked, query, exact_counts if own else guarded_counts))


def programmes_listed(current: Session, actor: Actor, query: Mapping[str, Any]) -> Select[Any]:
    """The ids of all programmes that a search lists for the caller, in no order. SearchFaults as for the search."""
    _refuse(current, query)
    return _narrowed(programmes.programmes(actor, query, DEFAULT_LANGUAGE, now()))


def proposals_listed(current: Session, actor: Actor, query: Mapping[str, Any]) -> Select[Any]:
    """The ids of all proposals that a search lists for the caller, in no order. SearchFaults as for the search."""
    if "organisation_id" in query:
        permit(actor, Action.READ_PROPOSAL, query["organisation_id"])
    _refuse(current, query)
    return _narrowed(proposals.proposals(actor, query, DEFAULT_LANGUAGE, now()))


def _narrowed(asked: Listing) -> Select[Any]:
    return asked.rows.where(*asked.filters.values())


def _refuse(current: Session, query: Mapping[str, Any]) -> None:
    refuse_many(set(query) - {"limit", "cursor", "sort", "facets"})
    if "q" in query and not has_words(current, query["q"]):
        raise fault("q", "Has no word to look for: those that stand in every text do not count.")


def _language_of(place: list[Any] | None, language: str) -> str:
    """The language whose titles order the list: on later pages that of the first."""
    return language if place is None else str(place[0])


def _page(
    current: Session,
    actor: Actor,
    asked: Listing,
    query: Mapping[str, Any],
    place: list[Any] | None,
    language: str,
    kind: Any,
    cards: Cards,
) -> Page:
    order = order_of(query.get("sort"), by_words="q" in query)
    after = None if place is None else place[1:]
    if after is not None and len(after) != len(order) + 1:
        raise fault("cursor", "Was given out by another release; begin again.")
    rows = listing.found(current, asked, order, after, query["limit"] + 1)
    page = cut(rows, query["limit"], lambda last: [language, *last.place])
    ids: list[UUID] = [row.id for row in page.items]
    held = {row.id: row for row in current.scalars(select(kind).where(kind.id.in_(ids)))}
    return Page(cards(current, actor, [held[each] for each in ids if each in held]), page.after)


def _counts(
    current: Session, asked: Listing, query: Mapping[str, Any], tell: Telling
) -> dict[str, list[dict[str, Any]]] | None:
    if "facets" not in query:
        return None
    return {
        name: [{"value": value, **told} for value, told in tell(listing.counted(current, asked, name)).items()]
        for name in query["facets"]
    }
