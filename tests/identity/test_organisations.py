"""Organisations over HTTP: what is checked, who sees how much, and what a change does to trust."""

from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation, VerificationAct
from marketplace.store.journal import AuditEntry, Event
from tests.builders import Person, a_member, a_person, an_organisation

FUNDER = {"kind": "funder", "name": "Leeds Seed Fund", "funder_kinds": ["foundation"]}


def registered(client: FlaskClient, who: Person, **values: Any) -> Any:
    return client.post("/v1/organisations", json={**FUNDER, **values}, headers=who.headers)


def test_who_registers_an_organisation_owns_it_unverified(client: FlaskClient, session: Session) -> None:
    ada = a_person(session)

    made = registered(
        client,
        ada,
        identifiers=[{"scheme": "GB-COH", "number": "1234567"}],
        area_code="E08000035",
        website="https://fund.example/leeds",
    )

    assert made.status_code == 201
    assert made.json["verification"] == "unverified"
    assert made.json["identifiers"] == [{"scheme": "GB-COH", "number": "01234567"}]
    read = client.get(made.headers["Location"], headers=ada.headers)
    assert read.json == made.json
    assert read.headers["ETag"].startswith(made.headers["ETag"].removesuffix('"'))
    [membership] = client.get("/v1/account", headers=ada.headers).json["memberships"]
    assert membership["role"] == "owner"


def test_a_staff_group_needs_neither_number_nor_form(client: FlaskClient, session: Session) -> None:
    made = client.post(
        "/v1/organisations", json={"kind": "staff_group", "name": "Night nurses"}, headers=a_person(session).headers
    )

    assert made.status_code == 201
    assert (made.json["identifiers"], made.json["legal_form"]) == ([], None)


@pytest.mark.parametrize(
    ("values", "pointers"),
    [
        pytest.param({"kind": "adviser"}, ["#/funder_kinds"], id="funder kinds of an adviser"),
        pytest.param({"area_code": "E99999999"}, ["#/area_code"], id="no such area"),
        pytest.param({"area_code": "E07000026"}, ["#/area_code"], id="an area that has ended"),
        pytest.param({"kind": "bank"}, ["#/kind"], id="a kind that is not in the list"),
        pytest.param({"legal_form": "guild"}, ["#/legal_form"], id="a form that is not in the list"),
        pytest.param({"website": "javascript:alert(1)"}, ["#/website"], id="a script as a website"),
        pytest.param({"verification": "vouched"}, ["#/verification"], id="a privilege"),
        pytest.param(
            {
                "kind": "adviser",
                "area_code": "E99999999",
                "identifiers": [
                    {"scheme": "GB-NONE", "number": "1"},
                    {"scheme": "GB-COH", "number": "x"},
                    {"scheme": "GB-COH", "number": "01234567"},
                    {"scheme": "GB-COH", "number": "1234567"},
                ],
            },
            [
                "#/funder_kinds",
                "#/area_code",
                "#/identifiers/0/scheme",
                "#/identifiers/1/number",
                "#/identifiers/3",
            ],
            id="every fault at once",
        ),
    ],
)
def test_an_organisation_that_cannot_be_is_refused(
    client: FlaskClient, session: Session, values: dict[str, Any], pointers: list[str]
) -> None:
    answer = registered(client, a_person(session), **values)

    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json["errors"]] == pointers


def test_an_identifier_belongs_to_one_organisation(client: FlaskClient, session: Session) -> None:
    an_organisation(session, kind="funder", identifier=("GB-COH", "01234567"))

    answer = registered(client, a_person(session), identifiers=[{"scheme": "GB-COH", "number": "1234567"}])

    assert (answer.status_code, answer.json["code"]) == (409, "identifier-taken")


