"""What two have to agree on: reschedules of both sides, write-offs of two people, forgiveness after a lesson told."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.identity.models import Membership
from marketplace.ledger.reconciliation import reconcile
from marketplace.store.base import new_id
from marketplace.values.clock import today
from tests.builders import a_member
from tests.pledges.scene import Scene
from tests.repayments.scene import LENT, LOAN, Lent, a_loan, a_part, a_repayable_scene, accepted_evidence, gbp, lent

pytestmark = pytest.mark.slow

RECOVERABLE = {"event": "A first contract", "multiple_bp": 12_000, "instalments": 3, "first_year": 2}


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    return a_repayable_scene(session, client)


def proposed(loan: Lent, by: Any, months: int = 24, holiday: int = 3) -> Any:
    body = {"tranche_id": loan.money(), "months": months, "holiday_months": holiday, "reason": "A late contract"}
    return loan.scene.do(by, f"/pledges/{loan.pledge}/reschedules", body)


def answered(scene: Scene, reschedule: str, by: Any, answer: str = "acceptance") -> Any:
    return scene.do(by, f"/reschedules/{reschedule}/{answer}")


# Reschedules


def test_a_reschedule_that_the_other_side_accepts_makes_the_next_schedule_of_what_is_owed(scene: Scene) -> None:
    loan = a_loan(scene, days_ago=70)
    before = loan.standing()
    made = proposed(loan, scene.nurse)
    assert (made.status_code, made.json["side"], made.json["state"]) == (201, "group", "proposed")
    assert loan.standing()["schedules"][0]["number"] == 1

    assert answered(scene, made.json["id"], scene.director).json["state"] == "accepted"
    part = loan.standing()
    (schedule,) = part["schedules"]
    assert (schedule["number"], schedule["capital"], len(schedule["instalments"])) == (2, LENT, 24)
    assert schedule["brought_interest"] == before["schedules"][0]["interest_due"] > 0
    assert (before["overdue"], part["overdue"]) == (2 * 106_62, 0)
    assert [each["capital"] for each in schedule["instalments"][:3]] == [0, 0, 0]
    assert sum(each["capital"] for each in schedule["instalments"]) == LENT
    assert schedule["instalments"][0]["due_on"] == before["schedules"][0]["instalments"][2]["due_on"]

    assert loan.repay(part["owed"], "ALL").status_code == 201
    assert loan.standing()["owed"] == 0
    assert reconcile(scene.session) == []


def test_interest_paid_ahead_is_not_asked_for_again_after_a_reschedule(scene: Scene) -> None:
    loan = a_loan(scene)
    loan.repay(212_00)
    made = proposed(loan, scene.officer, months=6, holiday=0).json["id"]
    assert answered(scene, made, scene.nurse).status_code == 200

    part = loan.standing()
    assert (part["schedules"][0]["brought_interest"], part["outstanding"]) == (-12_00, LENT - 200_00)
    assert part["schedules"][0]["instalments"][0]["interest"] == 0
    assert part["owed"] == LENT - 200_00


@pytest.mark.parametrize("side", ["group", "funder"])
def test_nobody_accepts_for_the_side_that_proposed(scene: Scene, side: str) -> None:
    proposing, accepting = (scene.nurse, scene.director) if side == "group" else (scene.director, scene.nurse)
    made = proposed(a_loan(scene), proposing).json["id"]
    colleague = a_member(scene.session, scene.group if side == "group" else scene.funder, "owner")

    assert answered(scene, made, colleague).status_code == 404
    assert answered(scene, made, accepting).status_code == 200


def test_one_person_on_both_sides_cannot_agree_with_themselves(scene: Scene, session: Session) -> None:
    loan = a_loan(scene)
    made = proposed(loan, scene.nurse).json["id"]
    session.add(Membership(id=new_id(), organisation_id=scene.funder.id, user_id=scene.nurse.id, role="approver"))
    session.commit()

    assert answered(scene, made, scene.nurse).json["code"] == "second-person-needed"
    with pytest.raises(IntegrityError, match="two_people"), session.begin_nested():
        session.execute(text("UPDATE reschedule SET state = 'accepted', answered_by = proposed_by"))


def test_a_declined_or_withdrawn_reschedule_changes_nothing_and_another_may_follow(scene: Scene) -> None:
    loan = a_loan(scene)
    first = proposed(loan, scene.nurse).json["id"]
    assert proposed(loan, scene.officer).json["code"] == "reschedule-already-proposed"
    assert answered(scene, first, scene.director, "decline").json["state"] == "declined"
    assert answered(scene, first, scene.director).json["code"] == "no-such-step"
    second = proposed(loan, scene.nurse).json["id"]
    assert answered(scene, second, scene.nurse, "decline").json["state"] == "withdrawn"

    assert loan.standing()["schedules"][0]["number"] == 1
    listed = scene.read(scene.officer, f"/pledges/{loan.pledge}/reschedules").json["data"]
    assert [each["state"] for each in listed] == ["withdrawn", "declined"]


def test_what_cannot_be_rescheduled_is_said(scene: Scene) -> None:
    loan = a_loan(scene)
    wrong = proposed(loan, scene.nurse, months=3, holiday=3)
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "#/holiday_months")
    loan.repay(loan.standing()["owed"])
    assert proposed(loan, scene.nurse).json["code"] == "nothing-repayable"


# Write-offs


def requested(loan: Lent, amount: int, ground: str = "uncollectable", by: Any = None) -> Any:
    body = {"amount": gbp(amount), "ground": ground, "reason": "Wound up"}
    return loan.scene.do(by or loan.scene.officer, f"/pledges/{loan.pledge}/write-offs", body)


def test_a_write_off_takes_two_people_and_moves_principal_once(scene: Scene) -> None:
    loan = a_loan(scene, LOAN | {"fee_bp": 200})
    made = requested(loan, LENT, by=scene.director).json["id"]
    assert loan.standing()["written_off"] == 0
    assert scene.do(scene.director, f"/write-offs/{made}/approval").json["code"] == "second-person-needed"
    assert scene.do(scene.officer, f"/write-offs/{made}/approval").json["code"] == "role-not-enough"
    owner = a_member(scene.session, scene.funder)
    assert scene.do(owner, f"/write-offs/{made}/approval").json["state"] == "approved"
    assert scene.do(owner, f"/write-offs/{made}/approval").json["code"] == "no-such-step"

    part = loan.standing()
    assert (part["written_off"], part["outstanding"], part["schedules"][0]["capital"]) == (LENT, 0, 0)
    assert loan.balances() == {"promised": -LENT, "written_off": LENT}
    assert reconcile(scene.session) == []


def test_the_group_hears_of_a_write_off_once_it_is_approved(scene: Scene) -> None:
    loan = a_loan(scene)
    made = requested(loan, 5_00).json["id"]

    def listed(by: Any) -> list[str]:
        return [each["state"] for each in scene.read(by, f"/pledges/{loan.pledge}/write-offs").json["data"]]

    assert (listed(scene.nurse), listed(scene.officer)) == ([], ["requested"])
    events = text("SELECT organisation_ids FROM event WHERE type = :type")
    assert scene.session.scalar(events, {"type": "write_off.requested"}) == [scene.funder.id]
    scene.do(scene.director, f"/write-offs/{made}/approval")
    assert listed(scene.nurse) == ["approved"]
    assert scene.group.id in scene.session.scalar(events, {"type": "write_off.approved"})


def test_more_than_is_outstanding_is_never_written_off(scene: Scene) -> None:
    loan = a_loan(scene)
    assert requested(loan, LENT + 1).json["code"] == "more-than-owed"
    made = requested(loan, LENT).json["id"]
    loan.repay(112_00)

    late = scene.do(scene.director, f"/write-offs/{made}/approval")
    assert (late.status_code, late.json["owed"]) == (422, gbp(LENT - 100_00))
    assert requested(loan, 5).json["code"] == "write-off-already-requested"
    assert scene.do(scene.director, f"/write-offs/{made}/refusal").json["state"] == "refused"
    assert requested(loan, LENT - 100_00).status_code == 201


def test_a_recoverable_grant_is_forgiven_once_its_lesson_was_told(scene: Scene) -> None:
    grant = lent(scene, a_part("recoverable_grant", RECOVERABLE))
    refused = requested(grant, LENT, "forgiven")
    assert (refused.status_code, [each["code"] for each in refused.json["reasons"]]) == (409, ["LEARNING_REPORT"])
    accepted_evidence(scene, "learning_report_published")
    made = requested(grant, LENT, "forgiven").json["id"]

    assert scene.do(scene.director, f"/write-offs/{made}/approval").status_code == 200
    assert grant.standing()["outstanding"] == 0
    assert reconcile(scene.session) == []


def test_a_loan_is_never_forgiven_and_nor_is_a_grant_whose_event_happened(scene: Scene) -> None:
    loan = a_loan(scene)
    codes = [each["code"] for each in requested(loan, 5, "forgiven").json["reasons"]]
    assert codes == ["RECOVERABLE", "LEARNING_REPORT"]


# Success events


def happened(grant: Lent, evidence: str, **members: Any) -> Any:
    body = {"happened_on": str(today()), "evidence_version_id": evidence} | members
    return grant.scene.do(grant.scene.officer, f"/pledges/{grant.pledge}/success-event", body)


def split_of(answer: Any) -> tuple[int, int]:
    assert answer.status_code == 201, answer.json
    return answer.json["principal"], answer.json["premium"]


def test_a_recoverable_grant_owes_nothing_until_evidence_shows_its_event(scene: Scene) -> None:
    grant = lent(scene, a_part("recoverable_grant", RECOVERABLE | {"milestone": "contract_signed"}))
    assert (grant.standing()["owed"], grant.repay(5).json["code"]) == (0, "more-than-owed")
    other = accepted_evidence(scene, "business_plan_v1")
    assert happened(grant, other).json["code"] == "event-not-shown"
    assert grant.standing()["owed"] == 0

    shown = accepted_evidence(scene, "contract_signed")
    assert happened(grant, shown).status_code == 201
    part = grant.standing()
    assert [each["principal"] + each["premium"] for each in part["dues"]] == [480_00, 480_00, 480_00]
    assert (part["owed"], part["due"]) == (LENT * 12 // 10, 0)
    assert happened(grant, shown).json["code"] == "already-happened"
    codes = [each["code"] for each in requested(grant, 5, "forgiven").json["reasons"]]
    assert codes == ["NO_SUCCESS_EVENT", "LEARNING_REPORT"]


def test_the_award_comes_back_before_its_premium(scene: Scene) -> None:
    grant = lent(scene, a_part("recoverable_grant", RECOVERABLE))
    happened(grant, accepted_evidence(scene, "contract_signed"))

    assert split_of(grant.repay(LENT - 10, "1")) == (LENT - 10, 0)
    assert split_of(grant.repay(240_10, "2")) == (10, 240_00)
    assert grant.repay(1, "3").json["code"] == "more-than-owed"
    assert grant.balances()["premiums"] == 240_00
    assert {each["state"] for each in grant.standing()["dues"]} == {"paid"}
    assert reconcile(scene.session) == []


# Revenue

QUASI = {"threshold": 800_000_00, "rate_bp": 150, "cap_multiple_bp": 15_000}


def reported(pledge: Lent, revenue: int, **members: Any) -> Any:
    body = {"year_ended_on": str(today()), "revenue": gbp(revenue)} | members
    return pledge.scene.do(pledge.scene.nurse, f"/pledges/{pledge.pledge}/revenue-reports", body)


def confirmed(scene: Scene, report: str, by: Any = None) -> Any:
    return scene.do(by or scene.officer, f"/revenue-reports/{report}/confirmation")


def test_a_share_of_revenue_falls_due_once_the_funder_confirms_the_year(scene: Scene) -> None:
    quasi = lent(scene, a_part("quasi_equity", QUASI))
    report = reported(quasi, 900_000_00)
    assert (report.status_code, report.json["due"], report.json["due_on"]) == (201, 1_500_00, None)
    assert quasi.standing()["owed"] == 0
    assert reported(quasi, 1).json["code"] == "already-reported"
    assert confirmed(scene, report.json["id"], scene.nurse).status_code == 404

    assert confirmed(scene, report.json["id"]).json["state"] == "confirmed"
    part = quasi.standing()
    assert (part["owed"], part["due"], len(part["dues"])) == (1_500_00, 0, 1)
    assert split_of(quasi.repay(1_500_00)) == (LENT, 300_00)
    assert quasi.repay(1, "2").json["code"] == "more-than-owed"
    assert reconcile(scene.session) == []


def test_a_year_of_negative_free_cash_is_suspended(scene: Scene) -> None:
    quasi = lent(scene, a_part("quasi_equity", QUASI))
    report = reported(quasi, 900_000_00, free_cash_was_negative=True).json

    assert (report["due"], confirmed(scene, report["id"]).json["due_on"]) == (0, None)
    assert quasi.standing()["owed"] == 0


def test_a_rejected_year_counts_for_nothing_and_may_be_reported_again(scene: Scene) -> None:
    quasi = lent(scene, a_part("quasi_equity", QUASI))
    first = reported(quasi, 900_000_00).json["id"]
    wrong = scene.do(scene.officer, f"/revenue-reports/{first}/rejection", {"reason": "The accounts say less"})
    assert (wrong.json["state"], wrong.json["due"]) == ("rejected", 0)
    assert confirmed(scene, first).json["code"] == "no-such-step"

    assert confirmed(scene, reported(quasi, 850_000_00).json["id"]).status_code == 200
    assert quasi.standing()["owed"] == 750_00
    data = scene.read(scene.officer, f"/pledges/{quasi.pledge}/revenue-reports").json["data"]
    assert [(each["state"], each["due"]) for each in data] == [("confirmed", 750_00), ("rejected", 0)]


def test_match_trading_says_which_grant_the_growth_has_earned(scene: Scene) -> None:
    grant = lent(scene, a_part("match_trading", {"baseline": 50_000_00, "cap": 1_000_00}))
    report = reported(grant, 50_400_00).json

    assert (report["instrument"], report["due"]) == ("match_trading", 400_00)
    assert grant.repay(5).json["code"] == "nothing-repayable"


def test_a_year_that_has_not_ended_and_another_currency_are_refused(scene: Scene) -> None:
    quasi = lent(scene, a_part("quasi_equity", QUASI))

    path, body = f"/pledges/{quasi.pledge}/revenue-reports", {"year_ended_on": str(today()), "revenue": gbp(5)}
    for change, pointer in (
        ({"year_ended_on": "2199-12-31"}, "#/year_ended_on"),
        ({"revenue": {"amount": 5, "currency": "EUR"}}, "#/revenue/currency"),
    ):
        answer = scene.do(scene.nurse, path, body | change)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)
