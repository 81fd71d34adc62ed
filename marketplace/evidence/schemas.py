"""The shapes of evidence, its versions and their verification. Names no person: ids of users stay inside."""

from marshmallow import fields, validate

from marketplace.web.fields import Draft, Instant, Slug, Text, View, WordsField

SLUG = validate.Regexp(r"^[a-z0-9_]+$")


class EvidenceDraft(Draft):
    """What is going to be shown: a kind of document, perhaps for a milestone or a fact."""

    kind = Slug("evidence_kinds", required=True)
    milestone = Slug("milestones")
    fact = Text(60, validate=[SLUG], metadata={"description": "The slug of a fact in the registry."})
    title = WordsField(200, required=True)


class EvidenceVerificationDraft(Draft):
    """A decision on one version, and its grounds."""

    decision = fields.String(
        required=True, validate=[validate.Length(max=20), validate.OneOf(["accepted", "rejected"])]
    )
    reason = Text(2000, required=True)


class EvidenceVerificationView(View):
    """The decision on one version, and for which organisation it was taken."""

    id = fields.UUID(required=True)
    evidence_version_id = fields.UUID(required=True)
    verifier_organisation_id = fields.UUID(required=True)
    decision = fields.String(required=True)
    reason = fields.String(required=True)
    decided_at = Instant(required=True)


class EvidenceVersionView(View):
    """One document; its content is at `/v1/evidence-versions/{id}/content`."""

    id = fields.UUID(required=True)
    evidence_id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    filename = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True, metadata={"description": "Bytes."})
    sha256 = fields.String(required=True)
    state = fields.String(required=True)
    submitted_at = Instant(required=True)
    verification = fields.Nested(EvidenceVerificationView, allow_none=True, required=True)


class EvidenceView(View):
    """A piece of evidence with its versions, newest first."""

    id = fields.UUID(required=True)
    proposal_id = fields.UUID(required=True)
    kind = fields.String(required=True)
    milestone = fields.String(allow_none=True, required=True)
    fact = fields.String(allow_none=True, required=True)
    title = WordsField(200, required=True)
    created_at = Instant(required=True)
    versions = fields.List(fields.Nested(EvidenceVersionView), required=True)
