"""Schedules over HTTP: proposed by one side, accepted by the other, conserving every penny, kept as versions."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.identity.models import Membership
from marketplace.ledger.reconciliation import reconcile
from marketplace.pledges.models import Tranche
from marketplace.pledges.schedule_models import Schedule
from marketplace.store.base import db
from marketplace.values.clock import today
from tests.builders import a_member, an_organisation
from tests.pledges.races import all_at_once
from tests.pledges.scene import ASK, Scene, a_scene

pytestmark = pytest.mark.slow

LATER = (today() + timedelta(days=40)).isoformat()


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    return a_scene(session, client)


def part_of(scene: Scene, pledge: str, place: int = 0) -> str:
    return str(scene.read(scene.nurse, f"/pledges/{pledge}").json["parts"][place]["id"])


def thirds(amount: int) -> list[dict[str, Any]]:
    third = amount // 3
    return [
        {"basis": "on_agreement", "amount": third},
        {"basis": "in_advance", "due_on": LATER, "amount": third},
        {"basis": "on_milestone", "milestone": "incorporated", "amount": amount - 2 * third},
    ]


def proposing(scene: Scene, pledge: str, tranches: list[dict[str, Any]]) -> dict[str, Any]:
    return {"parts": [{"part_id": part_of(scene, pledge), "tranches": tranches}], "reason": "The work comes in thirds."}


def propose(scene: Scene, person: Any, pledge: str, tranches: list[dict[str, Any]]) -> Any:
    return scene.do(person, f"/pledges/{pledge}/schedules", proposing(scene, pledge, tranches))


def answer(scene: Scene, person: Any, schedule: str, how: str = "acceptance") -> Any:
    body = None if how == "acceptance" else {"reason": "Not like this."}
    return scene.do(person, f"/schedules/{schedule}/{how}", body)


def live(scene: Scene, pledge: str) -> list[tuple[str, int]]:
    return [(each["state"], each["amount"]["amount"]) for each in scene.tranches(pledge) if each["state"] != "replaced"]


@pytest.mark.parametrize(("proposer", "answerer"), [("officer", "nurse"), ("nurse", "officer")])
def test_either_side_proposes_and_the_other_accepts_the_next_version(
    scene: Scene, proposer: str, answerer: str
) -> None:
    pledge = scene.accepted()
    before = scene.balances()

    made = propose(scene, getattr(scene, proposer), pledge, thirds(ASK))
    assert made.status_code == 201, made.json
    accepted = answer(scene, getattr(scene, answerer), made.json["id"])

    assert (accepted.json["state"], accepted.json["number"]) == ("accepted", 2)
    assert [amount for _, amount in live(scene, pledge)] == [333_333, 333_333, 333_334]
    assert scene.balances() == before
    assert reconcile(scene.session) == []
    versions = scene.read(scene.nurse, f"/pledges/{pledge}/schedules").json["data"]
    assert [each["number"] for each in versions] == [2, 1]
    assert [each["amount"] for each in versions[1]["parts"][0]["tranches"]] == [400_000, 600_000]
    assert versions[0]["proposed_by"] == str(getattr(scene, proposer).id)
    assert versions[0]["answered_by"] == str(getattr(scene, answerer).id)


def test_after_a_payment_only_the_unapproved_rest_is_amended(scene: Scene) -> None:
    pledge = scene.signed()
    first, second = (each["id"] for each in scene.tranches(pledge))
    scene.pay(scene.approved(first))

    made = propose(scene, scene.nurse, pledge, thirds(600_000))
    assert answer(scene, scene.officer, made.json["id"]).status_code == 200

    assert live(scene, pledge) == [
        ("paid", 400_000), ("claimable", 200_000), ("scheduled", 200_000), ("scheduled", 200_000)
    ]  # fmt: skip
    assert scene.read(scene.nurse, f"/tranches/{second}").json["state"] == "replaced"
    assert scene.do(scene.nurse, f"/tranches/{second}/claim", {}).json["code"] == "no-such-step"
    assert reconcile(scene.session) == []


def test_a_schedule_conserves_its_part_to_the_penny(scene: Scene) -> None:
    pledge = scene.signed()

    refused = propose(scene, scene.nurse, pledge, thirds(ASK - 1))

    assert (refused.status_code, refused.json["code"]) == (422, "schedule-wrong")
    assert [each["pointer"] for each in refused.json["errors"]] == ["#/parts/0/tranches"]


def test_every_fault_of_a_schedule_is_named(scene: Scene) -> None:
    pledge = scene.signed()
    other = "018f0000-0000-7000-8000-000000000000"
    part = part_of(scene, pledge)
    wrong = [{"basis": "in_advance", "amount": 1}, {"basis": "on_milestone", "amount": 2}]
    body = {
        "parts": [
            {"part_id": other, "tranches": wrong[:1]},
            {"part_id": part, "tranches": wrong},
            {"part_id": part, "tranches": thirds(ASK)},
        ],
        "reason": "Wrong.",
    }

    refused = scene.do(scene.nurse, f"/pledges/{pledge}/schedules", body)

    assert sorted(each["pointer"] for each in refused.json["errors"]) == [
        "#/parts/0/part_id",
        "#/parts/0/tranches/0/due_on",
        "#/parts/1/tranches",
        "#/parts/1/tranches/0/due_on",
        "#/parts/1/tranches/1/milestone",
        "#/parts/2/part_id",
    ]


def test_a_side_does_not_answer_its_own_schedule_nor_withdraw_the_others(scene: Scene) -> None:
    made = propose(scene, scene.officer, scene.signed(), thirds(ASK)).json["id"]

    assert answer(scene, scene.director, made).json["code"] == "other-side-answers"
    assert answer(scene, scene.nurse, made, "withdrawal").json["code"] == "other-side-answers"
    assert answer(scene, scene.officer, made, "withdrawal").json["state"] == "withdrawn"


def test_a_person_on_both_sides_neither_proposes_nor_accepts(scene: Scene) -> None:
    pledge = scene.signed()
    made = propose(scene, scene.nurse, pledge, thirds(ASK)).json["id"]
    scene.session.add(Membership(organisation_id=scene.group.id, user_id=scene.director.id, role="owner"))
    scene.session.commit()

    assert answer(scene, scene.director, made).json["code"] == "both-sides"
    assert propose(scene, scene.director, pledge, thirds(ASK)).json["code"] == "both-sides"


def test_whoever_proposed_and_changed_sides_does_not_accept(scene: Scene) -> None:
    made = propose(scene, scene.nurse, scene.signed(), thirds(ASK)).json["id"]
    scene.session.execute(delete(Membership).where(Membership.user_id == scene.nurse.id))
    scene.session.add(Membership(organisation_id=scene.funder.id, user_id=scene.nurse.id, role="editor"))
    scene.session.commit()

    assert answer(scene, scene.nurse, made).json["code"] == "both-sides"


def test_a_pledge_has_one_open_schedule(scene: Scene) -> None:
    pledge = scene.signed()
    first = propose(scene, scene.nurse, pledge, thirds(ASK)).json["id"]

    assert propose(scene, scene.officer, pledge, thirds(ASK)).json["code"] == "schedule-open"
    assert answer(scene, scene.officer, first, "rejection").json["answer"] == "Not like this."
    assert propose(scene, scene.officer, pledge, thirds(ASK)).status_code == 201


def test_a_tranche_that_was_paid_meanwhile_overtakes_the_schedule(scene: Scene) -> None:
    pledge = scene.signed()
    made = propose(scene, scene.nurse, pledge, thirds(ASK)).json["id"]
    first = scene.tranches(pledge)[0]["id"]
    scene.pay(scene.approved(first))

    refused = answer(scene, scene.officer, made)

    assert (refused.status_code, refused.json["code"]) == (409, "schedule-overtaken")
    assert refused.json["overtaken"] == [first]
    assert [state for state, _ in live(scene, pledge)] == ["paid", "scheduled"]


def test_an_approved_tranche_is_not_replaced_even_while_it_is_held(scene: Scene) -> None:
    pledge = scene.signed()
    first = scene.tranches(pledge)[0]["id"]
    scene.do(scene.officer, f"/tranches/{scene.approved(first)}/hold", {"reason": "We ask."})

    assert propose(scene, scene.nurse, pledge, thirds(ASK)).status_code == 422
    made = propose(scene, scene.nurse, pledge, thirds(600_000)).json["id"]
    assert answer(scene, scene.officer, made).status_code == 200
    assert live(scene, pledge)[0] == ("held", 400_000)


def test_nothing_is_scheduled_before_the_acceptance_nor_after_the_end(scene: Scene) -> None:
    offered = scene.offered()
    assert propose(scene, scene.officer, offered, thirds(ASK)).json["code"] == "no-such-step"
    scene.accept(offered)
    made = propose(scene, scene.officer, offered, thirds(ASK)).json["id"]
    scene.do(scene.officer, f"/pledges/{offered}/withdrawal", {"reason": "No longer."})

    assert answer(scene, scene.nurse, made).json["code"] == "no-such-step"


def test_a_pledge_that_was_amended_ends_and_frees_its_rest_once(scene: Scene) -> None:
    pledge = scene.signed()
    made = propose(scene, scene.nurse, pledge, thirds(ASK)).json["id"]
    answer(scene, scene.officer, made)

    assert scene.do(scene.officer, f"/pledges/{pledge}/termination", {"reason": "Over."}).status_code == 200
    assert scene.balances() == {"budget_source": -100_000_00, "available": 100_000_00}
    assert reconcile(scene.session) == []


def test_strangers_learn_nothing_of_a_schedule(scene: Scene) -> None:
    made = propose(scene, scene.nurse, scene.signed(), thirds(ASK)).json["id"]
    stranger = a_member(scene.session, an_organisation(scene.session, kind="funder", name="Another fund"))

    assert scene.read(stranger, f"/schedules/{made}").status_code == 404
    assert answer(scene, stranger, made).status_code == 404


def test_an_answered_schedule_never_changes(scene: Scene) -> None:
    made = propose(scene, scene.nurse, scene.signed(), thirds(ASK)).json["id"]
    answer(scene, scene.officer, made)

    for change in (update(Schedule).values(reason={"en": "Other."}), delete(Schedule)):
        with pytest.raises(IntegrityError), scene.session.begin_nested():
            scene.session.execute(change.where(Schedule.id == made))


def committed_scene(app: Flask) -> tuple[Scene, str]:
    scene = a_scene(db.session(), app.test_client())
    return scene, scene.signed()


def send(app: Flask, person: Any, path: str, body: Any = None) -> Any:
    headers = person.headers | {"Idempotency-Key": f"{path}-{person.id}"}
    return app.test_client().post(f"/v1{path}", json=body, headers=headers)


def test_of_two_proposals_at_once_one_stands(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene, pledge = committed_scene(committed_app)
        body, path = proposing(scene, pledge, thirds(ASK)), f"/pledges/{pledge}/schedules"
        people = [scene.nurse, scene.officer, scene.adviser, scene.director]

    answers = all_at_once([partial(send, committed_app, person, path, body) for person in people])

    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]


def test_two_acceptances_at_once_make_one_version(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene, pledge = committed_scene(committed_app)
        made = propose(scene, scene.nurse, pledge, thirds(ASK)).json["id"]

    people = [scene.officer, scene.adviser, scene.director]
    path = f"/schedules/{made}/acceptance"
    answers = all_at_once([partial(send, committed_app, person, path) for person in people])

    assert sorted(each.status_code for each in answers) == [200, 409, 409]
    with committed_app.app_context():
        assert len(live(scene, pledge)) == 3
        assert reconcile(db.session()) == []


def test_an_amendment_and_a_payment_at_once_never_both_take_a_tranche(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene, pledge = committed_scene(committed_app)
        first = scene.tranches(pledge)[0]["id"]
        scene.do(scene.nurse, f"/tranches/{first}/claim", {})
        made = propose(scene, scene.nurse, pledge, thirds(ASK)).json["id"]

    acts = [
        partial(send, committed_app, scene.officer, f"/schedules/{made}/acceptance"),
        partial(send, committed_app, scene.director, f"/tranches/{first}/approval"),
    ]
    accepted, approved = all_at_once(acts)

    assert {accepted.status_code, approved.status_code} == {200, 409}
    with committed_app.app_context():
        assert db.session().get_one(Tranche, first).state == ("replaced" if accepted.status_code == 200 else "approved")
        assert reconcile(db.session()) == []
