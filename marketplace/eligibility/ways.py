"""The nearest way in: the smallest changes after which a pair is eligible, cheapest first, each proved.

Knows the one evaluator, the registry's word on what can be changed, and how derived facts follow. Must not know the
database, HTTP, programmes or proposals, nor whose view the facts are: it is told.

How it searches. The hard criteria that no input can move are settled at once. What is left is written as alternatives
(`normal_form`), one of which has to hold. Inputs that no criterion looks at together move independently; so each
alternative falls into parts of few inputs, the values of each part are tried out in full once for the whole tree, and
the cheapest of each part together are the cheapest of the alternative. Past MOST_CONJUNCTIONS alternatives,
MOST_TRIED values of one part or MOST_COMPARED comparisons a best-first search with MOST_LOOKS evaluations stands in,
and says that it was not exhaustive. Whatever was found is applied, derived and evaluated again before it is offered.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from decimal import Decimal
from heapq import heappop, heappush
from itertools import combinations, count, product
from math import prod
from typing import Any

from marketplace.eligibility.inputs import (
    LEVELS,
    TOGETHER,
    Inputs,
    Values,
    coherent,
    evidence_for,
    inputs_of,
    is_answered,
    level_rank,
    levels_after,
    movable,
    partners,
    targets,
)
from marketplace.eligibility.normal_form import (
    MOST_CONJUNCTIONS,
    Conjunction,
    Literal,
    TooManyAlternatives,
    alternatives,
)
from marketplace.eligibility.rules import OPPOSITE, Evaluation, Result, evaluate
from marketplace.eligibility.tree import (
    AllOf,
    AnyOf,
    AtLeast,
    CriteriaTree,
    Criterion,
    Node,
    Not,
    read_tree,
)
from marketplace.reference import codelists
from marketplace.reference.facts import REGISTRY
from marketplace.values.reasons import Level, Outcome

MOST_TRIED = 20_000
"""So many combinations of values of inputs that hang together are tried out."""

MOST_COMPARED = 60_000
"""So many comparisons the search makes, and as many the proofs: criteria evaluated, and 10 for each map of facts."""

MOST_LOOKS = 400
"""So many evaluations the best-first search makes."""

MOST_KEPT = 12
"""So many sets are kept on the way for each alternative; the cheapest is always among them."""

MOST_STEPS_PROVED = 8
"""Of a set of more steps than this only those subsets are tried that leave one step out."""

MOST_AS_WELL = 40
"""So many other values are tried for what would do as well; past it a bound is true, though narrower than need be."""

CHANGE, ANSWER, EVIDENCE, SHARE = "change", "answer", "evidence", "share"
EVIDENCE_COST = "low"
NO_COST = "none"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. `kind` is change, answer, evidence or share; `present` and `to` are values, null: unknown.

    `at_least` and `at_most` bound what would do as well as `to` (ordered facts; None: no bound on that side);
    `instead` lists other slugs that would. `by` is who does it; `cost` a slug of `change_costs`; `months` about how
    long it takes, None where no time is known. `follows` are derived facts that turn with it. `assumption`: an answer
    to what nobody can change, so it holds if that is the answer. `level` is the assurance that evidence has to reach.
    """

    kind: str
    fact: str
    present: Any
    to: Any
    by: str
    cost: str
    months: int | None = None
    at_least: Any = None
    at_most: Any = None
    instead: tuple[Any, ...] = ()
    follows: Mapping[str, Any] = field(default_factory=dict)
    assumption: bool = False
    level: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The step as plain JSON values."""
        return {
            "kind": self.kind,
            "fact": self.fact,
            "from": self.present,
            "to": self.to,
            "at_least": self.at_least,
            "at_most": self.at_most,
            "instead": list(self.instead),
            "by": self.by,
            "cost": self.cost,
            "months": self.months,
            "follows": dict(self.follows),
            "assumption": self.assumption,
            "level": self.level,
        }


@dataclass(frozen=True, slots=True)
class Way:
    """Steps after which the pair is eligible, and after no proper subset of which it is.

    `points` is their cost together (`change_costs`); `months` the longest of them, 0 where none takes known time.
    """

    steps: tuple[Step, ...]
    points: int
    months: int

    def as_json(self) -> dict[str, Any]:
        """The way as plain JSON values."""
        return {"steps": [step.as_json() for step in self.steps], "points": self.points, "months": self.months}


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways found, the cheapest first: by points, number of steps, months, then slugs.

    `exhaustive`: the first is the cheapest of all, and none means that there is none. False: a bounded search found
    what it found, or a fact outside the registry is unknown, whose answers nobody tried. A pair that is eligible as it
    stands has no ways and needs none.
    """

    result: Result
    sets: tuple[Way, ...]
    exhaustive: bool

    def as_json(self) -> dict[str, Any]:
        """The ways as plain JSON values."""
        return {"ways": [way.as_json() for way in self.sets], "exhaustive": self.exhaustive}


