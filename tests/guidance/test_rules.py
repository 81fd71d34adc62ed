"""Rules of guidance: the order of steps, and asks compared with what is usual."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from marketplace.guidance.rules import (
    GROUP,
    ORDER,
    DraftLine,
    Step,
    check_ask,
    in_order,
    lines_to_begin_from,
    usual_for,
    usual_sum,
)
from marketplace.reference import codelists
from marketplace.reference.pipelines import DEFAULT, TEMPLATES
from marketplace.reference.usual import PAST_AWARDS, STAGE_TIMES, USUAL_LINES, USUAL_STEPS, awards_like
from marketplace.values.reasons import Level

STAGES = sorted(USUAL_LINES)
LINES = st.lists(
    st.builds(
        DraftLine,
        purpose=st.sampled_from(codelists.slugs("ask_purposes")),
        amount=st.integers(1, 10**9),
        described=st.booleans(),
    ),
    max_size=6,
)


def outcomes(stage: str, *lines: DraftLine, currency: str = "GBP") -> dict[str, str]:
    return {each.code: each.outcome.value for each in check_ask(stage, currency, (), lines)}


def test_ones_own_things_come_before_those_that_one_waits_for_and_late_ones_first() -> None:
    steps = [
        Step("EMPLOYER_APPROVAL", "employer"),
        Step("ANSWER_FACT", GROUP),
        Step("REPORT", GROUP, due_on=date(2026, 12, 1)),
        Step("REPORT", GROUP, due_on=date(2026, 11, 25)),
        Step("REPORT_OVERDUE", GROUP, due_on=date(2026, 11, 1)),
        Step("EVIDENCE", "verifier", "risk_register"),
    ]

    told = [(each.code, each.by) for each in in_order(steps)]

    assert told == [
        ("REPORT_OVERDUE", "group"),
        ("REPORT", "group"),
        ("REPORT", "group"),
        ("ANSWER_FACT", "group"),
        ("EVIDENCE", "verifier"),
        ("EMPLOYER_APPROVAL", "employer"),
    ]
    assert [each.due_on for each in in_order(steps)][1] == date(2026, 11, 25)


def test_every_step_has_a_usual_time() -> None:
    for code in ORDER:
        for by in ("group", "verifier"):
            assert usual_for(Step(code, by)).least_days <= usual_for(Step(code, by)).most_days
    assert usual_for(Step("ANSWER_FACT", GROUP, "business_plan")) == USUAL_STEPS["ANSWER_FACT"]


def test_every_document_that_a_gate_asks_has_its_own_time_and_helper() -> None:
    gates = [stage.gate for stage in TEMPLATES[DEFAULT].latest.stages if stage.gate is not None]
    known = {kind for kind, usual in USUAL_STEPS.items() if usual.service is not None}
    before_launch = [gate for gate in gates[:5] for each in [gate]]
    assert {each.kind for gate in before_launch for each in gate.evidence} <= known


def test_what_is_usual_speaks_of_known_things_and_adds_up() -> None:
    services, topics = codelists.slugs("adviser_services"), codelists.slugs("resource_topics")
    for each in USUAL_STEPS.values():
        assert each.service is None or each.service in services
        assert each.topic is None or each.topic in topics
    for stage, lines in USUAL_LINES.items():
        total = usual_sum(stage)
        assert total is not None
        assert all(0 <= line.least <= line.most for line in lines)
        assert {line.purpose for line in lines} <= set(codelists.slugs("ask_purposes"))
        assert total[0] <= sum(line.least for line in lines) <= total[1]
        assert sum(line.most for line in lines) == total[1]
        assert lines_to_begin_from(stage)
    assert set(USUAL_LINES) == set(STAGE_TIMES)


def test_every_past_award_names_its_sources_and_known_slugs() -> None:
    for each in PAST_AWARDS:
        assert each.sources
        assert all(source.startswith("http") for source in each.sources)
        assert each.amount.amount > 0
        for name, codelist in (("stage", "stages"), ("sector", "service_sectors"), ("region", "regions")):
            assert getattr(each, name) is None or getattr(each, name) in codelists.slugs(codelist)
        assert set(each.purposes) <= set(codelists.slugs("ask_purposes"))
    assert len(PAST_AWARDS) == 18


def test_awards_at_the_same_stage_come_first_and_then_those_of_the_sector() -> None:
    found = awards_like("business_case", "youth_services")

    assert found[0].recipient.startswith("Blackpool")
    assert [each.stage for each in found[:3]] == ["business_case"] * 3
    assert found[3].sector == "youth_services"
    assert sorted(found, key=str) == sorted(PAST_AWARDS, key=str)


def test_an_ask_that_begins_from_the_usual_lines_is_usual() -> None:
    for stage in STAGES:
        lines = [DraftLine(line.purpose, line.least, described=False) for line in lines_to_begin_from(stage)]
        employed = codelists.entry("stages", stage)["usual_instruments"]
        assert {each.outcome.value for each in check_ask(stage, "GBP", employed, lines)} == {"met"}, stage


def test_cover_for_staff_is_for_those_who_are_employed_and_cash_for_those_who_have_a_contract() -> None:
    backfill, cash = DraftLine("backfill", 1, described=False), DraftLine("working_capital", 1, described=False)

    assert outcomes("feasibility", backfill)["BACKFILL_WHILE_EMPLOYED"] == "met"
    assert outcomes("growth", backfill)["BACKFILL_WHILE_EMPLOYED"] == "unmet"
    assert outcomes("feasibility", cash)["WORKING_CAPITAL_FROM_SET_UP"] == "unmet"
    assert outcomes("set_up", cash)["WORKING_CAPITAL_FROM_SET_UP"] == "met"


def test_of_another_currency_no_range_is_known() -> None:
    told = outcomes("feasibility", DraftLine("legal", 200_000, described=False), currency="EUR")

    assert told == {"SUM_USUAL": "unknown", "LINE_USUAL": "unknown"}


@given(st.sampled_from(STAGES), LINES)
def test_each_line_is_compared_once_and_nothing_is_hard(stage: str, lines: list[DraftLine]) -> None:
    reasons = check_ask(stage, "GBP", (), lines)

    compared = [each for each in reasons if each.code in {"LINE_USUAL", "PURPOSE_USUAL", "OTHER_DESCRIBED"}]
    assert len(compared) == len(lines)
    assert reasons[0].found == sum(line.amount for line in lines)
    assert {each.level for each in reasons} == {Level.SOFT}
