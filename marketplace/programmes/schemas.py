"""The shapes of programmes on the wire. Shape only: what contradicts itself is for the rules."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from marketplace.identity.schemas import IdentifierDraft, IdentifierView
from marketplace.programmes.cohort_schemas import CohortLimitView, FirstMoverTermsView
from marketplace.programmes.rules import WHOLE, storable_tree
from marketplace.web.fields import (
    Count,
    Currency,
    Day,
    Draft,
    Flag,
    Id,
    MoneyView,
    Slug,
    View,
    WordsField,
    money,
    slugs,
    web_address,
)

MOST_TRANCHES = 20


class TreeField(fields.Dict):
    """A criteria tree as its author wrote it; whether it can be published is found out when it is."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        tree: dict[str, Any] = super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        if not storable_tree(tree):
            raise ValidationError("Holds a number that cannot be kept as it is.")
        return tree


class TrancheTemplate(Draft):
    """One tranche of an offer: on what basis it is paid, and its share of the whole in basis points."""

    basis = Slug("tranche_bases", required=True)
    milestone = Slug("milestones", allow_none=True, load_default=None)
    share_bp = Count(least=1, most=WHOLE, required=True)


class ListingDraft(Draft):
    """Where a programme was found whose funder has not joined."""

    funder_name = WordsField(200, required=True)
    funder_identifier = fields.Nested(IdentifierDraft, allow_none=True)
    source_url = web_address(500, required=True)
    checked_on = Day(required=True, metadata={"description": "The day on which the source was last read."})


class ListingChange(ListingDraft):
    """What is newly known of a listing."""

    funder_name = WordsField(200)
    source_url = web_address(500)
    checked_on = Day()


class ProgrammeMembers(Draft):
    """What a programme's draft and its changes have in common."""

    summary = WordsField(4000, allow_none=True)
    instruments = slugs("instruments")
    stages = slugs("stages")
    ask_min = money(least=0, allow_none=True, metadata={"description": "The smallest ask that is welcome."})
    ask_max = money(allow_none=True, metadata={"description": "The largest ask that is welcome."})
    criteria = TreeField(metadata={"description": 'A tree: {"schema_version": 1, "criteria": [...]}.'})
    opens_on = Day(allow_none=True)
    closes_on = Day(allow_none=True, metadata={"description": "The last day, open until midnight in London."})
    ticket_max = money(allow_none=True, metadata={"description": "The largest single pledge."})
    public_money = Flag()
    recycles = Flag(metadata={"description": "True when what is returned may be pledged again."})
    tranche_template = fields.List(fields.Nested(TrancheTemplate), validate=validate.Length(max=MOST_TRANCHES))
    funded_by_programme_id = Id(allow_none=True, metadata={"description": "The wholesale programme that funds it."})


class ProgrammeDraft(ProgrammeMembers):
    """A programme to be."""

    organisation_id = Id(required=True)
    title = WordsField(200, required=True)
    currency = Currency(load_default="GBP")
    listing = fields.Nested(
        ListingDraft, metadata={"description": "For a programme listed from a public source, for a funder to claim."}
    )


class ProgrammeChange(ProgrammeMembers):
    """Members to change (merge patch); null clears one."""

    title = WordsField(200)
    currency = Currency()
    listing = fields.Nested(ListingChange, metadata={"description": "Only while the listing is unclaimed."})


class BudgetDraft(Draft):
    """The whole budget, in the programme's currency."""

    amount = money(least=0, required=True)


class TrancheTemplateView(View):
    """One tranche of an offer."""

    basis = fields.String(required=True)
    milestone = fields.String(allow_none=True)
    share_bp = fields.Integer(required=True)


class ColumnsView(View):
    """A programme's columns and its author's tree."""

    currency = fields.String(required=True)
    instruments = fields.List(fields.String(), required=True)
    stages = fields.List(fields.String(), required=True)
    ask_min = fields.Nested(MoneyView, allow_none=True)
    ask_max = fields.Nested(MoneyView, allow_none=True)
    criteria = fields.Dict(required=True)


class IntermediaryView(View):
    """An organisation whose programme is funded by this one."""

    organisation_id = fields.UUID(required=True)
    name = WordsField(300, required=True)
    programme_id = fields.UUID(required=True)


class ListingView(View):
    """Where the programme was found. While it is not claimed, its organisation is who keeps the listing."""

    funder_name = WordsField(200, required=True)
    funder_identifier = fields.Nested(IdentifierView, allow_none=True)
    source_url = fields.String(required=True)
    checked_on = fields.Date(required=True)
    stale = fields.Boolean(required=True, metadata={"description": "True when the source was read over 180 days ago."})
    claimed = fields.Boolean(required=True, metadata={"description": "False: the funder has not joined; no pledges."})
    claimed_at = fields.DateTime(allow_none=True)
    listed_by_organisation_id = fields.UUID(required=True)


class ProgrammeView(ColumnsView):
    """A programme as it is published; its members also see, under `draft`, what the next publication would say."""

    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    organisation_name = WordsField(300, required=True)
    title = WordsField(200, required=True)
    summary = WordsField(4000, allow_none=True)
    status = fields.String(required=True, metadata={"description": "By the clock: see `programme_statuses`."})
    opens_on = fields.Date(allow_none=True)
    closes_on = fields.Date(allow_none=True)
    ended_at = fields.DateTime(allow_none=True)
    ticket_max = fields.Nested(MoneyView, allow_none=True)
    has_budget = fields.Boolean(required=True)
    public_money = fields.Boolean(required=True)
    recycles = fields.Boolean(required=True)
    tranche_template = fields.List(fields.Nested(TrancheTemplateView), required=True)
    funded_by_programme_id = fields.UUID(allow_none=True)
    wholesale = fields.Boolean(required=True)
    intermediaries = fields.List(fields.Nested(IntermediaryView))
    current_criteria_version_id = fields.UUID(allow_none=True)
    historical_example = fields.Boolean(required=True)
    provenance = fields.String(allow_none=True)
    sources = fields.List(fields.Raw())
    cohort_limit = fields.Nested(CohortLimitView, required=True, allow_none=True)
    first_mover_terms = fields.Nested(FirstMoverTermsView, required=True, allow_none=True)
    listing = fields.Nested(ListingView)
    draft = fields.Nested(ColumnsView)
    created_at = fields.DateTime(required=True)


class CriteriaVersionView(View):
    """What a programme asked, as it was published: it never changes."""

    id = fields.UUID(required=True)
    programme_id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    tree = fields.Dict(required=True, metadata={"description": "What is evaluated: the columns, then the author's."})
    columns = fields.Dict(required=True)
    author_tree = fields.Dict(required=True)
    created_at = fields.DateTime(required=True)


__all__ = [
    "BudgetDraft",
    "CriteriaVersionView",
    "ListingView",
    "ProgrammeChange",
    "ProgrammeDraft",
    "ProgrammeView",
]
