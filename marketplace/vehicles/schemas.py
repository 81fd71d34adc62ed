"""The shapes of vehicles, facilities, their draws and recoveries, and of the look-through."""

from marshmallow import fields, validate

from marketplace.instruments.facilities import CONCENTRATION_BP, LAYERS, LEVERAGE_CAP, LOSS_STOP_BP
from marketplace.vehicles.rules import KINDS
from marketplace.vehicles.simulation_schemas import (
    ConversionPlanDraft,
    FacilityPlanDraft,
    MatchPlanDraft,
    SuccessPoolPlanDraft,
    basis_points,
    minor,
    told,
)
from marketplace.web.fields import Day, Draft, Id, Text, View, WordsField, money
from marketplace.web.paging import PageQuery
from marketplace.web.reason_views import ReasonView


class VehicleDraft(Draft):
    """A published programme, and the terms of the one kind of vehicle that it is to run, as they are simulated."""

    programme_id = Id(required=True)
    success_repayable_pool = fields.Nested(SuccessPoolPlanDraft)
    outcome_linked_conversion = fields.Nested(ConversionPlanDraft)
    employer_match = fields.Nested(MatchPlanDraft)
    wholesale_facility = fields.Nested(FacilityPlanDraft)


class VehicleQuery(PageQuery):
    """Which vehicles."""

    kind = fields.String(validate=validate.OneOf(list(KINDS)))


class AwardBandView(View):
    """A number of awards in bands of five; below five it is not told."""

    at_least = fields.Integer()
    at_most = fields.Integer()
    fewer_than = fields.Integer()


class ExpectedView(View):
    """What the forecast expected by the end of the present year."""

    year = told("1 is the first.")
    awarded = told()
    repaid = told()


class VehicleFiguresView(View):
    """What became of the vehicle's awards, told of whole fives of them; null of fewer than five."""

    awards = fields.Nested(AwardBandView, required=True)
    awarded = told(allow_none=True)
    repaid = told(allow_none=True)
    written_off = told(allow_none=True)
    fees = told(allow_none=True)
    days_to_decision = told("The median, from the pledge's first draft to its offer.", allow_none=True)
    bottom_up = fields.Nested(AwardBandView, required=True, allow_none=True)
    expected = fields.Nested(ExpectedView, required=True, allow_none=True)


class VehicleView(View):
    """A vehicle: its terms, what they were simulated to come to, and its figures so far."""

    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    programme_id = fields.UUID(required=True)
    title = WordsField(200, required=True)
    kind = fields.String(required=True, validate=validate.OneOf(list(KINDS)))
    currency = fields.String(required=True)
    terms = fields.Dict(required=True, metadata={"description": "As they were simulated."})
    forecast = fields.Dict(required=True, metadata={"description": "What the simulation of these terms answered."})
    opened_on = fields.Date(required=True)
    figures = fields.Nested(VehicleFiguresView, required=True)


class FacilityDraft(Draft):
    """A facility for one programme that the vehicle's programme funds."""

    programme_id = Id(required=True)
    lender = fields.String(load_default="seed", validate=validate.OneOf(list(LEVERAGE_CAP)))
    first_loss = minor("The layer that loses first.", least=1)
    mezzanine = minor("The layer after it.", load_default=0)
    senior = minor("The layer that loses last.", load_default=0)
    loss_stop_bp = basis_points("What of the first loss may be lost before lending stops.", load_default=LOSS_STOP_BP)
    concentration_bp = basis_points("What of the facility one group may owe.", load_default=CONCENTRATION_BP)


class FacilityLayerView(View):
    """A layer: its size, and what it bore and did not get back."""

    name = fields.String(required=True, validate=validate.OneOf(list(LAYERS)))
    size = told()
    lost = told()


class FacilityView(View):
    """A facility and where it stands, for its two parties."""

    id = fields.UUID(required=True)
    vehicle_id = fields.UUID(required=True)
    programme_id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    intermediary_organisation_id = fields.UUID(required=True)
    lender = fields.String(required=True)
    currency = fields.String(required=True)
    loss_stop_bp = told("Basis points of the first loss.")
    concentration_bp = told("Basis points of the facility.")
    largest_deal = told()
    state = fields.String(required=True, validate=validate.OneOf(["offered", "open", "withdrawn"]))
    undrawn = told()
    drawn = told("Minor units promised or lent, neither back nor lost.")
    repaid = told()
    lost = told("Minor units lost and not recovered.")
    layers = fields.List(fields.Nested(FacilityLayerView), required=True)
    agreed_at = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


class FacilityDrawView(View):
    """What one pledge drew on a facility. Only the intermediary is told which pledge."""

    id = fields.UUID(required=True)
    facility_id = fields.UUID(required=True)
    pledge_id = fields.UUID(required=True, allow_none=True)
    group_key = fields.UUID(required=True, metadata={"description": "Stands for the group within the vehicle."})
    amount = told()
    cancelled = told()
    repaid = told()
    lost = told()
    recovered = told()
    outstanding = told()


class FacilityRecoveryDraft(Draft):
    """What came back of a loss."""

    amount = money(required=True)
    received_on = Day(required=True)
    reference = Text(100, required=True)


class FacilityLossView(View):
    """A loss, or what came back of one, and each layer's share of it."""

    id = fields.UUID(required=True)
    facility_id = fields.UUID(required=True)
    draw_id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["loss", "recovery"]))
    amount = told()
    first_loss = told()
    mezzanine = told()
    senior = told()
    happened_on = fields.Date(required=True)
    reference = fields.String(required=True)


class GroupExposureView(View):
    """What one group owes, through one intermediary or all of them."""

    group_key = fields.UUID(required=True)
    deals = told("How many.")
    outstanding = told()
    lost = told()


class FundedIntermediaryView(View):
    """One facility: its capital, what performs, and the groups behind it."""

    facility_id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    name = WordsField(200, required=True)
    capital = told()
    performing = told("Minor units drawn, neither back nor lost.")
    lost = told()
    allocation = told("Its share of what the vehicle has available, pro rata to what performs, under the cap.")
    groups = fields.List(fields.Nested(GroupExposureView), required=True)


class LookThroughView(View):
    """A wholesale vehicle's capital, through its intermediaries to the groups; and the limits of its allocation."""

    vehicle_id = fields.UUID(required=True)
    currency = fields.String(required=True)
    available = told()
    intermediaries = fields.List(fields.Nested(FundedIntermediaryView), required=True)
    groups = fields.List(fields.Nested(GroupExposureView), required=True)
    reasons = fields.List(fields.Nested(ReasonView), required=True)
