"""The rules of safeguards: what contradicts what, how well each is known, and what a statement says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.reference import codelists
from marketplace.reference.assurance_sentences import LEVELS, LINES, SAFEGUARDS, percent
from marketplace.safeguards.rules import (
    CIC_DIVIDEND_CAP,
    Check,
    Claim,
    Known,
    Promise,
    Stake,
    claim_faults,
    composed,
    contradictions,
    level_of,
    stakes_faults,
)

SLUGS = codelists.slugs("safeguards")
FORMS = codelists.slugs("legal_forms")
NOTHING = Stake()


def codes(*claims: Claim, form: str | None = None, stake: Stake = NOTHING, pension: str | None = None) -> list[str]:
    return [reason.code for reason in contradictions(claims, Known(form, stake, pension))]


def test_a_statutory_lock_is_claimed_by_no_form_that_law_does_not_lock() -> None:
    refused = {form for form in FORMS if codes(Claim("asset_lock_statutory"), form=form)}

    assert refused == {
        "unincorporated_staff_group",
        "cooperative_society",
        "company_limited_by_guarantee",
        "company_limited_by_shares",
        "llp",
    }
    assert codes(Claim("asset_lock_statutory"), form="company_limited_by_shares") == ["STATUTORY_LOCK_BY_FORM"]
    assert codes(Claim("asset_lock_statutory"), form=None) == []


def test_a_lock_is_statutory_or_voluntary_and_not_both() -> None:
    both = (Claim("asset_lock_statutory"), Claim("asset_lock_voluntary"))

    assert codes(*both, form="cio") == ["ONE_ASSET_LOCK"]


def test_a_cic_with_shares_promises_no_cap_above_the_law_s() -> None:
    form = "cic_limited_by_shares"

    assert CIC_DIVIDEND_CAP == 3_500
    assert codes(Claim("profit_cap", limit_bp=3_500), form=form) == []
    assert codes(Claim("profit_cap", limit_bp=3_501), form=form) == ["CIC_DIVIDEND_CAP"]
    assert codes(Claim("profit_cap", limit_bp=9_000), form="company_limited_by_shares") == []


@pytest.mark.parametrize(
    ("stake", "contradicted"),
    [
        (Stake(staff_votes_bp=5_000), True),
        (Stake(staff_votes_bp=5_001), False),
        (Stake(board_seats=4, board_staff_seats=2), True),
        (Stake(board_seats=3, board_staff_seats=2), False),
        (Stake(staff_votes_bp=1_000, board_seats=3, board_staff_seats=2), False),
        (NOTHING, False),
    ],
)
def test_staff_control_is_more_than_half_of_the_votes_or_of_the_seats(stake: Stake, contradicted: bool) -> None:
    assert codes(Claim("majority_staff_control"), stake=stake) == ["STAFF_CONTROL_BY_VOTES"] * contradicted


def test_an_authority_s_company_is_not_controlled_by_staff() -> None:
    assert codes(Claim("majority_staff_control"), form="la_controlled_company") == ["STAFF_CONTROL_BY_FORM"]


def test_a_staff_director_needs_a_seat_and_protected_pensions_an_arrangement() -> None:
    assert codes(Claim("staff_director"), stake=Stake(board_seats=5, board_staff_seats=0)) == ["STAFF_DIRECTOR_SEAT"]
    assert codes(Claim("pension_protection"), pension="undecided") == ["PENSION_ARRANGED"]
    assert codes(Claim("pension_protection"), pension="auto_enrolment_only") == ["PENSION_ARRANGED"]
    assert codes(Claim("pension_protection"), pension="lgps_admission") == []


@pytest.mark.parametrize("slug", SLUGS)
def test_a_limit_belongs_to_the_cap_and_months_to_terms_and_to_nothing_else(slug: str) -> None:
    bare = [fault["pointer"] for fault in claim_faults(Claim(slug))]
    full = [fault["pointer"] for fault in claim_faults(Claim(slug, limit_bp=1, months=1))]

    assert bare == (["#/limit_bp"] if slug == "profit_cap" else ["#/months"] if slug == "tupe_terms" else [])
    assert set(bare) | set(full) == {"#/limit_bp", "#/months"}


@pytest.mark.parametrize(
    ("stake", "form", "pointers"),
    [
        (Stake(private_stake_bp=6_000, public_stake_bp=4_001), None, ["#/public_stake_bp"]),
        (Stake(private_stake_bp=6_000, public_stake_bp=4_000), None, []),
        (Stake(staff_votes_bp=6_000, community_votes_bp=4_001), None, ["#/community_votes_bp"]),
        (Stake(board_staff_seats=1), None, ["#/board_seats"]),
        (Stake(board_seats=2, board_staff_seats=2, board_private_seats=1), None, ["#/board_seats"]),
        (Stake(private_stake_bp=1), "company_limited_by_guarantee", ["#/private_stake_bp"]),
        (Stake(private_stake_bp=0), "company_limited_by_guarantee", []),
        (Stake(private_stake_bp=1), "company_limited_by_shares", []),
    ],
)
def test_stakes_sum_to_no_more_than_the_whole_and_need_shares(
    stake: Stake, form: str | None, pointers: list[str]
) -> None:
    assert [fault["pointer"] for fault in stakes_faults(stake, form)] == pointers


def test_a_safeguard_is_verified_where_a_counting_document_was_confirmed_and_by_nobody_refused() -> None:
    yes, no = Check(confirmed=True), Check(confirmed=False)

    assert level_of(evidenced=False, checks=[yes]) == "claimed"
    assert level_of(evidenced=True, checks=[]) == "evidenced"
    assert level_of(evidenced=True, checks=[yes]) == "verified"
    assert level_of(evidenced=True, checks=[yes, no]) == "evidenced"


# The statement


def said(known: Known, *promises: Promise, incorporated: bool | None = None, **assurance: str) -> dict[str, Any]:
    return {line.code: line for line in composed(known, incorporated, assurance, promises)}


def test_a_statement_about_nothing_says_that_nothing_is_said_and_promises_nothing() -> None:
    lines = composed(Known(None, NOTHING, None), None, {}, [])

    assert {line.level for line in lines} == {"not_said"}
    assert [line.safeguard for line in lines if line.safeguard] == list(SLUGS)
    assert {"FORM_UNKNOWN", "PRIVATE_STAKE_UNKNOWN", "PENSION_UNKNOWN"} <= {line.code for line in lines}


def test_each_line_says_in_words_how_well_it_is_known() -> None:
    council = {"en": "The Council"}
    lines = said(
        Known("cic_limited_by_shares", Stake(private_stake_bp=1_250, board_seats=7, board_staff_seats=2), "undecided"),
        Promise(Claim("profit_cap", limit_bp=3_500), "evidenced"),
        Promise(Claim("tupe_terms", months=24), "verified", council),
        incorporated=False,
        legal_form="evidenced",
    )

    assert lines["FORM"].words["en"].endswith("CIC limited by shares.")
    assert (lines["FORM"].level, lines["LOCK_STATUTORY"].level) == ("shown", "law")
    assert "intention" in lines["NOT_REGISTERED"].words["en"]
    assert "12.5%" in lines["PRIVATE_STAKE"].words["en"]
    assert lines["BOARD_STAFF"].words["en"] == "Of 7 seats on the board, staff have 2."
    assert "BOARD_PRIVATE" not in lines
    assert "35%" in lines["SAFEGUARD_PROFIT_CAP"].words["en"]
    assert "24 months" in lines["SAFEGUARD_TUPE_TERMS"].words["en"]
    assert lines["SAFEGUARD_TUPE_TERMS"].level_words == {"en": "The Council has checked it."}
    assert lines["SAFEGUARD_OPEN_BOOK"].words["en"].startswith("There is no promise")
    assert lines["PENSION_UNDECIDED"].level == "claimed"


@given(
    st.sampled_from([None, *FORMS]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, *codelists.slugs("pension_arrangements")]),
    st.lists(st.sampled_from(SLUGS), unique=True),
    st.sampled_from(("claimed", "evidenced", "verified")),
)
def test_every_statement_can_be_said_in_full(
    form: str | None, incorporated: bool | None, pension: str | None, slugs: list[str], level: str
) -> None:
    promises = [Promise(Claim(slug, limit_bp=1, months=1), level, {"en": "A"}) for slug in slugs]
    stake = Stake(0, 1, 2, 3, 4, 1, 1)
    for line in composed(Known(form, stake, pension), incorporated, {}, promises):
        assert line.level in codelists.slugs("statement_levels")
        for words in (*line.words.values(), *line.level_words.values()):
            assert "{" not in words
            assert words.endswith(".")


def test_every_sentence_is_there_and_no_safeguard_without_two() -> None:
    assert tuple(SAFEGUARDS) == SLUGS
    assert all(set(each) == {"promised", "not_promised"} for each in SAFEGUARDS.values())
    assert tuple(LEVELS) == codelists.slugs("statement_levels")
    locks = {f"LOCK_{each.upper()}" for each in codelists.slugs("asset_locks")}
    assert locks <= set(LINES)


@pytest.mark.parametrize(("points", "words"), [(0, "0%"), (5, "0.05%"), (1_250, "12.5%"), (10_000, "100%")])
def test_basis_points_are_told_as_per_cent(points: int, words: str) -> None:
    assert percent(points) == words
