"""Recoverable grants: repaid only when a defined event happens, a multiple of the award in equal yearly parts. Pure."""

from dataclasses import dataclass
from datetime import date

from marketplace.instruments.amounts import equal_parts, in_order, share_of
from marketplace.instruments.dates import years_after


@dataclass(frozen=True, slots=True)
class RecoverableTerms:
    """`multiple_bp` of the award falls due in `instalments`, the first `first_year` years after the event."""

    multiple_bp: int = 10_000
    instalments: int = 3
    first_year: int = 1


@dataclass(frozen=True, slots=True)
class Due:
    """A part that falls due: of the award itself, and the premium above it."""

    due_on: date
    principal: int
    premium: int

    @property
    def amount(self) -> int:
        return self.principal + self.premium


def repayable(award: int, terms: RecoverableTerms) -> int:
    """k x A, half-up."""
    return share_of(award, terms.multiple_bp)


def recoverable_dues(award: int, terms: RecoverableTerms, event_on: date | None) -> list[Due]:
    """k x A in equal yearly parts that sum to it to the penny; nothing before the event.

    The award comes back before the premium, so that the pool is made whole first. Where k is below one, the rest of the
    award stays a grant.
    """
    if event_on is None or not award:
        return []
    parts = equal_parts(repayable(award, terms), terms.instalments)
    principal = min(award, sum(parts))
    capitals = in_order(principal, parts)
    return [
        Due(years_after(event_on, terms.first_year + place), capital, part - capital)
        for place, (part, capital) in enumerate(zip(parts, capitals, strict=True))
    ]
