"""What is wrong with criteria: what is named, what is not, and proof by trying every state of the facts."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import product
from random import Random
from typing import Any

import pytest

from marketplace.eligibility import lint as linting
from marketplace.eligibility.lint import Finding, Findings, Kind, lint
from marketplace.eligibility.possibilities import NOT_ANSWERED, answers_behind
from marketplace.eligibility.rules import Result, evaluate
from marketplace.eligibility.tree import (
    ASSURANCE_LEVELS,
    AllOf,
    AnyOf,
    AtLeast,
    CriteriaTree,
    Criterion,
    Node,
    Not,
    compile_columns,
    leaves_of,
)
from marketplace.reference import codelists
from marketplace.reference.facts import REGISTRY, derive
from marketplace.reference.parameters import values_on
from marketplace.values.reasons import Level

THE_DAY = date(2026, 11, 22)
PARAMETERS = values_on(THE_DAY)
Facts = Mapping[str, Any]


def gbp(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "GBP"}


def hard(code: str, fact: str, op: str, value: Any) -> Criterion:
    return Criterion(code, fact, op, value)


def soft(code: str, fact: str, op: str, value: Any) -> Criterion:
    return Criterion(code, fact, op, value, level=Level.SOFT)


def linted(*nodes: Node, **columns: Any) -> Findings:
    """What is found in a programme with those columns and nodes."""
    asked = {"currency": "GBP", "instruments": [], "stages": [], "ask_min": None, "ask_max": None, **columns}
    return lint(CriteriaTree((*compile_columns(**asked), *nodes)), PARAMETERS)


def told(findings: Findings) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return [(each.kind.value, each.codes, each.because) for each in findings.findings]


IN_LEEDS = hard("LEEDS", "area_code", "eq", "E08000035")
SMALL = hard("SMALL", "ask", "lte", gbp(50))
MEDIUM = hard("MEDIUM", "ask", "lte", gbp(100))
LATE = hard("LATE", "stage", "eq", "launched")
EARLY = hard("EARLY", "stage", "eq", "exploring")
MANY = hard("MANY", "staff_count", "gte", 20)
SOME = hard("SOME", "staff_count", "gte", 10)
FLAG = hard("FLAG", "delivers_public_service", "eq", True)


# What is named


@pytest.mark.parametrize(
    ("nodes", "columns"),
    [
        pytest.param((hard("FORM", "legal_form", "in", ["llp"]), hard("LOCK", "asset_lock", "eq", "statutory")), {}),
        pytest.param(
            (hard("STATE", "registration", "eq", "not_registered"), hard("INC", "incorporated", "eq", True)), {}
        ),
        pytest.param((IN_LEEDS, hard("NATION", "beneficiary_nation", "eq", "wales")), {}),
        pytest.param((IN_LEEDS, hard("REGION", "region", "eq", "london")), {}),
        pytest.param((IN_LEEDS, hard("WITHIN", "areas", "contains_none", ["E92000001"])), {}),
        pytest.param((LATE, hard("PUBLIC", "staff_publicly_employed", "eq", True)), {}),
        pytest.param((hard("FEW", "staff_count", "lt", 10), SOME), {}),
        pytest.param(
            (
                hard("CASH", "instruments_sought", "contains_none", ["grant"]),
                hard("GRANT", "instruments_sought", "contains_all", ["grant", "equity"]),
            ),
            {},
        ),
    ],
    ids=lambda given: "+".join(node.code for node in given) if isinstance(given, tuple) else "",
)
def test_a_pair_that_no_group_can_meet_is_named(nodes: tuple[Criterion, ...], columns: dict[str, Any]) -> None:
    codes = tuple(node.code for node in nodes)

    found = linted(*nodes, **columns)

    assert told(found) == [("unsatisfiable", codes, ()), ("contradiction", codes, ())]
    assert found.findings[0].pointers == ("#/criteria/criteria/0", "#/criteria/criteria/1")
    assert found.not_checked == ()


def test_three_that_hold_in_pairs_are_named_together() -> None:
    limit = hard("LIMIT", "mfa_total_with_ask", "lte", {"parameter": "mfa_limit"})
    received = hard("RECEIVED", "mfa_received", "gte", gbp(31_400_000))
    asks = hard("ASKS", "ask", "gt", gbp(100_000))

    assert told(linted(limit, received, asks))[0] == ("unsatisfiable", ("LIMIT", "RECEIVED", "ASKS"), ())
    for pair in ((limit, received), (limit, asks), (received, asks)):
        assert told(linted(*pair)) == []


def test_an_amount_in_another_currency_than_the_programme_s_is_named() -> None:
    in_euro = hard("EURO", "mfa_total_with_ask", "lte", {"amount": 5, "currency": "EUR"})

    assert told(linted(in_euro))[0] == ("unsatisfiable", ("CURRENCY", "EURO"), ())


def test_an_author_s_criterion_can_contradict_a_column() -> None:
    assert told(linted(LATE, stages=["exploring", "feasibility"]))[0] == ("unsatisfiable", ("STAGE", "LATE"), ())
    found = linted(hard("LARGE", "ask", "gt", gbp(50)), ask_max=50)
    assert found.findings[0].pointers == ("#/ask_max", "#/criteria/criteria/0")


def test_a_criterion_that_can_never_hold_is_named_alone() -> None:
    impossible = hard("NEGATIVE", "ask", "lt", gbp(0))

    assert told(linted(impossible)) == [("unsatisfiable", ("NEGATIVE",), ()), ("never_holds", ("NEGATIVE",), ())]
    answered = Not(hard("EITHER", "delivers_public_service", "in", [True, False]))
    found = linted(AnyOf((answered, SMALL)))
    assert told(found)[0] == ("never_holds", ("EITHER",), ())
    assert found.findings[0].pointers == ("#/criteria/criteria/0/any/0/not",)


def test_a_redundant_criterion_is_named_with_what_implies_it() -> None:
    assert told(linted(SOME, MANY)) == [("redundant", ("SOME",), ("MANY",))]
    assert told(linted(MEDIUM, ask_max=50)) == [("redundant", ("MEDIUM",), ("ASK_MAX",))]
    assert told(linted(IN_LEEDS, hard("NATION", "beneficiary_nation", "eq", "england"))) == [
        ("redundant", ("NATION",), ("LEEDS",))
    ]


def test_a_criterion_that_only_asks_to_be_answered_is_not_redundant() -> None:
    assert told(linted(hard("ANSWERED", "delivers_public_service", "in", [True, False]))) == []


def test_the_currency_that_a_bound_on_the_ask_implies_is_no_fault() -> None:
    assert told(linted(ask_max=50)) == []


def test_a_whole_group_that_is_redundant_is_named_once() -> None:
    found = linted(SMALL, AnyOf((MEDIUM, FLAG)))

    assert told(found) == [("redundant", ("MEDIUM", "FLAG"), ("SMALL",))]
    assert found.findings[0].pointers == ("#/criteria/criteria/1",)


def test_a_branch_that_never_matters_is_named() -> None:
    assert told(linted(AnyOf((MEDIUM, SMALL)))) == [("never_matters", ("SMALL",), ("MEDIUM",))]
    contradicting = AllOf((EARLY, LATE))
    found = linted(AnyOf((FLAG, contradicting)))
    assert told(found) == [("contradiction", ("EARLY", "LATE"), ()), ("never_matters", ("EARLY", "LATE"), ())]
    assert found.findings[1].pointers == ("#/criteria/criteria/0/any/1",)


def test_a_branch_that_the_rest_of_the_tree_rules_out_is_named() -> None:
    assert told(linted(AnyOf((FLAG, LATE)), EARLY)) == [
        ("contradiction", ("LATE", "EARLY"), ()),
        ("never_matters", ("LATE",), ("EARLY",)),
    ]


def test_branches_that_exclude_one_another_are_no_fault() -> None:
    assert told(linted(AnyOf((AllOf((EARLY, FLAG)), AllOf((LATE, SOME)))))) == []
    assert told(linted(AtLeast(2, (EARLY, LATE, FLAG, SOME)))) == []


def test_at_least_that_comes_to_all_or_any_is_named() -> None:
    assert told(linted(AtLeast(2, (FLAG, SOME)))) == [("at_least_is_all", ("FLAG", "SOME"), ())]
    assert told(linted(AtLeast(1, (FLAG, SOME)))) == [("at_least_is_any", ("FLAG", "SOME"), ())]
    assert told(linted(AtLeast(2, (FLAG, SOME, EARLY)))) == []
    either = (hard("BELOW", "staff_count", "lt", 30), MANY)
    assert ("at_least_is_any", ("BELOW", "MANY", "FLAG"), ()) not in told(linted(AtLeast(2, (*either, FLAG))))


def test_a_soft_criterion_that_a_hard_one_decides_is_named() -> None:
    assert told(linted(soft("LIKED", "staff_count", "gte", 5), SOME)) == [("soft_always_met", ("LIKED",), ("SOME",))]
    assert told(linted(soft("LIKED", "stage", "eq", "launched"), EARLY)) == [("soft_never_met", ("LIKED",), ("EARLY",))]
    assert told(linted(soft("LIKED", "staff_count", "gte", 15), SOME)) == []


def test_criteria_that_are_all_soft_are_named() -> None:
    assert told(linted(soft("LIKED", "staff_count", "gte", 15))) == [("all_soft", ("LIKED",), ())]
    assert told(linted()) == []


def test_facts_beyond_the_marketplace_s_own_are_looked_into() -> None:
    beds = replace(REGISTRY["staff_count"], slug="beds")
    tree = CriteriaTree((hard("FEW", "beds", "lt", 10), hard("MANY", "beds", "gte", 10)))

    found = lint(tree, PARAMETERS, {**REGISTRY, "beds": beds})

    assert told(found)[0] == ("unsatisfiable", ("FEW", "MANY"), ())


# What is not looked into


def test_what_has_too_many_alternatives_is_left_out_and_named_and_the_rest_is_not() -> None:
    wide = [
        AnyOf(tuple(hard(f"W{row}{each}", "staff_count", "eq", 10 * row + each) for each in range(5)))
        for row in range(4)
    ]

    found = linted(EARLY, LATE, *wide)

    assert told(found)[0] == ("unsatisfiable", ("EARLY", "LATE"), ())
    assert [each.pointer for each in found.not_checked] == ["#/criteria/criteria/5"]


def test_facts_with_too_many_values_together_are_named_and_taken_for_independent() -> None:
    asks = [hard(f"A{each}", "ask", "gte", gbp(3 * each)) for each in range(60)]
    totals = [hard(f"T{each}", "mfa_total_with_ask", "gte", gbp(3 * each)) for each in range(60)]

    found = linted(EARLY, LATE, *asks, *totals)

    assert told(found) == [("unsatisfiable", ("EARLY", "LATE"), ()), ("contradiction", ("EARLY", "LATE"), ())]
    assert {each.pointer for each in found.not_checked} >= {"#/criteria/criteria/2", "#/criteria/criteria/121"}


def test_the_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linting, "MOST_STEPS", 5)

    found = linted(SOME, MANY, FLAG)

    assert [each.pointer for each in found.not_checked] == ["#/criteria"]


def test_the_same_tree_gets_the_same_findings() -> None:
    tree = [AnyOf((MEDIUM, SMALL)), SOME, MANY, soft("LIKED", "stage", "eq", "launched"), EARLY]

    assert linted(*tree) == linted(*tree)


# Proof by trying everything


def test_every_fact_follows_from_what_is_named_behind_it() -> None:
    """Answers that do not stand behind a fact change nothing about it."""
    random = Random(7)
    for _ in range(60):
        one, other = a_state(random), a_state(random)
        for slug in REGISTRY:
            behind = answers_behind(slug)
            mixed = {name: (one if name in behind else other)[name] for name in one}
            assert facts_of(mixed).get(slug) == facts_of(one).get(slug), slug


def a_state(random: Random) -> dict[str, Any]:
    return {name: random.choice([None, *values]) for name, values in ANSWERS.items()}


ASK_PARTS = {slug: parts for slug, parts in NOT_ANSWERED.items() if slug != "employer_consent"}
AMOUNT, ASKED_IN = NOT_ANSWERED["ask"]
(STAGE_OF_ASK,), (SOUGHT,) = NOT_ANSWERED["stage"], NOT_ANSWERED["instruments_sought"]
(SAID,) = NOT_ANSWERED["employer_consent"]
ANSWERS: dict[str, list[Any]] = {
    **{slug: [] for slug, definition in REGISTRY.items() if not definition.derived},
    AMOUNT: [0, 1, 2, 3, 31_500_001],
    ASKED_IN: ["GBP", "EUR"],
    STAGE_OF_ASK: list(codelists.slugs("stages")),
    SOUGHT: [["grant"], ["equity"], ["grant", "equity"]],
    SAID: list(codelists.slugs("employer_consent_answers")),
    "mfa_received": [gbp(0), gbp(1), gbp(2), {"amount": 1, "currency": "EUR"}],
    "area_code": [
        "E08000035",
        "E12000007",
        "E12000001",
        "E92000001",
        "W92000004",
        "S92000003",
        "W06000015",
        "K02000001",
        "K03000001",
    ],
    "lead_nation": ["england", "scotland"],
    "legal_form": list(codelists.slugs("legal_forms")),
    "registration": list(codelists.slugs("registration_states")),
    "delivers_public_service": [True, False],
    "staff_count": [0, 1, 2, 3],
    "sector": list(codelists.slugs("service_sectors")),
    "registered_on": ["2025-11-20", "2025-11-21", "2025-11-22", "2025-11-23", "2026-03-01", "2026-08-01", "2027-08-01"],
}
COMPARED: list[tuple[Any, ...]] = [
    ("ask", "lte", gbp(1)),
    ("ask", "gte", gbp(1)),
    ("ask", "eq", gbp(2)),
    ("ask_currency", "eq", "GBP"),
    ("mfa_received", "gte", gbp(1)),
    ("mfa_total_with_ask", "lte", gbp(1)),
    ("mfa_total_with_ask", "gte", gbp(2)),
    ("stage", "in", ["exploring", "set_up"]),
    ("stage", "eq", "launched"),
    ("staff_publicly_employed", "eq", True),
    ("instruments_sought", "contains_any", ["grant"]),
    ("instruments_sought", "contains_all", ["grant", "equity"]),
    ("employer_consent", "eq", True),
    ("area_code", "in", ["E08000035", "W92000004"]),
    ("beneficiary_nation", "eq", "england"),
    ("areas", "contains_any", ["E92000001"]),
    ("region", "eq", "london"),
    ("legal_form", "in", ["llp", "cic_shares"]),
    ("asset_lock", "eq", "statutory"),
    ("incorporated", "eq", True),
    ("registration", "ne", "registered"),
    ("delivers_public_service", "eq", True),
    ("delivers_public_service", "in", [True, False]),
    ("staff_count", "gte", 1),
    ("staff_count", "lt", 2),
    ("staff_count", "between", [1, 2]),
    ("staff_count", "known", True),
    ("staff_count", "gte", 1, "evidenced"),
    ("staff_count", "known", True, "verified"),
    ("area_code", "within", ["E92000001", "W92000004"]),
    ("area_code", "known", True, "verified"),
    ("area_code", "in", ["E08000035"], "evidenced"),
    ("region", "eq", "london", "evidenced"),
    ("sector", "within", ["health_and_care"]),
    ("sector", "eq", "mental_health"),
    ("sectors", "contains_none", ["justice_and_safety"]),
    ("registered_on", "at_least_months_before", 12),
    ("registered_on", "at_least_months_before", 6),
    ("registered_on", "at_least_months_after", 1),
    ("registered_on", "between", ["2025-11-21", "2025-11-22"]),
    ("registered_on", "gt", "2026-01-01"),
    ("ask", "between", [gbp(1), {"parameter": "mfa_limit"}]),
]
CLUSTERS = [
    COMPARED[:7] + COMPARED[-1:],
    COMPARED[7:13],
    COMPARED[13:17] + COMPARED[29:33],
    COMPARED[17:21],
    COMPARED[21:29],
    COMPARED[33:36],
    COMPARED[36:41],
    COMPARED,
]


def facts_of(answers: Mapping[str, Any]) -> dict[str, Any]:
    ask = {
        "amount": answers.get(AMOUNT),
        "currency": answers.get(ASKED_IN),
        "stage": answers.get(STAGE_OF_ASK),
        "instruments": answers.get(SOUGHT),
    }
    return derive({name: value for name, value in answers.items() if name in REGISTRY}, ask, answers.get(SAID))


State = tuple[dict[str, Any], dict[str, str]]


def every_state(tree: CriteriaTree) -> Iterator[State]:
    """Facts, and how well each is known."""
    behind = sorted({answer for leaf in tree.leaves() for answer in answers_behind(leaf.fact)})
    assured = sorted({leaf.fact for leaf in tree.leaves() if leaf.assurance})
    for values in product(*([None, *ANSWERS[answer]] for answer in behind)):
        facts = facts_of(dict(zip(behind, values, strict=True)))
        for levels in product(ASSURANCE_LEVELS, repeat=len(assured)):
            yield facts, dict(zip(assured, levels, strict=True))


def a_random_tree(random: Random) -> CriteriaTree:
    """Up to six criteria over few facts that hang together, grouped in every way."""
    numbers = iter(range(100))
    cluster = random.choice(CLUSTERS)

    def leaf(*, may_be_soft: bool, may_be_assured: bool) -> Criterion:
        fact, op, value, *wanted = random.choice([each for each in cluster if may_be_assured or len(each) == 3])
        level = Level.SOFT if may_be_soft and random.random() < 0.2 else Level.HARD
        assurance = wanted[0] if wanted else None
        chain = REGISTRY[fact].chain if op == "within" else None
        return Criterion(f"C{next(numbers)}", fact, op, value, level=level, assurance=assurance, chain=chain)

    def node(depth: int, *, may_be_soft: bool, may_be_assured: bool = True) -> Node:
        kind = random.choice(["leaf", "leaf", "all", "any", "not", "at_least"]) if depth else "leaf"
        if kind == "leaf":
            return leaf(may_be_soft=may_be_soft, may_be_assured=may_be_assured)
        if kind == "not":
            return Not(node(depth - 1, may_be_soft=False, may_be_assured=False))
        inner = may_be_soft and kind == "all"
        branches = tuple(
            node(depth - 1, may_be_soft=inner, may_be_assured=may_be_assured) for _ in range(random.randint(1, 3))
        )
        if kind == "at_least":
            return AtLeast(random.randint(1, len(branches)), branches)
        return AllOf(branches) if kind == "all" else AnyOf(branches)

    while True:
        tree = CriteriaTree(tuple(node(2, may_be_soft=True) for _ in range(random.randint(1, 3))))
        states = 1
        for answer in {answer for leaf in tree.leaves() for answer in answers_behind(leaf.fact)}:
            states *= 1 + len(ANSWERS[answer])
        states *= 3 ** len({leaf.fact for leaf in tree.leaves() if leaf.assurance})
        if states <= 1_500 and len(list(tree.leaves())) <= 8:
            return tree


def eligible_in(tree: CriteriaTree, states: list[State]) -> list[bool]:
    return [
        evaluate(tree, facts, parameters=PARAMETERS, assurance=assurance).result is Result.ELIGIBLE
        for facts, assurance in states
    ]


def without(nodes: tuple[Node, ...], gone: Node) -> tuple[Node, ...]:
    """The nodes with one of those below taken out, and with it every group that it leaves empty."""
    kept = (_without(node, gone) for node in nodes if node is not gone)
    return tuple(node for node in kept if node is not None)


def _without(node: Node, gone: Node) -> Node | None:
    match node:
        case Criterion():
            return node
        case Not(branch):
            left = without((branch,), gone)
            return Not(left[0]) if left else None
        case AllOf(branches):
            left = without(branches, gone)
            return AllOf(left) if left else None
        case AnyOf(branches):
            left = without(branches, gone)
            return AnyOf(left) if left else None
        case AtLeast(needed, branches):
            left = without(branches, gone)
            of_all = needed == len(branches)
            return AtLeast(len(left) if of_all else needed, left) if left else None


def at(tree: CriteriaTree, pointer: str) -> Node:
    """The node that an author's pointer leads to."""
    found: Any = list(tree.criteria)
    for step in pointer.removeprefix("#/criteria/criteria/").split("/"):
        members = {"not": "branch", "all": "branches", "any": "branches", "of": "branches"}
        found = found[int(step)] if step.isdigit() else getattr(found, members[step])
    node: Node = found
    return node


