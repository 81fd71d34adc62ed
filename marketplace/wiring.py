"""Which feature hears of what: the hooks of the lower features, filled in once with the higher ones.

A feature that must ask or tell something that stands above it keeps a list; this file is the only one that fills them.
"""

from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence import service as evidence
from marketplace.evidence.models import Evidence, EvidenceVersion, Verification
from marketplace.identity import members, organisations
from marketplace.ledger import reconciliation
from marketplace.matching import hooks as matching_hooks
from marketplace.pipeline import service as pipeline
from marketplace.pledges import booking, offers, queries, tranches
from marketplace.programmes import hooks as programme_hooks
from marketplace.proposals import hooks
from marketplace.proposals import service as proposals
from marketplace.proposals.assurance import assure_fact, current_version_of
from marketplace.values.actor import Actor
from marketplace.watches import jobs as watches
from marketplace.watches import shortlists


def connect_features() -> None:
    """Fill every hook. Safe to call again: each is set, never added to twice."""
    policy.OWNER_OF_PROPOSAL = proposals.owner_of
    policy.PARTIES[:] = [tranches.may_read_evidence]
    policy.VIEWERS[:] = [_may_view]
    policy.VERIFIERS[:] = [_verifies_for]
    policy.AUDIENCES[:] = [_evidence_audience]
    policy.CURRENT_VERSION = current_version_of
    evidence.ON_SUBMITTED[:] = [_evidenced, pipeline.open_milestone]
    evidence.ON_ACCEPTED[:] = [_verified, pipeline.evidence_accepted]
    hooks.ON_FIRST_VERSION[:] = [pipeline.entry_declared]
    hooks.PARTY_CHECKS[:] = [queries.is_party]
    hooks.PARTY_CLAUSES[:] = [queries.has_party]
    hooks.BEFORE_WITHDRAWAL[:] = [offers.before_withdrawal]
    hooks.ON_CHANGE[:] = [watches.proposal_changed]
    programme_hooks.ON_PUBLIC_CHANGE[:] = [watches.programme_changed]
    matching_hooks.MARKS[:] = [matching_hooks.Marks(shortlists.states_of, shortlists.is_in_state)]
    organisations.ON_VERIFICATION[:] = [watches.organisation_changed]
    members.GUEST_SUBJECTS[:] = [proposals.belongs_to]
    if booking.parts_and_books_differ not in reconciliation.CHECKS:
        reconciliation.CHECKS.append(booking.parts_and_books_differ)


def _may_view(session: Session, actor: Actor, evidence_: Evidence) -> bool:
    return tranches.may_read_evidence(session, actor, evidence_.proposal_id)


def _verifies_for(session: Session, actor: Actor, evidence_: Evidence) -> UUID | None:
    return tranches.may_verify(session, actor, evidence_.proposal_id)


def _evidence_audience(session: Session, evidence_: Evidence) -> frozenset[UUID]:
    return queries.live_parties(session, evidence_.proposal_id)


def _evidenced(session: Session, actor: Actor, evidence_: Evidence, version: EvidenceVersion) -> None:
    """Submitted evidence that names a fact makes that fact evidenced."""
    _assure(session, actor, evidence_, version, "evidenced")


def _verified(
    session: Session, actor: Actor, evidence_: Evidence, version: EvidenceVersion, _verification: Verification
) -> None:
    """Accepted evidence that names a fact makes that fact verified."""
    _assure(session, actor, evidence_, version, "verified")


def _assure(session: Session, actor: Actor, evidence_: Evidence, version: EvidenceVersion, level: str) -> None:
    """Of the version that was published when the document was submitted: its values are what the document shows.

    Heard before the pipeline, which locks no proposal: a publication locks the proposal first and its gates then.
    """
    if evidence_.fact is not None and version.proposal_version_id is not None:
        assure_fact(session, version.proposal_version_id, evidence_.fact, level, actor.person, evidence_.id)
