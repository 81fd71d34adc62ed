"""Remarks on a statement: questions and positions of organisations, the group's answers, and moderation.

Whoever sees the statement may remark on it for an organisation, but the group; a remark is that organisation's. Holds
the proposal's row while one is made, so that no two slip past the bound.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.identity.organisations import freshly
from marketplace.identity.rules import OperatorOnly
from marketplace.proposals.models import Proposal
from marketplace.safeguards.models import AssuranceRemark
from marketplace.safeguards.rules import (
    MOST_OPEN_BY_ONE,
    MOST_OPEN_REMARKS,
    NothingPublished,
    OwnRemark,
    OwnStatement,
    RemarksWaiting,
    refuse_remark_state,
)
from marketplace.safeguards.sight import in_group, latest_number, statement_seen
from marketplace.store.base import new_id
from marketplace.store.journal import only, record
from marketplace.values.actor import VERIFIED_STATES, Actor
from marketplace.values.clock import day_of, now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

OPEN, ANSWERED, WITHDRAWN, HIDDEN = "open", "answered", "withdrawn", "hidden"
TOLD = (
    *("id", "proposal_id", "statement_number", "organisation_id", "role", "kind", "state", "answer", "answered_at"),
    *("withdrawn_at", "hidden_at", "hidden_reason", "created_at"),
)


def make_remark(current: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> AssuranceRemark:
    """Ask a question about the latest statement, or record a position on it. OwnStatement for the group's people."""
    proposal = statement_seen(current, actor, proposal_id)
    if in_group(actor, proposal):
        raise OwnStatement("Answer remarks, or publish another version.")
    permit(actor, Action.REMARK, draft["organisation_id"])
    held = current.get_one(Proposal, proposal_id, with_for_update={"key_share": True}, populate_existing=True)
    permit(freshly(current, actor), Action.REMARK, draft["organisation_id"])
    number = latest_number(current, proposal_id)
    if number is None:
        raise NothingPublished("There is no statement yet.")
    waiting = select(func.count()).select_from(AssuranceRemark).filter_by(proposal_id=proposal_id, state=OPEN)
    own = waiting.where(AssuranceRemark.organisation_id == draft["organisation_id"])
    if current.scalars(waiting).one() >= MOST_OPEN_REMARKS or current.scalars(own).one() >= MOST_OPEN_BY_ONE:
        raise RemarksWaiting("So many wait for an answer that no other is taken.")
    remark = AssuranceRemark(
        id=new_id(), proposal_id=proposal_id, statement_number=number, made_by=actor.person, state=OPEN, **draft
    )
    current.add(remark)
    current.flush()
    current.refresh(remark)
    _note(current, actor, remark, held, "made")
    return remark


