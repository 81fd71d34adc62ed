"""Milestones: opened by evidence that names them, verified by its acceptance, once."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from marketplace.pipeline import service
from marketplace.store.journal import Event
from tests.pipeline.scene import Scene


def test_evidence_that_names_a_milestone_opens_it_and_its_acceptance_verifies_it(scene: Scene) -> None:
    _, version = scene.submit("business_plan", milestone="business_plan_v1", confidential=False)
    waiting = service.milestone_of(scene.session, scene.proposal.id, "business_plan_v1")
    assert waiting is not None
    assert (waiting.state, waiting.evidence_version_id) == ("open", None)

    assert scene.decide("officer", version).status_code == 201

    milestones = scene.read(who="officer").json["milestones"]
    assert [(each["milestone"], each["state"], each["evidence_version_id"]) for each in milestones] == [
        ("business_plan_v1", "verified", version)
    ]
    assert milestones[0]["verified_by_organisation_id"] == str(scene.funder.id)


def test_a_milestone_stays_with_the_evidence_that_verified_it(scene: Scene) -> None:
    _, first = scene.submit("business_plan", milestone="business_plan_v1", confidential=False)
    assert scene.decide("officer", first).status_code == 201
    scene.show("financial_model", milestone="business_plan_v1", confidential=False)

    record = service.milestone_of(scene.session, scene.proposal.id, "business_plan_v1")
    events = scene.session.scalars(select(Event).where(Event.type == "milestone.verified")).all()
    assert record is not None
    assert (str(record.evidence_version_id), len(events)) == (first, 1)


def test_a_rejection_verifies_no_milestone(scene: Scene) -> None:
    _, version = scene.submit("business_plan", milestone="business_plan_v1", confidential=False)
    assert scene.decide("officer", version, "rejected").status_code == 201

    record = service.milestone_of(scene.session, scene.proposal.id, "business_plan_v1")
    assert record is not None
    assert record.state == "open"


def test_a_milestone_is_not_verified_without_evidence(scene: Scene) -> None:
    service.expect_milestone(scene.session, scene.proposal.id, "ballot_passed")

    with pytest.raises(IntegrityError, match="verified_by_evidence"):
        scene.session.execute(text("UPDATE milestone_record SET state = 'verified'"))
    scene.session.rollback()


def test_entry_and_milestone_are_asked_for_by_name(scene: Scene) -> None:
    passage = service.entry_passed(scene.session, scene.proposal.id, "exploring")

    assert passage is not None
    assert passage.basis == "declared"
    assert service.entry_passed(scene.session, scene.proposal.id, "set_up") is None
    assert service.milestone_of(scene.session, scene.proposal.id, "ballot_passed") is None
