"""What a money operation waits for and reads again when it has waited, and what the database alone still forbids."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.cli import ROOT
from marketplace.identity.models import Membership
from marketplace.pledges import lines, rules
from marketplace.programmes.budgets import set_budget
from marketplace.proposals.models import Ask, AskLine
from marketplace.store.base import db
from marketplace.values.money import Money
from tests.builders import a_member
from tests.pledges.scene import ASK, a_scene


@contextmanager
def held(url: str, statement: str, **given: Any) -> Iterator[None]:
    """A transaction of somebody else's, in which that was done, for as long as the block lasts."""
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text(statement), given)
        yield
        connection.rollback()
    engine.dispose()


HELD = {
    "ask": "SELECT 1 FROM ask WHERE id = (SELECT ask_id FROM pledge WHERE id = :pledge) FOR NO KEY UPDATE",
    "pledge": "SELECT 1 FROM pledge WHERE id = :pledge FOR NO KEY UPDATE",
    "tranche of the same pledge": "SELECT 1 FROM tranche WHERE part_id IN (SELECT id FROM pledge_part"
    " WHERE pledge_id = :pledge) AND position = 1 FOR NO KEY UPDATE",
    "proposal": "SELECT 1 FROM proposal WHERE id = (SELECT proposal_id FROM pledge WHERE id = :pledge)"
    " FOR NO KEY UPDATE",
}


@pytest.mark.slow
@pytest.mark.parametrize("what", HELD)
def test_a_claim_waits_for_whoever_holds_what_it_rests_on(committed_app: Flask, what: str) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        pledge = scene.signed()
        tranche = scene.tranches(pledge)[0]["id"]
        db.session.remove()
        url = committed_app.config["SQLALCHEMY_DATABASE_URI"]
        with held(url, HELD[what], pledge=pledge):
            waited = scene.do(scene.nurse, f"/tranches/{tranche}/claim", {}, key="claim")
        claimed = scene.do(scene.nurse, f"/tranches/{tranche}/claim", {}, key="claim")

    assert (waited.status_code, waited.headers.get("Retry-After")) == (503, "1")
    assert claimed.status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("step", ["draft", "cancellation"])
def test_whoever_sets_a_budget_is_not_waited_for_by_what_only_refers_to_the_programme(
    committed_app: Flask, step: str
) -> None:
    """A draft refers to it; so does a row that is changed twice in one transaction, whose references are checked then.

    A cancellation holds balances by that time, which whoever sets the budget waits for: the two would wait for ever.
    """
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        only = [{"instrument": "grant", "amount": ASK, "tranches": [{"basis": "on_agreement", "amount": ASK}]}]
        pledge = scene.accepted(parts=only)
        tranche = scene.tranches(pledge)[0]["id"]
        owner = a_member(db.session(), scene.funder)
        db.session().commit()
        engine = create_engine(committed_app.config["SQLALCHEMY_DATABASE_URI"])
        with Session(engine) as elsewhere:
            given = Money(100_000_00, "GBP")
            set_budget(elsewhere, owner.actor(elsewhere), scene.programme.id, given, lambda _: None)
            reason = {"reason": "Not needed any more."}
            answer = (
                scene.draft() if step == "draft" else scene.do(scene.officer, f"/tranches/{tranche}/{step}", reason)
            )
            elsewhere.rollback()
        engine.dispose()

    assert answer.status_code == (201 if step == "draft" else 200), answer.json


@pytest.mark.slow
def test_a_draft_waits_for_whoever_holds_the_ask_only_where_it_names_lines(committed_app: Flask) -> None:
    """A publication holds the ask, and may take lines away."""
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        pledge = scene.drafted()
        asked = db.session().query(AskLine.id).join(Ask).filter(Ask.proposal_id == scene.proposal.id).scalar()
        named = [{"line": str(asked), "amount": ASK}]
        with held(committed_app.config["SQLALCHEMY_DATABASE_URI"], HELD["ask"], pledge=pledge):
            answers = [scene.draft().status_code, scene.draft(lines=named).status_code]
        answers.append(scene.draft(lines=named).status_code)

    assert answers == [201, 503, 201]


LOCKED = re.compile(r"with_for_update[=(]([^)}]*)")
TO_BE_DELETED = {"marketplace/store/documents.py": 1}
"""What is locked to be deleted is locked whole: nobody may begin to refer to it."""


def test_rows_are_locked_so_that_others_may_refer_to_them() -> None:
    """FOR SHARE or FOR NO KEY UPDATE, as ADR 35 says."""
    whole: dict[str, int] = {}
    for path in sorted((ROOT / "marketplace").rglob("*.py")):
        text_ = path.read_text()
        found = [each for each in LOCKED.findall(text_) if "key_share" not in each and "read" not in each]
        found += re.findall(r"FOR UPDATE", text_)
        if found:
            whole[str(path.relative_to(ROOT))] = len(found)

    assert whole == TO_BE_DELETED


