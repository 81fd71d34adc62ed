"""Gates passed and milestones verified: declared at first publication, or by accepted evidence, in its transaction.

Moves no money. Pledges ask `entry_passed` and `milestone_of` before they pay.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence.models import Evidence, EvidenceVersion, Verification
from marketplace.evidence.service import accepted_kinds
from marketplace.pipeline.models import GatePassage, MilestoneRecord
from marketplace.pipeline.rules import Stage, gates_opened, in_pipeline
from marketplace.reference import codelists
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor

STAGES = tuple(
    Stage(entry["slug"], entry["order"], frozenset(entry["exit_evidence"])) for entry in codelists.CODELISTS["stages"]
)
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('pipeline ' || :proposal_id, 0))")


class Published(Protocol):
    """What `entry_declared` must know of a proposal."""

    @property
    def id(self) -> Any: ...
    @property
    def organisation_id(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class ExitEvidence:
    """A kind of evidence that shows a stage is finished, and whether a document of it was accepted."""

    kind: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class StageProgress:
    """One stage of a proposal's way: was its entry gate passed, on what basis and when, and what it has to show."""

    stage: str
    entry_passed: bool
    basis: str | None
    passed_at: datetime | None
    evidenced_at: datetime | None
    exit_evidence: list[ExitEvidence]


@dataclass(frozen=True, slots=True)
class Progress:
    """A proposal's stages in order, and the milestones it works towards or has reached."""

    stages: list[StageProgress]
    milestones: list[MilestoneRecord]


def declare_entry(session: Session, actor: Actor, proposal_id: UUID, organisation_id: UUID, stage: str) -> None:
    """The group says, by publishing an ask for that stage, that it has entered it; marked as declared.

    A gate passed before stays as it was.
    """
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


def entry_declared(session: Session, actor: Actor, proposal: Published, stage: str) -> None:
    """`declare_entry` in the form that proposals calls at the first publication for a stage."""
    declare_entry(session, actor, proposal.id, proposal.organisation_id, stage)


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
    """What follows from an acceptance: its milestone is verified, and the gates it completes are passed."""
    session.execute(_ONE_AT_A_TIME, {"proposal_id": str(evidence.proposal_id)})
    if evidence.milestone is not None:
        _verify_milestone(session, actor, evidence, version, verification)
    pass_gates_by_evidence(session, actor, evidence)


def pass_gates_by_evidence(session: Session, actor: Actor, evidence: Evidence) -> list[str]:
    """Pass the entry gates that the proposal's accepted evidence opens; the stages newly passed by evidence, in order.

    A gate that was only declared becomes evidenced. Called under the proposal's pipeline lock, so that two acceptances
    at once see each other.
    """
    opened = gates_opened(STAGES, accepted_kinds(session, evidence.proposal_id))
    return [stage for stage in opened if _pass_by_evidence(session, actor, evidence, stage)]


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
    """How far a proposal has come, for the group, its guests and the parties; NotFound for all others."""
    policy.see_workings(session, actor, proposal_id)
    passages = {
        passage.stage: passage
        for passage in session.scalars(select(GatePassage).where(GatePassage.proposal_id == proposal_id))
    }
    accepted = accepted_kinds(session, proposal_id)
    records = select(MilestoneRecord).where(MilestoneRecord.proposal_id == proposal_id)
    order = {slug: place for place, slug in enumerate(codelists.slugs("milestones"))}
    return Progress(
        stages=[_progress(stage, passages.get(stage.slug), accepted) for stage in in_pipeline(STAGES)],
        milestones=sorted(session.scalars(records), key=lambda record: order[record.milestone]),
    )


def _progress(stage: Stage, passage: GatePassage | None, accepted: frozenset[str]) -> StageProgress:
    listed = codelists.entry("stages", stage.slug)["exit_evidence"]
    return StageProgress(
        stage=stage.slug,
        entry_passed=passage is not None,
        basis=passage.basis if passage else None,
        passed_at=passage.passed_at if passage else None,
        evidenced_at=passage.evidenced_at if passage else None,
        exit_evidence=[ExitEvidence(kind, kind in accepted) for kind in listed],
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


def _pass_by_evidence(session: Session, actor: Actor, evidence: Evidence, stage: str) -> bool:
    values = {
        "id": new_id(),
        "proposal_id": evidence.proposal_id,
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
    audience = policy.audience_of(session, evidence)
    after = {"stage": stage, "basis": "evidenced"}
    _record(session, actor, "gate.passed", "gate_passage", passage, evidence.proposal_id, audience, after)
    return True


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
