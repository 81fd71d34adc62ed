"""Opinions on procurement: recorded by the group, read by whom the group lets; and the checks of a proposal's facts.

Confidential opinions follow the access to the document that they rest on. Flushes, never commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence.models import Evidence
from marketplace.identity.organisations import freshly
from marketplace.procurement.models import Bid, ProcurementOpinion
from marketplace.procurement.record_rules import (
    MOST_OPINIONS,
    AlreadySuperseded,
    OpinionFaults,
    TooManyRecords,
    opinion_faults,
)
from marketplace.procurement.rules import CHECKS, Checked, procurement_checks, situation_of
from marketplace.proposals.involved import is_seen
from marketplace.proposals.queries import own_view
from marketplace.proposals.sharing import changeable, own_proposal
from marketplace.proposals.sight import sees_plainly
from marketplace.reference.parameters import figures_on
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound


@dataclass(frozen=True, slots=True)
class OpinionSeen:
    """An opinion, and the one that has taken its place: None where it stands (or the caller may not see which)."""

    opinion: ProcurementOpinion
    superseded_by: UUID | None
    stands: bool


def record_opinion(session: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> OpinionSeen:
    """Keep what somebody advised, for good. OpinionFaults with every fault; AlreadySuperseded.

    `draft` may name an evidence of the kind `procurement_opinion`, and the opinion that it takes the place of.
    """
    proposal = changeable(own_proposal(session, actor, proposal_id, Action.WRITE_PROPOSAL, lock=True))
    permit(freshly(session, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    wanted, before = draft.get("evidence_id"), draft.get("supersedes_id")
    shown = None if wanted is None else session.get(Evidence, wanted)
    kind = shown.kind if shown is not None and shown.proposal_id == proposal_id else None
    faults = opinion_faults(draft["given_on"], today(), evidence_wanted=wanted is not None, evidence_kind=kind)
    earlier = None if before is None else session.get(ProcurementOpinion, before)
    if before is not None and (earlier is None or earlier.proposal_id != proposal_id):
        faults.append({"pointer": "#/supersedes_id", "detail": "Name an opinion of this proposal."})
    if faults:
        raise OpinionFaults("`errors` names each fault.", errors=faults)
    if before is not None and before in _successors(session, proposal_id):
        raise AlreadySuperseded("Name the opinion that stands in its place.")
    count = select(func.count()).where(ProcurementOpinion.proposal_id == proposal_id)
    if session.scalars(count).one() >= MOST_OPINIONS:
        raise TooManyRecords(f"A proposal has at most {MOST_OPINIONS} opinions.")
    opinion = ProcurementOpinion(id=new_id(), proposal_id=proposal_id, recorded_by=actor.person, **draft)
    session.add(opinion)
    session.flush()
    session.refresh(opinion)
    journal.record(
        session,
        "procurement_opinion.recorded",
        "procurement_opinion",
        opinion.id,
        actor=actor,
        audience=journal.only(proposal.organisation_id),
        path=f"/v1/procurement-opinions/{opinion.id}",
        after={"route": opinion.route, "challenge_risk": opinion.challenge_risk, "supersedes": opinion.supersedes_id},
    )
    return OpinionSeen(opinion, None, stands=True)


def opinions_of(session: Session, actor: Actor, proposal_id: UUID) -> list[OpinionSeen]:
    """The opinions on a proposal (at most MOST_OPINIONS) that the caller may read, the newest first.

    NotFound where they may read none and do not see the proposal.
    """
    query = select(ProcurementOpinion).where(ProcurementOpinion.proposal_id == proposal_id)
    every = list(session.scalars(query.order_by(ProcurementOpinion.id.desc())))
    read = _readable(session, actor, proposal_id, every)
    if not read and not is_seen(session, actor, proposal_id):
        raise NotFound()
    return _with_successors(session, proposal_id, read)


def opinion_for(session: Session, actor: Actor, opinion_id: UUID) -> OpinionSeen:
    """One opinion that the caller may read; NotFound otherwise."""
    opinion = session.get(ProcurementOpinion, opinion_id)
    read = [] if opinion is None else _readable(session, actor, opinion.proposal_id, [opinion])
    if not read:
        raise NotFound()
    return _with_successors(session, read[0].proposal_id, read)[0]


def checks_of_proposal(
    session: Session, actor: Actor, proposal_id: UUID, as_of: date | None, slugs: Sequence[str] = CHECKS
) -> tuple[date, list[Checked]]:
    """The law checks that a proposal's published facts and its latest open bid answer, on a day; for its group."""
    own_proposal(session, actor, proposal_id, Action.READ_PROPOSAL)
    day = as_of or today()
    open_bids = select(Bid).where(Bid.proposal_id == proposal_id, Bid.outcome.is_(None))
    bid = session.scalars(open_bids.order_by(Bid.id.desc()).limit(1)).first()
    known = None
    if bid is not None:
        value = {"amount": bid.contract_value, "currency": bid.currency}
        known = {"term_months": bid.term_months, "contract_value": value}
    situation = situation_of(own_view(session, proposal_id, day).facts, known)
    return day, procurement_checks(situation, day, figures_on(day), slugs)


def _readable(
    session: Session, actor: Actor, proposal_id: UUID, opinions: Sequence[ProcurementOpinion]
) -> list[ProcurementOpinion]:
    """Those that the caller may read: all for the group; else what is not confidential of a proposal that is seen
    under its name, and what rests on a document that the caller sees. Nothing for who acts for somebody kept out."""
    owner = policy.OWNER_OF_PROPOSAL(session, proposal_id)
    if owner is None:
        return []
    if policy.of_the_group(actor, owner, proposal_id):
        return list(opinions)
    if any(kept_out(session, actor, proposal_id) for kept_out in policy.KEPT_OUT):
        return []
    plainly = sees_plainly(session, actor, proposal_id)
    return [each for each in opinions if (plainly and not each.confidential) or _sees_document(session, actor, each)]


def _sees_document(session: Session, actor: Actor, opinion: ProcurementOpinion) -> bool:
    if opinion.evidence_id is None:
        return False
    return policy.may_see(session, actor, session.get_one(Evidence, opinion.evidence_id))


def _with_successors(session: Session, proposal_id: UUID, read: Sequence[ProcurementOpinion]) -> list[OpinionSeen]:
    successors = _successors(session, proposal_id)
    shown = {each.id for each in read}
    return [
        OpinionSeen(each, following if following in shown else None, stands=following is None)
        for each in read
        for following in [successors.get(each.id)]
    ]


def _successors(session: Session, proposal_id: UUID) -> dict[UUID, UUID]:
    """Superseded opinion -> the one in its place."""
    query = select(ProcurementOpinion.supersedes_id, ProcurementOpinion.id).where(
        ProcurementOpinion.proposal_id == proposal_id, ProcurementOpinion.supersedes_id.is_not(None)
    )
    return {before: after for before, after in session.execute(query) if before is not None}
