"""Support products, advisers and resources over HTTP."""

from typing import Any

import pytest
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.reference import codelists, resources
from marketplace.values.clock import today
from tests.builders import Person, a_member, an_organisation
from tests.pipeline.scene import Scene
from tests.programmes.builders import an_open_programme
from tests.proposals.builders import share

PRODUCT = {
    "kind": "model",
    "licence": "cc_by_4",
    "title": "A five-year model for a library",
    "summary": "Income, staff, pensions and cash by month.",
    "link": "https://example.org/model.ods",
    "sectors": ["libraries_archives"],
}
LISTING: dict[str, Any] = {
    "services": ["legal", "pensions"],
    "sectors": ["community_health"],
    "words": "Solicitors for spin-outs.",
    "conflicts": "None beside those named.",
}


@pytest.fixture
def officer(scene: Scene, session: Session) -> Person:
    """An editor of the funder, whose pledge is of the past."""
    return a_member(session, scene.funder, "editor")


def publish(scene: Scene, who: Person, **members: Any) -> TestResponse:
    body = {name: value for name, value in (PRODUCT | members).items() if value is not None}
    body.setdefault("organisation_id", str(scene.funder.id))
    return scene.client.post("/v1/support-products", json=body, headers=who.headers)


def listed(scene: Scene, query: str = "") -> list[str]:
    return [each["id"] for each in scene.client.get(f"/v1/support-products{query}").json["data"]]


def put_listing(scene: Scene, who: Person, organisation: Any, **members: Any) -> TestResponse:
    path = f"/v1/organisations/{organisation.id}/adviser-listing"
    return scene.client.put(path, json=LISTING | members, headers=who.headers | {"If-Match": "*"})


def directory(scene: Scene, query: str = "") -> list[str]:
    answer = scene.client.get(f"/v1/advisers{query}")
    assert answer.status_code == 200, answer.json
    return [each["organisation"]["id"] for each in answer.json["data"]]


# Support products


def test_anyone_finds_a_product_by_sector_and_stage(scene: Scene, officer: Person) -> None:
    made = publish(scene, officer)

    assert made.status_code == 201, made.json
    for found in ("", "?sector=libraries_archives", "?stage=set_up", "?kind=model&licence=cc_by_4"):
        assert listed(scene, found) == [made.json["id"]]
    assert listed(scene, "?sector=arts_culture") == listed(scene, "?kind=paper") == []
    assert scene.client.get(f"/v1/support-products/{made.json['id']}").json["organisation"]["id"] == str(
        scene.funder.id
    )


def test_a_product_lies_in_one_place_and_was_paid_by_ones_own_programme(
    scene: Scene, session: Session, officer: Person
) -> None:
    others = an_open_programme(session, an_organisation(session, kind="funder", name="Another fund"))
    evidence, _ = scene.submit("business_plan")

    both = publish(scene, officer, evidence_id=evidence, programme_id=str(others.id))
    neither = publish(scene, officer, link=None)
    closed = publish(scene, officer, link=None, evidence_id=evidence)

    assert [answer.json["code"] for answer in (both, neither, closed)] == ["support-product-faults"] * 3
    assert [each["pointer"] for each in both.json["errors"]] == ["#/link", "#/programme_id"]
    assert [each["pointer"] for each in closed.json["errors"]] == ["#/evidence_id"]
    own = an_open_programme(session, scene.funder)
    assert publish(scene, officer, programme_id=str(own.id)).status_code == 201


def test_a_document_is_listed_while_it_is_open_and_its_proposal_public(scene: Scene, session: Session) -> None:
    nurse, group = scene.people["nurse"], str(scene.group.id)
    scene.group.verification = "vouched"
    session.commit()
    evidence, _ = scene.submit("business_plan", confidential=False)
    members = {"organisation_id": group, "link": None, "evidence_id": evidence}

    assert publish(scene, nurse, **members).status_code == 422
    share(session, scene.proposal.id, nurse, visibility="public")
    made = publish(scene, nurse, **members)
    assert made.status_code == 201, made.json
    assert listed(scene) == [made.json["id"]]
    share(session, scene.proposal.id, nurse, visibility="private")
    assert listed(scene) == []
    path = f"/v1/support-products/{made.json['id']}"
    assert scene.client.get(path).status_code == 404
    assert scene.client.get(path, headers=nurse.headers).status_code == 200


