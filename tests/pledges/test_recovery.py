"""Money that has to come back, over HTTP: payments undone by two people, and what is demanded after a breach."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.identity.models import Membership
from marketplace.ledger.reconciliation import reconcile
from marketplace.pledges.models import Pledge, Tranche
from marketplace.pledges.recovery_models import Demand
from marketplace.proposals.models import Ask
from marketplace.store.base import db
from marketplace.values.clock import today
from tests.pledges.races import all_at_once
from tests.pledges.scene import ASK, Scene, a_scene

pytestmark = pytest.mark.slow

SOON = (today() + timedelta(days=30)).isoformat()
FIRST = 400_000
WHY = {"reason": "It was typed twice."}


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    return a_scene(session, client)


def a_paid_one(scene: Scene) -> tuple[str, str]:
    """A pledge with its first tranche paid, and that tranche."""
    pledge = scene.signed()
    first = scene.tranches(pledge)[0]["id"]
    assert scene.pay(scene.approved(first)).status_code == 200
    return pledge, first


def reverse(scene: Scene, tranche: str) -> Any:
    asked = scene.do(scene.officer, f"/tranches/{tranche}/payment-reversal", WHY)
    assert asked.status_code == 201, asked.json
    return scene.do(scene.director, f"/tranches/{tranche}/payment-reversal/approval")


def pounds(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "GBP"}


def claw_back(scene: Scene, pledge: str, *lines: tuple[str, int]) -> Any:
    tranches = [{"tranche_id": tranche, "amount": pounds(amount)} for tranche, amount in lines]
    body = {"reason": "It was spent on something else.", "due_on": SOON, "tranches": tranches}
    return scene.do(scene.officer, f"/pledges/{pledge}/clawback", body)


def recover(scene: Scene, demand: str, tranche: str, amount: int, reference: str = "BACK 1") -> Any:
    body = {"tranche_id": tranche, "amount": pounds(amount), "reference": reference}
    return scene.do(scene.officer, f"/demands/{demand}/return", body)


def state_of(scene: Scene, pledge: str) -> str:
    return str(scene.read(scene.nurse, f"/pledges/{pledge}").json["state"])


def codes(answer: Any) -> list[str]:
    assert answer.status_code == 409, answer.json
    return [reason["code"] for reason in answer.json["reasons"]]


# Payments recorded by mistake


def test_a_payment_recorded_by_mistake_is_undone_by_two_people_and_can_be_paid_again(scene: Scene) -> None:
    pledge, first = a_paid_one(scene)

    undone = reverse(scene, first)

    assert undone.json["state"] == "approved"
    assert scene.read(scene.nurse, f"/tranches/{first}").json["state"] == "approved"
    assert state_of(scene, pledge) == "contracted"
    assert scene.balances() == {"budget_source": -100_000_00, "available": 90_000_00, "committed": ASK}
    assert reconcile(scene.session) == []
    scene.session.expire_all()
    assert scene.pay(first, "BACS 2").json["state"] == "paid"
    assert reverse(scene, first).status_code == 200
    assert scene.pay(first, "BACS 3").json["payment_reference"] == "BACS 3"
    assert reconcile(scene.session) == []
    kept = scene.read(scene.nurse, f"/tranches/{first}/payment-reversals").json["data"]
    assert [each["payment_reference"] for each in kept] == ["BACS 2", "BACS 1"]


def test_whoever_asks_for_a_reversal_does_not_approve_it(scene: Scene) -> None:
    _, first = a_paid_one(scene)
    asked = scene.do(scene.director, f"/tranches/{first}/payment-reversal", WHY)
    assert asked.status_code == 201

    assert codes(scene.do(scene.director, f"/tranches/{first}/payment-reversal/approval")) == ["NOT_THE_REQUESTER"]


def test_a_member_of_the_group_does_not_approve_a_reversal(scene: Scene) -> None:
    _, first = a_paid_one(scene)
    scene.do(scene.officer, f"/tranches/{first}/payment-reversal", WHY)
    scene.session.add(Membership(organisation_id=scene.group.id, user_id=scene.director.id, role="viewer"))
    scene.session.commit()

    assert codes(scene.do(scene.director, f"/tranches/{first}/payment-reversal/approval")) == ["NOT_OF_THE_GROUP"]


def test_a_reversal_is_asked_once_and_decided_once(scene: Scene) -> None:
    _, first = a_paid_one(scene)
    path = f"/tranches/{first}/payment-reversal"
    scene.do(scene.officer, path, WHY)

    assert scene.do(scene.adviser, path, WHY).json["code"] == "reversal-open"
    assert scene.do(scene.director, f"{path}/rejection", WHY).json["state"] == "rejected"
    assert scene.do(scene.director, f"{path}/approval").json["code"] == "no-such-step"
    assert scene.read(scene.nurse, f"/tranches/{first}").json["state"] == "paid"


def test_money_that_came_back_is_no_mistake(scene: Scene) -> None:
    _, first = a_paid_one(scene)
    scene.do(scene.officer, f"/tranches/{first}/return", {"amount": pounds(1), "reference": "R"})

    assert codes(scene.do(scene.officer, f"/tranches/{first}/payment-reversal", WHY)) == ["NOTHING_RETURNED"]


def test_a_completed_pledge_is_reopened_by_a_reversal_and_completes_again(scene: Scene) -> None:
    pledge, first = a_paid_one(scene)
    scene.do(scene.officer, f"/tranches/{scene.tranches(pledge)[1]['id']}/cancellation", {"reason": "Enough."})
    assert state_of(scene, pledge) == "completed"

    reverse(scene, first)
    assert state_of(scene, pledge) == "contracted"
    scene.pay(first, "BACS 2")
    assert state_of(scene, pledge) == "completed"
    assert reconcile(scene.session) == []


def test_in_a_terminated_pledge_what_a_reversal_frees_is_cancelled(scene: Scene) -> None:
    pledge, first = a_paid_one(scene)
    scene.do(scene.officer, f"/pledges/{pledge}/termination", {"reason": "Over."})

    reverse(scene, first)

    assert scene.read(scene.nurse, f"/tranches/{first}").json["state"] == "cancelled"
    assert scene.balances() == {"budget_source": -100_000_00, "available": 100_000_00}
    assert scene.session.get_one(Ask, scene.session.get_one(Pledge, pledge).ask_id).accepted == 0
    assert reconcile(scene.session) == []


def test_reversals_approved_at_once_are_booked_once(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        _, first = a_paid_one(scene)
        scene.do(scene.officer, f"/tranches/{first}/payment-reversal", WHY)
    path = f"/v1/tranches/{first}/payment-reversal/approval"

    def approve(number: int) -> Any:
        headers = scene.director.headers | {"Idempotency-Key": f"approve {number}"}
        return committed_app.test_client().post(path, headers=headers)

    answers = all_at_once([partial(approve, number) for number in range(4)])

    assert sorted(each.status_code for each in answers) == [200, 409, 409, 409]
    with committed_app.app_context():
        assert reconcile(db.session()) == []


# Money demanded back


def test_a_demand_ends_the_pledge_and_what_comes_back_claws_it_back(scene: Scene) -> None:
    pledge, first = a_paid_one(scene)

    demand = claw_back(scene, pledge, (first, 300_000))

    assert (demand.status_code, demand.json["outstanding"]) == (201, 300_000)
    assert state_of(scene, pledge) == "terminated"
    assert scene.balances() == {"budget_source": -100_000_00, "available": 96_000_00, "paid": FIRST}
    made = demand.json["id"]
    assert recover(scene, made, first, 100_000).json["outstanding"] == 200_000
    assert state_of(scene, pledge) == "terminated"
    assert recover(scene, made, first, 200_000, "BACK 2").json["state"] == "recovered"
    assert state_of(scene, pledge) == "clawed_back"
    assert scene.read(scene.nurse, f"/tranches/{first}").json["returned"] == 300_000
    assert scene.balances()["returned"] == 300_000
    assert reconcile(scene.session) == []


def test_never_more_is_demanded_than_was_paid_less_what_came_back(scene: Scene) -> None:
    pledge, first = a_paid_one(scene)
    second = scene.tranches(pledge)[1]["id"]
    scene.do(scene.officer, f"/tranches/{first}/return", {"amount": pounds(100_000), "reference": "R"})

    refused = claw_back(scene, pledge, (first, 300_001), (second, 1), (first, 1))

    assert (refused.status_code, refused.json["code"]) == (422, "demand-wrong")
    assert [each["pointer"] for each in refused.json["errors"]] == [
        "#/tranches/0/amount", "#/tranches/1/amount", "#/tranches/2/tranche_id"
    ]  # fmt: skip
    assert state_of(scene, pledge) == "drawing"
    assert claw_back(scene, pledge, (first, 300_000)).status_code == 201
    assert claw_back(scene, pledge, (first, 1)).status_code == 422


def test_what_is_demanded_does_not_come_back_twice(scene: Scene) -> None:
    pledge, first = a_paid_one(scene)
    demand = claw_back(scene, pledge, (first, 300_000)).json["id"]

    free = scene.do(scene.officer, f"/tranches/{first}/return", {"amount": pounds(100_001), "reference": "R"})
    assert (free.status_code, free.json["returnable"]["amount"]) == (422, 100_000)
    assert recover(scene, demand, first, 300_001).json["code"] == "recovery-too-large"
    assert recover(scene, demand, first, 10).status_code == 200
    assert recover(scene, demand, first, 10).json["code"] == "already-booked"


def test_a_demand_that_is_given_up_frees_what_is_outstanding(scene: Scene) -> None:
    pledge, first = a_paid_one(scene)
    demand = claw_back(scene, pledge, (first, FIRST)).json["id"]
    recover(scene, demand, first, 1)

    ended = scene.do(scene.officer, f"/demands/{demand}/withdrawal", {"reason": "They cannot."})

    assert (ended.json["state"], ended.json["outstanding"]) == ("withdrawn", 0)
    assert recover(scene, demand, first, 1, "BACK 2").json["code"] == "no-such-step"
    assert claw_back(scene, pledge, (first, FIRST - 1)).status_code == 201
    assert reconcile(scene.session) == []


def test_what_was_delivered_in_kind_is_not_demanded_in_cash(session: Session, client: FlaskClient) -> None:
    scene = a_scene(session, client)
    whole = [{"basis": "on_agreement", "amount": 1_000}]
    pledge = scene.signed(parts=[{"instrument": "in_kind_support", "amount": 1_000, "tranches": whole}])
    tranche = scene.approved(scene.tranches(pledge)[0]["id"])
    body = {"delivered_on": today().isoformat(), "description": "A day of advice"}
    assert scene.do(scene.officer, f"/tranches/{tranche}/delivery", body).status_code == 200

    assert claw_back(scene, pledge, (tranche, 1)).status_code == 422
    returned = scene.do(scene.officer, f"/tranches/{tranche}/return", {"amount": pounds(1), "reference": "R"})
    assert returned.json["code"] == "return-too-large"
    assert scene.balances() == {"budget_source": -100_000_00, "available": 99_990_00, "delivered_in_kind": 1_000}
    part = scene.read(scene.nurse, f"/pledges/{pledge}").json["parts"][0]
    assert (part["delivered"], part["paid"]) == (1_000, 0)
    reverse(scene, tranche)
    assert scene.balances() == {"budget_source": -100_000_00, "available": 99_990_00, "committed": 1_000}
    assert reconcile(scene.session) == []


def test_the_database_keeps_a_demand_within_what_was_paid(scene: Scene) -> None:
    _, first = a_paid_one(scene)

    with pytest.raises(IntegrityError), scene.session.begin_nested():
        scene.session.execute(update(Tranche).where(Tranche.id == first).values(demanded=FIRST + 1))


def test_what_was_demanded_never_changes(scene: Scene) -> None:
    pledge, first = a_paid_one(scene)
    demand = claw_back(scene, pledge, (first, 10)).json["id"]

    with pytest.raises(IntegrityError), scene.session.begin_nested():
        scene.session.execute(update(Demand).where(Demand.id == demand).values(due_on=today()))


def test_two_demands_at_once_never_ask_for_more_than_was_paid(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        pledge, first = a_paid_one(scene)
    body = {
        "reason": "It was spent on something else.",
        "due_on": SOON,
        "tranches": [{"tranche_id": first, "amount": pounds(300_000)}],
    }

    def demand(number: int) -> Any:
        headers = scene.officer.headers | {"Idempotency-Key": f"demand {number}"}
        return committed_app.test_client().post(f"/v1/pledges/{pledge}/clawback", json=body, headers=headers)

    answers = all_at_once([partial(demand, number) for number in range(4)])

    assert sorted(each.status_code for each in answers) == [201, 422, 422, 422]
    with committed_app.app_context():
        assert reconcile(db.session()) == []
