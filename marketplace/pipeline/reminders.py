"""Reminding of what waits: a letter to whoever a proposal has waited on for longer than is usual, once for each wait.

A wait begins when the stage is entered (the group's), when a document is submitted (of those who may verify it), when
the employer is invited. How long is usual is data (`reference.usual`), read as its longest. That a wait was told is its
event: whoever tells holds the pipeline's row and looks for the event first. Changes nothing of what it reminds of.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, aliased

from marketplace.evidence import policy
from marketplace.evidence.models import Evidence, EvidenceVersion
from marketplace.identity.authentication import memberships_of
from marketplace.identity.models import Membership, Organisation, User
from marketplace.pipeline import letters
from marketplace.pipeline.models import ProposalPipeline
from marketplace.pipeline.service import audience_of, group_is_waited_on
from marketplace.proposals.models import EmployerConsent, Proposal, ProposalNamed
from marketplace.reference.usual import STAGE_TIMES, USUAL_STEPS
from marketplace.store import journal, mail
from marketplace.store.journal import Event
from marketplace.values.actor import Actor, Role
from marketplace.values.clock import day_of, now

WRITERS = (Role.OWNER.value, Role.EDITOR.value)
STAGE, DOCUMENT, INVITATION = "stage.waited", "evidence_version.waited", "employer_consent.waited"


def remind(session: Session, after: UUID | None, limit: int) -> tuple[int, UUID | None]:
    """Remind of the waits of the next `limit` proposals; how many were told, and where to go on, if anywhere."""
    ids = _waiting_long(session, after, limit)
    told = sum(_remind_of(session, proposal_id) for proposal_id in ids)
    session.flush()
    return told, ids[-1] if len(ids) == limit else None


def _waiting_long(session: Session, after: UUID | None, limit: int) -> list[UUID]:
    """Proposals on the market with a wait that is longer than usual and that nobody was told of, in their order."""
    documents = select(EvidenceVersion.id).join(Evidence).where(Evidence.proposal_id == ProposalPipeline.proposal_id)
    invitations = select(EmployerConsent.id).where(EmployerConsent.proposal_id == ProposalPipeline.proposal_id)
    query = (
        select(ProposalPipeline.proposal_id)
        .join(Proposal, Proposal.id == ProposalPipeline.proposal_id)
        .join(Organisation, Organisation.id == Proposal.organisation_id)
        .where(
            Proposal.state == "active",
            ~Proposal.historical_example,
            Organisation.verification != "suspended",
            or_(
                _lingers(),
                documents.where(*_unverified()).exists(),
                invitations.where(*_unanswered()).exists(),
            ),
        )
    )
    if after is not None:
        query = query.where(ProposalPipeline.proposal_id > after)
    return list(session.scalars(query.order_by(ProposalPipeline.proposal_id).limit(limit)))


def _lingers() -> ColumnElement[bool]:
    """It is at its stage for longer than is usual; the last stage and ends have no usual time."""
    long = (
        and_(ProposalPipeline.stage == stage, ProposalPipeline.entered_at < _days_ago(usual.most_days))
        for stage, usual in STAGE_TIMES.items()
    )
    since = Event.created_at > ProposalPipeline.entered_at
    return and_(or_(*long), ~_told(STAGE, ProposalPipeline.proposal_id, since))


def _unverified() -> tuple[ColumnElement[bool], ...]:
    """The newest version of a piece of evidence, which nobody has decided on for longer than is usual."""
    newer = aliased(EvidenceVersion)
    followed = select(newer.id).where(
        newer.evidence_id == EvidenceVersion.evidence_id, newer.number > EvidenceVersion.number
    )
    return (
        EvidenceVersion.state == "submitted",
        EvidenceVersion.submitted_at < _days_ago(USUAL_STEPS["VERIFICATION"].most_days),
        ~followed.exists(),
        ~_told(DOCUMENT, EvidenceVersion.id),
    )


def _unanswered() -> tuple[ColumnElement[bool], ...]:
    """An invitation that the employer has not answered for longer than is usual."""
    return (
        EmployerConsent.state == "invited",
        EmployerConsent.created_at < _days_ago(USUAL_STEPS["EMPLOYER_APPROVAL"].most_days),
        ~_told(INVITATION, EmployerConsent.id),
    )


def _told(type_: str, subject_id: object, *since: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(Event.id).where(Event.type == type_, Event.subject_id == subject_id, *since).exists()


def _days_ago(days: int) -> datetime:
    return now() - timedelta(days=days)


# Telling


def _remind_of(session: Session, proposal_id: UUID) -> int:
    """Each of a proposal's waits, read again under its pipeline's lock."""
    pinned = session.get_one(ProposalPipeline, proposal_id, with_for_update={"key_share": True}, populate_existing=True)
    proposal = session.get_one(Proposal, proposal_id, populate_existing=True)
    told = _remind_group(session, proposal, pinned)
    documents = (
        select(EvidenceVersion)
        .join(Evidence)
        .where(Evidence.proposal_id == proposal_id, *_unverified())
        .order_by(EvidenceVersion.id)
    )
    told += sum(_remind_verifiers(session, proposal, each) for each in session.scalars(documents).unique().all())
    invitations = select(EmployerConsent).where(EmployerConsent.proposal_id == proposal_id, *_unanswered())
    told += sum(_remind_employer(session, each) for each in session.scalars(invitations).all())
    return told


def _remind_group(session: Session, proposal: Proposal, pinned: ProposalPipeline) -> int:
    """The group, where its stage takes longer than usual and the next step is the group's own."""
    lingers = select(ProposalPipeline.proposal_id).where(ProposalPipeline.proposal_id == proposal.id, _lingers())
    if session.scalar(lingers) is None or not group_is_waited_on(session, proposal, pinned):
        return 0
    path = f"/v1/proposals/{proposal.id}/next-steps"
    _send(session, _writers(session, [proposal.organisation_id]), path, pinned.entered_at)
    _record(session, STAGE, "proposal", proposal.id, journal.only(proposal.organisation_id), path)
    return 1


