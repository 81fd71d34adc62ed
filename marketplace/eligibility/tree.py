"""The criteria tree: its shape, what an author may write, and how columns and tree become one stored version.

Knows the grammar (`schema_version` 1) and which comparison suits which type of fact. Must not know any group's
facts, the database or HTTP. A stored tree is JSON: `{"schema_version": 1, "criteria": [node, ...]}`, where all of
the nodes have to hold. A node is a criterion, `{"all": [...]}`, `{"any": [...]}`, `{"not": node}` or
`{"at_least": n, "of": [...]}`.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from marketplace.eligibility.measures import order
from marketplace.reference.codelists import slugs
from marketplace.reference.facts import check_value
from marketplace.reference.parameters import amounts
from marketplace.values.reasons import Level
from marketplace.values.refusals import Unprocessable
from marketplace.values.words import DEFAULT_LANGUAGE, LANGUAGES, Words

SCHEMA_VERSION = 1

ASSURANCE_LEVELS: tuple[str, ...] = slugs("assurance_levels")
"""How well a fact is known, the least first. A criterion may want more than the first."""


class Takes(StrEnum):
    """What a criterion's value is."""

    ONE = "one"
    LIST = "list"
    RANGE = "range"
    TRUE = "true"
    MONTHS = "months"
    LINKS = "links"


SHAPES: Mapping[Takes, str] = {
    Takes.ONE: "one value of the fact's type",
    Takes.LIST: "a list of values of the fact's type (for a list of slugs or codes: of single slugs or codes)",
    Takes.RANGE: "a list of two values of the fact's type, the smaller first; both count as within",
    Takes.TRUE: "true",
    Takes.MONTHS: "a whole number of months",
    Takes.LINKS: "a list of area codes, or of slugs of sectors and groups of sectors, of any level",
}
"""The shape of a value, in words."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One way to compare: `types` of the facts that it suits, what its value is, and what it says, in a sentence.

    `within` suits no type as such, but each fact of the registry that names its chain.
    """

    op: str
    types: frozenset[str]
    takes: Takes
    meaning: str


_LISTS = frozenset({"choices", "areas"})
_MEASURED = frozenset({"money", "integer", "percentage", "decimal", "date"})
_SCALARS = _MEASURED | {"boolean", "choice", "area"}
_DATES = frozenset({"date"})

COMPARISONS: Mapping[str, Comparison] = {
    comparison.op: comparison
    for comparison in (
        Comparison("eq", _SCALARS, Takes.ONE, "The fact is this value."),
        Comparison("ne", _SCALARS, Takes.ONE, "The fact is another value than this."),
        Comparison("in", _SCALARS, Takes.LIST, "The fact is one of these values."),
        Comparison("not_in", _SCALARS, Takes.LIST, "The fact is none of these values."),
        Comparison("lt", _MEASURED, Takes.ONE, "The fact is less (or an earlier day) than this."),
        Comparison("lte", _MEASURED, Takes.ONE, "The fact is this or less (or an earlier day)."),
        Comparison("gt", _MEASURED, Takes.ONE, "The fact is more (or a later day) than this."),
        Comparison("gte", _MEASURED, Takes.ONE, "The fact is this or more (or a later day)."),
        Comparison(
            "between", _MEASURED, Takes.RANGE, "The fact is not less than the first and not more than the second."
        ),
        Comparison("contains_any", _LISTS, Takes.LIST, "The fact lists one of these or more."),
        Comparison("contains_all", _LISTS, Takes.LIST, "The fact lists every one of these."),
        Comparison("contains_none", _LISTS, Takes.LIST, "The fact lists none of these."),
        Comparison("within", frozenset(), Takes.LINKS, "The fact is one of these, or lies in one of these."),
        Comparison(
            "at_least_months_before",
            _DATES,
            Takes.MONTHS,
            "The day was so many months ago, or longer; the day of the evaluation counts.",
        ),
        Comparison(
            "at_least_months_after",
            _DATES,
            Takes.MONTHS,
            "The day comes in so many months from the day of the evaluation, or later.",
        ),
        Comparison(
            "known", _SCALARS | _LISTS, Takes.TRUE, "The fact has an answer, whichever; without one it is unknown."
        ),
    )
}
"""Every comparison by its op: the one table that the parser reads and that is served."""