def ways_in(
    tree: CriteriaTree | Mapping[str, Any],
    inputs: Inputs,
    *,
    parameters: Mapping[str, Any],
    assurance: Mapping[str, str] | None = None,
    limit: int = 3,
    most_compared: int = MOST_COMPARED,
) -> Ways:
    """The `limit` cheapest ways to be eligible under a tree (or its stored JSON), as `Ways` says.

    `parameters` and `assurance` as for `evaluate`; `most_compared` bounds the work. Two ways differ in the facts that
    they touch, not in values alone.
    """
    read = tree if isinstance(tree, CriteriaTree) else read_tree(tree)
    pair = Pair(read, inputs, parameters, assurance or {})
    told = pair.evaluate(_Plan({}))
    if told.result is Result.ELIGIBLE:
        return Ways(told.result, (), exhaustive=True)
    search = _Search(pair, most_compared)
    plans = search.plans()
    proved, ended = _proved(pair, sorted(plans, key=lambda plan: plan.rank), limit, most_compared)
    exhaustive = search.exhaustive and (ended or bool(proved))
    return Ways(told.result, tuple(_told(pair, plan, search.targets) for plan in proved), exhaustive)


def _proved(pair: "Pair", plans: Sequence["_Plan"], limit: int, most_compared: int) -> tuple[list["_Plan"], bool]:
    """The first `limit` plans that work and are minimal, no two of which touch the same; whether all were looked at."""
    found: dict[frozenset[tuple[str, str]], _Plan] = {}
    pair.allow(most_compared)
    try:
        for plan in plans:
            if plan.touched not in found and pair.works(plan) and pair.is_minimal(plan):
                found[plan.touched] = plan
            if len(found) == limit:
                break
    except OutOfBoundsError:
        return list(found.values()), False
    finally:
        pair.allow(None)
    return list(found.values()), True


def points_of(cost: str) -> int:
    """The points of a slug of `change_costs`."""
    points: int = codelists.entry("change_costs", cost)["points"]
    return points


# One pair


class OutOfBoundsError(Exception):
    """The search has made as many comparisons as it may."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Values to set and evidence to bring (fact to level), before it is told as steps.

    `cost` are the points of setting the values; `near` says how far they are from the present ones.
    """

    values: Values
    evidence: Mapping[str, str] = field(default_factory=dict)
    cost: int = 0
    months: int = 0
    near: tuple[int, ...] = ()

    @property
    def points(self) -> int:
        return self.cost + len(self.evidence) * points_of(EVIDENCE_COST)

    @property
    def touched(self) -> frozenset[tuple[str, str]]:
        """What it does, without to which value."""
        return frozenset((EVIDENCE, fact) for fact in self.evidence) | frozenset((CHANGE, slug) for slug in self.values)

    @property
    def rank(self) -> tuple[Any, ...]:
        """The order of ways: points, steps, months, slugs; then the nearest values."""
        slugs = sorted([*self.values, *self.evidence])
        return self.points, len(slugs), self.months, slugs, self.near, repr(self.values)

    def of_only(self, touched: Set[tuple[str, str]]) -> "_Plan":
        """The part of it that does only that, its costs left out."""
        return _Plan(
            {slug: value for slug, value in self.values.items() if (CHANGE, slug) in touched},
            {fact: level for fact, level in self.evidence.items() if (EVIDENCE, fact) in touched},
        )

    def joined(self, other: "_Plan") -> "_Plan":
        """Both together; they set different inputs."""
        evidence = dict(self.evidence)
        for fact, level in other.evidence.items():
            evidence[fact] = max(level, evidence.get(fact, level), key=level_rank)
        return _Plan(
            {**self.values, **other.values},
            evidence,
            self.cost + other.cost,
            max(self.months, other.months),
            (*self.near, *other.near),
        )


