"""Rounding and shares: decimals inside, whole minor units out. Standard library only.

Knows no instrument. Amounts are integer minor units (pence), rates basis points.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext

BASIS_POINTS = 10_000
PRECISION = 50
"""Significant digits inside a calculation: 10^15 minor units times any rate leave more than thirty for the fraction."""


def half_up(amount: Decimal) -> int:
    """The nearest whole minor unit, halves away from zero: 478.125 pounds of interest are 478.13.

    Half-up is how money is shown to the penny by the loan offers that the tests rebuild (`blended-thrive`).
    """
    with localcontext() as context:
        context.prec = PRECISION
        return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def share_of(amount: int, rate_bp: int) -> int:
    """`rate_bp` basis points of `amount`, to the nearest minor unit, halves up; exact in integers."""
    return (2 * amount * rate_bp + BASIS_POINTS) // (2 * BASIS_POINTS)


def equal_parts(amount: int, number: int) -> list[int]:
    """`amount` in `number` parts that sum to it and differ by one minor unit at most, the larger ones first.

    Largest remainder (Hamilton) for equal shares. ValueError for no parts or a negative amount.
    """
    if number < 1 or amount < 0:
        raise ValueError(f"{amount} cannot be split into {number} parts")
    whole, left = divmod(amount, number)
    return [whole + (place < left) for place in range(number)]


def in_order(amount: int, sizes: Sequence[int]) -> list[int]:
    """How `amount` fills `sizes` one after the other; what is over fills nothing."""
    taken = []
    for size in sizes:
        taken.append(min(max(amount, 0), size))
        amount -= taken[-1]
    return taken
