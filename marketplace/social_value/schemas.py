"""The shapes of social value on the wire. Shape only: what breaks a rule of the method is for the rules."""

import re
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from marketplace.social_value.rules import CASES, Convention, Kind
from marketplace.web.fields import (
    Count,
    Currency,
    Day,
    Draft,
    Flag,
    Id,
    Instant,
    MoneyView,
    Slug,
    Text,
    View,
    WordsField,
    described,
    money,
    web_address,
)
from marketplace.web.paging import PageQuery
from marketplace.web.reason_views import ReasonView

MOST_LINES = 50
LARGEST_SHARE = 1_000_000
FIRST_PRICE_YEAR = 1970
HIGHEST_RATE = 2_000
CONVENTIONS = [each.value for each in Convention]
KINDS = [each.value for each in Kind]


class DecimalText(fields.String):
    """A decimal number as a string, of at most 12 digits before the point and 4 after it; no exponent."""

    def __init__(self, *, signed: bool = False, **kwargs: Any) -> None:
        self.pattern = rf"^{'-?' if signed else ''}[0-9]{{1,12}}(\.[0-9]{{1,4}})?$"
        described_as = kwargs.pop("metadata", {})
        super().__init__(metadata={"pattern": self.pattern, "maxLength": 18, **described_as}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(self.pattern, text, re.ASCII) or len(text) > 18:
            raise ValidationError("Give a decimal number as a string, such as 12.5, with at most four places.")
        return Decimal(text)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else shown(Decimal(value))


def shown(number: Decimal) -> str:
    """The number without an exponent and without zeros behind its last digit."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _share(words: str, **kwargs: Any) -> Count:
    """A share in basis points; that it is the whole at most is a rule of the method, refused by its name."""
    told = f"{words} Basis points, 0 to 10000 (SHARE_WITHIN_WHOLE)."
    return Count(most=LARGEST_SHARE, metadata={"description": told}, **kwargs)


def _minor(words: str = "Minor units.", **kwargs: Any) -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": words}, **kwargs)


# An account


class SocialProxyDraft(Draft):
    """What one unit is worth: your own figure, where it is from, and the year of its prices. No table is built in."""

    name = Text(200, required=True)
    value = money(required=True)
    source = Text(
        500,
        required=True,
        error_messages={"required": "A proxy comes with its source, or not at all (PROXY_SOURCED)."},
    )
    year = Count(
        least=FIRST_PRICE_YEAR,
        most=2200,
        required=True,
        error_messages={"required": "A proxy comes with the year of its prices (PROXY_SOURCED)."},
    )
    url = web_address(500, allow_none=True)


class SocialOutcomeDraft(Draft):
    """A change for one stakeholder. A harm has a negative quantity."""

    beneficiary = described(Text, "Who gains, or bears the harm.", 200, required=True)
    payer = described(Text, "Who pays for it, or would have paid without it.", 200, allow_none=True)
    change = described(WordsField, "What becomes different.", 500, required=True)
    theme = Slug("social_value_themes", allow_none=True)
    quantity = DecimalText(signed=True, required=True)
    proxy = fields.Nested(SocialProxyDraft, required=True)
    deadweight_bp = _share("What would have happened anyway.", required=True)
    displacement_bp = _share("What only moved from elsewhere.", required=True)
    attribution_bp = _share("What others brought about.", required=True)
    drop_off_bp = _share("What is lost from each year to the next.", required=True)
    duration_years = Count(least=1, most=100, required=True)
    start_year = described(Count, "The year, counted from 1, in which it begins.", least=1, most=100, load_default=1)
    health = described(Flag, "A health or life value: discounted at the Green Book's lower rate.", load_default=False)
    assumptions = described(WordsField, "Why these shares, and how they are known.", 2000, allow_none=True)


class SocialInputDraft(Draft):
    """Money put in, or things and time of staff at their cost."""

    contributor = Text(200, required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["money", "in_kind"]))
    amount = money(required=True)
    note = WordsField(500, allow_none=True)


class VolunteerTimeDraft(Draft):
    """Unpaid hours, at an hourly value with its source."""

    contributor = Text(200, required=True)
    hours = DecimalText(required=True)
    hourly_value = money(required=True)
    source = Text(500, required=True)


class DiscountRatesDraft(Draft):
    """Discount rates other than those of the Green Book on the day, and why."""

    standard_bp = Count(most=HIGHEST_RATE, required=True, metadata={"description": "Basis points a year."})
    health_bp = Count(
        most=HIGHEST_RATE, metadata={"description": "For health and life values; the standard one if left out."}
    )
    reason = WordsField(1000, required=True)


def _lines(draft: type[Schema], least: int = 0, **kwargs: Any) -> fields.List[Any]:
    return fields.List(fields.Nested(draft), validate=validate.Length(min=least, max=MOST_LINES), **kwargs)


class SocialReturnDraft(Draft):
    """An account: what was put in, what became different for whom, and how its value is discounted."""

    currency = Currency(load_default="GBP")
    convention = described(
        fields.String,
        "When in a year its value falls: at its end (discounted by t years) or at its start (by t - 1).",
        required=True,
        validate=validate.OneOf(CONVENTIONS),
    )
    as_of = described(Day, "The day whose discount rates are taken; today if left out.")
    rates = fields.Nested(DiscountRatesDraft)
    inputs = _lines(SocialInputDraft, load_default=list)
    volunteer_time = _lines(VolunteerTimeDraft, load_default=list)
    outcomes = _lines(SocialOutcomeDraft, least=1, required=True)


class SocialProxyView(View):
    """The author's own proxy."""

    name = fields.String(required=True)
    value = fields.Nested(MoneyView, required=True)
    source = fields.String(required=True)
    year = fields.Integer(required=True)
    url = fields.String()


class SocialOutcomeView(View):
    """An outcome as it was given."""

    beneficiary = fields.String(required=True)
    payer = fields.String()
    change = WordsField(500, required=True)
    theme = fields.String()
    quantity = fields.String(required=True)
    proxy = fields.Nested(SocialProxyView, required=True)
    deadweight_bp = fields.Integer(required=True)
    displacement_bp = fields.Integer(required=True)
    attribution_bp = fields.Integer(required=True)
    drop_off_bp = fields.Integer(required=True)
    duration_years = fields.Integer(required=True)
    start_year = fields.Integer(required=True)
    health = fields.Boolean(required=True)
    assumptions = WordsField(2000)


class SocialInputView(View):
    """An input as it was given."""

    contributor = fields.String(required=True)
    kind = fields.String(required=True)
    amount = fields.Nested(MoneyView, required=True)
    note = WordsField(500)


class VolunteerTimeView(View):
    """Unpaid hours as they were given."""

    contributor = fields.String(required=True)
    hours = fields.String(required=True)
    hourly_value = fields.Nested(MoneyView, required=True)
    source = fields.String(required=True)


class RateSourceView(View):
    """The dated parameter that a rate comes from (/v1/parameters)."""

    name = fields.String(required=True)
    law = fields.String(required=True)
    source = fields.String(required=True)


class DiscountRatesView(View):
    """The discount rates that were taken: from the dated parameters, or the author's own with the reason."""

    standard_bp = fields.Integer(required=True)
    health_bp = fields.Integer(required=True)
    taken_from = fields.String(
        required=True, attribute="from", data_key="from", validate=validate.OneOf(["parameters", "author"])
    )
    reason = WordsField(1000, required=True, allow_none=True)
    sources = fields.List(fields.Nested(RateSourceView), required=True)


class SocialValueAccountView(View):
    """Everything that the result was computed from."""

    currency = fields.String(required=True)
    convention = fields.String(required=True, validate=validate.OneOf(CONVENTIONS))
    as_of = fields.String(required=True, metadata={"format": "date"})
    rates = fields.Nested(DiscountRatesView, required=True)
    inputs = fields.List(fields.Nested(SocialInputView), required=True)
    volunteer_time = fields.List(fields.Nested(VolunteerTimeView), required=True)
    outcomes = fields.List(fields.Nested(SocialOutcomeView), required=True)


# A result


class SocialYearView(View):
    """The value that falls in one year, counted from 1."""

    year = fields.Integer(required=True)
    undiscounted = _minor()
    present_value = _minor()


class SocialOutcomeValueView(View):
    """What one outcome comes to: in its first year step by step, and over its years."""

    beneficiary = fields.String(required=True)
    proxy = fields.String(required=True)
    gross = _minor("Quantity times proxy.")
    after_deadweight = _minor()
    after_displacement = _minor()
    first_year = _minor("After attribution too.")
    undiscounted = _minor("Over its years.")
    present_value = _minor()


class ShareOfValueView(View):
    """Present value summed under one name; null for those that give none."""

    name = fields.String(required=True, allow_none=True)
    present_value = _minor()


class SensitivityCaseView(View):
    """The return where one assumption is otherwise."""

    assumption = fields.String(required=True, validate=validate.OneOf([name for name, _ in CASES]))
    total_present_value = _minor()
    net_present_value = _minor()
    ratio = fields.String(required=True)
    ratio_shown = fields.String(required=True)


class BreakEvenView(View):
    """Where the ratio is 1; null where it is below 1 to begin with."""

    value_share = described(
        fields.String, "The share of the present value that has to come about.", required=True, allow_none=True
    )
    deadweight_points = described(
        fields.String, "By how many percentage points every deadweight may rise.", required=True, allow_none=True
    )


class SocialResultView(View):
    """What an account comes to. Each figure is rounded once, by itself: rows may differ from their sum by a penny.

    The ratio is for learning about one service over time. It ranks nothing: accounts differ in what they count.
    """

    method = _minor("Raised when the same account would come to another result.")
    invested = _minor()
    total_present_value = _minor()
    net_present_value = _minor()
    ratio = described(fields.String, "Total present value / invested, four places.", required=True)
    ratio_shown = described(fields.String, "The same with two places.", required=True)
    payback_months = described(
        fields.String,
        "Invested / (value of year 1 / 12), as the SROI Guide has it; null where year 1 brings none.",
        required=True,
        allow_none=True,
    )
    cumulative_payback_months = described(
        fields.String, "Until the value of the years, added up, comes to it; or null.", required=True, allow_none=True
    )
    years = fields.List(fields.Nested(SocialYearView), required=True)
    outcomes = fields.List(fields.Nested(SocialOutcomeValueView), required=True)
    by_beneficiary = fields.List(fields.Nested(ShareOfValueView), required=True)
    by_payer = fields.List(fields.Nested(ShareOfValueView), required=True)
    by_theme = fields.List(fields.Nested(ShareOfValueView), required=True)
    sensitivity = fields.List(fields.Nested(SensitivityCaseView), required=True)
    break_even = fields.Nested(BreakEvenView, required=True)
    warnings = fields.List(fields.Nested(ReasonView), required=True)


class SocialReturnView(View):
    """An account's result, and the account as it was understood."""

    account = fields.Nested(SocialValueAccountView, required=True)
    result = fields.Nested(SocialResultView, required=True)


# Assessments


class SocialValueAssessmentDraft(Draft):
    """A name for the accounts to come. Confidential unless it is to be shown with the proposal."""

    title = WordsField(200, required=True)
    confidential = Flag(load_default=True)


class SocialValueSharingDraft(Draft):
    """Whether those who see the proposal under its name see the assessment, too."""

    confidential = Flag(required=True)


class SocialValueAssessmentView(View):
    """An assessment of what a proposal is worth to whom."""

    id = fields.UUID(required=True)
    proposal_id = fields.UUID(required=True)
    title = WordsField(200, required=True)
    confidential = fields.Boolean(required=True)
    created_at = Instant(required=True)


class SocialValueVersionDraft(SocialReturnDraft):
    """The assessment's next account: a forecast, or what was measured."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))


class SocialValueVersionView(View):
    """One account of an assessment with its result; never changed."""

    id = fields.UUID(required=True)
    assessment_id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    account = fields.Nested(SocialValueAccountView, required=True, attribute="content")
    result = fields.Nested(SocialResultView, required=True)
    created_at = Instant(required=True)


class SocialValueQuery(PageQuery):
    """How much of the list, and from where. It has no order by ratio."""


class SocialValueComparisonQuery(Schema):
    """Two versions of one proposal's assessments."""

    first = Id(required=True, metadata={"description": "As a rule the forecast."})
    second = Id(required=True, metadata={"description": "As a rule the evaluated one."})


class SocialTotalsView(View):
    """The head of a result."""

    invested = _minor()
    total_present_value = _minor()
    net_present_value = _minor()
    ratio = fields.String(required=True)
    ratio_shown = fields.String(required=True)


class ComparedSideView(View):
    """One of the two versions."""

    version_id = fields.UUID(required=True)
    assessment_id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    convention = fields.String(required=True, validate=validate.OneOf(CONVENTIONS))
    standard_bp = fields.Integer(required=True)
    health_bp = fields.Integer(required=True)
    totals = fields.Nested(SocialTotalsView, required=True)


class ComparedAssumptionsView(View):
    """An outcome's assumptions and what it came to, in one of the versions."""

    quantity = fields.String(required=True)
    proxy_value = _minor()
    deadweight_bp = fields.Integer(required=True)
    displacement_bp = fields.Integer(required=True)
    attribution_bp = fields.Integer(required=True)
    drop_off_bp = fields.Integer(required=True)
    duration_years = fields.Integer(required=True)
    start_year = fields.Integer(required=True)
    present_value = _minor("Of the first version: under the second one's convention and rates.")


class ComparedOutcomeView(View):
    """One outcome in both versions, matched by beneficiary and proxy; null where a version has it not."""

    beneficiary = fields.String(required=True)
    proxy = fields.String(required=True)
    first = fields.Nested(ComparedAssumptionsView, required=True, allow_none=True)
    second = fields.Nested(ComparedAssumptionsView, required=True, allow_none=True)
    changed = described(
        fields.List, "The assumptions that differ; empty where one of them is missing.", fields.String(), required=True
    )
    difference = _minor("Second less first, in present value.")


class SocialValueComparisonView(View):
    """Two accounts of one proposal. `restated` is the first under the second one's convention and rates."""

    first = fields.Nested(ComparedSideView, required=True)
    second = fields.Nested(ComparedSideView, required=True)
    restated = fields.Nested(SocialTotalsView, required=True)
    difference = described(
        fields.Integer, "Total present value: second less restated first, minor units.", required=True
    )
    outcomes = fields.List(fields.Nested(ComparedOutcomeView), required=True)


# Tenders, jobs, comparison groups


class TenderBidDraft(Draft):
    """What one bidder offers in social value."""

    bidder = Text(200, required=True)
    value = money(least=0, required=True)


class TenderDraft(Draft):
    """The bids of one tender, and what the strongest is to score."""

    bids = fields.List(fields.Nested(TenderBidDraft), required=True, validate=validate.Length(min=1, max=MOST_LINES))
    max_points = DecimalText(required=True)
    weighting_bp = Count(
        most=10_000, metadata={"description": "Social value's weighting in the whole tender, basis points."}
    )
    as_of = described(Day, "The day of the notice, for the least weighting in force; today if left out.")


class TenderScoreView(View):
    """One bid's score."""

    bidder = fields.String(required=True)
    value = fields.Nested(MoneyView, required=True)
    score = described(fields.String, "Points, two places, halves up.", required=True)
    weighted_points = described(
        fields.String,
        "Its share of the weighting, in percentage points of the whole tender; null without a weighting.",
        required=True,
        allow_none=True,
    )


class LeastWeightingView(View):
    """The least weighting of central government's policy, and where it stands."""

    least_bp = fields.Integer(required=True, allow_none=True)
    law = fields.String(required=True)
    source = fields.String(required=True)


class TenderView(View):
    """Every bid's score, and what to mind about the weighting."""

    max_points = fields.String(required=True)
    scores = fields.List(fields.Nested(TenderScoreView), required=True)
    weighting = fields.Nested(LeastWeightingView, required=True)
    warnings = fields.List(fields.Nested(ReasonView), required=True)


class JobsDraft(Draft):
    """People employed because of the contract, and for how long."""

    full_time = Count(most=1_000_000, required=True)
    part_time = Count(most=1_000_000, load_default=0)
    part_time_fraction_bp = _share("What a part-time post is of a full-time one.", load_default=5_000)
    years = DecimalText(required=True)


class JobsView(View):
    """Full-time equivalents, and those times years."""

    full_time_equivalents = fields.String(required=True)
    full_time_equivalent_years = fields.String(required=True)


class NetOutcomeDraft(Draft):
    """How many reached the outcome, of the participants and of a comparison group."""

    reached_bp = _share("Of the participants.", required=True)
    comparison_bp = _share("Of the comparison group.", required=True)
    participants = Count(most=100_000_000, required=True)


class NetOutcomeView(View):
    """What is due to the service, and the deadweight that this implies."""

    uplift_points = described(fields.String, "Percentage points above the comparison group.", required=True)
    people = described(fields.String, "Uplift times participants.", required=True)
    deadweight_bp = described(
        fields.Integer,
        "Comparison / reached, for an account's `deadweight_bp`; null where fewer reached it than without.",
        required=True,
        allow_none=True,
    )


# Benefits


class BenefitBaselineDraft(Draft):
    """Where things stood before, on which day, and how that is known."""

    value = DecimalText(signed=True, required=True)
    on = Day(required=True)
    source = Text(500, required=True)


class BenefitTargetDraft(Draft):
    """Where they are to stand, and by when."""

    value = DecimalText(signed=True, required=True)
    on = Day(required=True)


class BenefitOwnerDraft(Draft):
    """Who answers for the benefit."""

    name = Text(200, required=True)
    role = Text(200, required=True)


def _days(**kwargs: Any) -> fields.List[Any]:
    return fields.List(Day(), validate=validate.Length(min=1, max=MOST_LINES), **kwargs)


class BenefitDraft(Draft):
    """What the proposal is to change for whom, from where to where, who answers for it and when it is measured."""

    title = WordsField(200, required=True)
    beneficiary = Text(200, required=True)
    unit = Text(100, required=True)
    baseline = fields.Nested(BenefitBaselineDraft, required=True)
    target = fields.Nested(BenefitTargetDraft, required=True)
    owner = fields.Nested(BenefitOwnerDraft, required=True)
    measurement_days = _days(required=True)


class BenefitPatch(Draft):
    """Another owner, or other days of measurement. Baseline and target stay."""

    owner = fields.Nested(BenefitOwnerDraft)
    measurement_days = _days()


class BenefitRetirementDraft(Draft):
    """Why the benefit is measured no more."""

    reason = WordsField(1000, required=True)


class BenefitBaselineView(View):
    """Where things stood before."""

    value = DecimalText(required=True, signed=True)
    on = Day(required=True)
    source = fields.String(required=True)


class BenefitTargetView(View):
    """Where they are to stand."""

    value = DecimalText(required=True, signed=True)
    on = Day(required=True)


class BenefitOwnerView(View):
    """Who answers for the benefit."""

    name = fields.String(required=True)
    role = fields.String(required=True)


class BenefitMeasurementDraft(Draft):
    """A measured value. It corrects an earlier one of the same day."""

    measured_on = Day(required=True)
    value = DecimalText(signed=True, required=True)
    source = Text(500, required=True)
    note = Text(1000, allow_none=True)


class BenefitMeasurementView(View):
    """A measured value, and how it is known."""

    id = fields.UUID(required=True)
    measured_on = Day(required=True)
    value = DecimalText(required=True, signed=True)
    source = fields.String(required=True)
    note = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)


