"""Precedents: what became of like cases, of those groups alone that let their opinion count, and never of fewer than
five. Reads; the counting is `record_rules.precedents`."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from marketplace.identity.models import Organisation
from marketplace.procurement.models import Bid, ProcurementOpinion
from marketplace.procurement.record_rules import UNDECIDED, Case, precedents
from marketplace.proposals.models import Proposal, ProposalProjection
from marketplace.values.actor import VERIFIED_STATES
from marketplace.values.counts import FEW

CELL = ("challenge_risks", "outcomes", "nations")


def precedents_of(session: Session, sector: str, route: str) -> dict[str, Any]:
    """What is told of the cell of that sector and route; nothing but "fewer than five" for a small one."""
    told = precedents(cases_of(session, sector, route))
    if told is None:
        return {"sector": sector, "route": route, "cases": dict(FEW), **dict.fromkeys(CELL)}
    return {"sector": sector, "route": route, **told}


def cases_of(session: Session, sector: str, route: str) -> Iterator[Case]:
    """The cases that may count, in the order of their opinions.

    Of verified groups whose proposal is published and not private, by standing opinions that count as precedents, and
    by facts that are not confidential. A case's outcome is that of the latest decided bid by the same route.
    """
    later = aliased(ProcurementOpinion)
    superseded = select(later.id).where(later.supersedes_id == ProcurementOpinion.id).exists()
    facts = ProposalProjection.open_facts
    query = (
        select(
            Proposal.id,
            Proposal.organisation_id,
            ProcurementOpinion.challenge_risk,
            facts["beneficiary_nation"].astext,
        )
        .join(Proposal, Proposal.id == ProcurementOpinion.proposal_id)
        .join(ProposalProjection, ProposalProjection.proposal_id == Proposal.id)
        .join(Organisation, Organisation.id == Proposal.organisation_id)
        .where(
            ProcurementOpinion.route == route,
            ProcurementOpinion.counts_as_precedent,
            ~superseded,
            Proposal.state == "active",
            Proposal.visibility != "private",
            Proposal.current_version_id.is_not(None),
            Organisation.verification.in_(VERIFIED_STATES),
            facts["sector"].astext == sector,
        )
        .order_by(ProcurementOpinion.id)
    )
    rows = session.execute(query).all()
    outcomes = _outcomes(session, {row[0] for row in rows}, route)
    for proposal_id, group, challenge_risk, nation in rows:
        yield Case(group, challenge_risk, outcomes.get(proposal_id, UNDECIDED), nation)


def _outcomes(session: Session, proposals: set[UUID], route: str) -> dict[UUID, str]:
    query = select(Bid.proposal_id, Bid.outcome).where(
        Bid.proposal_id.in_(proposals), Bid.route == route, Bid.outcome.is_not(None)
    )
    decided = session.execute(query.order_by(Bid.decided_on, Bid.id)) if proposals else ()
    return {proposal: outcome for proposal, outcome in decided if outcome is not None}
