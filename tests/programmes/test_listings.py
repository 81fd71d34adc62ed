"""Programmes listed from a public source, their claims, and reports of errors, over HTTP."""

from datetime import date, timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.identity.models import Membership
from marketplace.programmes.models import ErrorReport, Programme
from marketplace.programmes.rules import claim_is_evident, is_stale
from marketplace.store.journal import Event
from marketplace.values.clock import today
from tests.builders import Person, a_member, a_person, an_organisation
from tests.programmes.builders import an_open_programme
from tests.proposals.builders import a_group, a_proposal

SOURCE = "https://www.gov.example/grants/seed"
NUMBER = {"scheme": "GB-CHC", "number": "1234567"}


def listed(client: FlaskClient, keeper: Person, organisation_id: Any, **members: Any) -> str:
    """A published listing; its path."""
    listing = {"funder_name": "Leeds Seed Trust", "source_url": SOURCE, "checked_on": str(today()), **members}
    body = {"organisation_id": str(organisation_id), "title": "Seed grants", "listing": listing}
    made = client.post("/v1/programmes", json=body, headers=keeper.headers)
    assert made.status_code == 201, made.json
    path: str = made.headers["Location"]
    assert client.post(f"{path}/criteria-versions", headers=keeper.headers).status_code == 201
    return path


def a_listing(client: FlaskClient, session: Session, **members: Any) -> tuple[str, Person]:
    adviser = an_organisation(session, kind="adviser", name="Mutual advice")
    keeper = a_member(session, adviser, "editor")
    return listed(client, keeper, adviser.id, **members), keeper


def claimed(client: FlaskClient, path: str, person: Person, organisation_id: Any) -> Any:
    body = {"organisation_id": str(organisation_id), "statement": "It is ours."}
    return client.post(f"{path}/claims", json=body, headers=person.headers)


def test_an_adviser_lists_a_programme_from_a_public_source_and_anyone_sees_that_it_is_unclaimed(
    client: FlaskClient, session: Session
) -> None:
    path, _ = a_listing(client, session, funder_identifier=NUMBER)

    shown = client.get(path).json

    assert shown["listing"]["claimed"] is False
    assert shown["listing"]["funder_name"] == "Leeds Seed Trust"
    assert shown["listing"]["funder_identifier"] == NUMBER
    assert (shown["listing"]["source_url"], shown["listing"]["checked_on"]) == (SOURCE, str(today()))
    assert shown["listing"]["stale"] is False


def test_a_staff_group_lists_nothing_and_an_adviser_has_no_programme_of_its_own(
    client: FlaskClient, session: Session
) -> None:
    listing = {"funder_name": "Seed Trust", "source_url": SOURCE, "checked_on": str(today())}
    for kind, more in (("staff_group", {"listing": listing}), ("adviser", {})):
        organisation = an_organisation(session, kind=kind)
        owner = a_member(session, organisation)
        body = {"organisation_id": str(organisation.id), "title": "Seed grants", **more}
        refused = client.post("/v1/programmes", json=body, headers=owner.headers)
        assert (refused.status_code, refused.json["code"]) == (403, "not-a-funder")


def test_a_listing_says_when_its_source_was_read_and_goes_stale(client: FlaskClient, session: Session) -> None:
    path, keeper = a_listing(client, session, checked_on=str(today() - timedelta(days=181)))

    assert client.get(path).json["listing"]["stale"] is True

    etag = {"If-Match": client.get(path).headers["ETag"]}
    change = {"listing": {"checked_on": str(today())}}
    renewed = client.patch(path, json=change, headers=keeper.headers | etag)
    assert renewed.status_code == 200
    assert renewed.json["listing"]["stale"] is False
    assert renewed.json["listing"]["source_url"] == SOURCE


def test_staleness_begins_after_180_days() -> None:
    assert not is_stale(date(2026, 1, 1), date(2026, 6, 30))
    assert is_stale(date(2026, 1, 1), date(2026, 7, 1))


def test_a_wrong_listing_is_refused_with_its_places(client: FlaskClient, session: Session) -> None:
    adviser = an_organisation(session, kind="adviser")
    keeper = a_member(session, adviser)
    listing = {
        "funder_name": "Seed Trust",
        "source_url": SOURCE,
        "checked_on": str(today() + timedelta(days=1)),
        "funder_identifier": {"scheme": "GB-COH", "number": "?"},
    }
    body = {"organisation_id": str(adviser.id), "title": "Seed grants", "listing": listing}

    refused = client.post("/v1/programmes", json=body, headers=keeper.headers)

    assert refused.status_code == 422
    pointers = {each["pointer"] for each in refused.json["errors"]}
    assert pointers == {"#/listing/checked_on", "#/listing/funder_identifier/number"}


