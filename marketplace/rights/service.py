"""Claims of a right: the group submits, the authority answers, or the group writes its answer down; appeals; the end.

The authority learns what stands in the claim and nothing else of the proposal. Locks the proposal, then the claim.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.identity.members import addresses_of
from marketplace.identity.models import Organisation
from marketplace.identity.organisations import freshly
from marketplace.proposals.models import Proposal
from marketplace.proposals.sharing import changeable, own_proposal
from marketplace.reference.rights import ROUTES
from marketplace.rights import letters
from marketplace.rights.models import RightClaim
from marketplace.rights.rules import (
    APPEALED,
    MOST_CLAIMS,
    REJECTED,
    SUBMITTED,
    WAITING,
    WITHDRAWN,
    AuthorityAnswers,
    ClaimFaults,
    ClaimWaits,
    Fault,
    NoAppeal,
    NotAnAuthority,
    OwnRightClaim,
    TooManyClaims,
    answer_faults,
    claim_faults,
    day_faults,
    refuse_closed,
    refuse_unless,
)
from marketplace.store import mail
from marketplace.store.base import new_id
from marketplace.store.journal import only, record
from marketplace.values.actor import VERIFIED_STATES, Actor, Role
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

PUBLIC_BODY = "public_body"


def submit_claim(current: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> RightClaim:
    """Claim a right for a proposal, from an authority here (which is told) or from one that is only named.

    ClaimFaults with every fault; RouteNotOpen with the route's days; ClaimWaits where one by this route waits already.
    """
    proposal = own_proposal(current, actor, proposal_id, Action.WRITE_PROPOSAL, lock=True)
    permit(freshly(current, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    changeable(proposal)
    _refuse(claim_faults(draft, today()))
    refuse_closed(ROUTES[draft["route"]], draft["submitted_on"])
    _refuse_no_authority(current, draft.get("authority_organisation_id"))
    claims = select(func.count()).select_from(RightClaim).where(RightClaim.proposal_id == proposal.id)
    if current.scalars(claims).one() >= MOST_CLAIMS:
        raise TooManyClaims(f"A proposal has at most {MOST_CLAIMS} claims.")
    if current.scalars(claims.where(RightClaim.route == draft["route"], RightClaim.state == SUBMITTED)).one():
        raise ClaimWaits("A claim by this route waits for its answer.")
    claim = RightClaim(
        id=new_id(),
        proposal_id=proposal.id,
        organisation_id=proposal.organisation_id,
        state=SUBMITTED,
        submitted_by=actor.person,
        declared=False,
        **draft,
    )
    current.add(claim)
    current.flush()
    current.refresh(claim)
    _note(current, actor, claim, "submitted")
    return claim


def answer_claim(current: Session, actor: Actor, claim_id: UUID, answer: dict[str, Any]) -> RightClaim:
    """Accept, accept with changes or reject, for the authority that was asked. ClaimFaults with every fault."""
    found = current.get(RightClaim, claim_id)
    if found is None or found.authority_organisation_id is None:
        raise NotFound()
    permit(actor, Action.ANSWER_RIGHT_CLAIM, found.authority_organisation_id)
    claim = _locked(current, found)
    present = freshly(current, actor)
    permit(present, Action.ANSWER_RIGHT_CLAIM, found.authority_organisation_id)
    if present.membership_in(claim.organisation_id) is not None or present.guest_of(claim.proposal_id) is not None:
        raise OwnRightClaim("Somebody else of the authority has to answer.")
    return _answer(current, actor, claim, answer, declared=False)


def declare_answer(current: Session, actor: Actor, claim_id: UUID, answer: dict[str, Any]) -> RightClaim:
    """Write down what an authority that is not here answered, and where that can be read. AuthorityAnswers."""
    claim = _own(current, actor, claim_id)
    if claim.authority_organisation_id is not None:
        raise AuthorityAnswers("It was asked here, and answers here.")
    return _answer(current, actor, claim, answer, declared=True)


def appeal_claim(current: Session, actor: Actor, claim_id: UUID, draft: dict[str, Any]) -> RightClaim:
    """Appeal against a rejection, where the route has an appeal (NoAppeal)."""
    claim = _own(current, actor, claim_id)
    if ROUTES[claim.route].appeal_to is None:
        raise NoAppeal("Nobody decides on appeals of this route.", route=claim.route)
    refuse_unless(claim.state, REJECTED)
    _refuse(day_faults("appealed_on", draft["appealed_on"], claim.answered_on or claim.submitted_on, today()))
    claim.appeal, claim.appealed_on, claim.appealed_by = draft["words"], draft["appealed_on"], actor.person
    return _turn(current, actor, claim, APPEALED)


def record_appeal_outcome(current: Session, actor: Actor, claim_id: UUID, draft: dict[str, Any]) -> RightClaim:
    """Write down how the appeal ended, `upheld` or `dismissed`, and where that can be read."""
    claim = _own(current, actor, claim_id)
    refuse_unless(claim.state, APPEALED)
    _refuse(day_faults("decided_on", draft["decided_on"], claim.appealed_on or claim.submitted_on, today()))
    claim.appeal_answer, claim.appeal_source = draft.get("words"), draft["source"]
    claim.appeal_decided_on, claim.appeal_recorded_by = draft["decided_on"], actor.person
    return _turn(current, actor, claim, draft["outcome"])


def withdraw_claim(current: Session, actor: Actor, claim_id: UUID, reason: dict[str, str] | None) -> RightClaim:
    """Take back a claim that waits for an answer, or the appeal and the claim with it."""
    claim = _own(current, actor, claim_id)
    refuse_unless(claim.state, *sorted(WAITING))
    return _withdraw(current, actor, claim, reason)


def before_withdrawal(current: Session, actor: Actor, proposal: Proposal) -> None:
    """The proposal is being withdrawn, its row locked: its waiting claims are withdrawn with it."""
    waiting = select(RightClaim).where(RightClaim.proposal_id == proposal.id, RightClaim.state.in_(sorted(WAITING)))
    locked = waiting.order_by(RightClaim.id).with_for_update(key_share=True).execution_options(populate_existing=True)
    for claim in current.scalars(locked).all():
        _withdraw(current, actor, claim, None)


def _withdraw(current: Session, actor: Actor, claim: RightClaim, reason: dict[str, str] | None) -> RightClaim:
    claim.withdrawal_reason, claim.withdrawn_at, claim.withdrawn_by = reason, now(), actor.person
    return _turn(current, actor, claim, WITHDRAWN)


def _answer(current: Session, actor: Actor, claim: RightClaim, answer: dict[str, Any], *, declared: bool) -> RightClaim:
    refuse_unless(claim.state, SUBMITTED)
    _refuse(answer_faults(answer, claim.submitted_on, today(), declared=declared))
    for name in ("outcome", "modification", "rejection_reason", "source", "answered_on"):
        setattr(claim, name, answer.get(name))
    claim.answer, claim.declared = answer.get("words"), declared
    claim.answered_by, claim.answered_at = actor.person, now()
    return _turn(current, actor, claim, answer["outcome"])


def _own(current: Session, actor: Actor, claim_id: UUID) -> RightClaim:
    """A claim of the caller's own group, locked after its proposal, for one who may write for it."""
    found = current.get(RightClaim, claim_id)
    if found is None:
        raise NotFound()
    permit(actor, Action.WRITE_PROPOSAL, found.organisation_id)
    claim = _locked(current, found)
    permit(freshly(current, actor), Action.WRITE_PROPOSAL, found.organisation_id)
    return claim


