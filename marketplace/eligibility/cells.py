"""The index's arithmetic: a criteria tree as rows of cells and masks, and a group's facts as one point among them.

Knows the facts registry, the areas and the criteria tree; must not know the database or HTTP. The rows of a tree say
exactly what the tree says in Kleene's logic: a tree is as good as the best of its alternatives, and an alternative is
unmet where it refuses the point, unknown where it asks for what the point does not know, and met otherwise. What does
not fit into masks and ranges stays in an alternative as a `residual` node, for the evaluator's twin.

A cell is an area, a sector and an instrument, 0 for any. A point lies in the cells of its own area, of all that holds
it and of any, and of each instrument that its group would take: one row may be found for several, to be counted once.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import product
from typing import Any
from zlib import crc32

from marketplace.eligibility.normal_form import Conjunction, Literal, alternatives
from marketplace.eligibility.rules import compare
from marketplace.eligibility.tree import CriteriaTree, node_as_json
from marketplace.reference import areas, codelists
from marketplace.reference.facts import REGISTRY, FactDefinition, derive
from marketplace.values.reasons import Level, Outcome

WORDS = 4
WORD_BITS = 62
"""Masks of values are so many words of so many bits; a fact whose values find no room stays in the residual."""

MEASURES = (
    *("ask", "turnover", "annual_contract_value", "investment_sought", "mfa_received", "mfa_total_with_ask"),
    *("staff_count", "years_trading", "match_cash", "loan_share", "payback_years"),
    *("registered_on", "trading_since", "contract_ends_on"),
)
"""The facts with an order that have columns of their own: amounts in the home currency, numbers, days."""

HOME_CURRENCY = "GBP"
"""Criteria in another currency stay in the residual; an amount in one is unknown to every range, though it is known."""

MOST_CELLS = 256
"""An alternative in more cells than this is kept by its areas and sectors, or by its areas alone."""

MOST_ROWS = 1024
"""A tree of more rows than this is kept by its areas and sectors, its areas alone, or in the cell of all."""

ANY = 0
WANTS_NOTHING = 1 << WORD_BITS
EVERYTHING = (1 << (WORD_BITS + 1)) - 1
PLACE, PLACES, SECTOR, SECTORS, INSTRUMENTS = "area_code", "areas", "sector", "sectors", "instruments_sought"
NATION, REGION = "beneficiary_nation", "region"
OTHER = "\x00other"
NAMED = {"ask_currency": ("GBP", "EUR", "USD")}
"""Of a long codelist, the values that have a bit each; all the others share one."""


class UnplaceableError(ValueError):
    """These facts are not as the registry writes them: they have no point, and have to be evaluated one by one."""


# The layout: which bit, node and position stands for what


def _numbered_values() -> dict[str, dict[str, tuple[int, int]]]:
    """For each fact with a few values, the word and the bit of each."""
    taken = [0] * WORDS
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for slug in (*_FIRST, *(slug for slug in REGISTRY if slug not in _FIRST)):
        values = _values_of(REGISTRY[slug])
        word = next((word for word in range(WORDS) if taken[word] + len(values) <= WORD_BITS), None)
        if values and word is not None:
            found[slug] = {value: (word, taken[word] + at) for at, value in enumerate(values)}
            taken[word] += len(values)
    return found


_FIRST = ("stage", "ask_currency", SECTOR, NATION, REGION, "legal_form", "staff_publicly_employed")


def _values_of(definition: FactDefinition) -> tuple[str, ...]:
    if definition.type == "boolean":
        return ("false", "true")
    if definition.type != "choice":
        return ()
    named = NAMED.get(definition.slug)
    return codelists.slugs(definition.codelist or "") if named is None else (*named, OTHER)


VALUES = _numbered_values()
FACT_BITS: Mapping[str, int] = {slug: at for at, slug in enumerate(tuple(REGISTRY)[:WORD_BITS])}
"""The bit by which an alternative asks for a fact, and a point says that it does not know it."""

_CODES = tuple(sorted(areas.ALL))
_SECTORS = tuple(VALUES[SECTOR])
INSTRUMENT_BITS = {slug: 1 << at for at, slug in enumerate(codelists.slugs("instruments"))}
WITHIN_NODES = {code: at for at, code in enumerate(_CODES, 1)}
CODE_NODES = {code: at for at, code in enumerate(_CODES, 1 + len(_CODES))}
REGION_NODES = {slug: at for at, slug in enumerate(VALUES[REGION], 1 + 2 * len(_CODES))}
NATION_NODES = {slug: at for at, slug in enumerate(VALUES[NATION], 1 + 2 * len(_CODES) + len(REGION_NODES))}
SECTOR_NODES = {slug: at for at, slug in enumerate(_SECTORS, 1)}
INSTRUMENT_NODES = {slug: at for at, slug in enumerate(INSTRUMENT_BITS, 1)}
PLACE_BLOCK = (1, 2 * len(_CODES))


def _block(nodes: Mapping[str, int]) -> tuple[int, int]:
    return min(nodes.values()), max(nodes.values())


LAYOUT: int = (
    crc32(
        json.dumps(
            [2, VALUES, FACT_BITS, MEASURES, _CODES, INSTRUMENT_BITS, REGION_NODES, NATION_NODES], sort_keys=True
        ).encode()
    )
    & 0x7FFFFFFF
)
"""A digest of all of the above: rows of another layout mean nothing here, and what has no others is evaluated."""


# What is kept of a tree


@dataclass(frozen=True, slots=True)
class Alternative:
    """One conjunction: refused values by word, facts asked for, instruments wanted, ranges by fact, and the rest.

    A range is the least and the most, both inclusive, None for none. `places` are the literals about the area, each
    as the nodes of which one has to hold; `residual` is a node of a tree as JSON, None where nothing was left over.
    """

    refuses: tuple[int, ...] = (0,) * WORDS
    asks: int = 0
    wants: int = WANTS_NOTHING
    ranges: tuple[tuple[str, int | None, int | None], ...] = ()
    places: tuple[tuple[int, ...], ...] = ()
    residual: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An alternative in one cell; `number` tells a tree's alternatives apart."""

    area: int
    sector: int
    instrument: int
    number: int
    alternative: Alternative


