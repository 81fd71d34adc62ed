"""The shapes of the pipeline on the wire. Shape only: what contradicts itself is for the rules."""

from marshmallow import fields, validate

from marketplace.pipeline.rules import WHOLE
from marketplace.web.fields import (
    Count,
    Day,
    Draft,
    Id,
    Instant,
    MoneyView,
    Slug,
    Text,
    View,
    WordsField,
    described,
    money,
)
from marketplace.web.paging import PageQuery
from marketplace.web.reason_views import ReasonView

LARGEST_ELECTORATE = 1_000_000


# Templates


class PartyView(View):
    """Somebody who may verify what a gate asks, by their part in the proposal."""

    slug = fields.String(required=True)
    label = WordsField(200)
    definition = WordsField(2000)


class RequiredEvidenceView(View):
    """A kind of evidence, and the parties whose acceptance of it counts."""

    kind = fields.String(required=True)
    verified_by = fields.List(fields.String(), required=True)


class GateTestView(View):
    """A test beside the evidence, by name, with the members that it has; those it has not are null or empty."""

    test = fields.String(required=True)
    verified_by = fields.List(fields.String(), required=True)
    answers = described(fields.List, "Answers of the employer that are enough.", fields.String(), required=True)
    kind = described(fields.String, "The kind of evidence that shows it.", required=True, allow_none=True)
    milestone = fields.String(required=True, allow_none=True)
    quorum_bp = described(fields.Integer, "Basis points of the electorate.", required=True, allow_none=True)
    threshold_bp = described(fields.Integer, "Basis points of the votes.", required=True, allow_none=True)
    least = described(fields.Integer, "How many benefits have to stand.", required=True, allow_none=True)


class GateView(View):
    """What leads out of a stage into the next: all of its evidence, and all of its tests."""

    evidence = fields.List(fields.Nested(RequiredEvidenceView), required=True)
    tests = fields.List(fields.Nested(GateTestView), required=True)


class TemplateStageView(View):
    """A stage (codelist `stages`) and the gate that leads out of it; null for the last one."""

    slug = fields.String(required=True)
    gate = fields.Nested(GateView, required=True, allow_none=True)


class EndView(View):
    """A stage that nothing leads out of: from which stages it is entered, and the reports it asks for."""

    slug = fields.String(required=True)
    entered_from = fields.List(fields.String(), required=True)
    reports = fields.List(fields.Nested(RequiredEvidenceView), required=True)
    reports_due_days = fields.Integer(required=True)


class TemplateVersionView(View):
    """A pipeline template as it was published on a day; never changed afterwards."""

    slug = fields.String(required=True)
    number = fields.Integer(required=True)
    published_on = Day(required=True)
    stages = fields.List(fields.Nested(TemplateStageView), required=True)
    ends = fields.List(fields.Nested(EndView), required=True)


class TemplateView(View):
    """A pipeline by name, and its latest version."""

    slug = fields.String(required=True)
    label = WordsField(200)
    definition = WordsField(2000)
    versions = fields.List(fields.Integer(), required=True, metadata={"description": "Numbers, the oldest first."})
    latest = fields.Nested(TemplateVersionView, required=True)


class TemplatesView(View):
    """Every pipeline template, and the parties that its gates name."""

    version = fields.String(required=True)
    parties = fields.List(fields.Nested(PartyView), required=True)
    data = fields.List(fields.Nested(TemplateView), required=True)


# Moves


class StageMoveDraft(Draft):
    """Where to go. Going back and ending need a reason."""

    to = Slug("stages", required=True)
    reason = WordsField(2000)


class StageMoveView(View):
    """A move: from where to where, why, and every condition as it stood then."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["entered", "forward", "back", "ended"]))
    from_stage = fields.String(required=True, allow_none=True)
    to_stage = fields.String(required=True)
    reason = WordsField(2000, required=True, allow_none=True)
    conditions = fields.List(fields.Nested(ReasonView), required=True)
    moved_at = Instant(required=True, attribute="created_at")


class MovesQuery(PageQuery):
    """How much of a proposal's moves, and from where."""


# Progress


class StageProgressView(View):
    """One stage: was its entry gate passed, as declared by the group or by evidence, and what leads out of it."""

    stage = fields.String(required=True)
    entry_passed = fields.Boolean(required=True)
    basis = fields.String(allow_none=True, required=True)
    passed_at = Instant(allow_none=True, required=True)
    evidenced_at = Instant(allow_none=True, required=True)
    conditions = fields.List(
        fields.Nested(ReasonView), required=True, metadata={"description": "Of the gate into the next stage."}
    )


class MilestoneRecordView(View):
    """A milestone that is worked towards (`open`) or reached (`verified`, by that evidence)."""

    milestone = fields.String(required=True)
    state = fields.String(required=True)
    evidence_version_id = fields.UUID(allow_none=True, required=True)
    verified_by_organisation_id = fields.UUID(allow_none=True, required=True)
    verified_at = Instant(allow_none=True, required=True)


class WaitingView(View):
    """Whom the next step waits on, for which condition, and for which document, milestone or stage."""

    on = fields.String(required=True, validate=validate.OneOf(["group", "employer", "verifier", "funder"]))
    parties = described(fields.List, "Who may act: parties of the template.", fields.String(), required=True)
    code = fields.String(required=True)
    about = fields.String(required=True, allow_none=True)


