"""What the corpus is made of: programmes and proposals drawn by number, the same for the same recipe on any machine.

Knows the shape of the market (how many areas, sectors, branches; how much is unknown) and the product's own criteria
language and facts registry. Must not know the database. Every programme and proposal has a random source of its own,
seeded by its number: a corpus of 50,000 begins with the very rows of the one of 10,000.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from marketplace.eligibility.tree import AllOf, AnyOf, CriteriaTree, Criterion, Node, Not
from marketplace.reference import areas, codelists
from marketplace.values.reasons import Level

SAME_MIX, OTHER_REGIONS, WILDCARD, HOT_CITY = "same-mix", "other-regions", "wildcard", "hot-city"
TWO_HUNDRED_BRANCHES, FORTY_BY_FOURTEEN, HALF_UNKNOWN = "two-hundred-branches", "forty-by-fourteen", "half-unknown"
SHAPES = (SAME_MIX, OTHER_REGIONS, WILDCARD, HOT_CITY, TWO_HUNDRED_BRANCHES, FORTY_BY_FOURTEEN, HALF_UNKNOWN)

FUNDERS, GROUPS = 300, 300
HOME_NATION = "england"
GROWTH = 5
"""Under `other-regions` one programme in five is of the usual mix; the rest ask for areas outside the home nation."""
EPOCH = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
ORGANISATION, PROGRAMME, CRITERIA, PROPOSAL, VERSION, ASK, ASK_LINE, CONSENT, PERSON = range(1, 10)
"""Kinds of row, for ids and random sources."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything a corpus follows from."""

    programmes: int
    proposals: int
    seed: int = 2
    shape: str = SAME_MIX

    def as_json(self) -> dict[str, Any]:
        """The recipe with a fingerprint of its first rows, which differs when what is drawn has changed."""
        return {**asdict(self), "fingerprint": fingerprint(self)}


@dataclass(frozen=True, slots=True)
class DrawnProgramme:
    """One published programme: whose (a number of a funder), its columns as `compile_columns` takes them, its tree."""

    number: int
    funder: int
    columns: dict[str, Any]
    tree: CriteriaTree


@dataclass(frozen=True, slots=True)
class DrawnProposal:
    """One published proposal: the answers, the ask, the employer's answer, and which facts its group opens."""

    number: int
    group: int
    visibility: str
    answers: dict[str, Any]
    ask: dict[str, Any]
    consent: str | None
    opened: tuple[str, ...]


def id_of(kind: int, number: int) -> UUID:
    """A version 7 UUID that grows with `number`, one for each kind of row."""
    mixed = (number * 0x9E3779B97F4A7C15) & ((1 << 62) - 1)
    return UUID(int=((EPOCH + number) << 80) | (7 << 76) | (kind << 64) | (2 << 62) | mixed)


def fingerprint(recipe: Recipe, rows: int = 100) -> str:
    """A digest of the first rows of either kind, and of the code that draws and loads them (some rows are rare)."""
    market = Market(recipe)
    here = Path(__file__)
    digest = hashlib.sha256(here.read_bytes() + here.with_name("corpus.py").read_bytes())
    for number in range(min(rows, recipe.programmes)):
        drawn = market.programme(number)
        digest.update(json.dumps([drawn.columns, drawn.tree.as_json()], sort_keys=True).encode())
    for number in range(min(rows, recipe.proposals)):
        digest.update(json.dumps(asdict(market.proposal(number)), sort_keys=True).encode())
    return digest.hexdigest()[:16]


# Popularity


@dataclass(frozen=True, slots=True)
class Popular:
    """Things drawn by Zipf's law: the n-th most popular in proportion to n to the power of minus `exponent`."""

    things: tuple[str, ...]
    heights: tuple[float, ...]

    @classmethod
    def of(cls, things: Sequence[str], exponent: float) -> "Popular":
        return cls(tuple(things), tuple(accumulate(rank**-exponent for rank in range(1, len(things) + 1))))

    def one(self, random: Random) -> str:
        return random.choices(self.things, cum_weights=self.heights)[0]

    def several(self, random: Random, number: int) -> list[str]:
        """Different ones, `number` of them unless there are fewer."""
        found = dict.fromkeys(self.one(random) for _ in range(number))
        while len(found) < min(number, len(self.things)):
            found[self.one(random)] = None
        return list(found)


