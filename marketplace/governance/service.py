"""The gate that every governed act passes, inside the transaction that does it.

Lock order: after the act's own rows (proposal, ask, pledge, tranches) and before any account: the organisation's
governance row (shared), the conflict plan (shared), the memberships of the doer and of approvers by id, the approval.
"""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace.governance import approvals, interests, rules
from marketplace.governance.limits import limits_held
from marketplace.governance.models import Approval, AuthorisedAct
from marketplace.governance.rules import Act, ActFacts, ApprovalFacts, Limits
from marketplace.identity.authentication import memberships_of
from marketplace.identity.models import Membership
from marketplace.identity.organisations import freshly
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor, Role
from marketplace.values.clock import now
from marketplace.values.money import Money
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import unmet
from marketplace.values.refusals import Forbidden, NotFound


def require_authority(
    session: Session,
    actor: Actor,
    act: Act,
    organisation_id: UUID,
    subject_id: UUID,
    amount: Money | None,
    *,
    proposal_id: UUID | None = None,
    terms: Mapping[str, str] | None = None,
) -> AuthorisedAct:
    """Let the act pass for one who was permitted it, and remember on which authority; uses up the approval it needs.

    `amount` is what the act moves or binds, `terms` what else an approver has to have seen. ConflictOfInterest or
    ApprovalNeeded with every reason. To be called once in the act's transaction, with the act's rows locked.
    """
    terms = terms or {}
    digest = rules.terms_digest(act, subject_id, amount, terms)
    limits = limits_held(session, organisation_id)
    found = interests.conflicts_of(session, freshly(session, actor), organisation_id, proposal_id)
    managed = bool(found) and interests.managed(session, organisation_id, actor.person, proposal_id)
    candidates: list[Approval] = []
    if limits is not None or managed:
        candidates = approvals.fitting(session, organisation_id, digest)
        _hold_roles(session, organisation_id, actor.person, candidates)
    doer = freshly(session, actor)
    scope = proposal_id or subject_id
    currency = None if amount is None else amount.currency
    facts = ActFacts(
        act=act,
        doer=actor.person,
        role=permit(doer, rules.ACTS[act].action, organisation_id).role,
        amount=amount,
        alone_before=approvals.used_by(session, organisation_id, actor.person, act, scope, currency, alone=True)
        if limits is not None
        else 0,
        limits=limits,
        conflicts=found,
        managed=managed,
        now=now(),
    )
    used: Approval | None = None
    if rules.needs_approval(facts):
        facts, used = _best(session, facts, organisation_id, scope, candidates)
    missing = unmet(rules.authority_reasons(facts))
    if not missing and used is not None and not _use_up(session, actor, used):
        used, missing = None, unmet(rules.authority_reasons(replace(facts, approval=None)))
    if missing:
        reasons = [reason.as_json() for reason in missing]
        if any(reason.code == "CONFLICT_OF_INTEREST" for reason in missing):
            raise rules.ConflictOfInterest("You have an interest on another side.", reasons=reasons)
        asking = approvals.how_to_ask(act, organisation_id, subject_id, amount, terms)
        raise rules.ApprovalNeeded("Ask a second person to approve exactly this.", reasons=reasons, **asking)
    return _done(session, actor, act, organisation_id, subject_id, scope, amount, digest, used)


def _hold_roles(session: Session, organisation_id: UUID, doer: UUID, candidates: list[Approval]) -> None:
    """Keep the roles of the doer and of the approvers until the transaction ends; one person's acts, one by one.

    In order of id, each once: whoever acts on another's approval while that one acts on theirs does not wait for ever.
    """
    people = {doer} | {each.answered_by for each in candidates if each.answered_by is not None}
    rows = select(Membership.id, Membership.user_id).where(
        Membership.organisation_id == organisation_id, Membership.user_id.in_(people), Membership.role != Role.GUEST
    )
    for row in session.execute(rows.order_by(Membership.id)).all():
        held = select(Membership.id).where(Membership.id == row.id)
        mine = row.user_id == doer
        session.execute(held.with_for_update(key_share=True) if mine else held.with_for_update(read=True))


def _best(
    session: Session, facts: ActFacts, organisation_id: UUID, scope: UUID, candidates: list[Approval]
) -> tuple[ActFacts, Approval | None]:
    """The facts with the first approval that counts, or with the latest one where none does."""
    tried: list[tuple[ActFacts, Approval]] = []
    for each in candidates:
        with_it = _with_approval(session, facts, organisation_id, scope, each)
        if with_it is None:
            continue
        if not unmet(rules.authority_reasons(with_it)):
            return with_it, each
        tried.append((with_it, each))
    return (tried[0][0], None) if tried else (facts, None)


def _with_approval(
    session: Session, facts: ActFacts, organisation_id: UUID, scope: UUID, approval: Approval
) -> ActFacts | None:
    if approval.answered_by is None:
        return None
    approver = Actor(approval.answered_by, memberships_of(session, approval.answered_by, fresh=True))
    second = ApprovalFacts(
        requested_by=approval.requested_by,
        approved_by=approval.answered_by,
        expires_at=approval.expires_at,
        approver_may=_may_approve(approver, organisation_id),
        approver_conflicts=interests.conflicts_of(session, approver, organisation_id, approval.proposal_id),
        approver_limit=_own_limit(facts.limits, facts.act, approver, organisation_id),
        approver_before=approvals.used_by(
            session, organisation_id, approval.answered_by, facts.act, scope, approval.currency
        ),
    )
    return replace(facts, approval=second)


def _may_approve(approver: Actor, organisation_id: UUID) -> bool:
    """True while they hold the role: one lost before the act voids the approval."""
    try:
        permit(approver, Action.APPROVE_ACT, organisation_id)
    except (NotFound, Forbidden):
        return False
    return True


def _own_limit(limits: Limits | None, act: Act, approver: Actor, organisation_id: UUID) -> int | None:
    membership = approver.membership_in(organisation_id)
    if limits is None or membership is None:
        return None
    return limits.alone(act, approver.person, membership.role)


def _use_up(session: Session, actor: Actor, approval: Approval) -> bool:
    """Use the approval, once: False where another act was first."""
    using = (
        update(Approval)
        .where(Approval.id == approval.id, Approval.state == "approved", Approval.version == approval.version)
        .values(state="consumed", consumed_by=actor.person, consumed_at=now(), version=Approval.version + 1)
        .returning(Approval.id)
        .execution_options(synchronize_session=False)
    )
    used = session.execute(using).scalar() is not None
    session.refresh(approval)
    return used


def _done(
    session: Session, actor: Actor, act: Act, organisation_id: UUID, subject_id: UUID, scope: UUID,
    amount: Money | None, digest: str, approval: Approval | None,
) -> AuthorisedAct:  # fmt: skip
    done = AuthorisedAct(
        id=new_id(),
        organisation_id=organisation_id,
        act=str(act),
        subject_id=subject_id,
        scope_id=scope,
        user_id=actor.person,
        amount=None if amount is None else amount.amount,
        currency=None if amount is None else amount.currency,
        terms_sha256=digest,
        approval_id=None if approval is None else approval.id,
        approved_by=None if approval is None else approval.answered_by,
        done_at=now(),
    )
    session.add(done)
    session.flush()
    if approval is not None:
        journal.record(
            session, "approval.consumed", "approval", approval.id, actor=actor,
            audience=journal.only(organisation_id), path=f"/v1/approvals/{approval.id}",
            after={"state": approval.state, "terms_sha256": approval.terms_sha256, "act": str(done.id)},
        )  # fmt: skip
    return done
