"""Members: who belongs to an organisation in what role, who is invited, and that an owner always remains.

Every change of an organisation's members first locks the organisation, then reads roles again: of two owners who leave
at once, one stays. Knows of proposals only that somebody may be a guest of one; whose it is, proposals say.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from marketplace.identity import letters
from marketplace.identity.links import digest_of, new_secret
from marketplace.identity.models import Invitation, Membership, Organisation, User
from marketplace.identity.organisations import freshly, locked_organisation
from marketplace.identity.rules import (
    INVITATION_LASTS,
    MOST_OPEN_INVITATIONS,
    AlreadyMember,
    GuestRoleFixed,
    GuestTermsNotValid,
    InvitationClosed,
    InvitationNotUsable,
    LastOwner,
    TooManyInvitations,
    check_guest_terms,
    check_owner_remains,
    invitation_is_open,
)
from marketplace.store import journal, mail
from marketplace.store.base import new_id
from marketplace.store.constraints import refuse_on
from marketplace.values.actor import Actor, Role
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import Outcome, Reason
from marketplace.values.refusals import NotFound

GUEST_SUBJECTS: list[Callable[[Session, UUID, UUID], bool]] = []
"""Who knows what a guest can be invited to: each says whether the proposal (third) is the organisation's (second)."""

refuse_on(
    "uq_membership_organisation_id_user_id_proposal_id",
    lambda: AlreadyMember("You belong to it already."),
)


def members_of(
    current: Session, actor: Actor, organisation_id: UUID, after: UUID | None, limit: int
) -> Sequence[Membership]:
    """The organisation's memberships, oldest first; `limit` + 1 of them. Any member reads them, a guest does not."""
    permit(actor, Action.READ_ORGANISATION, organisation_id)
    query = select(Membership).where(Membership.organisation_id == organisation_id)
    if after is not None:
        query = query.where(Membership.id > after)
    return list(current.scalars(query.order_by(Membership.id).limit(limit + 1)))


def member_of(current: Session, actor: Actor, organisation_id: UUID, membership_id: UUID) -> Membership:
    """One membership."""
    permit(actor, Action.READ_ORGANISATION, organisation_id)
    return _membership(current, organisation_id, membership_id)


def change_role(
    current: Session,
    actor: Actor,
    organisation_id: UUID,
    membership_id: UUID,
    role: str,
    precondition: Callable[[Any], None],
) -> Membership:
    """An owner gives a member another role. LastOwner when no owner would remain; GuestRoleFixed for a guest's."""
    _owner_locks(current, actor, organisation_id)
    membership = _membership(current, organisation_id, membership_id)
    precondition(membership)
    if Role.GUEST in {membership.role, role}:
        raise GuestRoleFixed("End the guest's membership and invite the person anew.")
    was = membership.role
    if was == Role.OWNER and role != Role.OWNER:
        check_owner_remains(_owners(current, organisation_id), membership.id)
        _revoke_invitations_by(current, organisation_id, membership.user_id)
    membership.role = role
    membership.version += 1
    current.flush()
    _record(current, "membership.changed", membership, actor, before={"role": was}, after={"role": role})
    return membership


def end_membership(
    current: Session,
    actor: Actor,
    organisation_id: UUID,
    membership_id: UUID,
    precondition: Callable[[Any], None],
) -> None:
    """Leave, or as an owner end another's membership. LastOwner when no owner would remain.

    Invitations that the person sent and nobody has accepted end too.
    """
    own = _own_membership(current, actor, organisation_id, membership_id)
    if own:
        locked_organisation(current, organisation_id)
    else:
        _owner_locks(current, actor, organisation_id)
    membership = _membership(current, organisation_id, membership_id)
    precondition(membership)
    if membership.role == Role.OWNER:
        check_owner_remains(_owners(current, organisation_id), membership.id)
        _revoke_invitations_by(current, organisation_id, membership.user_id)
    _record(current, "membership.ended", membership, actor, before={"role": membership.role})
    current.delete(membership)
    current.flush()


