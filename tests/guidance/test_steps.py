"""Next steps over HTTP: what, who, how, by when; and what is not told to whom."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace.guidance.steps import time_in_stage
from marketplace.pipeline.models import StageMove
from marketplace.procurement.record_rules import alert_horizon
from marketplace.store.base import new_id
from marketplace.values.clock import now, today
from tests.builders import a_member, an_organisation
from tests.pipeline.scene import Scene, a_scene
from tests.procurement.asking import bidden, lost, won
from tests.programmes.builders import an_open_programme
from tests.proposals.builders import a_group, a_proposal, share


def told(scene: Scene, who: str = "nurse") -> dict[str, Any]:
    answer = scene.read("/next-steps", who)
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def codes(body: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(each["code"], each["by"], each["about"]) for each in body["steps"]]


def test_a_group_that_explores_gathers_interest_and_invites_its_employer(scene: Scene) -> None:
    body = told(scene)

    assert codes(body)[:2] == [("EVIDENCE", "group", "staff_interest_record"), ("INVITE_EMPLOYER", "group", KIND)]
    first = body["steps"][0]
    assert first["operation"] == {"id": "postEvidence", "method": "POST", "path": scene.path("/evidence")}
    assert (first["reason"]["code"], first["reason"]["outcome"]) == ("EVIDENCE", "unknown")
    assert first["usual_time"] == {"least_days": 14, "most_days": 42, "basis": "inferred", "of": None}
    assert (first["service"], first["advisers"]) == ("engagement", 0)
    assert first["resources"]
    assert (body["stage"], body["stage_time"]["basis"]) == ("exploring", "inferred")


KIND = "employer_agreement_in_principle"


def test_the_steps_follow_what_happens_and_name_who_is_waited_for(scene: Scene) -> None:
    _, version = scene.submit("staff_interest_record")
    body = {"organisation_id": str(scene.employer.id), "title": "May we?"}
    invited = scene.send("nurse", scene.path("/employer-consents"), body).json["id"]

    steps = {each["code"]: each for each in _all(scene)}

    assert (steps["EVIDENCE"]["by"], steps["EVIDENCE"]["parties"]) == ("verifier", ["funder", "adviser"])
    assert steps["EVIDENCE"]["operation"]["path"] == f"/v1/evidence-versions/{version}/verification"
    assert (steps["EMPLOYER_APPROVAL"]["by"], steps["EMPLOYER_APPROVAL"]["operation"]["path"]) == (
        "employer",
        f"/v1/employer-consents/{invited}/answer",
    )


def _all(scene: Scene) -> list[dict[str, Any]]:
    """Every step: the list is cut to three, which is asked for here as if it were fifty."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("marketplace.guidance.rules.FIRST", 50)
        return list(told(scene)["steps"])


def test_once_the_gate_is_open_the_group_moves(scene: Scene) -> None:
    scene.show_all({"staff_interest_record": "officer", KIND: "director"})

    assert codes(told(scene))[0] == ("MOVE", "group", "feasibility")


def test_three_things_are_told_and_how_many_more_there_are(client: FlaskClient, session: Session) -> None:
    scene = a_scene(session, client, "decision")

    body = told(scene)

    assert len(body["steps"]) == 3
    assert body["more"] == len(_all(scene)) - 3
    assert {"STAFF_BALLOT", "PENSION_DECIDED"} <= {each["code"] for each in _all(scene)}


def test_the_register_is_a_step_where_the_gate_asks_for_it_and_until_it_is_met(
    client: FlaskClient, session: Session
) -> None:
    scene = a_scene(session, client, "decision")

    step = next(each for each in _all(scene) if each["code"] == "BENEFITS_REGISTER")

    assert (step["by"], step["about"], step["service"]) == ("group", None, "social_value")
    assert step["operation"] == {"id": "postBenefit", "method": "POST", "path": scene.path("/benefits")}
    assert (step["reason"]["outcome"], step["reason"]["found"]) == ("unmet", {"standing": 0, "without_owner": 0})
    asked = scene.conditions("decision")
    waited = {each["about"] if each["code"] == "EVIDENCE" else each["code"] for each in _all(scene)}
    own = {"EMPLOYER_APPROVAL": "INVITE_EMPLOYER"}
    assert {own.get(name, name) for name, outcome in asked.items() if outcome != "met"} <= waited

    scene.benefit()

    assert "BENEFITS_REGISTER" not in {each["code"] for each in _all(scene)}


