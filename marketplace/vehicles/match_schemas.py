"""The shapes of employer matches, contributions and returns."""

from marshmallow import fields, validate

from marketplace.vehicles.simulation_schemas import told
from marketplace.web.fields import Day, Draft, Flag, Id, Text, View, WordsField, money


class MatchInvitationDraft(Draft):
    """The employer's answer under which it is brought to the fund, and a word to it."""

    consent_id = Id(required=True)
    message = WordsField(2000)


class MatchAgreementDraft(Draft):
    """What the employer commits, and its declaration of conflict as a later commissioner of the mutual."""

    cash = money(required=True, least=0)
    staff_time = money(required=True, least=0)
    later_commissioner = Flag(required=True, metadata={"description": "It may come to commission the mutual."})
    conflict = WordsField(2000, required=True, metadata={"description": "How that conflict is kept apart."})


class CashContributionDraft(Draft):
    """Cash that the employer paid, with a reference that is used once for the match."""

    amount = money(required=True)
    given_on = Day(required=True)
    reference = Text(100, required=True)


class StaffTimeDraft(CashContributionDraft):
    """Staff time, valued, by signed timesheets that the fund has accepted."""

    evidence_version_id = Id(required=True)


class LaunchDraft(Draft):
    """When the mutual launched."""

    launched_on = Day(required=True)


class SavingDraft(Draft):
    """A yearly saving, since when, and the accepted evidence that shows it."""

    yearly_saving = money(required=True)
    saving_from = Day(required=True)
    evidence_version_id = Id(required=True)


class EmployerReturnDraft(Draft):
    """What the employer returned out of its saving."""

    amount = money(required=True)
    received_on = Day(required=True)
    reference = Text(100, required=True)


class ContributionView(View):
    """What an employer gave. It counts once it is confirmed."""

    id = fields.UUID(required=True)
    match_id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["cash", "staff_time"]))
    amount = told()
    given_on = fields.Date(required=True)
    reference = fields.String(required=True)
    paid_to = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(["group", "host"]),
        metadata={"description": "Whether the group has the cash, or the host that holds its money."},
    )
    confirmed_at = fields.DateTime(required=True, allow_none=True)


class EmployerReturnView(View):
    """What came back of the fund's share."""

    id = fields.UUID(required=True)
    match_id = fields.UUID(required=True)
    amount = told()
    received_on = fields.Date(required=True)
    reference = fields.String(required=True)


class EmployerMatchView(View):
    """An employer match as its reader may see it. `due` is what should have been returned by today."""

    id = fields.UUID(required=True)
    vehicle_id = fields.UUID(required=True)
    pledge_id = fields.UUID(required=True, allow_none=True, metadata={"description": "null for the employer."})
    organisation_id = fields.UUID(required=True)
    employer_organisation_id = fields.UUID(required=True)
    consent_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["invited", "agreed", "declined"]))
    currency = fields.String(required=True)
    message = WordsField(2000, required=True, allow_none=True)
    cash = told("Minor units committed.")
    staff_time = told("Minor units committed.")
    cash_given = told("Minor units that count.")
    staff_time_given = told("Minor units that count.")
    matched = told("What the fund may pay beside them.")
    fund_paid = told()
    later_commissioner = fields.Boolean(required=True, allow_none=True)
    conflict = WordsField(2000, required=True, allow_none=True)
    launched_on = fields.Date(required=True, allow_none=True)
    saving = told("Minor units a year, verified.", allow_none=True)
    saving_from = fields.Date(required=True, allow_none=True)
    saving_until = fields.Date(
        required=True, allow_none=True, metadata={"description": "Without a verified saving by then it is a grant."}
    )
    became_a_grant = fields.Boolean(required=True)
    due = told()
    returned = told()
    contributions = fields.List(fields.Nested(ContributionView), required=True)
