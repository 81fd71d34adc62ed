"""Two at once: the last pound is repaid once, a repeated key acts once, and one write-off is decided once."""

from collections import Counter
from functools import partial
from typing import Any

import pytest
from flask import Flask

from marketplace.ledger.reconciliation import reconcile
from marketplace.store.base import db
from marketplace.values.clock import today
from tests.builders import a_member
from tests.pledges.races import all_at_once
from tests.repayments.scene import LENT, Lent, a_loan, a_part, a_repayable_scene, gbp, lent

TWINS = 8


def posting(app: Flask, person: Any, path: str, body: Any = None) -> Any:
    def act(key: str) -> Any:
        headers = person.headers | {"Idempotency-Key": key}
        return app.test_client().post(f"/v1{path}", json=body, headers=headers)

    return act


def statuses(answers: list[Any]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def test_two_repayments_at_once_for_the_last_pound_are_one(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = a_repayable_scene(db.session(), committed_app.test_client())
        loan = lent(scene, a_part("loan_unsecured", None))
        assert loan.repay(LENT - 100, "FIRST").status_code == 201
        bodies = [
            {"amount": gbp(100), "received_on": str(today()), "reference": f"LAST {place}"} for place in range(TWINS)
        ]
        path = f"/pledges/{loan.pledge}/repayments"
        acts = [
            partial(posting(committed_app, scene.officer, path, body), f"last-{place}")
            for place, body in enumerate(bodies)
        ]

    assert statuses(all_at_once(acts)) == {201: 1, 422: TWINS - 1}
    with committed_app.app_context():
        assert loan.standing()["outstanding"] == 0
        assert reconcile(db.session()) == []


@pytest.mark.slow
def test_twin_requests_have_one_effect_and_one_answer(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = a_repayable_scene(db.session(), committed_app.test_client())
        loan = a_loan(scene)
        body = {"amount": gbp(100_00), "received_on": str(today()), "reference": "TWIN"}
        twin = posting(committed_app, scene.officer, f"/pledges/{loan.pledge}/repayments", body)

    answers = all_at_once([partial(twin, "one-key")] * TWINS)
    assert set(statuses(answers)) <= {201, 503}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    with committed_app.app_context():
        assert [each["amount"] for each in listed(loan)] == [100_00]
        assert reconcile(db.session()) == []


@pytest.mark.slow
def test_a_repayment_and_a_write_off_of_the_same_principal_are_never_both(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = a_repayable_scene(db.session(), committed_app.test_client())
        loan = lent(scene, a_part("loan_unsecured", None))
        body = {"amount": gbp(LENT), "ground": "uncollectable", "reason": "Wound up"}
        made = scene.do(scene.officer, f"/pledges/{loan.pledge}/write-offs", body).json["id"]
        paid = {"amount": gbp(LENT), "received_on": str(today()), "reference": "ALL"}
        owner = a_member(db.session(), scene.funder)
        acts = [
            partial(posting(committed_app, scene.director, f"/write-offs/{made}/approval"), "a"),
            partial(posting(committed_app, owner, f"/write-offs/{made}/approval"), "b"),
            partial(posting(committed_app, scene.officer, f"/pledges/{loan.pledge}/repayments", paid), "c"),
        ]

    answers = all_at_once(acts)
    assert sum(answer.status_code < 300 for answer in answers) == 1
    with committed_app.app_context():
        part = loan.standing()
        assert part["outstanding"] == 0
        assert part["repaid"] + part["written_off"] == LENT
        assert reconcile(db.session()) == []


def listed(loan: Lent) -> Any:
    return loan.scene.read(loan.scene.nurse, f"/pledges/{loan.pledge}/repayments").json["data"]