@pytest.mark.slow
@pytest.mark.parametrize("step", ["approval", "claim"])
def test_a_role_that_is_lost_while_waiting_for_a_lock_approves_nothing(committed_app: Flask, step: str) -> None:
    """Nor claims: there no limit of the organisation's reads the roles besides."""
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        pledge = scene.signed()
        tranche = scene.tranches(pledge)[0]["id"]
        person, body = (scene.nurse, {}) if step == "claim" else (scene.director, None)
        if step == "approval":
            scene.do(scene.nurse, f"/tranches/{tranche}/claim", {})
        loser, headers = person.id, person.headers | {"Idempotency-Key": "while waiting"}
        db.session.remove()
        url, answers = committed_app.config["SQLALCHEMY_DATABASE_URI"], []

    def take_the_step() -> None:
        path = f"/v1/tranches/{tranche}/{step}"
        answers.append(committed_app.test_client().post(path, json=body, headers=headers))

    waiting = threading.Thread(target=take_the_step)
    with held(url, HELD["ask"], pledge=pledge):
        waiting.start()
        with committed_app.app_context():
            for _ in range(200):
                if db.session().scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                    break
                db.session().rollback()
                threading.Event().wait(0.01)
            db.session().query(Membership).filter_by(user_id=loser).delete()
            db.session().commit()
            db.session.remove()
    waiting.join(10)

    assert [answer.status_code for answer in answers] == [404]


@pytest.mark.parametrize("what", ["the ask", "its line"])
def test_an_ask_is_filled_to_the_penny_and_says_what_is_left(session: Session, client: FlaskClient, what: str) -> None:
    ask = _ask(session, client)
    line = session.query(AskLine.id).filter_by(ask_id=ask).scalar()

    def fill(amount: int) -> None:
        if what == "its line":
            lines.fill(session, ask, {line: amount}, "accepted")
        else:
            lines._fill_ask(session, ask, Ask.accepted, amount)

    fill(ASK - 1)
    with pytest.raises(rules.AskAlreadyFunded) as refused:
        fill(2)
    fill(1)

    assert (refused.value.facts["open_gap"], refused.value.facts["needed"]) == (1, 2)
    assert session.get_one(Ask, ask).accepted == ASK


def test_the_constraint_alone_keeps_a_line_from_being_overfilled(session: Session, client: FlaskClient) -> None:
    _ask(session, client)

    for column in ("accepted", "outside"):
        with pytest.raises(IntegrityError, match="ck_ask_line_room"), session.begin_nested():
            session.execute(text(f"UPDATE ask_line SET {column} = amount + 1"))


@pytest.mark.parametrize(
    ("column", "constraint"),
    [("accepted", "ck_ask_accepted"), ("outside", "ck_ask_outside")],
    ids=["accepted", "outside"],
)
def test_the_constraint_alone_keeps_an_ask_from_being_overfilled(
    session: Session, client: FlaskClient, column: str, constraint: str
) -> None:
    _ask(session, client)

    with pytest.raises(IntegrityError, match=constraint):
        session.execute(text(f"UPDATE ask SET {column} = amount + 1"))
    session.rollback()


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        pytest.param(
            "UPDATE pledge_part SET paid = amount, cancelled = 1", "ck_pledge_part_never_more_than_pledged", id="paid"
        ),
        pytest.param("UPDATE pledge_part SET returned = -1", "ck_pledge_part_returned", id="returned"),
        pytest.param(
            "UPDATE pledge_part SET returned = paid + 1", "ck_pledge_part_repaid_and_written_off", id="came back"
        ),
        pytest.param("UPDATE tranche SET demanded = -1", "ck_tranche_demanded", id="demanded"),
        pytest.param("UPDATE tranche SET approved_by = claimed_by", "ck_tranche_two_people", id="one person"),
    ],
)
def test_the_constraints_alone_keep_a_part_and_its_tranches_whole(
    session: Session, client: FlaskClient, statement: str, constraint: str
) -> None:
    scene = a_scene(session, client)
    scene.approved(scene.tranches(scene.signed())[0]["id"])

    with pytest.raises(IntegrityError, match=constraint):
        session.execute(text(statement))
    session.rollback()


def _ask(session: Session, client: FlaskClient) -> Any:
    scene = a_scene(session, client)
    return session.query(Ask.id).filter_by(proposal_id=scene.proposal.id).scalar()
