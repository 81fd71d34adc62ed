"""Law checks over HTTP: without an account, and of a proposal's own facts and open bid."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.pipeline.scene import Scene
from tests.procurement.asking import a_bid, bidden, codes, pointers
from tests.proposals.builders import a_group, a_proposal

FACTS = {
    "nation": "england",
    "reservable": True,
    "health_care": False,
    "term_months": 60,
    "public_service_purpose": True,
    "profits": "members_only",
    "employee_control": True,
    "comparable_contract": True,
    "comparable_contract_on": "2024-05-01",
}


def checked(answer: Any, slug: str = "reserved_s33") -> dict[str, Any]:
    assert answer.status_code == 200, answer.json
    return next(each for each in answer.json["data"] if each["check"] == slug)


def test_anybody_is_told_the_outcome_with_each_condition_s_law_and_section(client: FlaskClient) -> None:
    answer = client.post("/v1/procurement-checks", json=FACTS | {"as_of": "2026-11-23"})

    one = checked(answer)
    assert (one["outcome"], one["route"], one["in_force_from"], one["in_force_until"]) == (
        "unmet",
        "reserved_s33",
        "2025-02-24",
        None,
    )
    assert one["nations"] == ["england", "wales", "northern_ireland"]
    unmet = [each for each in one["conditions"] if each["outcome"] != "met"]
    assert [(each["code"], each["law"], each["section"]) for each in unmet] == [
        ("COMPARABLE_CONTRACT", "Procurement Act 2023", "section 33(5)")
    ]
    assert unmet[0]["wanted"] == {"none_after": "2023-11-23"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_check_of_another_nation_says_that_it_does_not_cover_it(client: FlaskClient) -> None:
    told = client.post("/v1/procurement-checks", json=FACTS | {"nation": "scotland", "checks": ["reserved_s33"]})

    assert [each["check"] for each in told.json["data"]] == ["reserved_s33"]
    assert checked(told)["outcome"] == "unknown"
    assert [each["code"] for each in checked(told)["conditions"]] == ["NATION_NOT_COVERED"]


def test_nothing_of_a_check_is_kept(client: FlaskClient, session: Session) -> None:
    def rows() -> list[int]:
        tables = ("event", "audit_entry", "procurement_opinion", "bid", "idempotent_request")
        return [session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables]

    before = rows()
    assert client.post("/v1/procurement-checks", json=FACTS, headers={"Idempotency-Key": "x"}).status_code == 200

    assert rows() == before


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"activity_for_authority_bp": 10_001}, "#/activity_for_authority_bp"),
        ({"term_months": 0}, "#/term_months"),
        ({"nation": "france"}, "#/nation"),
        ({"checks": []}, "#/checks"),
        ({"employee_control": "yes"}, "#/employee_control"),
        ({"comparable_contract": False}, "#/comparable_contract_on"),
        ({"unknown_member": 1}, "#/unknown_member"),
    ],
)
def test_facts_that_cannot_be_are_refused_with_their_place(
    client: FlaskClient, wrong: dict[str, Any], pointer: str
) -> None:
    answer = client.post("/v1/procurement-checks", json=FACTS | wrong)

    assert answer.status_code == 422
    assert pointer in pointers(answer)[0]


def test_a_proposal_is_checked_by_its_published_facts_and_its_open_bid(session: Session, client: FlaskClient) -> None:
    group, nurse = a_group(session)
    facts = {
        "service": {"sector": "libraries_archives", "area_code": "E08000035", "delivers_public_service": True},
        "people": {"staff_control": True},
        "organisation": {"legal_form": "cic_limited_by_guarantee"},
    }
    proposal = a_proposal(session, group, nurse, facts=facts)
    path = f"/v1/proposals/{proposal.id}"

    def unknown() -> list[str]:
        told = client.get(f"{path}/procurement-checks", query_string={"as_of": "2026-11-23"}, headers=nurse.headers)
        return [each["code"] for each in checked(told)["conditions"] if each["outcome"] == "unknown"]

    assert unknown() == ["TERM", "COMPARABLE_CONTRACT"]
    made = client.post(f"{path}/bids", json=a_bid(term_months=60), headers=nurse.headers)
    assert made.status_code == 201, made.json
    assert unknown() == ["COMPARABLE_CONTRACT"]


def test_what_a_draft_says_is_not_checked_before_it_is_published(session: Session, client: FlaskClient) -> None:
    group, nurse = a_group(session)
    proposal = a_proposal(session, group, nurse, published=False)

    told = client.get(f"/v1/proposals/{proposal.id}/procurement-checks", headers=nurse.headers)

    assert {each["outcome"] for each in told.json["data"]} == {"unknown", "unmet"}
    assert {each["outcome"] for each in checked(told)["conditions"]} == {"unknown"}


def test_a_proposal_s_checks_are_its_group_s_alone(scene: Scene) -> None:
    bidden(scene)

    assert scene.read("/procurement-checks").status_code == 200
    assert scene.read("/procurement-checks?checks=reserved_s33,vertical_teckal").json["data"][1]["outcome"] == "unknown"
    for who in ("director", "adviser", "officer", "stranger"):
        assert codes(scene.read("/procurement-checks", who)) == (404, "not-found")
