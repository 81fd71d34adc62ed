"""The adoption of mutuals as an innovation: the record's series, Bass's model fitted to it, ranks and categories.

The potential market is given: by the user, or else the ambition of the record's day. A ceiling that is fitted is told
beside it, as a measure of the programme. Knows no database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from marketplace.insight.bass import Peak, peak_of
from marketplace.insight.rogers import Adopter, Category, Ranked, category_counts, ranked
from marketplace.insight.rules import MarketTooSmall
from marketplace.reference import historical

if TYPE_CHECKING:
    from marketplace.insight.bass_fit import Fit

ORIGIN = 2009.0
"""The start of the fit, in years: before the first count, after the first Right to Request groups were invited."""
LAUNCHED: tuple[historical.Mutual, ...] = tuple(each for each in historical.MUTUALS if each.launched is not None)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit, its start in years, and its peak."""

    fit: "Fit"
    origin: float
    peak: Peak


@dataclass(frozen=True, slots=True)
class Told:
    """The diffusion of the record: potential market, latest count, fits by name, category sizes, ranks of the named."""

    market: int
    market_given: bool
    latest: int
    fits: Mapping[str, Fitted]
    categories: Mapping[Category, int]
    ranks: Mapping[str, Ranked]


def of_the_record(market: int | None) -> Told:
    """The record's diffusion in that potential market (None: the ambition of 2012). MarketTooSmall below its count."""
    latest = historical.ADOPTION_POINTS[-1].count
    if market is not None and market < latest:
        raise MarketTooSmall(f"There were {latest} already: give at least as many.", parameter="market")
    return _told(market or historical.POTENTIAL["market"], market is not None, latest)


@lru_cache(maxsize=64)
def _told(market: int, given: bool, latest: int) -> Told:
    points = [(historical.moment_of(each.on) - ORIGIN, float(each.count)) for each in historical.ADOPTION_POINTS]
    found = {"potential": fitting().fit_bass(points, float(market)), "ceiling": fitting().fit_bass(points, None)}
    adopters = [Adopter(each.slug, (each.launched or "")[:4], (each.sector, each.region)) for each in LAUNCHED]
    return Told(
        market=market,
        market_given=given,
        latest=latest,
        fits={name: Fitted(fit, ORIGIN, peak_of(fit.model)) for name, fit in found.items() if fit is not None},
        categories=category_counts(market),
        ranks={each.adopter.name: each for each in ranked(adopters, market)},
    )


def fitting() -> Any:
    """`bass_fit`, loaded when first needed: scipy is large, and most processes never fit anything."""
    return import_module("marketplace.insight.bass_fit")
