"""Sessions: logging in, renewing tokens, logging out. One family per log-in, with one refresh token good at a time.

Knows which password hash an attempt was compared with; comparing is `passwords`' and done before the transaction.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_jwt_extended import create_access_token, create_refresh_token
from sqlalchemy import case, func, or_, select, update
from sqlalchemy.orm import Session

from marketplace.identity import passwords
from marketplace.identity.models import SessionFamily, User
from marketplace.identity.rules import LOCKED_FOR, WRONG_PASSWORDS
from marketplace.store.base import new_id
from marketplace.store.mail import present_settings
from marketplace.values.clock import now
from marketplace.values.refusals import NotFound


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password that was tried on an account, and whether it matched the hash that was kept then.

    `user_id` is None for an address without an account. `renewed` replaces a hash made with outdated costs.
    """

    user_id: UUID | None
    kept_hash: str | None
    matched: bool
    renewed: str | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a session shows: the access token on each request, the refresh token once, for the next pair."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105


def attempt_by(current: Session, email: str, password: str) -> Attempt:
    """Compare a password with the account at that address. Ends the reading transaction before the slow part."""
    return _attempt(current, func.lower(User.email) == email.lower(), password)


def attempt_as(current: Session, user_id: UUID | None, password: str) -> Attempt:
    """Compare a password with that person's."""
    return _attempt(current, User.id == user_id, password)


def _attempt(current: Session, whose: Any, password: str) -> Attempt:
    row = current.execute(select(User.id, User.password_hash).where(whose)).one_or_none()
    current.rollback()
    kept = row.password_hash if row else None
    matched = passwords.matches(password, kept)
    renewed = passwords.renewed_hash(password, kept) if matched and kept else None
    return Attempt(row.id if row else None, kept, matched, renewed)


def log_in(current: Session, attempt: Attempt) -> Tokens | None:
    """A new session; None (and one more failure counted) unless the password is right and the account open.

    Wrong, unknown, unconfirmed and locked are answered alike.
    """
    if not password_accepted(current, attempt):
        return None
    person = current.get_one(User, attempt.user_id, populate_existing=True)
    if attempt.renewed is not None:
        person.password_hash = attempt.renewed
    family = SessionFamily(
        id=new_id(), user_id=person.id, current_token=new_id(), epoch=person.session_epoch, last_used_at=now()
    )
    current.add(family)
    current.flush()
    return _tokens(person.id, family.id, family.current_token)


def password_accepted(current: Session, attempt: Attempt) -> bool:
    """Settle an attempt: clear the count of failures, or count one. Exact however many arrive at once.

    The tenth failure in a row locks the account for a quarter of an hour; while locked nothing is accepted or counted.
    """
    present = now()
    account = update(User).where(
        User.id == attempt.user_id, or_(User.locked_until.is_(None), User.locked_until <= present)
    )
    if attempt.matched:
        right = account.where(User.password_hash == attempt.kept_hash, User.confirmed_at.is_not(None))
        cleared = right.values(failed_logins=0, locked_until=None).returning(User.id)
        if current.execute(cleared.execution_options(synchronize_session=False)).first() is not None:
            return True
    failures = case((User.locked_until.is_not(None), 1), else_=User.failed_logins + 1)
    locked_until = case((failures >= WRONG_PASSWORDS, present + LOCKED_FOR), else_=None)
    wrong = account.values(failed_logins=failures, locked_until=locked_until)
    current.execute(wrong.execution_options(synchronize_session=False))
    return False


def renew(current: Session, user_id: UUID, family_id: UUID, shown: UUID) -> Tokens | None:
    """The next pair for the family's present refresh token.

    None for any other, and then the family ends: a token that was used before is in two hands. The caller keeps that
    change although it answers with a refusal.
    """
    present, following = now(), new_id()
    epoch = select(User.session_epoch).where(User.id == user_id).scalar_subquery()
    alive = update(SessionFamily).where(
        SessionFamily.id == family_id, SessionFamily.user_id == user_id, SessionFamily.revoked_at.is_(None)
    )
    rotated = alive.where(SessionFamily.current_token == shown, SessionFamily.epoch == epoch)
    values = rotated.values(current_token=following, last_used_at=present).returning(SessionFamily.id)
    if current.execute(values.execution_options(synchronize_session=False)).first() is not None:
        return _tokens(user_id, family_id, following)
    current.execute(alive.values(revoked_at=present).execution_options(synchronize_session=False))
    return None


def log_out(current: Session, family_id: UUID) -> None:
    """End the session: its tokens are refused from the next request on."""
    ended = update(SessionFamily).where(SessionFamily.id == family_id, SessionFamily.revoked_at.is_(None))
    current.execute(ended.values(revoked_at=now()).execution_options(synchronize_session=False))


def present_session(current: Session, family_id: UUID | None) -> SessionFamily:
    """The caller's session."""
    family = current.get(SessionFamily, family_id) if family_id else None
    if family is None:
        raise NotFound("There is no session.")
    return family


def _tokens(user_id: UUID, family_id: UUID, refresh_id: UUID) -> Tokens:
    claims = {"fam": str(family_id)}
    return Tokens(
        access_token=create_access_token(identity=str(user_id), additional_claims=claims),
        refresh_token=create_refresh_token(identity=str(user_id), additional_claims={**claims, "rid": str(refresh_id)}),
        expires_in=present_settings().access_token_seconds,
    )