@pytest.mark.parametrize(
    ("kind", "verification"),
    [
        pytest.param("funder", "unverified", id="an unverified one, that anybody could register"),
        pytest.param("funder", "suspended", id="a suspended one"),
        pytest.param("staff_group", "vouched", id="a staff group"),
    ],
)
def test_a_number_tells_of_no_hidden_organisation_that_has_it(
    client: FlaskClient, session: Session, kind: str, verification: str
) -> None:
    an_organisation(session, kind=kind, verification=verification, identifier=("GB-COH", "01234567"))

    answer = registered(client, a_person(session), identifiers=[{"scheme": "GB-COH", "number": "01234567"}])

    assert answer.status_code == 201


@pytest.mark.parametrize("kind", ["funder", "staff_group"])
def test_a_number_is_verified_for_one_organisation_only(client: FlaskClient, session: Session, kind: str) -> None:
    number = ("GB-COH", "01234567")
    first, second = (
        an_organisation(session, kind=kind, verification="unverified", identifier=number) for kind in (kind, "funder")
    )
    headers = a_person(session, operator=True).headers
    body = {"state": "register_checked", "reason": "Name and number agree."}

    def verified(organisation: Organisation) -> Any:
        path = f"/v1/organisations/{organisation.id}/verification"
        tag = client.get(f"/v1/organisations/{organisation.id}", headers=headers).headers["ETag"]
        return client.post(path, json=body, headers=headers | {"If-Match": tag})

    assert verified(first).status_code == 201
    clash = verified(second)
    assert (clash.status_code, clash.json["code"]) == (409, "identifier-taken")
    host = an_organisation(session, kind="fiscal_host")
    vouching = {"reason": "We know them."}
    vouched = client.post(
        f"/v1/organisations/{second.id}/vouches", json=vouching, headers=a_member(session, host).headers
    )
    assert (vouched.status_code, vouched.json["code"]) == (409, "not-open-to-vouching")


@pytest.mark.parametrize(
    ("kind", "verification", "status"),
    [
        pytest.param("funder", "register_checked", 200, id="a verified funder has a card"),
        pytest.param("public_body", "vouched", 200, id="a vouched employer has a card"),
        pytest.param("funder", "unverified", 404, id="an unverified funder does not exist"),
        pytest.param("funder", "suspended", 404, id="a suspended funder does not exist"),
        pytest.param("staff_group", "vouched", 404, id="a staff group never exists"),
    ],
)
def test_what_strangers_see_of_an_organisation(
    client: FlaskClient, session: Session, kind: str, verification: str, status: int
) -> None:
    organisation = an_organisation(session, kind=kind, name="Somewhere", verification=verification)
    stranger = a_person(session)

    read = client.get(f"/v1/organisations/{organisation.id}", headers=stranger.headers)
    found = client.get("/v1/organisations?q=somewhere", headers=stranger.headers)

    assert read.status_code == status
    assert [each["id"] for each in found.json["data"]] == ([str(organisation.id)] if status == 200 else [])
    assert "verification_note" not in read.json
    assert "version" not in read.json


def test_a_hidden_organisation_is_answered_like_none(client: FlaskClient, session: Session) -> None:
    group = an_organisation(session)
    stranger = a_person(session)
    paths = ["", "/memberships", "/invitations", "/verification", f"/memberships/{uuid4()}"]

    for path in paths:
        hidden = client.get(f"/v1/organisations/{group.id}{path}", headers=stranger.headers)
        absent = client.get(f"/v1/organisations/{uuid4()}{path}", headers=stranger.headers)
        varying = {"request_id": "", "instance": ""}
        assert (hidden.status_code, {**hidden.json, **varying}) == (404, {**absent.json, **varying})
    change = {"reason": "x", "state": "vouched", "email": "a@example.org", "role": "viewer"}
    for path, members in (
        ("/verification", ("reason", "state")),
        ("/vouches", ("reason",)),
        ("/invitations", ("email", "role")),
    ):
        body = {name: change[name] for name in members}
        hidden = client.post(f"/v1/organisations/{group.id}{path}", json=body, headers=stranger.headers)
        absent = client.post(f"/v1/organisations/{uuid4()}{path}", json=body, headers=stranger.headers)
        assert (hidden.status_code, hidden.json["code"]) == (absent.status_code, absent.json["code"])