@dataclass(frozen=True, slots=True)
class Point:
    """A group's known facts, in the same words.

    `areas` and `sectors` are the nodes of the cells that it certainly lies in; `unsure_areas` the blocks of nodes,
    first and last, that it may lie in for all that is known, at most two. `sectors` and `instruments` are all
    where they are unknown.
    `position` is that of `reference.areas`.
    """

    words: tuple[int, ...]
    unknown: int
    sought: int
    measures: Mapping[str, int | None]
    areas: tuple[int, ...]
    unsure_areas: tuple[tuple[int, int], ...]
    sectors: tuple[int, ...]
    instruments: tuple[int, ...]
    position: int | None


def has_soft(tree: CriteriaTree) -> bool:
    """Whether the fit is ever less than 100."""
    return any(leaf.level is Level.SOFT for leaf in tree.leaves())


def rows_of(tree: CriteriaTree) -> tuple[Row, ...]:
    """The tree's rows, at most MOST_ROWS. TooManyAlternatives for one that has to be evaluated always."""
    conjunctions = alternatives(tree)
    rows: tuple[Row, ...] = ()
    for kept in (3, 2, 1, 0):
        rows = tuple(_rows(conjunctions, kept))
        if len(rows) <= MOST_ROWS:
            break
    return rows


def alternatives_of(tree: CriteriaTree, *, without: frozenset[str] = frozenset()) -> tuple[Alternative, ...]:
    """The tree without cells: all that is said of the area stays in `places`; facts in `without` in the residual.

    TooManyAlternatives as `rows_of`.
    """
    return tuple(_packed(conjunction, without) for conjunction in alternatives(tree))


def soft_of(tree: CriteriaTree, *, without: frozenset[str] = frozenset()) -> tuple[tuple[int, Alternative], ...]:
    """The weight of each soft criterion, and the criterion as an alternative of its own: what the fit is added up of.

    Soft criteria stand at the root and inside `all`, so that none is negated. `without` as for `alternatives_of`.
    """
    soft = [leaf for leaf in tree.leaves() if leaf.level is Level.SOFT]
    return tuple(
        (leaf.weight, _packed(Conjunction((Literal(replace(leaf, level=Level.HARD)),)), without)) for leaf in soft
    )


