"""The shapes of cohort limits and of terms for first movers. Shape only: what contradicts itself is for the rules."""

from marshmallow import fields

from marketplace.programmes.rules import MOST_PLACES, MOST_RANK
from marketplace.web.fields import Count, Draft, Flag, View, WordsField

PLACES = "The most groups before their launch that may hold a promise of the programme at a time."
IN_EACH = "True: so many in each sector, by the sector that the funder was shown when it made the offer."
NOTE = "True: a group that signed an agreement keeps its place until it has written a learning note since the offer."
REACH = "The last mover rank, in a group's sector and region, that is offered these terms."


class CohortLimitDraft(Draft):
    """How many groups the programme takes on at a time; null ends the limit."""

    limit = Count(least=1, most=MOST_PLACES, required=True, allow_none=True, metadata={"description": PLACES})
    per_sector = Flag(load_default=False, metadata={"description": IN_EACH})
    learning_note_required = Flag(load_default=False, metadata={"description": NOTE})


class CohortLimitView(View):
    """How many groups the programme takes on at a time; null is no limit."""

    limit = fields.Integer(required=True, allow_none=True, metadata={"description": PLACES})
    per_sector = fields.Boolean(required=True, metadata={"description": IN_EACH})
    learning_note_required = fields.Boolean(required=True, metadata={"description": NOTE})


class FirstMoverTermsDraft(Draft):
    """What first movers are offered; null for both takes it back."""

    words = WordsField(2000, required=True, allow_none=True)
    up_to_rank = Count(least=1, most=MOST_RANK, required=True, allow_none=True, metadata={"description": REACH})


class FirstMoverTermsView(View):
    """What first movers are offered, in the funder's words; null is nothing."""

    words = WordsField(2000, required=True, allow_none=True)
    up_to_rank = fields.Integer(required=True, allow_none=True, metadata={"description": REACH})
