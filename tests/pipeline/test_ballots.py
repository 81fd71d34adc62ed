"""Staff ballots over HTTP: counted once, beside their document, under the template's rules or stricter ones."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.pipeline.rules import MOST_BALLOTS
from marketplace.values.clock import today
from tests.pipeline.scene import Scene, a_scene


@pytest.fixture
def scene(client: FlaskClient, session: Session) -> Scene:
    """A proposal that waits for its decision."""
    return a_scene(session, client, "decision")


def standing(scene: Scene) -> str:
    return scene.conditions("decision")["STAFF_BALLOT"]


def pointers(answer: Any) -> list[str]:
    return [each["pointer"] for each in answer.json["errors"]]


def test_a_ballot_is_computed_from_its_votes_under_the_template_s_rules(scene: Scene) -> None:
    evidence, _ = scene.submit("staff_ballot")

    made = scene.vote(evidence)

    assert made.status_code == 201, made.json
    told = {name: made.json[name] for name in ("quorum_bp", "threshold_bp", "turnout_bp", "for_bp", "passed")}
    assert told == {"quorum_bp": 5000, "threshold_bp": 5100, "turnout_bp": 8000, "for_bp": 7500, "passed": True}
    assert (made.json["accepted"], made.json["stands"]) == (False, True)


def test_a_ballot_counts_once_its_document_is_accepted(scene: Scene) -> None:
    version = scene.voted()
    assert standing(scene) == "unknown"

    assert scene.decide("officer", version).status_code == 201

    assert standing(scene) == "met"
    assert scene.read("/ballots").json["data"][0]["accepted"] is True


def test_an_accepted_ballot_that_failed_does_not_count(scene: Scene) -> None:
    assert scene.decide("officer", scene.voted(votes_for=20, votes_against=60)).status_code == 201

    assert standing(scene) == "unmet"


def test_a_later_ballot_takes_the_place_of_the_one_before(scene: Scene) -> None:
    assert scene.decide("officer", scene.voted()).status_code == 201

    scene.voted(votes_for=20, votes_against=60)

    assert standing(scene) == "unmet"
    listed = scene.read("/ballots").json["data"]
    told = [(each["votes_for"], each["stands"], each["accepted"]) for each in listed]
    assert told == [(20, True, False), (60, False, True)]


def test_an_acceptance_is_of_the_latest_count_beside_its_document(scene: Scene) -> None:
    evidence, version = scene.submit("staff_ballot")
    assert scene.vote(evidence, votes_for=59).status_code == 201
    assert scene.vote(evidence, votes_for=60).status_code == 201
    assert scene.decide("officer", version).status_code == 201

    listed = scene.read("/ballots").json["data"]

    assert [(each["votes_for"], each["accepted"]) for each in listed] == [(60, True), (59, False)]


def test_votes_are_not_entered_after_their_document_was_accepted(scene: Scene) -> None:
    """Whoever accepts the document compares it with the count: a count that comes later was compared by nobody."""
    evidence, version = scene.submit("staff_ballot")
    assert scene.decide("officer", version).status_code == 201

    answer = scene.vote(evidence)

    assert (answer.status_code, answer.json["code"]) == (409, "ballot-evidence-decided")
    assert scene.read("/ballots").json["data"] == []


def test_more_papers_than_electors_are_refused_naming_the_rule(scene: Scene) -> None:
    evidence, _ = scene.submit("staff_ballot")

    answer = scene.vote(evidence, electorate=80)

    assert (answer.status_code, answer.json["code"]) == (422, "ballot-faults")
    assert pointers(answer) == ["#/electorate"]
    assert "one paper for each elector" in answer.json["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        pytest.param({"quorum_bp": 4000}, ["#/quorum_bp"], id="a laxer quorum than the template's"),
        pytest.param({"threshold_bp": 5000}, ["#/threshold_bp"], id="a laxer threshold"),
        pytest.param({"held_on": (today() + timedelta(days=1)).isoformat()}, ["#/held_on"], id="a day to come"),
        pytest.param({"electorate": 0}, ["#/electorate"], id="no electors"),
        pytest.param({"votes_for": -1}, ["#/votes_for"], id="fewer than no votes"),
        pytest.param({"votes_for": 10**12}, ["#/votes_for"], id="more votes than there are people"),
        pytest.param({"scrutineer": " "}, ["#/scrutineer"], id="nobody counted"),
    ],
)
def test_a_ballot_that_contradicts_its_rules_is_refused(
    scene: Scene, members: dict[str, Any], wrong: list[str]
) -> None:
    evidence, _ = scene.submit("staff_ballot")

    answer = scene.vote(evidence, **members)

    assert (answer.status_code, pointers(answer)) == (422, wrong)


def test_a_ballot_names_a_document_of_its_own_proposal(scene: Scene) -> None:
    other = a_scene(scene.session, scene.client, "decision")
    of_another, _ = other.submit("staff_ballot")
    of_another_kind, _ = scene.submit("risk_register")

    answers = [scene.vote(each) for each in (of_another, of_another_kind)]

    assert [(each.status_code, pointers(each)) for each in answers] == [(422, ["#/evidence_id"])] * 2


def test_a_ballot_may_agree_on_stricter_rules(scene: Scene) -> None:
    assert scene.decide("officer", scene.voted(threshold_bp=8000)).status_code == 201

    assert standing(scene) == "unmet"


def test_a_ballot_is_never_rewritten(scene: Scene) -> None:
    scene.voted()

    with pytest.raises(IntegrityError):
        scene.session.execute(text("UPDATE ballot SET votes_for = 99, votes_against = 0"))
    scene.session.rollback()


def test_a_proposal_has_a_bounded_number_of_ballots(scene: Scene) -> None:
    evidence, _ = scene.submit("staff_ballot")
    assert scene.vote(evidence).status_code == 201
    scene.session.execute(
        text(
            "INSERT INTO ballot SELECT proposal_id, evidence_id, question, electorate, votes_for, votes_against,"
            " spoiled, held_on, scrutineer, quorum_bp, threshold_bp, recorded_by, gen_random_uuid()"
            f" FROM ballot, generate_series(2, {MOST_BALLOTS})"
        )
    )
    scene.session.commit()

    assert scene.vote(evidence).json["code"] == "too-many-ballots"


def test_only_the_group_s_writers_enter_a_ballot(scene: Scene) -> None:
    evidence, _ = scene.submit("staff_ballot")
    body = {"evidence_id": evidence, "question": "?", "electorate": 1, "votes_for": 1, "votes_against": 0}
    body |= {"held_on": today().isoformat(), "scrutineer": "Civica"}

    statuses = [scene.send(who, scene.path("/ballots"), body).status_code for who in ("viewer", "officer", "stranger")]

    assert statuses == [403, 404, 404]