def _rows(conjunctions: Iterable[Conjunction], kept: int) -> Iterable[Row]:
    """By the area, the sector and the instrument, of which so many are `kept`, the first ones."""
    for number, conjunction in enumerate(conjunctions):
        alternative = _packed(conjunction, frozenset())
        within = _areas_of(alternative) if kept > 0 else (ANY,)
        sectors = sectors_of(alternative) if kept > 1 else (ANY,)
        instruments = _instruments_of(alternative) if kept > 2 else (ANY,)
        if len(within) * len(sectors) * len(instruments) > MOST_CELLS:
            instruments = (ANY,)
        if len(within) * len(sectors) > MOST_CELLS:
            sectors = (ANY,)
        whole = _with_places_left_over(conjunction, alternative, within)
        yield from (Row(*cell, number, whole) for cell in product(within, sectors, instruments))


def _areas_of(alternative: Alternative) -> tuple[int, ...]:
    """The fewest nodes that the alternative's area has to be one of."""
    if alternative.places:
        return min(alternative.places, key=len)
    for fact, nodes in ((REGION, REGION_NODES), (NATION, NATION_NODES)):
        left = _values_left(alternative, fact)
        if 2 * len(left) <= len(nodes):
            return tuple(nodes[value] for value in left) or (max(nodes.values()),)
    return (ANY,)


def sectors_of(alternative: Alternative) -> tuple[int, ...]:
    """The sectors that the alternative is for; any where there are more than half of them, or none."""
    left = _values_left(alternative, SECTOR)
    return tuple(SECTOR_NODES[value] for value in left) if 0 < 2 * len(left) <= len(_SECTORS) else (ANY,)


def _instruments_of(alternative: Alternative) -> tuple[int, ...]:
    """The instruments of which the alternative wants one; any where there are more than half of them, or none."""
    wanted = [node for slug, node in INSTRUMENT_NODES.items() if alternative.wants & INSTRUMENT_BITS[slug]]
    return tuple(wanted) if 0 < 2 * len(wanted) <= len(INSTRUMENT_NODES) else (ANY,)


def _values_left(alternative: Alternative, fact: str) -> list[str]:
    """The fact's values that are not refused."""
    return [value for value, (word, bit) in VALUES[fact].items() if not alternative.refuses[word] >> bit & 1]


def _with_places_left_over(conjunction: Conjunction, alternative: Alternative, within: tuple[int, ...]) -> Alternative:
    """Only one literal about the area decides the cell: others go into the residual."""
    if not alternative.places:
        return alternative
    others = [literal for literal in conjunction.literals if _place_nodes(literal) not in (None, within)]
    left = [*(alternative.residual or {"all": []})["all"], *map(_as_node, others)]
    return replace(alternative, places=(), residual={"all": left} if left else None)


def _packed(conjunction: Conjunction, without: frozenset[str]) -> Alternative:
    refuses, asks, wants = [0] * WORDS, 0, WANTS_NOTHING
    lowest: dict[str, int] = {}
    highest: dict[str, int] = {}
    places: list[tuple[int, ...]] = []
    left: list[Any] = []
    for literal in conjunction.literals:
        piece = None if literal.criterion.fact in without else _piece_of(literal)
        if piece is None or (piece.wants and wants != WANTS_NOTHING):
            left.append(_as_node(literal))
            continue
        if not piece.exact:
            left.append(_as_node(literal))
        for word, refused in enumerate(piece.refuses):
            refuses[word] |= refused
        asks |= piece.asks
        wants = piece.wants or wants
        if piece.place and piece.place not in places:
            places.append(piece.place)
        fact = literal.criterion.fact
        if piece.low is not None:
            lowest[fact] = max(piece.low, lowest.get(fact, piece.low))
        if piece.high is not None:
            highest[fact] = min(piece.high, highest.get(fact, piece.high))
    measured = [fact for fact in MEASURES if fact in lowest or fact in highest]
    return Alternative(
        refuses=tuple(refuses),
        asks=asks,
        wants=wants,
        ranges=tuple((fact, lowest.get(fact), highest.get(fact)) for fact in measured),
        places=tuple(places),
        residual={"all": left} if left else None,
    )


