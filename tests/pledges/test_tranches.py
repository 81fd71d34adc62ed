"""Tranches over HTTP: claimed, verified, approved by a second person, paid once, held, cancelled, returned."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from marketplace.hosting.models import FiscalHosting
from marketplace.identity.models import Membership
from marketplace.ledger.reconciliation import reconcile
from marketplace.pipeline.models import GatePassage
from marketplace.pledges.models import Tranche
from marketplace.proposals.models import Ask
from marketplace.values.clock import today
from tests.builders import a_member, an_organisation
from tests.pledges.scene import ASK, Scene, a_funded_programme, a_scene
from tests.proposals.builders import share

NOT_REGISTERED = {"service": {"area_code": "E08000035"}, "organisation": {"registration": "not_registered"}}


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    return a_scene(session, client)


def missing(answer: Any) -> list[str]:
    assert answer.status_code == 409, answer.json
    return [reason["code"] for reason in answer.json["reasons"]]


def test_money_goes_from_promise_to_payment_in_stages(scene: Scene) -> None:
    pledge = scene.signed()
    first, second = (each["id"] for each in scene.tranches(pledge))

    assert scene.pay(scene.approved(first)).json["state"] == "paid"
    assert scene.read(scene.nurse, f"/pledges/{pledge}").json["state"] == "drawing"
    assert scene.read(scene.nurse, f"/tranches/{second}").json["state"] == "scheduled"
    assert scene.prove("business_plan_v1").status_code in {200, 201}
    assert scene.read(scene.nurse, f"/tranches/{second}").json["state"] == "claimable"
    assert scene.pay(scene.approved(second), "BACS 2").json["state"] == "paid"

    assert scene.read(scene.nurse, f"/pledges/{pledge}").json["state"] == "completed"
    assert scene.balances() == {"budget_source": -100_000_00, "available": 90_000_00, "paid": ASK}
    assert reconcile(scene.session) == []


def test_nothing_can_be_claimed_before_the_agreement(scene: Scene) -> None:
    tranche = scene.tranches(scene.accepted())[0]["id"]

    assert scene.do(scene.nurse, f"/tranches/{tranche}/claim", {}).json["code"] == "not-claimable"


def test_a_milestone_tranche_waits_for_its_evidence(scene: Scene) -> None:
    tranche = scene.tranches(scene.signed())[1]["id"]

    assert scene.do(scene.nurse, f"/tranches/{tranche}/claim", {}).json["code"] == "not-claimable"


def test_only_the_group_claims_and_only_the_funder_approves_and_pays(scene: Scene) -> None:
    tranche = scene.tranches(scene.signed())[0]["id"]

    assert scene.do(scene.officer, f"/tranches/{tranche}/claim", {}).status_code == 404
    scene.do(scene.nurse, f"/tranches/{tranche}/claim", {})
    assert scene.do(scene.nurse, f"/tranches/{tranche}/approval").status_code == 404
    assert scene.do(scene.officer, f"/tranches/{tranche}/approval").json["code"] == "role-not-enough"
    assert (
        scene.do(scene.nurse, f"/tranches/{tranche}/payment", {"paid_on": str(today()), "reference": "x"}).status_code
        == 404
    )


def test_paying_before_approval_names_what_is_missing(scene: Scene) -> None:
    tranche = scene.tranches(scene.signed())[0]["id"]
    scene.do(scene.nurse, f"/tranches/{tranche}/claim", {})

    answer = scene.pay(tranche)

    assert answer.json["code"] == "not-payable"
    assert missing(answer) == ["TRANCHE_APPROVED", "APPROVER_STILL_MAY"]


def test_the_verifier_may_not_approve(scene: Scene) -> None:
    tranche = scene.tranches(scene.signed())[1]["id"]
    scene.prove("business_plan_v1", verifier=scene.director)
    scene.do(scene.nurse, f"/tranches/{tranche}/claim", {})

    answer = scene.do(scene.director, f"/tranches/{tranche}/approval")

    assert missing(answer) == ["NOT_THE_VERIFIER"]


def test_one_person_in_both_organisations_may_not_approve_their_own_claim(scene: Scene) -> None:
    director = scene.director
    scene.session.add(Membership(organisation_id=scene.group.id, user_id=director.id, role="editor"))
    scene.session.commit()
    tranche = scene.tranches(scene.signed())[0]["id"]
    scene.do(director, f"/tranches/{tranche}/claim", {})

    assert missing(scene.do(director, f"/tranches/{tranche}/approval")) == ["NOT_THE_CLAIMANT", "NOT_OF_THE_GROUP"]


def test_an_approver_who_lost_the_role_voids_the_approval(scene: Scene) -> None:
    tranche = scene.approved(scene.tranches(scene.signed())[0]["id"])
    scene.session.execute(delete(Membership).where(Membership.user_id == scene.director.id))
    scene.session.commit()

    assert missing(scene.pay(tranche)) == ["APPROVER_STILL_MAY"]
    assert scene.balances()["committed"] == ASK


def test_the_entry_gate_of_the_asks_stage_has_to_be_passed(scene: Scene) -> None:
    tranche = scene.approved(scene.tranches(scene.signed())[0]["id"])
    scene.session.execute(delete(GatePassage))
    scene.session.commit()

    assert missing(scene.pay(tranche)) == ["ENTRY_GATE"]


def test_a_group_without_legal_form_is_paid_through_its_fiscal_host_only(session: Session, client: FlaskClient) -> None:
    scene = a_scene(session, client, facts=NOT_REGISTERED)
    tranche = scene.approved(scene.tranches(scene.signed())[0]["id"])
    assert missing(scene.pay(tranche)) == ["CAN_HOLD_MONEY"]

    host = an_organisation(session, kind="fiscal_host", name="Common Purse")
    treasurer = a_member(session, host)
    asked = {
        "host_organisation_id": str(host.id),
        "fee": 500,
        "terms": "Holds the grant.",
        "signatories": [{"name": "Nora", "position": "Lead nurse"}],
    }
    hosting = scene.do(scene.nurse, f"/proposals/{scene.proposal.id}/fiscal-hostings", asked).json["id"]
    assert missing(scene.pay(tranche)) == ["CAN_HOLD_MONEY"]
    agreed = {"answer": "agreed", "signatories": [{"name": "Hugo", "position": "Director"}]}
    assert scene.do(treasurer, f"/fiscal-hostings/{hosting}/answer", agreed).json["state"] == "agreed"

    paid = scene.pay(tranche)
    assert paid.json["payee_organisation_id"] == str(host.id)
    (held,) = scene.read(treasurer, f"/organisations/{host.id}/held-funds").json["data"]
    assert (held["proposal_id"], held["held"]) == (str(scene.proposal.id), 4_000_00)


def test_support_in_kind_is_delivered_and_needs_no_host(session: Session, client: FlaskClient) -> None:
    scene = a_scene(session, client, facts=NOT_REGISTERED)
    pledge = scene.signed(
        parts=[
            {
                "instrument": "in_kind_support",
                "amount": 2_000_00,
                "tranches": [{"basis": "on_agreement", "amount": 2_000_00}],
            }
        ]
    )
    tranche = scene.approved(scene.tranches(pledge)[0]["id"])
    assert scene.pay(tranche).json["code"] == "wrong-kind"

    delivery = {"delivered_on": str(today()), "description": "Five days of a lawyer"}
    answer = scene.do(scene.officer, f"/tranches/{tranche}/delivery", delivery)

    assert answer.json["state"] == "paid"
    assert scene.balances() == {"budget_source": -100_000_00, "available": 98_000_00, "delivered_in_kind": 2_000_00}
    assert scene.session.query(Ask).one().accepted == 2_000_00
    assert reconcile(scene.session) == []


def test_paying_twice_is_one_payment(scene: Scene) -> None:
    tranche = scene.approved(scene.tranches(scene.signed())[0]["id"])
    first = scene.pay(tranche, key="pay")
    again = scene.pay(tranche, key="pay")
    other = scene.pay(tranche, key="another")

    assert first.data == again.data
    assert other.status_code == 409
    assert scene.balances()["paid"] == 4_000_00


def test_a_pruned_key_still_cannot_pay_twice(scene: Scene) -> None:
    """The ledger's own reference forbids it, even if the tranche's state were lost."""
    tranche = scene.approved(scene.tranches(scene.signed())[0]["id"])
    scene.pay(tranche)
    scene.session.execute(update(Tranche).where(Tranche.id == tranche).values(state="approved"))
    scene.session.commit()

    assert scene.pay(tranche).json["code"] == "already-booked"
    assert scene.balances()["paid"] == 4_000_00


def test_a_held_tranche_goes_on_where_it_was(scene: Scene) -> None:
    tranche = scene.approved(scene.tranches(scene.signed())[0]["id"])

    held = scene.do(scene.officer, f"/tranches/{tranche}/hold", {"reason": "A question is open"})
    assert (held.json["state"], held.json["reason"]) == ("held", "A question is open")
    assert missing(scene.pay(tranche)) == ["TRANCHE_APPROVED"]
    assert scene.do(scene.officer, f"/tranches/{tranche}/release").json["state"] == "approved"
    assert scene.pay(tranche).json["state"] == "paid"


def test_a_claim_that_is_sent_back_can_be_claimed_again(scene: Scene) -> None:
    tranche = scene.tranches(scene.signed())[0]["id"]
    scene.do(scene.nurse, f"/tranches/{tranche}/claim", {"note": "Please"})

    back = scene.do(scene.director, f"/tranches/{tranche}/rejection", {"reason": "The invoice is missing"})

    assert (back.json["state"], back.json["claimed_by"]) == ("claimable", None)
    assert scene.do(scene.nurse, f"/tranches/{tranche}/claim", {}).json["state"] == "claimed"


def test_cancelling_frees_exactly_the_tranche_and_reopens_the_ask(scene: Scene) -> None:
    pledge = scene.signed()
    first, second = (each["id"] for each in scene.tranches(pledge))
    scene.pay(scene.approved(first))

    answer = scene.do(scene.officer, f"/tranches/{second}/cancellation", {"reason": "Not needed any more"})

    assert answer.json["state"] == "cancelled"
    assert scene.balances() == {"budget_source": -100_000_00, "available": 96_000_00, "paid": 4_000_00}
    assert scene.session.query(Ask).one().accepted == 4_000_00
    assert scene.read(scene.nurse, f"/pledges/{pledge}").json["state"] == "completed"
    assert reconcile(scene.session) == []


@pytest.mark.parametrize(
    ("recycles", "balances"),
    [
        pytest.param(True, {"available": 97_000_00, "paid": 3_000_00}, id="recycled: it can be pledged again"),
        pytest.param(False, {"available": 96_000_00, "paid": 3_000_00, "returned": 1_000_00}, id="kept apart"),
    ],
)
def test_money_that_comes_back(session: Session, client: FlaskClient, recycles: bool, balances: dict[str, int]) -> None:
    scene = a_scene(session, client, programme={"recycles": recycles})
    pledge = scene.signed()
    tranche = scene.approved(scene.tranches(pledge)[0]["id"])
    scene.pay(tranche)
    scene.do(scene.officer, f"/pledges/{pledge}/termination", {"reason": "The group stopped"})
    body = {"amount": {"amount": 1_000_00, "currency": "GBP"}, "reference": "R1"}

    assert scene.do(scene.officer, f"/tranches/{tranche}/return", body).json["returned"] == 1_000_00
    assert scene.do(scene.officer, f"/tranches/{tranche}/return", body).json["code"] == "already-booked"

    assert scene.balances() == {"budget_source": -100_000_00} | balances
    assert reconcile(scene.session) == []


def test_more_than_was_paid_cannot_come_back(scene: Scene) -> None:
    tranche = scene.approved(scene.tranches(scene.signed())[0]["id"])
    scene.pay(tranche)
    body = {"amount": {"amount": 4_000_01, "currency": "GBP"}, "reference": "R1"}

    answer = scene.do(scene.officer, f"/tranches/{tranche}/return", body)

    assert (answer.status_code, answer.json["code"]) == (422, "return-too-large")
    assert answer.json["returnable"] == {"amount": 4_000_00, "currency": "GBP"}


def test_statements_balance_and_are_for_their_parties(scene: Scene) -> None:
    pledge = scene.signed()
    scene.pay(scene.approved(scene.tranches(pledge)[0]["id"]))

    for person, path in (
        (scene.officer, f"/programmes/{scene.programme.id}/statement"),
        (scene.officer, f"/pledges/{pledge}/statement"),
        (scene.nurse, f"/pledges/{pledge}/statement"),
        (scene.nurse, f"/proposals/{scene.proposal.id}/statement"),
    ):
        statement = scene.read(person, path).json
        assert sum(each["balance"] for each in statement["totals"]) == 0
        assert sum(each["amount"] for each in statement["data"]) == 0
        assert next(each["balance"] for each in statement["totals"] if each["account"] == "paid") == 4_000_00
    assert scene.read(scene.nurse, f"/programmes/{scene.programme.id}/statement").status_code == 404
    assert scene.read(scene.officer, f"/proposals/{scene.proposal.id}/statement").status_code == 404


def test_a_named_verifier_of_another_organisation_may_verify(scene: Scene) -> None:
    adviser_firm = an_organisation(scene.session, kind="adviser", name="Mutual Advice")
    adviser = a_member(scene.session, adviser_firm)
    pledge = scene.signed(verifier_organisation_ids=[str(adviser_firm.id)])

    assert scene.prove("business_plan_v1", verifier=adviser).status_code in {200, 201}
    assert scene.tranches(pledge)[1]["state"] == "claimable"


def test_an_outsider_may_not_verify(scene: Scene) -> None:
    outsider = a_member(scene.session, an_organisation(scene.session, kind="adviser", name="Mutual Advice"))
    scene.signed()

    assert scene.prove("business_plan_v1", verifier=outsider).status_code == 404


def test_an_approver_who_joins_the_group_voids_the_approval(scene: Scene) -> None:
    tranche = scene.approved(scene.tranches(scene.signed())[0]["id"])
    scene.session.add(Membership(organisation_id=scene.group.id, user_id=scene.director.id, role="viewer"))
    scene.session.commit()

    assert missing(scene.pay(tranche)) == ["APPROVER_INDEPENDENT"]


def test_evidence_that_another_funder_accepted_counts_only_for_those_who_name_it(scene: Scene) -> None:
    pledge = scene.signed(ASK - 1_00)
    other = an_organisation(scene.session, kind="funder", name="Another fund")
    programme = a_funded_programme(scene.session, other, 1_00, tranche_template=[])
    officer = a_member(scene.session, other)
    body = {"programme_id": str(programme.id), "proposal_id": str(scene.proposal.id)}
    made = scene.do(officer, "/pledges", body | {"parts": [{"instrument": "grant", "amount": 1_00}]}).json["id"]
    scene.do(officer, f"/pledges/{made}/offer", {"expires_on": str(today())})
    assert scene.accept(made).status_code == 200

    assert scene.prove("business_plan_v1", verifier=officer).status_code in {200, 201}
    assert scene.tranches(pledge)[1]["state"] == "scheduled"
    assert scene.prove("business_plan_v1").status_code in {200, 201}
    assert scene.tranches(pledge)[1]["state"] == "claimable"


def test_an_organisation_that_the_group_keeps_out_is_no_verifier_whoever_names_it(scene: Scene) -> None:
    trust = an_organisation(scene.session, kind="public_body", name="The trust")
    executive = a_member(scene.session, trust)
    excluded = [trust.id]
    share(scene.session, scene.proposal.id, scene.nurse, visibility="verified_funders", excluded=excluded)
    scene.signed(verifier_organisation_ids=[str(trust.id)])

    assert scene.read(executive, f"/proposals/{scene.proposal.id}/pipeline").status_code == 404
    assert scene.prove("business_plan_v1", verifier=executive).status_code == 404


def test_a_suspended_host_is_paid_nothing(session: Session, client: FlaskClient) -> None:
    scene = a_scene(session, client, facts=NOT_REGISTERED)
    tranche = scene.approved(scene.tranches(scene.signed())[0]["id"])
    host = an_organisation(session, kind="fiscal_host", name="Common Purse")
    hosting = FiscalHosting(
        proposal_id=scene.proposal.id,
        group_organisation_id=scene.group.id,
        host_organisation_id=host.id,
        state="agreed",
        fee=0,
        terms={"en": "Holds it."},
        signatories=[],
    )
    host.verification = "suspended"
    session.add(hosting)
    session.commit()

    assert missing(scene.pay(tranche)) == ["CAN_HOLD_MONEY"]


@pytest.mark.parametrize("days", [1, 60_000])
def test_a_payment_is_recorded_once_it_was_made(scene: Scene, days: int) -> None:
    tranche = scene.approved(scene.tranches(scene.signed())[0]["id"])
    body = {"paid_on": str(today() + timedelta(days=days)), "reference": "BACS 1"}

    answer = scene.do(scene.officer, f"/tranches/{tranche}/payment", body)

    assert (answer.status_code, answer.json["code"]) == (422, "in-the-future")


def test_a_pledge_whose_tranches_were_all_cancelled_is_over(scene: Scene) -> None:
    pledge = scene.accepted()
    for tranche in scene.tranches(pledge):
        scene.do(scene.officer, f"/tranches/{tranche['id']}/cancellation", {"reason": "The plan was dropped"})

    assert scene.read(scene.nurse, f"/pledges/{pledge}").json["state"] == "withdrawn"
    assert scene.do(scene.nurse, f"/proposals/{scene.proposal.id}/withdrawal").status_code == 200
