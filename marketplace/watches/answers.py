"""What a watch finds now: matching decides, over the facts that its organisation may see, and nobody else's.

A group's watch looks over its own facts, a funder's over what is shared with the funder: the query is matching's own,
the explanation the one evaluator's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, literal, select
from sqlalchemy.orm import Session

from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.rules import Evaluation, Result, evaluate
from marketplace.identity.models import Organisation
from marketplace.matching import candidates
from marketplace.matching.candidates import Stretch
from marketplace.matching.rules import Candidate
from marketplace.programmes.models import Programme
from marketplace.programmes.queries import offers
from marketplace.programmes.queries import window_on as window_in_sql
from marketplace.proposals.models import Proposal, ProposalVersion
from marketplace.proposals.queries import SharedView, own_view, shared_with, visible_to
from marketplace.reference.parameters import values_on
from marketplace.values.actor import VERIFIED_STATES
from marketplace.watches import sight
from marketplace.watches.models import Watch
from marketplace.watches.rules import LISTED, Standing, WatchKind
from marketplace.watches.searches import listed

MATCHES = (Result.ELIGIBLE, Result.NEEDS_INFORMATION)
AT_A_TIME = 5_000
CONSENT = "employer_consent"


@dataclass(frozen=True, slots=True)
class Found:
    """The subjects that the watch lists now, and where the day lies in each matching programme's window."""

    listed: Mapping[UUID, Standing]
    windows: Mapping[UUID, str]


def ended_because(current: Session, watch: Watch) -> str | None:
    """Why there is nothing to watch for any more: the proposal was withdrawn, or the programme closed for good."""
    if watch.proposal_id is not None and current.get_one(Proposal, watch.proposal_id).state == "withdrawn":
        return "proposal_withdrawn"
    if watch.programme_id is not None and current.get_one(Programme, watch.programme_id).ended_at is not None:
        return "programme_closed"
    return None


def may_look(current: Session, watch: Watch) -> bool:
    """Whether the organisation may look at all now: a funder only while it is verified, nobody while suspended."""
    verification = current.get_one(Organisation, watch.organisation_id).verification
    if watch.kind == WatchKind.PROPOSALS:
        return verification in VERIFIED_STATES
    return verification != "suspended"


def found(current: Session, watch: Watch, day: date, only: set[UUID] | None) -> Found:
    """What the watch lists on a day, of `only` these subjects if given."""
    if watch.kind == WatchKind.SEARCH:
        looking = sight.organisation_alone(current, watch.organisation_id)
        ids = listed(current, looking, str(watch.listing), watch.query, only)
        return Found({each: Standing(LISTED) for each in ids}, {})
    if watch.kind == WatchKind.PROPOSALS:
        return Found({each.id: Standing(_result(each)) for each in _proposals(current, watch, day, only)}, {})
    ranked = _programmes(current, watch, day, only)
    present = windows(current, day, [each.id for each in ranked])
    wanted = watch.query.get("window")
    standings = {each.id: Standing(_result(each), present[each.id]) for each in ranked}
    kept = {each: standing for each, standing in standings.items() if wanted in {None, standing.window}}
    return Found(kept, present)


def _programmes(current: Session, watch: Watch, day: date, only: set[UUID] | None) -> list[Candidate]:
    facts = candidates.own_facts(_own_facts(current, watch, day).with_assurance)
    wanted: list[ColumnElement[bool]] = [] if only is None else [Programme.id.in_(sorted(only))]
    if "instrument" in watch.query:
        wanted.append(offers("instruments", watch.query["instrument"]))

    def page(stretch: Stretch) -> list[Candidate]:
        return candidates.candidates_for_proposal(current, facts, day, stretch, *wanted)

    return _all(page, only)


def _proposals(current: Session, watch: Watch, day: date, only: set[UUID] | None) -> list[Candidate]:
    through = literal(watch.organisation_id)
    tree = _criteria(current, watch).tree
    wanted = [visible_to(through), *([] if only is None else [Proposal.id.in_(sorted(only))])]

    def page(stretch: Stretch) -> list[Candidate]:
        return candidates.candidates_for_programme(current, tree, through, day, stretch, *wanted)

    return _all(page, only)


def _all(page: Callable[[Stretch], list[Candidate]], only: set[UUID] | None) -> list[Candidate]:
    """Every eligible one and every one that needs information, a bounded number at a time."""
    if only is not None and len(only) <= AT_A_TIME:
        return [each for each in page(Stretch(len(only))) if each.rank != Result.INELIGIBLE.rank]
    ranked: list[Candidate] = []
    for result in MATCHES:
        last: Candidate | None = None
        while True:
            part = page(Stretch(AT_A_TIME, last, result))
            ranked += part
            if len(part) < AT_A_TIME:
                break
            last = part[-1]
    return ranked


def _result(candidate: Candidate) -> str:
    return candidates.RESULTS[candidate.rank].value


