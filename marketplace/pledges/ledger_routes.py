"""The books over HTTP. Reads only; each answer is of one snapshot."""

from typing import Any
from uuid import UUID

from marketplace.pledges import ledger_views
from marketplace.pledges.ledger_schemas import (
    AsOfQuery,
    LedgerTransactionView,
    ReconciliationView,
    TrialBalanceView,
)
from marketplace.store.base import session
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint

ledger = MarketBlueprint("ledger", __name__, description="The books: what was booked, summed and checked")


@ledger.get("/programmes/<uuid:programme_id>/trial-balance")
@ledger.arguments(AsOfQuery, location="query")
@ledger.response(200, TrialBalanceView)
def get_programme_trial_balance(query: dict[str, Any], programme_id: UUID) -> ledger_views.TrialBalance:
    """Read a programme's trial balance, with that of its pledges."""
    return ledger_views.programme_trial_balance(session(), current_actor(), programme_id, query.get("as_of"))


@ledger.get("/organisations/<uuid:organisation_id>/trial-balance")
@ledger.arguments(AsOfQuery, location="query")
@ledger.response(200, TrialBalanceView)
def get_organisation_trial_balance(query: dict[str, Any], organisation_id: UUID) -> ledger_views.TrialBalance:
    """Read the trial balance of all of an organisation's programmes."""
    return ledger_views.organisation_trial_balance(session(), current_actor(), organisation_id, query.get("as_of"))


@ledger.get("/organisations/<uuid:organisation_id>/reconciliation")
@ledger.response(200, ReconciliationView)
def get_organisation_reconciliation(organisation_id: UUID) -> dict[str, Any]:
    """Recompute the books of an organisation's programmes and pledges."""
    differences = ledger_views.organisation_differences(session(), current_actor(), organisation_id)
    return {"reconciled": not differences, "differences": differences}


@ledger.get("/ledger-transactions/<uuid:transaction_id>")
@ledger.response(200, LedgerTransactionView)
def get_ledger_transaction(transaction_id: UUID) -> dict[str, Any]:
    """Read what one act booked on accounts that are yours to see."""
    return ledger_views.transaction_for(session(), current_actor(), transaction_id)
