"""Interests that people declare, those that are found, and the plans by which an organisation manages them.

Knows proposals by id only: whom one involves, and who may see it, is for the hooks. Flushes, never commits.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from marketplace.governance import rules
from marketplace.governance.models import ConflictPlan, Interest
from marketplace.governance.rules import Declared, Interested, Involved
from marketplace.identity.models import Membership, Organisation, User
from marketplace.identity.organisations import freshly, is_listed, visible_organisation
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor, Role
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

INVOLVED: list[Callable[[Session, UUID], Iterable[Involved]]] = []
"""Each names organisations that a proposal involves: its group, its parent, its fiscal host."""

SEES_PROPOSAL: list[Callable[[Session, Actor, UUID], bool]] = []
"""True where the caller may see that proposal."""

SHOWN_TO: list[Callable[[Session, UUID, UUID], bool]] = []
"""True where the organisation (third) may see that proposal (second), or is party to a promise to it."""


KNOWN_TO: list[Callable[[Session, UUID, UUID], bool]] = []
"""True where the organisation (third) knows that organisation (second), which nobody finds, from a promise to it."""


def conflicts_of(
    session: Session, actor: Actor, organisation_id: UUID, proposal_id: UUID | None
) -> tuple[Interested, ...]:
    """Every conflict of the person, with the roles given, who acts for that organisation about that proposal."""
    if proposal_id is None:
        return ()
    involved = [each for hook in INVOLVED for each in hook(session, proposal_id)]
    live = select(Interest).where(Interest.user_id == actor.person, _live())
    declared = [Declared(each.kind, each.organisation_id, each.proposal_id) for each in session.scalars(live)]
    return rules.conflicts(actor, organisation_id, proposal_id, involved, declared)


def managed(session: Session, organisation_id: UUID, user_id: UUID, proposal_id: UUID | None) -> bool:
    """Whether an approved plan manages that person's conflict; it stays so until the transaction ends (FOR SHARE)."""
    query = select(ConflictPlan.id).where(
        ConflictPlan.organisation_id == organisation_id,
        ConflictPlan.user_id == user_id,
        ConflictPlan.proposal_id == proposal_id,
        _plan_live(),
    )
    return session.scalar(query.with_for_update(read=True)) is not None


def declare(session: Session, actor: Actor, draft: dict[str, Any]) -> Interest:
    """Declare an interest in an organisation or a proposal that the caller sees. InterestNotValid with every fault."""
    organisation_id, proposal_id = draft.get("organisation_id"), draft.get("proposal_id")
    faults = []
    if (organisation_id is None) == (proposal_id is None):
        faults.append({"pointer": "#", "detail": "Name an organisation or a proposal, and not both."})
    if "to" in draft and draft["to"] < draft["from"]:
        faults.append({"pointer": "#/to", "detail": "It cannot end before it begins."})
    if faults:
        raise rules.InterestNotValid("Correct what `errors` names and send it again.", errors=faults)
    if organisation_id is not None:
        visible_organisation(session, actor, organisation_id)
    elif not any(sees(session, actor, draft["proposal_id"]) for sees in SEES_PROPOSAL):
        raise NotFound()
    session.get_one(User, actor.person, with_for_update={"key_share": True})
    count = select(func.count()).where(Interest.user_id == actor.person, _not_over())
    if session.execute(count).scalar_one() >= rules.MOST_OPEN_INTERESTS:
        raise rules.TooManyInterests("End those that are over.")
    interest = Interest(
        id=new_id(),
        user_id=actor.person,
        organisation_id=organisation_id,
        proposal_id=proposal_id,
        kind=draft["kind"],
        words=draft["words"],
        from_on=draft["from"],
        to_on=draft.get("to"),
    )
    session.add(interest)
    session.flush()
    session.refresh(interest)
    _record_interest(session, actor, interest, "interest.declared")
    return interest


def own_interests(session: Session, actor: Actor, after: UUID | None, limit: int) -> Sequence[Interest]:
    """The caller's declarations, the newest first; `limit` + 1 of them."""
    query = select(Interest).where(Interest.user_id == actor.person)
    if after is not None:
        query = query.where(Interest.id < after)
    return list(session.scalars(query.order_by(Interest.id.desc()).limit(limit + 1)))


def own_interest(session: Session, actor: Actor, interest_id: UUID) -> Interest:
    """A declaration of the caller's own; NotFound for anyone else's."""
    interest = session.get(Interest, interest_id)
    if interest is None or interest.user_id != actor.user_id:
        raise NotFound()
    return interest


