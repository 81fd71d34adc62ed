"""Letting others see evidence, and the record of who has read it. Flushes, never commits.

The group names organisations and people; whom it keeps out of the proposal stays out. Everybody else's reading is
recorded before the first byte of the answer, by the transaction that `leaves_trace` commits.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence.models import Evidence, EvidenceAccess, EvidenceAccessGrant, EvidenceVersion
from marketplace.evidence.rules import MOST_GRANTS, AccessNotGrantable, AlreadyGranted, KeptOut, TooManyGrants
from marketplace.evidence.service import evidence_seen
from marketplace.identity.models import Membership, Organisation, User
from marketplace.identity.organisations import is_listed
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound
from marketplace.web.paging import Page, by_id, cut


def grant_access(session: Session, actor: Actor, evidence_id: UUID, draft: dict[str, Any]) -> EvidenceAccessGrant:
    """Let an organisation, or whoever has an address, see that evidence.

    AccessNotGrantable for an organisation that nobody finds, and for the group's own; KeptOut; AlreadyGranted.
    """
    evidence = _of_own_group(session, actor, evidence_id, Action.SHARE_PROPOSAL, lock=True)
    organisation_id = draft.get("organisation_id")
    named = {"organisation_id": organisation_id, "email": (draft.get("email") or "").lower() or None}
    if organisation_id is not None:
        _refuse_unfit(session, evidence, organisation_id)
    present = session.scalars(select(EvidenceAccessGrant).filter_by(evidence_id=evidence.id)).all()
    if any({"organisation_id": each.organisation_id, "email": each.email} == named for each in present):
        raise AlreadyGranted("They see it already.")
    if len(present) >= MOST_GRANTS:
        raise TooManyGrants(f"At most {MOST_GRANTS} can be named for one piece of evidence.")
    grant = EvidenceAccessGrant(id=new_id(), evidence_id=evidence.id, granted_by=actor.person, **named)
    session.add(grant)
    evidence.version += 1
    session.flush()
    session.refresh(grant)
    _record(session, actor, "evidence.access_granted", evidence, grant)
    return grant


def end_access(
    session: Session, actor: Actor, evidence_id: UUID, grant_id: UUID, precondition: Callable[[Any], None]
) -> None:
    """Let them see it no longer; those whose promises need it still do. `precondition` is asked of the evidence."""
    evidence = _of_own_group(session, actor, evidence_id, Action.SHARE_PROPOSAL, lock=True)
    grant = session.scalars(
        select(EvidenceAccessGrant).where(
            EvidenceAccessGrant.id == grant_id, EvidenceAccessGrant.evidence_id == evidence.id
        )
    ).one_or_none()
    if grant is None:
        raise NotFound()
    precondition(evidence)
    _record(session, actor, "evidence.access_ended", evidence, grant)
    session.delete(grant)
    evidence.version += 1
    session.flush()


def list_grants(session: Session, actor: Actor, evidence_id: UUID, after: UUID | None, limit: int) -> Page:
    """Whom the group has named, for its members."""
    evidence = _of_own_group(session, actor, evidence_id, Action.READ_PROPOSAL)
    query = select(EvidenceAccessGrant).where(EvidenceAccessGrant.evidence_id == evidence.id)
    if after is not None:
        query = query.where(EvidenceAccessGrant.id > after)
    return cut(session.scalars(query.order_by(EvidenceAccessGrant.id).limit(limit + 1)).all(), limit, by_id)


def note_access(
    session: Session, actor: Actor, evidence: Evidence, what: str, version_id: UUID | None = None
) -> policy.Sight:
    """Record that the caller reads that evidence, unless it is the group's own; the standing in which they do.

    NotFound for who does not see it (any more).
    """
    sight = policy.sight_of(session, actor, evidence)
    if sight is None:
        raise NotFound()
    if sight.standing != "own":
        session.add(
            EvidenceAccess(
                id=new_id(),
                evidence_id=evidence.id,
                evidence_version_id=version_id,
                user_id=actor.person,
                organisation_id=sight.organisation_id,
                standing=sight.standing,
                what=what,
            )
        )
        session.flush()
    return sight


def list_accesses(session: Session, actor: Actor, evidence_id: UUID, after: UUID | None, limit: int) -> Page:
    """Who has read that evidence, the latest first, for members of the group.

    A person's name is told of the group's own guests alone: others are their organisations.
    """
    evidence = _of_own_group(session, actor, evidence_id, Action.READ_PROPOSAL)
    guests = select(Membership.user_id).where(Membership.organisation_id == evidence.organisation_id)
    query = (
        select(EvidenceAccess, Organisation.name, User.name)
        .outerjoin(Organisation, Organisation.id == EvidenceAccess.organisation_id)
        .outerjoin(User, (User.id == EvidenceAccess.user_id) & User.id.in_(guests))
        .where(EvidenceAccess.evidence_id == evidence.id)
    )
    if after is not None:
        query = query.where(EvidenceAccess.id < after)
    rows = session.execute(query.order_by(EvidenceAccess.id.desc()).limit(limit + 1)).all()
    page = cut(rows, limit, lambda row: by_id(row[0]))
    return Page([_shown(*row) for row in page.items], page.after)


def accesses_of_proposal(
    session: Session, proposal_id: UUID, after: UUID | None, limit: int
) -> Sequence[tuple[EvidenceAccess, Evidence, int | None, Organisation | None]]:
    """Who has read which document of a proposal, the oldest first; `limit` + 1 of them, beginning after that access.

    Each with its evidence, the version's number and the reader's organisation. For features that have decided who may
    know of it, and how much: nobody is asked here.
    """
    query = (
        select(EvidenceAccess, Evidence, EvidenceVersion.number, Organisation)
        .join(Evidence, Evidence.id == EvidenceAccess.evidence_id)
        .outerjoin(EvidenceVersion, EvidenceVersion.id == EvidenceAccess.evidence_version_id)
        .outerjoin(Organisation, Organisation.id == EvidenceAccess.organisation_id)
        .where(Evidence.proposal_id == proposal_id)
    )
    if after is not None:
        query = query.where(EvidenceAccess.id > after)
    rows = session.execute(query.order_by(EvidenceAccess.id).limit(limit + 1))
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def _shown(access: EvidenceAccess, organisation: dict[str, str] | None, person: str | None) -> dict[str, Any]:
    members = ("id", "evidence_version_id", "what", "created_at", "standing", "organisation_id")
    shown = {name: getattr(access, name) for name in members}
    return {**shown, "organisation_name": organisation, "person": person}


def _of_own_group(session: Session, actor: Actor, evidence_id: UUID, action: Action, *, lock: bool = False) -> Evidence:
    """Evidence of the caller's own group, for which they may do `action`; NotFound for all others."""
    evidence = evidence_seen(session, actor, evidence_id)
    permit(actor, action, evidence.organisation_id)
    if lock:
        session.get_one(Evidence, evidence_id, with_for_update={"key_share": True}, populate_existing=True)
    return evidence


def _refuse_unfit(session: Session, evidence: Evidence, organisation_id: UUID) -> None:
    organisation = session.get(Organisation, organisation_id)
    if organisation is None or organisation_id == evidence.organisation_id or not is_listed(organisation):
        raise AccessNotGrantable("There is no such organisation to name.", pointer="#/organisation_id")
    if organisation_id in policy.EXCLUDED(session, evidence.proposal_id):
        raise KeptOut("Change the proposal's sharing first.")


def _record(session: Session, actor: Actor, type_: str, evidence: Evidence, grant: EvidenceAccessGrant) -> None:
    """Tell the group and the organisation. An address is nobody's to learn from the journal, digests included."""
    audience = policy.readers_of(session, evidence, grant.organisation_id)
    journal.record(
        session,
        type_,
        "evidence",
        evidence.id,
        actor=actor,
        audience=journal.Audience(
            audience.organisations & {evidence.organisation_id, grant.organisation_id},
            excluded=audience.excluded,
            owner=audience.owner,
        ),
        path=f"/v1/evidence/{evidence.id}",
        after={"grant": grant.id, "organisation": grant.organisation_id},
    )
