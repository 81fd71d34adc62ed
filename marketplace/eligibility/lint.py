"""What is wrong with criteria whatever groups answer: nobody can meet them, or a part of them never decides.

Knows the tree, its alternatives and what facts can bring about together. Must not know anyone's facts, the database or
HTTP. Only what is proved is told. Every question is one about sets of criteria that can hold together: a group is
eligible exactly when all criteria of one alternative hold of it. The work is bounded, and the same tree gets the same
answer; what was not looked into is named.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import partial
from itertools import combinations
from typing import Any

from marketplace.eligibility.normal_form import MOST_CONJUNCTIONS, Literal, TooManyAlternatives, alternatives
from marketplace.eligibility.possibilities import Cluster, possibilities
from marketplace.eligibility.tree import (
    ASK_MAX,
    ASK_MIN,
    CURRENCY,
    INSTRUMENT,
    RESERVED_CODES,
    STAGE,
    AllOf,
    AnyOf,
    AtLeast,
    CriteriaTree,
    Criterion,
    Node,
    Not,
    leaves_of,
)
from marketplace.reference.facts import REGISTRY, FactDefinition
from marketplace.values.reasons import Level

MOST_STEPS = 2_000_000
"""Comparisons of sets made for one tree before the rest is left unchecked."""
MOST_CONFLICTS = 20
"""Contradictions named for one cluster of facts."""
LARGEST_SEARCHED = 3
"""Contradictions of up to so many criteria are found by trying every set; of larger ones a least one is named."""

COLUMN_POINTERS = {
    INSTRUMENT: "#/instruments",
    STAGE: "#/stages",
    ASK_MIN: "#/ask_min",
    ASK_MAX: "#/ask_max",
    CURRENCY: "#/currency",
}
TREE_POINTER = "#/criteria/criteria"


class Kind(StrEnum):
    """What is wrong. Only `unsatisfiable` keeps everyone out."""

    UNSATISFIABLE = "unsatisfiable"
    NEVER_HOLDS = "never_holds"
    CONTRADICTION = "contradiction"
    REDUNDANT = "redundant"
    NEVER_MATTERS = "never_matters"
    AT_LEAST_IS_ALL = "at_least_is_all"
    AT_LEAST_IS_ANY = "at_least_is_any"
    SOFT_ALWAYS_MET = "soft_always_met"
    SOFT_NEVER_MET = "soft_never_met"
    ALL_SOFT = "all_soft"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. `codes` are the criteria it is about, `pointers` their places (or that of the group of them).

    `because` names the criteria that make it so, beside `codes`. `words` says it in English.
    """

    kind: Kind
    codes: tuple[str, ...]
    pointers: tuple[str, ...]
    because: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A place that was not, or not wholly, looked into, and why."""

    pointer: str
    words: str


@dataclass(frozen=True, slots=True)
class Findings:
    """Every fault that was proved, and every place that was not looked into: with none of these, nothing is missing."""

    findings: tuple[Finding, ...]
    not_checked: tuple[NotChecked, ...]

    def as_json(self) -> dict[str, Any]:
        """Both as plain JSON values."""
        return asdict(self)


def lint(
    tree: CriteriaTree, parameters: Mapping[str, Any], registry: Mapping[str, FactDefinition] = REGISTRY
) -> Findings:
    """What can be proved wrong with a compiled tree (the columns' criteria at its head) on the day of `parameters`.

    Pointers lead into `{instruments, stages, ask_min, ask_max, currency, criteria: the author's tree}`. Redundant means
    that exactly the same groups are eligible without it; what it changes for others is not looked at. A set of criteria
    named for a contradiction is a smallest one up to three, and beyond that one of which none can be left out.
    """
    return _Reading(tree, parameters, registry).findings()


class _TooMuchError(Exception):
    """More steps than MOST_STEPS."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A node with where it stands. `needed` of its `below` have to hold; deleting it is the same as `deleted`."""

    node: Node
    pointer: str
    negated: bool
    bits: int
    deleted: bool | None
    """What deletion puts in its place, as the alternatives see it; None where it is its parent that would go."""
    below: tuple["_Place", ...]


@dataclass(slots=True)
class _Reading:
    tree: CriteriaTree
    parameters: Mapping[str, Any]
    registry: Mapping[str, FactDefinition]
    leaves: list[tuple[Criterion, bool, str]] = field(default_factory=list)
    """Each criterion, whether it is negated, and its pointer, in tree order."""
    clusters: tuple[Cluster, ...] = ()
    forms: tuple[int, ...] = ()
    kept: tuple[Node, ...] = ()
    """The tree's nodes but for those with too many alternatives."""
    found: list[Finding] = field(default_factory=list)
    unchecked: list[NotChecked] = field(default_factory=list)
    extensions: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    steps: int = 0

    def findings(self) -> Findings:
        places = self.placed()
        asked = [Literal(criterion, negated) for criterion, negated, _ in self.leaves]
        possible = possibilities(asked, self.parameters, self.registry)
        self.clusters = possible.clusters
        for number in possible.unexplored:
            words = "Its fact takes too many values together with the others' to try them all."
            self.unchecked.append(NotChecked(self.leaves[number][2], words))
        self.kept = self.expandable(places)
        self.forms = self.as_sets(self.kept)
        self.all_soft()
        try:
            self.never_holding()
            live = tuple(form for form in self.forms if self.can_hold(form))
            if live:
                self.soft_decided(live)
                for place in places:
                    self.visit(place)
            else:
                self.unsatisfiable()
        except _TooMuchError:
            words = f"It was looked into for {MOST_STEPS} steps; there may be more to find."
            self.unchecked.append(NotChecked("#/criteria", words))
        return Findings(tuple(dict.fromkeys(self.found)), tuple(dict.fromkeys(self.unchecked)))

    # The tree as places, and as alternatives

    def placed(self) -> list[_Place]:
        columns = 0
        places = []
        for number, node in enumerate(self.tree.criteria):
            if isinstance(node, Criterion) and node.code in RESERVED_CODES:
                columns += 1
                pointer = COLUMN_POINTERS[node.code]
            else:
                pointer = f"{TREE_POINTER}/{number - columns}"
            places.append(self.place(node, pointer, negated=False, deleted=True))
        return places

    def place(self, node: Node, pointer: str, *, negated: bool, deleted: bool | None) -> _Place:
        if isinstance(node, Criterion):
            self.leaves.append((node, negated, pointer))
            bit = 1 << (len(self.leaves) - 1) if node.level is Level.HARD else 0
            return _Place(node, pointer, negated, bit, deleted, ())
        below: tuple[_Place, ...]
        if isinstance(node, Not):
            below = (self.place(node.branch, f"{pointer}/not", negated=not negated, deleted=None),)
        else:
            of_all, member = _asks_for_all(node), _member(node)
            hard = sum(any(leaf.level is Level.HARD for leaf in leaves_of(branch)) for branch in node.branches)
            without = of_all is not negated if hard > 1 else None
            below = tuple(
                self.place(branch, f"{pointer}/{member}/{number}", negated=negated, deleted=without)
                for number, branch in enumerate(node.branches)
            )
        return _Place(node, pointer, negated, _union(each.bits for each in below), deleted, below)

    def expandable(self, places: Sequence[_Place]) -> tuple[Node, ...]:
        """The nodes of the tree that can be written as alternatives together; the others are left out and named."""
        sized = []
        for number, place in enumerate(places):
            try:
                sized.append((len(alternatives(CriteriaTree((place.node,)))), number))
            except TooManyAlternatives:
                self.leave_out(place)
        kept, total = [], 1
        for size, number in sorted(sized):
            if total * size > MOST_CONJUNCTIONS:
                self.leave_out(places[number])
            else:
                total *= size
                kept.append(number)
        return tuple(places[number].node for number in sorted(kept))

    def leave_out(self, place: _Place) -> None:
        words = f"Together with the rest it has more than {MOST_CONJUNCTIONS} alternatives; it was left out."
        self.unchecked.append(NotChecked(place.pointer, words))

    def as_sets(self, nodes: tuple[Node, ...]) -> tuple[int, ...]:
        """The alternatives of all `nodes` together, as sets of criteria."""
        bits = {leaf.code: 1 << number for number, (leaf, *_) in enumerate(self.leaves)}
        forms = alternatives(CriteriaTree(nodes))
        return tuple(_union(bits[each.criterion.code] for each in form.literals) for form in forms)

    # What can hold together

    def holding(self, cluster: Cluster, wanted: int) -> list[int]:
        """The least sets of the cluster's criteria that hold together, all of its `wanted` ones among them."""
        asked = cluster.members, cluster.members & wanted
        if asked not in self.extensions:
            self.spend(len(cluster.together))
            self.extensions[asked] = _least_of(cluster.holding(wanted))
        return self.extensions[asked]

    def spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise _TooMuchError

    def can_hold(self, wanted: int) -> bool:
        """Whether there is a group of which all of `wanted` hold."""
        return all(self.holding(cluster, wanted) for cluster in self.clusters if cluster.members & wanted)

    def avoids(self, wanted: int, forms: Iterable[int]) -> bool:
        """Whether there is a group of which all of `wanted` hold, and of no one of `forms` all."""
        options = [self.holding(cluster, wanted) for cluster in self.clusters if cluster.members & wanted]
        reach = _union(held for sets in options for held in sets)
        return all(options) and self._avoids(0, options, [form for form in forms if not form & ~reach])

    def _avoids(self, held: int, options: Sequence[Sequence[int]], forms: Sequence[int]) -> bool:
        self.spend(1 + len(forms))
        if any(not form & ~held for form in forms):
            return False
        if not options:
            return True
        return any(self._avoids(held | one, options[1:], forms) for one in options[0])

    def implies(self, forms: Iterable[int], others: Sequence[int]) -> bool:
        """Whether of every group of which all of one of `forms` hold, all of one of `others` hold."""
        return not any(self.avoids(form, others) for form in forms)

    # Findings

    def codes(self, bits: int) -> tuple[str, ...]:
        return tuple(leaf.code for number, (leaf, *_) in enumerate(self.leaves) if bits >> number & 1)

    def pointers(self, bits: int) -> tuple[str, ...]:
        return tuple(pointer for number, (*_, pointer) in enumerate(self.leaves) if bits >> number & 1)

    def find(self, kind: Kind, bits: int, words: str, because: int = 0, pointers: tuple[str, ...] = ()) -> None:
        told = self.codes(because & ~bits)
        self.found.append(Finding(kind, self.codes(bits), pointers or self.pointers(bits), told, words))

    def all_soft(self) -> None:
        own = [leaf for leaf, *_ in self.leaves if leaf.code not in RESERVED_CODES]
        if own and all(leaf.level is Level.SOFT for leaf in own):
            bits = _union(1 << number for number, (leaf, *_) in enumerate(self.leaves) if leaf in own)
            self.find(Kind.ALL_SOFT, bits, "Every criterion is soft, so none of them keeps anyone out.")

    def never_holding(self) -> None:
        for number, (leaf, negated, _) in enumerate(self.leaves):
            if not self.can_hold(1 << number):
                words = (
                    f"{leaf.code} can never {'fail, as it has to here' if negated else 'hold'}, whatever is answered."
                )
                self.find(Kind.NEVER_HOLDS, 1 << number, words)

    def unsatisfiable(self) -> None:
        try:
            required = _common(self.forms)
            conflicts = [core for cluster in self.clusters for core in self.conflicts(cluster, required)]
            for core in conflicts:
                self.contradiction(core)
            core = min(conflicts, key=int.bit_count) if conflicts else self.everywhere()
        except _TooMuchError:
            core = _union(self.forms)
        words = f"No group can be eligible: {_listed(self.codes(core))} {_clashing(core)}."
        self.found.insert(0, Finding(Kind.UNSATISFIABLE, self.codes(core), self.pointers(core), (), words))

    def contradiction(self, core: int) -> None:
        if core.bit_count() > 1:
            self.find(Kind.CONTRADICTION, core, f"{_listed(self.codes(core))} {_TOGETHER}.")

    def conflicts(self, cluster: Cluster, required: int) -> list[int]:
        """Sets of required criteria of a cluster that cannot hold together, with none to spare, the smallest first."""
        part = cluster.members & required
        if self.holding(cluster, part):
            return []
        members = list(_bits(part))
        found: list[int] = []
        for size in range(1, LARGEST_SEARCHED + 1):
            for chosen in combinations(members, size):
                bits = sum(chosen)
                self.spend(1 + len(found))
                if not any(not core & ~bits for core in found) and not self.holding(cluster, bits):
                    found.append(bits)
                    if len(found) == MOST_CONFLICTS:
                        return found
        return found or [self.least(part, lambda bits: not self.holding(cluster, bits))]

    def everywhere(self) -> int:
        """Criteria, with none to spare, because of which none of the alternatives can hold."""
        cores = _union(self.least(form, lambda bits: not self.can_hold(bits)) for form in self.forms)
        return self.least(cores, lambda bits: not any(self.can_hold(form & bits) for form in self.forms))

    def least(self, bits: int, enough: Callable[[int], bool]) -> int:
        """A part of `bits` that is still `enough`, with nothing in it to spare; single ones are tried first."""
        if enough(0):
            return 0
        single = next((bit for bit in _bits(bits) if enough(bit)), None)
        if single is not None:
            return single
        for bit in _bits(bits):
            if enough(bits & ~bit):
                bits &= ~bit
        return bits

    def visit(self, place: _Place) -> None:
        """Find what is wrong with a place, and below it where it is not needless as a whole."""
        if not place.bits or not place.bits & _union(self.forms):
            return
        if place.deleted is not None and not self.is_currency(place) and self.needless(place):
            return
        if isinstance(place.node, AtLeast):
            self.at_least(place, place.node)
        for below in place.below:
            self.visit(below)

    def is_currency(self, place: _Place) -> bool:
        """The currency is always asked for, and what bounds the ask asks for it too: nobody could leave it out."""
        return isinstance(place.node, Criterion) and place.node.code == CURRENCY

    def needless(self, place: _Place) -> bool:
        with_it = [form for form in self.forms if form & place.bits]
        if place.deleted:
            if not self.implies((form & ~place.bits for form in with_it), self.forms):
                return False
            because = _union(self.why(form & ~place.bits, self.forms) for form in with_it)
            self.redundant(place, because)
            return True
        others = [form for form in self.forms if not form & place.bits]
        if not self.implies(with_it, others):
            return False
        self.never_matters(place, with_it, others)
        return True

    def redundant(self, place: _Place, because: int) -> None:
        codes, told = self.codes(place.bits), self.codes(because & ~place.bits)
        whatever = f": whoever meets {_listed(told)} meets {'it' if len(codes) == 1 else 'them'} too" if told else ""
        words = f"{_listed(codes)} can be left out without a change to who is eligible{whatever}."
        self.find(Kind.REDUNDANT, place.bits, words, because, (place.pointer,))

    def never_matters(self, place: _Place, with_it: Sequence[int], others: Sequence[int]) -> None:
        possible = [form for form in with_it if self.can_hold(form)]
        codes = _listed(self.codes(place.bits))
        if possible:
            because = _union(self.why(form, others) for form in possible)
            through = _listed(self.codes(because & ~place.bits)) or "the others"
            reason = f"whoever meets {codes} is eligible through {through} already"
        else:
            cores = [self.conflict_with(place.bits, form) for form in with_it]
            cores = list(dict.fromkeys(core for core in cores if core & place.bits)) or cores
            for core in cores:
                self.contradiction(core)
            because = _union(cores)
            reasons = [f"{_listed(self.codes(core))} {_clashing(core)}" for core in cores]
            reason = ", and ".join(reasons)
        words = f"The branch of {codes} makes nobody eligible who would not be: {reason}."
        self.find(Kind.NEVER_MATTERS, place.bits, words, because, (place.pointer,))

    def conflict_with(self, own: int, form: int) -> int:
        """Criteria of an impossible alternative that clash, with none to spare, and some of `own` where those do."""
        others = self.least(form & ~own, lambda bits: not self.can_hold(bits | own))
        return others | self.least(form & own, lambda bits: not self.can_hold(bits | others))

    def why(self, form: int, others: Sequence[int]) -> int:
        """The criteria because of which every group that meets `form` meets one of `others`: theirs and its own."""
        left = sorted((other & ~form for other in others), key=int.bit_count)
        implied = next((other for other in left if not self.avoids(form, [other])), None)
        through = left if implied is None else [implied]
        mine = self.least(form, lambda bits: not self.avoids(bits, through))
        return mine | _union(through)

    def at_least(self, place: _Place, node: AtLeast) -> None:
        if len(node.branches) < 2:
            return
        for kind, other, what in (
            (Kind.AT_LEAST_IS_ALL, AllOf(node.branches), "all of them"),
            (Kind.AT_LEAST_IS_ANY, AnyOf(node.branches), "any one of them"),
        ):
            turned = self.as_sets(tuple(_replaced(each, node, other) for each in self.kept))
            if self.implies(self.forms, turned) and self.implies(turned, self.forms):
                words = f"At least {node.needed} of {len(node.branches)} comes to {what} here."
                self.find(kind, place.bits, words, 0, (place.pointer,))

    def soft_decided(self, live: Sequence[int]) -> None:
        for number, (leaf, *_) in enumerate(self.leaves):
            bit = 1 << number
            if leaf.level is not Level.SOFT or not self.can_hold(bit):
                continue
            (cluster,) = (each for each in self.clusters if each.members & bit)
            if all(self.always(cluster, form, bit=bit) for form in live):
                because = _union(self.least(form, partial(self.always, cluster, bit=bit)) for form in live)
                words = f"Whoever is eligible meets {leaf.code} already, by {_listed(self.codes(because))}."
                self.find(Kind.SOFT_ALWAYS_MET, bit, words, because)
            elif not any(self.holding(cluster, form | bit) for form in live):
                because = _union(self.least(form, partial(self.never, cluster, bit=bit)) for form in live)
                words = f"Nobody who is eligible can meet {leaf.code}, by {_listed(self.codes(because))}."
                self.find(Kind.SOFT_NEVER_MET, bit, words, because)

    def always(self, cluster: Cluster, wanted: int, *, bit: int) -> bool:
        return all(held & bit for held in self.holding(cluster, wanted))

    def never(self, cluster: Cluster, wanted: int, *, bit: int) -> bool:
        return not self.holding(cluster, wanted | bit)


_TOGETHER = "cannot hold together"


def _clashing(core: int) -> str:
    return _TOGETHER if core.bit_count() > 1 else "can never hold"


def _asks_for_all(node: AllOf | AnyOf | AtLeast) -> bool:
    return isinstance(node, AllOf) or (isinstance(node, AtLeast) and node.needed == len(node.branches))


def _member(node: AllOf | AnyOf | AtLeast) -> str:
    return "all" if isinstance(node, AllOf) else "any" if isinstance(node, AnyOf) else "of"


def _replaced(node: Node, old: Node, new: Node) -> Node:
    if node is old:
        return new
    match node:
        case Criterion():
            return node
        case Not(branch):
            return Not(_replaced(branch, old, new))
        case AtLeast(needed, branches):
            return AtLeast(needed, tuple(_replaced(each, old, new) for each in branches))
        case AllOf(branches):
            return AllOf(tuple(_replaced(each, old, new) for each in branches))
        case AnyOf(branches):
            return AnyOf(tuple(_replaced(each, old, new) for each in branches))


def _bits(bits: int) -> Iterator[int]:
    while bits:
        yield bits & -bits
        bits &= bits - 1


def _union(sets: Iterable[int]) -> int:
    union = 0
    for each in sets:
        union |= each
    return union


def _common(sets: Sequence[int]) -> int:
    common = sets[0]
    for each in sets:
        common &= each
    return common


def _least_of(sets: Iterable[int]) -> list[int]:
    """Without those that hold another one whole."""
    kept: list[int] = []
    for each in sorted(sets, key=int.bit_count):
        if not any(not smaller & ~each for smaller in kept):
            kept.append(each)
    return kept


def _listed(codes: Sequence[str]) -> str:
    return codes[0] if len(codes) == 1 else f"{', '.join(codes[:-1])} and {codes[-1]}" if codes else ""
