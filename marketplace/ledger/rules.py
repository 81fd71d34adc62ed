"""The chart of accounts and the movements between accounts, as data. Pure: knows amounts and keys, no tables.

An entry is signed: minor units that flow into an account are positive, out of it negative. Each movement names the
programme's accounts and the pledge's own parallel set, so its entries sum to zero for the programme, for the pledge,
and so in all. A source account (`budget_source`, `promised`) is the one that may be negative: its balance is minus
everything that ever came out of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from marketplace.values.money import LARGEST_AMOUNT
from marketplace.values.refusals import Conflict, NotFound


class Owner(StrEnum):
    """Whose accounts."""

    PROGRAMME = "programme"
    PLEDGE = "pledge"
    FACILITY = "facility"
    EMPLOYER_MATCH = "employer_match"


CHART: Mapping[str, Mapping[str, bool]] = MappingProxyType(
    {
        Owner.PROGRAMME: MappingProxyType(
            {
                "budget_source": False,
                "available": True,
                "committed": True,
                "paid": True,
                "delivered_in_kind": True,
                "returned": True,
                "repaid": True,
                "written_off": True,
            }
        ),
        Owner.PLEDGE: MappingProxyType(
            {
                "promised": False,
                "committed": True,
                "paid": True,
                "delivered_in_kind": True,
                "cancelled": True,
                "returned": True,
                "repaid": True,
                "written_off": True,
                "recycled": True,
            }
        ),
        Owner.FACILITY: MappingProxyType(
            {
                "capital_source": False,
                "undrawn": True,
                "drawn": True,
                "repaid": True,
                "lost": True,
                "layers_source": False,
                "first_loss": True,
                "mezzanine": True,
                "senior": True,
                "first_loss_lost": True,
                "mezzanine_lost": True,
                "senior_lost": True,
            }
        ),
        Owner.EMPLOYER_MATCH: MappingProxyType(
            {
                "promised": False,
                "cash_committed": True,
                "cash_paid": True,
                "time_committed": True,
                "time_given": True,
            }
        ),
    }
)
"""The accounts of each kind of owner; True: guarded, that is, never below zero."""

INCOME: Mapping[str, bool] = MappingProxyType({"earned": False, "fees": True, "interest": True, "premiums": True})
"""What repayments bring above the principal, of a programme and of a pledge; opened when something was first earned.

