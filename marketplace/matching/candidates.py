"""The seam: which programmes or proposals stand where in a ranked list. SQL decides the class and the fit, exactly.

A plain query today; an index may stand behind the same functions later. Order: class, fit descending, id; pages go on
from the last candidate. Every ineligible one has fit 0, so that their stretch is in the order of ids: it is scanned
from the last id on and ends with the page. Knows no one's rights: the caller says which rows may be looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, SmallInteger, Uuid, column, func, literal, select, true, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.rules import Result
from marketplace.identity.models import Organisation
from marketplace.matching.rules import Candidate
from marketplace.programmes.models import Programme
from marketplace.programmes.queries import published
from marketplace.proposals.models import Proposal, ProposalProjection
from marketplace.reference.parameters import values_on
from marketplace.values.actor import VERIFIED_STATES

INELIGIBLE = Result.INELIGIBLE.rank
RESULTS = {result.rank: result for result in Result}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which part of a ranked list: at most `limit` places after `after`, of one result if so wished."""

    limit: int
    after: Candidate | None = None
    result: Result | None = None


def own_facts(facts: Mapping[str, Any]) -> ColumnElement[Any]:
    """The facts of a proposal as its group knows them, for every programme alike."""
    return literal(dict(facts), JSONB)


def facts_shared(proposal_id: Any, organisation_id: Any, as_of: date) -> ColumnElement[Any]:
    """The facts of a proposal that are shared with an organisation on a day; either may be a column."""
    return func.shared_facts(proposal_id, organisation_id, as_of, type_=JSONB)


def candidates_for_proposal(
    current: Session, facts: ColumnElement[Any], as_of: date, stretch: Stretch, *conditions: ColumnElement[bool]
) -> list[Candidate]:
    """Published programmes of verified organisations, ranked for a proposal's `facts` on a day.

    `conditions` may speak of Programme, CriteriaVersion and Organisation.
    """
    return _ranked(current, *_programmes(facts, as_of, *conditions), Programme.id, stretch)


def candidates_for_programme(
    current: Session,
    tree: Mapping[str, Any],
    through: ColumnElement[Any],
    as_of: date,
    stretch: Stretch,
    *conditions: ColumnElement[bool],
) -> list[Candidate]:
    """Proposals ranked for a stored criteria tree, over the facts shared with one organisation on a day, no others.

    `through` is that organisation's id, an expression over Proposal if so wished; NULL: what anyone is shown who sees
    the proposal. `conditions` speak of Proposal; they have to say which ones the organisation sees.
    """
    return _ranked(current, *_proposals(tree, through, as_of, *conditions), Proposal.id, stretch)


def count_for_proposal(
    current: Session, facts: ColumnElement[Any], as_of: date, *conditions: ColumnElement[bool]
) -> dict[Result, int]:
    """How many programmes come to each result."""
    return _counted(current, *_programmes(facts, as_of, *conditions))


def count_for_programme(
    current: Session,
    tree: Mapping[str, Any],
    through: ColumnElement[Any],
    as_of: date,
    *conditions: ColumnElement[bool],
) -> dict[Result, int]:
    """How many proposals come to each result."""
    return _counted(current, *_proposals(tree, through, as_of, *conditions))


def _programmes(facts: ColumnElement[Any], as_of: date, *conditions: ColumnElement[bool]) -> tuple[Any, Any]:
    answer = _answer(CriteriaVersion.tree, facts, as_of)
    rows = (
        select(Programme.id)
        .join(CriteriaVersion, CriteriaVersion.id == Programme.current_criteria_version_id)
        .join(Organisation, Organisation.id == Programme.organisation_id)
        .join(answer, true())
        .where(published(), Organisation.verification.in_(sorted(VERIFIED_STATES)), *conditions)
    )
    return rows, answer


def _proposals(
    tree: Mapping[str, Any], through: ColumnElement[Any], as_of: date, *conditions: ColumnElement[bool]
) -> tuple[Any, Any]:
    facts = facts_shared(Proposal.id, through, as_of)
    answer = _answer(literal(dict(tree), JSONB), facts, as_of)
    rows = (
        select(Proposal.id)
        .join(ProposalProjection, ProposalProjection.proposal_id == Proposal.id)
        .join(answer, true())
        .where(*conditions)
    )
    return rows, answer


def _answer(tree: Any, facts: ColumnElement[Any], as_of: date) -> Any:
    """The evaluator's twin, once for each row."""
    parameters = literal(values_on(as_of), JSONB)
    made = func.criteria_evaluate(tree, facts, parameters).table_valued(
        column("result", SmallInteger), column("fit", SmallInteger)
    )
    return made.lateral("answer")


def _ranked(current: Session, rows: Select[Any], answer: Any, key: Any, stretch: Stretch) -> list[Candidate]:
    result, fit, after = answer.c.result, answer.c.fit, stretch.after
    rows = rows.add_columns(result, fit).limit(stretch.limit)
    if stretch.result is not None:
        rows = rows.where(result == stretch.result.rank)
    if stretch.result is Result.INELIGIBLE or (after is not None and after.rank == INELIGIBLE):
        rows = rows.where(result == INELIGIBLE).order_by(key)
        if after is not None:
            rows = rows.where(key > after.id)
    else:
        rows = rows.order_by(result, fit.desc(), key)
        if after is not None:
            place = tuple_(literal(after.rank), literal(100 - after.fit), literal(after.id, Uuid()))
            rows = rows.where(tuple_(result, 100 - fit, key) > place)
    return [Candidate(*row) for row in current.execute(rows)]


def _counted(current: Session, rows: Select[Any], answer: Any) -> dict[Result, int]:
    tally = rows.with_only_columns(answer.c.result, func.count()).group_by(answer.c.result)
    return {RESULTS[rank]: number for rank, number in current.execute(tally)}
