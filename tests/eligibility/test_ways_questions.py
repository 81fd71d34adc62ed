"""Next questions, what to share next, confidence, the make-up of a fit, and the day from which time is enough."""

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from marketplace.eligibility.confidence import Confidence, confidence, fit_makeup
from marketplace.eligibility.questions_next import NextFact, SightOfOne, facts_to_share, next_questions, next_shares
from marketplace.eligibility.rules import Evaluation, Result, evaluate
from marketplace.eligibility.tree import AnyOf, Criterion, Node, Not
from marketplace.eligibility.waiting import eligible_from
from marketplace.reference.parameters import PARAMETERS, Parameter, values_on
from marketplace.values.reasons import Level
from tests.eligibility.trees import PARAMETERS as LIMIT
from tests.eligibility.trees import a_tree, facts, gbp, trees

DAY = date(2026, 11, 22)
TRADES = Criterion("TRADES", "trades_commercially", "eq", True)
YEARS = Criterion("YEARS", "years_trading", "gte", 2)
LOCKED = Criterion("LOCK", "asset_lock", "eq", "statutory")
TOTAL = Criterion("MFA", "mfa_total_with_ask", "lte", {"parameter": "mfa_limit"})


def judged(*criteria: Node, known: dict[str, Any] | None = None, **members: Any) -> Evaluation:
    return evaluate(a_tree(*criteria), known or {}, parameters=values_on(DAY), **members)


# Next questions


def test_a_fact_settles_those_that_wait_for_it_alone() -> None:
    waiting = [judged(TRADES), judged(TRADES, YEARS), judged(YEARS), judged(AnyOf((YEARS, LOCKED)))]
    assert next_questions(waiting) == [
        NextFact("years_trading", 1, 3),
        NextFact("trades_commercially", 1, 2),
        NextFact("legal_form", 0, 1),
    ]


def test_only_what_needs_information_is_counted() -> None:
    refused = judged(TRADES, YEARS, known={"years_trading": 0})
    assert next_questions([refused, judged(TRADES, known={"trades_commercially": True})]) == []


def test_a_derived_fact_is_asked_for_by_what_is_missing_behind_it() -> None:
    known = {"ask": gbp(1)}
    assert next_questions([judged(TOTAL, known=known)], known) == [NextFact("mfa_received", 1, 1)]


def test_a_fact_in_another_currency_cannot_be_settled_by_an_answer() -> None:
    known = {"turnover": {"amount": 1, "currency": "EUR"}}
    waits = judged(Criterion("BIG", "turnover", "gte", gbp(1)), TRADES, known=known)
    assert next_questions([waits], known) == [NextFact("trades_commercially", 0, 1)]


def test_no_more_questions_are_told_than_asked_for() -> None:
    assert next_questions([judged(TRADES), judged(YEARS)], limit=1) == [NextFact("trades_commercially", 1, 1)]


def sight(*criteria: Node, known: dict[str, Any], shared: set[str]) -> SightOfOne:
    return SightOfOne(judged(*criteria, known=known), judged(*criteria, known=known, shared=shared), shared)


def test_the_fact_to_share_is_one_that_is_answered_and_hidden() -> None:
    known = {"years_trading": 3, "trades_commercially": True}
    sights = [
        sight(YEARS, known=known, shared=set()),
        sight(YEARS, TRADES, known=known, shared=set()),
        sight(YEARS, LOCKED, known=known, shared={"asset_lock"}),
        sight(TRADES, known=known, shared={"trades_commercially"}),
    ]
    assert next_shares(sights, known) == [NextFact("years_trading", 1, 3), NextFact("trades_commercially", 0, 1)]


def test_a_derived_fact_is_shared_by_sharing_what_gives_it_away() -> None:
    assert facts_to_share("mfa_total_with_ask", {"ask"}) == {"mfa_received"}
    assert facts_to_share("areas", set()) == {"area_code"}
    assert facts_to_share("years_trading", {"years_trading"}) == set()


# Confidence and the fit


def test_confidence_is_the_mean_of_what_the_deciding_criteria_rest_on() -> None:
    known = {"trades_commercially": True, "years_trading": 3, "asset_lock": "statutory"}
    told = judged(
        TRADES, YEARS, LOCKED, known=known, assurance={"years_trading": "evidenced", "asset_lock": "verified"}
    )
    assert confidence(told) == Confidence(score=76, verified=1, evidenced=1, declared=1, unknown=0)


def test_an_unknown_criterion_in_the_way_counts_for_nothing() -> None:
    told = judged(TRADES, YEARS, known={"trades_commercially": True})
    assert confidence(told) == Confidence(score=25, verified=0, evidenced=0, declared=1, unknown=1)


def test_a_refusal_rests_on_the_criteria_that_refuse() -> None:
    told = judged(TRADES, YEARS, LOCKED, known={"trades_commercially": True, "years_trading": 0})
    assert told.result is Result.INELIGIBLE
    assert (told.unmet, told.unknown) == (("YEARS",), ("LOCK",))
    assert confidence(told) == Confidence(score=50, verified=0, evidenced=0, declared=1, unknown=0)


