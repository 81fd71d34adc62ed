"""Ways in: every one offered works and is minimal, the cheapest there is comes first, and none is nonsense."""

from collections.abc import Iterator
from itertools import combinations, product
from math import prod
from random import Random
from typing import Any

import pytest

from marketplace.eligibility.inputs import Inputs, coherent, inputs_of, movable, targets
from marketplace.eligibility.representatives import representative_values
from marketplace.eligibility.rules import Result, evaluate
from marketplace.eligibility.tree import AllOf, AnyOf, AtLeast, CriteriaTree, Criterion, Node, Not, compile_columns
from marketplace.eligibility.ways import EVIDENCE, Step, Way, Ways, points_of, ways_in
from marketplace.proposals.assurance import levels_of
from marketplace.reference.facts import REGISTRY
from marketplace.values.reasons import Level
from tests.eligibility.pairs import PARAMETERS, RandomPair, a_pair, a_value
from tests.eligibility.trees import a_tree, gbp

BRUTE = 3


def the_ask(**values: Any) -> dict[str, Any]:
    return {"amount": 6_000_000, "currency": "GBP", "stage": "exploring", "instruments": ["grant"], **values}


def the_ways(*criteria: Node, answers: dict[str, Any] | None = None, **members: Any) -> Ways:
    inputs = Inputs(answers or {}, members.pop("ask", the_ask()), members.pop("consent", None))
    return ways_in(CriteriaTree(criteria), inputs, parameters=PARAMETERS, **members)


def the_first(*criteria: Node, **members: Any) -> tuple[Step, ...]:
    return the_ways(*criteria, **members).sets[0].steps


def told(step: Step) -> tuple[str, str, Any, Any]:
    return step.kind, step.fact, step.present, step.to


# Applying what is offered


def applied(pair: RandomPair, steps: tuple[Step, ...]) -> Result | None:
    """What the pair comes to after those steps, by the registry's own derivation; None where they contradict."""
    values = {step.fact: step.to for step in steps if step.kind != EVIDENCE}
    evidence = {step.fact: step.level or "" for step in steps if step.kind == EVIDENCE}
    before, after = pair.inputs.facts(), pair.inputs.with_values(values)
    if not coherent(before, values, after.facts()):
        return None
    facts, levels = after.facts(), {}
    if any(leaf.assurance for leaf in pair.tree.leaves()):
        held = {slug: level for slug, level in pair.assurance.items() if slug not in values} | evidence
        levels = levels_of(after.answers, after.ask or {}, facts, held)
    return evaluate(pair.tree, facts, parameters=PARAMETERS, assurance=levels).result


def all_levels(pair: RandomPair) -> dict[str, str]:
    return levels_of(pair.inputs.answers, pair.inputs.ask or {}, pair.inputs.facts(), pair.assurance)


def ways_of(pair: RandomPair) -> Ways:
    return ways_in(pair.tree, pair.inputs, parameters=PARAMETERS, assurance=all_levels(pair))


def tried_by_force(pair: RandomPair, random: Random, most: int) -> list[tuple[str, dict[str, list[Any]]]] | None:
    """Every choice of at most three inputs with the values to try, or None where that is more than `most` together."""
    facts = pair.inputs.facts()
    hard = [leaf for leaf in pair.tree.leaves() if leaf.level is Level.HARD]
    asked = {slug for leaf in hard for slug in inputs_of(leaf.fact)}
    asked |= {"legal_form"} if "registration" in asked else set()
    slugs = sorted(slug for slug in asked if movable(slug, facts))
    values = {slug: domain(slug, hard, facts, random) for slug in slugs}
    chosen = [some for size in range(1, BRUTE + 1) for some in combinations(slugs, size)]
    if sum(prod(len(values[slug]) for slug in some) for some in chosen) > most:
        return None
    return [("+".join(some), {slug: values[slug] for slug in some}) for some in chosen]


