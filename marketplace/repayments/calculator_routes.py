"""Calculators over HTTP: open to all, limited as checks are, keeping nothing."""

from typing import Any

from marketplace.checks.routes import NO_STORE, checked_seldom
from marketplace.repayments.calculators import returns_of, schedule_of
from marketplace.repayments.schemas import FlowsDraft, LoanScheduleDraft, LoanScheduleView, ReturnsView
from marketplace.web.guard import open_to_all
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.parsing import body_at_most

LARGEST_REQUEST = 64 * 1024

calculators = MarketBlueprint("calculators", __name__, description="Schedules and rates of return, for anyone")


@calculators.post("/repayment-schedules")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@calculators.arguments(LoanScheduleDraft)
@calculators.response(200, LoanScheduleView)
def post_repayment_schedule(draft: dict[str, Any]) -> Any:
    """Compute a loan's repayments to the penny, without an account; nothing is kept."""
    return schedule_of(draft), 200, NO_STORE


@calculators.post("/cash-flow-returns")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@calculators.arguments(FlowsDraft)
@calculators.response(200, ReturnsView)
def post_cash_flow_return(draft: dict[str, Any]) -> Any:
    """Compute the rate of return of dated cash flows, without an account; nothing is kept."""
    return returns_of(draft), 200, NO_STORE
