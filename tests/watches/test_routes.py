"""Watches over HTTP: what is refused and why, who sees them, pages, visits, saved searches and the cap."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from marketplace.store.base import new_id
from marketplace.values.clock import now, today
from marketplace.watches.jobs import turn_the_day
from marketplace.watches.models import Watch
from marketplace.watches.recompute import recompute
from marketplace.watches.rules import MOST_WATCHES
from tests.builders import a_member, a_person, an_organisation
from tests.matching.builders import a_criterion, a_programme
from tests.watches.scene import FEW, LARGE, SMALL, Scene, changes, found, work

A_SEARCH = {"kind": "search", "proposal_id": None}


def path_of(scene: Scene, owner: str) -> str:
    return f"/organisations/{(scene.group if owner == 'group' else scene.funder).id}/watches"


def a_draft(scene: Scene, owner: str, **members: Any) -> dict[str, Any]:
    if owner == "group":
        plain = {"kind": "programmes", "proposal_id": str(scene.proposal.id)}
    else:
        plain = {"kind": "proposals", "programme_id": str(scene.programme.id)}
    return {"name": "Kestrels", **plain, **members}


def test_a_watch_is_made_read_changed_and_deleted(scene: Scene) -> None:
    made = scene.post(path_of(scene, "group"), scene.nurse, a_draft(scene, "group", delivery="weekly"))
    assert made.status_code == 201
    where = made.headers["Location"].removeprefix("/v1")
    assert made.json | {"id": "", "created_at": ""} == {
        "id": "",
        "organisation_id": str(scene.group.id),
        "kind": "programmes",
        "proposal_id": str(scene.proposal.id),
        "programme_id": None,
        "listing": None,
        "query": {},
        "name": "Kestrels",
        "delivery": "weekly",
        "paused": False,
        "watching_since": None,
        "ended_at": None,
        "ended_because": None,
        "latest_change": 0,
        "letters_to_me": True,
        "new_matches": 0,
        "created_at": "",
    }
    etag = scene.get(where, scene.nurse).headers["ETag"]
    assert scene.client.patch(f"/v1{where}", json={"name": "Owls"}, headers=scene.nurse.headers).status_code == 428
    headers = scene.nurse.headers | {"If-Match": etag}
    assert scene.client.patch(f"/v1{where}", json={"name": "Owls"}, headers=headers).json["name"] == "Owls"
    assert scene.client.patch(f"/v1{where}", json={"name": "Larks"}, headers=headers).status_code == 412
    stale = scene.nurse.headers | {"If-Match": etag}
    assert scene.client.delete(f"/v1{where}", headers=stale).status_code == 412
    present = scene.nurse.headers | {"If-Match": scene.get(where, scene.nurse).headers["ETag"]}
    assert scene.client.delete(f"/v1{where}", headers=present).status_code == 204
    assert scene.get(where, scene.nurse).status_code == 404
    work(scene.session)


@pytest.mark.parametrize(
    ("owner", "members", "pointer"),
    [
        ("group", {"proposal_id": None}, "#/proposal_id"),
        ("group", {"listing": "programmes"}, "#/listing"),
        ("group", {"query": {"window": "ajar"}}, "#/query/window"),
        ("group", {"query": {"stage": "feasibility"}}, "#/query/stage"),
        ("funder", {"query": {"instrument": "grant"}}, "#/query/instrument"),
        ("funder", {"kind": "search"}, "#/programme_id"),
        ("group", A_SEARCH | {"listing": "proposals", "query": {"stage": "x"}}, "#/query/stage"),
        ("group", A_SEARCH | {"listing": "programmes", "query": {"limit": "1"}}, "#/query/limit"),
    ],
)
def test_a_draft_that_does_not_say_what_it_watches_is_refused_with_the_place(
    scene: Scene, owner: str, members: dict[str, Any], pointer: str
) -> None:
    draft = {name: value for name, value in a_draft(scene, owner, **members).items() if value is not None}
    answer = scene.post(path_of(scene, owner), scene.nurse if owner == "group" else scene.officer, draft)

    assert answer.status_code == 422
    assert pointer in [each["pointer"] for each in answer.json["errors"]]


def test_what_is_not_one_s_own_cannot_be_watched_for(scene: Scene) -> None:
    elsewhere = an_organisation(scene.session, kind="funder")
    other = a_member(scene.session, elsewhere)
    theirs = a_draft(scene, "funder")
    absent = {**theirs, "programme_id": "019a0000-0000-7000-8000-000000000000"}

    path = f"/organisations/{elsewhere.id}/watches"
    answers = [scene.post(path, other, draft) for draft in (theirs, absent)]

    assert [each.status_code for each in answers] == [404, 404]
    assert answers[0].json["detail"] == answers[1].json["detail"]


def test_nothing_is_watched_for_before_it_is_published_or_after_it_is_over(scene: Scene) -> None:
    draft = a_programme(scene.session, scene.funder, scene.officer.id, published=False)
    over = a_programme(scene.session, scene.funder, scene.officer.id, ended_at=now())

    told = [
        scene.post(path_of(scene, "funder"), scene.officer, a_draft(scene, "funder", programme_id=str(each.id)))
        for each in (draft, over)
    ]

    assert [(each.status_code, each.json["code"]) for each in told] == [(422, "nothing-to-match"), (409, "watch-ended")]


def test_only_members_of_its_organisation_find_a_watch(scene: Scene) -> None:
    watch = scene.watch("funder")
    viewer = a_member(scene.session, scene.funder, "viewer")
    paths = [f"/watches/{watch}", f"/watches/{watch}/matches", f"/watches/{watch}/changes", path_of(scene, "funder")]

    for path in paths:
        assert scene.get(path, viewer).status_code == 200
        assert scene.get(path, scene.nurse).status_code == 404
        assert scene.get(path, a_person(scene.session, operator=True)).status_code == 404
    headers = viewer.headers | {"If-Match": "*"}
    assert scene.client.patch(f"/v1/watches/{watch}", json={"name": "Owls"}, headers=headers).status_code == 403
    assert scene.client.delete(f"/v1/watches/{watch}", headers=headers).status_code == 403
    assert scene.post(path_of(scene, "funder"), viewer, a_draft(scene, "funder")).status_code == 403


def test_what_came_since_the_last_visit_is_new_to_each_person_alone(scene: Scene) -> None:
    colleague = a_member(scene.session, scene.group, "viewer")
    watch = scene.watch("group")

    def new_to(person: Any) -> tuple[int, list[bool]]:
        told = scene.get(f"/watches/{watch}/matches", person).json["data"]
        return scene.get(f"/watches/{watch}", person).json["new_matches"], [each["new"] for each in told]

    assert new_to(scene.nurse) == (0, [False])
    scene.publish_criteria(FEW)
    work(scene.session)
    scene.publish_criteria(LARGE)
    work(scene.session)
    assert new_to(scene.nurse) == new_to(colleague) == (1, [True])

    assert scene.post(f"/watches/{watch}/visits", scene.nurse, {}).json["new_matches"] == 0
    assert new_to(scene.nurse) == (0, [False])
    assert new_to(colleague) == (1, [True])
    assert scene.post(f"/watches/{watch}/visits", scene.nurse, {"latest_change": 0}).json["new_matches"] == 0


def test_what_is_recorded_while_one_reads_stays_new(scene: Scene) -> None:
    watch = scene.watch("group")
    read = scene.get(f"/watches/{watch}", scene.nurse).json["latest_change"]
    scene.publish_criteria(FEW)
    work(scene.session)
    scene.publish_criteria(LARGE)
    work(scene.session)

    answer = scene.post(f"/watches/{watch}/visits", scene.nurse, {"latest_change": read})

    assert answer.json["new_matches"] == 1


def test_matches_and_changes_are_paged_without_a_gap(scene: Scene) -> None:
    watch = scene.watch("group")
    for number in range(4):
        made = a_programme(scene.session, scene.funder, scene.officer.id, SMALL, title=f"Fund {number}")
        recompute(scene.session, watch, "programme_published", only={made.id})
    scene.session.commit()

    for path, key in ((f"/watches/{watch}/matches", "subject"), (f"/watches/{watch}/changes", "number")):
        pages, query = [], {"limit": 2}
        while True:
            page = scene.get(path, scene.nurse, **query).json
            pages.append([str(each[key]) for each in page["data"]])
            if not page["has_more"]:
                break
            query = {"limit": 2, "cursor": page["next_cursor"]}
        whole = [str(each[key]) for each in scene.get(path, scene.nurse, limit=100).json["data"]]
        assert [each for page in pages for each in page] == whole
        assert len(set(whole)) == len(whole) >= 4
    since = (now() + timedelta(minutes=1)).isoformat()
    assert scene.get(f"/watches/{watch}/changes", scene.nurse, since=since).json["data"] == []


def test_a_saved_search_hears_of_what_its_list_holds(scene: Scene) -> None:
    query = {"instrument": "equity"}
    watch = scene.watch("group", kind="search", listing="programmes", query=query, proposal_id=None)
    scene.session.commit()
    assert set(found(scene.session, watch)) == {scene.programme.id}

    headers = scene.officer.headers | {"If-Match": "*"}
    path = f"/v1/programmes/{scene.programme.id}"
    assert scene.client.patch(path, json={"instruments": ["grant"]}, headers=headers).status_code == 200
    scene.post(f"/programmes/{scene.programme.id}/criteria-versions", scene.officer)
    work(scene.session)

    assert changes(scene.session, watch) == [(scene.programme.id, "listed", None, "not_listed")]


def test_a_search_over_proposals_is_the_organisation_s_own_sight(scene: Scene) -> None:
    query = {"sector": "community_health"}
    watch = scene.watch("funder", kind="search", listing="proposals", query=query)
    assert found(scene.session, watch) == {scene.proposal.id: "listed"}

    scene.share(visibility="named")
    work(scene.session)
    assert found(scene.session, watch) == {}

    scene.share(visibility="named", named=[scene.funder.id])
    work(scene.session)
    assert [each[1:] for each in changes(scene.session, watch)] == [
        ("listed", None, "not_listed"),
        (None, "listed", "proposal_changed"),
    ]


def test_a_search_may_not_ask_for_another_organisation_s_drafts(scene: Scene) -> None:
    draft = {
        "kind": "search",
        "name": "Theirs",
        "listing": "proposals",
        "query": {"organisation_id": str(scene.group.id)},
    }

    assert scene.post(path_of(scene, "funder"), scene.officer, draft).status_code == 404


def test_an_organisation_has_a_hundred_watches_and_no_more(scene: Scene) -> None:
    values = {
        "organisation_id": scene.group.id,
        "made_by": scene.nurse.id,
        "kind": "programmes",
        "proposal_id": scene.proposal.id,
        "name": "One of many",
        "delivery": "none",
    }
    scene.session.execute(insert(Watch), [values | {"id": new_id()} for _ in range(MOST_WATCHES - 1)])
    scene.session.commit()

    told = [scene.post(path_of(scene, "group"), scene.nurse, a_draft(scene, "group")) for _ in range(2)]

    assert [each.status_code for each in told] == [201, 409]
    assert told[1].json["code"] == "too-many-watches"


def test_a_window_that_opens_is_heard_of_by_those_who_wait_for_open_ones(scene: Scene) -> None:
    tomorrow = today() + timedelta(days=1)
    soon = a_programme(scene.session, scene.funder, scene.officer.id, SMALL, opens_on=tomorrow, closes_on=tomorrow)
    every, waiting = scene.watch("group"), scene.watch("group", query={"window": "open"})
    assert soon.id in found(scene.session, every)
    assert soon.id not in found(scene.session, waiting)

    for day in (tomorrow, tomorrow, tomorrow + timedelta(days=1)):
        for watch in (every, waiting):
            recompute(scene.session, watch, "time_passed", day=day)
    scene.session.commit()

    assert changes(scene.session, every) == [
        (soon.id, "eligible", "eligible", "window_opened"),
        (soon.id, "eligible", "eligible", "window_closed"),
    ]
    assert changes(scene.session, waiting) == [
        (soon.id, None, "eligible", "window_opened"),
        (soon.id, "eligible", None, "window_closed"),
    ]
    told = scene.get(f"/watches/{every}/changes", scene.nurse).json["data"]
    assert [(each["turn"], each["window_was"], each["window_became"]) for each in told] == [
        ("window_changed", "open", "after"),
        ("window_changed", "before", "open"),
    ]


def test_the_turn_of_the_day_looks_at_everything_once_a_day(scene: Scene) -> None:
    watch = scene.watch("group")
    late = scene.watch("funder")
    scene.session.execute(update(Watch).where(Watch.id == late).values(computed_on=today() - timedelta(days=1)))
    scene.session.commit()
    missed = a_programme(scene.session, scene.funder, scene.officer.id, a_criterion("STAFF", "staff_count", "gte", 1))
    scene.session.execute(update(Watch).where(Watch.id == watch).values(computed_on=None))
    scene.session.commit()

    turn_the_day(timestamp=0)
    work(scene.session, times=2)

    assert changes(scene.session, watch) == [(missed.id, None, "eligible", "time_passed")]
    assert scene.watched(late).computed_on == today()
    turn_the_day(timestamp=0)
    assert work(scene.session) == 0