def answer_remark(current: Session, actor: Actor, remark_id: UUID, answer: dict[str, str]) -> AssuranceRemark:
    """Answer for the group, once."""
    found, proposal = _seen(current, actor, remark_id)
    if not in_group(actor, proposal):
        raise OwnRemark("The group answers.")
    permit(actor, Action.WRITE_PROPOSAL, proposal.organisation_id)
    remark = _locked(current, found)
    permit(freshly(current, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    refuse_remark_state(remark.state, OPEN)
    remark.answer, remark.answered_by, remark.answered_at = answer, actor.person, now()
    return _turn(current, actor, remark, proposal, ANSWERED)


def withdraw_remark(current: Session, actor: Actor, remark_id: UUID) -> AssuranceRemark:
    """Take back what one said oneself, or what was said for one's organisation; its words are shown no more."""
    found, proposal = _seen(current, actor, remark_id)
    if found.made_by != actor.user_id:
        permit(actor, Action.WITHDRAW_REMARK, found.organisation_id)
    remark = _locked(current, found)
    refuse_remark_state(remark.state, OPEN, ANSWERED)
    remark.withdrawn_by, remark.withdrawn_at = actor.person, now()
    return _turn(current, actor, remark, proposal, WITHDRAWN)


def hide_remark(current: Session, actor: Actor, remark_id: UUID, reason: str) -> AssuranceRemark:
    """The operator hides a remark from everyone but its organisation, and says why."""
    remark, proposal = _moderated(current, actor, remark_id)
    refuse_remark_state(remark.state, OPEN, ANSWERED)
    remark.hidden_by, remark.hidden_at, remark.hidden_reason = actor.person, now(), reason
    return _turn(current, actor, remark, proposal, HIDDEN)


def restore_remark(current: Session, actor: Actor, remark_id: UUID) -> AssuranceRemark:
    """The operator shows a hidden remark again, as it stood."""
    remark, proposal = _moderated(current, actor, remark_id)
    refuse_remark_state(remark.state, HIDDEN)
    remark.hidden_by, remark.hidden_at, remark.hidden_reason = None, None, None
    return _turn(current, actor, remark, proposal, OPEN if remark.answered_at is None else ANSWERED)


def remarks_of(
    current: Session,
    actor: Actor,
    proposal_id: UUID,
    state: str | None,
    kind: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[AssuranceRemark]:
    """The remarks on a statement that the caller may read, the oldest first; `limit` + 1 of them."""
    statement_seen(current, actor, proposal_id)
    rows = select(AssuranceRemark).where(AssuranceRemark.proposal_id == proposal_id)
    for column, wanted in ((AssuranceRemark.state, state), (AssuranceRemark.kind, kind)):
        rows = rows if wanted is None else rows.where(column == wanted)
    if after is not None:
        rows = rows.where(AssuranceRemark.id > after)
    return list(current.scalars(rows.order_by(AssuranceRemark.id).limit(limit + 1)))


def remark_seen(current: Session, actor: Actor, remark_id: UUID) -> AssuranceRemark:
    """A remark on a statement that the caller may read, or one of their own organisation."""
    return _seen(current, actor, remark_id)[0]


def remark_cards(current: Session, actor: Actor, remarks: Sequence[AssuranceRemark]) -> list[dict[str, Any]]:
    """Remarks as the caller may see them: words that were withdrawn or hidden only where they are their own."""
    wanted = {remark.organisation_id for remark in remarks}
    found = {each.id: each for each in current.scalars(select(Organisation).where(Organisation.id.in_(wanted)))}
    return [_card(remark, found[remark.organisation_id], actor) for remark in remarks]


def _card(remark: AssuranceRemark, organisation: Organisation, actor: Actor) -> dict[str, Any]:
    card = {name: getattr(remark, name) for name in TOLD if getattr(remark, name) is not None}
    card["organisation_name"] = organisation.name
    card["organisation_verified"] = organisation.verification in VERIFIED_STATES
    own = actor.membership_in(remark.organisation_id) is not None or remark.made_by == actor.user_id
    if own or remark.state in {OPEN, ANSWERED}:
        card["words"] = remark.words
    else:
        card.pop("answer", None)
    if remark.state == OPEN:
        card["days_open"] = (today() - day_of(remark.created_at)).days
    return card


def _seen(current: Session, actor: Actor, remark_id: UUID) -> tuple[AssuranceRemark, Proposal]:
    remark = current.get(AssuranceRemark, remark_id)
    if remark is None:
        raise NotFound()
    if remark.made_by == actor.user_id or actor.membership_in(remark.organisation_id) is not None:
        return remark, current.get_one(Proposal, remark.proposal_id)
    return remark, statement_seen(current, actor, remark.proposal_id)


def _moderated(current: Session, actor: Actor, remark_id: UUID) -> tuple[AssuranceRemark, Proposal]:
    found, proposal = _seen(current, actor, remark_id)
    if not actor.operator:
        raise OperatorOnly("The operator moderates remarks.")
    remark = _locked(current, found)
    present = freshly(current, actor)
    own = {proposal.organisation_id, remark.organisation_id} & {each.organisation_id for each in present.memberships}
    if not present.operator or own:
        raise OwnRemark("Another operator moderates what concerns your own organisation.")
    return remark, proposal


def _locked(current: Session, remark: AssuranceRemark) -> AssuranceRemark:
    return current.get_one(AssuranceRemark, remark.id, with_for_update={"key_share": True}, populate_existing=True)


def _turn(current: Session, actor: Actor, remark: AssuranceRemark, proposal: Proposal, state: str) -> AssuranceRemark:
    remark.state = state
    remark.version += 1
    current.flush()
    _note(current, actor, remark, proposal, state)
    return remark


def _note(current: Session, actor: Actor, remark: AssuranceRemark, proposal: Proposal, step: str) -> None:
    record(
        current,
        f"assurance_remark.{step}",
        "assurance_remark",
        remark.id,
        actor=actor,
        audience=only(proposal.organisation_id, remark.organisation_id),
        path=f"/v1/assurance-remarks/{remark.id}",
        after={"state": remark.state, "kind": remark.kind, "role": remark.role},
    )
