"""Evidence over HTTP: what each party may do, and what hostile uploads get."""

from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from marketplace.evidence import policy, service, uploads
from marketplace.evidence.rules import MOST_VERSIONS
from marketplace.store import documents
from marketplace.store.base import db
from marketplace.store.journal import Event
from tests.builders import a_person, an_organisation
from tests.evidence.scene import PDF, Scene, a_scene


def test_a_group_opens_evidence_and_submits_a_document(scene: Scene) -> None:
    opened = scene.open(milestone="business_plan_v1")
    answer = scene.upload(opened.json["id"])

    assert opened.status_code == answer.status_code == 201
    assert opened.headers["Location"] == f"/v1/evidence/{opened.json['id']}"
    assert answer.headers["Location"] == f"/v1/evidence-versions/{answer.json['id']}"
    assert (answer.json["number"], answer.json["state"], answer.json["size"]) == (1, "submitted", len(PDF))


def test_evidence_names_no_person_and_no_group(scene: Scene) -> None:
    version = scene.uploaded()
    scene.verify(version)

    shown = scene.read(f"/v1/evidence-versions/{version}", scene.officer).text

    for hidden in (scene.nurse.id, scene.officer.id, scene.group):
        assert str(hidden) not in shown


@pytest.mark.parametrize(
    ("draft", "pointer"),
    [
        pytest.param({"kind": "selfie"}, "#/kind", id="a kind that is on no list"),
        pytest.param({"milestone": "lunch"}, "#/milestone", id="a milestone that is on no list"),
        pytest.param({"fact": "shoe_size"}, "#/fact", id="a fact that is not in the registry"),
        pytest.param({"title": ""}, "#/title/en", id="no title"),
        pytest.param({"organisation_id": "x"}, "#/organisation_id", id="a member that is not the caller's to set"),
    ],
)
def test_evidence_that_makes_no_sense_is_refused(scene: Scene, draft: dict[str, object], pointer: str) -> None:
    answer = scene.open(**draft)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


def test_a_new_version_supersedes_the_one_that_waits(scene: Scene) -> None:
    evidence = scene.opened()
    scene.upload(evidence)
    scene.upload(evidence, PDF + b" Better.")

    versions = scene.read(f"/v1/evidence/{evidence}").json["versions"]

    assert [(each["number"], each["state"]) for each in versions] == [(2, "submitted"), (1, "superseded")]


def test_a_new_version_leaves_an_accepted_one_accepted(scene: Scene) -> None:
    evidence = scene.opened()
    scene.verify(scene.upload(evidence).json["id"])
    scene.upload(evidence, PDF + b" Better.")

    versions = scene.read(f"/v1/evidence/{evidence}").json["versions"]

    assert [(each["number"], each["state"]) for each in versions] == [(2, "submitted"), (1, "accepted")]


def test_the_tag_of_evidence_changes_with_each_version(scene: Scene) -> None:
    opened = scene.open()
    path = f"/v1/evidence/{opened.json['id']}"
    scene.upload(opened.json["id"])

    again = scene.client.get(path, headers=scene.nurse.headers | {"If-None-Match": opened.headers["ETag"]})

    assert again.status_code == 200
    unchanged = scene.client.get(path, headers=scene.nurse.headers | {"If-None-Match": again.headers["ETag"]})
    assert unchanged.status_code == 304


def test_the_content_is_an_attachment_that_no_browser_sniffs_or_runs(scene: Scene) -> None:
    version = scene.upload(scene.opened(), disposition="attachment; filename*=UTF-8''cynllun%20%C5%B5.pdf").json["id"]

    answer = scene.read(f"/v1/evidence-versions/{version}/content", scene.officer)

    assert answer.data == PDF
    assert answer.content_type == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "cynllun%20%C5%B5.pdf" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


HOSTILE = [
    pytest.param({"content": b""}, 422, "document-empty", id="nothing at all"),
    pytest.param({"disposition": None}, 422, "document-name-not-usable", id="no name"),
    pytest.param({"disposition": "attachment"}, 422, "document-name-not-usable", id="no file name"),
    pytest.param({"disposition": 'attachment; filename=".."'}, 422, "document-name-not-usable", id="only dots"),
    pytest.param({"disposition": f'attachment; filename="{"a" * 300}"'}, 422, "document-name-not-usable", id="long"),
    pytest.param({"media_type": "text/html"}, 415, "unsupported-media-type", id="a page"),
    pytest.param({"media_type": "image/svg+xml"}, 415, "unsupported-media-type", id="a drawing that runs"),
    pytest.param({"media_type": "application/json"}, 415, "unsupported-media-type", id="JSON"),
    pytest.param({"media_type": ""}, 415, "unsupported-media-type", id="no type"),
    pytest.param({"content": b"<script>"}, 415, "unsupported-media-type", id="a page that calls itself a PDF"),
    pytest.param({"content": b"a\x00", "media_type": "text/plain"}, 415, "unsupported-media-type", id="NUL in text"),
    pytest.param({"Content-Encoding": "gzip"}, 415, "unsupported-media-type", id="compressed"),
]


