"""The shapes of simulated vehicles: what is asked, and the years, runway and warnings that are answered."""

from typing import Any

from marshmallow import fields, validate, validates

from marketplace.instruments.employer_match import CAP, MONTHS_TO_SAVE, SAVING_SHARE_BP, STAFF_TIME_BP
from marketplace.instruments.facilities import CONCENTRATION_BP, LEVERAGE_CAP, LOSS_STOP_BP
from marketplace.instruments.start_up_pools import LONGEST
from marketplace.vehicles.rules import KINDS
from marketplace.web.fields import Count, Currency, Day, Draft, Flag, View, different
from marketplace.web.reason_views import ReasonView

LARGEST = 10**13
"""The largest sum of a simulation, in minor units."""
MOST_DEALS = 200
MOST_YEARS = 20
WHOLE_BP = 10_000


def minor(words: str, *, least: int = 0, **kwargs: Any) -> Count:
    """An amount of the simulation's one currency, in minor units."""
    kwargs.setdefault("required", "load_default" not in kwargs)
    return Count(least=least, most=LARGEST, metadata={"description": f"Minor units. {words}"}, **kwargs)


def basis_points(words: str, *, most: int = WHOLE_BP, **kwargs: Any) -> Count:
    """A share in basis points."""
    kwargs.setdefault("required", "load_default" not in kwargs)
    return Count(most=most, metadata={"description": f"Basis points. {words}"}, **kwargs)


def told(words: str = "Minor units.", **kwargs: Any) -> fields.Integer:
    """A whole number that is answered."""
    return fields.Integer(required=True, metadata={"description": words}, **kwargs)


class PlanDraft(Draft):
    """What a pool begins with and means to do each year."""

    currency = Currency(load_default="GBP")
    opening = minor("What the pool holds to begin with.")
    planned = minor("What it means to award a year.", least=1)
    costs = minor("What it costs to run a year.")
    floor = minor("What it never goes below for an award.", load_default=0)
    topup = minor("What sponsors add a year.", load_default=0)
    topup_from = Count(least=1, most=LONGEST, load_default=2)
    years = Count(least=1, most=LONGEST, load_default=10)


class SuccessPoolPlanDraft(PlanDraft):
    """Awards while staff are employed; those that launch with a contract repay with a charge."""

    success_bp = basis_points("How many launch with a contract that makes them repay.")
    charge_bp = basis_points("What they repay of the award: 12,000 is one and a fifth.", most=50_000)
    loss_bp = basis_points("What of it is never collected.", load_default=0)
    lag = Count(least=1, most=LONGEST, load_default=2, metadata={"description": "Years until the first part."})
    instalments = Count(least=1, most=LONGEST, load_default=3, metadata={"description": "Yearly parts."})


class RevenueYearDraft(Draft):
    """A year of the mutual that was awarded the grant."""

    ended_on = Day(required=True)
    revenue = minor("Its revenue.")
    surplus = Count(
        least=-LARGEST, most=LARGEST, metadata={"description": "Minor units. What it left over, if that is known."}
    )
    free_cash_was_negative = Flag(load_default=False)


class ConversionPlanDraft(PlanDraft):
    """A grant that becomes a share of revenue: one award's years, and the pool that makes such awards."""

    award = minor("One award.", least=1)
    drawn_on = Day(required=True)
    threshold = minor("Revenue above which something is paid.")
    rate_bp = basis_points("What of the revenue above it.")
    cap_multiple_bp = basis_points("The most that is ever paid: 15,000 is one and a half times.", most=50_000)
    test_months = Count(
        least=1, most=120, load_default=36, metadata={"description": "Revenue has to pass the threshold by then."}
    )
    converted_bp = basis_points("How many awards convert.", load_default=5_000)
    community_interest_company = Flag(load_default=False)
    years_of_revenue = fields.List(
        fields.Nested(RevenueYearDraft), required=True, validate=validate.Length(min=1, max=MOST_YEARS)
    )

    @validates("years_of_revenue")
    def _one_a_year(self, value: list[dict[str, Any]], data_key: str) -> None:
        different([each["ended_on"] for each in value if "ended_on" in each])


class MatchPlanDraft(PlanDraft):
    """A fund that matches what employers commit, and is repaid out of what they then save."""

    employer_cash = minor("What an employer commits in cash to one match.")
    employer_staff_time = minor("What it commits in staff time, valued.", load_default=0)
    yearly_saving = minor("What the employer saves a year once the mutual runs.")
    launched_bp = basis_points("How many launch.", load_default=5_000)
    lag = Count(most=10, load_default=1, metadata={"description": "Years from the award to the launch."})
    staff_time_bp = basis_points("What of staff time counts.", load_default=STAFF_TIME_BP)
    cap = minor("The most that is matched for one stage.", least=1, load_default=CAP)
    saving_share_bp = basis_points("What of the saving is returned.", load_default=SAVING_SHARE_BP)
    months_to_save = Count(least=1, most=120, load_default=MONTHS_TO_SAVE)


class FacilityDealDraft(Draft):
    """A deal, and the share of it that is lost."""

    amount = minor("What is lent.", least=1)
    lost_bp = basis_points("What of it is lost.", load_default=0)


