"""Accounts: registration, confirmation, new passwords, and what a person says of themselves.

Answers nothing that tells whether an address is known. Passwords arrive here hashed, so that no transaction waits.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.identity import letters
from marketplace.identity.links import digest_of, new_secret
from marketplace.identity.models import Membership, OneTimeLink, User
from marketplace.identity.rules import CONFIRMATION_LASTS, MOST_LINKS_PER_HOUR, RESET_LASTS, LinkNotUsable
from marketplace.store import mail
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.refusals import NotFound


def register(current: Session, *, email: str, name: str, language: str, password_hash: str) -> None:
    """Open an unconfirmed account and write to the address; to one that has an account, write just that.

    What is given counts only once the link of this very request is used.
    """
    given = {"name": name, "language": language, "password_hash": password_hash}
    made = insert(User).values(id=new_id(), email=email, **given).on_conflict_do_nothing()
    current.execute(made)
    person = person_with(current, email)
    if person is None or person.confirmed_at is not None:
        mail.send(current, email, letters.SUBJECT, letters.already_registered())
        return
    secret = _new_link(current, person.id, "confirm", CONFIRMATION_LASTS, pending=given)
    mail.send(current, email if secret else None, letters.SUBJECT, letters.confirmation(secret or ""))


def confirm(current: Session, token: str) -> None:
    """Confirm the address that the link was sent to. LinkNotUsable for any but an unused link of the last day."""
    link = _use_link(current, "confirm", token)
    person = current.get_one(User, link.user_id, with_for_update={"key_share": True}, populate_existing=True)
    if person.confirmed_at is not None:
        raise LinkNotUsable("The address has been confirmed already.", pointer="#/token")
    for name, value in (link.pending or {}).items():
        setattr(person, name, value)
    link.pending = None
    person.confirmed_at = now()
    _end_links(current, person.id)
    current.flush()


def ask_for_reset(current: Session, email: str) -> None:
    """Send a link for a new password to a confirmed account's address; do as much work for any other."""
    person = person_with(current, email)
    secret = None
    if person is not None and person.confirmed_at is not None:
        secret = _new_link(current, person.id, "reset", RESET_LASTS)
    recipient = person.email if person is not None and secret else None
    mail.send(current, recipient, letters.SUBJECT, letters.reset(secret or ""))


def redeem_reset(current: Session, token: str, password_hash: str) -> None:
    """Set the password by a link; every session ends, and a lock too. LinkNotUsable as for `confirm`."""
    link = _use_link(current, "reset", token)
    person = current.get_one(User, link.user_id, with_for_update={"key_share": True}, populate_existing=True)
    _set_password(current, person, password_hash)


def change_password(current: Session, actor: Actor, old_hash: str, password_hash: str) -> bool:
    """Set a new password where the present one is still that of `old_hash`; every session ends, this one too."""
    person = current.get_one(User, actor.user_id, with_for_update={"key_share": True}, populate_existing=True)
    if person.password_hash != old_hash:
        return False
    _set_password(current, person, password_hash)
    return True


def account_of(current: Session, actor: Actor) -> User:
    """The caller's own account."""
    person = current.get(User, actor.user_id)
    if person is None:
        raise NotFound("There is no such account.")
    return person


def live_memberships(current: Session, actor: Actor) -> list[Membership]:
    """The caller's memberships that have not ended, oldest first."""
    live = Membership.until.is_(None) | (Membership.until >= today())
    query = select(Membership).where(Membership.user_id == actor.user_id, live).order_by(Membership.id)
    return list(current.scalars(query))


def change_account(current: Session, actor: Actor, change: dict[str, Any], precondition: Callable[[Any], None]) -> User:
    """Change the caller's name or language."""
    person = current.get_one(User, actor.user_id, with_for_update={"key_share": True}, populate_existing=True)
    precondition(person)
    for name, value in change.items():
        setattr(person, name, value)
    person.version += 1
    current.flush()
    return person


def person_with(current: Session, email: str) -> User | None:
    """The account with that address, compared without case."""
    return current.scalars(select(User).where(func.lower(User.email) == email.lower())).one_or_none()


def _set_password(current: Session, person: User, password_hash: str) -> None:
    person.password_hash = password_hash
    person.session_epoch += 1
    person.failed_logins = 0
    person.locked_until = None
    _end_links(current, person.id)
    mail.send(current, person.email, letters.SUBJECT, letters.password_changed())
    current.flush()


def _new_link(
    current: Session, user_id: UUID, purpose: str, lasts: timedelta, pending: dict[str, Any] | None = None
) -> str | None:
    """A new link's secret; None where the person was sent enough of them within the hour."""
    present: datetime = now()
    recent = select(func.count()).where(
        OneTimeLink.user_id == user_id,
        OneTimeLink.purpose == purpose,
        OneTimeLink.created_at > present - timedelta(hours=1),
    )
    if current.execute(recent).scalar_one() >= MOST_LINKS_PER_HOUR:
        return None
    secret = new_secret()
    link = OneTimeLink(
        user_id=user_id,
        purpose=purpose,
        token_digest=digest_of(secret),
        expires_at=present + lasts,
        pending=pending,
    )
    current.add(link)
    current.flush()
    return secret


def _use_link(current: Session, purpose: str, token: str) -> OneTimeLink:
    """Use the link up: of two who come with it, one gets it."""
    present = now()
    used = (
        update(OneTimeLink)
        .where(
            OneTimeLink.token_digest == digest_of(token),
            OneTimeLink.purpose == purpose,
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > present,
        )
        .values(used_at=present)
        .returning(OneTimeLink)
    )
    link = current.scalars(used).one_or_none()
    if link is None:
        raise LinkNotUsable("Ask for a new link: this one is unknown, used or too old.", pointer="#/token")
    return link


def _end_links(current: Session, user_id: UUID) -> None:
    unused = update(OneTimeLink).where(OneTimeLink.user_id == user_id, OneTimeLink.used_at.is_(None))
    current.execute(unused.values(used_at=now(), pending=None))
