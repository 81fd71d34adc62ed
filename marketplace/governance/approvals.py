"""Approvals by a second person: asking for one, giving, refusing and withdrawing it, and finding those that fit an act.

What an act is done to is known by the kind of its subject: the features that own such things say whose they are. Only
the gate (service.py) uses an approval up. Flushes, never commits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal, or_, select
from sqlalchemy.orm import Session

from marketplace.governance import interests, rules
from marketplace.governance.limits import limits_held
from marketplace.governance.models import Approval, AuthorisedAct
from marketplace.governance.rules import ACTS, Act
from marketplace.identity.organisations import freshly
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.money import Money
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound


@dataclass(frozen=True, slots=True)
class Subject:
    """What an act is done to: whose it is (the organisation that acts), and the proposal it is about."""

    organisation_id: UUID
    proposal_id: UUID | None = None


SUBJECTS: dict[str, Callable[[Session, Actor, UUID], Subject | None]] = {}
"""By kind of subject (`rules.ACTS`): the thing of that id as the caller may see it, None where there is none."""


def request_approval(session: Session, actor: Actor, organisation_id: UUID, draft: dict[str, Any]) -> Approval:
    """Ask for an act to be approved by a second person, on exactly these terms, for thirty days.

    ApprovalNotValid where an amount is missing or out of place; AlreadyAsked while the same is open; NotFound for a
    subject that is not the organisation's.
    """
    permit(actor, Action.REQUEST_APPROVAL, organisation_id)
    act, amount = Act(draft["act"]), draft.get("amount")
    if ACTS[act].has_amount != (amount is not None):
        wanted = "Give the amount of the act." if amount is None else "This act has no amount."
        raise rules.ApprovalNotValid(wanted, pointer="#/amount")
    find = SUBJECTS.get(ACTS[act].subject)
    subject = None if find is None else find(session, actor, draft["subject_id"])
    if subject is None or subject.organisation_id != organisation_id:
        raise NotFound()
    terms = draft.get("terms", {})
    digest = rules.terms_digest(act, draft["subject_id"], amount, terms)
    if any(each.expires_at > now() for each in _open(session, organisation_id, digest)):
        raise rules.AlreadyAsked("It waits for an answer, or for the act.")
    approval = Approval(
        id=new_id(),
        organisation_id=organisation_id,
        act=str(act),
        subject_id=draft["subject_id"],
        proposal_id=subject.proposal_id,
        amount=None if amount is None else amount.amount,
        currency=None if amount is None else amount.currency,
        terms=terms,
        terms_sha256=digest,
        words=draft["words"],
        state="requested",
        version=1,
        expires_at=now() + rules.APPROVAL_LASTS,
        requested_by=actor.person,
    )
    session.add(approval)
    session.flush()
    session.refresh(approval)
    _record(session, actor, approval, "approval.requested")
    return approval


def approval_seen(session: Session, actor: Actor, approval_id: UUID, *, lock: bool = False) -> Approval:
    """An approval of one of the caller's organisations; NotFound for anyone else's."""
    approval = session.get(
        Approval, approval_id, with_for_update={"key_share": True} if lock else None, populate_existing=lock
    )
    if approval is None or actor.membership_in(approval.organisation_id) is None:
        raise NotFound()
    return approval


def approvals_of(
    session: Session, actor: Actor, organisation_id: UUID, state: str | None, after: UUID | None, limit: int
) -> Sequence[Approval]:
    """The organisation's approvals, the newest first; `limit` + 1 of them."""
    permit(actor, Action.READ_ORGANISATION, organisation_id)
    query = select(Approval).where(Approval.organisation_id == organisation_id)
    if state is not None:
        query = query.where(_in_state(state, now()))
    if after is not None:
        query = query.where(Approval.id < after)
    return list(session.scalars(query.order_by(Approval.id.desc()).limit(limit + 1)))


def approve(session: Session, actor: Actor, approval_id: UUID, answer: dict[str, str] | None) -> Approval:
    """Be the second pair of eyes. MayNotApprove, with every reason, for who asked, who has an interest, and whose own
    limit does not reach so far."""
    approval = _held(session, actor, approval_id, Action.APPROVE_ACT)
    following = _next(approval, "approve")
    doer = freshly(session, actor)
    membership = permit(doer, Action.APPROVE_ACT, approval.organisation_id)
    act = Act(approval.act)
    limits = limits_held(session, approval.organisation_id)
    own = None if limits is None else limits.alone(act, actor.person, membership.role)
    before = used_by(session, approval.organisation_id, actor.person, act, _scope(approval), approval.currency)
    reasons = rules.answer_reasons(
        approver=actor.person,
        requested_by=approval.requested_by,
        interests=interests.conflicts_of(session, doer, approval.organisation_id, approval.proposal_id),
        covered=rules.covers(limits, approval.money, own, before),
        wanted=own,
    )
    if reasons:
        raise rules.MayNotApprove("`reasons` says why.", reasons=[reason.as_json() for reason in reasons])
    return _answer(session, actor, approval, following, answer)