@pytest.mark.parametrize("stage", ["business_case", "set_up"])
def test_the_register_is_no_step_of_another_stage(client: FlaskClient, session: Session, stage: str) -> None:
    assert "BENEFITS_REGISTER" not in {each["code"] for each in _all(a_scene(session, client, stage))}


def ends_of(scene: Scene) -> list[str]:
    return [each["due_on"] for each in _all(scene) if each["code"] == "CONTRACT_ENDS"]


def test_a_contract_that_ends_within_eighteen_months_is_a_step_until_the_group_has_bid_again(
    client: FlaskClient, session: Session
) -> None:
    scene = a_scene(session, client, "growth")
    contract, horizon = bidden(scene), alert_horizon(today())
    won(scene, contract, horizon + timedelta(days=1))
    assert ends_of(scene) == []

    won(scene, contract, horizon)

    first = told(scene)["steps"][0]
    assert (first["code"], first["by"], first["due_on"]) == ("CONTRACT_ENDS", "group", horizon.isoformat())
    assert first["operation"] == {"id": "postBid", "method": "POST", "path": scene.path("/bids")}
    assert (first["service"], first["usual_time"]["most_days"]) == ("bid_readiness", 540)
    other = bidden(scene, occasion="new_contract")
    assert ends_of(scene) == [horizon.isoformat()], "a bid for another contract wins this one no second time"
    lost(scene, other, "price")
    again = bidden(scene, occasion="re_tender")
    assert ends_of(scene) == []
    lost(scene, again, "price")
    assert ends_of(scene) == [horizon.isoformat()]
    won(scene, again, horizon + timedelta(days=900))
    assert ends_of(scene) == []


def test_the_published_end_of_a_contract_is_a_step_and_no_other_proposal_s(scene: Scene, session: Session) -> None:
    group, owner = a_group(session)
    day = (today() + timedelta(days=200)).isoformat()
    theirs = a_proposal(session, group, owner, facts={"service": {"contract_ends_on": day}})

    body = scene.client.get(f"/v1/proposals/{theirs.id}/next-steps", headers=owner.headers).json

    assert (body["steps"][0]["code"], body["steps"][0]["due_on"]) == ("CONTRACT_ENDS", day)
    assert ends_of(scene) == []


def test_nobody_bids_again_for_a_service_that_was_returned(client: FlaskClient, session: Session) -> None:
    scene = a_scene(session, client, "growth")
    won(scene, bidden(scene), alert_horizon(today()))
    scene.moved("returned_in_house", "The authority took it back.")

    assert ends_of(scene) == []


def test_before_it_is_published_publishing_is_the_step(client: FlaskClient, session: Session) -> None:
    group, owner = a_group(session)
    draft = a_proposal(session, group, owner, published=False)

    body = client.get(f"/v1/proposals/{draft.id}/next-steps", headers=owner.headers).json

    assert [each["code"] for each in body["steps"]] == ["PUBLISH"]
    assert (body["stage"], body["money"], body["stage_time"]) == (None, None, None)


def test_money_for_it_is_told_and_who_does_not_see_the_proposal(scene: Scene, session: Session) -> None:
    fund = an_organisation(session, kind="funder", name="Open seed fund")
    programme = an_open_programme(session, fund, instruments=["grant"], stages=["exploring"])

    body = told(scene)

    assert [each["programme"]["id"] for each in body["money"]["eligible"]] == [str(programme.id)]
    assert body["money"]["eligible_count"] == 1
    shared = next(each for each in _all(scene) if each["code"] == "SHARE_PROPOSAL")
    assert (shared["settles"], shared["operation"]["path"]) == (1, scene.path("/sharing"))


