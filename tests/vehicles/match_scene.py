"""A fund that matches employers, a group and its employer: the scene of the matches' tests."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.identity.models import Organisation
from marketplace.ledger import service as books
from marketplace.proposals.models import EmployerConsent
from marketplace.values.clock import now, today
from tests.builders import Person, a_member, an_organisation
from tests.pledges.scene import Scene, a_scene
from tests.repayments.scene import accepted_evidence, gbp

PLAN = {"opening": 100_000_00, "planned": 10_000_00, "costs": 0, "employer_cash": 10_000_00, "yearly_saving": 60_000_00}


@dataclass
class Matched:
    """A pledge of a matching fund, and the employer beside it."""

    scene: Scene
    employer: Organisation
    treasurer: Person
    consent: str
    pledge: str
    match: str

    def do(self, person: Person, step: str, body: Any = None, **options: Any) -> TestResponse:
        return self.scene.do(person, f"/employer-matches/{self.match}/{step}", body, **options)

    def read(self, person: Person | None = None) -> Any:
        answer = self.scene.read(person or self.scene.officer, f"/employer-matches/{self.match}")
        assert answer.status_code == 200, answer.json
        return answer.json

    def agree(self, cash: int = 10_000_00, staff_time: int = 10_000_00, **members: Any) -> TestResponse:
        body = {"cash": gbp(cash), "staff_time": gbp(staff_time), "later_commissioner": True}
        return self.do(self.treasurer, "agreement", body | {"conflict": "Another team evaluates."} | members)

    def cash(self, amount: int, reference: str = "CASH 1") -> TestResponse:
        body = {"amount": gbp(amount), "given_on": str(today()), "reference": reference}
        return self.do(self.treasurer, "cash", body)

    def receive(self, contribution: str, person: Person | None = None) -> TestResponse:
        return self.scene.do(person or self.scene.nurse, f"/employer-contributions/{contribution}/receipt")

    def given(self, amount: int, reference: str = "CASH 1") -> None:
        """Cash that was paid and confirmed."""
        made = self.cash(amount, reference)
        assert made.status_code == 201, made.json
        assert self.receive(made.json["id"]).status_code == 200

    def paid(self) -> str:
        """Sign the fund's pledge and pay its one tranche."""
        scene = self.scene
        signed = scene.do(scene.officer, f"/pledges/{self.pledge}/agreement", {"signed_on": str(today())})
        assert signed.status_code == 200, signed.json
        (tranche,) = scene.tranches(self.pledge)
        paid = scene.pay(scene.approved(tranche["id"]))
        assert paid.status_code == 200, paid.json
        return str(tranche["id"])

    def launch(self, on: date) -> TestResponse:
        return self.do(self.scene.officer, "launch", {"launched_on": str(on)})

    def save(self, since: date, amount: int = 60_000_00) -> TestResponse:
        body = {"yearly_saving": gbp(amount), "saving_from": str(since)}
        shown = accepted_evidence(self.scene, "business_plan_v1")
        return self.do(self.scene.officer, "saving", body | {"evidence_version_id": shown})

    def give_back(self, amount: int, reference: str = "BACK 1", **options: Any) -> TestResponse:
        body = {"amount": gbp(amount), "received_on": str(today()), "reference": reference}
        return self.do(self.scene.officer, "returns", body, **options)

    def balances(self) -> dict[str, int]:
        self.scene.session.expire_all()
        found = books.balances(self.scene.session, "employer_match", UUID(self.match))
        return {name: kept for name, kept in found.items() if kept}


def an_answered_consent(scene: Scene, employer: Organisation, **values: Any) -> str:
    """The employer's answer to the group, straight into the database."""
    consent = EmployerConsent(
        proposal_id=scene.proposal.id,
        parent_organisation_id=employer.id,
        state="answered",
        title={"en": "May we?"},
        invited_by=scene.nurse.id,
        answered_at=now(),
        **{"answer": "receive_funding", "decided_on": today() - timedelta(days=9)} | values,
    )
    scene.session.add(consent)
    scene.session.commit()
    return str(consent.id)


def a_matching_fund(session: Session, client: FlaskClient, **values: Any) -> Scene:
    """A scene whose programme runs as an employer match."""
    scene = a_scene(session, client, programme={"tranche_template": []}, **values)
    body = {"programme_id": str(scene.programme.id), "employer_match": PLAN}
    opened = scene.do(scene.director, "/vehicles", body)
    assert opened.status_code == 201, opened.json
    return scene


def matched(session: Session, client: FlaskClient, *, amount: int = 10_000_00, agreed: bool = True) -> Matched:
    """An accepted pledge of the fund, and the employer invited to match it; agreed unless told otherwise."""
    scene = a_matching_fund(session, client)
    employer = an_organisation(session, kind="public_body", name="Leeds community trust")
    treasurer = a_member(session, employer)
    consent = an_answered_consent(scene, employer)
    pledge = scene.accepted(amount)
    invited = scene.do(scene.nurse, f"/pledges/{pledge}/employer-match", {"consent_id": consent, "message": "Join us."})
    assert invited.status_code == 201, invited.json
    made = Matched(scene, employer, treasurer, consent, pledge, invited.json["id"])
    if agreed:
        answer = made.agree()
        assert answer.status_code == 200, answer.json
    return made
