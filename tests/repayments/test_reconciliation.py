"""Reconciling what comes back: every figure that is told in two places is compared, and a difference is said."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace.ledger import rules as ledger
from marketplace.ledger.reconciliation import reconcile
from marketplace.repayments.reconciliation import repayments_and_books_differ
from tests.repayments.scene import LENT, a_loan, a_repayable_scene, gbp


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        ("UPDATE tranche SET repaid = repaid + 1", ["part", "tranche"]),
        ("UPDATE pledge_part SET repaid = repaid + 1", ["part", "pledge"]),
        ("UPDATE pledge_part SET written_off = written_off + 1", ["part", "pledge"]),
        ("UPDATE write_off SET state = 'refused'", ["part"]),
        ("UPDATE ledger_account SET balance = balance + 1 WHERE name = 'interest'", ["pledge"]),
        ("UPDATE ledger_account SET balance = balance + 1 WHERE name = 'repaid'", ["pledge"]),
    ],
)
def test_a_figure_that_was_tampered_with_is_found(
    session: Session, client: FlaskClient, tampering: str, said: list[str]
) -> None:
    scene = a_repayable_scene(session, client)
    loan = a_loan(scene, days_ago=35)
    loan.repay(106_62)
    body = {"amount": gbp(LENT // 2), "ground": "uncollectable", "reason": "Wound up"}
    made = scene.do(scene.officer, f"/pledges/{loan.pledge}/write-offs", body).json["id"]
    assert scene.do(scene.director, f"/write-offs/{made}/approval").status_code == 200
    assert reconcile(session) == []

    session.execute(text(tampering))
    assert sorted(each.split()[0] for each in repayments_and_books_differ(session)) == said


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(1, 10**12))
def test_income_and_guarantees_move_by_entries_that_balance_for_both_owners(fee: int, interest: int, sum_: int) -> None:
    programme, pledge = UUID(int=1), UUID(int=2)
    moves = [
        ledger.earn(programme, pledge, fee=fee, interest=interest, premium=sum_),
        ledger.promise_guarantee(programme, pledge, sum_),
        ledger.give_guarantee(programme, pledge, sum_),
        ledger.end_guarantee(programme, pledge, sum_),
        ledger.cancel_guarantee(programme, pledge, sum_),
    ]

    assert all(ledger.balanced(entries) for entries in moves)
    for owner in (programme, pledge):
        assert all(sum(each.amount for each in move if each.account.owner_id == owner) == 0 for move in moves)
        named = {each.account.name for move in moves for each in move}
        assert named <= set(ledger.INCOME) | set(ledger.GUARANTEES)
