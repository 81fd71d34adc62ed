"""Background work on watches: hearing of changes, the turn of the day, digests. Every job is safe to repeat.

A change defers a job in its own transaction, always: whether anybody watches is not asked then, since a watch that is
being made at the same time would not be seen. The job asks, and gives each watch a job, and a transaction, of its own.
Jobs have no queueing lock: one that is running may have looked before the change that would need it again.
"""

from typing import Any
from uuid import UUID

from procrastinate import RetryStrategy
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from marketplace.programmes.models import Programme
from marketplace.proposals.models import Proposal
from marketplace.reference import codelists
from marketplace.store.base import session
from marketplace.store.jobs import defer, jobs
from marketplace.values.clock import now, today
from marketplace.watches import delivery
from marketplace.watches.models import Watch, WatchChange
from marketplace.watches.recompute import recompute
from marketplace.watches.rules import Delivery, last_boundary

QUEUE = "watches"
AGAIN = RetryStrategy(max_attempts=8, exponential_wait=2)
AT_A_TIME = 500
CAUSES = frozenset(codelists.slugs("watch_causes"))
ANCHOR_EVENTS = frozenset({"programme.published", "programme.closed"})
"""What changes everything for those who watch proposals for the programme."""


# What changes tell


def programme_changed(current: Session, programme: Programme, type_: str) -> None:
    """Something that everyone may see of a programme has changed."""
    cause = _cause(type_.replace(".", "_"), "programme_changed")
    defer(current, hear_of_programme, programme_id=str(programme.id), cause=cause, anchored=type_ in ANCHOR_EVENTS)


def proposal_changed(current: Session, proposal_id: UUID, what: str) -> None:
    """What a proposal says, who sees it, or how sure its facts are has changed."""
    defer(current, hear_of_proposal, proposal_id=str(proposal_id), cause=_cause(f"proposal_{what}", "proposal_changed"))


def organisation_changed(current: Session, organisation_id: UUID, state: str) -> None:
    """An organisation is trusted more, or less: what it sees and what is seen of it changes."""
    defer(current, hear_of_organisation, organisation_id=str(organisation_id))


def watch_changed(current: Session, watch: Watch, cause: str) -> None:
    """A watch was made, resumed, or asks for something else."""
    defer(current, look_again, watch_id=str(watch.id), cause=cause, subject_id=None)


# Hearing of it


@jobs.task(name="watches.hear_of_programme", queue=QUEUE, retry=AGAIN)
def hear_of_programme(programme_id: str, cause: str, anchored: bool, after: str | None = None) -> None:
    """Look again at this programme for everyone who watches programmes, and for those who watch for it."""
    concerned = Watch.kind == "programmes", and_(Watch.kind == "search", Watch.listing == "programmes")
    anchor = Watch.programme_id == UUID(programme_id) if anchored else None
    more = _each(session(), concerned, programme_id, cause, cause, anchor, after)
    if more is not None:
        arguments = {"programme_id": programme_id, "cause": cause, "anchored": anchored}
        defer(session(), hear_of_programme, **arguments, after=more)


@jobs.task(name="watches.hear_of_proposal", queue=QUEUE, retry=AGAIN)
def hear_of_proposal(proposal_id: str, cause: str, after: str | None = None) -> None:
    """Look again at this proposal for everyone who watches proposals, and for the group that watches for it.

    Only the group is told what happened: to others it is that the proposal has changed, where it has for them at all.
    """
    concerned = Watch.kind == "proposals", and_(Watch.kind == "search", Watch.listing == "proposals")
    anchor = Watch.proposal_id == UUID(proposal_id)
    more = _each(session(), concerned, proposal_id, "proposal_changed", cause, anchor, after)
    if more is not None:
        defer(session(), hear_of_proposal, proposal_id=proposal_id, cause=cause, after=more)


@jobs.task(name="watches.hear_of_organisation", queue=QUEUE, retry=AGAIN)
def hear_of_organisation(organisation_id: str) -> None:
    """Look again with the organisation's own watches, and at its programmes and proposals for everyone else."""
    current, owner = session(), UUID(organisation_id)
    for watch_id in current.scalars(select(Watch.id).where(Watch.organisation_id == owner, Watch.ended_at.is_(None))):
        cause = "organisation_changed"
        defer(current, look_again, watch_id=str(watch_id), cause=cause, subject_id=None)
    for programme_id in current.scalars(
        select(Programme.id).where(
            Programme.organisation_id == owner, Programme.current_criteria_version_id.is_not(None)
        )
    ):
        told = {"programme_id": str(programme_id), "cause": "programme_changed", "anchored": False}
        defer(current, hear_of_programme, **told)
    for proposal_id in current.scalars(
        select(Proposal.id).where(Proposal.organisation_id == owner, Proposal.current_version_id.is_not(None))
    ):
        defer(current, hear_of_proposal, proposal_id=str(proposal_id), cause="proposal_changed")


