"""The shapes of reporting duties, reports and changes of use."""

from typing import Any

from marshmallow import fields, validate

from marketplace.monitoring import rules
from marketplace.monitoring.models import CHANGE_STATES, COUNTED_FROM, DUTY_KINDS, REPORT_STATES, Duty
from marketplace.values.clock import today
from marketplace.web.fields import Count, Day, Draft, Id, Slug, View, WordsField, different
from marketplace.web.paging import PageQuery

MONEY = {"description": "Minor units of the pledge's currency."}
SHOWN_STATES = ("due", "overdue", "submitted", "accepted", "waived")
LONGEST_DELAY = 240


class DutyDraft(Draft):
    """A report to be owed: by `due_on`, or so many `months` after what they are `counted_from`."""

    kind = Slug("duty_kinds", required=True)
    due_on = Day()
    months = Count(least=0, most=LONGEST_DELAY)
    counted_from = fields.String(validate=validate.OneOf(COUNTED_FROM))


class ReportingDraft(Draft):
    """Every report that is to be owed."""

    duties = fields.List(fields.Nested(DutyDraft), required=True, validate=validate.Length(max=rules.MOST_DUTIES))


class SpendDraft(Draft):
    """What was spent for a purpose since the last report, in minor units."""

    purpose = Slug("ask_purposes", required=True)
    amount = Count(least=1, required=True, metadata=MONEY)


class ReportDraft(Draft):
    """What a group reports. The last four members are for the closing report, which gives them all."""

    words = WordsField(10_000, required=True)
    spend = fields.List(fields.Nested(SpendDraft), validate=validate.Length(max=30))
    evidence_ids = fields.List(Id(), validate=[validate.Length(max=30), different])
    outcome = WordsField(10_000)
    lessons = WordsField(10_000)
    additionality = Slug("additionality_answers", metadata={"description": "Would it have happened without the money?"})
    underspend = Count(metadata={"description": "What was paid and not spent, in minor units; it has to come back."})


class SpendLineDraft(Draft):
    """An amount for a purpose, in minor units."""

    purpose = Slug("ask_purposes", required=True)
    amount = Count(least=1, required=True, metadata=MONEY)


class DecreaseDraft(Draft):
    """By how much a part is to be less, in minor units."""

    part_id = Id(required=True)
    amount = Count(least=1, required=True, metadata=MONEY)


class ChangeDraft(Draft):
    """What a group wants to be different, and why. Lines sum to what the pledge comes to after the decreases."""

    purpose = WordsField(2000)
    ends_on = Day()
    lines = fields.List(fields.Nested(SpendLineDraft), validate=validate.Length(min=1, max=30))
    decreases = fields.List(fields.Nested(DecreaseDraft), validate=validate.Length(min=1, max=10))
    reason = WordsField(2000, required=True)


class DutyQuery(PageQuery):
    """Which duties."""

    state = fields.String(validate=validate.OneOf(SHOWN_STATES))


class DutyPlanView(View):
    """A report that is to be owed."""

    kind = fields.String(required=True, validate=validate.OneOf(DUTY_KINDS))
    due_on = fields.String(required=True, allow_none=True, metadata={"format": "date"})
    months = fields.Integer(required=True, allow_none=True)
    counted_from = fields.String(required=True, allow_none=True)


class ReportingTemplateView(View):
    """What new offers of a programme have to report."""

    programme_id = fields.UUID(required=True)
    duties = fields.List(fields.Nested(DutyPlanView), required=True)


class ReportingTermsView(View):
    """What a pledge has to report; `own` where its offer says so and not its programme."""

    pledge_id = fields.UUID(required=True)
    own = fields.Boolean(required=True)
    duties = fields.List(fields.Nested(DutyPlanView), required=True)


class DutyView(View):
    """A report that is owed. `state` is true by the clock; without `due_on` it waits for the first payment."""

    id = fields.UUID(required=True)
    pledge_id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(DUTY_KINDS))
    due_on = fields.Date(required=True, allow_none=True)
    months = fields.Integer(required=True, allow_none=True)
    counted_from = fields.String(required=True, allow_none=True)
    state = fields.Method("state_now", required=True, metadata={"enum": list(SHOWN_STATES), "type": "string"})
    reason = WordsField(2000, required=True, allow_none=True)

    def state_now(self, duty: Duty) -> str:
        return rules.duty_state_at(duty.state, duty.due_on, today())