def _locked(current: Session, claim: RightClaim) -> RightClaim:
    current.get_one(Proposal, claim.proposal_id, with_for_update={"read": True}, populate_existing=True)
    return current.get_one(RightClaim, claim.id, with_for_update={"key_share": True}, populate_existing=True)


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise ClaimFaults("`errors` names each fault.", errors=faults)


def _refuse_no_authority(current: Session, organisation_id: UUID | None) -> None:
    if organisation_id is None:
        return
    named = current.get(Organisation, organisation_id)
    if named is None or named.kind != PUBLIC_BODY or named.verification not in VERIFIED_STATES:
        words = "Name a verified public body here, or give the authority's name."
        raise NotAnAuthority(words, pointer="#/authority_organisation_id")


def _turn(current: Session, actor: Actor, claim: RightClaim, state: str) -> RightClaim:
    claim.state = state
    claim.version += 1
    current.flush()
    _note(current, actor, claim, state)
    return claim


def _note(current: Session, actor: Actor, claim: RightClaim, step: str) -> None:
    record(
        current,
        f"right_claim.{step}",
        "right_claim",
        claim.id,
        actor=actor,
        audience=only(claim.organisation_id, claim.authority_organisation_id),
        path=f"/v1/right-claims/{claim.id}",
        after={"state": claim.state, "outcome": claim.outcome, "declared": claim.declared},
    )
    if claim.authority_organisation_id is not None:
        _write_to_the_other_side(current, actor, claim)


def _write_to_the_other_side(current: Session, actor: Actor, claim: RightClaim) -> None:
    """A letter to those of the authority who answer, or to those of the group who write."""
    by_group = actor.membership_in(claim.organisation_id) is not None or actor.guest_of(claim.proposal_id) is not None
    other = claim.authority_organisation_id if by_group else claim.organisation_id
    roles = (Role.OWNER, Role.APPROVER) if by_group else (Role.OWNER, Role.EDITOR)
    if other is not None:
        for address in addresses_of(current, other, roles):
            mail.send(current, address, *letters.claim_moved(claim.id))
