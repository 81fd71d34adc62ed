"""The shapes of claims and of reports of errors on the wire."""

from marshmallow import fields, validate

from marketplace.web.fields import Draft, Id, Slug, Text, View, web_address
from marketplace.web.paging import PageQuery


class ListingClaimDraft(Draft):
    """An organisation's word that the programme is its own."""

    organisation_id = Id(required=True)
    statement = Text(2000, required=True, metadata={"description": "Why the programme is this organisation's."})


class ListingClaimView(View):
    """A claim and what became of it."""

    id = fields.UUID(required=True)
    programme_id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    statement = fields.String(required=True)
    state = fields.String(required=True)
    reason = fields.String(allow_none=True, required=True)
    decided_at = fields.DateTime(allow_none=True, required=True)
    created_at = fields.DateTime(required=True)


class ListingClaimQuery(PageQuery):
    """Which claims to list."""

    state = Slug("listing_claim_states")


class ListingClaimDecision(Draft):
    """The operator's decision."""

    decision = fields.String(required=True, validate=validate.OneOf(["accepted", "refused"]))
    reason = Text(2000, required=True)


class ErrorReportDraft(Draft):
    """What is wrong. Please no personal data: there is nobody to write back to."""

    about = Text(
        200,
        allow_none=True,
        validate=[validate.Regexp(r"^#(/[A-Za-z0-9_~.-]{1,60}){1,8}$")],
        metadata={"description": "A JSON pointer into the programme, such as #/closes_on."},
    )
    statement = Text(2000, required=True)
    source_url = web_address(500, allow_none=True)


class ErrorReportAnswer(Draft):
    """What became of the report."""

    outcome = fields.String(required=True, validate=validate.OneOf(["corrected", "no_error"]))
    answer = Text(2000, required=True)


class ErrorReportView(View):
    """A report and its answer."""

    id = fields.UUID(required=True)
    programme_id = fields.UUID(required=True)
    about = fields.String(allow_none=True, required=True)
    statement = fields.String(required=True)
    source_url = fields.String(allow_none=True, required=True)
    state = fields.String(required=True)
    answer = fields.String(allow_none=True, required=True)
    answered_at = fields.DateTime(allow_none=True, required=True)
    created_at = fields.DateTime(required=True)


class ErrorReportQuery(PageQuery):
    """Which reports to list."""

    state = Slug("error_report_states")
