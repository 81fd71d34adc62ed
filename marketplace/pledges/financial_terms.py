"""The financial terms of a part, one shape for each instrument: in, kept as JSON, and out.

Knows forms and bounds; what contradicts itself is for rules.py to say. Amounts are minor units of the pledge's
currency, rates basis points a year.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, ValidationError, fields, validate

from marketplace.instruments.loans import LONGEST_TERM
from marketplace.instruments.quasi_equity import LONGEST
from marketplace.web.fields import Count, Day, Draft, Flag, Slug, Text, WordsField, described

CONVERTS_TO = ("community_shares", "equity", "loan_secured", "loan_unsecured", "quasi_equity", "recoverable_grant")
RATE = {"description": "Basis points a year."}
MONEY = {"description": "Minor units of the pledge's currency."}


class LoanTermsDraft(Draft):
    """A loan: level monthly payments after the months of holiday, in which interest alone is paid."""

    rate_bp = Count(most=10_000, required=True, metadata=RATE)
    months = Count(least=1, most=LONGEST_TERM, required=True, metadata={"description": "With the holiday."})
    holiday_months = Count(most=LONGEST_TERM - 1, load_default=0)
    fee_bp = Count(most=5_000, load_default=0, metadata={"description": "Of the sum lent, and added to the balance."})
    in_advance = Flag(load_default=False, metadata={"description": "Payments at the start of each month."})


class SecuredLoanTermsDraft(LoanTermsDraft):
    """A loan that is secured on something."""

    security = WordsField(1000, required=True)


class WorkingCapitalTermsDraft(Draft):
    """A facility: each drawing bears interest monthly and is repaid in one sum after its months."""

    limit = Count(least=1, required=True, metadata=MONEY)
    rate_bp = Count(most=10_000, required=True, metadata=RATE)
    months = Count(least=1, most=LONGEST_TERM, required=True)


class RecoverableGrantTermsDraft(Draft):
    """A grant that is repaid only if an event happens: a multiple of it in equal yearly parts."""

    event = WordsField(1000, required=True)
    milestone = described(Slug, "The milestone that shows the event, where one does.", "milestones")
    multiple_bp = Count(least=1, most=50_000, load_default=10_000, metadata={"description": "12,000: 1.2 times."})
    instalments = Count(least=1, most=20, load_default=3)
    first_year = Count(most=10, load_default=1, metadata={"description": "Years from the event to the first part."})


class QuasiEquityTermsDraft(Draft):
    """A share of the revenue above a threshold, each year until the cap or the last year."""

    threshold = Count(required=True, metadata=MONEY)
    rate_bp = Count(least=1, most=10_000, required=True, metadata={"description": "Of the revenue above it."})
    cap_multiple_bp = Count(least=1, most=100_000, required=True, metadata={"description": "15,000: 1.5 times."})
    years = Count(least=1, most=LONGEST, load_default=LONGEST)
    test_on = described(Day, "It stays a grant unless revenue had passed the threshold by then.")


class EquityTermsDraft(Draft):
    """Shares in a company."""

    share_class = Text(60, required=True)
    percent_bp = Count(least=1, most=10_000, required=True, metadata={"description": "Of the company."})
    valuation = Count(least=1, metadata={"description": "Of the company before the money, in minor units."})


class CommunitySharesTermsDraft(Draft):
    """Withdrawable shares of a society."""

    interest_cap_bp = Count(most=10_000, required=True, metadata=RATE)
    withdrawal_notice_days = Count(most=3_650, required=True)


class GuaranteeTermsDraft(Draft):
    """What a guarantee covers, whom it is given to, and its last day."""

    covers = WordsField(1000, required=True)
    beneficiary = Text(200, required=True)
    expires_on = Day(required=True)


class ConvertibleGrantTermsDraft(Draft):
    """A grant that turns into another instrument on a trigger."""

    trigger = WordsField(1000, required=True)
    converts_to = fields.String(required=True, validate=validate.OneOf(CONVERTS_TO))


class MatchTradingTermsDraft(Draft):
    """A grant for each pound of trading income above the baseline."""

    baseline = Count(required=True, metadata=MONEY)
    rate_bp = Count(least=1, most=20_000, load_default=10_000, metadata={"description": "10,000: pound for pound."})
    cap = Count(least=1, required=True, metadata=MONEY)


TERMS: Mapping[str, type[Schema]] = {
    "loan_unsecured": LoanTermsDraft,
    "loan_secured": SecuredLoanTermsDraft,
    "working_capital_facility": WorkingCapitalTermsDraft,
    "recoverable_grant": RecoverableGrantTermsDraft,
    "quasi_equity": QuasiEquityTermsDraft,
    "equity": EquityTermsDraft,
    "community_shares": CommunitySharesTermsDraft,
    "guarantee": GuaranteeTermsDraft,
    "convertible_grant": ConvertibleGrantTermsDraft,
    "match_trading": MatchTradingTermsDraft,
}
"""The shape for each instrument that has financial terms; a grant and support in kind have none."""


def typed(part: dict[str, Any]) -> dict[str, Any]:
    """The part with its financial terms read in the shape of its instrument, as JSON to be kept.

    ValidationError that names each wrong term below `financial_terms`.
    """
    given = part.get("financial_terms")
    if given is None:
        return part
    shape = TERMS.get(part["instrument"])
    if shape is None:
        raise ValidationError({"financial_terms": [f"A part of {part['instrument']} has no financial terms."]})
    try:
        read: dict[str, Any] = shape().load(given)
    except ValidationError as error:
        raise ValidationError({"financial_terms": error.messages_dict}) from error
    return {**part, "financial_terms": {name: _kept(value) for name, value in read.items()}}


def _kept(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _shapes() -> list[dict[str, Any]]:
    """The shapes as JSON Schema, inline: which one applies depends on the instrument beside it."""
    converter: Any = OpenAPIConverter("3.1.0", lambda _: None, APISpec("", "", "3.1.0"))
    return [
        {"title": shape.__name__.removesuffix("Draft"), **converter.schema2jsonschema(shape())}
        for shape in TERMS.values()
    ]


class FinancialTerms(fields.Field[dict[str, Any]]):
    """Terms by instrument. Reads any object (`typed` reads it in its shape); words go out in the caller's language."""

    def __init__(self, **kwargs: Any) -> None:
        nothing = [{"type": "null"}] if kwargs.get("allow_none") else []
        words = "By the part's instrument; a grant and support in kind have none."
        super().__init__(metadata={"anyOf": [*_shapes(), *nothing], "description": words}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("Not a valid object.")
        return value

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        shape = TERMS[obj.instrument]._declared_fields
        return {
            name: shape[name]._serialize(kept, name, obj) if isinstance(shape[name], WordsField) else kept
            for name, kept in value.items()
        }
