"""Areas of the United Kingdom by GSS code: districts, counties, combined authorities, regions, nations and unions.

Knows names, which area lies in which, and which live code replaces a dead one. Must not know who works where.
Contains public sector information licensed under the Open Government Licence v3.0 (Office for National Statistics).
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from marketplace.reference.codelists import CODELISTS
from marketplace.reference.data_files import read_rows

UNITED_KINGDOM = "K02000001"

_BREADTH = ("union", "nation", "region", "combined_authority", "county", "district")
"""Kinds of area, the widest first."""

_UNIONS = (("EWCD", "EWNM"), ("GBCD", "GBNM"), ("UKCD", "UKNM"))


class UnknownArea(ValueError):
    """No area has this code."""

    def __init__(self, code: object) -> None:
        super().__init__(f"no area has the code {str(code)[:20]!r}")


@dataclass(frozen=True, slots=True)
class Area:
    """One area. `kind` is district, county, combined_authority, region, nation or union (of nations).

    `live_code` is its own code, or for a dead code the one that replaces it; `parents` are the codes of the
    areas that hold it, the nearest first.
    """

    code: str
    name: str
    kind: str
    live_code: str
    parents: tuple[str, ...]
    name_cy: str | None = None

    @property
    def is_live(self) -> bool:
        return self.live_code == self.code


def _unions_of(row: Mapping[str, str]) -> list[str]:
    return [row[code] for code, _ in _UNIONS if row[code]]


def _given(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for code in codes if code))


def _read_areas() -> dict[str, Area]:
    welsh = {nation["gss"]: nation["label_cy"] for nation in CODELISTS["nations"]}
    areas: dict[str, Area] = {}

    def add(code: str, name: str, kind: str, parents: Iterable[str], live_code: str = "") -> None:
        if code and code not in areas:
            areas[code] = Area(code, name, kind, live_code or code, _given(parents), welsh.get(code))

    nations = read_rows("areas/ctry_all_codes.csv")
    unions = {row[code]: row[name] for row in nations for code, name in _UNIONS if row[code]}
    for code, name in unions.items():
        add(code, name, "union", () if code == UNITED_KINGDOM else [UNITED_KINGDOM])
    for row in nations:
        add(row["CTRYCD"], row["CTRYNM"], "nation", _unions_of(row))
    for row in read_rows("areas/rgn_all_codes.csv"):
        add(row["RGNCD"], row["RGNNM"], "region", [row["CTRYCD"], *_unions_of(row)])
    districts = read_rows("areas/la_all_codes.csv")
    own_codes = {row["LADCD"] for row in districts}
    for row in districts:
        region = [row["RGNCD"], row["CTRYCD"], *_unions_of(row)]
        county = row["UTLACD"] if row["UTLACD"] not in own_codes else ""
        add(row["CAUTHCD"], row["CAUTHNM"], "combined_authority", region)
        add(county, row["UTLANM"], "county", [row["CAUTHCD"], *region])
        add(row["LADCD"], row["LADNM"], "district", [county, row["CAUTHCD"], *region], row["LADCD_ACTIVE"])
    return areas


ALL: Mapping[str, Area] = MappingProxyType(_read_areas())
"""Every area by code, dead ones included."""

_NATION_SLUGS = {nation["gss"]: nation["slug"] for nation in CODELISTS["nations"]}
_REGION_SLUGS = {region["gss"]: region["slug"] for region in CODELISTS["regions"] if region["gss"] != UNITED_KINGDOM}


def area(code: str) -> Area:
    """The area with this code, dead or live; UnknownArea if there is none."""
    found = ALL.get(code)
    if found is None:
        raise UnknownArea(code)
    return found


def live(code: str) -> str:
    """The live code for `code`: itself, or the one that replaced it; UnknownArea if there is none."""
    return area(code).live_code


def ancestors(code: str) -> tuple[str, ...]:
    """The codes of all areas that hold the (live) area, the nearest first.

    County and combined authority if any, region, nation, then the unions of nations up to the United Kingdom.
    """
    return area(live(code)).parents


def _walk() -> dict[str, int]:
    """Each area's number in a walk that takes an area and then, as a rule, all that lies in it."""
    inside: dict[str, list[str]] = {}
    for each in ALL.values():
        inside.setdefault(each.parents[0] if each.parents else "", []).append(each.code)
    numbers: dict[str, int] = {}
    waiting = sorted(inside[""], reverse=True)
    while waiting:
        code = waiting.pop()
        numbers[code] = len(numbers)
        waiting += sorted(inside.get(code, ()), reverse=True)
    return numbers


_POSITIONS = _walk()


def position(code: str) -> int:
    """The area's number in a walk through all areas, from 0; what lies in an area mostly follows it without a gap."""
    return _POSITIONS[area(code).code]


def positions_within(code: str) -> frozenset[int]:
    """The positions of the area itself and of every area that lies in it; UnknownArea if there is none."""
    held = area(code).code
    return frozenset(_POSITIONS[each.code] for each in ALL.values() if held in (each.code, *each.parents))


def nation_of(code: str) -> str | None:
    """The slug of the nation that is or holds the area; None for an area that spans nations."""
    return _slug_of(code, _NATION_SLUGS)


def region_of(code: str) -> str | None:
    """The slug of the English region that is or holds the area, `uk_wide` for the whole United Kingdom, else None."""
    return "uk_wide" if code == UNITED_KINGDOM else _slug_of(code, _REGION_SLUGS)


def _slug_of(code: str, slugs: Mapping[str, str]) -> str | None:
    return next((slugs[held] for held in (live(code), *ancestors(code)) if held in slugs), None)


def _folded(text: str) -> str:
    """`text` without case, diacritics and punctuation, its words parted by single spaces."""
    letters = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return " ".join(re.findall(r"\w+", letters.casefold()))


_NAMES: tuple[tuple[str, Area], ...] = tuple(
    (_folded(name), ALL[held.live_code])
    for held in ALL.values()
    for name in (held.name, held.name_cy, held.code)
    if name
)
"""Every name and code to look under, with the live area it leads to (a dead district's name leads to its successor)."""


def search(text: str, limit: int = 20) -> list[Area]:
    """Live areas whose name (or code) has, for each word of `text`, a word that begins with it; at most `limit`.

    Case and diacritics do not count. Exact names come first, then names that begin with `text`, then the widest
    areas. Nothing is found for a text without letters or digits.
    """
    wanted = _folded(text)
    if not wanted:
        return []
    ranks: dict[str, tuple[int, int, str, str]] = {}
    for name, found in _NAMES:
        words = name.split()
        if not all(any(word.startswith(part) for word in words) for part in wanted.split()):
            continue
        closeness = 0 if name == wanted else 1 if name.startswith(wanted) else 2
        rank = (closeness, _BREADTH.index(found.kind), found.name, found.code)
        ranks[found.code] = min(rank, ranks.get(found.code, rank))
    return [ALL[code] for code in sorted(ranks, key=ranks.__getitem__)[:limit]]
