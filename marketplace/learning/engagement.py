"""How the staff were told and asked: sessions, questions with their answers, the transfer. Counts, never shares.

Knows who sees a proposal and who sees its workings; must not name who of the staff came or asked. Ballots are the
pipeline's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence.models import Evidence
from marketplace.identity.organisations import freshly
from marketplace.learning import rules
from marketplace.learning.models import InformationSession, StaffQuestion, StaffTransfer
from marketplace.learning.rules import Attendance
from marketplace.pipeline.ballots import BallotSeen, ballots_of
from marketplace.pipeline.service import audience_of
from marketplace.proposals import reading, sight
from marketplace.proposals.models import Proposal
from marketplace.proposals.sharing import changeable, own_proposal
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

Precondition = Callable[[Any], None]
SESSION = ("kind", "held_on", "invited", "attended", "evidence_ids")
TRANSFER = ("transfer_on", "staff", "promise_months", "measures", "consultations")


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """A session as its reader is told of it; `documents` are those shown there that the reader may open."""

    session: InformationSession
    told: Attendance
    documents: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Engagement:
    """How a proposal's staff were told and asked. `ballots` is None for who does not see the proposal's workings."""

    sessions: Sequence[SessionSeen]
    totals: Attendance
    questions: int
    answered: int
    ballots: Sequence[BallotSeen] | None


def record_session(session: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> SessionSeen:
    """Record a session that was held. InformationSessionFaults with every fault."""
    proposal = _of_ours(session, actor, proposal_id)
    _refuse_more(session, InformationSession, proposal_id, rules.MOST_SESSIONS)
    held = InformationSession(id=new_id(), proposal_id=proposal_id, version=1)
    _write_session(session, actor, held, draft)
    _record(session, actor, proposal, "information_session", held.id, "recorded", after=_session_content(held))
    return _session_seen(session, actor, held)


def correct_session(
    session: Session, actor: Actor, session_id: UUID, draft: dict[str, Any], precondition: Precondition
) -> SessionSeen:
    """Replace what is recorded of a session."""
    known = session.get(InformationSession, session_id)
    if known is None:
        raise NotFound()
    proposal = _of_ours(session, actor, known.proposal_id)
    held = session.get_one(InformationSession, session_id, with_for_update={"key_share": True}, populate_existing=True)
    precondition(held)
    before = _session_content(held)
    held.version += 1
    _write_session(session, actor, held, draft)
    after = _session_content(held)
    _record(session, actor, proposal, "information_session", held.id, "corrected", before=before, after=after)
    return _session_seen(session, actor, held)


def session_of(session: Session, actor: Actor, session_id: UUID) -> SessionSeen:
    """One session of one's own proposal, in full."""
    held = session.get(InformationSession, session_id)
    if held is None:
        raise NotFound()
    own_proposal(session, actor, held.proposal_id, Action.READ_PROPOSAL)
    return _session_seen(session, actor, held)


def question_of(session: Session, actor: Actor, question_id: UUID) -> StaffQuestion:
    """One question of one's own proposal."""
    asked = session.get(StaffQuestion, question_id)
    if asked is None:
        raise NotFound()
    own_proposal(session, actor, asked.proposal_id, Action.READ_PROPOSAL)
    return asked


