"""The fair-competition record over HTTP: only added to, corrected by name, and read by whom the group lets."""

import csv
import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.values.clock import today
from tests.builders import a_member, an_organisation
from tests.pipeline.scene import Scene
from tests.procurement.asking import change, codes, entered, entry, pointers
from tests.proposals.builders import share

SPONSOR = {"kind": "sponsor", "role": "Director of commissioning", "person_name": "Iris Able"}


def lines(scene: Scene, who: str = "nurse", query: str = "") -> list[dict[str, Any]]:
    answer = scene.read(f"/fair-competition-lines{query}", who)
    assert answer.status_code == 200, answer.json
    return list(answer.json["data"])


def head(scene: Scene, who: str = "nurse") -> Any:
    return scene.read("/fair-competition-record", who)


def name_readers(scene: Scene, *organisations: Any) -> Any:
    body = {"organisations": [str(each) for each in organisations]}
    return change(scene, scene.path("/fair-competition-record/readers"), body)


def publish(scene: Scene, who: str = "nurse") -> Any:
    return scene.send(who, scene.path("/fair-competition-record/publication"))


def read_document(scene: Scene, who: str, **members: Any) -> str:
    """Somebody reads a business plan: its evidence's id."""
    evidence, version = scene.submit("business_plan", **members)
    named = {"organisation_id": str(scene.people[who].actor(scene.session).memberships[0].organisation_id)}
    granted = scene.send("nurse", f"/v1/evidence/{evidence}/access-grants", named)
    assert granted.status_code == 201, granted.json
    read = scene.client.get(f"/v1/evidence-versions/{version}/content", headers=scene.people[who].headers)
    assert read.status_code == 200
    return evidence


def test_entries_and_readings_stand_in_one_list_in_their_order(scene: Scene) -> None:
    first = entered(scene)
    evidence = read_document(scene, "director")
    second = entered(scene, **SPONSOR)

    told = lines(scene)
    assert [(each["type"], each["number"], each["id"]) for each in told if each["type"] == "entry"] == [
        ("entry", 1, first),
        ("entry", 2, second),
    ]
    assert [each["type"] for each in told] == ["entry", "reading", "entry"]
    reading = told[1]
    assert (reading["evidence_id"], reading["what"], reading["reader_name"], reading["evidence_version"]) == (
        evidence,
        "content",
        "Leeds Community NHS Trust",
        1,
    )


