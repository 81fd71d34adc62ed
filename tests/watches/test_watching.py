"""Watching: what begins to fit and what ceases to is recorded once, with its cause, for its own organisation alone."""

from typing import Any

import pytest
from sqlalchemy import select

from marketplace.identity.verification import set_verification, vouch
from marketplace.store.journal import AuditEntry, Event
from marketplace.watches import answers
from marketplace.watches.recompute import recompute
from marketplace.watches.rules import Standing
from tests.builders import a_member, a_person, an_organisation
from tests.watches.scene import FEW, LARGE, Scene, changes, found, work


def test_the_watching_begins_without_a_word(scene: Scene) -> None:
    watch = scene.watch("group")

    assert found(scene.session, watch) == {scene.programme.id: "eligible"}
    assert changes(scene.session, watch) == []
    assert scene.watched(watch).watching_since is not None
    assert scene.letters_to(scene.nurse) == []


def test_a_group_hears_that_it_ceased_to_be_eligible_and_by_which_criterion(scene: Scene) -> None:
    watch = scene.watch("group")

    scene.publish_criteria(FEW)
    work(scene.session)

    assert changes(scene.session, watch) == [(scene.programme.id, "eligible", "ineligible", "programme_published")]
    told = scene.get(f"/watches/{watch}/changes", scene.nurse).json["data"][0]
    assert told["turn"] == "ceased_to_be_eligible"
    assert told["because"]["criteria"] == [{"code": "STAFF_MAX", "was": None, "became": "unmet"}]
    assert found(scene.session, watch) == {}


def test_a_group_hears_that_it_became_eligible_and_by_which_criterion(scene: Scene) -> None:
    scene.publish_criteria(FEW)
    watch = scene.watch("group")

    scene.publish_criteria(LARGE)
    work(scene.session)

    told = scene.get(f"/watches/{watch}/changes", scene.nurse).json["data"]
    assert [(each["turn"], each["because"]) for each in told] == [
        (
            "became_eligible",
            {"cause": "programme_published", "criteria": [{"code": "STAFF_MAX", "was": "unmet", "became": None}]},
        )
    ]


def test_a_group_s_new_version_is_a_cause_of_its_own(scene: Scene) -> None:
    watch = scene.watch("group")

    scene.answer({})
    work(scene.session)

    assert changes(scene.session, watch) == [
        (scene.programme.id, "eligible", "needs_information", "proposal_published")
    ]


def test_a_funder_hears_of_a_proposal_over_what_is_shared(scene: Scene) -> None:
    watch = scene.watch("funder")
    assert found(scene.session, watch) == {scene.proposal.id: "eligible"}

    scene.share(visibility="verified_funders", facts={"staff_count": "confidential"})
    work(scene.session)

    assert changes(scene.session, watch) == [(scene.proposal.id, "eligible", "needs_information", "proposal_changed")]


def test_what_may_not_be_seen_any_more_is_listed_no_longer_and_nothing_else_is_said(scene: Scene) -> None:
    watch = scene.watch("funder")

    scene.share(visibility="private")
    work(scene.session)

    assert changes(scene.session, watch) == [(scene.proposal.id, "eligible", None, "not_listed")]
    told = scene.get(f"/watches/{watch}/changes", scene.officer).json["data"][0]
    assert told["subject"] == {"id": str(scene.proposal.id), "available": False}
    assert told["turn"] == "listed_no_longer"
    assert "because" not in told
    assert scene.get(f"/watches/{watch}/matches", scene.officer).json["data"] == []


def test_a_suspended_funder_s_programmes_are_listed_no_longer_and_come_back(scene: Scene) -> None:
    watch = scene.watch("group")
    operator = a_person(scene.session, operator=True).actor(scene.session)

    set_verification(scene.session, operator, scene.funder.id, "suspended", "Seen.")
    scene.session.commit()
    work(scene.session)
    assert found(scene.session, watch) == {}
    assert [each[1:] for each in changes(scene.session, watch)] == [("eligible", None, "not_listed")]

    set_verification(scene.session, operator, scene.funder.id, "unverified", "Seen again.")
    vouching = a_member(scene.session, an_organisation(scene.session, kind="public_body"))
    vouch(scene.session, vouching.actor(scene.session), scene.funder.id, "We know it.", None)
    scene.session.commit()
    work(scene.session)
    assert found(scene.session, watch) == {scene.programme.id: "eligible"}


def test_a_funder_that_is_not_verified_now_keeps_its_watch_and_hears_nothing(scene: Scene) -> None:
    """Neither that everything is listed no longer, nor, later, that everything is listed again."""
    watch = scene.watch("funder")
    operator = a_person(scene.session, operator=True).actor(scene.session)

    set_verification(scene.session, operator, scene.funder.id, "suspended", "Seen.")
    scene.session.commit()
    work(scene.session)
    assert scene.get(f"/watches/{watch}/matches", scene.officer).status_code == 403
    assert scene.get(f"/watches/{watch}", scene.officer).json["new_matches"] == 0
    set_verification(scene.session, operator, scene.funder.id, "unverified", "Seen again.")
    vouching = a_member(scene.session, an_organisation(scene.session, kind="public_body"))
    vouch(scene.session, vouching.actor(scene.session), scene.funder.id, "We know it.", None)
    scene.session.commit()
    work(scene.session)

    assert changes(scene.session, watch) == []
    assert found(scene.session, watch) == {scene.proposal.id: "eligible"}


