"""The shapes of rights and claims on the wire. Shape only: what contradicts itself is for the rules."""

from marshmallow import Schema, fields, validate

from marketplace.web.fields import Day, Draft, Id, Slug, Text, View, WordsField, described, slugs
from marketplace.web.paging import PageQuery
from marketplace.web.reason_views import ReasonView

AXES = ("authority", "route", "sector", "nation", "initiation", "cuts_threat")
LEADS_TO = ("uncompeted_contract", "open_procurement", "agreement")


# Routes and coverage


class RightRouteView(View):
    """A route: what it is, where and when it lives, who decides on appeals, and what an acceptance leads to."""

    slug = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["right", "policy", "pilot", "voluntary"]))
    status = fields.String(required=True)
    basis = fields.String(required=True)
    source = fields.String(required=True, allow_none=True)
    nations = fields.List(fields.String(), required=True)
    sectors = described(fields.List, "Null: every sector.", fields.String(), required=True, allow_none=True)
    parent_kinds = fields.List(fields.String(), required=True)
    opened_on = fields.Date(required=True, allow_none=True)
    closed_on = fields.Date(required=True, allow_none=True)
    appeal_to = described(fields.String, "Null: there is no appeal.", required=True, allow_none=True)
    leads_to = fields.String(required=True, validate=validate.OneOf(LEADS_TO))
    leads_to_words = WordsField(500, required=True)
    usual_answer_days = fields.Integer(required=True, allow_none=True)
    inferred = described(fields.List, "Members that are our reading, not a source's.", fields.String(), required=True)


class RightRoutesView(View):
    """Every route."""

    version = fields.String(required=True)
    data = fields.List(fields.Nested(RightRouteView), required=True)


class RightsDayQuery(Schema):
    """As of which day."""

    on = described(Day, "Today in London if it is left out.")


class RightsCoverageCellView(View):
    """What lives for one sector in one nation: the best of it, and each right and policy."""

    sector = fields.String(required=True)
    nation = fields.String(required=True)
    cover = fields.String(required=True, validate=validate.OneOf(["right", "policy", "none"]))
    routes = fields.List(fields.String(), required=True)


class RightsGapView(View):
    """What is known of a nation without a right of its own."""

    nation = fields.String(required=True)
    words = WordsField(1000, required=True)
    inferred = fields.Boolean(required=True)


class RightsCoverageView(View):
    """Sector by nation, on one day."""

    day = fields.Date(required=True)
    cells = fields.List(fields.Nested(RightsCoverageCellView), required=True)
    gaps = fields.List(fields.Nested(RightsGapView), required=True)


# Statistics


class AcceptanceBandView(View):
    """A count as it is told: in a band of five, as fewer than 5, or as at least 5."""

    at_least = fields.Integer()
    at_most = fields.Integer()
    fewer_than = fields.Integer()


class AcceptanceQuery(Schema):
    """Along which axis."""

    by = fields.String(load_default="route", validate=validate.OneOf(AXES))


class AcceptanceRowView(View):
    """Claims of at least five groups with one key. Of those decided, `accepted` and `rejected`: both, or both null."""

    key = fields.String(required=True)
    label = WordsField(300)
    claims = fields.Nested(AcceptanceBandView, required=True)
    accepted = described(
        fields.Nested, "With changes and on appeal, too.", AcceptanceBandView, required=True, allow_none=True
    )
    rejected = fields.Nested(AcceptanceBandView, required=True, allow_none=True)
    accepted_share_least_bp = described(fields.Integer, "Null: as those two.", required=True, allow_none=True)
    accepted_share_most_bp = described(fields.Integer, "Null: as those two.", required=True, allow_none=True)
    days = described(
        fields.Nested, "When half of the answers had come.", AcceptanceBandView, required=True, allow_none=True
    )


class AcceptanceView(View):
    """How claims for public proposals came out; `others` have keys with claims of fewer than five groups."""

    by = fields.String(required=True)
    data = fields.List(fields.Nested(AcceptanceRowView), required=True)
    others = fields.Nested(AcceptanceBandView, required=True)


# Claims


class RightClaimDraft(Draft):
    """A claim, as it was or is made to the authority, which reads what stands here and nothing else."""

    route = Slug("routes", required=True)
    authority_organisation_id = described(Id, "A verified public body here: it is told, and answers.")
    authority_name = Text(200, metadata={"description": "An authority that is not here: the group writes its answer."})
    claimant = Text(200, required=True, metadata={"description": "Who claims, as the authority is to know them."})
    title = WordsField(200, required=True)
    statement = WordsField(4000, required=True)
    submitted_on = Day(required=True)
    answer_due_on = described(Day, "By when the authority said that it would answer.", allow_none=True)


