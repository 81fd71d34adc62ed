"""What a pair's facts are made of, what can be changed about it, and into what: sensible targets, never nonsense.

Knows the facts registry, and that derived facts change through their inputs alone. Must not know the search that
uses it, the database, HTTP, programmes or proposals.

An input is a fact that somebody sets: the answered facts, the ask's own `stage`, `ask_currency`, `ask` and
`instruments_sought`, and the employer's consent. Each goes by its fact's slug and has its fact's value.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import combinations, islice
from typing import Any

from marketplace.eligibility.representatives import outcomes_of, representative_values, telling_values, values_named
from marketplace.eligibility.tree import ASSURANCE_LEVELS, Criterion
from marketplace.reference import areas, codelists
from marketplace.reference.facts import REGISTRY, InvalidFact, derive, normalise

STAGE, CURRENCY, ASK, INSTRUMENTS = "stage", "ask_currency", "ask", "instruments_sought"
CONSENT = "employer_consent"
OF_THE_ASK = frozenset({STAGE, CURRENCY, ASK, INSTRUMENTS})
RECEIVED, WITH_ASK = "mfa_received", "mfa_total_with_ask"
LEGAL_FORM, REGISTRATION, REGISTERED_ON, TRADING_SINCE = "legal_form", "registration", "registered_on", "trading_since"

ANSWERS_OF_CONSENT = {True: "explore", False: "refused"}
NO_LEGAL_PERSON, REGISTERED, NOT_REGISTERED = "unincorporated_staff_group", "registered", "not_registered"
FIRST_EXIT = 90
"""The order from which on a stage is a way out (withdrawn, rejected, wound up), which is no way in."""

MOST_EDITS = 2
"""So many slugs are added to or taken from a list at once; past it only one list for each outcome is tried."""

MOST_SUMS = 3_000
"""So many boundaries of a sum of two amounts are tried; a search with more has too much to try to be exhaustive."""

TOGETHER = frozenset({LEGAL_FORM, REGISTRATION, REGISTERED_ON})
"""Inputs that have to make sense with one another (`coherent`)."""

LEVELS = ASSURANCE_LEVELS

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What `derive` takes: the answered facts, the open ask (amount in minor units, currency, stage, instruments) or
    None, and the employer's standing answer or None."""

    answers: Mapping[str, Any]
    ask: Mapping[str, Any] | None = None
    consent: str | None = None

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> "Inputs":
        """The inputs behind a whole fact map: `Inputs.of_facts(facts).facts()` is `facts` again."""
        amount = facts.get(ASK)
        ask = {
            "amount": None if amount is None else amount["amount"],
            "currency": facts.get(CURRENCY),
            "stage": facts.get(STAGE),
            "instruments": facts.get(INSTRUMENTS, []),
        }
        answers = {slug: value for slug, value in facts.items() if slug not in REGISTRY or not REGISTRY[slug].derived}
        return cls(answers, ask, ANSWERS_OF_CONSENT.get(facts.get(CONSENT)))  # type: ignore[arg-type]

    def facts(self) -> dict[str, Any]:
        """The whole fact map; answers outside the registry stand as they are."""
        outside = {slug: value for slug, value in self.answers.items() if slug not in REGISTRY}
        return derive(self.answers, self.ask, self.consent) | outside

    def with_values(self, values: Values) -> "Inputs":
        """The inputs after those are set. A first amount brings its currency where the ask has none."""
        ask = dict(self.ask or {})
        answers = dict(self.answers)
        consent = self.consent
        for slug, value in values.items():
            if slug == ASK:
                ask["amount"] = value["amount"]
                ask["currency"] = values.get(CURRENCY) or ask.get("currency") or value["currency"]
            elif slug in OF_THE_ASK:
                ask[{CURRENCY: "currency", STAGE: "stage", INSTRUMENTS: "instruments"}[slug]] = value
            elif slug == CONSENT:
                consent = ANSWERS_OF_CONSENT[value]
            else:
                answers[slug] = value
        return replace(self, answers=answers, ask=ask or None, consent=consent)


def levels_after(
    assurance: Mapping[str, str], after: Inputs, values: Values, evidence: Mapping[str, str]
) -> dict[str, str]:
    """Each fact's level once those values are set and that evidence is brought; a fact left out is declared.

    What is set anew is declared until evidence comes. A derived fact has the highest level at which the answers of
    that level, with the ask, are enough to derive it; the employer's consent is the employer's own word.
    """
    touched = values.keys() | evidence.keys()
    kept = {slug: level for slug, level in assurance.items() if touched.isdisjoint(inputs_of(slug))}
    held = {slug: level for slug, level in assurance.items() if slug not in touched} | dict(evidence)
    facts = after.facts()
    turned = {slug for slug in facts if not touched.isdisjoint(inputs_of(slug)) and slug not in OF_THE_ASK}
    for rank, level in enumerate(LEVELS[1:], start=1):
        sure = {slug: value for slug, value in after.answers.items() if level_rank(held.get(slug)) >= rank}
        told = derive(sure, after.ask, None)
        kept |= {slug: level for slug in turned if slug in told and told[slug] == facts[slug]}
    return kept | ({CONSENT: LEVELS[-1]} if CONSENT in facts else {})


