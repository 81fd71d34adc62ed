"""The shapes of payment reversals and of demands."""

from marshmallow import fields, validate

from marketplace.pledges.recovery_models import DEMAND_STATES, REVERSAL_STATES
from marketplace.pledges.schemas import MONEY
from marketplace.web.fields import Day, Draft, Id, Text, View, WordsField, money


class DemandLineDraft(Draft):
    """How much of which paid tranche."""

    tranche_id = Id(required=True)
    amount = money(required=True)


class DemandDraft(Draft):
    """Why money has to come back, by when, and how much of which paid tranche."""

    reason = WordsField(2000, required=True)
    due_on = Day(required=True)
    tranches = fields.List(fields.Nested(DemandLineDraft), required=True, validate=validate.Length(min=1, max=100))


class RecoveryDraft(Draft):
    """Money that came back against a demand; `reference` is used once per tranche."""

    tranche_id = Id(required=True)
    amount = money(required=True)
    reference = Text(100, required=True)


class PaymentReversalView(View):
    """That a payment was recorded by mistake, with the payment as it stood."""

    id = fields.UUID(required=True)
    tranche_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(REVERSAL_STATES))
    amount = fields.Integer(required=True, metadata=MONEY)
    paid_by = fields.UUID(required=True)
    paid_on = fields.Date(required=True)
    payment_reference = fields.String(required=True, allow_none=True)
    reason = WordsField(2000, required=True)
    requested_by = fields.UUID(required=True)
    requested_at = fields.DateTime(attribute="created_at", required=True)
    decided_by = fields.UUID(required=True, allow_none=True)
    decided_at = fields.DateTime(required=True, allow_none=True)
    decision_reason = WordsField(2000, required=True, allow_none=True)
    ledger_transaction_id = fields.UUID(required=True, allow_none=True)


class DemandLineView(View):
    """What is demanded of a tranche, and what of it has come back (minor units)."""

    tranche_id = fields.UUID(required=True)
    amount = fields.Integer(required=True, metadata=MONEY)
    recovered = fields.Integer(required=True, metadata=MONEY)


class DemandView(View):
    """Money demanded back. `outstanding` has not come yet (minor units)."""

    id = fields.UUID(required=True)
    pledge_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(DEMAND_STATES))
    due_on = fields.Date(required=True)
    reason = WordsField(2000, required=True)
    tranches = fields.List(fields.Nested(DemandLineView), attribute="lines", required=True)
    outstanding = fields.Integer(required=True, metadata=MONEY)
    demanded_by = fields.UUID(required=True)
    demanded_at = fields.DateTime(attribute="created_at", required=True)
    ended_by = fields.UUID(required=True, allow_none=True)
    ended_at = fields.DateTime(required=True, allow_none=True)
    ending_reason = WordsField(2000, required=True, allow_none=True)
