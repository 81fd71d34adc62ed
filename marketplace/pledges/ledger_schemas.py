"""The shapes of trial balances, ledger transactions and reconciliations, and the instant that they are asked for."""

from datetime import datetime

from marshmallow import Schema, ValidationError, fields

from marketplace.values.clock import now
from marketplace.web.fields import Instant, View
from marketplace.web.paging import PageQuery

MINOR = {"description": "Minor units of the line's currency."}
AS_OF = {"description": "Only what was booked by this instant (RFC 3339); everything where it is absent."}


def _not_in_the_future(moment: datetime) -> None:
    if moment > now():
        raise ValidationError("Nothing has been booked by then yet.")


class StatementQuery(PageQuery):
    """A page of a statement, as the books stood then."""

    as_of = Instant(validate=_not_in_the_future, metadata=AS_OF)


class AsOfQuery(Schema):
    """The instant."""

    as_of = Instant(validate=_not_in_the_future, metadata=AS_OF)


class TrialLineView(View):
    """All accounts of one name, kind of owner and currency."""

    owner_kind = fields.String(required=True)
    account = fields.String(required=True)
    currency = fields.String(required=True)
    owners = fields.Integer(required=True, metadata={"description": "How many programmes or pledges have one."})
    balance = fields.Integer(required=True, metadata=MINOR)


class TrialBalanceView(View):
    """The accounts of programmes and of the pledges they made, at one instant; each kind of owner's sum to zero."""

    as_of = fields.DateTime(required=True)
    data = fields.List(fields.Nested(TrialLineView), attribute="lines", required=True)
    differences = fields.List(
        fields.String(), required=True, metadata={"description": "What does not come out even; always none."}
    )


class LedgerPostingView(View):
    """A signed amount into one account."""

    owner_kind = fields.String(required=True)
    owner_id = fields.UUID(required=True)
    account = fields.String(required=True)
    amount = fields.Integer(required=True, metadata=MINOR)
    currency = fields.String(required=True)


class LedgerTransactionView(View):
    """Something booked, with the postings to accounts that are yours to see."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    reference = fields.String(required=True)
    description = fields.String(required=True)
    booked_at = fields.DateTime(required=True)
    reverses_id = fields.UUID(required=True, allow_none=True)
    reversed_by_id = fields.UUID(required=True, allow_none=True)
    postings = fields.List(fields.Nested(LedgerPostingView), required=True)


class ReconciliationView(View):
    """What recomputing the books found."""

    reconciled = fields.Boolean(required=True)
    differences = fields.List(fields.String(), required=True)
