"""Every money operation has a scenario among the crash points; a few points of each kind, in every run of the tests."""

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from werkzeug.test import TestResponse

from marketplace.store.base import db
from tests.trust import crash_points
from tests.trust.crash_points import CrashPoint, enumerate_points
from tests.trust.ground import Ground
from tests.trust.scenarios import SCENARIOS, Asked, money_operations


def test_every_operation_that_asks_for_a_key_has_a_scenario(app: Flask) -> None:
    covered = {name.partition("/")[0] for name in SCENARIOS}

    assert money_operations(app) - covered == set(), "write a scenario for these in tests/trust/scenarios.py"
    assert covered - money_operations(app) == set(), "these scenarios are of no operation that asks for a key"


@pytest.fixture
def ground(server_url: str, template: str) -> Ground:
    return Ground(server_url, 1, template)


def test_an_acceptance_is_safe_at_its_first_and_last_points(ground: Ground, committed_app: Flask) -> None:
    found = enumerate_points(ground, committed_app, "postPledgeAcceptance", only={1, 20, -1, -2})

    assert (found.points, found.faults) == (4, [])


def test_rows_that_differ_from_the_undisturbed_run_are_found(
    ground: Ground, committed_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drill itself is not blind."""
    done = crash_points.run

    def with_a_commit_between(
        scenario: crash_points.Prepared, points: list[CrashPoint], found: crash_points.Enumerated
    ) -> object:
        if points[-1].number == -1:
            scenario.again()
            with scenario.app.app_context():
                db.session().execute(text("UPDATE pledge SET version = version + 1"))
                db.session().commit()
            monkeypatch.setattr(crash_points.Prepared, "again", lambda _: None)
        return done(scenario, points, found)

    monkeypatch.setattr(crash_points, "run", with_a_commit_between)
    found = enumerate_points(ground, committed_app, "postPledgeAcceptance", only={-1})

    assert any("pledge" in fault for fault in found.faults)


def test_a_row_that_is_missing_before_commit_is_found(
    ground: Ground, committed_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = crash_points.send

    def losing_a_member(app: Flask, asked: Asked) -> TestResponse:
        try:
            return ask(app, asked)
        finally:
            with app.app_context():
                beside = create_engine(db.engine.url)
            with beside.begin() as connection:
                connection.execute(
                    text("DELETE FROM membership WHERE id = (SELECT max(id::text)::uuid FROM membership)")
                )
            beside.dispose()

    monkeypatch.setattr(crash_points, "send", losing_a_member)
    found = enumerate_points(ground, committed_app, "postPledgeAcceptance", only={1})

    assert any("more rows or fewer" in fault for fault in found.faults)
