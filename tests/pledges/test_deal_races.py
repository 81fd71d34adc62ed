"""Races of several funders for the lines of one ask, and for a pool: exactly what there is room for is accepted."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.ledger.reconciliation import reconcile
from marketplace.pledges.condition_models import PledgeCondition, PledgeLine, ProgrammePool
from marketplace.proposals.models import Ask, AskLine
from marketplace.store.base import db, new_id
from tests.builders import a_member, an_organisation
from tests.conftest import fresh_database
from tests.live import live_server
from tests.pledges.races import EACH, Group, all_at_once, offered
from tests.pledges.scene import a_funded_programme
from tests.pledges.test_races import _accept, _program, same_secret, statuses
from tests.proposals.builders import a_proposal

pytestmark = pytest.mark.slow

CLIENTS, FUNDERS, ROUNDS = 50, 5, 2
ROOMS = (4, 3, 5)


def a_group_with_lines(session: Session, rooms: tuple[int, ...]) -> tuple[Group, list[Any]]:
    """A group whose ask has room for so many pledges in each of its three lines; and the lines."""
    organisation = an_organisation(session, name="Riverside speech therapy")
    person = a_member(session, organisation)
    lines = [
        {"purpose": purpose, "description": None, "amount": room * EACH}
        for purpose, room in zip(("legal", "hr", "other"), rooms, strict=True)
    ]
    ask = {"stage": "business_case", "currency": "GBP", "instruments": ["grant"], "lines": lines}
    shared = {"visibility": "verified_funders"}
    proposal = a_proposal(session, organisation, person, facts={}, ask=ask, shared=shared)
    found = session.scalars(select(Ask).where(Ask.proposal_id == proposal.id)).one()
    return Group(person, organisation.id, proposal.id, found.id), [line.id for line in found.lines]


def offers_to(session: Session, group: Group, lines: list[Any], number: int, *, pool: int = 0) -> list[Any]:
    """Offers of several funders in turn; all but every fourth name one line, the others take what is open."""
    made = []
    for place in range(FUNDERS):
        funder = an_organisation(session, kind="funder", name=f"Fund {place}")
        programme = a_funded_programme(session, funder, number * EACH, instruments=["grant"], tranche_template=[])
        shared = ProgrammePool(id=new_id(), programme_id=programme.id, name="Pool", amount=max(pool, 1) * EACH, drawn=0)
        session.add(shared)
        session.flush()
        for each in range(place, number, FUNDERS):
            pledge = offered(programme.id, funder.id, group)
            pledge.lines_named = each % 4 != 3
            if pledge.lines_named:
                pledge.lines = [PledgeLine(ask_line_id=lines[each % len(lines)], amount=EACH, freed=0)]
            if pool:
                pledge.conditions = [PledgeCondition(kind="pool", pool_id=shared.id)]
            made.append(pledge)
    session.add_all(made)
    session.commit()
    return [pledge.id for pledge in made]


def _accept_until_told(client: requests.Session, address: str, group: Group, pledge: str) -> requests.Response:
    """Accept, and ask again under the same key as long as the server says that it is busy."""
    for _ in range(40):
        answer = _accept(client, address, group, pledge)
        if answer.status_code != 503:
            break
    return answer


def filled(session: Session, group: Group) -> list[int]:
    query = select(AskLine.accepted).where(AskLine.ask_id == group.ask_id).order_by(AskLine.position)
    return [amount // EACH for amount in session.scalars(query)]


def acceptance(app: Flask, group: Group, pledge: Any) -> Any:
    """The group's acceptance, asked again under the same key as long as the answer is that the database is busy."""
    headers = group.person.headers | {"Idempotency-Key": str(pledge)}
    for _ in range(40):
        answer = app.test_client().post(f"/v1/pledges/{pledge}/acceptance", headers=headers)
        if answer.status_code != 503:
            break
    return answer


def test_several_funders_close_one_ask_together_and_no_line_is_oversold(committed_app: Flask) -> None:
    with committed_app.app_context():
        session = db.session()
        group, lines = a_group_with_lines(session, (1, 1, 1))
        pledges = offers_to(session, group, lines, 8)

    answers = all_at_once([partial(acceptance, committed_app, group, pledge) for pledge in pledges])

    assert statuses(answers) == {200: 3, 409: 5}
    with committed_app.app_context():
        assert filled(db.session(), group) == [1, 1, 1]
        assert reconcile(db.session()) == []


def test_a_race_for_pools_draws_exactly_what_they_hold(committed_app: Flask) -> None:
    with committed_app.app_context():
        session = db.session()
        group, lines = a_group_with_lines(session, ROOMS)
        pledges = offers_to(session, group, lines, 8, pool=1)

    answers = all_at_once([partial(acceptance, committed_app, group, pledge) for pledge in pledges])

    assert statuses(answers) == {200: FUNDERS, 409: 8 - FUNDERS}
    with committed_app.app_context():
        drawn = db.session().scalars(select(ProgrammePool.drawn)).all()
        assert list(drawn) == [EACH] * FUNDERS
        assert reconcile(db.session()) == []


@pytest.mark.slow
def test_fifty_clients_of_five_funders_close_three_lines_exactly(
    clone: Callable[[], fresh_database], tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with clone() as url, _program(url, tmp_path) as app, live_server(url, env=same_secret(app)) as address:
        seen: Counter[int] = Counter()
        for _ in range(ROUNDS):
            with app.app_context():
                group, lines = a_group_with_lines(db.session(), ROOMS)
                pledges = offers_to(db.session(), group, lines, CLIENTS)
            clients = [requests.Session() for _ in pledges]
            acts = [
                partial(_accept_until_told, client, address, group, str(pledge))
                for client, pledge in zip(clients, pledges, strict=True)
            ]
            found = statuses(all_at_once(acts))
            seen += found
            with app.app_context():
                assert filled(db.session(), group) == list(ROOMS)
            assert found == {200: sum(ROOMS), 409: CLIENTS - sum(ROOMS)}
        with app.app_context():
            assert reconcile(db.session()) == []
    with capsys.disabled():
        words = f"{CLIENTS} clients, {FUNDERS} funders, lines with room for {ROOMS}"
        print(f"\n{ROUNDS} rounds of {words}: answers {dict(seen)}; every round exact")
