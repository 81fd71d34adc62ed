"""What is usual: lines of an ask by stage, awards that were made, how long steps take and who helps. Data and readers.

Every figure says where it is from: `inferred` is our own, a past award names its sources. Knows no proposal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from marketplace.reference.data_files import read_document
from marketplace.values.money import Money


@dataclass(frozen=True, slots=True)
class UsualLine:
    """A purpose and what is usually asked for it, in minor units of the file's currency."""

    purpose: str
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class PastAward:
    """An award of a closed programme, as its sources print it; None is not known. `up_to`: a limit was printed."""

    recipient: str
    programme: str
    amount: Money
    up_to: bool
    awarded: str
    instrument: str | None
    words: str
    purposes: tuple[str, ...]
    stage: str | None
    sector: str | None
    region: str | None
    sources: tuple[str, ...]
    note: str | None


@dataclass(frozen=True, slots=True)
class UsualStep:
    """How long something usually takes, in days, and which service of an adviser and topic of a resource help."""

    least_days: int
    most_days: int
    service: str | None = None
    topic: str | None = None


_LINES, _AWARDS, _STEPS = (
    read_document(name) for name in ("usual_ask_lines.json", "past_awards.json", "next_steps.json")
)

LINES_VERSION: str = _LINES["version"]
CURRENCY: str = _LINES["currency"]
LINES_PROVENANCE: str = _LINES["provenance"]
LINES_NOTE: str = _LINES["note"]
USUAL_LINES: Mapping[str, tuple[UsualLine, ...]] = MappingProxyType(
    {row["stage"]: tuple(UsualLine(**line) for line in row["lines"]) for row in _LINES["stages"]}
)
"""By stage: every stage at which something can be asked, but the last."""


def _award(row: Mapping[str, Any]) -> PastAward:
    listed = {name: tuple(row[name]) for name in ("purposes", "sources")}
    return PastAward(**{**row, "amount": Money(**row["amount"]), **listed})


AWARDS_NOTE: str = _AWARDS["note"]
PAST_AWARDS: tuple[PastAward, ...] = tuple(_award(row) for row in _AWARDS["awards"])

TIMES_PROVENANCE: str = _STEPS["provenance"]
_DAYS = ("least_days", "most_days")
USUAL_STEPS: Mapping[str, UsualStep] = MappingProxyType(
    {
        row["code"]: UsualStep(row["least_days"], row["most_days"], row["service"], row["topic"])
        for row in (*_STEPS["steps"], *_STEPS["evidence"])
    }
)
"""By the step's code, and by the kind of evidence or the milestone that it is about."""
STAGE_TIMES: Mapping[str, UsualStep] = MappingProxyType(
    {row["stage"]: UsualStep(*(row[name] for name in _DAYS)) for row in _STEPS["stages"]}
)


def awards_like(stage: str, sector: str | None) -> list[PastAward]:
    """Past awards, those at the same stage and in the same sector first, then by stage, by sector, and the rest."""
    order = sorted(
        enumerate(PAST_AWARDS),
        key=lambda row: (
            row[1].stage != stage,
            sector is None or row[1].sector != sector,
            row[1].stage is None,
            row[0],
        ),
    )
    return [award for _, award in order]
