"""The shapes of proposals on the wire. Shape only: what contradicts itself is for the rules."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from marketplace.values.money import LARGEST_AMOUNT
from marketplace.web.fields import (
    Count,
    Currency,
    Day,
    Draft,
    Flag,
    Id,
    MoneyView,
    Slug,
    Text,
    View,
    WordsField,
    different,
    slugs,
)
from marketplace.web.paging import PageQuery

MOST_LINES, MOST_ORGANISATIONS, MOST_FACTS = 50, 100, 100


class ProposalDraft(Draft):
    """A proposal to be."""

    organisation_id = Id(required=True)
    title = WordsField(200)


# Sections


class FactMap(fields.Dict):
    """Answers by fact; null, or leaving a fact out, says that it is not known."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        facts: dict[str, Any] = super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        if len(facts) > MOST_FACTS:
            raise ValidationError(f"Has more than {MOST_FACTS} facts.")
        return facts


class FactSectionDraft(Draft):
    """Every answer of a section: what is left out is no longer known."""

    facts = FactMap(required=True, metadata={"description": "By slug, in the shapes of `/v1/facts`."})


class SummarySectionDraft(Draft):
    """What the proposal is called, and what it is about."""

    title = WordsField(200, required=True, allow_none=True)
    summary = WordsField(4000, load_default=None, allow_none=True)


class AskLineDraft(Draft):
    """One line: what for, and how much (minor units of the ask's currency)."""

    purpose = Slug("ask_purposes", required=True)
    description = WordsField(500, load_default=None, allow_none=True)
    amount = Count(least=1, most=LARGEST_AMOUNT, required=True)


class AskSectionDraft(Draft):
    """What is asked for, at which stage, in which form."""

    stage = Slug("stages", required=True, allow_none=True)
    currency = Currency(load_default="GBP")
    instruments = slugs("instruments", load_default=list)
    lines = fields.List(fields.Nested(AskLineDraft), required=True, validate=validate.Length(max=MOST_LINES))


class EmployerSectionDraft(Draft):
    """Who employs the group now, and who commissions the service. Naming them notifies nobody and keeps them out."""

    parent_organisation_id = Id(load_default=None, allow_none=True)
    parent_identifier = Text(101, load_default=None, allow_none=True, metadata={"description": "GB-COH-01234567"})
    parent_name = Text(200, load_default=None, allow_none=True)
    commissioner_organisation_ids = fields.List(
        Id(), load_default=list, validate=[validate.Length(max=MOST_ORGANISATIONS), different]
    )
    exclude_parent = Flag(load_default=True, metadata={"description": "False lets parent and commissioners see it."})


class SectionView(View):
    """One section of a draft; `content` is what its PUT takes, authored text as language maps."""

    name = fields.String(required=True)
    version = fields.Integer(required=True)
    updated_at = fields.DateTime(required=True)
    updated_by = fields.UUID(allow_none=True)
    content = fields.Dict(required=True)


class SectionsView(View):
    """Every section, in order."""

    data = fields.List(fields.Nested(SectionView), required=True)


class SectionStateView(View):
    """How far a section has come."""

    name = fields.String(required=True)
    version = fields.Integer(required=True)
    updated_at = fields.DateTime(required=True)


# Sharing


class FactGrantBody(Draft):
    """Facts that one organisation may see besides the open ones."""

    organisation_id = Id(required=True)
    facts = fields.List(Text(60), required=True, validate=[validate.Length(min=1, max=MOST_FACTS), different])


class SharingDraft(Draft):
    """Who sees the proposal, and which facts: the whole of it."""

    visibility = Slug("visibility_levels", required=True)
    named = fields.List(Id(), load_default=list, validate=[validate.Length(max=MOST_ORGANISATIONS), different])
    excluded = fields.List(Id(), load_default=list, validate=[validate.Length(max=MOST_ORGANISATIONS), different])
    facts = fields.Dict(
        keys=Text(60),
        values=Slug("fact_visibilities"),
        load_default=dict,
        validate=validate.Length(max=MOST_FACTS),
        metadata={"description": "The group's own choice, over the default of `/v1/facts`."},
    )
    fact_grants = fields.List(
        fields.Nested(FactGrantBody), load_default=list, validate=validate.Length(max=MOST_ORGANISATIONS)
    )


class FactGrantView(View):
    """Facts that one organisation may see besides the open ones."""

    organisation_id = fields.UUID(required=True)
    facts = fields.List(fields.String(), required=True)


class SharingView(View):
    """Who sees the proposal, and which facts."""

    visibility = fields.String(required=True)
    named = fields.List(fields.UUID(), required=True)
    excluded = fields.List(fields.UUID(), required=True)
    facts = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    fact_grants = fields.List(fields.Nested(FactGrantView), required=True)