class BenefitView(View):
    """A benefit, its latest measurement and how far it has come."""

    id = fields.UUID(required=True)
    proposal_id = fields.UUID(required=True)
    title = WordsField(200, required=True)
    beneficiary = fields.String(required=True)
    unit = fields.String(required=True)
    baseline = fields.Nested(BenefitBaselineView, required=True)
    target = fields.Nested(BenefitTargetView, required=True)
    owner = fields.Nested(BenefitOwnerView, required=True)
    measurement_days = fields.List(fields.String(metadata={"format": "date"}), required=True)
    state = fields.String(required=True, validate=validate.OneOf(["active", "retired"]))
    retirement_reason = WordsField(1000, required=True, allow_none=True)
    latest = fields.Nested(BenefitMeasurementView, required=True, allow_none=True)
    progress = described(
        fields.String,
        "The share of the way from baseline to target: below 0 it got worse, above 1 it went further.",
        required=True,
        allow_none=True,
    )
    next_due_on = described(
        Day, "The first planned day that no measurement has reached.", required=True, allow_none=True
    )
    overdue = fields.Boolean(required=True)
    created_at = Instant(required=True)


class BenefitsQuery(PageQuery):
    """How much of the list, and from where."""


class BenefitsCheckView(View):
    """What a benefits register has to hold before the proposal sets up, each condition with its outcome."""

    ready = described(fields.Boolean, "Every hard condition is met.", required=True)
    asked_by_gate = described(
        fields.Boolean, "The gate of the proposal's template version asks for the hard ones.", required=True
    )
    conditions = fields.List(fields.Nested(ReasonView), required=True)