def _as_node(literal: Literal) -> dict[str, Any]:
    node = node_as_json(literal.criterion)
    return {"not": node} if literal.negated else node


# One literal


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one literal comes to; not `exact`: it refuses rightly, and its met or unknown is for the residual."""

    refuses: tuple[int, ...] = (0,) * WORDS
    asks: int = 0
    wants: int = 0
    low: int | None = None
    high: int | None = None
    place: tuple[int, ...] = ()
    exact: bool = True


def _piece_of(literal: Literal) -> _Piece | None:
    """None for a literal that only the evaluator's twin can tell."""
    criterion = literal.criterion
    if criterion.fact not in FACT_BITS:
        return None
    piece = _bare_piece(criterion.fact, criterion.op, json.dumps(criterion.value, sort_keys=True), literal.negated)
    if piece is None or criterion.assurance is None:
        return piece
    return None if literal.negated else replace(piece, exact=False)


def _place_nodes(literal: Literal) -> tuple[int, ...] | None:
    piece = _piece_of(literal)
    return piece.place if piece is not None and piece.place else None


@lru_cache(maxsize=4096)
def _bare_piece(fact: str, op: str, written: str, negated: bool) -> _Piece | None:
    value = json.loads(written)
    if fact in (PLACE, PLACES):
        return None if negated else _place_piece(fact, op, value)
    if fact == INSTRUMENTS:
        return None if negated or op != "contains_any" else _wanted_piece(value)
    if fact in (SECTOR, SECTORS):
        return _sector_piece(fact, op, value, negated=negated)
    if fact in VALUES:
        return _values_piece(fact, op, value, negated=negated)
    if fact in MEASURES and fact in REGISTRY:
        return _range_piece(fact, op, value, negated=negated)
    return None


def _asks(*facts: str) -> int:
    return sum(1 << FACT_BITS[fact] for fact in facts)


def _place_piece(fact: str, op: str, value: Any) -> _Piece | None:
    match fact, op:
        case "areas", "contains_any":
            nodes, wanted, asks = WITHIN_NODES, value, _asks(PLACES)
        case "area_code", "within":
            nodes, wanted, asks = WITHIN_NODES, value, _asks(PLACE, PLACES)
        case "area_code", "in":
            nodes, wanted, asks = CODE_NODES, value, _asks(PLACE)
        case "area_code", "eq":
            nodes, wanted, asks = CODE_NODES, [value], _asks(PLACE)
        case _:
            return None
    if not all(code in nodes for code in wanted):
        return None
    return _Piece(place=tuple(sorted({nodes[code] for code in wanted})), asks=asks)


def _wanted_piece(value: Any) -> _Piece | None:
    if not all(slug in INSTRUMENT_BITS for slug in value):
        return None
    return _Piece(wants=sum(INSTRUMENT_BITS[slug] for slug in set(value)), asks=_asks(INSTRUMENTS))


def _sector_piece(fact: str, op: str, value: Any, *, negated: bool) -> _Piece | None:
    """By each sector that there is, with the groups that hold it."""
    outcomes = {}
    for slug in _SECTORS:
        known = derive({SECTOR: slug}, None, None)
        looked_at = SECTORS if op == "within" else fact
        if looked_at not in known:
            return None
        outcomes[slug] = _outcome("contains_any" if op == "within" else op, known[looked_at], value)
    asks = _asks(SECTOR, SECTORS) if op == "within" else _asks(fact)
    return _refusing(SECTOR, outcomes, asks, negated=negated)


def _values_piece(fact: str, op: str, value: Any, *, negated: bool) -> _Piece | None:
    outcomes: dict[str, Outcome | None] = {}
    for bit in VALUES[fact]:
        if bit == OTHER:
            others = set(codelists.slugs(REGISTRY[fact].codelist or "")) - set(VALUES[fact])
            told = {_outcome(op, other, value) for other in others}
            outcomes[bit] = told.pop() if len(told) == 1 else None
        else:
            outcomes[bit] = _outcome(op, bit == "true" if REGISTRY[fact].type == "boolean" else bit, value)
    return _refusing(fact, outcomes, _asks(fact), negated=negated)