class Market:
    """A recipe at work: its programmes and proposals by number."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        shuffled = Random(recipe.seed)
        exponent = 1.5 if recipe.shape == HOT_CITY else 0.8
        districts = sorted(each.code for each in areas.ALL.values() if each.kind == "district" and each.is_live)
        sectors = list(codelists.slugs("service_sectors"))
        shuffled.shuffle(districts)
        shuffled.shuffle(sectors)
        self.districts = Popular.of(districts, exponent)
        self.away = Popular.of([each for each in districts if areas.nation_of(each) != HOME_NATION], exponent)
        self.sectors = Popular.of(sectors, 0.8)

    def programme(self, number: int) -> DrawnProgramme:
        random = self._source(PROGRAMME, number)
        currency = "EUR" if random.random() < 0.02 else "GBP"
        ask_min, ask_max = _range(random)
        columns = {
            "currency": currency,
            "instruments": _some(random, "instruments", 0.95, 1, 3),
            "stages": _some(random, "stages", 0.5, 2, 5),
            "ask_min": ask_min,
            "ask_max": ask_max,
        }
        tree = _Drawing(self, random, currency, away=self._is_away(number)).tree(number)
        return DrawnProgramme(number, number % FUNDERS, columns, tree)

    def proposal(self, number: int) -> DrawnProposal:
        random = self._source(PROPOSAL, number)
        currency = "EUR" if random.random() < 0.02 else "GBP"
        known = 0.5 if self.recipe.shape == HALF_UNKNOWN else None
        answers: dict[str, Any] = {}
        for slug, (share, draw) in ANSWERS.items():
            if random.random() < (known or share):
                answers[slug] = draw(self, random, currency)
        ask = {
            "stage": random.choices(STAGES, STAGE_WEIGHTS)[0],
            "currency": currency,
            "instruments": random.sample(codelists.slugs("instruments"), random.choices([1, 2, 3], [50, 30, 20])[0]),
            "amount": _amount(random, 11, 1.3),
        }
        consent = random.choice(["explore", "receive_funding", "refused"]) if random.random() < 0.4 else None
        opened = tuple(slug for slug, share in OPENED.items() if random.random() < share)
        visibility = random.choices(["verified_funders", "public", "private"], [70, 25, 5])[0]
        return DrawnProposal(number, number % GROUPS, visibility, answers, ask, consent, opened)

    def _source(self, kind: int, number: int) -> Random:
        return Random((self.recipe.seed << 48) | (kind << 40) | number)

    def _is_away(self, number: int) -> bool:
        return self.recipe.shape == OTHER_REGIONS and number >= self.recipe.programmes // GROWTH

    @cached_property
    def fourteen(self) -> list[str]:
        """Every sector."""
        return list(codelists.slugs("service_sectors"))


# Programmes


@dataclass(slots=True)
class _Drawing:
    """One programme's tree being drawn."""

    market: Market
    random: Random
    currency: str
    away: bool
    branch: int = 0

    def tree(self, number: int) -> CriteriaTree:
        shape = self.market.recipe.shape
        if shape == TWO_HUNDRED_BRANCHES and number % 100 == 0:
            return CriteriaTree((self.very_wide(),))
        if shape == FORTY_BY_FOURTEEN and number % 20 == 0:
            forty = self.market.districts.several(self.random, 40)
            wide = (self.leaf("AREA", "areas", "contains_any", forty),)
            return CriteriaTree((*wide, self.leaf("SECTOR", "sector", "in", self.market.fourteen), *self.extras()))
        branches = self.random.choices([1, 2, 3], [85, 11, 4])[0]
        drawn = []
        for self.branch in range(1, branches + 1):
            drawn.append(tuple(self.conditions()))
        if branches == 1:
            return CriteriaTree((*drawn[0], *self.soft()))
        return CriteriaTree((AnyOf(tuple(AllOf(one) for one in drawn)), *self.soft()))

    def conditions(self) -> list[Node]:
        shape = self.market.recipe.shape
        made: list[Node] = []
        if shape != WILDCARD:
            made += self.area()
            made += self.sector()
        if self.random.random() < 0.7:
            made.append(self.leaf("FORM", "legal_form", "in", _sample(self.random, "legal_forms", 3, 7)))
        made += self.extras()
        return made or [self.leaf("PUBLIC_SERVICE", "delivers_public_service", "eq", True)]

    def area(self) -> list[Node]:
        kind = self.random.choices(["any", "nation", "region", "county", "district"], [12, 15, 20, 33, 20])[0]
        if kind == "any" and not self.away:
            return []
        nodes = self.random.choices([1, 2, 3, 4], [60, 20, 12, 8])[0]
        districts = self.market.away if self.away else self.market.districts
        chosen = list(dict.fromkeys(_holder(code, kind) for code in districts.several(self.random, nodes)))
        if kind == "nation" and self.random.random() < 0.5:
            nations = list(dict.fromkeys(areas.nation_of(code) for code in chosen))
            return [self.leaf("AREA", "beneficiary_nation", "in", nations)]
        regions = [areas.region_of(code) for code in chosen]
        if kind == "region" and all(regions) and self.random.random() < 0.5:
            return [self.leaf("AREA", "region", "in", list(dict.fromkeys(regions)))]
        return [self.leaf("AREA", "areas", "contains_any", chosen)]

    def sector(self) -> list[Node]:
        kind = self.random.choices(["any", "some", "not"], [25, 65, 10])[0]
        if kind == "any":
            return []
        if kind == "not":
            kept_out = self.market.sectors.several(self.random, self.random.randint(1, 3))
            if self.random.random() < 0.5:
                return [self.leaf("SECTOR", "sector", "not_in", kept_out)]
            return [Not(self.leaf("SECTOR", "sector", "in", kept_out))]
        number = self.random.choices([1, 2, 3, 4], [35, 30, 20, 15])[0]
        return [self.leaf("SECTOR", "sector", "in", self.market.sectors.several(self.random, number))]

    def extras(self) -> list[Node]:
        made: list[Node] = []
        for code, (share, fact, op, draw) in EXTRAS.items():
            if self.random.random() < share:
                made.append(self.leaf(code, fact, op, draw(self.random, self.currency)))
        if self.currency == "GBP" and self.random.random() < 0.08:
            made.append(self.leaf("MFA", "mfa_total_with_ask", "lte", {"parameter": "mfa_limit"}))
        return made

    def soft(self) -> list[Node]:
        if self.random.random() >= 0.3:
            return []
        wished = self.random.sample(sorted(WISHES), self.random.choice([1, 1, 2]))
        return [
            Criterion(code, *WISHES[code], level=Level.SOFT, weight=self.random.randint(1, 5))
            for code in sorted(wished)
        ]

    def very_wide(self) -> Node:
        """One hundred and ninety-eight ways to be eligible, of one criterion each."""
        districts = self.market.districts.several(self.random, 150)
        ways: list[Node] = [Criterion(f"A{at}", "area_code", "eq", code) for at, code in enumerate(districts)]
        for at in range(16):
            ways.append(Criterion(f"Y{at}", "years_trading", "gte", 40 + at))
            ways.append(Criterion(f"S{at}", "staff_count", "gte", 5_000 + at))
            ways.append(Criterion(f"M{at}", "match_cash", "gte", 9_900 + at))
        return AnyOf(tuple(ways))

    def leaf(self, code: str, fact: str, op: str, value: Any) -> Criterion:
        name = code if self.branch <= 1 else f"{code}_{self.branch}"
        words = {"en": f"What we ask about {fact.replace('_', ' ')}."} if self.random.random() < 0.2 else None
        return Criterion(name, fact, op, value, waivable=self.random.random() < 0.1, reason=words)


