"""What a repayment is for: fee, interest, principal and premium, in that order among what is due. Pure; minor units.

A fee that was added to a balance falls due with the capital, of which it is the first part. What is over pays the
interest of the month that has begun, and then capital before its time, which bears no interest from the next month on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

FILLED_IN_ORDER = (
    ("fee", "fee_due"),
    ("interest", "interest_due"),
    ("principal", "principal_due"),
    ("premium", "premium_due"),
    ("interest", "interest_begun"),
    ("fee", "fee_later"),
    ("principal", "principal_later"),
    ("premium", "premium_later"),
)
"""The share that a repayment goes to, and what of it is filled: everything that is due, and then the rest."""


@dataclass(frozen=True, slots=True)
class Owed:
    """What one tranche owes: what has fallen due, the interest of the month begun, and what falls due later."""

    fee_due: int = 0
    interest_due: int = 0
    principal_due: int = 0
    premium_due: int = 0
    interest_begun: int = 0
    fee_later: int = 0
    principal_later: int = 0
    premium_later: int = 0

    @property
    def all(self) -> int:
        """The most that can be repaid now."""
        return sum(getattr(self, each.name) for each in fields(self))

    @property
    def due(self) -> int:
        return self.fee_due + self.interest_due + self.principal_due + self.premium_due


@dataclass(frozen=True, slots=True)
class Share:
    """What of a repayment one tranche takes, and for what. Fee, interest and premium are income; principal is not."""

    fee: int = 0
    interest: int = 0
    principal: int = 0
    premium: int = 0

    @property
    def amount(self) -> int:
        return self.fee + self.interest + self.principal + self.premium


def allocate(amount: int, owed: Sequence[Owed]) -> list[Share]:
    """How a repayment is shared among tranches, oldest first: all fees due, then all interest due, and so on.

    The shares sum to `amount`. ValueError for more than is owed in all, or for nothing.
    """
    if not 0 < amount <= sum(each.all for each in owed):
        raise ValueError(f"{amount} is not between 1 and what is owed")
    shares = [dict.fromkeys(("fee", "interest", "principal", "premium"), 0) for _ in owed]
    left = amount
    for kind, name in FILLED_IN_ORDER:
        for share, each in zip(shares, owed, strict=True):
            taken = min(left, getattr(each, name))
            share[kind] += taken
            left -= taken
    return [Share(**share) for share in shares]
