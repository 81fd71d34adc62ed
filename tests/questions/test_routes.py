"""Funders' own questions over HTTP: asking, answering, sharing, matching, retiring."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.builders import Person, a_member, an_organisation
from tests.programmes.builders import a_programme
from tests.proposals.builders import a_group, a_proposal, share

CHOICE = {
    "slug": "x_tenure",
    "type": "choice",
    "question": "Who owns the building?",
    "options": [{"slug": "council", "label": "The council"}, {"slug": "group", "label": "The group"}],
}


def asked(client: FlaskClient, person: Person, organisation_id: Any, **members: Any) -> Any:
    body = {"organisation_id": str(organisation_id), **CHOICE, **members}
    return client.post("/v1/questions", json=body, headers=person.headers)


def criterion(slug: str, op: str, value: Any) -> dict[str, Any]:
    return {"schema_version": 1, "criteria": [{"code": "OWN", "fact": slug, "op": op, "value": value}]}


def answered(client: FlaskClient, owner: Person, proposal_id: Any, facts: dict[str, Any]) -> Any:
    path = f"/v1/proposals/{proposal_id}/sections/questions"
    etag = client.get(path, headers=owner.headers).headers["ETag"]
    return client.put(path, json={"facts": facts}, headers=owner.headers | {"If-Match": etag})


def published(client: FlaskClient, session: Session, funder: Any, person: Person, tree: dict[str, Any]) -> str:
    programme = a_programme(session, funder, criteria=tree)
    made = client.post(f"/v1/programmes/{programme.id}/criteria-versions", headers=person.headers)
    assert made.status_code == 201, made.json
    return str(programme.id)


def match(client: FlaskClient, who: Person, proposal_id: Any, programme_id: str, side: str = "proposals") -> Any:
    first, second = (proposal_id, programme_id) if side == "proposals" else (programme_id, proposal_id)
    return client.get(f"/v1/{side}/{first}/matches/{second}", headers=who.headers).json


def test_a_question_is_unknown_until_the_group_answers_it_and_hidden_until_it_shares_the_answer(
    client: FlaskClient, session: Session
) -> None:
    funder = an_organisation(session, kind="funder")
    editor = a_member(session, funder, "editor")
    assert asked(client, editor, funder.id).status_code == 201
    programme = published(client, session, funder, editor, criterion("x_tenure", "eq", "council"))
    group, owner = a_group(session)
    proposal = a_proposal(session, group, owner, shared={"visibility": "verified_funders"})

    before = match(client, owner, proposal.id, programme)
    assert (before["result"], before["unknown"]) == ("needs_information", ["OWN"])

    assert answered(client, owner, proposal.id, {"x_tenure": "council"}).status_code == 200
    client.post(f"/v1/proposals/{proposal.id}/versions", headers=owner.headers)
    own = match(client, owner, proposal.id, programme)
    assert (own["result"], own["they_see"]["result"]) == ("eligible", "needs_information")
    seen = match(client, editor, proposal.id, programme, "programmes")
    assert seen["result"] == "needs_information"
    assert [each["not_shared"] for each in seen["reasons"] if each["code"] == "OWN"] == [True]

    grant = {"organisation_id": funder.id, "facts": ["x_tenure"]}
    share(session, proposal.id, owner, visibility="verified_funders", fact_grants=[grant])
    assert match(client, editor, proposal.id, programme, "programmes")["result"] == "eligible"


def test_another_funder_uses_the_same_question_and_the_group_need_not_answer_again(
    client: FlaskClient, session: Session
) -> None:
    first, second = (an_organisation(session, kind="funder", name=name) for name in ("One", "Two"))
    asked(client, a_member(session, first), first.id)
    other = a_member(session, second)
    taken = asked(client, other, second.id)
    assert (taken.status_code, taken.json["code"]) == (409, "question-taken")
    programme = published(client, session, second, other, criterion("x_tenure", "in", ["group"]))
    group, owner = a_group(session)
    proposal = a_proposal(session, group, owner, published=False)
    answered(client, owner, proposal.id, {"x_tenure": "group"})
    client.post(f"/v1/proposals/{proposal.id}/versions", headers=owner.headers)

    assert match(client, owner, proposal.id, programme)["result"] == "eligible"


@pytest.mark.parametrize(
    ("members", "fact", "wrong"),
    [
        ({}, "elsewhere", "must be one of council, group"),
        ({"slug": "x_beds", "type": "integer", "options": []}, "12", "must be a whole number"),
        ({"slug": "x_since", "type": "date", "options": []}, "2026-13-01", "must be a day"),
        ({"slug": "x_share", "type": "decimal", "options": [], "scale": 1}, "0.25", "must be a decimal"),
        ({"slug": "x_many", "type": "choices"}, ["council", "nobody"], "must be a list of council, group"),
    ],
)
def test_an_answer_has_to_suit_its_question(
    client: FlaskClient, session: Session, members: dict[str, Any], fact: Any, wrong: str
) -> None:
    funder = an_organisation(session, kind="funder")
    slug = asked(client, a_member(session, funder), funder.id, **members).json["slug"]
    proposal = a_proposal(session, *(pair := a_group(session)), published=False)

    refused = answered(client, pair[1], proposal.id, {slug: fact})

    assert refused.status_code == 422
    assert refused.json["errors"][0]["pointer"] == f"#/facts/{slug}"
    assert wrong in refused.json["errors"][0]["detail"]


def test_criteria_over_a_question_are_checked_like_any_other(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    editor = a_member(session, funder, "editor")
    asked(client, editor, funder.id)
    for tree in (
        criterion("x_tenure", "eq", "nobody"),
        criterion("x_tenure", "gte", "council"),
        criterion("x_nothing", "eq", "council"),
    ):
        programme = a_programme(session, funder, criteria=tree)
        refused = client.post(f"/v1/programmes/{programme.id}/criteria-versions", headers=editor.headers)
        assert (refused.status_code, refused.json["code"]) == (422, "invalid-criteria")


def test_a_retired_question_is_in_no_new_criteria_and_its_answers_stay(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    editor = a_member(session, funder, "editor")
    asked(client, editor, funder.id)
    programme = published(client, session, funder, editor, criterion("x_tenure", "eq", "council"))
    group, owner = a_group(session)
    proposal = a_proposal(session, group, owner, published=False)
    answered(client, owner, proposal.id, {"x_tenure": "council"})

    stranger = a_member(session, an_organisation(session, kind="funder", name="Other"))
    refused = client.post("/v1/questions/x_tenure/retirement", headers=stranger.headers)
    assert (refused.status_code, refused.json["code"]) == (403, "not-your-question")
    assert client.post("/v1/questions/x_tenure/retirement", headers=editor.headers).json["retired"] is True
    again = client.post("/v1/questions/x_tenure/retirement", headers=editor.headers)
    assert (again.status_code, again.json["code"]) == (409, "question-retired")

    assert client.get("/v1/questions").json["data"] == []
    assert client.get("/v1/questions/x_tenure").json["retired"] is True
    late = a_programme(session, funder, criteria=criterion("x_tenure", "eq", "council"))
    assert client.post(f"/v1/programmes/{late.id}/criteria-versions", headers=editor.headers).status_code == 422
    assert answered(client, owner, proposal.id, {"x_tenure": "council"}).status_code == 200
    assert answered(client, owner, proposal.id, {"x_tenure": "group"}).status_code == 422
    answered(client, owner, proposal.id, {"x_tenure": "council"})
    client.post(f"/v1/proposals/{proposal.id}/versions", headers=owner.headers)
    assert match(client, owner, proposal.id, programme)["result"] == "eligible"


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"options": []}, "#/options"),
        ({"options": [CHOICE["options"][0]] * 2}, "#/options"),
        ({"type": "integer"}, "#/options"),
        ({"type": "decimal", "options": []}, "#/scale"),
        ({"scale": 2}, "#/scale"),
    ],
)
def test_a_question_that_contradicts_its_type_is_refused(
    client: FlaskClient, session: Session, members: dict[str, Any], pointer: str
) -> None:
    funder = an_organisation(session, kind="funder")

    refused = asked(client, a_member(session, funder), funder.id, **members)

    assert refused.status_code == 422
    assert pointer in {each["pointer"] for each in refused.json["errors"]}


def test_only_verified_organisations_that_publish_programmes_ask(client: FlaskClient, session: Session) -> None:
    for kind, verification, code in (
        ("adviser", "vouched", "not-an-asker"),
        ("funder", "unverified", "organisation-not-verified"),
    ):
        home = an_organisation(session, kind=kind, verification=verification)
        refused = asked(client, a_member(session, home), home.id)
        assert (refused.status_code, refused.json["code"]) == (403, code)


def test_one_organisation_has_a_hundred_questions_in_use_at_most(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.questions.service.MOST_QUESTIONS", 2)
    funder = an_organisation(session, kind="funder")
    editor = a_member(session, funder)

    answers = [asked(client, editor, funder.id, slug=f"x_q{number}").status_code for number in range(3)]

    assert answers == [201, 201, 409]


def test_questions_are_found_by_their_words(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    editor = a_member(session, funder)
    asked(client, editor, funder.id)
    asked(client, editor, funder.id, slug="x_beds", type="integer", options=[], question="How many beds?")

    found = client.get("/v1/questions?q=building").json["data"]

    assert [each["slug"] for each in found] == ["x_tenure"]
    assert found[0]["options"][0] == {"slug": "council", "label": "The council"}


def test_what_was_asked_never_changes(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    asked(client, a_member(session, funder), funder.id)

    with pytest.raises(IntegrityError, match="never changes"):
        session.execute(text("UPDATE question SET type = 'integer', options = '[]'"))


def test_no_one_shares_an_answer_to_a_question_that_does_not_exist(client: FlaskClient, session: Session) -> None:
    group, owner = a_group(session)
    proposal = a_proposal(session, group, owner)
    path = f"/v1/proposals/{proposal.id}/sharing"
    etag = client.get(path, headers=owner.headers).headers["ETag"]
    body = {"visibility": "private", "facts": {"x_nothing": "open"}}

    refused = client.put(path, json=body, headers=owner.headers | {"If-Match": etag})

    assert refused.status_code == 422
    assert [each["pointer"] for each in refused.json["errors"]] == ["#/facts/x_nothing"]
