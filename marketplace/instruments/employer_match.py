"""A fund that matches an employer's money and staff time, and is repaid out of what the employer then saves. Pure.

Amounts are integer minor units, shares basis points. Returned in months: share x yearly saving / 12.
"""

from dataclasses import dataclass
from datetime import date

from marketplace.instruments.amounts import BASIS_POINTS
from marketplace.instruments.dates import months_after

CASH_BP = 10_000
STAFF_TIME_BP = 5_000
"""What of staff time counts, and only from signed timesheets."""
CAP = 50_000_00
"""The most that the fund matches for one stage."""
SAVING_SHARE_BP = 2_000
MONTHS_TO_SAVE = 24
"""Months after the launch in which a saving has to be verified; without one the fund's share becomes a grant."""


@dataclass(frozen=True, slots=True)
class MatchTerms:
    """How a fund matches: what of staff time counts, its cap for a stage, the share of the saving that comes back."""

    staff_time_bp: int = STAFF_TIME_BP
    cap: int = CAP
    saving_share_bp: int = SAVING_SHARE_BP
    months_to_save: int = MONTHS_TO_SAVE


def matched(terms: MatchTerms, cash: int, staff_time: int) -> int:
    """What the fund may pay beside these contributions: 1:1 of cash and of the share of staff time, up to the cap.

    Rounded down to the minor unit: a match is never rounded up.
    """
    return min(terms.cap, cash + staff_time * terms.staff_time_bp // BASIS_POINTS)


def due_by_month(terms: MatchTerms, paid: int, saving: int, months: int) -> int:
    """What of `paid` the employer has to have returned after `months` of a yearly saving, rounded down, at most all."""
    return min(paid, max(0, months) * terms.saving_share_bp * saving // (12 * BASIS_POINTS))


def last_day_to_save(terms: MatchTerms, launched_on: date) -> date:
    """The last day on which a verified saving makes the fund's share repayable."""
    return months_after(launched_on, terms.months_to_save)


def whole_months(since: date, on: date) -> int:
    """Whole months from `since` to `on`; 0 before one is over."""
    months = (on.year - since.year) * 12 + on.month - since.month
    return max(0, months if months_after(since, max(months, 0)) <= on else months - 1)
