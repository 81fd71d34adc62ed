"""What a booking's digest covers: the transaction, its postings, and whose accounts they moved.

The audit chain keeps the digest, so that no later change of a booked row goes unseen. Knows no chain.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from marketplace.ledger.models import LedgerAccount, LedgerTransaction, Posting
from marketplace.values.canonical import canonical_json, sha256_of

BOUND_AS = "ledger_transaction"
"""The name under which audit entries bind a booking."""


def booking_digest(transaction: Any, lines: Iterable[Row[Any]]) -> str:
    """SHA-256 of a booking: the transaction's columns, and each posting's with the account it names.

    `lines` are rows in the order of their positions: posting_id, seq, position, account_id, owner_kind, owner_id, name,
    currency, amount (signed minor units).
    """
    told = {
        "id": str(transaction.id),
        "kind": transaction.kind,
        "reference": transaction.reference,
        "description": transaction.description,
        "booked_at": _moment(transaction.booked_at),
        "actor_user_id": _id(transaction.actor_user_id),
        "reverses_id": _id(transaction.reverses_id),
        "posting_count": transaction.posting_count,
        "postings": [
            [
                str(line.posting_id),
                line.seq,
                line.position,
                str(line.account_id),
                line.owner_kind,
                str(line.owner_id),
                line.name,
                line.currency,
                line.amount,
            ]
            for line in lines
        ],
    }
    return sha256_of(canonical_json(told))


def digests_of(session: Session, ids: Iterable[UUID]) -> dict[UUID, str]:
    """The digests of these bookings as they stand now; those that are not there are left out."""
    return dict(_digested(session, sorted(ids)))


def ids_after(session: Session, after: UUID | None, limit: int) -> list[UUID]:
    """The next bookings' ids, in order."""
    query = select(LedgerTransaction.id).order_by(LedgerTransaction.id).limit(limit)
    return list(session.scalars(query if after is None else query.where(LedgerTransaction.id > after)))


def _digested(session: Session, ids: list[UUID]) -> Iterator[tuple[UUID, str]]:
    transaction = LedgerTransaction.__table__.c
    lines = (
        select(
            *transaction,
            Posting.id.label("posting_id"),
            Posting.seq,
            Posting.position,
            Posting.account_id,
            Posting.amount,
            LedgerAccount.owner_kind,
            LedgerAccount.owner_id,
            LedgerAccount.name,
            LedgerAccount.currency,
        )
        .outerjoin(Posting, Posting.transaction_id == LedgerTransaction.id)
        .outerjoin(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(LedgerTransaction.id.in_(ids))
        .order_by(LedgerTransaction.id, Posting.position)
    )
    for booked, found in groupby(session.execute(lines), key=lambda row: row.id):
        rows: list[Any] = list(found)
        yield booked, booking_digest(rows[0], [row for row in rows if row.posting_id is not None])


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)
