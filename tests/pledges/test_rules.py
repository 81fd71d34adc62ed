"""What a pledge may promise, what an offer needs and what a payment needs, as tables."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.pledges import lifecycle, rules
from marketplace.reference import codelists
from marketplace.values.reasons import unmet

ANN, BEN, CAT = UUID(int=1), UUID(int=2), UUID(int=3)
TEMPLATE = [
    {"basis": "on_agreement", "milestone": None, "share_bp": 4000},
    {"basis": "on_milestone", "milestone": "business_plan_v1", "share_bp": 4000},
    {"basis": "on_milestone", "milestone": "employer_approval", "share_bp": 2000},
]
OFFER = rules.OfferFacts(
    amount=10_000_00,
    currency="GBP",
    instruments=("grant",),
    programme_status="open",
    programme_instruments=frozenset({"grant"}),
    ticket_max=10_000_00,
    promised_before=0,
    budget_left=10_000_00,
    ask_currency="GBP",
    open_gap=10_000_00,
    sought=frozenset({"grant"}),
    expires_on=date(2026, 11, 22),
    today=date(2026, 11, 22),
)
PAYMENT = rules.PaymentFacts(
    tranche_state="approved",
    pledge_state="contracted",
    in_kind=False,
    proposal_withdrawn=False,
    stage="business_case",
    entry_gate_passed=True,
    milestone="business_plan_v1",
    milestone_verified=True,
    claimed_by=ANN,
    verified_by=BEN,
    approved_by=CAT,
    approver_still_may=True,
    approver_independent=True,
    incorporated=True,
    host_agreed=False,
)


def a_part(**values: Any) -> dict[str, Any]:
    return {"instrument": "grant", "amount": 10_000, **values}


def test_a_part_without_tranches_takes_the_programmes_template() -> None:
    (part,) = rules.plan_parts([a_part()], TEMPLATE)

    assert [(each.basis, each.amount, each.milestone) for each in part.tranches] == [
        ("on_agreement", 4_000, None),
        ("on_milestone", 4_000, "business_plan_v1"),
        ("on_milestone", 2_000, "employer_approval"),
    ]


def test_without_a_template_one_tranche_on_agreement_pays_all() -> None:
    (part,) = rules.plan_parts([a_part()], [])

    assert part.tranches == (rules.TranchePlan("on_agreement", 10_000),)


@given(amount=st.integers(1, 10**15))
def test_template_tranches_always_sum_to_the_part(amount: int) -> None:
    tranches = rules.from_template(TEMPLATE, amount)

    assert sum(each.amount for each in tranches) == amount
    assert all(each.amount > 0 for each in tranches)


@pytest.mark.parametrize(
    ("part", "pointers"),
    [
        pytest.param(a_part(instrument="blended"), ["/instrument"], id="blended is a word, never a part"),
        pytest.param(a_part(instrument="guarantee"), ["/financial_terms"], id="a guarantee of nothing"),
        pytest.param(a_part(in_kind=True), ["/in_kind"], id="a grant is never in kind"),
        pytest.param(a_part(instrument="pro_bono", in_kind=False), ["/in_kind"], id="pro bono is always in kind"),
        pytest.param(
            a_part(tranches=[{"basis": "on_agreement", "amount": 9_999}]), ["/tranches"], id="a penny is missing"
        ),
        pytest.param(
            a_part(tranches=[{"basis": "on_milestone", "amount": 10_000}]),
            ["/tranches/0/milestone"],
            id="a milestone is missing",
        ),
        pytest.param(
            a_part(instrument="blended", tranches=[{"basis": "in_advance", "amount": 1}]),
            ["/instrument", "/tranches/0/due_on", "/tranches"],
            id="every fault is named at once",
        ),
    ],
)
def test_faulty_parts_are_named_by_pointer(part: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(rules.PartsWrong) as refused:
        rules.plan_parts([part], [])

    assert [each["pointer"] for each in refused.value.facts["errors"]] == [f"#/parts/0{each}" for each in pointers]


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        pytest.param({}, [], id="every limit is reached exactly and holds"),
        pytest.param({"amount": 10_000_01}, ["OPEN_GAP", "BUDGET_LEFT", "TICKET_MAX"], id="one penny over them all"),
        pytest.param({"ask_currency": "EUR"}, ["CURRENCY"], id="another currency"),
        pytest.param({"instruments": ("equity",)}, ["PART_INSTRUMENT", "PART_SOUGHT"], id="not offered, not sought"),
        pytest.param({"programme_status": "paused"}, ["PROGRAMME_STATUS"], id="paused"),
        pytest.param({"programme_status": "closed"}, [], id="decisions follow the closing day"),
        pytest.param({"expires_on": date(2026, 11, 21)}, ["EXPIRES_ON"], id="expired before it was made"),
        pytest.param({"ticket_max": None, "amount": 1}, [], id="no ticket limit"),
        pytest.param({"promised_before": 1}, ["TICKET_MAX"], id="two pledges to one ask count together"),
        pytest.param({"programme_status": "ended"}, ["PROGRAMME_STATUS"], id="closed for good"),
    ],
)
def test_an_offer_is_refused_with_every_limit_that_fails(change: dict[str, Any], missing: list[str]) -> None:
    assert [reason.code for reason in unmet(rules.offer_limits(replace(OFFER, **change)))] == missing


def test_a_blended_programme_offers_its_grant_and_its_loan() -> None:
    facts = replace(
        OFFER,
        instruments=("grant", "loan_unsecured"),
        programme_instruments=frozenset({"blended"}),
        sought=frozenset({"blended"}),
    )

    assert unmet(rules.offer_limits(facts)) == []


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        pytest.param({}, [], id="everything is there"),
        pytest.param({"tranche_state": "claimed"}, ["TRANCHE_APPROVED"], id="not approved"),
        pytest.param({"pledge_state": "accepted"}, ["PLEDGE_LIVE"], id="no agreement yet"),
        pytest.param({"pledge_state": "terminated"}, ["PLEDGE_LIVE"], id="ended"),
        pytest.param({"proposal_withdrawn": True}, ["PROPOSAL_NOT_WITHDRAWN"], id="withdrawn"),
        pytest.param({"entry_gate_passed": False}, ["ENTRY_GATE"], id="the stage was not entered"),
        pytest.param({"milestone_verified": False}, ["MILESTONE"], id="unverified"),
        pytest.param({"verified_by": CAT}, ["DIFFERENT_PEOPLE"], id="the verifier approved"),
        pytest.param({"verified_by": ANN}, ["DIFFERENT_PEOPLE"], id="the claimant verified"),
        pytest.param({"approved_by": ANN}, ["DIFFERENT_PEOPLE"], id="the claimant approved"),
        pytest.param({"approver_still_may": False}, ["APPROVER_STILL_MAY"], id="the approver lost the role"),
        pytest.param({"approver_independent": False}, ["APPROVER_INDEPENDENT"], id="the approver joined the group"),
        pytest.param({"incorporated": False}, ["CAN_HOLD_MONEY"], id="no legal form, no host"),
        pytest.param({"incorporated": None}, ["CAN_HOLD_MONEY"], id="unknown legal form, no host"),
        pytest.param({"incorporated": False, "host_agreed": True}, [], id="a host holds the money"),
        pytest.param({"incorporated": None, "in_kind": True}, [], id="support in kind needs no host"),
        pytest.param(
            {"milestone": None, "milestone_verified": False, "verified_by": None}, [], id="no milestone named"
        ),
    ],
)
def test_a_payment_names_everything_that_is_missing(change: dict[str, Any], missing: list[str]) -> None:
    facts = replace(PAYMENT, **change)

    assert [reason.code for reason in unmet(rules.payment_reasons(facts))] == missing
    if missing:
        with pytest.raises(rules.NotPayable) as refused:
            rules.check_payable(facts)
        assert [reason["code"] for reason in refused.value.facts["reasons"]] == missing
    else:
        rules.check_payable(facts)


def test_life_cycles_speak_the_codelists_words() -> None:
    pledge_states = {state for state, _ in lifecycle.PLEDGE} | set(lifecycle.PLEDGE.values())
    tranche_states = {state for state, _ in lifecycle.TRANCHE} | set(lifecycle.TRANCHE.values())

    assert pledge_states == set(codelists.slugs("pledge_states"))
    assert tranche_states == set(codelists.slugs("tranche_states"))


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        pytest.param(datetime(2026, 7, 1, 22, 59, tzinfo=UTC), "offered", id="a minute to midnight in London"),
        pytest.param(datetime(2026, 7, 1, 23, 0, tzinfo=UTC), "expired", id="midnight in London, summer time"),
    ],
)
def test_an_offer_lasts_to_the_end_of_its_day_in_london(moment: datetime, state: str) -> None:
    assert lifecycle.pledge_state_at("offered", date(2026, 7, 1), moment) == state


@pytest.mark.parametrize(
    ("basis", "pledge_state", "verified", "state"),
    [
        pytest.param("on_agreement", "accepted", True, "scheduled", id="nothing matures before the agreement"),
        pytest.param("on_agreement", "contracted", False, "claimable", id="on agreement"),
        pytest.param("on_milestone", "contracted", False, "scheduled", id="milestone open"),
        pytest.param("on_milestone", "drawing", True, "claimable", id="milestone verified"),
        pytest.param("in_advance", "drawing", False, "claimable", id="its day has come"),
        pytest.param("on_agreement", "terminated", True, "scheduled", id="an ended pledge matures nothing"),
    ],
)
def test_a_tranche_matures_by_its_basis(basis: str, pledge_state: str, verified: bool, state: str) -> None:
    found = lifecycle.tranche_state_at(
        "scheduled",
        basis,
        pledge_state=pledge_state,
        milestone_verified=verified,
        due_on=date(2026, 11, 22),
        today=date(2026, 11, 22),
    )

    assert found == state


def test_every_state_that_is_not_an_end_can_go_on() -> None:
    ends = {"withdrawn", "declined", "expired", "clawed_back"}

    assert {state for state, _ in lifecycle.PLEDGE} == set(codelists.slugs("pledge_states")) - ends
