"""What can be asked of the list of programmes: its filters, orders and counts as SQL, over what anyone may see.

Knows no proposal. What a funder's rules say of a group's facts is for matching; of a place alone, for the filter here.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    SmallInteger,
    String,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.rules import Result
from marketplace.identity.models import Organisation
from marketplace.programmes import queries
from marketplace.programmes.models import Programme
from marketplace.programmes.service import WHOLESALE
from marketplace.reference import codelists
from marketplace.reference.areas import Area
from marketplace.reference.parameters import values_on
from marketplace.search.listing import Facet, Listing, one_of, sorted_text
from marketplace.search.models import ProgrammeText
from marketplace.search.rules import RELEVANCE, facts_of_place, place_coded, place_named
from marketplace.search.words import as_written, matches, relevance
from marketplace.values.actor import Actor
from marketplace.values.clock import day_of
from marketplace.values.money import Money

SORT_KEYS = (
    *(RELEVANCE, "title", "organisation_name", "opens_on", "closes_on", "ask_min", "ask_max", "ticket_max"),
    *("published_at", "created_at"),
)
FACETS = (
    *("status", "instrument", "stage", "currency", "organisation_kind"),
    *("public_money", "recycles", "has_budget", "wholesale", "historical_example"),
)
OWN_FLAGS = ("public_money", "recycles", "has_budget", "historical_example")
FLAGS = ("true", "false")
Condition = Callable[[Any], ColumnElement[bool]]


def programmes(actor: Actor, query: Mapping[str, Any], language: str, now: datetime) -> Listing:
    """The programmes that the caller may list, with what `query` asks for. SearchFaults for a place that is none."""
    conditions = _conditions(day_of(now), now)
    words: str | None = query.get("q")
    rows = (
        select(Programme.id)
        .join(Organisation, Organisation.id == Programme.organisation_id)
        .outerjoin(CriteriaVersion, CriteriaVersion.id == Programme.current_criteria_version_id)
        .where(queries.listed_to(actor, query.get("organisation_id")))
    )
    if words is not None:
        rows = rows.join(ProgrammeText, ProgrammeText.programme_id == Programme.id)
    filters = {name: conditions[name](value) for name, value in query.items() if name in conditions}
    return Listing(rows, Programme.id, _keys(words, language), _facets(now), filters)


def _conditions(day: date, now: datetime) -> dict[str, Condition]:
    """The filter that each parameter means."""
    funder_kinds = Organisation.funder_kinds
    published_on = _day_in_london(CriteriaVersion.created_at)
    return {
        "q": lambda words: matches(ProgrammeText.words, words),
        "organisation_id": lambda each: Programme.organisation_id == each,
        "status": lambda statuses: queries.status_at(now).in_(statuses),
        "open_on": queries.open_on,
        "instrument": lambda slugs: or_(*(queries.offers("instruments", slug) for slug in slugs)),
        "stage": lambda slugs: or_(*(queries.offers("stages", slug) for slug in slugs)),
        "currency": lambda codes: _shown_text("currency").in_(codes),
        "ask": _welcomes,
        "ticket_max.gte": lambda ticket: and_(
            Programme.currency == ticket.currency, Programme.ticket_max >= ticket.amount
        ),
        "organisation_kind": Organisation.kind.in_,
        "funder_kind": lambda kinds: funder_kinds.op("&&", return_type=Boolean)(cast(kinds, ARRAY(String(60)))),
        "wholesale": lambda wished: (Organisation.kind == WHOLESALE) == wished,
        "funded_by_programme_id": lambda each: Programme.funded_by_programme_id == each,
        **{name: getattr(Programme, name).is_ for name in OWN_FLAGS},
        "opens_on.gte": lambda each: Programme.opens_on >= each,
        "opens_on.lte": lambda each: Programme.opens_on <= each,
        "closes_on.gte": lambda each: Programme.closes_on >= each,
        "closes_on.lte": lambda each: Programme.closes_on <= each,
        "published_on.gte": lambda each: published_on >= each,
        "published_on.lte": lambda each: published_on <= each,
        "area": lambda code: _serves(place_coded(code), day),
        "place": lambda name: _serves(place_named(name), day),
    }


def _keys(words: str | None, language: str) -> dict[str, Callable[[], Any]]:
    return {
        RELEVANCE: lambda: relevance(ProgrammeText.words, words or ""),
        "title": lambda: sorted_text(as_written(Programme.title, language)),
        "organisation_name": lambda: sorted_text(as_written(Organisation.name, language)),
        "opens_on": lambda: Programme.opens_on,
        "closes_on": lambda: Programme.closes_on,
        "ask_min": lambda: _shown_amount("ask_min"),
        "ask_max": lambda: _shown_amount("ask_max"),
        "ticket_max": lambda: Programme.ticket_max,
        "published_at": lambda: CriteriaVersion.created_at,
        "created_at": lambda: Programme.created_at,
    }


def _facets(now: datetime) -> dict[str, Callable[[], Facet]]:
    return {
        "status": lambda: Facet(one_of(queries.status_at(now)), codelists.slugs("programme_statuses")),
        "instrument": lambda: _offered("instruments", codelists.slugs("instruments")),
        "stage": lambda: _offered("stages", codelists.slugs("stages")),
        "currency": lambda: Facet(one_of(_shown_text("currency")), codelists.slugs("currencies")),
        "organisation_kind": lambda: Facet(one_of(Organisation.kind), codelists.slugs("organisation_kinds")),
        "wholesale": lambda: Facet(one_of(Organisation.kind == WHOLESALE), FLAGS),
        **{name: partial(_flagged, name) for name in OWN_FLAGS},
    }


def _flagged(name: str) -> Facet:
    return Facet(one_of(getattr(Programme, name)), FLAGS)


def _offered(name: str, known: tuple[str, ...]) -> Facet:
    """What a programme offers, and where it leaves that open, everything there is (as `queries.offers` finds it)."""
    drafted: Any = getattr(Programme, name)
    each = func.jsonb_array_elements_text(CriteriaVersion.columns[name].cast(JSONB)).column_valued("offered")
    listed = func.array(select(each).correlate(CriteriaVersion).scalar_subquery(), type_=ARRAY(String))
    shown = case((CriteriaVersion.id.is_(None), cast(drafted, ARRAY(String))), else_=listed)
    return Facet(case((func.cardinality(shown) == 0, cast(list(known), ARRAY(String))), else_=shown), known)


def _shown_text(name: str) -> ColumnElement[str]:
    """A column as the list shows it: as it was published, else as it is drafted."""
    return case(
        (CriteriaVersion.id.is_(None), getattr(Programme, name)), else_=CriteriaVersion.columns[name].astext
    ).cast(String)


def _shown_amount(name: str) -> ColumnElement[int]:
    published = CriteriaVersion.columns[name].astext.cast(BigInteger)
    return case((CriteriaVersion.id.is_(None), getattr(Programme, name)), else_=published).cast(BigInteger)


def _welcomes(ask: Money) -> ColumnElement[bool]:
    """Programmes in whose range the ask lies, both ends included."""
    least, most = _shown_amount("ask_min"), _shown_amount("ask_max")
    return and_(
        _shown_text("currency") == ask.currency,
        or_(least.is_(None), least <= ask.amount),
        or_(most.is_(None), most >= ask.amount),
    )


def _serves(place: Area, day: date) -> ColumnElement[bool]:
    """Published programmes whose rules do not turn a group away for serving that place, whatever else it is."""
    facts, parameters = literal(facts_of_place(place), JSONB), literal(values_on(day), JSONB)
    answer = (
        func.criteria_evaluate(CriteriaVersion.tree, facts, parameters)
        .table_valued(column("result", SmallInteger), column("fit", Integer))
        .lateral("answer")
    )
    result = select(answer.c.result).correlate(CriteriaVersion).scalar_subquery()
    return and_(CriteriaVersion.id.is_not(None), result != Result.INELIGIBLE.rank)


def _day_in_london(instant: Any) -> ColumnElement[Any]:
    return func.date(func.timezone("Europe/London", instant))
