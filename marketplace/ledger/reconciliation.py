"""Reconciling: every invariant of the ledger recomputed from its postings. Reports differences; changes nothing.

Other features append checks of their own to `CHECKS` (what a programme's accounts and its pledges' accounts must have
in common is for the feature that knows both).
"""

from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.orm import Session

Check = Callable[[Session], list[str]]
"""Reads, and returns one sentence for each difference it finds."""

UNBALANCED = """
SELECT 'transaction ' || t.id || ' (' || t.kind || ' ' || t.reference || ') sums to '
       || sum(p.amount) || ' ' || a.currency
FROM ledger_transaction t JOIN posting p ON p.transaction_id = t.id JOIN ledger_account a ON a.id = p.account_id
GROUP BY t.id, a.currency HAVING sum(p.amount) <> 0
"""
POSTINGS_MISSING = """
SELECT 'transaction ' || t.id || ' has ' || count(p.id) || ' postings instead of ' || t.posting_count
FROM ledger_transaction t LEFT JOIN posting p ON p.transaction_id = t.id
GROUP BY t.id HAVING count(p.id) <> t.posting_count OR count(p.id) < 2
"""
BALANCE_NOT_SUM = """
SELECT 'account ' || a.id || ' (' || a.owner_kind || ' ' || a.owner_id || ' ' || a.name || ') holds ' || a.balance
       || ', its postings sum to ' || coalesce(sum(p.amount), 0)
FROM ledger_account a LEFT JOIN posting p ON p.account_id = a.id
GROUP BY a.id HAVING a.balance <> coalesce(sum(p.amount), 0)
"""
CURRENCY_NOT_ZERO = """
SELECT 'all accounts in ' || currency || ' together hold ' || sum(balance) || ' instead of 0'
FROM ledger_account GROUP BY currency HAVING sum(balance) <> 0
"""
BELOW_ZERO = """
SELECT 'account ' || id || ' (' || owner_kind || ' ' || owner_id || ' ' || name || ') is guarded and holds ' || balance
FROM ledger_account WHERE guarded AND balance < 0
"""
TOO_LARGE = """
SELECT 'posting ' || id || ' moves ' || amount FROM posting WHERE amount = 0 OR abs(amount) > 1000000000000000
"""
REVERSAL_DIFFERS = """
SELECT 'transaction ' || r.id || ' does not undo ' || r.reverses_id || ' in account ' || p.account_id
FROM ledger_transaction r JOIN posting p ON p.transaction_id IN (r.id, r.reverses_id)
WHERE r.reverses_id IS NOT NULL GROUP BY r.id, p.account_id HAVING sum(p.amount) <> 0
"""


def _finding(statement: str) -> Check:
    return lambda session: [str(found) for found in session.scalars(text(statement + " ORDER BY 1 LIMIT 1000"))]


CHECKS: list[Check] = [
    _finding(each)
    for each in (
        UNBALANCED,
        POSTINGS_MISSING,
        BALANCE_NOT_SUM,
        CURRENCY_NOT_ZERO,
        BELOW_ZERO,
        TOO_LARGE,
        REVERSAL_DIFFERS,
    )
]
"""The ledger's own checks first; features append theirs when the application is put together."""


def reconcile(session: Session) -> list[str]:
    """Every difference found, a sentence each; empty when the books are right.

    Several statements: run it on a REPEATABLE READ transaction where others write meanwhile.
    """
    return [difference for check in CHECKS for difference in check(session)]
