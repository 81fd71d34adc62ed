"""The routes by which staff may leave, as data: what each is, where and when it applies, what an acceptance leads to.

Knows the data and how to read it on a day. Must not know who claims what, nor what day it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from marketplace.reference import codelists
from marketplace.reference.data_files import read_document

RIGHT, POLICY = "right", "policy"
OPEN_PROCUREMENT = "open_procurement"


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `kind` is right, policy, pilot or voluntary; a route without days has neither begun nor ended.

    `sectors` None means every sector. `appeal_to` names who decides on appeals, None where the route has none.
    `leads_to` is uncompeted_contract, open_procurement or agreement. `inferred` names the members that are our reading.
    """

    slug: str
    kind: str
    basis: str
    source: str | None
    nations: tuple[str, ...]
    sectors: tuple[str, ...] | None
    parent_kinds: tuple[str, ...]
    opened_on: date | None
    closed_on: date | None
    appeal_to: str | None
    leads_to: str
    leads_to_words: Mapping[str, str]
    usual_answer_days: int | None
    inferred: tuple[str, ...]

    @property
    def status(self) -> str:
        """What the codelist `routes` says of it: open, policy, statutory_uncertain or closed."""
        status: str = codelists.entry("routes", self.slug)["status"]
        return status

    def lives_on(self, day: date) -> bool:
        """Whether the day lies within its life, both ends included."""
        begun = self.opened_on is None or self.opened_on <= day
        return begun and (self.closed_on is None or day <= self.closed_on)

    def covers(self, sector: str, nation: str) -> bool:
        """Whether it is for that sector in that nation."""
        return nation in self.nations and (self.sectors is None or sector in self.sectors)


@dataclass(frozen=True, slots=True)
class Gap:
    """What is known of a nation without a right of its own."""

    nation: str
    words: Mapping[str, str]
    inferred: bool


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _read(row: dict[str, Any]) -> Route:
    lists = {name: tuple(row[name]) for name in ("nations", "parent_kinds", "inferred")}
    days = {name: _day(row[name]) for name in ("opened_on", "closed_on")}
    sectors = None if row["sectors"] is None else tuple(row["sectors"])
    return Route(**{**row, **lists, **days, "sectors": sectors})


_DOCUMENT = read_document("rights.json")

VERSION: str = _DOCUMENT["version"]

ROUTES: Mapping[str, Route] = MappingProxyType({row["slug"]: _read(row) for row in _DOCUMENT["routes"]})
"""Every route by slug, in the order of the codelist."""

GAPS: tuple[Gap, ...] = tuple(Gap(**row) for row in _DOCUMENT["gaps"])


def routes_for(sector: str, nation: str, day: date) -> list[Route]:
    """The rights and policies (not pilots, nor what needs no right) that live on `day` for that sector and nation."""
    return [
        route
        for route in ROUTES.values()
        if route.kind in {RIGHT, POLICY} and route.lives_on(day) and route.covers(sector, nation)
    ]


def cover(routes: list[Route]) -> str:
    """The best that those routes give: right, policy or none."""
    kinds = {route.kind for route in routes}
    return next((kind for kind in (RIGHT, POLICY) if kind in kinds), "none")
