"""The goals: a ratio, what it has to be, and the verdict. A goal says pass or miss, or why nobody can say."""

from dataclasses import dataclass
from typing import Any

from benchmarks.measuring import Load, Spread

PASS, MISS, NOT_JUDGED, NOT_MEASURED = "pass", "miss", "not judged", "not measured"
BUSIEST = 2.0
"""With a load of others above this a ratio is printed and nothing is judged."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One line of the report. `ratio` is None where nothing was measured; `why` explains the verdict."""

    name: str
    ratio: Spread | None
    target: str
    verdict: str
    why: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "goal": self.name,
            "ratio": self.ratio.as_json() if self.ratio else None,
            "target": self.target,
            "verdict": self.verdict,
            "why": self.why,
        }

    def __str__(self) -> str:
        ratio = f"{self.ratio}" if self.ratio else "-"
        why = f" ({self.why})" if self.why else ""
        return f"{self.name:<58} {ratio:>22}  {self.target:>8}  {self.verdict}{why}"


def at_least(name: str, ratio: Spread, target: float, load: Load | None = None) -> Judged:
    """A goal whose median ratio has to reach `target`. Give the load where others' load bears on the ratio."""
    return _judge(name, ratio, f">= {target:g}", ratio.median >= target, load)


def at_most(name: str, ratio: Spread, target: float, load: Load | None = None) -> Judged:
    """A goal whose median ratio may not pass `target`."""
    return _judge(name, ratio, f"<= {target:g}", ratio.median <= target, load)


def holds(name: str, held: bool, why: str) -> Judged:
    """A goal that is no ratio: it holds or not, however busy the machine is."""
    return Judged(name, None, "holds", PASS if held else MISS, why)


def for_the_record(name: str, ratio: Spread, why: str) -> Judged:
    """A ratio that has no goal at this size."""
    return Judged(name, ratio, "-", NOT_JUDGED, why)


def not_measured(name: str, why: str) -> Judged:
    """A goal that could not be measured."""
    return Judged(name, None, "-", NOT_MEASURED, why)


def _judge(name: str, ratio: Spread, target: str, reached: bool, load: Load | None) -> Judged:
    others = load.others() if load is not None else 0.0
    if others > BUSIEST:
        return Judged(name, ratio, target, NOT_JUDGED, f"others keep the machine at a load of {others:.1f}")
    return Judged(name, ratio, target, PASS if reached else MISS)
