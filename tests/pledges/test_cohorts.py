"""Cohort limits over HTTP: the last place, who takes it, when it comes free, and two who want it at once."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.identity.models import Membership
from marketplace.pipeline.models import ProposalPipeline
from marketplace.pledges.models import Pledge
from marketplace.programmes.cohort_models import CohortLimit
from marketplace.store.base import db
from marketplace.values.clock import today
from tests.builders import a_member, an_organisation
from tests.pledges.races import Group, all_at_once, many_groups
from tests.pledges.scene import ASK, Scene, a_scene
from tests.proposals.builders import FACTS, share

pytestmark = pytest.mark.slow

NOTE = {
    "kind": "what_failed",
    "stage": "business_case",
    "sector": "community_health",
    "title": "The bond was twice what we had planned",
    "body": "Ask the actuary before the plan is written, not after.",
}
UNSHOWN: dict[str, Any] = {"visibility": "verified_funders", "facts": {"sector": "confidential"}}
GRANT = [{"instrument": "grant", "amount": 1_000_00}]


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    return a_scene(session, client, facts=FACTS | {"organisation": {"registration": "registered"}})


def limited(scene: Scene, limit: int | None = 1, **members: Any) -> TestResponse:
    path = f"/v1/programmes/{scene.programme.id}/cohort-limit"
    etag = scene.client.get(path, headers=scene.officer.headers).headers["ETag"]
    sent = scene.officer.headers | {"If-Match": etag}
    answer = scene.client.put(path, json={"limit": limit} | members, headers=sent)
    assert answer.status_code == 200, answer.json
    return answer


def groups_of(scene: Scene, number: int = 1, sector: str = "community_health", **ask: str) -> list[Group]:
    facts = FACTS | {"service": FACTS["service"] | {"sector": sector}}
    return many_groups(scene.session, number, ASK, facts, **ask)


def drafted(scene: Scene, group: Group) -> str:
    return scene.drafted(proposal_id=str(group.proposal_id), parts=GRANT)


def offer(scene: Scene, group: Group) -> TestResponse:
    return scene.offer(drafted(scene, group))


def cohort(scene: Scene) -> dict[str, Any]:
    answer = scene.read(scene.officer, f"/programmes/{scene.programme.id}/cohort")
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def places(scene: Scene, query: str = "") -> dict[str, Any]:
    return dict(scene.read(scene.officer, f"/programmes/{scene.programme.id}/cohort/places{query}").json)


def launch(scene: Scene, proposal_id: Any, stage: str = "launched") -> None:
    moved = update(ProposalPipeline).where(ProposalPipeline.proposal_id == proposal_id).values(stage=stage)
    scene.session.execute(moved)
    scene.session.commit()


def write_note(scene: Scene, **members: Any) -> TestResponse:
    answer = scene.do(scene.nurse, "/learning-notes", NOTE | {"proposal_id": str(scene.proposal.id)} | members)
    assert answer.status_code == 201, answer.json
    return answer


def paid(scene: Scene) -> str:
    """A promise that was paid in full, which completes it."""
    pledge = scene.signed(1_000_00, parts=[GRANT[0] | {"tranches": [{"basis": "on_agreement", "amount": 1_000_00}]}])
    (tranche,) = scene.tranches(pledge)
    launched = scene.pay(scene.approved(tranche["id"]))
    assert launched.status_code == 200, launched.json
    assert scene.read(scene.officer, f"/pledges/{pledge}").json["state"] == "completed"
    return pledge


def test_an_offer_beyond_the_limit_is_refused_with_how_many_places_are_taken(scene: Scene) -> None:
    limited(scene, 1)
    scene.offered(1_000_00)
    (other,) = groups_of(scene)

    refused = offer(scene, other)

    assert (refused.status_code, refused.json["code"]) == (409, "cohort-full")
    (reason,) = refused.json["reasons"]
    assert (reason["code"], reason["outcome"]) == ("COHORT_PLACE", "unmet")
    assert (reason["wanted"], reason["found"]) == ({"limit": 1, "per_sector": False}, {"taken": 1})
    assert cohort(scene) == {
        "limit": {"limit": 1, "per_sector": False, "learning_note_required": False},
        "taken": 1,
        "sectors": [{"sector": "community_health", "taken": 1}],
    }


def test_a_refusal_for_more_than_the_limit_names_the_limit_too(scene: Scene) -> None:
    limited(scene, 1)
    scene.offered(1_000_00)
    (other,) = groups_of(scene)
    pledge = scene.drafted(proposal_id=str(other.proposal_id), parts=[GRANT[0] | {"amount": ASK + 1}])

    refused = scene.offer(pledge)

    assert refused.json["code"] == "offer-refused"
    told = {each["code"]: each["layer"] for each in refused.json["reasons"]}
    assert told == {"OPEN_GAP": "programme", "COHORT_PLACE": "programme"}


def test_soft_interest_needs_no_place(scene: Scene) -> None:
    limited(scene, 1)
    scene.offered(1_000_00)
    (other,) = groups_of(scene)

    assert scene.do(scene.officer, f"/pledges/{drafted(scene, other)}/indication").status_code == 200
    assert cohort(scene)["taken"] == 1


def test_a_group_that_has_a_place_is_promised_more_without_a_second(scene: Scene) -> None:
    limited(scene, 1)
    scene.accepted(1_000_00)

    scene.offered(1_000_00)

    assert cohort(scene)["taken"] == 1


def test_a_limit_may_hold_in_each_sector_apart(scene: Scene) -> None:
    limited(scene, 1, per_sector=True)
    scene.offered(1_000_00)
    (elsewhere,) = groups_of(scene, sector="arts_culture")
    (here,) = groups_of(scene)

    assert offer(scene, elsewhere).status_code == 200
    refused = offer(scene, here)
    assert refused.json["reasons"][0]["found"] == {"taken": 1, "sector": "community_health"}
    assert cohort(scene)["sectors"] == [
        {"sector": "arts_culture", "taken": 1},
        {"sector": "community_health", "taken": 1},
    ]


def decline(scene: Scene, pledge: str) -> None:
    assert scene.do(scene.nurse, f"/pledges/{pledge}/decline", {"reason": "Elsewhere"}).status_code == 200


def withdraw(scene: Scene, pledge: str) -> None:
    answer = scene.do(scene.officer, f"/pledges/{pledge}/withdrawal", {"reason": "A mistake"})
    assert answer.status_code == 200


def lapse(scene: Scene, pledge: str) -> None:
    """Its last day is over; nobody has recorded it."""
    past = update(Pledge).where(Pledge.id == pledge).values(expires_on=today() - timedelta(days=1))
    scene.session.execute(past)
    scene.session.commit()


@pytest.mark.parametrize("end", [decline, withdraw, lapse])
def test_an_offer_that_ends_frees_its_place(scene: Scene, end: Callable[[Scene, str], None]) -> None:
    limited(scene, 1, learning_note_required=True)
    pledge = scene.offered(1_000_00)
    (other,) = groups_of(scene)
    assert offer(scene, other).status_code == 409

    end(scene, pledge)

    assert offer(scene, other).status_code == 200


def test_money_that_was_paid_in_full_keeps_the_place_until_the_launch(scene: Scene) -> None:
    limited(scene, 1)
    paid(scene)
    (other,) = groups_of(scene)

    assert offer(scene, other).json["code"] == "cohort-full"
    launch(scene, scene.proposal.id)
    assert offer(scene, other).status_code == 200


@pytest.mark.parametrize("stage", ["rejected", "wound_up"])
def test_a_group_that_has_come_to_its_end_is_no_longer_on_its_way(scene: Scene, stage: str) -> None:
    limited(scene, 1)
    paid(scene)
    (other,) = groups_of(scene)

    launch(scene, scene.proposal.id, stage)

    assert offer(scene, other).status_code == 200


@pytest.mark.parametrize("embargo", [None, 300])
def test_a_place_waits_for_the_learning_note_where_the_limit_says_so(scene: Scene, embargo: int | None) -> None:
    limited(scene, 1, learning_note_required=True)
    write_note(scene, title="Before there was any money")
    pledge = scene.signed(1_000_00)
    (other,) = groups_of(scene)
    ended = scene.do(scene.officer, f"/pledges/{pledge}/termination", {"reason": "It cannot go on"})
    assert ended.status_code == 200, ended.json

    assert offer(scene, other).json["code"] == "cohort-full"
    assert [each["held_for"] for each in places(scene)["data"]] == ["learning_note"]
    until = {} if embargo is None else {"embargo_until": (today() + timedelta(days=embargo)).isoformat()}
    note = write_note(scene, **until).json["id"]
    assert offer(scene, other).status_code == 200

    assert scene.do(scene.nurse, f"/learning-notes/{note}/withdrawal").status_code == 200
    assert [each["held_for"] for each in places(scene)["data"]] == ["learning_note", "promise"]


def test_a_lowered_limit_ends_no_promise_and_makes_none(scene: Scene) -> None:
    limited(scene, 2)
    first, second = groups_of(scene, 2)
    pledges = [drafted(scene, each) for each in (first, second)]
    assert [scene.offer(each).status_code for each in pledges] == [200, 200]

    limited(scene, 1)

    accepted = [
        scene.do(group.person, f"/pledges/{pledge}/acceptance").status_code
        for group, pledge in zip((first, second), pledges, strict=True)
    ]
    assert accepted == [200, 200]
    assert scene.offer(scene.drafted(1_000_00)).json["reasons"][0]["found"] == {"taken": 2}
    limited(scene, None)
    scene.offered(1_000_00)


def test_a_group_after_its_launch_needs_no_place(scene: Scene) -> None:
    limited(scene, 1)
    scene.offered(1_000_00)
    (grown,) = groups_of(scene, stage="growth")

    assert offer(scene, grown).status_code == 200
    assert cohort(scene)["taken"] == 1


def test_another_programme_of_the_funder_has_places_of_its_own(scene: Scene, session: Session) -> None:
    limited(scene, 1)
    (other,) = groups_of(scene)
    scene.offered(1_000_00)
    second = a_scene(session, scene.client).programme
    session.execute(update(type(second)).where(type(second).id == second.id).values(organisation_id=scene.funder.id))
    session.commit()

    pledge = scene.drafted(programme_id=str(second.id), proposal_id=str(other.proposal_id), parts=GRANT)

    assert scene.offer(pledge).status_code == 200


def test_the_places_are_listed_by_page_for_the_funder_alone(scene: Scene) -> None:
    limited(scene, 5)
    groups = groups_of(scene, 3)
    for each in groups:
        assert offer(scene, each).status_code == 200

    first = places(scene, "?limit=2")
    later = places(scene, f"?limit=2&cursor={first['next_cursor']}")

    listed = [each["proposal_id"] for each in first["data"] + later["data"]]
    assert listed == sorted(str(each.proposal_id) for each in groups)
    stranger = a_member(scene.session, an_organisation(scene.session, kind="funder", name="Another Fund"))
    for path in ("cohort", "cohort/places"):
        for who in (scene.nurse, stranger):
            assert scene.read(who, f"/programmes/{scene.programme.id}/{path}").status_code == 404


def test_a_sector_that_is_not_shown_to_the_funder_is_not_told_by_a_refusal(scene: Scene) -> None:
    limited(scene, 1, per_sector=True)
    first, second = groups_of(scene, 2)
    for each in (first, second):
        share(scene.session, each.proposal_id, each.person, **UNSHOWN)
    scene.offered(1_000_00)

    assert offer(scene, first).status_code == 200
    refused = offer(scene, second)
    assert refused.json["reasons"][0]["found"] == {"taken": 1, "sector": None}
    assert cohort(scene)["sectors"] == [{"sector": "community_health", "taken": 1}, {"sector": None, "taken": 1}]


def test_a_group_that_describes_itself_anew_stays_where_it_was_counted(scene: Scene) -> None:
    limited(scene, 1, per_sector=True)
    (group,) = groups_of(scene)
    assert offer(scene, group).status_code == 200

    share(scene.session, group.proposal_id, group.person, **UNSHOWN)

    assert cohort(scene)["sectors"] == [{"sector": "community_health", "taken": 1}]


def test_whoever_acts_for_an_organisation_that_is_kept_out_is_shown_no_place(scene: Scene, session: Session) -> None:
    limited(scene, 5)
    (group,) = groups_of(scene)
    assert offer(scene, group).status_code == 200
    other = an_organisation(session, kind="funder", name="Another Fund")
    share(session, group.proposal_id, group.person, visibility="verified_funders", excluded=[other.id])
    session.add(Membership(user_id=scene.director.id, organisation_id=other.id, role="viewer"))
    session.commit()

    assert len(places(scene)["data"]) == 1
    seen = scene.read(scene.director, f"/programmes/{scene.programme.id}/cohort/places")
    assert (seen.status_code, seen.json["data"]) == (200, [])


def test_nobody_else_learns_from_the_programme_whether_places_are_taken(scene: Scene) -> None:
    limited(scene, 1)
    paths = [f"/v1/programmes/{scene.programme.id}{rest}" for rest in ("", "/cohort-limit")]

    def seen() -> list[tuple[bytes, str]]:
        answers = [scene.client.get(path, headers=scene.nurse.headers) for path in paths]
        return [(each.data, each.headers["ETag"]) for each in answers]

    before = seen()
    scene.accepted(1_000_00)

    assert seen() == before


def test_two_offers_at_once_into_the_last_place_are_one(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        groups = many_groups(scene.session, 6, ASK)
        scene.session.add(CohortLimit(id=scene.programme.id, limit=2))
        scene.session.commit()
        pledges = [drafted(scene, each) for each in groups]
        headers, programme = scene.officer.headers, scene.programme.id

    def issue(pledge: str) -> Any:
        body = {"expires_on": (today() + timedelta(days=30)).isoformat()}
        sent = headers | {"Idempotency-Key": pledge}
        return committed_app.test_client().post(f"/v1/pledges/{pledge}/offer", json=body, headers=sent)

    answers = all_at_once([partial(issue, pledge) for pledge in pledges])

    assert sorted(each.status_code for each in answers) == [200, 200, 409, 409, 409, 409]
    assert {each.json["code"] for each in answers if each.status_code == 409} == {"cohort-full"}
    taken = committed_app.test_client().get(f"/v1/programmes/{programme}/cohort", headers=headers).json["taken"]
    assert taken == 2
