"""What each table above identity holds of a person: told to them, and what becomes of it when they are erased.

A table that names a person and stands neither here nor in `identity.personal` fails a test.
"""

from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from marketplace.eligibility.models import CriteriaVersion
from marketplace.evidence.models import (
    Evidence,
    EvidenceAccess,
    EvidenceAccessGrant,
    EvidenceVersion,
    Reliance,
    Verification,
)
from marketplace.governance.models import Approval, AuthorisedAct, ConflictPlan, GovernanceVersion, Interest
from marketplace.hosting.models import FiscalHosting
from marketplace.identity.personal import Person, Source, acted_on, addressed, gone, held, unsigned
from marketplace.insight.models import Scenario
from marketplace.learning.models import (
    AdviserListing,
    InformationSession,
    LearningNote,
    LearningNoteVersion,
    StaffQuestion,
    StaffTransfer,
    SupportProduct,
)
from marketplace.ledger.models import LedgerTransaction
from marketplace.monitoring.models import AgreedUse, ChangeRequest, Duty, Monitoring, Report
from marketplace.pipeline.models import Ballot, GatePassage, MilestoneRecord, PensionArrangement, StageMove
from marketplace.pledges.condition_models import OutsideAward, PledgeSubsidy
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.pledges.recovery_models import Demand, PaymentReversal
from marketplace.pledges.schedule_models import Schedule
from marketplace.procurement.models import Bid, FairCompetitionEntry, FairCompetitionRecord, ProcurementOpinion
from marketplace.programmes.models import ErrorReport, ListingClaim
from marketplace.proposals.models import EmployerConsent, FactAssurance, Proposal, ProposalSection, ProposalVersion
from marketplace.questions.models import Question
from marketplace.repayments.models import Repayment, Reschedule, RevenueReport, SuccessEvent, WriteOff
from marketplace.rights.models import Motives, RightClaim
from marketplace.safeguards.models import (
    AssuranceRemark,
    AssuranceStatement,
    Safeguard,
    SafeguardVerification,
    Stakes,
)
from marketplace.social_value.models import Benefit, BenefitMeasurement, SocialValueAssessment, SocialValueVersion
from marketplace.store.journal import AuditEntry
from marketplace.vehicles.models import (
    EmployerContribution,
    EmployerMatch,
    EmployerReturn,
    Facility,
    FacilityLoss,
    Vehicle,
)
from marketplace.watches.models import ShortlistEntry, Watch, WatchRecipient, WatchVisit


def personal_data_above_identity() -> list[Source]:
    """Every table above identity that names a person, by column, with what they wrote there.

    Their own words are marked; the others are their organisation's.
    """
    return [
        *_of_evidence(),
        *_of_governance(),
        *_of_pledges(),
        *_of_monitoring_and_repayments(),
        *_of_procurement(),
        *_of_vehicles(),
        *_of_learning(),
        *_of_social_value(),
        held(LedgerTransaction, shown=("kind", "reference", "description"), actor_user_id=()),
        held(CriteriaVersion, published_by=()),
        held(FiscalHosting, answered_by=("terms", "reason")),
        held(GatePassage, shown=("proposal_id", "stage", "basis"), by_user_id=()),
        held(MilestoneRecord, shown=("proposal_id", "milestone"), verified_by_user_id=()),
        held(StageMove, shown=("proposal_id", "to_stage"), by_user_id=("reason",)),
        held(Ballot, shown=("proposal_id", "held_on"), untold=("scrutineer",), recorded_by=("question", "scrutineer")),
        held(PensionArrangement, shown=("arrangement",), updated_by=()),
        held(ListingClaim, claimed_by=("statement",), decided_by=("reason",)),
        held(ErrorReport, own=("statement",), reported_by=("statement",), answered_by=("answer",)),
        held(ProposalSection, shown=("proposal_id", "name"), untold=("content",), updated_by=("content",)),
        held(ProposalVersion, published_by=("title", "summary")),
        held(FactAssurance, shown=("proposal_version_id", "fact", "level"), by_user_id=()),
        held(EmployerConsent, invited_by=("message",), answered_by=("scope", "authority", "withdrawal_reason")),
        held(Question, asked_by=("question", "help")),
        held(Watch, made_by=("name",)),
        held(Scenario, changed_by=("name",)),
        held(ShortlistEntry, changed_by=("words", "note")),
        *_of_rights_and_safeguards(),
        gone(WatchRecipient, "user_id"),
        gone(WatchVisit, "user_id", ("seen", "visited_at")),
    ]