Income is no principal: it is never part of a budget, and never recycles. `earned` is its source.
"""

GUARANTEES: Mapping[str, bool] = MappingProxyType(
    {"guarantees": False, "guarantee_promised": True, "guarantee_given": True}
)
"""Memorandum accounts, of a programme and of a pledge, opened with the first guarantee: neither budget nor cash."""


@dataclass(frozen=True, slots=True, order=True)
class AccountKey:
    """One account: whose, and which of theirs."""

    owner_kind: str
    owner_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """`amount` signed minor units into `account`."""

    account: AccountKey
    amount: int


class AlreadyBooked(Conflict):
    """A ledger transaction of that kind and reference exists; whatever it books can happen once only."""

    code = "already-booked"
    title = "That was booked before"


class InsufficientBalance(Conflict):
    """An account would fall below zero. `account` says which, `available` what it holds, `needed` what was asked."""

    code = "insufficient-balance"
    title = "There is not enough left"


class BalanceTooLarge(Conflict):
    """An account would hold more than the largest amount that the marketplace keeps, 10^15 minor units."""

    code = "balance-too-large"
    title = "The balance would be too large"


class AccountsInAnotherCurrency(Conflict):
    """The accounts were opened in another currency; an account keeps its currency for ever."""

    code = "accounts-in-another-currency"
    title = "The accounts are in another currency"


class NoSuchTransaction(NotFound):
    """There is no ledger transaction with that id."""

    code = "no-such-ledger-transaction"
    title = "There is no such ledger transaction"


def set_budget(programme_id: UUID, amount: int) -> list[Entry]:
    """A first budget of `amount` minor units (positive) becomes available."""
    return change_budget(programme_id, _positive(amount))


def change_budget(programme_id: UUID, difference: int) -> list[Entry]:
    """The budget grows by `difference` minor units, or shrinks where it is negative; never below what is committed.

    ValueError for zero: there is nothing to book.
    """
    if difference == 0 or abs(difference) > LARGEST_AMOUNT:
        raise ValueError(f"a budget cannot change by {difference}")
    return _move(Owner.PROGRAMME, programme_id, "budget_source", "available", difference)


def accept(programme_id: UUID, pledge_id: UUID, amount: int) -> list[Entry]:
    """A pledge of `amount` is accepted: available becomes committed."""
    return _both(programme_id, pledge_id, amount, ("available", "committed"), ("promised", "committed"))


def pay(programme_id: UUID, pledge_id: UUID, amount: int) -> list[Entry]:
    """A payment of `amount` was made: committed becomes paid."""
    return _both(programme_id, pledge_id, amount, ("committed", "paid"), ("committed", "paid"))


def deliver(programme_id: UUID, pledge_id: UUID, amount: int) -> list[Entry]:
    """Support in kind worth `amount` was delivered: it fills the ask and uses the budget, and is never cash."""
    moved = ("committed", "delivered_in_kind")
    return _both(programme_id, pledge_id, amount, moved, moved)


def cancel(programme_id: UUID, pledge_id: UUID, amount: int) -> list[Entry]:
    """`amount` of the unpaid rest will not be paid: committed becomes available again."""
    return _both(programme_id, pledge_id, amount, ("committed", "available"), ("committed", "cancelled"))


def return_(programme_id: UUID, pledge_id: UUID, amount: int, *, recycled: bool) -> list[Entry]:
    """`amount` of what was paid came back; `recycled`: the terms make it available to the programme again."""
    return _back(programme_id, pledge_id, amount, "returned", recycled=recycled)


def repay(programme_id: UUID, pledge_id: UUID, amount: int, *, recycled: bool) -> list[Entry]:
    """`amount` of a repayable payment was repaid; `recycled`: it is available to the programme again."""
    return _back(programme_id, pledge_id, amount, "repaid", recycled=recycled)


def write_off(programme_id: UUID, pledge_id: UUID, amount: int) -> list[Entry]:
    """`amount` of a repayable payment will never come back."""
    return _both(programme_id, pledge_id, amount, ("paid", "written_off"), ("paid", "written_off"))


def earn(programme_id: UUID, pledge_id: UUID, *, fee: int, interest: int, premium: int) -> list[Entry]:
    """A repayment brought income: a fee, interest, a premium above the principal; nothing where all three are zero."""
    amounts = {"fees": fee, "interest": interest, "premiums": premium}
    return [
        entry
        for account, amount in amounts.items()
        if amount
        for entry in _both(programme_id, pledge_id, amount, ("earned", account), ("earned", account))
    ]


def promise_guarantee(programme_id: UUID, pledge_id: UUID, amount: int) -> list[Entry]:
    """A guarantee of `amount` is promised: a memorandum, that takes nothing from the budget."""
    moved = ("guarantees", "guarantee_promised")
    return _both(programme_id, pledge_id, amount, moved, moved)


def give_guarantee(programme_id: UUID, pledge_id: UUID, amount: int) -> list[Entry]:
    """A promised guarantee was given."""
    moved = ("guarantee_promised", "guarantee_given")
    return _both(programme_id, pledge_id, amount, moved, moved)


def cancel_guarantee(programme_id: UUID, pledge_id: UUID, amount: int) -> list[Entry]:
    """A promised guarantee will not be given."""
    moved = ("guarantee_promised", "guarantees")
    return _both(programme_id, pledge_id, amount, moved, moved)


def end_guarantee(programme_id: UUID, pledge_id: UUID, amount: int) -> list[Entry]:
    """A guarantee that was given has ended: its last day is over, and nobody called it."""
    moved = ("guarantee_given", "guarantees")
    return _both(programme_id, pledge_id, amount, moved, moved)


def opposite(entries: Iterable[Entry]) -> list[Entry]:
    """The entries that undo `entries`, in their order."""
    return [Entry(entry.account, -entry.amount) for entry in entries]


def balanced(entries: Sequence[Entry]) -> bool:
    """True when the entries can be booked together: two or more, none of them zero or too large, their sum zero."""
    sizes_fit = all(0 < abs(entry.amount) <= LARGEST_AMOUNT for entry in entries)
    return len(entries) >= 2 and sizes_fit and sum(entry.amount for entry in entries) == 0


def _both(
    programme_id: UUID, pledge_id: UUID, amount: int, in_programme: tuple[str, str], in_pledge: tuple[str, str]
) -> list[Entry]:
    return [
        *_move(Owner.PROGRAMME, programme_id, *in_programme, _positive(amount)),
        *_move(Owner.PLEDGE, pledge_id, *in_pledge, amount),
    ]


def _back(programme_id: UUID, pledge_id: UUID, amount: int, kept_in: str, *, recycled: bool) -> list[Entry]:
    came = _both(programme_id, pledge_id, amount, ("paid", kept_in), ("paid", kept_in))
    if not recycled:
        return came
    return came + _both(programme_id, pledge_id, amount, (kept_in, "available"), (kept_in, "recycled"))


def _move(owner_kind: str, owner_id: UUID, source: str, target: str, amount: int) -> list[Entry]:
    return [
        Entry(AccountKey(owner_kind, owner_id, source), -amount),
        Entry(AccountKey(owner_kind, owner_id, target), amount),
    ]


def _positive(amount: int) -> int:
    if not 0 < amount <= LARGEST_AMOUNT:
        raise ValueError(f"an amount to move is between 1 and {LARGEST_AMOUNT} minor units, not {amount}")
    return amount
