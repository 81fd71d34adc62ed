"""Learning notes over HTTP: who reads them when, whose they are, and to whom they are shown."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.learning import notes
from marketplace.values.clock import today
from tests.builders import a_member, an_organisation
from tests.pipeline.scene import Scene
from tests.proposals.builders import ASK, a_proposal, share

NOTE = {
    "kind": "what_failed",
    "stage": "business_case",
    "sector": "community_health",
    "region": "yorkshire_humber",
    "title": "The bond was twice what we had planned",
    "body": "Ask the actuary before the plan is written, not after.",
}


def write(scene: Scene, who: str = "nurse", **members: Any) -> TestResponse:
    return scene.send(who, "/v1/learning-notes", NOTE | {"proposal_id": str(scene.proposal.id)} | members)


def written(scene: Scene, **members: Any) -> dict[str, Any]:
    answer = write(scene, **members)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def public(scene: Scene, query: str = "") -> list[str]:
    answer = scene.client.get(f"/v1/learning-notes{query}")
    assert answer.status_code == 200, answer.json
    return [each["id"] for each in answer.json["data"]]


def put(scene: Scene, note: dict[str, Any], **members: Any) -> TestResponse:
    path = f"/v1/learning-notes/{note['id']}"
    headers = scene.people["nurse"].headers
    etag = scene.client.get(path, headers=headers).headers["ETag"]
    return scene.client.put(path, json=NOTE | members, headers=headers | {"If-Match": etag})


def test_anyone_finds_a_note_by_where_it_was_learned(scene: Scene) -> None:
    note = written(scene)

    for found in ("", "?sector=community_health&stage=business_case", "?kind=what_failed&region=yorkshire_humber"):
        assert public(scene, found) == [note["id"]]
    for missed in ("?sector=arts_culture", "?stage=decision", "?route=right_to_provide", "?kind=cost"):
        assert public(scene, missed) == []
    assert scene.client.get("/v1/learning-notes?sector=none_such").status_code == 422


def test_a_named_note_names_its_group_and_never_a_proposal_that_the_reader_does_not_see(scene: Scene) -> None:
    path = f"/v1/learning-notes/{written(scene)['id']}"

    seen = scene.client.get(path).json
    assert seen["organisation"]["id"] == str(scene.group.id)
    assert seen["proposal_id"] is None
    assert not {"state", "embargo_until", "evidence_id"} & set(seen)
    assert scene.client.get(path, headers=scene.people["director"].headers).json["proposal_id"]
    assert scene.client.get(path, headers=scene.people["stranger"].headers).json["proposal_id"] is None


def test_an_anonymous_note_tells_sector_and_region_and_nothing_of_the_group(scene: Scene) -> None:
    note = written(scene, anonymous=True)

    for who in ("director", "stranger"):
        seen = scene.client.get(f"/v1/learning-notes/{note['id']}", headers=scene.people[who].headers)
        assert (seen.json["organisation"], seen.json["proposal_id"]) == (None, None)
        assert str(scene.group.id) not in seen.text
        assert str(scene.proposal.id) not in seen.text
    own = scene.client.get(f"/v1/learning-notes/{note['id']}", headers=scene.people["viewer"].headers).json
    assert own["proposal_id"] == str(scene.proposal.id)


def test_a_note_under_embargo_is_its_groups_alone_until_the_day(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    day = today() + timedelta(days=2)
    note = written(scene, embargo_until=day.isoformat())
    path = f"/v1/learning-notes/{note['id']}"

    assert public(scene) == []
    assert scene.client.get(path).status_code == 404
    assert scene.client.get(path, headers=scene.people["director"].headers).status_code == 404
    own = scene.client.get(path, headers=scene.people["viewer"].headers)
    assert (own.status_code, own.json["embargo_until"], own.json["state"]) == (200, day.isoformat(), "standing")
    monkeypatch.setattr(notes, "today", lambda: day - timedelta(days=1))
    assert public(scene) == []
    monkeypatch.setattr(notes, "today", lambda: day)
    assert public(scene) == [note["id"]]


def test_a_note_is_written_anew_and_its_versions_stay_with_the_group(scene: Scene) -> None:
    note = written(scene)
    path = f"/v1/learning-notes/{note['id']}"

    changed = put(scene, note, title="The bond was three times what we had planned")

    assert (changed.status_code, changed.json["version"]) == (200, 2)
    kept = scene.client.get(f"{path}/versions", headers=scene.people["viewer"].headers).json["data"]
    assert [each["number"] for each in kept] == [2, 1]
    assert kept[1]["content"]["title"] == {"en": NOTE["title"]}
    assert scene.client.get(f"{path}/versions", headers=scene.people["director"].headers).status_code == 404
    nurse = scene.people["nurse"].headers
    assert scene.client.put(path, json=NOTE, headers=nurse).status_code == 428
    assert scene.client.put(path, json=NOTE, headers=nurse | {"If-Match": '"old.1"'}).status_code == 412


def test_a_note_that_was_taken_back_is_gone_for_others(scene: Scene) -> None:
    note = written(scene)
    path = f"/v1/learning-notes/{note['id']}"

    assert scene.send("nurse", f"{path}/withdrawal").status_code == 200
    assert public(scene) == []
    assert scene.client.get(path).status_code == 404
    again = scene.send("nurse", f"{path}/withdrawal")
    assert (again.status_code, again.json["code"]) == (409, "already-withdrawn")
    own = scene.client.get(f"/v1/organisations/{scene.group.id}/learning-notes", headers=scene.people["nurse"].headers)
    assert [each["state"] for each in own.json["data"]] == ["withdrawn"]


def test_nobody_writes_of_a_stage_that_lies_ahead_or_draws_on_anothers_report(scene: Scene, session: Session) -> None:
    group = an_organisation(session, name="Another group")
    owner = a_member(session, group)
    other = a_proposal(session, group, owner)
    path, body = f"/v1/proposals/{other.id}/evidence", {"kind": "risk_register", "title": "Theirs"}
    theirs = scene.client.post(path, json=body, headers=owner.headers).json["id"]

    answer = write(scene, stage="launched", evidence_id=theirs)

    assert (answer.status_code, answer.json["code"]) == (422, "learning-note-faults")
    assert [each["pointer"] for each in answer.json["errors"]] == ["#/stage", "#/evidence_id"]
    draft = a_proposal(session, group, owner, published=False)
    unpublished = scene.client.post(
        "/v1/learning-notes", json=NOTE | {"proposal_id": str(draft.id)}, headers=owner.headers
    )
    assert (unpublished.status_code, unpublished.json["code"]) == (409, "pipeline-not-entered")


def test_the_group_alone_writes_its_notes(scene: Scene) -> None:
    assert [write(scene, who).status_code for who in ("viewer", "director", "stranger")] == [403, 404, 404]


def test_a_suspended_groups_notes_are_not_shown(scene: Scene, session: Session) -> None:
    written(scene)
    scene.group.verification = "suspended"
    session.commit()

    assert public(scene) == []


def test_groups_are_shown_what_groups_like_them_learned_the_most_alike_first(scene: Scene, session: Session) -> None:
    near = written(scene, stage="feasibility")["id"]
    stage = written(scene, stage="feasibility", sector="arts_culture", region=None)["id"]
    sector = written(scene, stage="decision")["id"]
    written(scene, stage="decision", sector="arts_culture")
    group = an_organisation(session, name="Another group")
    owner = a_member(session, group)
    here = a_proposal(session, group, owner)

    answer = scene.client.get(f"/v1/proposals/{here.id}/learning-notes", headers=owner.headers)

    assert [each["id"] for each in answer.json["data"]] == [near, stage, sector]
    assert [each["outcome"] for each in answer.json["data"][1]["in_common"]] == ["met", "unmet", "unknown", "unknown"]
    own = scene.read("/learning-notes").json["data"]
    assert own == []
    assert scene.read("/learning-notes", "stranger").status_code == 404


def test_what_is_in_common_is_told_over_the_facts_that_the_reader_sees(scene: Scene, session: Session) -> None:
    note = written(scene, stage="decision")
    group = an_organisation(session, name="Another group")
    owner = a_member(session, group)
    here = a_proposal(session, group, owner, ask=ASK | {"stage": "exploring"})
    named = {"visibility": "named", "named": [scene.employer.id]}
    share(session, here.id, owner, **named, facts={"sector": "confidential"})
    path = f"/v1/proposals/{here.id}/learning-notes"

    assert [each["id"] for each in scene.client.get(path, headers=owner.headers).json["data"]] == [note["id"]]
    assert scene.client.get(path, headers=scene.people["director"].headers).json["data"] == []