class FacilityPlanDraft(Draft):
    """A facility's layers and limits, and the deals that its intermediary makes, in their order."""

    currency = Currency(load_default="GBP")
    first_loss = minor("The layer that loses first.", least=1)
    mezzanine = minor("The layer after it.", load_default=0)
    senior = minor("The layer that loses last.", load_default=0)
    lender = fields.String(load_default="seed", validate=validate.OneOf(list(LEVERAGE_CAP)))
    loss_stop_bp = basis_points("What of the first loss may be lost before lending stops.", load_default=LOSS_STOP_BP)
    concentration_bp = basis_points("What of the facility one deal may be.", load_default=CONCENTRATION_BP)
    group_exposure = minor("The most that one group may owe through all intermediaries.", least=1, required=False)
    deals = fields.List(fields.Nested(FacilityDealDraft), load_default=list, validate=validate.Length(max=MOST_DEALS))


class SimulatedPoolYearView(View):
    """A year of a pool: opening, what came back, top-up, costs, awards, closing."""

    year = told("1 is the first.")
    opening = told()
    repaid = told("Minor units that are expected back.")
    topup = told()
    costs = told("Minor units that could be paid of them.")
    awarded = told()
    closing = told()


class RunwayView(View):
    """How long the plan carries, and what it needs besides: no such pool carries itself by its charges alone."""

    full_years = told("Years in which everything planned is awarded.")
    first_short_year = told("The first year that falls short; null: none of those looked at.", allow_none=True)
    last_year_with_awards = told("The last year in which anything is awarded, where none follows.", allow_none=True)
    costs_unmet = told("Minor units of costs that the pool could not pay.")
    required_topup = told(
        "The least yearly top-up that carries the whole plan, in minor units; null: none does.", allow_none=True
    )
    yearly_gap = told("What the plan costs a year in the long run beyond what comes back: the sponsor's part.")


class SimulatedPoolView(View):
    """A pool simulated: its years, its runway, and what the figures have to be read with."""

    currency = fields.String(required=True)
    years = fields.List(fields.Nested(SimulatedPoolYearView), required=True)
    awarded_in_all = told()
    repaid_in_all = told()
    topped_up_in_all = told()
    runway = fields.Nested(RunwayView, required=True)
    returned_of_each_award_bp = told("Basis points of each award that are expected back.")
    warnings = fields.List(fields.Nested(ReasonView), required=True)


class SimulatedSuccessPoolView(SimulatedPoolView):
    """A success-repayable pool, simulated."""

    break_even_charge_bp = told("The charge at which awards come back whole, costs apart.", allow_none=True)
    recycling_multiple = fields.String(
        required=True, metadata={"description": "How often the first money is awarded, in as many rounds as years."}
    )
    recycling_limit = fields.String(
        required=True, allow_none=True, metadata={"description": "The same over endless rounds; null: without end."}
    )
    largest_award = told("The most that one award may be: £50,000, and 5% of the pool.")


class ConversionYearView(View):
    """What one year's revenue makes due."""

    ended_on = fields.Date(required=True)
    revenue = told()
    payment = told()


class SimulatedConversionView(SimulatedPoolView):
    """An outcome-linked conversion, simulated: one award's payments, and the pool's years."""

    payments = fields.List(fields.Nested(ConversionYearView), required=True)
    paid_in_all = told()
    multiple = fields.String(required=True, metadata={"description": "Paid for each unit awarded."})
    rate = fields.String(
        required=True, allow_none=True, metadata={"description": "Yearly, actual/365; null where there is none."}
    )


class SimulatedMatchView(SimulatedPoolView):
    """An employer match, simulated: one match's figures, and the fund's years."""

    fund_share = told("What the fund pays in one match.")
    monthly_return = told("What the employer returns a month, rounded down.")
    months_to_repay = fields.String(required=True, allow_none=True, metadata={"description": "null: never."})
    payback_days = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Days until the saving has paid for all that both put in; null: never."},
    )


class FacilityDealView(View):
    """What became of a deal, with every check that refused it, and the sums after it."""

    number = told("1 is the first.")
    amount = told()
    outcome = fields.String(required=True, validate=validate.OneOf(["lent", "refused"]))
    reasons = fields.List(fields.Nested(ReasonView), required=True)
    lent = told()
    lost = told()
    undrawn = told()


class SimulatedFacilityView(View):
    """A facility, simulated: deal by deal, and what each layer lost."""

    currency = fields.String(required=True)
    deals = fields.List(fields.Nested(FacilityDealView), required=True)
    lent = told()
    lost = told()
    undrawn = told()
    first_loss = told("Minor units that the layer lost.")
    mezzanine = told("Minor units that the layer lost.")
    senior = told("Minor units that the layer lost.")
    largest_deal = told()
    leverage = fields.String(required=True, allow_none=True, metadata={"description": "(M + S) / L."})
    deals_until_stop = told("How many more such deals until the loss stop; null: nothing is lost.", allow_none=True)
    sponsor_needed = told("What a sponsor would have to put back into the first loss.")
    warnings = fields.List(fields.Nested(ReasonView), required=True)


DRAFTS: dict[str, type[Draft]] = dict(
    zip(
        KINDS,
        (SuccessPoolPlanDraft, ConversionPlanDraft, MatchPlanDraft, FacilityPlanDraft),
        strict=True,
    )
)
VIEWS: dict[str, type[View]] = dict(
    zip(
        KINDS,
        (SimulatedSuccessPoolView, SimulatedConversionView, SimulatedMatchView, SimulatedFacilityView),
        strict=True,
    )
)
