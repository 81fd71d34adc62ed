"""The demonstration's story over real HTTP: it ends well, and telling it again changes nothing."""

from pathlib import Path

from flask import Flask
from sqlalchemy import func, select, text

from marketplace.demo.load import load_demonstration, read_cases
from marketplace.demo.story import tell
from marketplace.ledger.reconciliation import reconcile
from marketplace.programmes.models import Programme
from marketplace.proposals.models import Proposal
from marketplace.store.base import db
from tests.live import live_server

LOG_INS = {"session_family", "one_time_link"}


def rows(app: Flask) -> dict[str, int]:
    """How many rows each of our tables has, log-ins and the job queue aside."""
    with app.app_context():
        names = sorted(set(db.metadata.tables) - LOG_INS)
        return {name: db.session().execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in names}


def load(app: Flask) -> list[str]:
    """Load the cases; what was loaded."""
    loaded: list[str] = []
    with app.app_context():
        load_demonstration(db.session(), loaded.append)
    return loaded


def test_the_cases_load_once(committed_app: Flask) -> None:
    number = len(read_cases("programmes")) + len(read_cases("proposals"))

    assert len(load(committed_app)) == number
    before = rows(committed_app)
    assert load(committed_app) == []
    assert rows(committed_app) == before
    with committed_app.app_context():
        real = select(func.count()).select_from(Proposal).where(Proposal.historical_example)
        offered = select(func.count()).select_from(Programme).where(Programme.historical_example)
        assert db.session().scalar(real) == sum(case["historical_example"] for case in read_cases("proposals"))
        assert db.session().scalar(offered) == sum(case["historical_example"] for case in read_cases("programmes"))


def test_the_story_ends_well_and_telling_it_again_changes_nothing(committed_app: Flask, tmp_path: Path) -> None:
    load(committed_app)
    first: list[str] = []
    again: list[str] = []
    url = committed_app.config["SQLALCHEMY_DATABASE_URI"]
    with live_server(url, env={"MARKETPLACE_INSTANCE": str(tmp_path)}) as address:
        tell(address, first.append)
        before = rows(committed_app)
        tell(address, again.append)

    assert rows(committed_app) == before
    assert len(first) < 70
    assert [line for line in first if line[0].isdigit()] == [line for line in again if line[0].isdigit()]
    assert "   as of 2012-06-08: eligible, window open." in first
    assert any("sum £0.00" in line for line in first)
    with committed_app.app_context():
        assert reconcile(db.session()) == []