def windows(current: Session, day: date, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Where the day lies in each of the programmes' windows."""
    rows = current.execute(select(Programme.id, window_in_sql(day)).where(Programme.id.in_(list(ids))))
    return {row[0]: row[1] for row in rows}


def _own_facts(current: Session, watch: Watch, day: date) -> SharedView:
    if watch.proposal_id is None:
        raise LookupError("the watch is not a group's")
    return own_view(current, watch.proposal_id, day)


def _criteria(current: Session, watch: Watch) -> CriteriaVersion:
    programme = current.get_one(Programme, watch.programme_id)
    return current.get_one(CriteriaVersion, programme.current_criteria_version_id)


# Why


def explained(current: Session, watch: Watch, day: date, ids: Iterable[UUID]) -> dict[UUID, Evaluation]:
    """How each of the subjects is judged on a day, by the one evaluator. Those that are not to be seen are left out."""
    if watch.kind == WatchKind.SEARCH:
        return {}
    parameters = values_on(day)
    if watch.kind == WatchKind.PROPOSALS:
        tree = _criteria(current, watch).tree
        return {
            each: evaluate(tree, view.facts, parameters=parameters, shared=view.slugs, assurance=view.assurance)
            for each, view in _views(current, watch, day, ids).items()
        }
    view = _own_facts(current, watch, day)
    return {
        programme_id: evaluate(tree, view.facts, parameters=parameters, assurance=view.assurance)
        for programme_id, tree in _trees(current, ids).items()
    }


def explained_before(
    current: Session, watch: Watch, cause: str, day: date, ids: Iterable[UUID]
) -> dict[UUID, Evaluation]:
    """How subjects that were not listed would have been judged before `cause`, where that can be told.

    Before the present criteria (over the same facts), before the group's own present version, or (`day`) on the day of
    the last look. Nothing for a change on a proposal's side that a funder hears of: what was shared then is not kept,
    and looking at it with what is shared now would tell of what was not.
    """
    if cause == "time_passed":
        return explained(current, watch, day, ids)
    parameters = values_on(day)
    if cause == "programme_published" and watch.kind == WatchKind.PROPOSALS:
        earlier = _criteria_before(current, watch.programme_id)
        if earlier is None:
            return {}
        return {
            each: evaluate(earlier, view.facts, parameters=parameters, shared=view.slugs, assurance=view.assurance)
            for each, view in _views(current, watch, day, ids).items()
        }
    if watch.kind != WatchKind.PROGRAMMES:
        return {}
    view = _own_facts(current, watch, day)
    if cause == "programme_published":
        trees = {each: _criteria_before(current, each) for each in ids}
        return {
            each: evaluate(tree, view.facts, parameters=parameters, assurance=view.assurance)
            for each, tree in trees.items()
            if tree is not None
        }
    if cause == "proposal_published":
        facts = _facts_before(current, watch, view)
        if facts is None:
            return {}
        return {
            each: evaluate(tree, facts, parameters=parameters, assurance=view.assurance)
            for each, tree in _trees(current, ids).items()
        }
    return {}


def open_criteria(evaluation: Evaluation | None) -> dict[str, str]:
    """The hard criteria that are not met, with their outcome."""
    if evaluation is None:
        return {}
    return {
        reason.code: reason.outcome.value
        for reason in evaluation.reasons
        if reason.level == "hard" and reason.outcome != "met"
    }


def _views(current: Session, watch: Watch, day: date, ids: Iterable[UUID]) -> dict[UUID, SharedView]:
    rows = select(Proposal.id).where(Proposal.id.in_(list(ids)), visible_to(literal(watch.organisation_id)))
    seen = list(current.scalars(rows))
    return shared_with(current, seen, {each: [watch.organisation_id] for each in seen}, day)


def _trees(current: Session, ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    rows = current.execute(
        select(Programme.id, CriteriaVersion.tree)
        .join(CriteriaVersion, CriteriaVersion.id == Programme.current_criteria_version_id)
        .where(Programme.id.in_(list(ids)), *sight.listed_programmes())
    )
    return {row[0]: row[1] for row in rows}


def _criteria_before(current: Session, programme_id: UUID | None) -> dict[str, Any] | None:
    """The criteria before the programme's present ones."""
    versions = select(CriteriaVersion.tree).where(CriteriaVersion.programme_id == programme_id)
    versions = versions.order_by(CriteriaVersion.number.desc())
    return current.scalars(versions.offset(1).limit(1)).one_or_none()


def _facts_before(current: Session, watch: Watch, view: SharedView) -> dict[str, Any] | None:
    """The group's own facts before its present version, with the employer's answer as it stands."""
    versions = select(ProposalVersion.facts).where(ProposalVersion.proposal_id == watch.proposal_id)
    earlier = current.scalars(versions.order_by(ProposalVersion.number.desc()).offset(1).limit(1)).one_or_none()
    if earlier is None:
        return None
    return {**earlier, **({CONSENT: view.facts[CONSENT]} if CONSENT in view.facts else {})}
