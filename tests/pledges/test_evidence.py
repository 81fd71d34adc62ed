"""Evidence among real parties: who sees which document, who is seen reading it, what expires, who relies on whom."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.evidence import expiry
from marketplace.identity.models import Membership, Organisation
from marketplace.pledges import queries
from marketplace.store import documents
from marketplace.store.journal import Event
from marketplace.values import clock
from marketplace.values.clock import today
from tests.builders import Person, a_member, a_person, an_organisation
from tests.pledges.scene import Scene, a_funded_programme, a_scene
from tests.proposals.builders import share

pytestmark = pytest.mark.slow

HALF = 3_000_00
ANY = {"If-Match": "*"}


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    return a_scene(session, client)


class OtherFunder:
    """A second funder with people and a programme of its own."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.home = an_organisation(scene.session, kind="funder", name="Second Fund")
        self.officer = a_member(scene.session, self.home, "editor")
        self.director = a_member(scene.session, self.home, "approver")
        self.programme = a_funded_programme(scene.session, self.home, 100_000_00)

    def signed(self) -> str:
        scene = self.scene
        body = {
            "programme_id": str(self.programme.id),
            "proposal_id": str(scene.proposal.id),
            "parts": [{"instrument": "grant", "amount": HALF}],
        }
        pledge = str(scene.do(self.officer, "/pledges", body).json["id"])
        offer = {"expires_on": (today() + timedelta(days=30)).isoformat()}
        for person, step, sent in (
            (self.officer, "offer", offer),
            (scene.nurse, "acceptance", None),
            (self.officer, "agreement", {"signed_on": today().isoformat()}),
        ):
            answer = scene.do(person, f"/pledges/{pledge}/{step}", sent)
            assert answer.status_code == 200, answer.json
        return pledge


@pytest.fixture
def other(scene: Scene) -> OtherFunder:
    return OtherFunder(scene)


def submitted(scene: Scene, content: bytes = b"%PDF-1.7 plan", **draft: Any) -> tuple[str, str]:
    """Evidence with one version: both ids."""
    body = {"kind": "business_plan", "milestone": "business_plan_v1", "title": "Our plan"} | draft
    body = {name: value for name, value in body.items() if value is not None}
    answer = scene.do(scene.nurse, f"/proposals/{scene.proposal.id}/evidence", body)
    assert answer.status_code == 201, answer.json
    evidence = str(answer.json["id"])
    return evidence, new_version(scene, evidence, content)


def new_version(scene: Scene, evidence: str, content: bytes) -> str:
    sent = scene.nurse.headers | {
        "Content-Type": "application/pdf",
        "Content-Disposition": 'attachment; filename="plan.pdf"',
    }
    answer = scene.client.post(f"/v1/evidence/{evidence}/versions", data=content, headers=sent)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def verify(scene: Scene, version: str, person: Person | None = None, **members: Any) -> TestResponse:
    body = {"decision": "accepted", "reason": "Read."} | members
    return scene.do(person or scene.adviser, f"/evidence-versions/{version}/verification", body)


def accepted(scene: Scene, content: bytes = b"%PDF-1.7 plan", **members: Any) -> tuple[str, str]:
    evidence, version = submitted(scene, content)
    answer = verify(scene, version, **members)
    assert answer.status_code == 201, answer.json
    return evidence, version


def grant(scene: Scene, evidence: str, **named: Any) -> TestResponse:
    named = {name: str(value) for name, value in named.items()}
    return scene.do(scene.nurse, f"/evidence/{evidence}/access-grants", named)


def reads(scene: Scene, person: Person, evidence: str, version: str) -> set[int]:
    """The statuses of every way to read a piece of evidence."""
    paths = (f"/evidence/{evidence}", f"/evidence-versions/{version}", f"/evidence-versions/{version}/content")
    return {scene.read(person, path).status_code for path in paths}


def listed(scene: Scene, person: Person) -> set[str]:
    answer = scene.read(person, f"/proposals/{scene.proposal.id}/evidence?limit=100")
    return {each["id"] for each in answer.json["data"]} if answer.status_code == 200 else set()