def cheaper_by_force(
    pair: RandomPair, best: Way | None, tried: list[tuple[str, dict[str, list[Any]]]]
) -> dict[str, Any] | None:
    """A set of at most three inputs, without evidence, that works and is cheaper or smaller than the best way."""
    facts = pair.inputs.facts()
    limit = (10**6, 0) if best is None else (best.points, len(best.steps))
    for _, values in tried:
        if (sum(points_of(cost(slug, facts)) for slug in values), len(values)) >= limit:
            continue
        for picked in product(*values.values()):
            setting = dict(zip(values, picked, strict=True))
            steps = tuple(Step("change", slug, None, value, "", "none") for slug, value in setting.items())
            if applied(pair, steps) is Result.ELIGIBLE:
                return setting
    return None


def cost(slug: str, facts: dict[str, Any]) -> str:
    change = REGISTRY[slug].changeable
    answered = slug not in facts and "group" in REGISTRY[slug].attested_by
    return "none" if answered or change is None else change.cost


def domain(slug: str, hard: list[Criterion], facts: dict[str, Any], random: Random) -> list[Any]:
    """Sensible values that tell the criteria apart, with others drawn at random."""
    sensible = targets(slug, hard, facts, PARAMETERS)
    about = [leaf for leaf in hard if leaf.fact == slug]
    more = [*representative_values(REGISTRY[slug], about, PARAMETERS), a_value(random, REGISTRY[slug])]
    free = slug not in (
        "stage",
        "legal_form",
        "registration",
        "registered_on",
        "trading_since",
        "ask",
        "employer_consent",
    )
    telling: dict[Any, Any] = {}
    for value in [*sensible, *(value for value in more if free and value != facts.get(slug))]:
        telling.setdefault(told_apart(slug, value, hard, facts), value)
    return list(telling.values())


def told_apart(slug: str, value: Any, hard: list[Criterion], facts: dict[str, Any]) -> tuple[Any, ...]:
    """What the criteria come to where the input alone is set so, and the currency that it is in."""
    after = Inputs.of_facts(facts).with_values({slug: value}).facts()
    about = tuple(leaf for leaf in hard if slug in inputs_of(leaf.fact))
    sure = {leaf.fact: "verified" for leaf in about}
    reasons = evaluate(CriteriaTree(about), after, parameters=PARAMETERS, assurance=sure).reasons
    currency = value["currency"] if isinstance(value, dict) else None
    return currency, after.get("asset_lock"), *(reason.outcome for reason in reasons)


def ineligible_pairs(seed: int, number: int) -> Iterator[RandomPair]:
    random = Random(seed)
    while number:
        pair = a_pair(random)
        if applied(pair, ()) is Result.INELIGIBLE:
            number -= 1
            yield pair


@pytest.mark.parametrize(
    ("seed", "number", "force"),
    [
        pytest.param(7, 100, 40, id="100 pairs"),
        pytest.param(11, 1_000, 200, id="1000 pairs", marks=pytest.mark.slow),
        pytest.param(11, 5_000, 1_000, id="5000 pairs", marks=pytest.mark.soak),
    ],
)
def test_every_way_works_is_minimal_and_no_smaller_change_is_cheaper(seed: int, number: int, force: int) -> None:
    names = ("offered", "sets", "evidence", "bounded", "none", "tried by force", "force found less")
    counts = dict.fromkeys(names, 0)
    random = Random(seed)
    for pair in ineligible_pairs(seed, number):
        ways = ways_of(pair)
        counts["sets"] += len(ways.sets)
        counts["offered"] += bool(ways.sets)
        counts["none"] += not ways.sets
        counts["bounded"] += not ways.exhaustive
        for way in ways.sets:
            counts["evidence"] += any(step.kind == EVIDENCE for step in way.steps)
            assert applied(pair, way.steps) is Result.ELIGIBLE
            for size in range(len(way.steps)):
                for fewer in combinations(way.steps, size):
                    assert applied(pair, fewer) is not Result.ELIGIBLE
        ranks = [(way.points, len(way.steps), way.months) for way in ways.sets]
        assert ranks == sorted(ranks)
        tried = tried_by_force(pair, random, force)
        if tried is not None:
            counts["tried by force"] += 1
            less = cheaper_by_force(pair, ways.sets[0] if ways.sets else None, tried)
            counts["force found less"] += less is not None
            assert less is None, (pair, ways.as_json(), less)
    print(f"\n{number} ineligible pairs: {counts}")
    assert counts["evidence"] > 0
    assert counts["offered"] > number // 4


