"""Who sees evidence and who may verify it: the group itself, and whoever the hooks below name.

Evidence knows no pledges and no proposals; the features that do put their answers into these lists when the
application is put together (once, at import). Must not be copied: always read as `policy.VIEWERS` and so on.
"""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.evidence.models import Evidence
from marketplace.values.actor import Actor
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


def of_the_group(actor: Actor, organisation_id: UUID, proposal_id: UUID) -> bool:
    """True for members of the group and for guests of the proposal."""
    return actor.membership_in(organisation_id) is not None or actor.guest_of(proposal_id) is not None


def may_see(session: Session, actor: Actor, evidence: Evidence) -> bool:
    """The one policy for evidence, its versions, their content, and lists of them. Who may verify may see."""
    return (
        of_the_group(actor, evidence.organisation_id, evidence.proposal_id)
        or any(viewer(session, actor, evidence) for viewer in VIEWERS)
        or named_verifier(session, actor, evidence) is not None
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
    """The group, and whoever else learns of what happens to that evidence."""
    return frozenset({evidence.organisation_id}).union(*(each(session, evidence) for each in AUDIENCES))
