"""The shapes of schedules, repayments, reschedules, write-offs, revenue reports and of the open calculators."""

from typing import Any

from marshmallow import fields, validate

from marketplace.instruments.loans import LONGEST_TERM
from marketplace.repayments.models import GROUNDS
from marketplace.values.money import LARGEST_AMOUNT
from marketplace.web.fields import (
    Count,
    Day,
    Draft,
    Flag,
    Id,
    Text,
    View,
    WordsField,
    described,
    money,
)

MOST_FLOWS = 400
MINOR = {"description": "Minor units."}
INSTALMENT_STATES = ("scheduled", "due", "overdue", "paid")


def _minor(words: str = "Minor units.") -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": words})


def _part() -> Any:
    return described(Id, "Needed where several parts could be meant.")


class RepaymentDraft(Draft):
    """Money that came back: how much, when, and a reference that is used once for this pledge."""

    amount = money(required=True)
    received_on = Day(required=True)
    reference = Text(100, required=True)
    part_id = _part()


class RepaymentView(View):
    """A repayment, and what it was for: fee, interest and premium are income, principal is not."""

    id = fields.UUID(required=True)
    pledge_id = fields.UUID(required=True)
    part_id = fields.UUID(required=True)
    amount = _minor()
    fee = _minor()
    interest = _minor()
    principal = _minor()
    premium = _minor()
    recycled = fields.Boolean(
        required=True, metadata={"description": "The principal went back to the programme's budget."}
    )
    received_on = fields.Date(required=True)
    reference = fields.String(required=True)
    recorded_by = fields.UUID(required=True)
    created_at = fields.DateTime(required=True)


class InstalmentView(View):
    """One payment of a schedule as it stands; interest falls where capital was repaid early."""

    number = fields.Integer(required=True)
    due_on = fields.Date(required=True)
    opening = _minor("The balance before it, as scheduled.")
    interest = _minor()
    capital = _minor("With the fee that was added to the balance.")
    payment = _minor()
    balance = _minor("The balance after it, as scheduled.")
    paid = _minor()
    state = fields.String(required=True, validate=validate.OneOf(INSTALMENT_STATES))


class LoanTermsView(View):
    """The terms of one version of a schedule."""

    rate_bp = fields.Integer(required=True)
    months = fields.Integer(required=True)
    holiday_months = fields.Integer(required=True)
    fee_bp = fields.Integer(required=True)
    in_advance = fields.Boolean(required=True)


class TrancheScheduleView(View):
    """A tranche's schedule in force: version `number`; the next one needs a reschedule that both sides agree on."""

    tranche_id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    starts_on = fields.Date(required=True)
    principal = _minor("What it begins with.")
    fee = _minor("What it adds to that, of the fee.")
    brought_interest = _minor("Interest due before a reschedule, added to the first instalment.")
    terms = fields.Nested(LoanTermsView, required=True)
    capital = _minor("The balance today, with the fee.")
    interest_due = _minor()
    instalments = fields.List(fields.Nested(InstalmentView), required=True)


class DueView(View):
    """What falls due of a recoverable grant after its event, or of quasi-equity after a confirmed year."""

    due_on = fields.Date(required=True)
    principal = _minor()
    premium = _minor("Above the principal: income.")
    paid = _minor()
    state = fields.String(required=True, validate=validate.OneOf(INSTALMENT_STATES))


class SuccessEventView(View):
    """The event on which a recoverable grant is repaid."""

    id = fields.UUID(required=True)
    part_id = fields.UUID(required=True)
    happened_on = fields.Date(required=True)
    evidence_version_id = fields.UUID(required=True)
    recorded_by = fields.UUID(required=True)
    created_at = fields.DateTime(required=True)


class PartStandingView(View):
    """A repayable part of which money was paid."""

    part_id = fields.UUID(required=True)
    instrument = fields.String(required=True)
    paid = _minor()
    returned = _minor()
    repaid = _minor("Principal.")
    written_off = _minor("Principal.")
    outstanding = _minor("Principal that was paid and has not come off.")
    due = _minor("What has fallen due and is not paid, overdue or not.")
    overdue = _minor()
    owed = _minor("The most that can be repaid today.")
    schedules = fields.List(fields.Nested(TrancheScheduleView), required=True)
    dues = fields.List(fields.Nested(DueView), required=True)
    success_event = fields.Nested(SuccessEventView, required=True, allow_none=True)


class RepaymentScheduleView(View):
    """What a pledge's repayable parts owe on a day."""

    pledge_id = fields.UUID(required=True)
    currency = fields.String(required=True)
    as_of = fields.Date(required=True)
    parts = fields.List(fields.Nested(PartStandingView), required=True)


class RescheduleDraft(Draft):
    """Another term for what a tranche still owes, from the instalment that fell due last."""

    tranche_id = Id(required=True)
    months = Count(least=1, most=LONGEST_TERM, required=True, metadata={"description": "With the holiday."})
    holiday_months = Count(most=LONGEST_TERM - 1, load_default=0)
    reason = WordsField(2000, required=True)