def _holder(code: str, kind: str) -> str:
    """The area of that kind that holds the district; the nearest wider one where it has none."""
    kinds = {
        "nation": ("nation",),
        "region": ("region", "nation"),
        "county": ("county", "combined_authority"),
        "district": (),
    }.get(kind, ("nation",))
    for wanted in kinds:
        for held in areas.ancestors(code):
            if areas.area(held).kind == wanted:
                return held
    return code


def _some(random: Random, codelist: str, share: float, fewest: int, most: int) -> list[str]:
    return _sample(random, codelist, fewest, most) if random.random() < share else []


def _sample(random: Random, codelist: str, fewest: int, most: int) -> list[str]:
    return random.sample(codelists.slugs(codelist), random.randint(fewest, most))


def _range(random: Random) -> tuple[int | None, int | None]:
    """Ask at least, ask at most, in minor units; 8 % set neither, some only one."""
    if random.random() < 0.08:
        return None, None
    lowest = _amount(random, 10, 1.1)
    highest = int(lowest * random.uniform(2.5, 20)) // 50_000 * 50_000 + 50_000
    return random.choices([(lowest, highest), (None, highest), (lowest, None)], [70, 20, 10])[0]


def _amount(random: Random, mean: float, spread: float) -> int:
    """Minor units, in steps of 500 pounds."""
    return max(1, round(random.lognormvariate(mean, spread) / 500)) * 50_000


