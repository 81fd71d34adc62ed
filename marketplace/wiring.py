"""Which feature hears of what: the hooks of the lower features, filled in once with the higher ones.

A feature that must ask or tell something that stands above it keeps a list; this file is the only one that fills them.
"""

from sqlalchemy.orm import Session

from marketplace.evidence import expiry, policy
from marketplace.evidence import service as evidence
from marketplace.evidence.models import Evidence, EvidenceVersion, Verification
from marketplace.governance import approvals, interests
from marketplace.hosting.service import involved_hosts
from marketplace.identity import members, organisations, personal
from marketplace.learning import notes
from marketplace.ledger import reconciliation
from marketplace.matching import hooks as matching_hooks
from marketplace.monitoring import queries as monitoring_queries
from marketplace.monitoring import service as monitoring
from marketplace.personal_data import personal_data_above_identity
from marketplace.pipeline import gathering, parties
from marketplace.pipeline import service as pipeline
from marketplace.pledges import (
    authority,
    booking,
    demands,
    line_checks,
    needs,
    offers,
    queries,
    schedules,
    tranches,
)
from marketplace.pledges import hooks as pledge_hooks
from marketplace.programmes import budgets
from marketplace.programmes import hooks as programme_hooks
from marketplace.proposals import hooks, involved, sight
from marketplace.proposals import service as proposals
from marketplace.proposals.assurance import assure_fact, current_version_of, lapse_fact
from marketplace.repayments import hooks as repayment_hooks
from marketplace.repayments import service as repayments
from marketplace.repayments.reconciliation import repayments_and_books_differ
from marketplace.rights import service as rights
from marketplace.social_value import benefits
from marketplace.values.actor import Actor
from marketplace.vehicles import facilities, matches
from marketplace.watches import jobs as watches
from marketplace.watches import shortlists


def connect_features() -> None:
    """Fill every hook. Safe to call again: each is set, never added to twice."""
    policy.OWNER_OF_PROPOSAL = proposals.owner_of
    policy.PARTIES[:] = [tranches.may_read_evidence, parties.is_named_party]
    policy.VIEWERS[:] = [needs.may_read]
    policy.VERIFIERS[:] = [needs.verifies_for, parties.named_verifier]
    policy.AUDIENCES[:] = [needs.concerned_with]
    policy.KEPT_OUT[:] = [needs.acts_for_excluded]
    policy.ONLOOKERS[:] = [sight.sees_plainly]
    policy.EXCLUDED = needs.excluded_from
    policy.CURRENT_VERSION = current_version_of
    evidence.ON_SUBMITTED[:] = [_evidenced, pipeline.open_milestone]
    evidence.ON_ACCEPTED[:] = [_verified, pipeline.evidence_accepted]
    expiry.ON_EXPIRED[:] = [_lapsed]
    pipeline.PARTIES_TO[:] = [queries.live_parties]
    gathering.BENEFITS_REGISTER = benefits.register_facts
    hooks.BEFORE_PUBLICATION[:] = [pipeline.refuse_another_stage]
    hooks.ON_FIRST_VERSION[:] = [pipeline.enter_pipeline]
    hooks.PARTY_CHECKS[:] = [queries.is_party]
    hooks.PARTY_CLAUSES[:] = [queries.has_party]
    hooks.BEFORE_WITHDRAWAL[:] = [offers.before_withdrawal, rights.before_withdrawal]
    hooks.ON_CHANGE[:] = [watches.proposal_changed]
    programme_hooks.ON_PUBLIC_CHANGE[:] = [watches.programme_changed]
    matching_hooks.MARKS[:] = [matching_hooks.Marks(shortlists.states_of, shortlists.is_in_state)]
    organisations.ON_VERIFICATION[:] = [watches.organisation_changed]
    _connect_governance()
    members.GUEST_SUBJECTS[:] = [proposals.belongs_to]
    personal.SOURCES[:] = [*personal.OF_IDENTITY, *personal_data_above_identity()]
    _connect_pledges()


def _connect_pledges() -> None:
    pledge_hooks.ON_OFFER[:] = [monitoring.pin_terms]
    pledge_hooks.ON_AGREEMENT[:] = [monitoring.open_monitoring]
    pledge_hooks.ON_PAYMENTS_CHANGED[:] = [monitoring.payments_changed]
    pledge_hooks.PAYMENT_REASONS[:] = [monitoring.payment_reasons, matches.payment_reasons]
    pledge_hooks.REVERSAL_REASONS[:] = [monitoring.reversal_reasons, repayments.reversal_reasons]
    pledge_hooks.ON_PAID[:] = [repayments.make_schedule]
    pledge_hooks.ON_RETURNED[:] = [repayments.note_return, facilities.note_return]
    pledge_hooks.OFFER_REASONS[:] = [facilities.offer_reasons, matches.offer_reasons]
    pledge_hooks.NOTE_CLAUSES[:] = [notes.written_since]
    pledge_hooks.ON_ACCEPTED[:] = [facilities.draw_on_acceptance]
    pledge_hooks.ON_CANCELLED[:] = [facilities.give_back]
    repayment_hooks.ON_REPAID[:] = [facilities.note_repayment]
    repayment_hooks.ON_WRITTEN_OFF[:] = [facilities.note_write_off]
    for check in (
        booking.parts_and_books_differ,
        line_checks.lines_and_pledges_differ,
        schedules.tranches_and_parts_differ,
        demands.demands_and_tranches_differ,
        monitoring_queries.spend_differs,
        repayments_and_books_differ,
        facilities.facilities_and_books_differ,
        matches.matches_and_books_differ,
    ):
        if check not in reconciliation.CHECKS:
            reconciliation.CHECKS.append(check)


def _connect_governance() -> None:
    approvals.SUBJECTS.update(
        pledge=authority.pledge_subject,
        tranche=authority.tranche_subject,
        programme=budgets.budget_subject,
        evidence_version=evidence.verification_subject,
    )
    interests.INVOLVED[:] = [involved.involved_in, involved_hosts, matches.involved_employers]
    interests.SEES_PROPOSAL[:] = [involved.is_seen]
    interests.SHOWN_TO[:] = [involved.is_shown_to]
    interests.KNOWN_TO[:] = [authority.knows_group]


def _evidenced(session: Session, actor: Actor, evidence_: Evidence, version: EvidenceVersion) -> None:
    """Submitted evidence that names a fact makes that fact evidenced."""
    _assure(session, actor, evidence_, version, "evidenced")


def _verified(
    session: Session, actor: Actor, evidence_: Evidence, version: EvidenceVersion, _verification: Verification
) -> None:
    """Accepted evidence that names a fact makes that fact verified."""
    _assure(session, actor, evidence_, version, "verified")


def _lapsed(session: Session, evidence_: Evidence, _version: EvidenceVersion) -> None:
    """A fact whose acceptance has expired is evidenced still, and verified only while another acceptance counts."""
    if evidence_.fact is not None:
        standing = expiry.standing_for_fact(session, evidence_.proposal_id, evidence_.fact)
        lapse_fact(session, evidence_.proposal_id, evidence_.fact, evidence_.id, standing)


def _assure(session: Session, actor: Actor, evidence_: Evidence, version: EvidenceVersion, level: str) -> None:
    """Of the version that was published when the document was submitted: its values are what the document shows.

    Heard before the pipeline, which locks no proposal: a publication locks the proposal first and its gates then.
    """
    if evidence_.fact is not None and version.proposal_version_id is not None:
        assure_fact(session, version.proposal_version_id, evidence_.fact, level, actor.person, evidence_.id)
