"""The pledges' scene with two owners of the funder, and the requests that governance's tests make again and again."""

from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.identity.models import Organisation
from marketplace.values.clock import today
from tests.builders import Person, a_member
from tests.pledges.scene import Scene, a_scene


class Governed:
    """The scene (`at`), its funder's owners, and what they ask."""

    def __init__(self, at: Scene) -> None:
        self.at = at
        funder = at.session.get_one(Organisation, at.funder.id)
        self.owner = a_member(at.session, funder)
        self.second_owner = a_member(at.session, funder)

    @property
    def path(self) -> str:
        return f"/organisations/{self.at.funder.id}"

    def put_limits(self, person: Person | None = None, **members: Any) -> TestResponse:
        body = {"currency": "GBP", "approval_limits": [], "delegated_limits": []} | members
        sent = (person or self.owner).headers | {"If-Match": "*"}
        return self.at.client.put(f"/v1{self.path}/governance", json=body, headers=sent)

    def limited(self, approval: dict[str, int] | None = None, **roles: int) -> None:
        """Set limits, in pence: by act the ones that need two people, by role what is done alone."""
        given = self.put_limits(
            approval_limits=[{"act": act, "limit": gbp(amount)} for act, amount in (approval or {}).items()],
            delegated_limits=[{"role": role, "limit": gbp(amount)} for role, amount in roles.items()],
        )
        assert given.status_code == 200, given.json
        assert given.json["in_force"] is not None

    def ask(self, person: Person, refusal: TestResponse, **changed: Any) -> TestResponse:
        """Ask for what a refusal says is needed."""
        assert refusal.json["code"] == "approval-needed", refusal.json
        body = refusal.json["approval"] | {"words": "Please look at this."} | changed
        return self.at.client.post(
            f"/v1{refusal.json['ask_at'].removeprefix('/v1')}", json=body, headers=person.headers
        )

    def asked(self, person: Person, refusal: TestResponse, **changed: Any) -> str:
        answer = self.ask(person, refusal, **changed)
        assert answer.status_code == 201, answer.json
        return str(answer.json["id"])

    def approve(self, person: Person, approval: str) -> TestResponse:
        return self.at.do(person, f"/approvals/{approval}/approval", {})

    def approved(self, asker: Person, approver: Person, refusal: TestResponse) -> str:
        approval = self.asked(asker, refusal)
        answer = self.approve(approver, approval)
        assert answer.status_code == 200, answer.json
        return approval

    def state(self, approval: str) -> str:
        return str(self.at.read(self.owner, f"/approvals/{approval}").json["state"])

    def payable(self, amount: int = 10_000_00) -> str:
        """A tranche of that amount, approved, to be paid."""
        tranche = {"basis": "on_agreement", "amount": amount}
        parts = [{"instrument": "grant", "amount": amount, "tranches": [tranche]}]
        return self.at.approved(self.at.tranches(self.at.signed(amount, parts=parts))[0]["id"])

    def declare(self, person: Person, **members: Any) -> TestResponse:
        body = {"kind": "family", "words": "My sister works there.", "from": today().isoformat()} | members
        return self.at.client.post("/v1/me/interests", json=body, headers=person.headers)

    def plan(self, person: Person, about: Person, **members: Any) -> TestResponse:
        body = {
            "user_id": str(about.id),
            "proposal_id": str(self.at.proposal.id),
            "words": "Reads, never decides alone.",
        }
        return self.at.client.post(f"/v1{self.path}/conflict-plans", json=body | members, headers=person.headers)

    def planned(self, about: Person) -> str:
        """A plan that the second owner approved."""
        made = self.plan(self.at.director, about)
        assert made.status_code == 201, made.json
        answer = self.at.do(self.second_owner, f"/conflict-plans/{made.json['id']}/approval")
        assert answer.status_code == 200, answer.json
        return str(made.json["id"])


def a_governed_scene(session: Session, client: FlaskClient, **values: Any) -> Governed:
    """A scene whose ask has room for several pledges."""
    return Governed(a_scene(session, client, **({"ask": 40_000_00} | values)))


def gbp(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "GBP"}


def codes(refusal: TestResponse) -> list[str]:
    return [reason["code"] for reason in refusal.json["reasons"]]


def in_days(number: int) -> str:
    return (today() + timedelta(days=number)).isoformat()
