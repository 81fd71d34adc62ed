"""Finding out who calls: bearer tokens (EdDSA), the session family behind them, and the caller's roles as they are now.

A token says only who and which session; roles are read from the database on each request.
"""

from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask, Response, g
from flask_jwt_extended import JWTManager, get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from marketplace.identity.models import Membership as MembershipRow
from marketplace.identity.models import SessionFamily, User
from marketplace.settings import Settings
from marketplace.store.base import session
from marketplace.values.actor import ANONYMOUS, Actor, Membership, Role
from marketplace.values.clock import today
from marketplace.web.problems import problem_response

ISSUER = "mutuals-marketplace"


class NotAuthenticated(Exception):
    """No token where one is needed, or one that is not valid now."""

    def __init__(self, detail: str, *, invalid: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.invalid = invalid


def register_authentication(app: Flask, settings: Settings) -> None:
    """Sign and check tokens with a key derived from the secret; answer 401 problem+json for any bad one."""
    private = signing_key(settings.secret_key)
    app.config.update(
        JWT_ALGORITHM="EdDSA",
        JWT_PRIVATE_KEY=_pem(private),
        JWT_PUBLIC_KEY=private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        JWT_DECODE_ALGORITHMS=["EdDSA"],
        JWT_ACCESS_TOKEN_EXPIRES=settings.access_token_seconds,
        JWT_REFRESH_TOKEN_EXPIRES=settings.refresh_token_seconds,
        JWT_TOKEN_LOCATION=["headers"],
        JWT_ENCODE_ISSUER=ISSUER,
        JWT_DECODE_ISSUER=ISSUER,
        JWT_ENCODE_AUDIENCE=ISSUER,
        JWT_DECODE_AUDIENCE=ISSUER,
    )
    JWTManager(app)
    app.extensions["marketplace_authenticate"] = authenticate
    app.register_error_handler(NotAuthenticated, not_authenticated_response)


def signing_key(secret: str) -> Ed25519PrivateKey:
    """The Ed25519 key that belongs to a secret (HKDF-SHA256, RFC 5869)."""
    seed = HKDF(hashes.SHA256(), 32, None, b"marketplace token signing").derive(secret.encode())
    return Ed25519PrivateKey.from_private_bytes(seed)


def authenticate(*, required: bool) -> Actor:
    """The caller. NotAuthenticated for a bad token anywhere, and for none where one is `required`."""
    claims = valid_claims(refresh=False, optional=not required)
    if claims is None:
        return ANONYMOUS
    actor = actor_of(session(), UUID(claims["sub"]), UUID(claims["fam"]))
    if actor is None:
        raise NotAuthenticated("The session has ended; log in again.", invalid=True)
    g.session_family_id = UUID(claims["fam"])
    return actor


def valid_claims(*, refresh: bool, optional: bool = False) -> dict[str, Any] | None:
    """The claims of the request's token, None where it is optional and absent."""
    try:
        found = verify_jwt_in_request(refresh=refresh, optional=optional)
        if found is None:
            return None
        claims: dict[str, Any] = dict(get_jwt())
        UUID(claims["sub"]), UUID(claims["fam"])
    except JWTExtendedException as error:
        raise NotAuthenticated("Send a token: Authorization: Bearer ...", invalid=False) from error
    except (PyJWTError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAuthenticated("The token is not valid here, or no longer.", invalid=True) from error
    return claims


def actor_of(current: Session, user_id: UUID, family_id: UUID) -> Actor | None:
    """Who that session belongs to, with their live memberships; None once it was revoked or the account ended."""
    row = current.execute(
        select(User.operator)
        .join(SessionFamily, SessionFamily.user_id == User.id)
        .where(
            User.id == user_id,
            SessionFamily.id == family_id,
            SessionFamily.revoked_at.is_(None),
            SessionFamily.epoch == User.session_epoch,
        )
    ).first()
    if row is None:
        return None
    return Actor(user_id=user_id, memberships=memberships_of(current, user_id), operator=row.operator)


def memberships_of(current: Session, user_id: UUID) -> tuple[Membership, ...]:
    """The person's live memberships; a guest's ends with its day."""
    rows = current.scalars(
        select(MembershipRow).where(
            MembershipRow.user_id == user_id, or_(MembershipRow.until.is_(None), MembershipRow.until >= today())
        )
    )
    return tuple(membership_facts(row) for row in rows)


def membership_facts(row: MembershipRow) -> Membership:
    """A membership as a plain value."""
    organisation = row.organisation
    return Membership(
        organisation_id=organisation.id,
        role=Role(row.role),
        kind=organisation.kind,
        verification=organisation.verification,
        proposal_id=row.proposal_id,
        until=row.until,
        identifiers=tuple(f"{each.scheme}-{each.number}" for each in organisation.identifiers),
    )


def not_authenticated_response(error: NotAuthenticated) -> Response:
    """401 with the challenge of RFC 6750."""
    challenge = 'Bearer error="invalid_token"' if error.invalid else "Bearer"
    return problem_response(401, "not-authenticated", "Unauthorized", error.detail, {"WWW-Authenticate": challenge})


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
