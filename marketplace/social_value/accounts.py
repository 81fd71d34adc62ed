"""An account as it is kept and shown: plain JSON in, the rules' values between, rounded JSON out.

Knows the dated discount rates. What is kept holds everything that the result was computed from. Must not know whose
account it is, nor write anything.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from marketplace.instruments.amounts import half_up
from marketplace.reference.parameters import PARAMETERS, value_on
from marketplace.social_value.rules import (
    Account,
    AccountFaults,
    BreakEven,
    Case,
    Convention,
    Fault,
    Input,
    Outcome,
    Proxy,
    Rates,
    SocialReturn,
    account_faults,
    account_warnings,
    break_even,
    exactly,
    refuse,
    sensitivity,
    social_return,
)
from marketplace.values.money import Money

STANDARD, HEALTH = "discount_rate", "health_discount_rate"
METHOD = 1
"""Raised when the same content would come to another result."""
PLACES = Decimal("0.0001")
BASIS_POINTS = 10_000


def content_of(draft: Mapping[str, Any], today: date) -> dict[str, Any]:
    """What is kept of a draft, as JSON values, with the discount rates that it takes. AccountFaults for an unknown day.

    The rates are those of the dated parameters on `as_of`, or the author's own, which come with a reason.
    """
    kept: dict[str, Any] = _plain({**draft, "as_of": draft.get("as_of") or today})
    kept["rates"] = _rates(draft.get("rates"), draft.get("as_of") or today, today)
    return kept


def _rates(own: Mapping[str, Any] | None, as_of: date, today: date) -> dict[str, Any]:
    standard, health = value_on(STANDARD, as_of), value_on(HEALTH, as_of)
    if own is not None:
        return {
            "standard_bp": own["standard_bp"],
            "health_bp": own.get("health_bp", own["standard_bp"]),
            "from": "author",
            "reason": own["reason"],
            "sources": [],
        }
    if standard is None or as_of > today:
        first = PARAMETERS[STANDARD].values[0][0]
        detail = f"A discount rate is known from {first} until today"
        refuse(AccountFaults, [Fault("RATE_KNOWN", "#/as_of", detail, str(as_of), str(first))])
    names = [STANDARD] if health is None else [STANDARD, HEALTH]
    sources = [{name: getattr(PARAMETERS[each], name) for name in ("name", "law", "source")} for each in names]
    health_bp = standard if health is None else health
    return {
        "standard_bp": standard,
        "health_bp": health_bp,
        "from": "parameters",
        "reason": None,
        "sources": sources,
    }


def account_of(content: Mapping[str, Any]) -> Account:
    """The account that the kept content says."""
    rates = content["rates"]
    return Account(
        currency=content["currency"],
        convention=Convention(content["convention"]),
        rates=Rates(_fraction(rates["standard_bp"]), _fraction(rates["health_bp"])),
        inputs=tuple(_inputs(content)),
        outcomes=tuple(_outcome(each) for each in content["outcomes"]),
    )


@exactly
def _inputs(content: Mapping[str, Any]) -> list[Input]:
    paid = [
        Input(f"#/inputs/{place}/amount", Decimal(each["amount"]["amount"]), each["amount"]["currency"])
        for place, each in enumerate(content["inputs"])
    ]
    given = [
        Input(
            f"#/volunteer_time/{place}/hourly_value",
            Decimal(each["hours"]) * each["hourly_value"]["amount"],
            each["hourly_value"]["currency"],
        )
        for place, each in enumerate(content["volunteer_time"])
    ]
    return [*paid, *given]


def _outcome(kept: Mapping[str, Any]) -> Outcome:
    proxy = kept["proxy"]
    return Outcome(
        beneficiary=kept["beneficiary"],
        quantity=Decimal(kept["quantity"]),
        proxy=Proxy(
            name=proxy["name"],
            value=proxy["value"]["amount"],
            currency=proxy["value"]["currency"],
            source=proxy["source"],
            year=proxy["year"],
        ),
        deadweight=_fraction(kept["deadweight_bp"]),
        displacement=_fraction(kept["displacement_bp"]),
        attribution=_fraction(kept["attribution_bp"]),
        drop_off=_fraction(kept["drop_off_bp"]),
        duration=kept["duration_years"],
        start=kept["start_year"],
        health=kept["health"],
    )


def result_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the kept content comes to, rounded once, as JSON values. AccountFaults with every broken rule."""
    account, as_of = account_of(content), date.fromisoformat(content["as_of"])
    refuse(AccountFaults, account_faults(account, as_of))
    told = social_return(account)
    return {
        "method": METHOD,
        **totals_of(told),
        "payback_months": _months(told.payback_months),
        "cumulative_payback_months": _months(told.cumulative_payback_months),
        "years": [
            {
                "year": each.year,
                "undiscounted": half_up(each.undiscounted),
                "present_value": half_up(each.present_value),
            }
            for each in told.years
        ],
        "outcomes": [
            {
                "beneficiary": outcome.beneficiary,
                "proxy": outcome.proxy.name,
                "gross": half_up(value.gross),
                "after_deadweight": half_up(value.after_deadweight),
                "after_displacement": half_up(value.after_displacement),
                "first_year": half_up(value.first_year),
                "undiscounted": half_up(value.undiscounted),
                "present_value": half_up(value.present_value),
            }
            for outcome, value in zip(account.outcomes, told.outcomes, strict=True)
        ],
        "by_beneficiary": _totals_by(content, told, "beneficiary"),
        "by_payer": _totals_by(content, told, "payer"),
        "by_theme": _totals_by(content, told, "theme"),
        "sensitivity": [_case(each) for each in sensitivity(account)],
        "break_even": _break_even(break_even(account)),
        "warnings": [each.as_json() for each in account_warnings(account, as_of)],
    }


