"""After the money, over HTTP: duties, reports, spend, underspend, change requests and reminders."""

from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.identity.models import Membership
from marketplace.ledger.reconciliation import reconcile
from marketplace.monitoring.jobs import remind_from
from marketplace.monitoring.models import AgreedUse, Duty, DutyReminder, Report
from marketplace.monitoring.rules import add_months
from marketplace.store.base import db
from marketplace.store.journal import Event
from marketplace.values.clock import today
from tests.builders import a_member, an_organisation
from tests.pledges.races import all_at_once
from tests.pledges.scene import ASK, Scene, a_scene

pytestmark = pytest.mark.slow

FIRST = 400_000
TERMS = [
    {"kind": "spend", "months": 1, "counted_from": "first_payment"},
    {"kind": "closing", "months": 12, "counted_from": "agreement"},
]
CLOSING = {"words": "All is done.", "outcome": "We began.", "lessons": "Ask early.", "additionality": "not_at_all"}


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    return a_scene(session, client)


def put(scene: Scene, person: Any, path: str, duties: list[dict[str, Any]]) -> Any:
    etag = scene.read(person, path).headers["ETag"]
    headers = person.headers | {"If-Match": etag}
    return scene.client.put(f"/v1{path}", json={"duties": duties}, headers=headers)


def asked(scene: Scene, duties: list[dict[str, Any]] | None = None) -> Any:
    return put(scene, scene.officer, f"/programmes/{scene.programme.id}/reporting-template", duties or TERMS)


def duties_of(scene: Scene, pledge: str) -> list[dict[str, Any]]:
    rows = scene.read(scene.nurse, f"/proposals/{scene.proposal.id}/duties").json["data"]
    return [row for row in rows if row["pledge_id"] == pledge]


def a_paid_one(scene: Scene, duties: list[dict[str, Any]] | None = None) -> tuple[str, list[str], list[str]]:
    """A signed pledge with its first tranche paid: its id, its duties' and its tranches'."""
    asked(scene, duties)
    pledge = scene.signed()
    tranches = [each["id"] for each in scene.tranches(pledge)]
    assert scene.pay(scene.approved(tranches[0])).status_code == 200
    return pledge, [each["id"] for each in duties_of(scene, pledge)], tranches


def report(scene: Scene, duty: str, **members: Any) -> Any:
    return scene.do(scene.nurse, f"/duties/{duty}/reports", {"words": "So far."} | members)


def spent(amount: int, purpose: str = "legal") -> dict[str, Any]:
    return {"spend": [{"purpose": purpose, "amount": amount}]}


def decide(scene: Scene, person: Any, report_: str, how: str = "acceptance") -> Any:
    return scene.do(person, f"/reports/{report_}/{how}", None if how == "acceptance" else {"reason": "Say more."})


def make_overdue(scene: Scene, duty: str) -> None:
    """Its day is over since yesterday."""
    scene.session.execute(update(Duty).where(Duty.id == duty).values(due_on=today() - timedelta(days=1)))
    scene.session.commit()


def codes(answer: Any) -> list[str]:
    assert answer.status_code == 409, answer.json
    return [reason["code"] for reason in answer.json["reasons"]]


# Duties


def test_the_programmes_template_becomes_the_duties_of_its_pledges_at_the_agreement(scene: Scene) -> None:
    assert asked(scene).status_code == 200
    pledge = scene.offered()
    asked(scene, [{"kind": "progress", "due_on": "2030-01-01"}])
    terms = scene.read(scene.nurse, f"/pledges/{pledge}/reporting-terms").json
    assert (terms["own"], [each["kind"] for each in terms["duties"]]) == (False, ["spend", "closing"])
    scene.accept(pledge)
    assert duties_of(scene, pledge) == []

    scene.do(scene.officer, f"/pledges/{pledge}/agreement", {"signed_on": today().isoformat()})

    kinds = [(each["kind"], each["due_on"], each["state"]) for each in duties_of(scene, pledge)]
    assert kinds == [("spend", None, "due"), ("closing", add_months(today(), 12).isoformat(), "due")]
    scene.pay(scene.approved(scene.tranches(pledge)[0]["id"]))
    assert duties_of(scene, pledge)[0]["due_on"] == add_months(today(), 1).isoformat()
    funders = scene.read(scene.officer, f"/organisations/{scene.funder.id}/duties").json["data"]
    assert [each["id"] for each in funders] == [each["id"] for each in duties_of(scene, pledge)]


