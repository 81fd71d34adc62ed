"""Proposals' rules: who sees one, what is shared, what can be published."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import pytest

from marketplace.proposals.rules import (
    AskBelowPledged,
    AskCurrencyFixed,
    InvalidFacts,
    Sharing,
    Viewer,
    Visibility,
    checked_facts,
    consent_faults,
    publication_faults,
    refuse_ask_below,
    seen_by,
    shared_slugs,
    sharing_faults,
    standing_on,
    visible_to,
)
from marketplace.values.actor import Actor, Membership, Role

SPACE = UUID("0192f3c4-7b1e-7a53-9c1d-3f6a2b8e4d10")
GROUP, FUNDER, PARENT, COMMISSIONER, NAMED, PROPOSAL, USER = (
    uuid5(SPACE, name) for name in ("group", "funder", "parent", "commissioner", "named", "proposal", "user")
)
PRIVATE, BY_NAME, TO_FUNDERS, PUBLIC = Visibility
SHARING = Sharing(
    proposal_id=PROPOSAL,
    organisation_id=GROUP,
    level=TO_FUNDERS,
    published=True,
    withdrawn=False,
    named=frozenset({NAMED}),
    commissioners=frozenset({COMMISSIONER}),
    parent_organisation_id=PARENT,
    parent_identifier="GB-LAE-LDS",
)
A_FUNDER = Viewer(FUNDER, "funder", verified=True)
AN_ADVISER = Viewer(NAMED, "adviser", verified=True)
THE_PARENT = Viewer(PARENT, "public_body", verified=True)


@pytest.mark.parametrize(
    ("change", "viewer", "sees"),
    [
        pytest.param({}, A_FUNDER, True, id="a verified funder"),
        pytest.param({}, replace(A_FUNDER, verified=False), False, id="an unverified funder"),
        pytest.param({}, replace(A_FUNDER, kind="adviser"), False, id="a verified adviser who is not named"),
        pytest.param({}, AN_ADVISER, True, id="whoever is named sees what verified funders see"),
        pytest.param({"level": BY_NAME}, AN_ADVISER, True, id="named"),
        pytest.param({"level": BY_NAME}, replace(AN_ADVISER, verified=False), False, id="named, not verified"),
        pytest.param({"level": BY_NAME}, A_FUNDER, False, id="not named"),
        pytest.param({"level": PRIVATE}, AN_ADVISER, False, id="named, yet private"),
        pytest.param({}, THE_PARENT, False, id="the parent, though it may fund"),
        pytest.param({}, replace(A_FUNDER, identifiers=frozenset({"GB-LAE-LDS"})), False, id="by its identifier"),
        pytest.param({}, replace(A_FUNDER, organisation_id=COMMISSIONER), False, id="a commissioner"),
        pytest.param({"exclude_parent": False}, THE_PARENT, True, id="the parent let in"),
        pytest.param({"named": frozenset({PARENT})}, THE_PARENT, True, id="the parent named"),
        pytest.param({"excluded": frozenset({FUNDER})}, A_FUNDER, False, id="kept out by the group"),
        pytest.param({"excluded": frozenset({NAMED})}, AN_ADVISER, False, id="kept out, though named"),
        pytest.param({"level": PUBLIC}, THE_PARENT, True, id="public is public"),
        pytest.param({"level": PUBLIC}, replace(A_FUNDER, verified=False), True, id="public, not verified"),
        pytest.param({"level": PUBLIC, "published": False}, A_FUNDER, False, id="never published"),
        pytest.param({"level": PUBLIC, "withdrawn": True}, A_FUNDER, False, id="withdrawn"),
        pytest.param({"level": PUBLIC, "suspended": True}, A_FUNDER, False, id="public, of a suspended group"),
        pytest.param({"suspended": True}, AN_ADVISER, False, id="named, of a suspended group"),
    ],
)
def test_the_ladder_says_who_sees_a_proposal(change: dict[str, Any], viewer: Viewer, sees: bool) -> None:
    assert visible_to(replace(SHARING, **change), viewer) is sees


def a_membership(organisation: UUID, kind: str = "funder", role: Role = Role.VIEWER, **values: Any) -> Membership:
    return Membership(organisation, role, kind, "vouched", **values)


GUEST = {"role": Role.GUEST, "until": date(2030, 1, 1)}


@pytest.mark.parametrize(
    ("memberships", "sees"),
    [
        pytest.param([a_membership(FUNDER)], True, id="through a funder"),
        pytest.param([a_membership(FUNDER), a_membership(PARENT, "public_body")], False, id="the parent's employee"),
        pytest.param([a_membership(FUNDER), a_membership(PARENT, **GUEST, proposal_id=USER)], False, id="its guest"),
        pytest.param([a_membership(GROUP, "staff_group"), a_membership(PARENT)], True, id="a member of the group"),
        pytest.param([a_membership(GROUP, "staff_group", **GUEST, proposal_id=PROPOSAL)], True, id="its guest here"),
        pytest.param([a_membership(GROUP, "staff_group", **GUEST, proposal_id=USER)], False, id="its guest elsewhere"),
        pytest.param([a_membership(FUNDER, **GUEST, proposal_id=USER)], False, id="a guest is not the funder"),
        pytest.param([], False, id="nobody's member"),
    ],
)
def test_nobody_looks_past_an_exclusion_by_another_hat(memberships: list[Membership], sees: bool) -> None:
    assert seen_by(SHARING, Actor(USER, tuple(memberships))) is sees


@pytest.mark.parametrize(
    ("chosen", "granted", "shared", "hidden"),
    [
        pytest.param({}, (), {"sector", "ask", "region"}, {"staff_count", "areas", "mfa_total_with_ask"}, id="default"),
        pytest.param({"sector": "confidential"}, (), {"region"}, {"sector"}, id="the group closes one"),
        pytest.param({"staff_count": "open"}, (), {"staff_count"}, set(), id="the group opens one"),
        pytest.param({"area_code": "open"}, (), {"area_code", "areas"}, set(), id="what follows it goes with it"),
        pytest.param({}, ("mfa_received",), {"mfa_received", "mfa_total_with_ask"}, {"area_code"}, id="granted"),
        pytest.param(
            {"legal_form": "confidential"}, (), set(), {"legal_form", "asset_lock"}, id="and what gives it away"
        ),
        pytest.param(
            {"legal_form": "confidential"}, ("legal_form",), {"legal_form", "asset_lock"}, set(), id="unless granted"
        ),
        pytest.param({"area_code": "confidential"}, (), {"region"}, {"area_code"}, id="the registry's own coarsening"),
    ],
)
def test_what_is_shared(chosen: dict[str, str], granted: tuple[str, ...], shared: set[str], hidden: set[str]) -> None:
    slugs = shared_slugs(chosen, granted)

    assert shared <= slugs
    assert not hidden & slugs


def test_every_answer_that_is_not_accepted_is_named() -> None:
    answers = {
        "sector": "astrology",
        "staff_count": 3,
        "nonsense": 1,
        "region": "london",
        "a/b": None,
        "parent_kind": None,
    }

    with pytest.raises(InvalidFacts) as refused:
        checked_facts("service", answers)

    assert [error["pointer"] for error in refused.value.facts["errors"]] == [
        "#/facts/sector",
        "#/facts/staff_count",
        "#/facts/nonsense",
        "#/facts/region",
        "#/facts/a~1b",
    ]


def test_a_fact_that_is_null_is_unknown_and_not_a_no() -> None:
    assert checked_facts("service", {"charitable_purpose": None, "trades_commercially": False}) == {
        "trades_commercially": False
    }


def test_all_that_is_missing_is_named_before_publication() -> None:
    assert [fault["pointer"].rsplit("/")[-1] for fault in publication_faults(None, {"lines": []})] == [
        "title",
        "stage",
        "lines",
        "instruments",
    ]


def test_an_ask_never_falls_below_what_was_accepted() -> None:
    refuse_ask_below(500, "GBP", 500, "GBP")
    refuse_ask_below(0, "GBP", 1, "EUR")
    with pytest.raises(AskBelowPledged):
        refuse_ask_below(500, "GBP", 499, "GBP")
    with pytest.raises(AskCurrencyFixed):
        refuse_ask_below(500, "GBP", 900, "EUR")


def test_an_expired_consent_is_unknown_and_its_last_day_still_counts() -> None:
    facts = {"employer_consent": True, "stage": "growth"}

    assert standing_on(facts, date(2026, 6, 1), date(2026, 6, 1)) == facts
    assert standing_on(facts, date(2026, 6, 1), date(2026, 6, 2)) == {"stage": "growth"}


def test_a_sharing_that_contradicts_itself_is_refused_with_every_fault() -> None:
    faults = sharing_faults(
        GROUP, [GROUP, FUNDER], [FUNDER], [NAMED, NAMED], {"region": "open"}, [["staff_count", "areas"]]
    )

    assert [fault["pointer"] for fault in faults] == [
        "#/named",
        "#/excluded",
        "#/fact_grants",
        "#/facts/region",
        "#/fact_grants/0/facts/1",
    ]


@pytest.mark.parametrize(
    ("decided", "expires", "pointers"),
    [
        ("2026-06-01", None, []),
        ("2026-06-01", "2026-06-15", []),
        ("2026-06-16", None, ["#/decided_on"]),
        ("2026-06-01", "2026-06-14", ["#/expires_on"]),
    ],
)
def test_an_answers_days_make_sense(decided: str, expires: str | None, pointers: list[str]) -> None:
    faults = consent_faults(
        date.fromisoformat(decided), None if expires is None else date.fromisoformat(expires), date(2026, 6, 15)
    )

    assert [fault["pointer"] for fault in faults] == pointers
