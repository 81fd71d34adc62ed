"""The shapes of pledges, tranches and statements."""

from typing import Any

from marshmallow import fields, post_load, validate

from marketplace.pledges import lifecycle
from marketplace.pledges.condition_schemas import (
    ConditionView,
    PledgeLineView,
    PledgeSubsidyView,
    SubsidyDraft,
    drafted_conditions,
    drafted_lines,
)
from marketplace.pledges.financial_terms import FinancialTerms, typed
from marketplace.pledges.models import STATES, TRANCHE_STATES, Pledge
from marketplace.pledges.rules import MOST_TRANCHES
from marketplace.values.clock import now
from marketplace.web.fields import (
    Count,
    Day,
    Draft,
    Flag,
    Id,
    MoneyBody,
    Slug,
    Text,
    View,
    WordsField,
    different,
    money,
)
from marketplace.web.paging import PageQuery

MONEY = {"description": "Minor units of the pledge's currency."}


class TrancheDraft(Draft):
    """A tranche to be. `milestone` with basis on_milestone, `due_on` with in_advance. `amount` in minor units."""

    basis = Slug("tranche_bases", required=True)
    amount = Count(least=1, required=True, metadata=MONEY)
    milestone = Slug("milestones")
    due_on = Day()


class PartDraft(Draft):
    """One instrument of a pledge. Without tranches it takes the programme's template, or one tranche on agreement."""

    instrument = Slug("instruments", required=True)
    amount = Count(least=1, required=True, metadata=MONEY)
    in_kind = Flag(metadata={"description": "Only employer support chooses; the other instruments imply it."})
    terms = WordsField(4000)
    financial_terms = FinancialTerms()
    tranches = fields.List(fields.Nested(TrancheDraft), validate=validate.Length(min=1, max=MOST_TRANCHES))

    @post_load
    def by_instrument(self, part: dict[str, Any], **_: Any) -> dict[str, Any]:
        return typed(part)


def _parts(**kwargs: Any) -> fields.List[Any]:
    return fields.List(fields.Nested(PartDraft), validate=validate.Length(min=1, max=10), **kwargs)


def _verifiers() -> fields.List[Any]:
    words = {"description": "Other organisations that may verify this proposal's evidence."}
    return fields.List(Id(), validate=[validate.Length(max=10), different], metadata=words)


class PledgeDraft(Draft):
    """A pledge of one of your programmes to a proposal; amounts in the programme's currency."""

    programme_id = Id(required=True)
    proposal_id = Id(required=True)
    parts = _parts(required=True)
    lines = drafted_lines(
        allow_none=True,
        metadata={"description": "The lines of the ask that it pays; by default the open ones, in order."},
    )
    conditions = drafted_conditions()
    message = WordsField(4000)
    verifier_organisation_ids = _verifiers()


class PledgeChange(Draft):
    """What to change of a pledge that has not been offered; absent members stay."""

    parts = _parts()
    lines = drafted_lines(
        allow_none=True,
        metadata={"description": "The lines of the ask that it pays; by default the open ones, in order."},
    )
    conditions = drafted_conditions()
    message = WordsField(4000)
    verifier_organisation_ids = _verifiers()


class WaiverDraft(Draft):
    """A waivable criterion that this offer waives, and why."""

    code = Text(40, required=True)
    reason = WordsField(1000, required=True)


class OfferDraft(Draft):
    """The offer's last day, the waivers it needs, and how public money is given."""

    expires_on = Day(required=True)
    subsidy = fields.Nested(SubsidyDraft)
    waivers = fields.List(fields.Nested(WaiverDraft), validate=validate.Length(max=50))


class AgreementDraft(Draft):
    """When the agreement was signed, and where it can be found."""

    signed_on = Day(required=True)
    reference = Text(200)


class ReasonDraft(Draft):
    """Why."""

    reason = WordsField(2000, required=True)


class DeclineDraft(Draft):
    """Why the group declines, if it says so."""

    reason = WordsField(2000)


class ClaimDraft(Draft):
    """What the group says with its claim."""

    note = WordsField(2000)


class PaymentDraft(Draft):
    """A payment that was made outside: its day and its bank reference."""

    paid_on = Day(required=True)
    reference = Text(140, required=True)


