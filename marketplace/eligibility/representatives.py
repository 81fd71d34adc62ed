"""The values of one fact that tell its criteria apart: few enough to try, and no outcome is missed.

Knows the facts registry and how criteria compare. Must not know anyone's facts, the database or HTTP.
Between two neighbouring boundaries no comparison changes its outcome; so the boundaries and what lies right beside
them stand for every other value of an ordered fact, and of a list only what the criteria name matters.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from marketplace.eligibility.rules import Result, evaluate
from marketplace.eligibility.tree import CriteriaTree, Criterion
from marketplace.reference import areas, codelists
from marketplace.reference.facts import LARGEST_INTEGER, REGISTRY, WHOLE, FactDefinition, InvalidFact, derive, normalise
from marketplace.values.money import LARGEST_AMOUNT
from marketplace.values.reasons import Level

MOST_LISTS = 4_096
"""So many different lists of slugs are kept while they are put together; past it the later ones are left out."""

MONTHS_BEFORE, MONTHS_AFTER = "at_least_months_before", "at_least_months_after"
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2200, 12, 31)
DAYS_ABOUT_A_MONTH = 4
"""How far from the counted day a comparison by months may turn: the months differ by at most three days."""

Signature = tuple[Result, ...]


def representative_values(
    definition: FactDefinition, criteria: Iterable[Criterion], parameters: Mapping[str, Any]
) -> list[Any]:
    """One value of the fact for each combination of outcomes that its values can give these criteria.

    `criteria` are all about this one fact; `parameters` as for `evaluate` (values_on a day). The values are JSON in
    the registry's normal writing, never None, at least one. Assurance is taken to be enough.
    Exact but for lists of slugs past MOST_LISTS different ones.
    """
    asked = tuple(criteria)
    found: dict[Signature, Any] = {}
    for value in telling_values(definition, asked, parameters):
        found.setdefault(outcomes_of(definition, value, asked, parameters), value)
    return list(found.values())


def telling_values(
    definition: FactDefinition, criteria: Sequence[Criterion], parameters: Mapping[str, Any]
) -> list[Any]:
    """Every value at and beside a boundary that the criteria draw, valid and each once; several may tell the same."""
    kept: dict[str, Any] = {}
    for value in _drawn(definition, criteria, parameters):
        try:
            normal = normalise(definition, value)
        except InvalidFact:
            continue
        kept.setdefault(repr(normal), normal)
    return list(kept.values())


def outcomes_of(
    definition: FactDefinition, value: Any, criteria: Sequence[Criterion], parameters: Mapping[str, Any]
) -> Signature:
    """What each of the criteria comes to where the fact has this value: eligible is met, ineligible unmet."""
    facts = derive({definition.slug: value}, None, None) | {definition.slug: value}
    assurance = {definition.slug: "verified"}
    return tuple(
        evaluate(_alone(criterion), facts, parameters=parameters, assurance=assurance).result for criterion in criteria
    )


def values_named(criterion: Criterion, parameters: Mapping[str, Any]) -> list[Any]:
    """The values that a criterion compares with, its parameters' of the day; none for one that only has to be known."""
    if criterion.op == "known":
        return []
    values = criterion.value if isinstance(criterion.value, list) else [criterion.value]
    named = [
        parameters.get(value["parameter"]) if isinstance(value, dict) and "parameter" in value else value
        for value in values
    ]
    return [value for value in named if value is not None]


def _alone(criterion: Criterion) -> CriteriaTree:
    return CriteriaTree((replace(criterion, level=Level.HARD),))


def _drawn(definition: FactDefinition, criteria: Sequence[Criterion], parameters: Mapping[str, Any]) -> Iterable[Any]:
    named = [value for criterion in criteria for value in values_named(criterion, parameters)]
    match definition.type:
        case "boolean":
            return (True, False)
        case "choice":
            return _slugs(definition, named, criteria)
        case "area":
            return _areas(named)
        case "choices" | "areas" if definition.derived_from:
            return _chains(definition, frozenset(named))
        case "choices" | "areas":
            return _lists(definition, [criterion for criterion in criteria if criterion.op != "known"])
        case "money":
            return _amounts(named)
        case "integer":
            return _about(named, LARGEST_INTEGER)
        case "percentage":
            return _about(named, WHOLE)
        case "decimal":
            return _decimals(definition, named)
        case "date":
            return _days(criteria, parameters)
    raise LookupError(definition.type)


def _slugs(definition: FactDefinition, named: Iterable[str], criteria: Sequence[Criterion]) -> Iterable[str]:
    """The slugs named and one other; all of them where a criterion looks at what stands above a slug."""
    known = codelists.slugs(definition.codelist or "")
    if any(criterion.op == "within" for criterion in criteria):
        return known
    asked = set(named)
    others = (slug for slug in known if slug not in asked)
    return (*(slug for slug in known if slug in asked), *_first(others))


