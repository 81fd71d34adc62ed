"""The pension arrangement over HTTP."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.pipeline.scene import Scene, a_scene


@pytest.fixture
def scene(client: FlaskClient, session: Session) -> Scene:
    """A proposal that waits for its decision."""
    return a_scene(session, client, "decision")


def test_an_arrangement_is_recorded_with_its_bond_gap_and_document(scene: Scene) -> None:
    evidence, _ = scene.submit("pension_assessment")
    bond, gap = {"amount": 250_000_00, "currency": "GBP"}, {"amount": 0, "currency": "GBP"}

    assert scene.read("/pension-arrangement").json["arrangement"] is None
    made = scene.pension(bond=bond, contribution_gap=gap, evidence_id=evidence)

    assert made.status_code == 200, made.json
    kept = scene.read("/pension-arrangement").json
    assert (kept["arrangement"], kept["bond"], kept["contribution_gap"]) == ("lgps_admission", bond, gap)
    assert kept["evidence_id"] == evidence


def test_undecided_blocks_the_decision_gate_and_any_arrangement_opens_it(scene: Scene) -> None:
    assert scene.conditions("decision")["PENSION_DECIDED"] == "unknown"
    etag = scene.pension("undecided").headers["ETag"]
    assert scene.conditions("decision")["PENSION_DECIDED"] == "unmet"

    assert scene.pension("nhs_direction", etag).status_code == 200

    assert scene.conditions("decision")["PENSION_DECIDED"] == "met"


def test_it_is_changed_by_whoever_has_seen_it(scene: Scene) -> None:
    unsaid = scene.read("/pension-arrangement").headers["ETag"]
    old = scene.pension("undecided").headers["ETag"]
    assert scene.pension("nhs_direction", old).status_code == 200

    nurse, path = scene.people["nurse"].headers, scene.path("/pension-arrangement")
    assert scene.client.put(path, json={"arrangement": "tps_access"}, headers=nurse).status_code == 428
    assert [scene.pension("tps_access", tag).status_code for tag in (unsaid, old)] == [412, 412]
    assert scene.read("/pension-arrangement").json["arrangement"] == "nhs_direction"


def test_two_currencies_and_a_strange_document_are_refused_together(scene: Scene) -> None:
    evidence, _ = scene.submit("risk_register")
    bond, gap = {"amount": 1, "currency": "GBP"}, {"amount": 1, "currency": "EUR"}

    answer = scene.pension(bond=bond, contribution_gap=gap, evidence_id=evidence)

    assert (answer.status_code, answer.json["code"]) == (422, "pension-arrangement-faults")
    assert [each["pointer"] for each in answer.json["errors"]] == ["#/contribution_gap/currency", "#/evidence_id"]
    assert scene.read("/pension-arrangement").json["arrangement"] is None


def test_parties_read_it_and_the_group_alone_writes_it(scene: Scene) -> None:
    assert scene.pension().status_code == 200
    path = scene.path("/pension-arrangement")

    assert [scene.read("/pension-arrangement", who).status_code for who in ("viewer", "officer", "stranger")] == [
        200,
        200,
        404,
    ]
    body = {"arrangement": "tps_access"}
    statuses = [
        scene.client.put(path, json=body, headers=scene.people[who].headers | {"If-Match": "*"}).status_code
        for who in ("viewer", "officer", "stranger")
    ]
    assert statuses == [403, 404, 404]


BASIS = {
    "staff": 120,
    "pensionable_pay": {"amount": 3_456_789_01, "currency": "GBP"},
    "rate_needed_bp": 2380,
    "rate_planned_bp": 1550,
}


def test_the_yearly_gap_is_computed_from_pay_and_two_rates(scene: Scene) -> None:
    made = scene.pension("lgps_admission", gap_basis=BASIS)

    assert made.status_code == 200, made.json
    kept = scene.read("/pension-arrangement").json
    assert kept["contribution_gap"] == {"amount": 286_913_49, "currency": "GBP"}
    assert (kept["gap_basis"], kept["two_tier_workforce"]) == (BASIS, False)
    assert scene.pension("auto_enrolment_only").json["two_tier_workforce"] is True
    assert scene.read("/pension-arrangement").json["gap_basis"] is None


def test_a_stated_gap_that_its_basis_contradicts_is_refused(scene: Scene) -> None:
    gap, bond = {"amount": 1, "currency": "GBP"}, {"amount": 1, "currency": "EUR"}

    wrong = scene.pension(gap_basis=BASIS, contribution_gap=gap)
    mixed = scene.pension(gap_basis=BASIS, bond=bond)
    beyond = scene.pension(gap_basis=BASIS | {"rate_needed_bp": 10_001})

    assert [answer.status_code for answer in (wrong, mixed, beyond)] == [422, 422, 422]
    assert [each["pointer"] for each in wrong.json["errors"]] == ["#/contribution_gap"]
    assert "28691349" in wrong.json["errors"][0]["detail"]
    assert [each["pointer"] for each in mixed.json["errors"]] == ["#/gap_basis/pensionable_pay/currency"]
