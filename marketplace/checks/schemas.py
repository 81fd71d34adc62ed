"""The shapes of checks and answer files on the wire."""

from typing import Any

from marshmallow import fields, validate

from marketplace.checks.rules import ASK_MEMBERS, FORMAT, FORMAT_VERSION
from marketplace.matching.near_schemas import EligibleFromView, NearProgrammesView, WayView
from marketplace.matching.schemas import (
    AnswerView,
    ConfidenceView,
    FitPartView,
    MatchedProgrammeView,
    MatchSummaryView,
)
from marketplace.programmes.rules import Window
from marketplace.proposals.schemas import FactMap, ProposalView
from marketplace.reference.facts import TYPES
from marketplace.web.fields import Count, Day, Draft, Id, MoneyView, Slug, Text, View, WordsField, money, slugs

DEFAULT_PAGE, LARGEST_PAGE = 20, 50


# Questions


class CheckQuestionView(View):
    """One question. What may be skipped stays unknown, which is never a no."""

    slug = fields.String(required=True)
    section = fields.String(required=True, allow_none=True)
    type = fields.String(required=True, validate=validate.OneOf(TYPES))
    codelist = fields.String(required=True, allow_none=True)
    unit = fields.String(required=True, allow_none=True)
    scale = fields.Integer(required=True, allow_none=True)
    question = WordsField(500, required=True)
    help = WordsField(2000, required=True, allow_none=True)
    ask_member = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(list(ASK_MEMBERS)),
        metadata={"description": "Where it is answered in a check's `ask`; null: in `answers`, by its slug."},
    )
    may_be_skipped = fields.Boolean(
        required=True, metadata={"description": "False: without it no programme can come out eligible."}
    )


class CheckQuestionsView(View):
    """What a check asks, in order. `version` is the facts registry's."""

    version = fields.String(required=True)
    data = fields.List(fields.Nested(CheckQuestionView), required=True)


# The check


class CheckAskDraft(Draft):
    """What would be asked for."""

    amount = money()
    stage = Slug("stages")
    instruments = slugs("instruments")


class CheckDraft(Draft):
    """Answers, and which programmes to list. Nothing of it is kept."""

    answers = FactMap(load_default=dict, metadata={"description": "By slug, in the shapes of `/v1/facts`."})
    ask = fields.Nested(CheckAskDraft, load_default=dict)
    as_of = Day(metadata={"description": "The day for windows and dated parameters; today unless given."})
    result = Slug("match_results")
    window = fields.String(
        validate=validate.OneOf([window.value for window in Window]),
        metadata={"description": "Where `as_of` lies in the programme's window; any unless given."},
    )
    instrument = Slug("instruments", metadata={"description": "Programmes that offer it, or any."})
    limit = Count(least=1, most=LARGEST_PAGE, load_default=DEFAULT_PAGE)
    after = fields.String(
        validate=validate.Length(max=1000),
        metadata={"description": "`after` of the page before: post the same body again with it."},
    )


class CheckedProgrammeView(AnswerView):
    """A programme for the answers, explained. The last three members are absent where the result is eligible."""

    programme = fields.Nested(MatchedProgrammeView, required=True)
    confidence = fields.Nested(ConfidenceView, required=True)
    fit_makeup = fields.List(fields.Nested(FitPartView), required=True)
    ways = fields.List(fields.Nested(WayView), metadata={"description": "The cheapest ways in, at most two."})
    exhaustive = fields.Boolean(metadata={"description": "True: the first way is the cheapest; none: there is none."})
    eligible_from = fields.Nested(EligibleFromView, allow_none=True)


class NextCheckQuestionView(CheckQuestionView):
    """A question that is open: how many programmes its answer would settle, and of how many it is a part."""

    settles = fields.Integer(required=True)
    part_of = fields.Integer(required=True)


class NextCheckQuestionsView(View):
    """The questions whose answers would settle most, out of the programmes that need information."""

    looked_at = fields.Integer(required=True)
    of = fields.Integer(required=True)
    data = fields.List(fields.Nested(NextCheckQuestionView), required=True)


class KeptAskView(View):
    """The ask of an answer file."""

    amount = fields.Nested(MoneyView)
    stage = fields.String()
    instruments = fields.List(fields.String())


class AnswerFileView(View):
    """The caller's own answers, to be kept by the caller: a draft can be made of them later without retyping."""

    format = fields.String(required=True, validate=validate.OneOf([FORMAT]))
    version = fields.Integer(required=True)
    registry_version = fields.String(required=True)
    made_on = fields.Date(required=True)
    answers = fields.Dict(required=True)
    ask = fields.Nested(KeptAskView, required=True)


class CheckView(View):
    """What the answers come to. Counts and `more` are exact: programmes are public."""

    as_of = fields.Date(required=True)
    counts = fields.Nested(MatchSummaryView, required=True)
    data = fields.List(fields.Nested(CheckedProgrammeView), required=True)
    more = fields.Integer(required=True, metadata={"description": "How many stand after this page."})
    after = fields.String(required=True, allow_none=True)
    near_misses = fields.Nested(
        NearProgrammesView, metadata={"description": "On the first page: what the answers miss by least, at most ten."}
    )
    next_questions = fields.Nested(NextCheckQuestionsView, metadata={"description": "On the first page."})
    answer_file = fields.Nested(AnswerFileView, metadata={"description": "On the first page."})


# From answers to a draft


class AnswerFileDraft(Draft):
    """An answer file as a check made it. What no longer fits inside it is named in `left_out`, not refused."""

    format = fields.String(required=True, validate=validate.OneOf([FORMAT]))
    version = Count(least=FORMAT_VERSION, most=FORMAT_VERSION, required=True)
    registry_version = Text(40, required=True)
    made_on = Day(required=True)
    answers = FactMap(required=True)
    ask = FactMap(required=True, metadata={"description": "amount, stage and instruments, each if given."})


class DraftFromAnswers(Draft):
    """Which group drafts a proposal, what it is called, and the answers that it starts with."""

    organisation_id = Id(required=True)
    title = WordsField(200, required=True)
    answer_file = fields.Nested(AnswerFileDraft, required=True)


class LeftOutView(View):
    """Something of the file that no longer fits."""

    slug = fields.String(required=True)
    pointer = fields.String(required=True)
    detail = fields.String(required=True)


class DraftedFromAnswersView(View):
    """The draft, private, and what of the file is not in it."""

    proposal = fields.Nested(ProposalView, required=True)
    left_out = fields.List(fields.Nested(LeftOutView), required=True)


def ask_as_json(ask: dict[str, Any]) -> dict[str, Any]:
    """A loaded ask as plain JSON values."""
    if "amount" not in ask:
        return dict(ask)
    return {**ask, "amount": {"amount": ask["amount"].amount, "currency": ask["amount"].currency}}