class RescheduleView(View):
    """A reschedule; accepted, it has made the tranche's next schedule."""

    id = fields.UUID(required=True)
    pledge_id = fields.UUID(required=True)
    tranche_id = fields.UUID(required=True)
    side = fields.String(required=True, validate=validate.OneOf(["funder", "group"]))
    months = fields.Integer(required=True)
    holiday_months = fields.Integer(required=True)
    reason = WordsField(2000, required=True)
    state = fields.String(required=True, validate=validate.OneOf(["proposed", "accepted", "declined", "withdrawn"]))
    proposed_by = fields.UUID(required=True)
    answered_by = fields.UUID(required=True, allow_none=True)
    answered_at = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


class WriteOffDraft(Draft):
    """Principal that will not come back, on which ground and why."""

    amount = money(required=True)
    ground = fields.String(required=True, validate=validate.OneOf(GROUNDS))
    reason = WordsField(2000, required=True)
    part_id = _part()


class WriteOffView(View):
    """A write-off, asked for by one person and decided by another."""

    id = fields.UUID(required=True)
    pledge_id = fields.UUID(required=True)
    part_id = fields.UUID(required=True)
    amount = _minor()
    ground = fields.String(required=True, validate=validate.OneOf(GROUNDS))
    reason = WordsField(2000, required=True)
    state = fields.String(required=True, validate=validate.OneOf(["requested", "approved", "refused"]))
    requested_by = fields.UUID(required=True)
    decided_by = fields.UUID(required=True, allow_none=True)
    decided_at = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


class RevenueReportDraft(Draft):
    """A year's revenue; for match trading its trading income."""

    year_ended_on = Day(required=True)
    revenue = money(least=0, required=True)
    free_cash_was_negative = Flag(
        load_default=False, metadata={"description": "Suspends that year's payment of quasi-equity."}
    )
    part_id = _part()


class RejectionDraft(Draft):
    """Why the report is not confirmed."""

    reason = WordsField(2000, required=True)


class RevenueReportView(View):
    """A year's revenue, and what it makes due: to the funder (quasi-equity), or of the grant (match trading)."""

    id = fields.UUID(required=True)
    pledge_id = fields.UUID(required=True)
    part_id = fields.UUID(required=True)
    instrument = fields.String(required=True)
    year_ended_on = fields.Date(required=True)
    revenue = _minor()
    free_cash_was_negative = fields.Boolean(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["reported", "confirmed", "rejected"]))
    due = _minor("Beside the years that are confirmed; it counts once this one is.")
    due_on = fields.Date(required=True, allow_none=True)
    reported_by = fields.UUID(required=True)
    decided_by = fields.UUID(required=True, allow_none=True)
    decided_on = fields.Date(required=True, allow_none=True)
    reason = WordsField(2000, required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


class SuccessEventDraft(Draft):
    """When the event happened, and the accepted evidence that shows it."""

    happened_on = Day(required=True)
    evidence_version_id = Id(required=True)
    part_id = _part()


class LoanScheduleDraft(Draft):
    """The terms of a loan. `grant`: what is given beside it, for the rate of both together."""

    principal = money(required=True)
    rate_bp = Count(most=10_000, required=True, metadata={"description": "Basis points a year."})
    months = Count(least=1, most=LONGEST_TERM, required=True, metadata={"description": "With the holiday."})
    holiday_months = Count(most=LONGEST_TERM - 1, load_default=0)
    fee_bp = Count(most=5_000, load_default=0, metadata={"description": "Of the sum lent, and added to the balance."})
    in_advance = Flag(load_default=False)
    starts_on = Day(required=True)
    grant = money(least=0)


class PlannedInstalmentView(View):
    """One payment of a loan."""

    number = fields.Integer(required=True)
    due_on = fields.Date(required=True)
    opening = _minor()
    interest = _minor()
    capital = _minor()
    payment = _minor()
    balance = _minor()


class LoanScheduleView(View):
    """A loan's payments and what they come to. Rates are yearly fractions as decimal strings."""

    currency = fields.String(required=True)
    principal = _minor()
    fee = _minor()
    opening = _minor("Principal and fee.")
    interest = _minor()
    paid_in_all = _minor()
    effective_annual_rate = fields.String(
        required=True, allow_none=True, metadata={"description": "Of what is paid out; null where there is none."}
    )
    blended_effective_annual_rate = fields.String(
        required=True, allow_none=True, metadata={"description": "Of loan and grant together; null without a grant."}
    )
    instalments = fields.List(fields.Nested(PlannedInstalmentView), required=True)


class FlowDraft(Draft):
    """Money in (positive) or out (negative) on a day."""

    on = Day(required=True)
    amount = Count(least=-LARGEST_AMOUNT, required=True, metadata=MINOR)


class FlowsDraft(Draft):
    """Dated cash flows, in any order, in one currency."""

    flows = fields.List(fields.Nested(FlowDraft), required=True, validate=validate.Length(min=2, max=MOST_FLOWS))


class ReturnsView(View):
    """The rate of return, actual/365, as a yearly fraction, and what came in for each unit that went out."""

    rate = fields.String(required=True)
    multiple = fields.String(required=True, allow_none=True)
