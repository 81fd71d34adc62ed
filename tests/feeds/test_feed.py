"""The event feed over HTTP: in commit order, without gaps, and only what the reader may learn of."""

import base64
import time
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace.identity.models import Membership, Organisation, OrganisationIdentifier, VerificationAct
from marketplace.proposals import service as proposals
from marketplace.store import journal
from marketplace.store.base import db, new_id
from marketplace.store.journal import Audience, only
from marketplace.values.actor import Actor
from tests.builders import Person, a_member, an_organisation
from tests.proposals.builders import a_group, a_proposal, share

pytestmark = pytest.mark.slow


class Reader:
    """Somebody who polls the feed."""

    def __init__(self, app: Flask, person: Person) -> None:
        self.app = app
        self.person = person
        self.cursor: str | None = None

    def poll(self, **query: Any) -> list[str]:
        """The types of what is new since the last poll."""
        asked = query | ({"after": self.cursor} if self.cursor else {})
        answer = self.app.test_client().get("/v1/events", query_string=asked, headers=self.person.headers)
        assert answer.status_code == 200, answer.json
        self.cursor = answer.json["next_cursor"]
        return [each["type"] for each in answer.json["data"]]

    def read_to_end(self, **query: Any) -> list[str]:
        """Everything up to the event `thing.end`, which is for all.

        May take some polls: a transaction that runs in any database of the server holds the feed back.
        """
        found: list[str] = []
        for _ in range(300):
            found += self.poll(**query)
            if "thing.end" in found:
                return [type_ for type_ in found if type_ != "thing.end"]
            time.sleep(0.1)
        raise AssertionError(f"the end never came: {found}")


def end(session: Session) -> None:
    """Say to all that the test's events are over."""
    note(session, "thing.end", Audience(frozenset(), public=True))
    session.commit()


def note(session: Session, type_: str, audience: Audience) -> None:
    subject = new_id()
    journal.record(session, type_, "thing", subject, actor=Actor(), audience=audience, path=f"/v1/things/{subject}")
    session.flush()


@pytest.fixture
def app(committed_app: Flask) -> Flask:
    return committed_app


def test_a_change_that_commits_later_is_never_skipped(app: Flask) -> None:
    with app.app_context():
        session = db.session()
        organisation = an_organisation(session)
        reader = Reader(app, a_member(session, organisation))
        engine, own = db.engine, only(organisation.id)
    with Session(engine) as slow, Session(engine) as fast:
        note(slow, "slow.began", own)
        note(fast, "fast.done", own)
        fast.commit()
        assert reader.poll(limit=100) == []
        slow.commit()
        end(slow)
    assert sorted(reader.read_to_end(limit=100)) == ["fast.done", "slow.began"]
    assert reader.poll(limit=100) == []


def test_pages_of_the_feed_hold_every_event_once(app: Flask) -> None:
    with app.app_context():
        session = db.session()
        organisation = an_organisation(session)
        reader = Reader(app, a_member(session, organisation))
        for number in range(7):
            note(session, f"thing.{number}", only(organisation.id))
            session.commit()
        end(session)

    assert reader.read_to_end(limit=2) == [f"thing.{number}" for number in range(7)]


def test_types_are_filtered(app: Flask) -> None:
    with app.app_context():
        session = db.session()
        organisation = an_organisation(session)
        reader = Reader(app, a_member(session, organisation))
        for type_ in ("thing.made", "thing.lost", "thing.found"):
            note(session, type_, only(organisation.id))
        end(session)

    assert reader.read_to_end(types="thing.made,thing.found,thing.end") == ["thing.made", "thing.found"]


def test_each_audience_learns_what_it_may(app: Flask) -> None:
    with app.app_context():
        session = db.session()
        group = an_organisation(session)
        employer = an_organisation(session, kind="public_body", name="The trust")
        funder = an_organisation(session, kind="funder", name="A fund")
        doubtful = an_organisation(session, kind="funder", name="An unverified fund", verification="unverified")
        people = {each: a_member(session, each) for each in (group, employer, funder, doubtful)}
        readers = {each.name["en"]: Reader(app, person) for each, person in people.items()}
        note(session, "thing.private", Audience(frozenset({group.id}), owner=group.id))
        shared = Audience(
            frozenset({group.id}), verified_funders=True, excluded=frozenset({employer.id}), owner=group.id
        )
        note(session, "thing.shared", shared)
        note(session, "thing.public", Audience(frozenset({group.id}), public=True, owner=group.id))
        end(session)

    learned = {name: reader.read_to_end() for name, reader in readers.items()}

    assert learned == {
        "Riverside speech therapy": ["thing.private", "thing.shared", "thing.public"],
        "The trust": ["thing.public"],
        "A fund": ["thing.shared", "thing.public"],
        "An unverified fund": ["thing.public"],
    }


def test_a_person_with_two_hats_learns_nothing_that_one_of_them_is_kept_from(app: Flask) -> None:
    with app.app_context():
        session = db.session()
        group, employer = an_organisation(session), an_organisation(session, kind="public_body", name="The trust")
        named = an_organisation(session, kind="funder", name="A fund")
        person = a_member(session, employer)
        _join(session, named.id, person)
        audience = Audience(frozenset({group.id, named.id}), excluded=frozenset({employer.id}), owner=group.id)
        note(session, "thing.shared", audience)
        end(session)

    assert Reader(app, person).read_to_end() == []


