"""Jobs at the same time, with real commits: one change recorded, one letter written, and nothing lost in between."""

import asyncio
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text, update

from marketplace.cli import in_one_transaction
from marketplace.store.base import db
from marketplace.store.jobs import defer, worker_app
from marketplace.values.clock import now
from marketplace.watches import delivery
from marketplace.watches.jobs import send_digests, turn_the_day
from marketplace.watches.models import Watch, WatchChange
from marketplace.watches.recompute import recompute
from marketplace.watches.rules import MOST_WATCHES
from marketplace.watches.service import make_watch
from tests.pledges.races import all_at_once
from tests.watches.scene import FEW, LARGE, Scene, a_scene, changes, found, waiting_jobs, work

pytestmark = pytest.mark.slow

LONG_AGO = now().replace(year=2020)


def as_a_worker(app: Flask, act: Callable[[], Any]) -> Any:
    """Run it as the worker runs a job."""
    return in_one_transaction(app)(act, None, None)


def test_two_looks_at_the_same_time_record_one_change_and_write_one_letter(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        watch = scene.watch("group")
        scene.publish_criteria(FEW)
        db.session.remove()

    acts = [
        partial(as_a_worker, committed_app, lambda: len(recompute(db.session(), watch, "programme_published")))
        for _ in range(4)
    ]
    assert sorted(all_at_once(acts)) == [0, 0, 0, 1]

    with committed_app.app_context():
        assert len(changes(db.session(), watch)) == 1
        assert len(waiting_jobs(db.session(), "mail.deliver")) == 1


def test_two_digests_at_the_same_time_write_one_letter(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        watch = scene.watch("funder", delivery="daily")
        scene.publish_criteria(FEW)
        work(db.session())
        db.session().execute(update(Watch).where(Watch.id == watch).values(last_letter_at=LONG_AGO))
        db.session().commit()
        db.session.remove()

    acts = [partial(as_a_worker, committed_app, lambda: delivery.send_digest(db.session(), watch)) for _ in range(4)]
    assert sorted(all_at_once(acts)) == [0, 0, 0, 1]

    with committed_app.app_context():
        assert len(waiting_jobs(db.session(), "mail.deliver")) == 1


def test_a_look_that_dies_leaves_nothing_and_the_next_finds_it_all(committed_app: Flask) -> None:
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        watch = scene.watch("group")
        scene.publish_criteria(FEW)
        db.session.remove()

    def dies() -> None:
        recompute(db.session(), watch, "programme_published")
        raise RuntimeError("the machine stopped")

    with pytest.raises(RuntimeError):
        as_a_worker(committed_app, dies)
    with committed_app.app_context():
        assert changes(db.session(), watch) == []
        assert waiting_jobs(db.session(), "mail.deliver") == []
        work(db.session())
        assert len(changes(db.session(), watch)) == 1
        assert len(waiting_jobs(db.session(), "mail.deliver")) == 1


def test_a_change_that_commits_while_a_watch_is_being_made_is_not_lost(committed_app: Flask) -> None:
    """The change's job finds no watch; the watch's own first look finds the change."""
    with committed_app.app_context():
        session = db.session()
        scene = a_scene(session, committed_app.test_client())
        draft = {"kind": "programmes", "name": "Owls", "query": {}, "delivery": "none", "paused": False}
        anchor = {"proposal_id": scene.proposal.id}
        made = make_watch(session, scene.nurse.actor(session), scene.group.id, draft | anchor).id
        held, programme = scene.officer.id, scene.programme.id
        officer = scene.officer

        def publish_and_hear() -> None:
            with committed_app.app_context():
                meanwhile = db.session()
                other = Scene(meanwhile, scene.client, scene.group, scene.nurse, scene.funder, officer,
                              scene.programme, scene.proposal)  # fmt: skip
                other.publish_criteria(FEW, programme=meanwhile.get_one(type(scene.programme), programme))
                work(meanwhile)
                db.session.remove()

        all_at_once([publish_and_hear])
        session.commit()
        assert held is not None
        assert [name for _, name, _ in waiting_jobs(session)] == ["watches.look_again"]
        work(session)

        assert found(session, made) == {}
        scene.publish_criteria(LARGE)
        work(session)
        assert found(session, made) == {programme: "eligible"}


def test_two_who_make_the_last_watch_make_one(committed_app: Flask) -> None:
    with committed_app.app_context():
        session = db.session()
        scene = a_scene(session, committed_app.test_client())
        watch = scene.watch("group", delivery="none")
        columns = "organisation_id, made_by, kind, proposal_id, name, delivery"
        session.execute(
            text(f"INSERT INTO watch (id, {columns}) SELECT gen_random_uuid(), {columns} FROM watch,"
                 " generate_series(1, :more) WHERE watch.id = :id"),
            {"more": MOST_WATCHES - 2, "id": watch},
        )  # fmt: skip
        session.commit()
        path = f"/v1/organisations/{scene.group.id}/watches"
        body = {"kind": "programmes", "name": "Last", "proposal_id": str(scene.proposal.id)}
        headers = dict(scene.nurse.headers)

    def make(_: UUID | int) -> int:
        return int(committed_app.test_client().post(path, json=body, headers=headers).status_code)

    assert sorted(all_at_once([partial(make, turn) for turn in range(3)])) == [201, 409, 409]
    with committed_app.app_context():
        assert db.session().scalar(select(func.count()).select_from(Watch)) == MOST_WATCHES


def test_a_job_for_a_watch_that_was_deleted_does_nothing(committed_app: Flask) -> None:
    with committed_app.app_context():
        session = db.session()
        scene = a_scene(session, committed_app.test_client())
        watch = scene.watch("group")
        scene.publish_criteria(FEW)
        session.execute(delete(Watch).where(Watch.id == watch))
        session.commit()
        work(session, times=2)

        assert recompute(session, watch, "programme_published") == []
        assert delivery.send_digest(session, watch) == 0
        assert session.scalar(select(func.count()).select_from(WatchChange)) == 0


def test_a_worker_carries_a_change_all_the_way_to_a_letter(committed_app: Flask, tmp_path: Path) -> None:
    """Through every job in between, and the two of the clock."""
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client())
        watch = scene.watch("funder", delivery="at_once")
        scene.publish_criteria(FEW)
        defer(db.session(), turn_the_day, timestamp=0)
        defer(db.session(), send_digests, timestamp=0)
        db.session().commit()
        db.session.remove()

    async def work_off() -> None:
        with worker_app(committed_app.config["SQLALCHEMY_DATABASE_URI"]) as made:
            async with made.open_async() as worker:
                await worker.run_worker_async(
                    wait=False,
                    install_signal_handlers=False,
                    listen_notify=False,
                    task_middleware=[in_one_transaction(committed_app)],
                )

    asyncio.run(work_off())

    (letter,) = (tmp_path / "mail").glob("*.eml")
    told = message_from_bytes(letter.read_bytes(), policy=default).get_content()
    assert f"/v1/watches/{watch}/changes" in told
    with committed_app.app_context():
        left = text("SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'")
        assert db.session().scalar(left) == 0