def _money(mean: float, spread: float) -> Callable[[Random, str], dict[str, Any]]:
    return lambda random, currency: {"amount": _amount(random, mean, spread), "currency": currency}


def _fixed(value: Any) -> Callable[[Random, str], Any]:
    return lambda _random, _currency: value


def _of(codelist: str, fewest: int, most: int) -> Callable[[Random, str], list[str]]:
    return lambda random, _currency: _sample(random, codelist, fewest, most)


def _among(*values: Any) -> Callable[[Random, str], Any]:
    return lambda random, _currency: random.choice(values)


EXTRAS: dict[str, tuple[float, str, str, Callable[[Random, str], Any]]] = {
    "TURNOVER_MAX": (0.15, "turnover", "lte", _money(13.5, 1.0)),
    "TURNOVER_MIN": (0.06, "turnover", "gte", _money(11.0, 1.0)),
    "YEARS": (0.18, "years_trading", "gte", _among(1, 2, 3, 5)),
    "STAFF_MIN": (0.12, "staff_count", "gte", _among(5, 10, 25, 50)),
    "STAFF_MAX": (0.08, "staff_count", "lte", _among(50, 250, 500)),
    "PARENT": (0.18, "parent_kind", "in", _of("parent_kinds", 1, 3)),
    "PENSION": (0.12, "pension_arrangement", "in", _of("pension_arrangements", 2, 5)),
    "SOCIAL_ENTERPRISE": (0.15, "social_enterprise", "eq", _fixed(True)),
    "ASSET_LOCK": (0.12, "asset_lock", "in", _among(["statutory"], ["statutory", "optional_statutory", "voluntary"])),
    "INCORPORATED": (0.12, "incorporated", "eq", _among(True, True, False)),
    "MATCH_CASH": (0.12, "match_cash", "gte", _among(1_000, 2_500, 5_000)),
    "LOAN_SHARE": (0.06, "loan_share", "lte", _among(2_500, 5_000, 7_500)),
    "PAYBACK": (0.06, "payback_years", "lte", _among("3", "5.5", "10")),
    "CONSENT": (0.06, "employer_consent", "eq", _fixed(True)),
    "CHARITABLE": (0.08, "charitable_purpose", "eq", _fixed(True)),
    "ROUTE": (0.06, "route", "in", _of("routes", 2, 5)),
    "EMPLOYED": (0.05, "staff_publicly_employed", "eq", _among(True, False)),
    "PUBLIC_SERVICE": (0.12, "delivers_public_service", "eq", _fixed(True)),
    "INITIATION": (0.05, "initiation", "not_in", _of("initiation", 1, 1)),
}
"""The rarer hard criteria: code, share of the branches that have one, fact, comparison, value."""

