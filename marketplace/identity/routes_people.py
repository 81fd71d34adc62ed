"""Accounts and sessions over HTTP: register, confirm, log in, renew, log out, new passwords, the caller's account.

Whether an address is known shows in no answer. Passwords are hashed before the transaction opens (`beforehand`).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from flask import Flask, Response, g
from flask_limiter.util import get_remote_address

from marketplace.identity import passwords, people, sessions
from marketplace.identity.authentication import (
    NotAuthenticated,
    not_authenticated_response,
    shows_refresh_token,
    valid_claims,
)
from marketplace.identity.models import SessionFamily, User
from marketplace.identity.rules import WrongPassword, check_new_password
from marketplace.identity.schemas import (
    AcceptedView,
    AccountChange,
    AccountView,
    ConfirmationDraft,
    LogInDraft,
    PasswordChange,
    RedemptionDraft,
    RegistrationDraft,
    ResetDraft,
    SessionView,
    TokensView,
)
from marketplace.identity.sessions import Attempt
from marketplace.store.base import session
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.limits import SIGN_IN_LIMIT, limiter
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.problems import refusal_response
from marketplace.web.writes import writes

Body = dict[str, Any]
NO_STORE = {"Cache-Control": "no-store"}
ACCEPTED = {"detail": "If the address can be used for this, a letter is on its way to it."}


class SessionsBlueprint(MarketBlueprint):
    """Sessions have no versions: ending one needs no If-Match."""

    def __init__(self, name: str, import_name: str, **kwargs: Any) -> None:
        super().__init__(name, import_name, **kwargs)
        self._prepare_doc_cbks.append(self._prepare_without_precondition)

    def _prepare_without_precondition(self, doc: Body, doc_info: Body, *, app: Flask, method: str, **_: Any) -> Body:
        doc["parameters"] = [
            each for each in doc.get("parameters", []) if not isinstance(each, dict) or each.get("name") != "If-Match"
        ]
        for status in ("412", "428"):
            doc["responses"].pop(status, None)
        return doc


registrations = MarketBlueprint("registrations", __name__, description="Making an account, and a forgotten password")
sessions_blueprint = SessionsBlueprint("sessions", __name__, url_prefix="/sessions", description="Logging in and out")
account = MarketBlueprint("account", __name__, url_prefix="/account", description="The caller's own account")


def beforehand(prepare: Callable[[Body], Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give the view what `prepare` makes of the body: slow work, done outside (before) the view's transaction."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def prepared(draft: Body, *args: Any, **kwargs: Any) -> Any:
            return view(prepare(draft), *args, **kwargs)

        return prepared

    return decorate


def tried_seldom(view: Callable[..., Any]) -> Callable[..., Any]:
    """Limit how often an address of the network may try, whoever it says it is."""
    limited: Callable[..., Any] = limiter.limit(SIGN_IN_LIMIT, key_func=get_remote_address)(view)
    return limited


def hashed_registration(draft: Body) -> Body:
    """The registration with its password hashed; PasswordTooPlain."""
    check_new_password(draft["password"], draft["email"])
    password = draft.pop("password")
    return {**draft, "password_hash": passwords.password_hash(password)}


def hashed_redemption(draft: Body) -> Body:
    """The redemption with its password hashed; PasswordTooPlain. (Whose it is, is not known yet.)"""
    check_new_password(draft["password"], "")
    return {"token": draft["token"], "password_hash": passwords.password_hash(draft["password"])}


def attempted_log_in(draft: Body) -> Attempt:
    """The password compared with the account's."""
    return sessions.attempt_by(session(), draft["email"], draft["password"])


def attempted_change(draft: Body) -> tuple[Attempt, str]:
    """The present password compared, the new one hashed; PasswordTooPlain."""
    current = session()
    person = people.account_of(current, current_actor())
    check_new_password(draft["new"], person.email, pointer="#/new")
    attempt = sessions.attempt_as(current, current_actor().user_id, draft["current"])
    return attempt, passwords.password_hash(draft["new"])


@registrations.post("/registrations")
@open_to_all
@tried_seldom
@registrations.arguments(RegistrationDraft)
@beforehand(hashed_registration)
@writes
@registrations.response(202, AcceptedView)
def post_registration(draft: Body) -> Any:
    """Ask for an account; a letter goes to the address.

    The answer is the same whether or not the address has an account.
    """
    people.register(session(), **draft)
    return ACCEPTED, 202, NO_STORE


