"""Precedents over HTTP: five groups and more, of those alone that let theirs count, and nothing of what is hidden."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from marketplace.procurement.models import Bid, ProcurementOpinion
from marketplace.values.clock import today
from tests.builders import Person, a_member, an_organisation
from tests.procurement.asking import an_opinion
from tests.proposals.builders import a_proposal

CELL = {"sector": "community_health", "route": "reserved_s33"}


def a_case(session: Session, **changed: Any) -> ProcurementOpinion:
    """A verified group's opinion that counts, on a proposal that verified funders see."""
    group = an_organisation(session)
    nurse = a_member(session, group)
    shared = {"visibility": changed.get("visibility", "verified_funders")}
    proposal = a_proposal(session, group, nurse, shared=shared, published=changed.get("published", True))
    members = {"given_on": today(), "summary": {"en": "Open."}, "counts_as_precedent": changed.get("counts", True)}
    opinion = ProcurementOpinion(
        **(an_opinion() | members), proposal_id=proposal.id, recorded_by=nurse.id, confidential=True
    )
    session.add(opinion)
    group.verification = changed.get("verification", "vouched")
    session.commit()
    return opinion


def decide(session: Session, opinion: ProcurementOpinion, outcome: str) -> None:
    session.add(
        Bid(
            proposal_id=opinion.proposal_id, title={"en": "T"}, authority_name="A", route=opinion.route,
            occasion="first_contract", incumbent=True, submitted_on=today(), currency="GBP", contract_value=1,
            term_months=1, outcome=outcome, decided_on=today(), lost_on=["price"] if outcome == "lost" else [],
            recorded_by=opinion.recorded_by,
        )
    )  # fmt: skip
    session.commit()


@pytest.fixture
def reader(session: Session) -> Person:
    return a_member(session, an_organisation(session, kind="funder", name="Leeds Seed Fund"), "viewer")


def told(client: FlaskClient, reader: Person, **query: str) -> Any:
    answer = client.get("/v1/procurement-precedents", query_string=CELL | query, headers=reader.headers)
    assert answer.status_code == 200, answer.json
    return answer.json


def test_four_cases_tell_nothing_and_five_tell_bands(session: Session, client: FlaskClient, reader: Person) -> None:
    nothing = CELL | {"cases": {"fewer_than": 5}, "challenge_risks": None, "outcomes": None, "nations": None}
    assert told(client, reader) == nothing
    cases = [a_case(session) for _ in range(4)]
    assert told(client, reader) == nothing

    cases.append(a_case(session))
    for each in cases:
        decide(session, each, "lost")

    found = told(client, reader)
    assert found["cases"] == {"at_least": 5, "at_most": 9}
    assert found["outcomes"]["lost"] == found["challenge_risks"]["low"] == {"at_least": 5}
    assert found["nations"]["england"] == {"at_least": 5}
    assert found["outcomes"]["won"] == {"fewer_than": 5}
    assert told(client, reader, route="open_competition")["cases"] == {"fewer_than": 5}


@pytest.mark.parametrize(
    "changed",
    [
        {"counts": False},
        {"visibility": "private"},
        {"published": False},
        {"verification": "unverified"},
        {"verification": "suspended"},
    ],
    ids=str,
)
def test_what_is_hidden_or_not_let_count_changes_no_answer(
    session: Session, client: FlaskClient, reader: Person, changed: dict[str, Any]
) -> None:
    for _ in range(4):
        a_case(session)
    before = told(client, reader)

    a_case(session, **changed)

    assert told(client, reader) == before


def test_a_superseded_opinion_counts_no_more(session: Session, client: FlaskClient, reader: Person) -> None:
    cases = [a_case(session) for _ in range(5)]
    later = an_opinion() | {"given_on": today(), "summary": {"en": "Not after all."}}
    session.add(
        ProcurementOpinion(
            **later, proposal_id=cases[0].proposal_id, recorded_by=cases[0].recorded_by, supersedes_id=cases[0].id
        )
    )
    session.commit()

    assert told(client, reader)["cases"] == {"fewer_than": 5}


def test_one_group_with_five_proposals_is_one_case(session: Session, client: FlaskClient, reader: Person) -> None:
    for _ in range(4):
        a_case(session)
    group = an_organisation(session)
    nurse = a_member(session, group)
    for number in range(2):
        proposal = a_proposal(session, group, nurse, shared={"visibility": "public"})
        members = {"given_on": today(), "summary": {"en": "Open."}, "counts_as_precedent": True}
        session.add(ProcurementOpinion(**(an_opinion() | members), proposal_id=proposal.id, recorded_by=nurse.id))
        session.commit()
        assert told(client, reader)["cases"] == {"at_least": 5, "at_most": 9}, number


@pytest.mark.parametrize("query", [{"sector": "all"}, {"route": ""}, {"nation": "england"}])
def test_one_cell_is_asked_for_by_name_and_nothing_besides(
    client: FlaskClient, reader: Person, query: dict[str, str]
) -> None:
    answer = client.get("/v1/procurement-precedents", query_string=CELL | query, headers=reader.headers)

    assert answer.status_code == 422
    assert client.get("/v1/procurement-precedents", query_string=CELL).status_code == 401
