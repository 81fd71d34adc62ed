"""What reports ask of bids: how many came to what, over proposals that the asker has chosen. Names nobody."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, any_, func, literal, select
from sqlalchemy.orm import Session

from marketplace.procurement.models import Bid, SuretyDemand

FINANCIAL_STANDING = "financial_standing"


def bids_lost_on_surety(session: Session, proposals: Select[UUID]) -> int:
    """How many bids of these proposals were lost on financial standing where a surety was demanded."""
    demanded = select(SuretyDemand.id).where(SuretyDemand.bid_id == Bid.id)
    lost = (Bid.outcome == "lost", literal(FINANCIAL_STANDING) == any_(Bid.lost_on), demanded.exists())
    return session.scalar(select(func.count()).select_from(Bid).where(Bid.proposal_id.in_(proposals), *lost)) or 0


def won_again(proposal_id: Any) -> ColumnElement[bool]:
    """Whether the group's own contract was tendered again, and won again."""
    bids = select(Bid.id).where(Bid.proposal_id == proposal_id, Bid.occasion == "re_tender", Bid.outcome == "won")
    return bids.exists()
