"""The books over HTTP: as they stood at an instant, summed, one act of them, and recomputed as the command does."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from marketplace.ledger.commands import reconcile_books
from marketplace.ledger.models import LedgerTransaction
from marketplace.store.base import db
from marketplace.values.clock import now, today
from tests.builders import a_member, an_organisation
from tests.pledges.scene import Scene, a_scene
from tests.repayments.scene import a_loan, a_repayable_scene

pytestmark = pytest.mark.slow


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    return a_scene(session, client)


def paid(scene: Scene) -> str:
    """A signed pledge of which the first tranche is paid."""
    pledge = scene.signed()
    scene.pay(scene.approved(scene.tranches(pledge)[0]["id"]))
    return pledge


def at(moment: Any) -> str:
    return str(moment.isoformat()).replace("+00:00", "Z")


def held(answer: Any, kind: str) -> dict[str, int]:
    return {row["account"]: row["balance"] for row in answer.json["data"] if row["owner_kind"] == kind}


def test_a_trial_balance_sums_to_zero_and_mirrors_programme_and_pledges(scene: Scene) -> None:
    paid(scene)

    for path in (f"/programmes/{scene.programme.id}", f"/organisations/{scene.funder.id}"):
        answer = scene.read(scene.officer, f"{path}/trial-balance")
        programme, pledge = held(answer, "programme"), held(answer, "pledge")

        assert answer.json["differences"] == []
        assert sum(programme.values()) == sum(pledge.values()) == 0
        assert (programme["paid"], programme["committed"]) == (pledge["paid"], pledge["committed"])
        assert (programme["budget_source"], pledge["promised"]) == (-100_000_00, -10_000_00)
        assert programme["paid"] == 4_000_00


def test_income_and_what_is_guaranteed_are_mirrored_too(session: Session, client: FlaskClient) -> None:
    scene = a_repayable_scene(session, client)
    assert a_loan(scene, days_ago=35).repay(106_62).status_code == 201
    path = f"/programmes/{scene.programme.id}/trial-balance"
    assert scene.read(scene.officer, path).json["differences"] == []
    session.execute(text("SET LOCAL session_replication_role = replica"))
    wrong = "UPDATE posting SET amount = amount + sign(amount) WHERE account_id IN (SELECT id FROM ledger_account"
    session.execute(text(f"{wrong} WHERE owner_kind = 'pledge' AND name IN ('earned', 'interest'))"))

    assert scene.read(scene.officer, path).json["differences"] == [
        "`earned` in GBP is -1200 in programmes and -1201 in pledges.",
        "`interest` in GBP is 1200 in programmes and 1201 in pledges.",
    ]


def test_the_books_as_of_an_instant_are_those_of_that_instant(scene: Scene) -> None:
    pledge = scene.signed()
    moment = now()
    before = scene.read(scene.officer, f"/programmes/{scene.programme.id}/trial-balance")
    lines = scene.read(scene.officer, f"/programmes/{scene.programme.id}/statement").json["data"]
    scene.pay(scene.approved(scene.tranches(pledge)[0]["id"]))

    later = scene.read(scene.officer, f"/programmes/{scene.programme.id}/trial-balance")
    then = scene.read(scene.officer, f"/programmes/{scene.programme.id}/trial-balance?as_of={at(moment)}")

    assert then.json["data"] == before.json["data"] != later.json["data"]
    assert then.json["differences"] == []
    for path in (f"/programmes/{scene.programme.id}", f"/pledges/{pledge}"):
        found = scene.read(scene.officer, f"{path}/statement?as_of={at(moment)}").json
        whole = scene.read(scene.officer, f"{path}/statement").json
        assert len(whole["data"]) == len(found["data"]) + 2
        assert {row["account"]: row["balance"] for row in found["totals"]}["paid"] == 0
    assert scene.read(scene.officer, f"/programmes/{scene.programme.id}/statement?as_of={at(moment)}").json["data"] == (
        lines
    )


def test_before_anything_was_booked_every_account_is_empty(scene: Scene) -> None:
    answer = scene.read(scene.officer, f"/programmes/{scene.programme.id}/trial-balance?as_of=2000-01-01T00:00:00Z")

    assert set(held(answer, "programme").values()) == {0}


@pytest.mark.parametrize("moment", ["2199-01-01T00:00:00Z", "yesterday", "2026-01-01T00:00:00"])
def test_the_future_and_what_is_no_instant_are_refused(scene: Scene, moment: str) -> None:
    for path in ("statement", "trial-balance"):
        answer = scene.read(scene.officer, f"/programmes/{scene.programme.id}/{path}?as_of={moment}")

        assert answer.status_code == 422, path
        assert "as_of" in str(answer.json["errors"])


def test_each_party_reads_the_postings_to_its_own_accounts(scene: Scene) -> None:
    pledge = paid(scene)
    lines = scene.read(scene.nurse, f"/pledges/{pledge}/statement").json["data"]
    payment = next(each["transaction_id"] for each in lines if each["kind"] == "tranche.paid")

    funder = scene.read(scene.officer, f"/ledger-transactions/{payment}").json
    group = scene.read(scene.nurse, f"/ledger-transactions/{payment}").json

    assert [(each["owner_kind"], each["account"], each["amount"]) for each in funder["postings"]] == [
        ("programme", "committed", -4_000_00),
        ("programme", "paid", 4_000_00),
        ("pledge", "committed", -4_000_00),
        ("pledge", "paid", 4_000_00),
    ]
    assert group["postings"] == funder["postings"][2:]
    assert (group["kind"], group["reverses_id"], group["reversed_by_id"]) == ("tranche.paid", None, None)


def test_a_booking_of_others_is_as_absent_as_one_that_never_was(scene: Scene, session: Session) -> None:
    paid(scene)
    stranger = a_member(session, an_organisation(session, kind="funder", name="Another fund"))
    budget = session.scalars(select(LedgerTransaction.id).where(LedgerTransaction.kind == "programme.budget")).first()
    absent = scene.read(stranger, "/ledger-transactions/0192f3c4-7b1e-7a53-9c1d-3f6a2b8e4d10")

    for person in (stranger, scene.nurse):
        answer = scene.read(person, f"/ledger-transactions/{budget}")
        assert (answer.status_code, answer.json["detail"]) == (404, absent.json["detail"])
    assert scene.read(stranger, f"/organisations/{scene.funder.id}/reconciliation").status_code == 404
    assert scene.read(stranger, f"/programmes/{scene.programme.id}/trial-balance").status_code == 404


TAMPERINGS = [
    pytest.param("UPDATE ledger_account SET balance = balance + 1 WHERE name = 'paid'", id="a balance"),
    pytest.param("UPDATE posting SET amount = amount + 1 WHERE amount = 400000", id="a posting"),
    pytest.param("UPDATE pledge_part SET cancelled = 1", id="a part"),
    pytest.param("DELETE FROM posting WHERE amount = -400000", id="postings gone"),
]


@pytest.mark.parametrize("statement", TAMPERINGS)
def test_the_view_finds_what_the_command_finds(committed_app: Flask, statement: str) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        paid(scene)
        right = scene.read(scene.officer, f"/organisations/{scene.funder.id}/reconciliation").json
        db.session().rollback()
        db.session().execute(text("SET LOCAL session_replication_role = replica"))
        db.session().execute(text(statement))
        db.session().commit()
        funder = scene.read(scene.officer, f"/organisations/{scene.funder.id}/reconciliation").json
        group = scene.read(scene.nurse, f"/organisations/{scene.group.id}/reconciliation").json
        elsewhere = an_organisation(db.session(), kind="funder", name="Another fund")
        other = scene.read(a_member(db.session(), elsewhere), f"/organisations/{elsewhere.id}/reconciliation").json
    command = committed_app.test_cli_runner().invoke(reconcile_books)

    assert right == {"reconciled": True, "differences": []}
    assert command.exit_code == 1
    assert funder == {"reconciled": False, "differences": command.output.splitlines()}
    assert set(group["differences"]) <= set(funder["differences"])
    assert group["reconciled"] is False
    assert other == right


def test_the_views_and_the_command_say_that_right_books_are_right(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        pledge = paid(scene)
        tranche = scene.tranches(pledge)[0]["id"]
        body = {"amount": {"amount": 1_000_00, "currency": "GBP"}, "reference": f"Back {today()}"}
        scene.do(scene.officer, f"/tranches/{tranche}/return", body)
        scene.do(scene.officer, f"/pledges/{pledge}/termination", {"reason": "Enough."})
        view = scene.read(scene.officer, f"/organisations/{scene.funder.id}/reconciliation").json
        balance = scene.read(scene.officer, f"/organisations/{scene.funder.id}/trial-balance").json

    assert committed_app.test_cli_runner().invoke(reconcile_books).exit_code == 0
    assert (view["reconciled"], balance["differences"]) == (True, [])