def test_an_offer_may_ask_for_reports_of_its_own_before_it_is_made(scene: Scene) -> None:
    asked(scene)
    pledge = scene.drafted()
    path = f"/pledges/{pledge}/reporting-terms"
    own = [{"kind": "progress", "due_on": "2030-01-01"}]

    assert put(scene, scene.officer, path, own).json["own"] is True
    scene.offer(pledge)
    assert put(scene, scene.officer, path, TERMS).json["code"] == "reporting-terms-fixed"
    assert [each["kind"] for each in scene.read(scene.nurse, path).json["duties"]] == ["progress"]


def test_a_template_is_changed_by_whoever_read_it_last(scene: Scene) -> None:
    path = f"/v1/programmes/{scene.programme.id}/reporting-template"
    stale = scene.officer.headers | {"If-Match": scene.client.get(path, headers=scene.officer.headers).headers["ETag"]}
    assert scene.client.put(path, json={"duties": TERMS}, headers=scene.officer.headers).status_code == 428
    assert scene.client.put(path, json={"duties": TERMS}, headers=stale).status_code == 200
    assert scene.client.put(path, json={"duties": []}, headers=stale).status_code == 412


def test_a_duty_counted_from_the_first_payment_loses_its_day_with_it(scene: Scene) -> None:
    pledge, _, tranches = a_paid_one(scene)
    scene.do(scene.officer, f"/tranches/{tranches[0]}/payment-reversal", {"reason": "Typed twice."})
    assert scene.do(scene.director, f"/tranches/{tranches[0]}/payment-reversal/approval").status_code == 200

    assert duties_of(scene, pledge)[0]["due_on"] is None


def test_duties_are_listed_by_their_state_by_the_clock(scene: Scene) -> None:
    pledge, duties, _ = a_paid_one(scene)
    make_overdue(scene, duties[0])

    def listed(state: str) -> list[str]:
        rows = scene.read(scene.nurse, f"/proposals/{scene.proposal.id}/duties?state={state}").json["data"]
        return [each["id"] for each in rows if each["state"] == state]

    assert (listed("overdue"), listed("due"), listed("submitted")) == ([duties[0]], [duties[1]], [])
    report(scene, duties[0], **spent(1))
    assert (listed("overdue"), listed("submitted")) == ([], [duties[0]])
    assert duties_of(scene, pledge)[0]["state"] == "submitted"


def test_strangers_learn_nothing_of_duties_and_reports(scene: Scene) -> None:
    pledge, duties, _ = a_paid_one(scene)
    made = report(scene, duties[0], **spent(1)).json["id"]
    stranger = a_member(scene.session, an_organisation(scene.session, kind="funder", name="Another fund"))

    for path in (
        f"/duties/{duties[0]}",
        f"/duties/{duties[0]}/reports",
        f"/reports/{made}",
        f"/pledges/{pledge}/monitoring",
        f"/proposals/{scene.proposal.id}/duties",
        f"/organisations/{scene.funder.id}/duties",
    ):
        assert scene.read(stranger, path).status_code == 404, path
    assert scene.read(scene.officer, f"/proposals/{scene.proposal.id}/duties").status_code == 404


# Reports


def test_an_overdue_report_holds_the_next_tranche_until_it_comes(scene: Scene) -> None:
    _, duties, tranches = a_paid_one(scene)
    scene.prove("business_plan_v1")
    scene.approved(tranches[1])
    make_overdue(scene, duties[0])

    refused = scene.pay(tranches[1], "BACS 2")

    assert codes(refused) == ["REPORTS_NOT_OVERDUE"]
    assert refused.json["reasons"][0]["found"] == [duties[0]]
    report(scene, duties[0], **spent(1))
    assert scene.pay(tranches[1], "BACS 2").status_code == 200


