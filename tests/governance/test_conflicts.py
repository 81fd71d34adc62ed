"""Conflicts of interest: declared or found, what they forbid, how a plan manages them, and who learns what."""

from datetime import timedelta
from typing import Any

import pytest

from marketplace.governance import interests
from marketplace.identity.models import Membership, Organisation
from marketplace.proposals.models import Proposal
from marketplace.store.base import new_id
from marketplace.values.clock import today
from tests.builders import Person, a_member, an_organisation
from tests.governance.scene import Governed, codes, in_days


def joins(scene: Governed, person: Person, organisation_id: Any, role: str = "editor", **values: Any) -> None:
    session = scene.at.session
    session.add(Membership(id=new_id(), organisation_id=organisation_id, user_id=person.id, role=role, **values))
    session.commit()


def found(refusal: Any) -> list[dict[str, Any]]:
    assert refusal.json["code"] == "conflict-of-interest", refusal.json
    return [reason["found"] for reason in refusal.json["reasons"] if reason["code"] == "CONFLICT_OF_INTEREST"]


def test_whoever_declared_an_interest_in_the_proposal_makes_no_offer_to_it(scene: Governed) -> None:
    pledge = scene.at.drafted(1_000_00)
    scene.declare(scene.at.officer, proposal_id=str(scene.at.proposal.id))

    refusal = scene.at.offer(pledge)

    assert refusal.status_code == 409
    assert found(refusal) == [{"kind": "family", "side": "proposal", "declared": True}]


@pytest.mark.slow
def test_an_interest_that_is_over_or_has_not_begun_counts_not(scene: Governed) -> None:
    proposal = str(scene.at.proposal.id)
    scene.declare(scene.at.officer, proposal_id=proposal, **{"from": in_days(-9), "to": in_days(-1)})
    scene.declare(scene.at.officer, proposal_id=proposal, **{"from": in_days(1)})

    assert scene.at.offer(scene.at.drafted(1_000_00)).status_code == 200


