"""Which criteria can hold together, whatever a group answers: every combination that its facts can bring about.

Knows the facts registry, what follows from what, and the one evaluator. Must not know trees of criteria, programmes,
anyone's facts, the database or HTTP. Facts that follow from the same answers are looked at together, over those
answers; facts that share none are independent. A set of criteria is an integer: bit i for criterion i.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from marketplace.eligibility.normal_form import Literal
from marketplace.eligibility.representatives import telling_values, values_named
from marketplace.eligibility.rules import evaluate
from marketplace.eligibility.tree import ASSURANCE_LEVELS, CriteriaTree, Criterion
from marketplace.reference import areas, codelists
from marketplace.reference.facts import REGISTRY, FactDefinition, derive
from marketplace.values.money import LARGEST_AMOUNT
from marketplace.values.reasons import Outcome

MOST_COMPARISONS = 120_000
"""Ways to answer times criteria compared, in one cluster of facts; a larger cluster is not looked into."""

ASK_AMOUNT, ASK_CURRENCY, ASK_STAGE, ASK_INSTRUMENTS, CONSENT = (
    "the ask's amount",
    "the ask's currency",
    "the ask's stage",
    "the ask's instruments",
    "the employer's answer",
)
NOT_ANSWERED: Mapping[str, tuple[str, ...]] = {
    "ask": (ASK_AMOUNT, ASK_CURRENCY),
    "ask_currency": (ASK_CURRENCY,),
    "stage": (ASK_STAGE,),
    "instruments_sought": (ASK_INSTRUMENTS,),
    "employer_consent": (CONSENT,),
}
"""The facts that come from the ask or from the employer, and not from a group's answers."""

MFA, MFA_TOTAL = "mfa_received", "mfa_total_with_ask"
CLOSED_TYPES = ("boolean", "choice", "area")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Criteria on facts that hang together. `together`: for each possible state of the facts, those that hold in it.

    The empty set is always among them: nothing holds of a group that answers nothing.
    """

    members: int
    together: tuple[int, ...]

    def holding(self, wanted: int) -> list[int]:
        """The sets of criteria that hold together, all of `wanted` (its members) among them."""
        part = wanted & self.members
        return [held for held in self.together if not part & ~held]


@dataclass(frozen=True, slots=True)
class Possibilities:
    """The clusters, and the places of criteria in clusters too large to look into: any of those may hold or not."""

    clusters: tuple[Cluster, ...]
    unexplored: tuple[int, ...]


def possibilities(
    asked: Sequence[Literal], parameters: Mapping[str, Any], registry: Mapping[str, FactDefinition] = REGISTRY
) -> Possibilities:
    """What can hold together of `asked`, each criterion as it is asked for (turned round where it is negated).

    `parameters` as for `evaluate`. Assurance counts as a property of each fact that is free of the others'.
    """
    clusters: list[Cluster] = []
    unexplored: list[int] = []
    for places in _hanging_together(asked, registry):
        together = _explored([asked[place] for place in places], parameters, registry)
        if together is None:
            unexplored += places
            clusters += [Cluster(1 << place, (0, 1 << place)) for place in places]
            continue
        bits = [1 << place for place in places]
        sets = {sum(bit for bit, held in zip(bits, holding, strict=True) if held) for holding in together}
        clusters.append(Cluster(sum(bits), tuple(sorted(sets))))
    return Possibilities(tuple(clusters), tuple(sorted(unexplored)))


def answers_behind(fact: str, registry: Mapping[str, FactDefinition] = REGISTRY) -> frozenset[str]:
    """What a fact follows from: answered facts, parts of the ask, the employer's answer; itself if it is answered."""
    if fact in NOT_ANSWERED:
        return frozenset(NOT_ANSWERED[fact])
    sources = registry[fact].derived_from
    if not sources:
        return frozenset({fact})
    return frozenset().union(*(answers_behind(source, registry) for source in sources))


def _hanging_together(asked: Sequence[Literal], registry: Mapping[str, FactDefinition]) -> list[list[int]]:
    """The criteria's places, grouped where their facts follow from a common answer; in the order of the first."""
    groups: list[tuple[set[str], list[int]]] = []
    for place, literal in enumerate(asked):
        behind, places = set(answers_behind(literal.criterion.fact, registry)), [place]
        apart = []
        for answers, others in groups:
            if answers & behind:
                behind |= answers
                places = [*others, *places]
            else:
                apart.append((answers, others))
        groups = [*apart, (behind, sorted(places))]
    return sorted((places for _, places in groups), key=lambda places: places[0])


