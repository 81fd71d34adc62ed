"""What a group can do about its matches: near misses, the nearest way in, and what to answer or to share next.

All of it looks from the group's own facts and is told to the group alone. What funders are told of near misses is in
`service.py`, over shared facts.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, literal, select
from sqlalchemy.orm import Session

from marketplace.eligibility.distance import gates_away
from marketplace.eligibility.inputs import Inputs
from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.questions_next import (
    NextFact,
    SightOfOne,
    facts_to_share,
    next_questions,
    next_shares,
)
from marketplace.eligibility.rules import Evaluation, Result, evaluate
from marketplace.eligibility.waiting import eligible_from
from marketplace.eligibility.ways import MOST_COMPARED, SHARE, Step, ways_in
from marketplace.identity.models import Organisation
from marketplace.matching import candidates
from marketplace.matching.candidates import Near, Stretch
from marketplace.matching.rules import Candidate, NothingToMatch
from marketplace.matching.service import NO_MATCH, MatchesDisagreeError, programme_card, shown_to, verify_candidate
from marketplace.programmes.models import Programme
from marketplace.programmes.queries import window_on as window_in_sql
from marketplace.programmes.rules import window_on
from marketplace.proposals.queries import SharedView, own_view, visible_to
from marketplace.proposals.service import QUESTIONS
from marketplace.proposals.sharing import own_proposal
from marketplace.questions.service import registry_with
from marketplace.reference.facts import REGISTRY, FactDefinition, is_question
from marketplace.reference.parameters import values_on
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.permissions import Action
from marketplace.values.refusals import NotFound

log = logging.getLogger("marketplace.matching")

MOST_COMPARED_IN_LISTS = 12_000
"""So far a list looks for the ways into each programme; asked for one programme alone, the search goes further."""

MOST_EVALUATED = 500
"""So many programmes are looked at for what to answer or to share next, those of the best fit."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """A programme in sight, with whose it is, its criteria, and whether its organisation sees the proposal."""

    programme: Programme
    organisation: Organisation
    version: CriteriaVersion
    visible: bool


@dataclass(frozen=True, slots=True)
class _Group:
    """A proposal that its own group looks from, on a day, over all its facts."""

    current: Session
    proposal_id: UUID
    day: date
    view: SharedView

    @property
    def facts(self) -> ColumnElement[Any]:
        return candidates.own_facts(self.view.with_assurance)

    def facts_on(self, day: date) -> dict[str, Any]:
        """The same facts as they stand on another day."""
        return own_view(self.current, self.proposal_id, day).facts

    def listed(self, ids: Iterable[UUID]) -> dict[UUID, _Listed]:
        rows = self.current.execute(
            select(
                Programme,
                Organisation,
                CriteriaVersion,
                visible_to(Programme.organisation_id, literal(self.proposal_id)),
            )
            .join(Organisation, Organisation.id == Programme.organisation_id)
            .join(CriteriaVersion, CriteriaVersion.id == Programme.current_criteria_version_id)
            .where(Programme.id.in_(list(ids)))
        )
        return {row[0].id: _Listed(*row) for row in rows}

    def judge(self, version: CriteriaVersion) -> Evaluation:
        """The evaluator's answer over the group's own facts."""
        view, parameters = self.view, values_on(self.day)
        return evaluate(version.tree, view.facts, parameters=parameters, assurance=view.assurance)

    def judge_as_shown(self, version: CriteriaVersion, shared: frozenset[str]) -> Evaluation:
        """The evaluator's answer over what one organisation is shown."""
        view, parameters = self.view, values_on(self.day)
        return evaluate(version.tree, view.facts, parameters=parameters, shared=shared, assurance=view.assurance)

    def shown_to(self, listed: Iterable[_Listed]) -> dict[UUID, frozenset[str]]:
        """What each of the organisations is shown."""
        return shown_to(self.current, self.proposal_id, {each.organisation.id for each in listed}, self.day)


def near_misses_for_proposal(
    current: Session, actor: Actor, proposal_id: UUID, query: Mapping[str, Any], *, strict: bool
) -> dict[str, Any]:
    """The programmes that one's own proposal misses by least, each with the ways in and since when time is enough.

    `query`: if wished, as_of and window. At most 20, out of the 40 for its area and sector that fewest facts refuse.
    """
    group = _group(current, actor, proposal_id, query)
    conditions = [window_in_sql(group.day) == query["window"]] if "window" in query else []
    near = candidates.near_for_proposal(current, group.facts, group.day, *conditions)
    listed = group.listed(each.id for each in near.places)
    items = [_near_miss(group, listed[each.id], each, strict=strict) for each in near.places]
    return {"data": items, "capped": near.capped}


def ways_into_programme(
    current: Session, actor: Actor, proposal_id: UUID, programme_id: UUID, query: Mapping[str, Any], *, strict: bool
) -> dict[str, Any]:
    """The ways into one programme over the group's own facts, and what to share for its funder to see as much.

    NotFound for a programme that is not among the matches.
    """
    group = _group(current, actor, proposal_id, query)
    here = Programme.id == programme_id
    found = candidates.candidates_for_proposal(current, group.facts, group.day, Stretch(1), here)
    if not found:
        raise NotFound(NO_MATCH)
    one = group.listed([programme_id])[programme_id]
    told = group.judge(one.version)
    verify_candidate(found[0], told, programme_id, proposal_id, strict=strict)
    shared = group.shown_to([one])[one.organisation.id]
    they_see = group.judge_as_shown(one.version, shared)
    return {
        "programme": programme_card(one.programme, one.organisation, one.version, group.day),
        "result": told.result.value,
        "gates": gates_away(one.version.tree, told),
        **_ways(group, one),
        "they_see": {"visible": True, "result": they_see.result.value} if one.visible else {"visible": False},
        "share": [step.as_json() for step in _to_share(they_see, group.view.facts, shared)],
    }


