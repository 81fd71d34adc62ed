"""G9: a history of concurrent bookings and reads, checked afterwards as a list of appends and a register per account.

The list of an account is its postings in `seq` order; its register is the kept balance. Every read took, in one
statement, the balance of every account and the last posting that it could see there. For each read it must hold that:
the balance is the sum of the list up to that posting (no lost or phantom append); a booking is seen in all of its
accounts or in none (no fractured read); what was acknowledged before the read began is seen, and what was asked for
after it ended is not (real time); and so no reader ever goes back. The method is that of Elle (Kingsbury and Alvaro,
VLDB 2020), for a list whose order the database itself keeps.
"""

import threading
import time
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from random import Random
from uuid import UUID

from flask import Flask
from sqlalchemy import text

from marketplace.ledger import rules, service
from marketplace.ledger.rules import InsufficientBalance
from marketplace.store.base import db, new_id
from marketplace.values.actor import ANONYMOUS
from tests.trust.ground import Ground, program

WAYS = (rules.accept, rules.pay, rules.cancel, partial(rules.return_, recycled=True))
"""All of them lead back to where the money came from, so that there is always something left to move."""
READ = text(
    "SELECT a.id, a.balance, coalesce((SELECT max(p.seq) FROM posting p WHERE p.account_id = a.id), 0)"
    " FROM ledger_account a"
)


@dataclass(frozen=True)
class Booked:
    """A booking that was acknowledged: when it was asked for and when it was answered (monotonic seconds)."""

    transaction: UUID
    asked: float
    answered: float


@dataclass(frozen=True)
class Read:
    """What one read saw: account -> (balance, last posting)."""

    reader: int
    began: float
    ended: float
    seen: dict[UUID, tuple[int, int]]


@dataclass
class History:
    """Everything that was done and seen."""

    booked: list[Booked] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    refused: int = 0


def check(history: History, postings: list[tuple[int, UUID, UUID, int]]) -> list[str]:
    """Every anomaly of a history, given all postings (seq, transaction, account, amount) in `seq` order."""
    places: dict[UUID, list[int]] = defaultdict(list)
    amounts: dict[UUID, list[int]] = defaultdict(list)
    of_transaction: dict[UUID, list[tuple[UUID, int]]] = defaultdict(list)
    for seq, transaction, account, amount in postings:
        places[account].append(seq)
        amounts[account].append(amount)
        of_transaction[transaction].append((account, seq))
    sums = {account: [0, *accumulate(moved)] for account, moved in amounts.items()}
    missing = [each.transaction for each in history.booked if each.transaction not in of_transaction]
    found = [f"lost: {transaction} was acknowledged and is not there" for transaction in missing]
    times = {each.transaction: each for each in history.booked}
    for place, read in enumerate(history.reads):
        for account, (balance, last) in read.seen.items():
            count = bisect_right(places[account], last)
            if balance != sums.get(account, [0])[count]:
                found.append(f"read {place}: {account} held {balance}, its list {sums[account][count]}")
        for transaction, lines in of_transaction.items():
            views = {read.seen[account][1] >= seq for account, seq in lines if account in read.seen}
            known = times.get(transaction)
            if len(views) > 1:
                found.append(f"read {place}: saw {transaction} in some of its accounts only")
            elif known and views == {False} and known.answered < read.began:
                found.append(f"read {place}: missed {transaction}, acknowledged before it began")
            elif known and views == {True} and known.asked > read.ended:
                found.append(f"read {place}: saw {transaction}, asked for after it ended")
    return found


def check_history(ground: Ground, *, operations: int = 20_000, writers: int = 8, readers: int = 2) -> None:
    """Write and read until half as many appends, and as many registers read, are there; then check all of it."""
    with ground.clone() as url, program(url) as app:
        history, accounts = History(), an_economy(app)
        appended = _run(app, ground.seed, history, accounts, operations, writers, readers)
        with app.app_context():
            rows = db.session().execute(
                text("SELECT seq, transaction_id, account_id, amount FROM posting ORDER BY seq")
            )
            postings = [(row[0], row[1], row[2], row[3]) for row in rows]
            db.session.remove()
    registers = _registers(history)
    anomalies = check(history, postings)
    words = (
        f"{appended + registers} operations: {appended} appends in {len(history.booked)} bookings"
        f" ({history.refused} refused), {registers} registers in {len(history.reads)} reads; {len(anomalies)} anomalies"
    )
    for anomaly in anomalies[:3]:
        print(f"       {anomaly}", flush=True)
    ground.tell("G9", words, not anomalies and appended + registers >= operations)


def _registers(history: History) -> int:
    return sum(len(read.seen) for read in history.reads[:])


def an_economy(app: Flask) -> tuple[list[UUID], list[UUID]]:
    """Two programmes with little money and four pledges."""
    programmes, pledges = [new_id(), new_id()], [new_id() for _ in range(4)]
    with app.app_context():
        session = db.session()
        for kind, owners in (("programme", programmes), ("pledge", pledges)):
            for owner in owners:
                service.open_accounts(session, kind, owner, "GBP")
        for programme in programmes:
            entries = rules.set_budget(programme, 20_000)
            service.post(
                session, kind="budget", reference=str(programme), entries=entries, actor=ANONYMOUS, description="-"
            )
        session.commit()
        db.session.remove()
    return programmes, pledges


def _run(
    app: Flask,
    seed: int,
    history: History,
    owners: tuple[list[UUID], list[UUID]],
    wanted: int,
    writers: int,
    readers: int,
) -> int:
    stop, lock, counts = threading.Event(), threading.Lock(), {"appended": 0}
    programmes, pledges = owners

    def write(place: int) -> None:
        chance = Random(f"{seed} writer {place}")
        with app.app_context():
            while not stop.is_set():
                session, asked = db.session(), time.monotonic()
                try:
                    which = chance.randrange(len(pledges))
                    entries = chance.choice(WAYS)(programmes[which % 2], pledges[which], chance.randint(1, 400))
                    reference = str(new_id())
                    booked = service.post(
                        session, kind="walk", reference=reference, entries=entries, actor=ANONYMOUS, description="-"
                    )
                    session.commit()
                except InsufficientBalance:
                    session.rollback()
                    with lock:
                        history.refused += 1
                    continue
                answered = time.monotonic()
                with lock:
                    history.booked.append(Booked(booked, asked, answered))
                    counts["appended"] += 4

    def read(place: int) -> None:
        with app.app_context():
            while not stop.is_set():
                began = time.monotonic()
                rows = db.session().execute(READ).all()
                db.session().rollback()
                ended = time.monotonic()
                with lock:
                    history.reads.append(Read(place, began, ended, {row[0]: (row[1], row[2]) for row in rows}))
                time.sleep(0.2)

    threads = [threading.Thread(target=write, args=(place,), daemon=True) for place in range(writers)]
    threads += [threading.Thread(target=read, args=(place,), daemon=True) for place in range(readers)]
    for thread in threads:
        thread.start()
    while counts["appended"] < wanted // 2 or _registers(history) < wanted // 2:
        time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join(60)
    return counts["appended"]
