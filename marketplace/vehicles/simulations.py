"""The four vehicles of the start-up phase, simulated: computed by what runs them, answered, and kept nowhere.

Also what an opened vehicle's forecast is made of. Knows no database and no caller.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

from marketplace.instruments import caps, employer_match, facilities, pools, quasi_equity, returns, start_up_pools
from marketplace.instruments.dates import months_after
from marketplace.instruments.employer_match import MatchTerms
from marketplace.instruments.facilities import Deal, FacilityTerms
from marketplace.instruments.quasi_equity import QuasiEquityTerms, Year
from marketplace.instruments.start_up_pools import PoolPlan
from marketplace.values.money import LARGEST_AMOUNT
from marketplace.values.reasons import Reason
from marketplace.vehicles import rules
from marketplace.vehicles.rules import TermsWrong

PLAN = ("opening", "planned", "costs", "floor", "topup", "topup_from", "years")


def success_repayable_pool(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Vehicle A: awards are repaid with a charge, in equal parts, only by groups that launch with a contract."""
    back = start_up_pools.success_profile(
        asked["success_bp"], asked["charge_bp"], asked["loss_bp"], asked["lag"], asked["instalments"]
    )
    even = start_up_pools.break_even_charge(asked["success_bp"], asked["loss_bp"])
    told = _pool(asked, back, rules.charge_warnings(asked["charge_bp"], even))
    rate = sum(back, Fraction(0))
    return told | {
        "returned_of_each_award_bp": _bp(rate),
        "break_even_charge_bp": None if even is None else _bp(even),
        "recycling_multiple": f"{pools.recycling_multiple(_decimal(rate), asked['years']):.6f}",
        "recycling_limit": None if rate >= 1 else f"{pools.recycling_limit(_decimal(rate)):.4f}",
        "largest_award": min(rules.AWARD_CAP, asked["opening"] * rules.POOL_SHARE_BP // 10_000),
    }


def outcome_linked_conversion(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Vehicle B: a grant that turns into a share of revenue once revenue passes a threshold by the test date."""
    award, drawn_on = asked["award"], asked["drawn_on"]
    terms = QuasiEquityTerms(
        asked["threshold"],
        asked["rate_bp"],
        asked["cap_multiple_bp"],
        test_on=months_after(drawn_on, asked["test_months"]),
    )
    years = [
        Year(each["ended_on"], each["revenue"], each["free_cash_was_negative"], each.get("surplus"))
        for each in asked["years_of_revenue"]
    ]
    share = caps.DIVIDEND_CAP_BP if asked["community_interest_company"] else None
    payments = quasi_equity.dues(award, terms, drawn_on, years, surplus_share_bp=share)
    uncapped = quasi_equity.dues(award, terms, drawn_on, years)
    total = sum(payments)
    warned = []
    if total == 0:
        warned.append(rules.warning("STAYS_A_GRANT", wanted=terms.threshold, found=max(y.revenue for y in years)))
    if payments != uncapped:
        warned.append(rules.warning("SURPLUS_CAP", wanted=share, found=sum(uncapped) - total))
    if any(each.cash_was_negative for each in years):
        warned.append(rules.warning("SUSPENDED_YEARS", wanted=0, found=sum(each.cash_was_negative for each in years)))
    if asked["community_interest_company"]:
        most = caps.interest_cap(award)
        if any(payment > most for payment in payments):
            warned.append(rules.warning("CIC_INTEREST_CAP", wanted=most, found=max(payments)))
    flows = [(drawn_on, -award), *((y.ended_on, paid) for y, paid in zip(years, payments, strict=True) if paid)]
    by_year = _by_year(drawn_on, years, payments)
    back = start_up_pools.payment_profile(asked["converted_bp"], by_year, award)
    return _pool(asked, back, warned) | {
        "payments": [
            {"ended_on": y.ended_on, "revenue": y.revenue, "payment": paid}
            for y, paid in zip(years, payments, strict=True)
        ],
        "paid_in_all": total,
        "multiple": f"{total / award:.4f}",
        "rate": _rate(flows),
        "returned_of_each_award_bp": _bp(sum(back, Fraction(0))),
    }


def employer_match_fund(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Vehicle C: the fund matches the employer's cash and staff time, and the employer's saving repays it."""
    terms = match_terms(asked)
    share = employer_match.matched(terms, asked["employer_cash"], asked["employer_staff_time"])
    if share == 0:
        raise TermsWrong(
            "There is nothing to match.",
            errors=[{"pointer": "#/employer_cash", "detail": "Give cash or staff time that the fund can match."}],
        )
    saving = asked["yearly_saving"]
    back = start_up_pools.saving_profile(asked["launched_bp"], asked["lag"], terms.saving_share_bp, saving, share)
    warned = [rules.warning("CONFLICT_AS_COMMISSIONER", wanted="declared", found="for the employer to declare")]
    if saving * terms.saving_share_bp == 0:
        warned.append(rules.warning("BECOMES_A_GRANT", wanted=terms.months_to_save, found=None))
    given = asked["employer_cash"] + asked["employer_staff_time"]
    if given > share:
        warned.append(rules.warning("NOT_ALL_MATCHED", wanted=share, found=given))
    months = pools.months_to_repay(share, saving, terms.saving_share_bp) if saving * terms.saving_share_bp else None
    return _pool(asked, back, warned) | {
        "fund_share": share,
        "months_to_repay": None if months is None else f"{months:.2f}",
        "payback_days": f"{pools.payback_days(share + given, saving):.2f}" if saving else None,
        "monthly_return": terms.saving_share_bp * saving // (12 * 10_000),
        "returned_of_each_award_bp": _bp(sum(back, Fraction(0))),
    }


def wholesale_facility(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Vehicle D: a facility lends deal by deal until its loss stop; losses fall first loss, mezzanine, senior."""
    terms = facility_terms(asked)
    faults = rules.leverage_faults(terms, asked["lender"])
    if faults:
        raise TermsWrong("The layers do not fit the lender.", errors=faults)
    deals = [Deal(each["amount"], each["lost_bp"]) for each in asked["deals"]]
    run = facilities.run_facility(terms, deals)
    borne = {layer.name: layer.lost for layer in run.layers}
    lent = [deal for deal, told in zip(deals, run.deals, strict=True) if not told.refused]
    loss_bp = run.lost * 10_000 // run.lent if run.lent else 0
    average = run.lent // len(lent) if lent else 0
    more = facilities.deals_until_stop(terms, run.lost, average, loss_bp)
    stopped = run.lost * 10_000 >= terms.loss_stop_bp * terms.first_loss
    warned = [rules.warning("EXPECTED_VALUES", wanted="what happens", found="what is expected")]
    if stopped:
        warned.append(
            rules.warning("LOSS_STOP", wanted=terms.first_loss * terms.loss_stop_bp // 10_000, found=run.lost)
        )
    elif more is not None:
        warned.append(rules.warning("RUNWAY_ENDS", wanted=None, found=more))
    if borne["first_loss"]:
        warned.append(rules.warning("NEEDS_SPONSOR", wanted=0, found=borne["first_loss"]))
    if borne["senior"]:
        warned.append(rules.warning("SENIOR_LOSES", wanted=0, found=borne["senior"]))
    leverage = facilities.leverage(terms)
    return {
        "currency": asked["currency"],
        "deals": [
            {
                "number": each.number,
                "amount": each.amount,
                "outcome": "refused" if each.refused else "lent",
                "reasons": [rules.check_reason(check).as_json() for check in each.refused],
                "lent": each.lent,
                "lost": each.lost,
                "undrawn": each.undrawn,
            }
            for each in run.deals
        ],
        "lent": run.lent,
        "lost": run.lost,
        "undrawn": run.undrawn,
        **borne,
        "largest_deal": terms.largest_deal,
        "leverage": None if leverage is None else f"{leverage:.2f}",
        "deals_until_stop": 0 if stopped else more,
        "sponsor_needed": borne["first_loss"],
        "warnings": [each.as_json() for each in warned],
    }


SIMULATED: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "success_repayable_pool": success_repayable_pool,
    "outcome_linked_conversion": outcome_linked_conversion,
    "employer_match": employer_match_fund,
    "wholesale_facility": wholesale_facility,
}
"""By kind."""


def match_terms(asked: Mapping[str, Any]) -> MatchTerms:
    """The terms of an employer match as they were asked for."""
    return MatchTerms(**{name: asked[name] for name in MatchTerms.__dataclass_fields__})


def facility_terms(asked: Mapping[str, Any]) -> FacilityTerms:
    """The terms of a facility as they were asked for."""
    return FacilityTerms(**{name: asked[name] for name in FacilityTerms.__dataclass_fields__})


def _pool(asked: Mapping[str, Any], back: tuple[Fraction, ...], warned: list[Reason]) -> dict[str, Any]:
    plan = PoolPlan(**{name: asked[name] for name in PLAN})
    _refuse_large(plan)
    years = start_up_pools.run_pool(plan, back)
    carried = start_up_pools.runway(plan, years)
    needed, gap = start_up_pools.required_topup(plan, back), start_up_pools.yearly_gap(plan, back)
    warnings = rules.pool_warnings(carried, plan.years, needed, gap) + warned
    return {
        "currency": asked["currency"],
        "years": [asdict(each) for each in years],
        "awarded_in_all": sum(each.awarded for each in years),
        "repaid_in_all": sum(each.repaid for each in years),
        "topped_up_in_all": sum(each.topup for each in years),
        "runway": {
            "full_years": carried.full_years,
            "first_short_year": carried.first_short,
            "last_year_with_awards": carried.last_award,
            "costs_unmet": carried.costs_unmet,
            "required_topup": needed,
            "yearly_gap": gap,
        },
        "warnings": [each.as_json() for each in warnings],
    }


def _refuse_large(plan: PoolPlan) -> None:
    """The plan's own sums stay amounts that the marketplace keeps."""
    if (plan.opening + plan.topup * plan.years) * 10 > LARGEST_AMOUNT:
        raise TermsWrong(
            "The plan's sums are too large.",
            errors=[{"pointer": "#/opening", "detail": f"With every top-up, at most {LARGEST_AMOUNT // 10}."}],
        )


def _by_year(drawn_on: Any, years: list[Year], payments: list[int]) -> list[int]:
    """The payments by whole years after the award, as a pool counts its years."""
    last = max((year.ended_on for year in years), default=drawn_on)
    made = [0] * max(1, min(start_up_pools.LONGEST, last.year - drawn_on.year))
    for year, paid in zip(years, payments, strict=True):
        place = min(len(made), max(1, year.ended_on.year - drawn_on.year)) - 1
        made[place] += paid
    return made


def _rate(flows: list[tuple[Any, int]]) -> str | None:
    try:
        return f"{returns.xirr(flows):.9f}"
    except (returns.NoRateOfReturn, returns.SeveralRatesOfReturn):
        return None


def _decimal(rate: Fraction) -> Decimal:
    return Decimal(rate.numerator) / rate.denominator


def _bp(share: Fraction) -> int:
    return int((2 * share.numerator * 10_000 + share.denominator) // (2 * share.denominator))
