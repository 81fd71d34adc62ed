"""Above an organisation's limit an act needs a second person: who, on which terms, once, and while they may."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.governance import approvals, service
from marketplace.governance.models import Approval, AuthorisedAct
from marketplace.governance.rules import Act, ApprovalNeeded
from marketplace.identity.models import Membership, Organisation
from marketplace.store.journal import Event
from marketplace.values.clock import now, today
from marketplace.values.money import Money
from tests.builders import a_member, an_organisation
from tests.governance.scene import Governed, codes, gbp

LIMIT = {"payment": 5_000_00}


def role_of(session: Session, scene: Governed, person: object, role: str | None) -> None:
    """Give a member of the funder's another role, or none."""
    theirs = (Membership.organisation_id == scene.at.funder.id, Membership.user_id == person.id)  # type: ignore[attr-defined]
    session.execute(update(Membership).where(*theirs).values(role=role) if role else delete(Membership).where(*theirs))
    session.commit()


@pytest.mark.slow
def test_without_limits_nothing_needs_a_second_person_and_what_was_done_is_remembered(scene: Governed) -> None:
    assert scene.at.pay(scene.payable()).status_code == 200

    acts = scene.at.session.scalars(select(AuthorisedAct).order_by(AuthorisedAct.id)).all()
    assert [(each.act, each.amount, each.approval_id) for each in acts] == [
        ("offer", 10_000_00, None),
        ("tranche_approval", 10_000_00, None),
        ("payment", 10_000_00, None),
    ]


def test_a_payment_above_the_limit_is_made_once_a_second_person_approved_it(scene: Governed) -> None:
    scene.limited(LIMIT)
    tranche = scene.payable()

    refusal = scene.at.pay(tranche)
    approval = scene.approved(scene.at.officer, scene.at.director, refusal)
    paid = scene.at.pay(tranche)

    assert refusal.status_code == 409
    assert codes(refusal) == ["APPROVAL_LIMIT"]
    assert refusal.json["approval"]["amount"] == gbp(10_000_00)
    assert paid.status_code == 200, paid.json
    used = scene.at.read(scene.owner, f"/approvals/{approval}").json
    assert (used["state"], used["consumed_by"], used["answered_by"]) == (
        "consumed", str(scene.at.officer.id), str(scene.at.director.id),
    )  # fmt: skip


@pytest.mark.parametrize("act", ["offer", "budget_change", "tranche_approval", "return", "termination"])
def test_each_act_waits_for_its_approval_and_then_happens(scene: Governed, act: str) -> None:
    at = scene.at
    parts = [{"instrument": "grant", "amount": 2_000_00, "tranches": [{"basis": "on_agreement", "amount": 2_000_00}]}]
    pledge = at.drafted(2_000_00, parts=parts) if act == "offer" else at.signed(2_000_00, parts=parts)
    tranche = at.tranches(pledge)[0]["id"] if act != "offer" else ""
    if act == "tranche_approval":
        at.do(at.nurse, f"/tranches/{tranche}/claim", {})
    if act == "return":
        at.pay(at.approved(tranche))
    scene.limited({act: 1_00})

    def budget() -> object:
        sent = at.director.headers | {"If-Match": "*", "Idempotency-Key": f"budget {now()}"}
        return at.client.put(f"/v1/programmes/{at.programme.id}/budget", json={"amount": gbp(120_000_00)}, headers=sent)

    doing = {
        "offer": lambda: at.offer(pledge),
        "budget_change": budget,
        "tranche_approval": lambda: at.do(at.director, f"/tranches/{tranche}/approval"),
        "return": lambda: at.do(at.officer, f"/tranches/{tranche}/return", {"amount": gbp(2_00), "reference": "R 1"}),
        "termination": lambda: at.do(at.officer, f"/pledges/{pledge}/termination", {"reason": "It cannot go on"}),
    }[act]

    refusal = doing()
    scene.approved(scene.second_owner, scene.owner, refusal)
    done = doing()

    assert refusal.status_code == 409
    assert refusal.json["approval"]["act"] == act
    assert done.status_code == 200, done.json