def what_to_answer_next(current: Session, actor: Actor, proposal_id: UUID, query: Mapping[str, Any]) -> dict[str, Any]:
    """The unknown facts, and the facts not shared, that would settle most programmes at `needs_information`.

    `query`: if wished, as_of and window. Each list is counted over at most 500 programmes, and says of how many.
    """
    group = _group(current, actor, proposal_id, query)
    conditions = [window_in_sql(group.day) == query["window"]] if "window" in query else []
    own = _waiting(group, group.facts, conditions)
    seen = [*conditions, visible_to(Programme.organisation_id, literal(proposal_id))]
    through = candidates.facts_shared(literal(proposal_id), Programme.organisation_id, group.day)
    theirs = _waiting(group, through, seen)
    shown = group.shown_to(theirs.listed)
    sights = (
        SightOfOne(group.judge(each.version), group.judge_as_shown(each.version, shared), shared)
        for each in theirs.listed
        for shared in [shown[each.organisation.id]]
    )
    known = group.view.facts.keys()
    questions = next_questions((group.judge(each.version) for each in own.listed), known)
    shares = next_shares(sights, known)
    registry = registry_with(current, {each.fact for each in (*questions, *shares)})
    return {
        "questions": [_asked(each, registry) for each in questions],
        "looked_at": len(own.listed),
        "of": own.many,
        "share_next": [_asked(each, registry) for each in shares],
        "shares_looked_at": len(theirs.listed),
        "shares_of": theirs.many,
    }


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Programmes at `needs_information`: those looked at, and how many there are."""

    listed: list[_Listed]
    many: int


def _waiting(group: _Group, facts: ColumnElement[Any], conditions: list[ColumnElement[bool]]) -> _Waiting:
    stretch = Stretch(MOST_EVALUATED, result=Result.NEEDS_INFORMATION)
    found = candidates.candidates_for_proposal(group.current, facts, group.day, stretch, *conditions)
    many = len(found)
    if many == MOST_EVALUATED:
        counts = candidates.count_for_proposal(group.current, facts, group.day, *conditions)
        many = counts.get(Result.NEEDS_INFORMATION, 0)
    listed = group.listed(candidate.id for candidate in found)
    return _Waiting([listed[candidate.id] for candidate in found], many)


def _group(current: Session, actor: Actor, proposal_id: UUID, query: Mapping[str, Any]) -> _Group:
    proposal = own_proposal(current, actor, proposal_id, Action.READ_PROPOSAL)
    if proposal.current_version_id is None:
        raise NothingToMatch("Publish a version of the proposal first; it stays private until you share it.")
    day = query.get("as_of") or today()
    return _Group(current, proposal_id, day, own_view(current, proposal_id, day))


def _near_miss(group: _Group, one: _Listed, near: Near, *, strict: bool) -> dict[str, Any]:
    told = group.judge(one.version)
    candidate = Candidate(near.id, Result.INELIGIBLE.rank, 0)
    verify_candidate(candidate, told, near.id, group.proposal_id, strict=strict)
    gates = gates_away(one.version.tree, told)
    if gates != near.gates:
        pair = {"programme_id": str(near.id), "proposal_id": str(group.proposal_id), "counted": [*near.gates, *gates]}
        log.error("a distance differs between the database and the evaluator", extra=pair)
        if strict:
            raise MatchesDisagreeError(pair)
    card = programme_card(one.programme, one.organisation, one.version, group.day)
    return {"programme": card, **told.as_json(), "gates": gates, **_ways(group, one, MOST_COMPARED_IN_LISTS)}


def _ways(group: _Group, one: _Listed, most_compared: int = MOST_COMPARED) -> dict[str, Any]:
    """The best three ways in, and from which day on the facts are enough as they are."""
    view = group.view
    ways = ways_in(
        one.version.tree,
        Inputs.of_facts(view.facts),
        parameters=values_on(group.day),
        assurance=view.assurance,
        most_compared=most_compared,
    )
    day = None
    if ways.result is not Result.ELIGIBLE:
        day = eligible_from(one.version.tree, group.facts_on, group.day, assurance=view.assurance)
    waiting = None if day is None else {"day": day, "window": window_on(one.programme, day).value}
    return {**ways.as_json(), "eligible_from": waiting}


def _to_share(they_see: Evaluation, known: Mapping[str, Any], shared: frozenset[str]) -> list[Step]:
    """The facts to share so that the funder sees what stands in its way, answered or not yet."""
    in_the_way = {*they_see.unmet, *they_see.unknown}
    hidden = {each.fact for each in they_see.reasons if each.code in in_the_way and each.not_shared and each.fact}
    slugs = {slug for fact in hidden for slug in facts_to_share(fact, shared)}
    step = partial(Step, SHARE, by="group", cost="none")
    ordered = [slug for slug in REGISTRY if slug in slugs] + sorted(filter(is_question, slugs))
    return [step(slug, known.get(slug), known.get(slug)) for slug in ordered]


def _asked(each: NextFact, registry: Mapping[str, FactDefinition]) -> dict[str, Any]:
    """The fact with its question; a funder's own is answered in the section `questions`."""
    definition = registry.get(each.fact)
    return {
        "fact": each.fact,
        "settles": each.settles,
        "part_of": each.part_of,
        "question": None if definition is None else dict(definition.question),
        "help": None if definition is None or not definition.help else dict(definition.help),
        "section": QUESTIONS if is_question(each.fact) else None if definition is None else definition.section,
        "attested_by": [] if definition is None else list(definition.attested_by),
    }