class Pair:
    """A tree and one group's inputs on a day: what setting some of them comes to."""

    def __init__(
        self, tree: CriteriaTree, inputs: Inputs, parameters: Mapping[str, Any], assurance: Mapping[str, str]
    ) -> None:
        self.tree = tree
        self.inputs = inputs
        self.parameters = parameters
        self.assurance = assurance
        self.facts = inputs.facts()
        self.hard = tuple(leaf for leaf in tree.leaves() if leaf.level is Level.HARD)
        self.left: int | None = None
        self.asks_assurance = any(leaf.assurance is not None for leaf in self.hard)

    def allow(self, comparisons: int | None) -> None:
        """Let so many comparisons be made from now on (None: any number); OutOfBoundsError past them."""
        self.left = comparisons

    def spend(self, criteria: int) -> None:
        """Count a map of facts over which so many criteria are compared."""
        if self.left is not None:
            self.left -= 10 + criteria
            if self.left < 0:
                raise OutOfBoundsError

    def facts_with(self, values: Values) -> dict[str, Any]:
        """The whole fact map after those inputs are set."""
        return self.inputs.with_values(values).facts() if values else self.facts

    def levels_after(self, plan: "_Plan") -> Mapping[str, str]:
        """Each fact's assurance after the plan; nothing where no criterion asks for any."""
        if not self.asks_assurance:
            return {}
        return levels_after(self.assurance, self.inputs.with_values(plan.values), plan.values, plan.evidence)

    def evaluate(self, plan: "_Plan") -> Evaluation:
        """What the tree comes to after the plan."""
        return self._judge(self.facts_with(plan.values), plan)

    def evaluate_sure(self, plan: "_Plan") -> Evaluation:
        """What the tree would come to after the plan if every fact were verified."""
        self.spend(len(self.hard))
        sure = {leaf.fact: LEVELS[-1] for leaf in self.hard}
        return evaluate(self.tree, self.facts_with(plan.values), parameters=self.parameters, assurance=sure)

    def _judge(self, facts: Mapping[str, Any], plan: "_Plan") -> Evaluation:
        self.spend(len(self.hard))
        return evaluate(self.tree, facts, parameters=self.parameters, assurance=self.levels_after(plan))

    def works(self, plan: _Plan) -> bool:
        """The proof: what was planned makes sense, and evaluates to eligible."""
        facts = self.facts_with(plan.values)
        return coherent(self.facts, plan.values, facts) and self._judge(facts, plan).result is Result.ELIGIBLE

    def is_minimal(self, plan: _Plan) -> bool:
        """Whether no proper subset of the plan's steps works."""
        steps = sorted(plan.touched)
        sizes = range(len(steps)) if len(steps) <= MOST_STEPS_PROVED else [len(steps) - 1]
        return not any(
            self.works(plan.of_only(frozenset(chosen))) for size in sizes for chosen in combinations(steps, size)
        )

    def cost_of(self, slug: str) -> tuple[str, int | None]:
        """The cost and the months of setting an input."""
        change = REGISTRY[slug].changeable
        if is_answered(slug, self.facts) or change is None:
            return NO_COST, None
        return change.cost, change.months

    def compared(self, leaves: Sequence[Criterion], facts: Mapping[str, Any]) -> dict[str, Outcome]:
        """What each of the criteria comes to over those facts, by code, however well they are known."""
        self.spend(len(leaves))
        sure = dict.fromkeys((leaf.fact for leaf in leaves), LEVELS[-1])
        told = evaluate(CriteriaTree(tuple(leaves)), facts, parameters=self.parameters, assurance=sure)
        return {reason.code: reason.outcome for reason in told.reasons}


