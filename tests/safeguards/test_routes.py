"""Safeguards, statements and remarks over HTTP: who claims, who checks, who reads, who answers."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.evidence.models import Verification
from marketplace.identity.models import Organisation
from marketplace.proposals import service as proposals
from marketplace.proposals.models import Proposal
from marketplace.safeguards.models import AssuranceRemark
from marketplace.safeguards.rules import MOST_OPEN_BY_ONE
from marketplace.store.journal import Event
from marketplace.values.clock import today
from tests.builders import Person, a_member, a_person, an_organisation, days_ago
from tests.pipeline.scene import Scene, a_scene
from tests.proposals.builders import seen, share


class Case:
    """The pipeline's scene: a group, its employer by name, a funder with a past pledge; a union beside them."""

    def __init__(self, client: FlaskClient, session: Session) -> None:
        self.client, self.session = client, session
        self.scene: Scene = a_scene(session, client)
        self.nurse = self.scene.people["nurse"]
        self.proposal: Proposal = self.scene.proposal
        self.union = an_organisation(session, kind="adviser", name="The Union", verification="unverified")
        self.rep = a_member(session, self.union, "viewer")

    def path(self, rest: str) -> str:
        return f"/v1/proposals/{self.proposal.id}{rest}"

    def get(self, path: str, person: Person | None = None, *, anyone: bool = False) -> TestResponse:
        return self.client.get(path, headers={} if anyone else (person or self.nurse).headers)

    def post(self, path: str, body: Any = None, person: Person | None = None) -> TestResponse:
        return self.client.post(path, json=body, headers=(person or self.nurse).headers)

    def put(self, rest: str, body: Any, person: Person | None = None) -> TestResponse:
        path, who = self.path(rest), person or self.nurse
        etag = self.get(path).headers["ETag"]
        return self.client.put(path, json=body, headers=who.headers | {"If-Match": etag})

    def states(self, form: str = "cic_limited_by_shares", **facts: Any) -> None:
        """The draft's legal form; published."""
        actor = self.nurse.actor(self.session)
        content = {"legal_form": form, "registration": "not_registered"} | facts
        proposals.write_facts(self.session, actor, self.proposal.id, "organisation", content, seen)
        proposals.publish_proposal(self.session, actor, self.proposal.id)
        self.session.commit()

    def claim(self, slug: str = "open_book", **members: Any) -> TestResponse:
        return self.put(f"/safeguards/{slug}", {"words": "We promise it."} | members)

    def claimed(self, slug: str = "open_book", **members: Any) -> dict[str, Any]:
        answer = self.claim(slug, **members)
        assert answer.status_code == 200, answer.json
        return dict(answer.json)

    def check(self, who: str, slug: str = "open_book", decision: str = "confirmed") -> TestResponse:
        body = {"decision": decision, "reason": "Read the clause."}
        return self.scene.send(who, self.path(f"/safeguards/{slug}/verification"), body)

    def level(self, slug: str = "open_book") -> Any:
        return self.get(self.path(f"/safeguards/{slug}")).json["level"]

    def evidenced(self, slug: str = "open_book") -> str:
        """The safeguard with a document that the officer may verify and that the officer accepted: its version's id."""
        evidence, version = self.scene.submit("employer_agreement_in_principle")
        self.claimed(slug, evidence_id=evidence)
        assert self.scene.decide("director", version).status_code == 201
        return version

    def publish(self, **members: Any) -> TestResponse:
        return self.post(self.path("/assurance-statements"), members)

    def published(self, **members: Any) -> dict[str, Any]:
        answer = self.publish(**members)
        assert answer.status_code == 201, answer.json
        return dict(answer.json)

    def go_public(self) -> None:
        share(self.session, self.proposal.id, self.nurse, visibility="public")

    def enter(self, state: str) -> None:
        """Put the group into a state of verification."""
        group = update(Organisation).where(Organisation.id == self.scene.group.id)
        self.session.execute(group.values(verification=state))
        self.session.commit()

    def remark(self, person: Person | None = None, home: Organisation | None = None, **members: Any) -> TestResponse:
        body = {
            "organisation_id": str((home or self.union).id),
            "role": "trade_union",
            "kind": "question",
            "words": "Who sits on the board?",
        }
        return self.post(self.path("/assurance-remarks"), body | members, person or self.rep)

    def remarked(self, **members: Any) -> str:
        answer = self.remark(**members)
        assert answer.status_code == 201, answer.json
        return str(answer.headers["Location"])


@pytest.fixture
def case(client: FlaskClient, session: Session) -> Case:
    return Case(client, session)


# Safeguards


