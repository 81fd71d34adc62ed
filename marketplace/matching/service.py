"""Matches both ways: a group sees every programme and what its funder sees; a funder sees what is shared with it.

A funder's answers are made of shared facts alone, from the query on: nothing in them depends on any other fact. Who
sees which proposal is the proposals' policy; the comparison is the evaluator's; here they only meet.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, literal, select
from sqlalchemy.orm import Session, defer

from marketplace.eligibility.confidence import confidence, fit_makeup
from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.rules import Evaluation, Result, evaluate
from marketplace.eligibility.tree import CriteriaTree, read_tree
from marketplace.identity.models import Organisation
from marketplace.matching import candidates
from marketplace.matching.candidates import Stretch
from marketplace.matching.hooks import MARKS
from marketplace.matching.rules import Candidate, NothingToMatch, exact_counts, guarded_counts
from marketplace.matching.sight import facts_through, proposals_in_sight
from marketplace.programmes.listings import listing_card
from marketplace.programmes.models import Programme
from marketplace.programmes.queries import offers
from marketplace.programmes.queries import window_on as window_in_sql
from marketplace.programmes.rules import window_on
from marketplace.programmes.service import WHOLESALE, own_programme
from marketplace.proposals import reading
from marketplace.proposals.models import Proposal, ProposalShare
from marketplace.proposals.queries import SharedView, own_view, shared_with, sharing_of, visible_to
from marketplace.proposals.sharing import own_proposal
from marketplace.reference.parameters import values_on
from marketplace.values.actor import Actor, Membership
from marketplace.values.clock import today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound
from marketplace.web.paging import Page, cut

log = logging.getLogger("marketplace.matching")
OWN, SHARED = "own", "shared"
NO_MATCH = "There is no such thing, or you may not see it."


class MatchesDisagreeError(AssertionError):
    """The database and the evaluator came to different answers: a fault of ours, raised where `strict` holds."""


@dataclass(frozen=True, slots=True)
class _Group:
    """A proposal that its own group looks from, on a day. `over` says over which facts."""

    proposal_id: UUID
    day: date
    over: str
    view: SharedView

    @property
    def facts(self) -> ColumnElement[Any]:
        if self.over == OWN:
            return candidates.own_facts(self.view.with_assurance)
        return candidates.facts_shared(literal(self.proposal_id), Programme.organisation_id, self.day)

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        return [] if self.over == OWN else [visible_to(Programme.organisation_id, literal(self.proposal_id))]


@dataclass(frozen=True, slots=True)
class _Funder:
    """A programme that its organisation looks from, on a day; `membership` is the caller's in it."""

    programme: Programme
    tree: Mapping[str, Any]
    day: date
    actor: Actor
    membership: Membership

    @property
    def through(self) -> ColumnElement[Any]:
        return facts_through(self.actor, self.programme.organisation_id)

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        return proposals_in_sight(self.actor, self.programme.organisation_id)


# A group looks at programmes


def matches_for_proposal(
    current: Session,
    actor: Actor,
    proposal_id: UUID,
    query: Mapping[str, Any],
    place: list[Any] | None,
    *,
    strict: bool,
) -> Page:
    """A page of programmes for one's own proposal, the best first. NothingToMatch before a version is published.

    `query`: limit and, if wished, over, as_of, result, window, instrument. `place` is where the page before ended.
    """
    group = _group(current, actor, proposal_id, query, place)
    conditions = group.conditions
    if "window" in query:
        conditions.append(window_in_sql(group.day) == query["window"])
    if "instrument" in query:
        conditions.append(offers("instruments", query["instrument"]))
    found = candidates.candidates_for_proposal(current, group.facts, group.day, _stretch(query, place), *conditions)
    page = _page(found, query["limit"], group.day)
    return Page(_programmes_matched(current, group, page.items, strict=strict), page.after)


