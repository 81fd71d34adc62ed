"""The shapes of guidance on the wire: next steps, and asks to be. Shape only."""

from marshmallow import fields, validate

from marketplace.learning.schemas import LikeNoteView, ResourceView
from marketplace.matching.near_schemas import NearProgrammeView
from marketplace.matching.schemas import AnswerView, MatchedProgrammeView, TheySeeView
from marketplace.proposals.schemas import MOST_LINES, AskLineDraft
from marketplace.web.fields import Currency, Day, Draft, MoneyView, Slug, View, WordsField, described, slugs
from marketplace.web.reason_views import ReasonView


class OperationView(View):
    """The operation that does a step; whoever is to do it calls it."""

    id = described(fields.String, "Its operationId.", required=True)
    method = fields.String(required=True)
    path = fields.String(required=True)


class TimeView(View):
    """How long something usually takes. `inferred`: a working figure of ours; `history`: a median of what was here."""

    least_days = fields.Integer(required=True)
    most_days = fields.Integer(required=True)
    basis = fields.String(required=True, validate=validate.OneOf(["inferred", "history"]))
    of = described(
        fields.Integer, "So many proposals at least, in fives; null where inferred.", required=True, allow_none=True
    )


class NextStepView(View):
    """One thing to be done: what, by whom, why, with which operation, how long it usually takes, and who helps."""

    code = fields.String(required=True, attribute="step.code")
    by = fields.String(
        required=True, attribute="step.by", validate=validate.OneOf(["group", "employer", "verifier", "funder"])
    )
    parties = described(
        fields.List,
        "Of whom one may do it: parties of the template.",
        fields.String(),
        required=True,
        attribute="step.parties",
    )
    about = described(
        fields.String,
        "A kind of evidence, a milestone, a stage, a fact or a kind of report.",
        required=True,
        allow_none=True,
        attribute="step.about",
    )
    due_on = Day(required=True, allow_none=True, attribute="step.due_on")
    subject_id = described(
        fields.UUID, "The pledge, tranche or duty.", required=True, allow_none=True, attribute="step.subject_id"
    )
    settles = described(
        fields.Integer, "How many programmes that settles.", required=True, allow_none=True, attribute="step.settles"
    )
    reason = fields.Nested(ReasonView, required=True, allow_none=True, attribute="step.reason")
    operation = fields.Nested(OperationView, required=True, allow_none=True, attribute="step.operation")
    usual_time = fields.Nested(TimeView, required=True)
    service = described(
        fields.String, "The service of an adviser that helps (`adviser_services`).", required=True, allow_none=True
    )
    advisers = described(fields.Integer, "How many are listed for it.", required=True, allow_none=True)
    resources = fields.List(fields.Nested(ResourceView), required=True)


class EligibleProgrammeView(AnswerView):
    """A programme that is open today and that the group is eligible for; `they_see` as in its matches."""

    programme = fields.Nested(MatchedProgrammeView, required=True)
    they_see = fields.Nested(TheySeeView, required=True)


class StepsMoneyView(View):
    """Money for the proposal today: programmes it is eligible for, and those that it misses by least."""

    eligible = fields.List(fields.Nested(EligibleProgrammeView), required=True)
    eligible_count = fields.Integer(required=True)
    eligible_capped = described(fields.Boolean, "True: there may be more.", required=True)
    near = fields.List(fields.Nested(NearProgrammeView), required=True)


class NextStepsView(View):
    """The next three things, whoever is to do them, the group's own first; and what bears on them."""

    stage = described(fields.String, "Null before the first publication.", required=True, allow_none=True)
    days_in_stage = fields.Integer(required=True, allow_none=True)
    stage_time = fields.Nested(TimeView, required=True, allow_none=True)
    steps = fields.List(fields.Nested(NextStepView), required=True)
    more = described(fields.Integer, "How many things there are besides.", required=True)
    money = fields.Nested(StepsMoneyView, required=True, allow_none=True)
    learned = described(fields.List, "What groups like this one learned.", fields.Nested(LikeNoteView), required=True)


# Asks


class UsualLinesQuery(Draft):
    """At which stage, in which sector."""

    stage = Slug("stages", required=True)
    sector = Slug("service_sectors")


class UsualLineView(View):
    """A purpose, and what is usually asked for it."""

    purpose = fields.String(required=True)
    least = fields.Nested(MoneyView, required=True)
    most = fields.Nested(MoneyView, required=True)


class PastAwardView(View):
    """An award of a closed programme, as its sources print it: history, and no offer."""

    recipient = fields.String(required=True)
    programme = fields.String(required=True)
    amount = fields.Nested(MoneyView, required=True)
    up_to = described(fields.Boolean, "True: a limit was printed, not what was paid.", required=True)
    awarded = described(fields.String, "A day, or a month.", required=True)
    instrument = fields.String(required=True, allow_none=True)
    words = fields.String(required=True)
    purposes = fields.List(fields.String(), required=True)
    stage = fields.String(required=True, allow_none=True)
    sector = fields.String(required=True, allow_none=True)
    region = fields.String(required=True, allow_none=True)
    sources = fields.List(fields.String(), required=True)
    note = fields.String(required=True, allow_none=True)


class UsualLinesView(View):
    """What an ask usually has lines for at a stage, with ranges, where those come from, and past awards beside them."""

    version = fields.String(required=True)
    stage = fields.String(required=True)
    provenance = fields.String(required=True, validate=validate.OneOf(["inferred", "sourced"]))
    note = WordsField(1000, required=True)
    least = fields.Nested(MoneyView, required=True, allow_none=True)
    most = fields.Nested(MoneyView, required=True, allow_none=True)
    instruments = fields.List(fields.String(), required=True)
    staff_publicly_employed = fields.Boolean(required=True)
    lines = fields.List(fields.Nested(UsualLineView), required=True)
    past_awards = fields.List(fields.Nested(PastAwardView), required=True)
    past_awards_note = WordsField(1000, required=True)


class AskBuilderDraft(Draft):
    """An ask to be. Without lines (or instruments) it begins from the usual ones of the stage."""

    stage = Slug("stages", required=True)
    sector = Slug("service_sectors")
    currency = Currency(load_default="GBP")
    instruments = slugs("instruments", load_default=list)
    lines = fields.List(fields.Nested(AskLineDraft), load_default=list, validate=validate.Length(max=MOST_LINES))


class BuiltAskLineView(View):
    """One line, as the ask's operation takes it."""

    purpose = fields.String(required=True)
    description = WordsField(500, required=True, allow_none=True)
    amount = fields.Integer(required=True)


class BuiltAskView(View):
    """An ask in the shape that `PUT /v1/proposals/{proposal_id}/sections/ask` takes."""

    stage = fields.String(required=True)
    currency = fields.String(required=True)
    instruments = fields.List(fields.String(), required=True)
    lines = fields.List(fields.Nested(BuiltAskLineView), required=True)


class AskBuilderView(View):
    """An ask to be, with every check of it against what is usual, and past awards to compare it with."""

    ask = fields.Nested(BuiltAskView, required=True)
    total = fields.Nested(MoneyView, required=True)
    drafted_from_usual = described(fields.Boolean, "True: no lines were given.", required=True)
    checks = described(
        fields.List, "All soft: a funder's criteria decide, not these.", fields.Nested(ReasonView), required=True
    )
    past_awards = fields.List(fields.Nested(PastAwardView), required=True)
    past_awards_note = WordsField(1000, required=True)
