"""The employer's consent over HTTP: two parties, and an answer that is a verified fact while it stands."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.proposals import queries
from marketplace.store.journal import Event
from marketplace.values.clock import today
from tests.builders import Person, a_member, an_organisation
from tests.proposals.builders import a_group, a_proposal

ANSWER = {
    "confirms_parent": True,
    "answer": "explore",
    "scope": "Community speech therapy only",
    "authority": "Board, minute 7",
    "decided_on": str(today()),
}
INVITATION = {"title": "A staff-led service", "message": "May we look into it?"}


@pytest.fixture
def case(client: FlaskClient, session: Session) -> "Case":
    return Case(client, session)


class Case:
    """A proposal that names its employer, and people on both sides."""

    def __init__(self, client: FlaskClient, session: Session) -> None:
        self.client, self.session = client, session
        self.parent = an_organisation(session, kind="public_body", name="The Trust")
        self.approver = a_member(session, self.parent, "approver")
        self.group, self.person = a_group(session)
        self.proposal = a_proposal(
            session,
            self.group,
            self.person,
            employer={"parent_organisation_id": self.parent.id},
            shared={"visibility": "verified_funders"},
        )
        self.path = f"/v1/proposals/{self.proposal.id}/employer-consents"

    def post(self, person: Person, path: str, body: Any) -> Any:
        return self.client.post(path, json=body, headers=person.headers)

    def invite(self) -> str:
        body = INVITATION | {"organisation_id": str(self.parent.id)}
        made = self.post(self.person, self.path, body)
        assert made.status_code == 201, made.json
        return str(made.headers["Location"])

    def consents(self) -> Any:
        self.session.commit()
        return queries.own_view(self.session, self.proposal.id).facts.get("employer_consent")


def test_the_employer_learns_the_invitation_and_nothing_else(case: Case) -> None:
    path = case.invite()

    inbox = case.client.get(
        f"/v1/employer-consents?organisation_id={case.parent.id}", headers=case.approver.headers
    ).json["data"]

    assert inbox == [case.client.get(path, headers=case.approver.headers).json]
    assert set(inbox[0]) == {"id", "parent_organisation_id", "state", "title", "message", "created_at"}
    assert str(case.proposal.id) not in str(inbox)
    assert case.client.get(f"/v1/proposals/{case.proposal.id}", headers=case.approver.headers).status_code == 404
    assert case.client.get("/v1/proposals", headers=case.approver.headers).json["data"] == []
    assert case.client.get(path, headers=case.person.headers).json["proposal_id"] == str(case.proposal.id)


@pytest.mark.parametrize(
    ("answer", "consents"),
    [("explore", True), ("receive_funding", True), ("refused", False), ("no_objection", None)],
)
def test_the_answer_is_a_verified_fact(case: Case, answer: str, consents: bool | None) -> None:
    path = case.invite()

    answered = case.post(case.approver, f"{path}/answer", ANSWER | {"answer": answer})

    assert answered.status_code == 200
    assert case.consents() is consents
    view = queries.sharing_of(case.session, case.proposal.id, None)
    assert view.assurance == ({} if consents is None else {"employer_consent": "verified"})
    assert "employer_consent" in view.slugs


def test_a_consent_ends_with_its_day(case: Case) -> None:
    last = today() + timedelta(days=3)
    case.post(case.approver, f"{case.invite()}/answer", ANSWER | {"expires_on": str(last)})
    case.session.commit()

    def known(day: Any) -> tuple[Any, Any, Any]:
        shared = case.session.scalar(select(func.shared_facts(case.proposal.id, case.parent.id, day)))
        own = queries.own_view(case.session, case.proposal.id, day).facts
        told = queries.sharing_of(case.session, case.proposal.id, None, day).facts
        return tuple(each.get("employer_consent") for each in (shared, own, told))  # type: ignore[return-value]

    assert known(last) == (True, True, True)
    assert known(last + timedelta(days=1)) == (None, None, None)


def test_a_withdrawn_consent_is_unknown_again(case: Case) -> None:
    path = case.invite()
    assert case.post(case.approver, f"{path}/withdrawal", {"reason": "x"}).json["code"] == "consent-not-answered"
    case.post(case.approver, f"{path}/answer", ANSWER)
    assert case.post(case.approver, f"{path}/answer", ANSWER).json["code"] == "consent-already-answered"

    withdrawn = case.post(case.approver, f"{path}/withdrawal", {"reason": "The board changed its mind"})

    assert withdrawn.json["state"] == "withdrawn"
    assert case.consents() is None
    assert case.post(case.approver, f"{case.invite()}/answer", ANSWER | {"answer": "refused"}).status_code == 200
    assert case.consents() is False


def test_a_parent_that_is_named_no_more_consents_to_nothing(case: Case) -> None:
    case.post(case.approver, f"{case.invite()}/answer", ANSWER)
    assert case.consents() is True
    section = f"/v1/proposals/{case.proposal.id}/sections/employer"
    etag = case.client.get(section, headers=case.person.headers).headers["ETag"]

    case.client.put(section, json={"parent_name": "Another"}, headers=case.person.headers | {"If-Match": etag})

    assert case.consents() is None


def test_only_the_employers_approver_answers(case: Case) -> None:
    path = case.invite()
    viewer = a_member(case.session, case.parent, "viewer")
    stranger = a_member(case.session, an_organisation(case.session, kind="public_body"))

    assert case.post(viewer, f"{path}/answer", ANSWER).status_code == 403
    assert case.post(stranger, f"{path}/answer", ANSWER).status_code == 404
    assert case.post(case.person, f"{path}/answer", ANSWER).status_code == 404
    assert case.client.get(path, headers=stranger.headers).status_code == 404
    assert case.post(case.approver, f"{path}/answer", ANSWER | {"confirms_parent": False}).status_code == 422
    wrong = case.post(case.approver, f"{path}/answer", ANSWER | {"decided_on": str(today() + timedelta(days=1))})
    assert wrong.json["errors"][0]["pointer"] == "#/decided_on"


def test_only_the_named_verified_public_body_is_invited_and_once(case: Case) -> None:
    case.invite()
    again = case.post(case.person, case.path, INVITATION | {"organisation_id": str(case.parent.id)})
    other = an_organisation(case.session, kind="public_body")
    refused = case.post(case.person, case.path, INVITATION | {"organisation_id": str(other.id)})

    assert (again.status_code, again.json["code"]) == (409, "consent-already-invited")
    assert (refused.status_code, refused.json["code"]) == (422, "not-the-employer")


def test_only_the_two_parties_hear_of_it(case: Case) -> None:
    path = case.invite()
    case.post(case.approver, f"{path}/answer", ANSWER)

    events = case.session.scalars(select(Event).where(Event.subject_kind == "employer_consent")).all()

    assert {each.type for each in events} == {"consent.invited", "consent.answered"}
    assert all(each.scope == "organisations" for each in events)
    assert all(set(each.organisation_ids) == {case.group.id, case.parent.id} for each in events)
