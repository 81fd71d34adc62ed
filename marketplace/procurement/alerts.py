"""Ends of contracts told ahead: a letter to those of the group who write, and an event, once for each day of an end.

The days are those of bids that were won and of the published fact `contract_ends_on`. What is told and the row that
says so are committed together; a twin finds the row and tells nothing. Next steps ask for the next end to bid for.
"""

from datetime import date
from uuid import UUID

from sqlalchemy import Date, Subquery, and_, cast, func, or_, select, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.identity.members import addresses_of
from marketplace.identity.models import Organisation
from marketplace.procurement import letters
from marketplace.procurement.models import Bid, ContractEndAlert
from marketplace.procurement.record_rules import alert_horizon
from marketplace.proposals.models import Proposal, ProposalProjection
from marketplace.store import journal, mail
from marketplace.store.base import new_id
from marketplace.values.actor import Actor, Role
from marketplace.values.clock import today

WRITERS = (Role.OWNER, Role.EDITOR)


def tell_of_contract_ends(session: Session, after: UUID | None, limit: int) -> tuple[int, UUID | None]:
    """Tell the groups of the next `limit` proposals of ends that are near; how many, and where to go on, if at all."""
    ends: dict[UUID, list[date]] = {}
    for proposal_id, ends_on in _untold(session, after, limit):
        ends.setdefault(proposal_id, []).append(ends_on)
    told = sum(_tell(session, proposal_id, ends_on) for proposal_id, days in ends.items() for ends_on in days)
    session.flush()
    return told, max(ends) if len(ends) == limit else None


def _untold(session: Session, after: UUID | None, limit: int) -> list[tuple[UUID, date]]:
    """Ends from today up to the horizon that nobody was told of, of at most `limit` proposals, in their order."""
    ends = _ends()
    alerted = (
        select(ContractEndAlert.id)
        .where(ContractEndAlert.proposal_id == ends.c.proposal_id, ContractEndAlert.ends_on == ends.c.ends_on)
        .exists()
    )
    due = (
        select(ends.c.proposal_id, ends.c.ends_on)
        .join(Proposal, Proposal.id == ends.c.proposal_id)
        .join(Organisation, Organisation.id == Proposal.organisation_id)
        .where(
            ends.c.ends_on.between(today(), alert_horizon(today())),
            Proposal.state == "active",
            Organisation.verification != "suspended",
            ~alerted,
        )
    )
    if after is not None:
        due = due.where(ends.c.proposal_id > after)
    proposals = due.with_only_columns(ends.c.proposal_id).distinct().order_by(ends.c.proposal_id).limit(limit)
    rows = session.execute(due.where(ends.c.proposal_id.in_(proposals)).order_by(ends.c.proposal_id, ends.c.ends_on))
    return [(row[0], row[1]) for row in rows]


def next_end_to_bid_for(session: Session, proposal_id: UUID) -> date | None:
    """The next end of a proposal's contracts within the notice; None where there is none, or the rest is in hand.

    In hand: the group has bid in the contract's next tender and waits for the outcome, or has won a later end by it.
    For the group and its guests: whoever asks has looked who calls.
    """
    ends = _ends()
    later = or_(Bid.outcome.is_(None), and_(Bid.outcome == "won", Bid.ends_on > ends.c.ends_on))
    in_hand = select(Bid.id).where(Bid.proposal_id == proposal_id, Bid.occasion == "re_tender", later).exists()
    near = ends.c.ends_on.between(today(), alert_horizon(today()))
    next_end = select(func.min(ends.c.ends_on)).where(ends.c.proposal_id == proposal_id, near, ~in_hand)
    found: date | None = session.scalar(next_end)
    return found


def _ends() -> Subquery:
    """Every last day of a contract: of the bids that were won, and of what was published."""
    of_facts = cast(ProposalProjection.facts["contract_ends_on"].astext, Date)
    of_bids = select(Bid.proposal_id.label("proposal_id"), Bid.ends_on.label("ends_on")).where(Bid.outcome == "won")
    published = select(ProposalProjection.proposal_id, of_facts).where(of_facts.is_not(None))
    return union(of_bids, published).subquery()


def _tell(session: Session, proposal_id: UUID, ends_on: date) -> int:
    kept = insert(ContractEndAlert).values(id=new_id(), proposal_id=proposal_id, ends_on=ends_on)
    if session.execute(kept.on_conflict_do_nothing().returning(ContractEndAlert.id)).scalar() is None:
        return 0
    proposal = session.get_one(Proposal, proposal_id)
    for address in addresses_of(session, proposal.organisation_id, WRITERS):
        mail.send(session, address, *letters.contract_end(proposal_id, ends_on))
    journal.record(
        session, "contract.ends_soon", "proposal", proposal_id, actor=Actor(),
        audience=journal.only(proposal.organisation_id), path=f"/v1/proposals/{proposal_id}",
    )  # fmt: skip
    return 1
