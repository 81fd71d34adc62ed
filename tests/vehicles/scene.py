"""A wholesale vehicle behind an intermediary's programme: the scene of the facilities' tests."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.identity.models import Organisation
from marketplace.ledger import service as books
from marketplace.programmes.models import Programme
from tests.builders import Person, a_member, an_organisation
from tests.pledges.scene import Scene, a_funded_programme
from tests.repayments.scene import INSTRUMENTS, a_part, a_repayable_scene

CAPITAL = 100_000_00
LAYERS = {"first_loss": 20_000_00, "mezzanine": 30_000_00, "senior": 50_000_00}
PLAN = {**LAYERS, "lender": "seed"}


@dataclass
class Behind:
    """The wholesale vehicle and its facility, beside the scene of the intermediary and the group."""

    scene: Scene
    wholesale: Organisation
    programme: Programme
    banker: Person
    vehicle: str
    facility: str

    @property
    def client(self) -> FlaskClient:
        return self.scene.client

    def read(self, path: str = "", person: Person | None = None) -> Any:
        answer = self.scene.read(person or self.banker, f"/facilities/{self.facility}{path}")
        assert answer.status_code == 200, answer.json
        return answer.json

    def balances(self) -> dict[str, int]:
        self.scene.session.expire_all()
        found = books.balances(self.scene.session, "facility", UUID(self.facility))
        return {name: kept for name, kept in found.items() if kept}

    def lend(self, amount: int, **members: Any) -> str:
        """A signed loan of one tranche, accepted and paid."""
        pledge = self.scene.signed(parts=[a_loan_part(amount)], **members)
        for each in self.scene.tranches(pledge):
            assert self.scene.pay(self.scene.approved(each["id"])).status_code == 200
        return pledge

    def write_off(self, pledge: str, amount: int) -> None:
        scene = self.scene
        body = {"amount": {"amount": amount, "currency": "GBP"}, "ground": "uncollectable", "reason": "Wound up."}
        asked = scene.do(scene.officer, f"/pledges/{pledge}/write-offs", body)
        assert asked.status_code == 201, asked.json
        done = scene.do(scene.director, f"/write-offs/{asked.json['id']}/approval")
        assert done.status_code == 200, done.json

    def recover(self, draw: str, amount: int, reference: str = "BACK 1", person: Person | None = None) -> TestResponse:
        body = {"amount": {"amount": amount, "currency": "GBP"}, "received_on": "2026-01-01", "reference": reference}
        return self.scene.do(person or self.scene.officer, f"/facility-draws/{draw}/recoveries", body)


def a_loan_part(amount: int) -> dict[str, Any]:
    return a_part("loan_unsecured", None, amount)


def behind(session: Session, client: FlaskClient, **values: Any) -> Behind:
    """The group's scene, whose funder is an intermediary with an open facility. `facility`: changes of its terms."""
    terms = LAYERS | {"concentration_bp": 10_000} | values.pop("facility", {})
    plan = PLAN | values.pop("plan", {})
    budget = values.pop("wholesale_budget", CAPITAL)
    wholesale_programme = values.pop("wholesale_programme", {})
    programme = {"ask_max": None} | values.pop("programme", {})
    scene = a_repayable_scene(session, client, ask=100_000_00, budget=CAPITAL, programme=programme, **values)
    scene.funder.kind = "intermediary"
    wholesale = an_organisation(session, kind="wholesale_vehicle", name="Big Society Capital")
    bank = a_funded_programme(
        session,
        wholesale,
        budget,
        **{"instruments": INSTRUMENTS, "tranche_template": [], "ask_max": None} | wholesale_programme,
    )
    scene.programme.funded_by_programme_id = bank.id
    session.commit()
    banker = a_member(session, wholesale)
    opened = scene.do(banker, "/vehicles", {"programme_id": str(bank.id), "wholesale_facility": plan})
    assert opened.status_code == 201, opened.json
    vehicle = opened.json["id"]
    offered = scene.do(banker, f"/vehicles/{vehicle}/facilities", {"programme_id": str(scene.programme.id)} | terms)
    assert offered.status_code == 201, offered.json
    facility = offered.json["id"]
    agreed = scene.do(scene.director, f"/facilities/{facility}/agreement")
    assert agreed.status_code == 200, agreed.json
    return Behind(scene, wholesale, bank, banker, vehicle, facility)
