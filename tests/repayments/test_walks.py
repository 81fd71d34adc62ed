"""Walks through a loan's life in any order: what is owed, what is kept and what is booked agree after every step."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from marketplace.ledger.reconciliation import reconcile
from marketplace.values.clock import today
from tests.repayments.scene import LOAN, Lent, a_part, a_repayable_scene, gbp, lent

STEPS = 12
DRAWN = 300
"""Days ago."""
HALF = 60_000


class Walk:
    """A loan in two tranches with a fee, and steps that are allowed or refused; either way the sums have to hold."""

    def __init__(self, loan: Lent, random: Random) -> None:
        self.loan, self.random, self.scene = loan, random, loan.scene
        self.day, self.number = today() - timedelta(days=DRAWN), 0
        self.taken: set[str] = set()
        self.schedules = self.loan.standing()["schedules"]

    def step(self) -> None:
        self.number += 1
        name = self.random.choice(["repay", "repay", "repay", "give_back", "lose", "reschedule", "too_much"])
        answer = getattr(self, name)()
        assert answer is None or answer.status_code in {200, 201, 409, 422}, (name, answer.json)
        if answer is not None and answer.status_code < 300:
            self.taken.add(name)
        self.holds()

    def repay(self) -> Any:
        self.day = min(today(), self.day + timedelta(days=self.random.randint(0, 45)))
        owed = self.loan.standing()["owed"]
        return self.loan.repay(self.random.randint(1, max(1, min(owed, 30_000))), f"IN {self.number}", self.day)

    def give_back(self) -> Any:
        tranche = self.random.choice(self.scene.tranches(self.loan.pledge))["id"]
        body = {"amount": gbp(self.random.randint(1, 9_000)), "reference": f"BACK {self.number}"}
        return self.scene.do(self.scene.officer, f"/tranches/{tranche}/return", body)

    def lose(self) -> Any:
        body = {"amount": gbp(self.random.randint(1, 9_000)), "ground": "uncollectable", "reason": "Lost"}
        made = self.scene.do(self.scene.officer, f"/pledges/{self.loan.pledge}/write-offs", body)
        if made.status_code != 201:
            return made
        return self.scene.do(self.scene.director, f"/write-offs/{made.json['id']}/approval")

    def reschedule(self) -> Any:
        tranche = self.random.choice(self.schedules)["tranche_id"]
        months = self.random.randint(1, 36)
        body = {"tranche_id": tranche, "months": months, "holiday_months": months // 3, "reason": "Later"}
        made = self.scene.do(self.scene.nurse, f"/pledges/{self.loan.pledge}/reschedules", body)
        if made.status_code != 201:
            return made
        return self.scene.do(self.scene.director, f"/reschedules/{made.json['id']}/acceptance")

    def too_much(self) -> None:
        owed = self.loan.standing()["owed"]
        assert self.loan.repay(owed + 1, f"MUCH {self.number}").json["code"] == "more-than-owed"

    def holds(self) -> None:
        part = self.loan.standing()
        gone = part["returned"] + part["repaid"] + part["written_off"]
        assert part["outstanding"] == part["paid"] - gone >= 0
        assert 0 <= part["overdue"] <= part["due"] <= part["owed"]
        owes = sum(each["capital"] for each in part["schedules"])
        assert owes >= part["outstanding"], "a balance is never less than the principal in it"
        for schedule in part["schedules"]:
            kept = sum(each["capital"] for each in schedule["instalments"])
            assert kept == schedule["principal"] + schedule["fee"]
        income = {name: kept for name, kept in self.loan.balances().items() if name in {"fees", "interest"}}
        assert income.get("fees", 0) + owes - part["outstanding"] <= 2_400
        assert reconcile(self.scene.session) == []


@pytest.mark.slow
def test_every_walk_keeps_its_sums_and_ends_with_nothing_owed(session: Session, client: FlaskClient) -> None:
    taken: set[str] = set()
    for seed in range(3):
        terms = LOAN | {"fee_bp": 200, "months": 10}
        halves = [{"basis": "on_agreement", "amount": HALF}] * 2
        scene = a_repayable_scene(session, client)
        walk = Walk(lent(scene, a_part("loan_unsecured", terms, tranches=halves), days_ago=DRAWN), Random(seed))
        for _ in range(STEPS):
            walk.step()
        owed = walk.loan.standing()["owed"]
        if owed:
            assert walk.loan.repay(owed, "THE REST").status_code == 201
        walk.holds()
        assert (walk.loan.standing()["owed"], walk.loan.standing()["outstanding"]) == (0, 0)
        taken |= walk.taken
    assert taken == {"repay", "give_back", "lose", "reschedule"}
