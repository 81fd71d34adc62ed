"""Moves over HTTP: forward through a gate, back with a reason, into an end; what ask, facts and parties see of it."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.pipeline.models import GatePassage, ProposalPipeline, StageMove
from marketplace.proposals import service as proposals
from marketplace.proposals.models import Ask, ProposalProjection
from marketplace.reference import pipelines
from marketplace.store.base import db
from marketplace.store.journal import Event
from marketplace.values.clock import today
from tests.builders import a_member, an_organisation, days_ago
from tests.pipeline.scene import DECIDED, EXPLORED, SET_UP, Scene, a_scene
from tests.pledges.scene import a_scene as a_pledge_scene
from tests.proposals.builders import ASK, share


def codes(answer: Any) -> list[str]:
    return [each["code"] for each in answer.json["reasons"]]


def facts_of(scene: Scene) -> dict[str, Any]:
    scene.session.expire_all()
    return dict(scene.session.get_one(ProposalProjection, scene.proposal.id).facts)


def asks_of(scene: Scene) -> dict[str, str]:
    scene.session.expire_all()
    rows = scene.session.scalars(select(Ask).where(Ask.proposal_id == scene.proposal.id).order_by(Ask.id))
    return {ask.stage: ask.state for ask in rows}


# Entering


def test_the_first_publication_enters_the_stage_that_it_asks_for(scene: Scene) -> None:
    told = scene.pipeline()

    assert (told["template"], told["template_version"], told["stage"]) == ("public_service_mutual", 2, "exploring")
    assert (told["days_in_stage"], told["ended"], told["reports"]) == (0, False, [])
    assert [(each["kind"], each["from_stage"], each["to_stage"]) for each in told["moves"]] == [
        ("entered", None, "exploring")
    ]
    first = told["stages"][0]
    assert (first["entry_passed"], first["basis"]) == (True, "declared")


def test_a_proposal_that_was_never_published_is_at_no_stage(client: FlaskClient, session: Session) -> None:
    scene = a_scene(session, client)
    draft = scene.send("nurse", "/v1/proposals", {"organisation_id": str(scene.group.id), "title": "Another"}).json[
        "id"
    ]
    path = f"/v1/proposals/{draft}"

    told = client.get(f"{path}/pipeline", headers=scene.people["nurse"].headers).json
    moved = scene.send("nurse", f"{path}/stage-moves", {"to": "feasibility"})

    assert (told["stage"], told["moves"], told["days_in_stage"]) == (None, [], None)
    assert told["waiting_on"] == [{"on": "group", "parties": [], "code": "PUBLISH", "about": None}]
    assert (moved.status_code, moved.json["code"]) == (409, "pipeline-not-entered")


@pytest.mark.parametrize(
    ("stage", "status", "code"),
    [
        pytest.param("exploring", 201, None, id="the stage that it is at"),
        pytest.param("feasibility", 409, "ask-at-another-stage", id="a later stage"),
        pytest.param("withdrawn", 422, "not-a-stage-to-ask-at", id="an end"),
    ],
)
def test_an_ask_is_published_for_the_stage_that_the_proposal_is_at(
    scene: Scene, stage: str, status: int, code: str | None
) -> None:
    nurse = scene.people["nurse"].actor(scene.session)
    proposals.write_ask(scene.session, nurse, scene.proposal.id, ASK | {"stage": stage}, lambda _: None)
    scene.session.commit()

    answer = scene.send("nurse", scene.path("/versions"))

    assert (answer.status_code, answer.json.get("code")) == (status, code)
    if status == 409:
        assert answer.json["reasons"][0]["wanted"] == "exploring"


# Forward


def test_a_gate_that_is_not_passed_refuses_with_every_reason(scene: Scene) -> None:
    scene.submit("staff_interest_record")

    answer = scene.move("feasibility")

    assert (answer.status_code, answer.json["code"]) == (409, "stage-move-refused")
    assert codes(answer) == ["EVIDENCE", "EMPLOYER_APPROVAL"]
    assert answer.json["reasons"][0]["found"] == {"state": "submitted", "accepted_by": []}
    assert (scene.pipeline()["stage"], facts_of(scene)["stage"]) == ("exploring", "exploring")


def test_a_gate_whose_every_condition_is_met_lets_the_proposal_move(scene: Scene) -> None:
    scene.show_all(EXPLORED)

    made = scene.moved("feasibility")

    assert (made["kind"], made["from_stage"], made["to_stage"]) == ("forward", "exploring", "feasibility")
    assert {each["outcome"] for each in made["conditions"]} == {"met"}
    told = scene.pipeline()
    assert told["stage"] == "feasibility"
    assert [(each["entry_passed"], each["basis"]) for each in told["stages"][:3]] == [
        (True, "declared"),
        (True, "evidenced"),
        (False, None),
    ]


def test_evidence_that_opens_a_gate_does_not_pass_it(scene: Scene) -> None:
    """A consent may still be withdrawn before the move: the gate is looked at when the proposal moves, not before."""
    consent = scene.consent("explore")
    scene.show("staff_interest_record")
    scene.withdraw_consent(consent)

    answer = scene.move("feasibility")

    assert (answer.status_code, codes(answer)) == (409, ["EMPLOYER_APPROVAL"])
    assert answer.json["reasons"][0]["found"]["answer"] == "withdrawn"


def test_a_consent_that_is_withdrawn_after_the_move_takes_nothing_back(scene: Scene) -> None:
    consent = scene.consent("explore")
    scene.show("staff_interest_record")
    scene.moved("feasibility")

    scene.withdraw_consent(consent)

    assert scene.pipeline()["stage"] == "feasibility"


def test_evidence_that_a_party_not_named_accepted_does_not_count(client: FlaskClient, session: Session) -> None:
    """A funder with an accepted pledge may verify all of the proposal's evidence; this is the commissioner's to say."""
    scene = a_scene(session, client, "decision")
    scene.show("commissioner_commitment", "officer")

    reasons = next(each for each in scene.pipeline()["stages"] if each["stage"] == "decision")["conditions"]

    told = next(each for each in reasons if each["wanted"]["kind"] == "commissioner_commitment")
    assert (told["outcome"], told["found"]) == ("unmet", {"state": "accepted", "accepted_by": ["funder"]})
    scene.show("commissioner_commitment", "buyer")
    assert scene.conditions("decision")["commissioner_commitment"] == "met"


def test_the_decision_gate_opens_when_employer_staff_and_pension_have_decided(
    client: FlaskClient, session: Session
) -> None:
    scene = a_scene(session, client, "decision")
    assert scene.pension("undecided").status_code == 200
    refused = scene.move("set_up")
    assert codes(refused) == [
        *["EVIDENCE"] * 3,
        *("EMPLOYER_APPROVAL", "STAFF_BALLOT", "PENSION_DECIDED", "BENEFITS_REGISTER"),
    ]
    assert scene.pension().status_code == 200
    scene.benefit()
    scene.show_all(DECIDED)
    version = scene.voted()
    assert codes(scene.move("set_up")) == ["STAFF_BALLOT"]
    assert scene.decide("officer", version).status_code == 201

    scene.moved("set_up")

    assert scene.pipeline()["stage"] == "set_up"


def test_launching_needs_the_transfer_and_ends_public_employment(client: FlaskClient, session: Session) -> None:
    scene = a_scene(session, client, "set_up")
    scene.show_all(SET_UP)
    assert codes(scene.move("launched")) == ["STAFF_TRANSFERRED"]
    assert facts_of(scene)["staff_publicly_employed"] is True
    scene.show("tupe_measures", "director", milestone="staff_transferred")

    scene.moved("launched")

    assert (facts_of(scene)["stage"], facts_of(scene)["staff_publicly_employed"]) == ("launched", False)


def test_no_stage_is_left_out(scene: Scene) -> None:
    scene.show_all(EXPLORED)

    answer = scene.move("business_case")

    assert (answer.status_code, codes(answer)) == (409, ["NEXT_STAGE"])


# What goes along


def test_an_ask_to_which_nothing_was_accepted_goes_along(scene: Scene) -> None:
    scene.show_all(EXPLORED)
    before = facts_of(scene)

    scene.moved("feasibility")

    assert asks_of(scene) == {"exploring": "closed", "feasibility": "open"}
    assert facts_of(scene) == before | {"stage": "feasibility"}
    assert scene.read("/sections/ask").json["content"]["stage"] == "feasibility"
    assert scene.send("nurse", scene.path("/versions")).status_code == 201


def test_an_ask_with_accepted_pledges_stays_and_nothing_is_asked_until_the_group_says_what(scene: Scene) -> None:
    scene.show_all(EXPLORED)
    scene.session.execute(text("UPDATE ask SET accepted = 1"))
    scene.session.commit()

    scene.moved("feasibility")

    assert asks_of(scene) == {"exploring": "open"}
    assert "ask" not in facts_of(scene)
    assert [scene.read(rest).status_code for rest in ("", "/versions", "/matches")] == [200, 200, 200]
    assert scene.read("", "adviser").json.get("ask") is None
    assert scene.send("nurse", scene.path("/versions")).status_code == 201
    assert asks_of(scene) == {"exploring": "open", "feasibility": "open"}
    scene.moved("exploring", "The employer asks for another round.")
    assert asks_of(scene) == {"exploring": "open", "feasibility": "closed"}
    assert facts_of(scene)["ask"] == {"amount": 900_000, "currency": "GBP"}


def test_a_move_keeps_what_is_published_and_leaves_the_draft_alone(scene: Scene) -> None:
    nurse = scene.people["nurse"].actor(scene.session)
    answers = {"sector": "mental_health"}
    proposals.write_facts(scene.session, nurse, scene.proposal.id, "service", answers, lambda _: None)
    scene.session.commit()
    scene.show_all(EXPLORED)

    scene.moved("feasibility")

    assert facts_of(scene)["sector"] == "community_health"
    assert scene.read("/sections/service").json["content"]["facts"] == answers


def test_the_parties_and_nobody_else_learn_of_a_move(scene: Scene) -> None:
    scene.show_all(EXPLORED)
    scene.moved("feasibility")

    events = scene.session.scalars(select(Event).where(Event.type == "stage.moved").order_by(Event.seq)).all()

    assert [each.organisation_ids for each in events] == [[scene.group.id], sorted([scene.group.id, scene.funder.id])]
    assert scene.read("/stage-moves", "stranger").status_code == 404


# Back


def test_going_back_needs_a_reason_and_keeps_it(scene: Scene) -> None:
    scene.show_all(EXPLORED)
    scene.moved("feasibility")

    refused = scene.move("exploring")
    made = scene.moved("exploring", "Two teams have left the group.")

    assert (refused.status_code, codes(refused)) == (409, ["REASON_GIVEN"])
    assert (made["kind"], made["reason"]) == ("back", "Two teams have left the group.")
    assert [each["to_stage"] for each in scene.pipeline()["moves"]] == ["exploring", "feasibility", "exploring"]
    assert scene.moved("feasibility")["kind"] == "forward"


def test_a_stage_that_was_never_entered_is_declared_when_the_proposal_goes_back_to_it(
    client: FlaskClient, session: Session
) -> None:
    scene = a_scene(session, client, "decision")

    scene.moved("business_case", "The plan has to be written anew.")

    passage = session.scalars(select(GatePassage).filter_by(proposal_id=scene.proposal.id, stage="business_case")).one()
    assert passage.basis == "declared"


# Ends


def test_an_end_takes_the_proposal_off_the_market_and_asks_for_its_reports(scene: Scene) -> None:
    made = scene.moved("withdrawn", "Too few of us are left.")

    told = scene.pipeline()
    assert (made["kind"], told["stage"], told["ended"]) == ("ended", "withdrawn", True)
    assert asks_of(scene) == {"exploring": "closed"}
    assert [(each["kind"], each["overdue"], each["condition"]["outcome"]) for each in told["reports"]] == [
        ("learning_report", False, "unknown")
    ]
    assert told["reports"][0]["due_on"] == (today() + timedelta(days=90)).isoformat()
    assert [each["about"] for each in told["waiting_on"]] == ["learning_report"]
    assert scene.read("", "adviser").status_code == 404


def test_a_report_is_due_until_a_party_has_accepted_it(client: FlaskClient, session: Session) -> None:
    scene = a_scene(session, client, "growth")
    scene.moved("wound_up", "The contract was lost.")
    scene.session.execute(text("UPDATE proposal_pipeline SET entered_at = now() - interval '100 days'"))
    scene.session.commit()
    assert [each["kind"] for each in scene.pipeline()["reports"] if each["overdue"]] == [
        "closure_report",
        "asset_lock_transfer",
        "learning_report",
    ]

    scene.show("closure_report", "officer")

    assert [each["overdue"] for each in scene.pipeline()["reports"]] == [False, True, True]


def test_only_an_owner_ends_the_pipeline(scene: Scene) -> None:
    assert scene.move("withdrawn", "I say so.", "editor").status_code == 403
    assert scene.move("withdrawn", who="nurse").json["reasons"][0]["code"] == "REASON_GIVEN"


def test_nothing_leads_out_of_an_end(scene: Scene) -> None:
    scene.moved("withdrawn", "Too few of us are left.")
    evidence, _ = scene.submit("staff_ballot")

    assert codes(scene.move("wound_up", "Again.")) == ["NOT_ENDED"]
    assert scene.move("feasibility").json["code"] == "proposal-withdrawn"
    assert scene.pension().status_code == 409
    assert scene.vote(evidence).status_code == 409


def test_a_withdrawn_proposal_may_still_say_how_it_ended(scene: Scene) -> None:
    assert scene.send("nurse", scene.path("/withdrawal")).status_code == 200
    assert scene.read("/pipeline", "adviser").status_code == 404

    assert scene.moved("withdrawn", "The employer said no in private.")["kind"] == "ended"

    assert scene.pipeline()["ended"] is True
    scene.show("learning_report", "adviser")
    assert scene.pipeline()["waiting_on"] == []


# Who


@pytest.mark.parametrize(
    ("who", "status"),
    [("editor", 201), ("viewer", 403), ("officer", 404), ("director", 404), ("stranger", 404)],
)
def test_the_group_s_writers_alone_move_it(scene: Scene, who: str, status: int) -> None:
    scene.show_all(EXPLORED)

    assert scene.move("feasibility", who=who).status_code == status


@pytest.mark.parametrize(
    ("who", "status"),
    [("viewer", 200), ("officer", 200), ("director", 200), ("buyer", 200), ("adviser", 200), ("stranger", 404)],
)
def test_the_group_and_those_it_names_see_the_pipeline(scene: Scene, who: str, status: int) -> None:
    assert scene.read("/pipeline", who).status_code == status
    assert scene.read("/stage-moves", who).status_code == status
    assert scene.read("/ballots", who).status_code == status


def test_a_party_that_is_named_no_more_verifies_and_sees_nothing(scene: Scene) -> None:
    _, version = scene.submit("employer_agreement_in_principle")
    share(scene.session, scene.proposal.id, scene.people["nurse"], visibility="private")

    assert scene.decide("director", version).status_code == 404
    assert scene.read("/pipeline", "director").status_code == 404


def test_a_named_party_sees_the_documents_that_it_may_verify_and_no_others(scene: Scene) -> None:
    """Whether staff want to leave is not the employer's to read, though the group shows it the proposal."""
    _, theirs = scene.submit("employer_agreement_in_principle")
    _, ours = scene.submit("staff_interest_record")
    director = scene.people["director"].headers

    def status(version: str) -> int:
        return int(scene.client.get(f"/v1/evidence-versions/{version}", headers=director).status_code)

    assert (status(theirs), status(ours)) == (200, 404)