# The search


@dataclass(frozen=True, slots=True)
class _Trial:
    """Values of one part's inputs with what they make of its criteria: the codes met, and those unmet."""

    plan: _Plan
    met: frozenset[str]
    unmet: frozenset[str]

    def holds(self, literal: Literal) -> bool:
        return literal.criterion.code in (self.unmet if literal.negated else self.met)


@dataclass(slots=True)
class _Part:
    """Inputs that some criteria look at together, and the criteria that look at any of them."""

    inputs: tuple[str, ...]
    leaves: tuple[Criterion, ...]
    trials: list[_Trial] = field(default_factory=list)


class _Search:
    """One search over one pair; `exhaustive` tells after `plans` whether it looked at everything."""

    def __init__(self, pair: Pair, most_compared: int) -> None:
        self.pair = pair
        self.most_compared = most_compared
        self.exhaustive = True
        asked = {slug for leaf in pair.hard for slug in inputs_of(leaf.fact) if movable(slug, pair.facts)}
        self.targets: dict[str, list[Any]] = {
            slug: targets(slug, pair.hard, pair.facts, pair.parameters)
            for slug in sorted(asked | partners(asked, pair.facts))
        }

    def plans(self) -> list[_Plan]:
        """Plans that are worth proving; the cheapest that exists among them where the search is exhaustive."""
        self.pair.allow(self.most_compared)
        try:
            return list(self._exact())
        except (TooManyAlternatives, OutOfBoundsError):
            self.exhaustive = False
            self.pair.allow(self.most_compared)
            return list(self._best_first())
        finally:
            self.pair.allow(None)

    def _exact(self) -> Iterator[_Plan]:
        parts = self._parts()
        part_of = {leaf.code: part for part in parts for leaf in part.leaves}
        needed = _settled(AllOf(self.pair.tree.criteria), self._fixed(part_of), negated=False)
        if isinstance(needed, bool):
            conjunctions: tuple[Conjunction, ...] = (Conjunction(()),) if needed else ()
        else:
            conjunctions = alternatives(CriteriaTree((needed,)), MOST_CONJUNCTIONS)
        asked = {literal.criterion.code for each in conjunctions for literal in each.literals}
        for part in parts:
            if any(leaf.code in asked for leaf in part.leaves):
                part.trials = self._tried(part)
        for conjunction in conjunctions:
            yield from self._cheapest(conjunction, part_of)

    def _parts(self) -> list[_Part]:
        """The movable inputs, in parts that no criterion and no rule of sense looks at together."""
        groups: list[set[str]] = []
        seen_together = [inputs_of(leaf.fact) for leaf in self.pair.hard]
        for together in [*seen_together, TOGETHER]:
            joined = {slug for slug in together if slug in self.targets}
            if not joined:
                continue
            for group in [group for group in groups if group & joined]:
                groups.remove(group)
                joined |= group
            groups.append(joined)
        return [
            _Part(
                tuple(slug for slug in REGISTRY if slug in group),
                tuple(leaf for leaf in self.pair.hard if inputs_of(leaf.fact) & group),
            )
            for group in groups
        ]

    def _fixed(self, part_of: Mapping[str, _Part]) -> dict[str, Outcome]:
        """What criteria come to that no input moves, less those that evidence would turn to met."""
        fixed = {leaf.code: leaf for leaf in self.pair.hard if leaf.code not in part_of}
        self.exhaustive = all(leaf.fact in REGISTRY or leaf.fact in self.pair.facts for leaf in fixed.values())
        levels = self.pair.levels_after(_Plan({}))
        return {
            code: outcome
            for code, outcome in self.pair.compared(list(fixed.values()), self.pair.facts).items()
            if outcome is not Outcome.MET or _sure_enough(fixed[code], levels)
        }

    def _tried(self, part: _Part) -> list[_Trial]:
        """Every combination of values of the part's inputs, unchanged ones among them, that makes sense.

        One of each kind is kept: of those that touch the same inputs and come to the same, the nearest.
        """
        choices = [[None, *enumerate(self.targets[slug])] for slug in part.inputs]
        if prod(len(each) for each in choices) > MOST_TRIED:
            raise TooManyAlternatives
        kept: dict[Any, _Trial] = {}
        for chosen in product(*choices):
            picked = [(slug, each) for slug, each in zip(part.inputs, chosen, strict=True) if each is not None]
            values = {slug: value for slug, (_, value) in picked}
            facts = self.pair.facts_with(values)
            if not coherent(self.pair.facts, values, facts):
                continue
            outcomes = self.pair.compared(part.leaves, facts)
            met = frozenset(code for code, outcome in outcomes.items() if outcome is Outcome.MET)
            unmet = frozenset(code for code, outcome in outcomes.items() if outcome is Outcome.UNMET)
            trial = _Trial(self._plan(values, tuple(place for _, (place, _) in picked)), met, unmet)
            kind = (frozenset(values), met, unmet)
            if kind not in kept or trial.plan.near < kept[kind].plan.near:
                kept[kind] = trial
        return sorted(kept.values(), key=lambda trial: trial.plan.rank)

    def _plan(self, values: Values, near: tuple[int, ...]) -> _Plan:
        costs = [self.pair.cost_of(slug) for slug in values]
        points = sum(points_of(cost) for cost, _ in costs)
        return _Plan(values, {}, points, max((months or 0 for _, months in costs), default=0), near)

    def _cheapest(self, conjunction: Conjunction, part_of: Mapping[str, _Part]) -> list[_Plan]:
        """The MOST_KEPT cheapest plans after which all of the literals hold."""
        asked: dict[int, tuple[_Part | None, list[Literal]]] = {}
        for literal in conjunction.literals:
            part = part_of.get(literal.criterion.code)
            asked.setdefault(id(part), (part, []))[1].append(literal)
        together = [_Plan({})]
        for part, literals in asked.values():
            options = self._options(part, literals)
            joined = (one.joined(other) for one in together for other in options)
            together = sorted(joined, key=lambda plan: plan.rank)[:MOST_KEPT]
        return together

    def _options(self, part: _Part | None, literals: Sequence[Literal]) -> list[_Plan]:
        """The cheapest plans for one part, one for each choice of inputs to touch, with the evidence each needs."""
        trials = [_Trial(_Plan({}), frozenset(), frozenset())] if part is None else part.trials
        found: dict[frozenset[tuple[str, str]], _Plan] = {}
        for trial in trials:
            if part is not None and not all(trial.holds(literal) for literal in literals):
                continue
            plan = with_evidence(self.pair, trial.plan, [literal.criterion for literal in literals])
            if plan is not None and not any(smaller <= plan.touched for smaller in found):
                found[plan.touched] = plan
        return sorted(found.values(), key=lambda plan: plan.rank)[:MOST_KEPT]

    def _best_first(self) -> Iterator[_Plan]:
        """What `_cheapest_first` finds before it has made its comparisons."""
        try:
            yield from self._cheapest_first()
        except OutOfBoundsError:
            return

    def _cheapest_first(self) -> Iterator[_Plan]:
        """The cheapest plans first, each by one more input of a criterion that is not met yet; MOST_LOOKS looks."""
        order = count()
        waiting: list[tuple[Any, int, _Plan]] = [((), next(order), _Plan({}))]
        seen: set[str] = set()
        leaves = {leaf.code: leaf for leaf in self.pair.hard}
        for _ in range(MOST_LOOKS):
            if not waiting:
                return
            plan = heappop(waiting)[2]
            told = self.pair.evaluate_sure(plan)
            if told.result is Result.ELIGIBLE:
                met = [
                    leaves[each.code] for each in told.reasons if each.code in leaves and each.outcome is Outcome.MET
                ]
                evidenced = with_evidence(self.pair, plan, met)
                if evidenced is None:
                    continue
                if self.pair.works(evidenced):
                    yield self._lean(evidenced)
                    continue
            for slug, place, value in self._next_moves(plan, told, leaves):
                values = {**plan.values, slug: value}
                longer = self._plan(values, (*plan.near, place))
                mark = repr(sorted(values.items()))
                if mark not in seen:
                    seen.add(mark)
                    heappush(waiting, (longer.rank[:3], next(order), longer))

    def _next_moves(
        self, plan: _Plan, told: Evaluation, leaves: Mapping[str, Criterion]
    ) -> Iterator[tuple[str, int, Any]]:
        short = [leaves[each.code] for each in told.reasons if each.code in leaves and each.outcome is not Outcome.MET]
        asked = {slug for leaf in short for slug in inputs_of(leaf.fact)} | partners(plan.values, self.pair.facts)
        for slug in sorted(asked & self.targets.keys()):
            if slug not in plan.values:
                seen: set[tuple[Outcome, ...]] = set()
                for place, value in enumerate(self.targets[slug]):
                    about = [leaf for leaf in self.pair.hard if slug in inputs_of(leaf.fact)]
                    facts = self.pair.facts_with({**plan.values, slug: value})
                    told_apart = tuple(self.pair.compared(about, facts).values())
                    if told_apart not in seen:
                        seen.add(told_apart)
                        yield slug, place, value

    def _lean(self, plan: _Plan) -> _Plan:
        """The plan without the steps that it does not need, the dearest tried first."""
        for step in sorted(plan.touched, key=lambda step: (-self._points_of(step), step)):
            fewer = plan.of_only(plan.touched - {step})
            if self.pair.works(fewer):
                costed = self._plan(fewer.values, plan.near)
                plan = replace(costed, evidence=fewer.evidence)
        return plan

    def _points_of(self, step: tuple[str, str]) -> int:
        kind, slug = step
        return points_of(EVIDENCE_COST if kind == EVIDENCE else self.pair.cost_of(slug)[0])


