"""The shapes of searches: what may be asked of each list, and how its counts are told."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from marketplace.programmes.schemas import ProgrammeView
from marketplace.proposals.schemas import ProposalView
from marketplace.reference.facts import REGISTRY, FactDefinition, InvalidFact
from marketplace.search import programmes, proposals
from marketplace.search.rules import FACT, MOST_FILTERS, MOST_SORT_KEYS, RELEVANCE, answers_in, operators_of
from marketplace.web.fields import Currency, Day, Id, Text, View, different
from marketplace.web.paging import PageQuery, page_of
from marketplace.web.query_fields import (
    MONEY_PATTERN,
    MONEY_WORDS,
    MOST_VALUES,
    QueryFlag,
    QueryMoney,
    money_of,
    slugs_of,
    values_of,
)

AREA_CODE = "^[A-Z][0-9]{8}$"
LONGEST_ANSWER = 100
OPERATOR_WORDS = {"eq": "Is", "gte": "Is at least", "lte": "Is at most"}
PATTERNS = {
    "boolean": "^(true|false)$",
    "integer": "^[0-9]{1,16}$",
    "percentage": "^[0-9]{1,5}$",
    "decimal": r"^[0-9]{1,15}(\.[0-9]{1,15})?$",
    "date": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "money": MONEY_PATTERN,
    "area": AREA_CODE,
    "areas": AREA_CODE,
    "choice": "^[A-Za-z0-9_]{1,60}$",
    "choices": "^[A-Za-z0-9_]{1,60}$",
}


class SearchQuery(PageQuery):
    """What a search has besides its filters. Loads into a mapping by parameter."""

    q = Text(
        200,
        metadata={
            "description": 'Words to look for, in English or Welsh: all of them; "a phrase"; this or that; not -this.'
        },
    )

    @post_load
    def by_parameter(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """marshmallow takes a point in a name for a member of a member; see `_dotted`."""
        return {name.replace("__", "."): value for name, value in data.items()}


class FactAnswers(fields.Field[tuple[Any, ...]]):
    """Answers of a fact as text, several parted by commas; for `gte` and `lte` one."""

    def __init__(self, definition: FactDefinition, op: str) -> None:
        self.definition, self.op = definition, op
        super().__init__(metadata=_described(definition, op))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[Any, ...]:
        texts = value.split(",") if self.op == "eq" else [value]
        if len(texts) > MOST_VALUES:
            raise ValidationError(f"At most {MOST_VALUES} values.")
        different(texts)
        try:
            return answers_in(self.definition, [self._read(text) for text in texts])
        except InvalidFact as refusal:
            raise ValidationError(refusal.detail) from None

    def _read(self, text: str) -> Any:
        if self.definition.type != "money":
            return text
        money = money_of(text)
        return {"amount": money.amount, "currency": money.currency}


def _described(definition: FactDefinition, op: str) -> dict[str, Any]:
    """In the OpenAPI document."""
    pattern = PATTERNS[definition.type]
    words = [f"{OPERATOR_WORDS[op]}: {definition.question['en']}"]
    if definition.codelist:
        words.append(f"A slug of `{definition.codelist}`.")
    if definition.type == "money":
        words.append(MONEY_WORDS)
    elif definition.unit:
        words.append(f"In {definition.unit}." if definition.type != "area" else "A GSS code.")
    if op == "eq":
        words.append("Several are parted by commas: any of them.")
        pattern = f"{pattern[:-1]}(,{pattern[1:-1]}){{0,{MOST_VALUES - 1}}}$"
    return {"type": "string", "pattern": pattern, "description": " ".join(words)}


def _dotted(members: Mapping[str, fields.Field[Any]]) -> dict[str, Any]:
    """Fields under names that marshmallow can take, each with its parameter."""
    for name, field in members.items():
        field.data_key = name
    return {name.replace(".", "__"): field for name, field in members.items()}


def _sort(keys: tuple[str, ...]) -> Any:
    ways = [way for key in keys for way in ((key,) if key == RELEVANCE else (key, f"-{key}"))]
    words = (
        f"Up to {MOST_SORT_KEYS} keys, `-` before one turns it round; rows without a value stand last; equals by id,"
        " the newest first. Without it: the most relevant first where `q` is given, else the newest."
    )
    one = fields.String(validate=validate.OneOf(ways))
    return values_of(one, most=MOST_SORT_KEYS, metadata={"description": words})


def _facets(names: tuple[str, ...]) -> Any:
    words = "Count the whole result by these, each without its own filter; may be left out on later pages."
    return values_of(fields.String(validate=validate.OneOf(names)), metadata={"description": words})


def _flag(words: str) -> QueryFlag:
    return QueryFlag(metadata={"description": words})


def _day(words: str) -> Day:
    return Day(metadata={"description": words})


def _currencies() -> Any:
    return values_of(Currency(), metadata={"description": "In one of these currencies, parted by commas."})


def _places(words: str) -> dict[str, fields.Field[Any]]:
    named = f"{words} The area by name; where several are meant, 422 names them."
    coded = f"{words} The area by its GSS code."
    return {
        "place": Text(100, metadata={"description": named}),
        "area": fields.String(validate=validate.Regexp(AREA_CODE), metadata={"description": coded}),
    }


PROGRAMME_FILTERS: dict[str, fields.Field[Any]] = {
    "organisation_id": Id(metadata={"description": "Programmes of this organisation; its members see its drafts."}),
    "status": slugs_of("programme_statuses", "By the clock."),
    "instrument": slugs_of("instruments", "Programmes that offer one of these, or any."),
    "stage": slugs_of("stages", "Programmes for one of these stages, or for any."),
    "open_on": _day("Programmes whose window holds that day."),
    "currency": _currencies(),
    "ask": QueryMoney("Programmes in whose range this ask lies."),
    "ticket_max.gte": QueryMoney("The largest single pledge is at least this."),
    "organisation_kind": slugs_of("organisation_kinds", "The kind of organisation that offers it."),
    "funder_kind": slugs_of("funder_kinds", "The kind of funder that offers it."),
    "wholesale": _flag("Whether it funds intermediaries only."),
    "funded_by_programme_id": Id(metadata={"description": "Programmes that this wholesale programme funds."}),
    "public_money": _flag("Whether it is public money."),
    "recycles": _flag("Whether what is returned may be pledged again."),
    "has_budget": _flag("Whether it can pledge."),
    "historical_example": _flag("Whether it is an example from the past."),
    "opens_on.gte": _day("Opens on or after."),
    "opens_on.lte": _day("Opens on or before."),
    "closes_on.gte": _day("Closes on or after."),
    "closes_on.lte": _day("Closes on or before."),
    "published_on.gte": _day("Published, as it stands, on or after."),
    "published_on.lte": _day("Published, as it stands, on or before."),
    **_places("Programmes that turn no group away for serving there."),
}

PROPOSAL_FILTERS: dict[str, fields.Field[Any]] = {
    "organisation_id": Id(metadata={"description": "Proposals of this group of yours, drafts included."}),
    "stage": slugs_of("stages", "The stage asked for."),
    "sector": slugs_of("service_sectors", "The service."),
    "nation": slugs_of("nations", "Where it works."),
    "region": slugs_of("regions", "Where it works."),
    "parent_kind": slugs_of("parent_kinds", "The kind of public body that employs the staff."),
    "state": values_of(
        fields.String(validate=validate.OneOf(["active", "withdrawn"])),
        metadata={"description": "Withdrawn ones are seen by the group and the parties to a promise."},
    ),
    "ask.gte": QueryMoney("Asks for at least this."),
    "ask.lte": QueryMoney("Asks for at most this."),
    "currency": _currencies(),
    "instrument": slugs_of("instruments", "Takes one of these."),
    "publicly_employed": _flag("Whether the staff are still employed by the parent."),
    "historical_example": _flag("Whether it is an example from the past."),
    "published_on.gte": _day("First published on or after."),
    "published_on.lte": _day("First published on or before."),
    **_places("Proposals there or in a part of it, as closely as you are told where they work."),
    **{
        f"{FACT}{slug}{'' if op == 'eq' else f'.{op}'}": FactAnswers(definition, op)
        for slug, definition in REGISTRY.items()
        for op in operators_of(definition)
    },
}
"""A fact that is not shared with the caller is found by none of them."""


def _query(name: str, words: str, filters: Mapping[str, Any], keys: Any, facets: Any) -> type[Schema]:
    members = _dotted({**filters, "sort": _sort(keys), "facets": _facets(facets)})
    return type(name, (SearchQuery,), {"__doc__": f"{words} At most {MOST_FILTERS} filters at once.", **members})


ProgrammeQuery = _query(
    "ProgrammeQuery", "Which programmes to list.", PROGRAMME_FILTERS, programmes.SORT_KEYS, programmes.FACETS
)
ProposalQuery = _query(
    "ProposalQuery", "Which proposals to list.", PROPOSAL_FILTERS, proposals.SORT_KEYS, proposals.FACETS
)


class FacetCountView(View):
    """How many have a value: exactly (`count`), or where a small number would be told, a bound."""

    value = fields.String(required=True)
    count = fields.Integer()
    fewer_than = fields.Integer()
    at_least = fields.Integer()
    at_most = fields.Integer()


def _counts() -> Any:
    """Counts by value, by facet."""
    return fields.Dict(keys=fields.String(), values=fields.List(fields.Nested(FacetCountView)))


ProgrammePage = page_of(ProgrammeView, _counts())
ProposalPage = page_of(ProposalView, _counts())
