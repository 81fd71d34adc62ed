"""The rules of rights: when a route lives, what an answer must say, what is flagged, and what statistics tell."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.reference import codelists
from marketplace.reference.rights import GAPS, ROUTES, cover, routes_for
from marketplace.rights.rules import (
    FAILED,
    SUCCEEDED,
    WHOLE,
    Counted,
    Position,
    RouteNotOpen,
    answer_faults,
    claim_faults,
    day_faults,
    position_reasons,
    refuse_closed,
    statistics_of,
    timing,
)
from marketplace.values.reasons import Outcome

DAY = date(2026, 11, 23)
STATES = codelists.slugs("right_claim_states")


def test_every_route_of_the_codelist_is_described_and_every_word_in_it_is_known() -> None:
    assert tuple(ROUTES) == codelists.slugs("routes")
    for route in ROUTES.values():
        assert set(route.nations) <= set(codelists.slugs("nations"))
        assert set(route.sectors or ()) <= set(codelists.slugs("service_sectors"))
        assert set(route.parent_kinds) <= set(codelists.slugs("parent_kinds"))
        assert (route.source or "").startswith("https://") or route.kind == "voluntary"
        assert (route.status == "closed") == (route.closed_on is not None)


def test_only_the_right_to_request_has_an_appeal_and_a_challenge_leads_to_open_procurement() -> None:
    assert [route.slug for route in ROUTES.values() if route.appeal_to] == ["right_to_request"]
    assert ROUTES["community_right_to_challenge"].leads_to == "open_procurement"
    assert ROUTES["right_to_request"].leads_to == "uncompeted_contract"


@pytest.mark.parametrize(
    ("day", "open_then"),
    [
        (date(2008, 6, 29), False),
        (date(2008, 6, 30), True),
        (date(2010, 9, 30), True),
        (date(2010, 10, 1), False),
    ],
)
def test_a_claim_needs_a_day_within_the_life_of_its_route(day: date, open_then: bool) -> None:
    route = ROUTES["right_to_request"]
    if open_then:
        refuse_closed(route, day)
        return
    with pytest.raises(RouteNotOpen) as refused:
        refuse_closed(route, day)
    assert refused.value.facts["opened_on"] == "2008-06-30"
    assert refused.value.facts["closed_on"] == "2010-09-30"


def test_coverage_says_of_each_cell_what_lives_on_the_day() -> None:
    assert [each.slug for each in routes_for("community_health", "england", date(2010, 1, 1))] == ["right_to_request"]
    assert cover(routes_for("community_health", "england", date(2010, 1, 1))) == "right"
    assert cover(routes_for("community_health", "england", DAY)) == "policy"
    assert cover(routes_for("libraries_archives", "england", DAY)) == "right"
    assert cover(routes_for("libraries_archives", "england", date(2012, 6, 26))) == "none"
    assert cover(routes_for("probation_justice", "england", DAY)) == "none"
    assert {gap.nation for gap in GAPS} == {"wales", "scotland", "northern_ireland"}
    for gap in GAPS:
        assert all(
            cover(routes_for(sector, gap.nation, DAY)) == "none" for sector in codelists.slugs("service_sectors")
        )


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({}, []),
        ({"authority_name": None}, ["#/authority_name"]),
        ({"authority_organisation_id": UUID(int=1)}, ["#/authority_name"]),
        ({"submitted_on": DAY + timedelta(days=1), "answer_due_on": DAY}, ["#/submitted_on", "#/answer_due_on"]),
    ],
)
def test_a_claim_names_one_authority_and_days_in_order(changes: dict[str, Any], pointers: list[str]) -> None:
    draft = {"authority_name": "A council", "submitted_on": DAY} | changes

    assert [fault["pointer"] for fault in claim_faults(draft, DAY)] == pointers


@pytest.mark.parametrize(
    ("answer", "declared", "pointers"),
    [
        ({"outcome": "accepted"}, False, []),
        ({"outcome": "accepted"}, True, ["#/source"]),
        ({"outcome": "accepted", "modification": {"en": "Half"}}, False, ["#/modification"]),
        ({"outcome": "modified"}, False, ["#/modification"]),
        ({"outcome": "modified", "modification": {"en": "Half"}}, False, []),
        ({"outcome": "rejected"}, False, ["#/rejection_reason", "#/words"]),
        ({"outcome": "rejected", "rejection_reason": "other", "words": {"en": "No."}}, False, []),
        ({"outcome": "accepted", "answered_on": DAY - timedelta(days=2)}, False, ["#/answered_on"]),
        ({"outcome": "accepted", "answered_on": DAY + timedelta(days=2)}, False, ["#/answered_on"]),
    ],
)
def test_an_answer_says_what_its_outcome_needs(answer: dict[str, Any], declared: bool, pointers: list[str]) -> None:
    faults = answer_faults({"answered_on": DAY} | answer, DAY - timedelta(days=1), DAY, declared=declared)

    assert [fault["pointer"] for fault in faults] == pointers


def test_a_step_comes_neither_before_what_it_follows_nor_in_the_future() -> None:
    assert day_faults("appealed_on", DAY, DAY, DAY) == []
    assert day_faults("appealed_on", DAY - timedelta(days=1), DAY, DAY)[0]["pointer"] == "#/appealed_on"
    assert day_faults("appealed_on", DAY + timedelta(days=1), DAY, DAY)[0]["detail"] == "Lies in the future."


def test_overdue_is_what_waits_past_its_day_or_was_answered_after_it() -> None:
    route = ROUTES["community_right_to_challenge"]
    made = DAY - timedelta(days=181)

    usual = timing(route, made, None, None, DAY)
    assert (usual.days, usual.due_by, usual.due_on, usual.overdue) == (181, "usual", DAY - timedelta(days=1), True)
    assert not timing(route, made, DAY, None, DAY).overdue
    assert timing(route, made, DAY, None, DAY + timedelta(days=1)).overdue
    assert not timing(route, made, None, made + timedelta(days=180), DAY).overdue
    assert timing(ROUTES["staff_led_voluntary"], made, None, None, DAY).due_on is None


def position(**changes: Any) -> Position:
    known: dict[str, Any] = {
        "sector": "libraries_archives",
        "nation": "england",
        "route": "community_right_to_challenge",
        "parent_kind": "local_authority",
        "initiation": "bottom_up",
        "cuts_threat": None,
        "motives": ("better_service",),
    }
    return Position(**{**known, **changes})


def outcomes(given: Position, day: date = DAY) -> dict[str, str]:
    return {each.code: each.outcome.value for each in position_reasons(given, ROUTES.get(given.route or ""), day)}


def test_a_proposal_whose_route_fits_has_no_flag() -> None:
    assert set(outcomes(position()).values()) == {"met"}


@pytest.mark.parametrize(
    ("changes", "code", "outcome"),
    [
        ({"nation": "wales"}, "RIGHT_OPEN", "unmet"),
        ({"nation": "wales"}, "ROUTE_FOR_NATION", "unmet"),
        ({"sector": None}, "RIGHT_OPEN", "unknown"),
        ({"sector": "probation_justice"}, "ROUTE_FOR_SECTOR", "unmet"),
        ({"parent_kind": "nhs_body"}, "ROUTE_FOR_PARENT", "unmet"),
        ({"route": "right_to_request"}, "ROUTE_OPEN", "unmet"),
        ({"route": None}, "ROUTE_OPEN", "unknown"),
        ({"motives": ("avoid_cut",)}, "MORE_THAN_CUTS", "unmet"),
        ({"motives": (), "cuts_threat": True}, "MORE_THAN_CUTS", "unmet"),
        ({"motives": (), "cuts_threat": None}, "MORE_THAN_CUTS", "unknown"),
        ({"motives": ("avoid_cut", "staff_say"), "cuts_threat": True}, "MORE_THAN_CUTS", "met"),
    ],
)
def test_each_flag_is_raised_by_what_it_is_about(changes: dict[str, Any], code: str, outcome: str) -> None:
    assert outcomes(position(**changes))[code] == outcome


def test_no_flag_decides_anything() -> None:
    reasons = position_reasons(
        position(route="right_to_request", motives=("avoid_cut",)), ROUTES["right_to_request"], DAY
    )

    assert {each.level.value for each in reasons if each.outcome is not Outcome.MET} == {"soft"}


def counted(group: int, state: str, key: str = "england", days: int | None = None) -> Counted:
    return Counted(UUID(int=group), key, state, days)


def test_ten_claims_of_ten_groups_are_told_in_bands_with_the_share_between_bounds() -> None:
    claims = [counted(each, "accepted", days=30) for each in range(6)]
    claims += [counted(each + 6, "rejected", days=50) for each in range(5)]
    rows, others = statistics_of(claims)

    assert rows[0].claims == {"at_least": 10, "at_most": 14}
    assert rows[0].accepted == rows[0].rejected == {"at_least": 5, "at_most": 9}
    assert (rows[0].least_bp, rows[0].most_bp) == (3571, 6429)
    assert rows[0].days == {"at_least": 28, "at_most": 34}
    assert others == {"fewer_than": 5}


def test_five_claims_of_one_group_are_not_told() -> None:
    rows, others = statistics_of([counted(1, "accepted") for _ in range(5)])

    assert rows == []
    assert others == {"at_least": 5, "at_most": 9}


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from(STATES), st.sampled_from(("a", "b", "c"))).map(
            lambda made: counted(made[0], made[1], made[2])
        ),
        max_size=120,
    )
)
def test_no_subtraction_tells_a_count_below_five(claims: list[Counted]) -> None:
    """Whoever knows how many were decided and how many claims there are exactly still cannot tell a small side."""
    rows, _ = statistics_of(claims)
    for row in rows:
        own = [claim for claim in claims if claim.key == row.key]
        accepted = sum(claim.state in SUCCEEDED for claim in own)
        rejected = sum(claim.state in FAILED for claim in own)
        decided = accepted + rejected
        assert len({claim.group for claim in own}) >= 5
        possible = {yes for yes in range(decided + 1) if _fits(row.accepted, row.rejected, yes, decided - yes)}
        assert accepted in possible
        if min(accepted, rejected) < 5:
            assert len(possible) >= min(5, decided + 1)
        if row.least_bp is not None and row.most_bp is not None:
            assert row.least_bp <= accepted * WHOLE / decided <= row.most_bp


def _fits(told_yes: dict[str, int] | None, told_no: dict[str, int] | None, yes: int, no: int) -> bool:
    if told_yes is None or told_no is None:
        return min(yes, no) < 5
    return all(told["at_least"] <= count <= told["at_most"] for told, count in ((told_yes, yes), (told_no, no)))
