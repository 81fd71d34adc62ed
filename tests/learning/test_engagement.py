"""Staff engagement and transfer over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.values.clock import today
from tests.pipeline.scene import Scene
from tests.proposals.builders import share

SESSION = {"kind": "staff_meeting", "invited": 60, "attended": 41}


def held(scene: Scene, who: str = "nurse", **members: Any) -> TestResponse:
    body = SESSION | {"held_on": today().isoformat()} | members
    return scene.send(who, scene.path("/information-sessions"), body)


def ask(scene: Scene, **members: Any) -> TestResponse:
    body = {"question": "Do I keep my pension?", "asked_on": today().isoformat()} | members
    return scene.send("nurse", scene.path("/staff-questions"), body)


def transfer(scene: Scene, **members: Any) -> TestResponse:
    headers = scene.people["nurse"].headers | {"If-Match": scene.read("/staff-transfer").headers["ETag"]}
    return scene.client.put(scene.path("/staff-transfer"), json=members, headers=headers)


def test_the_record_tells_sessions_questions_and_ballots_in_counts(scene: Scene) -> None:
    shown, _ = scene.submit("business_plan")
    assert held(scene, evidence_ids=[shown]).status_code == 201
    assert held(scene, attended=19, kind="drop_in").status_code == 201
    assert ask(scene, answer="Yes, by admission to the fund.").status_code == 201
    assert ask(scene).status_code == 201
    scene.voted()

    record = scene.read("/engagement").json

    assert record["totals"] == {"invited": 120, "attended": 60}
    assert (record["questions"], record["answered"]) == (2, 1)
    assert [each["passed"] for each in record["ballots"]] == [True]
    assert sorted(each["documents"] for each in record["sessions"]) == [[], [shown]]


def test_more_who_came_than_were_invited_are_refused_and_the_rule_named(scene: Scene) -> None:
    tomorrow = (today() + timedelta(days=1)).isoformat()
    answer = held(scene, attended=61, held_on=tomorrow, evidence_ids=[str(scene.proposal.id)])

    assert (answer.status_code, answer.json["code"]) == (422, "information-session-faults")
    assert [each["pointer"] for each in answer.json["errors"]] == ["#/attended", "#/held_on", "#/evidence_ids/0"]
    assert "attended <= invited" in answer.json["errors"][0]["detail"]


def test_a_ballot_with_more_votes_than_electors_is_refused_and_the_rule_named(scene: Scene) -> None:
    evidence, _ = scene.submit("staff_ballot")

    answer = scene.vote(evidence, electorate=80, votes_for=60, votes_against=20, spoiled=1)

    assert answer.status_code == 422
    assert "electorate" in answer.text


def test_people_outside_are_not_told_small_counts_nor_what_the_workings_are(scene: Scene, session: Session) -> None:
    assert held(scene, invited=30, attended=3).status_code == 201
    assert held(scene, invited=60, attended=41).status_code == 201
    shown, _ = scene.submit("business_plan")
    assert held(scene, invited=50, attended=48, evidence_ids=[shown]).status_code == 201
    scene.voted()
    assert scene.read("/engagement", "stranger").status_code == 404
    share(session, scene.proposal.id, scene.people["nurse"], visibility="verified_funders")

    record = scene.read("/engagement", "stranger").json

    told = sorted((each["invited"], each["attended"] or 0) for each in record["sessions"])
    assert told == [(30, 0), (50, 0), (60, 41)]
    assert record["totals"] == {"invited": 140, "attended": None}
    assert record["ballots"] is None
    assert all(each["documents"] == [] for each in record["sessions"])


def test_under_a_pseudonym_counts_are_told_and_words_are_not(scene: Scene, session: Session) -> None:
    assert ask(scene).status_code == 201
    share(session, scene.proposal.id, scene.people["nurse"], visibility="verified_funders")

    assert scene.read("/engagement", "stranger").json["questions"] == 1
    assert scene.read("/staff-questions", "stranger").status_code == 404
    share(session, scene.proposal.id, scene.people["nurse"], visibility="public")
    asked = scene.read("/staff-questions", "stranger").json["data"]
    assert [each["question"] for each in asked] == ["Do I keep my pension?"]
    assert set(asked[0]) == {"id", "version", "question", "asked_on", "session_id", "answer", "answered_on"}


def test_a_question_is_answered_by_the_group_and_corrected_by_who_has_seen_it(scene: Scene) -> None:
    asked = ask(scene)
    path, nurse = f"/v1/staff-questions/{asked.json['id']}/answer", scene.people["nurse"].headers
    sent = nurse | {"If-Match": asked.headers["ETag"]}

    first = scene.client.put(path, json={"answer": "Yes."}, headers=sent)
    assert (first.status_code, first.json["answered_on"]) == (200, today().isoformat())
    assert scene.client.put(path, json={"answer": "No."}, headers=sent).status_code == 412
    director = scene.people["director"].headers | {"If-Match": "*"}
    assert scene.client.put(path, json={"answer": "No."}, headers=director).status_code == 404


def test_a_session_is_corrected_and_only_by_its_group(scene: Scene) -> None:
    made = held(scene)
    path = f"/v1/information-sessions/{made.json['id']}"
    body = SESSION | {"held_on": today().isoformat(), "attended": 40}
    sent = scene.people["nurse"].headers | {"If-Match": made.headers["ETag"]}

    assert scene.client.put(path, json=body, headers=sent).json["attended"] == 40
    assert scene.client.put(path, json=body, headers=sent).status_code == 412
    assert [held(scene, who).status_code for who in ("viewer", "director", "stranger")] == [403, 404, 404]


def test_a_question_names_a_session_of_its_own_proposal(scene: Scene) -> None:
    answer = ask(scene, session_id=str(scene.proposal.id), asked_on=(today() + timedelta(days=1)).isoformat())

    assert answer.json["code"] == "staff-question-faults"
    assert [each["pointer"] for each in answer.json["errors"]] == ["#/asked_on", "#/session_id"]


# Transfer


@pytest.fixture
def plan() -> dict[str, Any]:
    """A transfer in three months, with one consultation going on."""
    return {
        "transfer_on": (today() + timedelta(days=90)).isoformat(),
        "staff": 58,
        "promise_months": 24,
        "measures": "One pay day a month instead of two.",
        "consultations": [{"representatives": "Unison", "began_on": today().isoformat()}],
    }


def test_a_transfer_tells_what_the_law_asks_and_how_it_stands(scene: Scene, plan: dict[str, Any]) -> None:
    unsaid = scene.read("/staff-transfer").json
    assert (unsaid["transfer_on"], {each["outcome"] for each in unsaid["conditions"]}) == (None, {"unknown"})

    made = transfer(scene, **plan)

    assert made.status_code == 200, made.json
    outcomes = {each["code"]: each["outcome"] for each in scene.read("/staff-transfer").json["conditions"]}
    assert outcomes == {
        "STAFF_COUNTED": "met",
        "MEASURES_STATED": "met",
        "CONSULTED_BEFORE_TRANSFER": "met",
        "CONSULTATIONS_OVER": "unmet",
    }
    assert scene.read("/staff-transfer", "officer").json["staff"] == 58
    assert scene.read("/staff-transfer", "stranger").status_code == 404


def test_consultations_that_contradict_the_calendar_are_refused(scene: Scene, plan: dict[str, Any]) -> None:
    ahead, before = ((today() + timedelta(days=days)).isoformat() for days in (1, -1))
    began = today().isoformat()
    wrong = [
        {"representatives": "Unison", "began_on": began, "ended_on": before},
        {"representatives": "GMB", "began_on": began, "ended_on": ahead, "evidence_id": str(scene.proposal.id)},
    ]

    answer = transfer(scene, **plan | {"consultations": wrong})

    assert (answer.status_code, answer.json["code"]) == (422, "staff-transfer-faults")
    assert [each["pointer"] for each in answer.json["errors"]] == [
        "#/consultations/0/ended_on",
        "#/consultations/1/ended_on",
        "#/consultations/1/evidence_id",
    ]
