"""The index as SQL: which alternatives of which criteria a point stands where with, both ways round.

Knows the columns of cells and points and what they mean. Must not know who may see what, windows or pages.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    Date,
    Dialect,
    Integer,
    SmallInteger,
    TableValuedAlias,
    Text,
    TextualSelect,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal,
    or_,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import UserDefinedType

from marketplace.eligibility.cells import (
    ANY,
    LAYOUT,
    MEASURES,
    WANTS_NOTHING,
    Alternative,
    Point,
    sectors_of,
    stretches,
)
from marketplace.eligibility.rules import Result
from marketplace.proposals.points import POINTS
from marketplace.reference.parameters import values_on

POINT = POINTS.c
MET, UNKNOWN, UNMET = Result.ELIGIBLE.rank, Result.NEEDS_INFORMATION.rank, Result.INELIGIBLE.rank


class _Written(UserDefinedType[Sequence[int | None]]):
    """An array of numbers, written here: the driver takes several times as long to look at each member."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get_col_spec(self, **_: Any) -> str:
        return f"{self.kind}[]"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return lambda numbers: f"{{{','.join('NULL' if each is None else str(each) for each in numbers)}}}"


NUMBERS, LONGS = _Written("smallint"), _Written("bigint")
POINT_PARAMETERS: tuple[BindParameter[Any], ...] = (
    bindparam("layout", type_=Integer),
    *(bindparam(name, type_=NUMBERS) for name in ("areas", "sectors", "instruments")),
    bindparam("words", type_=LONGS),
    *(bindparam(name, type_=BigInteger) for name in ("not_known", "sought")),
    bindparam("measures", type_=LONGS),
    *(bindparam(name, type_=JSONB) for name in ("point_facts", "parameters")),
    bindparam("shown_of", type_=Uuid()),
    bindparam("granted", type_=ARRAY(Uuid())),
    bindparam("as_of", type_=Date),
)
UNSURE: tuple[BindParameter[Any], ...] = tuple(bindparam(name, type_=NUMBERS) for name in ("unsure_from", "unsure_to"))


FOUND = (column("programme_id", Uuid()), column("rank", SmallInteger), column("has_soft", Boolean))


def cells_met() -> TableValuedAlias:
    """programme_id, rank 0, has_soft: the programmes that a point is certainly eligible for. Made by a migration."""
    return func.cells_met(*POINT_PARAMETERS).table_valued(*FOUND, name="found")


def cells_standing() -> TableValuedAlias:
    """programme_id, rank, has_soft: how a point stands with each programme in whose cells it may lie; 2 is unmet."""
    return func.cells_standing(*POINT_PARAMETERS, *UNSURE).table_valued(*FOUND, name="found")


def _programmes_ranked(rank: int) -> TextualSelect:
    stretch = (
        bindparam("verified", type_=ARRAY(Text)),
        *(bindparam("after_fit", type_=Integer), bindparam("after_id", type_=Uuid())),
        bindparam("most", type_=Integer),
    )
    given = (*POINT_PARAMETERS, *UNSURE, *stretch)
    arguments = ", ".join([f"{rank}::smallint", *(f":{parameter.key}" for parameter in given)])
    statement = text(f"SELECT id, fit FROM programmes_ranked({arguments})")  # noqa: S608 - names of our own
    return statement.bindparams(*given).columns(id=Uuid(), fit=SmallInteger)


PROGRAMMES_RANKED = {rank: _programmes_ranked(rank) for rank in (MET, UNKNOWN)}
"""By rank: a stretch of the published programmes of verified organisations, with their fit. Made by a migration.

A text, for SQLAlchemy takes longer to look through an expression of so many parameters than the search takes.
"""


def cells_missed() -> TableValuedAlias:
    """programme_id, bound: ineligible programmes of the point's area and sector, and the least that can be unmet.

    At most 2; some of those of 0 and 1 may not be ineligible at all. Made by a migration.
    """
    missed = (column("programme_id", Uuid()), column("bound", Integer))
    return func.cells_missed(*POINT_PARAMETERS, *UNSURE).table_valued(*missed, name="missed")


