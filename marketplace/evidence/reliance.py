"""Relying on another's acceptance: a funder asks, the group consents or refuses, and may take its consent back.

Flushes, never commits. What was decided while the consent stood stands (see `relied_on`); it moves no money itself.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence.models import Evidence, EvidenceVersion, Reliance
from marketplace.evidence.rules import (
    AlreadyRequested,
    CannotRelyOn,
    RelianceAnswered,
    RelianceFacts,
    ScanState,
    reliance_reasons,
)
from marketplace.evidence.service import version_seen
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import FUNDING_KINDS, Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import unmet
from marketplace.values.refusals import NotFound
from marketplace.web.paging import Page, by_id, cut

LIVE = ("requested", "consented")


def request_reliance(session: Session, actor: Actor, version_id: UUID, draft: dict[str, Any]) -> Reliance:
    """Ask the group to let an organisation of the caller's rely on the acceptance of a version that they see.

    CannotRelyOn with every reason; AlreadyRequested.
    """
    version = version_seen(session, actor, version_id)
    organisation_id = draft["organisation_id"]
    membership = permit(actor, Action.VERIFY_EVIDENCE, organisation_id)
    evidence = _locked(session, version)
    verification = version.verification
    facts = RelianceFacts(
        accepted=version.state == "accepted",
        expired=verification is not None and verification.expired,
        readable=version.scan_state != ScanState.INFECTED,
        accepted_by_itself=verification is not None and verification.verifier_organisation_id == organisation_id,
        funder=membership.kind in FUNDING_KINDS,
        of_the_group=policy.of_the_group(actor, evidence.organisation_id, evidence.proposal_id),
    )
    against = unmet(reliance_reasons(facts))
    if against:
        raise CannotRelyOn(
            "There is no acceptance of another's that counts.", reasons=[reason.as_json() for reason in against]
        )
    mine = select(Reliance.id).where(
        Reliance.evidence_version_id == version.id,
        Reliance.organisation_id == organisation_id,
        Reliance.state.in_(LIVE),
    )
    if session.scalars(mine).first() is not None:
        raise AlreadyRequested("Your organisation has asked for it already.")
    made = Reliance(
        id=new_id(),
        evidence_version=version,
        organisation_id=organisation_id,
        message=draft.get("message"),
        requested_by=actor.person,
        state="requested",
        version=1,
    )
    session.add(made)
    session.flush()
    session.refresh(made)
    _record(session, actor, made)
    return made


def list_reliance(session: Session, actor: Actor, version_id: UUID, after: UUID | None, limit: int) -> Page:
    """The requests about a version that the caller sees: all of them for the group, its own for a funder."""
    version = version_seen(session, actor, version_id)
    query = select(Reliance).where(
        Reliance.evidence_version_id == version.id, _seen_by(actor, version.evidence.organisation_id)
    )
    if after is not None:
        query = query.where(Reliance.id > after)
    return cut(session.scalars(query.order_by(Reliance.id).limit(limit + 1)).all(), limit, by_id)


def reliance_seen(session: Session, actor: Actor, reliance_id: UUID) -> Reliance:
    """That request, for the group and the organisation that asked; NotFound for all others.

    The organisation goes on seeing what it asked and what was said, whether or not it still sees the evidence.
    """
    reliance = session.get(Reliance, reliance_id)
    if reliance is None:
        raise NotFound()
    group = reliance.evidence_version.evidence.organisation_id
    if actor.membership_in(group) is None and actor.membership_in(reliance.organisation_id) is None:
        raise NotFound()
    if actor.membership_in(group) is None and _kept_out(session, actor, reliance):
        raise NotFound()
    return reliance


def answer_reliance(session: Session, actor: Actor, reliance_id: UUID, answer: dict[str, Any]) -> Reliance:
    """The group consents or refuses; RelianceAnswered for what is open no longer."""
    reliance = reliance_seen(session, actor, reliance_id)
    permit(actor, Action.SHARE_PROPOSAL, reliance.evidence_version.evidence.organisation_id)
    reliance = _held(session, reliance_id)
    if reliance.state != "requested":
        raise RelianceAnswered(f"The request is {reliance.state}.", state=reliance.state)
    reliance.state = answer["answer"]
    reliance.answer_reason = answer.get("reason")
    reliance.answered_by, reliance.answered_at = actor.person, now()
    return _changed(session, actor, reliance)


def withdraw_reliance(session: Session, actor: Actor, reliance_id: UUID) -> Reliance:
    """The group takes its consent back, or the funder its request: for what is decided from now on.

    RelianceAnswered for what was refused or withdrawn before.
    """
    reliance = reliance_seen(session, actor, reliance_id)
    group = reliance.evidence_version.evidence.organisation_id
    if actor.membership_in(group) is not None:
        permit(actor, Action.SHARE_PROPOSAL, group)
    else:
        permit(actor, Action.VERIFY_EVIDENCE, reliance.organisation_id)
    reliance = _held(session, reliance_id)
    if reliance.state not in LIVE:
        raise RelianceAnswered(f"The request is {reliance.state}.", state=reliance.state)
    reliance.state = "withdrawn"
    reliance.ended_by, reliance.ended_at = actor.person, now()
    return _changed(session, actor, reliance)


def relied_on(organisation_id: UUID, at: datetime) -> ColumnElement[bool]:
    """That the organisation relied on a version (of EvidenceVersion) at that instant, with the group's consent."""
    return (
        select(Reliance.id)
        .where(
            Reliance.evidence_version_id == EvidenceVersion.id,
            Reliance.organisation_id == organisation_id,
            Reliance.state.in_(("consented", "withdrawn")),
            Reliance.answered_at <= at,
            or_(Reliance.ended_at.is_(None), Reliance.ended_at > at),
        )
        .exists()
    )


def _seen_by(actor: Actor, group: UUID) -> ColumnElement[bool]:
    if actor.membership_in(group) is not None:
        return Reliance.id.is_not(None)
    return Reliance.organisation_id.in_(sorted(actor.organisation_ids))


def _kept_out(session: Session, actor: Actor, reliance: Reliance) -> bool:
    proposal_id = reliance.evidence_version.evidence.proposal_id
    return any(kept_out(session, actor, proposal_id) for kept_out in policy.KEPT_OUT)


def _locked(session: Session, version: EvidenceVersion) -> Evidence:
    evidence = session.get_one(
        Evidence, version.evidence_id, with_for_update={"key_share": True}, populate_existing=True
    )
    session.refresh(version)
    return evidence


def _held(session: Session, reliance_id: UUID) -> Reliance:
    query = select(Reliance).where(Reliance.id == reliance_id).with_for_update(of=Reliance, key_share=True)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def _changed(session: Session, actor: Actor, reliance: Reliance) -> Reliance:
    reliance.version += 1
    session.flush()
    _record(session, actor, reliance)
    return reliance


def _record(session: Session, actor: Actor, reliance: Reliance) -> None:
    """Tell the group and the organisation that asked, and nobody else of those who see the evidence."""
    evidence = reliance.evidence_version.evidence
    readers = policy.readers_of(session, evidence, reliance.organisation_id)
    journal.record(
        session,
        f"reliance.{reliance.state}",
        "reliance",
        reliance.id,
        actor=actor,
        audience=journal.Audience(
            readers.organisations & {evidence.organisation_id, reliance.organisation_id},
            excluded=readers.excluded,
            owner=readers.owner,
        ),
        path=f"/v1/reliance-requests/{reliance.id}",
        after={"state": reliance.state, "version": reliance.evidence_version_id},
    )
