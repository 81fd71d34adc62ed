"""What can be asked of the list of proposals: filters, orders and counts as SQL, over what the caller is shown.

Every expression is made of what `proposals.sight` shows the caller. A fact that is not shared with them is found by
nothing, sorts last, is counted nowhere, and no word of it is looked up: a hit itself would tell.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Numeric,
    String,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from marketplace.proposals.models import Ask, Proposal, ProposalProjection
from marketplace.proposals.queries import of_group
from marketplace.proposals.sight import facts_seen, listed_to, seen_plainly
from marketplace.reference import codelists
from marketplace.search.listing import Facet, Listing, one_of, sorted_text
from marketplace.search.models import ProposalText
from marketplace.search.rules import (
    LISTED,
    RELEVANCE,
    FactFilter,
    Within,
    fact_filters,
    place_coded,
    place_named,
    within,
)
from marketplace.search.words import as_written, matches, relevance
from marketplace.values.actor import Actor
from marketplace.values.clock import day_of
from marketplace.values.money import Money

SORT_KEYS = (
    *(RELEVANCE, "title", "pseudonym", "stage", "sector", "nation", "region", "ask", "published_at", "created_at"),
)
FACETS = (
    *("stage", "sector", "nation", "region", "parent_kind", "instrument", "currency"),
    *("publicly_employed", "historical_example"),
)
FLAGS = ("true", "false")
FACT_OF = {
    "sector": "sector",
    "nation": "beneficiary_nation",
    "region": "region",
    "parent_kind": "parent_kind",
    "publicly_employed": "staff_publicly_employed",
}
"""Parameters with a name of their own that are facts."""
Condition = Callable[[Any], ColumnElement[bool]]


def proposals(actor: Actor, query: Mapping[str, Any], language: str, now: datetime) -> Listing:
    """The proposals that the caller sees, with what `query` asks for. SearchFaults for a place that is none.

    That the group asked for by `organisation_id` is the caller's own is checked before.
    """
    shown = select(facts_seen(actor, day_of(now)).label("facts"), seen_plainly(actor).label("plainly"))
    sight = shown.correlate(Proposal, ProposalProjection).offset(0).lateral("sight")
    words: str | None = query.get("q")
    rows = (
        select(Proposal.id)
        .outerjoin(ProposalProjection, ProposalProjection.proposal_id == Proposal.id)
        .outerjoin(Ask, and_(Ask.proposal_id == Proposal.id, Ask.stage == _stage(), Ask.state == "open"))
        .join(sight, true())
        .where(listed_to(actor))
    )
    if words is not None:
        rows = rows.join(ProposalText, ProposalText.proposal_id == Proposal.id)
    conditions = _conditions(actor, sight.c.facts, sight.c.plainly)
    filters = {name: conditions[name](value) for name, value in query.items() if name in conditions}
    for asked in fact_filters(query):
        filters[_parameter(asked)] = _answers(sight.c.facts, asked)
    keys = _keys(actor, sight.c.facts, sight.c.plainly, words, language)
    return Listing(rows, Proposal.id, keys, _facets(sight.c.facts), filters)


def _conditions(actor: Actor, facts: Any, plainly: Any) -> dict[str, Condition]:
    """The filter that each parameter means."""
    published_on = func.date(func.timezone("Europe/London", Proposal.first_published_at))
    return {
        "q": lambda words: and_(_any_tier(words), _tiers(actor, plainly, lambda text: matches(text, words))),
        "organisation_id": lambda each: Proposal.organisation_id == each,
        "state": Proposal.state.in_,
        "stage": lambda slugs: _stage().in_(slugs),
        **{name: _fact_in(facts, slug) for name, slug in FACT_OF.items() if name != "publicly_employed"},
        "publicly_employed": lambda wished: _text(facts, FACT_OF["publicly_employed"]) == str(wished).lower(),
        "area": lambda code: _within(facts, within(place_coded(code))),
        "place": lambda name: _within(facts, within(place_named(name))),
        "ask.gte": lambda ask: and_(Ask.currency == ask.currency, Ask.amount >= ask.amount),
        "ask.lte": lambda ask: and_(Ask.currency == ask.currency, Ask.amount <= ask.amount),
        "currency": Ask.currency.in_,
        "instrument": lambda slugs: Ask.instruments.op("&&", return_type=Boolean)(cast(slugs, ARRAY(String(60)))),
        "historical_example": Proposal.historical_example.is_,
        "published_on.gte": lambda each: published_on >= each,
        "published_on.lte": lambda each: published_on <= each,
    }


def _keys(actor: Actor, facts: Any, plainly: Any, words: str | None, language: str) -> dict[str, Callable[[], Any]]:
    stages = cast(list(codelists.slugs("stages")), ARRAY(String))
    return {
        RELEVANCE: lambda: _tiers(actor, plainly, lambda text: relevance(text, words or "")),
        "title": lambda: sorted_text(case((plainly, _title(actor, language)))),
        "pseudonym": lambda: sorted_text(Proposal.pseudonym),
        "stage": lambda: func.array_position(stages, cast(_stage(), String), type_=Integer),
        **{name: partial(_worded, facts, FACT_OF[name]) for name in ("sector", "nation", "region")},
        "ask": lambda: Ask.amount,
        "published_at": lambda: Proposal.first_published_at,
        "created_at": lambda: Proposal.created_at,
    }


def _facets(facts: Any) -> dict[str, Callable[[], Facet]]:
    lists = {"sector": "service_sectors", "nation": "nations", "region": "regions", "parent_kind": "parent_kinds"}
    return {
        "stage": lambda: Facet(one_of(_stage()), codelists.slugs("stages")),
        **{name: partial(_of_fact, facts, FACT_OF[name], codelists.slugs(each)) for name, each in lists.items()},
        "instrument": lambda: Facet(cast(Ask.instruments, ARRAY(String)), codelists.slugs("instruments")),
        "currency": lambda: Facet(one_of(Ask.currency), codelists.slugs("currencies")),
        "publicly_employed": partial(_of_fact, facts, FACT_OF["publicly_employed"], FLAGS),
        "historical_example": lambda: Facet(one_of(Proposal.historical_example), FLAGS),
    }


def _of_fact(facts: Any, slug: str, known: tuple[str, ...]) -> Facet:
    return Facet(one_of(_text(facts, slug)), known)


def _worded(facts: Any, slug: str) -> Any:
    return _text(facts, slug).collate("C")


def _title(actor: Actor, language: str) -> ColumnElement[str]:
    """The title that is shown: to the group as it is drafted, to others as it was published."""
    drafted, published = as_written(Proposal.title, language), as_written(ProposalProjection.title, language)
    return case((of_group(actor), drafted), else_=published)


def _tiers(actor: Actor, plainly: Any, told: Callable[[Any], ColumnElement[Any]]) -> ColumnElement[Any]:
    """`told` of the text that the caller may be told by: never a title to who sees a pseudonym."""
    return case(
        (of_group(actor), told(ProposalText.own)),
        (plainly, told(ProposalText.plain)),
        else_=told(ProposalText.coarse),
    )


def _any_tier(words: str) -> ColumnElement[bool]:
    """What the indexes can find before it is asked who looks."""
    return or_(*(matches(text, words) for text in (ProposalText.own, ProposalText.plain, ProposalText.coarse)))


def _stage() -> Any:
    """The stage of the published ask: shown to whoever sees the proposal."""
    return ProposalProjection.stage


def _text(facts: Any, slug: str) -> Any:
    return facts.op("->>", return_type=String())(slug)


def _fact_in(facts: Any, slug: str) -> Condition:
    return lambda values: _text(facts, slug).in_(values)


def _within(facts: Any, place: Within) -> ColumnElement[bool]:
    """Groups that work in that place or in one of its parts, as closely as the caller is told where they work."""
    return or_(
        facts["areas"].contains(cast(literal([place.code], JSONB), JSONB)),
        _text(facts, "region").in_(place.regions) if place.regions else false(),
        _text(facts, "beneficiary_nation").in_(place.nations) if place.nations else false(),
    )


def _parameter(asked: FactFilter) -> str:
    return f"fact.{asked.slug}" if asked.op == "eq" else f"fact.{asked.slug}.{asked.op}"


def _answers(facts: Any, asked: FactFilter) -> ColumnElement[bool]:
    """Whether the fact, where the caller is shown it, is what is asked for."""
    type_, held = asked.definition.type, facts[asked.slug]
    if type_ in LISTED:
        return or_(*(held.contains(literal([value], JSONB)) for value in asked.values))
    if type_ == "money":
        return or_(*(_sum_is(held, asked.op, Money(**value)) for value in asked.values))
    if type_ in {"integer", "percentage", "decimal"}:
        number = _text(facts, asked.slug).cast(Numeric)
        return or_(*(_compared(number, asked.op, literal(str(value), String).cast(Numeric)) for value in asked.values))
    if type_ == "boolean":
        said: ColumnElement[bool] = _text(facts, asked.slug).in_([str(value).lower() for value in asked.values])
        return said
    written = _text(facts, asked.slug).collate("C")
    return or_(*(_compared(written, asked.op, literal(value, String)) for value in asked.values))


def _sum_is(held: Any, op: str, wished: Money) -> ColumnElement[bool]:
    amount = held["amount"].astext.cast(BigInteger)
    return and_(held["currency"].astext == wished.currency, _compared(amount, op, literal(wished.amount, BigInteger)))


def _compared(held: Any, op: str, wished: Any) -> Any:
    return held >= wished if op == "gte" else held <= wished if op == "lte" else held == wished
