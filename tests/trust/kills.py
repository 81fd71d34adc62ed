"""G4 and G5: worker processes, and the whole PostgreSQL, killed with SIGKILL under load. Nothing acknowledged is lost.

Clients set budgets and accept offers; some hang up before the answer comes. A client that has no answer asks again with
the same key until it has one. Afterwards the books say what was acknowledged: each act once, whoever died meanwhile.
"""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import requests
from sqlalchemy import func, select

from marketplace.identity.models import Organisation
from marketplace.ledger.models import LedgerTransaction
from marketplace.store.base import db
from marketplace.store.embedded import embedded_server
from tests.builders import an_organisation
from tests.pledges.races import Group, a_round, many_groups
from tests.trust.ground import FOLDER, Ground, Live, served, trust_ground
from tests.trust.invariants import broken

HANG_UP_EARLY = 0.2
PATIENCE = 30.0
"""Seconds after the last kill by which every act has its answer, or counts as unresolved."""
RECOVERY = 120.0
"""Seconds that PostgreSQL may take to recover from its log; how long is the disk's affair, not ours."""


@dataclass
class Acts:
    """What the clients did: which pledges were acknowledged, which never answered, and with which answers."""

    acknowledged: set[str] = field(default_factory=set)
    unresolved: set[str] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)
    broken_off: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Load:
    """Clients that accept offers, one after another, until they are told to stop or have none left."""

    live: Live
    groups: list[Group]
    offers: list[list[str]]
    seed: int
    patience: float = PATIENCE
    acts: Acts = field(default_factory=Acts)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> list[threading.Thread]:
        threads = [
            threading.Thread(target=self._client, args=(place,), daemon=True) for place in range(len(self.groups))
        ]
        for thread in threads:
            thread.start()
        return threads

    def _client(self, place: int) -> None:
        chance = Random(f"{self.seed} client {place}")
        for pledge in self.offers[place]:
            if self.stop.is_set():
                return
            self._insist(chance, self.groups[place], pledge)

    def _insist(self, chance: Random, group: Group, pledge: str) -> None:
        """Ask until there is an answer; with the one key."""
        headers = group.person.headers | {"Idempotency-Key": pledge}
        address = f"{self.live.address}/v1/pledges/{pledge}/acceptance"
        until = time.monotonic() + self.patience
        while time.monotonic() < until:
            patience = chance.uniform(0.001, 0.05) if chance.random() < HANG_UP_EARLY else 10
            try:
                answer = requests.post(address, headers=headers, timeout=patience)
            except requests.RequestException:
                with self.acts.lock:
                    self.acts.broken_off += 1
                time.sleep(0.02)
                continue
            with self.acts.lock:
                self.acts.answers[answer.status_code] += 1
                if answer.status_code == 200:
                    self.acts.acknowledged.add(pledge)
                    return
            time.sleep(0.05)
        with self.acts.lock:
            self.acts.unresolved.add(pledge)


def a_load(live: Live, seed: int, clients: int, each: int) -> tuple[Load, Any]:
    """Clients with `each` offers; the programme that all of them are of."""
    with live.session() as session:
        groups = many_groups(session, clients)
        funder_id = an_organisation(session, kind="funder", name="Leeds Seed Fund").id
        funder = session.get_one(Organisation, funder_id)
        programme, pledges = a_round(session, funder, groups * each, room=clients * each)
    offers = [[str(pledge) for pledge in pledges[place::clients]] for place in range(clients)]
    return Load(live, groups, offers, seed), programme


def kill_workers(ground: Ground, *, seconds: float = 60, clients: int = 12, kills: int = 150) -> None:
    """G4: SIGKILL to a worker process every third of a second while the clients go on."""
    with served(ground, forked=True) as live:
        load, _ = a_load(live, ground.seed, clients, each=max(20, int(seconds * 4)))
        load.patience = seconds + PATIENCE
        server = _server_of(live)
        chance = Random(f"{ground.seed} killer")
        threads, killed, started = load.run(), 0, time.monotonic()
        while time.monotonic() - started < seconds:
            time.sleep(chance.uniform(0.25, 0.5))
            workers = _children(server)
            if workers:
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(workers), signal.SIGKILL)
                    killed += 1
        load.stop.set()
        for thread in threads:
            thread.join(load.patience + 30)
        _tell(ground, "G4", live, load, f"{killed} workers killed in {seconds:.0f} s", killed >= kills)