def days_from_now(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """Let the clock run on, for everything that counts days."""
    real = clock.now

    def later() -> datetime:
        return real() + timedelta(days=days)

    monkeypatch.setattr(clock, "now", later)
    monkeypatch.setattr(queries, "now", later)


# Who sees it


def test_confidential_documents_are_read_by_those_who_need_them_and_by_those_who_are_named(
    scene: Scene, other: OtherFunder
) -> None:
    """A canary in each document, every caller, every way to it: seen whole or not at all."""
    session = scene.session
    adviser_firm = an_organisation(session, kind="adviser", name="Mutual Advice")
    named_firm = an_organisation(session, kind="adviser", name="Named Advice")
    parent = an_organisation(session, kind="public_body", name="The Trust")
    scene.signed(HALF, verifier_organisation_ids=[str(adviser_firm.id)])
    other.signed()
    share(session, scene.proposal.id, scene.nurse, visibility="verified_funders", excluded=[parent.id])
    named_person, group_viewer = a_person(session, confirmed_at=clock.now()), a_member(session, scene.group, "viewer")
    callers = {
        "group": group_viewer,
        "funder": scene.officer,
        "verifier": a_member(session, adviser_firm),
        "second funder": other.officer,
        "named firm": a_member(session, named_firm),
        "named person": named_person,
        "stranger": a_member(session, an_organisation(session, kind="funder", name="Third Fund")),
        "parent": a_member(session, parent),
        "operator": a_person(session, operator=True),
    }
    parties = {"group", "funder", "verifier", "second funder"}
    documents_of = {
        "for a milestone": (submitted(scene, b"%PDF-1.7 canary-1"), parties),
        "for a gate": (submitted(scene, b"%PDF-1.7 canary-2", milestone=None, kind="options_appraisal"), parties),
        "for nobody": (submitted(scene, b"%PDF-1.7 canary-3", milestone=None, kind="annual_report"), {"group"}),
        "for those who are named": (
            submitted(scene, b"%PDF-1.7 canary-4", milestone=None, kind="annual_report"),
            {"group", "named firm", "named person"},
        ),
    }
    (named_evidence, _), _ = documents_of["for those who are named"]
    address = session.scalar(text("SELECT email FROM user_account WHERE id = :id"), {"id": named_person.id})
    assert grant(scene, named_evidence, organisation_id=named_firm.id).status_code == 201
    assert grant(scene, named_evidence, email=address.upper()).status_code == 201

    for who, person in callers.items():
        for name, ((evidence, version), readers) in documents_of.items():
            expected = {200} if who in readers else {404}
            assert reads(scene, person, evidence, version) == expected, f"{name}, {who}"
        mine = {evidence for (evidence, _), readers in documents_of.values() if who in readers}
        assert listed(scene, person) == mine, who


def test_what_is_not_confidential_is_seen_by_who_sees_the_proposal_by_its_name(scene: Scene) -> None:
    stranger_home = an_organisation(scene.session, kind="funder", name="Third Fund")
    stranger = a_member(scene.session, stranger_home)
    evidence, version = submitted(scene, confidential=False, kind="annual_report", milestone=None)
    under_a_pseudonym = reads(scene, stranger, evidence, version)
    share(scene.session, scene.proposal.id, scene.nurse, visibility="named", named=[stranger_home.id])

    assert under_a_pseudonym == {404}
    assert reads(scene, stranger, evidence, version) == {200}


def test_evidence_of_a_fact_is_seen_by_the_funders_with_whom_the_fact_is_shared(scene: Scene) -> None:
    scene.signed(HALF)
    open_fact = submitted(scene, kind="annual_report", milestone=None, fact="registration")
    kept = submitted(scene, kind="annual_report", milestone=None, fact="turnover")

    assert reads(scene, scene.officer, *open_fact) == {200}
    assert reads(scene, scene.officer, *kept) == {404}


def test_who_also_acts_for_an_organisation_that_is_kept_out_sees_nothing_though_named(scene: Scene) -> None:
    scene.signed(HALF)
    firm, parent = (an_organisation(scene.session, kind="adviser", name=name) for name in ("Advice", "The Trust"))
    both = a_member(scene.session, firm)
    evidence, version = submitted(scene)
    grant(scene, evidence, organisation_id=firm.id)
    before = reads(scene, both, evidence, version)
    scene.session.add(Membership(organisation_id=parent.id, user_id=both.id, role="viewer"))
    scene.session.commit()
    share(scene.session, scene.proposal.id, scene.nurse, visibility="verified_funders", excluded=[parent.id])

    assert before == {200}
    assert reads(scene, both, evidence, version) == {404}
    assert grant(scene, evidence, organisation_id=parent.id).json["code"] == "evidence-access-kept-out"
    told = scene.session.scalars(select(Event).where(Event.subject_id == evidence)).all()
    assert all(parent.id not in event.organisation_ids for event in told)


def test_an_end_of_access_takes_effect_at_once_and_is_told(scene: Scene) -> None:
    firm = an_organisation(scene.session, kind="adviser", name="Advice")
    adviser = a_member(scene.session, firm)
    evidence, version = submitted(scene, kind="annual_report", milestone=None)
    made = grant(scene, evidence, organisation_id=firm.id).json["id"]
    path = f"/v1/evidence/{evidence}/access-grants"

    assert scene.client.get(path, headers=scene.nurse.headers).json["data"][0]["organisation_id"] == str(firm.id)
    assert scene.client.delete(f"{path}/{made}", headers=adviser.headers | ANY).status_code == 404
    assert scene.client.delete(f"{path}/{made}", headers=scene.nurse.headers).status_code == 428
    assert scene.client.delete(f"{path}/{made}", headers=scene.nurse.headers | ANY).status_code == 204
    assert scene.client.delete(f"{path}/{made}", headers=scene.nurse.headers | ANY).status_code == 404
    assert reads(scene, adviser, evidence, version) == {404}
    types = scene.session.scalars(
        select(Event.type).where(Event.type.startswith("evidence.access")).order_by(Event.seq)
    )
    assert types.all() == ["evidence.access_granted", "evidence.access_ended"]


@pytest.mark.parametrize(
    ("named", "status", "code"),
    [
        pytest.param({}, 422, "validation-failed", id="nobody"),
        pytest.param({"email": "a@example.org", "organisation_id": "own"}, 422, "validation-failed", id="two at once"),
        pytest.param({"email": "not an address"}, 422, "validation-failed", id="no address"),
        pytest.param({"organisation_id": "own"}, 422, "evidence-access-not-grantable", id="the group itself"),
        pytest.param({"organisation_id": "hidden"}, 422, "evidence-access-not-grantable", id="one nobody finds"),
    ],
)
def test_naming_what_cannot_be_named_is_refused(scene: Scene, named: dict[str, str], status: int, code: str) -> None:
    hidden = an_organisation(scene.session, name="Another group")
    evidence, _ = submitted(scene)
    ids = {"own": scene.group.id, "hidden": hidden.id}

    answer = grant(scene, evidence, **{name: ids.get(value, value) for name, value in named.items()})

    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_an_address_that_nobody_has_is_named_like_any_other_and_twice_is_a_conflict(scene: Scene) -> None:
    evidence, _ = submitted(scene)

    first = grant(scene, evidence, email="Nobody@Example.org")
    again = grant(scene, evidence, email="nobody@example.org")

    assert (first.status_code, first.json["email"]) == (201, "nobody@example.org")
    assert again.json["code"] == "evidence-access-already-granted"


FEW = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.slow
def test_a_list_holds_exactly_the_evidence_that_can_be_read_one_by_one(scene: Scene, other: OtherFunder) -> None:
    session = scene.session
    firm = an_organisation(session, kind="adviser", name="Advice")
    homes: dict[str, Organisation] = {"group": scene.group, "funder": scene.funder, "other": other.home, "firm": firm}
    scene.signed(HALF)
    other.signed()
    made = [
        submitted(scene, confidential=False, kind="annual_report", milestone=None)[0],
        submitted(scene)[0],
        submitted(scene, kind="annual_report", milestone=None)[0],
    ]
    grant(scene, made[2], organisation_id=firm.id)

    @FEW
    @given(
        belongs=st.sets(st.sampled_from(sorted(homes)), max_size=2),
        kept_out=st.sets(st.sampled_from(["firm", "other"])),
    )
    def look(belongs: set[str], kept_out: set[str]) -> None:
        out = [homes[each].id for each in kept_out]
        share(session, scene.proposal.id, scene.nurse, visibility="verified_funders", excluded=out)
        person = a_person(session)
        for each in belongs:
            session.add(Membership(organisation_id=homes[each].id, user_id=person.id, role="viewer"))
        session.commit()
        readable = {each for each in made if scene.read(person, f"/evidence/{each}").status_code == 200}

        assert listed(scene, person) == readable

    look()


# Who has read it


def accesses(scene: Scene, evidence: str) -> list[dict[str, Any]]:
    return list(scene.read(scene.nurse, f"/evidence/{evidence}/accesses?limit=100").json["data"])


def test_the_group_sees_every_reading_of_others_and_none_of_its_own(scene: Scene) -> None:
    scene.signed(HALF)
    evidence, version = submitted(scene)
    reads(scene, scene.nurse, evidence, version)
    listed(scene, scene.officer)
    reads(scene, scene.officer, evidence, version)

    seen = accesses(scene, evidence)

    assert [(each["what"], each["evidence_version_id"]) for each in seen] == [
        ("content", version),
        ("metadata", version),
        ("metadata", None),
    ]
    assert {each["organisation_id"] for each in seen} == {str(scene.funder.id)}
    assert {each["organisation_name"] for each in seen} == {"Leeds Seed Fund"}
    assert {(each["standing"], each["person"]) for each in seen} == {("verifier", None)}
    assert scene.read(scene.officer, f"/evidence/{evidence}/accesses").status_code == 404


def test_a_reading_that_is_refused_is_none(scene: Scene) -> None:
    stranger = a_member(scene.session, an_organisation(scene.session, kind="funder", name="Third Fund"))
    evidence, version = submitted(scene)
    reads(scene, stranger, evidence, version)

    assert accesses(scene, evidence) == []


def test_nobody_reads_a_document_without_being_recorded(scene: Scene) -> None:
    """Where the record cannot be written, not a byte goes out."""
    scene.signed(HALF)
    _, version = submitted(scene, b"%PDF-1.7 canary")
    scene.session.execute(
        text(
            "CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'; END $$;"
            "CREATE TRIGGER no_more BEFORE INSERT ON evidence_access FOR EACH ROW EXECUTE FUNCTION no_more()"
        )
    )
    scene.session.commit()

    answer = scene.read(scene.officer, f"/evidence-versions/{version}/content")

    assert answer.status_code == 503
    assert b"canary" not in answer.data


def test_a_guest_s_reading_is_recorded_by_name(scene: Scene) -> None:
    guest = a_person(scene.session, name="Gwen Guest")
    until = today() + timedelta(days=9)
    scene.session.add(
        Membership(
            organisation_id=scene.group.id, user_id=guest.id, role="guest", proposal_id=scene.proposal.id, until=until
        )
    )
    scene.session.commit()
    evidence, version = submitted(scene)

    assert reads(scene, guest, evidence, version) == {200}
    assert {(each["standing"], each["person"]) for each in accesses(scene, evidence)} == {("guest", "Gwen Guest")}
    assert scene.read(guest, f"/evidence/{evidence}/accesses").status_code == 404


@pytest.mark.parametrize("statement", ["UPDATE evidence_access SET what = 'metadata'", "DELETE FROM evidence_access"])
def test_the_record_of_readings_is_never_rewritten(scene: Scene, statement: str) -> None:
    scene.signed(HALF)
    reads(scene, scene.officer, *submitted(scene))

    with pytest.raises(IntegrityError, match="append-only"):
        scene.session.execute(text(statement))
    scene.session.rollback()


# The documents themselves


def test_a_document_that_was_changed_in_the_store_is_not_given_out_and_the_group_is_told_once(scene: Scene) -> None:
    scene.signed(HALF)
    evidence, version = submitted(scene, b"%PDF-1.7 as it was submitted")
    sha256 = scene.read(scene.nurse, f"/evidence-versions/{version}").json["sha256"]
    with scene.client.application.app_context():
        documents.path_of(sha256).write_bytes(b"%PDF-1.7 something else")

    answers = [scene.read(scene.officer, f"/evidence-versions/{version}/content") for _ in range(2)]

    assert {(each.status_code, each.json["code"]) for each in answers} == {(503, "document-damaged")}
    told = scene.session.scalars(select(Event).where(Event.type == "evidence.damaged")).one()
    assert told.organisation_ids == [scene.group.id]
    assert [each["what"] for each in accesses(scene, evidence)] == []
    new_version(scene, evidence, b"%PDF-1.7 as it was submitted")
    assert scene.read(scene.officer, f"/evidence-versions/{version}/content").data == b"%PDF-1.7 as it was submitted"


def test_a_later_version_changes_no_milestone_and_no_paid_tranche_and_the_bytes_stay(scene: Scene) -> None:
    pledge = scene.signed()
    evidence, version = accepted(scene, b"%PDF-1.7 what was decided on")
    tranche = scene.tranches(pledge)[1]["id"]
    assert scene.pay(scene.approved(tranche)).status_code == 200
    pipeline = scene.read(scene.nurse, f"/proposals/{scene.proposal.id}/pipeline").json["milestones"]
    later = new_version(scene, evidence, b"%PDF-1.7 a later one")
    verify(scene, later, decision="rejected")
    with scene.client.application.app_context():
        documents.sweep(scene.session, clock.now() + timedelta(days=3), remove=True)

    assert scene.read(scene.nurse, f"/proposals/{scene.proposal.id}/pipeline").json["milestones"] == pipeline
    assert scene.read(scene.nurse, f"/tranches/{tranche}").json["state"] == "paid"
    assert scene.read(scene.nurse, f"/evidence-versions/{version}/content").data == b"%PDF-1.7 what was decided on"
    with pytest.raises(IntegrityError, match="fk_evidence_version_sha256"):
        scene.session.execute(text("DELETE FROM stored_document"))
    scene.session.rollback()


# What expires


def test_an_acceptance_that_has_expired_counts_for_no_claim_and_what_was_claimed_stands(
    scene: Scene, other: OtherFunder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pledge = scene.signed(HALF, parts=[{"instrument": "grant", "amount": HALF, "tranches": [
        {"basis": "on_milestone", "milestone": "business_plan_v1", "amount": HALF // 2},
        {"basis": "on_milestone", "milestone": "business_plan_v1", "amount": HALF // 2},
    ]}])  # fmt: skip
    _, version = accepted(scene, expires_on=today().isoformat())
    claimed, unclaimed = (each["id"] for each in scene.tranches(pledge))
    scene.approved(claimed)
    assert scene.read(scene.nurse, f"/tranches/{unclaimed}").json["state"] == "claimable"

    days_from_now(monkeypatch, 1)

    assert scene.read(scene.nurse, f"/evidence-versions/{version}").json["verification"]["expired"] is True
    assert scene.read(scene.nurse, f"/tranches/{unclaimed}").json["state"] == "scheduled"
    assert scene.do(scene.nurse, f"/tranches/{unclaimed}/claim", {}).json["code"] == "not-claimable"
    assert scene.pay(claimed).status_code == 200
    shown = scene.read(scene.nurse, f"/proposals/{scene.proposal.id}/pipeline").json
    assert shown["milestones"][0]["state"] == "verified"
    plan = next(each for each in shown["stages"] if each["stage"] == "business_case")["conditions"][0]
    assert (plan["wanted"]["kind"], plan["outcome"]) == ("business_plan", "unknown")


def test_a_fact_whose_acceptance_has_expired_is_evidenced_and_verified_no_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def assurance() -> str:
        shown = scene.read(scene.officer, f"/proposals/{scene.proposal.id}").json
        return str(shown["assurance"]["registration"])

    def told() -> list[str]:
        return list(scene.session.scalars(select(Event.type).where(Event.type == "evidence.expired")))

    scene.signed(HALF)
    _, first = submitted(scene, kind="governing_document", milestone=None, fact="registration")
    verify(scene, first, expires_on=today().isoformat())
    _, second = submitted(scene, kind="certificate_of_incorporation", milestone=None, fact="registration")
    verify(scene, second, expires_on=(today() + timedelta(days=1)).isoformat())

    days_from_now(monkeypatch, 1)
    counted = [expiry.record_expired(scene.session), expiry.record_expired(scene.session)]
    scene.session.commit()
    one_left = assurance()
    days_from_now(monkeypatch, 1)
    expiry.record_expired(scene.session)
    scene.session.commit()

    assert counted == [1, 0]
    assert (one_left, assurance()) == ("verified", "evidenced")
    assert len(told()) == 2


@pytest.mark.parametrize(
    ("members", "code"),
    [
        pytest.param({"expires_on": "2020-01-01"}, "evidence-expiry-not-usable", id="a day that is over"),
        pytest.param(
            {"expires_on": "2199-01-01", "decision": "rejected"}, "evidence-expiry-not-usable", id="a rejection"
        ),
        pytest.param({"expires_on": "soon"}, "validation-failed", id="no day"),
    ],
)
def test_an_expiry_that_makes_no_sense_is_refused(scene: Scene, members: dict[str, str], code: str) -> None:
    scene.signed(HALF)
    _, version = submitted(scene)

    answer = verify(scene, version, **members)

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert [each["pointer"] for each in answer.json["errors"]] == ["#/expires_on"]


# Who relies on whom


def ask(scene: Scene, version: str, funder: OtherFunder, person: Person | None = None) -> TestResponse:
    body = {"organisation_id": str(funder.home.id), "message": "We would rather not read it twice."}
    return scene.do(person or funder.officer, f"/evidence-versions/{version}/reliance-requests", body)


def test_another_funder_relies_on_an_acceptance_once_the_group_consents(scene: Scene, other: OtherFunder) -> None:
    scene.signed(HALF)
    pledge = other.signed()
    _, version = accepted(scene)
    tranche = scene.tranches(pledge)[1]["id"]
    before = scene.read(scene.nurse, f"/tranches/{tranche}").json["state"]
    asked = ask(scene, version, other)
    waiting = scene.read(scene.nurse, f"/tranches/{tranche}").json["state"]
    path = f"/reliance-requests/{asked.json['id']}"
    answer = scene.do(scene.nurse, f"{path}/answer", {"answer": "consented"})

    assert (asked.status_code, answer.status_code) == (201, 200)
    assert asked.json["verifier_organisation_id"] == str(scene.funder.id)
    assert (before, waiting) == ("scheduled", "scheduled")
    assert scene.read(scene.nurse, f"/tranches/{tranche}").json["state"] == "claimable"
    assert scene.do(scene.nurse, f"/tranches/{tranche}/claim", {}).status_code == 200
    assert scene.do(other.director, f"/tranches/{tranche}/approval").status_code == 200


def test_consent_that_is_taken_back_stops_what_comes_and_nothing_that_was_claimed(
    scene: Scene, other: OtherFunder
) -> None:
    scene.signed(HALF)
    claimed, later = (scene.tranches(other.signed())[1]["id"] for _ in range(2))
    _, version = accepted(scene)
    path = f"/reliance-requests/{ask(scene, version, other).json['id']}"
    scene.do(scene.nurse, f"{path}/answer", {"answer": "consented"})
    scene.do(scene.nurse, f"/tranches/{claimed}/claim", {})

    assert scene.do(scene.nurse, f"{path}/withdrawal").json["state"] == "withdrawn"
    assert scene.do(scene.nurse, f"{path}/withdrawal").json["code"] == "reliance-already-answered"
    assert scene.do(scene.nurse, f"/tranches/{later}/claim", {}).json["code"] == "not-claimable"
    assert scene.do(other.director, f"/tranches/{claimed}/approval").status_code == 200
    paid = {"paid_on": today().isoformat(), "reference": "BACS 9"}
    assert scene.do(other.officer, f"/tranches/{claimed}/payment", paid).status_code == 200


def test_a_refusal_gives_nothing_and_may_be_asked_again(scene: Scene, other: OtherFunder) -> None:
    scene.signed(HALF)
    tranche = scene.tranches(other.signed())[1]["id"]
    _, version = accepted(scene)
    path = f"/reliance-requests/{ask(scene, version, other).json['id']}"
    twice = ask(scene, version, other)
    refused = scene.do(scene.nurse, f"{path}/answer", {"answer": "refused", "reason": "Read it yourselves."})

    assert twice.json["code"] == "reliance-already-requested"
    assert (refused.json["state"], refused.json["answer_reason"]) == ("refused", "Read it yourselves.")
    assert scene.do(scene.nurse, f"{path}/answer", {"answer": "consented"}).json["code"] == "reliance-already-answered"
    assert scene.read(scene.nurse, f"/tranches/{tranche}").json["state"] == "scheduled"
    assert ask(scene, version, other).status_code == 201


def test_a_funder_neither_consents_for_the_group_nor_reads_another_s_request(scene: Scene, other: OtherFunder) -> None:
    scene.signed(HALF)
    other.signed()
    _, version = accepted(scene)
    path = f"/reliance-requests/{ask(scene, version, other).json['id']}"

    assert scene.do(other.officer, f"{path}/answer", {"answer": "consented"}).status_code == 404
    assert scene.read(scene.officer, path).status_code == 404
    assert scene.read(scene.officer, f"/evidence-versions/{version}/reliance-requests").json["data"] == []
    assert len(scene.read(scene.nurse, f"/evidence-versions/{version}/reliance-requests").json["data"]) == 1


def test_who_cannot_rely_learns_every_reason(scene: Scene) -> None:
    scene.signed(HALF)
    firm = an_organisation(scene.session, kind="adviser", name="Advice")
    evidence, version = submitted(scene)
    grant(scene, evidence, organisation_id=firm.id)
    body = {"organisation_id": str(firm.id)}

    answer = scene.do(a_member(scene.session, firm), f"/evidence-versions/{version}/reliance-requests", body)

    assert answer.status_code == 409
    assert [each["code"] for each in answer.json["reasons"]] == ["VERSION_ACCEPTED", "RELYING_FUNDER"]


def test_who_does_not_see_a_version_cannot_ask_to_rely_on_it(scene: Scene, other: OtherFunder) -> None:
    scene.signed(HALF)
    _, version = accepted(scene)

    assert ask(scene, version, other).status_code == 404


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE reliance SET answered_at = now() - interval '1 year'",
        "UPDATE reliance SET evidence_version_id = gen_random_uuid()",
        "DELETE FROM reliance",
    ],
)
def test_what_was_consented_to_and_when_is_never_rewritten(scene: Scene, other: OtherFunder, statement: str) -> None:
    scene.signed(HALF)
    other.signed()
    _, version = accepted(scene)
    made = ask(scene, version, other).json["id"]
    scene.do(scene.nurse, f"/reliance-requests/{made}/answer", {"answer": "consented"})

    with pytest.raises(IntegrityError, match=r"stays|append-only"):
        scene.session.execute(text(statement))
    scene.session.rollback()
