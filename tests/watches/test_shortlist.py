"""The shortlist: the funder's own thoughts on a proposal, which the group never learns of in any way."""

from typing import Any

from sqlalchemy import func, select, text

from marketplace.identity.models import Membership
from marketplace.store.journal import AuditEntry, Event
from tests.builders import Person, a_member, an_organisation
from tests.watches.scene import Scene

PASSED = {"state": "passed", "reason": "too_early", "words": "Come back in spring", "note": "Ask Nora"}


def path_of(scene: Scene, proposal_id: Any = None) -> str:
    return f"/programmes/{scene.programme.id}/shortlist/{proposal_id or scene.proposal.id}"


def put(scene: Scene, who: Person, body: dict[str, Any], etag: str | None = None, **values: Any) -> Any:
    path = path_of(scene, **values)
    etag = etag or scene.get(path, who).headers.get("ETag", "*")
    return scene.client.put(f"/v1{path}", json=body, headers=who.headers | {"If-Match": etag})


def test_an_entry_is_made_changed_and_dropped_under_its_etag(scene: Scene) -> None:
    empty = scene.get(path_of(scene), scene.officer)
    assert (empty.status_code, empty.json["state"], empty.json["subject"]["available"]) == (200, "none", True)

    made = put(scene, scene.officer, {"state": "shortlisted", "note": "A strong team"}, empty.headers["ETag"])
    assert (made.status_code, made.json["state"], made.json["note"]) == (200, "shortlisted", "A strong team")
    assert put(scene, scene.officer, PASSED, empty.headers["ETag"]).status_code == 412
    passed = put(scene, scene.officer, PASSED, made.headers["ETag"])
    assert {name: passed.json[name] for name in PASSED} == PASSED

    headers = scene.officer.headers | {"If-Match": made.headers["ETag"]}
    assert scene.client.delete(f"/v1{path_of(scene)}", headers=headers).status_code == 412
    headers["If-Match"] = passed.headers["ETag"]
    assert scene.client.delete(f"/v1{path_of(scene)}", headers=headers).status_code == 204
    assert scene.get(path_of(scene), scene.officer).json["state"] == "none"
    assert scene.client.delete(f"/v1{path_of(scene)}", headers=headers).status_code == 404


def test_passing_on_needs_a_reason(scene: Scene) -> None:
    answer = put(scene, scene.officer, {"state": "passed", "words": "No"})

    assert (answer.status_code, answer.json["code"]) == (422, "pass-needs-reason")
    assert [each["pointer"] for each in answer.json["errors"]] == ["#/reason"]
    assert scene.get(path_of(scene), scene.officer).json["state"] == "none"


def test_viewers_read_and_others_find_nothing(scene: Scene) -> None:
    put(scene, scene.officer, PASSED)
    viewer = a_member(scene.session, scene.funder, "viewer")
    stranger = a_member(scene.session, an_organisation(scene.session, kind="funder"))
    whole = f"/programmes/{scene.programme.id}/shortlist"

    assert put(scene, viewer, PASSED).status_code == 403
    assert scene.get(path_of(scene), viewer).json["note"] == "Ask Nora"
    for who in (scene.nurse, stranger):
        assert put(scene, who, PASSED, "*").status_code == 404
        assert [scene.get(path, who).status_code for path in (whole, path_of(scene))] == [404, 404]


def test_the_list_is_by_state_and_paged(scene: Scene) -> None:
    put(scene, scene.officer, PASSED)
    whole = f"/programmes/{scene.programme.id}/shortlist"

    assert [each["state"] for each in scene.get(whole, scene.officer).json["data"]] == ["passed"]
    assert scene.get(whole, scene.officer, state="shortlisted").json["data"] == []
    assert scene.get(whole, scene.officer, limit=1).json["has_more"] is False


def test_what_is_not_seen_cannot_be_told_from_what_is_not_there(scene: Scene) -> None:
    scene.share(visibility="private")
    absent = "019a0000-0000-7000-8000-000000000000"
    answers = [put(scene, scene.officer, PASSED, "*", proposal_id=each) for each in (scene.proposal.id, absent)]
    answers += [scene.get(path_of(scene, each), scene.officer) for each in (scene.proposal.id, absent)]

    assert {each.status_code for each in answers} == {404}
    assert len({each.json["detail"] for each in answers}) == 1


def test_an_entry_outlives_its_proposal_s_sharing_without_anything_of_it(scene: Scene) -> None:
    put(scene, scene.officer, PASSED)
    scene.share(visibility="private")

    (entry,) = scene.get(f"/programmes/{scene.programme.id}/shortlist", scene.officer).json["data"]

    assert entry["subject"] == {"id": str(scene.proposal.id), "available": False}
    assert entry["note"] == "Ask Nora"
    assert scene.get(path_of(scene), scene.officer).json == entry


def test_a_colleague_of_a_kept_out_organisation_reads_no_note_on_it(scene: Scene) -> None:
    put(scene, scene.officer, PASSED)
    employer = an_organisation(scene.session, kind="public_body")
    both = a_member(scene.session, scene.funder, "editor")
    scene.session.add(Membership(organisation_id=employer.id, user_id=both.id, role="viewer"))
    scene.session.commit()
    whole = f"/programmes/{scene.programme.id}/shortlist"
    assert len(scene.get(whole, both).json["data"]) == 1

    scene.share(visibility="verified_funders", excluded=[employer.id])

    assert scene.get(whole, both).json["data"] == []
    assert scene.get(path_of(scene), both).status_code == 404
    assert len(scene.get(whole, scene.officer).json["data"]) == 1


def test_matches_can_be_filtered_by_it_and_say_it(scene: Scene) -> None:
    path = f"/programmes/{scene.programme.id}/matches"

    def listed(**query: Any) -> list[str]:
        return [each["shortlist"] for each in scene.get(path, scene.officer, **query).json["data"]]

    assert (listed(), listed(shortlist="none"), listed(shortlist="passed")) == (["none"], ["none"], [])
    put(scene, scene.officer, PASSED)
    assert (listed(), listed(shortlist="none"), listed(shortlist="passed")) == (["passed"], [], ["passed"])


def test_nothing_that_the_group_can_ask_changes_by_a_byte(scene: Scene) -> None:
    proposal = f"/proposals/{scene.proposal.id}"
    paths = [proposal, f"{proposal}/matches", f"{proposal}/match-summary", f"{proposal}/pipeline", "/events?limit=100"]

    def told() -> list[bytes]:
        return [scene.client.get(f"/v1{path}", headers=scene.nurse.headers).data for path in paths]

    def recorded() -> list[Any]:
        jobs = scene.session.scalar(text("SELECT count(*) FROM procrastinate_jobs"))
        return [scene.session.scalar(select(func.count()).select_from(each)) for each in (Event, AuditEntry)] + [jobs]

    before = told(), recorded()
    put(scene, scene.officer, {"state": "shortlisted", "note": "A strong team"})
    put(scene, scene.officer, PASSED)

    assert (told(), recorded()) == before
