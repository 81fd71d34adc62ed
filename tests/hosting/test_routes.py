"""Fiscal hosting over HTTP: a two-party record that nobody else learns of."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.identity.models import Organisation
from tests.builders import Person, a_member, an_organisation
from tests.proposals.builders import a_group, a_proposal


class Table:
    """A group, a host and a stranger."""

    def __init__(self, session: Session, client: FlaskClient) -> None:
        self.client = client
        self.group, self.nurse = a_group(session)
        self.proposal = a_proposal(session, self.group, self.nurse)
        self.host = an_organisation(session, kind="fiscal_host", name="Common Purse")
        self.treasurer = a_member(session, self.host)
        self.stranger = a_member(session, an_organisation(session, kind="funder", name="Another fund"))

    def ask(self, host: Organisation | None = None, person: Person | None = None, **members: Any) -> TestResponse:
        body = {
            "host_organisation_id": str((host or self.host).id),
            "fee": 500,
            "terms": "Holds the grant.",
            "signatories": [{"name": "Nora", "position": "Lead nurse"}],
        }
        path = f"/v1/proposals/{self.proposal.id}/fiscal-hostings"
        return self.client.post(path, json=body | members, headers=(person or self.nurse).headers)

    def answer(self, hosting: str, person: Person | None = None, **members: Any) -> TestResponse:
        body = {"answer": "agreed", "signatories": [{"name": "Hugo", "position": "Director"}]} | members
        path = f"/v1/fiscal-hostings/{hosting}/answer"
        return self.client.post(path, json=body, headers=(person or self.treasurer).headers)


@pytest.fixture
def table(session: Session, client: FlaskClient) -> Table:
    return Table(session, client)


def test_group_and_host_agree_with_signatories_of_both_sides(table: Table) -> None:
    hosting = table.ask().json["id"]

    answer = table.answer(hosting)

    assert answer.json["state"] == "agreed"
    assert [each["side"] for each in answer.json["signatories"]] == ["group", "host"]


def test_a_host_without_a_signatory_has_not_agreed(table: Table) -> None:
    answer = table.answer(table.ask().json["id"], signatories=[])

    assert (answer.status_code, answer.json["code"]) == (422, "signatories-missing")


def test_a_host_may_decline(table: Table) -> None:
    answer = table.answer(table.ask().json["id"], answer="declined", signatories=[])

    assert answer.json["state"] == "declined"


def test_a_hosting_is_answered_once(table: Table) -> None:
    hosting = table.ask().json["id"]
    table.answer(hosting)

    assert table.answer(hosting).json["code"] == "hosting-not-open"


def test_the_group_does_not_answer_for_the_host(table: Table) -> None:
    assert table.answer(table.ask().json["id"], table.nurse).status_code == 404


def test_a_proposal_has_one_agreed_host_at_a_time(table: Table) -> None:
    first, second = table.ask().json["id"], table.ask().json["id"]
    table.answer(first)

    assert table.answer(second).json["code"] == "already-hosted"
    ended = table.client.post(f"/v1/fiscal-hostings/{first}/end", json={"reason": "Moved"}, headers=table.nurse.headers)
    assert ended.json["state"] == "ended"
    assert table.answer(second).json["state"] == "agreed"


@pytest.mark.parametrize(
    ("kind", "verification"),
    [
        pytest.param("fiscal_host", "unverified", id="not verified"),
        pytest.param("staff_representative", "vouched", id="a union holds no money for others"),
    ],
)
def test_not_every_organisation_can_be_a_host(table: Table, session: Session, kind: str, verification: str) -> None:
    other = an_organisation(session, kind=kind, verification=verification)

    assert table.ask(other).json["code"] == "not-a-host"


def test_a_stranger_learns_nothing(table: Table) -> None:
    hosting = table.ask().json["id"]
    headers = table.stranger.headers

    assert table.client.get(f"/v1/fiscal-hostings/{hosting}", headers=headers).status_code == 404
    assert table.client.get(f"/v1/proposals/{table.proposal.id}/fiscal-hostings", headers=headers).status_code == 404
    assert table.client.get(f"/v1/fiscal-hostings?organisation_id={table.host.id}", headers=headers).status_code == 404
    assert table.ask(person=table.stranger).status_code == 404


def test_the_host_reads_its_inbox(table: Table) -> None:
    hosting = table.ask().json["id"]

    page = table.client.get(
        f"/v1/fiscal-hostings?organisation_id={table.host.id}", headers=table.treasurer.headers
    ).json

    assert [each["id"] for each in page["data"]] == [hosting]