def test_a_funder_that_is_named_is_no_party_to_the_work(scene: Scene) -> None:
    named = an_organisation(scene.session, kind="funder", name="Shown by name")
    scene.people["lender"] = a_member(scene.session, named)
    _, version = scene.submit("staff_interest_record")
    share(scene.session, scene.proposal.id, scene.people["nurse"], visibility="named", named=[named.id])

    assert scene.read("", "lender").status_code == 200
    assert scene.read("/pipeline", "lender").status_code == 404
    assert scene.decide("lender", version).status_code == 404


def test_a_verified_funder_that_sees_the_proposal_without_being_named_does_not_see_its_workings(scene: Scene) -> None:
    share(scene.session, scene.proposal.id, scene.people["nurse"], visibility="verified_funders")

    assert scene.read("", "stranger").status_code == 200
    assert scene.read("/pipeline", "stranger").status_code == 404


def test_a_stranger_s_pipeline_is_as_absent_as_one_that_is_not_there(scene: Scene) -> None:
    theirs = scene.read("/pipeline", "stranger")
    nowhere = scene.client.get(f"/v1/proposals/{uuid4()}/pipeline", headers=scene.people["stranger"].headers)

    assert (theirs.status_code, theirs.json["detail"]) == (nowhere.status_code, nowhere.json["detail"])


