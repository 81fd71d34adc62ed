"""Finding out who calls: bearer tokens (EdDSA), the session family behind them, and the caller's roles as they are now.

A token says only who and which session; roles are read from the database on each request.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from flask_jwt_extended import JWTManager, get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import InvalidHeaderError, JWTExtendedException, NoAuthorizationError
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
View = TypeVar("View", bound=Callable[..., Any])

well_known = Blueprint("well_known", __name__)


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
    key_set = public_key_set(private.public_key())
    app.extensions["marketplace_key_set"] = key_set
    manager = JWTManager(app)
    manager.additional_headers_loader(lambda _: {"kid": key_set["keys"][0]["kid"]})
    app.register_blueprint(well_known)
    app.extensions["marketplace_authenticate"] = authenticate
    app.extensions["marketplace_named_user"] = named_user
    app.register_error_handler(NotAuthenticated, not_authenticated_response)


def signing_key(secret: str) -> Ed25519PrivateKey:
    """The Ed25519 key that belongs to a secret (HKDF-SHA256, RFC 5869)."""
    seed = HKDF(hashes.SHA256(), 32, None, b"marketplace token signing").derive(secret.encode())
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key_set(key: Ed25519PublicKey) -> dict[str, Any]:
    """The JSON Web Key Set (RFC 7517, 8037) that checks our tokens; `kid` is the RFC 7638 thumbprint."""
    point = base64.urlsafe_b64encode(
        key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    ).decode()
    members = {"crv": "Ed25519", "kty": "OKP", "x": point.rstrip("=")}
    thumbprint = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    kid = base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")
    return {"keys": [{**members, "kid": kid, "use": "sig", "alg": "EdDSA"}]}


@well_known.get("/.well-known/jwks.json")
def get_key_set() -> Response:
    """Read the public keys that tokens are signed with."""
    response = jsonify(current_app.extensions["marketplace_key_set"])
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def shows_refresh_token(view: View) -> View:
    """The view's bearer token is a refresh token, which it reads itself; nobody is known by it."""
    view.__dict__["shows_refresh_token"] = True
    return view


def authenticate(*, required: bool) -> Actor:
    """The caller. NotAuthenticated for a bad token anywhere, and for none where one is `required`."""
    if getattr(current_app.view_functions.get(request.endpoint or ""), "shows_refresh_token", False):
        return ANONYMOUS
    claims = valid_claims(refresh=False, optional=not required)
    if claims is None:
        return ANONYMOUS
    actor = actor_of(session(), UUID(claims["sub"]), UUID(claims["fam"]))
    if actor is None:
        raise NotAuthenticated("The session has ended; log in again.", invalid=True)
    g.session_family_id = UUID(claims["fam"])
    return actor


def named_user() -> str | None:
    """Whom a genuine access token names, for counting requests: signature and dates alone are looked at."""
    try:
        claims = valid_claims(refresh=False, optional=True)
    except NotAuthenticated:
        return None
    return None if claims is None else str(claims["sub"])


def valid_claims(*, refresh: bool, optional: bool = False) -> dict[str, Any] | None:
    """The claims of the request's token, None where it is optional and absent."""
    try:
        found = verify_jwt_in_request(refresh=refresh, optional=optional)
        if found is None:
            return None
        claims: dict[str, Any] = dict(get_jwt())
        UUID(claims["sub"]), UUID(claims["fam"])
    except (NoAuthorizationError, InvalidHeaderError) as error:
        raise NotAuthenticated("Send a token: Authorization: Bearer ...", invalid=False) from error
    except (
        JWTExtendedException,
        PyJWTError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
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


def memberships_of(current: Session, user_id: UUID, *, fresh: bool = False) -> tuple[Membership, ...]:
    """The person's live memberships; a guest's ends with its day. `fresh` reads them again past what is loaded."""
    rows = current.scalars(
        select(MembershipRow)
        .where(MembershipRow.user_id == user_id, or_(MembershipRow.until.is_(None), MembershipRow.until >= today()))
        .execution_options(populate_existing=fresh)
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
