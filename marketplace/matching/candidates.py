"""The seam: which programmes or proposals stand where in a ranked list. SQL decides the class and the fit, exactly.

Behind it stands the index: `index` says who is eligible or lacks information; what the index does not hold (criteria
with too many alternatives, facts shared with one organisation alone) is evaluated by the evaluator's twin in the same
statement. Order: class, fit descending, id; pages go on from the last candidate. Every ineligible one has fit 0, so
that their stretch is in the order of ids: it is scanned from the last id on and ends with the page. Knows no one's
rights: the caller says which rows may be looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Date,
    Executable,
    Integer,
    Select,
    SmallInteger,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    column,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import BinaryExpression
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.sql.operators import eq, in_op

from marketplace.eligibility.cells import LAYOUT, UnplaceableError, alternatives_of, point_of, soft_of
from marketplace.eligibility.distance import Gates
from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.normal_form import TooManyAlternatives
from marketplace.eligibility.one_day import as_on
from marketplace.eligibility.rules import Result
from marketplace.eligibility.tree import read_tree
from marketplace.identity.models import Organisation
from marketplace.matching.index import (
    MET,
    PROGRAMMES_RANKED,
    UNMET,
    Rule,
    cells_met,
    cells_missed,
    cells_standing,
    parameters_of,
)
from marketplace.matching.rules import Candidate
from marketplace.programmes.models import Programme
from marketplace.programmes.queries import published
from marketplace.proposals.models import Proposal, ProposalProjection, ProposalShare
from marketplace.proposals.points import POINTS
from marketplace.proposals.rules import CONSENT
from marketplace.reference.parameters import values_on
from marketplace.values.actor import VERIFIED_STATES

VERIFIED = sorted(VERIFIED_STATES)
RESULTS = {result.rank: result for result in Result}
Conditions = Sequence[ColumnElement[bool]]
Plain = Callable[[], tuple[Select[Any], Any]]
"""The rows to be evaluated one by one, with their answers."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which part of a ranked list: at most `limit` places after `after`, of one result if so wished."""

    limit: int
    after: Candidate | None = None
    result: Result | None = None

    @property
    def ranks(self) -> list[int]:
        """The classes that it may reach into, the best first."""
        first = MET if self.after is None else self.after.rank
        return [rank for rank in RESULTS if rank >= first and self.result in (None, RESULTS[rank])]


class SharedFacts(GenericFunction[Any]):
    """`shared_facts(proposal, organisation, day)`, made by a migration."""

    name = "shared_facts"
    identifier = "shared_facts"
    type = JSONB()
    inherit_cache = True


def own_facts(facts: Mapping[str, Any]) -> ColumnElement[Any]:
    """The facts of a proposal as its group knows them, for every programme alike."""
    return literal(dict(facts), JSONB)


def facts_shared(proposal_id: Any, organisation_id: Any, as_of: date) -> ColumnElement[Any]:
    """The facts of a proposal that are shared with an organisation on a day; either may be a column."""
    return SharedFacts(proposal_id, organisation_id, as_of)


def candidates_for_proposal(
    current: Session, facts: ColumnElement[Any], as_of: date, stretch: Stretch, *conditions: ColumnElement[bool]
) -> list[Candidate]:
    """Published programmes of verified organisations, ranked for a proposal's `facts` on a day.

    `conditions` may speak of Programme, CriteriaVersion and Organisation.
    """
    search = _search_programmes(current, facts, as_of, conditions)
    return _ranked(current, search, partial(_programmes, facts, as_of, *conditions), Programme.id, stretch)


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
    search = _search_proposals(tree, through, as_of, conditions)
    return _ranked(current, search, partial(_proposals, tree, through, as_of, *conditions), Proposal.id, stretch)


def count_for_proposal(
    current: Session, facts: ColumnElement[Any], as_of: date, *conditions: ColumnElement[bool]
) -> dict[Result, int]:
    """How many programmes come to each result."""
    search = _search_programmes(current, facts, as_of, conditions)
    return _counted(current, search, partial(_programmes, facts, as_of, *conditions))


def count_for_programme(
    current: Session,
    tree: Mapping[str, Any],
    through: ColumnElement[Any],
    as_of: date,
    *conditions: ColumnElement[bool],
) -> dict[Result, int]:
    """How many proposals come to each result."""
    search = _search_proposals(tree, through, as_of, conditions)
    return _counted(current, search, partial(_proposals, tree, through, as_of, *conditions))