def test_a_member_of_the_group_learns_of_it_whatever_else_they_are(app: Flask) -> None:
    with app.app_context():
        session = db.session()
        group, employer = an_organisation(session), an_organisation(session, kind="public_body", name="The trust")
        person = a_member(session, employer)
        _join(session, group.id, person)
        note(
            session, "thing.shared", Audience(frozenset({group.id}), excluded=frozenset({employer.id}), owner=group.id)
        )
        session.commit()

    assert Reader(app, person).poll(types="thing.shared") == ["thing.shared"]


class Market:
    """A published proposal that verified funders see, and whoever reads of it."""

    def __init__(self, app: Flask) -> None:
        self.app, self.session = app, db.session()
        group, self.person = a_group(self.session)
        employer = {"parent_identifier": "GB-COH-01234567"}
        shared = {"visibility": "verified_funders"}
        self.proposal = a_proposal(self.session, group, self.person, employer=employer, shared=shared)

    def reader(self, organisation: Organisation) -> Reader:
        return Reader(self.app, a_member(self.session, organisation))

    def withdraw(self) -> None:
        proposals.withdraw_proposal(self.session, self.person.actor(self.session), self.proposal.id)
        self.session.commit()

    def learned(self, *organisations: Organisation) -> list[list[str]]:
        end(self.session)
        return [self.reader(each).read_to_end() for each in organisations]


def test_a_body_that_turns_out_to_be_the_parent_learns_nothing_of_the_past(app: Flask) -> None:
    with app.app_context():
        market = Market(app)
        parent, funder = (an_organisation(market.session, kind=kind) for kind in ("public_body", "funder"))
        share(market.session, market.proposal.id, market.person, visibility="verified_funders", named=[parent.id])
        share(market.session, market.proposal.id, market.person, visibility="verified_funders")
        parent.identifiers.append(OrganisationIdentifier(scheme="GB-COH", number="01234567"))
        market.session.commit()
        ours, theirs = market.learned(parent, funder)

    assert ours == ["proposal.hidden"]
    assert theirs == ["proposal.published", "proposal.shared", "proposal.shared", "proposal.hidden"]


def test_of_what_is_gone_a_funder_learns_only_that_it_is_to_forget_it(app: Flask) -> None:
    with app.app_context():
        market = Market(app)
        then = an_organisation(market.session, kind="funder")
        unverified = an_organisation(market.session, kind="funder", verification="unverified")
        market.withdraw()
        later = an_organisation(market.session, kind="funder")
        act = {"was": "unverified", "became": "vouched", "by_user_id": market.person.id, "reason": "We know them."}
        market.session.add(VerificationAct(organisation_id=unverified.id, **act))
        unverified.verification = "vouched"
        market.session.commit()
        saw_it, came_late, was_unverified = market.learned(then, later, unverified)

    assert saw_it == ["proposal.withdrawn"]
    assert came_late == []
    assert was_unverified == []


def test_a_page_that_is_just_full_is_the_last(app: Flask) -> None:
    with app.app_context():
        session = db.session()
        organisation = an_organisation(session)
        reader = Reader(app, a_member(session, organisation))
        for number in range(2):
            note(session, f"thing.{number}", only(organisation.id))
        end(session)
    assert reader.read_to_end() == ["thing.0", "thing.1"]

    def more(limit: int) -> bool:
        answer = app.test_client().get(f"/v1/events?limit={limit}", headers=reader.person.headers)
        return bool(answer.json["has_more"])

    assert (more(2), more(3)) == (True, False)


def test_a_cursor_tells_its_holder_nothing(app: Flask) -> None:
    with app.app_context():
        session = db.session()
        organisation = an_organisation(session)
        reader = Reader(app, a_member(session, organisation))
        note(session, "thing.made", only(organisation.id))
        end(session)
    reader.read_to_end()

    assert reader.cursor is not None
    plain = base64.urlsafe_b64decode(reader.cursor + "==")
    assert b"feed" not in plain
    changed = ("A" if reader.cursor[0] != "A" else "B") + reader.cursor[1:]
    answer = app.test_client().get(f"/v1/events?after={changed}", headers=reader.person.headers)
    assert answer.status_code == 422


def test_a_tampered_cursor_is_refused(app: Flask) -> None:
    with app.app_context():
        person = a_member(db.session(), an_organisation(db.session()))
    answer = app.test_client().get("/v1/events?after=WyJmZWVkIiwxLDJd.forged", headers=person.headers)

    assert answer.status_code == 422


@pytest.mark.parametrize("table", ["event", "audit_entry"])
@pytest.mark.parametrize("act", ["UPDATE {} SET type = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_journal_cannot_be_rewritten(app: Flask, table: str, act: str) -> None:
    with app.app_context():
        session = db.session()
        note(session, "thing.made", only(an_organisation(session).id))
        session.commit()
        with pytest.raises(Exception, match="append-only"):
            session.execute(text(act.format(table)))


def _join(session: Session, organisation_id: Any, person: Person) -> None:
    session.add(Membership(organisation_id=organisation_id, user_id=person.id, role="owner"))
    session.commit()
