"""G11: fifty clients on one programme. What the ledger, the audit and the events cost beside a bare conditional UPDATE.

Both run the same way: a bare transaction lowers one row where it holds enough, and commits; a whole one books an
acceptance (transaction, four balances, four postings), an event and two audit rows. Runs take turns, so that what else
the machine does falls on both. Only the ratio is judged.
"""

import multiprocessing
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import text

from marketplace.app import create_app
from marketplace.ledger import rules, service
from marketplace.store import journal
from marketplace.store.base import db, new_id
from marketplace.values.actor import ANONYMOUS
from tests.conftest import test_settings
from tests.trust.ground import Ground, program

PROCESSES = 2
WANTED = 0.4
BARE = text("UPDATE hot_row SET balance = balance - 1 WHERE id = 1 AND balance >= 1")


def measure_hot_row(ground: Ground, *, seconds: float = 6, runs: int = 3, clients: int = 50) -> None:
    """Interleaved runs of both, and the ratio of their median rates."""
    with ground.clone() as url, program(url) as app:
        with app.app_context():
            session = db.session()
            session.execute(text("CREATE TABLE hot_row (id integer PRIMARY KEY, balance bigint NOT NULL)"))
            session.execute(text("INSERT INTO hot_row VALUES (1, 1000000000)"))
            programme, pledges = new_id(), [new_id() for _ in range(clients)]
            service.open_accounts(session, "programme", programme, "GBP")
            for pledge in pledges:
                service.open_accounts(session, "pledge", pledge, "GBP")
            budget = rules.set_budget(programme, 10**9)
            service.post(session, kind="budget", reference="-", entries=budget, actor=ANONYMOUS, description="-")
            session.commit()
            db.session.remove()
        rates = _rates(url, programme, pledges, seconds, runs)
    bare, whole = median(rates["bare"]), median(rates["whole"])
    told = ", ".join(f"{one:.0f}/{other:.0f}" for one, other in zip(rates["whole"], rates["bare"], strict=True))
    words = f"{clients} clients on one programme: {whole / bare:.2f} of the bare rate (commits/s, whole/bare: {told})"
    ground.tell("G11", words, whole >= WANTED * bare, goal=True)


def _rates(url: str, programme: UUID, pledges: list[UUID], seconds: float, runs: int) -> dict[str, list[float]]:
    """Commits a second of all clients together, run by run, of either kind; the clients are those of PROCESSES."""
    context = multiprocessing.get_context("spawn")
    counts: Any = context.Queue()
    ready = context.Barrier(PROCESSES)
    turns = ["bare", "whole"] * runs
    shares = [pledges[place::PROCESSES] for place in range(PROCESSES)]
    working = [
        context.Process(target=_clients, args=(url, turns, programme, share, seconds, ready, counts), daemon=True)
        for share in shares
    ]
    for process in working:
        process.start()
    done = [counts.get(timeout=300 + seconds * len(turns)) for _ in range(PROCESSES * len(turns))]
    for process in working:
        process.join()
    sums = [sum(number for turn, number in done if turn == each) / seconds for each in range(len(turns))]
    return {"bare": sums[::2], "whole": sums[1::2]}


def _clients(
    url: str, turns: list[str], programme: UUID, pledges: list[UUID], seconds: float, ready: Any, counts: Any
) -> None:
    """One process's clients, a thread and a connection each; the commits of each turn go into `counts`."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(replace(test_settings(url, Path(folder)), pool_size=len(pledges)))
        for turn, kind in enumerate(turns):
            ready.wait(120)
            counts.put((turn, _turn(app, kind, programme, pledges, seconds)))
        with app.app_context():
            db.engine.dispose()


def _turn(app: Flask, kind: str, programme: UUID, pledges: list[UUID], seconds: float) -> int:
    """How often these clients commit in that time."""
    done = [0] * len(pledges)
    stop = threading.Event()

    def client(place: int) -> None:
        with app.app_context():
            while not stop.is_set():
                if kind == "whole":
                    _whole(programme, pledges[place])
                else:
                    db.session().execute(BARE)
                db.session().commit()
                done[place] += 1
            db.session.remove()

    threads = [threading.Thread(target=client, args=(place,)) for place in range(len(pledges))]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    counted = sum(done)
    stop.set()
    for thread in threads:
        thread.join(30)
    return counted


def _whole(programme: UUID, pledge: UUID) -> None:
    """An acceptance of one penny: ledger, event, and an audit row for either party."""
    session, reference = db.session(), str(new_id())
    entries = rules.accept(programme, pledge, 1)
    service.post(session, kind="hot", reference=reference, entries=entries, actor=ANONYMOUS, description="-")
    journal.record(
        session, "pledge.accepted", "pledge", pledge, actor=ANONYMOUS, audience=journal.only(programme, pledge),
        path=f"/v1/pledges/{pledge}", after={"state": "accepted"},
    )  # fmt: skip
