"""Who sees evidence and who may verify it: the group itself, whoever the hooks below name, and whom the group names.

The one policy: for detail, list, versions, content, verification, reliance, events and the record of who has read it.

Evidence knows no pledges and no proposals; the features that do put their answers into these lists when the
application is put together (once, at import). Must not be copied: always read as `policy.VIEWERS` and so on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.evidence.models import Evidence, EvidenceAccessGrant, EvidenceVersion, Reliance
from marketplace.identity.models import Organisation, User
from marketplace.store.journal import Audience
from marketplace.values.actor import VERIFIED_STATES, Actor, Role
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound


def _nobody_owns(_session: Session, _proposal_id: UUID) -> UUID | None:
    return None


OWNER_OF_PROPOSAL: Callable[[Session, UUID], UUID | None] = _nobody_owns
"""The organisation whose proposal that is; None where there is no such proposal."""


def _no_version(_session: Session, _proposal_id: UUID) -> UUID | None:
    return None


CURRENT_VERSION: Callable[[Session, UUID], UUID | None] = _no_version
"""The published version of the proposal: what is submitted now shows its values. None: nothing is published."""

PARTIES: list[Callable[[Session, Actor, UUID], bool]] = []
"""True where the caller is a party to that proposal, and so sees how far it has come and the evidence list."""

VIEWERS: list[Callable[[Session, Actor, Evidence], bool]] = []
"""True where the caller, who is not of the group, may see that evidence and its documents."""

VERIFIERS: list[Callable[[Session, Actor, Evidence], UUID | None]] = []
"""The organisation for which the caller may verify that evidence, or None."""

AUDIENCES: list[Callable[[Session, Evidence], frozenset[UUID]]] = []
"""Organisations, besides the group, that learn of what happens to that evidence; they must be able to see it."""


KEPT_OUT: list[Callable[[Session, Actor, UUID], bool]] = []
"""True where the caller acts for somebody whom the group keeps out of that proposal: they see none of its evidence."""

ONLOOKERS: list[Callable[[Session, Actor, UUID], bool]] = []
"""True where the caller sees that proposal under its name, and so the evidence of it that is not confidential."""


def _nobody_is_kept_out(_session: Session, _proposal_id: UUID) -> frozenset[UUID]:
    return frozenset()


EXCLUDED: Callable[[Session, UUID], frozenset[UUID]] = _nobody_is_kept_out
"""The organisations that the group keeps out of that proposal: who acts for one learns nothing of its evidence."""


@dataclass(frozen=True, slots=True)
class Sight:
    """In what standing somebody sees evidence, and for which organisation where it is one.

    own, guest, verifier, party (they rely on it), granted (the group named them), onlooker (it is not confidential).
    """

    standing: str
    organisation_id: UUID | None = None


def of_the_group(actor: Actor, organisation_id: UUID, proposal_id: UUID) -> bool:
    """True for members of the group and for guests of the proposal."""
    return actor.membership_in(organisation_id) is not None or actor.guest_of(proposal_id) is not None


def may_see(session: Session, actor: Actor, evidence: Evidence) -> bool:
    """Whether the caller sees that evidence, its versions and their content. Who may verify may see."""
    return sight_of(session, actor, evidence) is not None


def sight_of(session: Session, actor: Actor, evidence: Evidence) -> Sight | None:
    """In what standing the caller sees that evidence; None where they do not.

    Whoever acts for an organisation that the group keeps out sees nothing, whatever else they are; its guests are its
    own choice.
    """
    if actor.membership_in(evidence.organisation_id) is not None:
        return Sight("own", evidence.organisation_id)
    if actor.guest_of(evidence.proposal_id) is not None:
        return Sight("guest")
    if any(kept_out(session, actor, evidence.proposal_id) for kept_out in KEPT_OUT):
        return None
    verifies = named_verifier(session, actor, evidence)
    if verifies is not None:
        return Sight("verifier", verifies)
    if any(viewer(session, actor, evidence) for viewer in VIEWERS):
        concerned = frozenset[UUID]().union(*(each(session, evidence) for each in AUDIENCES))
        return Sight("party", min(actor.organisation_ids & concerned, default=None))
    return _named(session, actor, evidence) or _looks_on(session, actor, evidence)


def _named(session: Session, actor: Actor, evidence: Evidence) -> Sight | None:
    """The sight of those whom the group let in: to this evidence, or to rely on a version of it."""
    looking = verified_organisations(actor)
    relies = min(looking & relying_on(session, evidence), default=None)
    if relies is not None:
        return Sight("party", relies)
    granted = min(looking & granted_to(session, evidence), default=None)
    if granted is not None:
        return Sight("granted", granted)
    address = select(func.lower(User.email)).where(User.id == actor.user_id, User.confirmed_at.is_not(None))
    by_address = select(EvidenceAccessGrant.id).where(
        EvidenceAccessGrant.evidence_id == evidence.id, EvidenceAccessGrant.email == address.scalar_subquery()
    )
    return None if session.scalars(by_address).first() is None else Sight("granted")


def _looks_on(session: Session, actor: Actor, evidence: Evidence) -> Sight | None:
    if evidence.confidential or not any(each(session, actor, evidence.proposal_id) for each in ONLOOKERS):
        return None
    return Sight("onlooker", min(actor.organisation_ids, default=None))


def verified_organisations(actor: Actor) -> frozenset[UUID]:
    """The verified organisations that the caller acts for: what others are shown, they see through these alone."""
    return frozenset(m.organisation_id for m in actor.memberships if m.role is not Role.GUEST and m.verified)


def granted_to(session: Session, evidence: Evidence) -> frozenset[UUID]:
    """The organisations that the group has named for that evidence."""
    named = select(EvidenceAccessGrant.organisation_id).where(
        EvidenceAccessGrant.evidence_id == evidence.id, EvidenceAccessGrant.organisation_id.is_not(None)
    )
    return frozenset(each for each in session.scalars(named) if each is not None)


def relying_on(session: Session, evidence: Evidence) -> frozenset[UUID]:
    """The organisations that rely on a version of that evidence with the group's consent."""
    relying = select(Reliance.organisation_id).join(EvidenceVersion, EvidenceVersion.id == Reliance.evidence_version_id)
    return frozenset(
        session.scalars(relying.where(EvidenceVersion.evidence_id == evidence.id, Reliance.state == "consented"))
    )