# What is offered, case by case


ASK_MAX = Criterion("ASK_MAX", "ask", "lte", gbp(5_000_000))
INCORPORATED = Criterion("INC", "incorporated", "eq", True)
LOCKED = Criterion("LOCK", "asset_lock", "eq", "statutory")
CONSENTS = Criterion("CONSENT", "employer_consent", "eq", True)
REPAYS = Criterion("REPAYS", "repayment_plan", "eq", True)
LOANS = Criterion("INSTRUMENT", "instruments_sought", "contains_any", ["loan_unsecured", "loan_secured"])


def test_the_largest_ask_that_is_allowed_is_proposed_with_its_bound() -> None:
    [step] = the_first(ASK_MAX)
    assert told(step) == ("change", "ask", gbp(6_000_000), gbp(5_000_000))
    assert (step.at_least, step.at_most, step.cost, step.by) == (None, gbp(5_000_000), "none", "group")


def test_an_ask_between_two_bounds_names_both() -> None:
    least = Criterion("ASK_MIN", "ask", "gte", gbp(1_000))
    [step] = the_first(ASK_MAX, least, Criterion("NOT", "ask", "ne", gbp(4_000)))
    assert (step.at_least, step.at_most) == (gbp(4_001), gbp(5_000_000))


def test_the_ask_makes_room_for_aid_that_was_received() -> None:
    limit = Criterion("MFA", "mfa_total_with_ask", "lte", {"parameter": "mfa_limit"})
    [step] = the_first(limit, answers={"mfa_received": gbp(28_000_000)})
    assert told(step) == ("change", "ask", gbp(6_000_000), gbp(3_500_000))
    assert step.follows == {"mfa_total_with_ask": gbp(31_500_000)}


def test_a_derived_fact_is_changed_through_what_it_comes_from() -> None:
    [step] = the_first(LOCKED, answers={"legal_form": "company_limited_by_shares"})
    assert told(step) == ("change", "legal_form", "company_limited_by_shares", "cic_limited_by_guarantee")
    assert step.follows == {"asset_lock": "statutory"}
    assert "cio" in step.instead
    assert "unincorporated_staff_group" not in step.instead


def test_a_group_without_a_legal_person_takes_a_form_before_it_registers() -> None:
    answers = {"legal_form": "unincorporated_staff_group", "registration": "not_registered"}
    [form, registration] = the_first(INCORPORATED, answers=answers)
    assert (form.fact, registration.fact, registration.to) == ("legal_form", "registration", "registered")
    assert registration.follows == {"incorporated": True}


def test_the_cheapest_alternative_comes_first() -> None:
    ways = the_ways(AnyOf((CONSENTS, INCORPORATED, ASK_MAX)), answers={"registration": "not_registered"})
    assert [[step.fact for step in way.steps] for way in ways.sets] == [["ask"], ["registration"], ["employer_consent"]]
    assert [(way.points, way.months) for way in ways.sets] == [(0, 0), (1, 1), (3, 2)]


def test_the_employer_s_consent_is_the_employer_s_to_change_even_where_it_is_unknown() -> None:
    [step] = the_first(CONSENTS)
    assert told(step) == ("change", "employer_consent", None, True)
    assert (step.by, step.cost, step.assumption) == ("employer", "medium", False)


def test_an_unknown_fact_is_answered_and_one_that_nobody_can_change_is_an_assumption() -> None:
    plan, years = the_first(REPAYS, Criterion("YEARS", "years_trading", "gte", 2))
    assert sorted([told(plan), told(years)]) == [
        ("answer", "repayment_plan", None, True),
        ("answer", "years_trading", None, 2),
    ]
    assumed = {step.fact: (step.assumption, step.at_least, step.cost) for step in (plan, years)}
    assert assumed == {"repayment_plan": (False, None, "none"), "years_trading": (True, 2, "none")}