OPS = frozenset(COMPARISONS)
WITHIN, BETWEEN = "within", "between"
ORDERED = frozenset({"lt", "lte", "gt", "gte"})
WITH_PARAMETERS = ORDERED | {BETWEEN}
WITH_LIST = frozenset(op for op, comparison in COMPARISONS.items() if comparison.takes is Takes.LIST)
OPS_BY_TYPE: Mapping[str, frozenset[str]] = {
    kind: frozenset(op for op, comparison in COMPARISONS.items() if kind in comparison.types)
    for kind in sorted(_SCALARS | _LISTS)
}
"""Which comparison an author may use on a fact of which type; `within` besides where the fact has a chain."""

INSTRUMENT, STAGE, ASK_MIN, ASK_MAX, CURRENCY = "INSTRUMENT", "STAGE", "ASK_MIN", "ASK_MAX", "CURRENCY"
RESERVED_CODES = frozenset({INSTRUMENT, STAGE, ASK_MIN, ASK_MAX, CURRENCY})
"""Compiled from the programme's columns; an author's tree may not use them."""

CODE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
DEEPEST = 8
MOST_NODES = 200
MOST_BRANCHES = 200
MOST_VALUES = 200
MOST_MONTHS = 1_200
MOST_ERRORS = 50
LONGEST_REASON = 2_000
HEAVIEST = 100

CRITERION_MEMBERS = frozenset(
    {"code", "fact", "op", "value", "level", "weight", "waivable", "reason", "assurance", "chain"}
)
GROUPS: Mapping[str, str] = {
    "all": "Every node of the list has to hold.",
    "any": "One node of the list has to hold.",
    "not": "The one node has to fail; where it is unknown, this is unknown too.",
    "at_least": "So many of the nodes in the list `of` have to hold.",
}
"""Every kind of group, by the member that makes a node one."""

GROUP_MEMBERS = frozenset({*GROUPS, "of"})


@dataclass(frozen=True, slots=True)
class Criterion:
    """One leaf. `value` is JSON as `SHAPES` says; in place of an amount may stand `{"parameter": name}`.

    `assurance` is evidenced or verified where a declared fact is not enough. `chain` (of `within` alone) is the fact
    that lists the criterion's fact and all that holds it, so that nobody who evaluates needs the hierarchy.
    """

    code: str
    fact: str
    op: str
    value: Any
    level: Level = Level.HARD
    weight: int = 1
    waivable: bool = False
    reason: Words | None = None
    assurance: str | None = None
    chain: str | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every branch has to hold."""

    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One branch has to hold."""

    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """`needed` of the branches have to hold, 1 to their number."""

    needed: int
    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The branch has to fail; an unknown branch stays unknown."""

    branch: "Node"


Node = Criterion | AllOf | AnyOf | AtLeast | Not


@dataclass(frozen=True, slots=True)
class CriteriaTree:
    """All of `criteria` have to hold. Soft criteria stand only where they cannot decide: at the root or in `all`."""

    criteria: tuple[Node, ...]

    def leaves(self) -> Iterator[Criterion]:
        """The criteria in tree order."""
        for node in self.criteria:
            yield from leaves_of(node)

    def as_json(self) -> dict[str, Any]:
        """The tree as the JSON that is stored and served."""
        return {"schema_version": SCHEMA_VERSION, "criteria": [node_as_json(node) for node in self.criteria]}


class FactShape(Protocol):
    """What the tree needs to know of a fact's definition."""

    @property
    def type(self) -> str: ...
    @property
    def chain(self) -> str | None: ...
    @property
    def never_hard(self) -> bool: ...
    @property
    def assurable(self) -> bool: ...


class InvalidCriteria(Unprocessable):
    """Carries `errors`: each a JSON pointer to the node and what is wrong there, at most 50."""

    code = "invalid-criteria"
    title = "The criteria cannot be read as they stand"


class UnreadableTreeError(ValueError):
    """A stored tree that this version of the program cannot read: a fault of ours, never of a caller."""


