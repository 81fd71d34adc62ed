"""Booking: the one door to the ledger. Opens accounts, posts entries, reverses them, reads balances.

Knows no programme and no pledge: whoever posts has checked that the act is allowed, holds its own locks already (the
accounts come last in the lock order), and records the event. Flushes, never commits.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import not_, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from marketplace.ledger.models import LedgerAccount, LedgerTransaction, Posting
from marketplace.ledger.rules import (
    CHART,
    AccountKey,
    AccountsInAnotherCurrency,
    AlreadyBooked,
    Entry,
    InsufficientBalance,
    NoSuchTransaction,
    balanced,
    net_of,
    opposite,
)
from marketplace.store.base import new_id
from marketplace.values.actor import Actor

REVERSAL = "reversal"


def open_accounts(session: Session, owner_kind: str, owner_id: UUID, currency: str) -> None:
    """Open the chart's accounts for an owner, all at zero; those that are open stay as they are.

    AccountsInAnotherCurrency where they were opened in another currency; KeyError for an owner kind without a chart.
    """
    rows = [
        {"id": new_id(), "owner_kind": owner_kind, "owner_id": owner_id, "name": name, "guarded": guarded}
        for name, guarded in CHART[owner_kind].items()
    ]
    opening = insert(LedgerAccount).values([row | {"currency": currency, "balance": 0} for row in rows])
    session.execute(opening.on_conflict_do_nothing())
    found = session.scalars(select(LedgerAccount.currency).where(*_owned(owner_kind, owner_id)).distinct()).all()
    if set(found) != {currency}:
        raise AccountsInAnotherCurrency(f"The accounts are in {found[0]}.", currency=found[0])


def post(
    session: Session, *, kind: str, reference: str, entries: Sequence[Entry], actor: Actor, description: str
) -> LedgerTransaction:
    """Book `entries` (signed minor units) under the business act `(kind, reference)`.

    AlreadyBooked when that act was booked before, however long ago; InsufficientBalance, with `available` and
    `needed`, when a guarded account would fall below zero; ValueError for entries that do not sum to zero in each
    currency; LookupError for an account that was never opened. On a refusal the caller's transaction must end.
    """
    return _book(session, kind, reference, entries, actor, description, reverses=None)


def reverse(session: Session, transaction_id: UUID, *, actor: Actor, description: str) -> LedgerTransaction:
    """Book the opposite of a transaction, naming it; the only way to correct one.

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
) -> LedgerTransaction:
    if not balanced(entries):
        raise ValueError(f"entries of {kind} {reference} do not balance: {entries}")
    accounts = _accounts_of(session, entries)
    _refuse_mixed_currencies(accounts, entries)
    made = _write_transaction(session, kind, reference, actor, description, reverses, len(entries))
    changes = [(accounts[key], amount) for key, amount in net_of(entries).items() if amount]
    for account, amount in sorted(changes, key=lambda change: change[0].id):
        _change_balance(session, account, amount)
    _write_postings(session, made, [(accounts[entry.account].id, entry.amount) for entry in entries])
    return session.get_one(LedgerTransaction, made, populate_existing=True)


def _accounts_of(session: Session, entries: Sequence[Entry]) -> Mapping[AccountKey, Any]:
    """Id and currency of each account (rows of columns: no balance is kept in the session to grow stale)."""
    wanted = {(entry.account.owner_kind, entry.account.owner_id, entry.account.name) for entry in entries}
    key = tuple_(LedgerAccount.owner_kind, LedgerAccount.owner_id, LedgerAccount.name)
    columns = (LedgerAccount.id, LedgerAccount.currency, LedgerAccount.name, LedgerAccount.owner_kind)
    rows = session.execute(select(*columns, LedgerAccount.owner_id).where(key.in_(sorted(wanted)))).all()
    found = {_key(row): row for row in rows}
    missing = {AccountKey(*each) for each in wanted} - set(found)
    if missing:
        raise LookupError(f"no such accounts: {sorted(missing)}")
    return found


def _refuse_mixed_currencies(accounts: Mapping[AccountKey, Any], entries: Sequence[Entry]) -> None:
    for currency in {account.currency for account in accounts.values()}:
        if sum(entry.amount for entry in entries if accounts[entry.account].currency == currency):
            raise ValueError(f"the entries in {currency} do not sum to zero")


def _write_transaction(
    session: Session,
    kind: str,
    reference: str,
    actor: Actor,
    description: str,
    reverses: UUID | None,
    posting_count: int,
) -> UUID:
    """The new transaction's id. A twin in flight is waited for: once it commits, this one is AlreadyBooked."""
    values = {
        "id": new_id(),
        "kind": kind,
        "reference": reference,
        "description": description,
        "actor_user_id": actor.user_id,
        "reverses_id": reverses,
        "posting_count": posting_count,
    }
    writing = insert(LedgerTransaction).values(values).on_conflict_do_nothing().returning(LedgerTransaction.id)
    made = session.execute(writing).scalar()
    if made is None:
        raise AlreadyBooked("The same act was booked before; nothing was booked again.", kind=kind, reference=reference)
    return made


def _change_balance(session: Session, account: Any, amount: int) -> None:
    """Move the kept balance by `amount`, only as far as the guard allows: the row is the lock."""
    changing = (
        update(LedgerAccount)
        .where(LedgerAccount.id == account.id)
        .where(or_(not_(LedgerAccount.guarded), LedgerAccount.balance + amount >= 0))
        .values(balance=LedgerAccount.balance + amount)
        .execution_options(synchronize_session=False)
    )
    outcome = session.execute(changing)
    if isinstance(outcome, CursorResult) and outcome.rowcount == 1:
        return
    left = session.scalars(select(LedgerAccount.balance).where(LedgerAccount.id == account.id)).one()
    raise InsufficientBalance(
        f"The {account.owner_kind}'s account `{account.name}` does not hold that much.",
        account=account.name,
        owner=account.owner_kind,
        available={"amount": left, "currency": account.currency},
        needed={"amount": -amount, "currency": account.currency},
    )


def _write_postings(session: Session, transaction_id: UUID, lines: Sequence[tuple[UUID, int]]) -> None:
    rows = [
        {"id": new_id(), "transaction_id": transaction_id, "account_id": account, "amount": amount, "position": place}
        for place, (account, amount) in enumerate(lines)
    ]
    session.execute(insert(Posting).values(rows))


def _owned(owner_kind: str, owner_id: UUID) -> tuple[Any, ...]:
    return LedgerAccount.owner_kind == owner_kind, LedgerAccount.owner_id == owner_id


def _key(account: Any) -> AccountKey:
    return AccountKey(account.owner_kind, account.owner_id, account.name)
