"""Social value computed for anyone: answered, and kept nowhere."""

from decimal import Decimal
from typing import Any

from marketplace.reference.parameters import PARAMETERS
from marketplace.social_value.accounts import content_of, places, result_of
from marketplace.social_value.rules import (
    WHOLE,
    Fault,
    RateFaults,
    TenderFaults,
    full_time_years,
    net_outcome,
    refuse,
    tender_faults,
    tender_score,
)
from marketplace.social_value.schemas import shown
from marketplace.values.clock import today
from marketplace.values.reasons import Level, Outcome, Reason

LEAST_WEIGHTING = "social_value_weighting_minimum"
BASIS_POINTS = 10_000


def social_return_of(draft: dict[str, Any]) -> dict[str, Any]:
    """An account's result, and the account as it was understood. AccountFaults with every broken rule."""
    content = content_of(draft, today())
    return {"account": content, "result": result_of(content)}


def tender_scores_of(draft: dict[str, Any]) -> dict[str, Any]:
    """Each bid's share of the points, in proportion to the best; a warning where the weighting is below the least."""
    bids, points, weighting = draft["bids"], draft["max_points"], draft.get("weighting_bp")
    faults = tender_faults([(each["value"].amount, each["value"].currency) for each in bids])
    if points == 0:
        faults.append(Fault("POINTS_POSITIVE", "#/max_points", "Without points there is no score", "0"))
    refuse(TenderFaults, faults)
    best = max(each["value"].amount for each in bids)
    least = PARAMETERS[LEAST_WEIGHTING]
    least_bp = least.value_on(draft.get("as_of") or today())
    scores = []
    for each in bids:
        share = tender_score(each["value"].amount, best, WHOLE)
        scores.append(
            {
                **each,
                "score": places(tender_score(each["value"].amount, best, points), 2),
                "weighted_points": None if weighting is None else places(share * weighting / 100, 2),
            }
        )
    return {
        "max_points": shown(points),
        "scores": scores,
        "weighting": {"least_bp": least_bp, "law": least.law, "source": least.source},
        "warnings": _weighting_warnings(weighting, least_bp),
    }


def _weighting_warnings(weighting: int | None, least: int | None) -> list[Reason]:
    """Below the least weighting, which binds central government alone; unknown where no weighting was given."""
    if least is None or (weighting is not None and weighting >= least):
        return []
    outcome = Outcome.UNKNOWN if weighting is None else Outcome.UNMET
    at = "#/weighting_bp"
    return [Reason("LEAST_WEIGHTING", outcome, "gte", at, wanted=least, found=weighting, level=Level.SOFT)]


def jobs_of(draft: dict[str, Any]) -> dict[str, Any]:
    """Full-time equivalents, and those times years. RateFaults where a part-time post is more than a full-time one."""
    refuse(RateFaults, _shares_above_whole(draft, ("part_time_fraction_bp",)))
    fraction = Decimal(draft["part_time_fraction_bp"]) / BASIS_POINTS
    told = full_time_years(draft["full_time"], draft["part_time"], fraction, draft["years"])
    return {
        "full_time_equivalents": shown(told.equivalents),
        "full_time_equivalent_years": shown(told.years),
    }


def net_outcome_of(draft: dict[str, Any]) -> dict[str, Any]:
    """What is due to the service, against a comparison group. RateFaults for a rate above the whole."""
    refuse(RateFaults, _shares_above_whole(draft, ("reached_bp", "comparison_bp")))
    reached, comparison = (Decimal(draft[name]) / BASIS_POINTS for name in ("reached_bp", "comparison_bp"))
    told = net_outcome(reached, comparison, draft["participants"])
    deadweight = None if told.deadweight is None else int(places(told.deadweight * BASIS_POINTS, 0))
    return {
        "uplift_points": shown(told.uplift * 100),
        "people": shown(told.people),
        "deadweight_bp": deadweight,
    }


def _shares_above_whole(draft: dict[str, Any], names: tuple[str, ...]) -> list[Fault]:
    detail = "A share is between nothing and the whole, 0 to 10000 basis points"
    return [
        Fault("SHARE_WITHIN_WHOLE", f"#/{name}", detail, draft[name], BASIS_POINTS)
        for name in names
        if draft[name] > BASIS_POINTS
    ]
