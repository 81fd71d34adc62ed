"""Diffusion for anyone: curves, fits and categories computed from what is given, and the record's own; kept nowhere."""

import itertools
from collections.abc import Mapping
from typing import Any

from marketplace.insight import diffusion
from marketplace.insight.bass import Bass, Form, Peak, Period, course, peak_of, share_led_from_outside
from marketplace.insight.reports import CEILING, labels
from marketplace.insight.rogers import Category, category_counts, category_of
from marketplace.insight.rules import MarketTooSmall, RankBeyondMarket, TooFewPoints
from marketplace.insight.tables import Basis
from marketplace.reference import historical
from marketplace.values.words import Words

PLACES = 6
FIRST_YEAR_SHOWN, LAST_YEAR_SHOWN = 2009, 2035
GIVEN_MARKET: Words = {
    "en": "p and q fitted in the market that was given. Few points fix them poorly: read the error before the figures."
}


def curve_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Bass's curve in the form asked for, with its peak (of the continuous form)."""
    model = Bass(asked["market"], asked["p"], asked["q"])
    periods = course(model, asked["form"], asked["periods"])
    share = share_led_from_outside(periods)
    return {
        "form": asked["form"],
        **_parameters(model),
        "periods": [_period(each) for each in periods],
        "peak": _peak(peak_of(model)),
        "external_share": None if share is None else round(share, PLACES),
    }


def fit_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The continuous form fitted to points. TooFewPoints, MarketTooSmall."""
    points = [(each["time"], each["count"]) for each in asked["points"]]
    for index, ((before, fewer), (after, more)) in enumerate(itertools.pairwise(points), 1):
        if after <= before or more < fewer:
            raise TooFewPoints("Times rise, and counts never fall.", pointer=f"#/points/{index}")
    market = asked.get("market")
    if market is not None and market < points[-1][1]:
        raise MarketTooSmall("Give at least the last count.", pointer="#/market")
    found = diffusion.fitting().fit_bass(points, market)
    if found is None:
        words = "Give a point for each parameter (two, or three without a market), one of them after the start."
        raise TooFewPoints(words, pointer="#/points")
    return {
        "form": Form.CONTINUOUS,
        **_parameters(found.model),
        "market_fitted": found.market_fitted,
        "rmse": round(found.rmse, PLACES),
        "points": found.points,
        "parameters_fitted": found.parameters_fitted,
        "peak": _peak(peak_of(found.model)),
        "caution": {"en": CEILING} if found.market_fitted else GIVEN_MARKET,
    }


def categories_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Rogers's categories of so many adopters, and those of some ranks. RankBeyondMarket."""
    market = asked["adopters"]
    for index, rank in enumerate(asked["ranks"]):
        if rank > market:
            raise RankBeyondMarket(f"There are {market} ranks.", pointer=f"#/ranks/{index}")
    return {
        "adopters": market,
        "categories": _categories(category_counts(market)),
        "ranks": [{"rank": rank, "category": category_of(rank, market).value} for rank in asked["ranks"]],
    }


def diffusion_of_the_record(market: int | None) -> dict[str, Any]:
    """The record's series, fits, categories and first movers in that potential market."""
    told = diffusion.of_the_record(market)
    chart = "/v1/market/reports/adoption?basis=historical&format=svg"
    return {
        "basis": Basis.HISTORICAL.value,
        "definition": historical.ADOPTION_DEFINITION,
        "market": told.market,
        "market_given": told.market_given,
        "market_note": historical.POTENTIAL["note"],
        "caution": {"en": CEILING},
        "series": historical.ADOPTION_POINTS,
        "fits": [_fit(name, fitted) for name, fitted in told.fits.items()],
        "categories": _categories(told.categories),
        "present_category": category_of(told.latest, told.market).value,
        "movers": [_mover(each, told) for each in diffusion.LAUNCHED],
        "chart": chart if market is None else f"{chart}&market={market}",
    }


def _fit(name: str, fitted: diffusion.Fitted) -> dict[str, Any]:
    years = LAST_YEAR_SHOWN - FIRST_YEAR_SHOWN
    return {
        "name": name,
        "origin": fitted.origin,
        "form": Form.CONTINUOUS,
        **_parameters(fitted.fit.model),
        "market_fitted": fitted.fit.market_fitted,
        "rmse": round(fitted.fit.rmse, PLACES),
        "peak": _peak(fitted.peak),
        "years": [_period(each) for each in course(fitted.fit.model, Form.CONTINUOUS, years)],
    }


def _mover(mutual: historical.Mutual, told: diffusion.Told) -> dict[str, Any]:
    ranked = told.ranks[mutual.slug]
    return {
        "slug": mutual.slug,
        "name": mutual.name,
        "sector": mutual.sector,
        "region": mutual.region,
        "launched": mutual.launched,
        "launch_inferred": mutual.launch_inferred,
        "rank": ranked.rank,
        "category": ranked.category.value,
        "mover_rank": ranked.mover_rank,
        "first_mover": ranked.mover_rank == 1,
    }


def _categories(counts: Mapping[Category, int]) -> list[dict[str, Any]]:
    names, last, found = labels("adopter_categories"), 0, []
    for category, count in counts.items():
        last += count
        found.append({"category": category.value, "label": names[category.value], "count": count, "last_rank": last})
    return found


def _parameters(model: Bass) -> dict[str, float]:
    return {"market": round(model.market, PLACES), "p": round(model.p, PLACES), "q": round(model.q, PLACES)}


def _period(period: Period) -> dict[str, Any]:
    figures = {name: round(getattr(period, name), PLACES) for name in ("new", "external", "internal", "cumulative")}
    return {"number": period.number, **figures}


def _peak(peak: Peak) -> dict[str, float]:
    return {"time": round(peak.time, PLACES), "rate": round(peak.rate, PLACES), "level": round(peak.level, PLACES)}
