"""Employer matches over HTTP: the fund pays what was given and no more, and gets it back out of a verified saving."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from marketplace.ledger.reconciliation import reconcile
from marketplace.values.clock import today
from tests.builders import a_member, an_organisation
from tests.repayments.scene import accepted_evidence, gbp
from tests.vehicles.match_scene import Matched, a_matching_fund, matched


@pytest.fixture
def made(session: Session, client: FlaskClient) -> Matched:
    return matched(session, client)


def reasons(answer: Any) -> set[str]:
    return {each["code"] for each in answer.json["reasons"] if each["outcome"] != "met"}


def test_the_fund_pays_no_more_than_cash_and_half_of_the_staff_time_that_was_given(made: Matched) -> None:
    scene = made.scene
    scene.do(scene.officer, f"/pledges/{made.pledge}/agreement", {"signed_on": str(today())})
    (tranche,) = scene.tranches(made.pledge)
    scene.approved(tranche["id"])
    cash = made.cash(5_000_00).json
    assert cash["paid_to"] == "group"
    assert reasons(scene.pay(tranche["id"])) == {"EMPLOYER_MATCHED"}, "cash counts once the group has it"
    assert made.receive(cash["id"]).status_code == 200

    timesheets = accepted_evidence(scene, "business_plan_v1")
    body = {"amount": gbp(9_999_98), "given_on": str(today()), "reference": "T 1", "evidence_version_id": timesheets}
    assert made.do(scene.nurse, "staff-time", body).status_code == 201
    assert made.read()["matched"] == 9_999_99
    assert reasons(scene.pay(tranche["id"])) == {"EMPLOYER_MATCHED"}
    made.given(1, "CASH 2")
    assert scene.pay(tranche["id"]).status_code == 200
    assert made.balances()["time_given"] == 9_999_98
    assert reconcile(scene.session) == []


def test_nothing_is_paid_before_the_employer_has_agreed(session: Session, client: FlaskClient) -> None:
    made = matched(session, client, agreed=False)
    scene = made.scene
    scene.do(scene.officer, f"/pledges/{made.pledge}/agreement", {"signed_on": str(today())})
    (tranche,) = scene.tranches(made.pledge)

    assert reasons(scene.pay(scene.approved(tranche["id"]))) == {"MATCH_AGREED", "EMPLOYER_MATCHED"}


def test_staff_time_counts_only_by_timesheets_that_the_fund_accepted_and_once(made: Matched) -> None:
    scene, shown = made.scene, accepted_evidence(made.scene, "business_plan_v1")
    body = {"amount": gbp(1_00), "given_on": str(today()), "reference": "T 1", "evidence_version_id": shown}
    unknown = body | {"evidence_version_id": "0192f3c4-7b1e-7a53-9c1d-3f6a2b8e4d10"}
    assert reasons(made.do(scene.nurse, "staff-time", unknown)) == {"TIMESHEETS_ACCEPTED"}
    assert made.do(scene.nurse, "staff-time", body).status_code == 201
    twice = made.do(scene.nurse, "staff-time", body | {"reference": "T 2"})
    assert (twice.status_code, twice.json["code"]) == (409, "contribution-exists")


def test_an_employer_gives_no_more_than_it_committed_and_the_group_confirms(made: Matched) -> None:
    too_much = made.cash(10_000_01)
    assert (too_much.status_code, too_much.json["most"]["amount"]) == (422, 10_000_00)
    first = made.cash(10_000_00).json["id"]
    assert made.cash(1, "CASH 2").status_code == 422
    assert made.receive(first, made.treasurer).status_code == 404
    assert made.receive(first).status_code == 200
    assert reasons(made.receive(first)) == {"UNCONFIRMED"}


def test_an_employer_declares_its_conflict_and_commits_something(session: Session, client: FlaskClient) -> None:
    made = matched(session, client, agreed=False)
    undeclared = made.do(made.treasurer, "agreement", {"cash": gbp(1), "staff_time": gbp(0)})
    assert {each["pointer"] for each in undeclared.json["errors"]} == {"#/later_commissioner", "#/conflict"}
    assert made.agree(0, 0).json["errors"][0]["pointer"] == "#/cash"
    assert made.agree(1_00, 0).status_code == 200
    assert made.read()["later_commissioner"] is True
    assert reasons(made.agree(1_00, 0)) == {"INVITED"}


def test_a_fund_that_matches_gives_grants_up_to_its_cap_for_a_stage(session: Session, client: FlaskClient) -> None:
    scene = a_matching_fund(session, client, ask=90_000_00, budget=90_000_00)
    refused = scene.offer(scene.drafted(50_000_01))

    assert ("vehicle", "STAGE_CAP") in {(each["layer"], each["code"]) for each in refused.json["reasons"]}


def test_the_employer_returns_the_funds_share_out_of_a_verified_saving(made: Matched) -> None:
    made.given(10_000_00)
    made.paid()
    assert reasons(made.give_back(1_00)) == {"SAVING_VERIFIED"}
    year_ago = date(today().year - 1, today().month, 1)
    assert reasons(made.save(year_ago)) >= {"LAUNCHED"}
    assert made.launch(year_ago).status_code == 200
    saved = made.save(year_ago)
    assert saved.status_code == 200, saved.json
    assert saved.json["due"] == 10_000_00, "a fifth of 60,000 a year, over twelve months, is more than the share"

    assert made.give_back(4_000_00).status_code == 201
    assert made.give_back(1_00).json["code"] == "employer-return-exists"
    too_much = made.give_back(6_000_01, "BACK 2")
    assert (too_much.status_code, too_much.json["most"]["amount"]) == (422, 6_000_00)
    assert made.give_back(6_000_00, "BACK 3").status_code == 201
    assert (made.read()["returned"], made.read()["fund_paid"]) == (10_000_00, 10_000_00)
    assert made.scene.balances()["returned"] == 10_000_00
    assert reconcile(made.scene.session) == []


def test_without_a_saving_in_its_months_the_share_becomes_a_grant(made: Matched) -> None:
    made.given(10_000_00)
    made.paid()
    assert made.launch(today() - timedelta(days=800)).status_code == 200

    assert made.read()["became_a_grant"] is True
    assert "NOT_A_GRANT_YET" in reasons(made.save(today()))
    assert reasons(made.give_back(1_00)) == {"SAVING_VERIFIED"}


def test_a_key_that_comes_twice_returns_once(made: Matched) -> None:
    made.given(10_000_00)
    made.paid()
    made.launch(today())
    assert made.save(today()).status_code == 200
    answers = [made.give_back(1_00, key="the same") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert made.read()["returned"] == 1_00


def test_the_employer_learns_neither_pledge_nor_proposal_and_others_nothing(made: Matched) -> None:
    scene = made.scene
    assert made.read(made.treasurer)["pledge_id"] is None
    assert str(scene.proposal.id) not in scene.read(made.treasurer, f"/employer-matches/{made.match}").text
    assert made.read(scene.nurse)["pledge_id"] == made.pledge
    stranger = a_member(scene.session, an_organisation(scene.session, kind="funder", name="Other"))
    assert scene.read(stranger, f"/employer-matches/{made.match}").status_code == 404
    assert scene.read(stranger, "/employer-matches").json["data"] == []
    for step in ("agreement", "cash", "saving", "returns"):
        assert made.do(scene.nurse, step, BODIES[step]).status_code == 404


BODIES = {
    "agreement": {"cash": gbp(1), "staff_time": gbp(0), "later_commissioner": False, "conflict": "None."},
    "cash": {"amount": gbp(1), "given_on": "2026-01-01", "reference": "R"},
    "saving": {
        "yearly_saving": gbp(1),
        "saving_from": "2026-01-01",
        "evidence_version_id": "0192f3c4-7b1e-7a53-9c1d-3f6a2b8e4d10",
    },
    "returns": {"amount": gbp(1), "received_on": "2026-01-01", "reference": "R"},
}