def test_an_answer_that_the_evaluator_does_not_give_is_not_recorded(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.publish_criteria(FEW)
    watch = scene.watch("group")
    wrong = answers.Found({scene.programme.id: Standing("eligible", "open")}, {scene.programme.id: "open"})
    monkeypatch.setattr(answers, "found", lambda *_: wrong)

    assert recompute(scene.session, watch, "programme_changed") == []
    assert found(scene.session, watch) == {}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("times", [1, 2])
def test_jobs_that_are_repeated_or_out_of_order_come_to_the_same(scene: Scene, backwards: bool, times: int) -> None:
    group, funder = scene.watch("group"), scene.watch("funder")

    scene.publish_criteria(FEW)
    scene.publish_criteria(LARGE)
    scene.answer({})
    scene.share(visibility="public")
    work(scene.session, backwards=backwards, times=times)

    assert found(scene.session, group) == {scene.programme.id: "needs_information"}
    assert found(scene.session, funder) == {scene.proposal.id: "needs_information"}
    for watch in (group, funder):
        assert [each[1:3] for each in changes(scene.session, watch)] == [("eligible", "needs_information")]


def test_a_withdrawn_proposal_ends_its_watch_visibly(scene: Scene) -> None:
    watch = scene.watch("group")

    answer = scene.post(f"/proposals/{scene.proposal.id}/withdrawal", scene.nurse)
    assert answer.status_code == 200
    work(scene.session)

    shown = scene.get(f"/watches/{watch}", scene.nurse).json
    assert (shown["ended_because"], shown["ended_at"] is None) == ("proposal_withdrawn", False)
    assert len(scene.letters_to(scene.nurse)) == 1
    assert found(scene.session, watch) == {}


def test_a_closed_programme_ends_its_watch_and_is_told_to_those_who_watch_it(scene: Scene) -> None:
    group, funder = scene.watch("group"), scene.watch("funder")

    assert scene.post(f"/programmes/{scene.programme.id}/closure", scene.officer).status_code == 200
    work(scene.session)

    assert scene.watched(funder).ended_because == "programme_closed"
    told: list[dict[str, Any]] = scene.get(f"/watches/{group}/changes", scene.nurse).json["data"]
    assert [(each["turn"], each["window_became"], each["because"]["cause"]) for each in told] == [
        ("window_changed", "after", "programme_closed")
    ]


def test_an_ended_watch_takes_a_new_name_and_no_new_query(scene: Scene) -> None:
    watch = scene.watch("funder")
    scene.post(f"/programmes/{scene.programme.id}/closure", scene.officer)
    work(scene.session)
    headers = scene.officer.headers | {"If-Match": "*"}

    renamed = scene.client.patch(f"/v1/watches/{watch}", json={"name": "Owls"}, headers=headers)
    asked = scene.client.patch(f"/v1/watches/{watch}", json={"query": {}}, headers=headers)

    assert (renamed.status_code, renamed.json["name"]) == (200, "Owls")
    assert (asked.status_code, asked.json["code"]) == (409, "watch-ended")


def test_a_paused_watch_tells_what_changed_meanwhile_once_it_is_resumed(scene: Scene) -> None:
    watch = scene.watch("group")
    headers = scene.nurse.headers | {"If-Match": "*"}
    assert scene.client.patch(f"/v1/watches/{watch}", json={"paused": True}, headers=headers).status_code == 200
    scene.publish_criteria(FEW)
    work(scene.session)
    assert changes(scene.session, watch) == []

    assert scene.client.patch(f"/v1/watches/{watch}", json={"paused": False}, headers=headers).status_code == 200
    work(scene.session)

    assert changes(scene.session, watch) == [(scene.programme.id, "eligible", "ineligible", "watch_resumed")]


def test_another_query_begins_the_watching_anew(scene: Scene) -> None:
    watch = scene.watch("group")
    headers = scene.nurse.headers | {"If-Match": "*"}

    asked = {"query": {"window": "before"}}
    assert scene.client.patch(f"/v1/watches/{watch}", json=asked, headers=headers).status_code == 200
    assert scene.get(f"/watches/{watch}", scene.nurse).json["watching_since"] is None
    work(scene.session)

    assert found(scene.session, watch) == {}
    assert changes(scene.session, watch) == []


def test_a_watch_is_told_to_its_own_organisation_s_feed_and_to_no_other(scene: Scene) -> None:
    watch = scene.watch("funder")
    scene.share(visibility="verified_funders", facts={"staff_count": "confidential"})
    work(scene.session)
    scene.session.commit()

    events = list(scene.session.scalars(select(Event).where(Event.subject_id == watch).order_by(Event.seq)))
    audited = set(scene.session.scalars(select(AuditEntry.organisation_id).where(AuditEntry.subject_id == watch)))

    assert [each.type for each in events] == ["watch.made", "watch.matched"]
    assert {tuple(each.organisation_ids) for each in events} == {(scene.funder.id,)}
    assert {each.scope for each in events} == {"organisations"}
    assert audited == {scene.funder.id}