def _areas(named: Iterable[str]) -> Iterator[str]:
    """One live area for each way to be, or to lie within, the areas named."""
    asked = frozenset(areas.live(code) for code in named if code in areas.ALL)
    seen = set()
    for code, area in areas.ALL.items():
        place = (code if code in asked else None, asked & {code, *area.parents})
        if area.is_live and place not in seen:
            seen.add(place)
            yield code


def _chains(definition: FactDefinition, named: frozenset[str]) -> Iterator[Any]:
    """The lists that can follow from the fact that this one is derived from: a place or a service and all above it.

    One for each part of what the criteria name that a list can hold.
    """
    [source] = definition.derived_from
    is_area = REGISTRY[source].type == "area"
    seen = set()
    for value in areas.ALL if is_area else codelists.slugs(REGISTRY[source].codelist or ""):
        held = named & {areas.live(value), *areas.ancestors(value)} if is_area else value
        if held not in seen:
            seen.add(held)
            yield derive({source: value}, None, None)[definition.slug]


def _lists(definition: FactDefinition, criteria: Sequence[Criterion]) -> Iterator[list[str]]:
    """One list for each way to hold what the criteria name, and beside it one slug that none of them names.

    Slugs that the same criteria name are of one kind: none, one or all of a kind is all that a criterion can tell.
    """
    known: Iterable[str] = areas.ALL if definition.type == "areas" else codelists.slugs(definition.codelist or "")
    kinds: dict[tuple[int, ...], list[str]] = {}
    for slug in known:
        namers = tuple(place for place, criterion in enumerate(criteria) if slug in criterion.value)
        kinds.setdefault(namers, []).append(slug)
    unnamed = kinds.pop((), [])[:1]
    held: dict[tuple[bool | int, ...], list[str]] = {(): []}
    for slugs in kinds.values():
        longer = [[*one, *more] for one in held.values() for more in ([], slugs[:1], slugs)]
        held = {}
        for one in longer:
            if len(held) < MOST_LISTS:
                held.setdefault(_holding(one, criteria), one)
    for one in held.values():
        yield one or unnamed


def _holding(held: Sequence[str], criteria: Sequence[Criterion]) -> tuple[bool | int, ...]:
    """How far a list being put together has come with each criterion: its later growth depends on nothing else."""
    return tuple(
        sum(slug in criterion.value for slug in held)
        if criterion.op == "contains_all"
        else any(slug in criterion.value for slug in held)
        for criterion in criteria
    )


def _amounts(named: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Amounts about the boundaries in each currency named, and nothing in one other."""
    boundaries: dict[str, list[int]] = {}
    for value in named:
        boundaries.setdefault(value["currency"], []).append(value["amount"])
    currencies = ("GBP", "EUR", *codelists.slugs("currencies"))
    boundaries |= {currency: [] for currency in _first(each for each in currencies if each not in boundaries)}
    for currency, amounts in boundaries.items():
        for amount in _about(amounts, LARGEST_AMOUNT):
            yield {"amount": amount, "currency": currency}


def _about(boundaries: Iterable[int], largest: int) -> list[int]:
    """The boundaries, one step either side of each, and 0, rising."""
    steps = {0} | {boundary + step for boundary in boundaries for step in (-1, 0, 1)}
    return sorted(step for step in steps if 0 <= step <= largest)


def _decimals(definition: FactDefinition, named: Iterable[str]) -> list[str]:
    step = Decimal(1).scaleb(-(definition.scale or 0))
    steps = {Decimal(0)} | {Decimal(value) + turn * step for value in named for turn in (-1, 0, 1)}
    return [f"{value:f}" for value in sorted(steps) if value >= 0]


def _days(criteria: Sequence[Criterion], parameters: Mapping[str, Any]) -> list[str]:
    as_of = parameters.get("as_of")
    days = {FIRST_DAY} if as_of is None else {date.fromisoformat(as_of)}
    for criterion in criteria:
        if criterion.op in (MONTHS_BEFORE, MONTHS_AFTER):
            if as_of is not None:
                months = -criterion.value if criterion.op == MONTHS_BEFORE else criterion.value
                days |= _around(months_from(date.fromisoformat(as_of), months), DAYS_ABOUT_A_MONTH)
        else:
            for value in values_named(criterion, parameters):
                days |= _around(date.fromisoformat(value), 1)
    return [day.isoformat() for day in sorted(days)]


def _around(day: date, reach: int) -> set[date]:
    held = range(-reach, reach + 1)
    return {near for turn in held if FIRST_DAY <= (near := day + timedelta(days=turn)) <= LAST_DAY}


def months_from(day: date, months: int) -> date:
    """The same day of the month `months` later (earlier where negative), the month's last day where it is shorter."""
    place = day.year * 12 + day.month - 1 + months
    year, month = divmod(place, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))


def _first(values: Iterator[str]) -> list[str]:
    return [value for value in (next(values, None),) if value is not None]