def _outcome(op: str, found: Any, wanted: Any) -> Outcome | None:
    """What the evaluator says; None for an operator that looks at more than the two."""
    try:
        return compare(op, found, wanted)
    except KeyError:
        return None


def _refusing(fact: str, outcomes: Mapping[str, Outcome | None], asks: int, *, negated: bool) -> _Piece | None:
    refused = Outcome.MET if negated else Outcome.UNMET
    refuses = [0] * WORDS
    for value, outcome in outcomes.items():
        if outcome is refused:
            word, bit = VALUES[fact][value]
            refuses[word] |= 1 << bit
    if all(outcome is Outcome.MET or outcome is Outcome.UNMET for outcome in outcomes.values()):
        return _Piece(refuses=tuple(refuses), asks=asks)
    return _Piece(refuses=tuple(refuses), exact=False)


_TURNED = {"lt": "gte", "lte": "gt", "gt": "lte", "gte": "lt", "ne": "eq"}


def _range_piece(fact: str, op: str, value: Any, *, negated: bool) -> _Piece | None:
    if negated and op not in _TURNED:
        return None
    op = _TURNED[op] if negated else op
    if op == "known":
        return None if REGISTRY[fact].type == "money" else _Piece(asks=_asks(fact))
    bounds = [_measure(REGISTRY[fact], each) for each in (value if op == "between" else [value])]
    if None in bounds:
        return None
    first = bounds[0] or 0
    low, high = {
        "eq": (first, first),
        "lt": (None, first - 1),
        "lte": (None, first),
        "gt": (first + 1, None),
        "gte": (first, None),
        "between": (first, bounds[-1]),
    }.get(op, (None, None))
    return None if low is None and high is None else _Piece(low=low, high=high, asks=_asks(fact))


def _measure(definition: FactDefinition, value: Any) -> int | None:
    """A value as a whole number: minor units, as it is, hundredths and so on, or the day's number; None if it has none.

    An amount in another currency than the home one has none, nor has a named parameter.
    """
    match definition.type, value:
        case "money", {"amount": int(amount), "currency": currency}:
            return amount if currency == HOME_CURRENCY else None
        case (("integer" | "percentage"), int(number)) if not isinstance(number, bool):
            return number
        case "decimal", str(decimal):
            return _scaled(decimal, definition.scale or 0)
        case "date", str(day):
            try:
                return date.fromisoformat(day).toordinal()
            except ValueError:
                return None
    return None


def _scaled(decimal: str, scale: int) -> int | None:
    try:
        scaled = Decimal(decimal).scaleb(scale)
        return int(scaled) if scaled == int(scaled) else None
    except (InvalidOperation, OverflowError, ValueError):
        return None


# A group's facts


def point_of(facts: Mapping[str, Any]) -> Point:
    """The facts as a point. UnplaceableError for facts that are not as `derive` leaves them.

    A fact that is absent or null is unknown; one that is not in the registry is passed over.
    """
    known = {slug: facts[slug] for slug in REGISTRY if facts.get(slug) is not None}
    _refuse_broken_chains(known)
    words = [0] * WORDS
    for fact, bits in VALUES.items():
        if fact in known:
            word, bit = bits[_value_of(fact, known[fact])]
            words[word] |= 1 << bit
    measures = {fact: _measured(fact, known[fact]) for fact in MEASURES if fact in known}
    elsewhere = {fact for fact, measure in measures.items() if measure is None}
    unsure = []
    if PLACE not in known:
        unsure.append(PLACE_BLOCK)
    if REGION not in known:
        unsure.append(_block(REGION_NODES))
    if NATION not in known:
        unsure.append(_block(NATION_NODES))
    return Point(
        words=tuple(words),
        unknown=_asks(*(fact for fact in FACT_BITS if fact not in known or fact in elsewhere)),
        sought=_sought(known.get(INSTRUMENTS)),
        measures={fact: measures.get(fact) for fact in MEASURES},
        areas=(ANY, *_area_nodes(known)),
        unsure_areas=tuple(_joined(unsure)),
        sectors=(ANY, SECTOR_NODES[known[SECTOR]]) if SECTOR in known else (ANY, *SECTOR_NODES.values()),
        instruments=_instrument_nodes(known.get(INSTRUMENTS)),
        position=_position(known),
    )


