"""The shapes of near misses, ways in and next questions on the wire."""

from marshmallow import fields, validate

from marketplace.eligibility.ways import ANSWER, CHANGE, EVIDENCE, SHARE
from marketplace.matching.schemas import (
    RESULTS,
    AnswerView,
    MatchedProgrammeView,
    MatchQuery,
    ProgrammeMatchView,
)
from marketplace.programmes.rules import Window
from marketplace.web.fields import View, WordsField

WINDOWS = validate.OneOf([window.value for window in Window])
CAPPED = (
    "True: there are more, or more than were looked at: for a proposal the 40 programmes for its area and sector that"
    " the fewest of its facts refuse, for a programme the 2,000 newest proposals that it refuses."
)


class NearMissesQuery(MatchQuery):
    """As of which day, and which programmes."""

    window = fields.String(validate=WINDOWS, metadata={"description": "Where `as_of` lies in the programme's window."})


class GatesView(View):
    """How many hard criteria would have to turn to met on the nearest way, unmet ones counting before unknown ones."""

    unmet = fields.Integer(required=True)
    not_known = fields.Integer(required=True, attribute="unknown", data_key="unknown")


class StepView(View):
    """One thing to do towards a programme."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf([CHANGE, ANSWER, EVIDENCE, SHARE]),
        metadata={"description": "Change a fact, answer it, have it shown by evidence, or share it."},
    )
    fact = fields.String(required=True)
    present = fields.Raw(
        required=True,
        allow_none=True,
        attribute="from",
        data_key="from",
        metadata={"description": "The fact as it is, as JSON; null: unknown."},
    )
    to = fields.Raw(required=True, allow_none=True, metadata={"description": "What it has to be, as JSON."})
    at_least = fields.Raw(
        required=True, allow_none=True, metadata={"description": "Anything from this on would do; null: no bound."}
    )
    at_most = fields.Raw(
        required=True, allow_none=True, metadata={"description": "Anything up to this would do; null: no bound."}
    )
    instead = fields.List(fields.Raw(), required=True, metadata={"description": "Other values that would do as well."})
    by = fields.String(required=True, metadata={"description": "Who does it: group, employer or funder."})
    cost = fields.String(required=True, metadata={"description": "A slug of the codelist `change_costs`."})
    months = fields.Integer(
        required=True, allow_none=True, metadata={"description": "About how long it takes; null: not known."}
    )
    follows = fields.Dict(required=True, metadata={"description": "Facts that turn with it, with their values then."})
    assumption = fields.Boolean(
        required=True, metadata={"description": "True: nobody can change it, so it holds if that is the answer."}
    )
    level = fields.String(
        required=True, allow_none=True, metadata={"description": "How sure evidence has to make it, else null."}
    )


class WayView(View):
    """Steps that together make the pair eligible, none of them needless."""

    steps = fields.List(fields.Nested(StepView), required=True)
    points = fields.Integer(required=True, metadata={"description": "Their cost together, by `change_costs`."})
    months = fields.Integer(required=True, metadata={"description": "The longest of them."})


class EligibleFromView(View):
    """The first day on which the same facts are enough, and where it lies in the programme's window."""

    day = fields.Date(required=True)
    window = fields.String(required=True, validate=WINDOWS)


class NearProgrammeView(AnswerView):
    """A programme that the proposal misses by little, with the cheapest ways in."""

    programme = fields.Nested(MatchedProgrammeView, required=True)
    gates = fields.Nested(GatesView, required=True)
    ways = fields.List(fields.Nested(WayView), required=True)
    exhaustive = fields.Boolean(
        required=True, metadata={"description": "True: the first way is the cheapest there is; none: there is none."}
    )
    eligible_from = fields.Nested(EligibleFromView, required=True, allow_none=True)


class NearProgrammesView(View):
    """The programmes that the proposal misses by least, the nearest first; at most 20."""

    data = fields.List(fields.Nested(NearProgrammeView), required=True)
    capped = fields.Boolean(required=True, metadata={"description": CAPPED})


class NearProposalView(ProgrammeMatchView):
    """A proposal that misses the programme by little, over the facts shared with it."""

    gates = fields.Nested(GatesView, required=True)


class NearProposalsView(View):
    """The proposals that miss the programme by least, the nearest first; at most 20."""

    data = fields.List(fields.Nested(NearProposalView), required=True)
    capped = fields.Boolean(required=True, metadata={"description": CAPPED})


class SeenResultView(View):
    """What the funder gets over the facts shared with it; nothing but `visible` where it does not see the proposal."""

    visible = fields.Boolean(required=True)
    result = fields.String(validate=RESULTS)


class WaysInView(View):
    """The ways into one programme, and what to share for its funder to see as much."""

    programme = fields.Nested(MatchedProgrammeView, required=True)
    result = fields.String(required=True, validate=RESULTS)
    gates = fields.Nested(GatesView, required=True)
    ways = fields.List(fields.Nested(WayView), required=True)
    exhaustive = fields.Boolean(required=True)
    eligible_from = fields.Nested(EligibleFromView, required=True, allow_none=True)
    they_see = fields.Nested(SeenResultView, required=True)
    share = fields.List(fields.Nested(StepView), required=True)


class NextFactView(View):
    """A fact to answer or to share next."""

    fact = fields.String(required=True)
    settles = fields.Integer(
        required=True, metadata={"description": "Programmes that wait for nothing else: it settles them either way."}
    )
    part_of = fields.Integer(required=True, metadata={"description": "Programmes that wait for it, alone or not."})
    question = WordsField(500, required=True, allow_none=True)
    help = WordsField(2000, required=True, allow_none=True)
    section = fields.String(required=True, allow_none=True)
    attested_by = fields.List(fields.String(), required=True)


class NextQuestionsView(View):
    """What to answer and what to share next, the most useful first; at most 10 of each."""

    questions = fields.List(fields.Nested(NextFactView), required=True)
    looked_at = fields.Integer(
        required=True, metadata={"description": "Programmes that need information and were counted; at most 500."}
    )
    of = fields.Integer(required=True, metadata={"description": "Programmes that need information."})
    share_next = fields.List(fields.Nested(NextFactView), required=True)
    shares_looked_at = fields.Integer(
        required=True, metadata={"description": "Programmes whose funder needs information and were counted."}
    )
    shares_of = fields.Integer(required=True, metadata={"description": "Programmes whose funder needs information."})