WISHES: dict[str, tuple[str, str, Any]] = {
    "WISH_CONTROL": ("staff_control", "eq", True),
    "WISH_MATCH": ("match_cash", "gte", 2_000),
    "WISH_PURPOSE": ("social_purpose_in_articles", "eq", True),
    "WISH_SECTOR": ("sector", "in", ["community_health", "mental_health", "adult_social_care"]),
    "WISH_YEARS": ("years_trading", "gte", 2),
}
"""Soft criteria."""


# Proposals

STAGES = codelists.slugs("stages")[:9]
STAGE_WEIGHTS = [20, 15, 15, 10, 12, 10, 8, 5, 5]

Draw = Callable[[Market, Random, str], Any]


def _place(market: Market, random: Random, _currency: str) -> str:
    district = market.districts.one(random)
    return _holder(district, "county") if random.random() < 0.08 else district


def _slug(codelist: str) -> Draw:
    return lambda _market, random, _currency: random.choice(codelists.slugs(codelist))


def _yes(share: float) -> Draw:
    return lambda _market, random, _currency: random.random() < share


def _pounds(mean: float, spread: float) -> Draw:
    return lambda _market, random, currency: {"amount": _amount(random, mean, spread), "currency": currency}


def _whole(*values: int) -> Draw:
    return lambda _market, random, _currency: random.choice(values)


ANSWERS: dict[str, tuple[float, Draw]] = {
    "sector": (0.97, lambda market, random, _currency: market.sectors.one(random)),
    "area_code": (0.97, _place),
    "delivers_public_service": (0.8, _yes(0.9)),
    "parent_kind": (
        0.95,
        lambda _m, random, _c: random.choices(codelists.slugs("parent_kinds"), [45, 35, 10, 5, 5])[0],
    ),
    "charitable_purpose": (0.6, _yes(0.5)),
    "trades_commercially": (0.6, _yes(0.5)),
    "annual_contract_value": (0.55, _pounds(13.5, 1.2)),
    "early_or_original_contract": (0.4, _yes(0.5)),
    "staff_count": (0.85, lambda _market, random, _currency: max(2, round(random.lognormvariate(3.6, 1.0)))),
    "staff_control": (0.6, _yes(0.6)),
    "pension_arrangement": (0.5, _slug("pension_arrangements")),
    "initiation": (0.7, _slug("initiation")),
    "cuts_threat": (0.4, _yes(0.4)),
    "legal_form": (0.85, _slug("legal_forms")),
    "registration": (0.85, _slug("registration_states")),
    "social_enterprise": (0.7, _yes(0.6)),
    "social_purpose_in_articles": (0.5, _yes(0.6)),
    "turnover": (0.6, _pounds(13.0, 1.3)),
    "years_trading": (0.8, _whole(0, 0, 1, 1, 2, 3, 4, 6, 10)),
    "investment_sought": (0.4, _pounds(11.5, 1.2)),
    "match_cash": (0.5, _whole(0, 500, 1_000, 2_000, 2_500, 5_000, 10_000)),
    "repayment_plan": (0.5, _yes(0.5)),
    "loan_share": (0.4, _whole(0, 2_500, 5_000, 7_500, 10_000)),
    "payback_years": (0.4, lambda _market, random, _currency: random.choice(["1", "2.5", "4", "6.75", "12"])),
    "commercial_finance_refused": (0.4, _yes(0.4)),
    "mfa_received": (0.6, _pounds(10.5, 1.3)),
    "route": (0.6, _slug("routes")),
    "relevant_body_s81": (0.4, _yes(0.5)),
    "advice_line_reference": (0.4, _yes(0.3)),
    "approved_provider": (0.4, _yes(0.3)),
    "access_point_invitation": (0.4, _yes(0.3)),
}
"""The share of proposals that have answered, and how the answer is drawn."""

OPENED: dict[str, float] = {
    "area_code": 0.8,
    "staff_count": 0.6,
    "turnover": 0.5,
    "mfa_received": 0.4,
    "annual_contract_value": 0.4,
}
"""Facts that the registry keeps confidential, and the share of groups that open them."""
