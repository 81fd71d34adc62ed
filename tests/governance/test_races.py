"""Races on approvals and roles, where commits are real: one use, and no act on a role that was lost before it."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.governance import service
from marketplace.governance.rules import Act
from marketplace.store.base import db, new_id
from marketplace.values.clock import today
from marketplace.values.money import Money
from marketplace.values.refusals import MarketplaceError
from tests.builders import Person
from tests.governance.scene import Governed, a_governed_scene, codes, gbp
from tests.pledges.races import all_at_once

pytestmark = pytest.mark.slow

WRITTEN = text(
    "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND backend_xid IS NOT NULL"
    " AND datname = current_database()"
)
BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


@pytest.fixture
def governed(committed_app: Flask) -> Iterator[Governed]:
    with committed_app.app_context():
        yield a_governed_scene(db.session(), committed_app.test_client())


def post(app: Flask, person: Person, path: str, body: Any, key: str) -> Any:
    headers = person.headers | {"Idempotency-Key": key}
    return app.test_client().post(f"/v1{path}", json=body, headers=headers)


def paid(app: Flask, person: Person, tranche: str, key: str = "pay") -> Any:
    body = {"paid_on": today().isoformat(), "reference": "BACS 1"}
    return post(app, person, f"/tranches/{tranche}/payment", body, key)


@pytest.mark.slow
def test_one_approval_lets_one_of_many_returns_pass(committed_app: Flask, governed: Governed) -> None:
    at = governed.at
    tranche = governed.payable()
    assert at.pay(tranche).status_code == 200
    governed.limited({"return": 1_00})
    body = {"amount": gbp(2_00), "reference": "R 1"}
    refusal = at.do(at.officer, f"/tranches/{tranche}/return", body)
    approval = governed.approved(at.officer, at.director, refusal)
    people = [at.officer, at.adviser, governed.owner, governed.second_owner] * 2

    acts = [
        partial(post, committed_app, person, f"/tranches/{tranche}/return", body, f"return {number}")
        for number, person in enumerate(people)
    ]
    answers = all_at_once(acts)

    assert Counter(each.status_code for each in answers) == {200: 1, 409: 7}
    assert governed.state(approval) == "consumed"
    assert at.read(at.nurse, f"/tranches/{tranche}").json["returned"] == 2_00


@pytest.mark.slow
def test_two_owners_who_use_each_other_s_approval_at_once_do_not_block_each_other(
    committed_app: Flask, governed: Governed
) -> None:
    one, two = governed.owner, governed.second_owner
    tranches = [governed.payable(5_000_00) for _ in range(4)]
    governed.limited({"payment": 1_00})
    doers = [(one, two), (two, one)] * 2
    for tranche, (doer, approver) in zip(tranches, doers, strict=True):
        governed.approved(doer, approver, paid(committed_app, doer, tranche, f"ask {tranche}"))

    acts = [
        partial(paid, committed_app, doer, tranche, f"pay {tranche}")
        for tranche, (doer, _) in zip(tranches, doers, strict=True)
    ]

    assert [each.status_code for each in all_at_once(acts)] == [200] * 4


def waiting_for_a_lock(app: Flask, number: int = 1) -> None:
    """Return once that many transactions of this database wait for a lock."""
    comes_to(app, BLOCKED, number)


def waiting_in_transaction(app: Flask) -> None:
    """Return once a transaction of this database has written and waits for its client."""
    comes_to(app, WRITTEN, 1)


def comes_to(app: Flask, question: Any, number: int) -> None:
    with app.app_context():
        for _ in range(1500):
            found = db.session().scalar(question)
            db.session().rollback()
            if found is not None and found >= number:
                return
            Event().wait(0.01)
    raise AssertionError("it did not come to that")


@pytest.mark.parametrize("whose", ["approver", "doer"])
def test_a_role_that_is_being_taken_away_while_the_act_runs_voids_it(
    committed_app: Flask, governed: Governed, whose: str
) -> None:
    """The revocation comes first and commits last: the payment waits for it and finds the role gone."""
    at = governed.at
    tranche = governed.payable()
    governed.limited({"payment": 1_00})
    governed.approved(at.officer, at.director, at.pay(tranche))
    loser = at.director if whose == "approver" else at.officer
    taking = text("UPDATE membership SET role = 'viewer' WHERE user_id = :id AND organisation_id = :at")

    with ThreadPoolExecutor(1) as pool:
        connection = db.engine.connect()
        connection.execute(taking, {"id": loser.id, "at": at.funder.id})
        running = pool.submit(paid, committed_app, at.officer, tranche)
        waiting_for_a_lock(committed_app)
        connection.commit()
        connection.close()
        answer = running.result(timeout=60)

    if whose == "approver":
        assert codes(answer) == ["APPROVAL_LIMIT", "APPROVER_STILL_MAY"]
    else:
        assert answer.json["code"] == "role-not-enough"
    assert at.read(at.nurse, f"/tranches/{tranche}").json["state"] == "approved"


@pytest.mark.slow
def test_a_limit_that_is_being_set_while_the_act_runs_counts(committed_app: Flask, governed: Governed) -> None:
    at = governed.at
    tranche = governed.payable()
    governed.limited({"payment": 50_000_00})

    with ThreadPoolExecutor(1) as pool:
        connection = db.engine.connect()
        where = {"at": at.funder.id}
        connection.execute(text("SELECT 1 FROM governance WHERE organisation_id = :at FOR NO KEY UPDATE"), where)
        connection.execute(
            text(
                "UPDATE governance_version SET state = 'superseded' WHERE organisation_id = :at AND state = 'in_force'"
            ),
            where,
        )
        connection.execute(
            text(
                "INSERT INTO governance_version (id, organisation_id, number, state, currency, approval_limits,"
                " delegated_limits, proposed_by, in_force_at) SELECT gen_random_uuid(), :at, 2, 'in_force', 'GBP',"
                """ '[{"act": "payment", "amount": 1}]', '[]', proposed_by, now()"""
                " FROM governance_version WHERE organisation_id = :at"
            ),
            where,
        )
        running = pool.submit(paid, committed_app, at.officer, tranche)
        waiting_for_a_lock(committed_app)
        connection.commit()
        connection.close()
        answer = running.result(timeout=60)

    assert codes(answer) == ["APPROVAL_LIMIT"]


def passes(app: Flask, scene: Governed, person: Person, about: dict[str, Any], first: Event | None = None) -> str:
    """The gate itself, in a transaction of its own: `passed` or the refusal's code. Commits once `first` is set."""
    with app.app_context():
        session = db.session()
        try:
            service.require_authority(session, person.actor(session), organisation_id=scene.at.funder.id, **about)
        except MarketplaceError as refusal:
            session.rollback()
            return refusal.code
        if first is not None:
            first.wait(timeout=60)
        session.commit()
        return "passed"


