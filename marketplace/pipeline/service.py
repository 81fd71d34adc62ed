"""Where a proposal stands: entry declared at first publication, gates and milestones by accepted evidence, progress.

Moves no money. Pledges ask `entry_passed` and `milestone_of` before they pay.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence.models import Evidence, EvidenceVersion, Verification
from marketplace.pipeline.gathering import gate_facts
from marketplace.pipeline.models import GatePassage, MilestoneRecord, ProposalPipeline, StageMove
from marketplace.pipeline.rules import (
    AskAtAnotherStage,
    Condition,
    GateFacts,
    NotAStageToAskAt,
    Waiting,
    gate_conditions,
    next_stage,
    report_conditions,
)
from marketplace.pipeline.templates import template_of
from marketplace.proposals.models import Ask, Proposal
from marketplace.reference import codelists
from marketplace.reference.pipelines import TemplateVersion
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import day_of, today
from marketplace.values.reasons import Outcome, Reason, unmet

MOVES_SHOWN = 20
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('pipeline ' || :proposal_id, 0))")

PARTIES_TO: list[Callable[[Session, UUID], frozenset[UUID]]] = []
"""Organisations that are party to the proposal and so learn of its moves, beside the group."""


@dataclass(frozen=True, slots=True)
class StageProgress:
    """One stage of a proposal's way: was its entry gate passed, on what basis and when, and what leads out of it."""

    stage: str
    entry_passed: bool
    basis: str | None
    passed_at: datetime | None
    evidenced_at: datetime | None
    conditions: list[Reason]


@dataclass(frozen=True, slots=True)
class Report:
    """A report that an end asks for: until when, and whether one was accepted."""

    kind: str
    due_on: date
    overdue: bool
    condition: Reason


@dataclass(frozen=True, slots=True)
class Progress:
    """A proposal's pipeline: its template, where it stands and since when, its gates, and whom it waits on.

    `stage` is None before the first publication. `moves` are the latest ones, the newest first.
    """

    template: str
    template_version: int
    stage: str | None
    entered_at: datetime | None
    days_in_stage: int | None
    ended: bool
    stages: list[StageProgress]
    waiting_on: list[Waiting]
    reports: list[Report]
    moves: list[StageMove]
    milestones: list[MilestoneRecord]


def refuse_another_stage(session: Session, _actor: Actor, proposal: Proposal, stage: str) -> None:
    """An ask is published for the stage that the proposal is at; the first publication says which that is.

    AskAtAnotherStage otherwise: a stage is entered by a move, through its gate. NotAStageToAskAt for an end.
    """
    pinned = session.get(ProposalPipeline, proposal.id, populate_existing=True)
    if stage not in template_of(pinned).order:
        words = "Say one of the stages of /v1/pipeline-templates."
        raise NotAStageToAskAt(words, pointer="#/sections/ask/stage")
    if pinned is not None and pinned.stage != stage:
        reason = Reason("STAGE", Outcome.UNMET, "eq", fact="stage", wanted=pinned.stage, found=stage)
        raise AskAtAnotherStage(
            f"The proposal is at the stage {pinned.stage}: move it first (/v1/proposals/{proposal.id}/stage-moves).",
            reasons=[reason.as_json()],
        )


def enter_pipeline(session: Session, actor: Actor, proposal: Proposal, stage: str) -> None:
    """The group says, by publishing for the first time, at which stage it is; marked as declared.

    Pins the proposal to the template's latest version for good.
    """
    template = template_of(None)
    session.add(
        ProposalPipeline(proposal_id=proposal.id, template=template.slug, template_version=template.number, stage=stage)
    )
    session.flush()
    declare_passage(session, actor, proposal.id, proposal.organisation_id, stage)
    keep_move(session, actor, proposal, "entered", None, stage, None, [])