def match_for_proposal(
    current: Session, actor: Actor, proposal_id: UUID, programme_id: UUID, query: Mapping[str, Any], *, strict: bool
) -> dict[str, Any]:
    """One programme for one's own proposal, as in the list."""
    group = _group(current, actor, proposal_id, query, None)
    here = Programme.id == programme_id
    found = candidates.candidates_for_proposal(current, group.facts, group.day, Stretch(1), here, *group.conditions)
    return _only(_programmes_matched(current, group, found, strict=strict))


def matches_among(
    current: Session, actor: Actor, proposal_id: UUID, among: ColumnElement[bool], limit: int, *, strict: bool
) -> list[dict[str, Any]]:
    """The best of those programmes for one's own proposal, as in the list, none of them ineligible; at most `limit`."""
    group = _group(current, actor, proposal_id, {}, None)
    found: list[Candidate] = []
    for result in (Result.ELIGIBLE, Result.NEEDS_INFORMATION):
        stretch = Stretch(limit - len(found), result=result)
        if stretch.limit:
            found += candidates.candidates_for_proposal(current, group.facts, group.day, stretch, among)
    return _programmes_matched(current, group, found, strict=strict)


def summary_for_proposal(
    current: Session, actor: Actor, proposal_id: UUID, query: Mapping[str, Any]
) -> dict[str, dict[str, int]]:
    """How many programmes come to each result over all the group's own facts."""
    group = _group(current, actor, proposal_id, query, None)
    return exact_counts(candidates.count_for_proposal(current, group.facts, group.day))


def _group(
    current: Session, actor: Actor, proposal_id: UUID, query: Mapping[str, Any], place: list[Any] | None
) -> _Group:
    proposal = own_proposal(current, actor, proposal_id, Action.READ_PROPOSAL)
    if proposal.current_version_id is None:
        raise NothingToMatch("Publish a version of the proposal first; it stays private until you share it.")
    day = _day(query, place)
    return _Group(proposal_id, day, query.get("over", OWN), own_view(current, proposal_id, day))


def _programmes_matched(
    current: Session, group: _Group, found: Sequence[Candidate], *, strict: bool
) -> list[dict[str, Any]]:
    """The page's programmes, each evaluated over the group's facts and over those its organisation is shown."""
    rows = {
        programme.id: (programme, organisation, version, visible)
        for programme, organisation, version, visible in current.execute(
            select(
                Programme,
                Organisation,
                CriteriaVersion,
                visible_to(Programme.organisation_id, literal(group.proposal_id)),
            )
            .join(Organisation, Organisation.id == Programme.organisation_id)
            .join(CriteriaVersion, CriteriaVersion.id == Programme.current_criteria_version_id)
            .where(Programme.id.in_([candidate.id for candidate in found]))
            .options(defer(CriteriaVersion.author_tree))
        )
    }
    shown = shown_to(
        current, group.proposal_id, {programme.organisation_id for programme, *_ in rows.values()}, group.day
    )
    parameters = values_on(group.day)
    items = []
    for candidate in found:
        programme, organisation, version, visible = rows[candidate.id]
        tree, view, shared = read_tree(version.tree), group.view, shown[programme.organisation_id]
        judge = partial(evaluate, tree, view.facts, parameters=parameters, assurance=view.assurance)
        told = judge() if group.over == OWN else judge(shared=shared)
        verify_candidate(candidate, told, programme.id, group.proposal_id, strict=strict)
        card = programme_card(programme, organisation, version, group.day)
        they_see = {"visible": True, **judge(shared=shared).as_json()} if visible else {"visible": False}
        items.append({"programme": card, **told.as_json(), **_made_of(tree, told), "they_see": they_see})
    return items


def shown_to(current: Session, proposal_id: UUID, organisations: set[UUID], day: date) -> dict[UUID, frozenset[str]]:
    """Which facts each organisation is shown if it sees the proposal: the open ones and those granted to it."""
    anyone = sharing_of(current, proposal_id, None, day).slugs
    granted = select(ProposalShare.organisation_id, ProposalShare.slugs).where(
        ProposalShare.proposal_id == proposal_id, ProposalShare.organisation_id.in_(organisations)
    )
    return dict.fromkeys(organisations, anyone) | {
        organisation: anyone | frozenset(slugs) for organisation, slugs in current.execute(granted)
    }


