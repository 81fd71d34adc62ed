"""The one statement that books: the transaction, the balances it moves under their locks, and the postings.

One statement, so that the balances of a busy programme are held no longer than it takes to say what happened. Knows
tables; what a booking may be and what refuses it stands in `service`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from marketplace.ledger.rules import Entry
from marketplace.store.base import new_id


@dataclass(frozen=True, slots=True)
class Written:
    """What was written as a transaction: its columns, and a row for each entry, in their order.

    A row's `account_id` is None where no such account is open. `held` is the account's balance before and `change` what
    all entries together move it by; it `moved` by that, unless it is guarded and would have fallen below zero.
    """

    id: UUID
    kind: str
    reference: str
    description: str
    booked_at: datetime
    actor_user_id: UUID | None
    reverses_id: UUID | None
    posting_count: int
    lines: Sequence[Row[Any]]


def write_booking(
    session: Session,
    *,
    kind: str,
    reference: str,
    description: str,
    actor_user_id: UUID | None,
    reverses_id: UUID | None,
    entries: Sequence[Entry],
) -> Written | None:
    """Write it; None where the act, or a reversal of the same transaction, was booked before.

    A twin in flight is waited for. Accounts are locked in the order of their ids, after the transaction's row is
    written. Where an account is missing or did not move, too little was written: the caller's transaction must end.
    """
    columns: dict[str, Any] = {
        "id": new_id(),
        "kind": kind,
        "reference": reference,
        "description": description,
        "actor_user_id": actor_user_id,
        "reverses_id": reverses_id,
        "posting_count": len(entries),
    }
    of_entries = {
        "posting_ids": [new_id() for _ in entries],
        "owner_kinds": [entry.account.owner_kind for entry in entries],
        "owner_ids": [entry.account.owner_id for entry in entries],
        "names": [entry.account.name for entry in entries],
        "amounts": [entry.amount for entry in entries],
    }
    lines = session.execute(_statement(), columns | of_entries).all()
    return Written(**columns, booked_at=lines[0].booked_at, lines=lines) if lines else None


@cache
def _statement() -> TextClause:
    return text(
        """
        WITH made AS (
          INSERT INTO ledger_transaction
            (id, kind, reference, description, actor_user_id, reverses_id, posting_count)
          VALUES
            (:id, :kind, :reference, :description, CAST(:actor_user_id AS uuid), CAST(:reverses_id AS uuid),
             :posting_count)
          ON CONFLICT DO NOTHING
          RETURNING id, booked_at),
        entry AS (
          SELECT * FROM unnest(CAST(:posting_ids AS uuid[]), CAST(:owner_kinds AS text[]), CAST(:owner_ids AS uuid[]),
                               CAST(:names AS text[]), CAST(:amounts AS bigint[]))
            WITH ORDINALITY AS entry (posting_id, owner_kind, owner_id, name, amount, place)),
        locked AS MATERIALIZED (
          SELECT account.id, account.owner_kind, account.owner_id, account.name, account.currency, account.guarded,
                 account.balance, wanted.change
          FROM made
          CROSS JOIN (SELECT owner_kind, owner_id, name, CAST(sum(amount) AS bigint) AS change
                      FROM entry GROUP BY owner_kind, owner_id, name) AS wanted
          JOIN ledger_account AS account
            ON account.owner_kind = wanted.owner_kind AND account.owner_id = wanted.owner_id
           AND account.name = wanted.name
          ORDER BY account.id
          FOR NO KEY UPDATE OF account),
        moved AS (
          UPDATE ledger_account AS account SET balance = account.balance + locked.change
          FROM locked
          WHERE account.id = locked.id AND locked.change <> 0
            AND (NOT account.guarded OR account.balance + locked.change >= 0)
          RETURNING account.id),
        written AS (
          INSERT INTO posting (id, transaction_id, account_id, amount, position)
          SELECT entry.posting_id, made.id, locked.id, entry.amount, entry.place - 1
          FROM made
          CROSS JOIN entry
          JOIN locked ON locked.owner_kind = entry.owner_kind AND locked.owner_id = entry.owner_id
                     AND locked.name = entry.name
          ORDER BY entry.place
          RETURNING id, seq)
        SELECT made.booked_at, entry.posting_id, written.seq, CAST(entry.place - 1 AS smallint) AS position,
               locked.id AS account_id, entry.owner_kind, entry.owner_id, entry.name, locked.currency, entry.amount,
               locked.balance AS held, locked.change, locked.change = 0 OR moved.id IS NOT NULL AS moved
        FROM made
        CROSS JOIN entry
        LEFT JOIN locked ON locked.owner_kind = entry.owner_kind AND locked.owner_id = entry.owner_id
                        AND locked.name = entry.name
        LEFT JOIN moved ON moved.id = locked.id
        LEFT JOIN written ON written.id = entry.posting_id
        ORDER BY entry.place
        """
    )