def groups_below(node: Node) -> Iterator[tuple[Node, int]]:
    """Every node below that could be taken out, with the number of hard siblings that it has."""
    if isinstance(node, Criterion):
        return
    branches = (node.branch,) if isinstance(node, Not) else node.branches
    hard_ones = [each for each in branches if is_hard(each)]
    for branch in branches:
        if not isinstance(node, Not) and is_hard(branch) and len(hard_ones) > 1:
            yield branch, len(hard_ones)
        yield from groups_below(branch)


def is_hard(node: Node) -> bool:
    return any(leaf.level is Level.HARD for leaf in leaves_of(node))


def check_against_trying_everything(tree: CriteriaTree) -> int:
    """Every finding is true of every state, and no fault that the states show is missed. Gives how many findings."""
    found = lint(tree, PARAMETERS)
    assert found.not_checked == ()
    states = list(every_state(tree))
    eligible = eligible_in(tree, states)
    named = {kind: [each for each in found.findings if each.kind is kind] for kind in Kind}

    assert bool(named[Kind.UNSATISFIABLE]) == (not any(eligible))
    for each in [*named[Kind.UNSATISFIABLE], *named[Kind.CONTRADICTION], *named[Kind.NEVER_HOLDS]]:
        assert_cannot_hold(tree, each, states, whole=each.kind is Kind.UNSATISFIABLE)
    needless = [each for each in found.findings if each.kind in (Kind.REDUNDANT, Kind.NEVER_MATTERS)]
    for each in needless:
        assert eligible_in(CriteriaTree(without(tree.criteria, at(tree, each.pointers[0]))), states) == eligible, each
    if any(eligible):
        covered = {id(node) for each in needless for node in _all_below(at(tree, each.pointers[0]))}
        removable = [node for node in tree.criteria if is_hard(node)]
        removable += [node for top in tree.criteria for node, _ in groups_below(top)]
        for node in removable:
            if id(node) not in covered:
                assert eligible_in(CriteriaTree(without(tree.criteria, node)), states) != eligible, (node, found)
        check_soft(tree, named, states, eligible)
    return len(found.findings)