def declare_passage(session: Session, actor: Actor, proposal_id: UUID, organisation_id: UUID, stage: str) -> None:
    """The group's word that it is at that stage. A gate passed before stays as it was."""
    passing = (
        insert(GatePassage)
        .values(id=new_id(), proposal_id=proposal_id, stage=stage, basis="declared", by_user_id=actor.user_id)
        .on_conflict_do_nothing()
        .returning(GatePassage.id)
    )
    passage = session.execute(passing).scalar()
    if passage is not None:
        after = {"stage": stage, "basis": "declared"}
        _record(session, actor, "gate.declared", "gate_passage", passage, proposal_id, {organisation_id}, after)


def pass_by_evidence(session: Session, actor: Actor, proposal: Proposal, stage: str) -> bool:
    """The entry gate of that stage is passed by what was shown; False where it was before."""
    values = {
        "id": new_id(),
        "proposal_id": proposal.id,
        "stage": stage,
        "basis": "evidenced",
        "evidenced_at": func.now(),
        "by_user_id": actor.user_id,
    }
    passing = (
        insert(GatePassage)
        .values(values)
        .on_conflict_do_update(
            constraint="uq_gate_passage_proposal_id_stage",
            set_={"basis": "evidenced", "evidenced_at": func.now()},
            where=GatePassage.basis == "declared",
        )
        .returning(GatePassage.id)
    )
    passage = session.execute(passing).scalar()
    if passage is None:
        return False
    after = {"stage": stage, "basis": "evidenced"}
    audience = audience_of(session, proposal)
    _record(session, actor, "gate.passed", "gate_passage", passage, proposal.id, audience, after)
    return True


def keep_move(
    session: Session,
    actor: Actor,
    proposal: Proposal,
    kind: str,
    from_stage: str | None,
    to_stage: str,
    reason: dict[str, str] | None,
    conditions: list[Reason],
) -> StageMove:
    """Keep a move for good, with every condition as it stood, and tell the parties."""
    earlier = session.scalars(select(func.count()).where(StageMove.proposal_id == proposal.id)).one()
    move = StageMove(
        id=new_id(),
        proposal_id=proposal.id,
        number=earlier + 1,
        kind=kind,
        from_stage=from_stage,
        to_stage=to_stage,
        reason=reason,
        conditions=[each.as_json() for each in conditions],
        by_user_id=actor.person,
    )
    session.add(move)
    session.flush()
    session.refresh(move)
    after = {"kind": kind, "from": from_stage, "to": to_stage, "conditions": move.conditions}
    audience = audience_of(session, proposal)
    _record(session, actor, "stage.moved", "stage_move", move.id, proposal.id, audience, after)
    return move


def audience_of(session: Session, proposal: Proposal) -> frozenset[UUID]:
    """The group, and the parties to its proposal."""
    return frozenset({proposal.organisation_id}).union(*(each(session, proposal.id) for each in PARTIES_TO))


def open_milestone(session: Session, _actor: Actor, evidence: Evidence, _version: EvidenceVersion) -> None:
    """The milestone that submitted evidence names is worked towards; one that is known already stays as it is."""
    if evidence.milestone is not None:
        expect_milestone(session, evidence.proposal_id, evidence.milestone)


def expect_milestone(session: Session, proposal_id: UUID, milestone: str) -> None:
    """Keep a record of that milestone, open until evidence verifies it."""
    values = {"id": new_id(), "proposal_id": proposal_id, "milestone": milestone, "state": "open"}
    session.execute(insert(MilestoneRecord).values(values).on_conflict_do_nothing())


def evidence_accepted(
    session: Session, actor: Actor, evidence: Evidence, version: EvidenceVersion, verification: Verification
) -> None:
    """What follows from an acceptance: its milestone is verified, and gates that were only declared may be shown."""
    session.execute(_ONE_AT_A_TIME, {"proposal_id": str(evidence.proposal_id)})
    if evidence.milestone is not None:
        _verify_milestone(session, actor, evidence, version, verification)
    _show_those_met(session, actor, session.get_one(Proposal, evidence.proposal_id))