def end_all_memberships(current: Session, actor: Actor, user_id: UUID) -> None:
    """End every membership of a person. LastOwner, naming each organisation that they would leave without an owner.

    The organisations are locked, in the order of their ids.
    """
    query = select(Membership).where(Membership.user_id == user_id).order_by(Membership.organisation_id, Membership.id)
    for organisation_id in dict.fromkeys(each.organisation_id for each in current.scalars(query)):
        locked_organisation(current, organisation_id)
    mine = current.scalars(query.execution_options(populate_existing=True)).all()
    alone = [
        each.organisation_id
        for each in mine
        if each.role == Role.OWNER and _owners(current, each.organisation_id) == [each.id]
    ]
    if alone:
        reasons = [Reason("last-owner", Outcome.UNMET, wanted="another owner", found=str(each)) for each in alone]
        raise LastOwner("Name another owner in each first.", reasons=[reason.as_json() for reason in reasons])
    for membership in mine:
        if membership.role == Role.OWNER:
            _revoke_invitations_by(current, membership.organisation_id, user_id)
        _record(current, "membership.ended", membership, actor, before={"role": membership.role})
        current.delete(membership)
    current.flush()


def invite(current: Session, actor: Actor, organisation_id: UUID, draft: dict[str, Any]) -> Invitation:
    """An owner invites an address; the letter carries a link that works once, for two weeks.

    GuestTermsNotValid for a guest without a proposal of this organisation or a last day (and for others with one).
    """
    _owner_locks(current, actor, organisation_id)
    proposal_id, until = draft.get("proposal_id"), draft.get("until")
    check_guest_terms(draft["role"], proposal_id, until, today())
    if proposal_id is not None and not any(knows(current, organisation_id, proposal_id) for knows in GUEST_SUBJECTS):
        raise GuestTermsNotValid("The organisation has no such proposal.", pointer="#/proposal_id")
    if _open_invitations(current, organisation_id) >= MOST_OPEN_INVITATIONS:
        raise TooManyInvitations("Revoke some that are no longer wanted.")
    secret = new_secret()
    invitation = Invitation(
        id=new_id(),
        organisation_id=organisation_id,
        email=draft["email"],
        role=draft["role"],
        proposal_id=proposal_id,
        until=until,
        token_digest=digest_of(secret),
        invited_by=actor.user_id,
        expires_at=now() + INVITATION_LASTS,
    )
    current.add(invitation)
    current.flush()
    current.refresh(invitation)
    _record_invitation(current, "membership.invited", invitation, actor)
    mail.send(current, invitation.email, letters.SUBJECT, letters.invitation(secret))
    return invitation


def invitations_of(
    current: Session, actor: Actor, organisation_id: UUID, after: UUID | None, limit: int
) -> Sequence[Invitation]:
    """The organisation's invitations, oldest first; `limit` + 1 of them. For owners."""
    permit(actor, Action.MANAGE_MEMBERS, organisation_id)
    query = select(Invitation).where(Invitation.organisation_id == organisation_id)
    if after is not None:
        query = query.where(Invitation.id > after)
    return list(current.scalars(query.order_by(Invitation.id).limit(limit + 1)))


def invitation_of(current: Session, actor: Actor, organisation_id: UUID, invitation_id: UUID) -> Invitation:
    """One invitation. For owners."""
    permit(actor, Action.MANAGE_MEMBERS, organisation_id)
    return _invitation(current, organisation_id, invitation_id)


def revoke_invitation(
    current: Session,
    actor: Actor,
    organisation_id: UUID,
    invitation_id: UUID,
    precondition: Callable[[Any], None],
) -> None:
    """End an invitation that nobody has accepted. InvitationClosed for any other."""
    _owner_locks(current, actor, organisation_id)
    invitation = _invitation(current, organisation_id, invitation_id, lock=True)
    precondition(invitation)
    present = now()
    if not _is_open(invitation):
        raise InvitationClosed("It was accepted or revoked, or has expired.")
    invitation.revoked_at = present
    invitation.version += 1
    current.flush()
    _record_invitation(current, "membership.invitation_revoked", invitation, actor)