def test_no_money_moves_through_an_unclaimed_listing_and_its_keeper_does_not_browse_with_it(
    client: FlaskClient, session: Session
) -> None:
    fund = an_organisation(session, kind="funder")
    keeper = a_member(session, fund)
    path = listed(client, keeper, fund.id)
    proposal = a_proposal(session, *a_group(session), shared={"visibility": "public"})
    programme_id = path.rpartition("/")[2]
    etag = {"If-Match": client.get(path).headers["ETag"], "Idempotency-Key": "budget"}
    pledge = {
        "programme_id": programme_id,
        "proposal_id": str(proposal.id),
        "parts": [{"instrument": "grant", "amount": 100}],
    }

    answers = [
        client.put(f"{path}/budget", json={"amount": {"amount": 1, "currency": "GBP"}}, headers=keeper.headers | etag),
        client.get(f"{path}/matches", headers=keeper.headers),
        client.get(f"{path}/match-summary", headers=keeper.headers),
        client.post("/v1/pledges", json=pledge, headers=keeper.headers | {"Idempotency-Key": "pledge"}),
    ]

    assert [(each.status_code, each.json["code"]) for each in answers] == [(409, "programme-unclaimed")] * 4


def test_a_group_is_matched_with_a_listing_and_told_what_it_is(client: FlaskClient, session: Session) -> None:
    path, _ = a_listing(client, session)
    group, owner = a_group(session)
    proposal = a_proposal(session, group, owner)

    matches = client.get(f"/v1/proposals/{proposal.id}/matches", headers=owner.headers).json["data"]

    mine = [each for each in matches if each["programme"]["id"] == path.rpartition("/")[2]]
    assert [each["programme"]["listing"]["claimed"] for each in mine] == [False]


def test_a_funder_checked_in_the_register_under_the_listed_number_has_the_programme_at_once(
    client: FlaskClient, session: Session
) -> None:
    path, keeper = a_listing(client, session, funder_identifier=NUMBER)
    fund = an_organisation(
        session, kind="funder", verification="register_checked", identifier=("GB-CHC", NUMBER["number"])
    )
    owner = a_member(session, fund)

    claim = claimed(client, path, owner, fund.id)

    assert (claim.status_code, claim.json["state"]) == (201, "accepted")
    shown = client.get(path).json
    assert shown["organisation_id"] == str(fund.id)
    assert shown["listing"]["claimed"] is True
    assert client.get(f"{path}/matches", headers=owner.headers).status_code == 200
    assert client.get(f"{path}/matches", headers=keeper.headers).status_code == 404
    events = session.scalars(select(Event.type).where(Event.subject_id == path.rpartition("/")[2])).all()
    assert events.count("programme.claimed") == 1


def test_the_same_number_vouched_for_but_not_checked_waits_for_the_operator() -> None:
    assert claim_is_evident("GB-CHC-1", "register_checked", {"GB-CHC-1"})
    assert not claim_is_evident("GB-CHC-1", "vouched", {"GB-CHC-1"})
    assert not claim_is_evident("GB-CHC-1", "register_checked", {"GB-CHC-2"})
    assert not claim_is_evident(None, "register_checked", {"GB-CHC-1"})


def test_the_operator_decides_and_every_other_claim_is_refused(client: FlaskClient, session: Session) -> None:
    path, _ = a_listing(client, session)
    operator = a_person(session, operator=True)
    funds = [an_organisation(session, kind="funder", name=name) for name in ("One", "Two")]
    owners = [a_member(session, fund) for fund in funds]
    made = [claimed(client, path, owner, fund.id) for owner, fund in zip(owners, funds, strict=True)]

    assert [each.json["state"] for each in made] == ["open", "open"]
    assert claimed(client, path, owners[0], funds[0].id).json["code"] == "claim-stands"
    waiting = client.get("/v1/listing-claims?state=open", headers=operator.headers).json["data"]
    assert {each["id"] for each in waiting} >= {each.json["id"] for each in made}
    assert client.get(made[0].headers["Location"], headers=owners[1].headers).status_code == 404

    decision = f"{made[1].headers['Location']}/decision"
    ruling = {"decision": "accepted", "reason": "Their letter says so."}
    assert client.post(decision, json=ruling, headers=owners[1].headers).status_code == 403
    assert client.post(decision, json=ruling, headers=operator.headers).json["state"] == "accepted"

    states = [
        client.get(each.headers["Location"], headers=owner.headers).json["state"]
        for each, owner in zip(made, owners, strict=True)
    ]
    assert states == ["refused", "accepted"]
    assert client.get(path).json["organisation_id"] == str(funds[1].id)
    again = client.post(decision, json=ruling, headers=operator.headers)
    assert (again.status_code, again.json["code"]) == (409, "claim-decided")
    late = claimed(client, path, owners[0], funds[0].id)
    assert (late.status_code, late.json["code"]) == (409, "not-a-listing")