def _names_them(key: Any, conditions: Conditions) -> bool:
    """Whether the conditions name the row, or the rows, to look at: then there is nothing to search."""
    return any(
        isinstance(condition, BinaryExpression)
        and condition.operator in (eq, in_op)
        and isinstance(condition.right, BindParameter)
        and condition.left.compare(key.expression)
        for condition in conditions
    )


# One by one: the evaluator's twin over every row that may be looked at


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
    parameters = literal(values_on(as_of), JSONB)
    made = func.criteria_evaluate(tree, facts, parameters).table_valued(
        column("result", SmallInteger), column("fit", SmallInteger)
    )
    return made.lateral("answer")


# By the index


class _Search(Protocol):
    """What is found by the index, with what it does not hold."""

    def listed(self, rank: int, key: Any, *, goes_on: bool) -> Executable:
        """`most` of those that are eligible (0) or lack information (1), as `_listed` says."""

    def tally(self) -> Select[Any]:
        """rank, number: how many are of each, ineligible ones included."""

    def parameters(self) -> Mapping[str, Any]:
        """The values of what the statements leave open."""


@dataclass(frozen=True, slots=True)
class _Programmes:
    """A proposal looks for programmes: `point` as `index.parameters_of` gives it."""

    point: Mapping[str, Any]
    conditions: Conditions

    def listed(self, rank: int, key: Any, *, goes_on: bool) -> Executable:
        if not self.conditions:
            return PROGRAMMES_RANKED[rank]
        rows, fit = _programmes_of_rank(rank, shared=self.point["shown_of"] is not None)
        return _listed(rows.where(*self.conditions), fit, key, goes_on=goes_on)

    def tally(self) -> Select[Any]:
        return _programmes_tallied().where(*self.conditions)

    def parameters(self) -> Mapping[str, Any]:
        return {**self.point, "verified": VERIFIED}


@cache
def _programmes_of_rank(rank: int, *, shared: bool) -> tuple[Select[Any], ColumnElement[int]]:
    """Built once: all that differs from one proposal to the next is a parameter."""
    found = cells_met() if rank == MET else cells_standing()
    facts: ColumnElement[Any] = bindparam("point_facts", type_=JSONB)
    if shared:
        facts = SharedFacts(
            bindparam("shown_of", type_=Uuid()), Programme.organisation_id, bindparam("as_of", type_=Date)
        )
    fitting = func.criteria_fit(CriteriaVersion.tree, facts, bindparam("parameters", type_=JSONB), type_=SmallInteger)
    fit = case((found.c.has_soft, fitting), else_=literal_column("100"))
    rows = select(Programme.id).join(found, found.c.programme_id == Programme.id)
    return _looked_at(rows).where(found.c.rank == literal_column(str(rank))), fit


@cache
def _programmes_tallied() -> Select[Any]:
    found = cells_standing()
    rank = func.coalesce(found.c.rank, literal_column(str(UNMET)))
    every = select(rank, func.count()).select_from(Programme)
    tallied: Select[Any] = _looked_at(every.outerjoin(found, found.c.programme_id == Programme.id)).group_by(rank)
    return tallied


def _looked_at(rows: Any) -> Any:
    """Published programmes of verified organisations; no suspended one is verified."""
    verified = bindparam("verified", type_=ARRAY(Text))
    return (
        rows.join(CriteriaVersion, CriteriaVersion.id == Programme.current_criteria_version_id)
        .join(Organisation, Organisation.id == Programme.organisation_id)
        .where(Organisation.verification == any_(verified))
    )


_FENCE: ColumnElement[int] = literal_column("0", Integer)
"""OFFSET 0: the planner goes no further than the points before it has them.

What the caller asks of a proposal, whether it may be seen above all, costs more than the planner believes. Asked of all
proposals first, it takes longer than all else; in the order of the page it is asked of as many as the page needs.
"""


