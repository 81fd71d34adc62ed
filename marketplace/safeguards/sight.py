"""Who sees a proposal's public assurance statement: everyone where proposal or statement is open, else who sees names.

The group and its guests always; others never once the proposal is withdrawn or its group suspended.
"""

from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from marketplace.proposals.models import Proposal
from marketplace.proposals.queries import is_public, of_suspended_group
from marketplace.proposals.sight import seen_plainly
from marketplace.safeguards.models import AssuranceStatement
from marketplace.values.actor import Actor
from marketplace.values.refusals import NotFound


def statement_seen(current: Session, actor: Actor, proposal_id: UUID) -> Proposal:
    """The proposal whose statements the caller may read. NotFound where they may not, or there is none for them."""
    proposal = current.get(Proposal, proposal_id)
    if proposal is None:
        raise NotFound()
    if in_group(actor, proposal):
        return proposal
    if latest_number(current, proposal_id) is None or not _open_to(current, actor, proposal_id):
        raise NotFound()
    return proposal


def in_group(actor: Actor, proposal: Proposal) -> bool:
    """Whether the caller is a member of the group, or a guest of the proposal."""
    return actor.membership_in(proposal.organisation_id) is not None or actor.guest_of(proposal.id) is not None


def latest_number(current: Session, proposal_id: UUID) -> int | None:
    """The number of the statement's latest version; None before the first."""
    return current.scalar(select(func.max(AssuranceStatement.number)).filter_by(proposal_id=proposal_id))


def is_open_to_all(current: Session, proposal_id: UUID) -> bool:
    """Whether anyone may read the statement: the proposal is public, or its latest version is open to all."""
    latest = (
        select(AssuranceStatement.open_to_all)
        .where(AssuranceStatement.proposal_id == Proposal.id)
        .order_by(AssuranceStatement.number.desc())
        .limit(1)
        .correlate(Proposal)
        .scalar_subquery()
    )
    shown = and_(Proposal.state == "active", ~of_suspended_group())
    query = select(Proposal.id).where(Proposal.id == proposal_id, or_(is_public(), and_(shown, latest)))
    return current.scalar(query) is not None


def _open_to(current: Session, actor: Actor, proposal_id: UUID) -> bool:
    if is_open_to_all(current, proposal_id):
        return True
    shown = and_(Proposal.state == "active", ~of_suspended_group())
    query = select(Proposal.id).where(Proposal.id == proposal_id, shown, seen_plainly(actor))
    return current.scalar(query) is not None