def test_the_list_is_walked_in_pages_and_exported_whole_as_csv(scene: Scene) -> None:
    for number in range(3):
        entered(scene, words=f"=Day {number}")
    read_document(scene, "director")

    whole = [each["id"] for each in lines(scene)]
    walked, cursor = [], ""
    for _ in whole:
        page = scene.read(f"/fair-competition-lines?limit=1{cursor}").json
        walked += [each["id"] for each in page["data"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert walked == whole
    assert page["has_more"] is False

    sent = scene.people["nurse"].headers | {"Accept": "text/csv"}
    answer = scene.client.get(scene.path("/fair-competition-lines"), headers=sent)
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert [each["id"] for each in rows] == whole
    assert rows[0]["words"] == "'=Day 0", "no spreadsheet computes it"
    assert rows[0]["kind_label"] == "Information day"


def test_the_authority_that_is_shown_the_proposal_by_name_reads_all_and_adds_its_own(scene: Scene) -> None:
    entered(scene, **SPONSOR)

    own = entry(scene, "buyer", kind="evaluator", role="Chair of the panel", person_name="Hal Just")
    assert own.status_code == 201, own.json
    assert head(scene, "buyer").json["standing"] == "authority"
    assert [each["person_name"] for each in lines(scene, "buyer")] == ["Iris Able", "Hal Just"]
    assert [each["person_name"] for each in lines(scene, "director")] == ["Iris Able", "Hal Just"]
    for who in ("adviser", "officer", "stranger"):
        assert codes(head(scene, who)) == codes(scene.read("/fair-competition-lines", who)) == (404, "not-found")
        assert codes(entry(scene, who)) == (404, "not-found")


def test_an_authority_that_is_kept_out_knows_of_no_record(scene: Scene) -> None:
    entered(scene, "director", kind="evaluator", role="Chair", person_name="Hal Just")
    share(scene.session, scene.proposal.id, scene.people["nurse"], visibility="verified_funders")

    assert codes(head(scene, "director")) == codes(entry(scene, "director")) == (404, "not-found")
    assert len(lines(scene)) == 1


def test_a_viewer_of_the_group_or_of_the_authority_reads_and_adds_nothing(scene: Scene) -> None:
    scene.people["clerk"] = a_member(scene.session, scene.employer, "viewer")

    for who in ("viewer", "clerk"):
        assert codes(entry(scene, who))[0] == 403
        assert lines(scene, who) == []


def test_a_correction_names_what_it_replaces_and_both_stay(scene: Scene) -> None:
    wrong = entered(scene, **SPONSOR)
    right = entered(scene, **(SPONSOR | {"person_name": "Ivo Able"}), corrects_id=wrong)

    assert codes(entry(scene, **SPONSOR, corrects_id=wrong)) == (409, "entry-already-corrected")
    told = {each["id"]: (each["person_name"], each["corrected_by_id"]) for each in lines(scene)}
    assert told == {wrong: ("Iris Able", right), right: ("Ivo Able", None)}


def test_nobody_corrects_what_another_organisation_put_on_record(scene: Scene) -> None:
    own = entered(scene)

    assert pointers(entry(scene, "director", corrects_id=own)) == ["#/corrects_id"]


def test_an_entry_that_says_too_little_is_refused_with_every_fault(scene: Scene) -> None:
    answer = entry(scene, kind="evaluator", organisation_name=None, words=None, happened_on="2199-01-01")

    assert answer.status_code == 422
    assert pointers(answer) == ["#/happened_on", "#/role", "#/organisation_name"]


def test_an_entry_is_never_changed(scene: Scene) -> None:
    entered(scene)

    for statement in ("UPDATE fair_competition_entry SET kind = 'sponsor'", "DELETE FROM fair_competition_entry"):
        with pytest.raises(IntegrityError), scene.session.begin_nested():
            scene.session.execute(text(statement))


def test_the_group_names_who_else_reads_the_whole_record(scene: Scene) -> None:
    other = an_organisation(scene.session, kind="adviser", name="Audit West")
    scene.people["auditor"] = a_member(scene.session, other)
    entered(scene, **SPONSOR)
    assert codes(head(scene, "auditor"))[0] == 404

    named = name_readers(scene, other.id)
    assert named.json["readers"] == [str(other.id)]
    assert head(scene, "auditor").json["standing"] == "reader"
    assert head(scene, "auditor").json["readers"] is None
    assert [each["person_name"] for each in lines(scene, "auditor")] == ["Iris Able"]
    assert codes(entry(scene, "auditor"))[0] == 404

    assert name_readers(scene).json["readers"] == []
    assert codes(head(scene, "auditor"))[0] == 404


def test_only_organisations_that_anybody_finds_and_that_are_not_kept_out_can_be_named(scene: Scene) -> None:
    hidden = an_organisation(scene.session, kind="staff_group", name="Another group")
    excluded = an_organisation(scene.session, kind="funder", name="Kept out")
    share(scene.session, scene.proposal.id, scene.people["nurse"], visibility="named", excluded=[excluded.id])

    answer = name_readers(scene, hidden.id, excluded.id, scene.group.id, scene.funder.id)

    assert pointers(answer) == [f"#/organisations/{each}" for each in (0, 1, 2)]


def test_what_is_public_is_read_once_it_is_published_by_whoever_sees_the_proposal_plainly(scene: Scene) -> None:
    hidden, shown = entered(scene, **SPONSOR), entered(scene, **SPONSOR, public=True)
    read_document(scene, "director")
    share(scene.session, scene.proposal.id, scene.people["nurse"], visibility="public")
    assert codes(head(scene, "stranger"))[0] == 404

    assert publish(scene).status_code == 200
    assert codes(publish(scene)) == (409, "record-already-published")

    told = head(scene, "stranger").json
    assert (told["standing"], told["entries"], told["conflicts"], told["readers"]) == ("public", None, None, None)
    (line,) = lines(scene, "stranger")
    assert (line["id"], line["role"], line["person_name"]) == (shown, "Director of commissioning", None)

    entered(scene, **SPONSOR, corrects_id=shown)
    assert lines(scene, "stranger") == []
    assert hidden in {each["id"] for each in lines(scene)}


def test_a_proposal_under_a_pseudonym_shows_no_record(scene: Scene) -> None:
    entered(scene, public=True)
    publish(scene)
    share(scene.session, scene.proposal.id, scene.people["nurse"], visibility="verified_funders")

    assert scene.client.get(scene.path(""), headers=scene.people["stranger"].headers).status_code == 200
    assert codes(head(scene, "stranger"))[0] == 404


def test_outside_the_group_titles_follow_the_document_and_readers_are_public_bodies_or_oneself(scene: Scene) -> None:
    read_document(scene, "adviser", title="Our secret plan")
    read_document(scene, "director", title="Our plan for the trust")

    told = [(each["evidence_title"], each["reader_name"]) for each in lines(scene, "director")]
    assert told == [(None, None), ("Our plan for the trust", "Leeds Community NHS Trust")]
    assert [each["reader_name"] for each in lines(scene)] == ["Mutual Advice", "Leeds Community NHS Trust"]
    assert [each["reader_standing"] for each in lines(scene, "director")] == ["verifier", "granted"]


def test_conflicts_that_people_of_the_group_declared_are_told_without_names_or_words(scene: Scene) -> None:
    entered(scene)
    interest = {"organisation_id": str(scene.employer.id), "kind": "financial", "words": "Shares of my own."}
    declared = scene.send("nurse", "/v1/me/interests", interest | {"from": today().isoformat()})
    assert declared.status_code == 201, declared.json

    told = head(scene, "director")
    assert told.json["conflicts"] == [
        {"side": "group", "kind": "financial", "about": "parent", "declared": True, "managed": False}
    ]
    assert "Shares" not in told.text


def test_a_private_proposal_s_record_is_for_the_group_alone_and_the_rest_hear_what_is_absent(
    session: Session, client: FlaskClient, scene: Scene
) -> None:
    entered(scene)
    publish(scene)
    share(session, scene.proposal.id, scene.people["nurse"], visibility="private")
    absent = "00000000-0000-7000-8000-000000000000"

    for who in ("director", "stranger"):
        headers = scene.people[who].headers
        hidden = head(scene, who).json
        nothing = client.get(f"/v1/proposals/{absent}/fair-competition-record", headers=headers).json
        for each in (hidden, nothing):
            each.pop("instance")
            each.pop("request_id")
        assert hidden == nothing


def test_events_of_the_record_reach_the_group_the_authority_that_writes_and_those_named(scene: Scene) -> None:
    entered(scene)
    entered(scene, "director", kind="evaluator", role="Chair", person_name="Hal Just")
    entered(scene)

    query = text("SELECT organisation_ids FROM event WHERE subject_kind = 'fair_competition_record' ORDER BY seq")
    heard = [set(each) for each in scene.session.scalars(query)]
    assert heard == [{scene.group.id}, {scene.group.id, scene.employer.id}, {scene.group.id, scene.employer.id}]