def _explored(
    asked: Sequence[Literal], parameters: Mapping[str, Any], registry: Mapping[str, FactDefinition]
) -> set[tuple[bool, ...]] | None:
    """For each state of the facts, which of `asked` hold in it; None for too many states or facts of unknown making."""
    criteria = [literal.criterion for literal in asked]
    facts = list(dict.fromkeys(criterion.fact for criterion in criteria))
    behind = frozenset().union(*(answers_behind(fact, registry) for fact in facts))
    if not all(_followed(fact, registry) for fact in facts):
        return None
    demanded = [
        fact for fact in facts if any(each.fact == fact and getattr(each, "assurance", None) for each in criteria)
    ]
    assurances = [
        dict(zip(demanded, levels, strict=True)) for levels in product(ASSURANCE_LEVELS, repeat=len(demanded))
    ]
    states = _states(criteria, behind, parameters, registry)
    if len(states) * len(assurances) * len(criteria) > MOST_COMPARISONS:
        return None
    wanted = [Outcome.UNMET if literal.negated else Outcome.MET for literal in asked]
    tree = CriteriaTree(tuple(criteria))
    found: set[tuple[bool, ...]] = set()
    for state in states:
        known = state.facts(registry)
        for assurance in assurances:
            reasons = evaluate(tree, known, parameters=parameters, assurance=assurance).reasons
            found.add(tuple(reason.outcome is held for reason, held in zip(reasons, wanted, strict=True)))
    return found


def _followed(fact: str, registry: Mapping[str, FactDefinition]) -> bool:
    """Whether trying answers tells all that the fact can be: it is answered itself, or follows from closed lists."""
    if fact == MFA_TOTAL or fact in NOT_ANSWERED or not registry[fact].derived_from:
        return True
    return all(
        answer in (ASK_STAGE, CONSENT) or (answer in registry and registry[answer].type in CLOSED_TYPES)
        for answer in answers_behind(fact, registry)
    )


@dataclass(frozen=True, slots=True)
class _State:
    """One way to answer what stands behind a cluster; what is not answered is None."""

    answers: Mapping[str, Any]

    def facts(self, registry: Mapping[str, FactDefinition]) -> dict[str, Any]:
        """The facts as they follow, those of a registry beyond the marketplace's own included."""
        ask = {
            "amount": self.answers.get(ASK_AMOUNT),
            "currency": self.answers.get(ASK_CURRENCY),
            "stage": self.answers.get(ASK_STAGE),
            "instruments": self.answers.get(ASK_INSTRUMENTS),
        }
        own = {name: value for name, value in self.answers.items() if name in registry and value is not None}
        return derive(own, ask, self.answers.get(CONSENT)) | {
            name: value for name, value in own.items() if name not in REGISTRY
        }


@dataclass(frozen=True, slots=True)
class _States:
    """Every way to answer what stands behind a cluster: each of `amounts` with each choice of the other answers."""

    amounts: Sequence[Mapping[str, Any]]
    options: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(self.amounts) * prod(len(values) for values in self.options.values())

    def __iter__(self) -> Iterator[_State]:
        for amounts in self.amounts:
            for chosen in product(*self.options.values()):
                yield _State({**amounts, **dict(zip(self.options, chosen, strict=True))})


def _states(
    criteria: Sequence[Criterion],
    behind: Iterable[str],
    parameters: Mapping[str, Any],
    registry: Mapping[str, FactDefinition],
) -> _States:
    left = sorted(behind)
    amounts: Sequence[Mapping[str, Any]] = ({},)
    if ASK_CURRENCY in left:
        amounts = _amounts(criteria, MFA in left, parameters)
        left = [name for name in left if name not in (ASK_AMOUNT, ASK_CURRENCY, MFA)]
    return _States(amounts, {name: [None, *_options(name, criteria, parameters, registry)] for name in left})