@pytest.mark.parametrize(("hostile", "status", "code"), HOSTILE)
def test_a_hostile_upload_is_refused_and_leaves_nothing(
    scene: Scene, hostile: dict[str, object], status: int, code: str
) -> None:
    evidence = scene.opened()

    answer = scene.upload(evidence, **hostile)  # type: ignore[arg-type]

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"
    assert scene.read(f"/v1/evidence/{evidence}").json["versions"] == []


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "streamed without a length"])
def test_a_document_over_the_limit_is_refused(scene: Scene, announced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scene.client.application.config, "UPLOAD_LIMIT", 1_000)
    evidence = scene.opened()
    content = PDF + b"x" * 1_000
    headers = scene.nurse.headers | {"Content-Disposition": "attachment; filename=plan.pdf"}
    if announced:
        answer = scene.upload(evidence, content)
    else:
        answer = scene.client.post(
            f"/v1/evidence/{evidence}/versions",
            input_stream=BytesIO(content),
            headers=headers,
            content_type="application/pdf",
            environ_overrides={"wsgi.input_terminated": True},
        )

    assert (answer.status_code, answer.json["code"]) == (413, "content-too-large")
    assert scene.read(f"/v1/evidence/{evidence}").json["versions"] == []


def test_a_document_of_exactly_the_limit_is_taken(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scene.client.application.config, "UPLOAD_LIMIT", len(PDF))

    assert scene.upload(scene.opened()).status_code == 201


def test_a_name_with_folders_in_it_reaches_no_folder(scene: Scene) -> None:
    answer = scene.upload(scene.opened(), disposition='attachment; filename="../../../tmp/plan.pdf"')

    assert answer.json["filename"] == "plan.pdf"
    with scene.client.application.app_context():
        assert documents.path_of(answer.json["sha256"]).is_file()
        assert not list(documents.documents_folder().rglob("plan.pdf"))


def test_a_body_that_looks_like_broken_json_is_a_document_all_the_same(scene: Scene) -> None:
    answer = scene.upload(scene.opened(), b'{"a": 1, "a": NaN', media_type="text/plain")

    assert answer.status_code == 201


def test_an_upload_that_is_repeated_with_its_key_is_one_version(scene: Scene) -> None:
    evidence = scene.opened()
    first = scene.upload(evidence, **{"Idempotency-Key": "k1"})
    again = scene.upload(evidence, **{"Idempotency-Key": "k1"})

    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(scene.read(f"/v1/evidence/{evidence}").json["versions"]) == 1


@pytest.mark.parametrize(
    "other", [{"content": PDF + b" Other."}, {"disposition": "attachment; filename=other.pdf"}], ids=["content", "name"]
)
def test_a_key_belongs_to_one_document(scene: Scene, other: dict[str, object]) -> None:
    evidence = scene.opened()
    scene.upload(evidence, **{"Idempotency-Key": "k2"})

    answer = scene.upload(evidence, **{"Idempotency-Key": "k2"} | other)  # type: ignore[arg-type]

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency-key-reused")


def test_evidence_takes_so_many_versions_and_no_more(scene: Scene) -> None:
    evidence = scene.opened()
    scene.upload(evidence)
    scene.session.execute(
        text(
            "INSERT INTO evidence_version (id, evidence_id, number, filename, media_type, size, sha256, submitted_by)"
            " SELECT gen_random_uuid(), evidence_id, each, filename, media_type, size, sha256, submitted_by"
            " FROM evidence_version, generate_series(2, :most) AS each WHERE evidence_id = :evidence"
        ),
        {"most": MOST_VERSIONS, "evidence": evidence},
    )
    scene.session.commit()

    answer = scene.upload(evidence)

    assert (answer.status_code, answer.json["code"]) == (409, "too-many-evidence-versions")


def test_a_viewer_of_the_group_reads_and_submits_nothing(scene: Scene) -> None:
    evidence = scene.opened()

    assert scene.read(f"/v1/evidence/{evidence}", scene.viewer).status_code == 200
    assert scene.open(scene.viewer).json["code"] == "role-not-enough"
    assert scene.upload(evidence, person=scene.viewer).json["code"] == "role-not-enough"


def test_a_party_sees_and_submits_nothing(scene: Scene) -> None:
    evidence = scene.opened()

    assert scene.read(f"/v1/evidence/{evidence}", scene.officer).status_code == 200
    assert scene.open(scene.officer).status_code == 404
    assert scene.upload(evidence, person=scene.officer).status_code == 404


