"""Many at once, with real commits: nothing is given out twice, nothing is held back, nobody deadlocks."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from uuid import UUID

from flask import Flask
from sqlalchemy.exc import OperationalError

from marketplace.ledger import rules, service
from marketplace.ledger.reconciliation import reconcile
from marketplace.ledger.rules import AlreadyBooked, Entry, InsufficientBalance
from marketplace.store.base import db, new_id
from marketplace.values.actor import ANONYMOUS
from tests.ledger.books import books

CLIENTS = 50


def at_once(app: Flask, attempts: list[Callable[[], str]]) -> Counter[str]:
    """What each attempt came to, all of them started together, each in its own session."""
    outcomes: list[str] = []
    barrier = threading.Barrier(len(attempts))

    def run(attempt: Callable[[], str]) -> None:
        barrier.wait()
        with app.app_context():
            try:
                outcomes.append(attempt())
            except OperationalError as error:
                outcomes.append(f"database: {error.orig}")

    threads = [threading.Thread(target=run, args=(attempt,)) for attempt in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return Counter(outcomes)


def attempt(kind: str, reference: str, entries: list[Entry]) -> Callable[[], str]:
    def booking() -> str:
        session = db.session()
        try:
            service.post(
                session, kind=kind, reference=reference, entries=entries, actor=ANONYMOUS, description="at once"
            )
        except (InsufficientBalance, AlreadyBooked) as refusal:
            session.rollback()
            return refusal.code
        session.commit()
        return "booked"

    return booking


def pledges_to(app: Flask, budget: int, count: int) -> tuple[UUID, list[UUID]]:
    with app.app_context():
        session = db.session()
        programme = books(session, budget=budget).programme
        pledges = [new_id() for _ in range(count)]
        for pledge in pledges:
            service.open_accounts(session, "pledge", pledge, "GBP")
        session.commit()
        return programme, pledges


def test_fifty_at_once_with_room_for_ten_are_exactly_ten(committed_app: Flask) -> None:
    programme, pledges = pledges_to(committed_app, 10 * 70, CLIENTS)
    attempts = [attempt("accept", str(pledge), rules.accept(programme, pledge, 70)) for pledge in pledges]

    outcomes = at_once(committed_app, attempts)

    assert outcomes == {"booked": 10, "insufficient-balance": CLIENTS - 10}
    with committed_app.app_context():
        held = service.balances(db.session(), "programme", programme)
        assert (held["available"], held["committed"]) == (0, 700)
        assert reconcile(db.session()) == []


def test_one_act_asked_for_by_thirty_at_once_is_booked_once(committed_app: Flask) -> None:
    programme, (pledge,) = pledges_to(committed_app, 1_000, 1)
    attempts = [attempt("tranche.paid", "one", rules.accept(programme, pledge, 5)) for _ in range(30)]

    outcomes = at_once(committed_app, attempts)

    assert outcomes == {"booked": 1, "already-booked": 29}
    with committed_app.app_context():
        assert service.balances(db.session(), "programme", programme)["committed"] == 5


def test_movements_that_take_the_same_accounts_in_both_directions_do_not_deadlock(committed_app: Flask) -> None:
    seed = 20261122
    programme, pledges = pledges_to(committed_app, 10_000, 4)
    with committed_app.app_context():
        for pledge in pledges:
            attempt("accept", f"first {pledge}", rules.accept(programme, pledge, 1_000))()
    chance = random.Random(seed)
    ways = [rules.accept, rules.cancel, rules.pay]
    attempts = [
        attempt("walk", str(place), chance.choice(ways)(programme, chance.choice(pledges), 10)) for place in range(60)
    ]

    outcomes = at_once(committed_app, attempts)

    assert outcomes == {"booked": 60}, f"seed {seed}"
    with committed_app.app_context():
        assert reconcile(db.session()) == []