def test_a_waived_duty_holds_nothing(scene: Scene) -> None:
    _, duties, tranches = a_paid_one(scene)
    scene.prove("business_plan_v1")
    scene.approved(tranches[1])
    make_overdue(scene, duties[0])

    assert scene.do(scene.nurse, f"/duties/{duties[0]}/waiver", {"reason": "Please."}).status_code == 404
    assert scene.do(scene.officer, f"/duties/{duties[0]}/waiver", {"reason": "Not needed."}).json["state"] == "waived"
    assert scene.pay(tranches[1], "BACS 2").status_code == 200


def test_reports_never_spend_more_than_was_paid(scene: Scene) -> None:
    pledge, duties, _ = a_paid_one(scene)

    refused = report(scene, duties[0], **spent(FIRST + 1))
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "#/spend")
    assert report(scene, duties[0], **spent(FIRST)).status_code == 201
    assert scene.read(scene.nurse, f"/pledges/{pledge}/monitoring").json["lines"] == [
        {"purpose": "legal", "agreed": None, "spent": FIRST}
    ]
    again = report(scene, duties[1], **CLOSING, underspend=0, **spent(1))
    assert again.json["errors"][0]["pointer"] == "#/spend"
    assert reconcile(scene.session) == []


def test_a_report_sent_back_counts_no_more_and_is_given_again(scene: Scene) -> None:
    pledge, duties, _ = a_paid_one(scene)
    first = report(scene, duties[0], **spent(FIRST)).json["id"]
    assert report(scene, duties[0], **spent(1)).json["code"] == "no-such-monitoring-step"

    assert decide(scene, scene.adviser, first, "rejection").json["state"] == "sent_back"

    assert scene.read(scene.nurse, f"/pledges/{pledge}/monitoring").json["spent"] == 0
    second = report(scene, duties[0], **spent(7)).json
    assert second["number"] == 2
    assert decide(scene, scene.adviser, second["id"]).json["state"] == "accepted"
    assert decide(scene, scene.adviser, first, "rejection").status_code == 409
    assert decide(scene, scene.adviser, first).status_code == 409
    numbers = [each["number"] for each in scene.read(scene.officer, f"/duties/{duties[0]}/reports").json["data"]]
    assert numbers == [2, 1]
    assert reconcile(scene.session) == []


def test_a_member_of_the_group_does_not_decide_for_the_funder(scene: Scene) -> None:
    _, duties, _ = a_paid_one(scene)
    made = report(scene, duties[0], **spent(1)).json["id"]
    scene.session.add(Membership(organisation_id=scene.group.id, user_id=scene.adviser.id, role="viewer"))
    scene.session.commit()

    assert decide(scene, scene.adviser, made).json["code"] == "second-person-decides"
    assert decide(scene, scene.nurse, made).status_code == 404


def test_what_was_reported_as_spent_was_paid_and_is_not_undone(scene: Scene) -> None:
    _, duties, tranches = a_paid_one(scene)
    report(scene, duties[0], **spent(1))

    assert codes(scene.do(scene.officer, f"/tranches/{tranches[0]}/payment-reversal", {"reason": "Oh."})) == [
        "SPEND_COVERED"
    ]


def test_what_a_report_says_never_changes(scene: Scene) -> None:
    _, duties, _ = a_paid_one(scene)
    made = report(scene, duties[0], **spent(1)).json["id"]

    with pytest.raises(IntegrityError), scene.session.begin_nested():
        scene.session.execute(update(Report).where(Report.id == made).values(words={"en": "Other."}))


# The end


def close(scene: Scene, pledge: str) -> Any:
    return scene.do(scene.officer, f"/pledges/{pledge}/monitoring/closure")


