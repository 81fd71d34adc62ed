"""Reading the journal as a feed: what the caller may learn of, in commit order, without gaps."""

from uuid import UUID

from sqlalchemy import and_, func, or_, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement, literal_column

from marketplace.store.journal import Event
from marketplace.values.actor import FUNDING_KINDS, Actor
from marketplace.web.paging import Page


def events_after(
    current: Session, actor: Actor, place: tuple[int, int], types: list[str], limit: int, subject: UUID | None = None
) -> Page:
    """Events after `place` (transaction id, sequence), oldest first.

    Read below the oldest transaction that still runs, so that a change which commits later never lands before the
    reader's cursor. The page always carries a position to go on from.
    """
    final = Event.xid < func.pg_snapshot_xmin(func.pg_current_snapshot())
    beyond = tuple_(Event.xid, Event.seq) > tuple_(literal_column(f"'{place[0]}'::xid8"), place[1])
    query = select(Event).where(final, beyond, may_learn(actor)).order_by(Event.xid, Event.seq).limit(limit)
    if types:
        query = query.where(Event.type.in_(types))
    if subject is not None:
        query = query.where(Event.subject_id == subject)
    rows = list(current.scalars(query))
    last = [int(rows[-1].xid), rows[-1].seq] if rows else list(place)
    return Page(rows, last)


def may_learn(actor: Actor) -> ColumnElement[bool]:
    """The events that the caller may learn of: public ones, their organisations', those for verified funders."""
    own = sorted(actor.organisation_ids)
    ways: list[ColumnElement[bool]] = [Event.scope == "public"]
    if own:
        ways.append(Event.organisation_ids.overlap(own))
    if any(each.verified and each.kind in FUNDING_KINDS for each in actor.memberships):
        ways.append(and_(Event.scope == "verified_funders", ~Event.excluded_ids.overlap(own)))
    return or_(*ways)
