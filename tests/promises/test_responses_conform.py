"""Real answers are what openapi.yaml says: each operation answers a valid request, and every answer is compared."""

from collections import Counter
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from marketplace.web.openapi import document
from tests.promises.conforming import Contract
from tests.promises.played import Answer, Asked, Play, a_cast, operations_of, sending_with, the_main_job


@pytest.fixture
def described(app: Flask) -> dict[str, Any]:
    return document(app.extensions["market_api"])


def test_every_operation_reaches_success_and_its_answers_are_as_described(
    app: Flask, client: FlaskClient, session: Session, described: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    contract = Contract(described)
    play = Play(app, sending_with(client), operations_of(described))
    a_cast(play, session)
    faults: list[str] = []
    compared: Counter[int] = Counter()

    def compare(asked: Asked, answer: Answer) -> None:
        compared[answer.status] += 1
        faults.extend(
            f"{asked.operation.id} {answer.status}: {each}" for each in contract.faults(asked.operation, answer)
        )

    def refuse_first(asked: Asked) -> None:
        if "If-Match" in asked.headers:
            compare(asked, play.ask(asked, headers={**asked.headers, "If-Match": '"stale"'}))
        if not asked.operation.open:
            compare(asked, play.ask(asked, headers={"Content-Type": "application/json"}))
        compare(asked, play.ask(asked, target=f"{asked.path}?unknown=1"))
        elsewhere = asked.path
        for value in asked.values.values():
            elsewhere = elsewhere.replace(value, "0192f3c4-7b1e-7a53-9c1d-3f6a2b8e4d10")
        if elsewhere != asked.path:
            compare(asked, play.ask(asked, target=elsewhere))

    play.after, play.before = compare, refuse_first
    the_main_job(play)
    for asked in play.asked.values():
        if asked.operation.method == "get" and "languages" in asked.operation.parameters("query"):
            whole = "&" if asked.query else "?"
            compare(asked, play.ask(asked, target=f"{asked.target}{whole}languages=all"))
    with capsys.disabled():
        told = ", ".join(f"{status}: {count}" for status, count in sorted(compared.items()))
        print(f"\n{len(play.succeeded)} of {len(play.operations)} operations; answers compared: {told}")

    assert faults == [], "\n".join(faults)
    assert set(play.succeeded) == set(play.operations)