# The employer's consent


class EmployerConsentDraft(Draft):
    """An invitation: its title and message are all that the employer learns."""

    organisation_id = Id(required=True)
    title = WordsField(200, required=True)
    message = WordsField(4000)


class ConsentAnswerDraft(Draft):
    """The employer's answer. It promises no contract."""

    confirms_parent = Flag(
        required=True,
        validate=validate.Equal(True),
        metadata={"description": "Confirms that the organisation employs the group."},
    )
    answer = Slug("employer_consent_answers", required=True)
    scope = Text(2000, required=True, metadata={"description": "What the answer covers, and what not."})
    authority = Text(500, required=True, metadata={"description": "Who decided, and by which power."})
    decided_on = Day(required=True)
    expires_on = Day(allow_none=True, load_default=None)


class ConsentWithdrawalDraft(Draft):
    """Why the answer no longer stands."""

    reason = Text(2000, required=True)


class EmployerConsentView(View):
    """A consent between two parties. Only the group is told which proposal it is about."""

    id = fields.UUID(required=True)
    proposal_id = fields.UUID()
    parent_organisation_id = fields.UUID(required=True)
    state = fields.String(required=True)
    title = WordsField(200, required=True)
    message = WordsField(4000)
    answer = fields.String()
    scope = fields.String()
    authority = fields.String()
    decided_on = fields.Date()
    expires_on = fields.Date()
    answered_at = fields.DateTime()
    withdrawn_at = fields.DateTime()
    withdrawal_reason = fields.String()
    created_at = fields.DateTime(required=True)


class EmployerConsentsView(View):
    """The group's invitations, the newest first."""

    data = fields.List(fields.Nested(EmployerConsentView), required=True)


class EmployerConsentQuery(PageQuery):
    """Whose inbox."""

    organisation_id = Id(required=True)


# Proposals


class AskLineView(View):
    """One line of an ask; pledges and outside awards name it by its id."""

    id = fields.UUID()
    purpose = fields.String(required=True)
    description = WordsField(500, allow_none=True)
    amount = fields.Integer(required=True)


class AskView(View):
    """What is asked for at a stage; `open_gap` is what no accepted pledge fills yet."""

    id = fields.UUID(required=True)
    stage = fields.String(required=True)
    state = fields.String(required=True)
    currency = fields.String(required=True)
    amount = fields.Nested(MoneyView, required=True)
    accepted = fields.Nested(MoneyView)
    open_gap = fields.Nested(MoneyView, required=True)
    instruments = fields.List(fields.String(), required=True)
    lines = fields.List(fields.Nested(AskLineView), required=True)


class PlaceView(View):
    """Where the group works, coarsely."""

    nation = fields.String()
    region = fields.String()


class ProposalView(View):
    """A proposal as the caller sees it: under its pseudonym, by name, or as the group itself. Members are left out
    where there is nothing to say or the caller may not know it; `shared_facts` names what would be seen if answered.
    """

    id = fields.UUID(required=True)
    perspective = fields.String(required=True, validate=validate.OneOf(["group", "outsider"]))
    pseudonym = fields.String(required=True)
    state = fields.String(required=True)
    historical_example = fields.Boolean(required=True)
    organisation_id = fields.UUID()
    organisation_name = WordsField(300)
    title = WordsField(200)
    summary = WordsField(4000)
    stage = fields.String()
    place = fields.Nested(PlaceView, required=True)
    parent_kind = fields.String()
    ask = fields.Nested(AskView)
    facts = fields.Dict(required=True)
    shared_facts = fields.List(fields.String(), required=True)
    assurance = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    first_published_at = fields.DateTime()
    withdrawn_at = fields.DateTime()
    visibility = fields.String()
    version_number = fields.Integer()
    asks = fields.List(fields.Nested(AskView))
    sections = fields.List(fields.Nested(SectionStateView))
    sharing = fields.Nested(SharingView)
    employer_consents = fields.List(fields.Nested(EmployerConsentView))


class ProposalVersionView(View):
    """What the group published: it never changes."""

    id = fields.UUID(required=True)
    proposal_id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    title = WordsField(200, required=True)
    summary = WordsField(4000, allow_none=True)
    facts = fields.Dict(required=True)
    ask = fields.Dict(required=True)
    published_by = fields.UUID(required=True)
    created_at = fields.DateTime(required=True)


class ProposalVersionsView(View):
    """Every version, the newest first."""

    data = fields.List(fields.Nested(ProposalVersionView), required=True)