@pytest.mark.slow
def test_a_refused_act_changes_nothing(scene: Governed) -> None:
    scene.limited(LIMIT)
    tranche = scene.payable()
    before = scene.at.balances()

    scene.at.pay(tranche)

    assert scene.at.balances() == before
    assert scene.at.read(scene.at.nurse, f"/tranches/{tranche}").json["state"] == "approved"


def test_the_requester_does_not_approve(scene: Governed) -> None:
    scene.limited(LIMIT)
    approval = scene.asked(scene.at.director, scene.at.pay(scene.payable()))

    refusal = scene.approve(scene.at.director, approval)

    assert refusal.status_code == 409
    assert codes(refusal) == ["APPROVER_NOT_THE_REQUESTER"]


def test_the_approver_does_not_do_it_and_any_other_permitted_person_may(scene: Governed) -> None:
    scene.limited(LIMIT)
    tranche = scene.payable()
    scene.approved(scene.at.officer, scene.at.director, scene.at.pay(tranche))
    body = {"paid_on": "2026-01-05", "reference": "BACS 9"}

    refusal = scene.at.do(scene.at.director, f"/tranches/{tranche}/payment", body)
    paid = scene.at.do(scene.at.adviser, f"/tranches/{tranche}/payment", body)

    assert codes(refusal) == ["APPROVAL_LIMIT", "APPROVER_NOT_THE_DOER"]
    assert paid.status_code == 200, paid.json


@pytest.mark.slow
def test_an_editor_may_not_approve(scene: Governed) -> None:
    scene.limited(LIMIT)
    approval = scene.asked(scene.at.officer, scene.at.pay(scene.payable()))

    assert scene.approve(scene.at.adviser, approval).json["code"] == "role-not-enough"


def test_other_terms_need_another_approval(scene: Governed) -> None:
    scene.limited({"offer": 1_00})
    pledge = scene.at.drafted(2_000_00)
    soon, later = ((today() + timedelta(days=days)).isoformat() for days in (30, 31))
    scene.approved(scene.at.officer, scene.at.director, scene.at.offer(pledge, expires_on=soon))

    refusal = scene.at.offer(pledge, expires_on=later)

    assert refusal.json["code"] == "approval-needed"
    assert scene.at.offer(pledge, expires_on=soon).status_code == 200


@pytest.mark.slow
def test_another_amount_or_another_split_needs_another_approval(scene: Governed) -> None:
    scene.limited({"offer": 1_00})
    pledge = scene.at.drafted(2_000_00)
    scene.approved(scene.at.officer, scene.at.director, scene.at.offer(pledge))
    for amounts in ([2_500_00], [1_000_00, 1_000_00]):
        tranches = [{"basis": "on_agreement", "amount": amount} for amount in amounts]
        parts = [{"instrument": "grant", "amount": sum(amounts), "tranches": tranches}]
        sent = scene.at.officer.headers | {"If-Match": "*"}
        scene.at.client.patch(f"/v1/pledges/{pledge}", json={"parts": parts}, headers=sent)

        assert scene.at.offer(pledge).json["code"] == "approval-needed"


@pytest.mark.slow
def test_an_approval_for_one_thing_is_none_for_another(scene: Governed) -> None:
    scene.limited(LIMIT)
    first, second = scene.payable(), scene.payable()
    scene.approved(scene.at.officer, scene.at.director, scene.at.pay(first))

    assert scene.at.pay(second).json["code"] == "approval-needed"


@pytest.mark.slow
def test_an_approval_is_used_once(scene: Governed) -> None:
    scene.limited({"return": 1_00})
    tranche = scene.payable()
    scene.at.pay(tranche)
    body = {"amount": gbp(2_00), "reference": "R 1"}

    def back() -> object:
        return scene.at.do(scene.at.officer, f"/tranches/{tranche}/return", body)

    scene.approved(scene.at.officer, scene.at.director, back())
    first, again = back(), back()

    assert first.status_code == 200
    assert again.json["code"] == "approval-needed"