def test_an_operator_sees_an_organisation_that_waits(client: FlaskClient, session: Session) -> None:
    group = an_organisation(session, verification="unverified")
    operator = a_person(session, operator=True)

    assert client.get(f"/v1/organisations/{group.id}", headers=operator.headers).status_code == 200
    queue = client.get("/v1/verification-queue", headers=operator.headers)
    assert [each["id"] for each in queue.json["data"]] == [str(group.id)]


def test_the_search_finds_names_in_both_languages_and_numbers(client: FlaskClient, session: Session) -> None:
    council = an_organisation(
        session, kind="public_body", name="Swansea 100% Council", identifier=("GB-LAE", "SWA"), area_code="W06000011"
    )
    council.name = {"en": "Swansea 100% Council", "cy": "Cyngor Abertawe"}
    session.commit()
    ada = a_person(session)

    def found(words: str) -> list[str]:
        answer = client.get("/v1/organisations", query_string={"q": words}, headers=ada.headers)
        return [each["id"] for each in answer.json["data"]]

    hits = [found(words) for words in ("swansea", "abertawe", "SWA", "gb-lae-swa", "100%")]
    misses = [found(words) for words in ("_", "%%", "GB-LAE-SW", "leeds")]
    assert hits == [[str(council.id)]] * 5
    assert misses == [[]] * 4


def test_without_a_search_the_list_is_ones_own_in_pages(client: FlaskClient, session: Session) -> None:
    ada = a_person(session)
    an_organisation(session, kind="funder", name="Not hers")
    for number in range(3):
        registered(client, ada, name=f"Fund {number}")

    first = client.get("/v1/organisations?limit=2", headers=ada.headers).json
    cursor = first["next_cursor"]
    second = client.get("/v1/organisations", query_string={"limit": 2, "cursor": cursor}, headers=ada.headers).json

    assert [each["name"] for each in first["data"] + second["data"]] == ["Fund 0", "Fund 1", "Fund 2"]
    assert (first["has_more"], second["has_more"]) == (True, False)


def change(client: FlaskClient, who: Person, organisation: Organisation, body: dict[str, Any]) -> Any:
    path = f"/v1/organisations/{organisation.id}"
    tag = client.get(path, headers=who.headers).headers.get("ETag", "")
    return client.patch(path, json=body, headers={**who.headers, "If-Match": tag})


def test_only_owners_change_an_organisation(client: FlaskClient, session: Session) -> None:
    fund = an_organisation(session, kind="funder")
    statuses = {
        role: change(client, a_member(session, fund, role), fund, {"website": f"https://{role}.example"}).status_code
        for role in ("owner", "editor", "approver", "viewer")
    }

    assert statuses == {"owner": 200, "editor": 403, "approver": 403, "viewer": 403}


def test_a_change_needs_the_present_version(client: FlaskClient, session: Session) -> None:
    fund = an_organisation(session, kind="funder")
    owner = a_member(session, fund)
    path = f"/v1/organisations/{fund.id}"
    tag = client.get(path, headers=owner.headers).headers["ETag"]

    statuses = [
        client.patch(path, json={"website": None}, headers={**owner.headers, **given}).status_code
        for given in ({}, {"If-Match": tag}, {"If-Match": tag})
    ]

    assert statuses == [428, 200, 412]


