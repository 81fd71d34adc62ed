"""The shapes of lines, conditions, pools, outside awards, subsidies and the deal."""

from typing import Any

from marshmallow import fields, validate

from marketplace.pledges import deal, subsidy
from marketplace.pledges.condition_models import CONDITIONS, COUNTS, ROUTES
from marketplace.pledges.condition_rules import WHOLE_BP
from marketplace.web.fields import (
    Count,
    Day,
    Draft,
    Flag,
    Id,
    MoneyView,
    Slug,
    Text,
    View,
    described,
    money,
)

MINOR = {"description": "Minor units of the ask's currency."}
MOST_LINES = 50
KINDS = (
    "threshold: the acceptance lapses unless `amount` is promised to the ask, outside awards included, by the end of "
    "`by`. match_ratio: pays at most `ratio_bp` of what others promised in cash, and of their support in kind by "
    "`in_kind_bp`, up to `cap`. cofunding_before_release: nothing is paid before others have `amount` accepted or paid "
    "(`counts`). beside_loan: nothing is paid unless an accepted loan stands in the same ask. loan_share: nothing is "
    "paid unless loans are `ratio_bp` of the deal. pool: draws on a pool of the programme."
)


class PledgeLineDraft(Draft):
    """What is paid of one line of the ask; `amount` in minor units."""

    line = Id(required=True)
    amount = Count(least=1, required=True, metadata=MINOR)


class ConditionDraft(Draft):
    """One condition, with the members that its kind needs."""

    kind = fields.String(required=True, validate=validate.OneOf(CONDITIONS), metadata={"description": KINDS})
    amount = Count(least=1, metadata=MINOR)
    by = Day()
    ratio_bp = Count(least=1, most=1_000_000, metadata={"description": "Basis points: 5000 is half."})
    cap = Count(least=1, metadata=MINOR)
    in_kind_bp = Count(most=WHOLE_BP, metadata={"description": "How much of support in kind counts; 0 by default."})
    counts = fields.String(validate=validate.OneOf(COUNTS), metadata={"description": "`accepted` by default."})
    pool_id = Id()


def drafted_lines(**kwargs: Any) -> fields.List[Any]:
    return fields.List(fields.Nested(PledgeLineDraft), validate=validate.Length(max=MOST_LINES), **kwargs)


def drafted_conditions(**kwargs: Any) -> fields.List[Any]:
    return fields.List(fields.Nested(ConditionDraft), validate=validate.Length(max=len(CONDITIONS)), **kwargs)


class SubsidyDraft(Draft):
    """How an offer of public money is given under subsidy control."""

    route = fields.String(
        validate=validate.OneOf(ROUTES),
        metadata={"description": "`mfa` while the limit is kept; another has to be named where it is passed."},
    )
    benefit = Count(
        metadata={
            "description": "What counts as a subsidy, in minor units: for loans the cash-equivalent of the benefit."
        }
    )


class SubsidyTermsDraft(Draft):
    """Whether a programme's money is public, and given as Minimal Financial Assistance alone."""

    public_money = Flag(required=True)
    mfa_only = Flag(load_default=False)


class SubsidyTermsView(View):
    """Whether a programme's money is public, and given as Minimal Financial Assistance alone."""

    programme_id = fields.UUID(attribute="id", required=True)
    public_money = fields.Boolean(required=True)
    mfa_only = fields.Boolean(required=True)


class SubsidyConfirmationDraft(Draft):
    """The group's words, if it has any, beside its confirmation."""

    statement = Text(2000)


class HeadroomQuery(Draft):
    """On which day; today by default."""

    on = Day()


class HeadroomView(View):
    """What is used of the limit of Minimal Financial Assistance, and what is left (minor units, pounds sterling)."""

    on = fields.Date(required=True)
    window_from = fields.Date(required=True)
    limit = fields.Integer(required=True)
    committed = described(fields.Integer, "Promised or paid here by funders of public money.", required=True)
    declared = described(fields.Integer, "Awards from elsewhere that the group declared as subsidies.", required=True)
    received = described(fields.Integer, "The group's own answer for the whole.", required=True, allow_none=True)
    used = fields.Integer(required=True)
    left = fields.Integer(required=True)


class PoolDraft(Draft):
    """A pool of a programme: a name, and how much may be drawn on it."""

    name = Text(100, required=True)
    amount = money(required=True)


class PoolChange(Draft):
    """How much may be drawn on it from now on, in minor units."""

    amount = Count(least=1, required=True)


class PoolView(View):
    """A pool of a programme (minor units of the programme's currency)."""

    id = fields.UUID(required=True)
    programme_id = fields.UUID(required=True)
    name = fields.String(required=True)
    amount = fields.Integer(required=True)
    drawn = fields.Integer(required=True)
    left = fields.Integer(required=True)
    created_at = fields.DateTime(required=True)