def test_the_underspend_comes_back_before_the_monitoring_closes(scene: Scene) -> None:
    pledge, duties, tranches = a_paid_one(scene)
    assert codes(close(scene, pledge)) == ["DUTIES_ANSWERED", "NOTHING_UNPAID"]
    decide(scene, scene.adviser, report(scene, duties[0], **spent(300_000)).json["id"])
    scene.do(scene.officer, f"/tranches/{tranches[1]}/cancellation", {"reason": "Enough."})
    wrong = report(scene, duties[1], **CLOSING, underspend=99_999)
    assert wrong.json["errors"][0]["pointer"] == "#/underspend"
    closing = report(scene, duties[1], **CLOSING, underspend=100_000)
    decide(scene, scene.adviser, closing.json["id"])

    assert codes(close(scene, pledge)) == ["UNDERSPEND_RETURNED"]
    back = {"amount": {"amount": 99_999, "currency": "GBP"}, "reference": "UNDERSPEND"}
    scene.do(scene.officer, f"/tranches/{tranches[0]}/return", back)
    assert codes(close(scene, pledge)) == ["UNDERSPEND_RETURNED"]
    scene.do(
        scene.officer,
        f"/tranches/{tranches[0]}/return",
        back | {"amount": {"amount": 1, "currency": "GBP"}, "reference": "2"},
    )

    closed = close(scene, pledge)
    assert (closed.json["state"], closed.json["spent"], closed.json["returned"]) == ("closed", 300_000, 100_000)
    assert decide(scene, scene.adviser, closing.json["id"], "rejection").json["code"] == "monitoring-closed"
    assert reconcile(scene.session) == []


def test_after_the_closing_report_nothing_is_paid(scene: Scene) -> None:
    _, duties, tranches = a_paid_one(scene)
    scene.prove("business_plan_v1")
    scene.approved(tranches[1])
    report(scene, duties[1], **CLOSING, underspend=FIRST)

    assert codes(scene.pay(tranches[1], "BACS 2")) == ["CLOSING_REPORT_NOT_GIVEN"]


def test_a_closing_report_that_a_return_proves_wrong_is_sent_back_though_it_was_accepted(scene: Scene) -> None:
    _, duties, _ = a_paid_one(scene)
    made = report(scene, duties[1], **CLOSING, underspend=FIRST).json["id"]
    decide(scene, scene.adviser, made)

    assert decide(scene, scene.adviser, made, "rejection").json["state"] == "sent_back"


# Changes


def ask_change(scene: Scene, pledge: str, **members: Any) -> Any:
    return scene.do(scene.nurse, f"/pledges/{pledge}/change-requests", {"reason": "We need less."} | members)


def part_of(scene: Scene, pledge: str) -> str:
    return str(scene.read(scene.nurse, f"/pledges/{pledge}").json["parts"][0]["id"])


def answer_change(scene: Scene, person: Any, change: str, how: str = "acceptance") -> Any:
    return scene.do(person, f"/change-requests/{change}/{how}", None if how == "acceptance" else {"reason": "No."})


def test_a_decrease_cancels_exactly_that_much_of_the_unpaid_rest(scene: Scene) -> None:
    pledge, _, _ = a_paid_one(scene)
    cut = [{"part_id": part_of(scene, pledge), "amount": 123_456}]
    lines = [{"purpose": "hr", "amount": ASK - 123_456}]
    change = ask_change(scene, pledge, decreases=cut, lines=lines, ends_on="2030-01-01", purpose="Only the transfer.")
    assert change.status_code == 201, change.json

    assert answer_change(scene, scene.officer, change.json["id"]).json["state"] == "accepted"

    live = [(each["state"], each["amount"]["amount"]) for each in scene.tranches(pledge) if each["state"] != "replaced"]
    assert live == [("paid", FIRST), ("scheduled", 600_000 - 123_456), ("cancelled", 123_456)]
    assert scene.balances()["available"] == 90_000_00 + 123_456
    uses = scene.read(scene.officer, f"/pledges/{pledge}/agreed-uses").json["data"]
    assert [(each["number"], each["amount"], each["purpose"]) for each in uses] == [
        (2, ASK - 123_456, "Only the transfer."), (1, ASK, None)
    ]  # fmt: skip
    duty = duties_of(scene, pledge)[0]["id"]
    assert report(scene, duty, **spent(5, "hr")).status_code == 201
    assert reconcile(scene.session) == []


def test_a_decrease_of_the_whole_rest_ends_the_pledge(scene: Scene) -> None:
    pledge, _, _ = a_paid_one(scene)
    change = ask_change(scene, pledge, decreases=[{"part_id": part_of(scene, pledge), "amount": 600_000}])
    answer_change(scene, scene.officer, change.json["id"])

    assert scene.read(scene.nurse, f"/pledges/{pledge}").json["state"] == "completed"
    assert reconcile(scene.session) == []


