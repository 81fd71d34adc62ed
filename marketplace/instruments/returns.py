"""Rates of return: of dated cash flows and of a loan or blended offer.

A rate is no money: it is found in binary floating point, to 1e-10, and handed out as a float. Amounts are minor units.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

DAYS_OF_A_YEAR = 365
LEAST, MOST = -20.0, 20.0
"""Where rates are looked for, as ln(1 + rate): from losing all but a billionth in a year to half a billionfold."""
LOOKED_AT = (
    *(LEAST + step / 10 for step in range(185)),
    *(-1.5 + step / 100 for step in range(300)),
    *(1.5 + step / 10 for step in range(186)),
)
"""Where flows that may have several rates are looked at: rates closer to each other than these are taken for one."""
CLOSE = 1e-14


class NoRateOfReturn(ArithmeticError):
    """No rate makes the flows worth nothing: they have one sign, or never cross zero."""


class SeveralRatesOfReturn(ArithmeticError):
    """More than one rate does; none of them is *the* rate of return. `rates` in rising order."""

    def __init__(self, rates: list[float]) -> None:
        super().__init__(f"{len(rates)} rates of return")
        self.rates = rates


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Signed minor units, `years` after the first flow."""

    years: float
    amount: int


def dated(flows: Sequence[tuple[date, int]]) -> list[CashFlow]:
    """Dated flows as fractions of a year of 365 days after the earliest one (actual/365)."""
    first = min(day for day, _ in flows)
    return [CashFlow((day - first).days / DAYS_OF_A_YEAR, amount) for day, amount in flows]


def net_present_value(rate: float, flows: Sequence[CashFlow]) -> float:
    """The sum of cf / (1 + r)^t, in minor units; OverflowError where a discount factor is beyond all bounds."""
    return math.fsum(flow.amount * (1 + rate) ** -flow.years for flow in flows)


def xirr(flows: Sequence[tuple[date, int]]) -> float:
    """The yearly rate r for which sum cf / (1 + r)^(days/365) = 0: Excel's XIRR, without its guess.

    Definition and example: https://support.microsoft.com/en-us/office/xirr-function. NoRateOfReturn and
    SeveralRatesOfReturn are said and not guessed at.
    """
    return rate_of_return(dated(flows))


def rate_of_return(flows: Sequence[CashFlow]) -> float:
    """The one yearly rate that makes `flows` worth nothing, by bisection inside brackets, so that it always ends."""
    if not any(flow.amount > 0 for flow in flows) or not any(flow.amount < 0 for flow in flows):
        raise NoRateOfReturn("flows of one sign")
    rates = [math.expm1(root) for root in _roots(flows)]
    if not rates:
        raise NoRateOfReturn("no rate between -99.9999998% and a 485-millionfold")
    if len(rates) > 1:
        raise SeveralRatesOfReturn(rates)
    return rates[0]


def multiple(flows: Sequence[int]) -> float | None:
    """What came in for each unit that went out; None where nothing went out."""
    out = -sum(amount for amount in flows if amount < 0)
    return sum(amount for amount in flows if amount > 0) / out if out else None


def effective_annual_rate(advanced: int, payments: Sequence[tuple[int, int]]) -> float:
    """The yearly rate at which `payments` (month after drawing, minor units) are worth what was `advanced`.

    The grant beside a loan counts as advanced and is never repaid, so that the rate of a blended offer may be negative.
    """
    return rate_of_return([CashFlow(0, advanced), *(CashFlow(month / 12, -amount) for month, amount in payments)])


def _worth(u: float, flows: Sequence[CashFlow]) -> float:
    """A number of the net present value's sign at 1 + r = e^u: scaled by its largest discount factor."""
    exponents = [-flow.years * u for flow in flows]
    largest = max(exponents)
    return math.fsum(
        flow.amount * math.exp(exponent - largest) for flow, exponent in zip(flows, exponents, strict=True)
    )


def _roots(flows: Sequence[CashFlow]) -> list[float]:
    if _turns_once(flows):
        return [_bisected(LEAST, MOST, flows)] if _worth(LEAST, flows) * _worth(MOST, flows) <= 0 else []
    found: list[float] = []
    worths = [_worth(u, flows) for u in LOOKED_AT]
    for (left, right), (worth, after) in zip(pairwise(LOOKED_AT), pairwise(worths), strict=True):
        if worth == 0:
            found.append(left)
        elif worth * after < 0:
            found.append(_bisected(left, right, flows))
    return found


def _turns_once(flows: Sequence[CashFlow]) -> bool:
    """Descartes' rule of signs: with one change of sign in the order of time there is one rate at most."""
    totals: dict[float, int] = {}
    for flow in flows:
        totals[flow.years] = totals.get(flow.years, 0) + flow.amount
    signs = [total > 0 for _, total in sorted(totals.items()) if total]
    return sum(one != other for one, other in pairwise(signs)) <= 1


def _bisected(left: float, right: float, flows: Sequence[CashFlow]) -> float:
    below = _worth(left, flows)
    while right - left > CLOSE * max(1.0, abs(left)):
        middle = (left + right) / 2
        if middle in {left, right}:
            break
        worth = _worth(middle, flows)
        if worth == 0:
            return middle
        if (worth > 0) == (below > 0):
            left = middle
        else:
            right = middle
    return (left + right) / 2
