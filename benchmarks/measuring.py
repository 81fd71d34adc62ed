"""Timing side by side: engines take turns on each question, and only the ratios of one question's times are compared.

Knows clocks and counting. Must not know what is timed. Wall time is compared; processor time (this process and the
database's backend, where the machine tells it) is printed beside it. No absolute time is ever judged.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

Engine = Callable[[Any], Any]
Clock = Callable[[], float]


class EnginesDisagreeError(AssertionError):
    """Two engines answered one question differently: then neither has a time."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with its quartiles."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The median and quartiles of one value or more."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, median, high = quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))

    def as_json(self) -> dict[str, float]:
        return {"median": self.median, "q1": self.low, "q3": self.high, "count": self.count}

    def __str__(self) -> str:
        return f"{_short(self.median)} [{_short(self.low)}-{_short(self.high)}]"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


@dataclass(slots=True)
class Measured:
    """Seconds per question and engine. A question that an engine did not take is absent there."""

    wall: dict[str, dict[int, float]] = field(default_factory=dict)
    processor: dict[str, dict[int, float]] = field(default_factory=dict)

    def ratio(self, slow: str, fast: str, *, processor: bool = False) -> Spread:
        """How many times as long as `fast` the engine `slow` took, question by question."""
        times = self.processor if processor else self.wall
        shared = sorted(times[slow].keys() & times[fast].keys())
        return Spread.of([times[slow][each] / max(times[fast][each], 1e-9) for each in shared])

    def summary(self) -> dict[str, Any]:
        """Milliseconds for each engine, for the record; nobody judges them."""
        return {
            name: {
                "wall_ms": _in_ms(self.wall[name].values()),
                "processor_ms": _in_ms(self.processor[name].values()),
            }
            for name in self.wall
        }


def _in_ms(seconds: Any) -> dict[str, float]:
    return Spread.of([each * 1000 for each in seconds]).as_json()


def interleave(
    engines: Mapping[str, Engine],
    questions: Sequence[Any],
    *,
    processor: Clock = time.process_time,
    sparse: Mapping[str, int] | None = None,
    same: bool = True,
    warm_up: int = 1,
) -> Measured:
    """Put each question to every engine, each time beginning with another one; the answers have to be equal.

    `sparse` names slow engines and how many of the questions they take, evenly spread. `warm_up` questions are put to
    the others first and not timed. EnginesDisagreeError where `same` and two differ.
    """
    takes = {name: _taken(len(questions), (sparse or {}).get(name)) for name in engines}
    for question in questions[:warm_up]:
        for name, ask in engines.items():
            if name not in (sparse or {}):
                ask(question)
    measured = Measured({name: {} for name in engines}, {name: {} for name in engines})
    names = list(engines)
    for number, question in enumerate(questions):
        turn = number % len(names)
        answers = {}
        for name in (*names[turn:], *names[:turn]):
            if number not in takes[name]:
                continue
            used, started = processor(), time.perf_counter()
            answers[name] = engines[name](question)
            measured.wall[name][number] = time.perf_counter() - started
            measured.processor[name][number] = processor() - used
        if same:
            _refuse_differences(number, answers)
    return measured


def _taken(number: int, wanted: int | None) -> frozenset[int]:
    if wanted is None or wanted >= number:
        return frozenset(range(number))
    return frozenset(round(each * (number - 1) / max(wanted - 1, 1)) for each in range(wanted))


def _refuse_differences(number: int, answers: Mapping[str, Any]) -> None:
    (first, expected), *others = answers.items()
    for name, answer in others:
        if answer != expected:
            raise EnginesDisagreeError(f"question {number}: {first} and {name} differ: {_difference(expected, answer)}")


def _difference(one: Any, other: Any) -> str:
    if isinstance(one, frozenset | set) and isinstance(other, frozenset | set):
        return f"{len(one)} and {len(other)} results; in one alone: {sorted(map(str, one ^ other))[:5]}"
    return f"{one!r:.300} and {other!r:.300}"


def with_backend(pid: int | None) -> Clock:
    """Processor seconds of this process and of the database's backend; the backend's only where Linux shows them.

    Those of parallel workers are not among them.
    """
    place = Path(f"/proc/{pid}/schedstat")
    if pid is None or not place.exists():
        return time.process_time
    return lambda: time.process_time() + int(place.read_text().split()[0]) / 1e9


# The machine


@dataclass(slots=True)
class Load:
    """How busy the machine is with others: the load average less what the benchmark itself keeps running.

    `own` is what this benchmark may account for: one thing at a time runs, here or in the database, and what the
    database sets beside it.
    """

    own: float = 1.0
    seen: list[float] = field(default_factory=list)

    def look(self) -> float:
        """The load average of the last minute; kept, so that a judgement knows before and after."""
        now = os.getloadavg()[0]
        self.seen.append(now)
        return now

    def others(self) -> float:
        """The largest load of others at the last two looks."""
        return max((max(0.0, each - self.own) for each in self.seen[-2:]), default=0.0)
