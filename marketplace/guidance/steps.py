"""What a group does next: one answer gathered from its pipeline, pledges, reports, matches and notes. Writes nothing.

For the group and its guests, each over what they may read: pledges and duties are left out for guests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from marketplace.evidence.models import Evidence, EvidenceVersion
from marketplace.guidance import rules
from marketplace.guidance.rules import GROUP, Operation, Step
from marketplace.learning import advisers
from marketplace.learning.models import LearningNote
from marketplace.learning.notes import NoteSeen, notes_like
from marketplace.matching import near
from marketplace.matching import service as matching
from marketplace.monitoring.queries import proposal_duties
from marketplace.pipeline.models import StageMove
from marketplace.pipeline.rules import Waiting
from marketplace.pipeline.service import Progress, progress_of
from marketplace.pledges.lifecycle import PAYABLE
from marketplace.pledges.models import Tranche
from marketplace.pledges.queries import pledges_for
from marketplace.pledges.tranches import state_now
from marketplace.procurement.alerts import next_end_to_bid_for
from marketplace.proposals.models import EmployerConsent, Proposal
from marketplace.proposals.queries import is_public
from marketplace.proposals.sharing import own_proposal
from marketplace.reference.resources import Resource, resources_for
from marketplace.reference.usual import STAGE_TIMES, TIMES_PROVENANCE, UsualStep
from marketplace.values.actor import Actor
from marketplace.values.counts import SMALL
from marketplace.values.permissions import Action

DAY_IN_SECONDS = 86_400
MOST_READ = 100
MOST_RESOURCES, MOST_PROGRAMMES, MOST_NOTES = 2, 3, 3
OPEN = {"window": "open"}


@dataclass(frozen=True, slots=True)
class Time:
    """How long something usually takes, in days. `history`: the median of `of` proposals here; else inferred."""

    least_days: int
    most_days: int
    basis: str
    of: int | None = None


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A step, how long it usually takes, and who and what helps; `advisers` counts those that the directory lists."""

    step: Step
    usual_time: Time
    service: str | None
    advisers: int | None
    resources: list[Resource]


@dataclass(frozen=True, slots=True)
class NextSteps:
    """The first things, and how many more there are; where the proposal stands; money for it; what others learned.

    `money` is None before anything is published.
    """

    stage: str | None
    days_in_stage: int | None
    stage_time: Time | None
    steps: list[StepSeen]
    more: int
    money: dict[str, Any] | None
    learned: list[NoteSeen]


def next_steps(session: Session, actor: Actor, proposal_id: UUID, *, strict: bool) -> NextSteps:
    """What to do next about one's own proposal, the group's own things first. NotFound for all others."""
    proposal = own_proposal(session, actor, proposal_id, Action.READ_PROPOSAL)
    progress = progress_of(session, actor, proposal_id)
    steps = _of_pipeline(session, proposal, progress)
    if actor.membership_in(proposal.organisation_id) is not None:
        steps += _of_pledges(session, actor, proposal_id)
    if proposal.state == "active" and not progress.ended:
        steps += _of_contracts(session, proposal_id)
    money = None
    if proposal.current_version_id is not None and proposal.state == "active" and not progress.ended:
        money = _money(session, actor, proposal_id, strict=strict)
        steps += _of_matches(session, actor, proposal_id, money["unseen"])
    ordered = rules.in_order(steps)
    offered = advisers.offered_services(session)
    return NextSteps(
        stage=progress.stage,
        days_in_stage=progress.days_in_stage,
        stage_time=None if progress.stage is None else time_in_stage(session, progress.stage),
        steps=[_seen(each, progress.stage, offered) for each in ordered[: rules.FIRST]],
        more=max(0, len(ordered) - rules.FIRST),
        money=money,
        learned=notes_like(session, actor, proposal_id, MOST_NOTES),
    )


def time_in_stage(session: Session, stage: str) -> Time | None:
    """How long groups usually are at a stage: the median of the public proposals that left it, from five on.

    Hidden proposals count nowhere, nor the examples of the past, whose moves were all entered on one day.
    """
    left = aliased(StageMove)
    days = func.extract("epoch", left.created_at - StageMove.created_at) / DAY_IN_SECONDS
    spent = (
        select(func.min(days).label("days"))
        .select_from(StageMove)
        .join(left, (left.proposal_id == StageMove.proposal_id) & (left.number == StageMove.number + 1))
        .join(Proposal, Proposal.id == StageMove.proposal_id)
        .where(StageMove.to_stage == stage, is_public(), ~Proposal.historical_example)
        .group_by(StageMove.proposal_id)
        .subquery()
    )
    median = func.percentile_cont(0.5).within_group(spent.c.days)
    many, middle = session.execute(select(func.count(), median).select_from(spent)).one()
    if many >= SMALL:
        return Time(round(middle), round(middle), "history", many - many % SMALL)
    return None if stage not in STAGE_TIMES else _inferred(STAGE_TIMES[stage])


