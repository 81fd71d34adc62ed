"""Opinions over HTTP: confidential unless the group says otherwise, like their document, superseded and not changed."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.procurement.record_rules import MOST_OPINIONS
from marketplace.values.clock import today
from tests.pipeline.scene import Scene
from tests.procurement.asking import codes, opine, opined, pointers


def readable(scene: Scene, who: str) -> list[str]:
    answer = scene.read("/procurement-opinions", who)
    return [each["id"] for each in answer.json["data"]] if answer.status_code == 200 else ["not to be seen"]


def test_an_opinion_keeps_author_route_risk_and_day(scene: Scene) -> None:
    answer = opine(scene)

    assert answer.status_code == 201
    told = {name: answer.json[name] for name in ("route", "challenge_risk", "risk_appetite", "client", "stands")}
    assert told == {
        "route": "reserved_s33",
        "challenge_risk": 2,
        "risk_appetite": "cautious",
        "client": "group",
        "stands": True,
    }
    read = scene.client.get(answer.headers["Location"], headers=scene.people["viewer"].headers)
    assert read.json == answer.json


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"challenge_risk": 0}, "#/challenge_risk"),
        ({"challenge_risk": 6}, "#/challenge_risk"),
        ({"given_on": (today() + timedelta(days=1)).isoformat()}, "#/given_on"),
        ({"evidence_id": "00000000-0000-7000-8000-000000000000"}, "#/evidence_id"),
        ({"supersedes_id": "00000000-0000-7000-8000-000000000000"}, "#/supersedes_id"),
        ({"route": "by_magic"}, "#/route"),
        ({"author_name": " "}, "#/author_name"),
    ],
)
def test_an_opinion_that_cannot_be_is_refused_with_its_place(scene: Scene, wrong: dict[str, Any], pointer: str) -> None:
    answer = opine(scene, **wrong)

    assert answer.status_code == 422
    assert pointers(answer) == [pointer]
    assert readable(scene, "nurse") == []


def test_a_confidential_opinion_is_the_group_s_and_an_open_one_is_read_under_the_group_s_name(scene: Scene) -> None:
    hidden, shown = opined(scene), opined(scene, confidential=False)

    assert readable(scene, "nurse") == readable(scene, "viewer") == [shown, hidden]
    assert readable(scene, "director") == readable(scene, "adviser") == [shown]
    assert readable(scene, "stranger") == ["not to be seen"]
    for who, status in (("nurse", 200), ("director", 404), ("stranger", 404)):
        path = f"/v1/procurement-opinions/{hidden}"
        assert scene.client.get(path, headers=scene.people[who].headers).status_code == status


def test_a_confidential_opinion_is_read_by_whoever_sees_its_document(scene: Scene) -> None:
    evidence, _ = scene.submit("procurement_opinion")
    opinion = opined(scene, evidence_id=evidence)
    assert readable(scene, "adviser") == [opinion], "a gate lets the adviser verify that kind of document"
    assert readable(scene, "director") == []

    named = {"organisation_id": str(scene.employer.id)}
    assert scene.send("nurse", f"/v1/evidence/{evidence}/access-grants", named).status_code == 201

    assert readable(scene, "director") == [opinion]
    assert readable(scene, "stranger") == ["not to be seen"]


def test_an_opinion_rests_on_a_document_of_its_kind_in_the_same_proposal(scene: Scene) -> None:
    plan, _ = scene.submit("business_plan")

    assert pointers(opine(scene, evidence_id=plan)) == ["#/evidence_id"]


def test_a_later_opinion_takes_an_earlier_one_s_place_once(scene: Scene) -> None:
    first = opined(scene, confidential=False)
    second = opined(scene, supersedes_id=first)

    assert codes(opine(scene, supersedes_id=first)) == (409, "opinion-already-superseded")
    told = {each["id"]: (each["stands"], each["superseded_by_id"]) for each in _listed(scene, "nurse")}
    assert told == {first: (False, second), second: (True, None)}
    (seen,) = _listed(scene, "director")
    assert (seen["id"], seen["stands"], seen["superseded_by_id"]) == (first, False, None)


def _listed(scene: Scene, who: str) -> list[dict[str, Any]]:
    return list(scene.read("/procurement-opinions", who).json["data"])


def test_only_those_of_the_group_who_write_record_opinions(scene: Scene) -> None:
    assert opine(scene, "editor").status_code == 201
    assert codes(opine(scene, "viewer"))[0] == 403
    assert codes(opine(scene, "director"))[0] == codes(opine(scene, "stranger"))[0] == 404


def test_an_opinion_is_never_changed(scene: Scene) -> None:
    opined(scene)

    with pytest.raises(IntegrityError), scene.session.begin_nested():
        scene.session.execute(text("UPDATE procurement_opinion SET challenge_risk = 5"))
    with pytest.raises(IntegrityError), scene.session.begin_nested():
        scene.session.execute(text("DELETE FROM procurement_opinion"))


def test_a_proposal_has_so_many_opinions_and_no_more(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.procurement.opinions.MOST_OPINIONS", 1)
    opined(scene)

    assert codes(opine(scene)) == (409, "too-many-procurement-records")
    assert MOST_OPINIONS == 100


def test_an_event_of_an_opinion_is_for_the_group_alone(scene: Scene) -> None:
    opinion = opined(scene, confidential=False)

    query = text("SELECT scope, organisation_ids FROM event WHERE subject_id = CAST(:id AS uuid)")
    (row,) = scene.session.execute(query, {"id": opinion})
    assert (row.scope, list(row.organisation_ids)) == ("organisations", [scene.group.id])