def test_what_nothing_decided_is_certain() -> None:
    assert confidence(judged()).score == 100


def test_the_make_up_of_a_fit_adds_up_to_it() -> None:
    soft = [
        Criterion("A", "trades_commercially", "eq", True, Level.SOFT, 2),
        Criterion("B", "years_trading", "gte", 9, Level.SOFT, 1),
    ]
    told = judged(*soft, known={"trades_commercially": True, "years_trading": 1})
    parts = fit_makeup(a_tree(*soft), told)
    assert parts == [{"code": "A", "weight": 2, "outcome": "met"}, {"code": "B", "weight": 1, "outcome": "unmet"}]
    assert told.fit == 66


@given(tree=trees(), known=facts())
def test_no_score_moves_a_result_and_every_fit_follows_from_its_make_up(tree: Any, known: dict[str, Any]) -> None:
    told = evaluate(tree, known, parameters=LIMIT)
    parts = fit_makeup(tree, told)
    total = sum(part["weight"] for part in parts)
    met = sum(part["weight"] for part in parts if part["outcome"] == "met")
    expected = 100 * met // total if total else 100
    assert told.fit == (0 if told.result is Result.INELIGIBLE else expected)
    assert 0 <= confidence(told).score <= 100


# Time


OLD = Criterion("OLD", "trading_since", "at_least_months_before", 12)
LEFT = Criterion("LEFT", "contract_ends_on", "at_least_months_after", 6)


def first_day(*criteria: Node, **known: Any) -> date | None:
    return eligible_from(a_tree(*criteria), lambda day: known, DAY)


@pytest.mark.parametrize(
    ("since", "day"),
    [("2026-02-28", date(2027, 2, 28)), ("2026-10-31", date(2027, 10, 31)), ("2026-11-22", date(2027, 11, 22))],
)
def test_the_day_is_the_first_on_which_enough_months_are_past(since: str, day: date) -> None:
    assert first_day(OLD, trading_since=since) == day


def test_a_month_that_is_shorter_ends_on_its_last_day() -> None:
    assert first_day(
        Criterion("OLD", "trading_since", "at_least_months_before", 3), trading_since="2026-11-30"
    ) == date(2027, 2, 28)


def test_what_time_takes_away_under_not_becomes_a_day_too() -> None:
    assert first_day(Not(LEFT), contract_ends_on="2027-12-31") == date(2027, 7, 1)


def test_time_alone_does_not_meet_what_is_refused_or_unknown() -> None:
    assert first_day(OLD, YEARS, trading_since="2026-02-28") is None
    assert first_day(OLD) is None


def test_time_that_takes_one_thing_before_it_gives_another_is_no_way() -> None:
    assert first_day(OLD, LEFT, trading_since="2026-10-01", contract_ends_on="2027-08-01") is None


def test_a_consent_that_lapses_first_is_heeded() -> None:
    consents = Criterion("CONSENT", "employer_consent", "eq", True)

    def known_on(day: date) -> dict[str, Any]:
        lasting = {"employer_consent": True} if day <= date(2027, 1, 1) else {}
        return {"trading_since": "2026-02-28", **lasting}

    assert eligible_from(a_tree(OLD, consents), known_on, DAY) is None
    assert eligible_from(a_tree(OLD), known_on, DAY) == date(2027, 2, 28)


def test_a_limit_that_rises_on_a_day_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    held = PARAMETERS["mfa_limit"]
    raised = Parameter(
        held.name, held.type, held.label, held.definition, held.law, held.source,
        (*held.values, (date(2028, 4, 6), gbp(50_000_000))),
    )  # fmt: skip
    both = {**PARAMETERS, "mfa_limit": raised}
    monkeypatch.setattr("marketplace.reference.parameters.PARAMETERS", both)
    monkeypatch.setattr("marketplace.eligibility.waiting.PARAMETERS", both)
    assert first_day(TOTAL, mfa_total_with_ask=gbp(40_000_000)) == date(2028, 4, 6)


@settings(max_examples=30, suppress_health_check=[HealthCheck.filter_too_much])
@given(tree=trees(), known=facts())
def test_the_day_that_is_told_is_eligible_and_no_earlier_day_of_the_next_years_is(
    tree: Any, known: dict[str, Any]
) -> None:
    assume(evaluate(tree, known, parameters=values_on(DAY)).result is not Result.ELIGIBLE)
    day = eligible_from(tree, lambda _: known, DAY)
    month_ends = [
        date(year, month, number) for year in (2026, 2027) for month in (11, 12, 1, 5) for number in (1, 22, 23)
    ]
    for tried in month_ends:
        if tried > DAY and (day is None or tried < day):
            assert evaluate(tree, known, parameters=values_on(tried)).result is not Result.ELIGIBLE
    if day is not None:
        assert evaluate(tree, known, parameters=values_on(day)).result is Result.ELIGIBLE