def end_interest(session: Session, actor: Actor, interest_id: UUID) -> Interest:
    """Say that an interest of one's own is over, from tomorrow on: today's acts were done with it."""
    interest = session.get(Interest, interest_id, with_for_update={"key_share": True}, populate_existing=True)
    if interest is None or interest.user_id != actor.user_id:
        raise NotFound()
    if interest.to_on is not None and interest.to_on <= today():
        raise rules.NoSuchAnswer("It is over already.", state="ended")
    interest.to_on = max(today(), interest.from_on)
    interest.version += 1
    session.flush()
    _record_interest(session, actor, interest, "interest.ended")
    return interest


def register_of(
    session: Session, actor: Actor, organisation_id: UUID, after: UUID | None, limit: int
) -> Sequence[Interest]:
    """What those who act for the organisation have declared, the newest first; `limit` + 1. For owners and approvers.

    An interest in a proposal or an organisation that this one may not see is not among them: it would tell that there
    is one. It counts all the same where an act meets it.
    """
    permit(actor, Action.READ_INTERESTS, organisation_id)
    members = select(Membership.user_id).where(
        Membership.organisation_id == organisation_id, Membership.role != Role.GUEST
    )
    found: list[Interest] = []
    while len(found) <= limit:
        query = select(Interest).where(Interest.user_id.in_(members))
        if after is not None:
            query = query.where(Interest.id < after)
        rows = list(session.scalars(query.order_by(Interest.id.desc()).limit(limit + 1)))
        found += [each for each in rows if _may_be_shown(session, organisation_id, each)]
        if len(rows) <= limit:
            break
        after = rows[-1].id
    return found[: limit + 1]


def propose_plan(session: Session, actor: Actor, organisation_id: UUID, draft: dict[str, Any]) -> ConflictPlan:
    """Record how a member's conflict about a proposal is to be managed; another owner has to approve it."""
    permit(actor, Action.PLAN_CONFLICT, organisation_id)
    member = select(Membership.id).where(
        Membership.organisation_id == organisation_id,
        Membership.user_id == draft["user_id"],
        Membership.role != Role.GUEST,
    )
    faults = []
    if session.scalar(member) is None:
        faults.append({"pointer": "#/user_id", "detail": "Nobody of that id belongs to the organisation."})
    if not _shown(session, organisation_id, draft["proposal_id"]):
        faults.append({"pointer": "#/proposal_id", "detail": "There is no such proposal, or you may not see it."})
    if "until" in draft and draft["until"] < today():
        faults.append({"pointer": "#/until", "detail": "That day is over."})
    if faults:
        raise rules.PlanNotValid("Correct what `errors` names and send it again.", errors=faults)
    plan = ConflictPlan(
        id=new_id(), organisation_id=organisation_id, proposed_by=actor.person, state="proposed", version=1, **draft
    )
    session.add(plan)
    session.flush()
    session.refresh(plan)
    _record_plan(session, actor, plan)
    return plan


def plans_of(
    session: Session, actor: Actor, organisation_id: UUID, after: UUID | None, limit: int
) -> Sequence[ConflictPlan]:
    """The organisation's plans, the newest first; `limit` + 1 of them. For owners and approvers."""
    permit(actor, Action.READ_INTERESTS, organisation_id)
    query = select(ConflictPlan).where(ConflictPlan.organisation_id == organisation_id)
    if after is not None:
        query = query.where(ConflictPlan.id < after)
    return list(session.scalars(query.order_by(ConflictPlan.id.desc()).limit(limit + 1)))


def plan_read(session: Session, actor: Actor, plan_id: UUID) -> ConflictPlan:
    """A plan of one's organisation, for its owners and approvers."""
    plan = plan_seen(session, actor, plan_id)
    permit(actor, Action.READ_INTERESTS, plan.organisation_id)
    return plan


def plan_seen(session: Session, actor: Actor, plan_id: UUID, *, lock: bool = False) -> ConflictPlan:
    """A plan of one of the caller's organisations; NotFound for anyone else's."""
    plan = session.get(
        ConflictPlan, plan_id, with_for_update={"key_share": True} if lock else None, populate_existing=lock
    )
    if plan is None or actor.membership_in(plan.organisation_id) is None:
        raise NotFound()
    return plan


