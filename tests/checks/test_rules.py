"""Answers are checked as a draft's are, and an answer file is read so that nothing of it is lost without a word."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.checks.rules import InvalidAnswers, answer_file, ask_for_derivation, checked_answers, read_answer_file
from marketplace.proposals.rules import ask_faults, checked_facts
from marketplace.reference.facts import REGISTRY, derive
from marketplace.values.money import LARGEST_AMOUNT

AUTHORED = [slug for slug, definition in REGISTRY.items() if not definition.derived]
GOOD: dict[str, Any] = {"sector": "community_health", "staff_count": 40, "turnover": {"amount": 7, "currency": "GBP"}}
ASK: dict[str, Any] = {
    "amount": {"amount": 900_000, "currency": "EUR"},
    "stage": "feasibility",
    "instruments": ["in_kind_support", "grant"],
}


def read(answers: dict[str, Any] | None = None, ask: dict[str, Any] | None = None) -> Any:
    return read_answer_file({"answers": answers or {}, "ask": ask or {}})


def test_answers_come_out_in_their_normal_writing_and_null_is_no_answer() -> None:
    assert checked_answers({"payback_years": "2.50", "sector": None}) == {"payback_years": "2.5"}


def test_every_answer_that_is_not_accepted_is_named() -> None:
    hostile = {"staff_count": "40", "incorporated": True, "asset_lock": None, "a/b~c": 1, "sector": "community_health"}

    with pytest.raises(InvalidAnswers) as refusal:
        checked_answers(hostile)

    pointers = [fault["pointer"] for fault in refusal.value.facts["errors"]]
    assert pointers == ["#/answers/staff_count", "#/answers/incorporated", "#/answers/asset_lock", "#/answers/a~1b~0c"]


def test_an_ask_that_is_not_given_is_unknown() -> None:
    assert derive({}, ask_for_derivation({}), None) == {}


def test_a_file_gives_back_what_was_answered() -> None:
    document = answer_file(GOOD, ASK, date(2026, 11, 22))
    told = read_answer_file(document)

    assert {slug: value for facts in told.sections.values() for slug, value in facts.items()} == GOOD
    assert all(checked_facts(name, facts) == facts for name, facts in told.sections.items())
    assert (told.ask["stage"], told.ask["currency"]) == ("feasibility", "EUR")
    assert told.ask["instruments"] == ["grant", "in_kind_support"]
    assert [(line["purpose"], line["amount"]) for line in told.ask["lines"]] == [("other", 900_000)]
    assert told.left_out == ()


@pytest.mark.parametrize(
    ("answers", "ask", "left_out"),
    [
        pytest.param({"gone": 1}, {}, [("gone", "#/answer_file/answers/gone")], id="a fact that is no more"),
        pytest.param(
            {"sector": "alchemy"}, {}, [("sector", "#/answer_file/answers/sector")], id="a slug that is no more"
        ),
        pytest.param(
            {"incorporated": True}, {}, [("incorporated", "#/answer_file/answers/incorporated")], id="a derived fact"
        ),
        pytest.param({}, {"stage": "dreaming"}, [("stage", "#/answer_file/ask/stage")], id="a stage that is no more"),
        pytest.param(
            {}, {"amount": {"amount": 0, "currency": "GBP"}}, [("ask", "#/answer_file/ask/amount")], id="zero"
        ),
        pytest.param({}, {"amount": "all of it"}, [("ask", "#/answer_file/ask/amount")], id="no amount"),
        pytest.param({}, {"amount": {"amount": 5, "currency": "ZZZ"}}, [("ask", "#/answer_file/ask/amount")], id="ZZZ"),
        pytest.param({}, {"lines": []}, [("lines", "#/answer_file/ask/lines")], id="a member that an ask has not"),
        pytest.param({}, {"a/b": []}, [("a/b", "#/answer_file/ask/a~1b")], id="an odd member"),
        pytest.param(
            {},
            {"instruments": ["grant", "gold", 7]},
            [
                ("instruments_sought", "#/answer_file/ask/instruments/1"),
                ("instruments_sought", "#/answer_file/ask/instruments/2"),
            ],
            id="instruments that are no more",
        ),
        pytest.param(
            {}, {"instruments": "grant"}, [("instruments_sought", "#/answer_file/ask/instruments")], id="text"
        ),
    ],
)
def test_what_no_longer_fits_is_named_and_the_rest_is_kept(
    answers: dict[str, Any], ask: dict[str, Any], left_out: list[tuple[str, str]]
) -> None:
    told = read({**GOOD, **answers}, ask)
    kept = {slug: value for facts in told.sections.values() for slug, value in facts.items()}

    assert [(each.slug, each.pointer) for each in told.left_out] == left_out
    assert all(each.detail for each in told.left_out)
    assert kept == {slug: value for slug, value in GOOD.items() if slug not in answers}


def anything() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    money = st.fixed_dictionaries({"amount": leaves, "currency": st.sampled_from(["GBP", "ZZZ"])})
    return leaves | money | st.lists(leaves, max_size=3) | st.dictionaries(st.text(max_size=5), leaves, max_size=2)


@settings(max_examples=60)
@given(
    answers=st.dictionaries(st.sampled_from(sorted(REGISTRY)) | st.text(max_size=70), anything(), max_size=6),
    ask=st.dictionaries(st.sampled_from(["amount", "stage", "instruments", "a/b"]), anything(), max_size=4),
)
def test_whatever_a_file_holds_is_read_and_every_answer_is_kept_or_named(
    answers: dict[str, Any], ask: dict[str, Any]
) -> None:
    told = read(answers, ask)
    kept = {slug for facts in told.sections.values() for slug in facts}
    named = {each.pointer for each in told.left_out}
    not_given = {slug for slug, value in answers.items() if value is None and slug in AUTHORED}

    assert len(kept) + len([each for each in named if "/answers/" in each]) + len(not_given) <= len(answers)
    assert kept <= set(AUTHORED)
    for slug in set(answers) - kept - not_given:
        assert any(each.slug == slug[:60] for each in told.left_out)
    for name, facts in told.sections.items():
        assert checked_facts(name, facts) == facts
    assert ask_faults(told.ask) == []
    assert sum(line["amount"] for line in told.ask["lines"]) <= LARGEST_AMOUNT
