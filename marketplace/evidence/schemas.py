"""The shapes of evidence, its versions and their verification. Names no person: ids of users stay inside."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.web.fields import Day, Draft, Flag, Id, Instant, Slug, Text, View, WordsField

SLUG = validate.Regexp(r"^[a-z0-9_]+$")


class EvidenceDraft(Draft):
    """What is going to be shown: a kind of document, perhaps for a milestone or a fact."""

    kind = Slug("evidence_kinds", required=True)
    milestone = Slug("milestones")
    fact = Text(60, validate=[SLUG], metadata={"description": "The slug of a fact in the registry."})
    title = WordsField(200, required=True)
    confidential = Flag(
        load_default=True,
        metadata={
            "description": "Seen by the group, by those whose promises need it and by those whom the group names; "
            "otherwise by all who see the proposal under the group's name."
        },
    )


class EvidenceVerificationDraft(Draft):
    """A decision on one version, and its grounds."""

    decision = fields.String(
        required=True, validate=[validate.Length(max=20), validate.OneOf(["accepted", "rejected"])]
    )
    reason = Text(2000, required=True)
    expires_on = Day(
        metadata={
            "description": "The last day on which an acceptance counts for what is decided then. Default: as the kind "
            "says (`valid_months` in the codelist), or for ever."
        }
    )


class EvidenceVerificationView(View):
    """The decision on one version, and for which organisation it was taken."""

    id = fields.UUID(required=True)
    evidence_version_id = fields.UUID(required=True)
    verifier_organisation_id = fields.UUID(required=True)
    decision = fields.String(required=True)
    reason = fields.String(required=True)
    expires_on = Day(allow_none=True, required=True)
    expired = fields.Boolean(required=True)
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
    scan_state = fields.String(
        required=True,
        metadata={
            "description": "not_scanned (nothing scans here), scan_pending, clean or infected (never given out)."
        },
    )
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
    confidential = fields.Boolean(required=True)
    created_at = Instant(required=True)
    versions = fields.List(fields.Nested(EvidenceVersionView), required=True)


class EvidenceAccessGrantDraft(Draft):
    """Whom the group lets in: an organisation, or a person by their address."""

    organisation_id = Id()
    email = Text(254, validate=[validate.Email()])

    @validates_schema
    def names_one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("Give an organisation_id or an email, and not both.")


class EvidenceAccessGrantView(View):
    """Whom the group has let in. Says nothing of whether anybody has that address."""

    id = fields.UUID(required=True)
    evidence_id = fields.UUID(required=True)
    organisation_id = fields.UUID(allow_none=True, required=True)
    email = fields.String(allow_none=True, required=True)
    created_at = Instant(required=True)


class EvidenceAccessView(View):
    """Somebody from outside the group has read it."""

    id = fields.UUID(required=True)
    evidence_version_id = fields.UUID(allow_none=True, required=True)
    what = fields.String(required=True, metadata={"description": "metadata or content."})
    at = Instant(required=True, attribute="created_at")
    standing = fields.String(
        required=True,
        metadata={
            "description": "guest, verifier, party (their promises need it, or they rely on it), granted (you named "
            "them) or onlooker (it is not confidential)."
        },
    )
    organisation_id = fields.UUID(allow_none=True, required=True)
    organisation_name = WordsField(200, allow_none=True, required=True)
    person = fields.String(
        allow_none=True, required=True, metadata={"description": "The name of a guest of yours; nobody else's."}
    )


class RelianceDraft(Draft):
    """For which funder, and why it wants to rely on another's acceptance."""

    organisation_id = Id(required=True)
    message = Text(2000)


class RelianceAnswerDraft(Draft):
    """What the group says."""

    answer = fields.String(required=True, validate=[validate.Length(max=20), validate.OneOf(["consented", "refused"])])
    reason = Text(2000)


class RelianceView(View):
    """A funder's wish to rely on another's acceptance, and what the group said."""

    id = fields.UUID(required=True)
    evidence_version_id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    verifier_organisation_id = fields.UUID(
        allow_none=True, required=True, metadata={"description": "Who accepted the version."}
    )
    state = fields.String(required=True, metadata={"description": "requested, consented, refused or withdrawn."})
    message = fields.String(allow_none=True, required=True)
    answer_reason = fields.String(allow_none=True, required=True)
    answered_at = Instant(allow_none=True, required=True)
    ended_at = Instant(allow_none=True, required=True)
    created_at = Instant(required=True)
