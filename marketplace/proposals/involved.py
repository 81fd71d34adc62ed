"""Whom a proposal involves, for finding conflicts of interest: its group and its parent. And who may know of it."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from marketplace.governance.rules import Involved
from marketplace.proposals.hooks import is_party
from marketplace.proposals.models import Proposal
from marketplace.proposals.queries import visible_to
from marketplace.proposals.reading import proposal_seen
from marketplace.values.actor import Actor
from marketplace.values.refusals import NotFound


def involved_in(session: Session, proposal_id: UUID) -> Iterator[Involved]:
    """The group, and the parent by its organisation or its identifier; nothing where there is no such proposal."""
    proposal = session.get(Proposal, proposal_id)
    if proposal is None:
        return
    yield Involved("group", proposal.organisation_id)
    if proposal.parent_organisation_id is not None:
        yield Involved("parent", proposal.parent_organisation_id)
    elif proposal.parent_identifier is not None:
        yield Involved("parent", identifier=proposal.parent_identifier)


def is_seen(session: Session, actor: Actor, proposal_id: UUID) -> bool:
    """True where the caller may see the proposal, as its own reading would show it."""
    try:
        proposal_seen(session, actor, proposal_id)
    except NotFound:
        return False
    return True


def is_shown_to(session: Session, proposal_id: UUID, organisation_id: UUID) -> bool:
    """True where the organisation may see the proposal, is party to a promise to it, or is its group."""
    query = select(Proposal.id).where(Proposal.id == proposal_id)
    own_or_visible = query.where((Proposal.organisation_id == organisation_id) | visible_to(literal(organisation_id)))
    return session.scalar(own_or_visible) is not None or is_party(session, proposal_id, frozenset({organisation_id}))
