"""The shape of a group's mover rank on the wire."""

from marshmallow import fields, validate

from marketplace.eligibility.rules import Result
from marketplace.matching.schemas import MatchedProgrammeView
from marketplace.programmes.cohort_schemas import FirstMoverTermsView
from marketplace.values.reasons import Outcome
from marketplace.web.fields import View

REACHED = "Whether the terms reach to the rank: `met`, or `unknown` where they reach to a part of its band."


class RankBandView(View):
    """A rank, told by fives."""

    at_least = fields.Integer(required=True)
    at_most = fields.Integer(required=True)


class FirstMoverMatchView(View):
    """A matching programme with terms for first movers."""

    programme = fields.Nested(MatchedProgrammeView, required=True)
    result = fields.String(required=True, validate=validate.OneOf([each.value for each in Result]))
    terms = fields.Nested(FirstMoverTermsView, required=True)
    reached = fields.String(
        required=True,
        validate=validate.OneOf([each.value for each in Outcome]),
        metadata={"description": REACHED},
    )


class MoverRankView(View):
    """How early the group launched, or would if it did now, among those of its sector and region that all may see."""

    sector = fields.String(required=True, allow_none=True)
    region = fields.String(required=True, allow_none=True)
    rank = fields.Nested(
        RankBandView,
        required=True,
        allow_none=True,
        metadata={"description": "Null where sector or region is not known."},
    )
    programmes = fields.List(
        fields.Nested(FirstMoverMatchView), required=True, metadata={"description": "The best matches, 50 at most."}
    )
