"""Trust in organisations: the operator checks and suspends, verified organisations vouch, and each act is kept.

The operator sees organisations, never what they draft. A register's form check of a number verifies nothing.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.identity.identifiers import other_verified_holder
from marketplace.identity.models import Organisation, VerificationAct
from marketplace.identity.organisations import (
    freshly,
    locked_organisation,
    record_organisation,
    tell_of_verification,
    visible_organisation,
)
from marketplace.identity.rules import (
    CannotVouch,
    IdentifierTaken,
    NotOpenToVouching,
    OperatorOnly,
    check_operator_change,
    check_vouch,
    vouchers_of,
)
from marketplace.store.base import new_id
from marketplace.values.actor import VERIFIED_STATES, Actor
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

EVENTS = {
    "register_checked": "organisation.verified",
    "vouched": "organisation.verified",
    "suspended": "organisation.suspended",
    "unverified": "organisation.unverified",
}


def set_verification(current: Session, actor: Actor, organisation_id: UUID, state: str, reason: str) -> VerificationAct:
    """The operator puts the organisation into a state of `verification_states`, saying why.

    IdentifierTaken where it would be verified with the number of another verified organisation.
    """
    if not actor.operator:
        visible_organisation(current, actor, organisation_id)
        raise OperatorOnly("The operator verifies and suspends.")
    organisation = locked_organisation(current, organisation_id)
    identifiers = len(organisation.identifiers)
    check_operator_change(freshly(current, actor), organisation.id, organisation.verification, state, identifiers)
    if state in VERIFIED_STATES and other_verified_holder(current, organisation):
        raise IdentifierTaken("Another verified organisation has one of its identifiers: settle whose it is first.")
    return _enter(current, actor, organisation, state, reason, None)


def vouch(
    current: Session, actor: Actor, organisation_id: UUID, reason: str, voucher_id: UUID | None
) -> VerificationAct:
    """An owner of a verified organisation vouches for an unverified one whose id they were given.

    `voucher_id` says for which of the caller's organisations they speak; not needed where only one can.
    CannotVouch where none can; OwnOrganisation; NotOpenToVouching (NotFound for one that the caller may not know of).
    """
    able = vouchers_of(actor)
    if voucher_id is None and len(able) != 1:
        raise CannotVouch("Name in by_organisation_id which of your verified organisations vouches.")
    chosen = voucher_id or able[0]
    _check_voucher(actor, chosen)
    organisation = locked_organisation(current, organisation_id)
    present = freshly(current, actor)
    _check_voucher(present, chosen)
    if organisation.verification != "unverified":
        visible_organisation(current, present, organisation_id)
    check_vouch(present, organisation.id, organisation.verification)
    if other_verified_holder(current, organisation):
        raise NotOpenToVouching("The operator has to look at it first.")
    return _enter(current, actor, organisation, "vouched", reason, chosen)


def verification_history(
    current: Session, actor: Actor, organisation_id: UUID, after: UUID | None, limit: int
) -> Sequence[VerificationAct]:
    """Every act, oldest first, for members and the operator; `limit` + 1 of them."""
    organisation, everything = visible_organisation(current, actor, organisation_id)
    if not everything:
        raise NotFound("There is no such thing, or you may not see it.")
    query = select(VerificationAct).where(VerificationAct.organisation_id == organisation.id)
    if after is not None:
        query = query.where(VerificationAct.id > after)
    return list(current.scalars(query.order_by(VerificationAct.id).limit(limit + 1)))


def waiting_for_verification(current: Session, actor: Actor, after: UUID | None, limit: int) -> Sequence[Organisation]:
    """Unverified organisations, the longest waiting first; `limit` + 1 of them. For the operator."""
    if not actor.operator:
        raise OperatorOnly("The operator reads this.")
    return unverified_organisations(current, after, limit)


def unverified_organisations(current: Session, after: UUID | None, limit: int) -> Sequence[Organisation]:
    """Unverified organisations, the longest waiting first; `limit` + 1 of them."""
    query = select(Organisation).where(Organisation.verification == "unverified")
    if after is not None:
        query = query.where(Organisation.id > after)
    return list(current.scalars(query.order_by(Organisation.id).limit(limit + 1)))


def _check_voucher(actor: Actor, voucher: UUID) -> None:
    permit(actor, Action.VOUCH, voucher)
    if voucher not in vouchers_of(actor):
        raise CannotVouch("A staff group does not vouch for others.")


def _enter(
    current: Session, actor: Actor, organisation: Organisation, state: str, reason: str, voucher: UUID | None
) -> VerificationAct:
    act = VerificationAct(
        id=new_id(),
        organisation_id=organisation.id,
        was=organisation.verification,
        became=state,
        by_user_id=actor.user_id,
        by_organisation_id=voucher,
        reason=reason,
    )
    current.add(act)
    before = {"verification": organisation.verification}
    organisation.verification = state
    organisation.verification_note = reason
    organisation.version += 1
    current.flush()
    current.refresh(act)
    record_organisation(
        current, EVENTS[state], organisation, actor, also=voucher, before=before, after={"verification": state}
    )
    tell_of_verification(current, organisation.id, state)
    return act