def show_declared_gates(session: Session, actor: Actor, proposal: Proposal) -> None:
    """Of the stages that the group declared, those whose entry gate's every condition is met become evidenced.

    Called whenever something is met that gates ask: of two who meet the last two conditions at once, the later one
    waits and sees both. Its lock comes after the proposal's.
    """
    session.execute(_ONE_AT_A_TIME, {"proposal_id": str(proposal.id)})
    _show_those_met(session, actor, proposal)


def _show_those_met(session: Session, actor: Actor, proposal: Proposal) -> None:
    declared = set(
        session.scalars(
            select(GatePassage.stage).where(GatePassage.proposal_id == proposal.id, GatePassage.basis == "declared")
        )
    )
    template = template_of(session.get(ProposalPipeline, proposal.id))
    leading = {following: at for at in template.order if (following := next_stage(template, at)) in declared}
    if not leading:
        return
    facts = gate_facts(session, proposal)
    for stage in (each for each in template.order if each in leading):
        if not unmet(each.reason for each in conditions_out_of(template, leading[stage], facts)):
            pass_by_evidence(session, actor, proposal, stage)


def conditions_out_of(template: TemplateVersion, stage: str, facts: GateFacts) -> list[Condition]:
    """Every condition of the gate that leads out of `stage`; none where there is no such gate."""
    gate = template.gate_of(stage)
    return [] if gate is None else gate_conditions(gate, facts)


def entry_passed(session: Session, proposal_id: UUID, stage: str) -> GatePassage | None:
    """The passage of that stage's entry gate (its `basis` says how), or None."""
    return session.scalars(
        select(GatePassage).where(GatePassage.proposal_id == proposal_id, GatePassage.stage == stage)
    ).one_or_none()


def milestone_of(session: Session, proposal_id: UUID, milestone: str) -> MilestoneRecord | None:
    """The record of that milestone, `open` or `verified`; None where nobody works towards it."""
    return session.scalars(
        select(MilestoneRecord)
        .where(MilestoneRecord.proposal_id == proposal_id, MilestoneRecord.milestone == milestone)
        .execution_options(populate_existing=True)
    ).one_or_none()


def progress_of(session: Session, actor: Actor, proposal_id: UUID) -> Progress:
    """Where a proposal stands, for the group, its guests and the parties; NotFound for all others."""
    policy.see_workings(session, actor, proposal_id)
    proposal = session.get_one(Proposal, proposal_id)
    pinned = session.get(ProposalPipeline, proposal_id)
    template, facts = template_of(pinned), gate_facts(session, proposal)
    passages = {
        passage.stage: passage
        for passage in session.scalars(select(GatePassage).where(GatePassage.proposal_id == proposal_id))
    }
    conditions = {stage: conditions_out_of(template, stage, facts) for stage in template.order}
    reports = _reports(template, pinned, facts)
    moves = select(StageMove).where(StageMove.proposal_id == proposal_id).order_by(StageMove.number.desc())
    records = select(MilestoneRecord).where(MilestoneRecord.proposal_id == proposal_id)
    order = {slug: place for place, slug in enumerate(codelists.slugs("milestones"))}
    return Progress(
        template=template.slug,
        template_version=template.number,
        stage=pinned.stage if pinned else None,
        entered_at=pinned.entered_at if pinned else None,
        days_in_stage=(today() - day_of(pinned.entered_at)).days if pinned else None,
        ended=pinned is not None and template.end(pinned.stage) is not None,
        stages=[_progress(stage, passages.get(stage), conditions[stage]) for stage in template.order],
        waiting_on=_waiting_on(session, template, pinned, conditions, reports),
        reports=[report for report, _ in reports],
        moves=list(session.scalars(moves.limit(MOVES_SHOWN))),
        milestones=sorted(session.scalars(records), key=lambda record: order[record.milestone]),
    )


