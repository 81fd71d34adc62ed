"""Reading the ledger whole: statements and trial balances, each one SQL statement, so that all is of one instant."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Integer, String, Uuid, bindparam, text
from sqlalchemy.orm import Session

STATEMENT = text(
    """
    WITH accounts AS (
      SELECT id, owner_id, name, currency FROM ledger_account
      WHERE owner_kind = :owner_kind AND owner_id = ANY (:owner_ids)
    ), entries AS (
      SELECT posting.seq, posting.amount, accounts.id AS account_id, accounts.owner_id, accounts.name AS account,
             accounts.currency, booked.id AS transaction_id, booked.kind, booked.reference, booked.description,
             booked.booked_at, booked.reverses_id,
             CAST(sum(posting.amount) OVER (PARTITION BY accounts.id ORDER BY posting.seq) AS bigint) AS balance
      FROM accounts
      JOIN posting ON posting.account_id = accounts.id
      JOIN ledger_transaction AS booked ON booked.id = posting.transaction_id
      WHERE :as_of IS NULL OR booked.booked_at <= :as_of
    ), sums AS (
      SELECT accounts.owner_id, accounts.name, accounts.currency, coalesce(sum(entries.amount), 0) AS balance
      FROM accounts LEFT JOIN entries ON entries.account_id = accounts.id
      GROUP BY accounts.id, accounts.owner_id, accounts.name, accounts.currency
    ), totals AS (
      SELECT coalesce(jsonb_agg(jsonb_build_object(
               'owner_id', owner_id, 'account', name, 'currency', currency, 'balance', balance
             ) ORDER BY owner_id, name), '[]') AS totals FROM sums
    ), page AS (
      SELECT * FROM entries WHERE seq > :after ORDER BY seq LIMIT :limit
    )
    SELECT totals.totals, page.* FROM totals LEFT JOIN page ON true ORDER BY page.seq
    """
).bindparams(
    bindparam("owner_kind", type_=String()),
    bindparam("owner_ids", type_=ARRAY(Uuid())),
    bindparam("as_of", type_=DateTime(timezone=True)),
    bindparam("after", type_=BigInteger()),
    bindparam("limit", type_=Integer()),
)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting: `amount` signed minor units into `account`, and the account's `balance` after it."""

    seq: int
    owner_id: UUID
    account: str
    currency: str
    amount: int
    balance: int
    transaction_id: UUID
    kind: str
    reference: str
    description: str
    booked_at: datetime
    reverses_id: UUID | None


@dataclass(frozen=True, slots=True)
class Total:
    """An account's balance, in minor units, over every posting up to the statement's instant."""

    owner_id: UUID
    account: str
    currency: str
    balance: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One page of lines, oldest first; totals are of the whole statement. `after`: where the next page starts."""

    lines: list[StatementLine]
    totals: list[Total]
    after: list[int] | None


def statement(
    session: Session,
    owner_kind: str,
    owner_ids: Collection[UUID],
    *,
    as_of: datetime | None = None,
    place: list[Any] | None = None,
    limit: int = 100,
) -> Statement:
    """What was booked for these owners up to `as_of` (all, where None), at most `limit` lines after `place`."""
    given = {
        "owner_kind": owner_kind,
        "owner_ids": list(owner_ids),
        "as_of": as_of,
        "after": int(place[0]) if place else 0,
        "limit": limit + 1,
    }
    rows = session.execute(STATEMENT, given).mappings().all()
    lines = [_line(row) for row in rows if row["seq"] is not None]
    more = len(lines) > limit
    kept = lines[:limit]
    return Statement(kept, [_total(each) for each in rows[0]["totals"]], [kept[-1].seq] if more else None)


def _line(row: Any) -> StatementLine:
    return StatementLine(**{name: row[name] for name in StatementLine.__dataclass_fields__})


def _total(found: dict[str, Any]) -> Total:
    return Total(UUID(found["owner_id"]), found["account"], found["currency"], int(found["balance"]))


TRIAL_BALANCE = text(
    """
    SELECT a.owner_kind, a.name AS account, a.currency, count(DISTINCT a.owner_id) AS owners,
           CAST(coalesce(sum(moved.amount), 0) AS bigint) AS balance
    FROM ledger_account AS a
    LEFT JOIN (
      SELECT posting.account_id, sum(posting.amount) AS amount
      FROM posting JOIN ledger_transaction AS booked ON booked.id = posting.transaction_id
      WHERE :as_of IS NULL OR booked.booked_at <= :as_of
      GROUP BY posting.account_id
    ) AS moved ON moved.account_id = a.id
    WHERE a.owner_id = ANY (:owner_ids)
    GROUP BY a.owner_kind, a.name, a.currency
    ORDER BY a.currency, a.owner_kind DESC, a.name
    """
).bindparams(bindparam("owner_ids", type_=ARRAY(Uuid())), bindparam("as_of", type_=DateTime(timezone=True)))


@dataclass(frozen=True, slots=True)
class TrialLine:
    """All accounts of one name, kind of owner and currency: how many owners have one, and their sum in minor units."""

    owner_kind: str
    account: str
    currency: str
    owners: int
    balance: int


def trial_balance(session: Session, owner_ids: Collection[UUID], as_of: datetime | None = None) -> list[TrialLine]:
    """The sums of these owners' accounts, out of the postings up to `as_of` (all, where None); together zero."""
    rows = session.execute(TRIAL_BALANCE, {"owner_ids": sorted(owner_ids), "as_of": as_of}).mappings()
    return [TrialLine(**row) for row in rows]
