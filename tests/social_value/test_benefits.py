"""The benefits register over HTTP: baseline and target for good, measurements only added, and who answers for it."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.social_value import benefits
from marketplace.values.clock import today
from tests.pipeline.scene import Scene, a_benefit


def day(days: int) -> str:
    return (today() + timedelta(days=days)).isoformat()


def entered(scene: Scene, **members: Any) -> dict[str, Any]:
    answer = enter(scene, **members)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def enter(scene: Scene, who: str = "nurse", **members: Any) -> TestResponse:
    return scene.send(who, scene.path("/benefits"), a_benefit(**members))


def measure(scene: Scene, benefit: str, on: str, value: str, who: str = "nurse") -> TestResponse:
    body = {"measured_on": on, "value": value, "source": "Trust's waiting list"}
    return scene.send(who, f"/v1/benefits/{benefit}/measurements", body)


def read(scene: Scene, path: str, who: str = "nurse") -> TestResponse:
    return scene.client.get(f"/v1/{path}", headers=scene.people[who].headers)


def change(scene: Scene, benefit: str, **members: Any) -> TestResponse:
    etag = read(scene, f"benefits/{benefit}").headers["ETag"]
    headers = scene.people["nurse"].headers | {"If-Match": etag}
    return scene.client.patch(f"/v1/benefits/{benefit}", json=members, headers=headers)


def check(scene: Scene) -> tuple[bool, dict[str, str]]:
    told = read(scene, f"proposals/{scene.proposal.id}/benefits-check").json
    return told["ready"], {each["code"]: each["outcome"] for each in told["conditions"]}


def broken(answer: TestResponse) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.json
    places = [each["pointer"] for each in answer.json["errors"]]
    return list(zip([each["code"] for each in answer.json["reasons"]], places, strict=True))


def test_a_benefit_is_entered_with_baseline_target_and_owner(scene: Scene) -> None:
    made = entered(scene)

    assert read(scene, f"benefits/{made['id']}").json == made
    assert made["baseline"] == {"value": "18", "on": day(-100), "source": "Trust's waiting list"}
    assert made["owner"] == {"name": "A. Nurse", "role": "Clinical lead"}
    assert (made["latest"], made["progress"], made["next_due_on"], made["overdue"]) == (None, None, day(-10), True)


def test_a_measurement_says_how_far_it_has_come_and_what_is_due_next(scene: Scene) -> None:
    benefit = entered(scene)["id"]

    assert measure(scene, benefit, day(-5), "13.5").status_code == 201

    told = read(scene, f"benefits/{benefit}").json
    assert (told["latest"]["value"], told["progress"]) == ("13.5", "0.4500")
    assert (told["next_due_on"], told["overdue"]) == (day(300), False)


def test_a_later_entry_of_the_same_day_corrects_the_one_before_which_stays(scene: Scene) -> None:
    benefit = entered(scene)["id"]
    for value in ("20", "12"):
        assert measure(scene, benefit, day(-5), value).status_code == 201
    assert measure(scene, benefit, day(-50), "17").status_code == 201

    assert read(scene, f"benefits/{benefit}").json["latest"]["value"] == "12"
    listed = read(scene, f"benefits/{benefit}/measurements").json["data"]
    assert [each["value"] for each in listed] == ["17", "12", "20"]


def test_it_may_get_worse(scene: Scene) -> None:
    benefit = entered(scene)["id"]

    measure(scene, benefit, day(-5), "20")

    assert read(scene, f"benefits/{benefit}").json["progress"] == "-0.2000"


@pytest.mark.parametrize(
    ("members", "rule", "pointer"),
    [
        ({"baseline": {"value": "18", "on": day(1), "source": "S"}, "measurement_days": [day(2)]}, "BASELINE_PAST",
         "#/baseline/on"),
        ({"target": {"value": "18.0", "on": day(600)}}, "TARGET_DIFFERS", "#/target/value"),
        ({"target": {"value": "8", "on": day(-100)}}, "TARGET_LATER", "#/target/on"),
        ({"measurement_days": [day(-100)]}, "MEASUREMENTS_IN_ORDER", "#/measurement_days/0"),
        ({"measurement_days": [day(9), day(9)]}, "MEASUREMENTS_IN_ORDER", "#/measurement_days/1"),
    ],
)  # fmt: skip
def test_a_plan_that_breaks_a_rule_is_told_which(
    scene: Scene, members: dict[str, Any], rule: str, pointer: str
) -> None:
    assert broken(enter(scene, **members)) == [(rule, pointer)]


@pytest.mark.parametrize("on", [1, -100])
def test_a_value_is_measured_after_the_baseline_and_not_in_the_future(scene: Scene, on: int) -> None:
    benefit = entered(scene)["id"]

    assert broken(measure(scene, benefit, day(on), "9")) == [("MEASURED_SINCE", "#/measured_on")]


def test_owner_and_days_change_and_baseline_and_target_do_not(scene: Scene, session: Session) -> None:
    benefit = entered(scene)["id"]

    told = change(scene, benefit, owner={"name": "B. Doctor", "role": "Director"}, measurement_days=[day(30)])

    assert (told.json["owner"]["name"], told.json["next_due_on"]) == ("B. Doctor", day(30))
    assert change(scene, benefit, target={"value": "9", "on": day(600)}).status_code == 422
    assert broken(change(scene, benefit, measurement_days=[day(-200)]))[0][0] == "MEASUREMENTS_IN_ORDER"
    with pytest.raises(IntegrityError, match="keeps the baseline"):
        session.execute(text("UPDATE benefit SET target = 9"))


def test_measurements_are_only_added(scene: Scene, session: Session) -> None:
    measure(scene, entered(scene)["id"], day(-5), "9")

    with pytest.raises(IntegrityError):
        session.execute(text("UPDATE benefit_measurement SET value = 1"))


def test_a_retired_benefit_stays_with_its_reason_and_is_measured_no_more(scene: Scene) -> None:
    benefit = entered(scene)["id"]

    told = scene.retire(benefit)

    assert (told.json["state"], told.json["retirement_reason"]) == ("retired", "The contract changed.")
    assert (told.json["next_due_on"], told.json["overdue"]) == (None, False)
    assert measure(scene, benefit, day(-5), "9").status_code == 409
    assert change(scene, benefit, measurement_days=[day(30)]).status_code == 409
    assert scene.retire(benefit).status_code == 409
    assert [each["id"] for each in read(scene, f"proposals/{scene.proposal.id}/benefits").json["data"]] == [benefit]


def test_the_register_is_ready_with_a_benefit_and_says_when_a_measurement_is_overdue(scene: Scene) -> None:
    assert check(scene) == (False, {"BENEFITS_REGISTER": "unmet", "BENEFITS_MEASURED_ON_TIME": "unknown"})

    benefit = entered(scene)["id"]
    assert check(scene) == (True, {"BENEFITS_REGISTER": "met", "BENEFITS_MEASURED_ON_TIME": "unmet"})

    measure(scene, benefit, day(-1), "17")
    assert check(scene) == (True, {"BENEFITS_REGISTER": "met", "BENEFITS_MEASURED_ON_TIME": "met"})

    scene.retire(benefit)
    assert check(scene)[0] is False


def test_the_check_says_what_the_gate_says(scene: Scene) -> None:
    told = read(scene, f"proposals/{scene.proposal.id}/benefits-check").json

    decision = next(each for each in scene.pipeline()["stages"] if each["stage"] == "decision")
    assert told["asked_by_gate"] is True
    assert told["conditions"][0] in decision["conditions"]
    assert [each["level"] for each in told["conditions"]] == ["hard", "soft"]


@pytest.mark.parametrize(("who", "status"), [("viewer", 200), ("officer", 200), ("adviser", 200), ("stranger", 404)])
def test_the_parties_to_the_work_read_the_register_and_no_others(scene: Scene, who: str, status: int) -> None:
    benefit = entered(scene)["id"]
    paths = [f"proposals/{scene.proposal.id}/benefits", f"proposals/{scene.proposal.id}/benefits-check"]
    paths += [f"benefits/{benefit}", f"benefits/{benefit}/measurements"]

    assert [read(scene, path, who).status_code for path in paths] == [status] * 4


@pytest.mark.parametrize(("who", "status"), [("editor", 201), ("viewer", 403), ("officer", 404), ("stranger", 404)])
def test_the_group_alone_writes_the_register(scene: Scene, who: str, status: int) -> None:
    benefit = entered(scene)["id"]

    assert measure(scene, benefit, day(-5), "9", who).status_code == status
    assert enter(scene, who).status_code == status


def test_the_register_has_room_for_so_many(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benefits, "MOST_BENEFITS", 1)
    monkeypatch.setattr(benefits, "MOST_MEASUREMENTS", 1)
    benefit = entered(scene)["id"]
    assert measure(scene, benefit, day(-5), "9").status_code == 201

    assert measure(scene, benefit, day(-5), "9").status_code == 409
    assert enter(scene).status_code == 409
    scene.retire(benefit)
    assert enter(scene).status_code == 201


def test_a_register_is_read_page_by_page(scene: Scene) -> None:
    ids = [entered(scene)["id"] for _ in range(3)]

    first = read(scene, f"proposals/{scene.proposal.id}/benefits?limit=2").json
    cursor = first["next_cursor"]
    second = read(scene, f"proposals/{scene.proposal.id}/benefits?limit=2&cursor={cursor}").json

    assert [each["id"] for each in first["data"] + second["data"]] == ids
    assert date.fromisoformat(first["data"][0]["next_due_on"])