def with_evidence(pair: Pair, plan: _Plan, criteria: Iterable[Criterion]) -> _Plan | None:
    """The plan with the evidence that the criteria want beyond what their facts then have; None if none can be had."""
    for criterion in criteria:
        wanted = criterion.assurance
        if wanted is None or _sure_enough(criterion, pair.levels_after(plan)):
            continue
        known = pair.inputs.with_values(plan.values).answers
        tried = (plan.joined(_Plan({}, dict.fromkeys(some, wanted))) for some in evidence_for(criterion.fact, known))
        enough = next((more for more in tried if _sure_enough(criterion, pair.levels_after(more))), None)
        if enough is None:
            return None
        plan = enough
    return plan


def _sure_enough(criterion: Criterion, levels: Mapping[str, str]) -> bool:
    return level_rank(levels.get(criterion.fact)) >= level_rank(criterion.assurance)


def _settled(node: Node, fixed: Mapping[str, Outcome], *, negated: bool) -> Node | bool:
    """The node without the criteria that nothing moves, `not` carried down to the others; a truth if none is left.

    A soft criterion is true. A fixed criterion that is unknown can never hold, turned round or not.
    """
    match node:
        case Criterion():
            if node.level is Level.SOFT:
                return True
            if node.code in fixed:
                outcome = OPPOSITE[fixed[node.code]] if negated else fixed[node.code]
                return outcome is Outcome.MET
            return Not(node) if negated else node
        case Not(branch):
            return _settled(branch, fixed, negated=not negated)
        case AllOf(branches):
            needed = len(branches)
        case AnyOf(branches):
            needed = 1
        case AtLeast(needed, branches):
            pass
    if negated:
        needed = len(branches) - needed + 1
    settled = [_settled(branch, fixed, negated=negated) for branch in branches]
    needed -= sum(each is True for each in settled)
    left = tuple(each for each in settled if not isinstance(each, bool))
    if needed <= 0:
        return True
    if needed > len(left):
        return False
    return left[0] if len(left) == 1 else AtLeast(needed, left)