def level_rank(level: str | None) -> int:
    """0 declared (or nothing said), 1 evidenced, 2 verified."""
    return LEVELS.index(level) if level in LEVELS else 0


def evidence_for(fact: str, known: Mapping[str, Any]) -> list[frozenset[str]]:
    """The sets of answers of which evidence may assure the fact, the smallest first; none where nobody else can say."""
    sources = sorted(
        slug for slug in inputs_of(fact) - OF_THE_ASK - {CONSENT} if slug in known and REGISTRY[slug].assurable
    )
    return [frozenset(some) for many in range(1, len(sources) + 1) for some in combinations(sources, many)]


def inputs_of(fact: str) -> frozenset[str]:
    """The inputs that a fact is computed from, itself where it is one; none for a fact outside the registry."""
    definition = REGISTRY.get(fact)
    if definition is None:
        return frozenset()
    if fact == ASK:
        return frozenset({ASK, CURRENCY})
    if not definition.derived or fact in OF_THE_ASK or fact == CONSENT:
        return frozenset({fact})
    return frozenset(each for source in definition.derived_from for each in inputs_of(source))


def movable(slug: str, facts: Mapping[str, Any]) -> bool:
    """Whether the input can be another: unknown and for the group to answer, or one that the registry can change."""
    definition = REGISTRY[slug]
    return definition.changeable is not None or is_answered(slug, facts)


def is_answered(slug: str, facts: Mapping[str, Any]) -> bool:
    """Whether setting the input is an answer and no change: it is unknown, and the group is one that may say."""
    return slug not in facts and "group" in REGISTRY[slug].attested_by


def coherent(before: Mapping[str, Any], values: Values, after: Mapping[str, Any]) -> bool:
    """Whether facts `before` can become facts `after` by those values without contradicting themselves.

    A registered organisation has a legal form; the day of registration needs one, and is not past for one that has
    still to register; an amount is in the ask's currency.
    """
    if ASK in values and values[ASK]["currency"] != after.get(CURRENCY):
        return False
    nobody_registered = after.get(REGISTRATION) == REGISTERED and after.get(LEGAL_FORM) == NO_LEGAL_PERSON
    if nobody_registered and {LEGAL_FORM, REGISTRATION} & values.keys():
        return False
    return REGISTERED_ON not in values or NOT_REGISTERED not in (before.get(REGISTRATION), after.get(REGISTRATION))


def partners(slugs: Collection[str], facts: Mapping[str, Any]) -> frozenset[str]:
    """The inputs that have to move with some of those for the facts to stay coherent, though no criterion asks."""
    registers = REGISTRATION in slugs and facts.get(LEGAL_FORM) == NO_LEGAL_PERSON
    return frozenset({LEGAL_FORM} - set(slugs)) if registers else frozenset()


def targets(
    slug: str, leaves: Sequence[Criterion], facts: Mapping[str, Any], parameters: Mapping[str, Any]
) -> list[Any]:
    """The values to try for an input, the nearest to the present one first; `leaves` are a tree's hard criteria.

    Sensible ones alone: stages forward and never a way out, no dissolution, no ask of nothing, no trading that
    began in the future.
    """
    present = facts.get(slug)
    drawn = _drawn(slug, leaves, facts, parameters)
    tried: dict[str, Any] = {}
    for value in drawn:
        try:
            normal = normalise(REGISTRY[slug], value)
        except InvalidFact:
            continue
        if normal != present and _sensible(slug, present, normal, parameters):
            tried.setdefault(repr(normal), normal)
    near = _stages_apart if slug == STAGE else _NEARNESS.get(REGISTRY[slug].type, _in_order)
    if present is None:
        named = [value for leaf in leaves if leaf.fact == slug for value in values_named(leaf, parameters)]
        return sorted(tried.values(), key=lambda value: value not in named and [value] not in named)
    return sorted(tried.values(), key=lambda value: near(present, value))


def _sensible(slug: str, present: Any, value: Any, parameters: Mapping[str, Any]) -> bool:
    if slug == STAGE:
        order = _order(value)
        return order < FIRST_EXIT and (present is None or order > _order(present))
    if slug == LEGAL_FORM:
        return bool(present is None or value != NO_LEGAL_PERSON)
    if slug == REGISTRATION:
        return bool(present != REGISTERED)
    if slug == ASK:
        return bool(value["amount"] > 0)
    if slug in (REGISTERED_ON, TRADING_SINCE):
        return bool("as_of" not in parameters or value <= parameters["as_of"])
    return True