def one_after_the_other(app: Flask, *acts: Callable[..., str]) -> list[str]:
    """The first act is under way when the second comes, which has to wait until the first one has committed."""
    go = Event()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(acts[0], go)
        waiting_in_transaction(app)
        second = pool.submit(acts[1])
        try:
            waiting_for_a_lock(app)
        finally:
            go.set()
        return [first.result(timeout=60), second.result(timeout=60)]


@pytest.mark.slow
def test_one_person_s_acts_follow_each_other_and_do_not_each_stay_under_the_limit(
    committed_app: Flask, governed: Governed
) -> None:
    """Whatever else is locked: here two offers of one person that share no pledge and no ask."""
    at = governed.at
    governed.limited(editor=5_000_00)
    about = {"act": Act.OFFER, "amount": Money(3_000_00, "GBP"), "proposal_id": at.proposal.id}
    at.session.commit()
    person = at.officer

    def act(go: Event | None = None) -> str:
        return passes(committed_app, governed, person, about | {"subject_id": new_id()}, go)

    assert one_after_the_other(committed_app, act, act) == ["passed", "approval-needed"]


def test_of_two_who_use_one_approval_at_once_one_acts(committed_app: Flask, governed: Governed) -> None:
    at = governed.at
    tranche = governed.payable()
    governed.limited({"payment": 1_00})
    governed.approved(at.officer, at.director, at.pay(tranche))
    terms = {"payee": str(at.group.id)}
    about = {"act": Act.PAYMENT, "amount": Money(10_000_00, "GBP"), "proposal_id": at.proposal.id, "terms": terms}
    at.session.commit()

    def act(person: Person, go: Event | None = None) -> str:
        return passes(committed_app, governed, person, about | {"subject_id": UUID(tranche)}, go)

    acts = (partial(act, at.officer), partial(act, at.adviser))

    assert one_after_the_other(committed_app, *acts) == ["passed", "approval-needed"]