def _remind_verifiers(session: Session, proposal: Proposal, version: EvidenceVersion) -> int:
    """Whoever could verify the document now: each is asked for by the rule that lets them in, and nobody else."""
    shown = select(ProposalNamed.organisation_id).where(ProposalNamed.proposal_id == proposal.id)
    parties = audience_of(session, proposal).union(session.scalars(shown)) - {proposal.organisation_id}
    able = [each for each in _writers(session, parties) if _verifies(session, each, version.evidence)]
    if not able:
        return 0
    path = f"/v1/evidence-versions/{version.id}"
    _send(session, able, path, version.submitted_at)
    _record(session, DOCUMENT, "evidence_version", version.id, policy.readers_of(session, version.evidence), path)
    return 1


def _verifies(session: Session, user_id: UUID, evidence: Evidence) -> bool:
    actor = Actor(user_id=user_id, memberships=memberships_of(session, user_id))
    return policy.named_verifier(session, actor, evidence) is not None


def _remind_employer(session: Session, consent: EmployerConsent) -> int:
    """The employer that was invited: it knows of the invitation, and of nothing else."""
    path = f"/v1/employer-consents/{consent.id}"
    _send(session, _writers(session, [consent.parent_organisation_id]), path, consent.created_at)
    owner = session.get_one(Proposal, consent.proposal_id).organisation_id
    audience = journal.only(owner, consent.parent_organisation_id)
    _record(session, INVITATION, "employer_consent", consent.id, audience, path)
    return 1


def _writers(session: Session, organisations: Iterable[UUID]) -> list[UUID]:
    """Those who act for these organisations, while they are not suspended."""
    query = (
        select(Membership.user_id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            Membership.organisation_id.in_(sorted(organisations)),
            Membership.role.in_(WRITERS),
            Organisation.verification != "suspended",
        )
    )
    return sorted(set(session.scalars(query)))


def _send(session: Session, people: Iterable[UUID], path: str, since: datetime) -> None:
    addresses = select(User.email).where(User.id.in_(sorted(people))).order_by(User.id)
    for address in session.scalars(addresses).all():
        mail.send(session, address, *letters.waiting(path, day_of(since)))


def _record(session: Session, type_: str, kind: str, subject_id: UUID, audience: journal.Audience, path: str) -> None:
    journal.record(session, type_, kind, subject_id, actor=Actor(), audience=audience, path=path)
