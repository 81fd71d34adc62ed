"""The index held against the evaluator, and what it is made of.

Knows the seam's answers and the reference evaluator. Nobody's rights come in: every published programme of a verified
organisation, and every published proposal over what is shared with the programme's organisation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, func, literal, select
from sqlalchemy.orm import Session

from marketplace.eligibility.cells import ANY, LAYOUT
from marketplace.eligibility.indexing import CELLS
from marketplace.eligibility.models import CriteriaVersion, IndexedCriteria
from marketplace.eligibility.rules import Evaluation, Result, evaluate
from marketplace.eligibility.tree import CriteriaTree, read_tree
from marketplace.identity.models import Organisation
from marketplace.matching.candidates import (
    Stretch,
    candidates_for_programme,
    candidates_for_proposal,
    facts_shared,
    own_facts,
)
from marketplace.matching.rules import Candidate
from marketplace.programmes.models import Programme
from marketplace.programmes.queries import published
from marketplace.proposals.models import ProposalPoint, ProposalProjection
from marketplace.reference.parameters import values_on
from marketplace.values.actor import VERIFIED_STATES
from marketplace.values.clock import today

BATCH = 500
PAGE = 1_000
Answers = dict[UUID, Candidate]


@dataclass(frozen=True, slots=True)
class Difference:
    """One pair on which the two differ: rank and fit by the index (None: not listed), and by the evaluator."""

    looking: str
    programme_id: UUID
    proposal_id: UUID
    index: tuple[int, int] | None
    evaluator: tuple[int, int]

    def __str__(self) -> str:
        return (
            f"{self.looking}: programme {self.programme_id}, proposal {self.proposal_id}:"
            f" index {self.index}, evaluator {self.evaluator}"
        )


def forward_differences(current: Session, sample: int, seed: int) -> tuple[list[Difference], int]:
    """Sampled proposals over their groups' own facts, with every programme; and how many pairs that was."""
    day = today()
    own = func.own_facts(ProposalProjection.proposal_id, day)
    chosen = select(ProposalProjection.proposal_id, own).order_by(_shuffled(ProposalProjection.proposal_id, seed))
    looking: dict[UUID, dict[str, Any]] = dict(current.execute(chosen.limit(sample)).all())
    listed = {id_: _programmes_listed(current, facts, day) for id_, facts in looking.items()}
    differences, pairs = [], 0
    for programme_id, tree in _programmes(current):
        for proposal_id, facts in looking.items():
            told = _evaluated(tree, facts, day)
            index = listed[proposal_id].pop(programme_id, None)
            pairs += 1
            if _differ(index, told):
                differences.append(_difference("proposal looks", programme_id, proposal_id, index, told))
    return differences, pairs


def reverse_differences(current: Session, sample: int, seed: int) -> tuple[list[Difference], int]:
    """Sampled programmes with every proposal, over what is shared with the programme's organisation."""
    day = today()
    chosen = _current_criteria().add_columns(Programme.organisation_id).order_by(_shuffled(Programme.id, seed))
    differences, pairs = [], 0
    for programme_id, stored, organisation_id in current.execute(chosen.limit(sample)).all():
        listed = _proposals_listed(current, stored, organisation_id, day)
        tree = read_tree(stored)
        for proposal_id, facts in _proposals(current, organisation_id, day):
            told = _evaluated(tree, facts, day)
            index = listed.pop(proposal_id, None)
            pairs += 1
            if _differ(index, told):
                differences.append(_difference("programme looks", programme_id, proposal_id, index, told))
    return differences, pairs


