"""Quasi-equity: a share of revenue above a threshold, up to a cap, for some years. Pure; minor units, basis points.

Suits forms without shares: neither votes nor ownership pass. The worked example is constructed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from marketplace.instruments.amounts import share_of
from marketplace.instruments.dates import years_after

LONGEST = 10
"""Years after drawing in which revenue may still make something due."""


@dataclass(frozen=True, slots=True)
class QuasiEquityTerms:
    """`cap_bp` of the principal is the most that is ever paid (15,000: one and a half times).

    With a `test_on`, it stays a grant unless a year that ended by then had revenue above the threshold.
    """

    threshold: int
    rate_bp: int
    cap_bp: int
    years: int = LONGEST
    test_on: date | None = None


@dataclass(frozen=True, slots=True)
class Year:
    """A year's revenue. `cash_was_negative`: its free cash flow was below zero, which suspends the year's payment."""

    ended_on: date
    revenue: int
    cash_was_negative: bool = False


def cap_of(principal: int, terms: QuasiEquityTerms) -> int:
    """The most that is ever paid, half-up."""
    return share_of(principal, terms.cap_bp)


def dues(principal: int, terms: QuasiEquityTerms, drawn_on: date, years: Sequence[Year]) -> list[int]:
    """What each year makes due, in the order of their ends: min(cap - paid, rate x max(0, revenue - threshold)).

    Nothing for a year of negative free cash, for one that ended more than the terms' years after drawing, and for any
    where the test was not met. A year that is suspended is not made up for.
    """
    order = sorted(range(len(years)), key=lambda place: years[place].ended_on)
    left = cap_of(principal, terms) if _converted(terms, years) else 0
    last = years_after(drawn_on, terms.years)
    made = [0] * len(years)
    for place in order:
        year = years[place]
        if year.cash_was_negative or not drawn_on <= year.ended_on <= last:
            continue
        made[place] = min(left, share_of(max(0, year.revenue - terms.threshold), terms.rate_bp))
        left -= made[place]
    return made


def _converted(terms: QuasiEquityTerms, years: Sequence[Year]) -> bool:
    if terms.test_on is None:
        return True
    return any(year.ended_on <= terms.test_on and year.revenue > terms.threshold for year in years)