def _all_below(node: Node) -> Iterator[Node]:
    yield node
    if not isinstance(node, Criterion):
        for branch in (node.branch,) if isinstance(node, Not) else node.branches:
            yield from _all_below(branch)


def assert_cannot_hold(tree: CriteriaTree, finding: Finding, states: list[State], *, whole: bool) -> None:
    required = {node.code: node for node in tree.criteria if isinstance(node, Criterion)}
    if set(finding.codes) <= set(required):
        alone = CriteriaTree(tuple(hardened(required[code]) for code in finding.codes))
        assert not any(eligible_in(alone, states)), finding
        for code in finding.codes[:3] if len(finding.codes) > 1 else ():
            fewer = CriteriaTree(
                tuple(each for each in alone.criteria if isinstance(each, Criterion) and each.code != code)
            )
            assert any(eligible_in(fewer, states)), ("one of them can be left out", finding)
    elif whole:
        assert not any(eligible_in(tree, states))


def hardened(criterion: Criterion) -> Criterion:
    return replace(criterion, level=Level.HARD)


def check_soft(
    tree: CriteriaTree, named: Mapping[Kind, list[Finding]], states: list[State], eligible: list[bool]
) -> None:
    always = {each.codes[0] for each in named[Kind.SOFT_ALWAYS_MET]}
    never = {each.codes[0] for each in (*named[Kind.SOFT_NEVER_MET], *named[Kind.NEVER_HOLDS])}
    for leaf in tree.leaves():
        if leaf.level is Level.SOFT:
            met = eligible_in(CriteriaTree((hardened(leaf),)), states)
            among = [one for one, counts in zip(met, eligible, strict=True) if counts]
            assert (leaf.code in always) == all(among)
            assert (leaf.code in never) == (not any(among))


def test_findings_are_what_trying_every_state_shows() -> None:
    counted = [check_against_trying_everything(a_random_tree(Random(seed))) for seed in range(60)]

    assert sum(bool(each) for each in counted) > 20


@pytest.mark.slow
def test_findings_are_what_trying_every_state_shows_over_many_trees() -> None:
    for seed in range(1_000, 1_800):
        check_against_trying_everything(a_random_tree(Random(seed)))