@pytest.mark.slow
def test_an_interest_that_was_ended_counts_until_the_day_is_over(
    scene: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    pledge = scene.at.drafted(1_000_00)
    made = scene.declare(scene.at.officer, proposal_id=str(scene.at.proposal.id)).json["id"]
    ended = scene.at.do(scene.at.officer, f"/me/interests/{made}/end")
    again = scene.at.do(scene.at.officer, f"/me/interests/{made}/end")
    same_day = scene.at.offer(pledge)
    monkeypatch.setattr(interests, "today", lambda: today() + timedelta(days=1))

    assert ended.json["to"] == today().isoformat()
    assert again.json["code"] == "no-such-answer"
    assert found(same_day)
    assert scene.at.offer(pledge).status_code == 200


@pytest.mark.parametrize("side", ["group", "parent", pytest.param("host", marks=pytest.mark.slow)])
def test_belonging_to_another_side_too_is_found(scene: Governed, side: str) -> None:
    session = scene.at.session
    pledge = scene.at.drafted(1_000_00)
    other = scene.at.group.id
    if side == "parent":
        other = an_organisation(session, kind="public_body", name="The trust").id
        proposal = session.get_one(Proposal, scene.at.proposal.id)
        proposal.parent_organisation_id, proposal.exclude_parent = other, False
        session.commit()
    if side == "host":
        other = an_organisation(session, kind="fiscal_host", name="Common Purse").id
        body = {
            "host_organisation_id": str(other),
            "fee": 500,
            "terms": "As usual",
            "signatories": [{"name": "Nora", "position": "Lead"}],
        }
        assert (
            scene.at.do(scene.at.nurse, f"/proposals/{scene.at.proposal.id}/fiscal-hostings", body).status_code == 201
        )
    joins(scene, scene.at.officer, other)

    assert found(scene.at.offer(pledge)) == [{"kind": "member_of_both", "side": side, "declared": False}]


@pytest.mark.slow
def test_a_guest_of_the_proposal_advises_it_and_decides_nothing(scene: Governed) -> None:
    pledge = scene.at.drafted(1_000_00)
    proposal, until = scene.at.proposal.id, today() + timedelta(days=9)
    joins(scene, scene.at.officer, scene.at.group.id, "guest", proposal_id=proposal, until=until)

    assert found(scene.at.offer(pledge)) == [{"kind": "adviser", "side": "group", "declared": False}]


def test_the_conflicted_neither_verify_nor_approve_nor_pay_nor_end(scene: Governed) -> None:
    at = scene.at
    pledge = at.signed(10_000_00)
    tranche = at.tranches(pledge)[0]["id"]
    at.do(at.nurse, f"/tranches/{tranche}/claim", {})
    for person in (at.director, at.officer, at.adviser):
        scene.declare(person, organisation_id=str(funder_like(scene)), kind="employment")
        scene.declare(person, proposal_id=str(at.proposal.id), kind="financial")

    refusals = [
        at.do(at.director, f"/tranches/{tranche}/approval"),
        at.do(at.officer, f"/pledges/{pledge}/termination", {"reason": "It cannot go on"}),
        at.prove("business_plan_v1"),
    ]
    at.do(scene.owner, f"/tranches/{tranche}/approval")
    refusals.append(at.pay(tranche))

    for refusal in refusals:
        assert found(refusal) == [{"kind": "financial", "side": "proposal", "declared": True}]
    assert at.read(at.nurse, f"/tranches/{tranche}").json["state"] == "approved"


def funder_like(scene: Governed) -> Any:
    """An organisation that has nothing to do with the proposal."""
    return an_organisation(scene.at.session, kind="funder", name="Another fund").id


def test_a_plan_lets_the_conflicted_act_with_a_second_pair_of_eyes(scene: Governed) -> None:
    pledge = scene.at.drafted(1_000_00)
    scene.declare(scene.at.officer, proposal_id=str(scene.at.proposal.id))
    scene.planned(scene.at.officer)

    refusal = scene.at.offer(pledge)
    scene.approved(scene.at.adviser, scene.at.director, refusal)

    assert codes(refusal) == ["CONFLICT_SECOND_PERSON"]
    assert scene.at.offer(pledge).status_code == 200


@pytest.mark.slow
def test_a_managed_verification_needs_a_second_pair_of_eyes_too(scene: Governed) -> None:
    at = scene.at
    at.signed(10_000_00)
    scene.declare(at.adviser, proposal_id=str(at.proposal.id))
    scene.planned(at.adviser)
    refusal = at.prove("business_plan_v1")
    path = refusal.json["instance"].removeprefix("/v1")

    scene.approved(at.adviser, at.director, refusal)

    assert codes(refusal) == ["CONFLICT_SECOND_PERSON"]
    assert at.do(at.adviser, path, {"decision": "accepted", "reason": "Read."}).status_code == 201


@pytest.mark.slow
def test_the_second_pair_of_eyes_has_no_interest_itself(scene: Governed) -> None:
    pledge = scene.at.drafted(1_000_00)
    for person in (scene.at.officer, scene.at.director):
        scene.declare(person, proposal_id=str(scene.at.proposal.id))
    scene.planned(scene.at.officer)
    approval = scene.asked(scene.at.officer, scene.at.offer(pledge))

    assert codes(scene.approve(scene.at.director, approval)) == ["CONFLICT_OF_INTEREST"]


@pytest.mark.slow
def test_an_interest_declared_after_approving_voids_the_approval(scene: Governed) -> None:
    scene.limited({"offer": 1_00})
    pledge = scene.at.drafted(1_000_00)
    scene.approved(scene.at.officer, scene.at.director, scene.at.offer(pledge))
    scene.declare(scene.at.director, proposal_id=str(scene.at.proposal.id))

    assert codes(scene.at.offer(pledge)) == ["APPROVAL_LIMIT", "APPROVER_INDEPENDENT"]


def test_a_plan_is_approved_by_another_owner_and_ends(scene: Governed) -> None:
    pledge = scene.at.drafted(1_000_00)
    scene.declare(scene.at.officer, proposal_id=str(scene.at.proposal.id))
    made = scene.plan(scene.owner, scene.at.officer).json
    path = f"/conflict-plans/{made['id']}"

    own = scene.at.do(scene.owner, f"{path}/approval")
    proposed = scene.at.offer(pledge)
    approved = scene.at.do(scene.second_owner, f"{path}/approval")
    managed = scene.at.offer(pledge)
    ended = scene.at.do(scene.at.director, f"{path}/end")

    assert own.json["code"] == "another-owner-needed"
    assert found(proposed)
    assert approved.json["state"] == "approved"
    assert managed.json["code"] == "approval-needed"
    assert ended.json["state"] == "ended"
    assert found(scene.at.offer(pledge))


@pytest.mark.slow
def test_nobody_approves_the_plan_for_themselves(scene: Governed) -> None:
    made = scene.plan(scene.at.director, scene.owner).json

    assert scene.at.do(scene.owner, f"/conflict-plans/{made['id']}/approval").json["code"] == "another-owner-needed"
    assert scene.at.do(scene.at.director, f"/conflict-plans/{made['id']}/approval").json["code"] == "role-not-enough"


@pytest.mark.slow
def test_a_plan_is_live_to_the_end_of_its_last_day(scene: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    pledge = scene.at.drafted(1_000_00)
    scene.declare(scene.at.officer, proposal_id=str(scene.at.proposal.id))
    made = scene.plan(scene.at.director, scene.at.officer, until=in_days(0)).json["id"]
    scene.at.do(scene.owner, f"/conflict-plans/{made}/approval")
    live = scene.at.offer(pledge)
    monkeypatch.setattr(interests, "today", lambda: today() + timedelta(days=1))

    assert live.json["code"] == "approval-needed"
    assert found(scene.at.offer(pledge))
    assert scene.at.read(scene.owner, f"/conflict-plans/{made}").json["state"] == "ended"


@pytest.mark.slow
def test_a_plan_is_about_a_member_and_a_proposal_in_sight_and_there_is_one(scene: Governed) -> None:
    faults = scene.plan(scene.owner, scene.at.nurse, proposal_id=str(new_id()), until=in_days(-1))
    first, second = (scene.plan(scene.owner, scene.at.officer) for _ in range(2))

    assert [each["pointer"] for each in faults.json["errors"]] == ["#/user_id", "#/proposal_id", "#/until"]
    assert (first.status_code, second.json["code"]) == (201, "conflict-plan-there")


def test_a_declaration_names_one_thing_that_the_person_sees(scene: Governed) -> None:
    hidden = an_organisation(scene.at.session, name="A group that nobody finds").id
    both = scene.declare(
        scene.at.officer, organisation_id=str(scene.at.funder.id), proposal_id=str(scene.at.proposal.id)
    )
    neither = scene.declare(scene.at.officer, to=in_days(-1))
    unseen = [scene.declare(scene.at.officer, organisation_id=str(each)) for each in (hidden, new_id())]
    unseen.append(scene.declare(scene.at.officer, proposal_id=str(new_id())))

    assert both.json["errors"] == [{"pointer": "#", "detail": "Name an organisation or a proposal, and not both."}]
    assert [each["pointer"] for each in neither.json["errors"]] == ["#", "#/to"]
    assert {(each.status_code, each.json["detail"]) for each in unseen} == {
        (404, "There is no such thing, or you may not see it.")
    }


@pytest.mark.slow
def test_the_register_is_for_owners_and_approvers_of_an_organisation_one_acts_for(scene: Governed) -> None:
    scene.declare(scene.at.officer, proposal_id=str(scene.at.proposal.id))
    path = f"{scene.path}/interests"

    for reader in (scene.owner, scene.at.director):
        (told,) = scene.at.read(reader, path).json["data"]
        assert (told["user_id"], told["words"]) == (str(scene.at.officer.id), "My sister works there.")
    assert scene.at.read(scene.at.officer, path).status_code == 403
    assert scene.at.read(scene.at.nurse, path).status_code == 404


def test_the_register_tells_of_nothing_that_the_organisation_may_not_see(scene: Governed) -> None:
    """Not of a proposal of another group, nor of that group, through a member who belongs to both."""
    session, officer = scene.at.session, scene.at.officer
    hidden = an_organisation(session, name="A group that nobody finds")
    joins(scene, officer, hidden.id, "owner")
    draft = {"organisation_id": str(hidden.id), "title": "A secret plan"}
    proposal = scene.at.do(officer, "/proposals", draft).json["id"]
    assert scene.declare(officer, proposal_id=proposal).status_code == 201
    assert scene.declare(officer, organisation_id=str(hidden.id)).status_code == 201

    assert scene.at.read(scene.owner, f"{scene.path}/interests").json["data"] == []
    own = scene.at.read(officer, "/me/interests").json["data"]
    assert len(own) == 2


@pytest.mark.slow
def test_the_register_tells_of_a_group_that_the_organisation_has_a_pledge_to(scene: Governed) -> None:
    scene.at.accepted(1_000_00)
    joins(scene, scene.at.officer, scene.at.group.id)
    scene.declare(scene.at.officer, organisation_id=str(scene.at.group.id))

    (told,) = scene.at.read(scene.owner, f"{scene.path}/interests").json["data"]
    assert told["organisation_id"] == str(scene.at.group.id)


@pytest.mark.slow
def test_the_register_is_paged_past_what_is_not_shown(scene: Governed) -> None:
    session, officer = scene.at.session, scene.at.officer
    hidden = an_organisation(session, name="A group that nobody finds").id
    listed = an_organisation(session, kind="funder", name="A listed fund").id
    joins(scene, officer, hidden)
    for each in (listed, hidden, hidden, listed, hidden, listed):
        scene.declare(officer, organisation_id=str(each))
    told, path = [], f"{scene.path}/interests?limit=1"
    while path:
        page = scene.at.read(scene.owner, path).json
        told += page["data"]
        path = f"{scene.path}/interests?limit=1&cursor={page['next_cursor']}" if page["has_more"] else ""

    assert [each["organisation_id"] for each in told] == [str(listed)] * 3


def test_the_group_learns_that_a_conflict_was_declared_and_managed_and_neither_whose_nor_the_words(
    scene: Governed,
) -> None:
    pledge = scene.at.offered(1_000_00)
    scene.declare(scene.at.officer, proposal_id=str(scene.at.proposal.id))
    scene.declare(scene.at.adviser, proposal_id=str(scene.at.proposal.id), kind="financial")
    scene.planned(scene.at.officer)

    told = scene.at.read(scene.at.nurse, f"/pledges/{pledge}/conflicts")

    assert told.json["data"] == [
        {"kind": "family", "side": "proposal", "declared": True, "managed": True},
        {"kind": "financial", "side": "proposal", "declared": True, "managed": False},
    ]
    for secret in ("sister", "never decides", str(scene.at.officer.id)):
        assert secret not in told.text
    rival = a_member(scene.at.session, an_organisation(scene.at.session, kind="funder", name="Rival fund"))
    assert scene.at.read(rival, f"/pledges/{pledge}/conflicts").status_code == 404


def test_plans_and_interests_are_nobody_else_s(scene: Governed) -> None:
    interest = scene.declare(scene.at.officer, proposal_id=str(scene.at.proposal.id)).json["id"]
    plan = scene.plan(scene.at.director, scene.at.officer).json["id"]

    for path in (f"/me/interests/{interest}", f"/conflict-plans/{plan}", f"{scene.path}/conflict-plans"):
        assert scene.at.read(scene.at.nurse, path).status_code == 404
    assert scene.at.read(scene.owner, f"/me/interests/{interest}").status_code == 404
    assert scene.at.read(scene.at.officer, f"/conflict-plans/{plan}").status_code == 403
    assert scene.at.read(scene.at.director, f"/conflict-plans/{plan}").status_code == 200


@pytest.mark.slow
def test_a_member_of_both_sides_without_a_conflict_elsewhere_acts_on_other_proposals(scene: Governed) -> None:
    elsewhere = an_organisation(scene.at.session, name="Another group").id
    joins(scene, scene.at.officer, elsewhere)

    assert scene.at.offer(scene.at.drafted(1_000_00)).status_code == 200


@pytest.mark.slow
def test_a_public_body_that_funds_its_own_group_acts_through_its_own_people(scene: Governed) -> None:
    session = scene.at.session
    session.get_one(Organisation, scene.at.funder.id)
    proposal = session.get_one(Proposal, scene.at.proposal.id)
    pledge = scene.at.drafted(1_000_00)
    proposal.parent_organisation_id, proposal.exclude_parent = scene.at.funder.id, False
    session.commit()

    assert scene.at.offer(pledge).status_code == 200