class SpendView(View):
    """What was spent for a purpose (minor units)."""

    purpose = fields.String(required=True)
    amount = fields.Integer(required=True, metadata=MONEY)


class ReportView(View):
    """What a group reported, and what the funder made of it."""

    id = fields.UUID(required=True)
    duty_id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(REPORT_STATES))
    words = WordsField(10_000, required=True)
    spend = fields.List(fields.Nested(SpendView), required=True)
    evidence_ids = fields.List(fields.UUID(), required=True)
    outcome = WordsField(10_000, required=True, allow_none=True)
    lessons = WordsField(10_000, required=True, allow_none=True)
    additionality = fields.String(required=True, allow_none=True)
    underspend = fields.Integer(required=True, allow_none=True, metadata=MONEY)
    submitted_by = fields.UUID(required=True)
    submitted_at = fields.DateTime(attribute="created_at", required=True)
    decided_by = fields.UUID(required=True, allow_none=True)
    decided_at = fields.DateTime(required=True, allow_none=True)
    reason = WordsField(2000, required=True, allow_none=True)


class UseLineView(View):
    """What was agreed and what was spent for a purpose (minor units); `agreed` null where the ask's lines count."""

    purpose = fields.String(required=True)
    agreed = fields.Integer(required=True, allow_none=True, metadata=MONEY)
    spent = fields.Integer(required=True, metadata=MONEY)


class MonitoringView(View):
    """What became of a pledge's money (minor units). `returned` came back freely, without a demand."""

    pledge_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["open", "closed"]))
    paid = fields.Integer(required=True, metadata=MONEY)
    spent = fields.Integer(required=True, metadata=MONEY)
    returned = fields.Integer(required=True, metadata=MONEY)
    underspend = fields.Integer(required=True, allow_none=True, metadata=MONEY)
    lines = fields.List(fields.Nested(UseLineView), required=True)
    closed_by = fields.UUID(required=True, allow_none=True)
    closed_at = fields.DateTime(required=True, allow_none=True)


class DecreaseView(View):
    """By how much a part is less (minor units)."""

    part_id = fields.UUID(required=True)
    amount = fields.Integer(required=True, metadata=MONEY)


class ChangeRequestView(View):
    """What a group wants to be different, and the funder's answer."""

    id = fields.UUID(required=True)
    pledge_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(CHANGE_STATES))
    purpose = WordsField(2000, required=True, allow_none=True)
    ends_on = fields.Date(required=True, allow_none=True)
    lines = fields.List(fields.Nested(SpendView), required=True, allow_none=True)
    decreases = fields.List(fields.Nested(DecreaseView), required=True)
    reason = WordsField(2000, required=True)
    requested_by = fields.UUID(required=True)
    requested_at = fields.DateTime(attribute="created_at", required=True)
    decided_by = fields.UUID(required=True, allow_none=True)
    decided_at = fields.DateTime(required=True, allow_none=True)
    answer = WordsField(2000, required=True, allow_none=True)


class AgreedUseView(View):
    """What a pledge's money is for; without lines those of the ask count."""

    number = fields.Integer(required=True)
    purpose = WordsField(2000, required=True, allow_none=True)
    ends_on = fields.Date(required=True, allow_none=True)
    lines = fields.List(fields.Nested(SpendView), required=True, allow_none=True)
    amount = fields.Integer(required=True, metadata=MONEY)
    change_request_id = fields.UUID(required=True, allow_none=True)
    agreed_at = fields.DateTime(attribute="created_at", required=True)


class AgreedUsesView(View):
    """Every version, the newest first."""

    data = fields.List(fields.Nested(AgreedUseView), required=True)


def use_lines(agreed: list[dict[str, Any]] | None, spent: dict[str, int]) -> list[dict[str, Any]]:
    """By purpose what was agreed and what was spent, in minor units."""
    lines = {line["purpose"]: line["amount"] for line in agreed or []}
    return [
        {"purpose": each, "agreed": lines.get(each), "spent": spent.get(each, 0)}
        for each in sorted(lines.keys() | spent.keys())
    ]
