"""The pipeline over HTTP: declared and evidenced gates, verified milestones, and who sees them."""

import threading
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from marketplace.pipeline import service
from marketplace.pipeline.models import GatePassage
from marketplace.store.base import db
from marketplace.store.journal import Event
from tests.evidence.scene import PDF, Scene, a_scene
from tests.pipeline.conftest import listen

EXPLORED = ("staff_interest_record", "employer_agreement_in_principle")


def accept(scene: Scene, kind: str, **draft: object) -> str:
    version = scene.uploaded(PDF + kind.encode(), kind=kind, **draft)
    assert scene.verify(version).status_code == 201
    return version


def entry(scene: Scene, stage: str) -> tuple[bool, str | None]:
    answer = scene.read(f"/v1/proposals/{scene.proposal}/pipeline")
    found = next(each for each in answer.json["stages"] if each["stage"] == stage)
    return found["entry_passed"], found["basis"]


def declare(scene: Scene, stage: str) -> None:
    service.declare_entry(scene.session, scene.nurse.actor(scene.session), scene.proposal, scene.group, stage)
    scene.session.commit()


def test_a_proposal_starts_with_no_gate_passed_and_no_milestone(scene: Scene) -> None:
    answer = scene.read(f"/v1/proposals/{scene.proposal}/pipeline")

    assert answer.status_code == 200
    assert [stage["stage"] for stage in answer.json["stages"]][:3] == ["exploring", "feasibility", "business_case"]
    assert not any(stage["entry_passed"] for stage in answer.json["stages"])
    assert answer.json["milestones"] == []


def test_an_entry_that_is_declared_is_marked_so(scene: Scene) -> None:
    declare(scene, "feasibility")

    assert entry(scene, "feasibility") == (True, "declared")
    assert entry(scene, "business_case") == (False, None)


def test_declaring_again_changes_nothing(scene: Scene) -> None:
    declare(scene, "feasibility")
    declare(scene, "feasibility")

    passages = scene.session.scalars(select(GatePassage).where(GatePassage.proposal_id == scene.proposal)).all()
    events = scene.session.scalars(select(Event).where(Event.type == "gate.declared")).all()
    assert (len(passages), len(events)) == (1, 1)


def test_all_exit_evidence_accepted_passes_the_next_gate(scene: Scene) -> None:
    accept(scene, EXPLORED[0])
    assert entry(scene, "feasibility") == (False, None)

    accept(scene, EXPLORED[1])

    assert entry(scene, "feasibility") == (True, "evidenced")


def test_a_declared_gate_becomes_evidenced(scene: Scene) -> None:
    declare(scene, "feasibility")
    for kind in EXPLORED:
        accept(scene, kind)

    assert entry(scene, "feasibility") == (True, "evidenced")


def test_a_gate_passed_by_evidence_is_not_declared_afterwards(scene: Scene) -> None:
    for kind in EXPLORED:
        accept(scene, kind)
    declare(scene, "feasibility")

    assert entry(scene, "feasibility") == (True, "evidenced")


def test_submitted_or_rejected_evidence_passes_no_gate(scene: Scene) -> None:
    accept(scene, EXPLORED[0])
    scene.verify(scene.uploaded(kind=EXPLORED[1]), decision="rejected")
    scene.uploaded(PDF + b"again", kind=EXPLORED[1])

    assert entry(scene, "feasibility") == (False, None)


def test_the_exit_evidence_shows_what_was_accepted(scene: Scene) -> None:
    accept(scene, EXPLORED[0])

    exploring = scene.read(f"/v1/proposals/{scene.proposal}/pipeline").json["stages"][0]

    assert exploring["exit_evidence"] == [
        {"kind": EXPLORED[0], "accepted": True},
        {"kind": EXPLORED[1], "accepted": False},
    ]


def test_evidence_that_names_a_milestone_opens_it_and_its_acceptance_verifies_it(scene: Scene) -> None:
    version = scene.uploaded(milestone="business_plan_v1")
    waiting = service.milestone_of(scene.session, scene.proposal, "business_plan_v1")
    assert waiting is not None
    assert (waiting.state, waiting.evidence_version_id) == ("open", None)

    scene.verify(version)

    milestones = scene.read(f"/v1/proposals/{scene.proposal}/pipeline", scene.officer).json["milestones"]
    assert [(each["milestone"], each["state"], each["evidence_version_id"]) for each in milestones] == [
        ("business_plan_v1", "verified", version)
    ]
    assert milestones[0]["verified_by_organisation_id"] == str(scene.funder)


def test_a_milestone_stays_with_the_evidence_that_verified_it(scene: Scene) -> None:
    first = accept(scene, "business_plan", milestone="business_plan_v1")
    accept(scene, "financial_model", milestone="business_plan_v1")

    record = service.milestone_of(scene.session, scene.proposal, "business_plan_v1")
    events = scene.session.scalars(select(Event).where(Event.type == "milestone.verified")).all()
    assert record is not None
    assert (str(record.evidence_version_id), len(events)) == (first, 1)


def test_a_rejection_verifies_no_milestone(scene: Scene) -> None:
    scene.verify(scene.uploaded(milestone="business_plan_v1"), decision="rejected")

    record = service.milestone_of(scene.session, scene.proposal, "business_plan_v1")
    assert record is not None
    assert record.state == "open"


def test_a_milestone_is_not_verified_without_evidence(scene: Scene) -> None:
    service.expect_milestone(scene.session, scene.proposal, "ballot_passed")

    with pytest.raises(IntegrityError, match="verified_by_evidence"):
        scene.session.execute(text("UPDATE milestone_record SET state = 'verified'"))
    scene.session.rollback()


def test_entry_and_milestone_are_asked_for_by_name(scene: Scene) -> None:
    declare(scene, "feasibility")

    passage = service.entry_passed(scene.session, scene.proposal, "feasibility")
    assert passage is not None
    assert passage.basis == "declared"
    assert service.entry_passed(scene.session, scene.proposal, "set_up") is None
    assert service.milestone_of(scene.session, scene.proposal, "ballot_passed") is None


def test_only_the_group_and_the_parties_see_the_pipeline(scene: Scene) -> None:
    path = f"/v1/proposals/{scene.proposal}/pipeline"

    answers = [scene.read(path, person).status_code for person in (scene.viewer, scene.officer, scene.stranger)]

    assert answers == [200, 200, 404]
    assert scene.read(f"/v1/proposals/{uuid4()}/pipeline").status_code == 404


def test_two_acceptances_at_once_pass_the_gate_that_needs_both(
    committed_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        listen(scene, monkeypatch)
        versions = [scene.uploaded(PDF + kind.encode(), kind=kind) for kind in EXPLORED]
    barrier = threading.Barrier(len(versions))
    statuses: list[int] = []

    def verify(version: str) -> None:
        barrier.wait()
        answer = committed_app.test_client().post(
            f"/v1/evidence-versions/{version}/verification",
            json={"decision": "accepted", "reason": "Read."},
            headers=scene.officer.headers,
        )
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=verify, args=(version,)) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert statuses == [201, 201]
    assert entry(scene, "feasibility") == (True, "evidenced")
