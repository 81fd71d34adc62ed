"""Requests that the tests of procurement make again and again."""

from datetime import date
from typing import Any

from werkzeug.test import TestResponse

from marketplace.values.clock import today
from tests.pipeline.scene import Scene

CLOUD = {"amount": 1_200_000_00, "currency": "GBP"}


def an_opinion(**members: Any) -> dict[str, Any]:
    """What counsel wrote for the group."""
    return {
        "route": "reserved_s33",
        "author_name": "Ruth Pleader",
        "author_organisation": "Chambers of the North",
        "client": "group",
        "challenge_risk": 2,
        "risk_appetite": "cautious",
        "given_on": today().isoformat(),
        "summary": "A reserved contract is open to the group.",
        **members,
    }


def opine(scene: Scene, who: str = "nurse", **members: Any) -> TestResponse:
    return scene.send(who, scene.path("/procurement-opinions"), an_opinion(**members))


def opined(scene: Scene, **members: Any) -> str:
    answer = opine(scene, **members)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def a_bid(**members: Any) -> dict[str, Any]:
    return {
        "title": "Speech therapy for Leeds",
        "authority_name": "Leeds commissioners",
        "route": "reserved_s33",
        "occasion": "first_contract",
        "incumbent": True,
        "submitted_on": "2026-01-10",
        "contract_value": CLOUD,
        "term_months": 36,
        **members,
    }


def bid(scene: Scene, who: str = "nurse", **members: Any) -> TestResponse:
    return scene.send(who, scene.path("/bids"), a_bid(**members))


def bidden(scene: Scene, **members: Any) -> str:
    answer = bid(scene, **members)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def change(scene: Scene, path: str, body: Any, who: str = "nurse", etag: str | None = None) -> TestResponse:
    """PUT with the ETag that the thing has now."""
    headers = scene.people[who].headers
    at = path.removesuffix("/outcome").removesuffix("/sureties").removesuffix("/readers")
    etag = etag or scene.client.get(at, headers=headers).headers.get("ETag", '"none"')
    return scene.client.put(path, json=body, headers=headers | {"If-Match": etag})


def won(scene: Scene, bid_id: str, ends_on: date, **members: Any) -> TestResponse:
    body = {"outcome": "won", "decided_on": "2026-02-01", "starts_on": "2026-03-01", "ends_on": ends_on.isoformat()}
    return change(scene, f"/v1/bids/{bid_id}/outcome", body | members)


def lost(scene: Scene, bid_id: str, *grounds: str, **members: Any) -> TestResponse:
    body = {"outcome": "lost", "decided_on": "2026-02-01", "lost_on": list(grounds)}
    return change(scene, f"/v1/bids/{bid_id}/outcome", body | members)


def entry(scene: Scene, who: str = "nurse", **members: Any) -> TestResponse:
    body = {
        "kind": "information_day",
        "happened_on": "2026-03-02",
        "organisation_name": "Harbour Care",
        "words": "All providers on the list were invited.",
    }
    return scene.send(who, scene.path("/fair-competition-entries"), body | members)


def entered(scene: Scene, who: str = "nurse", **members: Any) -> str:
    answer = entry(scene, who, **members)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def pointers(answer: TestResponse) -> list[str]:
    return [each["pointer"] for each in answer.json["errors"]]


def codes(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]
