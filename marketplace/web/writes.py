"""`@writes`: one transaction around a view, its serialisation and its idempotency row; the only commit."""

import hashlib
import hmac
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from functools import wraps
from typing import Any
from uuid import UUID

from flask import Response, current_app, make_response, request
from flask_smorest.utils import deepupdate
from sqlalchemy import ARRAY, LargeBinary, SmallInteger, String, delete, func, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from webargs.flaskparser import abort
from werkzeug.exceptions import HTTPException

from marketplace.store.base import Model, session
from marketplace.values.actor import Actor, Role
from marketplace.values.refusals import Conflict, MarketplaceError, Unprocessable
from marketplace.web.guard import current_actor
from marketplace.web.problems import http_problem, refusal_response

LONGEST_KEY = 200
KEPT_DAYS = 30
TIMEOUTS = text(
    "SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '5s', true),"
    " set_config('idle_in_transaction_session_timeout', '10s', true)"
)
REPLAYED_HEADERS = ("Location", "ETag", "Content-Language", "Content-Type")


class IdempotentRequest(Model):
    """One row per (principal, method + route, key): what was asked, and the answer that was given.

    `standing` is what the caller was when they asked: an answer is not repeated to who is that no more.
    """

    __tablename__ = "idempotent_request"

    principal: Mapped[UUID] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(String(200), primary_key=True)
    key: Mapped[str] = mapped_column(String(LONGEST_KEY), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    standing: Mapped[list[str]] = mapped_column(ARRAY(String(32)))
    status: Mapped[int | None] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class IdempotencyKeyReused(Unprocessable):
    """The same Idempotency-Key came before with another path or body."""

    code = "idempotency-key-reused"
    title = "That Idempotency-Key belongs to another request"


class ReplayNotAllowed(Conflict):
    """The request was answered before, to somebody with roles that you have lost since. Nothing was done again."""

    code = "replay-not-allowed"
    title = "Your roles have changed since that was answered"


def writes(view: Callable[..., Any] | None = None, *, key_required: bool = False) -> Any:
    """Run the view in one transaction and commit after its answer is made; replay it for a repeated Idempotency-Key.

    Stands outside `arguments` and `response`. `key_required` (money): a request without the key is refused with 400.
    A refusal or failure rolls everything back; of those, 422 is kept for replay, 409 and 5xx are not.
    """
    if view is None:
        return lambda decorated: writes(decorated, key_required=key_required)
    decorated = view

    @wraps(decorated)
    def transacted(*args: Any, **kwargs: Any) -> Response:
        key = _key(key_required)
        current = session()
        current.execute(TIMEOUTS)
        if key is not None:
            earlier = _claim(current, key)
            if earlier is not None:
                return earlier
        try:
            response = make_response(decorated(*args, **kwargs))
            response.freeze()
        except (MarketplaceError, HTTPException) as refusal:
            current.rollback()
            answer = refusal_response(refusal) if isinstance(refusal, MarketplaceError) else http_problem(refusal)
            if key is not None and answer.status_code == 422:
                _keep_refusal(current, key, answer)
            return answer
        except BaseException:
            current.rollback()
            raise
        if key is not None:
            _store(current, key, response)
        current.flush()
        current.commit()
        return response

    documented: Any = transacted
    documented._apidoc = deepupdate(
        deepcopy(getattr(decorated, "_apidoc", {})), {"market": {"writes": "required" if key_required else "optional"}}
    )
    return documented


def leaves_trace(view: Callable[..., Any]) -> Callable[..., Any]:
    """Commit what a reading leaves behind (who has read what) before the first byte of its answer is sent.

    For views that read. Stands where `@writes` does for those that change; a refusal leaves no trace.
    """

    @wraps(view)
    def traced(*args: Any, **kwargs: Any) -> Response:
        response = make_response(view(*args, **kwargs))
        try:
            session().commit()
        except BaseException:
            response.close()
            raise
        return response

    return traced


def prune_idempotent_requests(current: Session, days: int = KEPT_DAYS) -> int:
    """Forget answers older than `days`; the ledger's own references still forbid a second payment."""
    cut = func.now() - text(f"interval '{int(days)} days'")
    result = current.execute(delete(IdempotentRequest).where(IdempotentRequest.created_at < cut))
    return int(result.rowcount)  # type: ignore[attr-defined]


def standing_of(actor: Actor) -> list[str]:
    """A digest of each thing that the caller is: operator, in a role somewhere, in a verified organisation.

    Who has become more holds all that they held before: an owner is everything that a member can be.
    """
    held = {"operator"} if actor.operator else set()
    for each in actor.memberships:
        organisation = each.organisation_id.hex
        if each.role is Role.GUEST:
            held.add(f"{organisation} guest {each.proposal_id}")
        else:
            roles = set(Role) - {Role.GUEST} if each.role is Role.OWNER else {each.role, Role.VIEWER}
            held |= {f"{organisation} {role}" for role in roles}
        held |= {f"{organisation} verified"} if each.verified else set()
        held |= set() if each.suspended else {f"{organisation} not suspended"}
    return sorted(hashlib.sha256(each.encode()).hexdigest()[:32] for each in held)


def _key(required: bool) -> str | None:
    """The key, bare or as an RFC 8941 string; None for callers without an account."""
    given = request.headers.get("Idempotency-Key")
    actor = current_actor()
    if given is None:
        if required:
            abort(400, detail="Send an Idempotency-Key: a money request must be safe to repeat.")
        return None
    key = given.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key or len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
        abort(400, detail=f"An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters.")
    return key if actor.user_id is not None else None


def _route() -> str:
    rule = request.url_rule.rule if request.url_rule else request.path
    return f"{request.method} {rule}"[:200]


def _fingerprint() -> str:
    """Keyed: a body may hold a password, and its plain digest would let it be guessed."""
    digest = hmac.new(current_app.config["SECRET_KEY"].encode(), digestmod=hashlib.sha256)
    for part in (request.path.encode(), request.headers.get("If-Match", "").encode(), request.get_data(cache=True)):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _identity(key: str) -> dict[str, Any]:
    return {"principal": current_actor().user_id, "route": _route(), "key": key}


def _claim(current: Session, key: str) -> Response | None:
    """Insert the key's row, waiting for a twin in flight; the kept answer where the twin has finished."""
    asked = {"fingerprint": _fingerprint(), "standing": standing_of(current_actor())}
    claim = insert(IdempotentRequest).values(**_identity(key), **asked).on_conflict_do_nothing()
    if current.execute(claim.returning(IdempotentRequest.key)).first() is not None:
        return None
    row = current.scalars(select(IdempotentRequest).filter_by(**_identity(key))).one()
    if row.fingerprint != _fingerprint():
        refusal = IdempotencyKeyReused("Use a new key for a new request, or repeat the first one unchanged.")
        current.rollback()
        return refusal_response(refusal)
    if row.body and not set(row.standing) <= set(standing_of(current_actor())):
        current.rollback()
        return refusal_response(ReplayNotAllowed("Read what became of it with the roles that you have now."))
    replay = current_app.response_class(row.body or b"", status=row.status)
    for name, value in (row.headers or {}).items():
        replay.headers[name] = value
    replay.headers["Idempotent-Replayed"] = "true"
    current.rollback()
    return replay


def _answer_of(response: Response) -> dict[str, Any]:
    headers = {name: response.headers[name] for name in REPLAYED_HEADERS if name in response.headers}
    return {"status": response.status_code, "headers": headers, "body": response.get_data()}


def _store(current: Session, key: str, response: Response) -> None:
    row = current.get_one(IdempotentRequest, (current_actor().user_id, _route(), key))
    for name, value in _answer_of(response).items():
        setattr(row, name, value)


def _keep_refusal(current: Session, key: str, answer: Response) -> None:
    asked = {"fingerprint": _fingerprint(), "standing": standing_of(current_actor())}
    values = {**_identity(key), **asked, **_answer_of(answer)}
    current.execute(insert(IdempotentRequest).values(**values).on_conflict_do_nothing())
    current.commit()
