"""The audit trail over HTTP, refusals in it, its published heads, and the commands that verify and export."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from marketplace.feeds.audit import pseudonym
from marketplace.feeds.heads import AUDIENCE, HeadsNotGenuine, file_of, genuine_heads, leaves_of, publish_heads
from marketplace.feeds.jobs import publish_audit_heads
from marketplace.identity.authentication import ISSUER
from marketplace.identity.models import User
from marketplace.store import journal
from marketplace.store.base import db, new_id
from marketplace.store.chain import MARKETPLACE, AuditHead
from marketplace.store.journal import AuditEntry, Event
from marketplace.store.mail import present_settings
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.merkle import Step, root_by_path
from tests.builders import Person, a_member, a_person, an_organisation
from tests.pledges.scene import Scene, a_scene


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    return a_scene(session, client)


def trail(scene: Scene, person: Person, organisation: Any, query: str = "") -> Any:
    return scene.read(person, f"/organisations/{organisation.id}/audit{query}")


def test_members_read_their_trail_in_pages_without_gaps(scene: Scene) -> None:
    scene.signed()
    seen: list[int] = []
    path = "?limit=2"
    while path:
        answer = trail(scene, scene.officer, scene.funder, path)
        assert answer.status_code == 200, answer.json
        seen += [each["seq"] for each in answer.json["data"]]
        path = f"?limit=2&cursor={answer.json['next_cursor']}" if answer.json["has_more"] else ""

    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= 4


def test_the_trail_is_its_members_alone(scene: Scene) -> None:
    stranger = a_person(scene.session)
    for path in ("audit", "audit/head"):
        ours = f"/organisations/{scene.group.id}/{path}"
        assert scene.read(scene.nurse, ours).status_code == 200
        assert scene.read(scene.officer, ours).status_code == 404
        assert scene.read(stranger, ours).status_code == 404


def test_entries_are_found_by_type_subject_actor_and_day(scene: Scene) -> None:
    pledge = scene.accepted()
    everything = trail(scene, scene.officer, scene.funder, "?limit=100").json["data"]

    def found(query: str) -> list[dict[str, Any]]:
        return list(trail(scene, scene.officer, scene.funder, f"?limit=100&{query}").json["data"])

    assert [each["type"] for each in found("type=pledge.accepted")] == ["pledge.accepted"]
    assert {each["subject_id"] for each in found(f"subject_id={pledge}")} == {pledge}
    by_officer = found(f"actor={scene.officer.id}")
    assert {each["actor"]["user_id"] for each in by_officer} == {str(scene.officer.id)}
    assert found(f"actor={scene.nurse.id}") == []
    day, ahead = today(), today() + timedelta(days=2)
    assert len(found(f"since={day - timedelta(days=1)}&until={ahead}")) == len(everything)
    assert found(f"since={ahead}") == []


def test_who_acts_for_another_has_a_pseudonym_of_this_trail_alone(scene: Scene) -> None:
    scene.accepted()

    of_group = trail(scene, scene.nurse, scene.group, "?type=pledge.accepted").json["data"][0]["actor"]
    of_funder = trail(scene, scene.officer, scene.funder, "?type=pledge.accepted").json["data"][0]["actor"]

    name = scene.session.get_one(User, scene.nurse.id).name
    assert (of_group["user_id"], of_group["name"]) == (str(scene.nurse.id), name)
    assert (of_funder["user_id"], of_funder["name"]) == (None, None)
    assert of_funder["pseudonym"] == pseudonym(scene.funder.id, scene.nurse.id)
    assert of_funder["pseudonym"] != of_group["pseudonym"]


def test_an_offer_leads_to_its_decision_and_the_replay(scene: Scene) -> None:
    pledge = scene.offered()

    entry = trail(scene, scene.officer, scene.funder, "?type=pledge.offered").json["data"][0]

    assert entry["decisions"] == [f"/v1/pledges/{pledge}/decision"]
    replay = scene.read(scene.officer, f"/pledges/{pledge}/decision/replay")
    assert replay.json["equal"] is True


def test_a_refusal_is_written_once_an_hour_and_is_no_event(scene: Scene) -> None:
    viewer = a_member(scene.session, scene.funder, "viewer")
    events = len(scene.session.scalars(select(Event.id)).all())
    body = {"programme_id": str(scene.programme.id), "proposal_id": str(scene.proposal.id), "parts": []}
    body["parts"] = [{"instrument": "grant", "amount": 100}]
    for _ in range(3):
        assert scene.do(viewer, "/pledges", body).status_code == 403

    refused = trail(scene, scene.officer, scene.funder, "?type=access.refused").json["data"]

    assert [each["refused"] for each in refused] == [{"operation": "POST /v1/pledges", "code": "role-not-enough"}]
    assert refused[0]["actor"]["user_id"] == str(viewer.id)
    assert len(scene.session.scalars(select(Event.id)).all()) == events


def test_a_refused_reading_is_written_too(scene: Scene) -> None:
    approver = a_member(scene.session, scene.group, "approver")
    path = f"/organisations/{scene.group.id}/invitations"

    assert scene.read(approver, path).status_code == 403

    refused = trail(scene, scene.nurse, scene.group, "?type=access.refused").json["data"]
    assert [each["refused"]["code"] for each in refused] == ["role-not-enough"]


def test_a_refusal_by_the_operators_door_is_in_the_marketplaces_chain(scene: Scene) -> None:
    assert scene.read(scene.nurse, "/verification-queue").status_code == 403

    entry = scene.session.scalars(
        select(AuditEntry).where(AuditEntry.organisation_id == MARKETPLACE).order_by(AuditEntry.seq.desc())
    ).first()
    assert entry is not None
    assert (entry.type, entry.actor_user_id) == ("access.refused", scene.nurse.id)


def test_a_stranger_writes_nothing_into_a_record(scene: Scene) -> None:
    before = scene.session.get_one(AuditHead, scene.group.id).seq

    assert scene.read(scene.officer, f"/organisations/{scene.group.id}/invitations").status_code == 404

    scene.session.expire_all()
    assert scene.session.get_one(AuditHead, scene.group.id).seq == before


def test_the_published_root_is_signed_and_proves_each_head(scene: Scene, client: FlaskClient) -> None:
    assert client.get("/v1/audit/head").status_code == 404
    publish_heads(scene.session)
    scene.session.commit()

    published = client.get("/v1/audit/head").json
    head = scene.read(scene.nurse, f"/organisations/{scene.group.id}/audit/head").json

    keys = jwt.PyJWKSet.from_dict(client.get("/.well-known/jwks.json").json)
    claims = jwt.decode(published["signature"], keys.keys[0], algorithms=["EdDSA"], audience=AUDIENCE, issuer=ISSUER)
    assert {name: claims[name] for name in ("day", "count", "root")} == {
        name: published[name] for name in ("day", "count", "root")
    }
    proof = head["published"]
    leaf = {"organisation_id": str(scene.group.id), "seq": proof["seq"], "hash": proof["hash"]}
    path = [Step(**each) for each in proof["path"]]
    assert root_by_path(leaves_of([leaf])[0], path) == published["root"]
    assert root_by_path(leaves_of([{**leaf, "seq": 99}])[0], path) != published["root"]
    assert (head["seq"], head["hash"]) == (proof["seq"], proof["hash"])


def test_the_published_root_is_the_days_and_no_bell(scene: Scene, client: FlaskClient) -> None:
    first = publish_heads(scene.session)
    scene.session.commit()
    before = client.get("/v1/audit/head").json
    scene.signed()

    assert publish_heads(scene.session).id == first.id
    assert client.get("/v1/audit/head").json == before


def test_a_published_signature_opens_no_door(scene: Scene, client: FlaskClient) -> None:
    signature = publish_heads(scene.session).signature
    scene.session.commit()

    assert client.get("/v1/account", headers={"Authorization": f"Bearer {signature}"}).status_code == 401


def test_heads_that_were_not_signed_are_not_genuine(scene: Scene) -> None:
    told = file_of(publish_heads(scene.session))
    settings = present_settings()

    assert genuine_heads(told, settings) == told["heads"]
    for changed in (
        {"heads": told["heads"][1:]},
        {"day": "2020-01-01"},
        {"signature": told["signature"][:-4] + "AAAA"},
    ):
        with pytest.raises(HeadsNotGenuine):
            genuine_heads(told | changed, settings)


def test_the_commands_export_and_verify_and_fail_on_what_was_changed(committed_app: Flask, tmp_path: Path) -> None:
    run = committed_app.test_cli_runner().invoke
    organisations = [new_id(), new_id()]
    with committed_app.app_context():
        for each in [*organisations, *organisations]:
            path, audience = f"/v1/things/{each}", journal.only(each)
            journal.record(db.session(), "thing.made", "thing", each, actor=Actor(), audience=audience, path=path)
        db.session.commit()
    exported = run(args=["export-audit-heads", str(tmp_path)])
    assert exported.exit_code == 0, exported.output
    good = run(args=["verify-audit", "--heads", str(tmp_path)])
    assert good.exit_code == 0, good.output
    assert "2 chains, 4 entries, 0 bound rows, 2 heads; 0 faults." in good.output

    changed, other = organisations
    with committed_app.app_context():
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
        hit = text("UPDATE audit_entry SET type = 'x' WHERE organisation_id = :id AND seq = 2")
        db.session.execute(hit, {"id": changed})
        db.session.commit()

    for arguments in ([], ["--organisation", str(changed)]):
        bad = run(args=["verify-audit", "--heads", str(tmp_path), *arguments])
        assert bad.exit_code == 1
        assert f"organisation {changed}, entry 2: its event says otherwise" in bad.output
    assert run(args=["verify-audit", "--organisation", str(other)]).exit_code == 0
    (tmp_path / "forged.json").write_text(json.dumps({"day": "2026-01-01", "heads": []}))
    forged = run(args=["verify-audit", "--heads", str(tmp_path), "--organisation", str(other)])
    assert forged.exit_code == 1
    assert "forged.json: the signature is not ours" in forged.output


def test_the_days_job_writes_the_file_and_may_run_again(scene: Scene) -> None:
    for _ in range(2):
        publish_audit_heads(0)

    folder = present_settings().audit_heads_folder
    told = json.loads((folder / f"{today().isoformat()}.json").read_text())
    assert genuine_heads(told, present_settings()) == told["heads"]
    assert str(scene.group.id) in {each["organisation_id"] for each in told["heads"]}


def test_an_organisation_without_a_record_stands_at_nothing(scene: Scene) -> None:
    fresh = an_organisation(scene.session, name="Fresh")
    owner = a_member(scene.session, fresh)

    head = scene.read(owner, f"/organisations/{fresh.id}/audit/head").json

    assert (head["seq"], head["hash"], head["published"]) == (0, "0" * 64, None)
