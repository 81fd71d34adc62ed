"""Schedules and rates of return for anyone: computed, answered, and kept nowhere."""

from datetime import date
from typing import Any

from marketplace.instruments import returns
from marketplace.instruments.loans import LoanSchedule, LoanTerms, faults_of, loan_schedule
from marketplace.repayments import rules
from marketplace.values.money import LARGEST_AMOUNT, Money


def schedule_of(asked: dict[str, Any]) -> dict[str, Any]:
    """A loan's schedule with its sums, and its effective yearly rate, beside a grant and alone."""
    principal: Money = asked["principal"]
    terms = LoanTerms(**{name: asked[name] for name in LoanTerms.__dataclass_fields__})
    faults = faults_of(terms)
    if faults:
        errors = [{"pointer": f"#/{name}", "detail": detail} for name, detail in faults.items()]
        raise rules.TermNotPossible("The terms contradict themselves.", errors=errors)
    grant: Money = asked.get("grant", Money(0, principal.currency))
    if grant.currency != principal.currency:
        raise rules.CurrencyDiffers("Grant and loan are in one currency.", pointer="#/grant/currency")
    schedule = loan_schedule(principal.amount, terms, asked["starts_on"])
    if schedule.paid_in_all > LARGEST_AMOUNT:
        raise rules.AmountsTooLarge(
            f"Together the payments may be {LARGEST_AMOUNT} at most.", pointer="#/principal/amount"
        )
    return {
        "currency": principal.currency,
        "principal": schedule.principal,
        "fee": schedule.fee,
        "opening": schedule.opening,
        "interest": schedule.interest,
        "paid_in_all": schedule.paid_in_all,
        "effective_annual_rate": _effective(schedule, 0),
        "blended_effective_annual_rate": _effective(schedule, grant.amount) if grant.amount else None,
        "instalments": schedule.instalments,
    }


def returns_of(asked: dict[str, Any]) -> dict[str, Any]:
    """The rate of return of dated flows, actual/365. NoRateOfReturn and SeveralRatesOfReturn where it has none."""
    flows: list[tuple[date, int]] = [(each["on"], each["amount"]) for each in asked["flows"]]
    try:
        rate = returns.xirr(flows)
    except returns.NoRateOfReturn as none:
        raise rules.NoRateOfReturn("Money has to go out and to come in, and to cross zero at some rate.") from none
    except returns.SeveralRatesOfReturn as several:
        raise rules.SeveralRatesOfReturn(
            "The flows change their sign more than once, and several rates fit.",
            rates=[_rate(each) for each in several.rates],
        ) from several
    earned = returns.multiple([amount for _, amount in flows])
    return {"rate": _rate(rate), "multiple": None if earned is None else f"{earned:.4f}"}


def _effective(schedule: LoanSchedule, grant: int) -> str | None:
    first = 0 if schedule.terms.in_advance else 1
    payments = [(each.number - 1 + first, each.payment) for each in schedule.instalments]
    try:
        return _rate(returns.effective_annual_rate(schedule.principal + grant, payments))
    except (returns.NoRateOfReturn, returns.SeveralRatesOfReturn):
        return None


def _rate(rate: float) -> str:
    """A fraction as a decimal string: 0.373362535 is 37.3362535% a year."""
    return f"{rate:.9f}"
