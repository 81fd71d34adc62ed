"""The contract under fire: generated requests by each role against a real server with real things in it.

First every operation is asked for as it should be (and answers 2xx), then schemathesis asks for it in its own words:
with ids of its own and with real ones, with bodies of its own and with a valid one.
"""

import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import pytest
import requests
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from marketplace.store.base import db
from marketplace.web.openapi import document
from tests.builders import a_person
from tests.live import live_server
from tests.promises.conforming import Contract
from tests.promises.played import Answer, Asked, Play, Send, a_cast, operations_of, the_main_job

ROLES = ("group owner", "funder editor", "funder approver", "employer", "host", "operator", "")
SEED = int(os.environ.get("FUZZ_SEED", "20261122"))
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2"))
"""Requests by operation and role; another seed or more of them on demand."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
WORDS = ("valid body", "real ids", "own")
"""Whose ids and body are sent: the valid request's, its ids alone, or generated ones."""
BY_THE_SERVER = frozenset({400, 414, 431})
"""What gunicorn answers, in its own words, to request lines and headers that are too long to be read."""
ENDS_THE_SESSION = frozenset({"deleteSession", "postAccountPassword"})


@dataclass
class Barrage:
    """Sends generated requests; keeps what was wrong with answers and counts them."""

    url: str
    play: Play
    contract: Contract
    app: Flask
    http: requests.Session = field(default_factory=requests.Session)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    succeeded: dict[str, set[str]] = field(default_factory=dict)
    unread: int = 0
    faults: dict[str, str] = field(default_factory=dict)

    def fire(self, role: str, operation: Any, example: Asked) -> None:
        """Generated requests of one operation by one role."""
        headers = self._headers(role, example)
        told = SEED + ROLES.index(role)
        broken = max(1, EXAMPLES // 4)
        for mode, count in ((GenerationMode.POSITIVE, EXAMPLES - broken), (GenerationMode.NEGATIVE, broken)):
            turns = cycle(WORDS if mode is GenerationMode.POSITIVE else ("negative",))

            def asked(case: Any, turns: Iterator[str] = turns) -> None:
                self._ask(role, example, case, next(turns), headers)

            with suppress(Unsatisfiable):  # nothing of this operation can be said wrongly
                volley(operation.as_strategy(generation_mode=mode), max(1, count), told, asked)

    def _ask(self, role: str, example: Asked, case: Any, words: str, headers: dict[str, str]) -> None:
        if words in {"real ids", "valid body"}:
            case.path_parameters = dict(example.values)
            if "If-Match" in example.headers:
                case.headers["If-Match"] = "*"
        if words == "valid body":
            case.query = dict(example.query)
            if example.body is not None:
                case.body, case.media_type = example.body, "application/json"
        self._judge(role, example, case, case.call(base_url=self.url, session=self.http, headers=headers), words)

    def _headers(self, role: str, example: Asked) -> dict[str, str]:
        if role and example.operation.id in ENDS_THE_SESSION:
            with self.app.app_context():
                return dict(a_person(db.session()).headers)
        return dict(self.play.people.get(role, {}))

    def _judge(self, role: str, example: Asked, case: Any, response: Any, words: str) -> None:
        name = example.operation.id
        if response.status_code in BY_THE_SERVER and response.headers["content-type"][0] == "text/html":
            self.unread += 1
            return
        self.statuses[role, response.status_code] += 1
        if 200 <= response.status_code < 300:
            self.succeeded.setdefault(role, set()).add(name)
        checks = [*CHECKS, negative_data_rejection] if words == "negative" else CHECKS
        try:
            case.validate_response(response, checks=checks)
        except (FailureGroup, Failure) as failure:
            causes = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
            sent = case.as_curl_command()[:600]
            for each in causes:
                told = f"as {role or 'anyone'} ({words}): {str(each)[:400]}\n{sent}"
                self.faults.setdefault(f"{name} {type(each).__name__}", told)
        content = getattr(response, "content", b"")
        headers = {key.title(): value[0] for key, value in response.headers.items()}
        answer = Answer(response.status_code, headers, content)
        for each in self.contract.faults(example.operation, answer):
            self.faults.setdefault(f"{name} {response.status_code}", f"as {role or 'anyone'} ({words}): {each}")


def volley(cases: Any, count: int, told: int, ask: Callable[[Any], None]) -> None:
    """At most `count` generated cases, always the same for the same seed."""

    @seed(told)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def asked(case: Any) -> None:
        ask(case)

    asked()


def sending_to(url: str) -> Send:
    """Send over the network."""
    http = requests.Session()

    def send(method: str, target: str, headers: Any, body: bytes | None) -> Answer:
        answer = http.request(method, f"{url}{target}", headers=dict(headers), data=body, timeout=30)
        return Answer(answer.status_code, answer.headers, answer.content)

    return send


@pytest.fixture
def served(committed_app: Flask) -> Iterator[str]:
    """A real server on that application's database, with its secret."""
    given = {"MARKETPLACE_SECRET_KEY": committed_app.config["SECRET_KEY"], "MARKETPLACE_LOG_LEVEL": "ERROR"}
    with live_server(committed_app.config["SQLALCHEMY_DATABASE_URI"], env=given) as url:
        yield url


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_every_answer_to_generated_requests_of_each_role_is_as_described(
    committed_app: Flask, served: str, capsys: pytest.CaptureFixture[str]
) -> None:
    load_all_checks()
    described = document(committed_app.extensions["market_api"])
    play = Play(committed_app, sending_to(served), operations_of(described))
    with committed_app.app_context():
        a_cast(play, db.session())
    the_main_job(play)
    assert set(play.succeeded) == set(play.operations)
    barrage = Barrage(served, play, Contract(described), committed_app)
    schema = schemathesis.openapi.from_dict(described)
    started = time.monotonic()
    for found in schema.get_all_operations():
        operation = found.ok()
        example = play.asked[operation.definition.raw["operationId"]]
        for role in ROLES:
            barrage.fire(role, operation, example)
    with capsys.disabled():
        _report(barrage, time.monotonic() - started)

    assert [each for each in barrage.statuses if each[1] >= 500] == []
    assert barrage.faults == {}, "\n\n".join(f"{key}: {value}" for key, value in barrage.faults.items())


def _report(barrage: Barrage, seconds: float) -> None:
    print(
        f"\nseed {SEED}: {barrage.statuses.total()} requests in {seconds:.0f} s;"
        f" {len(barrage.play.succeeded)} of {len(barrage.play.operations)} operations answered a valid request with 2xx"
    )
    for role in ROLES:
        counted = {status: count for (who, status), count in sorted(barrage.statuses.items()) if who == role}
        reached = len(barrage.succeeded.get(role, ()))
        told = ", ".join(f"{status}: {count}" for status, count in counted.items())
        print(f"  {role or 'anyone':16} 2xx of {reached:3} operations by generated requests; {told}")
    print(f"  {barrage.unread} more were too long for the server to read")
    print(f"  by no role: {', '.join(sorted(set(barrage.play.operations) - set().union(*barrage.succeeded.values())))}")


@pytest.mark.slow
def test_a_bad_request_line_or_body_is_refused_by_the_server_itself(served: str) -> None:
    """What never reaches the application: headers and lengths that contradict themselves."""
    assert _raw(served, "GET /v1/codelists HTTP/1.1\r\nHost: x\r\nX-Long: " + "a" * 20_000 + "\r\n\r\n") in {400, 431}
    assert _raw(served, "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}") == 400
    both = "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert _raw(served, both) == 400
    twice = "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"
    assert _raw(served, twice) == 400
    assert _raw(served, "GET /v1/codelists HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n") == 400
    assert _raw(served, "GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: x\r\n\r\n") in {400, 414}
    large = (
        "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 62914560\r\n\r\n{"
    )
    assert _raw(served, large) == 413


@pytest.mark.slow
def test_a_body_that_never_ends_is_answered_within_ten_seconds(served: str) -> None:
    started = time.monotonic()
    short = "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n{"

    assert _raw(served, short) == 408
    assert time.monotonic() - started <= 10.0


def _raw(url: str, request: str) -> int:
    """The status that the server answers to those bytes."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=15) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = b""
        while b"\r\n" not in answer:
            piece = connection.recv(4096)
            if not piece:
                break
            answer += piece
    return int(answer.split(b" ")[1])
