"""A pool that awards money and gets some of it back: year by year, what it can award, and for how long. Pure.

Amounts are integer minor units, shares exact fractions, so that the same terms give the same pennies. Figures are
expected values: of every pound awarded, `back` comes back in the years after. Nothing here knows why it comes back; the
three pools of the start-up phase (success-repayable, outcome-linked, employer match) differ in `back` alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from marketplace.instruments.amounts import BASIS_POINTS
from marketplace.values.money import LARGEST_AMOUNT

LONGEST = 40
"""Years that are looked ahead at most."""


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """What a pool begins with and means to do: awards and costs a year, a `floor` it keeps, money topped up yearly."""

    opening: int
    planned: int
    costs: int
    floor: int
    topup: int = 0
    topup_from: int = 2
    years: int = 10


@dataclass(frozen=True, slots=True)
class PoolYear:
    """One year: closing = opening + repaid + topup - costs - awarded, never below zero."""

    year: int
    opening: int
    repaid: int
    topup: int
    costs: int
    awarded: int
    closing: int


@dataclass(frozen=True, slots=True)
class Runway:
    """How far a pool carries. None: beyond the years looked at.

    `first_short`: the first year in which it cannot award what is planned; `last_award`: the last year in which it
    awards anything, where none follows; `costs_unmet`: what it could not even pay of its costs.
    """

    full_years: int
    first_short: int | None
    last_award: int | None
    costs_unmet: int


def success_profile(success_bp: int, charge_bp: int, loss_bp: int, lag: int, instalments: int) -> tuple[Fraction, ...]:
    """What comes back of a pound, by years after the award: p x k x (1 - d), in equal parts from year `lag` on."""
    whole = Fraction(success_bp * charge_bp * (BASIS_POINTS - loss_bp), BASIS_POINTS**3)
    return (Fraction(0),) * (lag - 1) + (whole / instalments,) * instalments


def saving_profile(launched_bp: int, lag: int, saving_share_bp: int, saving: int, award: int) -> tuple[Fraction, ...]:
    """What an employer returns of a pound, by years after the award: the share of its yearly saving, until all is back.

    `award` is the fund's share in one match, `saving` the yearly saving it is returned from.
    """
    a_year = Fraction(saving_share_bp * saving, BASIS_POINTS * award)
    chance, left, parts = Fraction(launched_bp, BASIS_POINTS), Fraction(1), [Fraction(0)] * lag
    while left > 0 and a_year > 0 and len(parts) < LONGEST:
        part = min(left, a_year)
        parts.append(part * chance)
        left -= part
    return tuple(parts)


def payment_profile(converted_bp: int, payments: Sequence[int], award: int) -> tuple[Fraction, ...]:
    """What comes back of a pound where one award of `award` makes these payments, a year each, with that chance."""
    return tuple(Fraction(converted_bp * payment, BASIS_POINTS * award) for payment in payments)


def run_pool(plan: PoolPlan, back: Sequence[Fraction]) -> list[PoolYear]:
    """The pool's years. `back[j]`: what of a pound comes back j + 1 years after its award.

    award = min(planned, max(0, cash - floor)); costs are paid first and never out of money that is not there, so that
    no year closes below zero. Half-up to the minor unit, once a year.
    """
    years: list[PoolYear] = []
    cash = plan.opening
    for year in range(1, plan.years + 1):
        opening = cash
        repaid = _rounded(
            sum(
                (each.awarded * back[year - each.year - 1] for each in years if year - each.year - 1 < len(back)),
                Fraction(0),
            )
        )
        topup = plan.topup if year >= plan.topup_from else 0
        costs = min(plan.costs, opening + repaid + topup)
        held = opening + repaid + topup - costs
        awarded = min(plan.planned, max(0, held - plan.floor))
        cash = held - awarded
        years.append(PoolYear(year, opening, repaid, topup, costs, awarded, cash))
    return years


def runway(plan: PoolPlan, years: Sequence[PoolYear]) -> Runway:
    """How long the years carry the plan."""
    short = next((each.year for each in years if each.awarded < plan.planned), None)
    last = max((each.year for each in years if each.awarded), default=0)
    return Runway(
        full_years=len(years) if short is None else short - 1,
        first_short=short,
        last_award=None if last == len(years) else last,
        costs_unmet=sum(plan.costs - each.costs for each in years),
    )


def required_topup(plan: PoolPlan, back: Sequence[Fraction]) -> int | None:
    """The least yearly top-up with which every year awards what is planned and pays its costs; None where none does.

    More money in never means less awarded, so the least one is found by halving.
    """

    def carries(topup: int) -> bool:
        carried = replace(plan, topup=topup)
        found = runway(carried, run_pool(carried, back))
        return found.first_short is None and found.costs_unmet == 0

    low, high = 0, min(plan.planned + plan.costs + plan.floor, LARGEST_AMOUNT)
    if not carries(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if carries(middle) else (middle + 1, high)
    return low


def yearly_gap(plan: PoolPlan, back: Sequence[Fraction]) -> int:
    """What the plan costs a year once every cohort repays: costs + planned x (1 - all that comes back); may be < 0."""
    return _rounded(plan.costs + plan.planned * (1 - sum(back, Fraction(0))))


def break_even_charge(success_bp: int, loss_bp: int) -> Fraction | None:
    """k = 1 / (p (1 - d)): the charge at which awards come back whole, costs apart; None where nothing ever does."""
    back = success_bp * (BASIS_POINTS - loss_bp)
    return Fraction(BASIS_POINTS**2, back) if back else None


def _rounded(amount: Fraction | int) -> int:
    exact = Fraction(amount)
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