def test_what_nobody_can_change_has_no_way() -> None:
    ways = the_ways(Criterion("YEARS", "years_trading", "gte", 2), answers={"years_trading": 1})
    assert (ways.result, ways.sets, ways.exhaustive) == (Result.INELIGIBLE, (), True)


def test_a_list_gains_the_least() -> None:
    [step] = the_first(LOANS)
    assert step.to == ["grant", "loan_unsecured"]


def test_a_list_loses_only_what_is_refused() -> None:
    [step] = the_first(
        Criterion("NO_LOANS", "instruments_sought", "contains_none", ["loan_unsecured"]),
        ask=the_ask(instruments=["grant", "loan_unsecured", "equity"]),
    )
    assert step.to == ["grant", "equity"]


def test_a_stage_goes_forward_to_the_nearest_and_never_to_a_way_out() -> None:
    wanted = Criterion("STAGE", "stage", "in", ["exploring", "growth", "launched", "wound_up"])
    [step] = the_first(wanted, ask=the_ask(stage="set_up"))
    assert (step.to, step.instead) == ("launched", ("growth",))
    back = the_ways(Criterion("STAGE", "stage", "in", ["exploring", "withdrawn"]), ask=the_ask(stage="set_up"))
    assert (back.sets, back.exhaustive) == ((), True)


def test_a_day_of_registration_is_not_invented_for_one_that_has_still_to_register() -> None:
    a_year_old = Criterion("OLD", "registered_on", "at_least_months_before", 12)
    answers = {"registration": "not_registered", "legal_form": "cio"}
    assert the_ways(a_year_old, answers=answers).sets == ()
    [step] = the_first(a_year_old, answers={"registration": "registered"})
    assert (step.kind, step.at_most, step.assumption) == ("answer", "2025-11-22", True)


def test_a_wrong_currency_is_changed_with_the_amount_where_both_are_asked_for() -> None:
    currency = Criterion("CURRENCY", "ask_currency", "eq", "GBP")
    amount, changed = the_first(ASK_MAX, currency, ask=the_ask(currency="EUR"))
    assert (amount.to, changed.to) == (gbp(5_000_000), "GBP")
    [only] = the_first(currency, ask=the_ask(currency="EUR"))
    assert told(only) == ("change", "ask_currency", "EUR", "GBP")


def test_evidence_is_brought_where_a_fact_is_known_less_well_than_is_wanted() -> None:
    sure = Criterion("SURE", "repayment_plan", "eq", True, assurance="verified")
    [step] = the_first(sure, answers={"repayment_plan": True})
    assert (step.kind, step.fact, step.level, step.cost) == ("evidence", "repayment_plan", "verified", "low")
    changed, shown = the_first(sure, answers={"repayment_plan": False}, assurance={"repayment_plan": "verified"})
    assert (changed.kind, shown.kind) == ("change", "evidence")


def test_evidence_for_a_derived_fact_is_of_the_answer_behind_it() -> None:
    sure = Criterion("SURE", "asset_lock", "eq", "statutory", assurance="evidenced")
    [step] = the_first(sure, answers={"legal_form": "cio"})
    assert (step.kind, step.fact) == ("evidence", "legal_form")


def test_negated_criteria_and_at_least_are_met_by_the_fewest_changes() -> None:
    answers = {"repayment_plan": False, "social_enterprise": False, "staff_control": True}
    social = Criterion("SOCIAL", "social_enterprise", "eq", True)
    ways = the_ways(
        AtLeast(2, (REPAYS, social, Not(Criterion("C", "staff_control", "eq", False)))), answers=answers, limit=5
    )
    assert [[step.fact for step in way.steps] for way in ways.sets] == [["repayment_plan"], ["social_enterprise"]]


def test_a_change_that_would_break_another_criterion_is_not_offered_alone() -> None:
    room = Criterion("ROOM", "ask", "gte", gbp(5_500_000))
    assert the_ways(ASK_MAX, room).sets == ()
    [step] = the_first(AnyOf((AllOf((ASK_MAX, room)), REPAYS)), answers={"repayment_plan": False})
    assert step.fact == "repayment_plan"


