"""The shapes of schedules."""

from marshmallow import fields, validate

from marketplace.pledges.rules import MOST_TRANCHES
from marketplace.pledges.schedule_models import SCHEDULE_STATES
from marketplace.pledges.schemas import MONEY, TrancheDraft
from marketplace.web.fields import Draft, Id, View, WordsField


class ScheduledPartDraft(Draft):
    """The tranches that are to replace all of a part that is neither approved nor paid; they sum to it."""

    part_id = Id(required=True)
    tranches = fields.List(
        fields.Nested(TrancheDraft), required=True, validate=validate.Length(min=1, max=MOST_TRANCHES)
    )


class ScheduleDraft(Draft):
    """How the unpaid rest of some parts is to be paid, and why."""

    parts = fields.List(fields.Nested(ScheduledPartDraft), required=True, validate=validate.Length(min=1, max=10))
    reason = WordsField(2000, required=True)


class ScheduledTrancheView(View):
    """A tranche as it was scheduled."""

    basis = fields.String(required=True)
    amount = fields.Integer(required=True, metadata=MONEY)
    milestone = fields.String(required=True, allow_none=True)
    due_on = fields.String(required=True, allow_none=True, metadata={"format": "date"})


class ScheduledPartView(View):
    """A part's unpaid rest as it was scheduled."""

    part_id = fields.UUID(required=True)
    tranches = fields.List(fields.Nested(ScheduledTrancheView), required=True)


class ScheduleView(View):
    """A schedule. `number` is the version that it became once accepted; version 1 is the offer's own."""

    id = fields.UUID(required=True)
    pledge_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(SCHEDULE_STATES))
    number = fields.Integer(required=True, allow_none=True)
    parts = fields.List(fields.Nested(ScheduledPartView), required=True)
    in_force = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "The pledge's tranches that counted once it was accepted, paid and unpaid."},
    )
    reason = WordsField(2000, required=True, allow_none=True)
    proposed_by = fields.UUID(required=True)
    proposed_for = fields.UUID(required=True)
    proposed_at = fields.DateTime(required=True)
    answered_by = fields.UUID(required=True, allow_none=True)
    answered_for = fields.UUID(required=True, allow_none=True)
    answered_at = fields.DateTime(required=True, allow_none=True)
    answer = WordsField(2000, required=True, allow_none=True)