def _of_rights_and_safeguards() -> list[Source]:
    return [
        held(
            RightClaim,
            shown=("proposal_id", "route", "state"),
            submitted_by=("claimant", "authority_name", "title", "statement"),
            answered_by=("modification", "answer", "source"),
            appealed_by=("appeal",),
            appeal_recorded_by=("appeal_answer", "appeal_source"),
            withdrawn_by=("withdrawal_reason",),
        ),
        held(Motives, shown=("proposal_id",), updated_by=("statement",)),
        held(Safeguard, shown=("proposal_id", "safeguard"), claimed_by=("words",)),
        held(SafeguardVerification, shown=("proposal_id", "safeguard", "decision"), verified_by=("reason",)),
        held(Stakes, shown=("proposal_id",), updated_by=()),
        held(
            AssuranceStatement,
            shown=("proposal_id", "number"),
            published_by=("title", "group_name", "introduction", "lines"),
        ),
        held(
            AssuranceRemark,
            shown=("proposal_id", "kind", "role", "state"),
            made_by=("words",),
            answered_by=("answer",),
            withdrawn_by=(),
            hidden_by=("hidden_reason",),
        ),
    ]


def _of_evidence() -> list[Source]:
    return [
        held(EvidenceVersion, shown=("filename", "media_type", "sha256"), submitted_by=()),
        unsigned(Evidence, ("title",), lambda person_id: Evidence.id.in_(acted_on(person_id))),
        held(Verification, verifier_user_id=("reason",)),
        addressed(EvidenceAccessGrant, "email", by="granted_by", shown=("evidence_id",)),
        held(EvidenceAccess, shown=("evidence_id", "evidence_version_id", "standing", "what"), user_id=()),
        held(
            Reliance,
            shown=("evidence_version_id", "state"),
            requested_by=("message",),
            answered_by=("answer_reason",),
            ended_by=(),
        ),
    ]


def _of_governance() -> list[Source]:
    """The digest of what was approved stays when the name goes out of the terms; what is declared stays without words.

    Whether an act was done under an interest is asked after the person has gone, too.
    """
    return [
        held(GovernanceVersion, shown=("organisation_id", "number", "state"), proposed_by=(), answered_by=()),
        Source("delegated_limit", frozenset(), _delegated_limits),
        held(
            Approval,
            shown=("act", "subject_id", "state"),
            requested_by=("words", "terms"),
            answered_by=("answer",),
            consumed_by=(),
        ),
        held(AuthorisedAct, shown=("act", "subject_id", "amount", "currency"), user_id=(), approved_by=()),
        held(
            Interest,
            own=("words",),
            shown=("kind", "organisation_id", "proposal_id", "from_on", "to_on"),
            user_id=("words",),
        ),
        held(
            ConflictPlan,
            shown=("organisation_id", "proposal_id", "state", "until"),
            user_id=("words",),
            proposed_by=("words",),
            answered_by=(),
        ),
    ]


def _of_pledges() -> list[Source]:
    return [
        held(Pledge, drafted_by=("message",), offered_by=("waivers",), answered_by=("reason",)),
        unsigned(
            Pledge, ("message", "waivers", "reason", "agreement_reference"), partial(_of_their_pledges, Pledge.id)
        ),
        unsigned(PledgePart, ("terms",), partial(_of_their_pledges, PledgePart.pledge_id)),
        held(Tranche, claimed_by=("claim_note",), approved_by=(), paid_by=("payment_reference",)),
        unsigned(Tranche, ("reason", "claim_note"), _tranches_of_their_pledges),
        held(Schedule, shown=("pledge_id", "state"), proposed_by=("reason",), answered_by=("answer",)),
        held(
            PaymentReversal,
            shown=("tranche_id", "state"),
            requested_by=("reason",),
            decided_by=("decision_reason",),
            paid_by=("payment_reference",),
        ),
        held(Demand, shown=("pledge_id", "state"), demanded_by=("reason",), ended_by=("ending_reason",)),
        held(
            OutsideAward,
            shown=("proposal_id", "amount", "currency"),
            declared_by=("funder_name", "programme_name", "reference"),
            withdrawn_by=(),
        ),
        held(PledgeSubsidy, shown=("route", "confirmed_at"), confirmed_by=("statement",)),
    ]


def _of_social_value() -> list[Source]:
    """A benefit's owner is whom the group names: their name goes wherever it stands, whoever entered it."""
    return [
        held(SocialValueAssessment, shown=("proposal_id",), made_by=("title",)),
        held(
            SocialValueVersion,
            shown=("assessment_id", "number", "kind"),
            untold=("content", "result"),
            made_by=("content", "result"),
        ),
        held(
            Benefit,
            shown=("proposal_id", "state"),
            untold=("owner_name", "owner_role"),
            made_by=(
                "title",
                "beneficiary",
                "unit",
                "baseline_source",
                "owner_name",
                "owner_role",
                "measurement_days",
            ),
            changed_by=("owner_name", "owner_role", "retirement_reason"),
        ),
        unsigned(Benefit, ("owner_name", "owner_role"), _benefits_of_their_groups),
        held(BenefitMeasurement, shown=("benefit_id", "measured_on"), measured_by=("source", "note")),
    ]


def _benefits_of_their_groups(person_id: UUID) -> ColumnElement[bool]:
    """The benefits of every organisation that the person has acted for: one of them may be theirs to answer for."""
    groups = select(AuditEntry.organisation_id).where(AuditEntry.actor_user_id == person_id, AuditEntry.insider)
    return Benefit.proposal_id.in_(select(Proposal.id).where(Proposal.organisation_id.in_(groups)))