def ask_question(session: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> StaffQuestion:
    """Record what somebody of the staff asked, with its answer if there is one. StaffQuestionFaults."""
    proposal = _of_ours(session, actor, proposal_id)
    _refuse_more(session, StaffQuestion, proposal_id, rules.MOST_QUESTIONS)
    asked = StaffQuestion(id=new_id(), proposal_id=proposal_id, version=1, recorded_by=actor.person)
    asked.asked_on, asked.question = draft["asked_on"], draft["question"]
    faults = []
    if draft["asked_on"] > today():
        faults.append({"pointer": "#/asked_on", "detail": "A question is recorded once it was asked."})
    if draft.get("session_id") is not None:
        held = session.get(InformationSession, draft["session_id"])
        if held is None or held.proposal_id != proposal_id:
            faults.append({"pointer": "#/session_id", "detail": "Name a session of this proposal."})
        asked.session_id = draft["session_id"]
    if faults:
        raise rules.StaffQuestionFaults("`errors` names each fault.", errors=faults)
    if draft.get("answer") is not None:
        asked.answer, asked.answered_on, asked.answered_by = draft["answer"], today(), actor.person
    session.add(asked)
    session.flush()
    session.refresh(asked)
    _record(session, actor, proposal, "staff_question", asked.id, "recorded", after=_question_content(asked))
    return asked


def answer_question(
    session: Session, actor: Actor, question_id: UUID, answer: dict[str, str], precondition: Precondition
) -> StaffQuestion:
    """Answer a question, or answer it better."""
    known = session.get(StaffQuestion, question_id)
    if known is None:
        raise NotFound()
    proposal = _of_ours(session, actor, known.proposal_id)
    asked = session.get_one(StaffQuestion, question_id, with_for_update={"key_share": True}, populate_existing=True)
    precondition(asked)
    before = _question_content(asked)
    asked.answer, asked.answered_on, asked.answered_by = answer, today(), actor.person
    asked.version += 1
    session.flush()
    after = _question_content(asked)
    _record(session, actor, proposal, "staff_question", asked.id, "answered", before=before, after=after)
    return asked


def questions_of(
    session: Session, actor: Actor, proposal_id: UUID, after: UUID | None, limit: int
) -> Sequence[StaffQuestion]:
    """A proposal's questions, the newest first; `limit` + 1. For who sees the proposal by name: words tell a group."""
    if not _sees_workings(session, actor, proposal_id) and not sight.sees_plainly(session, actor, proposal_id):
        raise NotFound()
    rows = select(StaffQuestion).where(StaffQuestion.proposal_id == proposal_id)
    if after is not None:
        rows = rows.where(StaffQuestion.id < after)
    return list(session.scalars(rows.order_by(StaffQuestion.id.desc()).limit(limit + 1)))


def engagement_of(session: Session, actor: Actor, proposal_id: UUID) -> Engagement:
    """The engagement record, for whoever sees the proposal: counts in full for those who see its workings."""
    workings = _sees_workings(session, actor, proposal_id)
    if not workings:
        reading.proposal_seen(session, actor, proposal_id)
    rows = select(InformationSession).where(InformationSession.proposal_id == proposal_id)
    held = list(session.scalars(rows.order_by(InformationSession.held_on.desc(), InformationSession.id.desc())))
    counts = [(each.invited, each.attended) for each in held]
    told = [Attendance(*pair) for pair in counts] if workings else rules.attendance_told(counts)
    documents = _documents(session, actor, proposal_id, held)
    asked, answered = session.execute(
        select(func.count(), func.count(StaffQuestion.answered_on)).where(StaffQuestion.proposal_id == proposal_id)
    ).one()
    return Engagement(
        sessions=[SessionSeen(*each) for each in zip(held, told, documents, strict=True)],
        totals=rules.totals_told(counts, told),
        questions=asked,
        answered=answered,
        ballots=ballots_of(session, actor, proposal_id) if workings else None,
    )


def put_transfer(
    session: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any], precondition: Precondition
) -> StaffTransfer:
    """Say how the staff will be transferred; replaces what was said before. StaffTransferFaults with every fault."""
    proposal = _of_ours(session, actor, proposal_id)
    kept = _held_transfer(session, proposal_id)
    precondition(kept)
    named = [each.get("evidence_id") for each in draft["consultations"]]
    faults = rules.transfer_faults(draft, today(), _strange(session, proposal_id, named))
    if faults:
        raise rules.StaffTransferFaults("`errors` names each fault.", errors=faults)
    before = _transfer_content(kept) if kept.version else None
    for name in TRANSFER:
        setattr(kept, name, draft.get(name))
    kept.consultations = [_as_json(each) for each in draft["consultations"]]
    kept.updated_by, kept.updated_at = actor.person, now()
    kept.version += 1
    session.add(kept)
    session.flush()
    journal.record(
        session,
        "staff_transfer.recorded",
        "staff_transfer",
        proposal_id,
        actor=actor,
        audience=journal.only(*audience_of(session, proposal)),
        path=f"/v1/proposals/{proposal_id}/staff-transfer",
        before=before,
        after=_transfer_content(kept),
    )
    return kept


