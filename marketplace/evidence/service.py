"""Opening evidence, submitting versions of it, verifying them. Flushes, never commits.

Locks the evidence row, so that a new version and a decision on the one before never cross. Knows no pledges and no
milestones: what follows from a submission or an acceptance is for the hooks, in the same transaction.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from marketplace.evidence import policy, scanning
from marketplace.evidence.models import Evidence, EvidenceVersion, Verification
from marketplace.evidence.rules import (
    MOST_VERSIONS,
    AlreadyDecided,
    FactNotKnown,
    MayNotVerify,
    TooManyVersions,
    VerifierFacts,
    last_day,
    refuse_undecidable,
    verification_reasons,
)
from marketplace.governance.approvals import Subject
from marketplace.governance.rules import Act
from marketplace.governance.service import require_authority
from marketplace.questions.service import definitions
from marketplace.reference.facts import REGISTRY
from marketplace.store import documents, journal
from marketplace.store.base import new_id
from marketplace.store.documents import Stored, know
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import unmet
from marketplace.values.refusals import NotFound
from marketplace.web.paging import Page, by_id, cut

ON_SUBMITTED: list[Callable[[Session, Actor, Evidence, EvidenceVersion], None]] = []
"""Called in the transaction of each submission."""

ON_ACCEPTED: list[Callable[[Session, Actor, Evidence, EvidenceVersion, Verification], None]] = []
"""Called in the transaction of each acceptance."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A document that has arrived: what it is called, what it is, and where its content is kept."""

    filename: str
    media_type: str
    stored: Stored


