"""The shapes of previews and of checked criteria on the wire."""

from marshmallow import fields, validate

from marketplace.eligibility.lint import Kind
from marketplace.programmes.schemas import TreeField
from marketplace.web.fields import Currency, Day, Draft, View, money, slugs

TREE = {"description": 'An author\'s tree: {"schema_version": 1, "criteria": [...]}.'}


class CriteriaPreviewDraft(Draft):
    """Columns and criteria to try; what is left out is as in the programme's draft, null clears a bound."""

    instruments = slugs("instruments")
    stages = slugs("stages")
    ask_min = money(least=0, allow_none=True)
    ask_max = money(allow_none=True)
    criteria = TreeField(metadata=TREE)
    as_of = Day(
        metadata={"description": "The day for dated parameters and the employer's consent; today unless given."}
    )


class CriteriaCheckDraft(CriteriaPreviewDraft):
    """Columns and criteria to check by themselves."""

    currency = Currency(load_default="GBP")
    criteria = TreeField(required=True, metadata=TREE)


class BandView(View):
    """How many: within both ends, or at least (the upper end is kept back), or fewer than five."""

    at_least = fields.Integer()
    at_most = fields.Integer()
    fewer_than = fields.Integer()


def _band(words: str) -> fields.Nested:
    return fields.Nested(BandView, required=True, metadata={"description": words})


class PreviewCountsView(View):
    """How many proposals come to each result."""

    eligible = fields.Nested(BandView, required=True)
    needs_information = fields.Nested(BandView, required=True)
    ineligible = fields.Nested(BandView, required=True)


class CriterionTollView(View):
    """What one hard criterion costs."""

    code = fields.String(required=True)
    unmet = _band("In the way of how many, because it is not met.")
    not_known = fields.Nested(
        BandView,
        required=True,
        data_key="unknown",
        attribute="unknown",
        metadata={"description": "In the way of how many, because the fact is unknown or not shared."},
    )
    only_this = _band("How many are not eligible and would be, were this one criterion met.")


class AgainstPublishedView(View):
    """Against the published criteria, over the same proposals."""

    would_gain = _band("How many become eligible.")
    would_lose = _band("How many cease to be eligible.")
    unchanged = _band("How many are eligible under both, or under neither.")


class FindingView(View):
    """One thing that is wrong with the criteria whatever groups answer."""

    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in Kind]))
    codes = fields.List(fields.String(), required=True, metadata={"description": "The criteria that it is about."})
    pointers = fields.List(
        fields.String(), required=True, metadata={"description": "JSON pointers to them, or to the group of them."}
    )
    because = fields.List(
        fields.String(), required=True, metadata={"description": "The other criteria that make it so."}
    )
    words = fields.String(required=True, metadata={"description": "The same as an English sentence."})


class NotCheckedView(View):
    """A place that was not looked into."""

    pointer = fields.String(required=True)
    words = fields.String(required=True)


class LintedView(View):
    """What was found wrong; with `not_checked` empty, nothing of these kinds was missed."""

    as_of = fields.Date(required=True)
    findings = fields.List(fields.Nested(FindingView), required=True)
    not_checked = fields.List(fields.Nested(NotCheckedView), required=True)


class CriteriaCheckView(LintedView):
    """Criteria checked by themselves."""

    tree = fields.Dict(required=True, metadata={"description": "What would be evaluated: the columns', then these."})


class CriteriaPreviewView(LintedView):
    """What criteria would come to, over the facts that are shared with the programme's organisation."""

    of = _band("How many proposals were looked at.")
    capped = fields.Boolean(
        required=True,
        metadata={"description": "True where there are more than were looked at: the newest, up to 10,000."},
    )
    counts = fields.Nested(PreviewCountsView, required=True)
    criteria = fields.List(
        fields.Nested(CriterionTollView), required=True, metadata={"description": "The hard criteria, in tree order."}
    )
    against_published = fields.Nested(
        AgainstPublishedView, required=True, allow_none=True, metadata={"description": "Null: nothing is published."}
    )
