"""What the public record says of mutuals before this marketplace: counts, named mutuals, awards, each with its source.

Historical, and never mixed with what happens here. Knows the file; must not know which report uses what of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from marketplace.reference.data_files import read_document

MID_YEAR = 0.5
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Point:
    """How many mutuals there were by then: a year, or a year and month (its end)."""

    on: str
    count: int
    note: str
    source: str


@dataclass(frozen=True, slots=True)
class Mutual:
    """A named group of the record: what it asked for and when, and what became of it as far as was read.

    `amount` is in pence, None where no sum was published. `outcome` is running, rewon, returned_in_house or wound_up;
    None where no launch was found. `launched`, `outcome_on` and `asked_on` are years, or years and months.
    """

    slug: str
    name: str
    sector: str
    region: str
    asked_on: str
    stage: str
    amount: int | None
    initiation: str | None
    cuts_threat: bool | None
    launched: str | None
    launch_inferred: bool
    outcome: str | None
    outcome_on: str | None
    note: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Award:
    """One published award, in pence."""

    fund: str
    recipient: str
    awarded_in: str
    kind: str
    amount: int
    source: str


def moment_of(on: str) -> float:
    """A year as its middle, a year and month as the month's end, in years: "2010" is 2010.5, "2014-07" 2014.583..."""
    year, _, month = on.partition("-")
    return int(year) + (int(month) / MONTHS if month else MID_YEAR)


_DOCUMENT = read_document("historical.json")

VERSION: str = _DOCUMENT["version"]
ADOPTION_POINTS: tuple[Point, ...] = tuple(Point(**each) for each in _DOCUMENT["adoption"]["points"])
ADOPTION_DEFINITION: str = _DOCUMENT["adoption"]["definition"]
POTENTIAL: Mapping[str, Any] = MappingProxyType(_DOCUMENT["adoption"]["potential"])
"""The potential market that is assumed where the user sets none: an ambition, with its arithmetic and sources."""
MUTUALS: tuple[Mutual, ...] = tuple(
    Mutual(**{**each, "sources": tuple(each["sources"])}) for each in _DOCUMENT["mutuals"]
)
FUNNELS: tuple[Mapping[str, Any], ...] = tuple(MappingProxyType(each) for each in _DOCUMENT["funnels"])
AWARDS: tuple[Award, ...] = tuple(Award(**each) for each in _DOCUMENT["awards"])
LOST_BIDS: tuple[Mapping[str, Any], ...] = tuple(MappingProxyType(each) for each in _DOCUMENT["lost_bids"])
