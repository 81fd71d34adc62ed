"""The clock in SQL says what the clock in Python says, over every combination of days."""

from datetime import UTC, datetime, timedelta
from itertools import product

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.programmes import queries
from marketplace.programmes.models import Programme
from marketplace.programmes.rules import status_of, window_on
from marketplace.programmes.service import no_criteria
from tests.builders import a_member, an_organisation
from tests.programmes.builders import publish

NOW = datetime(2026, 6, 15, 22, 30, tzinfo=UTC)
TODAY = NOW.date()


def test_status_and_window_are_the_same_in_sql(session: Session) -> None:
    organisation = an_organisation(session, kind="funder")
    person = a_member(session, organisation)
    near = [None, *(TODAY + timedelta(days=days) for days in (-1, 0, 1))]
    ended = [None, NOW - timedelta(hours=30), NOW, NOW + timedelta(minutes=40), NOW + timedelta(days=2)]
    made = []
    for opens, closes, end, paused in product(near, near, ended, (False, True)):
        if opens is not None and closes is not None and opens > closes:
            continue
        programme = Programme(
            organisation_id=organisation.id,
            title={"en": "Seed"},
            currency="GBP",
            criteria=no_criteria(),
            opens_on=opens,
            closes_on=closes,
            ended_at=end,
            paused=paused,
        )
        session.add(programme)
        made.append(programme)
    session.flush()
    for programme in made[::2]:
        publish(session, programme, person.id)
    session.commit()

    found = session.execute(select(Programme, queries.status_at(NOW), queries.window_on(TODAY))).all()

    assert len(found) == len(made) == 130
    for programme, status, window in found:
        assert (status, window) == (status_of(programme, NOW), window_on(programme, TODAY))