@dataclass(frozen=True, slots=True)
class _Proposals:
    """A programme looks for proposals, through an organisation: for points first."""

    tree: Mapping[str, Any]
    rule: Rule
    through: ColumnElement[Any]
    as_of: date
    conditions: Conditions

    def listed(self, rank: int, key: Any, *, goes_on: bool) -> Executable:
        each = [_listed(rows, fit, key, goes_on=goes_on).subquery() for rows, fit in self._evaluated(rank)]
        each.append(_listed(*self._indexed(rank, goes_on=goes_on), key, goes_on=False).subquery())
        found = union_all(*(select(rows.c.id, rows.c.fit) for rows in each)).subquery("found")
        return select(found.c.id, found.c.fit).order_by(found.c.fit.desc(), found.c.id).limit(_most())

    def tally(self) -> Select[Any]:
        points = self._points().add_columns(self._rank().label("rank")).offset(_FENCE).subquery("points")
        every = [self._seen(points).add_columns(points.c.rank), *(rows for rows, _ in self._evaluated(None))]
        found = union_all(*every).subquery("found")
        return select(found.c.rank, func.count()).group_by(found.c.rank)

    def parameters(self) -> Mapping[str, Any]:
        return {}

    def _indexed(self, rank: int, *, goes_on: bool) -> tuple[Select[Any], ColumnElement[int]]:
        """The points of a rank in the page's order, with their fit, and of these the proposals that are seen."""
        fit, id_ = self.rule.fit(self._open()), POINTS.c.proposal_id
        points = self._points().add_columns(fit.label("fit")).where(*self.rule.bounds(rank), self._rank() == rank)
        if goes_on:
            points = points.where(_comes_after(fit, id_))
            if not self.rule.soft:
                points = points.where(id_ > _AFTER_ID)
        ordered = points.order_by(fit.desc(), id_).offset(_FENCE).subquery("points")
        return self._seen(ordered), ordered.c.fit

    def _points(self) -> Select[Any]:
        return select(POINTS.c.proposal_id).where(POINTS.c.layout == LAYOUT)

    def _rank(self) -> ColumnElement[int]:
        return self.rule.rank(self._open())

    def _open(self) -> ColumnElement[Any]:
        """What anyone is shown who sees the proposal; `through` may speak of Proposal, which points do not know."""
        return facts_shared(POINTS.c.proposal_id, null(), self.as_of)

    def _seen(self, points: Any) -> Select[Any]:
        """Those that the caller's conditions leave and whose open facts are all that the organisation is shown."""
        rows = select(Proposal.id).join(points, points.c.proposal_id == Proposal.id)
        return rows.where(~self._shown_more(), *self.conditions)

    def _shown_more(self) -> ColumnElement[bool]:
        granted = select(ProposalShare.proposal_id).where(
            ProposalShare.proposal_id == Proposal.id, ProposalShare.organisation_id == self.through
        )
        return granted.correlate(Proposal).exists()

    def _evaluated(self, rank: int | None) -> list[tuple[Select[Any], ColumnElement[int]]]:
        """What the index does not hold, with its fit: facts shared with the organisation alone, and what has no place.

        Two statements, for the planner finds neither by one of "or".
        """
        answer = _answer(
            literal(dict(self.tree), JSONB), facts_shared(Proposal.id, self.through, self.as_of), self.as_of
        )
        rows = select(Proposal.id, answer.c.result.label("rank")).join(POINTS, POINTS.c.proposal_id == Proposal.id)
        rows = rows.join(answer, true()).where(*self.conditions)
        if rank is not None:
            rows = rows.where(answer.c.result == rank)
        elsewhere = or_(POINTS.c.layout < LAYOUT, POINTS.c.layout > LAYOUT)
        of_each = (rows.where(POINTS.c.layout == LAYOUT, self._shown_more()), rows.where(elsewhere))
        return [(each, answer.c.fit) for each in of_each]


def _search_programmes(
    current: Session, facts: ColumnElement[Any], as_of: date, conditions: Conditions
) -> _Programmes | None:
    """None where the facts have no place in the index, or the conditions name the programmes."""
    if _names_them(Programme.id, conditions):
        return None
    shown_of, granted = None, []
    match facts:
        case BindParameter(value=dict() as known):
            pass
        case SharedFacts() if isinstance(shared := next(iter(facts.clauses)), BindParameter):
            shown_of = shared.value
            known = current.scalar(select(facts_shared(shared, null(), as_of))) or {}
            of_one = select(ProposalShare.organisation_id).where(ProposalShare.proposal_id == shown_of)
            granted = list(current.scalars(of_one))
        case _:
            return None
    try:
        point = parameters_of(point_of(known), known, as_of, shown_of, granted)
    except UnplaceableError:
        return None
    return _Programmes(point, conditions)


def _search_proposals(
    tree: Mapping[str, Any], through: ColumnElement[Any], as_of: date, conditions: Conditions
) -> _Proposals | None:
    """None where the criteria have too many alternatives, or the conditions name the proposals.

    The employer's consent may lapse and is looked up for each proposal.
    """
    if _names_them(Proposal.id, conditions):
        return None
    read, apart = as_on(read_tree(tree), values_on(as_of)), frozenset({CONSENT})
    try:
        rule = Rule(alternatives_of(read, without=apart), soft_of(read, without=apart), as_of)
    except TooManyAlternatives:
        return None
    return _Proposals(tree, rule, through, as_of, conditions)


