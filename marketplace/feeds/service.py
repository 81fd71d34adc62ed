"""Reading the journal as a feed: what the caller may learn of, in commit order, without gaps."""

from uuid import UUID

from sqlalchemy import and_, case, func, literal, not_, or_, select, true, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement, literal_column

from marketplace.identity.models import Organisation, VerificationAct
from marketplace.proposals.queries import excludes, visible_to
from marketplace.store.journal import Event
from marketplace.values.actor import FUNDING_KINDS, VERIFIED_STATES, Actor, Role

PROPOSAL = "proposal"
FORGETTING = ("proposal.hidden", "proposal.withdrawn")
"""What tells those who saw a proposal that they see it no more: it cannot ask whether they still do."""


def events_after(
    current: Session, actor: Actor, place: tuple[int, int], types: list[str], limit: int, subject: UUID | None = None
) -> list[Event]:
    """Events after `place` (transaction id, sequence), oldest first.

    Read below the oldest transaction that still runs, so that a change which commits later never lands before the
    reader's cursor. At most `limit` + 1 of them: the one too many says that there is more.
    """
    final = Event.xid < func.pg_snapshot_xmin(func.pg_current_snapshot())
    beyond = tuple_(Event.xid, Event.seq) > tuple_(literal_column(f"'{place[0]}'::xid8"), place[1])
    query = select(Event).where(final, beyond, may_learn(actor)).order_by(Event.xid, Event.seq).limit(limit + 1)
    if types:
        query = query.where(Event.type.in_(types))
    if subject is not None:
        query = query.where(Event.subject_id == subject)
    return list(current.scalars(query))


def may_learn(actor: Actor) -> ColumnElement[bool]:
    """The events that the caller may learn of: public ones, their organisations', those for verified funders.

    What an event says of its readers was true when it was written. Of a proposal they must also be true now: whoever
    the group keeps out by now, or who could not see it then, learns nothing of its past. Only that something is to be
    forgotten goes to exactly those who could see it when that was said.
    """
    own = sorted(actor.organisation_ids)
    every = sorted({membership.organisation_id for membership in actor.memberships})
    ways: list[ColumnElement[bool]] = [Event.scope == "public"]
    if own:
        ways += [Event.owner_id.in_(own), and_(Event.organisation_ids.overlap(own), _not_kept_out(every))]
    full = [each for each in actor.memberships if each.role is not Role.GUEST]
    funders = sorted({each.organisation_id for each in full if each.verified and each.kind in FUNDING_KINDS})
    if funders:
        seen = case(
            (Event.type.in_(FORGETTING), or_(*(_verified_then(each) for each in funders))),
            (Event.subject_kind == PROPOSAL, or_(*(visible_to(literal(each), Event.subject_id) for each in funders))),
            else_=true(),
        )
        ways.append(and_(Event.scope == "verified_funders", _not_kept_out(every), seen))
    return or_(*ways)


def _not_kept_out(organisations: list[UUID]) -> ColumnElement[bool]:
    """That none of the organisations was kept out when the event was written, nor is now from the proposal it is of."""
    kept_out_now = or_(*(excludes(literal(each), Event.subject_id) for each in organisations))
    now_too = case((Event.type.in_(FORGETTING), true()), (Event.subject_kind == PROPOSAL, not_(kept_out_now)))
    return and_(~Event.excluded_ids.overlap(organisations), func.coalesce(now_too, true()))


def _verified_then(organisation_id: UUID) -> ColumnElement[bool]:
    """Whether the organisation was here and verified when the event was written, as its record of acts says."""
    of_it = VerificationAct.organisation_id == organisation_id
    until_then, since_then = (
        VerificationAct.created_at <= Event.created_at,
        VerificationAct.created_at > Event.created_at,
    )
    became = select(VerificationAct.became).where(of_it, until_then).order_by(VerificationAct.id.desc())
    was = select(VerificationAct.was).where(of_it, since_then).order_by(VerificationAct.id)
    state = func.coalesce(
        became.limit(1).correlate(Event).scalar_subquery(),
        was.limit(1).correlate(Event).scalar_subquery(),
        Organisation.verification,
    )
    here = select(Organisation.id).where(
        Organisation.id == organisation_id, Organisation.created_at <= Event.created_at
    )
    return here.where(state.in_(sorted(VERIFIED_STATES))).correlate(Event).exists()
