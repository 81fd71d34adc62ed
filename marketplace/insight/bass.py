"""Bass's model of diffusion (Bass 1969): how many have adopted by when, driven from outside (p) and by imitation (q).

Two forms that differ, so that every answer names its own. Continuous, with F(t) the share of the market m at time t:

    N(t) = m F(t),  F(t) = (1 - e^-(p+q)t) / (1 + (q/p) e^-(p+q)t)

Discrete, period by period: n(t) = (p + q N(t-1)/m) (m - N(t-1)), of which p (m - N(t-1)) comes from outside.
Counts are expected values and no whole numbers; time is in periods since the start. Knows no year, and no mutual.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_PERIODS = 100
NOTHING_BESIDE = 1e-12


class Form(StrEnum):
    """Which of the two forms: their figures are not the same."""

    CONTINUOUS = "continuous"
    DISCRETE = "discrete"


@dataclass(frozen=True, slots=True)
class Bass:
    """The parameters: the potential market m (adopters), p and q a period. m > 0, 0 < p <= 1, 0 <= q <= 2."""

    market: float
    p: float
    q: float


@dataclass(frozen=True, slots=True)
class Period:
    """One period: its number from 1, who adopts in it, those of them led from outside, and who has by its end."""

    number: int
    new: float
    external: float
    internal: float
    cumulative: float


@dataclass(frozen=True, slots=True)
class Peak:
    """When most adopt: the time in periods, the rate a period, and how many have adopted by then."""

    time: float
    rate: float
    level: float


def cumulative_at(model: Bass, time: float) -> float:
    """N(t) of the continuous form; nobody before the start."""
    if time <= 0:
        return 0.0
    decay = math.exp(-(model.p + model.q) * time)
    return model.market * (1 - decay) / (1 + model.q / model.p * decay)


def external_at(model: Bass, time: float) -> float:
    """How many of N(t) came from outside: the integral of p (m - N), (m p/q) ln((p+q) / (p + q e^-(p+q)t)).

    For q = 0 all of them did, and for a q that is nothing beside p.
    """
    if time <= 0:
        return 0.0
    if model.q < model.p * NOTHING_BESIDE:
        return cumulative_at(model, time)
    decay = math.exp(-(model.p + model.q) * time)
    led = math.log1p(model.q * (1 - decay) / (model.p + model.q * decay))
    return model.market * model.p / model.q * led


def course(model: Bass, form: Form, periods: int) -> list[Period]:
    """The first `periods` periods by that form."""
    return _continuous(model, periods) if form is Form.CONTINUOUS else _discrete(model, periods)


def peak_of(model: Bass) -> Peak:
    """The continuous form's peak: t* = ln(q/p)/(p+q), rate m(p+q)^2/4q, level m(1/2 - p/2q).

    Where outside influence is as strong as imitation (q <= p) it is at the start: most adopt at once, m p of them.
    """
    p, q, market = model.p, model.q, model.market
    if q <= p:
        return Peak(0.0, market * p, 0.0)
    return Peak(math.log(q / p) / (p + q), market * (p + q) ** 2 / (4 * q), market * (0.5 - p / (2 * q)))


def share_led_from_outside(periods: Sequence[Period]) -> float | None:
    """The part of all adoptions so far that was led from outside, 0 to 1; None before anybody adopted."""
    total = sum(each.new for each in periods)
    return sum(each.external for each in periods) / total if total > 0 else None


def _continuous(model: Bass, periods: int) -> list[Period]:
    found = []
    for number in range(1, periods + 1):
        before, now = cumulative_at(model, number - 1), cumulative_at(model, number)
        new = max(now - before, 0.0)
        external = min(max(external_at(model, number) - external_at(model, number - 1), 0.0), new)
        found.append(Period(number, new, external, new - external, now))
    return found


def _discrete(model: Bass, periods: int) -> list[Period]:
    """No more adopt in a period than are left: large p + q would overshoot the market otherwise."""
    found: list[Period] = []
    reached = 0.0
    for number in range(1, periods + 1):
        left = model.market - reached
        external = min(model.p * left, left)
        new = min((model.p + model.q * reached / model.market) * left, left)
        reached = min(reached + new, model.market)
        found.append(Period(number, new, external, new - external, reached))
    return found