def test_a_product_is_changed_and_taken_back_by_its_publisher(scene: Scene, officer: Person) -> None:
    made = publish(scene, officer).json
    path = f"/v1/support-products/{made['id']}"
    sent = officer.headers | {"If-Match": scene.client.get(path).headers["ETag"]}

    changed = scene.client.put(path, json=PRODUCT | {"title": "A better model"}, headers=sent)
    assert (changed.status_code, changed.json["title"]) == (200, "A better model")
    assert scene.client.put(path, json=PRODUCT, headers=sent).status_code == 412
    director = scene.people["director"].headers | {"If-Match": "*"}
    assert scene.client.put(path, json=PRODUCT, headers=director).status_code == 404
    sent = officer.headers | {"If-Match": "*"}
    assert [scene.client.post(f"{path}/withdrawal", headers=sent).status_code for _ in range(2)] == [200, 409]
    assert listed(scene) == []


def test_an_unverified_organisation_publishes_nothing(scene: Scene) -> None:
    answer = publish(scene, scene.people["nurse"], organisation_id=str(scene.group.id))

    assert (answer.status_code, answer.json["code"]) == (403, "organisation-not-verified")


# Advisers


def test_the_directory_shows_verified_organisations_that_list_themselves(scene: Scene, session: Session) -> None:
    advice = an_organisation(session, kind="adviser", name="Quayside Advice")
    owner = a_member(session, advice)

    assert put_listing(scene, owner, advice).status_code == 200
    for found in ("", "?service=legal", "?sector=community_health&nation=wales"):
        assert directory(scene, found) == [str(advice.id)]
    assert directory(scene, "?service=finance") == directory(scene, "?sector=arts_culture") == []
    advice.verification = "suspended"
    session.commit()
    assert directory(scene) == []
    advice.verification = "vouched"
    session.commit()
    assert put_listing(scene, owner, advice, listed=False).json["listed"] is False
    assert directory(scene) == []


def test_a_listing_cannot_keep_back_what_the_register_of_interests_names(scene: Scene, session: Session) -> None:
    advice = an_organisation(session, kind="adviser", name="Quayside Advice")
    owner, editor = a_member(session, advice), a_member(session, advice, "editor")
    interest = {"kind": "employment", "words": "I worked there", "from": today().isoformat()}
    about = interest | {"organisation_id": str(scene.employer.id)}
    declared = scene.client.post("/v1/me/interests", json=about, headers=editor.headers)
    assert declared.status_code == 201, declared.json

    kept_back = put_listing(scene, owner, advice)
    assert (kept_back.status_code, kept_back.json["code"]) == (422, "adviser-listing-faults")
    assert str(scene.employer.id) in kept_back.json["errors"][0]["detail"]
    strange = put_listing(scene, owner, advice, interests=[str(scene.employer.id), str(scene.group.id)])
    assert [each["pointer"] for each in strange.json["errors"]] == ["#/interests/1"]
    made = put_listing(scene, owner, advice, interests=[str(scene.employer.id)])
    assert (made.status_code, made.json["interests"][0]["id"]) == (200, str(scene.employer.id))
    assert put_listing(scene, editor, advice).status_code == 403


def test_a_group_is_told_which_adviser_has_an_interest_in_its_employer_and_nobody_else_is(
    scene: Scene, session: Session
) -> None:
    sided = an_organisation(session, kind="adviser", name="Quayside Advice")
    free = an_organisation(session, kind="adviser", name="Plain Advice")
    for each, interests in ((sided, [str(scene.employer.id)]), (free, [])):
        assert put_listing(scene, a_member(session, each), each, interests=interests).status_code == 200

    told = scene.read("/advisers").json["data"]

    assert [each["organisation"]["id"] for each in told] == [str(free.id), str(sided.id)]
    assert [each["conflicts_here"] for each in told] == [[], [str(scene.employer.id)]]
    assert [scene.read("/advisers", who).status_code for who in ("director", "stranger")] == [404, 404]


# Resources


def test_resources_are_found_by_stage_and_topic(scene: Scene) -> None:
    answer = scene.client.get("/v1/resources?stage=set_up&topic=staff")

    assert answer.json["version"] == resources.VERSION
    slugs = [each["slug"] for each in answer.json["data"]]
    assert "tupe-2006" in slugs
    assert "icrf-evaluation" not in slugs
    assert scene.client.get("/v1/resources?stage=none").status_code == 422


def test_every_resource_is_sound_and_every_stage_before_an_end_has_one() -> None:
    for each in resources.RESOURCES:
        assert each.link.startswith("https://")
        assert set(each.topics) <= set(codelists.slugs("resource_topics"))
        assert set(each.stages) <= set(codelists.slugs("stages"))
        assert each.read in {"part", "address"}
    helped = {stage for each in resources.RESOURCES for stage in each.stages}
    asked = {each["slug"] for each in codelists.CODELISTS["stages"] if each["order"] < 9}
    assert asked <= helped
