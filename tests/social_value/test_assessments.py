"""Assessments over HTTP: versions that never change, forecast against evaluated, and no league table."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.social_value import assessments
from marketplace.social_value.models import SocialValueVersion
from tests.builders import a_member
from tests.pipeline.scene import Scene
from tests.proposals.builders import a_group, a_proposal, share
from tests.social_value.accounts import an_account, an_outcome, expected, pence, pounds

MISSING = "00000000-0000-7000-8000-000000000000"


def opened(scene: Scene, **members: Any) -> str:
    answer = scene.send("nurse", scene.path("/social-value-assessments"), {"title": "What it is worth"} | members)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def added(scene: Scene, assessment: str, kind: str = "forecast", **members: Any) -> dict[str, Any]:
    answer = add(scene, assessment, kind, **members)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def add(scene: Scene, assessment: str, kind: str = "forecast", who: str = "nurse", **members: Any) -> TestResponse:
    body = an_account(**members) | {"kind": kind}
    return scene.send(who, f"/v1/social-value-assessments/{assessment}/versions", body)


def read(scene: Scene, path: str, who: str = "nurse") -> TestResponse:
    return scene.client.get(f"/v1/{path}", headers=scene.people[who].headers)


def compare(scene: Scene, first: str, second: str, who: str = "nurse") -> TestResponse:
    return read(scene, f"social-value-comparisons?first={first}&second={second}", who)


def test_a_version_keeps_its_assumptions_its_rates_and_what_they_came_to(scene: Scene) -> None:
    made = added(scene, opened(scene))

    told = read(scene, f"social-value-versions/{made['id']}").json

    assert told == made
    assert (told["number"], told["kind"], told["account"]["convention"]) == (1, "forecast", "start_of_year")
    assert told["account"]["outcomes"][0]["proxy"]["source"] == "Council's unit costs"
    assert told["account"]["rates"]["standard_bp"] == 350
    assert told["result"]["ratio"] == expected("sroi-employment-public")["ratio"]
    assert told["result"]["sensitivity"]


def test_another_version_leaves_the_one_before_as_it_was(scene: Scene) -> None:
    assessment = opened(scene)
    first = added(scene, assessment)

    second = added(scene, assessment, convention="end_of_year")

    assert (second["number"], second["result"]["ratio"]) == (2, expected("sroi-employment-end-of-year")["ratio"])
    assert read(scene, f"social-value-versions/{first['id']}").json == first
    listed = read(scene, f"social-value-assessments/{assessment}/versions").json["data"]
    assert [each["number"] for each in listed] == [2, 1]


@pytest.mark.parametrize("change", ["UPDATE social_value_version SET number = 7", "DELETE FROM social_value_version"])
def test_the_database_refuses_to_rewrite_a_version(scene: Scene, session: Session, change: str) -> None:
    added(scene, opened(scene))

    with pytest.raises(IntegrityError):
        session.execute(text(change))


def test_a_stored_result_is_what_its_content_comes_to_again(scene: Scene, session: Session) -> None:
    made = added(scene, opened(scene))

    kept = session.get_one(SocialValueVersion, made["id"])

    assert assessments.result_of(kept.content) == kept.result


def test_a_broken_rule_keeps_nothing(scene: Scene) -> None:
    assessment = opened(scene)

    answer = add(scene, assessment, outcomes=[an_outcome(deadweight_bp=10_001)])

    assert answer.status_code == 422
    assert [each["code"] for each in answer.json["reasons"]] == ["SHARE_WITHIN_WHOLE"]
    assert read(scene, f"social-value-assessments/{assessment}/versions").json["data"] == []


def test_forecast_against_evaluated_outcome_by_outcome(scene: Scene) -> None:
    assessment = opened(scene)
    families = {"name": "Calmer homes", "value": pounds("500"), "source": "Survey", "year": 2024}
    forecast = added(scene, assessment)
    measured = [an_outcome(quantity="45", deadweight_bp=5000), an_outcome(beneficiary="Families", proxy=families)]
    evaluated = added(scene, assessment, "evaluated", outcomes=measured)

    told = compare(scene, forecast["id"], evaluated["id"])

    assert told.status_code == 200, told.json
    kept, new = told.json["outcomes"]
    assert (told.json["first"]["kind"], told.json["second"]["kind"]) == ("forecast", "evaluated")
    assert (kept["changed"], kept["first"]["quantity"], kept["second"]["quantity"]) == (
        ["quantity", "deadweight_bp"],
        "60",
        "45",
    )
    assert (new["first"], new["changed"], new["difference"]) == (None, [], new["second"]["present_value"])
    assert told.json["difference"] == pytest.approx(kept["difference"] + new["difference"], abs=1)
    totals = told.json["restated"]["total_present_value"], told.json["second"]["totals"]["total_present_value"]
    assert told.json["difference"] == totals[1] - totals[0]


def test_a_forecast_of_another_convention_is_restated_before_it_is_compared(scene: Scene) -> None:
    assessment = opened(scene)
    forecast, evaluated = added(scene, assessment), added(scene, assessment, "evaluated", convention="end_of_year")

    told = compare(scene, forecast["id"], evaluated["id"]).json

    wanted = expected("sroi-employment-end-of-year")
    assert told["first"]["totals"]["ratio"] == expected("sroi-employment-public")["ratio"]
    assert told["restated"]["ratio"] == wanted["ratio"]
    assert (told["restated"]["total_present_value"], told["difference"]) == (pence(wanted["total_present_value"]), 0)


def test_versions_of_two_assessments_of_one_proposal_are_compared(scene: Scene) -> None:
    first, second = (added(scene, opened(scene))["id"] for _ in range(2))

    assert compare(scene, first, second).status_code == 200


def test_ratios_of_different_proposals_are_not_compared(scene: Scene, session: Session) -> None:
    """There is no league table: both are the caller's own, and they may read each of them."""
    ours = added(scene, opened(scene))["id"]
    other = a_proposal(session, scene.group, scene.people["nurse"])
    path = f"/v1/proposals/{other.id}/social-value-assessments"
    assessment = scene.send("nurse", path, {"title": "Another"}).json["id"]
    theirs = added(scene, assessment)["id"]

    answer = compare(scene, ours, theirs)

    assert answer.status_code == 422
    assert answer.json["type"].endswith("ratios-are-not-comparable")
    assert [each["code"] for each in answer.json["reasons"]] == ["SAME_PROPOSAL"]
    assert answer.json["errors"][0]["parameter"] == "second"


