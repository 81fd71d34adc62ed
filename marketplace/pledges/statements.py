"""Statements of programmes, pledges and proposals, and what a fiscal host holds for whom. Read-only."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.ledger.queries import Statement, statement
from marketplace.pledges import queries
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.programmes.models import Programme
from marketplace.proposals.models import Proposal
from marketplace.values.actor import Actor
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound


def programme_statement(
    session: Session,
    actor: Actor,
    programme_id: UUID,
    place: list[Any] | None,
    limit: int,
    as_of: datetime | None = None,
) -> Statement:
    """Everything booked on a programme's accounts, for its own organisation."""
    programme = session.get(Programme, programme_id)
    if programme is None:
        raise NotFound()
    permit(actor, Action.READ_PLEDGE, programme.organisation_id)
    return statement(session, "programme", [programme_id], as_of=as_of, place=place, limit=limit)


def pledge_statement(
    session: Session, actor: Actor, pledge_id: UUID, place: list[Any] | None, limit: int, as_of: datetime | None = None
) -> Statement:
    """Everything booked on a pledge's accounts, for its two parties."""
    pledge = queries.pledge_for(session, actor, pledge_id)
    return statement(session, "pledge", [pledge.id], as_of=as_of, place=place, limit=limit)


def proposal_statement(
    session: Session,
    actor: Actor,
    proposal_id: UUID,
    place: list[Any] | None,
    limit: int,
    as_of: datetime | None = None,
) -> Statement:
    """Everything booked on the accounts of the pledges made to a proposal, for its group."""
    proposal = session.get(Proposal, proposal_id)
    if proposal is None:
        raise NotFound()
    permit(actor, Action.READ_PROPOSAL, proposal.organisation_id)
    made = select(Pledge.id).where(Pledge.proposal_id == proposal_id, Pledge.shown_at.is_not(None))
    return statement(session, "pledge", list(session.scalars(made)), as_of=as_of, place=place, limit=limit)


def held_funds(session: Session, actor: Actor, organisation_id: UUID) -> list[Any]:
    """What an organisation holds as fiscal host, for each proposal and currency: paid to it, less returned."""
    permit(actor, Action.READ_ORGANISATION, organisation_id)
    paid, returned = func.sum(Tranche.amount), func.sum(Tranche.returned)
    query = (
        select(
            Pledge.proposal_id,
            Pledge.group_organisation_id,
            Pledge.currency,
            paid.label("paid"),
            returned.label("returned"),
            (paid - returned).label("held"),
        )
        .join(PledgePart, PledgePart.id == Tranche.part_id)
        .join(Pledge, Pledge.id == PledgePart.pledge_id)
        .where(
            Tranche.payee_organisation_id == organisation_id,
            Tranche.fiscal_hosting_id.is_not(None),
            Tranche.state == "paid",
        )
        .group_by(Pledge.proposal_id, Pledge.group_organisation_id, Pledge.currency)
        .order_by(Pledge.proposal_id, Pledge.currency)
    )
    return list(session.execute(query))
