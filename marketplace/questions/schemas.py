"""The shapes of questions on the wire."""

from marshmallow import fields, validate

from marketplace.questions.rules import MOST_DECIMALS, MOST_OPTIONS, TYPES
from marketplace.web.fields import Count, Draft, Id, Text, View, WordsField
from marketplace.web.paging import PageQuery

SLUG = validate.Regexp(r"^x_[a-z0-9_]{2,50}$")
OPTION = validate.Regexp(r"^[a-z0-9][a-z0-9_]{0,59}$")


class OptionDraft(Draft):
    """One answer to choose."""

    slug = Text(60, required=True, validate=[OPTION])
    label = WordsField(200, required=True)


class QuestionDraft(Draft):
    """A question of one's own. It stays as it is: groups answer what it says."""

    organisation_id = Id(required=True)
    slug = Text(52, required=True, validate=[SLUG], metadata={"description": "Begins with x_; criteria name it."})
    type = fields.String(required=True, validate=validate.OneOf(TYPES))
    question = WordsField(500, required=True)
    help = WordsField(2000, allow_none=True)
    unit = Text(60, allow_none=True)
    scale = Count(least=0, most=MOST_DECIMALS, allow_none=True, metadata={"description": "Decimals of a decimal."})
    options = fields.List(fields.Nested(OptionDraft), validate=validate.Length(max=MOST_OPTIONS))


class OptionView(View):
    """One answer to choose."""

    slug = fields.String(required=True)
    label = WordsField(200, required=True)


class QuestionView(View):
    """A question that a funder asks beside the facts registry. Its answer is confidential until the group shares it."""

    slug = fields.String(required=True)
    organisation_id = fields.UUID(required=True)
    type = fields.String(required=True)
    question = WordsField(500, required=True)
    help = WordsField(2000, allow_none=True)
    unit = fields.String(allow_none=True)
    scale = fields.Integer(allow_none=True)
    options = fields.List(fields.Nested(OptionView), required=True)
    retired = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)


class QuestionQuery(PageQuery):
    """Which questions to list."""

    organisation_id = Id(metadata={"description": "Those of this organisation."})
    q = Text(80, metadata={"description": "Words of the question."})
