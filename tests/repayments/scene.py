"""A group that was paid by a repayable part: the scene of the repayments' tests."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.ledger import service as books
from marketplace.values.clock import today
from tests.pledges.scene import Scene, a_scene

LENT = 1_200_00
LOAN = {"rate_bp": 1_200, "months": 12}
"""12% a year: one per cent a month."""
INSTRUMENTS = [
    "grant",
    "in_kind_support",
    "loan_unsecured",
    "loan_secured",
    "working_capital_facility",
    "recoverable_grant",
    "quasi_equity",
    "match_trading",
    "guarantee",
    "equity",
]


def gbp(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "GBP"}


def a_part(instrument: str, terms: dict[str, Any] | None, amount: int = LENT, **members: Any) -> dict[str, Any]:
    made = {"instrument": instrument, "amount": amount, **members}
    return made | ({"financial_terms": terms} if terms is not None else {})


@dataclass
class Lent:
    """A pledge whose money was paid, and the requests that tests make of it."""

    scene: Scene
    pledge: str

    def repay(self, amount: int, reference: str = "IN 1", on: date | None = None, **options: Any) -> TestResponse:
        members = {name: options.pop(name) for name in ("part_id",) if name in options}
        body = {"amount": gbp(amount), "reference": reference, "received_on": str(on or today()), **members}
        return self.scene.do(self.scene.officer, f"/pledges/{self.pledge}/repayments", body, **options)

    def standing(self, place: int = 0) -> Any:
        answer = self.scene.read(self.scene.nurse, f"/pledges/{self.pledge}/repayment-schedule")
        assert answer.status_code == 200, answer.json
        return answer.json["parts"][place]

    def balances(self) -> dict[str, int]:
        self.scene.session.expire_all()
        found = books.balances(self.scene.session, "pledge", UUID(self.pledge))
        return {name: kept for name, kept in found.items() if kept}

    def money(self) -> str:
        return next(each["id"] for each in self.scene.tranches(self.pledge) if each["state"] == "paid")


def a_repayable_scene(session: Session, client: FlaskClient, **values: Any) -> Scene:
    """A programme that gives every instrument, one tranche each, to a group that seeks them."""
    programme = {"instruments": INSTRUMENTS, "tranche_template": []} | values.pop("programme", {})
    return a_scene(session, client, sought=INSTRUMENTS, programme=programme, **values)


def lent(scene: Scene, *parts: dict[str, Any], days_ago: int = 0) -> Lent:
    """A signed pledge of these parts, every tranche of money paid `days_ago`."""
    pledge = scene.signed(parts=list(parts))
    for each in scene.tranches(pledge):
        body = {"paid_on": str(today() - timedelta(days=days_ago)), "reference": "BACS"}
        paid = scene.do(scene.officer, f"/tranches/{scene.approved(each['id'])}/payment", body)
        assert paid.status_code == 200, paid.json
    return Lent(scene, pledge)


def a_loan(scene: Scene, terms: dict[str, Any] = LOAN, *, days_ago: int = 0, amount: int = LENT) -> Lent:
    return lent(scene, a_part("loan_unsecured", terms, amount), days_ago=days_ago)


def accepted_evidence(scene: Scene, milestone: str) -> str:
    """The id of evidence for that milestone, accepted by the funder's adviser."""
    assert scene.prove(milestone).status_code in {200, 201}
    query = text("SELECT id FROM evidence_version ORDER BY id DESC LIMIT 1")
    return str(scene.session.scalar(query))