@pytest.mark.parametrize(
    ("body", "verification"),
    [
        pytest.param({"website": "https://new.example"}, "register_checked", id="a website is not what was checked"),
        pytest.param({"name": "Leeds City Council"}, "unverified", id="another name"),
        pytest.param({"identifiers": []}, "unverified", id="no number any more"),
        pytest.param(
            {"identifiers": [{"scheme": "GB-COH", "number": "1234567"}]}, "register_checked", id="the same number"
        ),
    ],
)
def test_a_new_name_or_number_has_to_be_verified_anew(
    client: FlaskClient, session: Session, body: dict[str, Any], verification: str
) -> None:
    fund = an_organisation(session, kind="funder", verification="register_checked", identifier=("GB-COH", "01234567"))
    owner = a_member(session, fund)

    answer = change(client, owner, fund, body)

    assert (answer.status_code, answer.json["verification"]) == (200, verification)
    acts = [act.became for act in session.scalars(select(VerificationAct))]
    assert acts == ([] if verification == "register_checked" else ["unverified"])


def test_taking_anothers_number_by_a_change_is_refused(client: FlaskClient, session: Session) -> None:
    an_organisation(session, kind="funder", identifier=("GB-COH", "01234567"))
    fund = an_organisation(session, kind="funder")

    answer = change(
        client, a_member(session, fund), fund, {"identifiers": [{"scheme": "GB-COH", "number": "01234567"}]}
    )

    assert (answer.status_code, answer.json["code"]) == (409, "identifier-taken")


def test_a_suspended_organisation_changes_nothing(client: FlaskClient, session: Session) -> None:
    fund = an_organisation(session, kind="funder", verification="suspended")
    owner = a_member(session, fund)

    read = client.get(f"/v1/organisations/{fund.id}", headers=owner.headers)
    answer = change(client, owner, fund, {"website": None})
    invited = client.post(
        f"/v1/organisations/{fund.id}/invitations",
        json={"email": "a@example.org", "role": "viewer"},
        headers=owner.headers,
    )

    assert read.status_code == 200
    assert [each.json["code"] for each in (answer, invited)] == ["organisation-suspended"] * 2


def test_the_journal_tells_the_organisation_alone(client: FlaskClient, session: Session) -> None:
    ada = a_person(session)
    made = registered(client, ada).json["id"]
    organisation = session.scalars(select(Organisation)).one()

    change(client, ada, organisation, {"website": "https://fund.example"})

    events = session.scalars(select(Event).order_by(Event.seq)).all()
    assert [(each.type, each.scope) for each in events] == [
        ("organisation.registered", "organisations"),
        ("organisation.changed", "organisations"),
    ]
    assert {str(each) for event in events for each in event.organisation_ids} == {made}
    assert len(session.scalars(select(AuditEntry)).all()) == 2


@pytest.mark.parametrize(
    ("kind", "role", "verification", "code"),
    [
        pytest.param("funder", "owner", "register_checked", None, id="an owner of a verified funder vouches"),
        pytest.param("adviser", "owner", "vouched", None, id="who was vouched for may vouch"),
        pytest.param("funder", "editor", "register_checked", "cannot-vouch", id="an editor does not"),
        pytest.param("staff_group", "owner", "vouched", "cannot-vouch", id="a staff group does not"),
        pytest.param("funder", "owner", "unverified", "cannot-vouch", id="an unverified one does not"),
        pytest.param("funder", "owner", "suspended", "cannot-vouch", id="a suspended one does not"),
    ],
)
def test_who_may_vouch(
    client: FlaskClient, session: Session, kind: str, role: str, verification: str, code: str | None
) -> None:
    group = an_organisation(session, verification="unverified")
    voucher = an_organisation(session, kind=kind, verification=verification)
    who = a_member(session, voucher, role)

    answer = client.post(f"/v1/organisations/{group.id}/vouches", json={"reason": "We know them."}, headers=who.headers)

    session.expire_all()
    assert answer.json.get("code") == code
    assert session.get_one(Organisation, group.id).verification == ("unverified" if code else "vouched")


