"""The demonstration cases: every code is known, every value is in its normal writing, and they hang together."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from marketplace import demo
from marketplace.reference import codelists, facts, parameters

FOLDER = Path(next(iter(demo.__path__))) / "cases"


def _read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


PROPOSALS = {proposal["slug"]: proposal for proposal in _read("proposals.json")["proposals"]}
PROGRAMMES = {programme["slug"]: programme for programme in _read("programmes.json")["programmes"]}
AWARDS = _read("awards.json")["awards"]
EXPECTED = _read("expected_matches.json")

PUBLISHED_OPS = {"eq", "in", "lt", "lte", "gt", "gte", "contains_any"}
CONSENT = {True: "explore", False: "refused", None: None}


def all_facts_of(slug: str) -> dict[str, Any]:
    proposal = PROPOSALS[slug]
    return facts.derive(proposal["facts"], proposal["ask"], CONSENT[proposal["employer_consent"]])


@pytest.mark.parametrize("slug", PROPOSALS)
def test_a_proposal_answers_known_facts_in_their_normal_writing(slug: str) -> None:
    proposal = PROPOSALS[slug]
    answers = proposal["facts"]

    assert {fact: facts.check_answer(fact, value) for fact, value in answers.items()} == answers
    assert answers["parent_kind"] == proposal["parent"]["kind"]
    assert proposal["title"]["en"]
    assert proposal["ask_date"] == date.fromisoformat(proposal["ask_date"]).isoformat()


@pytest.mark.parametrize("slug", PROPOSALS)
def test_a_proposal_asks_in_known_words(slug: str) -> None:
    ask = PROPOSALS[slug]["ask"]
    derived = all_facts_of(slug)

    assert derived["ask"] == {"amount": ask["amount"], "currency": "GBP"}
    assert derived["stage"] == ask["stage"]
    assert derived["instruments_sought"] == ask["instruments"]
    assert {fact: facts.check_value(fact, value) for fact, value in derived.items()} == derived


@pytest.mark.parametrize(
    ("slug", "nation", "region", "incorporated", "asset_lock", "employed", "consent", "mfa_total"),
    [
        ("three-bm", "england", "london", False, None, True, True, 55_852_00),
        ("hazlitt-arts", "england", "south_east", False, None, True, True, 18_927_00),
        ("blackpool-youth", "england", "north_west", False, None, True, True, 10_000_00),
        ("explore-york", "england", "yorkshire_humber", False, "statutory", True, True, 100_000_00),
        ("suffolk-libraries", "england", "east_of_england", False, "statutory", True, True, 652_000_00),
        ("inclusion-healthcare", "england", "east_midlands", False, None, True, True, 30_000_00),
        ("derby-fnp", "england", "east_midlands", False, "statutory", True, None, 30_000_00),
        ("medway-community", "england", "south_east", None, "statutory", True, None, 150_000_00),
        ("central-surrey-health", "england", "south_east", True, "none", False, None, 10_000_000_00),
        ("chcp-hull", "england", "yorkshire_humber", True, "statutory", False, None, 500_000_00),
        ("evolve-yp", "england", "west_midlands", None, None, True, True, 20_000_00),
        ("epic-cic", "england", "london", True, "statutory", False, None, 100_000_00),
        ("devon-youth", "england", "south_west", False, None, True, True, 20_000_00),
        ("mycsp", "england", "uk_wide", None, "none", True, None, 1_000_000_00),
        ("chime-cic", "england", "south_west", True, "statutory", False, None, 250_000_00),
        ("riverside-speech", "england", "north_west", False, "none", True, None, 8_000_00),
        ("northgate-care", "england", "north_east", False, "statutory", True, True, 45_000_00),
        ("harbour-leisure", "england", "south_east", True, "voluntary", True, True, 315_000_01),
        ("fastmed", "england", "london", True, "none", False, None, 150_000_00),
        ("canalside-library", "england", "west_midlands", False, "optional_statutory", True, False, 8_000_00),
        ("tyne-arts", "england", "north_east", True, "statutory", False, None, 40_000_00),
        ("cwm-therapi", "wales", None, False, "none", True, None, 9_000_00),
    ],
)
def test_derived_facts_are_those_of_the_published_cases(
    slug: str,
    nation: str,
    region: str | None,
    incorporated: bool | None,
    asset_lock: str | None,
    employed: bool,
    consent: bool | None,
    mfa_total: int,
) -> None:
    derived = all_facts_of(slug)

    assert [
        *(derived.get("beneficiary_nation"), derived.get("region"), derived.get("incorporated")),
        *(derived.get("asset_lock"), derived.get("staff_publicly_employed"), derived.get("employer_consent")),
        derived["mfa_total_with_ask"]["amount"],
    ] == [nation, region, incorporated, asset_lock, employed, consent, mfa_total]


def _single_values(criterion: dict[str, Any]) -> list[Any]:
    return criterion["value"] if criterion["op"] == "in" else [criterion["value"]]


@pytest.mark.parametrize("slug", PROGRAMMES)
def test_a_programme_decides_by_known_facts_and_values(slug: str) -> None:
    for criterion in PROGRAMMES[slug]["criteria"]:
        assert set(criterion) == {"code", "fact", "op", "value", "level", "weight", "waivable", "reason"}
        assert criterion["op"] in PUBLISHED_OPS
        assert criterion["level"] in {"hard", "soft"}
        assert criterion["reason"]["en"]
        for value in _single_values(criterion):
            if value == {"parameter": "mfa_limit"}:
                assert facts.REGISTRY[criterion["fact"]].type == parameters.PARAMETERS["mfa_limit"].type
            else:
                assert facts.check_value(criterion["fact"], value) == value


@pytest.mark.parametrize("slug", PROGRAMMES)
def test_a_programme_leaves_the_reserved_codes_to_its_columns(slug: str) -> None:
    codes = [criterion["code"] for criterion in PROGRAMMES[slug]["criteria"]]

    assert len(set(codes)) == len(codes)
    assert not {"CURRENCY", "INSTRUMENT", "STAGE", "ASK_MIN", "ASK_MAX"} & set(codes)


@pytest.mark.parametrize("slug", PROGRAMMES)
def test_a_programme_has_known_instruments_stages_and_tranches(slug: str) -> None:
    programme = PROGRAMMES[slug]
    amounts = [programme[column] for column in ("budget", "typical_award", "ask_min", "ask_max")]

    assert facts.check_value("instruments_sought", programme["instruments"]) == programme["instruments"]
    assert [facts.check_value("stage", stage) for stage in programme["stages"]] == programme["stages"]
    assert programme["funder_kind"] in codelists.slugs("funder_kinds")
    assert all(amount is None or (isinstance(amount, int) and amount > 0) for amount in amounts)
    assert sum(tranche["share"] for tranche in programme["tranches"]) in {0, 10_000}
    assert all(tranche["basis"] in codelists.slugs("tranche_bases") for tranche in programme["tranches"])
    assert all(
        tranche["milestone"] in codelists.slugs("milestones")
        for tranche in programme["tranches"]
        if tranche["basis"] == "on_milestone"
    )


@pytest.mark.parametrize("slug", PROGRAMMES)
def test_a_programme_has_a_window_of_days_or_if_constructed_one_that_moves(slug: str) -> None:
    programme = PROGRAMMES[slug]

    if programme["demonstration"]:
        assert not programme["historical_example"]
        assert programme["opens_in_days"] < 0 < programme["closes_in_days"]
    else:
        assert date.fromisoformat(programme["opens_on"]) < date.fromisoformat(programme["closes_on"])


def test_a_programme_funded_by_another_names_a_wholesale_one() -> None:
    funders = [programme["funded_by"] for programme in PROGRAMMES.values() if "funded_by" in programme]

    assert [PROGRAMMES[slug]["funder_kind"] for slug in funders] == ["wholesale_vehicle"]


def test_awards_are_whole_pence_from_known_programmes() -> None:
    awards = [award for proposal in PROPOSALS.values() for award in proposal["awards"]]

    assert {award["programme"] for award in awards} <= set(PROGRAMMES)
    assert all(facts.check_value("turnover", award["amount"]) == award["amount"] for award in [*AWARDS, *awards])
    assert sum(award["amount"]["amount"] for award in AWARDS) == 883_321_27


def test_historical_examples_give_their_sources() -> None:
    historical = [case for case in [*PROPOSALS.values(), *PROGRAMMES.values()] if case["historical_example"]]

    assert len(historical) == 30
    assert all(case["sources"] for case in historical)


def test_every_published_programme_has_an_expected_match_with_every_proposal() -> None:
    published = {slug for slug, programme in PROGRAMMES.items() if not programme["demonstration"]}

    assert set(EXPECTED["matches"]) == published
    assert all(set(row) == set(PROPOSALS) for row in EXPECTED["matches"].values())


def test_expected_matches_name_codes_that_their_programme_has_and_results_that_follow() -> None:
    head = {"INSTRUMENT", "STAGE", "ASK_MIN", "ASK_MAX"}
    for slug, row in EXPECTED["matches"].items():
        levels = dict.fromkeys(head, "hard") | {leaf["code"]: leaf["level"] for leaf in PROGRAMMES[slug]["criteria"]}
        for match in row.values():
            follows = "ineligible" if match["failed"] else "needs_information" if match["unknown"] else "eligible"
            assert match["result"] == follows
            assert {levels[code] for code in (*match["failed"], *match["unknown"])} <= {"hard"}
            assert {levels[code] for code in match["soft_failed"]} <= {"soft"}