class ReportDueView(View):
    """A report that the pipeline's end asks for."""

    kind = fields.String(required=True)
    due_on = Day(required=True)
    overdue = fields.Boolean(required=True)
    condition = fields.Nested(ReasonView, required=True)


class ProgressView(View):
    """A proposal's pipeline: where it stands and since when, its gates, whom it waits on, its latest moves."""

    template = fields.String(required=True)
    template_version = fields.Integer(required=True)
    stage = described(fields.String, "Null before the first publication.", required=True, allow_none=True)
    entered_at = Instant(required=True, allow_none=True)
    days_in_stage = fields.Integer(required=True, allow_none=True)
    ended = fields.Boolean(required=True)
    stages = fields.List(fields.Nested(StageProgressView), required=True)
    waiting_on = fields.List(fields.Nested(WaitingView), required=True)
    reports = fields.List(fields.Nested(ReportDueView), required=True)
    moves = fields.List(fields.Nested(StageMoveView), required=True)
    milestones = fields.List(fields.Nested(MilestoneRecordView), required=True)


# Ballots


class BallotDraft(Draft):
    """A ballot's votes, as counted. Quorum and threshold are the template's where they are left out."""

    evidence_id = Id(required=True)
    question = WordsField(500, required=True)
    electorate = Count(least=1, most=LARGEST_ELECTORATE, required=True)
    votes_for = Count(most=LARGEST_ELECTORATE, required=True)
    votes_against = Count(most=LARGEST_ELECTORATE, required=True)
    spoiled = Count(most=LARGEST_ELECTORATE, load_default=0)
    held_on = Day(required=True)
    scrutineer = Text(200, required=True)
    quorum_bp = described(Count, "Basis points of the electorate.", least=1, most=WHOLE)
    threshold_bp = described(Count, "Basis points of the votes for and against.", least=1, most=WHOLE)


class BallotView(View):
    """A ballot and its result: passed when votes / electorate >= quorum and for / votes >= threshold."""

    id = fields.UUID(required=True, attribute="ballot.id")
    evidence_id = fields.UUID(required=True, attribute="ballot.evidence_id")
    question = WordsField(500, required=True, attribute="ballot.question")
    electorate = fields.Integer(required=True, attribute="ballot.electorate")
    votes_for = fields.Integer(required=True, attribute="ballot.votes_for")
    votes_against = fields.Integer(required=True, attribute="ballot.votes_against")
    spoiled = fields.Integer(required=True, attribute="ballot.spoiled")
    held_on = Day(required=True, attribute="ballot.held_on")
    scrutineer = fields.String(required=True, attribute="ballot.scrutineer")
    quorum_bp = fields.Integer(required=True, attribute="ballot.quorum_bp")
    threshold_bp = fields.Integer(required=True, attribute="ballot.threshold_bp")
    turnout_bp = described(fields.Integer, "Rounded down.", required=True, attribute="result.turnout_bp")
    for_bp = described(fields.Integer, "Of the votes, rounded down.", required=True, attribute="result.for_bp")
    quorum_met = fields.Boolean(required=True, attribute="result.quorum_met")
    threshold_met = fields.Boolean(required=True, attribute="result.threshold_met")
    passed = fields.Boolean(required=True, attribute="result.passed")
    accepted = described(fields.Boolean, "Whether its document was accepted.", required=True)
    stands = described(fields.Boolean, "False where a later ballot took its place.", required=True)
    recorded_at = Instant(required=True, attribute="ballot.created_at")


class BallotsView(View):
    """A proposal's ballots, the newest first."""

    data = fields.List(fields.Nested(BallotView), required=True)


# Pensions


class GapBasisDraft(Draft):
    """What the yearly gap is computed from. Rates are basis points of the staff's pensionable pay a year."""

    staff = Count(least=1, most=LARGEST_ELECTORATE, required=True)
    pensionable_pay = money(least=0, required=True)
    rate_needed_bp = described(Count, "The employer's rate that the arrangement needs.", most=WHOLE, required=True)
    rate_planned_bp = described(Count, "The employer's rate that the plan pays for.", most=WHOLE, required=True)


class GapBasisView(View):
    """What the yearly gap was computed from: pay x (rate needed - rate planned), half up, never below nothing."""

    staff = fields.Integer(required=True)
    pensionable_pay = fields.Nested(MoneyView, required=True)
    rate_needed_bp = fields.Integer(required=True)
    rate_planned_bp = fields.Integer(required=True)


class PensionArrangementDraft(Draft):
    """How the staff's pensions are to be kept up; a bond, and what the yearly contributions fall short by.

    The gap is stated, or computed from its basis.
    """

    arrangement = Slug("pension_arrangements", required=True)
    bond = money(least=0, allow_none=True)
    contribution_gap = money(least=0, allow_none=True)
    gap_basis = fields.Nested(GapBasisDraft, allow_none=True)
    evidence_id = Id(allow_none=True)


class PensionArrangementView(View):
    """A proposal's pension arrangement; every member is null before anything was said."""

    arrangement = fields.String(required=True, allow_none=True)
    bond = fields.Nested(MoneyView, required=True, allow_none=True)
    contribution_gap = fields.Nested(MoneyView, required=True, allow_none=True)
    gap_basis = fields.Nested(GapBasisView, required=True, allow_none=True)
    two_tier_workforce = described(
        fields.Boolean, "True where new starters would have less than those who transferred.", required=True
    )
    evidence_id = fields.UUID(required=True, allow_none=True)
    updated_at = Instant(required=True, allow_none=True)