def nameless(problem: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in problem.items() if name not in {"instance", "request_id"}}


def test_to_a_stranger_evidence_is_as_if_it_were_not(scene: Scene) -> None:
    version = scene.uploaded()
    evidence = scene.read(f"/v1/evidence-versions/{version}").json["evidence_id"]
    absent = str(uuid4())
    for there, nowhere in (
        (f"/v1/evidence/{evidence}", f"/v1/evidence/{absent}"),
        (f"/v1/evidence-versions/{version}", f"/v1/evidence-versions/{absent}"),
        (f"/v1/evidence-versions/{version}/content", f"/v1/evidence-versions/{absent}/content"),
        (f"/v1/proposals/{scene.proposal}/evidence", f"/v1/proposals/{absent}/evidence"),
    ):
        hidden, missing = scene.read(there, scene.stranger), scene.read(nowhere, scene.stranger)
        assert (hidden.status_code, nameless(hidden.json)) == (missing.status_code, nameless(missing.json))
        assert hidden.status_code == 404
    assert scene.verify(version, scene.stranger).status_code == 404
    assert scene.upload(evidence, person=scene.stranger).status_code == 404


def test_a_list_holds_exactly_what_the_caller_may_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [scene.opened() for _ in range(5)]
    monkeypatch.setattr(policy, "VIEWERS", [lambda _session, _actor, each: str(each.id) in ids[1::2]])
    monkeypatch.setattr(policy, "VERIFIERS", [])

    listed: list[str] = []
    path = f"/v1/proposals/{scene.proposal}/evidence?limit=1"
    while path:
        answer = scene.read(path, scene.officer)
        listed += [each["id"] for each in answer.json["data"]]
        cursor = answer.json["next_cursor"]
        path = f"/v1/proposals/{scene.proposal}/evidence?limit=1&cursor={cursor}" if cursor else ""

    assert listed == ids[1::2]
    assert [each for each in ids if scene.read(f"/v1/evidence/{each}", scene.officer).status_code == 200] == listed


def test_a_named_verifier_accepts_with_a_reason(scene: Scene) -> None:
    version = scene.uploaded()

    answer = scene.verify(version)

    assert answer.status_code == 201
    assert answer.json["verifier_organisation_id"] == str(scene.funder)
    shown = scene.read(f"/v1/evidence-versions/{version}").json
    assert (shown["state"], shown["verification"]["decision"]) == ("accepted", "accepted")


def test_a_version_is_decided_once(scene: Scene) -> None:
    version = scene.uploaded()
    scene.verify(version, decision="rejected")

    answer = scene.verify(version)

    assert (answer.status_code, answer.json["code"]) == (409, "evidence-already-decided")
    assert scene.read(f"/v1/evidence-versions/{version}").json["state"] == "rejected"


def test_a_superseded_version_is_not_decided(scene: Scene) -> None:
    evidence = scene.opened()
    version = scene.upload(evidence).json["id"]
    scene.upload(evidence, PDF + b" Better.")

    assert scene.verify(version).json["code"] == "evidence-already-decided"


def codes(problem: dict[str, object]) -> list[str]:
    return [reason["code"] for reason in problem["reasons"]]  # type: ignore[index, attr-defined]


def test_the_group_does_not_verify_its_own_evidence(scene: Scene) -> None:
    answer = scene.verify(scene.uploaded(), scene.nurse)

    assert (answer.status_code, answer.json["code"]) == (403, "may-not-verify")
    assert codes(answer.json) == ["VERIFIER_OUTSIDE_GROUP", "VERIFIER_NOT_SUBMITTER", "VERIFIER_NAMED"]


def test_who_submitted_it_does_not_verify_it_even_for_the_funder_after_leaving_the_group(scene: Scene) -> None:
    version = scene.uploaded()
    scene.session.execute(
        text("UPDATE membership SET organisation_id = :funder WHERE user_id = :nurse"),
        {"funder": scene.funder, "nurse": scene.nurse.id},
    )
    scene.session.commit()

    answer = scene.verify(version, scene.nurse)

    assert (answer.status_code, codes(answer.json)) == (403, ["VERIFIER_NOT_SUBMITTER"])


def test_a_member_of_the_funder_who_also_belongs_to_the_group_does_not_verify(scene: Scene) -> None:
    version = scene.uploaded()
    scene.session.execute(
        text(
            "INSERT INTO membership (id, organisation_id, user_id, role)"
            " VALUES (gen_random_uuid(), :group, :officer, 'viewer')"
        ),
        {"group": scene.group, "officer": scene.officer.id},
    )
    scene.session.commit()

    assert codes(scene.verify(version).json) == ["VERIFIER_OUTSIDE_GROUP"]