def accept_invitation(current: Session, actor: Actor, token: str) -> Membership:
    """Become a member by an invitation to the caller's own address; of two attempts one succeeds.

    InvitationNotUsable for an unknown, used, revoked or expired one, or another's; AlreadyMember.
    """
    refusal = InvitationNotUsable(
        "It is unknown, used, revoked or too old, or was sent to another address than yours.", pointer="#/token"
    )
    found = select(Invitation.organisation_id).where(Invitation.token_digest == digest_of(token))
    organisation_id = current.scalars(found).one_or_none()
    if organisation_id is None:
        raise refusal
    organisation = locked_organisation(current, organisation_id)
    invitation = current.scalars(
        select(Invitation)
        .where(Invitation.token_digest == digest_of(token))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    person = current.get_one(User, actor.user_id, with_for_update={"key_share": True}, populate_existing=True)
    if (
        not _is_open(invitation)
        or invitation.email.lower() != person.email.lower()
        or organisation.verification == "suspended"
        or (invitation.until is not None and invitation.until < today())
    ):
        raise refusal
    invitation.used_at = now()
    invitation.version += 1
    membership = Membership(
        id=new_id(),
        organisation_id=organisation.id,
        user_id=person.id,
        role=invitation.role,
        proposal_id=invitation.proposal_id,
        until=invitation.until,
    )
    current.add(membership)
    current.flush()
    current.refresh(membership)
    _record(current, "membership.added", membership, actor, after={"role": membership.role})
    return membership


def _owner_locks(current: Session, actor: Actor, organisation_id: UUID) -> None:
    """Lock the organisation for its owner: permitted before waiting for the lock, and still permitted after."""
    permit(actor, Action.MANAGE_MEMBERS, organisation_id)
    locked_organisation(current, organisation_id)
    permit(freshly(current, actor), Action.MANAGE_MEMBERS, organisation_id)


def _own_membership(current: Session, actor: Actor, organisation_id: UUID, membership_id: UUID) -> bool:
    query = select(Membership.id).where(
        Membership.id == membership_id,
        Membership.organisation_id == organisation_id,
        Membership.user_id == actor.user_id,
    )
    return current.execute(query).first() is not None


def addresses_of(current: Session, organisation_id: UUID, roles: Collection[Role]) -> list[str]:
    """Where to write to those who hold one of these roles in an organisation; nowhere while it is suspended."""
    query = (
        select(User.email)
        .join(Membership, Membership.user_id == User.id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            Membership.organisation_id == organisation_id,
            Membership.role.in_([role.value for role in roles]),
            Organisation.verification != "suspended",
        )
        .order_by(User.id)
    )
    return list(current.scalars(query))


def _membership(current: Session, organisation_id: UUID, membership_id: UUID) -> Membership:
    query = select(Membership).where(Membership.id == membership_id, Membership.organisation_id == organisation_id)
    membership = current.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if membership is None:
        raise NotFound("There is no such thing, or you may not see it.")
    return membership


def _owners(current: Session, organisation_id: UUID) -> list[UUID]:
    owners = select(Membership.id).where(Membership.organisation_id == organisation_id, Membership.role == Role.OWNER)
    return list(current.scalars(owners))


def _invitation(current: Session, organisation_id: UUID, invitation_id: UUID, *, lock: bool = False) -> Invitation:
    query = select(Invitation).where(Invitation.id == invitation_id, Invitation.organisation_id == organisation_id)
    if lock:
        query = query.with_for_update(key_share=True)
    invitation = current.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if invitation is None:
        raise NotFound("There is no such thing, or you may not see it.")
    return invitation


def _open_invitations(current: Session, organisation_id: UUID) -> int:
    count = select(func.count()).where(
        Invitation.organisation_id == organisation_id,
        Invitation.used_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > now(),
    )
    return current.execute(count).scalar_one()


def _is_open(invitation: Invitation) -> bool:
    return invitation_is_open(
        used_at=invitation.used_at,
        revoked_at=invitation.revoked_at,
        expires_at=invitation.expires_at,
        now=now(),
    )


def _revoke_invitations_by(current: Session, organisation_id: UUID, user_id: UUID) -> None:
    pending = update(Invitation).where(
        Invitation.organisation_id == organisation_id,
        Invitation.invited_by == user_id,
        Invitation.used_at.is_(None),
        Invitation.revoked_at.is_(None),
    )
    current.execute(pending.values(revoked_at=now(), version=Invitation.version + 1))


def _record(
    current: Session, type_: str, membership: Membership, actor: Actor, before: Any = None, after: Any = None
) -> None:
    path = f"/v1/organisations/{membership.organisation_id}/memberships/{membership.id}"
    audience = journal.only(membership.organisation_id)
    journal.record(
        current,
        type_,
        "membership",
        membership.id,
        actor=actor,
        audience=audience,
        path=path,
        before=before,
        after=after,
    )


def _record_invitation(current: Session, type_: str, invitation: Invitation, actor: Actor) -> None:
    path = f"/v1/organisations/{invitation.organisation_id}/invitations/{invitation.id}"
    audience = journal.only(invitation.organisation_id)
    journal.record(current, type_, "invitation", invitation.id, actor=actor, audience=audience, path=path)
