"""A criteria tree as alternatives: an `any` of `all`s over single criteria, each as it is or turned round.

Knows the tree alone; must not know facts, the database or HTTP. The form says exactly what the tree says in Kleene's
three-valued logic too: `any`, `all` and `not` obey De Morgan, distribution and absorption there. Soft criteria decide
nothing and are left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

from marketplace.eligibility.tree import AllOf, AnyOf, AtLeast, CriteriaTree, Criterion, Node, Not
from marketplace.values.reasons import Level

MOST_CONJUNCTIONS = 256
"""Past so many alternatives a tree has no normal form here, and whoever asked has to do without."""


@dataclass(frozen=True, slots=True)
class Literal:
    """One hard criterion, `negated` where the tree asks for its opposite. Two are one when code and sign agree."""

    criterion: Criterion
    negated: bool = False

    @property
    def key(self) -> tuple[str, bool]:
        return self.criterion.code, self.negated


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Literals that all have to hold, in the tree's order; empty where nothing hard is asked."""

    literals: tuple[Literal, ...]

    @property
    def keys(self) -> frozenset[tuple[str, bool]]:
        return frozenset(literal.key for literal in self.literals)


class TooManyAlternatives(ValueError):
    """The tree has more alternatives than the caller allowed."""


def alternatives(tree: CriteriaTree, most: int = MOST_CONJUNCTIONS) -> tuple[Conjunction, ...]:
    """The conjunctions one of which has to hold; none contains another. TooManyAlternatives past `most`."""
    return _all_of([_form(node, False, most) for node in tree.criteria], most)


_TRUE: tuple[Conjunction, ...] = (Conjunction(()),)


def _form(node: Node, negated: bool, most: int) -> tuple[Conjunction, ...]:
    match node:
        case Criterion():
            return _TRUE if node.level is Level.SOFT else (Conjunction((Literal(node, negated),)),)
        case Not(branch):
            return _form(branch, not negated, most)
        case AllOf(branches):
            needed = len(branches)
        case AnyOf(branches):
            needed = 1
        case AtLeast(needed, branches):
            pass
    if negated:
        needed = len(branches) - needed + 1
    return _at_least(needed, [_form(branch, negated, most) for branch in branches], most)


def _at_least(needed: int, forms: Sequence[tuple[Conjunction, ...]], most: int) -> tuple[Conjunction, ...]:
    if needed == len(forms):
        return _all_of(forms, most)
    if needed == 1:
        return _absorbed((one for form in forms for one in form), most)
    if comb(len(forms), needed) > most:
        raise TooManyAlternatives
    return _absorbed((one for chosen in combinations(forms, needed) for one in _all_of(chosen, most)), most)


def _all_of(forms: Iterable[tuple[Conjunction, ...]], most: int) -> tuple[Conjunction, ...]:
    together = _TRUE
    for form in forms:
        if len(together) * len(form) > most * most:
            raise TooManyAlternatives
        together = _absorbed((_joined(one, other) for one in together for other in form), most)
    return together


def _joined(one: Conjunction, other: Conjunction) -> Conjunction:
    held = one.keys
    return Conjunction((*one.literals, *(literal for literal in other.literals if literal.key not in held)))


def _absorbed(conjunctions: Iterable[Conjunction], most: int) -> tuple[Conjunction, ...]:
    """Without those that another one makes needless: A or (A and B) is A."""
    kept: dict[frozenset[tuple[str, bool]], Conjunction] = {}
    for conjunction in conjunctions:
        keys = conjunction.keys
        if any(shorter <= keys for shorter in kept):
            continue
        for longer in [known for known in kept if keys < known]:
            del kept[longer]
        kept[keys] = conjunction
        if len(kept) > most:
            raise TooManyAlternatives
    return tuple(kept.values())
