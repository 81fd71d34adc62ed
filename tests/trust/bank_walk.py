"""G8: a random walk of money by many writers, and reports read meanwhile, every one of which must balance.

Writers draft, offer, accept, sign, claim, approve, pay, return, cancel, withdraw and end pledges of a shared pool over
HTTP on two processes, without regard for what the others do: a refusal is fine, a failure is not.
"""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import requests
from sqlalchemy import text

from marketplace.values.clock import today
from tests.builders import Person, a_member, an_organisation
from tests.pledges.races import EACH, ENDLESS, Group, many_groups
from tests.pledges.scene import a_funded_programme
from tests.trust.ground import FOLDER, Ground, Live, served
from tests.trust.invariants import broken

LOG = FOLDER / "postgresql" / "log"
"""What the embedded server says."""
REASON = {"reason": "The walk goes on."}


@dataclass
class Walk:
    """What the writers share and what everybody saw."""

    live: Live
    seed: int
    funder: str
    programmes: list[str]
    groups: list[Group]
    officer: Person
    director: Person
    owner: Person
    pool: list[tuple[str, Group]] = field(default_factory=list)
    paid: list[tuple[str, int]] = field(default_factory=list)
    """Tranches that were paid, and their amounts: chance alone would seldom meet one to return money from."""
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    reads: int = 0
    waited: int = 0
    unbalanced: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Writer:
    """One client that walks."""

    def __init__(self, walk: Walk, place: int) -> None:
        self.walk = walk
        self.chance = Random(f"{walk.seed} writer {place}")
        self.client = requests.Session()
        self.sent = 0
        self.place = place

    def run(self) -> None:
        steps: list[Callable[[], None]] = [
            self.promise, self.promise, self.answer, self.answer, self.draw, self.draw, self.give_back, self.cancel,
            self.end, self.budget,
        ]  # fmt: skip
        while not self.walk.stop.is_set():
            self.chance.choice(steps)()

    def do(self, name: str, person: Person, path: str, body: Any = None, method: str = "POST", **more: str) -> Any:
        self.sent += 1
        headers = person.headers | {"Idempotency-Key": f"{self.place}-{self.sent}"} | more
        address = f"{self.walk.live.address}/v1{path}"
        answer = self.client.request(method, address, json=body, headers=headers, timeout=60)
        while answer.status_code == 503 and "Retry-After" in answer.headers:
            self.walk.waited += 1
            time.sleep(float(answer.headers["Retry-After"]))
            answer = self.client.request(method, address, json=body, headers=headers, timeout=60)
        with self.walk.lock:
            self.walk.answers[name, answer.status_code] += 1
            if answer.status_code >= 500:
                self.walk.failures.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        return answer

    def read(self, person: Person, path: str) -> Any:
        return self.client.get(f"{self.walk.live.address}/v1{path}", headers=person.headers, timeout=60)

    def promise(self) -> None:
        """Draft and offer."""
        group, programme = self.chance.choice(self.walk.groups), self.chance.choice(self.walk.programmes)
        amounts = [self.chance.randint(1, EACH) for _ in range(self.chance.randint(1, 3))]
        tranches = [{"basis": "on_agreement", "amount": amount} for amount in amounts]
        part = {"instrument": "grant", "amount": sum(amounts), "tranches": tranches}
        draft = {"programme_id": programme, "proposal_id": str(group.proposal_id), "parts": [part]}
        made = self.do("draft", self.walk.officer, "/pledges", draft)
        if made.status_code != 201:
            return
        pledge = made.json()["id"]
        expires = {"expires_on": (today() + timedelta(days=9)).isoformat()}
        if self.do("offer", self.walk.officer, f"/pledges/{pledge}/offer", expires).status_code == 200:
            with self.walk.lock:
                self.walk.pool.append((pledge, group))

    def chosen(self) -> tuple[str, Group] | None:
        with self.walk.lock:
            return self.chance.choice(self.walk.pool[-60:]) if self.walk.pool else None

    def answer(self) -> None:
        """Accept, and sign at once more often than not."""
        found = self.chosen()
        if found is None:
            return
        pledge, group = found
        self.do("accept", group.person, f"/pledges/{pledge}/acceptance")
        if self.chance.random() < 0.7:
            self.do("sign", self.walk.officer, f"/pledges/{pledge}/agreement", {"signed_on": today().isoformat()})

    def tranche(self) -> tuple[str, int, Group] | None:
        found = self.chosen()
        if found is None:
            return None
        rows = self.read(self.walk.officer, f"/pledges/{found[0]}/tranches").json()["data"]
        row = self.chance.choice(rows)
        return row["id"], row["amount"]["amount"], found[1]

    def draw(self) -> None:
        """Claim, approve and pay one tranche."""
        found = self.tranche()
        if found is None:
            return
        tranche, amount, group = found
        self.do("claim", group.person, f"/tranches/{tranche}/claim", {})
        self.do("approve", self.walk.director, f"/tranches/{tranche}/approval")
        payment = {"paid_on": today().isoformat(), "reference": "BACS"}
        if self.do("pay", self.walk.officer, f"/tranches/{tranche}/payment", payment).status_code == 200:
            with self.walk.lock:
                self.walk.paid.append((tranche, amount))

    def give_back(self) -> None:
        """A part of what was paid, now and then more than is left of it."""
        with self.walk.lock:
            found = self.chance.choice(self.walk.paid) if self.walk.paid else None
        if found is not None:
            tranche, paid = found
            amount = {"amount": self.chance.randint(1, max(1, paid // 2)), "currency": "GBP"}
            body = {"amount": amount, "reference": f"{self.place}-{self.sent}"}
            self.do("return", self.walk.officer, f"/tranches/{tranche}/return", body)

    def cancel(self) -> None:
        found = self.tranche()
        if found is not None:
            self.do("cancel", self.walk.officer, f"/tranches/{found[0]}/cancellation", REASON)

    def end(self) -> None:
        found = self.chosen()
        if found is not None:
            for step in self.chance.sample(["withdrawal", "termination"], 2):
                self.do(step, self.walk.officer, f"/pledges/{found[0]}/{step}", REASON)

    def budget(self) -> None:
        programme = self.chance.choice(self.walk.programmes)
        stamp = self.read(self.walk.owner, f"/programmes/{programme}").headers["ETag"]
        body = {"amount": {"amount": self.chance.randint(20, 60) * EACH, "currency": "GBP"}}
        self.do("budget", self.walk.owner, f"/programmes/{programme}/budget", body, "PUT", **{"If-Match": stamp})


def read_reports(walk: Walk, place: int) -> None:
    """Read reports over and over; each is of one moment, and balances."""
    chance, client = Random(f"{walk.seed} reader {place}"), requests.Session()
    while not walk.stop.is_set():
        programme = chance.choice(walk.programmes)
        path = chance.choice([
            f"/organisations/{walk.funder}/trial-balance",
            f"/programmes/{programme}/trial-balance",
            f"/programmes/{programme}/statement?limit=100",
            f"/organisations/{walk.funder}/reconciliation",
        ])  # fmt: skip
        answer = client.get(f"{walk.live.address}/v1{path}", headers=walk.owner.headers, timeout=60)
        walk.reads += 1
        fault = f"{answer.status_code}" if answer.status_code != 200 else unbalanced(answer.json())
        if fault:
            walk.unbalanced.append(f"{path}: {fault}")


def unbalanced(report: dict[str, Any]) -> str:
    """What does not come out even in a report; empty where all does."""
    found = list(report.get("differences", []))
    for rows in (report.get("totals", []), report.get("data", []) if "as_of" in report else []):
        if sum(row["balance"] for row in rows):
            found.append(f"the accounts come to {sum(row['balance'] for row in rows)}")
    return "; ".join(found)[:300]


def walk_the_bank(ground: Ground, *, seconds: float = 60, writers: int = 12, readers: int = 2) -> None:
    """The walk, and its line."""
    logged = LOG.stat().st_size if LOG.exists() else 0
    with served(ground) as live:
        walk = a_walk(live, ground.seed)
        runs = [Writer(walk, place).run for place in range(writers)]
        threads = [threading.Thread(target=run, daemon=True) for run in runs]
        threads += [threading.Thread(target=read_reports, args=(walk, place), daemon=True) for place in range(readers)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        walk.stop.set()
        for thread in threads:
            thread.join(90)
        with live.session() as session:
            found = broken(session)
            deadlocks = session.scalar(
                text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            )
    done, refused = Counter[str](), Counter[str]()
    for (name, status), number in walk.answers.items():
        (done if status < 300 else refused)[name] += number
    idle = [name for name in ("accept", "pay", "return", "cancel", "withdrawal", "termination") if not done[name]]
    words = (
        f"{sum(done.values())} writes and {sum(refused.values())} refusals of {writers} writers in {seconds:.0f} s;"
        f" {walk.reads} reports of {readers} readers, {len(walk.unbalanced)} unbalanced; {len(walk.failures)} 5xx,"
        f" {walk.waited} asked to wait and come again,"
        f" {deadlocks} deadlocks, {len(found)} invariants broken; done {dict(sorted(done.items()))}"
    )
    waits = waits_for_ever(logged) if deadlocks else []
    for fault in [*walk.failures[:3], *walk.unbalanced[:3], *found[:3], *waits[:6]]:
        print(f"       {fault}", flush=True)
    holds = not (walk.failures or walk.unbalanced or found or deadlocks or idle) and walk.reads > 0
    ground.tell("G8", words, holds)


def waits_for_ever(logged: int) -> list[str]:
    """Who waited for whom in each deadlock that the embedded server has logged since, with the statements."""
    if not LOG.exists():
        return []
    with LOG.open("rb") as log:
        log.seek(logged)
        lines = log.read().decode(errors="replace").splitlines()
    return [
        " ".join(line.split())[:240] for line in lines if re.match(r"\tProcess \d+|.*DETAIL: +Process \d+ waits", line)
    ]


def a_walk(live: Live, seed: int) -> Walk:
    """A funder with three programmes of tight budgets, and six groups that can hold money."""
    with live.session() as session:
        groups = many_groups(session, 6, ENDLESS, {"organisation": {"registration": "registered"}})
        funder = an_organisation(session, kind="funder", name="Leeds Seed Fund")
        values = [{"recycles": recycles, "ask_max": None} for recycles in (True, False, True)]
        programmes = [
            str(a_funded_programme(session, funder, 40 * EACH, tranche_template=[], **each).id) for each in values
        ]
        return Walk(
            live, seed, str(funder.id), programmes, groups,
            officer=a_member(session, funder, "editor"),
            director=a_member(session, funder, "approver"),
            owner=a_member(session, funder),
        )  # fmt: skip
