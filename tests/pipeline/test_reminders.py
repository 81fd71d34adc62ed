"""Reminders of what waits: whom, from when, once; and in words that tell nobody anything."""

import threading
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from marketplace.identity.models import User
from marketplace.pipeline import reminders
from marketplace.reference.usual import STAGE_TIMES, USUAL_STEPS
from marketplace.store.base import db
from marketplace.store.mail import present_settings, unseal
from marketplace.values.clock import day_of, now
from tests.builders import a_member
from tests.pipeline.scene import EXPLORED, Scene, a_scene
from tests.proposals.builders import share

EXPLORING = STAGE_TIMES["exploring"].most_days
VERIFYING = USUAL_STEPS["VERIFICATION"].most_days
ANSWERING = USUAL_STEPS["EMPLOYER_APPROVAL"].most_days


def remind(scene: Scene, days: int = 0) -> int:
    """How many waits are told in so many days."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reminders, "now", lambda: now() + timedelta(days=days))
        told, last = reminders.remind(scene.session, None, 200)
    scene.session.commit()
    assert last is None
    return told


def letters(scene: Scene) -> dict[str, str]:
    """Bodies of the letters that were sent, by address."""
    query = text("SELECT args->>'sealed' FROM procrastinate_jobs WHERE task_name = 'mail.deliver' ORDER BY id")
    sent = [unseal(present_settings(), each) for each in scene.session.scalars(query)]
    return {each["to"]: each["body"] for each in sent if "has waited for you" in each["body"]}


def address(scene: Scene, who: str) -> str:
    return str(scene.session.get_one(User, scene.people[who].id).email)


def events(scene: Scene) -> list[str]:
    query = text("SELECT type FROM event WHERE type LIKE '%.waited' ORDER BY seq")
    return list(scene.session.scalars(query))


def aged(scene: Scene, statement: str, days: int) -> date:
    """Let a wait have begun so many times 24 hours ago; the day in London on which that was."""
    then = now() - timedelta(days=days)
    scene.session.execute(text(statement), {"then": then})
    scene.session.commit()
    return day_of(then)


def entered(scene: Scene, days: int) -> date:
    return aged(scene, "UPDATE proposal_pipeline SET entered_at = :then", days)


def invite(scene: Scene, days: int) -> None:
    body = {"organisation_id": str(scene.employer.id), "title": "May we?"}
    assert scene.send("nurse", scene.path("/employer-consents"), body).status_code == 201
    aged(scene, "UPDATE employer_consent SET created_at = :then", days)


def test_a_group_that_is_at_its_stage_for_longer_than_is_usual_is_told_once(scene: Scene) -> None:
    assert scene.people["editor"]
    assert scene.people["viewer"]
    entered(scene, EXPLORING - 1)
    assert (remind(scene), letters(scene)) == (0, {})

    since = entered(scene, EXPLORING + 1)
    assert (remind(scene), remind(scene)) == (1, 0)

    assert set(letters(scene)) == {address(scene, "nurse"), address(scene, "editor")}
    assert events(scene) == ["stage.waited"]
    body = letters(scene)[address(scene, "nurse")]
    assert since.isoformat() in body
    assert scene.path("/next-steps") in body
    assert not any(word in body for word in ("Riverside", "Leeds", "mutual", "exploring"))


def test_another_stage_is_another_wait(scene: Scene) -> None:
    entered(scene, EXPLORING + 1)
    assert remind(scene) == 1
    scene.show_all(EXPLORED)
    scene.moved("feasibility")
    assert remind(scene) == 0

    assert remind(scene, STAGE_TIMES["feasibility"].most_days + 1) == 1


def test_a_group_that_waits_for_others_alone_is_not_told_to_hurry(scene: Scene) -> None:
    entered(scene, EXPLORING + 1)
    for kind in EXPLORED:
        scene.submit(kind)

    assert remind(scene) == 0


def test_those_who_may_verify_a_document_are_told_and_nobody_else(scene: Scene) -> None:
    """The employer may verify its own minute, and not the record of who is interested."""
    for who in ("officer", "adviser", "director", "buyer", "stranger"):
        assert scene.people[who]
    scene.submit("staff_interest_record")
    assert remind(scene, VERIFYING - 1) == 0

    assert (remind(scene, VERIFYING + 1), remind(scene, VERIFYING + 1)) == (1, 0)

    assert {who for who in scene.people if address(scene, who) in letters(scene)} == {"adviser", "officer"}
    assert events(scene) == ["evidence_version.waited"]


@pytest.mark.parametrize("done", ["accepted", "rejected", "replaced"])
def test_a_document_that_was_decided_on_or_replaced_waits_no_more(scene: Scene, done: str) -> None:
    assert scene.people["adviser"]
    evidence, version = scene.submit("staff_interest_record")
    if done == "replaced":
        scene.upload(evidence)
    else:
        assert scene.decide("adviser", version, done).status_code == 201

    told = remind(scene, VERIFYING + 1)

    paths = [body.rsplit("/", 1)[-1].strip() for body in letters(scene).values()]
    assert version not in paths
    assert told == (1 if done == "replaced" else 0)


def test_nobody_is_reminded_of_what_they_are_shown_no_more(scene: Scene) -> None:
    assert scene.people["adviser"]
    scene.submit("staff_interest_record")
    share(scene.session, scene.proposal.id, scene.people["nurse"], visibility="private")

    assert (remind(scene, VERIFYING + 1), letters(scene)) == (0, {})


def test_an_employer_is_reminded_of_an_invitation_that_it_has_and_of_no_other(scene: Scene) -> None:
    assert scene.people["director"]
    invite(scene, ANSWERING - 1)
    assert remind(scene) == 0

    aged(scene, "UPDATE employer_consent SET created_at = :then", ANSWERING + 1)
    assert (remind(scene), remind(scene)) == (1, 0)

    assert set(letters(scene)) == {address(scene, "director")}
    assert scene.path("") not in letters(scene)[address(scene, "director")]
    assert events(scene) == ["employer_consent.waited"]


def test_an_employer_that_was_never_invited_hears_nothing(scene: Scene) -> None:
    assert scene.people["director"]
    entered(scene, 3000)

    remind(scene)

    assert address(scene, "director") not in letters(scene)


def test_an_answered_invitation_waits_no_more(scene: Scene) -> None:
    scene.consent("explore")
    aged(scene, "UPDATE employer_consent SET created_at = :then", ANSWERING + 1)

    assert remind(scene) == 0


@pytest.mark.parametrize("gone", ["withdrawn", "suspended"])
def test_what_is_off_the_market_waits_for_nobody(scene: Scene, gone: str) -> None:
    entered(scene, EXPLORING + 1)
    if gone == "withdrawn":
        assert scene.send("nurse", scene.path("/withdrawal")).status_code == 200
    else:
        scene.group.verification = "suspended"
        scene.session.commit()

    assert remind(scene) == 0


def test_a_member_who_left_is_told_nothing(scene: Scene) -> None:
    left = a_member(scene.session, scene.group, "editor")
    scene.people["left"] = left
    scene.session.execute(text("DELETE FROM membership WHERE user_id = :id"), {"id": left.id})
    entered(scene, EXPLORING + 1)

    assert remind(scene) == 1
    assert address(scene, "left") not in letters(scene)


def test_a_long_list_is_told_in_stretches(client: FlaskClient, session: Session) -> None:
    scenes = [a_scene(session, client) for _ in range(3)]
    entered(scenes[0], EXPLORING + 1)

    told, last = reminders.remind(session, None, 2)
    assert (told, last is None) == (2, False)
    assert reminders.remind(session, last, 2) == (1, None)
    assert reminders.remind(session, None, 2) == (0, None)


@pytest.mark.slow
def test_two_jobs_at_once_tell_a_wait_once(committed_app: Flask) -> None:
    url = committed_app.config["SQLALCHEMY_DATABASE_URI"]
    counts: list[int] = []

    def tell() -> None:
        with committed_app.app_context():
            counts.append(reminders.remind(db.session(), None, 200)[0])
            db.session.commit()

    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        entered(scene, EXPLORING + 1)
        db.session.remove()
        engine = create_engine(url)
        with Session(engine) as first:
            counts.append(reminders.remind(first, None, 200)[0])
            second = threading.Thread(target=tell)
            second.start()
            second.join(0.5)
            first.commit()
        second.join(30)
        engine.dispose()

        told = letters(scene)
        scene.session.close()

    assert (counts, len(told)) == ([1, 0], 1)