def test_one_approval_lets_one_act_pass_even_for_two_that_are_the_same(scene: Governed) -> None:
    """The gate itself, called twice in one transaction: the second finds it used."""
    scene.limited(LIMIT)
    tranche = scene.payable()
    scene.approved(scene.at.officer, scene.at.director, scene.at.pay(tranche))
    session = scene.at.session
    approval = session.scalars(select(Approval).execution_options(populate_existing=True)).one()
    actor = scene.at.officer.actor(session)

    def act() -> AuthorisedAct:
        return service.require_authority(
            session, actor, Act.PAYMENT, scene.at.funder.id, approval.subject_id, Money(10_000_00, "GBP"),
            proposal_id=scene.at.proposal.id, terms=approval.terms,
        )  # fmt: skip

    assert act().approval_id == approval.id
    with pytest.raises(ApprovalNeeded):
        act()


@pytest.mark.parametrize("role", ["editor", pytest.param(None, marks=pytest.mark.slow)])
def test_an_approver_who_lost_the_role_has_approved_nothing(scene: Governed, role: str | None) -> None:
    scene.limited(LIMIT)
    tranche = scene.payable()
    second = a_member(scene.at.session, scene.at.session.get_one(Organisation, scene.at.funder.id), "approver")
    approval = scene.approved(scene.at.officer, second, scene.at.pay(tranche))
    role_of(scene.at.session, scene, second, role)

    refusal = scene.at.pay(tranche)

    assert codes(refusal) == ["APPROVAL_LIMIT", "APPROVER_STILL_MAY"]
    assert scene.state(approval) == "approved"


@pytest.mark.slow
def test_a_doer_who_is_no_member_any_more_learns_nothing(scene: Governed) -> None:
    scene.limited(LIMIT)
    tranche = scene.payable()
    scene.approved(scene.at.officer, scene.at.director, scene.at.pay(tranche))
    role_of(scene.at.session, scene, scene.at.officer, None)

    assert scene.at.pay(tranche).status_code == 404