def _drawn(
    slug: str, leaves: Sequence[Criterion], facts: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Iterable[Any]:
    definition = REGISTRY[slug]
    about = [leaf for leaf in leaves if leaf.fact == slug]
    if slug == CURRENCY:
        return _currencies(leaves, parameters)
    if slug in (ASK, RECEIVED):
        return _amounts(slug, leaves, facts, parameters)
    match definition.type:
        case "choice":
            return codelists.slugs(definition.codelist or "")
        case "area":
            return _areas(leaves, parameters)
        case "choices":
            return _lists(slug, about, facts.get(slug), parameters)
    return telling_values(definition, about, parameters)


def _currencies(leaves: Iterable[Criterion], parameters: Mapping[str, Any]) -> list[str]:
    """The currencies that the criteria name, of themselves or in an amount of the ask."""
    named = [
        value["currency"] if isinstance(value, dict) else value
        for leaf in leaves
        if CURRENCY in inputs_of(leaf.fact)
        for value in values_named(leaf, parameters)
    ]
    slugs = codelists.slugs("currencies")
    other = next(slug for slug in ("GBP", "EUR", *slugs) if slug not in named)
    return [*dict.fromkeys(named), other]


def _amounts(
    slug: str, leaves: Sequence[Criterion], facts: Mapping[str, Any], parameters: Mapping[str, Any]
) -> list[Any]:
    """Amounts about the boundaries of the input's own criteria, and of its sum with the other amount."""
    other = RECEIVED if slug == ASK else ASK
    asked = {name: [leaf for leaf in leaves if leaf.fact == name] for name in (slug, other)}
    addends = [facts[other]] if other in facts else []
    if not addends or movable(other, facts):
        addends += telling_values(REGISTRY[other], asked[other], parameters)
    sums = [value for leaf in leaves if leaf.fact == WITH_ASK for value in values_named(leaf, parameters)]
    shifted = (
        Criterion("", slug, "eq", {"amount": total["amount"] - addend["amount"], "currency": total["currency"]})
        for total in sums
        for addend in addends
        if total["currency"] == addend["currency"] and total["amount"] >= addend["amount"]
    )
    return telling_values(REGISTRY[slug], [*asked[slug], *islice(shifted, MOST_SUMS)], parameters)


def _areas(leaves: Iterable[Criterion], parameters: Mapping[str, Any]) -> Iterator[str]:
    """One area for each way to be, to lie within or to have the nation and the region that criteria can ask about."""
    named = {
        value
        for leaf in leaves
        if "area_code" in inputs_of(leaf.fact) and REGISTRY[leaf.fact].type in ("area", "areas")
        for value in values_named(leaf, parameters)
    }
    seen = set()
    for code, area in areas.ALL.items():
        chain = named & {code, *area.parents}
        place = (code in named, frozenset(chain), areas.nation_of(code), areas.region_of(code))
        if area.is_live and place not in seen:
            seen.add(place)
            yield code


def _lists(
    slug: str, about: Sequence[Criterion], present: Sequence[str] | None, parameters: Mapping[str, Any]
) -> list[list[str]]:
    """For each outcome the list that differs least from the present one, what is added counting before what is left."""
    definition = REGISTRY[slug]
    held = list(present or ())
    named = {value for leaf in about for value in values_named(leaf, parameters)}
    known = [each for each in codelists.slugs(definition.codelist or "") if each in named or each in held]
    unnamed = [each for each in codelists.slugs(definition.codelist or "") if each not in named][:1]
    edits = [
        [each for each in {*known, *unnamed, *held} if (each in held) is (each not in turned)]
        for many in range(MOST_EDITS + 1)
        for turned in combinations([*known, *(each for each in unnamed if each not in known)], many)
    ]
    found: dict[Any, list[str]] = {}
    every = [one for one in edits if one] + representative_values(definition, about, parameters)
    for one in sorted((normalise(definition, each) for each in every), key=lambda each: _list_apart(held, each)):
        found.setdefault(outcomes_of(definition, one, about, parameters), one)
    return list(found.values())


# How near


def _order(stage: str) -> int:
    order: int = codelists.entry("stages", stage)["order"]
    return order


def _stages_apart(present: str, value: str) -> tuple[int, ...]:
    return (abs(_order(value) - _order(present)),)


def _list_apart(present: Sequence[str], value: Sequence[str]) -> tuple[int, int]:
    removed = sum(each not in value for each in present)
    added = sum(each not in present for each in value)
    return removed + added, removed


def _money_apart(present: Any, value: Any) -> tuple[int, int]:
    return value["currency"] != present["currency"], abs(value["amount"] - present["amount"])


def _numbers_apart(present: Any, value: Any) -> Decimal:
    return abs(Decimal(value) - Decimal(present))


def _days_apart(present: str, value: str) -> int:
    return abs((date.fromisoformat(value) - date.fromisoformat(present)).days)


def _in_order(_present: Any, _value: Any) -> int:
    """Codes have no distance: the codelist's own order stands."""
    return 0


_NEARNESS: Mapping[str, Callable[[Any, Any], Any]] = {
    "money": _money_apart,
    "integer": _numbers_apart,
    "percentage": _numbers_apart,
    "decimal": _numbers_apart,
    "choices": _list_apart,
    "date": _days_apart,
}
