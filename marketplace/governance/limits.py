"""An organisation's limits: setting them, a second owner's word where they are loosened, and the ones in force.

Locks the organisation, then its governance row (members.py locks the organisation too, so that of two owners who leave
and loosen at once, each sees the other). Flushes, never commits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.governance import rules
from marketplace.governance.models import Governance, GovernanceVersion
from marketplace.governance.rules import Act, DelegatedLimit, Limits
from marketplace.identity.models import Membership
from marketplace.identity.organisations import freshly, locked_organisation
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor, Role
from marketplace.values.clock import now
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

Precondition = Callable[[Any], None]


@dataclass(slots=True)
class Standing:
    """What an organisation's limits are, and what an owner has proposed; `version` counts every change (0: none)."""

    id: UUID
    version: int
    in_force: GovernanceVersion | None
    proposed: GovernanceVersion | None


def limits_held(session: Session, organisation_id: UUID) -> Limits | None:
    """The limits in force, which stay so until the transaction ends (FOR SHARE on the one row that changes hold).

    Two statements on purpose: the second sees what was put in force while the first one waited.
    """
    head = select(Governance.organisation_id).where(Governance.organisation_id == organisation_id)
    if session.scalar(head.with_for_update(read=True)) is None:
        return None
    return limits_of(_version(session, organisation_id, "in_force"))


def limits_of(version: GovernanceVersion | None) -> Limits | None:
    """A version's limits as plain values."""
    if version is None:
        return None
    return Limits(
        currency=version.currency,
        approval={Act(each["act"]): each["amount"] for each in version.approval_limits},
        delegated=tuple(
            DelegatedLimit(
                amount=each["amount"],
                role=Role(each["role"]) if each.get("role") else None,
                user_id=UUID(each["user_id"]) if each.get("user_id") else None,
                act=Act(each["act"]) if each.get("act") else None,
            )
            for each in version.delegated_limits
        ),
    )


def standing(session: Session, actor: Actor, organisation_id: UUID) -> Standing:
    """The organisation's limits, for its members."""
    permit(actor, Action.READ_ORGANISATION, organisation_id)
    return _standing(session, organisation_id)


def versions(
    session: Session, actor: Actor, organisation_id: UUID, after: UUID | None, limit: int
) -> Sequence[GovernanceVersion]:
    """Every version, the newest first; `limit` + 1 of them."""
    permit(actor, Action.READ_ORGANISATION, organisation_id)
    query = select(GovernanceVersion).where(GovernanceVersion.organisation_id == organisation_id)
    if after is not None:
        query = query.where(GovernanceVersion.id < after)
    return list(session.scalars(query.order_by(GovernanceVersion.id.desc()).limit(limit + 1)))


def set_limits(
    session: Session, actor: Actor, organisation_id: UUID, draft: dict[str, Any], precondition: Precondition
) -> Standing:
    """Make these the organisation's limits: at once, or where they loosen any and it has two owners, once another
    owner confirms. LimitsNotValid with every fault. An earlier proposal gives way."""
    before = _held(session, actor, organisation_id)
    precondition(before)
    wanted = _drafted(draft)
    members = session.scalars(
        select(Membership.user_id).where(
            Membership.organisation_id == organisation_id, Membership.role.in_(rules.LIMITED_ROLES)
        )
    )
    faults = rules.limit_faults(wanted, _currencies(draft), frozenset(members))
    if faults:
        raise rules.LimitsNotValid("Correct what `errors` names and send it again.", errors=faults)
    _end(session, before.proposed)
    waits = rules.loosens(limits_of(before.in_force), wanted) and _owners(session, organisation_id) > 1
    made = _made(session, actor, organisation_id, wanted, state="proposed")
    if not waits:
        _enforce(session, before.in_force, made)
    return _changed(session, actor, organisation_id, "governance.proposed" if waits else "governance.changed")


def confirm(session: Session, actor: Actor, organisation_id: UUID, version_id: UUID) -> Standing:
    """Put a proposed version in force, as another owner than the one who proposed it, who still is one."""
    before = _held(session, actor, organisation_id)
    proposed = _proposed(session, before, version_id)
    if proposed.proposed_by == actor.user_id:
        raise rules.AnotherOwnerNeeded("You proposed it: another owner confirms it.")
    owner = select(Membership.id).where(
        Membership.organisation_id == organisation_id,
        Membership.user_id == proposed.proposed_by,
        Membership.role == Role.OWNER,
    )
    if session.scalar(owner) is None:
        raise rules.AnotherOwnerNeeded("Whoever proposed it is an owner no more: propose it anew.")
    proposed.answered_by = actor.user_id
    _enforce(session, before.in_force, proposed)
    return _changed(session, actor, organisation_id, "governance.changed")


