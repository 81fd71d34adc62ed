"""Reference data over HTTP: codelists, the facts registry, areas and dated parameters. Open to all, same for all."""

from typing import Any

from marshmallow import Schema, fields, validate

from marketplace.reference import areas, codelists, facts, identifiers, parameters
from marketplace.values.clock import today
from marketplace.values.refusals import NotFound
from marketplace.web.fields import View, WordsField
from marketplace.web.guard import open_to_all
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import QueryCount

reference = MarketBlueprint("reference", __name__, description="Codelists, facts, areas, parameters")


class CodelistView(View):
    """A closed list of slugs, each with its label and definition."""

    name = fields.String(required=True)
    version = fields.String(required=True)
    entries = fields.List(fields.Dict(), required=True)


class CodelistsView(View):
    """Every codelist."""

    data = fields.List(fields.Nested(CodelistView), required=True)


class FactView(View):
    """A fact that can be known of a group: its type, its question, who may attest it, and who sees it by default."""

    slug = fields.String(required=True)
    type = fields.String(required=True)
    codelist = fields.String(allow_none=True)
    unit = fields.String(allow_none=True)
    scale = fields.Integer(allow_none=True)
    section = fields.String(allow_none=True)
    question = WordsField(500)
    help = WordsField(2000, allow_none=True)
    visibility = fields.String(required=True)
    attested_by = fields.List(fields.String())
    changeable = fields.Method("change_of", allow_none=True)
    derived = fields.Boolean(required=True)
    derived_from = fields.List(fields.String())
    derived_rule = fields.String(allow_none=True)
    follows = fields.List(fields.String())
    chain = fields.String(
        allow_none=True, metadata={"description": "The fact that lists it and all that holds it; compared by `within`."}
    )
    group_codelist = fields.String(
        allow_none=True, metadata={"description": "A second codelist whose slugs it may name: groups of the first."}
    )
    never_hard = fields.Boolean(
        required=True, metadata={"description": "True where criteria may weigh the fact and may not decide by it."}
    )
    assurable = fields.Boolean(
        required=True, metadata={"description": "False where nobody but the group can say, so that it stays declared."}
    )

    def change_of(self, fact: facts.FactDefinition) -> dict[str, Any] | None:
        change = fact.changeable
        return None if change is None else {"by": change.by, "cost": change.cost, "months": change.months}


class FactsView(View):
    """The facts registry."""

    version = fields.String(required=True)
    sections = fields.List(fields.String(), required=True)
    data = fields.List(fields.Nested(FactView), required=True)


class AreaQuery(Schema):
    """What to look for."""

    q = fields.String(
        required=True,
        validate=validate.Length(min=1, max=80),
        metadata={"description": "The beginning of a name, or a code."},
    )
    limit = QueryCount(load_default=20, validate=validate.Range(min=1, max=100))


class AreaView(View):
    """An area by its GSS code; a dead code names the live one that replaces it."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    live_code = fields.String(required=True)
    parents = fields.List(fields.String(), required=True)


class AreasView(View):
    """Areas, best match first."""

    data = fields.List(fields.Nested(AreaView), required=True)


class ParametersView(View):
    """Legal parameters as they stand on a day."""

    version = fields.String(required=True)
    day = fields.Date(required=True)
    values = fields.Dict(required=True)


class SchemeView(View):
    """A register whose numbers identify organisations (org-id.guide)."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class SchemesView(View):
    """The registers."""

    data = fields.List(fields.Nested(SchemeView), required=True)


@reference.get("/codelists")
@open_to_all
@reference.response(200, CodelistsView)
def list_codelists() -> dict[str, Any]:
    """List every codelist with its entries."""
    return {"data": [_codelist(name) for name in codelists.CODELISTS]}


@reference.get("/codelists/<name>")
@open_to_all
@reference.response(200, CodelistView)
def get_codelist(name: str) -> dict[str, Any]:
    """Read one codelist."""
    if name not in codelists.CODELISTS:
        raise NotFound("There is no codelist of that name.")
    return _codelist(name)


@reference.get("/facts")
@open_to_all
@reference.response(200, FactsView)
def list_facts() -> dict[str, Any]:
    """List every fact that can be known of a group."""
    return {"version": facts.VERSION, "sections": list(facts.SECTIONS), "data": list(facts.REGISTRY.values())}


@reference.get("/areas")
@open_to_all
@reference.arguments(AreaQuery, location="query")
@reference.response(200, AreasView)
def list_areas(query: dict[str, Any]) -> dict[str, Any]:
    """Find areas of the United Kingdom by name or code."""
    return {"data": areas.search(query["q"], query["limit"])}


@reference.get("/areas/<code>")
@open_to_all
@reference.response(200, AreaView)
def get_area(code: str) -> areas.Area:
    """Read one area."""
    if code not in areas.ALL:
        raise NotFound("There is no area with that code.")
    return areas.area(code)


@reference.get("/parameters")
@open_to_all
@reference.response(200, ParametersView)
def list_parameters() -> dict[str, Any]:
    """Read the legal parameters as they stand today."""
    day = today()
    return {"version": parameters.VERSION, "day": day, "values": parameters.figures_on(day)}


@reference.get("/identifier-schemes")
@open_to_all
@reference.response(200, SchemesView)
def list_identifier_schemes() -> dict[str, Any]:
    """List the registers whose numbers identify organisations."""
    return {"data": [{"code": scheme.code, "name": scheme.name} for scheme in identifiers.SCHEMES.values()]}


def _codelist(name: str) -> dict[str, Any]:
    return {"name": name, "version": codelists.VERSION, "entries": [dict(entry) for entry in codelists.CODELISTS[name]]}