# Stretches and counts


def _ranked(current: Session, search: _Search | None, plain: Plain, key: Any, stretch: Stretch) -> list[Candidate]:
    """The stretch, class by class; one that moved between two statements is listed once."""
    if search is None:
        return _page(current, plain, key, stretch)
    found: dict[UUID, Candidate] = {}
    for rank in stretch.ranks:
        left = Stretch(stretch.limit - len(found), stretch.after if _ends_in(stretch, rank) else None, RESULTS[rank])
        more = _page(current, plain, key, left) if rank == UNMET else _class(current, search, rank, key, left)
        for candidate in more:
            found.setdefault(candidate.id, candidate)
        if len(found) >= stretch.limit:
            break
    return list(found.values())


def _ends_in(stretch: Stretch, rank: int) -> bool:
    return stretch.after is not None and stretch.after.rank == rank


def _class(current: Session, search: _Search, rank: int, key: Any, stretch: Stretch) -> list[Candidate]:
    values = {**search.parameters(), "most": stretch.limit, "after_fit": None, "after_id": None}
    if stretch.after is not None:
        values |= {"after_fit": 100 - stretch.after.fit, "after_id": stretch.after.id}
    rows = search.listed(rank, key, goes_on=stretch.after is not None)
    return [Candidate(id_, rank, fit) for id_, fit in current.execute(rows, values)]


def _listed(rows: Select[Any], fit: ColumnElement[int], key: Any, *, goes_on: bool) -> Select[Any]:
    """`most` ids with their fit; where it goes on, after `after_fit` (what is missing from 100) and `after_id`."""
    fitted = fit.label("fit")
    rows = rows.add_columns(fitted).order_by(fitted.desc(), key).limit(_most())
    return rows.where(_comes_after(fit, key)) if goes_on else rows


_AFTER_ID: BindParameter[UUID] = bindparam("after_id", type_=Uuid())


def _comes_after(fit: ColumnElement[int], key: Any) -> ColumnElement[bool]:
    after = tuple_(bindparam("after_fit", type_=Integer), _AFTER_ID)
    return tuple_(literal_column("100") - fit, key) > after


def _most() -> BindParameter[int]:
    return bindparam("most", type_=Integer)


def _page(current: Session, plain: Plain, key: Any, stretch: Stretch) -> list[Candidate]:
    rows: Any
    rows, answer = plain()
    result, fit, after = answer.c.result, answer.c.fit, stretch.after
    rows = rows.add_columns(result, fit).limit(stretch.limit)
    if stretch.result is not None:
        rows = rows.where(result == stretch.result.rank)
    if stretch.result is Result.INELIGIBLE or (after is not None and after.rank == UNMET):
        rows = rows.where(result == UNMET).order_by(key)
        if after is not None:
            rows = rows.where(key > after.id)
    else:
        rows = rows.order_by(result, fit.desc(), key)
        if after is not None:
            place = tuple_(literal(after.rank), literal(100 - after.fit), literal(after.id, Uuid()))
            rows = rows.where(tuple_(result, 100 - fit, key) > place)
    return [Candidate(id_, rank, fit_) for id_, rank, fit_ in current.execute(rows).all()]


def _counted(current: Session, search: _Search | None, plain: Plain) -> dict[Result, int]:
    if search is not None:
        return {RESULTS[rank]: number for rank, number in current.execute(search.tally(), search.parameters())}
    rows, answer = plain()
    tally = rows.with_only_columns(answer.c.result, func.count()).group_by(answer.c.result)
    return {RESULTS[rank]: number for rank, number in current.execute(tally)}


# Near misses

MOST_LOOKED_AT = 40
"""So many programmes are looked at for near misses, those of which the index says that least is unmet."""

MOST_SCANNED = 2_000
"""So many ineligible ones are looked at where the index says nothing of them, those with the latest ids."""

MOST_NEAR = 20


@dataclass(frozen=True, slots=True)
class Near:
    """One near miss: the other side's id and how many gates away it is."""

    id: UUID
    gates: Gates


@dataclass(frozen=True, slots=True)
class NearMisses:
    """At most MOST_NEAR of them, the nearest first; `capped` where there are more, or more than were looked at."""

    places: list[Near]
    capped: bool


