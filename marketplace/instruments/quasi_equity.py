"""Quasi-equity: a share of revenue above a threshold, up to a cap, for some years. Pure; minor units, basis points.

Suits forms without shares: neither votes nor ownership pass. The worked example is constructed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from marketplace.instruments.amounts import BASIS_POINTS, share_of
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
    """A year's revenue. `cash_was_negative`: its free cash flow was below zero, which suspends the year's payment.

    `surplus`: what the year left over, where a cap on a share of it is to be kept.
    """

    ended_on: date
    revenue: int
    cash_was_negative: bool = False
    surplus: int | None = None


def cap_of(principal: int, terms: QuasiEquityTerms) -> int:
    """The most that is ever paid, half-up."""
    return share_of(principal, terms.cap_bp)


def dues(
    principal: int,
    terms: QuasiEquityTerms,
    drawn_on: date,
    years: Sequence[Year],
    *,
    surplus_share_bp: int | None = None,
) -> list[int]:
    """What each year makes due, in the order of their ends: min(cap - paid, rate x max(0, revenue - threshold)).

    Nothing for a year of negative free cash, for one that ended more than the terms' years after drawing, and for any
    where the test was not met. A year that is suspended is not made up for. With a `surplus_share_bp` no year pays more
    than that share of its surplus, rounded down; a year whose surplus is not known pays as if there were no such cap.
    """
    order = sorted(range(len(years)), key=lambda place: years[place].ended_on)
    left = cap_of(principal, terms) if _converted(terms, years) else 0
    last = years_after(drawn_on, terms.years)
    made = [0] * len(years)
    for place in order:
        year = years[place]
        if year.cash_was_negative or not drawn_on <= year.ended_on <= last:
            continue
        due = min(left, share_of(max(0, year.revenue - terms.threshold), terms.rate_bp))
        if surplus_share_bp is not None and year.surplus is not None:
            due = min(due, max(0, year.surplus) * surplus_share_bp // BASIS_POINTS)
        made[place] = due
        left -= due
    return made


def _converted(terms: QuasiEquityTerms, years: Sequence[Year]) -> bool:
    if terms.test_on is None:
        return True
    return any(year.ended_on <= terms.test_on and year.revenue > terms.threshold for year in years)
