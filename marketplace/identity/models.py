"""People, their sessions, organisations and memberships. Names and e-mail addresses live here and nowhere else."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.store.base import Identified, Model, Slug, Versioned


class User(Identified, Versioned, Model):
    """A person. `email` is kept as given, compared without case. Of an erased one there is nothing but the number."""

    __tablename__ = "user_account"

    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(5), server_default="en")
    confirmed_at: Mapped[datetime | None]
    operator: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    session_epoch: Mapped[int] = mapped_column(Integer, server_default="1", default=1)
    failed_logins: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    locked_until: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]

    __table_args__ = (Index("uq_user_account_email", func.lower(email), unique=True),)


class SessionFamily(Identified, Model):
    """One log-in and all refresh tokens that came from it; a used token that comes back revokes the family."""

    __tablename__ = "session_family"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    current_token: Mapped[uuid.UUID]
    epoch: Mapped[int] = mapped_column(Integer)
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]


class OneTimeLink(Identified, Model):
    """A link that works once: confirmation of an address, or a new password. Only the token's SHA-256 is kept.

    `pending` is what a registration gave (name, language, password hash): it counts once its own link is used, so that
    whoever registers another's address in between does not choose their password.
    """

    __tablename__ = "one_time_link"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    pending: Mapped[dict[str, Any] | None]

    __table_args__ = (CheckConstraint("purpose IN ('confirm', 'reset')", name="purpose"),)


class Organisation(Identified, Versioned, Model):
    """A staff group, a funder, an employer ... `verification` is a slug of `verification_states`."""

    __tablename__ = "organisation"

    name: Mapped[dict[str, str]]
    kind: Mapped[Slug]
    funder_kinds: Mapped[list[str]] = mapped_column(ARRAY(String(60)), server_default="{}")
    area_code: Mapped[str | None] = mapped_column(String(9))
    legal_form: Mapped[str | None] = mapped_column(String(60))
    website: Mapped[str | None] = mapped_column(String(300))
    verification: Mapped[Slug] = mapped_column(server_default="unverified", default="unverified")
    verification_note: Mapped[str | None] = mapped_column(String(500))
    historical_example: Mapped[bool] = mapped_column(Boolean, server_default=text("false"), default=False)
    case_slug: Mapped[str | None] = mapped_column(String(80), unique=True)

    identifiers: Mapped[list["OrganisationIdentifier"]] = relationship(
        back_populates="organisation",
        lazy="selectin",
        order_by="OrganisationIdentifier.scheme",
        cascade="all, delete-orphan",
    )

    __table_args__ = (
        Index("ix_organisation_unverified", "id", postgresql_where=text("verification = 'unverified'")),
        CheckConstraint(
            "kind = ANY (ARRAY['funder', 'intermediary', 'wholesale_vehicle', 'public_body'])"
            " OR cardinality(funder_kinds) = 0",
            name="funder_kinds_of_funders",
        ),
    )


class OrganisationIdentifier(Model):
    """A number in a public register; `scheme` is an org-id.guide list code.

    Anybody may say that a number is theirs; of verified organisations it is one's alone (`identifiers.py`).
    """

    __tablename__ = "organisation_identifier"

    organisation_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organisation.id", ondelete="CASCADE"), primary_key=True
    )
    scheme: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[str] = mapped_column(String(60), primary_key=True)

    organisation: Mapped[Organisation] = relationship(back_populates="identifiers")

    __table_args__ = (Index("ix_organisation_identifier_scheme_number", "scheme", "number"),)


class Membership(Identified, Versioned, Model):
    """A person's role in an organisation; a guest's is bound to one proposal until a date."""

    __tablename__ = "membership"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    role: Mapped[Slug]
    proposal_id: Mapped[uuid.UUID | None]
    until: Mapped[date | None]

    user: Mapped[User] = relationship(lazy="joined")
    organisation: Mapped[Organisation] = relationship(lazy="joined")

    __table_args__ = (
        UniqueConstraint("organisation_id", "user_id", "proposal_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("(role = 'guest') = (proposal_id IS NOT NULL)", name="guest_has_proposal"),
        CheckConstraint("role <> 'guest' OR until IS NOT NULL", name="guest_has_end"),
    )


class Invitation(Identified, Versioned, Model):
    """An offer of membership by a link that works once, bound to an e-mail address."""

    __tablename__ = "invitation"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[Slug]
    proposal_id: Mapped[uuid.UUID | None]
    until: Mapped[date | None]
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class VerificationAct(Identified, Model):
    """One change of an organisation's verification: by whom, from what to what, and why."""

    __tablename__ = "verification_act"

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    was: Mapped[Slug]
    became: Mapped[Slug]
    by_user_id: Mapped[uuid.UUID]
    by_organisation_id: Mapped[uuid.UUID | None]
    reason: Mapped[str] = mapped_column(String(500))


__all__ = [
    "Invitation",
    "Membership",
    "OneTimeLink",
    "Organisation",
    "OrganisationIdentifier",
    "SessionFamily",
    "User",
    "VerificationAct",
]
