"""Booking: the one door to the ledger. Opens accounts, posts entries, reverses them, reads balances.

Knows no programme and no pledge: whoever posts has checked that the act is allowed, holds its own locks already (the
accounts come last in the lock order), and records the event. Flushes, never commits.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.ledger.booking import write_booking
from marketplace.ledger.models import LedgerAccount, LedgerTransaction
from marketplace.ledger.rules import (
    CHART,
    AccountKey,
    AccountsInAnotherCurrency,
    AlreadyBooked,
    Entry,
    InsufficientBalance,
    NoSuchTransaction,
    balanced,
    opposite,
)
from marketplace.ledger.seal import BOUND_AS, booking_digest
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor

REVERSAL = "reversal"


def open_accounts(
    session: Session, owner_kind: str, owner_id: UUID, currency: str, accounts: Mapping[str, bool] | None = None
) -> None:
    """Open accounts for an owner, all at zero: the chart's, or those given as {name: guarded}. Open ones stay.

    AccountsInAnotherCurrency where they were opened in another currency; KeyError for an owner kind without a chart.
    """
    rows = [
        {"id": new_id(), "owner_kind": owner_kind, "owner_id": owner_id, "name": name, "guarded": guarded}
        for name, guarded in (accounts or CHART[owner_kind]).items()
    ]
    opening = insert(LedgerAccount).values([row | {"currency": currency, "balance": 0} for row in rows])
    session.execute(opening.on_conflict_do_nothing())
    found = session.scalars(select(LedgerAccount.currency).where(*_owned(owner_kind, owner_id)).distinct()).all()
    if set(found) != {currency}:
        raise AccountsInAnotherCurrency(f"The accounts are in {found[0]}.", currency=found[0])


def post(
    session: Session, *, kind: str, reference: str, entries: Sequence[Entry], actor: Actor, description: str
) -> UUID:
    """Book `entries` (signed minor units) under the business act `(kind, reference)`; the transaction's id.

    AlreadyBooked when that act was booked before, however long ago; InsufficientBalance, with `available` and
    `needed`, when a guarded account would fall below zero; ValueError for entries that do not sum to zero in each
    currency; LookupError for an account that was never opened. On a refusal the caller's transaction must end.
    """
    return _book(session, kind, reference, entries, actor, description, reverses=None)


def reverse(session: Session, transaction_id: UUID, *, actor: Actor, description: str) -> UUID:
    """Book the opposite of a transaction, naming it, the only way to correct one; the new transaction's id.

    AlreadyBooked when it was reversed before; InsufficientBalance when what it moved has moved on since.
    """
    reversed_ = session.get(LedgerTransaction, transaction_id)
    if reversed_ is None:
        raise NoSuchTransaction("There is no ledger transaction with that id.")
    entries = opposite(Entry(_key(posting.account), posting.amount) for posting in reversed_.postings)
    return _book(session, REVERSAL, str(transaction_id), entries, actor, description, reverses=transaction_id)


def balances(session: Session, owner_kind: str, owner_id: UUID) -> dict[str, int]:
    """The owner's balances by account name, in minor units; empty where no accounts were opened. One statement."""
    names = select(LedgerAccount.name, LedgerAccount.balance).where(*_owned(owner_kind, owner_id))
    return {row.name: row.balance for row in session.execute(names)}


def _book(
    session: Session,
    kind: str,
    reference: str,
    entries: Sequence[Entry],
    actor: Actor,
    description: str,
    reverses: UUID | None,
) -> UUID:
    if not balanced(entries):
        raise ValueError(f"entries of {kind} {reference} do not balance: {entries}")
    booked = write_booking(
        session, kind=kind, reference=reference, description=description, actor_user_id=actor.user_id,
        reverses_id=reverses, entries=entries,
    )  # fmt: skip
    if booked is None:
        raise AlreadyBooked("The same act was booked before; nothing was booked again.", kind=kind, reference=reference)
    _refuse_missing_accounts(booked.lines)
    _refuse_mixed_currencies(booked.lines)
    _refuse_an_empty_account(booked.lines)
    journal.bind(session, BOUND_AS, booked.id, booking_digest(booked, booked.lines))
    return booked.id


def _refuse_missing_accounts(lines: Sequence[Row[Any]]) -> None:
    missing = {_key(line) for line in lines if line.account_id is None}
    if missing:
        raise LookupError(f"no such accounts: {sorted(missing)}")


def _refuse_mixed_currencies(lines: Sequence[Row[Any]]) -> None:
    for currency in {line.currency for line in lines}:
        if sum(line.amount for line in lines if line.currency == currency):
            raise ValueError(f"the entries in {currency} do not sum to zero")


def _refuse_an_empty_account(lines: Sequence[Row[Any]]) -> None:
    """The first in the order of the accounts, as they are locked."""
    for line in sorted(lines, key=lambda line: line.account_id):
        if not line.moved:
            raise InsufficientBalance(
                f"The {line.owner_kind}'s account `{line.name}` does not hold that much.",
                account=line.name,
                owner=line.owner_kind,
                available={"amount": line.held, "currency": line.currency},
                needed={"amount": -line.change, "currency": line.currency},
            )


def _owned(owner_kind: str, owner_id: UUID) -> tuple[Any, ...]:
    return LedgerAccount.owner_kind == owner_kind, LedgerAccount.owner_id == owner_id


def _key(account: Any) -> AccountKey:
    return AccountKey(account.owner_kind, account.owner_id, account.name)
