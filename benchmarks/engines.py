"""The engines that answer the same question: which ids come to a result, for one proposal or for one programme.

`seam` is the product's own way; `twin` and `scan` ask the criteria's twin in the database about every row; `joined` and
`filtered` are what a good engineer makes of EXISTS over normalised criterion rows; `orm` loads every programme and asks
the evaluator, `python` loads bare trees and does the least that Python has to. All give the same frozenset of ids.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import Engine as Database
from sqlalchemy import literal, select, text
from sqlalchemy.orm import Session

from benchmarks.normalised import NormalisedCriteria
from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.rules import Result, compare, evaluate
from marketplace.identity.models import Organisation
from marketplace.matching import candidates
from marketplace.matching.candidates import Stretch
from marketplace.programmes.models import Programme
from marketplace.programmes.queries import published
from marketplace.proposals.queries import visible_to
from marketplace.reference.parameters import values_on
from marketplace.values.actor import VERIFIED_STATES
from marketplace.values.reasons import Outcome

SEAM, TWIN, SCAN, ORM, PYTHON, JOINED, FILTERED = "seam", "twin", "scan", "orm", "python", "joined", "filtered"
THE_DAY = date(2026, 11, 22)
ALL = 100_000_000
"""More than there is: a list without an end."""
VERIFIED = sorted(VERIFIED_STATES)
Ids = frozenset[UUID]


@dataclass(frozen=True, slots=True)
class ForProposal:
    """Which programmes come to `result` for a proposal with these facts?"""

    proposal_id: UUID
    facts: Mapping[str, Any]
    result: Result


@dataclass(frozen=True, slots=True)
class ForProgramme:
    """Which of the proposals that its organisation sees come to `result` for a programme?"""

    programme_id: UUID
    organisation_id: UUID
    tree: Mapping[str, Any]
    result: Result


def forward_engines(database: Database, normalised: NormalisedCriteria | None) -> dict[str, Callable[[Any], Ids]]:
    """Every engine for one proposal. Each answer has a session of its own, as each request has."""
    engines: dict[str, Callable[[Session, Any], Ids]] = {
        SEAM: _programmes_by_seam,
        TWIN: _programmes_by_twin,
        ORM: _programmes_by_orm,
        PYTHON: _programmes_by_python,
    }
    if normalised is not None:
        engines |= {JOINED: normalised.joined, FILTERED: normalised.filtered}
    return {name: _in_a_session(database, ask) for name, ask in engines.items()}


def reverse_engines(database: Database) -> dict[str, Callable[[Any], Ids]]:
    """Every engine for one programme."""
    return {
        SEAM: _in_a_session(database, _proposals_by_seam),
        SCAN: _in_a_session(database, _proposals_by_scan),
    }


def _in_a_session(database: Database, ask: Callable[[Session, Any], Ids]) -> Callable[[Any], Ids]:
    def answer(question: Any) -> Ids:
        with Session(database, autoflush=False) as current:
            return ask(current, question)

    return answer


# A proposal's programmes


def _programmes_by_seam(current: Session, question: ForProposal) -> Ids:
    facts = candidates.own_facts(question.facts)
    stretch = Stretch(ALL, result=question.result)
    found = candidates.candidates_for_proposal(current, facts, THE_DAY, stretch)
    return frozenset(candidate.id for candidate in found)


EVERY_VERSION = text(
    """
    SELECT programme.id
    FROM programme
    JOIN criteria_version version ON version.id = programme.current_criteria_version_id
    JOIN organisation funder ON funder.id = programme.organisation_id
    CROSS JOIN LATERAL criteria_evaluate(version.tree, :facts, :parameters) answer
    WHERE funder.verification = ANY (:verified) AND answer.result = :rank
    """
).bindparams(verified=VERIFIED)


def _programmes_by_twin(current: Session, question: ForProposal) -> Ids:
    values = {"facts": Jsonb(question.facts), "parameters": Jsonb(values_on(THE_DAY))}
    return frozenset(current.scalars(EVERY_VERSION, {**values, "rank": question.result.rank}))


EVERY_PROGRAMME = (
    select(Programme, CriteriaVersion)
    .join(CriteriaVersion, CriteriaVersion.id == Programme.current_criteria_version_id)
    .join(Organisation, Organisation.id == Programme.organisation_id)
    .where(published(), Organisation.verification.in_(VERIFIED))
)


def _programmes_by_orm(current: Session, question: ForProposal) -> Ids:
    parameters = values_on(THE_DAY)
    return frozenset(
        programme.id
        for programme, version in current.execute(EVERY_PROGRAMME)
        if evaluate(version.tree, question.facts, parameters=parameters).result is question.result
    )


EVERY_TREE = EVERY_PROGRAMME.with_only_columns(Programme.id, CriteriaVersion.tree)


def _programmes_by_python(current: Session, question: ForProposal) -> Ids:
    parameters = values_on(THE_DAY)
    return frozenset(
        programme_id
        for programme_id, tree in current.execute(EVERY_TREE)
        if _class_of(tree, question.facts, parameters) is question.result
    )


_CLASSES = {
    Outcome.MET: Result.ELIGIBLE,
    Outcome.UNKNOWN: Result.NEEDS_INFORMATION,
    Outcome.UNMET: Result.INELIGIBLE,
}


def _class_of(tree: Mapping[str, Any], facts: Mapping[str, Any], parameters: Mapping[str, Any]) -> Result:
    """The result alone, over plain JSON, left as early as can be: the least that Python has to do."""
    return _CLASSES[_holds({"all": tree["criteria"]}, facts, parameters)]


def _holds(node: Mapping[str, Any], facts: Mapping[str, Any], parameters: Mapping[str, Any]) -> Outcome:
    if "op" in node:
        if node["level"] == "soft":
            return Outcome.MET
        found, wanted = facts.get(node["fact"]), node["value"]
        if isinstance(wanted, dict) and "parameter" in wanted:
            wanted = parameters.get(wanted["parameter"])
        return Outcome.UNKNOWN if found is None or wanted is None else compare(node["op"], found, wanted)
    if "not" in node:
        turned = {Outcome.MET: Outcome.UNMET, Outcome.UNMET: Outcome.MET, Outcome.UNKNOWN: Outcome.UNKNOWN}
        return turned[_holds(node["not"], facts, parameters)]
    if "all" in node:
        branches, needed = node["all"], len(node["all"])
    elif "any" in node:
        branches, needed = node["any"], 1
    else:
        branches, needed = node["of"], node["at_least"]
    spare = len(branches) - needed
    for branch in branches:
        held = _holds(branch, facts, parameters)
        if held is Outcome.MET:
            needed -= 1
        elif held is Outcome.UNMET:
            spare -= 1
        if spare < 0:
            return Outcome.UNMET
    return Outcome.MET if needed <= 0 else Outcome.UNKNOWN


# A programme's proposals


def _proposals_by_seam(current: Session, question: ForProgramme) -> Ids:
    organisation = literal(question.organisation_id)
    stretch = Stretch(ALL, result=question.result)
    found = candidates.candidates_for_programme(
        current, question.tree, organisation, THE_DAY, stretch, visible_to(organisation)
    )
    return frozenset(candidate.id for candidate in found)


EVERY_PROPOSAL = text(
    """
    SELECT proposal.id
    FROM proposal
    JOIN proposal_projection projection ON projection.proposal_id = proposal.id
    CROSS JOIN LATERAL criteria_evaluate(:tree, shared_facts(proposal.id, :organisation, :day), :parameters) answer
    WHERE answer.result = :rank AND proposal_visible_to(proposal.id, :organisation)
    """
)


def _proposals_by_scan(current: Session, question: ForProgramme) -> Ids:
    values = {
        "tree": Jsonb(question.tree),
        "organisation": question.organisation_id,
        "day": THE_DAY,
        "parameters": Jsonb(values_on(THE_DAY)),
        "rank": question.result.rank,
    }
    return frozenset(current.scalars(EVERY_PROPOSAL, values))
