"""The shapes of the audit trail on the wire."""

from marshmallow import fields, validate

from marketplace.web.fields import Day, Id, View
from marketplace.web.paging import PageQuery

DIGEST = validate.Regexp(r"^[0-9a-f]{64}$")


def digest(words: str, **kwargs: object) -> fields.String:
    """64 hexadecimal digits."""
    return fields.String(validate=DIGEST, metadata={"description": words}, **kwargs)  # type: ignore[arg-type]


class AuditQuery(PageQuery):
    """Which entries."""

    type = fields.String(
        validate=validate.Length(min=1, max=60), metadata={"description": "Such as `pledge.offered`, `access.refused`."}
    )
    subject_id = Id(metadata={"description": "Only entries about this thing."})
    actor = Id(metadata={"description": "Only what this person did for the organisation."})
    since = Day(metadata={"description": "From this day on (UTC)."})
    until = Day(metadata={"description": "Up to this day, which is included (UTC)."})


class AuditActorView(View):
    """Who acted: named where they acted for this organisation, else by a pseudonym that is good in this trail alone."""

    pseudonym = fields.String(required=True)
    user_id = fields.UUID(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True)


class BoundRowView(View):
    """A row that never changes, and its digest when the entry was written."""

    kind = fields.String(required=True)
    id = fields.UUID(required=True)
    sha256 = digest("SHA-256 of the row.", required=True)


class RefusedView(View):
    """What was refused."""

    operation = fields.String(required=True)
    code = fields.String(required=True)


class AuditEntryView(View):
    """One entry. `before` and `after` are keyed digests of the subject: the same content has the same digest."""

    seq = fields.Integer(required=True, metadata={"description": "Counts this organisation's entries without gaps."})
    at = fields.DateTime(required=True)
    type = fields.String(required=True)
    event_id = fields.UUID(required=True, allow_none=True)
    subject = fields.String(required=True, allow_none=True)
    subject_kind = fields.String(required=True)
    subject_id = fields.UUID(required=True)
    actor = fields.Nested(AuditActorView, required=True, allow_none=True)
    before = digest("Of the subject before.", required=True, allow_none=True)
    after = digest("Of the subject after.", required=True, allow_none=True)
    binds = fields.List(fields.Nested(BoundRowView), required=True)
    decisions = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Decisions that the entry binds, to be replayed."},
    )
    refused = fields.Nested(RefusedView, required=True, allow_none=True)
    sealed_with = fields.String(required=True, metadata={"description": "The name of the key that sealed the entry."})
    prev_hash = digest("The seal of the entry before it.", required=True)
    hash = digest("The entry's own seal.", required=True)


class PublishedView(View):
    """What was published last: a Merkle root (RFC 9162) over the heads of all chains, and its signature."""

    day = fields.Date(required=True)
    count = fields.Integer(required=True, metadata={"description": "Heads under the root."})
    root = digest("The root.", required=True)
    signature = fields.String(
        required=True, metadata={"description": "A JWS over day, count and root; its key: /.well-known/jwks.json"}
    )


class ProofStepView(View):
    """One step of the way to the root."""

    left = fields.Boolean(required=True, metadata={"description": "Whether this digest stands left of ours."})
    sha256 = digest("The digest beside ours.", required=True)


class ProofView(PublishedView):
    """The organisation's head as it was published, and the way from it to the root."""

    seq = fields.Integer(required=True)
    hash = digest("The head that was published.", required=True)
    path = fields.List(fields.Nested(ProofStepView), required=True)


class AuditHeadView(View):
    """Where the organisation's chain stands now. `seq` 0: nothing was written yet."""

    organisation_id = fields.UUID(required=True)
    seq = fields.Integer(required=True)
    hash = digest("The last entry's seal.", required=True)
    published = fields.Nested(ProofView, required=True, allow_none=True)
