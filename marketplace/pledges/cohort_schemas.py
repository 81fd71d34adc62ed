"""The shapes of a programme's cohort on the wire."""

from marshmallow import fields, validate

from marketplace.pledges.cohort_rules import Held
from marketplace.programmes.cohort_schemas import CohortLimitView
from marketplace.web.fields import View

SECTOR = "As the funder was shown it with the offer; null: it was not shown."


class SectorPlacesView(View):
    """How many places are taken in a sector."""

    sector = fields.String(required=True, allow_none=True, metadata={"description": SECTOR})
    taken = fields.Integer(required=True)


class CohortView(View):
    """The limit, if there is one, and how many places are taken: in all, and in each sector that has any."""

    limit = fields.Nested(CohortLimitView, required=True, allow_none=True)
    taken = fields.Integer(required=True)
    sectors = fields.List(fields.Nested(SectorPlacesView), required=True)


class CohortPlaceView(View):
    """A proposal that takes a place, and what for: a promise before its launch, or a learning note that it owes."""

    proposal_id = fields.UUID(attribute="id", required=True)
    sector = fields.String(required=True, allow_none=True, metadata={"description": SECTOR})
    held_for = fields.String(required=True, validate=validate.OneOf([each.value for each in Held]))