def test_an_approval_expires(scene: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.limited(LIMIT)
    tranche = scene.payable()
    approval = scene.approved(scene.at.officer, scene.at.director, scene.at.pay(tranche))
    for module in (approvals, service):
        monkeypatch.setattr(module, "now", lambda: now() + timedelta(days=30, seconds=1))
    monkeypatch.setattr("marketplace.governance.routes.now", lambda: now() + timedelta(days=30, seconds=1))

    refusal = scene.at.pay(tranche)

    assert codes(refusal) == ["APPROVAL_LIMIT", "APPROVAL_LIVE"]
    assert scene.state(approval) == "expired"
    assert scene.ask(scene.at.officer, refusal).status_code == 201
    expired = scene.at.read(scene.owner, f"{scene.path}/approvals?state=expired").json["data"]
    assert [each["id"] for each in expired] == [approval]


@pytest.mark.slow
def test_what_is_asked_for_already_is_not_asked_for_twice(scene: Governed) -> None:
    scene.limited(LIMIT)
    refusal = scene.at.pay(scene.payable())
    scene.asked(scene.at.officer, refusal)

    assert scene.ask(scene.at.adviser, refusal).json["code"] == "approval-already-asked"


@pytest.mark.slow
def test_an_approval_can_be_taken_back_and_a_request_withdrawn_by_who_made_it(scene: Governed) -> None:
    scene.limited(LIMIT)
    refusal = scene.at.pay(scene.payable())
    taken_back = scene.approved(scene.at.officer, scene.at.director, refusal)
    scene.at.do(scene.at.director, f"/approvals/{taken_back}/rejection", {"answer": "On second thoughts, no."})
    withdrawn = scene.asked(scene.at.officer, refusal)
    others = scene.at.do(scene.owner, f"/approvals/{withdrawn}/withdrawal")
    scene.at.do(scene.at.officer, f"/approvals/{withdrawn}/withdrawal")

    assert others.json["code"] == "not-the-requester"
    assert [scene.state(each) for each in (taken_back, withdrawn)] == ["rejected", "withdrawn"]
    assert scene.approve(scene.at.director, withdrawn).json["code"] == "no-such-answer"


def test_another_organisation_sees_no_approval_and_asks_for_none(scene: Governed) -> None:
    scene.limited(LIMIT)
    refusal = scene.at.pay(scene.payable())
    approval = scene.asked(scene.at.officer, refusal)
    rival = an_organisation(scene.at.session, kind="funder", name="Rival fund")
    stranger = a_member(scene.at.session, rival)
    body = refusal.json["approval"] | {"words": "Mine?"}
    sent = stranger.headers

    assert scene.at.read(stranger, f"/approvals/{approval}").status_code == 404
    assert scene.at.read(scene.at.nurse, f"/approvals/{approval}").status_code == 404
    assert scene.approve(stranger, approval).status_code == 404
    assert scene.at.read(stranger, f"{scene.path}/approvals").status_code == 404
    assert scene.at.client.post(f"/v1{scene.path}/approvals", json=body, headers=sent).status_code == 404
    group = f"/v1/organisations/{scene.at.group.id}/approvals"
    assert scene.at.client.post(group, json=body, headers=scene.at.nurse.headers).status_code == 404
    own = f"/v1/organisations/{rival.id}/approvals"
    assert scene.at.client.post(own, json=body, headers=sent).status_code == 404


@pytest.mark.slow
def test_events_of_approvals_are_for_the_organisation_alone(scene: Governed) -> None:
    scene.limited(LIMIT)
    scene.asked(scene.at.officer, scene.at.pay(scene.payable()))

    events = scene.at.session.scalars(
        select(Event).where(Event.type.like("approval.%") | Event.type.like("governance.%"))
    )
    told = {each.type: (each.scope, each.organisation_ids) for each in events}
    assert set(told) == {"approval.requested", "governance.changed"}
    assert set(map(str, told.values())) == {str(("organisations", [scene.at.funder.id]))}


@pytest.mark.slow
def test_an_amount_belongs_to_the_acts_that_have_one(scene: Governed) -> None:
    body = {"act": "payment", "subject_id": scene.payable(), "words": "Please."}
    path, sent = f"/v1{scene.path}/approvals", scene.at.officer.headers
    without = scene.at.client.post(path, json=body, headers=sent)
    needless = scene.at.client.post(path, json=body | {"act": "verification", "amount": gbp(1)}, headers=sent)

    for answer in (without, needless):
        assert answer.status_code == 422
        assert answer.json["errors"][0]["pointer"] == "#/amount"


REWRITINGS = (
    "UPDATE approval SET amount = amount + 1",
    "UPDATE approval SET terms = '{}'",
    "UPDATE approval SET terms_sha256 = repeat('0', 64)",
    "UPDATE approval SET state = 'approved', consumed_by = NULL",
    "UPDATE approval SET consumed_by = answered_by",
    "DELETE FROM approval",
    "UPDATE authorised_act SET amount = 1",
    "DELETE FROM authorised_act",
    "UPDATE governance_version SET approval_limits = '[]'",
    "DELETE FROM governance_version",
)


def test_the_database_keeps_what_was_approved_and_done(scene: Governed) -> None:
    scene.limited(LIMIT)
    tranche = scene.payable()
    scene.approved(scene.at.officer, scene.at.director, scene.at.pay(tranche))
    assert scene.at.pay(tranche).status_code == 200

    for change in REWRITINGS:
        with pytest.raises(IntegrityError), scene.at.session.begin_nested():
            scene.at.session.execute(text(change))


@pytest.mark.slow
def test_the_words_of_an_approval_can_be_erased(scene: Governed) -> None:
    scene.limited(LIMIT)
    scene.asked(scene.at.officer, scene.at.pay(scene.payable()))

    scene.at.session.execute(text("""UPDATE approval SET words = '{"en": "erased"}'"""))
