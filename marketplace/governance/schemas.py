"""The shapes of limits, approvals, interests and plans for conflicts."""

from marshmallow import ValidationError, fields, validate

from marketplace.governance.rules import (
    ACTS,
    APPROVAL_STATES,
    DECLARED_KINDS,
    LIMITED_ACTS,
    LIMITED_ROLES,
    MOST_DELEGATED_LIMITS,
    PLAN_STATES,
    VERSION_STATES,
)
from marketplace.values.actor import Role
from marketplace.web.fields import Currency, Day, Draft, Id, MoneyView, Text, View, WordsField, described, money
from marketplace.web.paging import PageQuery

LONGEST_WORDS = 2000
MOST_TERMS = 20


def _acts(*, limited: bool = False, **kwargs: object) -> fields.String:
    names = [str(act) for act in (LIMITED_ACTS if limited else ACTS)]
    return fields.String(validate=validate.OneOf(names), **kwargs)  # type: ignore[arg-type]


def _once(limits: list[dict[str, object]]) -> None:
    acts = [each["act"] for each in limits]
    if len(set(acts)) != len(acts):
        raise ValidationError("Says the same act twice.")


class ApprovalLimitDraft(Draft):
    """Above `limit`, this act needs a second person, whoever does it."""

    act = _acts(limited=True, required=True)
    limit = money(least=0, required=True)


class DelegatedLimitDraft(Draft):
    """How much a role or a person may do alone, of one act or of each; a person's own limit counts before a role's."""

    role = fields.String(validate=validate.OneOf([str(role) for role in LIMITED_ROLES]))
    user_id = Id()
    act = _acts(limited=True)
    limit = money(least=0, required=True)


class GovernanceDraft(Draft):
    """An organisation's limits, all of them, in one currency."""

    currency = Currency(required=True)
    approval_limits = fields.List(
        fields.Nested(ApprovalLimitDraft), required=True, validate=[validate.Length(max=len(LIMITED_ACTS)), _once]
    )
    delegated_limits = fields.List(
        fields.Nested(DelegatedLimitDraft), load_default=list, validate=validate.Length(max=MOST_DELEGATED_LIMITS)
    )


class ApprovalLimitView(View):
    """An act and the amount above which it needs a second person."""

    act = fields.String(required=True)
    limit = fields.Nested(MoneyView, required=True)


class DelegatedLimitView(View):
    """How much a role or a person may do alone; of each act where none is named."""

    role = fields.String(validate=validate.OneOf([str(role) for role in Role]))
    user_id = fields.UUID()
    act = fields.String()
    limit = fields.Nested(MoneyView, required=True)


class GovernanceVersionView(View):
    """Limits as an owner set them. `state`: proposed (waits for another owner), in_force, superseded or rejected."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(VERSION_STATES))
    currency = fields.String(required=True)
    approval_limits = fields.List(fields.Nested(ApprovalLimitView), required=True)
    delegated_limits = fields.List(fields.Nested(DelegatedLimitView), required=True)
    proposed_by = fields.UUID(required=True)
    answered_by = fields.UUID(allow_none=True)
    in_force_at = fields.DateTime(allow_none=True)
    created_at = fields.DateTime(required=True)


class GovernanceView(View):
    """The limits in force and the ones proposed; null where there are none."""

    organisation_id = fields.UUID(required=True)
    in_force = fields.Nested(GovernanceVersionView, required=True, allow_none=True)
    proposed = fields.Nested(GovernanceVersionView, required=True, allow_none=True)


class ApprovalDraft(Draft):
    """What a second person is asked to approve: as `approval` in the act's own refusal says, and why."""

    act = _acts(required=True)
    subject_id = Id(required=True)
    amount = money(least=0)
    terms = described(
        fields.Dict,
        "What else the act fixes, by name, exactly as the refusal gave it.",
        keys=Text(60),
        values=Text(4000),
        validate=validate.Length(max=MOST_TERMS),
        load_default=dict,
    )
    words = WordsField(LONGEST_WORDS, required=True)


class ApprovalAnswerDraft(Draft):
    """A word with an approval."""

    answer = WordsField(LONGEST_WORDS)


class ApprovalRejectionDraft(Draft):
    """Why not."""

    answer = WordsField(LONGEST_WORDS, required=True)


class ApprovalView(View):
    """One act that was asked to be approved, on exactly these terms; used once at most."""

    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    act = fields.String(required=True)
    subject_id = fields.UUID(required=True)
    proposal_id = fields.UUID(allow_none=True)
    amount = fields.Nested(MoneyView, required=True, allow_none=True)
    terms = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    terms_sha256 = fields.String(required=True)
    words = WordsField(LONGEST_WORDS)
    state = fields.String(required=True, validate=validate.OneOf([*APPROVAL_STATES, "expired"]))
    expires_at = fields.DateTime(required=True)
    requested_by = fields.UUID(required=True)
    answered_by = fields.UUID(allow_none=True)
    answered_at = fields.DateTime(allow_none=True)
    answer = WordsField(LONGEST_WORDS, allow_none=True)
    consumed_by = fields.UUID(allow_none=True)
    consumed_at = fields.DateTime(allow_none=True)
    created_at = fields.DateTime(required=True)


class ApprovalQuery(PageQuery):
    """An organisation's approvals, perhaps those in one state."""

    state = fields.String(validate=validate.OneOf([*APPROVAL_STATES, "expired"]))


class InterestDraft(Draft):
    """What could sway the caller: an interest in an organisation or in a proposal. `words` are for the organisations
    they act for."""

    organisation_id = Id()
    proposal_id = Id()
    kind = fields.String(required=True, validate=validate.OneOf(DECLARED_KINDS))
    words = WordsField(LONGEST_WORDS, required=True)
    from_ = Day(required=True, data_key="from", attribute="from")
    to = Day()


class InterestView(View):
    """A declared interest; live from `from` to the end of `to`."""

    id = fields.UUID(required=True)
    user_id = fields.UUID(required=True)
    organisation_id = fields.UUID(allow_none=True)
    proposal_id = fields.UUID(allow_none=True)
    kind = fields.String(required=True)
    words = WordsField(LONGEST_WORDS)
    from_ = Day(required=True, data_key="from", attribute="from_on")
    to = Day(allow_none=True, attribute="to_on")
    created_at = fields.DateTime(required=True)


class ConflictPlanDraft(Draft):
    """How a member's conflict about a proposal is to be managed, perhaps until a day."""

    user_id = Id(required=True)
    proposal_id = Id(required=True)
    words = WordsField(4000, required=True)
    until = Day()


class ConflictPlanView(View):
    """A plan for one person's conflict about one proposal."""

    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    user_id = fields.UUID(required=True)
    proposal_id = fields.UUID(required=True)
    words = WordsField(4000)
    state = fields.String(required=True, validate=validate.OneOf(PLAN_STATES))
    until = Day(allow_none=True)
    proposed_by = fields.UUID(required=True)
    answered_by = fields.UUID(allow_none=True)
    answered_at = fields.DateTime(allow_none=True)
    created_at = fields.DateTime(required=True)


class ConflictShownView(View):
    """A conflict as another party learns of it: its kind, its side, whether it was declared and is managed."""

    kind = fields.String(required=True)
    side = fields.String(required=True)
    declared = fields.Boolean(required=True)
    managed = fields.Boolean(required=True)


class ConflictsShownView(View):
    """The conflicts on a funder's side of a pledge."""

    data = fields.List(fields.Nested(ConflictShownView), required=True)
