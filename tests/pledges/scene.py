"""A funder with a programme and a budget, and a group with a published ask: the scene of most pledges' tests."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.identity.models import Organisation
from marketplace.ledger import rules as ledger
from marketplace.ledger import service as books
from marketplace.programmes.models import Programme
from marketplace.proposals.models import Proposal
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from tests.builders import Person, a_member, an_organisation
from tests.programmes.builders import an_open_programme
from tests.proposals.builders import a_proposal

KEYS = count(1)
ASK = 10_000_00
TEMPLATE = [
    {"basis": "on_agreement", "milestone": None, "share_bp": 4000},
    {"basis": "on_milestone", "milestone": "business_plan_v1", "share_bp": 6000},
]
NATION = {
    "code": "NATION",
    "fact": "beneficiary_nation",
    "op": "eq",
    "value": "england",
    "level": "hard",
    "reason": {"en": "England only"},
}
CONSENT = {
    "code": "CONSENT",
    "fact": "employer_consent",
    "op": "eq",
    "value": True,
    "level": "hard",
    "waivable": True,
    "reason": {"en": "the employer agrees"},
}


@dataclass
class Scene:
    """Who is who, and the requests that tests make again and again."""

    client: FlaskClient
    session: Session
    funder: Organisation
    group: Organisation
    programme: Programme
    proposal: Proposal
    nurse: Person
    officer: Person
    adviser: Person
    director: Person

    def do(
        self, person: Person, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> TestResponse:
        """POST with a fresh Idempotency-Key unless one is given."""
        sent = person.headers | {"Idempotency-Key": key or f"key-{next(KEYS)}"} | headers
        return self.client.post(f"/v1{path}", json=body, headers=sent)

    def read(self, person: Person, path: str) -> TestResponse:
        return self.client.get(f"/v1{path}", headers=person.headers)

    def draft(self, amount: int = ASK, **members: Any) -> TestResponse:
        body = {
            "programme_id": str(self.programme.id),
            "proposal_id": str(self.proposal.id),
            "parts": [{"instrument": "grant", "amount": amount}],
        }
        return self.do(self.officer, "/pledges", body | members)

    def drafted(self, amount: int = ASK, **members: Any) -> str:
        answer = self.draft(amount, **members)
        assert answer.status_code == 201, answer.json
        return str(answer.json["id"])

    def offer(self, pledge: str, **terms: Any) -> TestResponse:
        body = {"expires_on": (today() + timedelta(days=30)).isoformat()} | terms
        return self.do(self.officer, f"/pledges/{pledge}/offer", body)

    def offered(self, amount: int = ASK, **members: Any) -> str:
        pledge = self.drafted(amount, **members)
        answer = self.offer(pledge)
        assert answer.status_code == 200, answer.json
        return pledge

    def accept(self, pledge: str, **options: Any) -> TestResponse:
        return self.do(self.nurse, f"/pledges/{pledge}/acceptance", **options)

    def accepted(self, amount: int = ASK, **members: Any) -> str:
        pledge = self.offered(amount, **members)
        answer = self.accept(pledge)
        assert answer.status_code == 200, answer.json
        return pledge

    def signed(self, amount: int = ASK, **members: Any) -> str:
        pledge = self.accepted(amount, **members)
        answer = self.do(self.officer, f"/pledges/{pledge}/agreement", {"signed_on": today().isoformat()})
        assert answer.status_code == 200, answer.json
        return pledge

    def tranches(self, pledge: str) -> list[dict[str, Any]]:
        return list(self.read(self.nurse, f"/pledges/{pledge}/tranches").json["data"])

    def approved(self, tranche: str) -> str:
        """Claimed by the nurse and approved by the director."""
        for person, step in ((self.nurse, "claim"), (self.director, "approval")):
            answer = self.do(person, f"/tranches/{tranche}/{step}", {} if step == "claim" else None)
            assert answer.status_code == 200, answer.json
        return tranche

    def pay(self, tranche: str, reference: str = "BACS 1", **options: Any) -> TestResponse:
        body = {"paid_on": today().isoformat(), "reference": reference}
        return self.do(self.officer, f"/tranches/{tranche}/payment", body, **options)

    def prove(self, milestone: str, verifier: Person | None = None) -> TestResponse:
        """Submit evidence for a milestone, and have it accepted."""
        draft = {"kind": "business_plan", "milestone": milestone, "title": "Our plan"}
        evidence = self.do(self.nurse, f"/proposals/{self.proposal.id}/evidence", draft).json["id"]
        sent = self.nurse.headers | {
            "Content-Type": "application/pdf",
            "Content-Disposition": 'attachment; filename="plan.pdf"',
        }
        version = self.client.post(f"/v1/evidence/{evidence}/versions", data=b"%PDF-1.7 plan", headers=sent).json["id"]
        decision = {"decision": "accepted", "reason": "Read."}
        return self.do(verifier or self.adviser, f"/evidence-versions/{version}/verification", decision)

    def balances(self) -> dict[str, int]:
        return {
            name: kept for name, kept in books.balances(self.session, "programme", self.programme.id).items() if kept
        }


def a_scene(session: Session, client: FlaskClient, **values: Any) -> Scene:
    """Put people, programme and proposal into the database. `budget`, `criteria`, `facts`, `ask` may be given."""
    funder = an_organisation(session, kind="funder", name="Leeds Seed Fund")
    group = an_organisation(session, name="Riverside speech therapy")
    nurse = a_member(session, group)
    facts = values.get("facts", {"service": {"area_code": "E08000035"}, "organisation": {"registration": "registered"}})
    ask = {
        "stage": "business_case",
        "currency": values.get("ask_currency", "GBP"),
        "instruments": values.get("sought", ["grant", "in_kind_support"]),
        "lines": values.get("lines", [{"purpose": "legal", "description": None, "amount": values.get("ask", ASK)}]),
    }
    proposal = a_proposal(session, group, nurse, facts=facts, ask=ask, shared={"visibility": "verified_funders"})
    programme = a_funded_programme(session, funder, values.get("budget", 100_000_00), **values.get("programme", {}))
    return Scene(
        client=client,
        session=session,
        funder=funder,
        group=group,
        programme=programme,
        proposal=proposal,
        nurse=nurse,
        officer=a_member(session, funder, "editor"),
        adviser=a_member(session, funder, "editor"),
        director=a_member(session, funder, "approver"),
    )


def a_funded_programme(session: Session, funder: Organisation, budget: int | None, **values: Any) -> Programme:
    """A published programme with a budget, and none where it is None."""
    values = {"instruments": ["grant", "in_kind_support"], "tranche_template": TEMPLATE} | values
    programme = an_open_programme(session, funder, **values)
    if budget is not None:
        give_budget(session, programme.id, budget)
    return programme


def give_budget(session: Session, programme_id: UUID, budget: int) -> None:
    """Book a first budget."""
    programme = session.get_one(Programme, programme_id)
    programme.has_budget = True
    books.open_accounts(session, "programme", programme_id, programme.currency)
    entries = ledger.set_budget(programme_id, budget)
    reference = f"{programme_id}:test"
    books.post(
        session, kind="programme.budget", reference=reference, entries=entries, actor=Actor(), description="Budget"
    )
    session.commit()


def criteria(*leaves: dict[str, Any]) -> dict[str, Any]:
    """An author's tree of these leaves."""
    return {"schema_version": 1, "criteria": list(leaves)}