def leaves_of(node: Node) -> Iterator[Criterion]:
    """The criteria below `node`, itself included, in tree order."""
    match node:
        case Criterion():
            yield node
        case Not(branch):
            yield from leaves_of(branch)
        case _:
            for branch in node.branches:
                yield from leaves_of(branch)


def node_as_json(node: Node) -> dict[str, Any]:
    """One node as JSON, every member written out (`reason`, `assurance` and `chain` only where there is one)."""
    match node:
        case Criterion():
            leaf = {
                "code": node.code,
                "fact": node.fact,
                "op": node.op,
                "value": node.value,
                "level": node.level.value,
                "weight": node.weight,
                "waivable": node.waivable,
            }
            optional = {"reason": node.reason, "assurance": node.assurance, "chain": node.chain}
            return {**leaf, **{name: value for name, value in optional.items() if value is not None}}
        case Not(branch):
            return {"not": node_as_json(branch)}
        case AtLeast(needed, branches):
            return {"at_least": needed, "of": [node_as_json(branch) for branch in branches]}
        case AllOf(branches):
            return {"all": [node_as_json(branch) for branch in branches]}
        case AnyOf(branches):
            return {"any": [node_as_json(branch) for branch in branches]}


def compile_columns(
    currency: str,
    instruments: Sequence[str] | None,
    stages: Sequence[str] | None,
    ask_min: int | None,
    ask_max: int | None,
) -> tuple[Criterion, ...]:
    """A programme's columns as hard criteria, in the order they are shown.

    `ask_min` and `ask_max` are minor units of `currency`, both inclusive. A column that is None (or an empty list)
    asks nothing; the currency always has to agree.
    """
    head = []
    if instruments:
        head.append(Criterion(INSTRUMENT, "instruments_sought", "contains_any", list(instruments)))
    if stages:
        head.append(Criterion(STAGE, "stage", "in", list(stages)))
    if ask_min is not None:
        head.append(Criterion(ASK_MIN, "ask", "gte", {"amount": ask_min, "currency": currency}))
    if ask_max is not None:
        head.append(Criterion(ASK_MAX, "ask", "lte", {"amount": ask_max, "currency": currency}))
    return (*head, Criterion(CURRENCY, "ask_currency", "eq", currency))


def compile_tree(columns: Sequence[Criterion], author_tree: CriteriaTree) -> dict[str, Any]:
    """The JSON that a criteria version stores: the columns' criteria at the head, then the author's."""
    return CriteriaTree((*columns, *author_tree.criteria)).as_json()


def read_tree(stored: Mapping[str, Any]) -> CriteriaTree:
    """The tree of a stored version, which was checked when it was written; UnreadableTreeError if it is none."""
    if stored.get("schema_version") != SCHEMA_VERSION:
        raise UnreadableTreeError("a criteria tree of another schema_version")
    return CriteriaTree(tuple(_stored_node(node) for node in stored["criteria"]))


def _stored_node(node: Mapping[str, Any]) -> Node:
    match node:
        case {"op": op} if op in OPS:
            return Criterion(
                code=node["code"],
                fact=node["fact"],
                op=op,
                value=node["value"],
                level=Level(node.get("level", Level.HARD)),
                weight=node.get("weight", 1),
                waivable=node.get("waivable", False),
                reason=node.get("reason"),
                assurance=node.get("assurance"),
                chain=node.get("chain"),
            )
        case {"all": branches}:
            return AllOf(tuple(_stored_node(branch) for branch in branches))
        case {"any": branches}:
            return AnyOf(tuple(_stored_node(branch) for branch in branches))
        case {"at_least": needed, "of": branches}:
            return AtLeast(needed, tuple(_stored_node(branch) for branch in branches))
        case {"not": branch}:
            return Not(_stored_node(branch))
    raise UnreadableTreeError("a node that is neither a criterion with a known op nor a group")


