"""The benefits register at the gate into `set_up`: what it asks, of whom, and that no change slips past a move."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.pipeline import gathering
from marketplace.reference import pipelines
from marketplace.social_value import benefits
from marketplace.store.base import db, new_id
from tests.builders import Person, a_member
from tests.identity.canary import NAME, PASSWORD, become
from tests.pipeline.scene import DECIDED, SET_UP, Scene, a_benefit, a_scene

pytestmark = pytest.mark.slow


def ready(session: Session, client: FlaskClient) -> Scene:
    """A proposal at its decision, of which the gate asks nothing more but the register."""
    scene = a_scene(session, client, "decision")
    scene.decided()
    return scene


@contextmanager
def only_version(number: int) -> Iterator[None]:
    """As it was when that version of the template was the latest."""
    template = pipelines.TEMPLATES[pipelines.DEFAULT]
    older = pipelines.Template(template.slug, template.label, template.definition, template.versions[:number])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pipelines, "TEMPLATES", {template.slug: older})
        yield


def register_of(scene: Scene) -> dict[str, Any]:
    """The register's condition as the pipeline tells it."""
    decision = next(each for each in scene.pipeline()["stages"] if each["stage"] == "decision")
    return next(dict(each) for each in decision["conditions"] if each["code"] == "BENEFITS_REGISTER")


def test_nobody_sets_up_without_a_benefit_and_the_refusal_says_how_many_stand(
    client: FlaskClient, session: Session
) -> None:
    scene = ready(session, client)

    refused = scene.move("set_up")

    assert (refused.status_code, refused.json["code"]) == (409, "stage-move-refused")
    assert refused.json["reasons"] == [register_of(scene)]
    told = refused.json["reasons"][0]
    assert (told["code"], told["outcome"], told["op"]) == ("BENEFITS_REGISTER", "unmet", "gte")
    assert told["wanted"] == {"least": 1, "with": ["baseline", "owner"]}
    assert told["found"] == {"standing": 0, "without_owner": 0}
    assert scene.pipeline()["stage"] == "decision"


def test_a_benefit_opens_the_gate_and_its_retirement_shuts_it(client: FlaskClient, session: Session) -> None:
    scene = ready(session, client)
    benefit = scene.benefit()
    assert register_of(scene)["outcome"] == "met"

    assert scene.retire(benefit).status_code == 200
    assert scene.move("set_up").json["reasons"][0]["found"] == {"standing": 0, "without_owner": 0}

    scene.benefit()
    move = scene.moved("set_up")
    kept = next(each for each in move["conditions"] if each["code"] == "BENEFITS_REGISTER")
    assert (kept["outcome"], kept["found"]) == ("met", {"standing": 1, "without_owner": 0})


def test_a_benefit_of_which_nobody_is_the_owner_any_more_does_not_count(client: FlaskClient, session: Session) -> None:
    scene = ready(session, client)
    lead = a_member(session, scene.group, "editor")
    become(session, lead)
    scene.people["lead"] = lead
    owned = a_benefit(owner={"name": f"Dr {NAME}", "role": "Clinical lead"})
    benefit = scene.send("lead", scene.path("/benefits"), owned).json["id"]

    erased = scene.send("lead", "/v1/me/erasure", {"password": PASSWORD}, **{"Idempotency-Key": new_id().hex})

    assert erased.status_code == 204, erased.json
    assert scene.move("set_up").json["reasons"][0]["found"] == {"standing": 1, "without_owner": 1}
    read = scene.client.get(f"/v1/benefits/{benefit}", headers=scene.people["nurse"].headers)
    headers = scene.people["nurse"].headers | {"If-Match": read.headers["ETag"]}
    named = {"owner": {"name": "B. Nurse", "role": "Clinical lead"}}
    assert client.patch(f"/v1/benefits/{benefit}", json=named, headers=headers).status_code == 200
    scene.moved("set_up")


def test_another_proposal_s_benefits_open_no_gate(client: FlaskClient, session: Session) -> None:
    a_scene(session, client, "decision").benefit()
    scene = ready(session, client)

    assert scene.move("set_up").json["reasons"][0]["code"] == "BENEFITS_REGISTER"


def test_a_proposal_on_the_first_version_moves_without_a_register(client: FlaskClient, session: Session) -> None:
    with only_version(1):
        scene = a_scene(session, client, "decision")
    scene.decided()

    checked = scene.read("/benefits-check").json
    assert (checked["asked_by_gate"], checked["ready"]) == (False, False)
    assert "BENEFITS_REGISTER" not in scene.conditions("decision")
    scene.moved("set_up")
    assert scene.pipeline()["template_version"] == 1


def test_without_a_register_to_ask_the_gate_stays_shut(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = ready(session, client)
    scene.benefit()
    monkeypatch.setattr(gathering, "BENEFITS_REGISTER", gathering._nothing_registered)

    assert scene.move("set_up").json["reasons"][0]["code"] == "BENEFITS_REGISTER"


def basis_of(scene: Scene, stage: str) -> str:
    return str(next(each["basis"] for each in scene.pipeline()["stages"] if each["stage"] == stage))


def test_a_declared_gate_is_shown_by_the_benefit_that_was_all_it_lacked(client: FlaskClient, session: Session) -> None:
    scene = a_scene(session, client, "set_up")
    scene.decided()
    assert basis_of(scene, "set_up") == "declared"

    scene.benefit()

    assert basis_of(scene, "set_up") == "evidenced"


def test_a_declared_gate_is_shown_by_the_pension_that_was_all_it_lacked(client: FlaskClient, session: Session) -> None:
    scene = a_scene(session, client, "set_up")
    scene.show_all(DECIDED)
    assert scene.decide("officer", scene.voted()).status_code == 201
    scene.benefit()
    assert basis_of(scene, "set_up") == "declared"

    assert scene.pension().status_code == 200

    assert basis_of(scene, "set_up") == "evidenced"


def test_after_set_up_the_register_is_asked_for_no_more(client: FlaskClient, session: Session) -> None:
    scene = a_scene(session, client, "set_up")
    scene.show_all(SET_UP)
    scene.show("tupe_measures", "director", milestone="staff_transferred")

    scene.moved("launched")


@contextmanager
def retiring(url: str, person: Person, benefit: str) -> Iterator[Session]:
    """A transaction of its own in which the benefit is retired, and which is not over yet."""
    engine = create_engine(url)
    with Session(engine) as session:
        benefits.retire_benefit(session, person.actor(session), UUID(benefit), {"en": "The contract changed."})
        yield session
    engine.dispose()


@pytest.mark.slow
def test_a_move_waits_for_a_benefit_that_is_being_retired_and_is_refused_then(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = ready(db.session(), committed_app.test_client())
        benefit, nurse = scene.benefit(), scene.people["nurse"]
        path, url = scene.path("/stage-moves"), committed_app.config["SQLALCHEMY_DATABASE_URI"]
        db.session.remove()
        answers: list[TestResponse] = []

        def move() -> None:
            client = committed_app.test_client()
            answers.append(client.post(path, json={"to": "set_up"}, headers=nurse.headers))

        with retiring(url, nurse, benefit) as session:
            moving = threading.Thread(target=move)
            moving.start()
            moving.join(0.7)
            assert moving.is_alive()
            session.commit()
        moving.join(30)

    assert (answers[0].status_code, answers[0].json["reasons"][0]["code"]) == (409, "BENEFITS_REGISTER")
