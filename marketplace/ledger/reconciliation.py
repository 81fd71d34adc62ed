"""Reconciling: every invariant of the ledger recomputed from its postings. Reports differences; changes nothing.

Other features append checks of their own to `CHECKS` (what a programme's accounts and its pledges' accounts must have
in common is for the feature that knows both). The same checks answer for all books and for some owners' alone.
"""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Uuid, bindparam, text
from sqlalchemy.orm import Session

Owners = frozenset[UUID] | None
"""Whose accounts are looked at: these programmes' and pledges'; None: everybody's."""
Check = Callable[[Session, Owners], list[str]]
"""Reads, and returns one sentence for each difference it finds in those owners' accounts."""

OWNED = "(:everybody OR a.owner_id = ANY (:owners))"
"""Stands for `(owned)` in a statement that reads accounts `a`."""
TOUCHING = """(:everybody OR t.id IN (
  SELECT own.transaction_id FROM posting own JOIN ledger_account kept ON kept.id = own.account_id
  WHERE kept.owner_id = ANY (:owners)))"""
"""Stands for `(touching)` in a statement that reads transactions `t`."""


UNBALANCED = """
SELECT 'transaction ' || t.id || ' (' || t.kind || ' ' || t.reference || ') sums to '
       || sum(p.amount) || ' ' || a.currency
FROM ledger_transaction t JOIN posting p ON p.transaction_id = t.id JOIN ledger_account a ON a.id = p.account_id
WHERE (touching) GROUP BY t.id, a.currency HAVING sum(p.amount) <> 0
"""
POSTINGS_MISSING = """
SELECT 'transaction ' || t.id || ' has ' || count(p.id) || ' postings instead of ' || t.posting_count
FROM ledger_transaction t LEFT JOIN posting p ON p.transaction_id = t.id
WHERE (touching) GROUP BY t.id HAVING count(p.id) <> t.posting_count OR count(p.id) < 2
"""
BALANCE_NOT_SUM = """
SELECT 'account ' || a.id || ' (' || a.owner_kind || ' ' || a.owner_id || ' ' || a.name || ') holds ' || a.balance
       || ', its postings sum to ' || coalesce(sum(p.amount), 0)
FROM ledger_account a LEFT JOIN posting p ON p.account_id = a.id
WHERE (owned) GROUP BY a.id HAVING a.balance <> coalesce(sum(p.amount), 0)
"""
OWNER_NOT_ZERO = """
SELECT 'the accounts of ' || a.owner_kind || ' ' || a.owner_id || ' in ' || a.currency || ' together hold '
       || sum(a.balance) || ' instead of 0'
FROM ledger_account a WHERE (owned) GROUP BY a.owner_kind, a.owner_id, a.currency HAVING sum(a.balance) <> 0
"""
BELOW_ZERO = """
SELECT 'account ' || a.id || ' (' || a.owner_kind || ' ' || a.owner_id || ' ' || a.name || ') is guarded and holds '
       || a.balance
FROM ledger_account a WHERE a.guarded AND a.balance < 0 AND (owned)
"""
TOO_LARGE = """
SELECT 'posting ' || p.id || ' moves ' || p.amount FROM posting p JOIN ledger_account a ON a.id = p.account_id
WHERE (p.amount = 0 OR abs(p.amount) > 1000000000000000) AND (owned)
"""
REVERSAL_DIFFERS = """
SELECT 'transaction ' || t.id || ' does not undo ' || t.reverses_id || ' in account ' || p.account_id
FROM ledger_transaction t JOIN posting p ON p.transaction_id IN (t.id, t.reverses_id)
WHERE t.reverses_id IS NOT NULL AND (touching) GROUP BY t.id, p.account_id HAVING sum(p.amount) <> 0
"""


MOST_TOLD = 1000
"""Differences of one kind that are told; more of them say nothing new."""


def _finding(statement: str) -> Check:
    looked_at = statement.replace("(owned)", OWNED).replace("(touching)", TOUCHING)
    looking = text(looked_at + f" ORDER BY 1 LIMIT {MOST_TOLD}").bindparams(
        bindparam("everybody", type_=Boolean()), bindparam("owners", type_=ARRAY(Uuid()))
    )

    def check(session: Session, owners: Owners) -> list[str]:
        asked = {"everybody": owners is None, "owners": sorted(owners or ())}
        return [str(found) for found in session.scalars(looking, asked)]

    return check


CHECKS: list[Check] = [
    _finding(each)
    for each in (
        UNBALANCED,
        POSTINGS_MISSING,
        BALANCE_NOT_SUM,
        OWNER_NOT_ZERO,
        BELOW_ZERO,
        TOO_LARGE,
        REVERSAL_DIFFERS,
    )
]
"""The ledger's own checks first; features append theirs when the application is put together."""


def reconcile(session: Session, owners: Owners = None) -> list[str]:
    """Every difference found in the accounts of those owners, a sentence each; empty when their books are right.

    Several statements: run it on one snapshot (`store.base.read_one_snapshot`) where others write meanwhile.
    """
    return [difference for check in CHECKS for difference in check(session, owners)]