def parse_author_tree(
    tree: object,
    registry: Mapping[str, FactShape],
    *,
    check: Callable[[str, Any], Any] = check_value,
    parameters: Collection[str] = amounts(),
    language: str = DEFAULT_LANGUAGE,
    at: str = "#",
) -> CriteriaTree:
    """Read what an author wrote, or refuse it with every fault found (InvalidCriteria, the only error raised).

    `tree` is any JSON value. `check(fact, value)` gives the value normalised or raises ValueError; `parameters` are
    the names a value may refer to; a reason given as plain text is in `language`; pointers begin with `at`.
    """
    reading = _Reading(registry, check, parameters, language)
    criteria = reading.tree(tree, at)
    if reading.errors:
        raise InvalidCriteria("The criteria have faults; each is named with its place.", errors=reading.errors)
    return CriteriaTree(criteria)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where in the tree a node stands, and what that allows."""

    depth: int
    soft_allowed: bool = False
    denied: bool = False

    def below(self, kind: str) -> "_Standing":
        return _Standing(self.depth + 1, self.soft_allowed and kind == "all", self.denied or kind == "not")


@dataclass(slots=True)
class _Reading:
    """One author's tree being read: what it may refer to, and what has been found so far."""

    registry: Mapping[str, FactShape]
    check: Callable[[str, Any], Any]
    parameters: Collection[str]
    language: str
    errors: list[dict[str, str]] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    nodes: int = 0

    def fault(self, pointer: str, detail: str) -> None:
        if len(self.errors) < MOST_ERRORS:
            self.errors.append({"pointer": pointer, "detail": detail})

    def tree(self, tree: object, at: str) -> tuple[Node, ...]:
        if not isinstance(tree, dict):
            self.fault(at, "a criteria tree is an object with schema_version and criteria")
            return ()
        self.refuse_unknown_members(tree, frozenset({"schema_version", "criteria"}), at)
        version = tree.get("schema_version")
        if type(version) is not int or version != SCHEMA_VERSION:
            self.fault(f"{at}/schema_version", f"has to be {SCHEMA_VERSION}")
        criteria = tree.get("criteria")
        if not isinstance(criteria, list):
            self.fault(f"{at}/criteria", "has to be a list of nodes")
            return ()
        return self.branches(criteria, f"{at}/criteria", _Standing(1, soft_allowed=True))

    def branches(self, nodes: list[Any], at: str, standing: _Standing) -> tuple[Node, ...]:
        if len(nodes) > MOST_BRANCHES:
            self.fault(at, f"has more than {MOST_BRANCHES} branches")
            return ()
        read = (self.node(node, f"{at}/{place}", standing) for place, node in enumerate(nodes))
        return tuple(node for node in read if node is not None)

    def node(self, node: object, at: str, standing: _Standing) -> Node | None:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            if self.nodes == MOST_NODES + 1:
                self.fault(at, f"the tree has more than {MOST_NODES} nodes")
            return None
        if standing.depth > DEEPEST:
            self.fault(at, f"is nested deeper than {DEEPEST} levels")
            return None
        if not isinstance(node, dict):
            self.fault(at, "a node is an object: a criterion, all, any, not or at_least")
            return None
        if GROUP_MEMBERS.isdisjoint(node):
            return self.criterion(node, at, standing)
        return self.group(node, at, standing)

    def group(self, node: dict[Any, Any], at: str, standing: _Standing) -> Node | None:
        kinds = [kind for kind in GROUPS if kind in node]
        if len(kinds) != 1:
            self.fault(at, "a group is exactly one of all, any, not, and at_least with of")
            return None
        kind = kinds[0]
        self.refuse_unknown_members(node, frozenset({kind, "of"} if kind == "at_least" else {kind}), at)
        if kind == "not":
            branch = self.node(node["not"], f"{at}/not", standing.below(kind))
            return None if branch is None else Not(branch)
        member = "of" if kind == "at_least" else kind
        nodes = node.get(member)
        if not isinstance(nodes, list) or not nodes:
            self.fault(f"{at}/{member}", "has to be a list of one node or more")
            return None
        branches = self.branches(nodes, f"{at}/{member}", standing.below(kind))
        if kind == "all":
            return AllOf(branches)
        if kind == "any":
            return AnyOf(branches)
        needed = node["at_least"]
        if type(needed) is not int or not 1 <= needed <= len(nodes):
            self.fault(f"{at}/at_least", "has to be a whole number from 1 to the number of branches")
            return None
        return AtLeast(needed, branches)

    def criterion(self, leaf: dict[Any, Any], at: str, standing: _Standing) -> Criterion | None:
        faults = len(self.errors)
        self.refuse_unknown_members(leaf, CRITERION_MEMBERS, at)
        level = self.level(leaf, at, soft_allowed=standing.soft_allowed)
        weight = leaf.get("weight", 1)
        if type(weight) is not int or not 1 <= weight <= HEAVIEST:
            self.fault(f"{at}/weight", f"has to be a whole number from 1 to {HEAVIEST}")
        waivable = leaf.get("waivable", False)
        if not isinstance(waivable, bool):
            self.fault(f"{at}/waivable", "has to be true or false")
        code = self.criterion_code(leaf, at)
        reason = self.reason(leaf.get("reason"), f"{at}/reason")
        fact, op = self.fact_and_op(leaf, at)
        assurance = self.assurance(leaf, fact, f"{at}/assurance", standing)
        if fact is None or op is None:
            return None
        if level is Level.HARD and self.registry[fact].never_hard:
            self.fault(at, f"{fact} may be weighed and may not decide: make the criterion soft, at the root or in all")
        chain = self.registry[fact].chain if op == WITHIN else None
        if leaf.get("chain", chain) != chain:
            self.fault(f"{at}/chain", "is written by the marketplace: leave it out")
        value = self.value(fact, op, leaf.get("value"), f"{at}/value")
        if len(self.errors) > faults or len(self.errors) == MOST_ERRORS:
            return None
        return Criterion(code, fact, op, value, level, weight, waivable, reason, assurance, chain)

    def level(self, leaf: dict[Any, Any], at: str, *, soft_allowed: bool) -> Level:
        level = leaf.get("level", Level.HARD.value)
        if level == Level.SOFT.value:
            if not soft_allowed:
                self.fault(f"{at}/level", "a soft criterion stands at the root or inside all: it must never decide")
            return Level.SOFT
        if level != Level.HARD.value:
            self.fault(f"{at}/level", "has to be hard or soft")
        return Level.HARD

    def assurance(self, leaf: dict[Any, Any], fact: str | None, at: str, standing: _Standing) -> str | None:
        declared, *higher = ASSURANCE_LEVELS
        wanted = leaf.get("assurance", declared)
        if not isinstance(wanted, str) or wanted not in ASSURANCE_LEVELS:
            self.fault(at, f"has to be one of {', '.join(ASSURANCE_LEVELS)}")
        elif wanted in higher and standing.denied:
            self.fault(at, "may not stand below not: write the comparison the other way round")
        elif wanted in higher and fact is not None and not self.registry[fact].assurable:
            self.fault(at, f"{fact} is never more than declared: nobody but the group can say")
        return wanted if wanted in higher else None

    def criterion_code(self, leaf: dict[Any, Any], at: str) -> str:
        code = leaf.get("code")
        if not isinstance(code, str) or not CODE.fullmatch(code):
            self.fault(f"{at}/code", "has to be a capital, then at most 39 capitals, digits or underscores")
            return ""
        if code in RESERVED_CODES:
            self.fault(f"{at}/code", f"{code} is reserved: it is compiled from the programme itself")
        elif code in self.codes:
            self.fault(f"{at}/code", f"{code} is used twice in this tree")
        self.codes.add(code)
        return code

    def fact_and_op(self, leaf: dict[Any, Any], at: str) -> tuple[str | None, str | None]:
        fact, op = leaf.get("fact"), leaf.get("op")
        if not isinstance(fact, str) or fact not in self.registry:
            self.fault(f"{at}/fact", "is not a fact of the registry")
            fact = None
        if not isinstance(op, str) or op not in OPS:
            self.fault(f"{at}/op", f"has to be one of {', '.join(sorted(OPS))}")
            op = None
        if fact is not None and op is not None:
            allowed = OPS_BY_TYPE[self.registry[fact].type] | ({WITHIN} if self.chained(fact) else frozenset())
            if op not in allowed:
                self.fault(f"{at}/op", f"{fact} can be compared by {', '.join(sorted(allowed))}")
                op = None
        return fact, op

    def chained(self, fact: str) -> bool:
        return self.registry[fact].chain in self.registry

    def value(self, fact: str, op: str, value: object, at: str) -> Any:
        match COMPARISONS[op].takes:
            case Takes.ONE:
                return self.bound(fact, op, value, at)
            case Takes.LIST:
                return self.values(fact, op, value, at)
            case Takes.LINKS:
                return self.values(self.registry[fact].chain or fact, op, value, at)
            case Takes.RANGE:
                return self.range(fact, op, value, at)
            case Takes.MONTHS:
                if type(value) is not int or not 0 <= value <= MOST_MONTHS:
                    self.fault(at, f"has to be a whole number of months from 0 to {MOST_MONTHS}")
                return value
            case Takes.TRUE:
                if value is not True:
                    self.fault(at, f"{op} takes true and nothing else: without an answer the criterion is unknown")
                return value

    def values(self, fact: str, op: str, value: object, at: str) -> Any:
        if not isinstance(value, list) or not 1 <= len(value) <= MOST_VALUES:
            self.fault(at, f"{op} compares with a list of 1 to {MOST_VALUES} values")
            return None
        values = [self.one_value(fact, one, f"{at}/{place}") for place, one in enumerate(value)]
        return [one for place, one in enumerate(values) if one not in values[:place]]

    def range(self, fact: str, op: str, value: object, at: str) -> Any:
        if not isinstance(value, list) or len(value) != 2:
            self.fault(at, f"{op} compares with a list of two values, the smaller first")
            return None
        faults = len(self.errors)
        low, high = (self.bound(fact, op, bound, f"{at}/{place}") for place, bound in enumerate(value))
        if len(self.errors) == faults and not any(_is_parameter(bound) for bound in (low, high)):
            found = order(low, high)
            if found is None:
                self.fault(at, "the two amounts have to be in one currency")
            elif found > 0:
                self.fault(at, "the first value may not be more than the second")
        return [low, high]

    def bound(self, fact: str, op: str, value: object, at: str) -> Any:
        """One value, or in place of an amount a named parameter."""
        if not isinstance(value, dict) or "parameter" not in value:
            return self.one_value(fact, value, at)
        name = value["parameter"]
        if op not in WITH_PARAMETERS or self.registry[fact].type != "money":
            ways = ", ".join(sorted(WITH_PARAMETERS))
            self.fault(at, f"a parameter is an amount: compare it by one of {ways} with a fact that is money")
        elif len(value) != 1 or not isinstance(name, str) or name not in self.parameters:
            self.fault(at, "is not a named parameter")
        return {"parameter": name}

    def one_value(self, fact: str, value: object, at: str) -> Any:
        try:
            return self.check(fact, [value])[0] if self.registry[fact].type in _LISTS else self.check(fact, value)
        except ValueError as refusal:
            self.fault(at, str(getattr(refusal, "detail", "does not suit the fact")))
            return None

    def reason(self, reason: object, at: str) -> Words | None:
        if reason is None:
            return None
        words = {self.language: reason} if isinstance(reason, str) else reason
        if not isinstance(words, dict) or not words:
            self.fault(at, "has to be a text, or a map from language to text")
            return None
        self.refuse_unknown_members(words, frozenset(LANGUAGES), at)
        for tag, text in words.items():
            if tag in LANGUAGES and not _is_text(text):
                self.fault(f"{at}/{tag}", f"has to be a text of 1 to {LONGEST_REASON} characters")
        return words

    def refuse_unknown_members(self, members: dict[Any, Any], known: frozenset[str], at: str) -> None:
        for member in members:
            if member not in known:
                self.fault(f"{at}/{_pointer_token(member)}", "is not a member known here")
                if len(self.errors) == MOST_ERRORS:
                    return


def _is_parameter(value: Any) -> bool:
    return isinstance(value, dict) and "parameter" in value


def _is_text(text: object) -> bool:
    return (
        isinstance(text, str)
        and 1 <= len(text.strip()) <= len(text) <= LONGEST_REASON
        and "\x00" not in text
        and not any("\ud800" <= letter <= "\udfff" for letter in text)
    )


def _pointer_token(member: object) -> str:
    """A member's name in a JSON pointer (RFC 6901), shortened, printable."""
    if not isinstance(member, str):
        return "?"
    printable = "".join(letter if letter.isprintable() else "?" for letter in member[:60])
    return printable.replace("~", "~0").replace("/", "~1")