def reject(session: Session, actor: Actor, organisation_id: UUID, version_id: UUID) -> Standing:
    """Drop a proposed version; whoever proposed it may, too."""
    before = _held(session, actor, organisation_id)
    proposed = _proposed(session, before, version_id)
    proposed.state = "rejected"
    proposed.answered_by = None if proposed.proposed_by == actor.user_id else actor.user_id
    return _changed(session, actor, organisation_id, "governance.rejected")


def _held(session: Session, actor: Actor, organisation_id: UUID) -> Standing:
    """The standing, held for an owner until the transaction ends."""
    permit(actor, Action.SET_GOVERNANCE, organisation_id)
    locked_organisation(session, organisation_id)
    permit(freshly(session, actor), Action.SET_GOVERNANCE, organisation_id)
    started = insert(Governance).values(organisation_id=organisation_id, version=0).on_conflict_do_nothing()
    session.execute(started)
    session.get_one(Governance, organisation_id, with_for_update={"key_share": True}, populate_existing=True)
    return _standing(session, organisation_id)


def _standing(session: Session, organisation_id: UUID) -> Standing:
    counted = session.scalar(select(Governance.version).where(Governance.organisation_id == organisation_id))
    in_force, proposed = (_version(session, organisation_id, state) for state in ("in_force", "proposed"))
    return Standing(organisation_id, counted or 0, in_force, proposed)


def _version(session: Session, organisation_id: UUID, state: str) -> GovernanceVersion | None:
    query = select(GovernanceVersion).where(
        GovernanceVersion.organisation_id == organisation_id, GovernanceVersion.state == state
    )
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _proposed(session: Session, before: Standing, version_id: UUID) -> GovernanceVersion:
    if before.proposed is not None and before.proposed.id == version_id:
        return before.proposed
    version = session.get(GovernanceVersion, version_id)
    if version is None or version.organisation_id != before.id:
        raise NotFound()
    raise rules.NoSuchAnswer(f"It is {version.state}: it cannot be answered any more.", state=version.state)


def _drafted(draft: dict[str, Any]) -> Limits:
    return Limits(
        currency=draft["currency"],
        approval={Act(each["act"]): each["limit"].amount for each in draft["approval_limits"]},
        delegated=tuple(
            DelegatedLimit(
                amount=each["limit"].amount,
                role=Role(each["role"]) if "role" in each else None,
                user_id=each.get("user_id"),
                act=Act(each["act"]) if "act" in each else None,
            )
            for each in draft["delegated_limits"]
        ),
    )


def _currencies(draft: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (f"#/{name}/{place}/limit/currency", each["limit"].currency)
        for name in ("approval_limits", "delegated_limits")
        for place, each in enumerate(draft[name])
    ]


def _owners(session: Session, organisation_id: UUID) -> int:
    count = select(func.count()).where(Membership.organisation_id == organisation_id, Membership.role == Role.OWNER)
    return session.execute(count).scalar_one()


def _made(session: Session, actor: Actor, organisation_id: UUID, limits: Limits, *, state: str) -> GovernanceVersion:
    last = select(func.max(GovernanceVersion.number)).where(GovernanceVersion.organisation_id == organisation_id)
    version = GovernanceVersion(
        id=new_id(),
        organisation_id=organisation_id,
        number=(session.scalar(last) or 0) + 1,
        state=state,
        currency=limits.currency,
        approval_limits=[{"act": str(act), "amount": amount} for act, amount in sorted(limits.approval.items())],
        delegated_limits=[
            {
                "amount": each.amount,
                **({"role": str(each.role)} if each.role else {}),
                **({"user_id": str(each.user_id)} if each.user_id else {}),
                **({"act": str(each.act)} if each.act else {}),
            }
            for each in limits.delegated
        ],
        proposed_by=actor.person,
    )
    session.add(version)
    session.flush()
    return version


def _end(session: Session, version: GovernanceVersion | None) -> None:
    if version is not None:
        version.state = "superseded"
        session.flush()


def _enforce(session: Session, before: GovernanceVersion | None, version: GovernanceVersion) -> None:
    _end(session, before)
    version.state, version.in_force_at = "in_force", now()
    session.flush()


def _changed(session: Session, actor: Actor, organisation_id: UUID, type_: str) -> Standing:
    head = session.get_one(Governance, organisation_id)
    head.version += 1
    session.flush()
    journal.record(
        session,
        type_,
        "governance",
        organisation_id,
        actor=actor,
        audience=journal.only(organisation_id),
        path=f"/v1/organisations/{organisation_id}/governance",
        after={"version": head.version},
    )
    return _standing(session, organisation_id)