def figures(current: Session) -> list[str]:
    """What the index is made of, a line each."""
    c = CELLS.c
    by_cell = (
        select(func.count().label("rows")).where(c.layout == LAYOUT).group_by(c.area, c.sector, c.instrument).subquery()
    )
    rows, most, cells = current.execute(
        select(func.coalesce(func.sum(by_cell.c.rows), 0), func.coalesce(func.max(by_cell.c.rows), 0), func.count())
    ).one()
    of_all = select(func.count()).where(c.layout == LAYOUT, c.area == ANY, c.sector == ANY, c.instrument == ANY)
    everywhere = current.scalar(of_all) or 0
    held = IndexedCriteria.layout == LAYOUT
    awaiting = _number(current, IndexedCriteria, IndexedCriteria.layout != LAYOUT)
    return [
        f"Programmes in cells: {_number(current, IndexedCriteria, held, IndexedCriteria.cells > 0)}",
        f"Programmes evaluated always: {_number(current, IndexedCriteria, held, IndexedCriteria.cells == 0)}",
        f"Programmes awaiting the index: {awaiting}",
        f"Rows: {rows} in {cells} cells; the largest cell has {most}",
        f"The cell of any area, sector and instrument: {everywhere} rows, {everywhere / max(rows, 1):.1%}",
        f"Proposals placed: {_number(current, ProposalPoint, ProposalPoint.__table__.c.layout == LAYOUT)}",
        f"Proposals not placed: {_number(current, ProposalPoint, ProposalPoint.__table__.c.layout != LAYOUT)}",
    ]


def _number(current: Session, kind: Any, *conditions: ColumnElement[bool]) -> int:
    return current.scalar(select(func.count()).select_from(kind).where(*conditions)) or 0


def _shuffled(key: Any, seed: int) -> ColumnElement[str]:
    return func.md5(cast(key, String) + literal(str(seed)))


def _current_criteria() -> Any:
    return (
        select(Programme.id, CriteriaVersion.tree)
        .join(CriteriaVersion, CriteriaVersion.id == Programme.current_criteria_version_id)
        .join(Organisation, Organisation.id == Programme.organisation_id)
        .where(published(), Organisation.verification.in_(sorted(VERIFIED_STATES)))
    )


def _programmes(current: Session) -> Iterator[tuple[UUID, CriteriaTree]]:
    """Every programme that matches look at, with its criteria."""
    after: UUID | None = None
    while True:
        rows = _current_criteria().order_by(Programme.id).limit(BATCH)
        found = current.execute(rows if after is None else rows.where(Programme.id > after)).all()
        for programme_id, tree in found:
            yield programme_id, read_tree(tree)
        if len(found) < BATCH:
            return
        after = found[-1][0]


def _proposals(current: Session, organisation_id: UUID, day: date) -> Iterator[tuple[UUID, dict[str, Any]]]:
    """Every published proposal, with the facts that the organisation is shown."""
    after: UUID | None = None
    key = ProposalProjection.proposal_id
    while True:
        rows = select(key, facts_shared(key, organisation_id, day)).order_by(key).limit(BATCH)
        found = current.execute(rows if after is None else rows.where(key > after)).all()
        yield from ((proposal_id, facts) for proposal_id, facts in found)
        if len(found) < BATCH:
            return
        after = found[-1][0]


def _programmes_listed(current: Session, facts: dict[str, Any], day: date) -> Answers:
    """Those that are not ineligible, by the index."""
    return _listed(lambda stretch: candidates_for_proposal(current, own_facts(facts), day, stretch))


def _proposals_listed(current: Session, tree: dict[str, Any], organisation_id: UUID, day: date) -> Answers:
    through = literal(organisation_id)
    return _listed(lambda stretch: candidates_for_programme(current, tree, through, day, stretch))


def _listed(search: Any) -> Answers:
    answers: Answers = {}
    for result in (Result.ELIGIBLE, Result.NEEDS_INFORMATION):
        after = None
        while found := search(Stretch(PAGE, after, result)):
            answers |= {candidate.id: candidate for candidate in found}
            after = found[-1]
    return answers


def _evaluated(tree: CriteriaTree, facts: dict[str, Any], day: date) -> Evaluation:
    return evaluate(tree, facts, parameters=values_on(day), assurance=facts.get("_assurance", {}))


def _differ(index: Candidate | None, told: Evaluation) -> bool:
    if index is None:
        return told.result is not Result.INELIGIBLE
    return index.differs_from(told)


def _difference(
    looking: str, programme_id: UUID, proposal_id: UUID, index: Candidate | None, told: Evaluation
) -> Difference:
    listed = None if index is None else (index.rank, index.fit)
    return Difference(looking, programme_id, proposal_id, listed, (told.result.rank, told.fit))
