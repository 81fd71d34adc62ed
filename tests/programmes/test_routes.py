"""Programmes over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.ledger import service as ledger
from marketplace.store.journal import Event
from marketplace.values.clock import today
from tests.builders import Person, a_member, a_person, an_organisation
from tests.programmes.builders import a_programme, an_open_programme

POUNDS = {"currency": "GBP"}
IN_LEEDS = {
    "schema_version": 1,
    "criteria": [{"code": "AREA", "fact": "areas", "op": "contains_any", "value": ["E08000035"]}],
}


def drafted(client: FlaskClient, person: Person, organisation_id: Any, **members: Any) -> Any:
    body = {"organisation_id": str(organisation_id), "title": "Seed grants", **members}
    return client.post("/v1/programmes", json=body, headers=person.headers)


def with_etag(client: FlaskClient, person: Person, path: str, **more: str) -> dict[str, str]:
    return person.headers | {"If-Match": client.get(path, headers=person.headers).headers["ETag"]} | more


def test_a_funder_drafts_publishes_and_anyone_reads(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder", name="Leeds Fund")
    person = a_member(session, funder, "editor")
    made = drafted(client, person, funder.id, instruments=["grant"], ask_max={"amount": 5000, **POUNDS})
    path = made.headers["Location"]

    assert made.status_code == 201
    assert made.json["status"] == "draft"
    assert client.get(path).status_code == 404

    published = client.post(f"{path}/criteria-versions", headers=person.headers)
    seen = client.get(path)

    assert published.status_code == 201
    assert [leaf["code"] for leaf in published.json["tree"]["criteria"]] == ["INSTRUMENT", "ASK_MAX", "CURRENCY"]
    assert (seen.json["status"], seen.json["organisation_name"]) == ("open", "Leeds Fund")
    assert seen.json["ask_max"] == {"amount": 5000, "currency": "GBP"}
    assert "draft" not in seen.json
    assert client.get(published.headers["Location"]).json["number"] == 1
    assert len(client.get(f"{path}/criteria-versions").json["data"]) == 1


def test_a_published_programme_stays_as_it_is_until_published_again(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    person = a_member(session, funder, "editor")
    programme = an_open_programme(session, funder)
    path = f"/v1/programmes/{programme.id}"

    changed = client.patch(
        path,
        json={"ask_max": {"amount": 777, **POUNDS}, "criteria": IN_LEEDS},
        headers=with_etag(client, person, path),
    )

    assert changed.status_code == 200
    assert changed.json["draft"]["ask_max"]["amount"] == 777
    assert client.get(path).json["ask_max"]["amount"] == 5_000_000
    assert client.get(path).json["criteria"]["criteria"] == []

    client.post(f"{path}/criteria-versions", headers=person.headers)

    assert client.get(path).json["ask_max"]["amount"] == 777
    assert client.get(path).json["criteria"]["criteria"][0]["code"] == "AREA"


def test_a_change_that_only_prepares_a_publication_is_told_to_nobody_else(
    client: FlaskClient, session: Session
) -> None:
    funder = an_organisation(session, kind="funder")
    person = a_member(session, funder, "editor")
    path = f"/v1/programmes/{an_open_programme(session, funder).id}"

    client.patch(path, json={"criteria": IN_LEEDS}, headers=with_etag(client, person, path))
    client.patch(path, json={"title": "Better"}, headers=with_etag(client, person, path))

    scopes = session.scalars(select(Event.scope).where(Event.type == "programme.changed").order_by(Event.seq)).all()
    assert scopes == ["organisations", "public"]


def test_criteria_with_faults_are_kept_as_a_draft_and_refused_with_all_of_them(
    client: FlaskClient, session: Session
) -> None:
    funder = an_organisation(session, kind="funder")
    person = a_member(session, funder)
    faulty = {"schema_version": 1, "criteria": [{"code": "ASK_MAX", "fact": "nothing", "op": "is", "value": 1}]}
    made = drafted(client, person, funder.id, criteria=faulty)

    refused = client.post(f"{made.headers['Location']}/criteria-versions", headers=person.headers)

    assert refused.status_code == 422
    assert refused.json["code"] == "invalid-criteria"
    assert [error["pointer"] for error in refused.json["errors"]] == [
        f"#/criteria/criteria/0/{member}" for member in ("code", "fact", "op")
    ]
    assert client.get(made.headers["Location"], headers=person.headers).json["status"] == "draft"


def test_a_programme_that_contradicts_itself_is_refused_with_every_fault(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    refused = drafted(
        client,
        a_member(session, funder),
        funder.id,
        ask_min={"amount": 9, "currency": "GBP"},
        ask_max={"amount": 5, "currency": "GBP"},
        ticket_max={"amount": 5, "currency": "EUR"},
        funded_by_programme_id=str(funder.id),
    )

    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json["errors"]] == [
        "#/ticket_max",
        "#/ask_max",
        "#/funded_by_programme_id",
    ]


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "1e300"])
def test_a_number_that_cannot_be_kept_is_refused_in_a_draft(client: FlaskClient, session: Session, number: str) -> None:
    funder = an_organisation(session, kind="funder")
    person = a_member(session, funder)
    body = f'{{"organisation_id": "{funder.id}", "title": "x", "criteria": {{"criteria": [{number}]}}}}'

    refused = client.post("/v1/programmes", data=body, headers=person.headers | {"Content-Type": "application/json"})

    assert refused.status_code == 422


@pytest.mark.parametrize("kind", ["staff_group", "adviser", "fiscal_host"])
def test_who_does_not_fund_has_no_programmes(client: FlaskClient, session: Session, kind: str) -> None:
    organisation = an_organisation(session, kind=kind)
    refused = drafted(client, a_member(session, organisation), organisation.id)

    assert (refused.status_code, refused.json["code"]) == (403, "not-a-funder")


@pytest.mark.parametrize(
    ("role", "verification", "status"),
    [
        ("owner", "vouched", 201),
        ("editor", "register_checked", 201),
        ("approver", "vouched", 403),
        ("viewer", "vouched", 403),
        ("owner", "unverified", 403),
        ("owner", "suspended", 403),
    ],
)
def test_publishing_needs_an_editor_of_a_verified_organisation(
    client: FlaskClient, session: Session, role: str, verification: str, status: int
) -> None:
    funder = an_organisation(session, kind="funder", verification=verification)
    programme = a_programme(session, funder)

    answer = client.post(
        f"/v1/programmes/{programme.id}/criteria-versions", headers=a_member(session, funder, role).headers
    )

    assert answer.status_code == status


def test_a_strangers_draft_does_not_exist(client: FlaskClient, session: Session) -> None:
    programme = a_programme(session, an_organisation(session, kind="funder"))
    stranger = a_member(session, an_organisation(session, kind="funder"))
    path = f"/v1/programmes/{programme.id}"
    answers = [
        client.get(path, headers=stranger.headers),
        client.get(f"{path}/criteria-versions", headers=stranger.headers),
        client.patch(path, json={"title": "Mine"}, headers=stranger.headers | {"If-Match": '"x"'}),
        client.post(f"{path}/criteria-versions", headers=stranger.headers),
        client.post(f"{path}/closure", headers=stranger.headers),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    listed = client.get(f"/v1/programmes?organisation_id={programme.organisation_id}", headers=stranger.headers)
    assert listed.json["data"] == []


def test_a_stale_change_is_refused(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    person = a_member(session, funder)
    path = f"/v1/programmes/{a_programme(session, funder).id}"
    stale = with_etag(client, person, path)

    assert client.patch(path, json={"title": "One"}, headers=person.headers).status_code == 428
    assert client.patch(path, json={"title": "One"}, headers=stale).status_code == 200
    assert client.patch(path, json={"title": "Two"}, headers=stale).status_code == 412


def test_pause_resume_and_close_change_the_status_and_the_etag(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    person = a_member(session, funder)
    path = f"/v1/programmes/{an_open_programme(session, funder).id}"
    steps = ["pauses", "pauses", "resumptions", "resumptions", "closure", "closure", "pauses"]

    answers = [client.post(f"{path}/{step}", headers=person.headers) for step in steps]

    assert [answer.status_code for answer in answers] == [200, 409, 200, 409, 200, 409, 409]
    assert [answer.json["status"] for answer in answers if answer.status_code == 200] == ["paused", "open", "closed"]
    assert len({answer.headers["ETag"] for answer in answers if answer.status_code == 200}) == 3
    assert answers[-1].json["code"] == "programme-closed"


def test_a_draft_cannot_be_paused(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    path = f"/v1/programmes/{a_programme(session, funder).id}"

    refused = client.post(f"{path}/pauses", headers=a_member(session, funder).headers)

    assert (refused.status_code, refused.json["code"]) == (409, "programme-not-published")


def test_the_list_is_filtered_and_paged(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    grants = an_open_programme(session, funder)
    loans = an_open_programme(session, funder, instruments=["loan_unsecured"], stages=["growth"])
    anything = an_open_programme(session, funder, instruments=[])
    later = an_open_programme(session, funder, opens_on=today() + timedelta(days=1))
    hidden = a_programme(session, funder)

    def found(query: str, **headers: str) -> list[str]:
        ids, path = [], f"/v1/programmes?limit=2&organisation_id={funder.id}&{query}"
        while path:
            answer = client.get(path, headers=headers)
            assert answer.status_code == 200, answer.json
            ids += [each["id"] for each in answer.json["data"]]
            following = answer.headers.get("Link")
            path = following.split(">")[0][1:] if following else ""
        return ids

    def ids(*programmes: Any) -> list[str]:
        return [str(each.id) for each in programmes]

    mine = a_member(session, funder).headers
    assert found("") == ids(later, anything, loans, grants)
    assert found("", **mine) == ids(hidden, later, anything, loans, grants)
    assert found("status=announced") == ids(later)
    assert found("status=draft", **mine) == ids(hidden)
    assert found("instrument=loan_unsecured") == ids(anything, loans)
    assert found("stage=feasibility") == ids(later, anything, grants)
    assert found(f"open_on={today() + timedelta(days=1)}") == ids(later, anything, loans, grants)
    assert found(f"open_on={today()}") == ids(anything, loans, grants)


def test_a_wholesale_programme_names_its_intermediaries(client: FlaskClient, session: Session) -> None:
    vehicle = an_organisation(session, kind="wholesale_vehicle", name="Big Wholesale")
    wholesale = an_open_programme(session, vehicle)
    lender = an_organisation(session, kind="intermediary", name="Small Lender")
    retail = an_open_programme(session, lender, funded_by_programme_id=wholesale.id)
    a_programme(session, lender, funded_by_programme_id=wholesale.id)

    seen = client.get(f"/v1/programmes/{wholesale.id}").json

    assert seen["wholesale"] is True
    assert seen["intermediaries"] == [
        {"organisation_id": str(lender.id), "name": "Small Lender", "programme_id": str(retail.id)}
    ]
    assert client.get(f"/v1/programmes/{retail.id}").json["wholesale"] is False


def test_a_published_version_never_changes(session: Session) -> None:
    programme = an_open_programme(session, an_organisation(session, kind="funder"))

    with pytest.raises(IntegrityError, match="append-only"), session.begin_nested():
        session.execute(text("UPDATE criteria_version SET number = 9 WHERE programme_id = :id"), {"id": programme.id})


def test_a_budget_is_booked_and_its_repetition_books_nothing(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    person = a_member(session, funder, "approver")
    programme = an_open_programme(session, funder)
    path = f"/v1/programmes/{programme.id}"

    def budget(amount: int, key: str, currency: str = "GBP") -> Any:
        headers = with_etag(client, person, path, **{"Idempotency-Key": key})
        body = {"amount": {"amount": amount, "currency": currency}}
        return client.put(f"{path}/budget", json=body, headers=headers)

    assert budget(100_000, "a").json["has_budget"] is True
    assert ledger.balances(session, "programme", programme.id)["available"] == 100_000
    assert budget(60_000, "b").status_code == 200
    session.commit()
    assert ledger.balances(session, "programme", programme.id)["available"] == 60_000
    assert budget(60_000, "c").status_code == 200
    assert budget(60_000, "d", "EUR").status_code == 422
    session.commit()
    assert ledger.balances(session, "programme", programme.id) == {
        **ledger.balances(session, "programme", programme.id),
        "available": 60_000,
        "budget_source": -60_000,
    }


def test_a_budget_needs_an_approver_and_a_key(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    path = f"/v1/programmes/{an_open_programme(session, funder).id}"
    body = {"amount": {"amount": 5, "currency": "GBP"}}
    editor, approver = a_member(session, funder, "editor"), a_member(session, funder, "approver")
    keyed = {"Idempotency-Key": "k"}

    assert client.put(f"{path}/budget", json=body, headers=approver.headers).status_code == 400
    assert client.put(f"{path}/budget", json=body, headers=approver.headers | keyed).status_code == 428
    refused = client.put(f"{path}/budget", json=body, headers=with_etag(client, editor, path, **keyed))
    assert (refused.status_code, refused.json["code"]) == (403, "role-not-enough")


def test_the_currency_stays_once_published(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    person = a_member(session, funder)
    path = f"/v1/programmes/{an_open_programme(session, funder, ask_max=None).id}"

    refused = client.patch(path, json={"currency": "EUR"}, headers=with_etag(client, person, path))

    assert (refused.status_code, refused.json["code"]) == (409, "programme-currency-fixed")


def test_an_amount_does_not_silently_become_another_currencys(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    person = a_member(session, funder)
    path = f"/v1/programmes/{a_programme(session, funder).id}"

    refused = client.patch(path, json={"currency": "EUR"}, headers=with_etag(client, person, path))

    assert refused.status_code == 422
    assert refused.json["errors"][0]["pointer"] == "#/ask_max"


def test_a_person_without_organisation_drafts_nothing(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")

    assert drafted(client, a_person(session), funder.id).status_code == 404


def test_a_suspended_funder_s_programme_is_shown_to_its_members_alone(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    member, stranger = a_member(session, funder), a_member(session, an_organisation(session))
    path = f"/v1/programmes/{an_open_programme(session, funder).id}"
    assert client.get(path).status_code == 200

    funder.verification = "suspended"
    session.commit()

    assert client.get(path).status_code == 404
    assert client.get(f"{path}/criteria-versions", headers=stranger.headers).status_code == 404
    assert client.get("/v1/programmes").json["data"] == []
    assert client.get(path, headers=member.headers).status_code == 200


def test_a_sight_of_a_programme_is_not_taken_for_another_s(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    member = a_member(session, funder)
    path = f"/v1/programmes/{an_open_programme(session, funder).id}"
    anyone = client.get(path)
    every = client.get(f"{path}?languages=all")
    own = client.get(path, headers=member.headers)

    assert len({answer.headers["ETag"] for answer in (anyone, every, own)}) == 3
    held = {"If-None-Match": anyone.headers["ETag"]}
    assert client.get(path, headers=held).status_code == 304
    assert client.get(path, headers=member.headers | held).status_code == 200
    assert client.get(f"{path}?languages=all", headers=held).status_code == 200


def test_a_change_is_made_with_the_etag_of_any_sight_that_is_not_stale(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    member = a_member(session, funder)
    path = f"/v1/programmes/{a_programme(session, funder).id}"
    tag = client.get(f"{path}?languages=all", headers=member.headers).headers["ETag"]

    def change(etag: str) -> int:
        headers = member.headers | {"If-Match": etag}
        return client.patch(path, json={"title": "Other grants"}, headers=headers).status_code

    assert change(tag[:-3] + 'x"') == 412
    assert change(tag) == 200
    assert change(tag) == 412
