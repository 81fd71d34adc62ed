"""A scenario played year by year: who would spin out (Bass), who has the money to, and who is still there. Pure.

Each year n groups are willing: one step of Bass's model from the number that has launched so far. Seed money pays for
as many as it reaches to; of the others a share launches anyway, the rest does not and may be willing again. A cohort's
contract runs `contract_years`; at its end a share is won again, the others end. Expected values: nothing is drawn.
With money for all and every contract re-won, it is Bass's model to the digit (a property test says so).
"""

import math
from dataclasses import dataclass

from marketplace.insight.bass import Bass, Form, cumulative_at
from marketplace.values.money import Money

WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a scenario assumes: p and q a year, sums for one launch and for one year, shares in basis points."""

    form: Form
    market: float
    p: float
    q: float
    start_year: int
    years: int
    already: int
    seed_per_launch: Money
    seed_per_year: Money
    unfunded_bp: int
    contract_years: int
    rewon_bp: int

    @property
    def bass(self) -> Bass:
        return Bass(self.market, self.p, self.q)


@dataclass(frozen=True, slots=True)
class SimulatedYear:
    """One year: willing, launched (so far), not launched for want of money, running and ended by its end; money."""

    year: int
    willing: float
    launched: float
    not_launched: float
    running: float
    ended: float
    launched_so_far: float
    seed_needed: Money
    seed_available: Money
    seed_used: Money
    seed_short: Money


def step(model: Bass, form: Form, reached: float) -> float:
    """How many more adopt in the period after `reached` have.

    The discrete form's recursion; or the continuous form's flow: the time at which its curve is at `reached`,
    t = ln((1 + (q/p) F) / (1 - F)) / (p + q), and one period on. Never more than are left.
    """
    left = max(model.market - reached, 0.0)
    if left == 0:
        return 0.0
    share = reached / model.market
    if form is Form.DISCRETE:
        return min((model.p + model.q * share) * left, left)
    time = math.log((1 + model.q / model.p * share) / (1 - share)) / (model.p + model.q)
    return min(max(cumulative_at(model, time + 1) - reached, 0.0), left)


def simulate(parameters: Parameters) -> list[SimulatedYear]:
    """The scenario's years. Money is rounded to the penny, halves up, in each year; counts are not rounded."""
    currency = parameters.seed_per_launch.currency
    each, there = parameters.seed_per_launch.amount, parameters.seed_per_year.amount
    so_far = float(parameters.already)
    cohorts = [[parameters.start_year, so_far]]
    found = []
    ended = 0.0
    for year in range(parameters.start_year, parameters.start_year + parameters.years):
        ended += _end_contracts(cohorts, year, parameters)
        willing = step(parameters.bass, parameters.form, so_far)
        funded = min(willing, there / each)
        launched = funded + (willing - funded) * parameters.unfunded_bp / WHOLE
        so_far = min(so_far + launched, parameters.market)
        cohorts.append([year, launched])
        needed, used = _half_up(willing * each), min(_half_up(funded * each), there)
        found.append(
            SimulatedYear(
                year=year,
                willing=willing,
                launched=launched,
                not_launched=willing - launched,
                running=sum(size for _, size in cohorts),
                ended=ended,
                launched_so_far=so_far,
                seed_needed=Money(needed, currency),
                seed_available=Money(there, currency),
                seed_used=Money(used, currency),
                seed_short=Money(max(needed - there, 0), currency),
            )
        )
    return found


def _end_contracts(cohorts: list[list[float]], year: int, parameters: Parameters) -> float:
    """Leave of each cohort whose contract ends with the year before what is won again; how many ended."""
    ended = 0.0
    for cohort in cohorts:
        age = year - cohort[0]
        if age > 0 and age % parameters.contract_years == 0:
            kept = cohort[1] * parameters.rewon_bp / WHOLE
            ended += cohort[1] - kept
            cohort[1] = kept
    return ended


def _half_up(amount: float) -> int:
    return math.floor(amount + 0.5)
