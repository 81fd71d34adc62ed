"""The one shape of a reason on the wire: of eligibility, gates, law checks and refusals."""

from marshmallow import fields, validate

from marketplace.values.reasons import Level, Outcome
from marketplace.web.fields import View, WordsField


class ReasonView(View):
    """Why one criterion holds, does not hold, or cannot be told."""

    code = fields.String(required=True)
    op = fields.String(required=True, allow_none=True)
    fact = fields.String(required=True, allow_none=True)
    wanted = fields.Raw(required=True, allow_none=True, metadata={"description": "What is asked, as JSON."})
    found = fields.Raw(required=True, allow_none=True, metadata={"description": "The fact, as JSON; null: unknown."})
    outcome = fields.String(required=True, validate=validate.OneOf([each.value for each in Outcome]))
    level = fields.String(required=True, validate=validate.OneOf([each.value for each in Level]))
    assurance = fields.String(
        required=True, allow_none=True, metadata={"description": "More than declared: `evidenced` or `verified`."}
    )
    assurance_wanted = fields.String(
        required=True, allow_none=True, metadata={"description": "Known less well than this, it does not count as met."}
    )
    words = WordsField(2000, required=True, allow_none=True, metadata={"description": "The funder's own words."})
    negated = fields.Boolean(required=True, metadata={"description": "True where the criteria ask for the opposite."})
    not_shared = fields.Boolean(required=True, metadata={"description": "True where the asker may not see the fact."})
    waivable = fields.Boolean(required=True)