class DeliveryDraft(Draft):
    """Support that was given in kind: its day and what it was."""

    delivered_on = Day(required=True)
    description = WordsField(2000, required=True)


class ReturnDraft(Draft):
    """Money that came back from a paid tranche; `reference` is used once per tranche."""

    amount = money(required=True)
    reference = Text(100, required=True)


class PledgeQuery(PageQuery):
    """Which pledges."""

    organisation_id = Id(metadata={"description": "The funder's organisation."})
    proposal_id = Id()
    programme_id = Id()
    state = fields.String(validate=validate.OneOf(STATES))


class TrancheView(View):
    """A tranche. `state` is true by the clock and the evidence."""

    id = fields.UUID(required=True)
    part_id = fields.UUID(required=True)
    pledge_id = fields.UUID(attribute="part.pledge_id", required=True)
    position = fields.Integer(required=True)
    basis = fields.String(required=True)
    milestone = fields.String(allow_none=True)
    due_on = fields.Date(allow_none=True)
    amount = fields.Nested(MoneyBody, attribute="money", required=True)
    returned = fields.Integer(required=True, metadata=MONEY)
    demanded = fields.Integer(required=True, metadata={"description": "Asked back and not come yet, minor units."})
    state = fields.String(required=True, validate=validate.OneOf(TRANCHE_STATES))
    reason = WordsField(2000, allow_none=True)
    note = WordsField(2000, attribute="claim_note", allow_none=True)
    claimed_by = fields.UUID(allow_none=True)
    claimed_at = fields.DateTime(allow_none=True)
    approved_by = fields.UUID(allow_none=True)
    approved_at = fields.DateTime(allow_none=True)
    paid_by = fields.UUID(allow_none=True)
    paid_on = fields.Date(allow_none=True)
    payment_reference = fields.String(allow_none=True)
    payee_organisation_id = fields.UUID(allow_none=True)
    fiscal_hosting_id = fields.UUID(allow_none=True)


class TranchesView(View):
    """A pledge's tranches, part by part."""

    data = fields.List(fields.Nested(TrancheView), required=True)


class PartView(View):
    """One instrument of a pledge: what was promised, and what became of it (minor units)."""

    id = fields.UUID(required=True)
    position = fields.Integer(required=True)
    instrument = fields.String(required=True)
    in_kind = fields.Boolean(required=True)
    amount = fields.Integer(required=True, metadata=MONEY)
    paid = fields.Integer(required=True, metadata=MONEY)
    delivered = fields.Integer(required=True, metadata=MONEY)
    cancelled = fields.Integer(required=True, metadata=MONEY)
    returned = fields.Integer(required=True, metadata=MONEY)
    unpaid = fields.Integer(required=True, metadata=MONEY)
    repaid = fields.Integer(required=True, metadata=MONEY)
    written_off = fields.Integer(required=True, metadata=MONEY)
    terms = WordsField(4000, allow_none=True)
    financial_terms = FinancialTerms(required=True, allow_none=True)


class WaiverView(View):
    """A criterion that was waived, and why."""

    code = fields.String(required=True)
    reason = WordsField(1000)