def see_workings(session: Session, actor: Actor, proposal_id: UUID) -> UUID:
    """The group's id, for those who may see how a proposal is getting on (group, guests, parties); else NotFound."""
    owner = OWNER_OF_PROPOSAL(session, proposal_id)
    if owner is not None and (
        of_the_group(actor, owner, proposal_id) or any(party(session, actor, proposal_id) for party in PARTIES)
    ):
        return owner
    raise NotFound()


def permit_in_group(session: Session, actor: Actor, action: Action, proposal_id: UUID) -> UUID:
    """The group's id, where the caller may do `action` for it; NotFound and Forbidden as `permit`."""
    owner = OWNER_OF_PROPOSAL(session, proposal_id)
    if owner is None:
        raise NotFound()
    permit(actor, action, owner)
    return owner


def named_verifier(session: Session, actor: Actor, evidence: Evidence) -> UUID | None:
    """The organisation for which the caller may verify that evidence: the first that a hook names."""
    for verifier in VERIFIERS:
        organisation = verifier(session, actor, evidence)
        if organisation is not None:
            return organisation
    return None


def audience_of(session: Session, evidence: Evidence) -> frozenset[UUID]:
    """The group, and whoever else learns of what happens to that evidence: each of them sees it."""
    named = granted_to(session, evidence) | relying_on(session, evidence)
    verified = select(Organisation.id).where(
        Organisation.id.in_(sorted(named)), Organisation.verification.in_(VERIFIED_STATES)
    )
    shown = frozenset(session.scalars(verified)) if named else frozenset[UUID]()
    others = shown.union(*(each(session, evidence) for each in AUDIENCES))
    return (others - EXCLUDED(session, evidence.proposal_id)) | {evidence.organisation_id}


def readers_of(session: Session, evidence: Evidence, *others: UUID | None) -> Audience:
    """The audience of an event about that evidence: who sees it, and acts for nobody that is kept out."""
    organisations = audience_of(session, evidence).union(each for each in others if each is not None)
    excluded = EXCLUDED(session, evidence.proposal_id) - {evidence.organisation_id}
    return Audience(organisations - excluded, excluded=excluded, owner=evidence.organisation_id)