# Telling a plan as steps


def _told(pair: Pair, plan: _Plan, tried: Mapping[str, Sequence[Any]]) -> Way:
    steps = [_step(pair, plan, slug, tried[slug]) for slug in REGISTRY if slug in plan.values]
    after = pair.facts_with(plan.values)
    steps += [
        Step(EVIDENCE, fact, after.get(fact), after.get(fact), "group", EVIDENCE_COST, level=level)
        for fact, level in sorted(plan.evidence.items())
    ]
    return Way(tuple(steps), plan.points, plan.months)


def _step(pair: Pair, plan: _Plan, slug: str, tried: Sequence[Any]) -> Step:
    definition = REGISTRY[slug]
    answered = is_answered(slug, pair.facts)
    cost, months = pair.cost_of(slug)
    at_least, at_most = _bounds(pair, plan, slug, tried)
    return Step(
        kind=ANSWER if answered else CHANGE,
        fact=slug,
        present=pair.facts.get(slug),
        to=plan.values[slug],
        by="group" if answered or definition.changeable is None else definition.changeable.by,
        cost=cost,
        months=months,
        at_least=at_least,
        at_most=at_most,
        instead=_instead(pair, plan, slug, tried),
        follows=_followers(pair, plan, slug),
        assumption=answered and definition.changeable is None,
    )


