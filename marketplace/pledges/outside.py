"""Awards from outside the marketplace, as the group declares them: they fill lines, so that no line is paid twice.

For the group; the deal shows them to its parties. A declaration stays in the record when it is withdrawn, and cannot be
withdrawn once somebody has paid or signed on the strength of it.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.identity.organisations import freshly
from marketplace.pledges import commitments, condition_rules, conditions, lifecycle, lines, queries, rules
from marketplace.pledges.condition_models import OutsideAward, OutsideAwardLine
from marketplace.pledges.offers import current_ask
from marketplace.proposals.models import Proposal
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import Outcome, unmet
from marketplace.values.refusals import Conflict, NotFound, Unprocessable


class AwardWrong(Unprocessable):
    """The award contradicts itself or the ask; `errors` names each fault."""

    code = "award-wrong"
    title = "The award does not fit"


class AwardReliedUpon(Conflict):
    """Pledges were signed or paid on the strength of this award; `reasons` names their conditions."""

    code = "award-relied-upon"
    title = "Others have relied on this award"


def declare_award(session: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> OutsideAward:
    """Declare an award from elsewhere. Without `lines` it is laid over the open ones; `[]` fills none (an old award).

    AskAlreadyFunded, naming the line, where a line is filled already.
    """
    proposal = _own(session, actor, proposal_id)
    rules.refuse_future(draft["awarded_on"], today(), "#/awarded_on")
    amount, named = draft["amount"], draft.get("lines")
    award = OutsideAward(
        proposal_id=proposal.id,
        organisation_id=proposal.organisation_id,
        currency=amount.currency,
        amount=amount.amount,
        benefit=_benefit(draft),
        declared_by=actor.person,
        lines=[],
        **{
            name: draft.get(name) for name in ("funder_name", "programme_name", "instrument", "awarded_on", "reference")
        },
        is_subsidy=draft["is_subsidy"],
    )
    held = queries.hold_proposal(session, proposal.id)
    if named != []:
        _fill(session, award, held, named)
    permit(freshly(session, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    session.add(award)
    session.flush()
    if award.ask_id is not None:
        commitments.note_thresholds(session, actor, commitments.recount(session, award.ask_id))
    _note(session, actor, award, "outside_award.declared")
    return award


def withdraw_award(
    session: Session, actor: Actor, proposal_id: UUID, award_id: UUID, precondition: Callable[[Any], None]
) -> None:
    """Withdraw a declaration: its lines are open again. AwardReliedUpon where others have acted on it."""
    proposal = _own(session, actor, proposal_id)
    queries.hold_proposal(session, proposal.id)
    award = _award(session, proposal.id, award_id)
    if award.ask_id is not None:
        queries.lock_ask(session, award.ask_id)
        commitments.settle_due(session, award.ask_id)
    session.refresh(award, with_for_update={"key_share": True})
    permit(freshly(session, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    precondition(award)
    if award.withdrawn_at is not None:
        raise NotFound()
    if award.ask_id is not None:
        _refuse_relied_upon(session, award, award.ask_id)
        given = {line.ask_line_id: -line.amount for line in award.lines}
        lines.fill(session, award.ask_id, given, "outside")
    award.withdrawn_at, award.withdrawn_by = now(), actor.person
    award.version += 1
    session.flush()
    if award.ask_id is not None:
        commitments.note_thresholds(session, actor, commitments.recount(session, award.ask_id))
    _note(session, actor, award, "outside_award.withdrawn")


def awards_of(session: Session, actor: Actor, proposal_id: UUID, after: UUID | None, limit: int) -> list[OutsideAward]:
    """What the group has declared and not withdrawn, newest first; one more than `limit` where there are more."""
    proposal = _own(session, actor, proposal_id, Action.READ_PROPOSAL)
    query = select(OutsideAward).where(OutsideAward.proposal_id == proposal.id, OutsideAward.withdrawn_at.is_(None))
    if after is not None:
        query = query.where(OutsideAward.id < after)
    return list(session.scalars(query.order_by(OutsideAward.id.desc()).limit(limit + 1)))


def award_for(session: Session, actor: Actor, proposal_id: UUID, award_id: UUID) -> OutsideAward:
    """One award that was declared and not withdrawn, for the group."""
    return _award(session, _own(session, actor, proposal_id, Action.READ_PROPOSAL).id, award_id)


def _own(session: Session, actor: Actor, proposal_id: UUID, action: Action = Action.WRITE_PROPOSAL) -> Proposal:
    proposal = session.get(Proposal, proposal_id)
    if proposal is None:
        raise NotFound()
    permit(actor, action, proposal.organisation_id)
    return proposal


def _award(session: Session, proposal_id: UUID, award_id: UUID) -> OutsideAward:
    query = select(OutsideAward).where(OutsideAward.id == award_id, OutsideAward.proposal_id == proposal_id)
    award = session.scalars(query.where(OutsideAward.withdrawn_at.is_(None))).one_or_none()
    if award is None:
        raise NotFound()
    return award


def _fill(session: Session, award: OutsideAward, proposal: Proposal, named: list[dict[str, Any]] | None) -> None:
    if proposal.state != "active":
        raise rules.ProposalGone("The proposal has been withdrawn.")
    ask = queries.lock_ask(session, current_ask(session, proposal).id)
    commitments.settle_due(session, ask.id)
    if award.currency != ask.currency:
        fault = {"pointer": "#/amount/currency", "detail": f"The ask's currency is {ask.currency}."}
        raise AwardWrong("`errors` names each fault.", errors=[fault])
    if named is None:
        laid = lines.lay_over(lines.rooms(session, ask.id), award.amount)
    else:
        lines.refuse_wrong_lines(session, ask.id, named, award.amount)
        laid = {each["line"]: each["amount"] for each in named}
    lines.fill(session, ask.id, laid, "outside")
    award.ask_id = ask.id
    award.lines = [OutsideAwardLine(ask_line_id=line, amount=amount) for line, amount in sorted(laid.items())]


def _benefit(draft: dict[str, Any]) -> int:
    """What counts of it as a subsidy: all of it, unless the group declares the benefit of what it repays."""
    benefit = draft.get("benefit")
    if benefit is None:
        return int(draft["amount"].amount)
    if benefit > draft["amount"].amount:
        fault = {"pointer": "#/benefit", "detail": "The benefit is at most the amount."}
        raise AwardWrong("`errors` names each fault.", errors=[fault])
    return int(benefit)


def _refuse_relied_upon(session: Session, award: OutsideAward, ask_id: UUID) -> None:
    """Signed pledges whose threshold the award carried, and paid ones whose conditions would not hold without it."""
    reasons = []
    for pledge in conditions.promises_to(session, ask_id):
        if pledge.state not in lifecycle.BINDING - {"accepted"} or not pledge.conditions:
            continue
        kept = conditions.kept_conditions(pledge)
        now_ = condition_rules.release_reasons(kept, conditions.standing_of(session, pledge))
        without = condition_rules.relied_upon(kept, conditions.standing_of(session, pledge, without=award.id))
        lost = {reason.code for reason in now_ if reason.outcome is Outcome.MET}
        reasons += [reason for reason in unmet(without) if reason.code in lost]
    if reasons:
        raise AwardReliedUpon(
            "End those pledges first, or declare the money from elsewhere.",
            reasons=[reason.as_json() for reason in reasons],
        )


def _note(session: Session, actor: Actor, award: OutsideAward, type_: str) -> None:
    """The group's own, and the parties' of the deal that it is part of; these find it there."""
    parties = [] if award.ask_id is None else conditions.promises_to(session, award.ask_id)
    live = {pledge.organisation_id for pledge in parties if pledge.state in lifecycle.BINDING}
    journal.record(
        session, type_, "outside_award", award.id, actor=actor,
        audience=journal.only(award.organisation_id, *live), path=f"/v1/proposals/{award.proposal_id}/deal",
        after={"amount": award.amount, "withdrawn": award.withdrawn_at is not None},
    )  # fmt: skip
