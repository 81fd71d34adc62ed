"""Calculators of social value over HTTP: open to all, limited as checks are, keeping nothing."""

from typing import Any

from marketplace.checks.routes import NO_STORE, checked_seldom
from marketplace.social_value.calculators import jobs_of, net_outcome_of, social_return_of, tender_scores_of
from marketplace.social_value.schemas import (
    JobsDraft,
    JobsView,
    NetOutcomeDraft,
    NetOutcomeView,
    SocialReturnDraft,
    SocialReturnView,
    TenderDraft,
    TenderView,
)
from marketplace.web.guard import open_to_all
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.parsing import body_at_most

LARGEST_REQUEST = 128 * 1024

social_calculators = MarketBlueprint(
    "social-value-calculators", __name__, description="Social value computed for anyone, and kept nowhere"
)


@social_calculators.post("/social-returns")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@social_calculators.arguments(SocialReturnDraft)
@social_calculators.response(200, SocialReturnView)
def post_social_return(draft: dict[str, Any]) -> Any:
    """Compute a social return with its sensitivity, without an account; nothing is kept."""
    return social_return_of(draft), 200, NO_STORE


@social_calculators.post("/tender-scores")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@social_calculators.arguments(TenderDraft)
@social_calculators.response(200, TenderView)
def post_tender_score(draft: dict[str, Any]) -> Any:
    """Score the social value of a tender's bids in proportion to the best, without an account; nothing is kept."""
    return tender_scores_of(draft), 200, NO_STORE


@social_calculators.post("/full-time-equivalents")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@social_calculators.arguments(JobsDraft)
@social_calculators.response(200, JobsView)
def post_full_time_equivalent(draft: dict[str, Any]) -> Any:
    """Compute the full-time equivalent years of jobs, without an account; nothing is kept."""
    return jobs_of(draft), 200, NO_STORE


@social_calculators.post("/net-outcomes")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@social_calculators.arguments(NetOutcomeDraft)
@social_calculators.response(200, NetOutcomeView)
def post_net_outcome(draft: dict[str, Any]) -> Any:
    """Compute what is due to a service against a comparison group, without an account; nothing is kept."""
    return net_outcome_of(draft), 200, NO_STORE
