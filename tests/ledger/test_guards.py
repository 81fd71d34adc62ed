"""What the database itself forbids, whoever writes to it: shown by plain SQL, without the service."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from marketplace.ledger import rules
from marketplace.store.base import db, new_id
from tests.ledger.books import Books, books

WRITE_TRANSACTION = text(
    "INSERT INTO ledger_transaction (id, kind, reference, description, posting_count, reverses_id)"
    " VALUES (:id, 'by hand', :id, 'by hand', :count, :reverses)"
)
WRITE_POSTING = text(
    "INSERT INTO posting (id, transaction_id, account_id, amount, position)"
    " SELECT :id, :transaction, id, :amount, :position FROM ledger_account WHERE owner_id = :owner AND name = :account"
)


@pytest.fixture
def committed(committed_app: Flask) -> Iterator[Session]:
    """A session whose commits are real."""
    with committed_app.app_context():
        yield db.session()


def by_hand(session: Session, made: Books, *amounts: int, count: int = 2, reverses: UUID | None = None) -> UUID:
    """Postings to `available` and `committed` in turn, written without the service."""
    transaction = new_id()
    session.execute(WRITE_TRANSACTION, {"id": transaction, "count": count, "reverses": reverses})
    for place, amount in enumerate(amounts):
        append(session, made, transaction, amount, place)
    return transaction


def append(session: Session, made: Books, transaction: UUID, amount: int, place: int) -> None:
    account = ("available", "committed")[place % 2]
    given = {"id": new_id(), "transaction": transaction, "amount": amount, "position": place}
    session.execute(WRITE_POSTING, given | {"owner": made.programme, "account": account})


@pytest.mark.parametrize(
    ("amounts", "count"),
    [
        pytest.param((-5, 4), 2, id="a sum that is not zero"),
        pytest.param((-5,), 2, id="a posting missing"),
        pytest.param((), 2, id="no postings"),
        pytest.param((-5, 5, -1, 1), 2, id="more postings than it says"),
    ],
)
def test_a_transaction_that_does_not_balance_is_refused_at_commit(
    committed: Session, amounts: tuple[int, ...], count: int
) -> None:
    made = books(committed)
    by_hand(committed, made, *amounts, count=count)

    with pytest.raises(IntegrityError, match="ledger transaction"):
        committed.commit()


def test_a_transaction_that_balances_is_committed(committed: Session) -> None:
    made = books(committed)
    by_hand(committed, made, -5, 5)

    committed.commit()


def test_postings_are_not_added_to_an_earlier_transaction(committed: Session) -> None:
    made = books(committed)
    earlier = by_hand(committed, made, -5, 5)
    committed.commit()
    append(committed, made, earlier, -5, 2)
    append(committed, made, earlier, 5, 3)

    with pytest.raises(IntegrityError, match="has 4 postings instead of 2"):
        committed.commit()


def test_a_reversal_must_undo_what_it_names(committed: Session) -> None:
    made = books(committed)
    earlier = by_hand(committed, made, -5, 5)
    committed.commit()
    by_hand(committed, made, 4, -4, reverses=earlier)

    with pytest.raises(IntegrityError, match="does not undo"):
        committed.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE posting SET amount = amount + 1",
        "DELETE FROM posting",
        "TRUNCATE posting",
        "UPDATE ledger_transaction SET reference = 'other'",
        "DELETE FROM ledger_transaction",
        "TRUNCATE ledger_transaction CASCADE",
        "DELETE FROM ledger_account",
        "TRUNCATE ledger_account CASCADE",
        "UPDATE ledger_account SET guarded = false",
        "UPDATE ledger_account SET currency = 'EUR'",
        "UPDATE ledger_account SET owner_id = gen_random_uuid()",
    ],
)
def test_the_books_are_never_rewritten(session: Session, statement: str) -> None:
    made = books(session)
    made.move(rules.accept, 5)
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))

    with pytest.raises(DBAPIError, match=r"append-only|only the balance changes"):
        session.execute(text(statement))


def test_the_constraint_alone_keeps_a_guarded_account_from_falling_below_zero(session: Session) -> None:
    made = books(session, budget=10)
    taking = text("UPDATE ledger_account SET balance = balance - 11 WHERE owner_id = :owner AND name = 'available'")

    with pytest.raises(IntegrityError, match="ck_ledger_account_never_below_zero"):
        session.execute(taking, {"owner": made.programme})


def test_the_constraint_keeps_balances_within_limits(session: Session) -> None:
    made = books(session, budget=10)
    adding = text("UPDATE ledger_account SET balance = 1000000000000001 WHERE owner_id = :owner AND name = 'paid'")

    with pytest.raises(IntegrityError, match="ck_ledger_account_within_limits"):
        session.execute(adding, {"owner": made.programme})


@pytest.mark.parametrize("amount", [0, 10**15 + 1, -(10**15) - 1])
def test_a_posting_moves_something_and_not_too_much(session: Session, amount: int) -> None:
    made = books(session)
    transaction = by_hand(session, made)

    with pytest.raises(IntegrityError, match="ck_posting_amount"):
        append(session, made, transaction, amount, 0)
    session.rollback()
