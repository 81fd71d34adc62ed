"""For every operation that moves or binds money: how a world comes to the point where it is asked for, and the request.

A new operation with `@writes(key_required=True)` fails a test until it has a function here. Its scenario brings a fresh
scene to the state that the operation needs and returns the request; nothing else is to be done.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace.identity.models import User
from marketplace.identity.passwords import password_hash
from marketplace.values.clock import now, today
from tests.builders import Person, a_member, an_organisation
from tests.governance.scene import Governed
from tests.pledges.scene import ASK, Scene, a_scene
from tests.programmes.builders import an_open_programme
from tests.repayments.scene import Lent, a_loan, a_part, a_repayable_scene, accepted_evidence, gbp, lent
from tests.vehicles.match_scene import Matched, a_matching_fund, an_answered_consent, matched
from tests.vehicles.scene import Behind, behind


@dataclass(frozen=True)
class Asked:
    """A request that can be repeated: who, what, with which body and headers; the Idempotency-Key comes with it."""

    person: Person
    method: str
    path: str
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    leaves_nobody: bool = False
    """Once it is done, who asked is no user any more, and gets no answer again."""


Scenario = Callable[[Scene], Asked]
Maker = Callable[[Session, FlaskClient], Scene]
SCENARIOS: dict[str, Scenario] = {}
"""By operationId; a second way through one operation is named `operationId/which`."""
MADE_BY: dict[str, Maker] = {}
"""What makes the scene of each."""


def scenario(operation: str, made_by: Maker = a_scene) -> Callable[[Scenario], Scenario]:
    """Keep the function as a scenario of that operation, in a scene made by `made_by`."""

    def kept(made: Scenario) -> Scenario:
        SCENARIOS[operation], MADE_BY[operation] = made, made_by
        return made

    return kept


def money_operations(app: Flask) -> frozenset[str]:
    """The operationIds of all views that ask for an Idempotency-Key."""
    documented = [getattr(view, "_apidoc", {}).get("market", {}) for view in app.view_functions.values()]
    return frozenset(each["operation"] for each in documented if each.get("writes") == "required")


BECAUSE = {"reason": "The work is not needed any more."}


@scenario("putProgrammeBudget")
def a_larger_budget(scene: Scene) -> Asked:
    owner = a_member(scene.session, scene.funder)
    path = f"/programmes/{scene.programme.id}"
    stamp = scene.read(owner, path).headers["ETag"]
    body = {"amount": {"amount": 150_000_00, "currency": "GBP"}}
    return Asked(owner, "PUT", f"{path}/budget", body, (("If-Match", stamp),))


@scenario("postPledgeOffer")
def an_offer(scene: Scene) -> Asked:
    body = {"expires_on": today().replace(year=today().year + 1, day=1).isoformat()}
    return Asked(scene.officer, "POST", f"/pledges/{scene.drafted()}/offer", body)


@scenario("postPledgeAcceptance")
def an_acceptance(scene: Scene) -> Asked:
    return Asked(scene.nurse, "POST", f"/pledges/{scene.offered()}/acceptance")


@scenario("postPledgeWithdrawal")
def a_withdrawal_of_what_was_accepted(scene: Scene) -> Asked:
    return Asked(scene.officer, "POST", f"/pledges/{scene.accepted()}/withdrawal", BECAUSE)


@scenario("postPledgeWithdrawal/of an offer")
def a_withdrawal_of_an_offer(scene: Scene) -> Asked:
    return Asked(scene.officer, "POST", f"/pledges/{scene.offered()}/withdrawal", BECAUSE)


@scenario("postPledgeAgreement")
def an_agreement(scene: Scene) -> Asked:
    return Asked(scene.officer, "POST", f"/pledges/{scene.accepted()}/agreement", {"signed_on": today().isoformat()})


@scenario("postPledgeTermination")
def a_termination(scene: Scene) -> Asked:
    pledge = scene.signed()
    scene.pay(scene.approved(scene.tranches(pledge)[0]["id"]))
    return Asked(scene.officer, "POST", f"/pledges/{pledge}/termination", BECAUSE)


@scenario("postTrancheClaim")
def a_claim(scene: Scene) -> Asked:
    return Asked(scene.nurse, "POST", f"/tranches/{_first(scene)}/claim", {"note": "Please."})


@scenario("postTrancheApproval")
def an_approval(scene: Scene) -> Asked:
    tranche = _first(scene)
    scene.do(scene.nurse, f"/tranches/{tranche}/claim", {})
    return Asked(scene.director, "POST", f"/tranches/{tranche}/approval")


@scenario("postTranchePayment")
def a_payment(scene: Scene) -> Asked:
    body = {"paid_on": today().isoformat(), "reference": "BACS 1"}
    return Asked(scene.officer, "POST", f"/tranches/{scene.approved(_first(scene))}/payment", body)


@scenario("postTranchePayment/that completes the pledge")
def a_last_payment(scene: Scene) -> Asked:
    first, second = scene.tranches(scene.signed())
    scene.do(scene.officer, f"/tranches/{second['id']}/cancellation", BECAUSE)
    body = {"paid_on": today().isoformat(), "reference": "BACS 1"}
    return Asked(scene.officer, "POST", f"/tranches/{scene.approved(first['id'])}/payment", body)


@scenario("postTrancheDelivery")
def a_delivery(scene: Scene) -> Asked:
    part = {"instrument": "in_kind_support", "amount": 1_000_00}
    pledge = scene.signed(parts=[part | {"tranches": [{"basis": "on_agreement", "amount": 1_000_00}]}])
    body = {"delivered_on": today().isoformat(), "description": "Two days of advice."}
    tranche = scene.approved(scene.tranches(pledge)[0]["id"])
    return Asked(scene.officer, "POST", f"/tranches/{tranche}/delivery", body)


@scenario("postTrancheCancellation")
def a_cancellation(scene: Scene) -> Asked:
    return Asked(scene.officer, "POST", f"/tranches/{_first(scene)}/cancellation", BECAUSE)


@scenario("postTrancheReturn")
def a_return(scene: Scene) -> Asked:
    tranche = scene.approved(_first(scene))
    scene.pay(tranche)
    body = {"amount": {"amount": 1_000_00, "currency": "GBP"}, "reference": "Back 1"}
    return Asked(scene.officer, "POST", f"/tranches/{tranche}/return", body)


# The deal


LATER = (today() + timedelta(days=30)).isoformat()
AWARD = {
    "funder_name": "Town lottery",
    "instrument": "grant",
    "amount": gbp(2_000_00),
    "awarded_on": today().isoformat(),
    "is_subsidy": False,
}


@scenario("postPledgeAcceptance/from a pool, when another's threshold has passed")
def an_acceptance_that_lets_lapse(scene: Scene) -> Asked:
    pool = [{"kind": "pool", "pool_id": _pool(scene)["id"]}]
    scene.accepted(1_000_00, conditions=[{"kind": "threshold", "amount": ASK, "by": LATER}])
    pledge = scene.offered(2_000_00, conditions=pool)
    for statement in (
        "UPDATE pledge_condition SET by = by - 31 WHERE kind = 'threshold'",
        "UPDATE pledge SET lapses_on = lapses_on - 31 WHERE lapses_on IS NOT NULL",
    ):
        scene.session.execute(text(statement))
    scene.session.commit()
    return Asked(scene.nurse, "POST", f"/pledges/{pledge}/acceptance")


@scenario("postOutsideAward")
def an_award_from_outside(scene: Scene) -> Asked:
    return Asked(scene.nurse, "POST", f"/proposals/{scene.proposal.id}/outside-awards", AWARD)


@scenario("deleteOutsideAward")
def an_award_taken_back(scene: Scene) -> Asked:
    path = f"/proposals/{scene.proposal.id}/outside-awards"
    path = f"{path}/{_made(scene, scene.nurse, path, AWARD)['id']}"
    return Asked(scene.nurse, "DELETE", path, headers=_stamp(scene, scene.nurse, path))


@scenario("postSubsidyConfirmation")
def a_confirmed_subsidy(scene: Scene) -> Asked:
    path = f"/programmes/{scene.programme.id}/subsidy-terms"
    sent = scene.officer.headers | dict(_stamp(scene, scene.officer, path))
    assert scene.client.put(f"/v1{path}", json={"public_money": True}, headers=sent).status_code == 200
    path = f"/pledges/{scene.signed()}/subsidy-confirmation"
    return Asked(scene.nurse, "POST", path, {"statement": "It is kept."})


@scenario("postProgrammePool")
def a_new_pool(scene: Scene) -> Asked:
    body = {"name": "Libraries", "amount": gbp(5_000_00)}
    return Asked(scene.director, "POST", f"/programmes/{scene.programme.id}/pools", body)


@scenario("patchProgrammePool")
def a_larger_pool(scene: Scene) -> Asked:
    path = f"/programmes/{scene.programme.id}/pools/{_pool(scene)['id']}"
    return Asked(scene.director, "PATCH", path, {"amount": 6_000_00}, _stamp(scene, scene.director, path))


# A second person's approval


@scenario("postTranchePayment/with an approval that it uses up")
def a_payment_that_was_approved(scene: Scene) -> Asked:
    governed = Governed(scene)
    tranche = governed.payable()
    governed.limited({"payment": 1_00})
    governed.approved(scene.officer, scene.director, scene.pay(tranche))
    body = {"paid_on": today().isoformat(), "reference": "BACS 1"}
    return Asked(scene.officer, "POST", f"/tranches/{tranche}/payment", body)


# Schedules, payments undone, money demanded back


@scenario("postPledgeSchedule")
def a_proposed_schedule(scene: Scene) -> Asked:
    pledge = scene.signed()
    return Asked(scene.nurse, "POST", f"/pledges/{pledge}/schedules", _schedule(scene, pledge))


@scenario("postScheduleAcceptance")
def an_accepted_schedule(scene: Scene) -> Asked:
    pledge = scene.signed()
    made = _made(scene, scene.nurse, f"/pledges/{pledge}/schedules", _schedule(scene, pledge))
    return Asked(scene.officer, "POST", f"/schedules/{made['id']}/acceptance")


@scenario("postPaymentReversal")
def a_reversal_asked_for(scene: Scene) -> Asked:
    return Asked(scene.officer, "POST", f"/tranches/{_paid(scene)[1]}/payment-reversal", BECAUSE)


@scenario("postPaymentReversalApproval")
def a_reversal(scene: Scene) -> Asked:
    path = f"/tranches/{_paid(scene)[1]}/payment-reversal"
    _made(scene, scene.officer, path, BECAUSE)
    return Asked(scene.director, "POST", f"{path}/approval")


@scenario("postPaymentReversalApproval/of an ended pledge")
def a_reversal_after_the_end(scene: Scene) -> Asked:
    pledge, tranche = _paid(scene)
    _made(scene, scene.officer, f"/pledges/{pledge}/termination", BECAUSE)
    path = f"/tranches/{tranche}/payment-reversal"
    _made(scene, scene.officer, path, BECAUSE)
    return Asked(scene.director, "POST", f"{path}/approval")


@scenario("postPledgeClawback")
def a_clawback(scene: Scene) -> Asked:
    pledge, tranche = _paid(scene)
    return Asked(scene.officer, "POST", f"/pledges/{pledge}/clawback", _demand(tranche))


@scenario("postDemandReturn")
def a_part_of_what_was_demanded(scene: Scene) -> Asked:
    demand, tranche = _demanded(scene)
    body = {"tranche_id": tranche, "amount": gbp(1_000_00), "reference": "Back 1"}
    return Asked(scene.officer, "POST", f"/demands/{demand}/return", body)


@scenario("postDemandReturn/of the last of it")
def all_that_was_demanded(scene: Scene) -> Asked:
    demand, tranche = _demanded(scene)
    body = {"tranche_id": tranche, "amount": gbp(3_000_00), "reference": "Back 1"}
    return Asked(scene.officer, "POST", f"/demands/{demand}/return", body)


@scenario("postDemandWithdrawal")
def a_demand_given_up(scene: Scene) -> Asked:
    return Asked(scene.officer, "POST", f"/demands/{_demanded(scene)[0]}/withdrawal", BECAUSE)


# After the money


SPENT = {"words": "So far.", "spend": [{"purpose": "legal", "amount": 1_000_00}]}
CLOSING = {"words": "All is done.", "outcome": "We began.", "lessons": "Ask early.", "additionality": "not_at_all"}


@scenario("postReport")
def a_report(scene: Scene) -> Asked:
    return Asked(scene.nurse, "POST", f"/duties/{_duty(scene, 'spend')[1]}/reports", SPENT)


@scenario("postReportAcceptance")
def an_accepted_report(scene: Scene) -> Asked:
    report = _made(scene, scene.nurse, f"/duties/{_duty(scene, 'spend')[1]}/reports", SPENT)
    return Asked(scene.adviser, "POST", f"/reports/{report['id']}/acceptance")


@scenario("postMonitoringClosure")
def the_end_of_the_monitoring(scene: Scene) -> Asked:
    pledge, duty, first = _duty(scene, "closing")
    second = next(each["id"] for each in scene.tranches(pledge) if each["id"] != first)
    _made(scene, scene.officer, f"/tranches/{second}/cancellation", BECAUSE)
    report = _made(scene, scene.nurse, f"/duties/{duty}/reports", CLOSING | {"underspend": 4_000_00})
    _made(scene, scene.adviser, f"/reports/{report['id']}/acceptance")
    _made(scene, scene.officer, f"/tranches/{first}/return", {"amount": gbp(4_000_00), "reference": "Underspend"})
    return Asked(scene.officer, "POST", f"/pledges/{pledge}/monitoring/closure")


@scenario("postChangeRequest")
def a_change_asked_for(scene: Scene) -> Asked:
    pledge, _ = _paid(scene)
    return Asked(scene.nurse, "POST", f"/pledges/{pledge}/change-requests", _decrease(scene, pledge))


@scenario("postChangeRequestAcceptance")
def a_decrease(scene: Scene) -> Asked:
    pledge, _ = _paid(scene)
    change = _made(scene, scene.nurse, f"/pledges/{pledge}/change-requests", _decrease(scene, pledge))
    return Asked(scene.officer, "POST", f"/change-requests/{change['id']}/acceptance")


# What comes back


RECOVERABLE = {"event": "A first contract", "multiple_bp": 12_000, "instalments": 3, "first_year": 2}
QUASI = {"threshold": 800_000_00, "rate_bp": 150, "cap_multiple_bp": 15_000}
LOST = {"amount": gbp(500_00), "ground": "uncollectable", "reason": "Wound up"}
YEAR = {"year_ended_on": today().isoformat(), "revenue": gbp(900_000_00)}
RECYCLING = partial(a_repayable_scene, programme={"recycles": True})


@scenario("postTranchePayment/of a loan, which makes its schedule", a_repayable_scene)
def a_loan_paid_out(scene: Scene) -> Asked:
    parts = [a_part("loan_unsecured", {"rate_bp": 1_200, "months": 12})]
    tranche = scene.approved(scene.tranches(scene.signed(parts=parts))[0]["id"])
    body = {"paid_on": today().isoformat(), "reference": "BACS 1"}
    return Asked(scene.officer, "POST", f"/tranches/{tranche}/payment", body)


@scenario("postRepayment", RECYCLING)
def a_repayment_with_interest(scene: Scene) -> Asked:
    return _repayment(a_loan(scene, days_ago=35))


@scenario("postReschedule", a_repayable_scene)
def a_reschedule_proposed(scene: Scene) -> Asked:
    loan = a_loan(scene, days_ago=70)
    return Asked(scene.nurse, "POST", f"/pledges/{loan.pledge}/reschedules", _longer(loan))


@scenario("postRescheduleAcceptance", a_repayable_scene)
def a_reschedule(scene: Scene) -> Asked:
    loan = a_loan(scene, days_ago=70)
    made = _made(scene, scene.nurse, f"/pledges/{loan.pledge}/reschedules", _longer(loan))
    return Asked(scene.director, "POST", f"/reschedules/{made['id']}/acceptance")


@scenario("postWriteOff", a_repayable_scene)
def a_write_off_asked_for(scene: Scene) -> Asked:
    return Asked(scene.officer, "POST", f"/pledges/{a_loan(scene).pledge}/write-offs", LOST)


@scenario("postWriteOffApproval", a_repayable_scene)
def a_write_off(scene: Scene) -> Asked:
    made = _made(scene, scene.officer, f"/pledges/{a_loan(scene).pledge}/write-offs", LOST)
    return Asked(scene.director, "POST", f"/write-offs/{made['id']}/approval")


@scenario("postRevenueReport", a_repayable_scene)
def a_year_of_revenue(scene: Scene) -> Asked:
    pledge = lent(scene, a_part("quasi_equity", QUASI)).pledge
    return Asked(scene.nurse, "POST", f"/pledges/{pledge}/revenue-reports", YEAR)


@scenario("postRevenueReportConfirmation", a_repayable_scene)
def a_share_of_revenue(scene: Scene) -> Asked:
    pledge = lent(scene, a_part("quasi_equity", QUASI)).pledge
    made = _made(scene, scene.nurse, f"/pledges/{pledge}/revenue-reports", YEAR)
    return Asked(scene.officer, "POST", f"/revenue-reports/{made['id']}/confirmation")


@scenario("postSuccessEvent", a_repayable_scene)
def a_success(scene: Scene) -> Asked:
    grant = lent(scene, a_part("recoverable_grant", RECOVERABLE))
    shown = accepted_evidence(scene, "contract_signed")
    body = {"happened_on": today().isoformat(), "evidence_version_id": shown}
    return Asked(scene.officer, "POST", f"/pledges/{grant.pledge}/success-event", body)


# Vehicles


def there(session: Session, client: FlaskClient) -> Scene:
    """The scene of an intermediary with an open facility; who stands behind it is found again by `_behind`."""
    made = behind(session, client, wholesale_budget=200_000_00)
    BEHIND[id(made.scene)] = made
    return made.scene


def beside(session: Session, client: FlaskClient, *, agreed: bool = True) -> Scene:
    """The scene of a fund with an employer match, agreed unless told otherwise."""
    made = matched(session, client, agreed=agreed)
    BESIDE[id(made.scene)] = made
    return made.scene


BEHIND: dict[int, Behind] = {}
BESIDE: dict[int, Matched] = {}


@scenario("postPledgeAcceptance/of a loan, drawn on a facility", there)
def an_acceptance_that_draws(scene: Scene) -> Asked:
    pledge = scene.offered(parts=[a_part("loan_unsecured", None, 10_000_00)])
    return Asked(scene.nurse, "POST", f"/pledges/{pledge}/acceptance")


@scenario("postTrancheCancellation/of a loan, drawn on a facility", there)
def a_cancellation_that_gives_back(scene: Scene) -> Asked:
    pledge = scene.signed(parts=[a_part("loan_unsecured", None, 10_000_00)])
    return Asked(scene.officer, "POST", f"/tranches/{scene.tranches(pledge)[0]['id']}/cancellation", BECAUSE)


@scenario("postRepayment/of a loan, drawn on a facility", there)
def a_repayment_to_a_facility(scene: Scene) -> Asked:
    pledge = BEHIND[id(scene)].lend(10_000_00)
    body = {"amount": gbp(1_000_00), "reference": "IN 1", "received_on": today().isoformat()}
    return Asked(scene.officer, "POST", f"/pledges/{pledge}/repayments", body)


@scenario("postWriteOffApproval/of a loan, drawn on a facility", there)
def a_loss_of_a_facility(scene: Scene) -> Asked:
    made = _made(scene, scene.officer, f"/pledges/{BEHIND[id(scene)].lend(10_000_00)}/write-offs", LOST)
    return Asked(scene.director, "POST", f"/write-offs/{made['id']}/approval")


@scenario("postFacility", there)
def a_facility_offered(scene: Scene) -> Asked:
    made = BEHIND[id(scene)]
    return Asked(made.banker, "POST", f"/vehicles/{made.vehicle}/facilities", _another(made))


@scenario("postFacilityAgreement", there)
def a_facility_agreed(scene: Scene) -> Asked:
    made = BEHIND[id(scene)]
    offered = _made(scene, made.banker, f"/vehicles/{made.vehicle}/facilities", _another(made))
    return Asked(scene.director, "POST", f"/facilities/{offered['id']}/agreement")


@scenario("postFacilityRecovery", there)
def a_recovery(scene: Scene) -> Asked:
    made = BEHIND[id(scene)]
    made.write_off(made.lend(10_000_00), 5_000_00)
    draw = made.read("/draws", scene.officer)["data"][0]["id"]
    body = {"amount": gbp(1_000_00), "received_on": today().isoformat(), "reference": "BACK 1"}
    return Asked(scene.officer, "POST", f"/facility-draws/{draw}/recoveries", body)


@scenario("postEmployerMatch", a_matching_fund)
def a_match_invited(scene: Scene) -> Asked:
    employer = an_organisation(scene.session, kind="public_body", name="Leeds community trust")
    body = {"consent_id": an_answered_consent(scene, employer)}
    return Asked(scene.nurse, "POST", f"/pledges/{scene.accepted()}/employer-match", body)


@scenario("postEmployerMatchAgreement", partial(beside, agreed=False))
def a_match_agreed(scene: Scene) -> Asked:
    made = BESIDE[id(scene)]
    body = {"cash": gbp(1_000_00), "staff_time": gbp(1_00), "later_commissioner": True, "conflict": "Kept apart."}
    return Asked(made.treasurer, "POST", f"/employer-matches/{made.match}/agreement", body)


@scenario("postEmployerCash", beside)
def an_employers_cash(scene: Scene) -> Asked:
    made = BESIDE[id(scene)]
    body = {"amount": gbp(1_000_00), "given_on": today().isoformat(), "reference": "C 1"}
    return Asked(made.treasurer, "POST", f"/employer-matches/{made.match}/cash", body)


@scenario("postEmployerContributionReceipt", beside)
def an_employers_cash_received(scene: Scene) -> Asked:
    cash = BESIDE[id(scene)].cash(1_000_00).json["id"]
    return Asked(scene.nurse, "POST", f"/employer-contributions/{cash}/receipt")


@scenario("postEmployerStaffTime", beside)
def an_employers_staff_time(scene: Scene) -> Asked:
    body = {"amount": gbp(1_000_00), "given_on": today().isoformat(), "reference": "T 1"}
    shown = {"evidence_version_id": accepted_evidence(scene, "business_plan_v1")}
    return Asked(scene.nurse, "POST", f"/employer-matches/{BESIDE[id(scene)].match}/staff-time", body | shown)


@scenario("postEmployerMatchSaving", beside)
def an_employers_saving(scene: Scene) -> Asked:
    made = BESIDE[id(scene)]
    made.launch(today())
    shown = {"evidence_version_id": accepted_evidence(scene, "business_plan_v1")}
    body = {"yearly_saving": gbp(1_000_00), "saving_from": today().isoformat()}
    return Asked(scene.officer, "POST", f"/employer-matches/{made.match}/saving", body | shown)


@scenario("postEmployerReturn", beside)
def an_employers_return(scene: Scene) -> Asked:
    made = BESIDE[id(scene)]
    made.given(10_000_00)
    made.paid()
    made.launch(today())
    assert made.save(today()).status_code == 200
    body = {"amount": gbp(1_000_00), "received_on": today().isoformat(), "reference": "BACK 1"}
    return Asked(scene.officer, "POST", f"/employer-matches/{made.match}/returns", body)


def _another(made: Behind) -> dict[str, Any]:
    """A small facility for another programme of the intermediary's."""
    funded = an_open_programme(made.scene.session, made.scene.funder, funded_by_programme_id=made.programme.id)
    return {"programme_id": str(funded.id), "first_loss": 1_000_00, "senior": 4_000_00}


