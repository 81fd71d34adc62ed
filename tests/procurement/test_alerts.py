"""Contract ends told ahead: once for each day, to those of the group who write, in letters that name nothing."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace.procurement import alerts
from marketplace.procurement.record_rules import alert_horizon
from marketplace.store.mail import present_settings, unseal
from marketplace.values.clock import today
from tests.pipeline.scene import Scene
from tests.procurement.asking import bidden, lost, won
from tests.proposals.builders import a_group, a_proposal


def letters(session: Session) -> list[dict[str, str]]:
    query = text("SELECT args->>'sealed' FROM procrastinate_jobs WHERE task_name = 'mail.deliver' ORDER BY id")
    return [unseal(present_settings(), each) for each in session.scalars(query)]


def events(session: Session) -> int:
    return int(session.execute(text("SELECT count(*) FROM event WHERE type = 'contract.ends_soon'")).scalar_one())


def tell(session: Session) -> int:
    told, last = alerts.tell_of_contract_ends(session, None, 200)
    assert last is None
    return told


def test_the_end_of_a_won_contract_is_told_once_eighteen_months_ahead(scene: Scene) -> None:
    scene.people["editor"], scene.people["viewer"]
    before = len(letters(scene.session))
    made = bidden(scene)
    won(scene, made, alert_horizon(today()) + timedelta(days=1))
    assert tell(scene.session) == 0

    won(scene, made, alert_horizon(today()))
    assert (tell(scene.session), tell(scene.session)) == (1, 0)

    sent = letters(scene.session)[before:]
    assert len(sent) == 2, "the owner and the editor, and not the viewer"
    assert not any("Leeds" in each["body"] or "contract" in each["body"] for each in sent)
    assert events(scene.session) == 1


def test_another_end_is_told_anew_and_what_is_over_or_lost_is_not(scene: Scene) -> None:
    made = bidden(scene)
    won(scene, made, today())
    assert tell(scene.session) == 1
    won(scene, made, today() + timedelta(days=30))
    assert tell(scene.session) == 1

    won(scene, made, today() - timedelta(days=1))
    assert tell(scene.session) == 0
    lost(scene, made, "price")
    assert tell(scene.session) == 0


def test_the_published_fact_is_told_and_a_bid_of_the_same_day_tells_it_no_second_time(session: Session) -> None:
    group, nurse = a_group(session)
    day = (today() + timedelta(days=200)).isoformat()
    a_proposal(session, group, nurse, facts={"service": {"contract_ends_on": day}}, published=False)
    assert tell(session) == 0
    a_proposal(session, group, nurse, facts={"service": {"contract_ends_on": day}})

    assert (tell(session), tell(session)) == (1, 0)


def test_a_long_list_is_told_in_stretches(session: Session) -> None:
    day = (today() + timedelta(days=200)).isoformat()
    for _ in range(3):
        a_proposal(session, *a_group(session), facts={"service": {"contract_ends_on": day}})

    told, last = alerts.tell_of_contract_ends(session, None, 2)
    assert (told, last is None) == (2, False)
    assert alerts.tell_of_contract_ends(session, last, 2) == (1, None)
    assert tell(session) == 0


def test_a_suspended_group_hears_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bidden(scene)
    won(scene, made, date.fromisoformat("2027-01-01") if today() < date(2027, 1, 1) else today())
    scene.group.verification = "suspended"
    scene.session.commit()

    assert tell(scene.session) == 0