def _reports(
    template: TemplateVersion, pinned: ProposalPipeline | None, facts: GateFacts
) -> list[tuple[Report, Condition]]:
    end = None if pinned is None else template.end(pinned.stage)
    if pinned is None or end is None:
        return []
    due_on = day_of(pinned.entered_at) + timedelta(days=end.reports_due_days)
    told = zip(end.reports, report_conditions(end.reports, facts), strict=True)
    return [
        (
            Report(
                kind=report.kind,
                due_on=due_on,
                overdue=condition.reason.outcome is not Outcome.MET and due_on < today(),
                condition=condition.reason,
            ),
            condition,
        )
        for report, condition in told
    ]


def group_is_waited_on(session: Session, proposal: Proposal, pinned: ProposalPipeline) -> bool:
    """Whether the next step at the proposal's stage is the group's: a condition that is its to meet, or the move."""
    template = template_of(pinned)
    facts = gate_facts(session, proposal)
    conditions = {pinned.stage: conditions_out_of(template, pinned.stage, facts)}
    waiting = _waiting_on(session, template, pinned, conditions, _reports(template, pinned, facts))
    return any(each.on == "group" for each in waiting)


def _waiting_on(
    session: Session,
    template: TemplateVersion,
    pinned: ProposalPipeline | None,
    conditions: dict[str, list[Condition]],
    reports: list[tuple[Report, Condition]],
) -> list[Waiting]:
    """Whom the next step waits on: each condition's own party, the group once all are met, funders for an open ask."""
    if pinned is None:
        return [Waiting("group", (), "PUBLISH")]
    waiting = [each.waiting for each in conditions.get(pinned.stage, []) if each.waiting is not None]
    waiting += [condition.waiting for _, condition in reports if condition.waiting is not None]
    following = next_stage(template, pinned.stage)
    if following is not None and not waiting:
        waiting.append(Waiting("group", (), "MOVE", following))
    sought = select(Ask.stage).where(
        Ask.proposal_id == pinned.proposal_id, Ask.state == "open", Ask.accepted < Ask.amount
    )
    funders = [Waiting("funder", ("funder",), "OPEN_ASK", stage) for stage in session.scalars(sought.order_by(Ask.id))]
    return [*waiting, *funders]


def _progress(stage: str, passage: GatePassage | None, conditions: list[Condition]) -> StageProgress:
    return StageProgress(
        stage=stage,
        entry_passed=passage is not None,
        basis=passage.basis if passage else None,
        passed_at=passage.passed_at if passage else None,
        evidenced_at=passage.evidenced_at if passage else None,
        conditions=[each.reason for each in conditions],
    )


def _verify_milestone(
    session: Session, actor: Actor, evidence: Evidence, version: EvidenceVersion, verification: Verification
) -> None:
    """The first accepted evidence verifies it; what was decided on that ground is never changed by a later one."""
    verified = {
        "state": "verified",
        "evidence_version_id": version.id,
        "verified_by_user_id": verification.verifier_user_id,
        "verified_by_organisation_id": verification.verifier_organisation_id,
        "verified_at": verification.decided_at,
    }
    values = {"id": new_id(), "proposal_id": evidence.proposal_id, "milestone": evidence.milestone, **verified}
    verifying = (
        insert(MilestoneRecord)
        .values(values)
        .on_conflict_do_update(
            constraint="uq_milestone_record_proposal_id_milestone",
            set_=verified,
            where=MilestoneRecord.state == "open",
        )
        .returning(MilestoneRecord.id)
    )
    record = session.execute(verifying).scalar()
    if record is not None:
        audience = policy.audience_of(session, evidence)
        after = {"milestone": evidence.milestone, "state": "verified", "evidence": version.id}
        _record(session, actor, "milestone.verified", "milestone_record", record, evidence.proposal_id, audience, after)


def _record(
    session: Session,
    actor: Actor,
    type_: str,
    kind: str,
    subject_id: UUID,
    proposal_id: UUID,
    organisations: set[UUID] | frozenset[UUID],
    after: Any,
) -> None:
    journal.record(
        session,
        type_,
        kind,
        subject_id,
        actor=actor,
        audience=journal.only(*organisations),
        path=f"/v1/proposals/{proposal_id}/pipeline",
        after=after,
    )