def kill_database(ground: Ground, *, times: int = 10, clients: int = 8, pause: float = 3.0) -> None:
    """G5: SIGKILL to every process of PostgreSQL; it is started again, the service is not."""
    folder = FOLDER / "killed"
    server = embedded_server(folder)
    with trust_ground(ground.seed, str(server.get_uri(driver="psycopg"))) as own, served(own) as live:
        load, _ = a_load(live, ground.seed, clients, each=max(20, int(times * pause * 6)))
        load.patience = PATIENCE + RECOVERY
        threads, back = load.run(), []
        for _ in range(times):
            time.sleep(pause)
            _kill_cluster(folder)
            _start_again(server)
            started = time.monotonic()
            while time.monotonic() - started < PATIENCE:
                with suppress(requests.RequestException):
                    if requests.get(f"{live.address}/readyz", timeout=2).status_code == 200:
                        break
                time.sleep(0.05)
            back.append(time.monotonic() - started)
        load.stop.set()
        for thread in threads:
            thread.join(load.patience + 30)
        words = f"PostgreSQL killed {times} times; answered again after {max(back):.1f} s at most, without a restart"
        _tell(ground, "G5", live, load, words, max(back) < PATIENCE)
        for engine in db_engines(live):
            engine.dispose()


def _start_again(server: Any) -> None:
    """Start PostgreSQL, and wait until it has recovered.

    The wheel takes a killed process for a running one until its parent has asked for its end, and asserts that it is
    still there a moment later.
    """
    until = time.monotonic() + RECOVERY
    while time.monotonic() < until:
        with suppress(AssertionError, psycopg.OperationalError, subprocess.SubprocessError):
            server.ensure_postgres_running()
            with psycopg.connect(server.get_uri(), connect_timeout=5):
                return
        time.sleep(0.1)
    raise TimeoutError("PostgreSQL did not recover")


def db_engines(live: Live) -> list[Any]:
    with live.app.app_context():
        db.session.remove()
        return list(db.engines.values())


def _tell(ground: Ground, figure: str, live: Live, load: Load, words: str, enough: bool) -> None:
    """Compare what was acknowledged with what was booked."""
    with live.session() as session:
        query = select(LedgerTransaction.reference, func.count()).where(LedgerTransaction.kind == "pledge.accepted")
        booked = dict(session.execute(query.group_by(LedgerTransaction.reference)).tuples().all())
        found = broken(session)
    acts = load.acts
    lost = acts.acknowledged - set(booked)
    doubled = [pledge for pledge, number in booked.items() if number > 1]
    counts = (
        f"{len(acts.acknowledged)} acknowledged, {len(lost)} lost, {len(doubled)} doubled, {len(acts.unresolved)}"
        f" unresolved, {len(found)} invariants broken ({acts.broken_off} connections broken off)"
    )
    holds = enough and bool(acts.acknowledged) and not (lost or doubled or acts.unresolved or found)
    ground.tell(figure, f"{words}: {counts}", holds)


def _server_of(live: Live) -> int:
    """The process id of the server that listens: this process's child that runs gunicorn."""
    own = os.getpid()
    for pid in _children(own):
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"gunicorn" in words:
            return pid
    raise LookupError(f"nobody serves {live.address}")


def _children(pid: int) -> list[int]:
    """The processes that a process started, whichever of its threads did."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += [int(each) for each in (task / "children").read_text().split()]
    return found


def _kill_cluster(folder: Path) -> None:
    """Every process of the server on that folder, at once, and nothing else."""
    postmaster = int((folder / "postmaster.pid").read_text().split()[0])
    every = [postmaster, *_children(postmaster)]
    for pid in every:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while time.monotonic() < until and any(_alive(pid) for pid in every):
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
