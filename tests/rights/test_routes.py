"""Rights over HTTP: claims and their answers, who reads them, a proposal's position, what statistics tell."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.identity.models import Membership, Organisation, User
from marketplace.proposals.models import Proposal
from marketplace.store.base import new_id
from marketplace.store.journal import Event
from marketplace.store.mail import present_settings, unseal
from marketplace.values.clock import today
from tests.builders import Person, a_member, an_organisation
from tests.proposals.builders import a_group, a_proposal

FACTS: dict[str, dict[str, Any]] = {
    "service": {"sector": "libraries_archives", "area_code": "E08000035", "parent_kind": "local_authority"},
    "people": {"cuts_threat": True, "initiation": "bottom_up"},
    "rights": {"route": "community_right_to_challenge"},
}


class Case:
    """A group, its proposal, the authority that employs it, and somebody who is no party."""

    def __init__(self, client: FlaskClient, session: Session) -> None:
        self.client, self.session = client, session
        self.authority = an_organisation(session, kind="public_body", name="The Council")
        self.approver = a_member(session, self.authority, "approver")
        self.group, self.person = a_group(session)
        self.proposal = self.another(self.group, self.person)
        self.stranger = a_member(session, an_organisation(session, kind="funder", name="A fund"))

    def another(self, group: Organisation, person: Person, **shared: Any) -> Proposal:
        employer = {"parent_organisation_id": self.authority.id}
        shared = shared or {"visibility": "verified_funders"}
        return a_proposal(self.session, group, person, facts=FACTS, employer=employer, shared=shared)

    def path(self, rest: str = "/right-claims", proposal: Proposal | None = None) -> str:
        return f"/v1/proposals/{(proposal or self.proposal).id}{rest}"

    def post(self, path: str, body: Any = None, person: Person | None = None) -> TestResponse:
        return self.client.post(path, json=body, headers=(person or self.person).headers)

    def get(self, path: str, person: Person | None = None) -> TestResponse:
        return self.client.get(path, headers=(person or self.person).headers)

    def draft(self, **changes: Any) -> dict[str, Any]:
        body = {
            "route": "community_right_to_challenge",
            "authority_organisation_id": str(self.authority.id),
            "claimant": "Eleven librarians",
            "title": "The branch libraries",
            "statement": "We would run them as a society.",
            "submitted_on": str(today() - timedelta(days=10)),
        }
        return {name: value for name, value in {**body, **changes}.items() if value is not None}

    def claimed(self, **changes: Any) -> str:
        answer = self.post(self.path(), self.draft(**changes))
        assert answer.status_code == 201, answer.json
        return str(answer.headers["Location"])

    def named(self, **changes: Any) -> str:
        """A claim to an authority that is not here."""
        return self.claimed(authority_organisation_id=None, authority_name="Another council", **changes)


@pytest.fixture
def case(client: FlaskClient, session: Session) -> Case:
    return Case(client, session)


def letters(session: Session) -> list[dict[str, str]]:
    query = text("SELECT args->>'sealed' FROM procrastinate_jobs WHERE task_name = 'mail.deliver' ORDER BY id")
    return [unseal(present_settings(), each) for each in session.scalars(query)]


def address_of(session: Session, person: Person) -> str:
    return session.get_one(User, person.id).email


def answer(outcome: str = "accepted", **members: Any) -> dict[str, Any]:
    more: dict[str, Any] = {"words": "As minuted."}
    if outcome == "rejected":
        more |= {"rejection_reason": "already_in_procurement"}
    if outcome == "modified":
        more |= {"modification": "Three branches of five."}
    return {"outcome": outcome, "answered_on": str(today())} | more | members


def test_an_authority_accepts_a_claim_and_both_read_that_it_leads_to_procurement_and_no_contract(case: Case) -> None:
    claim = case.claimed()

    done = case.post(f"{claim}/answer", answer(), case.approver)

    assert done.status_code == 200, done.json
    for person in (case.person, case.approver):
        read = case.get(claim, person).json
        assert (read["state"], read["outcome"], read["declared"]) == ("accepted", "accepted", False)
        assert read["leads_to"] == "open_procurement"
        assert "no contract" in read["leads_to_words"]
        assert read["timing"] == {
            "days": 10,
            "answered": True,
            "due_on": str(today() + timedelta(days=170)),
            "due_by": "usual",
            "overdue": False,
        }


def test_the_authority_reads_the_claim_and_not_which_proposal_it_is_for(case: Case) -> None:
    claim = case.claimed()

    read = case.get(claim, case.approver)

    assert read.status_code == 200
    assert "proposal_id" not in read.json
    assert str(case.proposal.id) not in read.text
    assert case.get(case.path("").removesuffix("/right-claims"), case.approver).status_code == 404
    inbox = case.get(f"/v1/right-claims?organisation_id={case.authority.id}&state=submitted", case.approver).json
    assert [each["claimant"] for each in inbox["data"]] == ["Eleven librarians"]
    assert "proposal_id" not in inbox["data"][0]


def test_nobody_else_learns_of_a_claim(case: Case) -> None:
    claim = case.claimed()

    assert case.get(claim, case.stranger).status_code == 404
    assert case.get(case.path(), case.stranger).status_code == 404
    assert case.get(case.path(), case.approver).status_code == 404
    assert case.post(f"{claim}/answer", answer(), case.stranger).status_code == 404
    event = case.session.scalars(select(Event).where(Event.type == "right_claim.submitted")).one()
    assert set(event.organisation_ids) == {case.group.id, case.authority.id}
    assert event.scope == "organisations"


def test_each_side_is_written_to_when_the_other_has_moved_and_the_letter_names_nothing(case: Case) -> None:
    before = len(letters(case.session))
    claim = case.claimed()
    to_authority = letters(case.session)[before:]
    assert case.post(f"{claim}/answer", answer(), case.approver).status_code == 200
    to_group = letters(case.session)[before + len(to_authority) :]

    assert [each["to"] for each in to_authority] == [address_of(case.session, case.approver)]
    assert [each["to"] for each in to_group] == [address_of(case.session, case.person)]
    for each in to_authority + to_group:
        assert claim in each["body"]
        assert "librarian" not in f"{each['subject']} {each['body']}".lower()


def test_a_claim_by_a_closed_route_is_refused_naming_its_days_and_taken_for_a_day_within_them(case: Case) -> None:
    refused = case.post(case.path(), case.draft(route="right_to_request"))

    assert refused.status_code == 422
    assert refused.json["code"] == "route-not-open"
    assert (refused.json["opened_on"], refused.json["closed_on"]) == ("2008-06-30", "2010-09-30")
    assert refused.json["errors"][0]["pointer"] == "#/submitted_on"
    assert case.post(case.path(), case.draft(route="right_to_request", submitted_on="2010-01-04")).status_code == 201


def test_an_authority_that_is_not_here_has_its_answer_written_down_with_a_source_and_that_is_told_apart(
    case: Case,
) -> None:
    claim = case.named()

    bare = case.post(f"{claim}/declared-answer", answer("modified"))
    done = case.post(f"{claim}/declared-answer", answer("modified", source="Cabinet minutes, item 7"))

    assert bare.status_code == 422
    assert bare.json["errors"][0]["pointer"] == "#/source"
    assert done.status_code == 200, done.json
    assert (done.json["state"], done.json["declared"]) == ("modified", True)
    assert done.json["modification"] == "Three branches of five."


def test_an_authority_that_is_here_answers_for_itself(case: Case) -> None:
    refused = case.post(f"{case.claimed()}/declared-answer", answer(source="They told us"))

    assert refused.status_code == 409
    assert refused.json["code"] == "authority-answers-itself"


def test_whoever_belongs_to_the_group_does_not_answer_it_for_the_authority(case: Case) -> None:
    both = a_member(case.session, case.group)
    case.session.add(Membership(id=new_id(), organisation_id=case.authority.id, user_id=both.id, role="owner"))
    case.session.commit()

    refused = case.post(f"{case.claimed()}/answer", answer(), both)

    assert refused.status_code == 403
    assert refused.json["code"] == "own-right-claim"


def test_an_answer_is_given_once(case: Case) -> None:
    claim = case.claimed()
    case.post(f"{claim}/answer", answer("rejected"), case.approver)

    again = case.post(f"{claim}/answer", answer(), case.approver)

    assert again.status_code == 409
    assert (again.json["code"], again.json["state"]) == ("right-claim-state", "rejected")


def test_a_rejection_is_appealed_where_the_route_has_an_appeal_and_nowhere_else(case: Case) -> None:
    without = case.claimed()
    case.post(f"{without}/answer", answer("rejected"), case.approver)
    refused = case.post(f"{without}/appeal", {"words": "It was not.", "appealed_on": str(today())})
    assert (refused.status_code, refused.json["code"]) == (409, "no-appeal-on-route")

    claim = case.named(route="right_to_request", submitted_on="2010-01-04")
    case.post(f"{claim}/declared-answer", answer("rejected", answered_on="2010-02-01", source="Board paper 9"))
    early = case.post(f"{claim}/appeal", {"words": "It was not.", "appealed_on": "2010-01-31"})
    assert early.json["errors"][0]["pointer"] == "#/appealed_on"
    assert case.post(f"{claim}/appeal", {"words": "It was not.", "appealed_on": "2010-02-02"}).status_code == 200
    ended = case.post(
        f"{claim}/appeal-outcome", {"outcome": "upheld", "source": "Letter of 1 March", "decided_on": "2010-03-01"}
    )
    assert ended.status_code == 200, ended.json
    assert (ended.json["state"], ended.json["outcome"]) == ("upheld", "rejected")
    assert ended.json["appeal_to"] == "The strategic health authority"


def test_one_claim_by_a_route_waits_at_a_time_and_a_withdrawn_one_makes_room(case: Case) -> None:
    claim = case.claimed()
    second = case.post(case.path(), case.draft())
    assert (second.status_code, second.json["code"]) == (409, "right-claim-waits")

    assert case.post(f"{claim}/withdrawal", {"reason": "Not yet."}).status_code == 200
    assert case.post(case.path(), case.draft()).status_code == 201
    listed = case.get(case.path()).json["data"]
    assert [each["state"] for each in listed] == ["submitted", "withdrawn"]


def test_withdrawing_the_proposal_withdraws_the_claims_that_wait(case: Case) -> None:
    claim, answered = case.claimed(), case.named(route="staff_led_voluntary")
    case.post(f"{answered}/declared-answer", answer(source="A letter"))

    gone = case.post(case.path("/withdrawal"))

    assert gone.status_code == 200, gone.json
    assert case.get(claim, case.approver).json["state"] == "withdrawn"
    assert case.get(answered).json["state"] == "accepted"
    assert case.post(f"{claim}/answer", answer(), case.approver).status_code == 409


def test_a_claim_to_who_is_no_verified_public_body_is_refused_as_one_to_nobody(case: Case) -> None:
    fund = an_organisation(case.session, kind="funder", name="A fund")
    suspended = an_organisation(case.session, kind="public_body", name="Gone", verification="suspended")
    told = [
        case.post(case.path(), case.draft(authority_organisation_id=str(each))).json
        for each in (fund.id, suspended.id, case.proposal.id)
    ]

    assert {each["code"] for each in told} == {"not-an-authority"}
    assert len({str(each["errors"]) for each in told}) == 1


def test_the_position_flags_what_does_not_fit_and_refuses_nothing(case: Case) -> None:
    read = case.get(case.path("/rights-position?on=2010-05-01"))

    assert read.status_code == 200, read.json
    found = {each["code"]: each["outcome"] for each in read.json["reasons"]}
    assert found["RIGHT_OPEN"] == found["ROUTE_OPEN"] == "unmet"
    assert found["MORE_THAN_CUTS"] == "unmet"
    assert case.get(case.path("/rights-position")).json["routes"] == ["community_right_to_challenge"]
    assert case.get(case.path("/rights-position"), case.approver).status_code == 404


def test_stating_another_motive_lowers_the_flag_of_the_cut(case: Case) -> None:
    path = case.path("/motives")
    etag = case.get(path).headers["ETag"]
    headers = case.person.headers | {"If-Match": etag}

    kept = case.client.put(path, json={"motives": ["avoid_cut", "staff_say"]}, headers=headers)
    stale = case.client.put(path, json={"motives": ["avoid_cut"]}, headers=headers)

    assert kept.status_code == 200, kept.json
    assert kept.json["motives"] == ["staff_say", "avoid_cut"]
    assert stale.status_code == 412
    found = {each["code"]: each["outcome"] for each in case.get(case.path("/rights-position")).json["reasons"]}
    assert found["MORE_THAN_CUTS"] == "met"


def test_coverage_is_read_by_anyone_for_any_day(client: FlaskClient) -> None:
    then = client.get("/v1/rights/coverage?on=2010-01-01").json
    routes = client.get("/v1/rights").json["data"]

    cell = {"sector": "community_health", "nation": "england", "cover": "right", "routes": ["right_to_request"]}
    assert then["day"] == "2010-01-01"
    assert cell in then["cells"]
    assert len(then["cells"]) == 4 * 14
    assert {each["slug"] for each in routes if each["inferred"]} >= {"right_to_request"}


def test_statistics_tell_claims_of_public_proposals_alone_and_no_small_numbers(case: Case) -> None:
    hidden = case.named()
    case.post(f"{hidden}/declared-answer", answer(source="A letter"))
    before = case.client.get("/v1/rights/statistics?by=nation").json
    assert before == {"by": "nation", "data": [], "others": {"fewer_than": 5}}

    for turn in range(10):
        group, person = a_group(case.session)
        proposal = case.another(group, person, visibility="public")
        body = case.draft(authority_organisation_id=None, authority_name="Some  Council")
        made = case.post(case.path(proposal=proposal), body, person).headers["Location"]
        outcome = "accepted" if turn % 2 else "rejected"
        assert case.post(f"{made}/declared-answer", answer(outcome, source="A letter"), person).status_code == 200

    told = case.client.get("/v1/rights/statistics?by=nation").json
    band = {"at_least": 5, "at_most": 9}
    assert told["data"] == [
        {
            "key": "england",
            "claims": {"at_least": 10, "at_most": 14},
            "accepted": band,
            "rejected": band,
            "accepted_share_least_bp": 3571,
            "accepted_share_most_bp": 6429,
            "days": {"at_least": 7, "at_most": 13},
        }
    ]
    by_authority = case.client.get("/v1/rights/statistics?by=authority").json["data"]
    assert [(each["key"], each["label"]) for each in by_authority] == [("some council", "Some  Council")]
    by_cuts = case.client.get("/v1/rights/statistics?by=cuts_threat").json["data"]
    assert [each["key"] for each in by_cuts] == ["true"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"route": "right_to_roam"}, "#/route"),
        ({"submitted_on": str(date.max)}, "#/submitted_on"),
        ({"submitted_on": str(today() + timedelta(days=1))}, "#/submitted_on"),
        ({"authority_name": "Twice"}, "#/authority_name"),
        ({"claimant": " "}, "#/claimant"),
    ],
)
def test_a_claim_that_cannot_be_names_the_place(case: Case, changes: dict[str, Any], pointer: str) -> None:
    refused = case.post(case.path(), case.draft(**changes))

    assert refused.status_code == 422
    assert pointer in [each["pointer"] for each in refused.json["errors"]]