def transfer_of(session: Session, actor: Actor, proposal_id: UUID) -> StaffTransfer:
    """What was said of the transfer, for those who see the proposal's workings; empty before anything was."""
    policy.see_workings(session, actor, proposal_id)
    return _held_transfer(session, proposal_id)


def _sees_workings(session: Session, actor: Actor, proposal_id: UUID) -> bool:
    try:
        policy.see_workings(session, actor, proposal_id)
    except NotFound:
        return False
    return True


def _of_ours(session: Session, actor: Actor, proposal_id: UUID) -> Proposal:
    """The caller's own proposal, locked, for which they may write; not one that was withdrawn."""
    proposal = own_proposal(session, actor, proposal_id, Action.WRITE_PROPOSAL, lock=True)
    permit(freshly(session, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    return changeable(proposal)


def _refuse_more(session: Session, model: Any, proposal_id: UUID, most: int) -> None:
    if session.scalars(select(func.count()).where(model.proposal_id == proposal_id)).one() >= most:
        raise rules.TooManyRecords(f"A proposal has at most {most} of them.")


def _strange(session: Session, proposal_id: UUID, named: Sequence[UUID | None]) -> list[int]:
    """The places in `named` of evidence that is not the proposal's."""
    wanted = [each for each in named if each is not None]
    known = set(
        session.scalars(select(Evidence.id).where(Evidence.id.in_(wanted), Evidence.proposal_id == proposal_id))
    )
    return [place for place, each in enumerate(named) if each is not None and each not in known]


def _write_session(session: Session, actor: Actor, held: InformationSession, draft: Mapping[str, Any]) -> None:
    faults = rules.session_faults(draft, today(), _strange(session, held.proposal_id, draft["evidence_ids"]))
    if faults:
        raise rules.InformationSessionFaults("`errors` names each fault.", errors=faults)
    for name in SESSION:
        setattr(held, name, draft[name])
    held.evidence_ids = [str(each) for each in draft["evidence_ids"]]
    held.recorded_by = actor.person
    session.add(held)
    session.flush()
    session.refresh(held)


def _session_seen(session: Session, actor: Actor, held: InformationSession) -> SessionSeen:
    (documents,) = _documents(session, actor, held.proposal_id, [held])
    return SessionSeen(held, Attendance(held.invited, held.attended), documents)


def _documents(
    session: Session, actor: Actor, proposal_id: UUID, held: Sequence[InformationSession]
) -> list[list[UUID]]:
    """For each session the documents shown there that the caller may see."""
    named = {UUID(each) for one in held for each in one.evidence_ids}
    rows = session.scalars(select(Evidence).where(Evidence.id.in_(named), Evidence.proposal_id == proposal_id))
    seen = {each.id for each in rows if policy.may_see(session, actor, each)}
    return [[UUID(each) for each in one.evidence_ids if UUID(each) in seen] for one in held]


def _held_transfer(session: Session, proposal_id: UUID) -> StaffTransfer:
    held = session.get(StaffTransfer, proposal_id, populate_existing=True)
    return held or StaffTransfer(id=proposal_id, version=0, consultations=[])


def _as_json(consultation: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "representatives": consultation["representatives"],
        "began_on": consultation["began_on"].isoformat(),
        "ended_on": None if consultation.get("ended_on") is None else consultation["ended_on"].isoformat(),
        "evidence_id": None if consultation.get("evidence_id") is None else str(consultation["evidence_id"]),
    }


def _session_content(held: InformationSession) -> dict[str, Any]:
    return {name: getattr(held, name) for name in SESSION}


def _question_content(asked: StaffQuestion) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in ("asked_on", "question", "answer", "answered_on", "session_id")}


def _transfer_content(kept: StaffTransfer) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in TRANSFER}


def _record(
    session: Session,
    actor: Actor,
    proposal: Proposal,
    kind: str,
    subject_id: UUID,
    what: str,
    *,
    before: Any = None,
    after: Any = None,
) -> None:
    """Told to the group alone."""
    path = "engagement" if kind == "information_session" else "staff-questions"
    journal.record(
        session,
        f"{kind}.{what}",
        kind,
        subject_id,
        actor=actor,
        audience=journal.only(proposal.organisation_id),
        path=f"/v1/proposals/{proposal.id}/{path}",
        before=before,
        after=after,
    )
