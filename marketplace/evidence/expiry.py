"""Acceptances whose last day is over: those who see the evidence are told, and the facts they assured are assured less.

For gates and milestones an acceptance ceases to count by the clock, at midnight in London; only what is kept beside it
waits for this. What was decided on it stands.
"""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence.models import AcceptanceLapse, Evidence, EvidenceVersion, Verification
from marketplace.evidence.service import counts_on
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import today

ON_EXPIRED: list[Callable[[Session, Evidence, EvidenceVersion], None]] = []
"""Called in the transaction in which an expired acceptance is recorded."""


def record_expired(session: Session) -> int:
    """Record the acceptances that have expired and were not recorded; how many. Two at once record each once."""
    recorded = select(AcceptanceLapse.id).where(AcceptanceLapse.verification_id == Verification.id)
    expired = (
        select(Verification)
        .where(Verification.decision == "accepted", Verification.expires_on < today(), ~recorded.exists())
        .order_by(Verification.id)
    )
    return sum(_record(session, each) for each in session.scalars(expired).all())


def standing_for_fact(session: Session, proposal_id: UUID, fact: str) -> list[tuple[UUID, UUID]]:
    """Evidence of that fact whose acceptance counts today: its id, and that of the proposal's version it shows."""
    rows = (
        select(Evidence.id, EvidenceVersion.proposal_version_id)
        .join(Evidence.versions)
        .join(EvidenceVersion.verification)
        .where(Evidence.proposal_id == proposal_id, Evidence.fact == fact, counts_on(today()))
        .order_by(Evidence.id)
    )
    return [(row.id, row.proposal_version_id) for row in session.execute(rows) if row.proposal_version_id is not None]


def _record(session: Session, verification: Verification) -> int:
    lapse = insert(AcceptanceLapse).values(id=new_id(), verification_id=verification.id)
    if session.execute(lapse.on_conflict_do_nothing().returning(AcceptanceLapse.id)).scalar() is None:
        return 0
    version = verification.evidence_version
    for hook in ON_EXPIRED:
        hook(session, version.evidence, version)
    journal.record(
        session,
        "evidence.expired",
        "evidence_version",
        version.id,
        actor=Actor(),
        audience=policy.readers_of(session, version.evidence),
        path=f"/v1/evidence-versions/{version.id}",
        after={"expires_on": str(verification.expires_on)},
    )
    return 1