def test_a_claim_is_claimed_then_evidenced_by_an_accepted_document_then_verified_by_who_checked_it(case: Case) -> None:
    evidence, version = case.scene.submit("employer_agreement_in_principle")
    case.claimed(evidence_id=evidence)
    assert case.level() == "claimed"
    assert case.check("director").json["code"] == "safeguard-not-evidenced"

    case.scene.decide("director", version)
    assert case.level() == "evidenced"

    checked = case.check("director")
    assert checked.status_code == 201, checked.json
    assert (checked.json["level"], checked.json["verifier"]) == ("verified", "Leeds Community NHS Trust")
    assert case.level() == "verified"


def test_the_group_never_checks_its_own_nor_does_who_may_not_verify_the_evidence(case: Case) -> None:
    case.evidenced()

    own = case.check("nurse")
    adviser = case.check("adviser")

    assert (own.status_code, own.json["code"]) == (403, "may-not-verify-safeguard")
    assert "VERIFIER_OUTSIDE_GROUP" in [each["code"] for each in own.json["reasons"]]
    assert adviser.status_code == 403
    assert case.check("stranger").status_code == 404
    assert case.level() == "evidenced"


def test_what_was_checked_counts_for_the_claim_as_it_was_and_while_its_document_counts(case: Case) -> None:
    version = case.evidenced()
    case.check("director")
    evidence = case.get(case.path("/safeguards/open_book")).json["evidence_id"]

    case.claimed(words="We promise much more.", evidence_id=evidence)
    assert case.level() == "evidenced"
    assert case.check("director").status_code == 201
    assert case.level() == "verified"

    yesterday = today() - timedelta(days=1)
    case.session.execute(text("ALTER TABLE verification DISABLE TRIGGER USER"))
    kept = update(Verification).where(Verification.evidence_version_id == version)
    case.session.execute(kept.values(expires_on=yesterday))
    case.session.commit()
    assert case.level() == "claimed"


def test_an_organisation_decides_once_and_a_refusal_leaves_it_evidenced(case: Case) -> None:
    case.evidenced()

    assert case.check("director", decision="refused").status_code == 201
    again = case.check("director")

    assert (again.status_code, again.json["code"]) == (409, "safeguard-decided")
    assert case.level() == "evidenced"


def test_a_statutory_lock_that_the_form_does_not_have_is_refused_by_its_rule(case: Case) -> None:
    case.states("company_limited_by_shares")

    refused = case.claim("asset_lock_statutory")

    assert (refused.status_code, refused.json["code"]) == (422, "safeguard-contradicted")
    assert [each["code"] for each in refused.json["reasons"]] == ["STATUTORY_LOCK_BY_FORM"]
    assert case.get(case.path("/safeguards/asset_lock_statutory")).json["claimed"] is False
    case.states("cio")
    assert case.claimed("asset_lock_statutory")["by_law"] is True


def test_stakes_that_contradict_a_safeguard_are_refused_and_change_nothing(case: Case) -> None:
    case.states("company_limited_by_shares")
    assert case.put("/stakes", {"staff_votes_bp": 6000, "private_stake_bp": 2500}).status_code == 200
    case.claimed("majority_staff_control")

    refused = case.put("/stakes", {"staff_votes_bp": 5000})

    assert (refused.status_code, refused.json["code"]) == (422, "stakes-faults")
    assert [each["code"] for each in refused.json["reasons"]] == ["STAFF_CONTROL_BY_VOTES"]
    assert case.get(case.path("/stakes")).json["private_stake_bp"] == 2500
    above = case.put("/stakes", {"staff_votes_bp": 10_001})
    assert above.json["errors"][0]["pointer"] == "#/staff_votes_bp"


def test_evidence_of_another_proposal_shows_nothing_here(case: Case) -> None:
    other = a_scene(case.session, case.client)
    evidence, _ = other.submit("business_plan")

    refused = case.claim(evidence_id=evidence)

    assert refused.status_code == 422
    assert refused.json["errors"][0]["pointer"] == "#/evidence_id"


def test_parties_read_the_checklist_and_nothing_that_rests_on_the_draft(case: Case) -> None:
    case.states("cio")
    case.claimed("asset_lock_statutory")

    mine = {each["safeguard"]: each for each in case.get(case.path("/safeguards")).json["data"]}
    theirs = {
        each["safeguard"]: each
        for each in case.get(case.path("/safeguards"), case.scene.people["officer"]).json["data"]
    }

    assert (mine["asset_lock_statutory"]["by_law"], theirs["asset_lock_statutory"]["by_law"]) == (True, None)
    assert theirs["asset_lock_statutory"]["level"] == "claimed"
    assert case.get(case.path("/safeguards"), case.rep).status_code == 404


