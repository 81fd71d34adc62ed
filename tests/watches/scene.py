"""A group and its proposal, a funder and its programme, watches on both sides, and a worker that is told to run."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation, User
from marketplace.programmes import service as programmes
from marketplace.programmes.models import Programme
from marketplace.proposals import service as proposals
from marketplace.proposals.models import Proposal
from marketplace.store.jobs import jobs
from marketplace.store.mail import present_settings, unseal
from marketplace.watches.models import Watch, WatchChange, WatchMatch
from marketplace.watches.recompute import recompute
from marketplace.watches.service import make_watch
from tests.builders import Person, a_member, an_organisation
from tests.matching.builders import a_criterion, a_programme
from tests.proposals.builders import a_proposal, seen, share

OPEN = {"staff_count": "open"}
"""The group shows how many they are to whoever sees the proposal."""
SMALL = a_criterion("STAFF_MAX", "staff_count", "lte", 50)
LARGE = a_criterion("STAFF_MAX", "staff_count", "lte", 500)
FEW = a_criterion("STAFF_MAX", "staff_count", "lte", 10)


def waiting_jobs(session: Session, prefix: str = "watches.") -> list[tuple[int, str, dict[str, Any]]]:
    """(id, task, arguments) of the jobs that are waiting, the oldest first."""
    rows = session.execute(
        text("SELECT id, task_name, args FROM procrastinate_jobs WHERE task_name LIKE :prefix ORDER BY id"),
        {"prefix": f"{prefix}%"},
    )
    return [(row[0], row[1], row[2]) for row in rows]


def run(session: Session, name: str, arguments: dict[str, Any]) -> None:
    """Run one job as the worker does, in a transaction of its own."""
    jobs.tasks[name](**arguments)
    session.commit()


def work(session: Session, *, backwards: bool = False, times: int = 1) -> int:
    """Run every waiting job on watches, and those that they make, until none is left; how many there were."""
    done = 0
    while waiting := waiting_jobs(session):
        for job, name, arguments in reversed(waiting) if backwards else waiting:
            session.execute(text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": job})
            for _ in range(times):
                run(session, name, arguments)
            done += 1
    return done


def letters(session: Session) -> Iterator[dict[str, str]]:
    """The letters that are waiting to be sent."""
    for _, _, arguments in waiting_jobs(session, "mail.deliver"):
        yield unseal(present_settings(), arguments["sealed"])


def forget_letters(session: Session) -> None:
    """As if they had been sent."""
    session.execute(text("DELETE FROM procrastinate_jobs WHERE task_name = 'mail.deliver'"))
    session.commit()


def changes(session: Session, watch_id: UUID) -> list[tuple[UUID, str | None, str | None, str]]:
    """(subject, was, became, cause) of all that a watch recorded, in order."""
    rows = select(WatchChange).where(WatchChange.watch_id == watch_id).order_by(WatchChange.number)
    found = session.scalars(rows.execution_options(populate_existing=True))
    return [(row.subject_id, row.was, row.became, row.cause) for row in found]


def found(session: Session, watch_id: UUID) -> dict[UUID, str]:
    """What a watch holds."""
    rows = session.execute(select(WatchMatch.subject_id, WatchMatch.result).where(WatchMatch.watch_id == watch_id))
    return {row[0]: row[1] for row in rows}


@dataclass
class Scene:
    """One of everything. The programme takes groups of at most fifty; the group has forty."""

    session: Session
    client: FlaskClient
    group: Organisation
    nurse: Person
    funder: Organisation
    officer: Person
    programme: Programme
    proposal: Proposal
    watches: dict[str, UUID] = field(default_factory=dict)

    def watch(self, owner: str, **draft: Any) -> UUID:
        """A watch that has begun: `group` over programmes, `funder` over proposals, unless told otherwise."""
        organisation, person = (self.group, self.nurse) if owner == "group" else (self.funder, self.officer)
        kind = "programmes" if owner == "group" else "proposals"
        anchor = {"proposal_id": self.proposal.id} if owner == "group" else {"programme_id": self.programme.id}
        plain = {"kind": kind, "name": "Kestrels", "query": {}, "delivery": "at_once", "paused": False}
        asked = {**plain, **({} if draft.get("kind") == "search" else anchor), **draft}
        made = make_watch(self.session, person.actor(self.session), organisation.id, asked)
        watch_id = made.id
        self.session.commit()
        work(self.session)
        return watch_id

    def watched(self, watch_id: UUID) -> Watch:
        return self.session.get_one(Watch, watch_id, populate_existing=True)

    def publish_criteria(self, *criteria: dict[str, Any], programme: Programme | None = None) -> None:
        held = self.session.get_one(Programme, (programme or self.programme).id, populate_existing=True)
        held.criteria = {"schema_version": 1, "criteria": list(criteria)}
        self.session.flush()
        programmes.publish_criteria(self.session, self.officer.actor(self.session), held.id)
        self.session.commit()

    def answer(self, facts: dict[str, Any], *, section: str = "people", publish: bool = True) -> None:
        actor = self.nurse.actor(self.session)
        proposals.write_facts(self.session, actor, self.proposal.id, section, facts, seen)
        if publish:
            proposals.publish_proposal(self.session, actor, self.proposal.id)
        self.session.commit()

    def share(self, **members: Any) -> None:
        share(
            self.session, self.proposal.id, self.nurse, **{"visibility": "verified_funders", "facts": OPEN, **members}
        )

    def get(self, path: str, who: Person, **query: Any) -> Any:
        return self.client.get(f"/v1{path}", query_string=query, headers=who.headers)

    def post(self, path: str, who: Person, body: Any = None) -> Any:
        return self.client.post(f"/v1{path}", json=body, headers=who.headers)

    def address(self, person: Person) -> str:
        return self.session.get_one(User, person.id).email

    def letters_to(self, person: Person) -> list[dict[str, str]]:
        address = self.address(person)
        return [each for each in letters(self.session) if each["to"] == address]


def a_scene(session: Session, client: FlaskClient, *, visibility: str = "verified_funders") -> Scene:
    """A published programme, and a published proposal that verified funders see."""
    group = an_organisation(session, name="Riverside speech therapy")
    nurse = a_member(session, group)
    funder = an_organisation(session, kind="funder", name="Leeds Seed Fund")
    officer = a_member(session, funder)
    programme = a_programme(session, funder, officer.id, SMALL, title="Seed grants for mutuals")
    proposal = a_proposal(session, group, nurse, shared={"visibility": visibility, "facts": OPEN})
    session.execute(text("DELETE FROM procrastinate_jobs"))
    session.commit()
    return Scene(session, client, group, nurse, funder, officer, programme, proposal)


__all__ = [
    "FEW",
    "LARGE",
    "SMALL",
    "Scene",
    "a_scene",
    "changes",
    "forget_letters",
    "found",
    "letters",
    "recompute",
    "run",
    "waiting_jobs",
    "work",
]
