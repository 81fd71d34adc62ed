"""Races for money: exactly what there is room for is accepted, neither more nor less, and a repeated key acts once."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import requests
from flask import Flask

from marketplace.app import create_app
from marketplace.identity.models import Organisation
from marketplace.ledger import service as books
from marketplace.ledger.reconciliation import reconcile
from marketplace.store.base import db
from marketplace.values.clock import today
from tests.builders import an_organisation
from tests.conftest import FreshClient, fresh_database, test_settings
from tests.live import live_server
from tests.pledges.races import EACH, Group, a_round, all_at_once, many_groups, offered
from tests.pledges.scene import a_funded_programme, a_scene

pytestmark = pytest.mark.slow

CLIENTS, ROOM, ROUNDS = 50, 10, 50
TWINS, KEYS = 30, 10


def same_secret(app: Flask) -> dict[str, str]:
    """The server checks the tokens that this process signs."""
    return {"MARKETPLACE_SECRET_KEY": app.config["SECRET_KEY"]}


def statuses(answers: list[Any]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def test_a_race_for_the_budget_accepts_exactly_what_there_is_room_for(committed_app: Flask) -> None:
    with committed_app.app_context():
        session = db.session()
        groups = many_groups(session, 12)
        funder = an_organisation(session, kind="funder", name="Leeds Seed Fund")
        programme, pledges = a_round(session, funder, groups, room=4)

    def accept(group: Group, pledge: Any) -> Any:
        headers = group.person.headers | {"Idempotency-Key": str(pledge)}
        return committed_app.test_client().post(f"/v1/pledges/{pledge}/acceptance", headers=headers)

    answers = all_at_once([partial(accept, group, pledge) for group, pledge in zip(groups, pledges, strict=True)])

    assert statuses(answers) == {200: 4, 409: 8}
    with committed_app.app_context():
        assert books.balances(db.session(), "programme", programme)["committed"] == 4 * EACH
        assert reconcile(db.session()) == []


def test_a_race_for_one_ask_never_overfills_it(committed_app: Flask) -> None:
    with committed_app.app_context():
        session = db.session()
        (group,) = many_groups(session, 1, ask=3 * EACH)
        funders = [an_organisation(session, kind="funder", name=f"Fund {place}") for place in range(8)]
        programmes = [a_funded_programme(session, funder, EACH, tranche_template=[]) for funder in funders]
        made = [offered(each.id, funder.id, group) for each, funder in zip(programmes, funders, strict=True)]
        session.add_all(made)
        session.commit()
        pledges = [pledge.id for pledge in made]

    def accept(pledge: Any) -> Any:
        headers = group.person.headers | {"Idempotency-Key": str(pledge)}
        return committed_app.test_client().post(f"/v1/pledges/{pledge}/acceptance", headers=headers)

    answers = all_at_once([partial(accept, pledge) for pledge in pledges])

    assert statuses(answers) == {200: 3, 409: 5}
    with committed_app.app_context():
        assert reconcile(db.session()) == []


def test_a_tranche_is_paid_once_whoever_pays_at_the_same_time(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        tranche = scene.approved(scene.tranches(scene.signed())[0]["id"])
        headers = dict(scene.officer.headers)
        programme = scene.programme.id
        db.session().commit()

    def pay(number: int) -> Any:
        sent = headers | {"Idempotency-Key": f"pay {number}"}
        body = {"paid_on": today().isoformat(), "reference": f"BACS {number}"}
        return committed_app.test_client().post(f"/v1/tranches/{tranche}/payment", json=body, headers=sent)

    answers = all_at_once([partial(pay, number) for number in range(8)])

    assert statuses(answers) == {200: 1, 409: 7}
    with committed_app.app_context():
        assert books.balances(db.session(), "programme", programme)["paid"] == 4_000_00
        assert reconcile(db.session()) == []


def test_acceptance_and_withdrawal_of_the_proposal_never_both_happen(committed_app: Flask) -> None:
    with committed_app.app_context():
        session = db.session()
        groups = many_groups(session, 6)
        funder = an_organisation(session, kind="funder", name="Leeds Seed Fund")
        programme, pledges = a_round(session, funder, groups, room=6)

    def post(group: Group, path: str) -> Any:
        headers = group.person.headers | {"Idempotency-Key": path}
        return committed_app.test_client().post(f"/v1{path}", headers=headers)

    acts = [
        partial(post, group, path)
        for group, pledge in zip(groups, pledges, strict=True)
        for path in (f"/pledges/{pledge}/acceptance", f"/proposals/{group.proposal_id}/withdrawal")
    ]
    answers = all_at_once(acts)

    accepted, withdrawn = ([each.status_code for each in answers[start::2]] for start in (0, 1))
    assert [{one, other} for one, other in zip(accepted, withdrawn, strict=True)] == [{200, 409}] * 6
    with committed_app.app_context():
        assert books.balances(db.session(), "programme", programme)["committed"] == accepted.count(200) * EACH
        assert reconcile(db.session()) == []


@pytest.mark.soak
def test_fifty_clients_of_two_processes_get_exactly_ten_of_a_budget_for_ten(
    clone: Callable[[], fresh_database], tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with clone() as url, _program(url, tmp_path) as app, live_server(url, env=same_secret(app)) as address:
        with app.app_context():
            groups = many_groups(db.session(), CLIENTS)
            funder_id = an_organisation(db.session(), kind="funder", name="Leeds Seed Fund").id
        clients = [requests.Session() for _ in groups]
        seen: Counter[int] = Counter()
        for _ in range(ROUNDS):
            with app.app_context():
                session = db.session()
                funder = session.get_one(Organisation, funder_id)
                programme, pledges = a_round(session, funder, groups, ROOM)
            acts = [
                partial(_accept, client, address, group, str(pledge))
                for client, group, pledge in zip(clients, groups, pledges, strict=True)
            ]
            found = statuses(all_at_once(acts))
            seen += found
            with app.app_context():
                committed = books.balances(db.session(), "programme", programme)["committed"]
            assert found == {200: ROOM, 409: CLIENTS - ROOM}
            assert committed == ROOM * EACH
        with app.app_context():
            assert reconcile(db.session()) == []
    with capsys.disabled():
        print(f"\n{ROUNDS} rounds of {CLIENTS} clients for room {ROOM}: answers {dict(seen)}; every round exact")


@pytest.mark.soak
def test_thirty_twins_with_one_key_have_one_effect_and_one_answer(
    clone: Callable[[], fresh_database], tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with clone() as url, _program(url, tmp_path) as app, live_server(url, env=same_secret(app)) as address:
        with app.app_context():
            session = db.session()
            (group,) = many_groups(session, 1)
            funder = an_organisation(session, kind="funder", name="Leeds Seed Fund")
            programme, pledges = a_round(session, funder, [group] * KEYS, room=KEYS)
        clients = [requests.Session() for _ in range(TWINS)]
        for pledge in pledges:
            answers = all_at_once([partial(_accept, client, address, group, str(pledge)) for client in clients])
            assert statuses(answers) == {200: TWINS}
            assert len({answer.content for answer in answers}) == 1
            assert sum(answer.headers.get("Idempotent-Replayed") == "true" for answer in answers) == TWINS - 1
        with app.app_context():
            balances = books.balances(db.session(), "programme", programme)
            assert balances["committed"] == KEYS * EACH
            assert reconcile(db.session()) == []
    with capsys.disabled():
        print(f"\n{KEYS} keys x {TWINS} twins: one effect each, equal answers")


def _accept(client: requests.Session, address: str, group: Group, pledge: str) -> requests.Response:
    headers = group.person.headers | {"Idempotency-Key": pledge}
    return client.post(f"{address}/v1/pledges/{pledge}/acceptance", headers=headers, timeout=60)


class _program:  # noqa: N801  (used as `with _program(...)`)
    """The program in this process, on the database that the server serves; its secret is the server's."""

    def __init__(self, url: str, folder: Any) -> None:
        self.app = create_app(test_settings(url, folder))
        self.app.test_client_class = FreshClient

    def __enter__(self) -> Flask:
        return self.app

    def __exit__(self, *_: object) -> None:
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