def parameters_of(
    point: Point, facts: Mapping[str, Any], as_of: date, shown_of: UUID | None = None, granted: Sequence[UUID] = ()
) -> dict[str, Any]:
    """The values of the parameters above; `facts` are those that the point was made of, for what cells leave over.

    Over what organisations are shown of a proposal, `shown_of` is its id and `granted` those shown more than `facts`.
    """
    none = (1, 0)
    first, second, *_ = (*point.unsure_areas, none, none)
    return {
        "layout": LAYOUT,
        "areas": list(point.areas),
        "sectors": list(point.sectors),
        "instruments": list(point.instruments),
        "words": list(point.words),
        "not_known": point.unknown,
        "sought": point.sought,
        "measures": [point.measures[fact] for fact in MEASURES],
        "point_facts": dict(facts),
        "parameters": values_on(as_of),
        "shown_of": shown_of,
        "granted": list(granted),
        "as_of": as_of,
        "unsure_from": [first[0], second[0]],
        "unsure_to": [first[1], second[1]],
    }


@dataclass(frozen=True, slots=True)
class Rule:
    """Criteria that look for points, on a day; `soft` as `cells.soft_of` gives them."""

    alternatives: tuple[Alternative, ...]
    soft: tuple[tuple[int, Alternative], ...]
    as_of: date

    def rank(self, facts: ColumnElement[Any]) -> ColumnElement[int]:
        """The rank of a ProposalPoint; `facts` is what the residual is evaluated over."""
        ranks = [self._rank_of(alternative, facts) for alternative in self.alternatives]
        return ranks[0] if len(ranks) == 1 else func.least(*ranks, type_=SmallInteger)

    def fit(self, facts: ColumnElement[Any]) -> ColumnElement[int]:
        """The fit of a ProposalPoint that is not ineligible; `facts` as for `rank`."""
        if not self.soft:
            return literal(100, SmallInteger)
        met = [case((self._rank_of(kept, facts) == MET, weight), else_=0) for weight, kept in self.soft]
        return cast(100 * sum(met[1:], met[0]) // sum(weight for weight, _ in self.soft), SmallInteger)

    def bounds(self, rank: int) -> list[ColumnElement[bool]]:
        """Conditions that every ProposalPoint of that rank fulfils, for the table's own indexes."""
        found: list[ColumnElement[bool]] = []
        sectors = {number for each in self.alternatives for number in sectors_of(each)}
        if ANY not in sectors:
            found.append(_one_of(POINT.sector, tuple(sorted(sectors if rank == MET else sectors | {ANY}))))
        if all(alternative.places for alternative in self.alternatives):
            nodes = {node for each in self.alternatives for node in min(each.places, key=len)}
            here = [_within(first, last) for first, last in stretches(tuple(nodes))]
            found.append(or_(*here) if rank == MET else or_(POINT.position.is_(None), *here))
        return found

    def _rank_of(self, kept: Alternative, facts: ColumnElement[Any]) -> ColumnElement[int]:
        unknown = POINT.unknown.bitwise_and(literal(kept.asks, BigInteger)) != 0
        refused = self._refused(kept)
        packed = (
            case((or_(*refused), UNMET), (unknown, UNKNOWN), else_=MET)
            if refused
            else case((unknown, UNKNOWN), else_=MET)
        )
        if kept.residual is None:
            return packed
        parameters = literal(values_on(self.as_of), JSONB)
        left = func.criteria_node_holds(literal(dict(kept.residual), JSONB), facts, parameters, type_=Boolean)
        rest = case({True: packed, False: UNMET}, value=left, else_=UNKNOWN)
        return case((or_(*refused), UNMET), else_=rest) if refused else rest

    def _refused(self, kept: Alternative) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        for word, refused in enumerate(kept.refuses):
            if refused:
                known = POINT[f"known_{word}"]
                found.append(known.bitwise_and(literal(refused, BigInteger)) != 0)
        if kept.wants != WANTS_NOTHING:
            found.append(POINT.sought.bitwise_and(literal(kept.wants, BigInteger)) == 0)
        for fact, least, most in kept.ranges:
            measure = POINT[fact]
            if least is not None:
                found.append(measure < literal(least, BigInteger))
            if most is not None:
                found.append(measure > literal(most, BigInteger))
        for nodes in kept.places:
            found.append(~or_(*(_within(first, last) for first, last in stretches(nodes))))
        return found


def _within(first: int, last: int) -> ColumnElement[bool]:
    return POINT.position.between(literal(first, SmallInteger), literal(last, SmallInteger))


def _one_of(column: ColumnElement[Any], numbers: tuple[int, ...]) -> ColumnElement[bool]:
    return column == any_(literal(list(numbers), ARRAY(SmallInteger)))
