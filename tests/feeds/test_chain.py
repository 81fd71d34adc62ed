"""The audit chain: one entry for each organisation concerned, without gaps, in commit order, written by the commit."""

from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.feeds.verification import verify
from marketplace.ledger import service as ledger
from marketplace.ledger.rules import AccountKey, Entry
from marketplace.store import journal
from marketplace.store.base import db, new_id
from marketplace.store.chain import EVENT_NAMES, GENESIS, MARKETPLACE, AuditHead
from marketplace.store.journal import AuditEntry, only
from marketplace.values.actor import Actor
from tests.builders import a_member, a_person, an_organisation


def note(session: Session, *organisations: UUID, type_: str = "thing.made", actor: Actor | None = None) -> None:
    subject = new_id()
    path = f"/v1/things/{subject}"
    journal.record(
        session, type_, "thing", subject, actor=actor or Actor(), audience=only(*organisations), path=path, after={}
    )


def chain_of(session: Session, organisation_id: UUID) -> list[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.organisation_id == organisation_id).order_by(AuditEntry.seq)
    return list(session.scalars(query))


def faults(session: Session, *args: Any) -> list[str]:
    return [str(each) for each in verify(session, *args).faults]


def test_an_event_that_the_commit_writes_is_the_one_that_a_flush_would_have_written(session: Session) -> None:
    at, written = [new_id() for _ in range(3)], []
    heard = journal.Audience(frozenset(at[:2]), verified_funders=True, excluded=frozenset(at[2:]), owner=at[0])
    for flushed in (True, False):
        event = journal.record(
            session, "thing.made", "thing", at[0], actor=Actor(), audience=heard, path="/v1/things/1", after={}
        )
        query = select(journal.Event.__table__).where(journal.Event.id == event.id)
        if flushed:
            session.flush()
        session.commit()
        row = session.execute(query).mappings().one()
        written.append(dict(row))

    of_the_moment = {"id", "seq", "xid", "created_at"}
    by_flush, by_commit = ({k: v for k, v in row.items() if k not in of_the_moment} for row in written)
    assert by_commit == by_flush
    assert written[0].keys() == {*EVENT_NAMES, *of_the_moment}
    assert faults(session) == []


def test_each_organisation_concerned_has_its_own_chain(session: Session) -> None:
    one, other = new_id(), new_id()
    note(session, one, other)
    note(session, one)
    session.commit()
    note(session, one)
    session.commit()

    ours = chain_of(session, one)
    assert [each.seq for each in ours] == [1, 2, 3]
    assert [each.prev_hash for each in ours] == [GENESIS, ours[0].hash, ours[1].hash]
    assert [each.seq for each in chain_of(session, other)] == [1]
    head = session.get_one(AuditHead, one)
    assert (head.seq, head.hash) == (3, ours[2].hash)
    assert faults(session) == []


def test_what_is_rolled_back_leaves_neither_entry_nor_gap(session: Session) -> None:
    one = new_id()
    note(session, one)
    session.rollback()
    note(session, one)
    session.commit()

    assert [each.seq for each in chain_of(session, one)] == [1]
    assert faults(session) == []


def test_what_a_savepoint_undoes_leaves_no_entry_and_the_rest_stays(session: Session) -> None:
    one = new_id()
    note(session, one, type_="thing.before")
    with session.begin_nested():
        note(session, one, type_="thing.kept")
    point = session.begin_nested()
    with session.begin_nested():
        note(session, one, type_="thing.undone_within")
    note(session, one, type_="thing.undone")
    point.rollback()
    note(session, one, type_="thing.after")
    session.commit()

    assert [each.type for each in chain_of(session, one)] == ["thing.before", "thing.kept", "thing.after"]
    assert faults(session) == []


def test_a_closed_session_forgets_what_it_had_not_committed(session: Session) -> None:
    one = new_id()
    note(session, one)
    session.close()
    session.commit()

    assert chain_of(session, one) == []


def test_digests_are_keyed_by_subject(session: Session) -> None:
    one, subject, other = new_id(), new_id(), new_id()
    for each, content in ((subject, {"a": 1}), (subject, {"a": 1}), (subject, {"a": 2}), (other, {"a": 1})):
        journal.record(
            session, "thing.made", "thing", each, actor=Actor(), audience=only(one), path="/v1/things", after=content
        )
    session.commit()

    digests = [each.after for each in chain_of(session, one)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_an_insider_is_whoever_acted_for_the_organisation(session: Session) -> None:
    organisation = an_organisation(session)
    member, stranger = a_member(session, organisation), a_person(session)
    for each in (member, stranger):
        note(session, organisation.id, actor=each.actor(session))
    session.commit()

    assert [each.insider for each in chain_of(session, organisation.id)] == [True, False]


def test_a_booking_is_bound_by_the_entry_that_follows_it(session: Session) -> None:
    one, programme = new_id(), new_id()
    note(session, one, type_="thing.before")
    first = book(session, programme, "first")
    note(session, one, type_="thing.booked")
    second = book(session, programme, "second")
    session.commit()

    contents = [each.content for each in chain_of(session, one)]
    assert contents[0] is None
    assert [each["id"] for each in (contents[1] or {})["binds"]] == [str(first), str(second)]
    assert faults(session) == []


def test_a_booking_that_no_organisation_hears_of_is_in_the_marketplaces_own_chain(session: Session) -> None:
    before = session.scalar(select(func.coalesce(func.max(AuditHead.seq), 0)).filter_by(organisation_id=MARKETPLACE))
    booked = book(session, new_id(), "alone")
    session.commit()

    latest = chain_of(session, MARKETPLACE)[-1]
    assert latest.seq == (before or 0) + 1
    assert (latest.type, latest.subject_id) == ("row.written", booked)
    assert faults(session) == []


def book(session: Session, programme: UUID, reference: str, amount: int = 100) -> UUID:
    """A booking of the budget."""
    ledger.open_accounts(session, "programme", programme, "GBP")
    entries = [
        Entry(AccountKey("programme", programme, "budget_source"), -amount),
        Entry(AccountKey("programme", programme, "available"), amount),
    ]
    return ledger.post(
        session, kind="budget", reference=f"{programme} {reference}", entries=entries, actor=Actor(), description="Set"
    )


@pytest.mark.slow
def test_commits_at_once_leave_no_gap_and_lock_heads_without_deadlock(committed_app: Flask) -> None:
    """L8: 8 threads, 25 commits each, over the same three organisations named in any order."""
    organisations = [new_id() for _ in range(3)]
    with committed_app.app_context():
        engine = db.engine
    start, failures = Barrier(8), []

    def work(number: int) -> None:
        start.wait()
        for turn in range(25):
            mine = organisations[(number + turn) % 3 :] + organisations[: (number + turn) % 3]
            try:
                with committed_app.app_context(), Session(engine) as current:
                    for each in mine:
                        note(current, each)
                    current.commit()
            except Exception as error:
                failures.append(error)

    threads = [Thread(target=work, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    with committed_app.app_context():
        session = db.session()
        assert failures == []
        for each in organisations:
            assert [entry.seq for entry in chain_of(session, each)] == list(range(1, 201))
        assert faults(session) == []