def test_a_party_that_is_not_named_does_not_verify(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    version = scene.uploaded()
    monkeypatch.setattr(policy, "VERIFIERS", [])

    assert codes(scene.verify(version).json) == ["VERIFIER_NAMED"]


def test_a_verifier_needs_a_role_and_a_verified_organisation(scene: Scene) -> None:
    version = scene.uploaded()
    scene.session.execute(text("UPDATE membership SET role = 'viewer' WHERE user_id = :id"), {"id": scene.officer.id})
    scene.session.commit()
    reader = scene.verify(version)
    scene.session.execute(text("UPDATE membership SET role = 'editor' WHERE user_id = :id"), {"id": scene.officer.id})
    scene.session.execute(
        text("UPDATE organisation SET verification = 'unverified' WHERE id = :id"), {"id": scene.funder}
    )
    scene.session.commit()
    unverified = scene.verify(version)

    assert [reader.json["code"], unverified.json["code"]] == ["role-not-enough", "organisation-not-verified"]


def test_what_follows_from_an_acceptance_happens_with_it_or_not_at_all(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise policy.NotFound("no such tranche")

    version = scene.uploaded()
    monkeypatch.setattr(service, "ON_ACCEPTED", [fails])

    assert scene.verify(version).status_code == 404
    assert scene.read(f"/v1/evidence-versions/{version}").json["state"] == "submitted"


def test_a_rejection_calls_nothing_that_follows_from_acceptance(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr(service, "ON_ACCEPTED", [lambda *about: called.append(about)])

    scene.verify(scene.uploaded(), decision="rejected")

    assert called == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evidence_version SET sha256 = repeat('0', 64)",
        "UPDATE evidence_version SET filename = 'other.pdf'",
        "UPDATE evidence_version SET size = size + 1",
        "UPDATE evidence_version SET submitted_by = (SELECT id FROM user_account ORDER BY id LIMIT 1 OFFSET 1)",
        "UPDATE evidence_version SET state = 'submitted'",
        "UPDATE evidence_version SET state = 'superseded'",
        "DELETE FROM evidence_version",
        "UPDATE verification SET reason = 'other'",
        "DELETE FROM verification",
        "TRUNCATE verification CASCADE",
    ],
)
def test_accepted_evidence_is_never_rewritten(scene: Scene, statement: str) -> None:
    scene.verify(scene.uploaded())

    with pytest.raises(IntegrityError, match=r"never changes|stays accepted|append-only"):
        scene.session.execute(text(statement))
    scene.session.rollback()


def test_the_group_and_the_parties_learn_of_each_step_and_nobody_else(scene: Scene) -> None:
    scene.verify(scene.uploaded())

    events = scene.session.scalars(select(Event).where(Event.type.startswith("evidence.")).order_by(Event.seq)).all()

    assert [event.type for event in events] == ["evidence.opened", "evidence.submitted", "evidence.accepted"]
    assert {event.scope for event in events} == {"organisations"}
    assert all(set(event.organisation_ids) == {scene.group, scene.funder} for event in events)


def test_a_proposal_that_is_not_there_takes_no_evidence(scene: Scene) -> None:
    answer = scene.client.post(
        f"/v1/proposals/{uuid4()}/evidence",
        json={"kind": "accounts", "title": "Accounts"},
        headers=scene.nurse.headers,
    )

    assert answer.status_code == 404


def test_a_guest_of_the_proposal_reads_its_evidence_and_does_not_verify(scene: Scene) -> None:
    guest = a_person(scene.session)
    adviser = an_organisation(scene.session, kind="adviser")
    version = scene.uploaded()
    scene.session.execute(
        text(
            "INSERT INTO membership (id, organisation_id, user_id, role, proposal_id, until) VALUES"
            " (gen_random_uuid(), :group, :guest, 'guest', :proposal, '2199-01-01'),"
            " (gen_random_uuid(), :adviser, :guest, 'owner', NULL, NULL)"
        ),
        {"group": scene.group, "guest": guest.id, "proposal": scene.proposal, "adviser": adviser.id},
    )
    scene.session.commit()

    assert scene.read(f"/v1/evidence-versions/{version}/content", guest).status_code == 200
    assert "VERIFIER_OUTSIDE_GROUP" in codes(scene.verify(version, guest).json)


def test_no_connection_to_the_database_is_held_while_a_document_arrives(
    committed_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_use: list[int] = []

    def watched(*about: Any) -> documents.Stored:
        in_use.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
        return documents.keep(*about)

    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
    monkeypatch.setattr(policy, "OWNER_OF_PROPOSAL", scene.owner_of)
    monkeypatch.setattr(policy, "AUDIENCES", [])
    monkeypatch.setattr(service, "ON_SUBMITTED", [])
    monkeypatch.setattr(uploads, "keep", watched)

    assert scene.upload(scene.opened()).status_code == 201
    assert in_use == [0]
