"""Evidence and its versions: what a group says happened, the document that shows it, and who verified that.

Knows the proposal by id only. A version's content never changes, and a decision is never taken back (triggers in
migration 0004): a correction is a new version.
"""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.evidence.rules import AlreadyDecided
from marketplace.store.base import Identified, Model, Slug, Versioned
from marketplace.store.constraints import refuse_on


class Evidence(Identified, Versioned, Model):
    """Something to be shown: a kind of document, perhaps for a milestone or a fact of the proposal."""

    __tablename__ = "evidence"

    proposal_id: Mapped[uuid.UUID]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    kind: Mapped[Slug]
    milestone: Mapped[str | None] = mapped_column(String(60))
    fact: Mapped[str | None] = mapped_column(String(60))
    title: Mapped[dict[str, str]]

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
    sha256: Mapped[str] = mapped_column(String(64))
    proposal_version_id: Mapped[uuid.UUID | None]
    state: Mapped[Slug] = mapped_column(server_default="submitted", default="submitted")
    submitted_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    submitted_at: Mapped[datetime] = mapped_column(server_default=func.now())

    evidence: Mapped[Evidence] = relationship(back_populates="versions", lazy="joined")
    verification: Mapped["Verification | None"] = relationship(back_populates="evidence_version", lazy="selectin")

    __table_args__ = (
        UniqueConstraint("evidence_id", "number"),
        CheckConstraint("state IN ('submitted', 'accepted', 'rejected', 'superseded')", name="state"),
        CheckConstraint("size > 0", name="size"),
    )


class Verification(Identified, Model):
    """The one decision on a version: by whom, for which organisation, and why."""

    __tablename__ = "verification"

    evidence_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence_version.id"), unique=True)
    verifier_user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    verifier_organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    decision: Mapped[Slug]
    reason: Mapped[str] = mapped_column(String(2000))
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now())

    evidence_version: Mapped[EvidenceVersion] = relationship(back_populates="verification")

    __table_args__ = (CheckConstraint("decision IN ('accepted', 'rejected')", name="decision"),)


refuse_on(
    "uq_verification_evidence_version_id",
    lambda: AlreadyDecided("Somebody else has decided on this version meanwhile."),
)

__all__ = ["Evidence", "EvidenceVersion", "Verification"]
