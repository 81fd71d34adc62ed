"""A group with a published proposal; employer, commissioner and adviser, shown it by name; a funder that pledged."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.identity.models import Organisation
from marketplace.pledges.models import Pledge
from marketplace.proposals.models import Ask, Proposal
from marketplace.values.clock import now, today
from tests.builders import Person, a_member, an_organisation
from tests.programmes.builders import an_open_programme
from tests.proposals.builders import ASK, a_proposal

PDF = b"%PDF-1.7\nMinutes."
EXPLORED = {"staff_interest_record": "officer", "employer_agreement_in_principle": "director"}
DECIDED = {
    "commissioner_commitment": "buyer",
    "union_consultation": "officer",
    "equality_impact_assessment": "officer",
    "employer_approval": "director",
}
SET_UP = {
    "certificate_of_incorporation": "officer",
    "governing_document": "officer",
    "signed_contract": "buyer",
    "tupe_measures": "director",
    "pension_agreement": "officer",
    "insurance_registration": "officer",
}
VOTES = {"electorate": 100, "votes_for": 60, "votes_against": 20, "spoiled": 1}
"""A ballot that passes: 80 of 100 voted, 75% for."""


def a_benefit(**members: Any) -> dict[str, Any]:
    """A benefit with its baseline, target and owner, as the register takes it."""
    day = {days: (today() + timedelta(days=days)).isoformat() for days in (-100, -10, 300, 600)}
    made = {
        "title": {"en": "Shorter waits"},
        "beneficiary": "Children who wait for therapy",
        "unit": "weeks",
        "baseline": {"value": "18", "on": day[-100], "source": "Trust's waiting list"},
        "target": {"value": "8", "on": day[600]},
        "owner": {"name": "A. Nurse", "role": "Clinical lead"},
        "measurement_days": [day[-10], day[300]],
    }
    return made | members


class Cast(dict[str, Person]):
    """People by name, each put into the database when a test first needs them."""

    def __init__(self, makers: dict[str, Callable[[], Person]]) -> None:
        super().__init__()
        self.makers = makers

    def __missing__(self, who: str) -> Person:
        self[who] = self.makers[who]()
        return self[who]


@dataclass
class Scene:
    """Who is who: the director is the employer's, the buyer the commissioner's, the officer the funder's."""

    client: FlaskClient
    session: Session
    group: Organisation
    employer: Organisation
    funder: Organisation
    proposal: Proposal
    people: Cast

    def path(self, rest: str) -> str:
        return f"/v1/proposals/{self.proposal.id}{rest}"

    def send(self, who: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.client.post(path, json=body, headers=self.people[who].headers | headers)

    def read(self, rest: str = "/pipeline", who: str = "nurse") -> TestResponse:
        return self.client.get(self.path(rest), headers=self.people[who].headers)

    def pipeline(self) -> dict[str, Any]:
        answer = self.read()
        assert answer.status_code == 200, answer.json
        return dict(answer.json)

    def conditions(self, stage: str) -> dict[str, str]:
        """The outcome of each condition of the gate out of that stage, by kind of evidence or by the test's code."""
        row = next(each for each in self.pipeline()["stages"] if each["stage"] == stage)
        return {
            each["wanted"]["kind"] if each["code"] == "EVIDENCE" else each["code"]: each["outcome"]
            for each in row["conditions"]
        }

    def submit(self, kind: str, **members: Any) -> tuple[str, str]:
        """Evidence of that kind with a version that waits for a decision: both ids."""
        answer = self.send("nurse", self.path("/evidence"), {"kind": kind, "title": "Shown"} | members)
        assert answer.status_code == 201, answer.json
        return answer.json["id"], self.upload(answer.json["id"], kind)

    def upload(self, evidence: str, name: str = "more") -> str:
        sent = self.people["nurse"].headers | {
            "Content-Type": "application/pdf",
            "Content-Disposition": 'attachment; filename="shown.pdf"',
        }
        answer = self.client.post(f"/v1/evidence/{evidence}/versions", data=PDF + name.encode(), headers=sent)
        assert answer.status_code == 201, answer.json
        return str(answer.json["id"])

    def decide(self, who: str, version: str, decision: str = "accepted") -> TestResponse:
        body = {"decision": decision, "reason": "Read and compared."}
        return self.send(who, f"/v1/evidence-versions/{version}/verification", body)

    def show(self, kind: str, by: str = "officer", **members: Any) -> None:
        """Evidence of that kind, accepted by that person."""
        answer = self.decide(by, self.submit(kind, **members)[1])
        assert answer.status_code == 201, answer.json

    def show_all(self, kinds: dict[str, str]) -> None:
        for kind, by in kinds.items():
            self.show(kind, by)

    def move(self, to: str, reason: str | None = None, who: str = "nurse") -> TestResponse:
        body = {"to": to} if reason is None else {"to": to, "reason": reason}
        return self.send(who, self.path("/stage-moves"), body)

    def moved(self, to: str, reason: str | None = None) -> dict[str, Any]:
        answer = self.move(to, reason)
        assert answer.status_code == 201, answer.json
        return dict(answer.json)

    def vote(self, evidence: str, **members: Any) -> TestResponse:
        body = {
            "evidence_id": evidence,
            "question": "Shall we leave?",
            "held_on": today().isoformat(),
            "scrutineer": "Civica",
            **VOTES,
        }
        return self.send("nurse", self.path("/ballots"), body | members)

    def voted(self, **members: Any) -> str:
        """A ballot whose document waits for a decision: the version's id."""
        evidence, version = self.submit("staff_ballot")
        answer = self.vote(evidence, **members)
        assert answer.status_code == 201, answer.json
        return version

    def pension(self, arrangement: str = "lgps_admission", etag: str | None = None, **members: Any) -> TestResponse:
        headers = self.people["nurse"].headers | {"If-Match": etag or self.read("/pension-arrangement").headers["ETag"]}
        body = {"arrangement": arrangement} | members
        return self.client.put(self.path("/pension-arrangement"), json=body, headers=headers)

    def benefit(self, **members: Any) -> str:
        """A benefit in the register: its id."""
        answer = self.send("nurse", self.path("/benefits"), a_benefit(**members))
        assert answer.status_code == 201, answer.json
        return str(answer.json["id"])

    def retire(self, benefit: str) -> TestResponse:
        return self.send("nurse", f"/v1/benefits/{benefit}/retirement", {"reason": "The contract changed."})

    def consent(self, answer: str, **members: Any) -> str:
        """The employer answers an invitation: the consent's id."""
        body = {"organisation_id": str(self.employer.id), "title": "May we?"}
        invited = self.send("nurse", self.path("/employer-consents"), body)
        assert invited.status_code == 201, invited.json
        body = {
            "confirms_parent": True,
            "answer": answer,
            "scope": "All of it",
            "authority": "Board",
            "decided_on": today().isoformat(),
        }
        answered = self.send("director", f"/v1/employer-consents/{invited.json['id']}/answer", body | members)
        assert answered.status_code == 200, answered.json
        return str(invited.json["id"])

    def withdraw_consent(self, consent: str) -> None:
        answer = self.send("director", f"/v1/employer-consents/{consent}/withdrawal", {"reason": "The board met."})
        assert answer.status_code == 200, answer.json

    def decided(self) -> None:
        """Everything that the decision gate asks, but for the benefits register."""
        self.show_all(DECIDED)
        assert self.decide("officer", self.voted()).status_code == 201
        assert self.pension().status_code == 200


def a_pledge_of_the_past(session: Session, funder: Organisation, proposal: Proposal, nurse: Person) -> None:
    """What makes the funder party to the work: a pledge that was accepted and has been paid in full."""
    programme = an_open_programme(session, funder)
    ask = session.scalars(select(Ask).where(Ask.proposal_id == proposal.id).order_by(Ask.id)).first()
    assert ask is not None
    pledge = Pledge(
        programme_id=programme.id,
        proposal_id=proposal.id,
        ask_id=ask.id,
        organisation_id=funder.id,
        group_organisation_id=proposal.organisation_id,
        currency="GBP",
        amount=1,
        state="completed",
        drafted_by=nurse.id,
        shown_at=now(),
        verifier_organisation_ids=[],
        waivers=[],
    )
    session.add(pledge)
    session.commit()


def a_scene(session: Session, client: FlaskClient, stage: str = "exploring", **values: Any) -> Scene:
    """Put the people and organisations into the database, and publish for `stage`."""
    employer = an_organisation(session, kind="public_body", name="Leeds Community NHS Trust")
    commissioner = an_organisation(session, kind="public_body", name="West Yorkshire commissioners")
    funder = an_organisation(session, kind="funder", name="Leeds Seed Fund")
    adviser = an_organisation(session, kind="adviser", name="Mutual Advice")
    group = an_organisation(session, kind="staff_group", name="Riverside speech therapy", verification="unverified")
    nurse = a_member(session, group)
    named: list[UUID] = [each.id for each in (employer, commissioner, adviser)]
    proposal = a_proposal(
        session,
        group,
        nurse,
        ask=ASK | {"stage": stage} | values,
        employer={"parent_organisation_id": employer.id, "commissioner_organisation_ids": [commissioner.id]},
        shared={"visibility": "named", "named": named},
    )

    def officer() -> Person:
        a_pledge_of_the_past(session, funder, proposal, nurse)
        return a_member(session, funder, "editor")

    def stranger() -> Person:
        return a_member(session, an_organisation(session, kind="funder", name="Somebody else's fund"))

    people = Cast(
        {
            "editor": lambda: a_member(session, group, "editor"),
            "viewer": lambda: a_member(session, group, "viewer"),
            "director": lambda: a_member(session, employer),
            "buyer": lambda: a_member(session, commissioner),
            "adviser": lambda: a_member(session, adviser, "editor"),
            "officer": officer,
            "stranger": stranger,
        }
    )
    people["nurse"] = nurse
    return Scene(client, session, group, employer, funder, proposal, people)