def test_a_change_that_does_not_fit_any_more_is_refused_whole(scene: Scene) -> None:
    pledge, _, tranches = a_paid_one(scene)
    change = ask_change(scene, pledge, decreases=[{"part_id": part_of(scene, pledge), "amount": 600_000}]).json["id"]
    scene.prove("business_plan_v1")
    scene.do(scene.nurse, f"/tranches/{tranches[1]}/claim", {})

    refused = answer_change(scene, scene.officer, change)

    assert (refused.status_code, refused.json["code"]) == (422, "change-wrong")
    assert scene.read(scene.nurse, f"/change-requests/{change}").json["state"] == "requested"
    assert scene.read(scene.nurse, f"/tranches/{tranches[1]}").json["state"] == "claimed"


def test_the_group_asks_and_the_funder_decides_once(scene: Scene) -> None:
    pledge, _, _ = a_paid_one(scene)
    change = ask_change(scene, pledge, purpose="Another.").json["id"]

    assert ask_change(scene, pledge, purpose="A third.").json["code"] == "change-open"
    assert answer_change(scene, scene.nurse, change).status_code == 404
    assert answer_change(scene, scene.officer, change, "withdrawal").status_code == 404
    assert answer_change(scene, scene.officer, change, "rejection").json["state"] == "rejected"
    assert answer_change(scene, scene.officer, change).json["code"] == "no-such-monitoring-step"
    other = ask_change(scene, pledge, purpose="Another.").json["id"]
    assert answer_change(scene, scene.nurse, other, "withdrawal").json["state"] == "withdrawn"


def test_agreed_uses_are_never_rewritten(scene: Scene) -> None:
    pledge, _, _ = a_paid_one(scene)

    with pytest.raises(IntegrityError), scene.session.begin_nested():
        scene.session.execute(update(AgreedUse).where(AgreedUse.pledge_id == pledge).values(amount=1))


# Reminders


def letters(session: Session) -> int:
    return int(session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'mail.deliver'")) or 0)


def test_duties_are_told_of_once_ahead_on_the_day_and_when_overdue(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    due_on = today() + timedelta(days=20)
    _, duties, _ = a_paid_one(scene, [{"kind": "progress", "due_on": due_on.isoformat()}])
    before = letters(scene.session)

    def round_on(day: date) -> int:
        monkeypatch.setattr("marketplace.monitoring.reminders.today", lambda: day)
        told = remind_from(None)
        scene.session.commit()
        return told

    days = [-15, -14, -13, 0, 0, 1, 9]
    assert [round_on(due_on + timedelta(days=each)) for each in days] == [0, 1, 0, 1, 0, 1, 0]
    assert letters(scene.session) - before == 3
    events = select(Event.type).where(Event.subject_id == duties[0], Event.type.like("duty.%")).order_by(Event.seq)
    assert list(scene.session.scalars(events)) == ["duty.due_soon", "duty.due_today", "duty.overdue"]


def test_a_round_that_runs_late_tells_only_what_is_true_then(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    due_on = today() + timedelta(days=20)
    _, duties, _ = a_paid_one(scene, [{"kind": "progress", "due_on": due_on.isoformat()}])
    monkeypatch.setattr("marketplace.monitoring.reminders.today", lambda: due_on + timedelta(days=3))

    assert (remind_from(None), remind_from(None)) == (1, 0)
    told = select(DutyReminder.occasion).where(DutyReminder.duty_id == duties[0])
    assert list(scene.session.scalars(told)) == ["overdue"]


def test_rounds_at_the_same_time_tell_once(committed_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        a_paid_one(scene, [{"kind": "progress", "due_on": (today() + timedelta(days=3)).isoformat()}])

    def a_round() -> int:
        with committed_app.app_context():
            told = remind_from(None)
            db.session.commit()
            return told

    assert sorted(all_at_once([partial(a_round) for _ in range(4)])) == [0, 0, 0, 1]
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(DutyReminder)) == 1
        assert letters(db.session()) == 1
