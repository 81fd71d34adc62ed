"""`flask reconcile` finds every kind of difference, and never cries wolf."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace.ledger import reconciliation, rules, service
from marketplace.ledger.commands import reconcile_books
from marketplace.ledger.reconciliation import reconcile
from marketplace.store.base import db
from marketplace.values.actor import ANONYMOUS
from tests.ledger.books import Books, books


@pytest.fixture
def kept(session: Session) -> Books:
    """Books in which something was accepted, paid and reversed."""
    made = books(session, budget=1_000)
    made.move(rules.accept, 600)
    paid = made.move(rules.pay, 250)
    service.reverse(session, paid, actor=ANONYMOUS, description="Booked in error")
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    return made


@pytest.fixture
def unguarded(session: Session, kept: Books) -> Iterator[Books]:
    """The same with every trigger off and the checks dropped, as someone with the database's password could have it."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    for constraint, table in (
        ("ck_ledger_account_never_below_zero", "ledger_account"),
        ("ck_posting_amount", "posting"),
    ):
        session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"))
    yield kept
    session.execute(text("SET LOCAL session_replication_role = origin"))


def test_books_that_are_right_show_no_difference(session: Session, kept: Books) -> None:
    assert reconcile(session) == []


OF_PAID = "(SELECT id FROM ledger_transaction WHERE kind = 'pay')"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param("UPDATE ledger_account SET balance = balance + 1 WHERE name = 'paid'", "holds", id="a balance"),
        pytest.param(
            "UPDATE ledger_account SET balance = -1 WHERE name = 'available'", "is guarded and holds -1", id="a guard"
        ),
        pytest.param(
            "UPDATE ledger_account SET balance = balance + 1 WHERE name = 'available'",
            "in GBP together hold 1 instead of 0",
            id="a currency's sum",
        ),
        pytest.param(f"UPDATE posting SET amount = amount + 1 WHERE transaction_id = {OF_PAID}", "sums to", id="a sum"),
        pytest.param(f"DELETE FROM posting WHERE transaction_id = {OF_PAID}", "has 0 postings", id="postings"),
        pytest.param(
            f"UPDATE posting SET amount = amount * 2 WHERE transaction_id = {OF_PAID}", "does not undo", id="a reversal"
        ),
        pytest.param(
            f"UPDATE posting SET amount = 0 WHERE transaction_id = {OF_PAID}", "moves 0", id="an empty posting"
        ),
    ],
)
def test_every_tampering_is_found(session: Session, unguarded: Books, statement: str, expected: str) -> None:
    session.execute(text(statement))

    assert any(expected in difference for difference in reconcile(session))


def test_other_features_add_their_checks(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "CHECKS", [*reconciliation.CHECKS, lambda *_: ["pledges differ"]])

    assert reconcile(session) == ["pledges differ"]


def test_the_command_ends_with_one_where_something_differs(committed_app: Flask) -> None:
    runner = committed_app.test_cli_runner()
    with committed_app.app_context():
        books(db.session())
    right = runner.invoke(reconcile_books)
    with committed_app.app_context():
        db.session().execute(text("UPDATE ledger_account SET balance = balance + 1 WHERE name = 'available'"))
        db.session().commit()
    wrong = runner.invoke(reconcile_books)

    assert (right.exit_code, right.output) == (0, "The books are right.\n")
    assert wrong.exit_code == 1
    assert "in GBP together hold 1 instead of 0" in wrong.output