def test_an_offer_is_answered_before_it_lapses(scene: Scene, session: Session) -> None:
    pledge = scene.people["officer"]
    assert pledge
    session.execute(
        text("UPDATE pledge SET state = 'offered', expires_on = :day WHERE proposal_id = :id"),
        {"day": now().date() + timedelta(days=9), "id": scene.proposal.id},
    )
    session.commit()

    first = told(scene)["steps"][0]

    assert (first["code"], first["due_on"]) == ("ANSWER_OFFER", (now().date() + timedelta(days=9)).isoformat())
    assert first["operation"]["path"] == f"/v1/pledges/{first['subject_id']}/acceptance"


def test_at_an_end_the_reports_are_owed_and_the_group_writes_what_it_learned(scene: Scene) -> None:
    scene.moved("withdrawn", "The board said no.")

    steps = {each["code"]: each for each in _all(scene)}
    assert steps["REPORT"]["about"] == "learning_report"
    assert steps["REPORT"]["due_on"] is not None
    assert steps["LEARNING_NOTE"]["operation"]["path"] == "/v1/learning-notes"
    note = {"kind": "advice", "stage": "withdrawn", "sector": "community_health", "title": "Ask early", "body": "Do."}
    made = scene.send("nurse", "/v1/learning-notes", note | {"proposal_id": str(scene.proposal.id)})
    assert made.status_code == 201, made.json
    assert "LEARNING_NOTE" not in {each["code"] for each in _all(scene)}


def test_next_steps_are_the_groups_and_its_guests_alone(scene: Scene) -> None:
    assert told(scene, "viewer")["steps"]
    assert [scene.read("/next-steps", who).status_code for who in ("director", "officer", "stranger")] == [404] * 3


def test_a_guest_is_told_of_no_pledge_and_no_report(scene: Scene, session: Session) -> None:
    assert scene.people["officer"]
    session.execute(
        text("UPDATE pledge SET state = 'offered', expires_on = :day WHERE proposal_id = :id"),
        {"day": now().date() + timedelta(days=9), "id": scene.proposal.id},
    )
    session.commit()
    guest = a_member(
        session, scene.group, "guest", proposal_id=scene.proposal.id, until=now().date() + timedelta(days=9)
    )

    body = scene.client.get(scene.path("/next-steps"), headers=guest.headers).json

    assert "ANSWER_OFFER" not in {each["code"] for each in body["steps"]}


def test_every_operation_that_a_step_names_is_served(app: Flask, scene: Scene) -> None:
    served = {
        rule.endpoint.split(".")[-1]: (re.sub(r"<[^>]+>", "*", rule.rule), rule.methods or set())
        for rule in app.url_map.iter_rules()
    }
    scene.submit("staff_interest_record")

    for each in _all(scene):
        operation = each["operation"]
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", operation["id"]).lower()
        rule, methods = served[name]
        assert operation["method"] in methods
        assert re.fullmatch(rule.replace("*", "[^/]+"), operation["path"]), operation


def test_the_time_at_a_stage_is_the_median_of_public_proposals_from_five_on(scene: Scene, session: Session) -> None:
    for days in (10, 20, 30, 40):
        _went_through(session, days, "public")
    _went_through(session, 900, "private")
    inferred = time_in_stage(session, "exploring")
    assert inferred is not None
    assert inferred.basis == "inferred"

    _went_through(session, 50, "public")

    kept = time_in_stage(session, "exploring")
    assert kept is not None
    assert (kept.least_days, kept.most_days, kept.basis, kept.of) == (30, 30, "history", 5)


def _went_through(session: Session, days: int, visibility: str) -> None:
    """A proposal that was at the first stage for so many days."""
    group, owner = a_group(session)
    ask = {
        "stage": "exploring",
        "currency": "GBP",
        "instruments": ["grant"],
        "lines": [{"purpose": "legal", "amount": 1, "description": None}],
    }
    made = a_proposal(session, group, owner, ask=ask)
    share(session, made.id, owner, visibility=visibility)
    session.add(
        StageMove(
            id=new_id(),
            proposal_id=made.id,
            number=2,
            kind="forward",
            from_stage="exploring",
            to_stage="feasibility",
            conditions=[],
            by_user_id=owner.id,
            created_at=now() + timedelta(days=days),
        )
    )
    session.commit()
