"""Minimal Financial Assistance, purely: the window of three financial years, what is used of the limit, what is left.

Subsidy Control Act 2022, section 36: an enterprise may be given no more than the limit in the present financial year to
date and the two before it; the total may equal the limit ("does not exceed"). A financial year begins on 1 April. What
fails is "another route is needed", never "no". Must not know the database, the clock or who asks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from marketplace.values.reasons import Level, Outcome, Reason
from marketplace.values.refusals import Conflict, Unprocessable

COUNTED_ROUTES = frozenset({"mfa", "spei"})
"""Section 36(1) adds up Minimal Financial Assistance and assistance for services of public economic interest."""


class SubsidyWrong(Unprocessable):
    """What was said of the subsidy contradicts the offer; `errors` names each fault."""

    code = "subsidy-wrong"
    title = "The subsidy does not fit the offer"


class NotASubsidy(Conflict):
    """Nothing is to be confirmed of a pledge that is not given as Minimal Financial Assistance."""

    code = "not-a-subsidy"
    title = "This pledge is not Minimal Financial Assistance"


class SubsidyOverLimit(Conflict):
    """The limit would be passed: nobody can confirm that it is kept. `reasons` says by what."""

    code = "subsidy-over-limit"
    title = "The limit of Minimal Financial Assistance would be passed"


def window_start(on: date) -> date:
    """The first day that counts on a day: 1 April, two financial years before the present one."""
    year = on.year if (on.month, on.day) >= (4, 1) else on.year - 1
    return date(year - 2, 4, 1)


def used_on(on: date, given: Iterable[tuple[date, int]]) -> int:
    """What was given in the window up to `on`, in minor units."""
    first = window_start(on)
    return sum(amount for day, amount in given if first <= day <= on)


@dataclass(frozen=True, slots=True)
class Headroom:
    """How much of the limit is used on a day, out of what is known here and what the group declares (minor units).

    `received` is the group's own answer for the whole (the fact `mfa_received`), where it is one of that financial
    year: a floor, since what is recorded here is part of it.
    """

    on: date
    limit: int
    committed: int
    declared: int
    received: int | None

    @property
    def window_from(self) -> date:
        return window_start(self.on)

    @property
    def used(self) -> int:
        return max(self.committed + self.declared, self.received or 0)

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


def mfa_reason(headroom: Headroom | None, limit: int, benefit: int, *, hard: bool) -> Reason:
    """Whether `benefit` more keeps within the limit. Unknown, and not shared, without a headroom to look at."""
    level = Level.HARD if hard else Level.SOFT
    if headroom is None:
        return Reason("MFA_LIMIT", Outcome.UNKNOWN, op="lte", wanted=limit, level=level, not_shared=True)
    total = headroom.used + benefit
    outcome = Outcome.MET if total <= limit else Outcome.UNMET
    return Reason("MFA_LIMIT", outcome, op="lte", wanted=limit, found=total, level=level)


def route_of(reason: Reason, named: str | None) -> str | None:
    """The route that an offer goes: the one named, else Minimal Financial Assistance while that may be open.

    None where the limit is passed and no other route was named.
    """
    over = reason.outcome is Outcome.UNMET
    if named is None:
        return None if over else "mfa"
    return None if over and named == "mfa" else named


def benefit_of(parts: Sequence[tuple[str, int]], subsidies: frozenset[str], declared: int | None) -> int | None:
    """What of an offer counts as a subsidy: what was declared, else the whole of the parts that are one.

    `subsidies` are the instruments that usually are one when the money is public. None where it has to be declared: a
    loan counts by the cash-equivalent of its benefit, which nobody can tell from the amount.
    """
    if declared is not None:
        return declared
    if any(instrument not in subsidies and instrument != "pro_bono" for instrument, _ in parts):
        return None
    return sum(amount for instrument, amount in parts if instrument in subsidies)