def answer_plan(session: Session, actor: Actor, plan_id: UUID, event: str) -> ConflictPlan:
    """Approve or reject a plan, as an owner who neither proposed it nor is whom it is about; or end it."""
    action = Action.PLAN_CONFLICT if event == "end" else Action.APPROVE_PLAN
    permit(actor, action, plan_seen(session, actor, plan_id).organisation_id)
    plan = plan_seen(session, actor, plan_id, lock=True)
    permit(freshly(session, actor), action, plan.organisation_id)
    following = rules.next_plan_state(plan.state, event)
    if event == "approve" and actor.user_id in {plan.proposed_by, plan.user_id}:
        raise rules.AnotherOwnerNeeded("Another owner approves it: not who proposed it, nor whom it is about.")
    if event == "approve" and plan.until is not None and plan.until < today():
        raise rules.NoSuchAnswer("Its last day is over.", state="ended")
    plan.state = following
    if event != "end":
        plan.answered_by, plan.answered_at = actor.user_id, now()
    plan.version += 1
    session.flush()
    _record_plan(session, actor, plan)
    return plan


def interests_shown(session: Session, organisation_id: UUID, proposal_id: UUID) -> list[dict[str, Any]]:
    """What another party learns: the kind of each conflict that members of the organisation declared, or that has an
    approved plan, and whether it is managed. No person and no words."""
    involved = [each for hook in INVOLVED for each in hook(session, proposal_id)]
    members = session.scalars(
        select(Membership.user_id)
        .where(Membership.organisation_id == organisation_id, Membership.role != Role.GUEST)
        .distinct()
        .order_by(Membership.user_id)
    ).all()
    declared: dict[UUID, list[Declared]] = {}
    for each in session.scalars(select(Interest).where(Interest.user_id.in_(members), _live())):
        declared.setdefault(each.user_id, []).append(Declared(each.kind, each.organisation_id, each.proposal_id))
    plans = select(ConflictPlan.user_id).where(
        ConflictPlan.organisation_id == organisation_id, ConflictPlan.proposal_id == proposal_id, _plan_live()
    )
    planned = frozenset(session.scalars(plans))
    shown = []
    for person in sorted(declared.keys() | planned):
        actor = freshly(session, Actor(person))
        found = rules.conflicts(actor, organisation_id, proposal_id, involved, declared.get(person, []))
        told = [each for each in found if each.declared or person in planned]
        shown += [each.as_json() | {"managed": person in planned} for each in told]
    return sorted(shown, key=lambda each: (each["kind"], each["side"], each["declared"], each["managed"]))


def plan_state_now(plan: ConflictPlan) -> str:
    """The plan's state by the clock: one whose last day is over has ended."""
    over = plan.until is not None and plan.until < today()
    return "ended" if over and plan.state in {"proposed", "approved"} else plan.state


def _live() -> ColumnElement[bool]:
    return and_(Interest.from_on <= today(), _not_over())


def _not_over() -> ColumnElement[bool]:
    return or_(Interest.to_on.is_(None), Interest.to_on >= today())


def _plan_live() -> ColumnElement[bool]:
    return and_(ConflictPlan.state == "approved", or_(ConflictPlan.until.is_(None), ConflictPlan.until >= today()))


def _may_be_shown(session: Session, organisation_id: UUID, interest: Interest) -> bool:
    if interest.proposal_id is not None:
        return _shown(session, organisation_id, interest.proposal_id)
    named = session.get_one(Organisation, interest.organisation_id)
    return (
        named.id == organisation_id
        or is_listed(named)
        or any(known(session, named.id, organisation_id) for known in KNOWN_TO)
    )


def _shown(session: Session, organisation_id: UUID, proposal_id: UUID) -> bool:
    return any(shown(session, proposal_id, organisation_id) for shown in SHOWN_TO)


def _record_interest(session: Session, actor: Actor, interest: Interest, type_: str) -> None:
    """For nobody's record but the person's: an event would tell organisations of a proposal they may not see."""
    journal.record(
        session,
        type_,
        "interest",
        interest.id,
        actor=actor,
        audience=journal.only(),
        path=f"/v1/me/interests/{interest.id}",
        after={"kind": interest.kind, "from": str(interest.from_on), "to": str(interest.to_on)},
    )


def _record_plan(session: Session, actor: Actor, plan: ConflictPlan) -> None:
    journal.record(
        session,
        f"conflict_plan.{plan.state}",
        "conflict_plan",
        plan.id,
        actor=actor,
        audience=journal.only(plan.organisation_id),
        path=f"/v1/conflict-plans/{plan.id}",
        after={"state": plan.state, "version": plan.version},
    )