@registrations.post("/confirmations")
@open_to_all
@tried_seldom
@registrations.arguments(ConfirmationDraft)
@writes
@registrations.response(204)
def post_confirmation(draft: Body) -> None:
    """Confirm the address with the secret from the letter."""
    people.confirm(session(), draft["token"])


@registrations.post("/password-resets")
@open_to_all
@tried_seldom
@registrations.arguments(ResetDraft)
@writes
@registrations.response(202, AcceptedView)
def post_password_reset(draft: Body) -> Any:
    """Ask for a new password; a letter goes to the address if it has an account.

    The answer is the same whether or not it has one.
    """
    people.ask_for_reset(session(), draft["email"])
    return ACCEPTED, 202, NO_STORE


@registrations.post("/password-resets/redeem")
@open_to_all
@tried_seldom
@registrations.arguments(RedemptionDraft)
@beforehand(hashed_redemption)
@writes
@registrations.response(204)
def post_password_reset_redemption(draft: Body) -> None:
    """Set a new password with the secret from the letter; every session ends."""
    people.redeem_reset(session(), draft["token"], draft["password_hash"])


@sessions_blueprint.post("")
@open_to_all
@tried_seldom
@sessions_blueprint.arguments(LogInDraft)
@beforehand(attempted_log_in)
@writes
@sessions_blueprint.response(201, TokensView)
def post_session(attempt: Attempt) -> Any:
    """Log in.

    A wrong password, an unknown or unconfirmed address and a locked account are answered alike, with 401. Ten wrong
    passwords in a row lock the account for 15 minutes.
    """
    tokens = sessions.log_in(session(), attempt)
    if tokens is None:
        return _refused("The address and the password do not belong together, or the account is locked.")
    located("/v1/sessions/current")
    return tokens, 201, NO_STORE


@sessions_blueprint.post("/refresh")
@open_to_all
@shows_refresh_token
@writes
@sessions_blueprint.response(201, TokensView)
def post_session_refresh() -> Any:
    """Exchange the refresh token (sent as Bearer) for a new pair.

    Each refresh token works once. One that comes back ends the session, whoever sent it: somebody has a copy.
    """
    claims = valid_claims(refresh=True) or {}
    try:
        shown = UUID(claims["rid"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise NotAuthenticated("The token is not valid here, or no longer.", invalid=True) from error
    tokens = sessions.renew(session(), UUID(claims["sub"]), UUID(claims["fam"]), shown)
    if tokens is None:
        return _refused("The session has ended; log in again.")
    return tokens, 201, NO_STORE


@sessions_blueprint.get("/current")
@sessions_blueprint.response(200, SessionView)
def get_session() -> SessionFamily:
    """Read the session behind the token."""
    return sessions.present_session(session(), g.session_family_id)


@sessions_blueprint.delete("/current")
@writes
@sessions_blueprint.response(204)
def delete_session() -> None:
    """Log out: the session's tokens are refused from the next request on. Needs no If-Match."""
    sessions.log_out(session(), g.session_family_id)


@account.get("")
@account.response(200, AccountView)
def get_account() -> Any:
    """Read the caller's account and memberships."""
    return _account(people.account_of(session(), current_actor()))


@account.patch("")
@writes
@account.arguments(AccountChange)
@account.response(200, AccountView)
def patch_account(change: Body) -> Any:
    """Change the caller's name or language."""
    return _account(people.change_account(session(), current_actor(), change, if_match))


@account.post("/password")
@tried_seldom
@account.arguments(PasswordChange)
@beforehand(attempted_change)
@writes
@account.response(204)
def post_account_password(tried: tuple[Attempt, str]) -> Any:
    """Change the caller's password; every session ends, this one too."""
    attempt, password_hash = tried
    refusal = WrongPassword("Give your present password; after ten wrong ones wait 15 minutes.", pointer="#/current")
    if not sessions.password_accepted(session(), attempt):
        return refusal_response(refusal)
    if not people.change_password(session(), current_actor(), str(attempt.kept_hash), password_hash):
        raise refusal
    return None


def _refused(detail: str) -> Response:
    """401 as an answer, not as an exception: what was counted or revoked is committed with it."""
    return not_authenticated_response(NotAuthenticated(detail, invalid=True))


def _account(person: User) -> Body:
    tagged(person)
    names = ("id", "email", "name", "language", "operator", "version")
    memberships = people.live_memberships(session(), current_actor())
    return {**{name: getattr(person, name) for name in names}, "memberships": memberships}
