"""What gates are told, read from the database: documents and who accepted them, the employer's word, votes.

Reads only. Must not know how a condition comes out.
"""

from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.evidence.models import Evidence, EvidenceVersion, Verification
from marketplace.evidence.service import counts_on
from marketplace.pipeline.models import Ballot, PensionArrangement
from marketplace.pipeline.parties import parties_of
from marketplace.pipeline.rules import (
    NOTHING_SHOWN,
    Acceptance,
    BallotFacts,
    Counts,
    EmployerWord,
    GateFacts,
    RegisterFacts,
    Shown,
)
from marketplace.proposals.models import EmployerConsent, Proposal
from marketplace.proposals.projection import is_named_parent
from marketplace.values.clock import today


def _nothing_registered(_session: Session, _proposal_id: UUID) -> RegisterFacts:
    return RegisterFacts()


BENEFITS_REGISTER: Callable[[Session, UUID], RegisterFacts] = _nothing_registered
"""What stands in a proposal's benefits register, which is kept above; until it is set, nothing does.

Whoever changes the register holds the proposal's lock, as a move does: the one waits for the other.
"""


def gate_facts(session: Session, proposal: Proposal) -> GateFacts:
    """Everything that the proposal's gates ask, as it is now in this transaction; acceptances that expired are none."""
    query = (
        select(
            Evidence.id,
            Evidence.kind,
            Evidence.milestone,
            EvidenceVersion.state,
            Verification.verifier_organisation_id.label("verifier"),
            Verification.decided_at,
            counts_on(today()).label("counts"),
        )
        .join(EvidenceVersion, EvidenceVersion.evidence_id == Evidence.id)
        .outerjoin(Verification, Verification.evidence_version_id == EvidenceVersion.id)
        .where(Evidence.proposal_id == proposal.id)
    )
    rows = session.execute(query).all()
    parties = parties_of(session, proposal, {row.verifier for row in rows if row.verifier is not None})
    by_kind: dict[str, Shown] = defaultdict(Shown)
    by_milestone: dict[str, Shown] = defaultdict(Shown)
    by_evidence: dict[UUID, Shown] = defaultdict(Shown)
    for row in rows:
        acceptance = None
        if row.state == "accepted" and row.counts:
            acceptance = Acceptance(parties.get(row.verifier, frozenset()), row.decided_at)
        by_kind[row.kind] = _with(by_kind[row.kind], row.state, acceptance)
        by_evidence[row.id] = _with(by_evidence[row.id], row.state, acceptance)
        if row.milestone is not None:
            by_milestone[row.milestone] = _with(by_milestone[row.milestone], row.state, acceptance)
    ballot = standing_ballot(session, proposal.id)
    return GateFacts(
        evidence=dict(by_kind),
        milestones=dict(by_milestone),
        employer=employers_word(session, proposal),
        ballot=None
        if ballot is None
        else BallotFacts(counts_of(ballot), by_evidence.get(ballot.evidence_id, NOTHING_SHOWN)),
        pension=session.scalar(select(PensionArrangement.arrangement).where(PensionArrangement.id == proposal.id)),
        register=BENEFITS_REGISTER(session, proposal.id),
    )


def employers_word(session: Session, proposal: Proposal) -> EmployerWord:
    """What the organisation that the proposal names as its parent said last: an answer, or that it takes it back."""
    consents = list(
        session.scalars(
            select(EmployerConsent)
            .where(EmployerConsent.proposal_id == proposal.id, is_named_parent(proposal))
            .execution_options(populate_existing=True)
        )
    )
    invited = any(each.state == "invited" for each in consents)
    spoken = [
        (moment, each)
        for each in consents
        if (moment := each.withdrawn_at if each.state == "withdrawn" else each.answered_at) is not None
    ]
    if not spoken:
        return EmployerWord(invited=invited)
    said_at, last = max(spoken, key=lambda word: (word[0], word[1].id))
    if last.state == "withdrawn":
        return EmployerWord(said_at=said_at, withdrawn=True, invited=invited)
    if last.expires_on is not None and last.expires_on < today():
        return EmployerWord(said_at=said_at, expired=True, invited=invited)
    return EmployerWord(last.answer, said_at, invited=invited)


def standing_ballot(session: Session, proposal_id: UUID) -> Ballot | None:
    """The latest ballot: it supersedes those before it. None where none was recorded."""
    query = select(Ballot).where(Ballot.proposal_id == proposal_id).order_by(Ballot.id.desc())
    return session.scalars(query.limit(1)).one_or_none()


def counts_of(ballot: Ballot) -> Counts:
    """The ballot's votes and rules, for the rules."""
    return Counts(
        electorate=ballot.electorate,
        votes_for=ballot.votes_for,
        votes_against=ballot.votes_against,
        spoiled=ballot.spoiled,
        quorum_bp=ballot.quorum_bp,
        threshold_bp=ballot.threshold_bp,
    )


def _with(shown: Shown, state: str, acceptance: Acceptance | None) -> Shown:
    """What was shown, with one more version of it."""
    return Shown(
        submitted=shown.submitted or state == "submitted",
        rejected=shown.rejected or state == "rejected",
        accepted=shown.accepted if acceptance is None else (*shown.accepted, acceptance),
    )