def test_a_safeguard_that_was_taken_back_is_claimed_no_more_and_a_stale_writer_is_told(case: Case) -> None:
    path = case.path("/safeguards/open_book")
    etag = case.get(path).headers["ETag"]
    case.claimed()
    stale = case.client.put(path, json={"words": "Mine"}, headers=case.nurse.headers | {"If-Match": etag})
    assert stale.status_code == 412

    gone = case.client.delete(path, headers=case.nurse.headers | {"If-Match": case.get(path).headers["ETag"]})

    assert gone.status_code == 204
    assert case.level() is None
    again = case.client.delete(path, headers=case.nurse.headers | {"If-Match": "*"})
    assert again.status_code == 404
    assert case.claimed()["version"] == 3


# The statement


def test_a_statement_of_a_hidden_proposal_is_the_group_s_alone_until_it_is_published_to_all(case: Case) -> None:
    case.published()
    path = case.path("/assurance-statements")

    assert case.get(path).json["data"][0]["number"] == 1
    hidden = case.get(path, case.rep)
    assert hidden.status_code == 404
    assert case.get(path, anyone=True).status_code == 404
    assert case.get(path, case.scene.people["director"]).status_code == 200
    assert case.remark().status_code == 404
    events = case.session.scalars(select(Event).where(Event.type == "assurance_statement.published")).all()
    assert [each.scope for each in events] == ["organisations"]

    case.published(open_to_all=True)
    shown = case.get(f"{path}/2", anyone=True)
    assert shown.status_code == 200
    assert shown.json["group_name"] == "Riverside speech therapy"
    assert case.get(case.path(""), case.rep).status_code == 404

    case.published(open_to_all=False)
    assert case.get(f"{path}/2", anyone=True).status_code == 404
    told = case.session.scalars(select(Event).where(Event.subject_kind == "assurance_statement").order_by(Event.seq))
    assert [(each.type.partition(".")[2], each.scope) for each in told] == [
        ("published", "organisations"),
        ("published", "public"),
        ("published", "organisations"),
        ("hidden", "public"),
    ]


def test_the_draft_is_what_will_be_published_and_is_the_group_s(case: Case) -> None:
    case.states()
    case.claimed("profit_cap", limit_bp=3000)

    draft = case.get(case.path("/assurance-statement-draft"))
    made = case.published(introduction="Why we do this.")

    assert draft.json["lines"] == made["lines"]
    assert draft.json["number"] is None
    assert case.get(case.path("/assurance-statement-draft"), case.scene.people["director"]).status_code == 404
    line = next(each for each in made["lines"] if each["safeguard"] == "profit_cap")
    assert (line["level"], line["level_now"]) == ("claimed", "claimed")
    assert line["level_words"] == "The group says so. Nobody else has checked it."


def test_a_version_keeps_what_it_said_and_tells_how_well_it_is_known_today(case: Case) -> None:
    case.go_public()
    case.published()
    case.claimed()
    case.published()

    first = case.get(case.path("/assurance-statements/1"), anyone=True).json
    second = case.get(case.path("/assurance-statements/2"), anyone=True).json

    lines = [next(each for each in version["lines"] if each["safeguard"] == "open_book") for version in (first, second)]
    assert [(each["level"], each["level_now"]) for each in lines] == [("not_said", "claimed"), ("claimed", "claimed")]
    assert [each["number"] for each in case.get(case.path("/assurance-statements"), anyone=True).json["data"]] == [2, 1]
    with pytest.raises(DBAPIError):
        case.session.execute(text("UPDATE assurance_statement SET number = 9"))
    case.session.rollback()


def test_a_statement_that_would_contradict_what_is_published_is_refused_with_every_rule(case: Case) -> None:
    case.states("cio")
    case.claimed("asset_lock_statutory")
    case.put("/stakes", {"staff_votes_bp": 8000})
    case.claimed("majority_staff_control")
    case.states("la_controlled_company")
    case.states("company_limited_by_shares")

    refused = case.publish()

    assert (refused.status_code, refused.json["code"]) == (409, "statement-contradicted")
    assert [each["code"] for each in refused.json["reasons"]] == ["STATUTORY_LOCK_BY_FORM"]
    flagged = case.get(case.path("/safeguards/asset_lock_statutory")).json["reasons"]
    assert [each["code"] for each in flagged] == ["STATUTORY_LOCK_BY_FORM"]