def _inferred(usual: UsualStep) -> Time:
    return Time(usual.least_days, usual.most_days, TIMES_PROVENANCE)


def _seen(step: Step, stage: str | None, offered: Mapping[str, int]) -> StepSeen:
    usual = rules.usual_for(step)
    return StepSeen(
        step=step,
        usual_time=_inferred(usual),
        service=usual.service,
        advisers=None if usual.service is None else offered.get(usual.service, 0),
        resources=[] if usual.topic is None else resources_for(stage, usual.topic)[:MOST_RESOURCES],
    )


# What the pipeline waits for


def _of_pipeline(session: Session, proposal: Proposal, progress: Progress) -> list[Step]:
    reasons = {
        (each.code, (each.wanted or {}).get("kind") if isinstance(each.wanted, dict) else None): each
        for row in progress.stages
        if row.stage == progress.stage
        for each in row.conditions
    }
    reports = {each.kind: each for each in progress.reports}
    steps = []
    for each in progress.waiting_on:
        step = _step(session, proposal, each)
        report = reports.get(each.about or "")
        if report is not None:
            code = "REPORT_OVERDUE" if report.overdue else "REPORT"
            step = _with(step, code=code, due_on=report.due_on, reason=report.condition)
        steps.append(_with(step, reason=step.reason or reasons.get((each.code, each.about))))
    if progress.ended and not _has_note(session, proposal.id):
        steps.append(
            Step("LEARNING_NOTE", GROUP, operation=Operation("postLearningNote", "POST", "/v1/learning-notes"))
        )
    return steps


def _step(session: Session, proposal: Proposal, waiting: Waiting) -> Step:
    """The step that ends the wait, with its operation, whoever is to do it."""
    here = f"/v1/proposals/{proposal.id}"
    known = {
        "PUBLISH": Operation("postProposalVersion", "POST", f"{here}/versions"),
        "MOVE": Operation("postStageMove", "POST", f"{here}/stage-moves"),
        "STAFF_BALLOT": Operation("postBallot", "POST", f"{here}/ballots"),
        "PENSION_DECIDED": Operation("putPensionArrangement", "PUT", f"{here}/pension-arrangement"),
        "BENEFITS_REGISTER": Operation("postBenefit", "POST", f"{here}/benefits"),
        "OPEN_ASK": Operation("postPledge", "POST", "/v1/pledges"),
    }
    code, operation = waiting.code, known.get(waiting.code)
    if waiting.on == "verifier":
        operation = _verification(session, proposal.id, waiting)
    elif waiting.on == "employer":
        operation = _consent_answer(session, proposal.id)
    elif code == "EMPLOYER_APPROVAL":
        code, operation = "INVITE_EMPLOYER", Operation("postEmployerConsent", "POST", f"{here}/employer-consents")
    elif operation is None:
        operation = Operation("postEvidence", "POST", f"{here}/evidence")
    return Step(code, waiting.on, waiting.about, waiting.parties, operation=operation)


def _verification(session: Session, proposal_id: UUID, waiting: Waiting) -> Operation | None:
    """Where a verifier decides on the newest document that waits for it."""
    about = Evidence.milestone if waiting.code == "STAFF_TRANSFERRED" else Evidence.kind
    rows = (
        select(EvidenceVersion.id)
        .join(Evidence, Evidence.id == EvidenceVersion.evidence_id)
        .where(Evidence.proposal_id == proposal_id, about == waiting.about, EvidenceVersion.state == "submitted")
    )
    version = session.scalars(rows.order_by(EvidenceVersion.id.desc()).limit(1)).one_or_none()
    path = f"/v1/evidence-versions/{version}/verification"
    return None if version is None else Operation("postEvidenceVerification", "POST", path)


def _consent_answer(session: Session, proposal_id: UUID) -> Operation | None:
    rows = select(EmployerConsent.id).where(
        EmployerConsent.proposal_id == proposal_id, EmployerConsent.state == "invited"
    )
    consent = session.scalars(rows.order_by(EmployerConsent.id.desc()).limit(1)).one_or_none()
    path = f"/v1/employer-consents/{consent}/answer"
    return None if consent is None else Operation("postEmployerConsentAnswer", "POST", path)


