"""The migration that gave asks' lines their figures lays what was accepted before over them, to the penny."""

import pytest
from alembic import command
from sqlalchemy import Connection, create_engine, text

from marketplace.cli import alembic_config
from marketplace.pledges.line_checks import QUESTIONS, WITH
from marketplace.store.base import new_id
from tests.conftest import fresh_database

LINES = (40, 30, 30)
PLEDGES = (("accepted", 50, 0), ("terminated", 30, 10), ("withdrawn", 9, 9), ("contracted", 15, 0), ("offered", 5, 0))


def insert(connection: Connection, table: str, **values: object) -> None:
    names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)


def an_old_deal(connection: Connection) -> None:
    """Rows as they were before, without those that they refer to."""
    connection.execute(text("SET session_replication_role = replica"))
    ask, anyone = new_id(), new_id()
    accepted = sum(amount - cancelled for state, amount, cancelled in PLEDGES if state != "offered")
    insert(
        connection, "ask", id=ask, proposal_id=anyone, stage="business_case", currency="GBP", amount=sum(LINES),
        accepted=accepted,
    )  # fmt: skip
    for position, amount in enumerate(LINES):
        insert(connection, "ask_line", id=new_id(), ask_id=ask, position=position, purpose="legal", amount=amount)
    for number, (state, amount, cancelled) in enumerate(PLEDGES):
        pledge = new_id()
        insert(
            connection, "pledge", id=pledge, programme_id=anyone, proposal_id=anyone, ask_id=ask,
            organisation_id=anyone, group_organisation_id=anyone, state=state, currency="GBP", amount=amount,
            waivers="[]", verifier_organisation_ids=[], drafted_by=anyone, expires_on="2026-01-31",
            answered_at=f"2026-01-{number + 1:02} 12:00+00",
        )  # fmt: skip
        insert(
            connection, "pledge_part", id=new_id(), pledge_id=pledge, position=0, instrument="grant", in_kind=False,
            amount=amount, paid=0, delivered=0, cancelled=cancelled, returned=0,
        )  # fmt: skip


@pytest.mark.slow
def test_what_was_accepted_before_is_laid_over_the_lines(server_url: str) -> None:
    with fresh_database(server_url, None) as url:
        config = alembic_config(url)
        command.upgrade(config, "0015")
        engine = create_engine(url)
        with engine.begin() as connection:
            an_old_deal(connection)
        command.upgrade(config, "0016")
        with engine.connect() as connection:
            lines = connection.scalars(text("SELECT accepted FROM ask_line ORDER BY position")).all()
            held = connection.execute(
                text(
                    "SELECT p.state, array_agg(l.amount ORDER BY a.position) FROM pledge_line l"
                    " JOIN pledge p ON p.id = l.pledge_id JOIN ask_line a ON a.id = l.ask_line_id"
                    " GROUP BY p.id, p.state, p.answered_at ORDER BY p.answered_at"
                )
            ).all()
            differences = [
                row
                for query in QUESTIONS.values()
                for row in connection.execute(text(WITH + query), {"everybody": True, "owners": []})
            ]
        engine.dispose()

    assert list(lines) == [40, 30, 15]
    assert [tuple(row) for row in held] == [("accepted", [40, 10]), ("terminated", [20]), ("contracted", [15])]
    assert differences == []