class RightClaimAnswer(Draft):
    """The authority's answer."""

    outcome = fields.String(required=True, validate=validate.OneOf(["accepted", "modified", "rejected"]))
    modification = described(WordsField, "What was changed.", 4000, allow_none=True)
    rejection_reason = Slug("right_rejection_reasons", allow_none=True)
    words = WordsField(4000, allow_none=True)
    source = Text(500, allow_none=True, metadata={"description": "Where the answer can be read: minute, letter, URL."})
    answered_on = Day(required=True)


class RightClaimAppeal(Draft):
    """An appeal against a rejection."""

    words = WordsField(4000, required=True)
    appealed_on = Day(required=True)


class RightClaimAppealOutcome(Draft):
    """How an appeal ended, as the group writes it down."""

    outcome = fields.String(required=True, validate=validate.OneOf(["upheld", "dismissed"]))
    words = WordsField(4000, allow_none=True)
    source = Text(500, required=True, metadata={"description": "Where it can be read."})
    decided_on = Day(required=True)


class RightClaimWithdrawal(Draft):
    """Why it is taken back."""

    reason = WordsField(2000, allow_none=True)


class RightClaimTimingView(View):
    """How long a claim has waited for its answer. `due_by`: stated by the authority, or usual for the route."""

    days = fields.Integer(required=True)
    answered = fields.Boolean(required=True)
    due_on = fields.Date(required=True, allow_none=True)
    due_by = fields.String(required=True, allow_none=True, validate=validate.OneOf(["stated", "usual"]))
    overdue = fields.Boolean(required=True)


class RightClaimView(View):
    """A claim and what became of it. `declared`: its group wrote the answer down, the authority is not here.

    Only the group is told which proposal it is for. `leads_to` says what an acceptance is worth.
    """

    id = fields.UUID(required=True)
    proposal_id = fields.UUID()
    route = fields.String(required=True)
    authority_organisation_id = fields.UUID()
    authority_name = fields.String()
    claimant = fields.String(required=True)
    title = WordsField(200, required=True)
    statement = WordsField(4000, required=True)
    submitted_on = fields.Date(required=True)
    state = fields.String(required=True)
    outcome = fields.String()
    declared = fields.Boolean(required=True)
    modification = WordsField(4000)
    rejection_reason = fields.String()
    answer = WordsField(4000)
    source = fields.String()
    answered_on = fields.Date()
    appeal = WordsField(4000)
    appealed_on = fields.Date()
    appeal_answer = WordsField(4000)
    appeal_source = fields.String()
    appeal_decided_on = fields.Date()
    withdrawal_reason = WordsField(2000)
    withdrawn_at = fields.DateTime()
    timing = fields.Nested(RightClaimTimingView, required=True)
    appeal_to = fields.String(required=True, allow_none=True)
    leads_to = fields.String(required=True, validate=validate.OneOf(LEADS_TO))
    leads_to_words = WordsField(500, required=True)
    created_at = fields.DateTime(required=True)


class RightClaimsView(View):
    """A proposal's claims, the newest first."""

    data = fields.List(fields.Nested(RightClaimView), required=True)


class RightClaimQuery(PageQuery):
    """Whose inbox, and which claims."""

    organisation_id = Id(required=True)
    state = Slug("right_claim_states")


# A proposal's position


class MotivesDraft(Draft):
    """Why the group wants to leave."""

    motives = slugs("motives", least=1, required=True)
    statement = WordsField(2000, allow_none=True)


class MotivesView(View):
    """Why the group wants to leave; empty before anything was stated."""

    motives = fields.List(fields.String(), required=True)
    statement = WordsField(2000, required=True, allow_none=True)
    updated_at = fields.DateTime(required=True, allow_none=True)


class RightsPositionView(View):
    """The rights that live for a proposal, and what to mind. Nothing here refuses anything."""

    day = fields.Date(required=True)
    sector = fields.String(required=True, allow_none=True)
    nation = fields.String(required=True, allow_none=True)
    route = fields.String(required=True, allow_none=True)
    initiation = fields.String(required=True, allow_none=True)
    cuts_threat = fields.Boolean(required=True, allow_none=True)
    motives = fields.List(fields.String(), required=True)
    routes = described(fields.List, "Rights and policies that live for it.", fields.String(), required=True)
    leads_to_words = WordsField(500, required=True, allow_none=True)
    reasons = fields.List(fields.Nested(ReasonView), required=True)
