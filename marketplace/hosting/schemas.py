"""The shapes of fiscal hostings."""

from marshmallow import fields, validate

from marketplace.web.fields import Count, Day, Draft, Id, Text, View, WordsField
from marketplace.web.paging import PageQuery


class SignatoryDraft(Draft):
    """A person who signs."""

    name = Text(120, required=True)
    position = Text(120, required=True)


class HostingDraft(Draft):
    """What the group asks of a host. `fee` in basis points of each payment."""

    host_organisation_id = Id(required=True)
    fee = Count(least=0, most=10_000, required=True)
    terms = WordsField(4000, required=True)
    signatories = fields.List(fields.Nested(SignatoryDraft), required=True, validate=validate.Length(min=1, max=10))


class HostingAnswer(Draft):
    """The host's answer, with its own signatories where it agrees."""

    answer = fields.String(required=True, validate=validate.OneOf(["agreed", "declined"]))
    signatories = fields.List(fields.Nested(SignatoryDraft), validate=validate.Length(max=10))
    reason = WordsField(2000)


class HostingEnd(Draft):
    """Why a hosting ends."""

    reason = WordsField(2000, required=True)


class HostingQuery(PageQuery):
    """A host's inbox."""

    organisation_id = Id(required=True)


class SignatoryView(View):
    """A person who signed, and for which side."""

    name = fields.String(required=True)
    position = fields.String(required=True)
    side = fields.String(required=True)


class HostingView(View):
    """A fiscal hosting. `fee` in basis points of each payment."""

    id = fields.UUID(required=True)
    proposal_id = fields.UUID(required=True)
    group_organisation_id = fields.UUID(required=True)
    host_organisation_id = fields.UUID(required=True)
    state = fields.String(required=True)
    fee = fields.Integer(required=True)
    terms = WordsField(4000)
    signatories = fields.List(fields.Nested(SignatoryView), required=True)
    agreed_on = Day(allow_none=True)
    ended_at = fields.DateTime(allow_none=True)
    reason = WordsField(2000, allow_none=True)
    created_at = fields.DateTime(required=True)


class HostingsView(View):
    """A proposal's fiscal hostings, newest first."""

    data = fields.List(fields.Nested(HostingView), required=True)