class GroupOnceAccepted(fields.UUID):
    """The group's organisation once it has accepted: until then a funder may know it by its pseudonym alone."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return super()._serialize(value if obj.state in lifecycle.BINDING else None, attr, obj, **kwargs)


class PledgeView(View):
    """A pledge. `state` is true by the clock: an offer past its last day is expired."""

    id = fields.UUID(required=True)
    programme_id = fields.UUID(required=True)
    proposal_id = fields.UUID(required=True)
    ask_id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    group_organisation_id = GroupOnceAccepted(
        required=True, allow_none=True, metadata={"description": "Null until the group has accepted an offer."}
    )
    state = fields.Method("state_now", required=True)
    amount = fields.Nested(MoneyBody, attribute="money", required=True)
    parts = fields.List(fields.Nested(PartView), required=True)
    lines = fields.List(fields.Nested(PledgeLineView), required=True)
    conditions = fields.List(fields.Nested(ConditionView), required=True)
    subsidy = fields.Nested(PledgeSubsidyView, required=True, allow_none=True)
    lapses_on = fields.Date(
        allow_none=True, metadata={"description": "The last day of a threshold that is not reached: then it expires."}
    )
    message = WordsField(4000, allow_none=True)
    expires_on = fields.Date(allow_none=True)
    waivers = fields.List(fields.Nested(WaiverView), required=True)
    verifier_organisation_ids = fields.List(fields.UUID(), required=True)
    offered_at = fields.DateTime(allow_none=True)
    answered_at = fields.DateTime(allow_none=True)
    signed_on = fields.Date(allow_none=True)
    agreement_reference = fields.String(allow_none=True)
    ended_at = fields.DateTime(allow_none=True)
    reason = WordsField(2000, allow_none=True)
    created_at = fields.DateTime(required=True)

    def state_now(self, pledge: Pledge) -> str:
        return lifecycle.pledge_state_at(pledge.state, pledge.expires_on, now(), pledge.lapses_on)


def _digest(of: str) -> fields.String:
    return fields.String(required=True, metadata={"description": f"SHA-256 of {of}."})


class DecisionBasisView(View):
    """What an offer was decided on, as the funder saw it on that day; of the group nothing but facts it was shown."""

    evaluator = fields.Integer(required=True, metadata={"description": "Version of the evaluator that decided."})
    criteria_version_id = fields.UUID(required=True)
    proposal_version_id = fields.UUID(required=True)
    tree_sha256 = _digest("the criteria version's tree")
    as_of = fields.Date(required=True)
    facts = fields.Dict(required=True, metadata={"description": "By slug; what is absent was unknown or not shared."})
    shared = fields.List(fields.String(), required=True, metadata={"description": "Facts shown, answered or not."})
    assurance = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    waived = fields.List(fields.String(), required=True, metadata={"description": "Codes of the waived criteria."})
    parameters = fields.Dict(required=True, metadata={"description": "Dated parameters as they stood on that day."})


class DecisionView(View):
    """An offer's decision. Digests are of canonical JSON: members sorted by code point, no spaces, UTF-8."""

    pledge_id = fields.UUID(required=True)
    decided_at = fields.DateTime(attribute="created_at", required=True)
    basis = fields.Nested(DecisionBasisView, required=True)
    basis_sha256 = _digest("`basis`")
    result = fields.Dict(required=True, metadata={"description": "The evaluation, with every reason, as it was kept."})
    result_sha256 = _digest("`result`")


class ReplayView(View):
    """A decision that was made again from what was kept."""

    equal = fields.Boolean(required=True, metadata={"description": "True where nothing differs, byte for byte."})
    differs = fields.List(
        fields.String(validate=validate.OneOf(["evaluator", "criteria", "basis", "result"])), required=True
    )
    kept_sha256 = _digest("the result that was kept")
    replayed_sha256 = fields.String(
        required=True, allow_none=True, metadata={"description": "Null where it could not be made again."}
    )
    evaluator = fields.Integer(required=True)


class StatementLineView(View):
    """One posting, and the account's balance after it (minor units)."""

    owner_id = fields.UUID(required=True)
    account = fields.String(required=True)
    amount = fields.Integer(required=True)
    balance = fields.Integer(required=True)
    currency = fields.String(required=True)
    transaction_id = fields.UUID(required=True)
    kind = fields.String(required=True)
    reference = fields.String(required=True)
    description = fields.String(required=True)
    booked_at = fields.DateTime(required=True)
    reverses_id = fields.UUID(allow_none=True)


class TotalView(View):
    """An account's balance (minor units)."""

    owner_id = fields.UUID(required=True)
    account = fields.String(required=True)
    currency = fields.String(required=True)
    balance = fields.Integer(required=True)


class StatementView(View):
    """A page of a statement; totals are of the whole, and of one moment with the lines."""

    totals = fields.List(fields.Nested(TotalView), required=True)
    data = fields.List(fields.Nested(StatementLineView), required=True)
    next_cursor = fields.String(allow_none=True, required=True)
    has_more = fields.Boolean(required=True)


class HeldFundsLineView(View):
    """What a host holds for one proposal: paid to the host, less what was returned (minor units)."""

    proposal_id = fields.UUID(required=True)
    group_organisation_id = fields.UUID(required=True)
    currency = fields.String(required=True)
    paid = fields.Integer(required=True)
    returned = fields.Integer(required=True)
    held = fields.Integer(required=True)


class HeldFundsView(View):
    """For whom an organisation holds money as fiscal host."""

    data = fields.List(fields.Nested(HeldFundsLineView), required=True)