def test_an_operator_does_not_decide_for_their_own_organisation(client: FlaskClient, session: Session) -> None:
    path, _ = a_listing(client, session)
    fund = an_organisation(session, kind="funder")
    owner = a_member(session, fund)
    operator = a_person(session, operator=True)
    session.add(Membership(organisation_id=fund.id, user_id=operator.id, role="viewer"))
    session.commit()
    claim = claimed(client, path, owner, fund.id).headers["Location"]

    ruling = {"decision": "accepted", "reason": "Ours."}
    refused = client.post(f"{claim}/decision", json=ruling, headers=operator.headers)

    assert (refused.status_code, refused.json["code"]) == (403, "own-claim")


def test_a_claim_is_taken_back_and_made_again(client: FlaskClient, session: Session) -> None:
    path, _ = a_listing(client, session)
    fund = an_organisation(session, kind="funder")
    owner = a_member(session, fund)
    first = claimed(client, path, owner, fund.id).headers["Location"]

    assert client.post(f"{first}/withdrawal", headers=owner.headers).json["state"] == "withdrawn"
    assert claimed(client, path, owner, fund.id).status_code == 201


def test_only_a_listing_is_claimed_and_only_by_a_verified_funding_organisation(
    client: FlaskClient, session: Session
) -> None:
    path, _ = a_listing(client, session)
    fund = an_organisation(session, kind="funder")
    other = an_open_programme(session, an_organisation(session, kind="funder"))
    owner = a_member(session, fund)
    adviser = an_organisation(session, kind="adviser")
    unverified = an_organisation(session, kind="funder", verification="unverified")

    assert claimed(client, f"/v1/programmes/{other.id}", owner, fund.id).json["code"] == "not-a-listing"
    assert claimed(client, path, a_member(session, adviser), adviser.id).json["code"] == "not-a-funder"
    refused = claimed(client, path, a_member(session, unverified), unverified.id)
    assert refused.json["code"] == "organisation-not-verified"
    assert claimed(client, path, a_member(session, fund, "editor"), fund.id).status_code == 403


def test_anyone_reports_an_error_and_whoever_keeps_the_programme_answers(client: FlaskClient, session: Session) -> None:
    path, keeper = a_listing(client, session)
    body = {"about": "#/closes_on", "statement": "It closed in June.", "source_url": SOURCE}

    made = client.post(f"{path}/error-reports", json=body)

    assert made.status_code == 201
    report = made.headers["Location"]
    assert session.scalars(select(ErrorReport.reported_by)).all() == [None]
    assert client.get(report).status_code == 401
    assert client.get(report, headers=a_person(session).headers).status_code == 404
    assert [each["id"] for each in client.get(f"{path}/error-reports", headers=keeper.headers).json["data"]] == [
        made.json["id"]
    ]
    answer = {"outcome": "corrected", "answer": "Thank you, it says so now."}
    assert client.post(f"{report}/answer", json=answer, headers=keeper.headers).json["state"] == "corrected"
    again = client.post(f"{report}/answer", json=answer, headers=keeper.headers)
    assert (again.status_code, again.json["code"]) == (409, "report-answered")


def test_who_reported_with_an_account_reads_the_answer(client: FlaskClient, session: Session) -> None:
    path, keeper = a_listing(client, session)
    reader = a_person(session)
    report = client.post(f"{path}/error-reports", json={"statement": "It closed."}, headers=reader.headers).headers[
        "Location"
    ]
    client.post(f"{report}/answer", json={"outcome": "no_error", "answer": "It is open."}, headers=keeper.headers)

    assert client.get(report, headers=reader.headers).json["answer"] == "It is open."


def test_a_draft_takes_no_reports_and_a_flood_of_them_is_stopped(
    client: FlaskClient, session: Session, monkeypatch: Any
) -> None:
    monkeypatch.setattr("marketplace.programmes.error_reports.MOST_WAITING_REPORTS", 2)
    path, _ = a_listing(client, session)
    programme = session.get_one(Programme, path.rpartition("/")[2])
    wrong = {"statement": "Wrong."}

    answers = [client.post(f"{path}/error-reports", json=wrong).status_code for _ in range(3)]
    programme.current_criteria_version_id = None
    session.commit()

    assert answers == [201, 201, 409]
    assert client.post(f"{path}/error-reports", json=wrong).status_code == 404
