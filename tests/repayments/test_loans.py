"""Loans over HTTP: a schedule for each tranche paid, repayments shared and booked once, arrears, reschedules."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.instruments.dates import months_after
from marketplace.ledger.reconciliation import reconcile
from marketplace.pledges.models import PledgePart
from marketplace.repayments.guarantees import end_guarantees
from marketplace.values.clock import today
from tests.builders import a_member, an_organisation
from tests.pledges.scene import ASK, Scene
from tests.repayments.scene import LENT, LOAN, a_loan, a_part, a_repayable_scene, gbp, lent

pytestmark = pytest.mark.slow


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    return a_repayable_scene(session, client)


def pointers(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.json
    return [each["pointer"] for each in answer.json["errors"]]


def test_paying_a_loans_tranche_makes_its_schedule(scene: Scene) -> None:
    part = a_loan(scene).standing()
    (schedule,) = part["schedules"]

    assert (part["outstanding"], part["due"], part["overdue"], schedule["number"]) == (LENT, 0, 0, 1)
    assert len(schedule["instalments"]) == 12
    assert sum(each["capital"] for each in schedule["instalments"]) == LENT
    first = schedule["instalments"][0]
    assert (first["interest"], first["payment"], first["state"]) == (12_00, 106_62, "scheduled")
    assert first["due_on"] == str(months_after(today(), 1))


def test_a_repayment_pays_interest_and_principal_and_is_booked_as_such(scene: Scene) -> None:
    loan = a_loan(scene, days_ago=35)
    answer = loan.repay(106_62)

    assert answer.status_code == 201, answer.json
    split = [answer.json[kind] for kind in ("fee", "interest", "principal", "premium")]
    assert split == [0, 12_00, 94_62, 0]
    assert loan.balances() == {
        "promised": -LENT,
        "paid": LENT - 94_62,
        "repaid": 94_62,
        "earned": -12_00,
        "interest": 12_00,
    }
    part = loan.standing()
    assert (part["repaid"], part["outstanding"], part["overdue"]) == (94_62, LENT - 94_62, 0)
    assert part["schedules"][0]["instalments"][0]["state"] == "paid"
    assert reconcile(scene.session) == []


def test_principal_that_comes_back_recycles_where_the_programme_says_so_and_income_never_does(
    session: Session, client: FlaskClient
) -> None:
    scene = a_repayable_scene(session, client, programme={"recycles": True})
    before = scene.balances()["available"]
    loan = a_loan(scene, days_ago=35)
    assert loan.repay(106_62).json["recycled"] is True

    now = scene.balances()
    assert now["available"] == before - LENT + 94_62
    assert now["interest"] == 12_00
    assert loan.balances()["recycled"] == 94_62
    assert reconcile(session) == []


def test_what_was_not_paid_is_overdue_by_the_clock(scene: Scene) -> None:
    part = a_loan(scene, days_ago=35).standing()

    assert (part["due"], part["overdue"]) == (106_62, 106_62)
    assert part["schedules"][0]["instalments"][0]["state"] == "overdue"


def test_a_fee_added_to_the_balance_is_repaid_with_the_capital_and_is_income(scene: Scene) -> None:
    loan = a_loan(scene, LOAN | {"fee_bp": 200}, days_ago=35)
    part = loan.standing()
    assert (part["schedules"][0]["fee"], part["owed"]) == (24_00, LENT + 24_00 + 12_24 + part_interest_begun(part))

    split = loan.repay(106_62).json
    assert (split["fee"], split["interest"], split["principal"]) == (24_00, 12_24, 106_62 - 24_00 - 12_24)
    assert loan.balances()["fees"] == 24_00
    assert reconcile(scene.session) == []


def part_interest_begun(part: Any) -> int:
    return int(part["schedules"][0]["instalments"][1]["interest"])


def test_more_than_is_owed_is_refused_and_the_last_penny_is_not(scene: Scene) -> None:
    loan = a_loan(scene)
    owed = loan.standing()["owed"]
    refused = loan.repay(owed + 1)

    assert (refused.status_code, refused.json["code"]) == (422, "more-than-owed")
    assert (refused.json["owed"], pointers(refused)) == (gbp(owed), ["#/amount"])
    assert loan.repay(owed).status_code == 201
    part = loan.standing()
    assert (part["outstanding"], part["owed"]) == (0, 0)
    assert {each["state"] for each in part["schedules"][0]["instalments"]} == {"paid"}
    assert loan.repay(1, "IN 2").json["code"] == "more-than-owed"
    assert reconcile(scene.session) == []


def test_a_reference_is_booked_once_for_ever(scene: Scene) -> None:
    loan = a_loan(scene)
    assert loan.repay(10_00).status_code == 201

    again = loan.repay(10_00)
    assert (again.status_code, again.json["code"]) == (409, "already-booked")
    assert loan.standing()["repaid"] == 0
    assert len(scene.read(scene.nurse, f"/pledges/{loan.pledge}/repayments").json["data"]) == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        pytest.param({"received_on": str(today() + timedelta(days=1))}, "#/received_on", id="tomorrow"),
        pytest.param({"received_on": str(today() - timedelta(days=1))}, "#/received_on", id="before it was paid"),
        pytest.param({"amount": {"amount": 5, "currency": "EUR"}}, "#/amount", id="another currency"),
        pytest.param({"amount": gbp(0)}, "#/amount/amount", id="nothing"),
        pytest.param({"part_id": "019a0000-0000-7000-8000-000000000000"}, "#/part_id", id="a part of nobody's"),
    ],
)
def test_wrong_repayments_name_the_place_and_change_nothing(scene: Scene, change: dict[str, Any], pointer: str) -> None:
    loan = a_loan(scene)
    body = {"amount": gbp(5), "received_on": str(today()), "reference": "IN 1"} | change

    assert pointers(scene.do(scene.officer, f"/pledges/{loan.pledge}/repayments", body)) == [pointer]
    assert loan.standing()["owed"] == LENT + 12_00


def test_a_repayment_that_is_told_late_keeps_its_day_and_counts_from_the_latest_day_told(scene: Scene) -> None:
    loan = a_loan(scene, days_ago=70)
    loan.repay(10_00, "FIRST")
    late = loan.repay(50_00, "LATE", today() - timedelta(days=60)).json

    assert late["received_on"] == str(today() - timedelta(days=60))
    assert (late["interest"], late["principal"]) == (12_00 + 11_05 - 10_00, 50_00 - 13_05)


def test_a_pledge_without_repayable_parts_has_nothing_to_repay(scene: Scene) -> None:
    grant = lent(scene, a_part("grant", None))

    assert grant.repay(5).json["code"] == "nothing-repayable"
    assert scene.read(scene.nurse, f"/pledges/{grant.pledge}/repayment-schedule").json["parts"] == []


def test_several_repayable_parts_have_to_be_named(scene: Scene) -> None:
    both = lent(scene, a_part("loan_unsecured", LOAN), a_part("loan_secured", LOAN | {"security": "A building"}))
    assert pointers(both.repay(10_00)) == ["#/part_id"]

    second = both.standing(1)["part_id"]
    assert both.repay(20_00, part_id=second).json["part_id"] == second
    assert [both.standing(place)["repaid"] for place in (0, 1)] == [0, 8_00]


def test_a_loan_without_figures_is_repaid_as_it_comes_and_owes_no_interest(scene: Scene) -> None:
    loan = lent(scene, a_part("loan_unsecured", None))
    part = loan.standing()

    assert (part["owed"], part["due"], part["schedules"]) == (LENT, 0, [])
    assert loan.repay(LENT).json["principal"] == LENT
    assert reconcile(scene.session) == []


def test_money_that_was_returned_is_not_owed_any_more_and_what_was_repaid_cannot_be_returned(scene: Scene) -> None:
    loan = a_loan(scene)
    tranche = loan.money()
    back = {"amount": gbp(200_00), "reference": "BACK"}
    assert scene.do(scene.officer, f"/tranches/{tranche}/return", back).status_code == 200
    assert loan.standing()["owed"] == LENT - 200_00 + 10_00

    assert loan.repay(500_00).status_code == 201
    left = loan.standing()["outstanding"]
    too_much = scene.do(scene.officer, f"/tranches/{tranche}/return", {"amount": gbp(left + 1), "reference": "B2"})
    assert (too_much.json["code"], too_much.json["returnable"]["amount"]) == ("return-too-large", left)
    assert reconcile(scene.session) == []


def test_each_drawing_of_a_facility_bears_interest_and_is_repaid_in_one_sum(scene: Scene) -> None:
    terms = {"limit": LENT, "rate_bp": 1_200, "months": 3}
    half = [{"basis": "on_agreement", "amount": LENT // 2}] * 2
    facility = lent(scene, a_part("working_capital_facility", terms, tranches=half))
    first, second = facility.standing()["schedules"]

    assert [each["payment"] for each in first["instalments"]] == [6_00, 6_00, 606_00]
    assert second["principal"] == LENT // 2
    assert facility.repay(LENT + 12_00).status_code == 201
    assert facility.standing()["owed"] == 0
    assert reconcile(scene.session) == []


def test_only_the_funder_records_repayments_and_strangers_find_nothing(scene: Scene) -> None:
    loan = a_loan(scene)
    body = {"amount": gbp(5), "received_on": str(today()), "reference": "IN 1"}

    assert scene.do(scene.nurse, f"/pledges/{loan.pledge}/repayments", body).status_code == 404
    stranger = a_stranger(scene)
    for path in ("repayment-schedule", "repayments", "write-offs", "reschedules", "revenue-reports"):
        assert scene.read(stranger, f"/pledges/{loan.pledge}/{path}").status_code == 404


def a_stranger(scene: Scene) -> Any:
    return a_member(scene.session, an_organisation(scene.session, kind="funder", name="Another fund"))


# Financial terms


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        pytest.param(a_part("grant", {"rate_bp": 1}), ["#/parts/0/financial_terms"], id="a grant has none"),
        pytest.param(a_part("loan_unsecured", {"months": 12}), ["#/parts/0/financial_terms/rate_bp"], id="no rate"),
        pytest.param(
            a_part("loan_unsecured", LOAN | {"threshold": 5}), ["#/parts/0/financial_terms/threshold"], id="another's"
        ),
        pytest.param(
            a_part("loan_unsecured", LOAN | {"holiday_months": 12}),
            ["#/parts/0/financial_terms/holiday_months"],
            id="nothing but holiday",
        ),
        pytest.param(a_part("loan_secured", LOAN), ["#/parts/0/financial_terms/security"], id="secured on nothing"),
        pytest.param(
            a_part("working_capital_facility", {"limit": LENT - 1, "rate_bp": 0, "months": 1}),
            ["#/parts/0/financial_terms/limit"],
            id="a limit below the promise",
        ),
        pytest.param(
            a_part("match_trading", {"baseline": 0, "cap": LENT + 1}),
            ["#/parts/0/financial_terms/cap"],
            id="a cap above the promise",
        ),
        pytest.param(a_part("guarantee", None), ["#/parts/0/financial_terms"], id="a guarantee of nothing"),
    ],
)
def test_terms_that_are_wrong_for_the_instrument_name_the_place(
    scene: Scene, part: dict[str, Any], wrong: list[str]
) -> None:
    assert pointers(scene.draft(parts=[part])) == wrong


@pytest.mark.parametrize(
    "part",
    [
        a_part("equity", {"share_class": "A", "percent_bp": 1_000, "valuation": 10**9}),
        a_part("community_shares", {"interest_cap_bp": 500, "withdrawal_notice_days": 180}),
        a_part("convertible_grant", {"trigger": {"en": "A first contract"}, "converts_to": "quasi_equity"}),
        a_part("recoverable_grant", {"event": {"en": "Launched", "cy": "Lansio"}, "milestone": "incorporated"}),
        a_part("quasi_equity", {"threshold": 5, "rate_bp": 150, "cap_multiple_bp": 15_000, "test_on": "2030-01-01"}),
    ],
    ids=lambda part: part["instrument"],
)
def test_every_instrument_keeps_its_terms_and_shows_them_in_the_readers_language(
    scene: Scene, part: dict[str, Any]
) -> None:
    pledge = scene.drafted(parts=[part])
    shown = scene.read(scene.officer, f"/pledges/{pledge}").json["parts"][0]["financial_terms"]
    given = part["financial_terms"]

    words = {name: value["en"] for name, value in given.items() if isinstance(value, dict)}
    assert {name: shown[name] for name in given} == given | words


# Guarantees


def a_guarantee(scene: Scene) -> str:
    terms = {"covers": "A performance bond", "beneficiary": "Leeds Council", "expires_on": str(today())}
    return scene.signed(parts=[a_part("guarantee", terms, ASK)])


def test_a_guarantee_fills_the_ask_uses_no_budget_and_is_given_not_paid(scene: Scene) -> None:
    before = scene.balances()
    pledge = a_guarantee(scene)
    promised = scene.balances()
    assert {name: promised[name] for name in before} == before
    assert (promised["guarantee_promised"], promised["guarantees"]) == (ASK, -ASK)
    assert scene.offer(scene.drafted(1)).json["reasons"][0]["code"] == "OPEN_GAP"

    (tranche,) = scene.tranches(pledge)
    scene.approved(tranche["id"])
    assert scene.pay(tranche["id"]).json["code"] == "wrong-kind"
    given = {"delivered_on": str(today()), "description": "The bond was issued"}
    assert scene.do(scene.officer, f"/tranches/{tranche['id']}/delivery", given).json["state"] == "paid"
    now = scene.balances()
    assert (now["guarantee_given"], now.get("guarantee_promised", 0)) == (ASK, 0)
    assert reconcile(scene.session) == []


def test_a_guarantee_that_is_not_given_frees_the_ask_and_leaves_the_books_as_they_were(scene: Scene) -> None:
    before = scene.balances()
    pledge = a_guarantee(scene)
    assert scene.do(scene.officer, f"/pledges/{pledge}/termination", {"reason": "Not needed"}).status_code == 200

    assert scene.balances() == before
    assert scene.offer(scene.drafted(ASK)).status_code == 200
    assert reconcile(scene.session) == []


def test_the_memorandum_of_a_guarantee_ends_once_after_its_last_day(scene: Scene) -> None:
    before = scene.balances()
    (tranche,) = scene.tranches(a_guarantee(scene))
    given = {"delivered_on": str(today()), "description": "The bond was issued"}
    scene.do(scene.officer, f"/tranches/{scene.approved(tranche['id'])}/delivery", given)
    assert end_guarantees(scene.session) == 0

    yesterday = {"expires_on": str(today() - timedelta(days=1))}
    for part in scene.session.scalars(select(PledgePart).where(PledgePart.instrument == "guarantee")):
        part.financial_terms = {**(part.financial_terms or {}), **yesterday}
    scene.session.flush()
    assert (end_guarantees(scene.session), end_guarantees(scene.session)) == (1, 0)
    assert scene.balances() == before
    assert reconcile(scene.session) == []


def test_a_guarantee_beside_a_grant_commits_the_grant_alone(scene: Scene) -> None:
    terms = {"covers": "A bond", "beneficiary": "Leeds Council", "expires_on": str(today())}
    scene.accepted(parts=[a_part("guarantee", terms, ASK - 100), a_part("grant", None, 100)])

    assert scene.balances()["committed"] == 100
    assert reconcile(scene.session) == []


# What nobody may write


def test_the_database_refuses_more_than_was_paid_and_rewriting(scene: Scene) -> None:
    loan = a_loan(scene)
    loan.repay(50_00)
    for statement, name in (
        ("UPDATE pledge_part SET repaid = paid, written_off = 1", "repaid_and_written_off"),
        ("UPDATE tranche SET repaid = amount + 1", "repaid_and_written_off"),
        ("UPDATE repayment SET reference = 'OTHER'", "repayment"),
        ("DELETE FROM reduction", "reduction"),
        ("UPDATE repayment_schedule SET principal = 0", "repayment_schedule"),
    ):
        with pytest.raises(IntegrityError, match=name), scene.session.begin_nested():
            scene.session.execute(text(statement))