def test_withdrawing_the_proposal_or_suspending_its_group_hides_the_statement(case: Case) -> None:
    case.go_public()
    case.published(open_to_all=True)
    path = case.path("/assurance-statements")
    assert case.get(path, anyone=True).status_code == 200

    case.enter("suspended")
    assert case.get(path, anyone=True).status_code == 404
    case.session.execute(
        update(Organisation).where(Organisation.id == case.scene.group.id).values(verification="vouched")
    )
    case.session.commit()
    assert case.post(case.path("/withdrawal")).status_code == 200
    assert case.get(path, anyone=True).status_code == 404
    assert case.get(path).status_code == 200


# Remarks


def test_a_union_asks_everyone_reads_and_the_group_answers(case: Case) -> None:
    case.go_public()
    case.published()
    remark = case.remarked()

    read = case.get(remark, anyone=True).json
    assert (read["organisation_name"], read["organisation_verified"], read["role"]) == (
        "The Union",
        False,
        "trade_union",
    )
    assert (read["state"], read["days_open"]) == ("open", 0)
    assert case.post(f"{remark}/answer", {"answer": "Two of us."}, case.rep).status_code == 403
    answered = case.post(f"{remark}/answer", {"answer": "Two of us."})
    assert answered.status_code == 200, answered.json
    shown = case.get(case.path("/assurance-remarks"), anyone=True).json["data"]
    assert [(each["state"], each["answer"]) for each in shown] == [("answered", "Two of us.")]
    assert "days_open" not in shown[0]
    assert case.post(f"{remark}/answer", {"answer": "Three."}).status_code == 409


def test_a_remark_left_unanswered_shows_its_age(case: Case) -> None:
    case.go_public()
    case.published()
    remark = case.remarked()
    case.session.execute(update(AssuranceRemark).values(created_at=days_ago(40)))
    case.session.commit()

    assert case.get(remark, anyone=True).json["days_open"] == 40


def test_the_group_makes_no_remarks_nor_does_anybody_for_an_organisation_that_is_not_theirs(case: Case) -> None:
    case.go_public()
    case.published()

    own = case.remark(case.nurse, case.scene.group)
    for_another = case.remark(case.rep, case.scene.funder)

    assert (own.status_code, own.json["code"]) == (403, "own-statement")
    assert for_another.status_code == 404


def test_who_said_it_takes_it_back_and_its_words_are_shown_to_nobody_else(case: Case) -> None:
    case.go_public()
    case.published()
    remark = case.remarked()
    colleague = a_member(case.session, case.union, "viewer")
    assert case.post(f"{remark}/withdrawal", person=colleague).status_code == 403

    assert case.post(f"{remark}/withdrawal", person=case.rep).status_code == 200

    assert "words" not in case.get(remark, anyone=True).json
    assert "words" not in case.get(remark).json
    assert case.get(remark, case.rep).json["words"] == "Who sits on the board?"


def test_the_operator_hides_with_a_reason_and_shows_again(case: Case) -> None:
    case.go_public()
    case.published()
    remark = case.remarked()
    case.post(f"{remark}/answer", {"answer": "Two of us."})
    operator = a_person(case.session, operator=True)
    reason = {"reason": "It names a patient."}
    assert case.post(f"{remark}/hiding", reason).status_code == 403

    assert case.post(f"{remark}/hiding", reason, operator).status_code == 200
    hidden = case.get(remark, anyone=True).json
    assert (hidden["state"], hidden["hidden_reason"]) == ("hidden", "It names a patient.")
    assert "words" not in hidden
    assert "answer" not in hidden
    assert case.post(f"{remark}/withdrawal", person=case.rep).status_code == 409

    assert case.post(f"{remark}/restoration", person=operator).json["state"] == "answered"
    assert case.get(remark, anyone=True).json["words"] == "Who sits on the board?"


def test_an_operator_of_the_organisation_does_not_moderate_it(case: Case) -> None:
    case.go_public()
    case.published()
    remark = case.remarked()
    case.session.execute(text("UPDATE user_account SET operator = true WHERE id = :id"), {"id": case.rep.id})
    case.session.commit()

    refused = case.post(f"{remark}/hiding", {"reason": "No."}, case.rep)

    assert (refused.status_code, refused.json["code"]) == (403, "own-remark")


def test_an_organisation_has_so_many_open_remarks_and_no_more(case: Case) -> None:
    case.go_public()
    case.published()
    for _ in range(MOST_OPEN_BY_ONE):
        case.remarked()

    refused = case.remark()

    assert (refused.status_code, refused.json["code"]) == (409, "remarks-waiting")


def test_nobody_learns_of_remarks_by_events_but_the_two_sides(case: Case) -> None:
    case.go_public()
    case.published()
    case.remarked(kind="oppose")

    event = case.session.scalars(select(Event).where(Event.type == "assurance_remark.made")).one()
    assert (event.scope, set(event.organisation_ids)) == ("organisations", {case.scene.group.id, case.union.id})