def _has_note(session: Session, proposal_id: UUID) -> bool:
    rows = select(LearningNote.id).where(LearningNote.proposal_id == proposal_id, LearningNote.state == "standing")
    return session.scalars(rows.limit(1)).one_or_none() is not None


def _with(step: Step, **members: Any) -> Step:
    names = ("code", "by", "about", "parties", "due_on", "subject_id", "operation", "reason", "settles")
    return Step(**{**{name: getattr(step, name) for name in names}, **members})


# What was promised, and what is owed for it


def _of_pledges(session: Session, actor: Actor, proposal_id: UUID) -> list[Step]:
    steps = []
    for pledge in pledges_for(session, actor, {"proposal_id": proposal_id, "state": "offered"}, None, MOST_READ):
        operation = Operation("postPledgeAcceptance", "POST", f"/v1/pledges/{pledge.id}/acceptance")
        steps.append(Step("ANSWER_OFFER", GROUP, due_on=pledge.expires_on, subject_id=pledge.id, operation=operation))
    for state in sorted(PAYABLE):
        for pledge in pledges_for(session, actor, {"proposal_id": proposal_id, "state": state}, None, MOST_READ):
            steps += [_claim(each) for part in pledge.parts for each in part.tranches if _is_claimable(session, each)]
    for state, code in (("overdue", "REPORT_OVERDUE"), ("due", "REPORT")):
        for duty in proposal_duties(session, actor, proposal_id, {"state": state}, None, MOST_READ):
            operation = Operation("postReport", "POST", f"/v1/duties/{duty.id}/reports")
            steps.append(Step(code, GROUP, duty.kind, due_on=duty.due_on, subject_id=duty.id, operation=operation))
    return steps


def _is_claimable(session: Session, tranche: Tranche) -> bool:
    return state_now(session, tranche) == "claimable"


def _claim(tranche: Tranche) -> Step:
    operation = Operation("postTrancheClaim", "POST", f"/v1/tranches/{tranche.id}/claim")
    return Step("CLAIM_TRANCHE", GROUP, tranche.milestone, subject_id=tranche.id, operation=operation)


# What has to be won again


def _of_contracts(session: Session, proposal_id: UUID) -> list[Step]:
    """The contract that ends next, within eighteen months, until the group has bid for what follows it."""
    ends_on = next_end_to_bid_for(session, proposal_id)
    if ends_on is None:
        return []
    bidding = Operation("postBid", "POST", f"/v1/proposals/{proposal_id}/bids")
    return [Step("CONTRACT_ENDS", GROUP, due_on=ends_on, operation=bidding)]


# What the market offers


def _money(session: Session, actor: Actor, proposal_id: UUID, *, strict: bool) -> dict[str, Any]:
    """Programmes open today: those that the group is eligible for, and those that it misses by least."""
    query = {**OPEN, "result": "eligible", "limit": MOST_READ}
    eligible = matching.matches_for_proposal(session, actor, proposal_id, query, None, strict=strict).items
    missed = near.near_misses_for_proposal(session, actor, proposal_id, OPEN, strict=strict)["data"]
    return {
        "eligible": list(eligible[:MOST_PROGRAMMES]),
        "eligible_count": len(eligible),
        "eligible_capped": len(eligible) == MOST_READ,
        "near": missed[:MOST_PROGRAMMES],
        "unseen": sum(not each["they_see"]["visible"] for each in eligible),
    }


def _of_matches(session: Session, actor: Actor, proposal_id: UUID, unseen: int) -> list[Step]:
    """The fact whose answer settles most programmes, the one whose sharing does, and who does not see the proposal."""
    here = f"/v1/proposals/{proposal_id}"
    sharing = Operation("putProposalSharing", "PUT", f"{here}/sharing")
    asked = near.what_to_answer_next(session, actor, proposal_id, OPEN)
    steps = []
    for each in asked["questions"][:1]:
        if each["section"] is not None:
            answering = Operation("putFactSection", "PUT", f"{here}/sections/{each['section']}")
            steps.append(Step("ANSWER_FACT", GROUP, each["fact"], operation=answering, settles=each["settles"]))
    if unseen:
        steps.append(Step("SHARE_PROPOSAL", GROUP, operation=sharing, settles=unseen))
    steps += [
        Step("SHARE_FACT", GROUP, each["fact"], operation=sharing, settles=each["settles"])
        for each in asked["share_next"][:1]
    ]
    return steps
