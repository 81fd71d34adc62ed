"""What an author may write, and every fault named with its place."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.eligibility.tree import (
    DEEPEST,
    MOST_ERRORS,
    OPS,
    OPS_BY_TYPE,
    WITHIN,
    AllOf,
    AnyOf,
    AtLeast,
    CriteriaTree,
    Criterion,
    InvalidCriteria,
    Not,
    compile_columns,
    compile_tree,
    parse_author_tree,
    read_tree,
)
from marketplace.reference.facts import REGISTRY
from marketplace.values.reasons import Level
from tests.eligibility import trees as small


def a_leaf(code: str = "SECTOR", **members: Any) -> dict[str, Any]:
    return {"code": code, "fact": "sector", "op": "eq", "value": "youth_services", "level": "hard", **members}


def a_date(op: str, value: Any, **members: Any) -> dict[str, Any]:
    return a_leaf(fact="trading_since", op=op, value=value, **members)


def a_range(fact: str, *bounds: Any) -> dict[str, Any]:
    return a_leaf(fact=fact, op="between", value=list(bounds))


def written(*nodes: Any) -> dict[str, Any]:
    return {"schema_version": 1, "criteria": list(nodes)}


def parsed(*nodes: Any) -> CriteriaTree:
    return parse_author_tree(written(*nodes), REGISTRY)


def faults(tree: Any, **options: Any) -> list[str]:
    with pytest.raises(InvalidCriteria) as refusal:
        parse_author_tree(tree, REGISTRY, **options)
    return [error["pointer"] for error in refusal.value.facts["errors"]]


def nested(levels: int) -> dict[str, Any]:
    node = a_leaf()
    for _ in range(levels - 1):
        node = {"not": node}
    return node


def test_a_tree_of_every_kind_of_node_is_read() -> None:
    tree = parsed(
        a_leaf("A", reason={"en": "Youth only", "cy": "Ieuenctid"}, waivable=True),
        a_leaf("B", level="soft", weight=7, reason="Youth, if we can"),
        {"any": [a_leaf("C"), {"not": a_leaf("D")}]},
        {"at_least": 2, "of": [a_leaf("E"), a_leaf("F"), {"all": [a_leaf("G")]}]},
    )

    def youth(code: str, **members: Any) -> Criterion:
        return Criterion(code, "sector", "eq", "youth_services", **members)

    assert tree.criteria == (
        youth("A", reason={"en": "Youth only", "cy": "Ieuenctid"}, waivable=True),
        youth("B", level=Level.SOFT, weight=7, reason={"en": "Youth, if we can"}),
        AnyOf((youth("C"), Not(youth("D")))),
        AtLeast(2, (youth("E"), youth("F"), AllOf((youth("G"),)))),
    )


def test_a_programme_may_have_no_criteria_of_its_own() -> None:
    assert parsed() == CriteriaTree(())


def test_a_soft_criterion_may_stand_inside_all() -> None:
    assert parsed({"all": [{"all": [a_leaf(level="soft")]}]}).leaves()


def test_a_value_may_refer_to_a_named_parameter() -> None:
    leaf = a_leaf("MFA", fact="mfa_total_with_ask", op="lte", value={"parameter": "mfa_limit"})

    assert next(parsed(leaf).leaves()).value == {"parameter": "mfa_limit"}


FAULTS = [
    ("no object", [], "#"),
    ("no version", {"criteria": []}, "#/schema_version"),
    ("version as true", {"schema_version": True, "criteria": []}, "#/schema_version"),
    ("another version", {"schema_version": 2, "criteria": []}, "#/schema_version"),
    ("criteria no list", {"schema_version": 1, "criteria": {}}, "#/criteria"),
    ("another member", {"schema_version": 1, "criteria": [], "a/b~": 1}, "#/a~1b~0"),
    ("node no object", written("all"), "#/criteria/0"),
    ("two groups in one", written({"all": [a_leaf()], "any": [a_leaf("B")]}), "#/criteria/0"),
    ("of alone", written({"of": [a_leaf()]}), "#/criteria/0"),
    ("group with a member of a leaf", written({"all": [a_leaf()], "code": "A"}), "#/criteria/0/code"),
    ("empty all", written({"all": []}), "#/criteria/0/all"),
    ("empty any", written({"any": []}), "#/criteria/0/any"),
    ("empty of", written({"at_least": 1, "of": []}), "#/criteria/0/of"),
    ("all no list", written({"all": a_leaf()}), "#/criteria/0/all"),
    ("not a list", written({"not": [a_leaf()]}), "#/criteria/0/not"),
    ("at least none", written({"at_least": 0, "of": [a_leaf()]}), "#/criteria/0/at_least"),
    ("at least more than there are", written({"at_least": 2, "of": [a_leaf()]}), "#/criteria/0/at_least"),
    ("at least true", written({"at_least": True, "of": [a_leaf()]}), "#/criteria/0/at_least"),
    ("at least 1.0", written({"at_least": 1.0, "of": [a_leaf()]}), "#/criteria/0/at_least"),
    ("unknown fact", written(a_leaf(fact="colour")), "#/criteria/0/fact"),
    ("fact no text", written(a_leaf(fact=["sector"])), "#/criteria/0/fact"),
    ("unknown op", written(a_leaf(op="like")), "#/criteria/0/op"),
    ("op no text", written(a_leaf(op={})), "#/criteria/0/op"),
    ("op of another type", written(a_leaf(op="lte")), "#/criteria/0/op"),
    ("value of no codelist", written(a_leaf(value="submarines")), "#/criteria/0/value"),
    ("value missing", written({"code": "A", "fact": "sector", "op": "eq"}), "#/criteria/0/value"),
    ("value null", written(a_leaf(value=None)), "#/criteria/0/value"),
    ("in without a list", written(a_leaf(op="in")), "#/criteria/0/value"),
    ("in with an empty list", written(a_leaf(op="in", value=[])), "#/criteria/0/value"),
    ("too many values", written(a_leaf(op="in", value=["youth_services"] * 201)), "#/criteria/0/value"),
    ("one ill value", written(a_leaf(op="in", value=["youth_services", "x"])), "#/criteria/0/value/1"),
    ("a list within a list", written(a_leaf(op="in", value=[["youth_services"]])), "#/criteria/0/value/0"),
    ("eq with a list", written(a_leaf(value=["youth_services"])), "#/criteria/0/value"),
    (
        "one ill instrument",
        written(a_leaf(fact="instruments_sought", op="contains_any", value=["grant", "gift"])),
        "#/criteria/0/value/1",
    ),
    ("money as a number", written(a_leaf(fact="turnover", op="gte", value=5)), "#/criteria/0/value"),
    (
        "money not a number",
        written(a_leaf(fact="turnover", op="gte", value={"amount": float("nan"), "currency": "GBP"})),
        "#/criteria/0/value",
    ),
    ("whole number as text", written(a_leaf(fact="staff_count", op="gte", value="5")), "#/criteria/0/value"),
    ("whole number as true", written(a_leaf(fact="staff_count", op="gte", value=True)), "#/criteria/0/value"),
    ("huge number", written(a_leaf(fact="staff_count", op="gte", value=10**5000)), "#/criteria/0/value"),
    ("yes as 1", written(a_leaf(fact="staff_control", value=1)), "#/criteria/0/value"),
    (
        "another parameter",
        written(a_leaf(fact="turnover", op="lte", value={"parameter": "moon"})),
        "#/criteria/0/value",
    ),
    (
        "parameter of eq",
        written(a_leaf(fact="turnover", op="eq", value={"parameter": "mfa_limit"})),
        "#/criteria/0/value",
    ),
    (
        "parameter for a number",
        written(a_leaf(fact="staff_count", op="lte", value={"parameter": "mfa_limit"})),
        "#/criteria/0/value",
    ),
    (
        "parameter and more",
        written(a_leaf(fact="turnover", op="lte", value={"parameter": "mfa_limit", "plus": 1})),
        "#/criteria/0/value",
    ),
    ("known as false", written(a_leaf(op="known", value=False)), "#/criteria/0/value"),
    ("known as one", written(a_leaf(op="known", value=1)), "#/criteria/0/value"),
    ("known of a value", written(a_leaf(op="known", value="youth_services")), "#/criteria/0/value"),
    ("between for a choice", written(a_leaf(op="between", value=["youth_services"] * 2)), "#/criteria/0/op"),
    ("between without a list", written(a_leaf(fact="staff_count", op="between", value=5)), "#/criteria/0/value"),
    ("between one bound", written(a_range("staff_count", 5)), "#/criteria/0/value"),
    ("between three bounds", written(a_range("staff_count", 5, 6, 7)), "#/criteria/0/value"),
    ("between with an ill bound", written(a_range("staff_count", 5, "6")), "#/criteria/0/value/1"),
    ("between turned round", written(a_range("staff_count", 6, 5)), "#/criteria/0/value"),
    ("between turned round in text", written(a_range("payback_years", "10", "9")), "#/criteria/0/value"),
    ("between days turned round", written(a_range("trading_since", "2026-01-02", "2026-01-01")), "#/criteria/0/value"),
    ("between two currencies", written(a_range("turnover", small.gbp(1), small.eur(2))), "#/criteria/0/value"),
    (
        "between with another parameter",
        written(a_range("turnover", small.gbp(1), {"parameter": "moon"})),
        "#/criteria/0/value/1",
    ),
    (
        "between numbers with a parameter",
        written(a_range("staff_count", {"parameter": "mfa_limit"}, 5)),
        "#/criteria/0/value/0",
    ),
    (
        "the day as a parameter",
        written(a_leaf(fact="turnover", op="lte", value={"parameter": "as_of"})),
        "#/criteria/0/value",
    ),
    ("within for a fact without a chain", written(a_leaf(fact="route", op="within", value=[])), "#/criteria/0/op"),
    ("within the chain itself", written(a_leaf(fact="areas", op="within", value=["E92000001"])), "#/criteria/0/op"),
    ("within no list", written(a_leaf(op="within", value="health_and_care")), "#/criteria/0/value"),
    ("within nothing", written(a_leaf(op="within", value=[])), "#/criteria/0/value"),
    (
        "within no sector",
        written(a_leaf(op="within", value=["health_and_care", "E92000001"])),
        "#/criteria/0/value/1",
    ),
    ("within no area", written(a_leaf(fact="area_code", op="within", value=["E99999999"])), "#/criteria/0/value/0"),
    ("eq with a group of sectors", written(a_leaf(value="health_and_care")), "#/criteria/0/value"),
    ("another chain", written(a_leaf(op="within", value=["corporate"], chain="areas")), "#/criteria/0/chain"),
    ("a chain without within", written(a_leaf(chain="sectors")), "#/criteria/0/chain"),
    ("months of a number", written(a_leaf(fact="staff_count", op="at_least_months_after", value=1)), "#/criteria/0/op"),
    ("months below zero", written(a_date("at_least_months_before", -1)), "#/criteria/0/value"),
    ("more months than may be", written(a_date("at_least_months_after", 1201)), "#/criteria/0/value"),
    ("months as text", written(a_date("at_least_months_after", "6")), "#/criteria/0/value"),
    ("months as true", written(a_date("at_least_months_before", True)), "#/criteria/0/value"),
    ("months as 6.0", written(a_date("at_least_months_before", 6.0)), "#/criteria/0/value"),
    ("another assurance", written(a_leaf(assurance="sworn")), "#/criteria/0/assurance"),
    ("assurance no text", written(a_leaf(assurance=["verified"])), "#/criteria/0/assurance"),
    ("assurance null", written(a_leaf(assurance=None)), "#/criteria/0/assurance"),
    ("assurance below not", written({"not": a_leaf(assurance="verified")}), "#/criteria/0/not/assurance"),
    (
        "assurance deep below not",
        written({"not": {"any": [{"all": [a_leaf(assurance="evidenced")]}]}}),
        "#/criteria/0/not/any/0/all/0/assurance",
    ),
    (
        "assurance of what only the group can say",
        written(a_leaf(fact="loan_share", op="lte", value=5, assurance="evidenced")),
        "#/criteria/0/assurance",
    ),
    ("a threat that decides", written(a_leaf(fact="cuts_threat", value=True)), "#/criteria/0"),
    ("a threat whose answer decides", written(a_leaf(fact="cuts_threat", op="known", value=True)), "#/criteria/0"),
    ("a threat that decides in all", written({"all": [a_leaf(fact="cuts_threat", value=True)]}), "#/criteria/0/all/0"),
    ("small letters", written(a_leaf("sector")), "#/criteria/0/code"),
    ("code too long", written(a_leaf("A" * 41)), "#/criteria/0/code"),
    ("code with a line end", written(a_leaf("A\n")), "#/criteria/0/code"),
    ("code missing", written({"fact": "sector", "op": "eq", "value": "youth_services"}), "#/criteria/0/code"),
    ("reserved code", written(a_leaf("ASK_MAX")), "#/criteria/0/code"),
    ("code used twice", written(a_leaf(), {"any": [a_leaf()]}), "#/criteria/1/any/0/code"),
    ("another level", written(a_leaf(level="firm")), "#/criteria/0/level"),
    ("level no text", written(a_leaf(level=[])), "#/criteria/0/level"),
    ("soft in any", written({"any": [a_leaf(level="soft")]}), "#/criteria/0/any/0/level"),
    ("soft in not", written({"not": a_leaf(level="soft")}), "#/criteria/0/not/level"),
    ("soft in at least", written({"at_least": 1, "of": [a_leaf(level="soft")]}), "#/criteria/0/of/0/level"),
    ("soft in all in any", written({"any": [{"all": [a_leaf(level="soft")]}]}), "#/criteria/0/any/0/all/0/level"),
    ("no weight", written(a_leaf(weight=0)), "#/criteria/0/weight"),
    ("too heavy", written(a_leaf(weight=101)), "#/criteria/0/weight"),
    ("weight as true", written(a_leaf(weight=True)), "#/criteria/0/weight"),
    ("waivable as text", written(a_leaf(waivable="no")), "#/criteria/0/waivable"),
    ("reason in French", written(a_leaf(reason={"fr": "non"})), "#/criteria/0/reason/fr"),
    ("reason empty", written(a_leaf(reason={"en": " "})), "#/criteria/0/reason/en"),
    ("reason without words", written(a_leaf(reason={})), "#/criteria/0/reason"),
    ("reason with NUL", written(a_leaf(reason="a\x00b")), "#/criteria/0/reason/en"),
    ("reason with half a letter", written(a_leaf(reason="\ud800")), "#/criteria/0/reason/en"),
    ("another member of a leaf", written(a_leaf(colour="red")), "#/criteria/0/colour"),
    ("too deep", written(nested(DEEPEST + 1)), "#/criteria/0" + "/not" * DEEPEST),
    ("too many branches", written({"any": [a_leaf(f"A{n}") for n in range(201)]}), "#/criteria/0/any"),
    (
        "too many nodes",
        written(*({"all": [a_leaf(f"A{n}"), a_leaf(f"B{n}")]} for n in range(67))),
        "#/criteria/66/all/1",
    ),
]


@pytest.mark.parametrize(
    ("leaf", "value"),
    [
        (a_leaf(op="known", value=True), True),
        (a_leaf(fact="instruments_sought", op="known", value=True), True),
        (a_range("staff_count", 5, 5), [5, 5]),
        (a_range("payback_years", "1.50", "1.5"), ["1.5", "1.5"]),
        (a_range("trading_since", "2026-01-01", "2026-01-01"), ["2026-01-01", "2026-01-01"]),
        (a_range("turnover", small.gbp(1), {"parameter": "spei_limit"}), [small.gbp(1), {"parameter": "spei_limit"}]),
        (
            a_range("turnover", {"parameter": "mfa_limit"}, {"parameter": "spei_limit"}),
            [{"parameter": "mfa_limit"}, {"parameter": "spei_limit"}],
        ),
        (a_leaf(op="within", value=["youth_services", "corporate", "corporate"]), ["youth_services", "corporate"]),
        (a_leaf(fact="area_code", op="within", value=["E07000153", "K02000001"]), ["E06000061", "K02000001"]),
        (a_date("at_least_months_before", 0), 0),
        (a_date("at_least_months_after", 1200), 1200),
    ],
)
def test_a_value_is_read_in_its_normal_writing(leaf: dict[str, Any], value: Any) -> None:
    assert next(parsed(leaf).leaves()).value == value


def test_within_stores_where_to_look_so_that_nobody_else_needs_the_hierarchy() -> None:
    stored = parsed(a_leaf(op="within", value=["corporate"])).as_json()

    assert stored["criteria"][0]["chain"] == "sectors"
    assert parse_author_tree(stored, REGISTRY).as_json() == stored


def test_declared_is_the_same_as_none_and_is_not_stored() -> None:
    declared, plain = parsed(a_leaf(assurance="declared")), parsed(a_leaf())

    assert declared == plain
    assert "assurance" not in declared.as_json()["criteria"][0]
    assert parsed(a_leaf(assurance="verified", level="soft")).as_json()["criteria"][0]["assurance"] == "verified"
    assert parsed({"not": a_leaf(assurance="declared")}).leaves()


def test_a_threat_of_cuts_may_be_weighed() -> None:
    assert next(parsed({"all": [a_leaf(fact="cuts_threat", value=True, level="soft")]}).leaves()).level is Level.SOFT


@pytest.mark.parametrize("op", sorted(OPS))
def test_every_op_works_over_a_registry_and_a_check_of_one_s_own(op: str) -> None:
    """So that questions that a programme adds are asked by the same language."""
    facts = [
        fact
        for fact, shape in small.REGISTRY.items()
        if op in OPS_BY_TYPE[shape.type] or (op == WITHIN and shape.chain)
    ]
    seen: set[str] = set()

    def check(fact: str, value: Any) -> Any:
        seen.add(fact)
        return value

    for fact in facts:
        seen.clear()
        shape = small.REGISTRY[fact]
        value = small.a_wanted_value(Random(op), shape, op)
        leaf = {"code": "A", "fact": fact, "op": op, "value": value}
        (read,) = parse_author_tree(
            written(leaf), small.REGISTRY, check=check, parameters={"limit", "not_yet_set"}
        ).leaves()
        assert (read.value, read.chain) == (value, shape.chain if op == WITHIN else None)
        assert seen <= {shape.chain if op == WITHIN else fact}

    assert facts


@pytest.mark.parametrize(("tree", "pointer"), [pytest.param(*row[1:], id=row[0]) for row in FAULTS])
def test_a_fault_is_refused_and_named_with_its_place(tree: Any, pointer: str) -> None:
    assert faults(tree) == [pointer]


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param(written(nested(DEEPEST)), id="as deep as may be"),
        pytest.param(written(*(a_leaf(f"A{n}") for n in range(200))), id="as many as may be"),
        pytest.param(written(a_leaf("A" * 40)), id="as long a code as may be"),
    ],
)
def test_what_is_just_within_the_bounds_is_read(tree: Any) -> None:
    assert parse_author_tree(tree, REGISTRY).as_json()["criteria"]


def test_all_faults_are_told_at_once_with_pointers_from_where_the_tree_stands() -> None:
    tree = written(a_leaf("a", op="like"), {"any": []}, a_leaf(fact="colour", weight=0))

    assert faults(tree, at="#/criteria") == [
        "#/criteria/criteria/0/code",
        "#/criteria/criteria/0/op",
        "#/criteria/criteria/1/any",
        "#/criteria/criteria/2/weight",
        "#/criteria/criteria/2/fact",
    ]


def test_no_more_than_fifty_faults_are_told() -> None:
    assert len(faults(written(*(a_leaf(f"a{n}", fact="colour") for n in range(100))))) == MOST_ERRORS


def test_nesting_past_all_measure_is_refused_like_any_other() -> None:
    assert faults(written(nested(100_000))) == ["#/criteria/0" + "/not" * DEEPEST]


def test_the_same_value_twice_is_kept_once() -> None:
    leaf = a_leaf(op="in", value=["youth_services", "libraries_archives", "youth_services"])

    assert next(parsed(leaf).leaves()).value == ["youth_services", "libraries_archives"]


def test_every_type_of_the_registry_has_its_comparisons() -> None:
    assert {fact.type for fact in REGISTRY.values()} <= set(OPS_BY_TYPE)
    assert frozenset().union(*OPS_BY_TYPE.values(), {WITHIN}) == OPS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
ODD_LEAVES = st.fixed_dictionaries(
    {},
    optional={
        "code": JSON | st.sampled_from(["A", "B", "ASK_MIN"]),
        "fact": JSON | st.sampled_from(sorted(REGISTRY)),
        "op": JSON | st.sampled_from(sorted(OPS)),
        "value": JSON
        | st.sampled_from(
            [
                {"amount": 1, "currency": "GBP"},
                {"amount": 10**400, "currency": "XXX"},
                {"amount": 1, "currency": []},
                {"parameter": []},
                {"parameter": "mfa_limit"},
                [{"parameter": "mfa_limit"}, {"parameter": []}],
                [{"amount": 1, "currency": "GBP"}, {"amount": 10**400, "currency": "GBP"}],
                True,
                [1, 0],
                1201,
                ["corporate"],
                "1e9",
                "٣",
                "NaN",
                "2026-02-30",
                "0000-00-00",
                "E92000001\x00",
                [{}],
                [[]],
            ]
        ),
        "level": JSON | st.sampled_from(["hard", "soft"]),
        "weight": JSON,
        "waivable": JSON,
        "assurance": JSON | st.sampled_from(["declared", "evidenced", "verified"]),
        "chain": JSON | st.sampled_from(["areas", "sectors"]),
        "reason": JSON | st.dictionaries(st.sampled_from(["en", "cy"]), JSON),
    },
)
ODD_NODES = st.recursive(
    ODD_LEAVES | JSON,
    lambda inner: st.dictionaries(
        st.sampled_from(["all", "any", "not", "at_least", "of"]), inner | st.lists(inner, max_size=4), max_size=3
    ),
    max_leaves=6,
)


def read_or_refused(tree: Any) -> CriteriaTree | None:
    """The tree, None where it is refused with one fault or more; anything else raised fails the test."""
    try:
        return parse_author_tree(tree, REGISTRY)
    except InvalidCriteria as refusal:
        return None if 1 <= len(refusal.facts["errors"]) <= MOST_ERRORS else pytest.fail("refused without a reason")


@given(ODD_NODES | st.builds(written, ODD_NODES, ODD_NODES))
def test_hostile_input_is_read_or_refused_and_never_breaks(tree: Any) -> None:
    read = read_or_refused(tree)

    assert read is None or parse_author_tree(read.as_json(), REGISTRY) == read


@pytest.mark.parametrize("fact", sorted(REGISTRY))
@settings(max_examples=20)
@given(value=JSON)
def test_an_ill_value_of_any_fact_is_refused_and_never_breaks(fact: str, value: Any) -> None:
    for op in sorted(OPS_BY_TYPE[REGISTRY[fact].type]):
        read = read_or_refused(written(a_leaf(fact=fact, op=op, value=value)))

        assert read is None or parse_author_tree(read.as_json(), REGISTRY) == read


@given(small.trees())
def test_a_tree_read_back_is_the_tree_that_was_written(tree: CriteriaTree) -> None:
    again = parse_author_tree(
        tree.as_json(), small.REGISTRY, check=lambda _fact, value: value, parameters={"limit", "not_yet_set"}
    )

    assert again == tree == read_tree(tree.as_json())


def test_columns_come_first_and_in_order() -> None:
    columns = compile_columns("GBP", ["grant"], ["set_up", "launched"], 1_000_00, 10_000_00)

    stored = compile_tree(columns, parsed(a_leaf(reason={"en": "Youth only"})))

    assert [(leaf["code"], leaf["fact"], leaf["op"], leaf["value"]) for leaf in stored["criteria"]] == [
        ("INSTRUMENT", "instruments_sought", "contains_any", ["grant"]),
        ("STAGE", "stage", "in", ["set_up", "launched"]),
        ("ASK_MIN", "ask", "gte", {"amount": 100_000, "currency": "GBP"}),
        ("ASK_MAX", "ask", "lte", {"amount": 1_000_000, "currency": "GBP"}),
        ("CURRENCY", "ask_currency", "eq", "GBP"),
        ("SECTOR", "sector", "eq", "youth_services"),
    ]
    assert stored["schema_version"] == 1


def test_a_column_that_is_not_given_asks_nothing() -> None:
    assert [leaf.code for leaf in compile_columns("GBP", None, None, None, None)] == ["CURRENCY"]


def test_columns_name_facts_of_the_registry_by_comparisons_that_suit_them() -> None:
    for leaf in compile_columns("GBP", ["grant"], ["set_up"], 1, 2):
        assert leaf.op in OPS_BY_TYPE[REGISTRY[leaf.fact].type]