def _options(
    answer: str,
    criteria: Sequence[Criterion],
    parameters: Mapping[str, Any],
    registry: Mapping[str, FactDefinition],
) -> Sequence[Any]:
    if answer == ASK_STAGE:
        return codelists.slugs("stages")
    if answer == CONSENT:
        return codelists.slugs("employer_consent_answers")
    definition = registry["instruments_sought" if answer == ASK_INSTRUMENTS else answer]
    if definition.type == "choice":
        return codelists.slugs(definition.codelist or "")
    if definition.type == "area":
        return _areas(criteria, parameters)
    direct = [criterion for criterion in criteria if criterion.fact == definition.slug]
    return telling_values(definition, direct, parameters)


def _areas(criteria: Sequence[Criterion], parameters: Mapping[str, Any]) -> list[str]:
    """One live area for each way to be, or to lie in, the areas named, and for each nation and region."""
    named = {
        code for each in criteria for code in values_named(each, parameters) if isinstance(code, str)
    } & areas.ALL.keys()
    found: dict[tuple[Any, ...], str] = {}
    for code, area in areas.ALL.items():
        if area.is_live:
            held = named & {code, *area.parents}
            place = (code if code in named else None, frozenset(held), areas.nation_of(code), areas.region_of(code))
            found.setdefault(place, code)
    return list(found.values())


def _amounts(criteria: Sequence[Criterion], with_aid: bool, parameters: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Asks, and with them aid received before, that bring about every combination of comparisons.

    Ask, aid and their sum are each compared with whole amounts only; of the whole-numbered points of such a region
    one lies where two of its edges meet (the edges' matrix is totally unimodular), so those crossings are enough.
    """
    edges = _edges(criteria, parameters)
    asks: list[Mapping[str, Any]] = [{}]
    aids: list[Mapping[str, Any]] = [{}]
    crossings: list[Mapping[str, Any]] = []
    for currency in edges.currencies:
        asked, received = edges.about("ask", currency), edges.about(MFA, currency)
        asks.append({ASK_CURRENCY: currency})
        asks += [_ask(amount, currency) for amount in asked]
        if with_aid:
            aids += [_aid(amount, currency) for amount in received]
            sums = edges.about(MFA_TOTAL, currency, 2 * LARGEST_AMOUNT)
            pairs = {(ask, total - ask) for ask in asked for total in sums}
            pairs |= {(total - aid, aid) for aid in received for total in sums}
            crossings += [
                {**_ask(ask, currency), **_aid(aid, currency)}
                for ask, aid in sorted(pairs)
                if 0 <= ask <= LARGEST_AMOUNT and 0 <= aid <= LARGEST_AMOUNT
            ]
    return [*({**ask, **aid} for ask in asks for aid in aids), *crossings]


def _ask(amount: int, currency: str) -> dict[str, Any]:
    return {ASK_CURRENCY: currency, ASK_AMOUNT: amount}


def _aid(amount: int, currency: str) -> dict[str, Any]:
    return {MFA: {"amount": amount, "currency": currency}}


@dataclass(frozen=True, slots=True)
class _Edges:
    """The amounts that criteria compare facts with, by fact and currency."""

    currencies: tuple[str, ...]
    amounts: Mapping[tuple[str, str], frozenset[int]]

    def about(self, fact: str, currency: str, most: int = LARGEST_AMOUNT) -> list[int]:
        """Each of them with the amounts right beside it, the least and the most, rising."""
        steps = {edge + step for edge in self.amounts.get((fact, currency), ()) for step in (-1, 0, 1)}
        return sorted(amount for amount in steps | {0, most} if 0 <= amount <= most)


def _edges(criteria: Sequence[Criterion], parameters: Mapping[str, Any]) -> _Edges:
    """What is compared with what; among the currencies is one that no criterion names."""
    amounts: dict[tuple[str, str], frozenset[int]] = {}
    currencies = {"GBP"}
    for criterion in criteria:
        for value in values_named(criterion, parameters):
            if isinstance(value, str):
                currencies.add(value)
                continue
            key = (criterion.fact, value["currency"])
            currencies.add(value["currency"])
            amounts[key] = amounts.get(key, frozenset()) | {value["amount"]}
    other = next(code for code in codelists.slugs("currencies") if code not in currencies)
    return _Edges((*sorted(currencies), other), amounts)
