"""What may be asked of a search: how many filters, in which order, which place, which facts. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.reference import areas
from marketplace.reference.areas import Area
from marketplace.reference.codelists import CODELISTS
from marketplace.reference.facts import REGISTRY, FactDefinition, InvalidFact, check_value
from marketplace.values.refusals import Unprocessable

MOST_FILTERS = 12
MOST_SORT_KEYS = 4
MOST_CANDIDATES = 10
RELEVANCE = "relevance"
BY_RANGE = frozenset({"money", "integer", "percentage", "decimal", "date"})
"""Types of fact that can be asked for from (`gte`) and up to (`lte`) a value."""
LISTED = frozenset({"choices", "areas"})
"""Types of fact that are lists: found where they hold any of the values."""
FACT = "fact."


class SearchFaults(Unprocessable):
    """Something that is looked for cannot be looked for like that; `errors` names each parameter."""

    code = "search-faults"
    title = "That cannot be looked for"


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order. Rows without a value stand last, whichever way it runs."""

    name: str
    descending: bool


@dataclass(frozen=True, slots=True)
class FactFilter:
    """A fact that is asked for: `op` is eq (any of the values), gte or lte (one value, inclusive)."""

    slug: str
    op: str
    values: tuple[Any, ...]

    @property
    def definition(self) -> FactDefinition:
        return REGISTRY[self.slug]


def fault(parameter: str, detail: str) -> SearchFaults:
    """One parameter that is wrong."""
    return SearchFaults("`errors` names each parameter.", errors=[{"parameter": parameter, "detail": detail}])


def refuse_many(filters: Iterable[str]) -> None:
    """Refuse more filters than anyone needs."""
    if len(set(filters)) > MOST_FILTERS:
        raise fault("query", f"At most {MOST_FILTERS} filters at once.")


def order_of(written: Sequence[str] | None, *, by_words: bool) -> tuple[SortKey, ...]:
    """The keys of an order such as ["-closes_on", "title"]; `by_words` says that there is something to be relevant to.

    Without one: the most relevant first where words are looked for, else none: the id ends every order, newest first.
    """
    names = list(written or ([RELEVANCE] if by_words else []))
    keys = tuple(SortKey(name.removeprefix("-"), name.startswith("-")) for name in names)
    if len({key.name for key in keys}) < len(keys):
        raise fault("sort", "Names a key twice.")
    if RELEVANCE in names and not by_words:
        raise fault("sort", "Nothing is relevant without words to look for: give q.")
    return keys


# Places


def place_named(name: str) -> Area:
    """The one area of that name. SearchFaults with the candidates where several begin like that, or none does."""
    found = areas.search(name, limit=100)
    wanted = name.strip().casefold()
    exact = [each for each in found if wanted in (each.name.casefold(), (each.name_cy or "").casefold())]
    fitting = exact or found
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise fault("place", "No area of the United Kingdom is called that; /v1/areas finds them.")
    shown = "; ".join(f"{each.name} ({each.kind.replace('_', ' ')}, {each.code})" for each in fitting[:MOST_CANDIDATES])
    more = f"; and {len(fitting) - MOST_CANDIDATES} more" if len(fitting) > MOST_CANDIDATES else ""
    raise fault("place", f"Several areas may be meant; name one by its code in `area`: {shown}{more}.")


def place_coded(code: str) -> Area:
    """The live area of that GSS code. SearchFaults if there is none."""
    if code not in areas.ALL:
        raise fault("area", "No area of the United Kingdom has that code; /v1/areas finds them.")
    return areas.area(areas.live(code))


@dataclass(frozen=True, slots=True)
class Within:
    """What tells that a group works in an area: its code among the group's areas, or no more than region or nation."""

    code: str
    regions: tuple[str, ...]
    nations: tuple[str, ...]


def within(area: Area) -> Within:
    """How a proposal in that area is found: by the area, and where the area is a region, nation or union, by those."""
    nations = tuple(each["slug"] for each in CODELISTS["nations"] if _holds(area.code, each["gss"]))
    regions = tuple(each["slug"] for each in CODELISTS["regions"] if _holds(area.code, each["gss"]))
    return Within(area.code, regions, nations)


def facts_of_place(area: Area) -> dict[str, Any]:
    """What would be known of a group that serves that area: the facts of its place, and no others."""
    facts = {
        "area_code": area.code,
        "areas": [area.code, *areas.ancestors(area.code)],
        "beneficiary_nation": areas.nation_of(area.code),
        "region": areas.region_of(area.code),
    }
    return {slug: value for slug, value in facts.items() if value is not None}


def _holds(outer: str, inner: str) -> bool:
    return outer == inner or outer in areas.ancestors(inner)


# Facts


def operators_of(definition: FactDefinition) -> tuple[str, ...]:
    """How a fact can be asked for."""
    return ("eq", "gte", "lte") if definition.type in BY_RANGE else ("eq",)


def answers_in(definition: FactDefinition, texts: Sequence[Any]) -> tuple[Any, ...]:
    """The texts of a query as values of that fact, in their normal writing. InvalidFact for one that it cannot have."""
    return tuple(_answer(definition, text) for text in texts)


def _answer(definition: FactDefinition, text: Any) -> Any:
    value: Any = text
    if definition.type in {"integer", "percentage"}:
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise InvalidFact(definition.slug, "must be a whole number")
        value = int(text)
    elif definition.type == "boolean":
        value = {"true": True, "false": False}.get(text, text)
    elif definition.type in LISTED:
        return check_value(definition.slug, [text])[0]
    return check_value(definition.slug, value)


def fact_filters(query: Mapping[str, Any]) -> list[FactFilter]:
    """The facts that a checked query asks for, by parameters such as `fact.staff_count.gte`."""
    asked = []
    for name, values in query.items():
        if name.startswith(FACT):
            slug, _, op = name.removeprefix(FACT).partition(".")
            asked.append(FactFilter(slug, op or "eq", tuple(values)))
    return asked