def _of_monitoring_and_repayments() -> list[Source]:
    return [
        held(Monitoring, shown=("state", "closed_at"), closed_by=()),
        held(
            Report,
            shown=("duty_id", "number", "state"),
            submitted_by=("words", "outcome", "lessons"),
            decided_by=("reason",),
        ),
        unsigned(Duty, ("reason",), partial(_of_their_pledges, Duty.pledge_id)),
        held(ChangeRequest, shown=("pledge_id", "state"), requested_by=("purpose", "reason"), decided_by=("answer",)),
        unsigned(AgreedUse, ("purpose",), partial(_of_their_pledges, AgreedUse.pledge_id)),
        held(Repayment, shown=("pledge_id", "received_on"), recorded_by=("reference",)),
        held(Reschedule, shown=("pledge_id", "state"), proposed_by=("reason",), answered_by=()),
        held(WriteOff, shown=("pledge_id", "state"), requested_by=("reason",), decided_by=()),
        held(RevenueReport, shown=("pledge_id", "year_ended_on"), reported_by=(), decided_by=("reason",)),
        held(SuccessEvent, shown=("pledge_id", "happened_on"), recorded_by=()),
    ]


def _of_procurement() -> list[Source]:
    return [
        held(
            ProcurementOpinion,
            shown=("proposal_id", "given_on"),
            untold=("author_name", "author_organisation"),
            recorded_by=("author_name", "author_organisation", "summary"),
        ),
        held(Bid, shown=("proposal_id", "outcome"), recorded_by=("title", "authority_name"), updated_by=("words",)),
        held(FairCompetitionRecord, shown=("published_at",), published_by=()),
        held(
            FairCompetitionEntry,
            shown=("proposal_id", "number", "kind", "happened_on"),
            untold=("organisation_name", "person_name"),
            recorded_by=("organisation_name", "person_name", "role", "words"),
        ),
    ]


def _of_vehicles() -> list[Source]:
    return [
        held(Vehicle, shown=("programme_id", "kind"), opened_by=()),
        held(Facility, shown=("vehicle_id", "state"), offered_by=(), agreed_by=()),
        held(FacilityLoss, shown=("draw_id", "kind", "happened_on"), recorded_by=("reference",)),
        held(
            EmployerMatch,
            shown=("pledge_id", "state"),
            invited_by=("message",),
            answered_by=("conflict",),
            saving_recorded_by=(),
        ),
        held(EmployerContribution, shown=("match_id", "given_on"), recorded_by=("reference",), confirmed_by=()),
        held(EmployerReturn, shown=("match_id", "received_on"), recorded_by=("reference",)),
    ]


def _of_learning() -> list[Source]:
    return [
        held(LearningNote, shown=("proposal_id", "kind"), written_by=("title", "body")),
        held(LearningNoteVersion, shown=("learning_note_id", "number"), untold=("content",), written_by=("content",)),
        held(SupportProduct, shown=("kind",), published_by=("title", "summary")),
        held(AdviserListing, updated_by=("words", "conflicts")),
        held(InformationSession, shown=("proposal_id", "held_on"), recorded_by=()),
        held(
            StaffQuestion,
            shown=("proposal_id",),
            untold=("question",),
            recorded_by=("question",),
            answered_by=("answer",),
        ),
        held(StaffTransfer, untold=("consultations",), updated_by=("measures", "consultations")),
    ]


def _of_their_pledges(pledge_id: Any, person_id: UUID) -> ColumnElement[bool]:
    """The pledges in which the person did something, themselves or to what belongs to one.

    Several people write there in turn, or words are taken over from where they stood first.
    """
    done = acted_on(person_id)
    tranches = select(PledgePart.pledge_id).join(Tranche, Tranche.part_id == PledgePart.id)
    return or_(
        pledge_id.in_(done),
        pledge_id.in_(tranches.where(Tranche.id.in_(done))),
        *(
            pledge_id.in_(select(belonging.pledge_id).where(belonging.id.in_(done)))
            for belonging in (Schedule, Demand, Duty, ChangeRequest, WriteOff)
        ),
    )


def _tranches_of_their_pledges(person_id: UUID) -> ColumnElement[bool]:
    theirs = select(PledgePart.id).where(_of_their_pledges(PledgePart.pledge_id, person_id))
    return Tranche.part_id.in_(theirs)


def _delegated_limits(session: Session, person: Person) -> list[dict[str, Any]]:
    """What organisations let the person do alone, in minor units of `currency`; others' limits are not told."""
    versions = select(GovernanceVersion).where(
        GovernanceVersion.delegated_limits.contains([{"user_id": str(person.id)}])
    )
    return [
        {
            "as": "user_id",
            "organisation_id": str(version.organisation_id),
            "number": version.number,
            "state": version.state,
            "currency": version.currency,
            **{name: value for name, value in limit.items() if name != "user_id"},
        }
        for version in session.scalars(versions.order_by(GovernanceVersion.id))
        for limit in version.delegated_limits
        if limit.get("user_id") == str(person.id)
    ]
