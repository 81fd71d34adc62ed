"""O1, O2, U1: each committed change is one event and one entry for each organisation concerned; no reader skips one."""

import random
from collections import Counter
from threading import Event as Signal
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.feeds.verification import verify
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.store import journal
from marketplace.store.base import db, new_id
from marketplace.store.journal import AuditEntry, Event, only
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from tests.builders import a_member, an_organisation
from tests.pledges.scene import KEYS, Scene, a_scene

STEPS = 35
WORDS = {"reason": "Because."}


class Walk:
    """Random requests about money, allowed or not, and what each left behind."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene = scene
        self.dice = random.Random(seed)
        self.people = [scene.nurse, scene.officer, scene.director]
        self.outcomes: Counter[str] = Counter()
        self.answered: list[tuple[Any, str, Any, str]] = []

    def versions(self) -> dict[tuple[str, UUID], int]:
        """Each pledge and tranche that there is, with its version."""
        found = {}
        self.scene.session.expire_all()
        for kind, model in (("pledge", Pledge), ("tranche", Tranche)):
            for row in self.scene.session.execute(select(model.id, model.version)):
                found[kind, row.id] = row.version
        return found

    def fit_for(self, step: str) -> Any:
        """Mostly somebody who may; sometimes anybody."""
        scene = self.scene
        may = {"acceptance": scene.nurse, "decline": scene.nurse, "claim": scene.nurse, "approval": scene.director}
        return may.get(step, scene.officer) if self.dice.random() < 0.85 else self.dice.choice(self.people)

    def whole(self, changed: tuple[str, UUID]) -> tuple[str, UUID]:
        """The pledge of a tranche: where a pledge ends, its own event tells what becomes of its tranches."""
        query = select(PledgePart.pledge_id).join(Tranche).where(Tranche.id == changed[1])
        return ("pledge", self.scene.session.scalars(query).one()) if changed[0] == "tranche" else changed

    def last_event(self) -> int:
        return self.scene.session.scalar(select(func.coalesce(func.max(Event.seq), 0))) or 0

    def a_request(self) -> tuple[Any, str, Any]:
        session, dice = self.scene.session, self.dice
        pledges = session.scalars(select(Pledge.id).where(Pledge.programme_id == self.scene.programme.id)).all()
        tranches = session.scalars(select(Tranche.id).join(PledgePart).where(PledgePart.pledge_id.in_(pledges))).all()
        if not pledges or dice.random() < 0.15:
            body = {
                "programme_id": str(self.scene.programme.id),
                "proposal_id": str(self.scene.proposal.id),
                "parts": [{"instrument": "grant", "amount": dice.choice([100, 250_00, 4_000_00])}],
            }
            return self.fit_for("draft"), "/pledges", body
        day = {"paid_on": today().isoformat(), "reference": "BACS"}
        steps: list[tuple[str, Any]] = [
            ("offer", {"expires_on": today().isoformat()}),
            ("acceptance", None),
            ("agreement", {"signed_on": today().isoformat()}),
            ("decline", WORDS),
            ("withdrawal", WORDS),
        ]
        if tranches and dice.random() < 0.6:
            steps = [("claim", {}), ("approval", None), ("payment", day)] * 2
            steps += [("hold", WORDS), ("release", None)]
            step, body = dice.choice(steps)
            return self.fit_for(step), f"/tranches/{dice.choice(tranches)}/{step}", body
        step, body = dice.choice(steps[:3] * 3 + steps[3:])
        return self.fit_for(step), f"/pledges/{dice.choice(pledges)}/{step}", body

    def step(self) -> None:
        person, path, body = self.a_request()
        key = f"walk-{next(KEYS)}"
        replayed = bool(self.answered) and self.dice.random() < 0.15
        if replayed:
            person, path, body, key = self.dice.choice(self.answered)
        before, seq = self.versions(), self.last_event()
        status = self.scene.do(person, path, body, key=key).status_code
        events = self.scene.session.execute(
            select(Event.id, Event.subject_kind, Event.subject_id, Event.organisation_ids).where(Event.seq > seq)
        ).all()
        after = self.versions()
        changed = {each for each, version in after.items() if each in before and before[each] != version}
        made = {each for each in after if each not in before and each[0] == "pledge"}
        told = Counter((each.subject_kind, each.subject_id) for each in events)
        silent = (changed | made) - set(told)
        assert {self.whole(each) for each in silent} <= set(told), (path, status, silent, told)
        if status >= 300 or replayed:
            assert not events, (path, status, told)
        else:
            self.answered.append((person, path, body, key))
            assert max(told.values()) == 1, (path, told)
        for each in events:
            entries = select(AuditEntry.organisation_id).where(AuditEntry.event_id == each.id)
            assert sorted(self.scene.session.scalars(entries)) == sorted(each.organisation_ids)
        self.outcomes["replayed" if replayed else "done" if status < 300 else "refused"] += 1


def test_every_change_is_one_event_and_a_refusal_none(session: Session, client: FlaskClient) -> None:
    seed = random.SystemRandom().randrange(10**9)
    walk = Walk(a_scene(session, client), seed)
    for _ in range(STEPS):
        walk.step()

    print(f"O1: {dict(walk.outcomes)} (seed {seed})")
    assert min(walk.outcomes[each] for each in ("done", "refused")) > 0
    assert verify(session).faults == []


@pytest.mark.slow
def test_a_reader_among_writers_sees_every_event_once(committed_app: Flask) -> None:
    """O2: six writers whose transactions overlap; a reader that polls meanwhile."""
    with committed_app.app_context():
        organisation = an_organisation(db.session())
        reader = a_member(db.session(), organisation)
        engine, whose = db.engine, organisation.id
    seen: list[str] = []
    done, cursor = Signal(), None

    def write(number: int) -> None:
        dice = random.Random(number)
        for turn in range(20):
            with committed_app.app_context(), Session(engine) as current:
                subject = new_id()
                path = f"/v1/things/{number}-{turn}"
                journal.record(current, "thing.made", "thing", subject, actor=Actor(), audience=only(whose), path=path)
                current.flush()
                done.wait(dice.random() / 50)
                current.commit()

    threads = [Thread(target=write, args=(number,)) for number in range(6)]
    for each in threads:
        each.start()
    for _ in range(2_000):
        writing = any(each.is_alive() for each in threads)
        query = {"limit": "7", **({"after": cursor} if cursor else {})}
        answer = committed_app.test_client().get("/v1/events", query_string=query, headers=reader.headers).json
        seen += [each["subject"] for each in answer["data"] if each["type"] == "thing.made"]
        cursor = answer["next_cursor"]
        if not writing and len(seen) >= 120:
            break
        done.wait(0.005)
    for each in threads:
        each.join()

    print(f"O2: {len(seen)} events read of 120, {len(set(seen))} different")
    assert sorted(seen) == sorted(f"/v1/things/{number}-{turn}" for number in range(6) for turn in range(20))
    with committed_app.app_context():
        assert verify(db.session()).faults == []