def open_evidence(session: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> Evidence:
    """Say what will be shown: a kind of document, perhaps for a milestone or a fact. Versions follow."""
    owner = policy.permit_in_group(session, actor, Action.SUBMIT_EVIDENCE, proposal_id)
    fact = draft.get("fact")
    if fact is not None and fact not in REGISTRY and not definitions(session, [fact]):
        raise FactNotKnown("Give the slug of a fact in the registry, or of a question.", pointer="#/fact")
    evidence = Evidence(id=new_id(), proposal_id=proposal_id, organisation_id=owner, version=1, versions=[], **draft)
    session.add(evidence)
    session.flush()
    _record(session, actor, "evidence.opened", evidence, f"/v1/evidence/{evidence.id}", evidence.id, after=draft)
    return evidence


def list_evidence(session: Session, actor: Actor, proposal_id: UUID, place: list[Any] | None, limit: int) -> Page:
    """The evidence of a proposal that the caller may see, oldest first.

    NotFound for who is no party to it, unless there is something that they see all the same.
    """
    after = UUID(place[0]) if place else None
    visible = (each for each in _in_turn(session, proposal_id, after, limit) if policy.may_see(session, actor, each))
    page = cut(list(islice(visible, limit + 1)), limit, by_id)
    if not page.items:
        policy.see_workings(session, actor, proposal_id)
    return page


def evidence_seen(session: Session, actor: Actor, evidence_id: UUID) -> Evidence:
    """That evidence; NotFound unless the caller may see it."""
    evidence = session.get(Evidence, evidence_id)
    if evidence is None or not policy.may_see(session, actor, evidence):
        raise NotFound()
    return evidence


def version_seen(session: Session, actor: Actor, version_id: UUID) -> EvidenceVersion:
    """That version; NotFound unless the caller may see its evidence."""
    version = session.get(EvidenceVersion, version_id)
    if version is None or not policy.may_see(session, actor, version.evidence):
        raise NotFound()
    return version


def admit_upload(session: Session, actor: Actor, evidence_id: UUID) -> None:
    """Refuse, before a byte is read, who may not submit a version: as `submit_version` would."""
    evidence = evidence_seen(session, actor, evidence_id)
    permit(actor, Action.SUBMIT_EVIDENCE, evidence.organisation_id)
    _refuse_too_many(evidence)


def submit_version(session: Session, actor: Actor, evidence_id: UUID, upload: Upload) -> EvidenceVersion:
    """The next version of that evidence. The one still waiting for a decision is superseded; decided ones stand."""
    evidence_seen(session, actor, evidence_id)
    evidence = session.get_one(Evidence, evidence_id, with_for_update={"key_share": True}, populate_existing=True)
    permit(actor, Action.SUBMIT_EVIDENCE, evidence.organisation_id)
    _refuse_too_many(evidence)
    for earlier in evidence.versions:
        if earlier.state == "submitted":
            earlier.state = "superseded"
    know(session, upload.stored)
    version = EvidenceVersion(
        id=new_id(),
        evidence=evidence,
        number=len(evidence.versions) + 1,
        filename=upload.filename,
        media_type=upload.media_type,
        size=upload.stored.size,
        sha256=upload.stored.sha256,
        proposal_version_id=policy.CURRENT_VERSION(session, evidence.proposal_id),
        state="submitted",
        submitted_by=actor.user_id,
    )
    evidence.version += 1
    session.add(version)
    session.flush()
    session.refresh(version)
    scanning.await_scan(session, version)
    for hook in ON_SUBMITTED:
        hook(session, actor, evidence, version)
    _record_version(session, actor, "evidence.submitted", version)
    return version


def verify_version(
    session: Session, actor: Actor, version_id: UUID, decision: str, reason: str, expires_on: date | None = None
) -> Verification:
    """Accept or reject a submitted version, once and for ever; an acceptance counts until `expires_on`, its last day.

    Without a day the kind's own `valid_months` count, where it has some. ExpiryNotUsable for a day that is over.
    DocumentInfected and DocumentNotScannedYet for an acceptance of what nobody could have read. MayNotVerify, with
    every reason, for members of the group, for who submitted it and for who is named by no party; Forbidden for a role
    that is not enough; AlreadyDecided when it no longer waits for a decision.
    """
    version = version_seen(session, actor, version_id)
    evidence = session.get_one(
        Evidence, version.evidence_id, with_for_update={"key_share": True}, populate_existing=True
    )
    organisation = _permitted_verifier(session, actor, evidence, version)
    expires_on = last_day(evidence.kind, decision, expires_on, today())
    refuse_undecidable(version.scan_state, decision, strict=scanning.strict())
    _decide(session, version, decision)
    verification = Verification(
        id=new_id(),
        evidence_version=version,
        verifier_user_id=actor.user_id,
        verifier_organisation_id=organisation,
        decision=decision,
        reason=reason,
        expires_on=expires_on,
    )
    evidence.version += 1
    session.add(verification)
    session.flush()
    session.refresh(verification)
    if decision == "accepted":
        for hook in ON_ACCEPTED:
            hook(session, actor, evidence, version, verification)
    _record_version(session, actor, f"evidence.{decision}", version, verifier=organisation)
    return verification


def note_damage(session: Session, version_id: UUID) -> None:
    """What is kept is not the document that was submitted: remember it, and tell the group once."""
    version = session.get_one(EvidenceVersion, version_id)
    if documents.note_damage(session, version.sha256):
        group = version.evidence.organisation_id
        journal.record(
            session,
            "evidence.damaged",
            "evidence_version",
            version.id,
            actor=Actor(),
            audience=journal.Audience(frozenset({group}), owner=group),
            path=f"/v1/evidence-versions/{version.id}",
            after={"sha256": version.sha256},
        )


def accepted_kinds(session: Session, proposal_id: UUID) -> frozenset[str]:
    """The kinds of evidence of which that proposal has an accepted version whose acceptance has not expired."""
    kinds = select(Evidence.kind).join(Evidence.versions).join(EvidenceVersion.verification)
    return frozenset(session.scalars(kinds.where(Evidence.proposal_id == proposal_id, counts_on(today()))))


def counts_on(day: date) -> ColumnElement[bool]:
    """That a verification is an acceptance which counts on that day."""
    standing = or_(Verification.expires_on.is_(None), Verification.expires_on >= day)
    return (Verification.decision == "accepted") & standing


def _in_turn(session: Session, proposal_id: UUID, after: UUID | None, batch: int) -> Iterator[Evidence]:
    """The proposal's evidence by id, fetched a batch at a time."""
    while True:
        query = select(Evidence).where(Evidence.proposal_id == proposal_id).order_by(Evidence.id).limit(batch)
        rows = session.scalars(query if after is None else query.where(Evidence.id > after)).all()
        yield from rows
        if len(rows) < batch:
            return
        after = rows[-1].id


def _refuse_too_many(evidence: Evidence) -> None:
    if len(evidence.versions) >= MOST_VERSIONS:
        raise TooManyVersions(f"A piece of evidence has at most {MOST_VERSIONS} versions; open another one.")


def _permitted_verifier(session: Session, actor: Actor, evidence: Evidence, version: EvidenceVersion) -> UUID:
    """The organisation for which the caller verifies."""
    facts = VerifierFacts(
        in_group=policy.of_the_group(actor, evidence.organisation_id, evidence.proposal_id),
        submitted_it=version.submitted_by == actor.user_id,
        named_for=policy.named_verifier(session, actor, evidence),
    )
    against = unmet(verification_reasons(facts))
    if against or facts.named_for is None:
        raise MayNotVerify(
            "A verifier is named by a party, and belongs to neither the group nor the submission.",
            reasons=[reason.as_json() for reason in against],
        )
    permit(actor, Action.VERIFY_EVIDENCE, facts.named_for)
    about = evidence.proposal_id
    require_authority(session, actor, Act.VERIFICATION, facts.named_for, version.id, None, proposal_id=about)
    return facts.named_for


def verification_subject(session: Session, actor: Actor, version_id: UUID) -> Subject | None:
    """The version as governance asks for it: of the organisation for which the caller may verify it, if any."""
    evidence = version_seen(session, actor, version_id).evidence
    organisation = policy.named_verifier(session, actor, evidence)
    return None if organisation is None else Subject(organisation, evidence.proposal_id)


def _decide(session: Session, version: EvidenceVersion, decision: str) -> None:
    deciding = (
        update(EvidenceVersion)
        .where(EvidenceVersion.id == version.id, EvidenceVersion.state == "submitted")
        .values(state=decision)
        .returning(EvidenceVersion.id)
        .execution_options(synchronize_session=False)
    )
    if session.execute(deciding).scalar() is None:
        session.refresh(version, ["state"])
        raise AlreadyDecided(f"The version is {version.state} already.", state=version.state)
    session.refresh(version, ["state"])


def _record_version(
    session: Session, actor: Actor, type_: str, version: EvidenceVersion, verifier: UUID | None = None
) -> None:
    after = {"state": version.state, "sha256": version.sha256, "number": version.number, "by": verifier}
    path = f"/v1/evidence-versions/{version.id}"
    _record(session, actor, type_, version.evidence, path, version.id, after, verifier)


def _record(
    session: Session,
    actor: Actor,
    type_: str,
    evidence: Evidence,
    path: str,
    subject_id: UUID,
    after: Any,
    verifier: UUID | None = None,
) -> None:
    kind = "evidence" if subject_id == evidence.id else "evidence_version"
    journal.record(
        session,
        type_,
        kind,
        subject_id,
        actor=actor,
        audience=policy.readers_of(session, evidence, verifier),
        path=path,
        after=after,
    )