class OutsideAwardDraft(Draft):
    """An award from elsewhere. Without `lines` it fills the open ones in order; an empty list fills none."""

    funder_name = Text(200, required=True)
    programme_name = Text(200)
    instrument = Slug("instruments", required=True)
    amount = money(required=True)
    awarded_on = Day(required=True)
    is_subsidy = Flag(required=True, metadata={"description": "Public money, given as a subsidy."})
    benefit = Count(metadata={"description": "What counts of it as a subsidy (minor units); all of it by default."})
    reference = Text(140)
    lines = drafted_lines()


class AwardLineView(View):
    """What an award pays of one line."""

    line = fields.UUID(attribute="ask_line_id", required=True)
    amount = fields.Integer(required=True, metadata=MINOR)


class OutsideAwardView(View):
    """An award from elsewhere, as the group declares it."""

    id = fields.UUID(required=True)
    proposal_id = fields.UUID(required=True)
    ask_id = fields.UUID(allow_none=True, required=True)
    funder_name = fields.String(required=True)
    programme_name = fields.String(allow_none=True)
    instrument = fields.String(required=True)
    amount = fields.Nested(MoneyView, attribute="money", required=True)
    awarded_on = fields.Date(required=True)
    is_subsidy = fields.Boolean(required=True)
    benefit = fields.Integer(required=True)
    reference = fields.String(allow_none=True)
    lines = fields.List(fields.Nested(AwardLineView), required=True)
    created_at = fields.DateTime(required=True)


class PledgeLineView(View):
    """What a pledge pays of one line of the ask, and what of it was given back."""

    line = fields.UUID(attribute="ask_line_id", required=True)
    amount = fields.Integer(required=True, metadata=MINOR)
    freed = fields.Integer(required=True, metadata=MINOR)


class ConditionView(View):
    """One condition of a pledge."""

    kind = fields.String(required=True, validate=validate.OneOf(CONDITIONS), metadata={"description": KINDS})
    amount = fields.Integer(allow_none=True, metadata=MINOR)
    by = fields.Date(allow_none=True)
    ratio_bp = fields.Integer(allow_none=True)
    cap = fields.Integer(allow_none=True, metadata=MINOR)
    in_kind_bp = fields.Integer(allow_none=True)
    counts = fields.String(allow_none=True)
    pool_id = fields.UUID(allow_none=True)


class PledgeSubsidyView(View):
    """What an offer of public money counts for, as it stood when the offer was made (minor units)."""

    route = fields.String(required=True, validate=validate.OneOf(ROUTES))
    benefit = fields.Integer(required=True)
    window_from = fields.Date(required=True)
    limit = fields.Integer(attribute="mfa_limit", required=True)
    used = fields.Integer(
        allow_none=True, required=True, metadata={"description": "Null where the group does not share it."}
    )
    warnings = fields.Method("warned", required=True, metadata={"type": "array", "items": {"type": "object"}})
    confirmed_at = fields.DateTime(allow_none=True, required=True)
    statement = fields.String(allow_none=True, metadata={"description": "What the group said with its confirmation."})

    def warned(self, kept: Any) -> list[dict[str, Any]]:
        return [reason.as_json() for reason in subsidy.warnings_of(kept)]


class DealPayerView(View):
    """Who pays how much of a line."""

    pledge_id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    amount = fields.Integer(required=True, metadata=MINOR)


class DealAwardView(View):
    """Which award from elsewhere pays how much of a line."""

    outside_award_id = fields.UUID(required=True)
    funder_name = fields.String(required=True)
    amount = fields.Integer(required=True, metadata=MINOR)


class DealLineView(View):
    """A line of the ask. Below acceptance a funder sees what is open of it, and not who fills it."""

    id = fields.UUID(required=True)
    purpose = fields.String(required=True)
    amount = fields.Integer(required=True, metadata=MINOR)
    open_gap = fields.Integer(required=True, metadata=MINOR)
    accepted = fields.Integer(metadata=MINOR)
    outside = fields.Integer(metadata=MINOR)
    pledges = fields.List(fields.Nested(DealPayerView))
    outside_awards = fields.List(fields.Nested(DealAwardView))


class DealPledgeView(View):
    """An accepted pledge of the deal. `reasons` (for its funder and the group) stand between it and its releases."""

    pledge_id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    state = fields.String(required=True)
    instruments = fields.List(fields.String(), required=True)
    amount = fields.Integer(required=True, metadata=MINOR)
    paid = fields.Integer(required=True, metadata=MINOR)
    waits = described(fields.Boolean, "Its threshold is not reached yet.", required=True)
    reasons = fields.List(fields.Dict())


class DealView(View):
    """The deal around an ask, as the caller may see it."""

    proposal_id = fields.UUID(required=True)
    ask_id = fields.UUID(required=True)
    stage = fields.String(required=True)
    perspective = fields.String(required=True, validate=validate.OneOf([deal.GROUP, deal.PARTY, deal.PROSPECT]))
    amount = fields.Nested(MoneyView, required=True)
    open_gap = fields.Nested(MoneyView, required=True)
    accepted = fields.Nested(MoneyView)
    outside = fields.Nested(MoneyView)
    lines = fields.List(fields.Nested(DealLineView), required=True)
    pledges = fields.List(fields.Nested(DealPledgeView), required=True)
    outside_awards = fields.List(fields.Nested(OutsideAwardView))
