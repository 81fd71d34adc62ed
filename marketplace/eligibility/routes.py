"""The criteria language over HTTP. Open to all, same for all."""

from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from marketplace.eligibility.language import language_on
from marketplace.values.clock import today
from marketplace.web.conditional import tagged
from marketplace.web.fields import View
from marketplace.web.guard import open_to_all
from marketplace.web.openapi import MarketBlueprint

criteria_language = MarketBlueprint("criteria-language", __name__, description="What criteria may say")


class ComparisonView(View):
    """One way to compare a fact."""

    op = fields.String(required=True)
    meaning = fields.String(required=True)
    takes = fields.String(required=True, metadata={"description": "one, list, range, true, months or links."})
    value = fields.String(required=True, metadata={"description": "The shape of the value, in words."})
    types = fields.List(fields.String(), required=True, metadata={"description": "Types of facts that it suits."})
    facts = fields.List(
        fields.String(), required=True, metadata={"description": "Facts that it suits where it suits no whole type."}
    )
    takes_parameters = fields.Boolean(
        required=True, metadata={"description": "Whether a named parameter may stand in place of an amount."}
    )


class TypeView(View):
    """A type of facts, and the comparisons that suit every fact of it."""

    name = fields.String(required=True)
    ops = fields.List(fields.String(), required=True)


class GroupView(View):
    """One way to join nodes."""

    name = fields.String(required=True)
    meaning = fields.String(required=True)


class CapsView(View):
    """The most of everything; a tree that has more is refused."""

    depth = fields.Integer(required=True)
    nodes = fields.Integer(required=True)
    branches = fields.Integer(required=True)
    values = fields.Integer(required=True)
    months = fields.Integer(required=True)
    weight = fields.Integer(required=True)
    reason_length = fields.Integer(required=True)
    faults_told = fields.Integer(required=True)


class NamedParameterView(View):
    """A figure set by law that criteria may name, with its value today."""

    name = fields.String(required=True)
    type = fields.String(required=True)
    label = fields.String(required=True)
    definition = fields.String(required=True)
    law = fields.String(required=True)
    source = fields.String(required=True)
    value = fields.Raw(required=True, allow_none=True)


class CriteriaLanguageView(View):
    """What an author of criteria may write, and what it means."""

    schema_version = fields.Integer(required=True)
    day = fields.Date(required=True)
    comparisons = fields.List(fields.Nested(ComparisonView), required=True)
    types = fields.List(fields.Nested(TypeView), required=True)
    groups = fields.List(fields.Nested(GroupView), required=True)
    levels = fields.List(fields.String(), required=True)
    assurance_levels = fields.List(fields.String(), required=True, metadata={"description": "The least sure first."})
    caps = fields.Nested(CapsView, required=True)
    code_pattern = fields.String(required=True)
    reserved_codes = fields.List(fields.String(), required=True)
    parameters = fields.List(fields.Nested(NamedParameterView), required=True)


@dataclass(slots=True)
class _Edition:
    """What the ETag is made of, beside the body."""

    id: str
    version: int


@criteria_language.get("/criteria-language")
@open_to_all
@criteria_language.response(200, CriteriaLanguageView)
def get_criteria_language() -> dict[str, Any]:
    """Read what criteria may say: comparisons, groups, caps and named parameters."""
    told = language_on(today())
    tagged(_Edition("criteria-language", told["schema_version"]))
    return told