# Waiting, ages, lists


def test_it_is_said_whom_the_next_step_waits_on(scene: Scene) -> None:
    scene.submit("staff_interest_record")
    body = {"organisation_id": str(scene.employer.id), "title": "May we?"}
    assert scene.send("nurse", scene.path("/employer-consents"), body).status_code == 201

    waiting = scene.pipeline()["waiting_on"]

    assert [(each["on"], each["about"]) for each in waiting] == [
        ("verifier", "staff_interest_record"),
        ("employer", "employer_agreement_in_principle"),
        ("funder", "exploring"),
    ]
    assert waiting[0]["parties"] == ["funder", "adviser"]


def test_the_group_is_waited_on_once_its_gate_is_open(scene: Scene) -> None:
    scene.show_all(EXPLORED)

    assert scene.pipeline()["waiting_on"][0] == {"on": "group", "parties": [], "code": "MOVE", "about": "feasibility"}


def test_days_in_a_stage_are_counted_from_its_entry(scene: Scene) -> None:
    scene.session.execute(update(ProposalPipeline).values(entered_at=days_ago(40)))
    scene.session.commit()

    assert scene.pipeline()["days_in_stage"] == 40


def test_moves_are_listed_page_by_page(scene: Scene) -> None:
    scene.show_all(EXPLORED)
    for number in range(2):
        scene.moved("feasibility")
        scene.moved("exploring", f"Back for the {number}. time.")

    first = scene.read("/stage-moves?limit=3").json
    second = scene.read(f"/stage-moves?limit=3&cursor={first['next_cursor']}").json

    assert [each["number"] for each in first["data"] + second["data"]] == [5, 4, 3, 2, 1]
    assert (first["has_more"], second["has_more"]) == (True, False)