def test_a_version_is_not_compared_with_itself(scene: Scene) -> None:
    ours = added(scene, opened(scene))["id"]

    assert compare(scene, ours, ours).status_code == 422


@pytest.mark.parametrize("query", ["sort=ratio", "order=ratio"])
def test_no_list_can_be_ordered_by_ratio(scene: Scene, query: str) -> None:
    answer = read(scene, f"proposals/{scene.proposal.id}/social-value-assessments?{query}")

    assert answer.status_code == 422


@pytest.mark.parametrize("who", ["officer", "director", "adviser", "stranger"])
def test_an_assessment_is_confidential_until_the_group_shares_it(scene: Scene, who: str) -> None:
    assessment = opened(scene)
    version = added(scene, assessment)["id"]
    paths = [
        f"social-value-assessments/{assessment}",
        f"social-value-assessments/{assessment}/versions",
        f"social-value-versions/{version}",
        f"social-value-comparisons?first={version}&second={version}",
    ]

    absent = read(scene, f"social-value-assessments/{MISSING}", who).json

    for path in paths:
        answer = read(scene, path, who)
        assert (answer.status_code, answer.json["detail"]) == (404, absent["detail"])


def test_a_shared_assessment_is_seen_with_the_proposal_and_by_no_others(scene: Scene) -> None:
    assessment, hidden = opened(scene), opened(scene)
    version = added(scene, assessment)["id"]
    share_it(scene, assessment, confidential=False)

    for who in ("adviser", "officer"):
        listed = read(scene, f"proposals/{scene.proposal.id}/social-value-assessments", who)
        assert [each["id"] for each in listed.json["data"]] == [assessment]
        assert read(scene, f"social-value-versions/{version}", who).status_code == 200
        assert read(scene, f"social-value-assessments/{hidden}", who).status_code == 404
    assert read(scene, f"proposals/{scene.proposal.id}/social-value-assessments", "stranger").status_code == 404
    assert read(scene, f"social-value-versions/{version}", "stranger").status_code == 404

    share_it(scene, assessment, confidential=True)
    assert read(scene, f"social-value-versions/{version}", "adviser").status_code == 404