@jobs.task(name="watches.look_again", queue=QUEUE, retry=AGAIN)
def look_again(watch_id: str, cause: str, subject_id: str | None) -> None:
    """Look again with one watch, at one subject or at all."""
    only = None if subject_id is None else {UUID(subject_id)}
    recompute(session(), UUID(watch_id), cause, only=only)


# The clock


@jobs.periodic(cron="2 * * * *")
@jobs.task(name="watches.turn_the_day", queue=QUEUE, queueing_lock="watches.turn_the_day")
def turn_the_day(timestamp: int) -> None:
    """Each hour: look again with every watch that has not looked at everything today. The first is after midnight.

    Midnight in London is a full hour of UTC all year. `timestamp`: seconds, of the round it stands for.
    """
    turn_from(None)


@jobs.task(name="watches.turn_from", queue=QUEUE, retry=AGAIN)
def turn_from(after: str | None) -> None:
    """Give the next watches of the day their jobs."""
    current = session()
    late = (Watch.ended_at.is_(None), ~Watch.paused, or_(Watch.computed_on < today(), Watch.computed_on.is_(None)))
    ids = _next(current, and_(*late), after)
    for watch_id in ids:
        defer(current, look_again_today, watch_id=str(watch_id))
    if len(ids) == AT_A_TIME:
        defer(current, turn_from, after=str(ids[-1]))


@jobs.task(name="watches.look_again_today", queue=QUEUE, retry=AGAIN)
def look_again_today(watch_id: str) -> None:
    """Look at everything with one watch, unless that was done today."""
    watch = session().get(Watch, UUID(watch_id), populate_existing=True)
    if watch is not None and (watch.computed_on is None or watch.computed_on < today()):
        recompute(session(), watch.id, "time_passed")


@jobs.periodic(cron="5 * * * *")
@jobs.task(name="watches.send_digests", queue=QUEUE, queueing_lock="watches.send_digests")
def send_digests(timestamp: int) -> None:
    """Each hour: write the digests that are due. `timestamp`: seconds, of the round it stands for."""
    digests_from(None)


@jobs.task(name="watches.digests_from", queue=QUEUE, retry=AGAIN)
def digests_from(after: str | None) -> None:
    """Give the next watches with something to tell their jobs."""
    current, moment = session(), now()
    waiting = select(WatchChange.id).where(WatchChange.watch_id == Watch.id, WatchChange.awaits_letter)
    ids = _next(current, and_(waiting.exists(), ~Watch.paused, _due(moment)), after)
    for watch_id in ids:
        defer(current, send_digest, watch_id=str(watch_id))
    if len(ids) == AT_A_TIME:
        defer(current, digests_from, after=str(ids[-1]))


@jobs.task(name="watches.send_digest", queue=QUEUE, retry=AGAIN)
def send_digest(watch_id: str) -> None:
    """Write one watch's digest, if it is still due."""
    delivery.send_digest(session(), UUID(watch_id))


def _due(moment: Any) -> ColumnElement[bool]:
    """`rules.is_due` in SQL, so that no watch is given a job for nothing; the job asks again under the lock."""
    last = func.coalesce(Watch.last_letter_at, Watch.created_at)
    return or_(
        Watch.delivery == Delivery.AT_ONCE.value,
        *(
            and_(Watch.delivery == each.value, last < last_boundary(each, moment))
            for each in (Delivery.DAILY, Delivery.WEEKLY)
        ),
    )


def _cause(said: str, otherwise: str) -> str:
    """What was said, where clients have a word for it."""
    return said if said in CAUSES else otherwise


def _each(
    current: Session,
    concerned: tuple[ColumnElement[bool], ...],
    subject_id: str,
    cause: str,
    own_cause: str,
    anchor: ColumnElement[bool] | None,
    after: str | None,
) -> str | None:
    """Give the next watches that are concerned a job each; the last of them where there may be more.

    Those that are `anchor`ed to the subject look at everything, once, with the first of the others.
    """
    if anchor is not None and after is None:
        for watch_id in current.scalars(select(Watch.id).where(anchor, Watch.ended_at.is_(None))):
            defer(current, look_again, watch_id=str(watch_id), cause=own_cause, subject_id=None)
    ids = _next(current, and_(or_(*concerned), Watch.ended_at.is_(None), ~Watch.paused), after)
    for watch_id in ids:
        defer(current, look_again, watch_id=str(watch_id), cause=cause, subject_id=subject_id)
    return str(ids[-1]) if len(ids) == AT_A_TIME else None


def _next(current: Session, condition: ColumnElement[bool], after: str | None) -> list[UUID]:
    rows = select(Watch.id).where(condition).order_by(Watch.id).limit(AT_A_TIME)
    if after is not None:
        rows = rows.where(Watch.id > UUID(after))
    return list(current.scalars(rows))