@pytest.mark.parametrize("state", ["suspended", "vouched", "register_checked"])
def test_only_an_unverified_organisation_can_be_vouched_for(client: FlaskClient, session: Session, state: str) -> None:
    host = an_organisation(session, kind="fiscal_host", verification=state)
    who = a_member(session, an_organisation(session, kind="funder"))

    answer = client.post(f"/v1/organisations/{host.id}/vouches", json={"reason": "We know."}, headers=who.headers)

    hidden = state == "suspended"
    assert (answer.status_code, answer.json["code"]) == (
        (404, "not-found") if hidden else (409, "not-open-to-vouching")
    )


@pytest.mark.parametrize("state", ["suspended", "vouched", "register_checked"])
def test_vouching_does_not_tell_that_a_hidden_group_is_there(client: FlaskClient, session: Session, state: str) -> None:
    group = an_organisation(session, verification=state)
    who = a_member(session, an_organisation(session, kind="funder"))

    answer = client.post(f"/v1/organisations/{group.id}/vouches", json={"reason": "We know."}, headers=who.headers)

    assert (answer.status_code, answer.json["code"]) == (404, "not-found")


def test_nobody_vouches_for_their_own_organisation(client: FlaskClient, session: Session) -> None:
    who = a_member(session, an_organisation(session, kind="funder"))
    group = registered(client, who, name="Her other fund").json["id"]

    answer = client.post(f"/v1/organisations/{group}/vouches", json={"reason": "It is fine."}, headers=who.headers)

    assert (answer.status_code, answer.json["code"]) == (403, "own-organisation")


def test_the_operator_verifies_and_suspends_and_each_act_is_kept(client: FlaskClient, session: Session) -> None:
    fund = an_organisation(session, kind="funder", verification="unverified", identifier=("GB-COH", "01234567"))
    owner, operator = a_member(session, fund), a_person(session, operator=True)
    path = f"/v1/organisations/{fund.id}/verification"

    for state in ("register_checked", "suspended", "unverified"):
        body = {"state": state, "reason": f"To be {state}."}
        assert client.post(path, json=body, headers=operator.headers).status_code == 201
    again = client.post(path, json={"state": "unverified", "reason": "Again."}, headers=operator.headers)

    assert (again.status_code, again.json["code"]) == (409, "verification-unchanged")
    history = client.get(path, headers=owner.headers).json["data"]
    assert [(each["was"], each["became"], each["reason"]) for each in history] == [
        ("unverified", "register_checked", "To be register_checked."),
        ("register_checked", "suspended", "To be suspended."),
        ("suspended", "unverified", "To be unverified."),
    ]
    types = session.scalars(select(Event.type).order_by(Event.seq)).all()
    assert types == ["organisation.verified", "organisation.suspended", "organisation.unverified"]


def test_a_register_is_not_checked_without_a_number(client: FlaskClient, session: Session) -> None:
    group = an_organisation(session, verification="unverified")
    operator = a_person(session, operator=True)

    answer = client.post(
        f"/v1/organisations/{group.id}/verification",
        json={"state": "register_checked", "reason": "Looks right."},
        headers=operator.headers,
    )

    assert (answer.status_code, answer.json["code"]) == (409, "nothing-to-check")


def test_an_owner_does_not_verify_and_an_operator_not_their_own(client: FlaskClient, session: Session) -> None:
    fund = an_organisation(session, kind="funder", verification="unverified")
    operator = a_person(session, operator=True)
    own = registered(client, operator).json["id"]
    body = {"state": "vouched", "reason": "It is fine."}

    by_owner = client.post(
        f"/v1/organisations/{fund.id}/verification", json=body, headers=a_member(session, fund).headers
    )
    of_own = client.post(f"/v1/organisations/{own}/verification", json=body, headers=operator.headers)

    assert (by_owner.status_code, by_owner.json["code"]) == (403, "operator-only")
    assert (of_own.status_code, of_own.json["code"]) == (403, "own-organisation")