def programme_card(
    programme: Programme, organisation: Organisation, version: CriteriaVersion, day: date
) -> dict[str, Any]:
    """A programme as every list of matches shows it."""
    card = {
        "id": programme.id,
        "title": programme.title,
        "organisation": {"id": organisation.id, "name": organisation.name},
        "window": window_on(programme, day).value,
        "opens_on": programme.opens_on,
        "closes_on": programme.closes_on,
        "instruments": version.columns["instruments"],
        "wholesale": organisation.kind == WHOLESALE,
        "historical_example": programme.historical_example,
    }
    return card if programme.listing is None else {**card, "listing": listing_card(programme.listing)}


# A funder looks at proposals


def matches_for_programme(
    current: Session,
    actor: Actor,
    programme_id: UUID,
    query: Mapping[str, Any],
    place: list[Any] | None,
    *,
    strict: bool,
) -> Page:
    """A page of proposals that the programme's organisation sees, the best first, over the facts shared with it.

    `query`: limit and, if wished, as_of, result and shortlist. NothingToMatch before the programme is published.
    """
    funder = _funder(current, actor, programme_id, query, place)
    marked = [mark.condition(programme_id, query["shortlist"]) for mark in MARKS if "shortlist" in query]
    found = candidates.candidates_for_programme(
        current, funder.tree, funder.through, funder.day, _stretch(query, place), *funder.conditions, *marked
    )
    page = _page(found, query["limit"], funder.day)
    return Page(_proposals_matched(current, funder, page.items, strict=strict), page.after)


def match_for_programme(
    current: Session, actor: Actor, programme_id: UUID, proposal_id: UUID, query: Mapping[str, Any], *, strict: bool
) -> dict[str, Any]:
    """One proposal for one's own programme, as in the list. NotFound for one that it would not list."""
    funder = _funder(current, actor, programme_id, query, None)
    here = Proposal.id == proposal_id
    found = candidates.candidates_for_programme(
        current, funder.tree, funder.through, funder.day, Stretch(1), here, *funder.conditions
    )
    return _only(_proposals_matched(current, funder, found, strict=strict))


def summary_for_programme(
    current: Session, actor: Actor, programme_id: UUID, query: Mapping[str, Any]
) -> dict[str, dict[str, int]]:
    """How many of the proposals it sees come to each result; a small number is not told."""
    funder = _funder(current, actor, programme_id, query, None)
    return guarded_counts(
        candidates.count_for_programme(current, funder.tree, funder.through, funder.day, *funder.conditions)
    )


def near_misses_for_programme(
    current: Session, actor: Actor, programme_id: UUID, query: Mapping[str, Any], *, strict: bool
) -> dict[str, Any]:
    """The proposals that the programme's organisation sees and that miss it by least, over the facts shared with it.

    `query`: if wished, as_of. No way in is told: it would say what the group could do, which is the group's to know.
    """
    funder = _funder(current, actor, programme_id, query, None)
    near = candidates.near_for_programme(current, funder.tree, funder.through, funder.day, *funder.conditions)
    found = [Candidate(each.id, Result.INELIGIBLE.rank, 0) for each in near.places]
    items = _proposals_matched(current, funder, found, strict=strict)
    told = zip(items, near.places, strict=True)
    return {"data": [item | {"gates": each.gates} for item, each in told], "capped": near.capped}


def _funder(
    current: Session, actor: Actor, programme_id: UUID, query: Mapping[str, Any], place: list[Any] | None
) -> _Funder:
    programme = own_programme(current, actor, programme_id, Action.BROWSE_PROPOSALS)
    membership = permit(actor, Action.BROWSE_PROPOSALS, programme.organisation_id)
    if programme.current_criteria_version_id is None:
        raise NothingToMatch("Publish the programme's criteria first.")
    version = current.get_one(CriteriaVersion, programme.current_criteria_version_id)
    return _Funder(programme, version.tree, _day(query, place), actor, membership)


