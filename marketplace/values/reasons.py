"""Reason: why one criterion, law, gate or condition holds, does not hold, or cannot be told."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """Kleene's three values: unknown is a value of its own, never a no."""

    MET = "met"
    UNMET = "unmet"
    UNKNOWN = "unknown"


class Level(StrEnum):
    """Hard decides the result; soft only moves the fit."""

    HARD = "hard"
    SOFT = "soft"


@dataclass(frozen=True, slots=True)
class Reason:
    """One shape for eligibility, law checks, gates and refusals (codes and parameters, so that any client can word it).

    `words` is the author's own text, as a language map. `not_shared` says that the asker may not see the fact,
    whether or not it has been answered. `assurance` is how well the fact is known, `assurance_wanted` how well it has
    to be known; None is declared.
    """

    code: str
    outcome: Outcome
    op: str | None = None
    fact: str | None = None
    wanted: Any = None
    found: Any = None
    level: Level = Level.HARD
    assurance: str | None = None
    assurance_wanted: str | None = None
    words: dict[str, str] | None = None
    negated: bool = False
    not_shared: bool = False
    waivable: bool = False

    def as_json(self) -> dict[str, Any]:
        """The reason as plain JSON values, the found and wanted ones as they are: nobody changes an answer."""
        return {name: getattr(self, name) for name in _MEMBERS}


_MEMBERS = tuple(member.name for member in fields(Reason))


def unmet(reasons: Iterable[Reason]) -> list[Reason]:
    """Those that are not met, unknown ones included: what a refusal has to name."""
    return [reason for reason in reasons if reason.outcome is not Outcome.MET]
