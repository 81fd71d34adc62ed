"""An organisation's limits: who sets them, who confirms what loosens them, and what splitting does not get round."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.governance import approvals
from marketplace.values.clock import now
from tests.governance.scene import Governed, codes, gbp


def offers(amount: int) -> list[dict[str, object]]:
    return [{"act": "offer", "limit": gbp(amount)}]


@pytest.mark.slow
def test_an_organisation_has_no_limits_until_it_sets_some(scene: Governed) -> None:
    answer = scene.at.read(scene.at.officer, f"{scene.path}/governance")

    assert (answer.json["in_force"], answer.json["proposed"]) == (None, None)


def test_an_owner_sets_limits_at_once_and_tightens_them_at_once(scene: Governed) -> None:
    first = scene.put_limits(approval_limits=offers(100_00))
    second = scene.put_limits(approval_limits=offers(50_00))

    assert first.json["in_force"]["approval_limits"] == [{"act": "offer", "limit": gbp(100_00)}]
    assert second.json["in_force"]["number"] == 2
    assert second.json["proposed"] is None
    listed = scene.at.read(scene.at.officer, f"{scene.path}/governance/versions").json["data"]
    assert [(each["number"], each["state"]) for each in listed] == [(2, "in_force"), (1, "superseded")]


def test_raising_a_limit_waits_for_another_owner(scene: Governed) -> None:
    scene.limited({"offer": 100_00})
    raised = scene.put_limits(approval_limits=offers(200_00))
    path = f"{scene.path}/governance/versions/{raised.json['proposed']['id']}/confirmation"

    own = scene.at.do(scene.owner, path)
    other = scene.at.do(scene.second_owner, path)

    assert raised.json["in_force"]["approval_limits"] == [{"act": "offer", "limit": gbp(100_00)}]
    assert own.json["code"] == "another-owner-needed"
    assert other.json["in_force"]["approval_limits"] == [{"act": "offer", "limit": gbp(200_00)}]
    assert other.json["proposed"] is None


@pytest.mark.slow
def test_who_proposed_has_to_be_an_owner_still(scene: Governed) -> None:
    scene.limited({"offer": 100_00})
    raised = scene.put_limits(approval_limits=[])
    gone = text("UPDATE membership SET role = 'editor' WHERE user_id = :id")
    scene.at.session.execute(gone, {"id": scene.owner.id})
    scene.at.session.commit()
    path = f"{scene.path}/governance/versions/{raised.json['proposed']['id']}/confirmation"

    assert scene.at.do(scene.second_owner, path).json["code"] == "another-owner-needed"


@pytest.mark.slow
def test_a_proposal_is_rejected_or_gives_way_to_the_next(scene: Governed) -> None:
    scene.limited({"offer": 100_00})
    first = scene.put_limits(approval_limits=offers(200_00)).json["proposed"]["id"]
    second = scene.put_limits(approval_limits=offers(300_00)).json["proposed"]["id"]
    path = f"{scene.path}/governance/versions"

    assert scene.at.do(scene.second_owner, f"{path}/{first}/confirmation").json["code"] == "no-such-answer"
    assert scene.at.do(scene.second_owner, f"{path}/{second}/rejection").json["proposed"] is None
    assert scene.at.do(scene.second_owner, f"{path}/{second}/confirmation").json["code"] == "no-such-answer"


@pytest.mark.slow
def test_the_only_owner_raises_a_limit_alone(scene: Governed) -> None:
    scene.limited({"offer": 100_00})
    gone = text("DELETE FROM membership WHERE organisation_id = :at AND role = 'owner' AND user_id <> :id")
    scene.at.session.execute(gone, {"id": scene.owner.id, "at": scene.at.funder.id})
    scene.at.session.commit()

    assert scene.put_limits(approval_limits=offers(200_00)).json["in_force"]["number"] == 2


def test_only_owners_set_limits(scene: Governed) -> None:
    assert scene.put_limits(scene.at.director).json["code"] == "role-not-enough"
    assert scene.put_limits(scene.at.nurse).status_code == 404


@pytest.mark.slow
def test_limits_are_set_by_who_saw_the_present_ones(scene: Governed) -> None:
    path = f"/v1{scene.path}/governance"
    seen = scene.at.client.get(path, headers=scene.owner.headers).headers["ETag"]
    body = {"currency": "GBP", "approval_limits": offers(1_00)}
    first = scene.at.client.put(path, json=body, headers=scene.owner.headers | {"If-Match": seen})
    stale = scene.at.client.put(path, json=body, headers=scene.owner.headers | {"If-Match": seen})

    assert (first.status_code, stale.status_code) == (200, 412)


def test_limits_that_contradict_each_other_are_refused_with_every_fault(scene: Governed) -> None:
    nobody = str(scene.at.nurse.id)
    refusal = scene.put_limits(
        approval_limits=[{"act": "offer", "limit": {"amount": 1, "currency": "EUR"}}],
        delegated_limits=[{"limit": gbp(1)}, {"user_id": nobody, "limit": gbp(1)}],
    )

    assert refusal.status_code == 422
    assert [each["pointer"] for each in refusal.json["errors"]] == [
        "#/approval_limits/0/limit/currency", "#/delegated_limits/0", "#/delegated_limits/1/user_id",
    ]  # fmt: skip


def test_an_editor_does_alone_what_their_limit_allows_and_no_more(scene: Governed) -> None:
    scene.limited(editor=5_000_00)

    small, large = scene.at.offer(scene.at.drafted(5_000_00)), scene.at.offer(scene.at.drafted(5_000_01))

    assert small.status_code == 200
    assert codes(large) == ["DELEGATED_LIMIT"]


def test_splitting_an_offer_does_not_get_round_a_limit(scene: Governed) -> None:
    scene.limited({"offer": 5_000_00}, editor=5_000_00)
    first = scene.at.offer(scene.at.drafted(3_000_00))
    second = scene.at.offer(scene.at.drafted(3_000_00))

    assert first.status_code == 200
    assert codes(second) == ["APPROVAL_LIMIT", "DELEGATED_LIMIT"]
    assert second.json["reasons"][0]["found"] == gbp(6_000_00)


@pytest.mark.slow
def test_what_is_long_past_or_was_approved_counts_no_more(scene: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.limited({"offer": 5_000_00})
    big = scene.at.drafted(6_000_00)
    scene.approved(scene.at.officer, scene.at.director, scene.at.offer(big))
    assert scene.at.offer(big).status_code == 200

    alone = scene.at.offer(scene.at.drafted(5_000_00))
    monkeypatch.setattr(approvals, "now", lambda: now() + timedelta(days=30, seconds=1))
    later = scene.at.offer(scene.at.drafted(5_000_00))

    assert (alone.status_code, later.status_code) == (200, 200)


def test_an_approver_approves_within_their_own_limit(scene: Governed) -> None:
    scene.limited(editor=1_000_00, approver=4_000_00)
    refusals = [scene.at.offer(scene.at.drafted(amount)) for amount in (4_000_00, 4_000_01)]
    asked = [scene.asked(scene.at.officer, each) for each in refusals]

    answers = [scene.approve(scene.at.director, each) for each in asked]

    assert answers[0].status_code == 200
    assert codes(answers[1]) == ["APPROVER_LIMIT"]
    assert scene.approve(scene.owner, asked[1]).status_code == 200


@pytest.mark.slow
def test_a_limit_lowered_meanwhile_counts_for_the_approver(scene: Governed) -> None:
    scene.limited(editor=1_000_00, approver=4_000_00)
    pledge = scene.at.drafted(4_000_00)
    scene.approved(scene.at.officer, scene.at.director, scene.at.offer(pledge))
    scene.limited(editor=1_000_00, approver=3_000_00)

    assert codes(scene.at.offer(pledge)) == ["DELEGATED_LIMIT", "APPROVER_LIMIT"]


@pytest.mark.slow
def test_an_approver_does_not_approve_in_slices_what_is_over_their_limit(scene: Governed) -> None:
    scene.limited(editor=1_000_00, approver=4_000_00)
    first = scene.at.drafted(3_000_00)
    scene.approved(scene.at.officer, scene.at.director, scene.at.offer(first))
    assert scene.at.offer(first).status_code == 200
    second = scene.asked(scene.at.officer, scene.at.offer(scene.at.drafted(3_000_00)))

    assert codes(scene.approve(scene.at.director, second)) == ["APPROVER_LIMIT"]