def reject(session: Session, actor: Actor, approval_id: UUID, answer: dict[str, str]) -> Approval:
    """Refuse it, or take back an approval that has not been used."""
    approval = _held(session, actor, approval_id, Action.APPROVE_ACT)
    return _answer(session, actor, approval, _next(approval, "reject"), answer)


def withdraw(session: Session, actor: Actor, approval_id: UUID) -> Approval:
    """Ask no more. NotTheRequester for anybody else."""
    approval = _held(session, actor, approval_id, Action.REQUEST_APPROVAL)
    if approval.requested_by != actor.user_id:
        raise rules.NotTheRequester("Who asked withdraws it; you may reject it.")
    approval.state = _next(approval, "withdraw")
    return _changed(session, actor, approval)


def fitting(session: Session, organisation_id: UUID, digest: str) -> list[Approval]:
    """The approvals that were given for exactly that act on exactly those terms, not used yet; the latest first."""
    return [each for each in _open(session, organisation_id, digest) if each.state == "approved"]


def used_by(
    session: Session, organisation_id: UUID, user_id: UUID, act: Act, scope_id: UUID, currency: str | None,
    *, alone: bool = False,
) -> int:  # fmt: skip
    """What the person did alone (and, but for `alone`, approved) of that act for that proposal or thing lately, in
    minor units of `currency`."""
    theirs: ColumnElement[bool] = and_(AuthorisedAct.user_id == user_id, AuthorisedAct.approval_id.is_(None))
    if not alone:
        theirs = or_(theirs, AuthorisedAct.approved_by == user_id)
    query = select(func.coalesce(func.sum(AuthorisedAct.amount), 0)).where(
        AuthorisedAct.organisation_id == organisation_id,
        AuthorisedAct.scope_id == scope_id,
        AuthorisedAct.act == str(act),
        AuthorisedAct.currency == currency,
        AuthorisedAct.done_at > now() - rules.COUNTED_TOGETHER,
        theirs,
    )
    return int(session.execute(query).scalar_one() or 0)


def how_to_ask(act: Act, organisation_id: UUID, subject_id: UUID, amount: Money | None, terms: Any) -> dict[str, Any]:
    """The members of an `approval-needed` refusal that say what to ask for, and where."""
    wanted: dict[str, Any] = {"act": str(act), "subject_id": str(subject_id), "terms": dict(terms)}
    if amount is not None:
        wanted["amount"] = {"amount": amount.amount, "currency": amount.currency}
    return {"approval": wanted, "ask_at": f"/v1/organisations/{organisation_id}/approvals"}


def _scope(approval: Approval) -> UUID:
    return approval.proposal_id or approval.subject_id


def _open(session: Session, organisation_id: UUID, digest: str) -> list[Approval]:
    query = select(Approval).where(
        Approval.organisation_id == organisation_id,
        Approval.terms_sha256 == digest,
        Approval.state.in_(["requested", "approved"]),
    )
    return list(session.scalars(query.order_by(Approval.id.desc()).execution_options(populate_existing=True)))


def _in_state(state: str, moment: datetime) -> ColumnElement[bool]:
    """`rules.approval_state_at` in SQL."""
    waiting = Approval.state.in_(["requested", "approved"])
    if state == "expired":
        return and_(waiting, Approval.expires_at <= moment)
    live = or_(~waiting, Approval.expires_at > moment)
    return and_(Approval.state == literal(state), live)


def _held(session: Session, actor: Actor, approval_id: UUID, action: Action) -> Approval:
    permit(actor, action, approval_seen(session, actor, approval_id).organisation_id)
    approval = approval_seen(session, actor, approval_id, lock=True)
    permit(freshly(session, actor), action, approval.organisation_id)
    return approval


def _next(approval: Approval, event: str) -> str:
    state = rules.approval_state_at(approval.state, approval.expires_at, now())
    return rules.next_approval_state(state, event)


def _answer(session: Session, actor: Actor, approval: Approval, state: str, answer: dict[str, str] | None) -> Approval:
    approval.state, approval.answer = state, answer
    approval.answered_by, approval.answered_at = actor.user_id, now()
    return _changed(session, actor, approval)


def _changed(session: Session, actor: Actor, approval: Approval) -> Approval:
    approval.version += 1
    session.flush()
    _record(session, actor, approval, f"approval.{approval.state}")
    return approval


def _record(session: Session, actor: Actor, approval: Approval, type_: str) -> None:
    """For the organisation alone: nobody else learns what it has still to approve."""
    journal.record(
        session,
        type_,
        "approval",
        approval.id,
        actor=actor,
        audience=journal.only(approval.organisation_id),
        path=f"/v1/approvals/{approval.id}",
        after={"state": approval.state, "terms_sha256": approval.terms_sha256},
    )
