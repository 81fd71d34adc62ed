"""Moving a proposal along its pipeline: forward through a gate, back with a reason, into an end.

Everything is read under the proposal's lock: a consent that is withdrawn waits for the move, or the move for it. The
stage moves with the published version, and so with the ask, the facts that derive from it, and what matching sees.
"""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.identity.organisations import freshly
from marketplace.pipeline.gathering import gate_facts
from marketplace.pipeline.models import ProposalPipeline, StageMove
from marketplace.pipeline.rules import FIRST_END, PipelineNotEntered, StageMoveRefused, kind_of_move, move_conditions
from marketplace.pipeline.service import conditions_out_of, declare_passage, keep_move, pass_by_evidence
from marketplace.pipeline.templates import template_of
from marketplace.proposals.models import Ask, Proposal
from marketplace.proposals.service import publish_at_stage, take_off_market
from marketplace.proposals.sharing import changeable, own_proposal
from marketplace.reference import codelists
from marketplace.values.actor import Actor
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import unmet


def move_stage(session: Session, actor: Actor, proposal_id: UUID, to: str, reason: dict[str, str] | None) -> StageMove:
    """Take the proposal to another stage. StageMoveRefused carries every condition that is not met.

    An owner alone ends the pipeline; it is refused while pledges are accepted, as a withdrawal is.
    """
    ending = codelists.entry("stages", to)["order"] >= FIRST_END
    action = Action.WITHDRAW_PROPOSAL if ending else Action.WRITE_PROPOSAL
    proposal = own_proposal(session, actor, proposal_id, action, lock=True)
    permit(freshly(session, actor), action, proposal.organisation_id)
    if not ending:
        changeable(proposal)
    pinned = session.get(ProposalPipeline, proposal_id, populate_existing=True)
    if pinned is None:
        raise PipelineNotEntered("Publish the proposal first: the stage that it asks for is where it begins.")
    template = template_of(pinned)
    gate = conditions_out_of(template, pinned.stage, gate_facts(session, proposal))
    conditions = move_conditions(template, pinned.stage, to, reason_given=reason is not None, gate=gate)
    against = unmet(conditions)
    if against:
        words = f"From {pinned.stage} to {to}: `reasons` names each condition that is not met."
        raise StageMoveRefused(words, reasons=[each.as_json() for each in against])
    at, kind = pinned.stage, kind_of_move(template, pinned.stage, to)
    pinned.stage, pinned.entered_at = to, func.now()
    pinned.version += 1
    session.flush()
    if kind == "ended":
        _end(session, actor, proposal)
    else:
        publish_at_stage(session, actor, proposal, to)
        if kind == "forward":
            pass_by_evidence(session, actor, proposal, to)
        declare_passage(session, actor, proposal_id, proposal.organisation_id, to)
    return keep_move(session, actor, proposal, kind, at, to, reason, conditions)


def moves_of(session: Session, actor: Actor, proposal_id: UUID, after: UUID | None, limit: int) -> list[StageMove]:
    """The proposal's moves, the newest first, one more than `limit` where there are more; for those who see its way."""
    policy.see_workings(session, actor, proposal_id)
    query = select(StageMove).where(StageMove.proposal_id == proposal_id)
    if after is not None:
        before = select(StageMove.number).where(StageMove.proposal_id == proposal_id, StageMove.id == after)
        query = query.where(StageMove.number < before.scalar_subquery())
    return list(session.scalars(query.order_by(StageMove.number.desc()).limit(limit + 1)))


def _end(session: Session, actor: Actor, proposal: Proposal) -> None:
    """Off the market: nothing is asked any more, at any stage."""
    if proposal.state == "active":
        take_off_market(session, actor, proposal)
    asks = select(Ask).where(Ask.proposal_id == proposal.id, Ask.state == "open").order_by(Ask.id)
    for ask in session.scalars(asks.with_for_update(key_share=True)):
        ask.state = "closed"
        ask.version += 1
    session.flush()
