"""Gates, moves and ballots as tables, and properties of ballots."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.pipeline.rules import (
    NOTHING_SHOWN,
    TESTS,
    Acceptance,
    BallotFacts,
    Condition,
    Counts,
    EmployerWord,
    GateFacts,
    RegisterFacts,
    Shown,
    ballot_faults,
    ballot_result,
    gate_conditions,
    kind_of_move,
    move_conditions,
    next_stage,
    pension_faults,
)
from marketplace.reference import codelists, pipelines
from marketplace.reference.pipelines import Gate, GateTest, RequiredEvidence
from marketplace.values.money import Money
from marketplace.values.reasons import Outcome, Reason

TEMPLATE = pipelines.TEMPLATES[pipelines.DEFAULT].latest
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EARLIER, LATER = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
NO_FACTS = GateFacts({}, {}, EmployerWord(), None, None, RegisterFacts())
RISK = Gate((RequiredEvidence("risk_register", ("funder", "employer")),), ())
APPROVAL = GateTest("employer_approval", ("employer",), ("receive_funding",), "employer_approval")
BALLOT = GateTest("staff_ballot", ("funder",), kind="staff_ballot", quorum_bp=5000, threshold_bp=5100)
PENSION = GateTest("pension_decided")
TRANSFER = GateTest("staff_transferred", ("employer",), milestone="staff_transferred")
SIXTY = Counts(100, 60, 20, 1, 5000, 5100)


def accepted(*parties: str, at: datetime = NOON) -> Shown:
    return Shown(accepted=(Acceptance(frozenset(parties), at),))


def outcome(condition: Condition) -> tuple[str, str | None]:
    """How it came out, and whom it waits on."""
    return condition.reason.outcome.value, condition.waiting.on if condition.waiting else None


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        pytest.param(NOTHING_SHOWN, ("unknown", "group"), id="nothing was submitted"),
        pytest.param(Shown(submitted=True), ("unknown", "verifier"), id="a version waits for a decision"),
        pytest.param(Shown(rejected=True), ("unmet", "group"), id="it was rejected"),
        pytest.param(Shown(submitted=True, rejected=True), ("unknown", "verifier"), id="it was submitted again"),
        pytest.param(accepted("funder"), ("met", None), id="a party that the gate names has accepted it"),
        pytest.param(accepted("adviser", "employer"), ("met", None), id="one hat of the verifier is named"),
        pytest.param(accepted("adviser"), ("unmet", "group"), id="accepted by a party that the gate does not name"),
        pytest.param(accepted(), ("unmet", "group"), id="accepted by somebody who is no party"),
        pytest.param(
            replace(accepted("adviser"), submitted=True),
            ("unknown", "verifier"),
            id="a named party may still accept it",
        ),
    ],
)
def test_evidence_counts_when_a_party_that_the_gate_names_has_accepted_it(shown: Shown, told: tuple[str, str]) -> None:
    (condition,) = gate_conditions(RISK, replace(NO_FACTS, evidence={"risk_register": shown}))

    assert outcome(condition) == told


def test_whoever_may_verify_is_named_to_those_who_wait() -> None:
    (condition,) = gate_conditions(RISK, replace(NO_FACTS, evidence={"risk_register": Shown(submitted=True)}))

    assert condition.waiting is not None
    assert (condition.waiting.parties, condition.waiting.about) == (("funder", "employer"), "risk_register")


@pytest.mark.parametrize(
    ("word", "shown", "told"),
    [
        pytest.param(EmployerWord(), NOTHING_SHOWN, ("unknown", "group"), id="nobody was asked"),
        pytest.param(EmployerWord(invited=True), NOTHING_SHOWN, ("unknown", "employer"), id="the employer was asked"),
        pytest.param(EmployerWord("receive_funding", NOON), NOTHING_SHOWN, ("met", None), id="the employer agrees"),
        pytest.param(EmployerWord("explore", NOON), NOTHING_SHOWN, ("unmet", "employer"), id="it agrees to less"),
        pytest.param(
            EmployerWord("no_objection", NOON), NOTHING_SHOWN, ("unmet", "employer"), id="it agrees to nothing"
        ),
        pytest.param(
            EmployerWord(expired=True, said_at=NOON), NOTHING_SHOWN, ("unknown", "group"), id="it has expired"
        ),
        pytest.param(EmployerWord("refused", NOON), NOTHING_SHOWN, ("unmet", "employer"), id="it refuses"),
        pytest.param(
            EmployerWord(said_at=NOON, withdrawn=True), NOTHING_SHOWN, ("unmet", "employer"), id="it took it back"
        ),
        pytest.param(EmployerWord(), accepted("employer"), ("met", None), id="the employer accepted the minute"),
        pytest.param(EmployerWord(), accepted("funder"), ("unknown", "group"), id="somebody else accepted the minute"),
        pytest.param(
            EmployerWord(), Shown(submitted=True), ("unknown", "verifier"), id="the minute waits for the employer"
        ),
        pytest.param(
            EmployerWord("explore", NOON), accepted("employer"), ("met", None), id="it agreed to less in words"
        ),
        pytest.param(
            EmployerWord("refused", NOON),
            accepted("employer", at=EARLIER),
            ("unmet", "employer"),
            id="it refused after it had accepted the minute",
        ),
        pytest.param(
            EmployerWord(said_at=NOON, withdrawn=True),
            accepted("employer", at=EARLIER),
            ("unmet", "employer"),
            id="it took its answer back after it had accepted the minute",
        ),
        pytest.param(
            EmployerWord("refused", NOON),
            accepted("employer", at=LATER),
            ("met", None),
            id="it accepted the minute after it had refused",
        ),
    ],
)
def test_the_employer_approves_by_its_answer_or_by_the_minute_and_its_last_word_counts(
    word: EmployerWord, shown: Shown, told: tuple[str, str]
) -> None:
    facts = replace(NO_FACTS, employer=word, evidence={"employer_approval": shown})

    assert outcome(TESTS["employer_approval"](APPROVAL, facts)) == told


@pytest.mark.parametrize(
    ("ballot", "told"),
    [
        pytest.param(None, ("unknown", "group"), id="no ballot"),
        pytest.param(BallotFacts(SIXTY, accepted("funder")), ("met", None), id="it passed and was accepted"),
        pytest.param(BallotFacts(SIXTY, Shown(submitted=True)), ("unknown", "verifier"), id="its document waits"),
        pytest.param(BallotFacts(SIXTY, NOTHING_SHOWN), ("unknown", "group"), id="it has no document"),
        pytest.param(BallotFacts(SIXTY, Shown(rejected=True)), ("unmet", "group"), id="its document was rejected"),
        pytest.param(BallotFacts(SIXTY, accepted("adviser")), ("unmet", "group"), id="accepted by a party not named"),
        pytest.param(
            BallotFacts(replace(SIXTY, votes_for=40, votes_against=40), accepted("funder")),
            ("unmet", "group"),
            id="it did not pass",
        ),
        pytest.param(
            BallotFacts(replace(SIXTY, quorum_bp=1, threshold_bp=1, votes_for=30, votes_against=0), accepted("funder")),
            ("unmet", "group"),
            id="it passed under laxer rules than the template's",
        ),
        pytest.param(
            BallotFacts(replace(SIXTY, threshold_bp=8000), accepted("funder")),
            ("unmet", "group"),
            id="it failed under stricter rules of its own",
        ),
    ],
)
def test_the_ballot_that_stands_has_to_pass_and_to_be_accepted(
    ballot: BallotFacts | None, told: tuple[str, str]
) -> None:
    assert outcome(TESTS["staff_ballot"](BALLOT, replace(NO_FACTS, ballot=ballot))) == told


@pytest.mark.parametrize(
    ("pension", "told"),
    [
        pytest.param(None, ("unknown", "group"), id="nothing was said"),
        pytest.param("undecided", ("unmet", "group"), id="undecided"),
        *(
            pytest.param(slug, ("met", None), id=slug)
            for slug in codelists.slugs("pension_arrangements")
            if slug != "undecided"
        ),
    ],
)
def test_an_undecided_pension_stops_the_gate(pension: str | None, told: tuple[str, str]) -> None:
    assert outcome(TESTS["pension_decided"](PENSION, replace(NO_FACTS, pension=pension))) == told


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        pytest.param(NOTHING_SHOWN, ("unknown", "group"), id="nothing was shown"),
        pytest.param(accepted("employer"), ("met", None), id="the employer has verified it"),
        pytest.param(accepted("adviser"), ("unmet", "group"), id="an adviser has verified it"),
    ],
)
def test_the_transfer_of_staff_is_verified_by_whom_the_gate_names(shown: Shown, told: tuple[str, str]) -> None:
    facts = replace(NO_FACTS, milestones={"staff_transferred": shown})

    assert outcome(TESTS["staff_transferred"](TRANSFER, facts)) == told


@pytest.mark.parametrize(
    ("standing", "without_owner", "least", "told"),
    [
        pytest.param(0, 0, 1, ("unmet", "group"), id="nothing was registered"),
        pytest.param(1, 0, 1, ("met", None), id="a benefit stands"),
        pytest.param(1, 1, 1, ("unmet", "group"), id="nobody answers for it"),
        pytest.param(3, 1, 2, ("met", None), id="enough of them have an owner"),
        pytest.param(3, 2, 2, ("unmet", "group"), id="too few of them have one"),
    ],
)
def test_so_many_benefits_stand_with_somebody_who_answers_for_them(
    standing: int, without_owner: int, least: int, told: tuple[str, str | None]
) -> None:
    facts = replace(NO_FACTS, register=RegisterFacts(standing, without_owner))

    condition = TESTS["benefits_register"](GateTest("benefits_register", least=least), facts)

    assert outcome(condition) == told
    assert condition.reason.wanted == {"least": least, "with": ["baseline", "owner"]}
    assert condition.reason.found == {"standing": standing, "without_owner": without_owner}


# Moves


@pytest.mark.parametrize(
    ("at", "to", "reason", "against"),
    [
        pytest.param("exploring", "feasibility", False, [], id="forward needs no reason"),
        pytest.param("exploring", "business_case", True, ["NEXT_STAGE"], id="no stage is left out"),
        pytest.param("feasibility", "feasibility", True, ["NEXT_STAGE"], id="it is there already"),
        pytest.param("sustained", "renewal", False, ["REASON_GIVEN"], id="back without a reason"),
        pytest.param("business_case", "exploring", True, [], id="back over two stages with a reason"),
        pytest.param("set_up", "withdrawn", True, [], id="withdrawn before launch"),
        pytest.param("launched", "withdrawn", True, ["STAGE_ENDS_SO"], id="not withdrawn after launch"),
        pytest.param("decision", "rejected", True, [], id="rejected at the decision"),
        pytest.param("decision", "rejected", False, ["REASON_GIVEN"], id="rejected without a reason"),
        pytest.param("set_up", "rejected", True, ["STAGE_ENDS_SO"], id="not rejected after the decision"),
        pytest.param("growth", "returned_in_house", True, [], id="returned in-house after launch"),
        pytest.param(
            "set_up", "returned_in_house", False, ["REASON_GIVEN", "STAGE_ENDS_SO"], id="both reasons are told"
        ),
        pytest.param("sustained", "wound_up", True, [], id="wound up"),
        pytest.param("wound_up", "growth", True, ["NOT_ENDED"], id="nothing leads out of an end"),
        pytest.param("withdrawn", "rejected", True, ["NOT_ENDED"], id="one end is not made another"),
        pytest.param("sustained", "withdrawn", True, ["STAGE_ENDS_SO"], id="a mutual that runs is not withdrawn"),
    ],
)
def test_a_move_goes_forward_by_one_back_with_a_reason_and_into_the_ends_of_its_stage(
    at: str, to: str, reason: bool, against: list[str]
) -> None:
    told = move_conditions(TEMPLATE, at, to, reason_given=reason, gate=[])

    assert [each.code for each in told if each.outcome is not Outcome.MET] == against


def test_a_forward_move_names_every_condition_of_the_gate_and_the_others_none() -> None:
    gate = [
        Condition(Reason("EVIDENCE", Outcome.UNKNOWN), None),
        Condition(Reason("PENSION_DECIDED", Outcome.UNMET), None),
    ]

    forward = move_conditions(TEMPLATE, "decision", "set_up", reason_given=False, gate=gate)
    back = move_conditions(TEMPLATE, "decision", "feasibility", reason_given=True, gate=gate)

    assert [each.code for each in forward] == ["NEXT_STAGE", "EVIDENCE", "PENSION_DECIDED"]
    assert [each.code for each in back] == ["REASON_GIVEN"]


def test_the_last_stage_and_ends_have_nothing_after_them() -> None:
    assert [next_stage(TEMPLATE, at) for at in ("exploring", "sustained", "wound_up")] == ["feasibility", None, None]
    assert kind_of_move(TEMPLATE, "growth", "wound_up") == "ended"


# The template


def test_the_template_has_every_stage_and_every_end_of_the_codelist_once() -> None:
    listed = [(entry["slug"], entry["order"] < 90) for entry in codelists.CODELISTS["stages"]]

    assert TEMPLATE.order == tuple(slug for slug, is_stage in listed if is_stage)
    assert tuple(end.slug for end in TEMPLATE.ends) == tuple(slug for slug, is_stage in listed if not is_stage)


@pytest.mark.parametrize("stage", TEMPLATE.order)
def test_a_gate_asks_for_what_the_codelist_names_as_the_stage_s_exit_evidence(stage: str) -> None:
    gate = TEMPLATE.gate_of(stage)
    asked = set() if gate is None else {each.kind for each in gate.evidence} | {t.kind for t in gate.tests if t.kind}

    assert asked == ({"annual_report"} if gate is None else set()) ^ set(
        codelists.entry("stages", stage)["exit_evidence"]
    )


@pytest.mark.parametrize("end", TEMPLATE.ends, ids=lambda end: end.slug)
def test_an_end_asks_for_its_own_report_and_for_what_was_learnt(end: pipelines.End) -> None:
    listed = set(codelists.entry("stages", end.slug)["exit_evidence"])

    assert {report.kind for report in end.reports} == listed | {"learning_report"}


def test_every_gate_names_known_kinds_milestones_tests_and_parties_and_never_the_group() -> None:
    for version in (version for template in pipelines.TEMPLATES.values() for version in template.versions):
        gates = [stage.gate for stage in version.stages if stage.gate is not None]
        required = [each for gate in gates for each in gate.evidence]
        required += [report for end in version.ends for report in end.reports]
        tests = [test for gate in gates for test in gate.tests]
        kinds = {each.kind for each in required} | {test.kind for test in tests if test.kind}
        assert kinds <= set(codelists.slugs("evidence_kinds"))
        assert {test.milestone for test in tests if test.milestone} <= set(codelists.slugs("milestones"))
        assert {test.test for test in tests} <= set(TESTS)
        assert all(each.verified_by and set(each.verified_by) <= set(pipelines.PARTIES) for each in required)
        assert {party for test in tests for party in test.verified_by} <= set(pipelines.PARTIES)
        assert {slug for test in tests for slug in test.answers} <= set(codelists.slugs("employer_consent_answers"))
    assert "group" not in pipelines.PARTIES


# Ballots


@pytest.mark.parametrize(
    ("counts", "passed"),
    [
        pytest.param(Counts(1000, 500, 200, 0, 5000, 5000), True, id="exactly what is needed passes"),
        pytest.param(Counts(1000, 250, 250, 0, 5000, 5000), True, id="quorum and threshold met exactly"),
        pytest.param(Counts(1000, 250, 249, 500, 5000, 5000), False, id="spoiled papers make no quorum"),
        pytest.param(Counts(1000, 500, 500, 0, 5000, 5100), False, id="a tie does not pass the template's threshold"),
        pytest.param(Counts(100, 51, 49, 0, 5000, 5100), True, id="51 of 100"),
        pytest.param(Counts(100, 0, 0, 100, 1, 1), False, id="nobody voted"),
        pytest.param(Counts(1, 1, 0, 0, 10000, 10000), True, id="one elector, of one mind"),
        pytest.param(Counts(100, 3, 95, 0, 5000, 5100), False, id="97 in 100 against, as in Bedfordshire in 2009"),
        pytest.param(
            Counts(1000, 200, 500, 0, 5000, 5100), False, id="500 of 700 against, as in Middlesbrough in 2010"
        ),
    ],
)
def test_a_ballot_passes_by_its_votes(counts: Counts, passed: bool) -> None:
    assert ballot_result(counts).passed is passed


def test_printed_percentages_can_disagree_with_the_votes() -> None:
    """Over 500 of 700 votes were reported as 66%: votes are kept, percentages computed (UNISON and the press, 2010)."""
    told = ballot_result(Counts(1000, 500, 200, 0, 5000, 5100))

    assert (told.for_bp, told.turnout_bp) == (7142, 7000)


@st.composite
def counted(draw: st.DrawFn) -> Counts:
    electorate = draw(st.integers(1, 2000))
    votes_for = draw(st.integers(0, electorate))
    votes_against = draw(st.integers(0, electorate - votes_for))
    spoiled = draw(st.integers(0, electorate - votes_for - votes_against))
    rules = st.integers(1, 10_000)
    return Counts(electorate, votes_for, votes_against, spoiled, draw(rules), draw(rules))


@given(counted())
def test_one_more_vote_for_never_loses_a_ballot(counts: Counts) -> None:
    more = replace(counts, votes_for=counts.votes_for + 1)

    assert ballot_result(more).passed or not ballot_result(counts).passed


@given(counted())
def test_one_more_vote_against_never_wins_a_ballot_that_has_its_quorum(counts: Counts) -> None:
    told = ballot_result(counts)
    more = ballot_result(replace(counts, votes_against=counts.votes_against + 1))

    assert told.passed or not told.quorum_met or not more.passed


@given(counted())
def test_no_ballot_passes_below_its_quorum_or_its_threshold(counts: Counts) -> None:
    if ballot_result(counts).passed:
        votes = counts.votes_for + counts.votes_against
        assert votes / counts.electorate >= counts.quorum_bp / 10_000 - 1e-12
        assert counts.votes_for / votes >= counts.threshold_bp / 10_000 - 1e-12


@given(counted(), st.integers(1, 10_000), st.integers(1, 10_000))
def test_stricter_rules_never_pass_what_laxer_ones_refuse(counts: Counts, quorum: int, threshold: int) -> None:
    stricter = replace(
        counts, quorum_bp=max(quorum, counts.quorum_bp), threshold_bp=max(threshold, counts.threshold_bp)
    )

    assert ballot_result(counts).passed or not ballot_result(stricter).passed


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        pytest.param({}, [], id="as it has to be"),
        pytest.param({"spoiled": 21}, ["#/electorate"], id="more papers than electors"),
        pytest.param({"quorum_bp": 4999}, ["#/quorum_bp"], id="a laxer quorum"),
        pytest.param({"threshold_bp": 5099}, ["#/threshold_bp"], id="a laxer threshold"),
        pytest.param({"quorum_bp": 9000, "threshold_bp": 6667}, [], id="stricter rules"),
        pytest.param({"votes_for": 99, "quorum_bp": 1}, ["#/electorate", "#/quorum_bp"], id="all faults at once"),
    ],
)
def test_a_ballot_is_held_under_the_template_s_rules_or_stricter_ones(
    change: dict[str, int], pointers: list[str]
) -> None:
    faults = ballot_faults(replace(SIXTY, **change), date(2026, 11, 23), date(2026, 11, 23), BALLOT)

    assert [fault["pointer"] for fault in faults] == pointers


def test_a_ballot_is_not_held_tomorrow() -> None:
    (fault,) = ballot_faults(SIXTY, date(2026, 11, 24), date(2026, 11, 23), BALLOT)

    assert fault["pointer"] == "#/held_on"


# Pensions


@pytest.mark.parametrize(
    ("members", "pointers"),
    [
        pytest.param({}, [], id="nothing but the arrangement"),
        pytest.param({"bond": Money(1, "GBP"), "gap": Money(1, "GBP")}, [], id="one currency"),
        pytest.param({"bond": Money(1, "GBP"), "gap": Money(1, "EUR")}, ["#/contribution_gap/currency"], id="two"),
        pytest.param({"named": 1, "kind": "pension_agreement"}, [], id="an agreement shows it"),
        pytest.param({"named": 1, "kind": "risk_register"}, ["#/evidence_id"], id="another document does not"),
        pytest.param({"named": 1, "kind": None}, ["#/evidence_id"], id="nor one of another proposal"),
    ],
)
def test_a_pension_arrangement_has_one_currency_and_a_document_of_its_own(
    members: dict[str, Any], pointers: list[str]
) -> None:
    faults = pension_faults(**{"bond": None, "gap": None, "named": None, "kind": None} | members)

    assert [fault["pointer"] for fault in faults] == pointers
