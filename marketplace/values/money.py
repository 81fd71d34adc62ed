"""Money: an amount in integer minor units and its ISO 4217 currency. Knows no rates and rounds nothing."""

from dataclasses import dataclass

LARGEST_AMOUNT = 10**15
"""The largest amount, in minor units, that the marketplace accepts (CHECK constraints repeat it)."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`amount` minor units (pence) of `currency` (three capital letters)."""

    amount: int
    currency: str

    def plus(self, other: "Money") -> "Money":
        """The sum; ValueError across currencies, which are never added."""
        if other.currency != self.currency:
            raise ValueError(f"{other.currency} cannot be added to {self.currency}")
        return Money(self.amount + other.amount, self.currency)


def split_by_basis_points(amount: int, shares: list[int]) -> list[int]:
    """Split `amount` minor units in proportion to `shares` (basis points) by largest remainder.

    The parts sum to `amount` exactly and each differs from its exact share by less than one minor unit
    (Hamilton's method). ValueError unless the shares are positive and sum to 10,000.
    """
    if sum(shares) != 10_000 or any(share <= 0 for share in shares):
        raise ValueError("shares must be positive and sum to 10,000 basis points")
    floors = [amount * share // 10_000 for share in shares]
    remainders = [amount * share % 10_000 for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda place: (-remainders[place], place))
    for place in by_remainder[: amount - sum(floors)]:
        floors[place] += 1
    return floors
