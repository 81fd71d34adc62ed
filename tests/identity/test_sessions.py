"""Sessions over HTTP: foreign tokens are refused, a used refresh token ends the session, ten failures lock."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace.app import create_app
from marketplace.identity.authentication import ISSUER
from marketplace.identity.models import SessionFamily, User
from marketplace.store.base import db
from marketplace.values.clock import now
from marketplace.web.limits import limiter
from tests.builders import a_person
from tests.conftest import test_settings
from tests.identity.conftest import PASSWORD, Visitor, a_confirmed_visitor


def claims_of(visitor: Visitor) -> dict[str, Any]:
    return jwt.decode(visitor.tokens["access_token"], options={"verify_signature": False})


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def test_logging_in_gives_a_pair_that_nobody_may_store(app: Flask) -> None:
    ada = a_confirmed_visitor(app)

    answer = ada.client.post("/v1/sessions", json={"email": "ADA@example.org", "password": PASSWORD})

    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Location"] == "/v1/sessions/current"
    assert set(answer.json) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)


def test_a_token_says_only_who_and_which_session(app: Flask) -> None:
    ada = a_confirmed_visitor(app)

    assert set(claims_of(ada)) <= {"sub", "fam", "iss", "aud", "exp", "iat", "nbf", "jti", "type", "fresh", "csrf"}


def test_anyone_can_check_our_tokens_with_the_published_key(app: Flask) -> None:
    ada = a_confirmed_visitor(app)

    published = ada.client.get("/.well-known/jwks.json")

    [key] = published.json["keys"]
    assert "d" not in key
    assert jwt.get_unverified_header(ada.tokens["access_token"])["kid"] == key["kid"]
    found = jwt.decode(ada.tokens["access_token"], jwt.PyJWK(key).key, algorithms=["EdDSA"], audience=ISSUER)
    assert found["iss"] == ISSUER


def forged(visitor: Visitor, app: Flask, kind: str) -> str:
    claims = claims_of(visitor)
    public, private = app.config["JWT_PUBLIC_KEY"], app.config["JWT_PRIVATE_KEY"]
    present = int(now().timestamp())
    if kind == "alg none":
        return f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{encoded(claims)}."
    if kind == "hmac with the public key":
        import hashlib
        import hmac

        signed = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded(claims)}"
        seal = hmac.new(public, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{base64.urlsafe_b64encode(seal).decode().rstrip('=')}"
    if kind == "another key":
        return jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA")
    if kind == "nested header":
        deep = base64.urlsafe_b64encode(b"[" * 5000 + b"]" * 5000).decode().rstrip("=")
        return f"{deep}.{encoded(claims)}.AAAA"
    changes: dict[str, dict[str, Any]] = {
        "expired": {"exp": present - 1},
        "another issuer": {"iss": "elsewhere"},
        "another audience": {"aud": "elsewhere"},
        "not yet valid": {"nbf": present + 3600},
        "a numeric subject": {"sub": 7},
        "a subject that is no id": {"sub": "ada"},
        "another person": {"sub": "0192f3c4-7b1e-7a53-9c1d-3f6a2b8e4d10"},
        "another session": {"fam": "0192f3c4-7b1e-7a53-9c1d-3f6a2b8e4d10"},
        "no session": {"fam": None},
    }
    return jwt.encode(claims | changes[kind], private, algorithm="EdDSA")


@pytest.mark.parametrize(
    "kind",
    [
        "alg none",
        "hmac with the public key",
        "another key",
        "nested header",
        "expired",
        "another issuer",
        "another audience",
        "not yet valid",
        "a numeric subject",
        "a subject that is no id",
        "another person",
        "another session",
        "no session",
    ],
)
def test_a_token_that_is_not_ours_is_refused(app: Flask, kind: str) -> None:
    ada = a_confirmed_visitor(app)

    answer = ada.client.get("/v1/account", headers={"Authorization": f"Bearer {forged(ada, app, kind)}"})

    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert "msg" not in answer.json


@pytest.mark.parametrize("value", ["Bearer", "Bearer a b", "Basic YTpi", "Bearer .", "Bearer \xff", "Bearer a.b.c", ""])
def test_a_header_that_is_no_token_is_refused(client: FlaskClient, value: str) -> None:
    answer = client.get("/v1/account", headers={"Authorization": value})

    assert (answer.status_code, answer.json["code"]) == (401, "not-authenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "msg" not in answer.json


def test_each_kind_of_token_opens_only_its_own_door(app: Flask) -> None:
    ada = a_confirmed_visitor(app)

    as_access = ada.client.get("/v1/account", headers=ada.refreshing)
    as_refresh = ada.client.post("/v1/sessions/refresh", headers=ada.headers)
    none = ada.client.post("/v1/sessions/refresh")

    assert [as_access.status_code, as_refresh.status_code, none.status_code] == [401, 401, 401]


def test_a_refresh_token_works_once_and_its_return_ends_the_session(app: Flask) -> None:
    ada = a_confirmed_visitor(app)
    renewed = ada.client.post("/v1/sessions/refresh", headers=ada.refreshing)
    newest = Visitor(ada.client, ada.email, renewed.json)
    assert renewed.status_code == 201
    assert ada.client.get("/v1/account", headers=newest.headers).status_code == 200

    again = ada.client.post("/v1/sessions/refresh", headers=ada.refreshing)

    assert again.status_code == 401
    assert ada.client.get("/v1/account", headers=newest.headers).status_code == 401
    assert ada.client.post("/v1/sessions/refresh", headers=newest.refreshing).status_code == 401


def test_the_end_of_a_session_by_a_returned_token_is_committed_with_the_refusal(committed_app: Flask) -> None:
    ada = a_confirmed_visitor(committed_app)
    ada.client.post("/v1/sessions/refresh", headers=ada.refreshing)

    ada.client.post("/v1/sessions/refresh", headers=ada.refreshing)

    with committed_app.app_context():
        assert db.session.scalars(select(SessionFamily.revoked_at)).one() is not None


def test_of_parallel_refreshes_one_succeeds_at_most(committed_app: Flask) -> None:
    ada = a_confirmed_visitor(committed_app)
    start = Barrier(6)

    def renew(_: int) -> int:
        start.wait()
        return committed_app.test_client().post("/v1/sessions/refresh", headers=ada.refreshing).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(renew, range(6)))

    assert statuses == [201, 401, 401, 401, 401, 401]


def test_logging_out_ends_the_session_at_once_and_no_other(app: Flask) -> None:
    ada = a_confirmed_visitor(app)
    other = ada.client.post("/v1/sessions", json={"email": ada.email, "password": PASSWORD}).json
    other_headers = {"Authorization": f"Bearer {other['access_token']}"}

    assert ada.client.get("/v1/sessions/current", headers=ada.headers).status_code == 200
    assert ada.client.delete("/v1/sessions/current", headers=ada.headers).status_code == 204

    assert ada.client.get("/v1/sessions/current", headers=ada.headers).status_code == 401
    assert ada.client.post("/v1/sessions/refresh", headers=ada.refreshing).status_code == 401
    assert ada.client.get("/v1/sessions/current", headers=other_headers).status_code == 200


def test_ten_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour(app: Flask, session: Session) -> None:
    ada = a_confirmed_visitor(app)

    def log_in(password: str) -> Any:
        return ada.client.post("/v1/sessions", json={"email": ada.email, "password": password})

    for _ in range(9):
        log_in("not the password")
    assert log_in(PASSWORD).status_code == 201
    wrong = [log_in("not the password") for _ in range(10)][-1]

    locked = log_in(PASSWORD)
    assert locked.status_code == 401
    assert {**locked.json, "request_id": ""} == {**wrong.json, "request_id": ""}

    session.execute(update(User).values(locked_until=now() - timedelta(seconds=1)))
    session.commit()
    assert log_in("not the password").status_code == 401
    assert log_in(PASSWORD).status_code == 201


def test_failures_are_counted_exactly_however_many_arrive_at_once(committed_app: Flask) -> None:
    ada = a_confirmed_visitor(committed_app)
    start = Barrier(8)

    def fail(_: int) -> int:
        start.wait()
        wrong = {"email": ada.email, "password": "not the password"}
        return committed_app.test_client().post("/v1/sessions", json=wrong).status_code

    with ThreadPoolExecutor(8) as pool:
        first = set(pool.map(fail, range(8)))
        with committed_app.app_context():
            counted = db.session.execute(select(User.failed_logins, User.locked_until)).one()
        second = set(pool.map(fail, range(16)))

    with committed_app.app_context():
        failures, locked_until = db.session.execute(select(User.failed_logins, User.locked_until)).one()
    assert (first, second) == ({401}, {401})
    assert tuple(counted) == (8, None)
    assert failures == 10
    assert locked_until > now()


def test_nothing_is_hashed_while_a_transaction_waits(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from marketplace.identity import passwords

    ada = a_confirmed_visitor(app)
    open_while_hashing: list[bool] = []
    for name in ("matches", "password_hash"):
        slow = getattr(passwords, name)

        def watched(*given: Any, slow: Any = slow) -> Any:
            open_while_hashing.append(db.session().in_transaction())
            return slow(*given)

        monkeypatch.setattr(passwords, name, watched)

    ada.client.post("/v1/sessions", json={"email": ada.email, "password": PASSWORD})
    change = {"current": PASSWORD, "new": "another quiet word"}
    assert ada.client.post("/v1/account/password", json=change, headers=ada.headers).status_code == 204

    assert open_while_hashing == [False, False, False]


def test_tries_are_limited_by_network_address(
    clone: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "enabled", limiter.enabled)
    with clone() as url:
        app = create_app(replace(test_settings(url, tmp_path), rate_limits_enabled=True))
        limiter.reset()
        client = app.test_client()

        statuses = [
            client.post("/v1/sessions", json={"email": f"{n}@example.org", "password": "wrong"}).status_code
            for n in range(12)
        ]

        limiter.reset()
        with app.app_context():
            db.engine.dispose()
    assert statuses == [401] * 10 + [429] * 2


def test_a_role_that_ends_counts_no_more_on_the_next_request(client: FlaskClient, session: Session) -> None:
    ada = a_person(session, operator=True)
    assert client.get("/v1/verification-queue", headers=ada.headers).status_code == 200

    session.execute(update(User).where(User.id == ada.id).values(operator=False))
    session.commit()

    refused = client.get("/v1/verification-queue", headers=ada.headers)
    assert (refused.status_code, refused.json["code"]) == (403, "operator-only")
