"""The shapes of matches on the wire."""

from marshmallow import Schema, fields, validate

from marketplace.eligibility.rules import Result
from marketplace.programmes.rules import Window
from marketplace.programmes.schemas import ListingView
from marketplace.reference import codelists
from marketplace.values.reasons import Outcome
from marketplace.web.fields import Day, MoneyView, Slug, View, WordsField
from marketplace.web.paging import PageQuery
from marketplace.web.reason_views import ReasonView

SHORTLIST = ["none", *codelists.slugs("shortlist_states")]
RESULTS = validate.OneOf([result.value for result in Result])


def _as_of() -> Day:
    words = "The day for windows, dated parameters and the employer's consent; today unless given."
    return Day(metadata={"description": words})


def _over() -> fields.String:
    words = "`own`: all the group's facts; `shared`: what each funder that sees the proposal is shown."
    return fields.String(
        load_default="own", validate=validate.OneOf(["own", "shared"]), metadata={"description": words}
    )


class MatchQuery(Schema):
    """As of which day."""

    as_of = _as_of()


class ProposalMatchQuery(MatchQuery):
    """Over which facts, as of which day."""

    over = _over()


class ProgrammeMatchesQuery(PageQuery):
    """Which proposals to list."""

    as_of = _as_of()
    result = Slug("match_results")


class ShortlistedMatchesQuery(ProgrammeMatchesQuery):
    """Which proposals to list, by what one's own organisation thinks of them, too."""

    shortlist = fields.String(
        validate=validate.OneOf(SHORTLIST),
        metadata={"description": "How the proposal stands on the programme's own shortlist; `none`: not on it."},
    )


class ProposalMatchesQuery(ProgrammeMatchesQuery):
    """Which programmes to list."""

    over = _over()
    window = fields.String(
        validate=validate.OneOf([window.value for window in Window]),
        metadata={"description": "Where `as_of` lies in the programme's window."},
    )
    instrument = Slug("instruments", metadata={"description": "Programmes that offer it, or any."})


def _codes(words: str, *, required: bool, name: str | None = None) -> fields.List[str]:
    """Criterion codes; `name` where the member's own name is taken by marshmallow."""
    described = {"description": words}
    return fields.List(fields.String(), required=required, data_key=name, attribute=name, metadata=described)


UNMET = "Hard criteria that fail and stand in the way, in order."
UNKNOWN = "Hard criteria that cannot be told and stand in the way, in order."
SOFT_UNMET = "Soft criteria that fail: they lower the fit."
SOFT_UNKNOWN = "Soft criteria that cannot be told."
FIT = {"description": "0 to 100: the weight of the soft criteria that are met. Ineligible: 0."}


class AnswerView(View):
    """The answer on one pair, explained."""

    result = fields.String(required=True, validate=RESULTS)
    fit = fields.Integer(required=True, metadata=FIT)
    unmet = _codes(UNMET, required=True)
    not_known = _codes(UNKNOWN, required=True, name="unknown")
    soft_unmet = _codes(SOFT_UNMET, required=True)
    soft_unknown = _codes(SOFT_UNKNOWN, required=True)
    reasons = fields.List(fields.Nested(ReasonView), required=True)


class TheySeeView(View):
    """What the funder gets over the facts shared with it; nothing but `visible` where it does not see the proposal."""

    visible = fields.Boolean(required=True)
    result = fields.String(validate=RESULTS)
    fit = fields.Integer(metadata=FIT)
    unmet = _codes(UNMET, required=False)
    not_known = _codes(UNKNOWN, required=False, name="unknown")
    soft_unmet = _codes(SOFT_UNMET, required=False)
    soft_unknown = _codes(SOFT_UNKNOWN, required=False)
    reasons = fields.List(fields.Nested(ReasonView))


class FunderNameView(View):
    """A funder by name."""

    id = fields.UUID(required=True)
    name = WordsField(300, required=True)


class MatchedProgrammeView(View):
    """A programme in a list of matches."""

    id = fields.UUID(required=True)
    title = WordsField(200, required=True)
    organisation = fields.Nested(FunderNameView, required=True)
    window = fields.String(required=True, validate=validate.OneOf([window.value for window in Window]))
    opens_on = fields.Date(required=True, allow_none=True)
    closes_on = fields.Date(required=True, allow_none=True)
    instruments = fields.List(fields.String(), required=True)
    wholesale = fields.Boolean(required=True, metadata={"description": "True: it funds intermediaries, not groups."})
    historical_example = fields.Boolean(required=True)
    listing = fields.Nested(ListingView, metadata={"description": "There for a programme listed from a public source."})


class MatchedProposalView(View):
    """A proposal in a list of matches, as the funder sees it; members it may not see are absent."""

    id = fields.UUID(required=True)
    pseudonym = fields.String(required=True)
    title = WordsField(200)
    organisation_name = WordsField(300)
    stage = fields.String()
    ask = fields.Nested(MoneyView)
    sector = fields.String()
    nation = fields.String()
    region = fields.String()
    historical_example = fields.Boolean(required=True)


class ConfidenceView(View):
    """How well the facts are known that a result rests on: the hard criteria that decided, by what they rest on."""

    score = fields.Integer(
        required=True,
        metadata={
            "description": "0 to 100: verified 100, evidenced 80, declared 50, unknown 0; the mean, rounded down."
        },
    )
    verified = fields.Integer(required=True)
    evidenced = fields.Integer(required=True)
    declared = fields.Integer(required=True)
    not_known = fields.Integer(required=True, attribute="unknown", data_key="unknown")


class FitPartView(View):
    """A soft criterion with its weight, and whether it counts."""

    code = fields.String(required=True)
    weight = fields.Integer(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf([each.value for each in Outcome]))


class SureAnswerView(AnswerView):
    """The answer on one pair with its two other outputs, neither of which decides anything."""

    confidence = fields.Nested(ConfidenceView, required=True)
    fit_makeup = fields.List(fields.Nested(FitPartView), required=True)


class ProposalMatchView(SureAnswerView):
    """A programme for the group's proposal."""

    programme = fields.Nested(MatchedProgrammeView, required=True)
    they_see = fields.Nested(TheySeeView, required=True)


class ProgrammeMatchView(SureAnswerView):
    """A proposal for the funder's programme, over the facts shared with it."""

    proposal = fields.Nested(MatchedProposalView, required=True)
    shortlist = fields.String(
        metadata={"description": "How the proposal stands on the programme's own shortlist: `none`, or its state."}
    )


class MatchCountView(View):
    """How many: exactly (`count`), or where that would tell too much, in a band or by one bound."""

    count = fields.Integer()
    fewer_than = fields.Integer()
    at_least = fields.Integer()
    at_most = fields.Integer()


class MatchSummaryView(View):
    """How many of each result."""

    eligible = fields.Nested(MatchCountView, required=True)
    needs_information = fields.Nested(MatchCountView, required=True)
    ineligible = fields.Nested(MatchCountView, required=True)