def near_for_proposal(
    current: Session, facts: ColumnElement[Any], as_of: date, *conditions: ColumnElement[bool]
) -> NearMisses:
    """The programmes that a proposal's `facts` miss by least. `conditions` as for `candidates_for_proposal`.

    Looked at are programmes whose area and sector the proposal fits or may fit, as far as the index knows: of those
    the MOST_LOOKED_AT that the fewest facts refuse, then with the latest ids. Of these the distance is exact.
    """
    search = _search_programmes(current, facts, as_of, conditions)
    if search is None or search.point["shown_of"] is not None:
        rows, answer = _programmes(facts, as_of, *conditions)
        scanned = _scanned(rows, answer, Programme.id, CriteriaVersion.tree, facts)
        return _near(current, _nearest(scanned, literal(values_on(as_of), JSONB)), MOST_SCANNED, {})
    values = {**search.parameters(), "most_looked_at": MOST_LOOKED_AT}
    statement = _nearest(_missed().where(*conditions), bindparam("parameters", type_=JSONB)) if conditions else NEAREST
    return _near(current, statement, MOST_LOOKED_AT, values)


def _missed() -> Select[Any]:
    """The programmes that a point misses, those that the fewest facts refuse first. All that differs is a parameter.

    The order is that of the inner query, so that the database joins no more than it lists.
    """
    cells = cells_missed()
    missed = select(cells).order_by(cells.c.bound, cells.c.programme_id.desc()).subquery("missed")
    rows = _looked_at(select(Programme.id.label("id")).join(missed, missed.c.programme_id == Programme.id))
    found: Select[Any] = (
        rows.add_columns(CriteriaVersion.tree.label("tree"), bindparam("point_facts", type_=JSONB).label("facts"))
        .order_by(missed.c.bound, missed.c.programme_id.desc())
        .limit(bindparam("most_looked_at", type_=Integer))
    )
    return found


def near_for_programme(
    current: Session,
    tree: Mapping[str, Any],
    through: ColumnElement[Any],
    as_of: date,
    *conditions: ColumnElement[bool],
) -> NearMisses:
    """The proposals that miss a tree by least, over shared facts; the rest as for `candidates_for_programme`."""
    rows, answer = _proposals(tree, through, as_of, *conditions)
    facts = facts_shared(Proposal.id, through, as_of)
    scanned = _scanned(rows, answer, Proposal.id, literal(dict(tree), JSONB), facts)
    return _near(current, _nearest(scanned, literal(values_on(as_of), JSONB)), MOST_SCANNED, {})


def _scanned(rows: Select[Any], answer: Any, key: Any, tree: Any, facts: ColumnElement[Any]) -> Select[Any]:
    return (
        rows.with_only_columns(key.label("id"), tree.label("tree"), facts.label("facts"))
        .where(answer.c.result == UNMET)
        .order_by(key.desc())
        .limit(MOST_SCANNED)
    )


def _near(current: Session, nearest: Select[Any], most: int, values: Mapping[str, Any]) -> NearMisses:
    found = current.execute(nearest, values).all()
    places = [Near(row.id, Gates(row.unmet, row.unknown)) for row in found if row.id is not None]
    near = [each for each in places if each.gates.near_miss]
    return NearMisses(near[:MOST_NEAR], len(near) > MOST_NEAR or found[0].many == most)


def _nearest(rows: Select[Any], parameters: ColumnElement[Any]) -> Select[Any]:
    """In the order of gates, then of ids; `rows` are id, tree and facts, eligible ones among them.

    With how many they are, `many`, in each row; where none is near, in one row without an id.
    """
    looked_at = rows.cte("looked_at").prefix_with("MATERIALIZED")
    distance = (
        func.criteria_distance(looked_at.c.tree, looked_at.c.facts, parameters)
        .table_valued(column("unmet", SmallInteger), column("unknown", SmallInteger))
        .lateral("distance")
    )
    nearest = (
        select(looked_at.c.id, distance.c.unmet, distance.c.unknown)
        .join(distance, true())
        .where(distance.c.unmet > 0)
        .order_by(distance.c.unmet, distance.c.unknown, looked_at.c.id)
        .limit(MOST_NEAR + 1)
        .subquery("nearest")
    )
    number = select(func.count().label("many")).select_from(looked_at).subquery("number")
    return (
        select(number.c.many, nearest)
        .select_from(number.outerjoin(nearest, true()))
        .order_by(nearest.c.unmet, nearest.c.unknown, nearest.c.id)
    )


NEAREST = _nearest(_missed(), bindparam("parameters", type_=JSONB))
"""Of all published programmes; built once."""
