"""Staff ballots: counts are entered once, beside the document that shows them, and somebody outside compares the two.

Holds the document's row while a ballot is entered, so that no decision on it crosses. Knows no gate.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence.models import Evidence, EvidenceVersion
from marketplace.identity.organisations import freshly
from marketplace.pipeline.gathering import counts_of
from marketplace.pipeline.models import Ballot, ProposalPipeline
from marketplace.pipeline.rules import (
    MOST_BALLOTS,
    BallotEvidenceDecided,
    BallotFaults,
    BallotResult,
    Counts,
    PipelineEnded,
    PipelineNotEntered,
    TooManyBallots,
    ballot_faults,
    ballot_result,
    ballot_test,
)
from marketplace.pipeline.service import audience_of
from marketplace.pipeline.templates import template_of
from marketplace.proposals.models import Proposal
from marketplace.proposals.sharing import changeable, own_proposal
from marketplace.reference.pipelines import GateTest, TemplateVersion
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.permissions import Action, permit

KIND = "staff_ballot"


@dataclass(frozen=True, slots=True)
class BallotSeen:
    """A ballot with its result, what its document came to, and whether it stands: a later one has taken its place."""

    ballot: Ballot
    result: BallotResult
    accepted: bool
    stands: bool


def live_pipeline(session: Session, proposal_id: UUID) -> TemplateVersion:
    """The template version that the proposal is pinned to; PipelineNotEntered or PipelineEnded."""
    pinned = session.get(ProposalPipeline, proposal_id)
    if pinned is None:
        raise PipelineNotEntered("Publish the proposal first.")
    template = template_of(pinned)
    if template.end(pinned.stage) is not None:
        raise PipelineEnded("Nothing is decided of it any more.", stage=pinned.stage)
    return template


def record_ballot(session: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> BallotSeen:
    """Enter a ballot's votes for good; it takes the place of those before it. BallotFaults with every fault.

    `draft` names an evidence of the kind `staff_ballot` that nobody has accepted: whoever accepts it has seen the
    count. Quorum and threshold are the template's unless stricter ones were agreed.
    """
    proposal = changeable(own_proposal(session, actor, proposal_id, Action.WRITE_PROPOSAL))
    template = live_pipeline(session, proposal_id)
    evidence = _hold_evidence(session, proposal_id, draft["evidence_id"])
    permit(freshly(session, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    least = ballot_test(template) or GateTest(KIND, quorum_bp=1, threshold_bp=1)
    rules = {name: draft.get(name) or getattr(least, name) for name in ("quorum_bp", "threshold_bp")}
    counts = Counts(**{name: draft[name] for name in ("electorate", "votes_for", "votes_against", "spoiled")}, **rules)
    faults = ballot_faults(counts, draft["held_on"], today(), least)
    if faults:
        raise BallotFaults("`errors` names each fault.", errors=faults)
    _refuse_decided(session, evidence)
    if session.scalars(select(func.count()).where(Ballot.proposal_id == proposal_id)).one() >= MOST_BALLOTS:
        raise TooManyBallots(f"A proposal has at most {MOST_BALLOTS} ballots.")
    ballot = Ballot(id=new_id(), proposal_id=proposal_id, recorded_by=actor.person, **{**draft, **rules})
    session.add(ballot)
    session.flush()
    session.refresh(ballot)
    _record(session, actor, proposal, ballot)
    return BallotSeen(ballot, ballot_result(counts), accepted=False, stands=True)


def ballots_of(session: Session, actor: Actor, proposal_id: UUID) -> list[BallotSeen]:
    """The proposal's ballots (at most MOST_BALLOTS), the newest first: the first one stands.

    Where several name one document, its acceptance is that of the latest of them.
    """
    policy.see_workings(session, actor, proposal_id)
    rows = select(Ballot).where(Ballot.proposal_id == proposal_id).order_by(Ballot.id.desc())
    ballots = list(session.scalars(rows))
    shown = select(EvidenceVersion.evidence_id).where(
        EvidenceVersion.evidence_id.in_({each.evidence_id for each in ballots}), EvidenceVersion.state == "accepted"
    )
    accepted = set(session.scalars(shown))
    latest = {each.evidence_id: each.id for each in reversed(ballots)}
    return [
        BallotSeen(
            ballot=each,
            result=ballot_result(counts_of(each)),
            accepted=each.evidence_id in accepted and latest[each.evidence_id] == each.id,
            stands=place == 0,
        )
        for place, each in enumerate(ballots)
    ]


def _hold_evidence(session: Session, proposal_id: UUID, evidence_id: UUID) -> Evidence:
    evidence = session.get(Evidence, evidence_id, with_for_update={"key_share": True}, populate_existing=True)
    if evidence is None or evidence.proposal_id != proposal_id or evidence.kind != KIND:
        detail = f"Name an evidence of this proposal of the kind {KIND}."
        raise BallotFaults("`errors` names each fault.", errors=[{"pointer": "#/evidence_id", "detail": detail}])
    return evidence


def _refuse_decided(session: Session, evidence: Evidence) -> None:
    accepted = select(EvidenceVersion.id).where(
        EvidenceVersion.evidence_id == evidence.id, EvidenceVersion.state == "accepted"
    )
    if session.scalars(accepted).first() is not None:
        raise BallotEvidenceDecided("Open another evidence for this ballot: its acceptance has to come afterwards.")


def _record(session: Session, actor: Actor, proposal: Proposal, ballot: Ballot) -> None:
    names = ("electorate", "votes_for", "votes_against", "spoiled", "held_on", "quorum_bp", "threshold_bp")
    journal.record(
        session,
        "ballot.recorded",
        "ballot",
        ballot.id,
        actor=actor,
        audience=journal.only(*audience_of(session, proposal)),
        path=f"/v1/proposals/{proposal.id}/ballots",
        after={name: getattr(ballot, name) for name in names},
    )