def _followers(pair: Pair, plan: _Plan, slug: str) -> dict[str, Any]:
    """The derived facts that turn with the input, with their values in the end."""
    after = pair.facts_with(plan.values)
    return {
        fact: value
        for fact, value in after.items()
        if fact != slug and fact not in plan.values and slug in inputs_of(fact) and value != pair.facts.get(fact)
    }


def _does(pair: Pair, plan: _Plan, slug: str, value: Any) -> bool:
    """Whether another value of the input would do as well, the other steps as they are."""
    return pair.works(_Plan({**plan.values, slug: value}, plan.evidence))


def _instead(pair: Pair, plan: _Plan, slug: str, tried: Sequence[Any]) -> tuple[Any, ...]:
    if REGISTRY[slug].type not in ("choice", "area"):
        return ()
    others = [value for value in tried if value != plan.values[slug]]
    return tuple(value for value in others[:MOST_AS_WELL] if _does(pair, plan, slug, value))


def _bounds(pair: Pair, plan: _Plan, slug: str, tried: Sequence[Any]) -> tuple[Any, Any]:
    """The ends of the stretch about the planned value in which every value would do; None where it has no end.

    Between the values tried no comparison turns, so that the ends are exact. The present value does not do.
    """
    chosen, measure = plan.values[slug], _MEASURES.get(REGISTRY[slug].type)
    if measure is None:
        return None, None
    present = [pair.facts[slug]] if slug in pair.facts else []
    line = sorted((each for each in [*tried, *present] if measure(each)[0] == measure(chosen)[0]), key=measure)
    low = high = line.index(chosen)
    lowest, highest = max(0, low - MOST_AS_WELL), min(len(line) - 1, high + MOST_AS_WELL)
    while low > lowest and _does(pair, plan, slug, line[low - 1]):
        low -= 1
    while high < highest and _does(pair, plan, slug, line[high + 1]):
        high += 1
    return line[low] if low > 0 else None, line[high] if high < len(line) - 1 else None


_MEASURES: Mapping[str, Callable[[Any], tuple[str, Any]]] = {
    "money": lambda value: (value["currency"], value["amount"]),
    "integer": lambda value: ("", value),
    "percentage": lambda value: ("", value),
    "decimal": lambda value: ("", Decimal(value)),
    "date": lambda value: ("", value),
}
"""What an ordered value is measured in, and how much of it there is."""
