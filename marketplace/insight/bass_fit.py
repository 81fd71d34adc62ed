"""Fitting Bass's continuous form to dated counts by least squares (scipy's trust region reflective, bounded).

A ceiling that is fitted measures the programme that was run; the potential market is for the user to say. Where it is
given, p and q alone are fitted. Loads scipy: imported when something is fitted, and not before.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from marketplace.insight.bass import Bass, cumulative_at

STARTS = ((0.001, 0.9), (0.01, 0.5), (0.05, 0.8), (0.2, 0.1))
LEAST_P, MOST_P, MOST_Q = 1e-6, 1.0, 2.0
HIGHEST_CEILING = 1_000
"""A fitted ceiling is at most so many times the last count, and at least half of it: counts scatter around it."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The best parameters, whether the market was fitted with them, and the root mean square error in adopters."""

    model: Bass
    market_fitted: bool
    rmse: float
    points: int

    @property
    def parameters_fitted(self) -> int:
        return 3 if self.market_fitted else 2


def fit_bass(points: Sequence[tuple[float, float]], market: float | None) -> Fit | None:
    """Fit to (time since the start, cumulative count) with that potential market, or (None) fit the ceiling as well.

    None where there are fewer points than parameters, or no point lies after the start. Deterministic: from fixed
    starting points, the best of which is told.
    """
    fitted = 3 if market is None else 2
    times = np.array([time for time, _ in points], dtype=float)
    counts = np.array([count for _, count in points], dtype=float)
    if len(points) < fitted or not len(points) or times.max() <= 0 or counts.max() <= 0:
        return None
    top = float(counts.max())
    lower, upper = [LEAST_P, 0.0], [MOST_P, MOST_Q]

    def model_of(x: Sequence[float]) -> Bass:
        return Bass(market if market is not None else float(x[2]), float(x[0]), float(x[1]))

    def errors(x: Sequence[float]) -> list[float]:
        model = model_of(x)
        return [cumulative_at(model, time) - count for time, count in zip(times, counts, strict=True)]

    starts = [list(start) for start in STARTS]
    if market is None:
        lower, upper = [*lower, top / 2], [*upper, top * HIGHEST_CEILING]
        starts = [[*start, top * 1.1] for start in starts]
    scale = [0.01, 1.0] if market is not None else [0.01, 1.0, top]
    found = [least_squares(errors, start, bounds=(lower, upper), x_scale=scale) for start in starts]
    best = min(found, key=lambda each: float(each.cost))
    rmse = math.sqrt(2 * float(best.cost) / len(points))
    return Fit(model_of(best.x), market is None, rmse, len(points))