# A person goes


@scenario("postErasure")
def an_erasure(scene: Scene) -> Asked:
    a_member(scene.session, scene.group)
    _paid(scene)
    person = scene.session.get_one(User, scene.nurse.id)
    person.password_hash, person.confirmed_at = password_hash("a quiet word in the ward"), now()
    scene.session.commit()
    body = {"password": "a quiet word in the ward"}
    return Asked(scene.nurse, "POST", "/me/erasure", body, leaves_nobody=True)


def _made(scene: Scene, person: Person, path: str, body: Any = None) -> Any:
    answer = scene.do(person, path, body)
    assert answer.status_code < 300, (path, answer.json)
    return answer.json


def _stamp(scene: Scene, person: Person, path: str) -> tuple[tuple[str, str], ...]:
    return (("If-Match", scene.read(person, path).headers["ETag"]),)


def _first(scene: Scene) -> str:
    """The first tranche of a signed pledge."""
    return str(scene.tranches(scene.signed())[0]["id"])


def _paid(scene: Scene) -> tuple[str, str]:
    """A signed pledge, and its first tranche, which is paid."""
    pledge = scene.signed()
    tranche = scene.approved(scene.tranches(pledge)[0]["id"])
    assert scene.pay(tranche).status_code == 200
    return pledge, tranche