def totals_of(told: SocialReturn | Case, invested: Decimal | None = None) -> dict[str, Any]:
    """The head of a result: what was put in and what it came to; the ratio with 4 places and, for reading, with 2."""
    put_in = told.invested if isinstance(told, SocialReturn) else invested
    head = {} if put_in is None else {"invested": half_up(put_in)}
    return head | {
        "total_present_value": half_up(told.total),
        "net_present_value": half_up(told.net),
        "ratio": places(told.ratio, 4),
        "ratio_shown": places(told.ratio, 2),
    }


def places(number: Decimal, digits: int) -> str:
    """A decimal string with so many places, halves up, and no minus before nothing."""
    rounded = _rounded(number, digits)
    return f"{abs(rounded) if rounded == 0 else rounded:f}"


@exactly
def _rounded(number: Decimal, digits: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def _months(months: Decimal | None) -> str | None:
    return None if months is None else places(months, 2)


def _case(case: Case) -> dict[str, Any]:
    return {"assumption": case.name, **totals_of(case)}


def _break_even(found: BreakEven) -> dict[str, Any]:
    points = None if found.deadweight_points is None else places(found.deadweight_points * 100, 2)
    return {
        "value_share": None if found.value_share is None else places(found.value_share, 4),
        "deadweight_points": points,
    }


def _totals_by(content: Mapping[str, Any], told: SocialReturn, member: str) -> list[dict[str, Any]]:
    """Present values summed by who benefits, who pays or by theme; those that say none come under null."""
    sums: dict[str | None, Decimal] = {}
    for outcome, value in zip(content["outcomes"], told.outcomes, strict=True):
        name = outcome.get(member)
        sums[name] = sums.get(name, Decimal()) + value.present_value
    return [{"name": name, "present_value": half_up(amount)} for name, amount in sums.items()]


def _fraction(basis_points: int) -> Decimal:
    return Decimal(basis_points) / BASIS_POINTS


def _plain(value: Any) -> Any:
    """The value as JSON: decimals and days as strings, money as its amount and currency."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    if isinstance(value, Money):
        return {"amount": value.amount, "currency": value.currency}
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else value
