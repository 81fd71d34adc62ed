"""Proposals over HTTP: drafting, publishing, sharing, withdrawing, and what others see of it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import and_, literal, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.proposals import hooks
from marketplace.proposals.models import Ask, Proposal
from marketplace.store.base import new_id
from marketplace.store.journal import Event
from tests.builders import Person, a_member, an_organisation
from tests.proposals.builders import ASK, a_group, a_proposal, share

LINES = [{"purpose": "legal", "description": "A solicitor", "amount": 900_000}, {"purpose": "hr", "amount": 1}]
ASKED = {"stage": "feasibility", "instruments": ["grant"], "lines": LINES}


class Caller:
    """A person at the API: reads the ETag before each change."""

    def __init__(self, client: FlaskClient, person: Person) -> None:
        self.client, self.person = client, person

    def get(self, path: str) -> Any:
        return self.client.get(path, headers=self.person.headers)

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(path, json=body, headers=self.person.headers)

    def put(self, path: str, body: Any, etag: str | None = None) -> Any:
        tag = etag or self.get(path).headers.get("ETag", '"none"')
        return self.client.put(path, json=body, headers=self.person.headers | {"If-Match": tag})


@pytest.fixture
def calling(client: FlaskClient) -> Callable[[Person], Caller]:
    return lambda person: Caller(client, person)


def shared(**members: Any) -> dict[str, Any]:
    return {"visibility": "verified_funders"} | members


def the_funder(session: Session, calling: Callable[[Person], Caller], **values: Any) -> tuple[UUID, Caller]:
    organisation = an_organisation(session, **{"kind": "funder", **values})
    return organisation.id, calling(a_member(session, organisation, "viewer"))


def test_a_group_drafts_answers_asks_publishes_and_shares(client: FlaskClient, session: Session, calling: Any) -> None:
    group, person = a_group(session)
    me = calling(person)
    made = me.post("/v1/proposals", {"organisation_id": str(group.id), "title": "Speech therapy by its staff"})
    path = made.headers["Location"]
    funder_id, funder = the_funder(session, calling)

    assert made.status_code == 201
    assert made.json["pseudonym"].startswith("Group ")
    assert [each["name"] for each in me.get(f"{path}/sections").json["data"]][:4] == [
        "summary",
        "ask",
        "employer",
        "service",
    ]
    answers = {"facts": {"sector": "community_health", "area_code": "E08000035", "trades_commercially": None}}
    kept = me.put(f"{path}/sections/service", answers)
    assert kept.json["content"] == {"facts": {"sector": "community_health", "area_code": "E08000035"}}
    assert me.put(f"{path}/sections/people", {"facts": {"staff_count": 40}}).status_code == 200
    assert me.put(f"{path}/sections/ask", ASKED).status_code == 200
    assert me.put(f"{path}/sharing", shared()).status_code == 200
    assert funder.get(path).status_code == 404

    published = me.post(f"{path}/versions")

    assert published.status_code == 201
    assert published.json["facts"]["ask"] == {"amount": 900_001, "currency": "GBP"}
    assert published.json["facts"]["region"] == "yorkshire_humber"
    assert me.get(published.headers["Location"]).json["number"] == 1
    seen = funder.get(path).json
    assert seen["perspective"] == "outsider"
    assert seen["pseudonym"] == made.json["pseudonym"]
    assert seen["ask"]["amount"] == {"amount": 900_001, "currency": "GBP"}
    assert set(seen["ask"]["lines"][0]) == {"id", "purpose", "amount"}
    assert seen["place"] == {"nation": "england", "region": "yorkshire_humber"}
    assert {"staff_count", "area_code", "areas"}.isdisjoint(seen["facts"])
    for kept_back in ("organisation_id", "organisation_name", "title", "sections", "sharing", "visibility", "asks"):
        assert kept_back not in seen
    assert funder.get("/v1/proposals").json["data"] == [seen]
    assert funder.get(f"{path}/sections").status_code == 404
    assert funder.get(f"{path}/versions").status_code == 404
    assert funder.get(f"{path}/sharing").status_code == 404
    assert str(funder_id) not in str(seen)


def test_whoever_is_named_learns_the_name_and_what_was_granted(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    proposal = a_proposal(session, group, person)
    path = f"/v1/proposals/{proposal.id}"
    funder_id, funder = the_funder(session, calling)
    grant = {"organisation_id": str(funder_id), "facts": ["staff_count", "mfa_received"]}

    answer = calling(person).put(
        f"{path}/sharing",
        shared(visibility="named", named=[str(funder_id)], fact_grants=[grant], facts={"sector": "confidential"}),
    )
    seen = funder.get(path).json

    assert answer.status_code == 200
    assert answer.json["fact_grants"] == [grant]
    assert seen["organisation_name"] == "Riverside speech therapy"
    assert seen["title"] == "Speech therapy by its staff"
    assert seen["ask"]["lines"][0]["description"] == "A solicitor"
    assert seen["facts"]["staff_count"] == 40
    assert seen["facts"]["mfa_total_with_ask"] == {"amount": 1_000_000, "currency": "GBP"}
    assert "sector" not in seen["facts"]
    assert "sector" not in seen["shared_facts"]
    assert "turnover" not in seen["facts"]


def test_the_employer_and_its_commissioners_see_nothing_below_public(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    me = calling(person)
    identifier = ("GB-LAE", "LDS")
    parent_id, parent = the_funder(session, calling, kind="public_body")
    registered_id, registered = the_funder(session, calling, kind="public_body", identifier=identifier)
    commissioner_id, commissioner = the_funder(session, calling, kind="public_body")
    proposal = a_proposal(session, group, person, shared=shared())
    path = f"/v1/proposals/{proposal.id}"
    assert [each.get(path).status_code for each in (parent, registered, commissioner)] == [200, 200, 200]

    named = me.put(
        f"{path}/sections/employer",
        {
            "parent_organisation_id": str(parent_id),
            "parent_identifier": "GB-LAE-LDS",
            "commissioner_organisation_ids": [str(commissioner_id)],
        },
    )

    assert named.status_code == 200
    assert [each.get(path).status_code for each in (parent, registered, commissioner)] == [404, 404, 404]
    assert [each.get("/v1/proposals").json["data"] for each in (parent, registered, commissioner)] == [[], [], []]
    assert me.put(f"{path}/sharing", shared(named=[str(parent_id)])).status_code == 200
    assert parent.get(path).status_code == 200
    assert me.put(f"{path}/sharing", shared(visibility="public")).status_code == 200
    assert commissioner.get(path).json["organisation_name"] == "Riverside speech therapy"
    assert registered_id != parent_id


def test_a_person_of_the_employer_sees_nothing_through_a_funder(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    parent = an_organisation(session, kind="public_body")
    proposal = a_proposal(session, group, person, employer={"parent_organisation_id": parent.id}, shared=shared())
    funder_id, funder = the_funder(session, calling)
    path = f"/v1/proposals/{proposal.id}"
    assert funder.get(path).status_code == 200

    from marketplace.identity.models import Membership

    session.add(Membership(organisation_id=parent.id, user_id=funder.person.id, role="viewer"))
    session.commit()

    assert funder.get(path).status_code == 404
    assert funder.get("/v1/proposals").json["data"] == []
    assert funder_id


@pytest.mark.parametrize(
    ("values", "status"),
    [
        pytest.param({"verification": "unverified"}, 404, id="unverified"),
        pytest.param({"verification": "suspended"}, 404, id="suspended"),
        pytest.param({"kind": "staff_group"}, 404, id="another staff group"),
        pytest.param({"kind": "adviser"}, 404, id="an adviser"),
        pytest.param({"kind": "intermediary"}, 200, id="an intermediary"),
    ],
)
def test_below_public_only_verified_funders_see(
    session: Session, calling: Any, values: dict[str, Any], status: int
) -> None:
    group, person = a_group(session)
    proposal = a_proposal(session, group, person, shared=shared())
    _, caller = the_funder(session, calling, **values)

    assert caller.get(f"/v1/proposals/{proposal.id}").status_code == status
    assert len(caller.get("/v1/proposals").json["data"]) == (1 if status == 200 else 0)
    share(session, proposal.id, person, visibility="public")
    assert caller.get(f"/v1/proposals/{proposal.id}").status_code == 200


def test_a_guest_reads_everything_and_writes_nothing(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    proposal = a_proposal(session, group, person)
    other = a_proposal(session, group, person)
    from datetime import date

    guest = calling(a_member(session, group, "guest", proposal_id=proposal.id, until=date(2100, 1, 1)))
    path = f"/v1/proposals/{proposal.id}"

    assert guest.get(path).json["perspective"] == "group"
    assert guest.get(f"{path}/sections/people").json["content"]["facts"] == {"staff_count": 40}
    assert guest.put(f"{path}/sections/people", {"facts": {}}).status_code == 404
    assert guest.post(f"{path}/versions").status_code == 404
    assert [each["id"] for each in guest.get("/v1/proposals").json["data"]] == [str(proposal.id)]
    assert guest.get(f"/v1/proposals/{other.id}").status_code == 404


@pytest.mark.parametrize(
    ("role", "write", "withdraw"),
    [("owner", 200, 200), ("editor", 200, 403), ("approver", 403, 403), ("viewer", 403, 403)],
)
def test_editors_write_and_owners_withdraw(
    session: Session, calling: Any, role: str, write: int, withdraw: int
) -> None:
    group, person = a_group(session)
    proposal = a_proposal(session, group, person)
    caller = calling(a_member(session, group, role))
    path = f"/v1/proposals/{proposal.id}"

    assert caller.put(f"{path}/sections/people", {"facts": {}}).status_code == write
    assert caller.put(f"{path}/sharing", {"visibility": "private"}).status_code == write
    assert caller.post(f"{path}/versions").status_code == (201 if write == 200 else 403)
    assert caller.post(f"{path}/withdrawal").status_code == withdraw


def test_only_staff_groups_have_proposals(session: Session, calling: Any) -> None:
    funder = an_organisation(session, kind="funder")
    refused = calling(a_member(session, funder)).post("/v1/proposals", {"organisation_id": str(funder.id)})

    assert (refused.status_code, refused.json["code"]) == (403, "not-a-staff-group")


def test_an_incomplete_proposal_is_refused_with_all_that_is_missing(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    me = calling(person)
    path = me.post("/v1/proposals", {"organisation_id": str(group.id)}).headers["Location"]

    refused = me.post(f"{path}/versions")

    assert (refused.status_code, refused.json["code"]) == (422, "proposal-not-ready")
    assert len(refused.json["errors"]) == 4


def test_facts_are_refused_each_at_its_place(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    path = f"/v1/proposals/{a_proposal(session, group, person).id}/sections/service"
    me = calling(person)

    refused = me.put(path, {"facts": {"sector": "astrology", "region": "london", "annual_contract_value": 5}})

    assert refused.json["code"] == "invalid-facts"
    assert [each["pointer"] for each in refused.json["errors"]] == [
        "#/facts/sector",
        "#/facts/region",
        "#/facts/annual_contract_value",
    ]
    assert me.get(path).json["version"] == 2
    assert me.put(path.replace("service", "astrology"), {"facts": {}}, '"x"').status_code == 404


def test_a_section_is_changed_only_by_who_has_seen_it(client: FlaskClient, session: Session, calling: Any) -> None:
    group, person = a_group(session)
    me = calling(person)
    path = f"/v1/proposals/{a_proposal(session, group, person).id}/sections/people"
    stale = me.get(path).headers["ETag"]

    assert client.put(path, json={"facts": {}}, headers=person.headers).status_code == 428
    assert me.put(path, {"facts": {}}, stale).status_code == 200
    assert me.put(path, {"facts": {}}, stale).status_code == 412


def test_publishing_again_changes_the_ask_and_never_the_version_before(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    proposal = a_proposal(session, group, person)
    me, path = calling(person), f"/v1/proposals/{proposal.id}"
    ask_id = me.get(path).json["ask"]["id"]

    me.put(f"{path}/sections/ask", ASKED | {"lines": LINES[1:]})
    assert me.get(path).json["ask"]["amount"]["amount"] == 900_000
    assert me.post(f"{path}/versions").status_code == 201

    assert me.get(path).json["ask"]["amount"]["amount"] == 1
    assert me.get(path).json["ask"]["id"] == ask_id
    newer, older = me.get(f"{path}/versions").json["data"]
    assert (newer["number"], older["number"]) == (2, 1)
    assert me.get(f"{path}/versions/{older['id']}").json["ask"]["amount"] == 900_000
    elsewhere = a_proposal(session, group, person)
    assert me.get(f"/v1/proposals/{elsewhere.id}/versions/{older['id']}").status_code == 404
    with pytest.raises(IntegrityError, match="append-only"), session.begin_nested():
        session.execute(text("UPDATE proposal_version SET number = 9"))


def test_an_ask_with_accepted_pledges_is_held(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    proposal = a_proposal(session, group, person, ask=ASK | {"stage": "business_case"})
    me, path = calling(person), f"/v1/proposals/{proposal.id}"
    session.scalars(select(Ask).where(Ask.proposal_id == proposal.id)).one().accepted = 500
    session.commit()

    def publishing(stage: str = "business_case", **ask: Any) -> Any:
        ask |= {"stage": stage}
        if stage != me.get(f"{path}/pipeline").json["stage"]:
            moved = me.post(f"{path}/stage-moves", {"to": stage, "reason": "One step back."})
            assert moved.status_code == 201
        assert me.put(f"{path}/sections/ask", ASKED | ask).status_code == 200
        return me.post(f"{path}/versions")

    below = publishing(lines=LINES[1:])
    assert (below.status_code, below.json["code"]) == (409, "ask-below-pledged")
    assert publishing(currency="EUR").json["code"] == "ask-currency-fixed"
    assert publishing(stage="feasibility").status_code == 201
    assert {each["stage"]: each["state"] for each in me.get(path).json["asks"]} == {
        "business_case": "open",
        "feasibility": "open",
    }
    assert publishing(stage="exploring").status_code == 201
    assert {each["stage"]: each["state"] for each in me.get(path).json["asks"]} == {
        "business_case": "open",
        "feasibility": "closed",
        "exploring": "open",
    }


def test_the_first_publication_is_told_with_its_stage(session: Session, calling: Any, monkeypatch: Any) -> None:
    told: list[str] = []
    monkeypatch.setattr(hooks, "ON_FIRST_VERSION", hooks.ON_FIRST_VERSION)
    hooks.ON_FIRST_VERSION.append(lambda _session, _actor, _proposal, stage: told.append(stage))
    try:
        group, person = a_group(session)
        me, path = calling(person), f"/v1/proposals/{a_proposal(session, group, person).id}"
        me.post(f"{path}/versions")
    finally:
        hooks.ON_FIRST_VERSION.pop()

    assert told == ["feasibility"]


def test_sharing_with_nobody_that_can_be_found_is_refused(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    path = f"/v1/proposals/{a_proposal(session, group, person).id}/sharing"
    hidden = an_organisation(session, kind="staff_group")
    funder_id, _ = the_funder(session, calling)

    refused = calling(person).put(
        path,
        {
            "visibility": "named",
            "named": [str(new_id()), str(hidden.id), str(funder_id)],
            "excluded": [str(funder_id)],
            "facts": {"areas": "open"},
        },
    )

    assert refused.json["code"] == "sharing-faults"
    assert {each["pointer"] for each in refused.json["errors"]} == {
        "#/named/0",
        "#/named/1",
        "#/excluded",
        "#/facts/areas",
    }
    same = [each["detail"] for each in refused.json["errors"] if each["pointer"].startswith("#/named/")]
    assert len(set(same)) == 1


def test_a_withdrawn_proposal_is_gone_for_all_but_its_group_and_parties(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    proposal = a_proposal(session, group, person, shared=shared())
    me, path = calling(person), f"/v1/proposals/{proposal.id}"
    _, funder = the_funder(session, calling)
    party_id, party = the_funder(session, calling)
    proposal_id = proposal.id
    hooks.PARTY_CHECKS.append(lambda _s, about, hats: about == proposal_id and party_id in hats)
    try:
        withdrawn = me.post(f"{path}/withdrawal")

        assert withdrawn.status_code == 200
        assert funder.get(path).status_code == 404
        assert funder.get("/v1/proposals").json["data"] == []
        assert party.get(path).json["state"] == "withdrawn"
        assert me.get(path).json["withdrawn_at"]
        assert me.post(f"{path}/withdrawal").json["code"] == "proposal-withdrawn"
        assert me.post(f"{path}/versions").status_code == 409
        assert me.put(f"{path}/sections/people", {"facts": {}}).status_code == 409
        assert me.put(f"{path}/sharing", {"visibility": "public"}).status_code == 409
    finally:
        hooks.PARTY_CHECKS.pop()
    event = session.scalars(select(Event).where(Event.type == "proposal.withdrawn")).one()
    assert event.scope == "verified_funders"


@pytest.mark.parametrize("visibility", ["verified_funders", "public"])
def test_a_suspended_group_s_proposal_is_served_to_its_members_alone(
    session: Session, calling: Any, visibility: str
) -> None:
    group, person = a_group(session)
    path = f"/v1/proposals/{a_proposal(session, group, person, shared=shared(visibility=visibility)).id}"
    _, funder = the_funder(session, calling)
    assert funder.get(path).status_code == 200

    group.verification = "suspended"
    session.commit()

    assert funder.get(path).status_code == 404
    assert funder.get("/v1/proposals").json["data"] == []
    assert calling(person).get(path).status_code == 200


def test_a_party_sees_by_name_whom_it_pays(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    proposals = [a_proposal(session, group, person, shared=shared()) for _ in range(2)]
    party_id, party = the_funder(session, calling)
    _, other = the_funder(session, calling)
    promised = proposals[0].id

    def clause(hats: frozenset[UUID], about: Any) -> Any:
        return and_(literal(party_id in hats), about == promised)

    hooks.PARTY_CLAUSES.append(clause)
    try:
        seen = {each["id"]: each for each in party.get("/v1/proposals").json["data"]}
        detail = party.get(f"/v1/proposals/{promised}").json
        others = other.get(f"/v1/proposals/{promised}").json
    finally:
        hooks.PARTY_CLAUSES.remove(clause)

    assert (detail["organisation_id"], detail["title"]) == (str(group.id), "Speech therapy by its staff")
    assert seen[str(promised)]["organisation_name"] == "Riverside speech therapy"
    assert "organisation_name" not in seen[str(proposals[1].id)]
    assert "organisation_name" not in others


def test_whoever_loses_sight_is_told_to_forget(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    parent = an_organisation(session, kind="public_body")
    proposal = a_proposal(session, group, person, employer={"parent_organisation_id": parent.id}, shared=shared())
    funder_id, _ = the_funder(session, calling)
    share(session, proposal.id, person, visibility="named", named=[funder_id])
    share(session, proposal.id, person, visibility="private")

    def told(type_: str) -> list[tuple[str, bool, bool]]:
        rows = session.scalars(select(Event).where(Event.type == type_).order_by(Event.seq))
        return [(row.scope, funder_id in row.organisation_ids, parent.id in row.excluded_ids) for row in rows]

    assert told("proposal.drafted") == [("organisations", False, False)]
    assert told("proposal.edited") == [("organisations", False, False)] * 5
    assert told("proposal.published") == [("verified_funders", False, True)]
    assert told("proposal.shared") == [
        ("organisations", False, False),
        ("organisations", True, True),
        ("organisations", False, False),
    ]
    assert told("proposal.hidden") == [("verified_funders", False, True), ("organisations", True, True)]


def test_the_list_is_filtered_and_paged(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    shown = shared()
    first = a_proposal(session, group, person, shared=shown)
    second = a_proposal(session, group, person, shared=shown, ask=ASK | {"stage": "growth"})
    third = a_proposal(session, group, person, facts={"service": {"sector": "fire_rescue"}}, shared=shown)
    draft = a_proposal(session, group, person, published=False)
    closed = a_proposal(session, group, person, shared=shown | {"facts": {"sector": "confidential"}})
    _, funder = the_funder(session, calling)

    def ids(caller: Caller, query: str) -> list[str]:
        return [each["id"] for each in caller.get(f"/v1/proposals?{query}").json["data"]]

    def named(*wanted: Proposal) -> list[str]:
        return [str(each.id) for each in wanted]

    assert ids(funder, "") == named(closed, third, second, first)
    assert ids(funder, "stage=growth") == named(second)
    assert ids(funder, "sector=fire_rescue") == named(third)
    assert ids(funder, "sector=community_health") == named(second, first)
    assert ids(funder, "nation=england") == named(closed, second, first)
    assert ids(calling(person), f"organisation_id={group.id}") == named(closed, draft, third, second, first)
    page = funder.get("/v1/proposals?limit=3")
    rest = funder.get(page.headers["Link"].split(">")[0][1:])
    assert [each["id"] for each in rest.json["data"]] == named(first)
    assert funder.get(f"/v1/proposals?organisation_id={group.id}").status_code == 404


def test_the_list_holds_exactly_what_can_be_read(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    funder_id, funder = the_funder(session, calling)
    ladder = [
        {"visibility": "private"},
        {"visibility": "named"},
        {"visibility": "named", "named": [funder_id]},
        {"visibility": "verified_funders"},
        {"visibility": "verified_funders", "excluded": [funder_id]},
        {"visibility": "public", "excluded": [funder_id]},
    ]
    made = [a_proposal(session, group, person, shared=each) for each in ladder]

    readable = {str(each.id) for each in made if funder.get(f"/v1/proposals/{each.id}").status_code == 200}
    listed = {each["id"] for each in funder.get("/v1/proposals").json["data"]}

    assert listed == readable
    assert [str(each.id) in listed for each in made] == [False, False, True, True, False, True]


def test_what_is_hidden_answers_as_what_is_not_there(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    hidden = a_proposal(session, group, person)
    _, funder = the_funder(session, calling)

    def answer(identity: UUID, method: str, path: str) -> tuple[int, str]:
        target = f"/v1/proposals/{identity}{path}"
        given = funder.client.open(target, method=method, json={}, headers=funder.person.headers)
        return given.status_code, given.text.replace(str(identity), "").split('"request_id"')[0]

    for method, path in (
        ("GET", ""),
        ("GET", "/sections"),
        ("GET", "/sections/people"),
        ("GET", f"/versions/{hidden.current_version_id}"),
        ("GET", "/sharing"),
        ("GET", "/employer-consents"),
        ("POST", "/versions"),
        ("POST", "/withdrawal"),
    ):
        assert answer(hidden.id, method, path) == answer(new_id(), method, path)
        assert answer(hidden.id, method, path)[0] == 404


@pytest.mark.parametrize(
    ("employer", "pointer"),
    [
        ({"parent_identifier": "GB-COH-x"}, "#/parent_identifier"),
        ({"parent_identifier": "NOWHERE-1"}, "#/parent_identifier"),
        ({"parent_organisation_id": str(new_id())}, "#/parent_organisation_id"),
        ({"commissioner_organisation_ids": [str(new_id())]}, "#/commissioner_organisation_ids/0"),
    ],
)
def test_an_employer_that_cannot_be_is_refused(
    session: Session, calling: Any, employer: dict[str, Any], pointer: str
) -> None:
    group, person = a_group(session)
    path = f"/v1/proposals/{a_proposal(session, group, person).id}/sections/employer"

    refused = calling(person).put(path, employer)

    assert refused.status_code == 422
    assert [each["pointer"] for each in refused.json["errors"]] == [pointer]


def test_naming_the_employer_tells_it_nothing(session: Session, calling: Any) -> None:
    group, person = a_group(session)
    parent_id, _ = the_funder(session, calling, kind="public_body")
    a_proposal(session, group, person, employer={"parent_organisation_id": parent_id})

    reached = session.scalars(select(Event).where(Event.organisation_ids.overlap([parent_id]))).all()

    assert reached == []