def _refuse_broken_chains(known: Mapping[str, Any]) -> None:
    """The area and the sector come with all that holds them, or not at all."""
    for fact, chain in ((PLACE, PLACES), (SECTOR, SECTORS)):
        if chain in REGISTRY and (fact in known) != (chain in known):
            raise UnplaceableError(f"{fact} and {chain} are not known together")
    if SECTORS in known and known[SECTORS] != _groups_of(known[SECTOR]):
        raise UnplaceableError("the groups of sectors are not those that hold the sector")
    if PLACES in known and not isinstance(known[PLACES], list):
        raise UnplaceableError("the areas are not a list")


@lru_cache(maxsize=256)
def _groups_of(sector: str) -> Any:
    return derive({SECTOR: sector}, None, None).get(SECTORS)


def _value_of(fact: str, value: Any) -> str:
    if REGISTRY[fact].type == "boolean":
        if isinstance(value, bool):
            return "true" if value else "false"
    elif isinstance(value, str):
        if value in VALUES[fact]:
            return value
        if fact in NAMED and value in codelists.slugs(REGISTRY[fact].codelist or ""):
            return OTHER
    raise UnplaceableError(f"{fact} has none of its values")


def _measured(fact: str, value: Any) -> int | None:
    definition = REGISTRY[fact]
    measure = _measure(definition, value)
    if measure is None and not _is_foreign(definition, value):
        raise UnplaceableError(f"{fact} is not of its type")
    return measure


def _is_foreign(definition: FactDefinition, value: Any) -> bool:
    if definition.type != "money" or not isinstance(value, dict):
        return False
    return isinstance(value.get("currency"), str) and value["currency"] != HOME_CURRENCY


def _sought(value: Any) -> int:
    if value is None:
        return EVERYTHING
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise UnplaceableError("the instruments are not a list of slugs")
    return WANTS_NOTHING + sum(INSTRUMENT_BITS.get(slug, 0) for slug in set(value))


def _instrument_nodes(sought: list[str] | None) -> tuple[int, ...]:
    return (ANY, *(node for slug, node in INSTRUMENT_NODES.items() if sought is None or slug in sought))


def _area_nodes(known: Mapping[str, Any]) -> list[int]:
    nodes = [WITHIN_NODES[code] for code in known.get(PLACES, ()) if code in WITHIN_NODES]
    nodes += [CODE_NODES[code] for code in [known.get(PLACE)] if code in CODE_NODES]
    nodes += [REGION_NODES[slug] for slug in [known.get(REGION)] if slug is not None]
    nodes += [NATION_NODES[slug] for slug in [known.get(NATION)] if slug is not None]
    return nodes


def _joined(blocks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbouring blocks as one."""
    joined: list[tuple[int, int]] = []
    for first, last in blocks:
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def _position(known: Mapping[str, Any]) -> int | None:
    """The area's place in the walk through all areas. UnplaceableError if what holds it is not what holds it today."""
    code = known.get(PLACE)
    if code is None:
        return None
    if code not in areas.ALL or not areas.ALL[code].is_live or known[PLACES] != [code, *areas.ancestors(code)]:
        raise UnplaceableError("the areas are not those that hold the area")
    return areas.position(code)


def stretches(nodes: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """The positions, first and last, of the areas that lie in one of the nodes (or are one, for an area's own code)."""
    found: set[int] = set()
    for node in nodes:
        code = _CODES[(node - 1) % len(_CODES)]
        found |= areas.positions_within(code) if node <= len(_CODES) else {areas.position(code)}
    joined: list[tuple[int, int]] = _joined([(at, at) for at in sorted(found)])
    return tuple(joined)