def _proposals_matched(
    current: Session, funder: _Funder, found: Sequence[Candidate], *, strict: bool
) -> list[dict[str, Any]]:
    """The page's proposals as the programme's organisation sees them, each evaluated over what it is shown."""
    ids = [candidate.id for candidate in found]
    rows = {
        row.id: (row, through)
        for row, through in current.execute(select(Proposal, funder.through).where(Proposal.id.in_(ids)))
    }
    hats = {each: [] if rows[each][1] is None else [rows[each][1]] for each in ids}
    views = shared_with(current, ids, hats, funder.day)
    cards = _cards(current, Actor(memberships=(funder.membership,)), [rows[each][0] for each in ids if hats[each]])
    cards |= _cards(current, funder.actor, [rows[each][0] for each in ids if not hats[each]])
    tree, parameters = read_tree(funder.tree), values_on(funder.day)
    items = []
    for candidate in found:
        view = views[candidate.id]
        told = evaluate(tree, view.facts, parameters=parameters, shared=view.slugs, assurance=view.assurance)
        verify_candidate(candidate, told, funder.programme.id, candidate.id, strict=strict)
        made_of = _made_of(tree, told)
        items.append({"proposal": _proposal_card(cards[candidate.id]), **told.as_json(), **made_of})
    for mark in MARKS:
        thought = mark.of(current, funder.programme.id, ids)
        items = [item | {"shortlist": thought[each]} for each, item in zip(ids, items, strict=True)]
    return items


def _cards(current: Session, looking: Actor, proposals: list[Proposal]) -> dict[UUID, dict[str, Any]]:
    """The proposals' own outside view."""
    return {card["id"]: card for card in reading.cards(current, looking, proposals)}


def _proposal_card(card: Mapping[str, Any]) -> dict[str, Any]:
    """The part of it that a list of matches shows."""
    names = ("id", "pseudonym", "title", "organisation_name", "stage", "historical_example")
    shown = {name: card[name] for name in names if name in card}
    shown |= card["place"]
    if "ask" in card:
        shown["ask"] = card["ask"]["amount"]
    if "sector" in card["facts"]:
        shown["sector"] = card["facts"]["sector"]
    return shown


# Both


def _made_of(tree: CriteriaTree, told: Evaluation) -> dict[str, Any]:
    """The two outputs beside the result: how sure it is, and what the fit is made of."""
    return {"confidence": confidence(told).as_json(), "fit_makeup": fit_makeup(tree, told)}


def _day(query: Mapping[str, Any], place: list[Any] | None) -> date:
    """The day that the list is as of: the one asked for, on later pages that of the first, else today."""
    asked: date | None = query.get("as_of")
    if asked is not None:
        return asked
    return today() if place is None else date.fromisoformat(place[0])


def _stretch(query: Mapping[str, Any], place: list[Any] | None) -> Stretch:
    result = Result(query["result"]) if "result" in query else None
    after = None if place is None else Candidate(UUID(place[3]), place[1], place[2])
    return Stretch(query["limit"] + 1, after, result)


def _page(found: Sequence[Candidate], limit: int, day: date) -> Page:
    return cut(found, limit, lambda last: [day.isoformat(), last.rank, last.fit, str(last.id)])


def _only(items: list[dict[str, Any]]) -> dict[str, Any]:
    if not items:
        raise NotFound(NO_MATCH)
    return items[0]


def verify_candidate(
    candidate: Candidate, told: Evaluation, programme_id: UUID, proposal_id: UUID | None, *, strict: bool
) -> None:
    """Hold the database's answer against the evaluator's, which is the one that is served. No proposal: a check's."""
    if not candidate.differs_from(told):
        return
    facts = {
        "programme_id": str(programme_id),
        "proposal_id": None if proposal_id is None else str(proposal_id),
        "database": [candidate.rank, candidate.fit],
        "evaluator": [told.result.rank, told.fit],
    }
    log.error("a match differs between the database and the evaluator", extra=facts)
    if strict:
        raise MatchesDisagreeError(facts)