def test_who_is_kept_out_of_the_proposal_sees_no_shared_assessment(scene: Scene, session: Session) -> None:
    assessment = opened(scene, confidential=False)
    assert read(scene, f"social-value-assessments/{assessment}", "adviser").status_code == 200

    adviser = scene.people["adviser"].actor(session)
    (organisation,) = adviser.organisation_ids
    share(session, scene.proposal.id, scene.people["nurse"], visibility="public", excluded=[organisation])
    with_public = read(scene, f"social-value-assessments/{assessment}", "stranger").status_code
    share(session, scene.proposal.id, scene.people["nurse"], visibility="verified_funders", excluded=[organisation])

    assert with_public == 200
    assert read(scene, f"social-value-assessments/{assessment}", "adviser").status_code == 404
    assert read(scene, f"social-value-assessments/{assessment}", "stranger").status_code == 404


def share_it(scene: Scene, assessment: str, *, confidential: bool) -> None:
    path = f"/v1/social-value-assessments/{assessment}"
    etag = scene.client.get(path, headers=scene.people["nurse"].headers).headers["ETag"]
    headers = scene.people["nurse"].headers | {"If-Match": etag}
    answer = scene.client.put(f"{path}/sharing", json={"confidential": confidential}, headers=headers)
    assert answer.status_code == 200, answer.json
    stale = scene.client.put(f"{path}/sharing", json={"confidential": confidential}, headers=headers)
    assert stale.status_code == 412


def test_a_viewer_reads_and_adds_nothing(scene: Scene) -> None:
    assessment = opened(scene)

    assert read(scene, f"social-value-assessments/{assessment}", "viewer").status_code == 200
    assert add(scene, assessment, who="viewer").status_code == 403
    assert scene.send("viewer", scene.path("/social-value-assessments"), {"title": "Mine"}).status_code == 403


def test_who_sees_a_shared_assessment_still_may_not_add_to_it(scene: Scene) -> None:
    assessment = opened(scene, confidential=False)

    assert add(scene, assessment, who="adviser").status_code == 404


def test_a_proposal_has_room_for_so_many_assessments(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assessments, "MOST_ASSESSMENTS", 1)
    monkeypatch.setattr(assessments, "MOST_VERSIONS", 1)
    assessment = opened(scene)
    added(scene, assessment)

    assert add(scene, assessment).status_code == 409
    assert scene.send("nurse", scene.path("/social-value-assessments"), {"title": "More"}).status_code == 409


def test_nobody_else_learns_that_an_assessment_was_made(scene: Scene, session: Session) -> None:
    added(scene, opened(scene))

    told = session.execute(
        text("SELECT type, scope, organisation_ids FROM event WHERE type LIKE 'social_value%' ORDER BY seq")
    ).all()

    assert [each.type for each in told] == ["social_value_assessment.opened", "social_value_version.added"]
    assert {(each.scope, tuple(each.organisation_ids)) for each in told} == {("organisations", (scene.group.id,))}


def test_a_withdrawn_proposal_is_assessed_no_more(scene: Scene) -> None:
    assessment = opened(scene)
    assert scene.send("nurse", scene.path("/withdrawal")).status_code == 200

    assert add(scene, assessment).status_code == 409


def test_a_draft_of_another_group_has_no_assessments_to_see(scene: Scene, session: Session) -> None:
    group, nurse = a_group(session)
    draft = a_proposal(session, group, nurse, published=False)
    other = a_member(session, scene.group)

    answer = scene.client.get(f"/v1/proposals/{draft.id}/social-value-assessments", headers=other.headers)

    assert answer.status_code == 404