def _part(scene: Scene, pledge: str) -> str:
    return str(scene.read(scene.nurse, f"/pledges/{pledge}").json["parts"][0]["id"])


def _pool(scene: Scene) -> Any:
    body = {"name": "Libraries", "amount": gbp(5_000_00)}
    return _made(scene, scene.director, f"/programmes/{scene.programme.id}/pools", body)


def _schedule(scene: Scene, pledge: str) -> dict[str, Any]:
    tranches = [
        {"basis": "on_agreement", "amount": 3_000_00},
        {"basis": "in_advance", "due_on": LATER, "amount": 7_000_00},
    ]
    return {"parts": [{"part_id": _part(scene, pledge), "tranches": tranches}], "reason": "The work comes in two."}


def _demand(tranche: str) -> dict[str, Any]:
    lines = [{"tranche_id": tranche, "amount": gbp(3_000_00)}]
    return {"reason": "It was spent on something else.", "due_on": LATER, "tranches": lines}


def _demanded(scene: Scene) -> tuple[str, str]:
    """A demand, and the tranche of which it demands."""
    pledge, tranche = _paid(scene)
    return str(_made(scene, scene.officer, f"/pledges/{pledge}/clawback", _demand(tranche))["id"]), tranche


def _duty(scene: Scene, kind: str) -> tuple[str, str, str]:
    """A pledge with its first tranche paid, its only duty, and that tranche."""
    path = f"/programmes/{scene.programme.id}/reporting-template"
    sent = scene.officer.headers | dict(_stamp(scene, scene.officer, path))
    asked = {"duties": [{"kind": kind, "months": 1, "counted_from": "first_payment"}]}
    assert scene.client.put(f"/v1{path}", json=asked, headers=sent).status_code == 200
    pledge, tranche = _paid(scene)
    (duty,) = scene.read(scene.nurse, f"/proposals/{scene.proposal.id}/duties").json["data"]
    return pledge, str(duty["id"]), tranche


def _decrease(scene: Scene, pledge: str) -> dict[str, Any]:
    cut = [{"part_id": _part(scene, pledge), "amount": 1_234_56}]
    return {"reason": "We need less.", "decreases": cut, "purpose": "Only the transfer."}


def _repayment(loan: Lent) -> Asked:
    body = {"amount": gbp(106_62), "reference": "IN 1", "received_on": today().isoformat()}
    return Asked(loan.scene.officer, "POST", f"/pledges/{loan.pledge}/repayments", body)


def _longer(loan: Lent) -> dict[str, Any]:
    return {"tranche_id": loan.money(), "months": 24, "holiday_months": 3, "reason": "A late contract"}
