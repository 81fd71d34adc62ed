"""Evidence and its versions: what a group says happened, the document that shows it, and who verified that.

Beside them who was let in, who has read it, and who relies on another's acceptance.

Knows the proposal by id only. A version's content never changes, and a decision is never taken back (triggers in
migration 0004): a correction is a new version.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.evidence.rules import AlreadyDecided, AlreadyGranted, AlreadyRequested
from marketplace.store.base import Identified, Model, Slug, Versioned
from marketplace.store.constraints import refuse_on
from marketplace.store.documents import StoredDocument
from marketplace.values.clock import today


class Evidence(Identified, Versioned, Model):
    """Something to be shown: a kind of document, perhaps for a milestone or a fact of the proposal.

    `confidential`: seen by the group, by those who need it for what they promised, and by those whom the group names.
    """

    __tablename__ = "evidence"

    proposal_id: Mapped[uuid.UUID]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    kind: Mapped[Slug]
    milestone: Mapped[str | None] = mapped_column(String(60))
    fact: Mapped[str | None] = mapped_column(String(60))
    title: Mapped[dict[str, str]]
    confidential: Mapped[bool] = mapped_column(default=True, server_default=text("true"))

    versions: Mapped[list["EvidenceVersion"]] = relationship(
        back_populates="evidence", lazy="selectin", order_by="EvidenceVersion.number.desc()"
    )

    __table_args__ = (Index("ix_evidence_proposal_id_id", "proposal_id", "id"),)


class EvidenceVersion(Identified, Model):
    """One document. `sha256` is where its content is kept; `filename` is only what the group calls it.

    `proposal_version_id` is the version of the proposal that was published when it was submitted: the document shows
    that version's values, and no later ones.
    """

    __tablename__ = "evidence_version"

    evidence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence.id"))
    number: Mapped[int] = mapped_column(Integer)
    filename: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_document.sha256"), index=True)
    proposal_version_id: Mapped[uuid.UUID | None]
    state: Mapped[Slug] = mapped_column(server_default="submitted", default="submitted")
    submitted_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    submitted_at: Mapped[datetime] = mapped_column(server_default=func.now())

    evidence: Mapped[Evidence] = relationship(back_populates="versions", lazy="joined")
    verification: Mapped["Verification | None"] = relationship(back_populates="evidence_version", lazy="selectin")
    document: Mapped[StoredDocument] = relationship(lazy="joined", viewonly=True)

    @property
    def scan_state(self) -> str:
        """What is known of the document: not_scanned, scan_pending, clean or infected."""
        return self.document.scan_state

    __table_args__ = (
        UniqueConstraint("evidence_id", "number"),
        CheckConstraint("state IN ('submitted', 'accepted', 'rejected', 'superseded')", name="state"),
        CheckConstraint("size > 0", name="size"),
    )


class Verification(Identified, Model):
    """The one decision on a version: by whom, for which organisation, and why; until `expires_on` it counts."""

    __tablename__ = "verification"

    evidence_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence_version.id"), unique=True)
    verifier_user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    verifier_organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    decision: Mapped[Slug]
    reason: Mapped[str] = mapped_column(String(2000))
    expires_on: Mapped[date | None] = mapped_column(index=True)
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now())

    evidence_version: Mapped[EvidenceVersion] = relationship(back_populates="verification")

    __table_args__ = (CheckConstraint("decision IN ('accepted', 'rejected')", name="decision"),)

    @property
    def expired(self) -> bool:
        """Whether its last day is over: what was decided on it stands, and nothing new is."""
        return self.expires_on is not None and self.expires_on < today()


class AcceptanceLapse(Identified, Model):
    """The clock has run out on an acceptance, and those who must hear of it have been told."""

    __tablename__ = "acceptance_lapse"

    verification_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("verification.id"), unique=True)


class EvidenceAccessGrant(Identified, Model):
    """The group lets an organisation, or whoever has that address, see one piece of evidence."""

    __tablename__ = "evidence_access_grant"

    evidence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence.id"))
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    email: Mapped[str | None] = mapped_column(String(254), index=True)
    granted_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))

    __table_args__ = (
        UniqueConstraint("evidence_id", "organisation_id"),
        UniqueConstraint("evidence_id", "email"),
        CheckConstraint("num_nonnulls(organisation_id, email) = 1", name="names_one"),
        CheckConstraint("email = lower(email)", name="email"),
    )


class EvidenceAccess(Identified, Model):
    """Somebody from outside the group has read it: who, in what standing, which version, and what. Never changed."""

    __tablename__ = "evidence_access"

    evidence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence.id"))
    evidence_version_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("evidence_version.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"))
    standing: Mapped[Slug]
    what: Mapped[Slug]

    __table_args__ = (
        Index("ix_evidence_access_evidence_id_id", "evidence_id", "id"),
        CheckConstraint("what IN ('metadata', 'content')", name="what"),
        CheckConstraint("standing IN ('guest', 'verifier', 'party', 'granted', 'onlooker')", name="standing"),
        CheckConstraint("what = 'metadata' OR evidence_version_id IS NOT NULL", name="content_of_a_version"),
    )


class Reliance(Identified, Versioned, Model):
    """A funder wants to rely on another's acceptance; the group consents, refuses, or takes its consent back."""

    __tablename__ = "reliance"

    evidence_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence_version.id"))
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    state: Mapped[Slug] = mapped_column(server_default="requested", default="requested")
    message: Mapped[str | None] = mapped_column(String(2000))
    requested_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    answer_reason: Mapped[str | None] = mapped_column(String(2000))
    answered_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    answered_at: Mapped[datetime | None]
    ended_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    ended_at: Mapped[datetime | None]

    evidence_version: Mapped[EvidenceVersion] = relationship(lazy="joined")

    __table_args__ = (
        Index(
            "uq_reliance_live",
            "evidence_version_id",
            "organisation_id",
            unique=True,
            postgresql_where=text("state IN ('requested', 'consented')"),
        ),
        CheckConstraint("state IN ('requested', 'consented', 'refused', 'withdrawn')", name="state"),
        CheckConstraint(
            "(answered_at IS NULL) = (answered_by IS NULL) AND (ended_at IS NULL) = (ended_by IS NULL)",
            name="by_somebody",
        ),
        CheckConstraint(
            "(state IN ('consented', 'refused')) <= (answered_at IS NOT NULL)"
            " AND (state = 'withdrawn') = (ended_at IS NOT NULL)",
            name="answered",
        ),
    )

    @property
    def verifier_organisation_id(self) -> uuid.UUID | None:
        """Who accepted the version that is relied on."""
        verification = self.evidence_version.verification
        return None if verification is None else verification.verifier_organisation_id


refuse_on(
    "uq_verification_evidence_version_id",
    lambda: AlreadyDecided("Somebody else has decided on this version meanwhile."),
)
for _constraint in (
    "uq_evidence_access_grant_evidence_id_organisation_id",
    "uq_evidence_access_grant_evidence_id_email",
):
    refuse_on(_constraint, lambda: AlreadyGranted("They see it already."))
refuse_on("uq_reliance_live", lambda: AlreadyRequested("Your organisation has asked for it already."))

__all__ = [
    "AcceptanceLapse",
    "Evidence",
    "EvidenceAccess",
    "EvidenceAccessGrant",
    "EvidenceVersion",
    "Reliance",
    "Verification",
]