def test_an_eligible_pair_needs_no_way() -> None:
    ways = the_ways(REPAYS, answers={"repayment_plan": True})
    assert (ways.result, ways.sets, ways.exhaustive) == (Result.ELIGIBLE, (), True)


def test_soft_criteria_want_no_way() -> None:
    soft = Criterion("NICE", "repayment_plan", "eq", True, level=Level.SOFT)
    assert the_ways(soft, answers={"repayment_plan": False}).result is Result.ELIGIBLE


def test_a_tree_of_too_many_alternatives_is_searched_within_bounds_and_says_so() -> None:
    """2 to the 9 alternatives; some ways are found, each works and none is needless."""
    facts = ["charitable_purpose", "staff_control", "social_enterprise", "social_purpose_in_articles", "repayment_plan"]
    facts += ["commercial_finance_refused", "advice_line_reference", "approved_provider", "access_point_invitation"]
    pairs = tuple(
        AnyOf((Criterion(f"A{place}", fact, "eq", True), Criterion(f"B{place}", "loan_share", "gte", 1_000 + place)))
        for place, fact in enumerate(facts)
    )
    answers: dict[str, Any] = {**dict.fromkeys(facts, False), "loan_share": 0}
    ways = ways_in(a_tree(*pairs), Inputs(answers, the_ask()), parameters=PARAMETERS)
    assert not ways.exhaustive
    pair = RandomPair(a_tree(*pairs), Inputs(answers, the_ask()), {})
    for way in ways.sets:
        assert applied(pair, way.steps) is Result.ELIGIBLE
        assert all(
            applied(pair, way.steps[:at] + way.steps[at + 1 :]) is not Result.ELIGIBLE for at in range(len(way.steps))
        )
    assert [step.fact for step in ways.sets[0].steps] == ["loan_share"]


def test_a_search_ends_at_its_bound_and_says_so() -> None:
    """Two hundred boundaries of an ask that another amount is added to."""
    limits = [Criterion(f"C{place}", "ask", "ne", gbp(1_000 * place)) for place in range(1, 100)]
    totals = [Criterion(f"T{place}", "mfa_total_with_ask", "ne", gbp(1_001 * place)) for place in range(1, 100)]
    tree = a_tree(*limits, *totals, AnyOf((ASK_MAX, REPAYS)))
    inputs = Inputs({"repayment_plan": False}, the_ask(amount=7_000_000))
    ways = ways_in(tree, inputs, parameters=PARAMETERS, most_compared=5_000)
    assert not ways.exhaustive
    for way in ways.sets:
        assert applied(RandomPair(tree, inputs, {}), way.steps) is Result.ELIGIBLE


def test_a_search_without_leave_to_compare_finds_nothing_and_does_not_say_there_is_nothing() -> None:
    inputs = Inputs({"repayment_plan": False}, the_ask())
    ways = ways_in(a_tree(REPAYS), inputs, parameters=PARAMETERS, most_compared=5)
    assert (ways.sets, ways.exhaustive) == ((), False)


def test_an_unknown_fact_outside_the_registry_is_left_to_people_and_the_answer_says_so() -> None:
    own = Criterion("OWN", "x_funders_own", "eq", True)
    unknown, answered = the_ways(own, REPAYS), the_ways(own, REPAYS, answers={"x_funders_own": True})
    assert (unknown.sets, unknown.exhaustive) == ((), False)
    assert ([step.fact for way in answered.sets for step in way.steps], answered.exhaustive) == (
        ["repayment_plan"],
        True,
    )


def test_the_same_pair_has_the_same_ways() -> None:
    for pair in ineligible_pairs(3, 10):
        assert ways_of(pair).as_json() == ways_of(pair).as_json()


def test_the_inputs_behind_a_fact_map_are_found_again() -> None:
    random = Random(5)
    for _ in range(100):
        facts = a_pair(random).inputs.facts()
        assert Inputs.of_facts(facts).facts() == facts


def test_columns_compile_to_criteria_that_have_ways() -> None:
    columns = compile_columns("GBP", ["grant"], ["exploring", "feasibility"], 1, 2_000_000)
    assert [step.fact for step in the_first(*columns)] == ["ask"]