# What never changes


def test_a_move_is_never_rewritten(scene: Scene) -> None:
    with pytest.raises(IntegrityError):
        scene.session.execute(text("UPDATE stage_move SET to_stage = 'growth'"))
    scene.session.rollback()


def test_a_proposal_stays_with_the_template_version_that_it_was_pinned_to(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = pipelines.TEMPLATES[pipelines.DEFAULT]
    stages = (pipelines.TemplateStage("exploring", pipelines.Gate((), ())), *template.latest.stages[1:])
    number = template.latest.number + 1
    newest = pipelines.TemplateVersion(template.slug, number, today(), stages, template.latest.ends)
    later = pipelines.Template(template.slug, template.label, template.definition, (*template.versions, newest))
    monkeypatch.setattr(pipelines, "TEMPLATES", {template.slug: later})

    newcomer = a_scene(scene.session, scene.client)

    assert (scene.pipeline()["template_version"], newcomer.pipeline()["template_version"]) == (number - 1, number)
    assert scene.move("feasibility").status_code == 409
    assert newcomer.move("feasibility").status_code == 201
    with pytest.raises(IntegrityError, match="pinned"):
        scene.session.execute(text("UPDATE proposal_pipeline SET template_version = 3"))
    scene.session.rollback()


def test_a_published_stage_and_the_pipeline_never_contradict_each_other(scene: Scene) -> None:
    scene.show_all(EXPLORED)
    for to, reason in (("feasibility", None), ("exploring", "Back."), ("feasibility", None)):
        scene.moved(to, reason)
        scene.session.expire_all()
        projected = scene.session.get_one(ProposalProjection, scene.proposal.id)
        pinned = scene.session.get_one(ProposalPipeline, scene.proposal.id)
        assert (pinned.stage, projected.stage, projected.facts["stage"]) == (to, to, to)


def at_once(app: Flask, *requests: Callable[[FlaskClient], int]) -> list[int]:
    """Send the requests at the same moment; their statuses, sorted."""
    barrier = threading.Barrier(len(requests))
    statuses: list[int] = []

    def send(request: Callable[[FlaskClient], int]) -> None:
        client = app.test_client()
        barrier.wait()
        statuses.append(request(client))

    threads = [threading.Thread(target=send, args=(each,)) for each in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(statuses)


@pytest.mark.slow
def test_of_two_moves_at_once_one_wins(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        scene.show_all(EXPLORED)
        path, headers = scene.path("/stage-moves"), scene.people["nurse"].headers

        def forward(client: FlaskClient) -> int:
            return int(client.post(path, json={"to": "feasibility"}, headers=headers).status_code)

        statuses = at_once(committed_app, forward, forward)

        assert statuses == [201, 409]
        moves = db.session().scalars(select(StageMove.to_stage).order_by(StageMove.number)).all()
        assert moves == ["exploring", "feasibility"]


@pytest.mark.slow
def test_two_acceptances_at_once_show_a_declared_gate_that_needs_both(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client(), "feasibility")
        waiting = [(scene.submit(kind)[1], scene.people[by].headers) for kind, by in EXPLORED.items()]

        def accepting(version: str, headers: dict[str, str]) -> Callable[[FlaskClient], int]:
            path, body = f"/v1/evidence-versions/{version}/verification", {"decision": "accepted", "reason": "Read."}
            return lambda client: int(client.post(path, json=body, headers=headers).status_code)

        statuses = at_once(committed_app, *(accepting(*each) for each in waiting))

        assert statuses == [201, 201]
        assert scene.pipeline()["stages"][1]["basis"] == "evidenced"


def test_the_templates_are_open_to_all(client: FlaskClient) -> None:
    listed = client.get("/v1/pipeline-templates").json
    version = client.get("/v1/pipeline-templates/public_service_mutual/versions/2").json

    assert [each["slug"] for each in listed["parties"]] == ["funder", "employer", "commissioner", "host", "adviser"]
    assert listed["data"][0]["latest"] == version
    assert listed["data"][0]["versions"] == [1, 2]
    asked = {test["test"]: test["least"] for test in version["stages"][3]["gate"]["tests"]}
    assert asked == {"employer_approval": None, "staff_ballot": None, "pension_decided": None, "benefits_register": 1}
    assert [each["slug"] for each in version["stages"]][3:5] == ["decision", "set_up"]
    assert client.get("/v1/pipeline-templates/public_service_mutual/versions/99").status_code == 404
    assert client.get("/v1/pipeline-templates/another/versions/1").status_code == 404


def test_an_organisation_that_is_not_the_parent_is_no_employer(client: FlaskClient, session: Session) -> None:
    """Another public body may be shown the proposal by name; it verifies nothing that is the employer's."""
    scene = a_scene(session, client)
    body = an_organisation(session, kind="public_body", name="Somewhere else")
    named = [body.id, scene.employer.id]
    share(session, scene.proposal.id, scene.people["nurse"], visibility="named", named=named)
    scene.people["outsider"] = a_member(session, body)
    _, version = scene.submit("employer_agreement_in_principle")

    assert scene.decide("outsider", version).status_code == 404
    assert scene.read("/pipeline", "outsider").status_code == 404
    assert scene.decide("director", version).status_code == 201


def test_accepted_pledges_forbid_an_end(session: Session, client: FlaskClient) -> None:
    scene = a_pledge_scene(session, client)
    pledge = scene.signed()
    path, body = f"/proposals/{scene.proposal.id}/stage-moves", {"to": "withdrawn", "reason": "We stop."}

    refused = scene.do(scene.nurse, path, body)

    assert (refused.status_code, refused.json["code"]) == (409, "proposal-has-pledges")
    assert scene.read(scene.nurse, f"/proposals/{scene.proposal.id}/pipeline").json["ended"] is False
    ended = scene.do(scene.officer, f"/pledges/{pledge}/termination", {"reason": "By agreement."})
    assert ended.status_code == 200, ended.json
    assert scene.do(scene.nurse, path, body).status_code == 201
