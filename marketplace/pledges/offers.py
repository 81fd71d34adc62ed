"""Drafting, indicating, offering, answering, signing and ending pledges.

Holds what it changes as aggregate.py says. Flushes, never commits.
"""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.eligibility.models import CriteriaVersion
from marketplace.identity.models import Organisation
from marketplace.ledger import service as books
from marketplace.pledges import (
    authority,
    booking,
    cohorts,
    commitments,
    conditions,
    decisions,
    hooks,
    lifecycle,
    lines,
    queries,
    rules,
    schedules,
    subsidy,
)
from marketplace.pledges.aggregate import hold_pledge, record, step
from marketplace.pledges.cohort_rules import CohortFull
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.programmes import rules as programme_rules
from marketplace.programmes.listings import refuse_unclaimed
from marketplace.programmes.models import Programme
from marketplace.programmes.service import intermediaries_of
from marketplace.proposals.models import Ask, Proposal, ProposalVersion
from marketplace.proposals.queries import sharing_of
from marketplace.proposals.sharing import discoverable
from marketplace.reference import codelists
from marketplace.values.actor import VERIFIED_STATES, Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import unmet
from marketplace.values.refusals import Conflict, NotFound

Precondition = Callable[[Any], None]


def draft_pledge(session: Session, actor: Actor, draft: dict[str, Any]) -> Pledge:
    """Draft a pledge of one of the caller's programmes to a proposal that its organisation may see."""
    programme = session.get(Programme, draft["programme_id"])
    if programme is None or actor.membership_in(programme.organisation_id) is None:
        raise NotFound()
    permit(actor, Action.WRITE_PLEDGE, programme.organisation_id)
    refuse_unclaimed(session, programme.id)
    refuse_wholesale(session, programme)
    proposal = session.get(Proposal, draft["proposal_id"])
    if proposal is None or not queries.sees(session, actor, proposal.id, programme.organisation_id):
        raise NotFound()
    ask = current_ask(session, proposal)
    if draft.get("lines") is not None:
        ask = queries.lock_ask(session, ask.id)
    plans = rules.plan_parts(draft["parts"], programme.tranche_template)
    pledge = Pledge(
        programme_id=programme.id,
        proposal_id=proposal.id,
        ask_id=ask.id,
        organisation_id=programme.organisation_id,
        group_organisation_id=proposal.organisation_id,
        currency=programme.currency,
        amount=sum(plan.amount for plan in plans),
        message=draft.get("message"),
        verifier_organisation_ids=_verifiers(session, draft, proposal.organisation_id),
        drafted_by=actor.person,
        parts=_parts(plans),
        waivers=[],
    )
    session.add(pledge)
    session.flush()
    _beside(session, pledge, draft)
    session.flush()
    record(session, actor, pledge, "pledge.drafted")
    return pledge


def change_pledge(
    session: Session, actor: Actor, pledge_id: UUID, change: dict[str, Any], precondition: Precondition
) -> Pledge:
    """Change the parts, words or named verifiers of a pledge that has not been offered yet."""
    pledge, _, _ = hold_pledge(session, actor, pledge_id, Action.WRITE_PLEDGE)
    precondition(pledge)
    if pledge.state not in {"draft", "indicated"}:
        raise lifecycle.NoSuchStep("What has been offered is changed by a new pledge.", state=pledge.state)
    if "parts" in change:
        template = session.scalars(select(Programme.tranche_template).where(Programme.id == pledge.programme_id)).one()
        plans = rules.plan_parts(change["parts"], template)
        pledge.parts.clear()
        session.flush()
        pledge.parts = _parts(plans)
        pledge.amount = sum(plan.amount for plan in plans)
    _beside(session, pledge, change)
    if "message" in change:
        pledge.message = change["message"]
    if "verifier_organisation_ids" in change:
        pledge.verifier_organisation_ids = _verifiers(session, change, pledge.group_organisation_id)
    pledge.version += 1
    session.flush()
    record(session, actor, pledge, "pledge.changed")
    return pledge


def indicate(session: Session, actor: Actor, pledge_id: UUID) -> Pledge:
    """Show the group soft interest; nothing is committed."""
    pledge, _, _ = hold_pledge(session, actor, pledge_id, Action.WRITE_PLEDGE)
    _require_visible(session, actor, pledge)
    step(pledge, "indicate")
    pledge.shown_at = now()
    session.flush()
    record(session, actor, pledge, "pledge.indicated")
    return pledge


def offer(session: Session, actor: Actor, pledge_id: UUID, terms: dict[str, Any]) -> Pledge:
    """Issue the terms, with their last day. OfferRefused carries every criterion and limit that stands in the way;
    CohortFull where nothing but the programme's cohort limit does.
    """
    pledge, proposal, ask = hold_pledge(session, actor, pledge_id, Action.ISSUE_OFFER)
    lifecycle.pledge_step(pledge.state, "offer")
    _require_visible(session, actor, pledge)
    if proposal.state != "active":
        raise rules.ProposalGone("The proposal has been withdrawn.")
    if not is_current(session, proposal, ask):
        ask = queries.lock_ask(session, current_ask(session, proposal).id)
        pledge.ask_id = ask.id
    commitments.settle_due(session, ask.id)
    programme = session.get_one(Programme, pledge.programme_id)
    refuse_wholesale(session, programme)
    if programme.current_criteria_version_id is None:
        raise rules.ProgrammeUnpublished("Publish the programme's criteria first.")
    if not programme.has_budget:
        raise rules.ProgrammeHasNoBudget("Set the programme's budget first.")
    waivers = {waiver["code"]: waiver["reason"] for waiver in terms.get("waivers", [])}
    decided = decisions.decide_offer(session, programme, proposal, waivers)
    counted, blocking = subsidy.assess_offer(session, programme, pledge, proposal, terms.get("subsidy", {}))
    missing = [
        *unmet(rules.offer_limits(_offer_facts(session, programme, pledge, proposal, ask, terms["expires_on"]))),
        *conditions.offer_reasons(session, pledge),
        *decided.blocking(waivers),
        *blocking,
    ]
    no_place = unmet(cohorts.place_reasons(session, pledge, ask, decided.basis.facts.get("sector")))
    behind = [(layer, each) for layer, each in hooks.offer_reasons(session, pledge, proposal) if unmet([each])]
    if missing or behind:
        layered = [*(("programme", each) for each in [*missing, *no_place]), *behind]
        raise rules.OfferRefused(
            "The offer does not meet what `reasons` names.",
            reasons=[reason.as_json() | {"layer": layer} for layer, reason in layered],
        )
    if no_place:
        raise CohortFull("Wait until a place is free.", reasons=[each.as_json() for each in no_place])
    authority.may_offer(session, actor, pledge, terms)
    decisions.keep_decision(session, pledge, decided)
    pledge.subsidy = counted
    pledge.expires_on = terms["expires_on"]
    pledge.waivers = [{"code": code, "reason": words} for code, words in waivers.items()]
    pledge.offered_by, pledge.offered_at = actor.user_id, now()
    pledge.shown_at = pledge.shown_at or pledge.offered_at
    step(pledge, "offer")
    session.flush()
    hooks.offered(session, pledge)
    record(session, actor, pledge, "pledge.offered")
    return pledge


def accept(session: Session, actor: Actor, pledge_id: UUID) -> Pledge:
    """Accept an offer for the group: the amount becomes committed, in the ask and in the programme's budget at once."""
    pledge, proposal, ask = hold_pledge(session, actor, pledge_id, Action.ANSWER_OFFER, for_group=True)
    _refuse_expired(pledge)
    lifecycle.pledge_step(pledge.state, "accept")
    if proposal.state != "active":
        raise rules.ProposalGone("The proposal has been withdrawn.")
    if actor.user_id in {pledge.drafted_by, pledge.offered_by}:
        raise rules.BothSides("Whoever made the offer cannot accept it too.")
    commitments.settle_due(session, ask.id)
    _refuse_changed(session, proposal, ask, pledge)
    conditions.refuse_passed_days(pledge)
    commitments.hold_lines(session, pledge)
    step(pledge, "accept")
    pledge.answered_by, pledge.answered_at = actor.user_id, now()
    turned = commitments.recount(session, ask.id)
    booking.book_acceptance(session, actor, pledge)
    hooks.accepted(session, actor, pledge)
    schedules.keep_first(session, pledge)
    record(session, actor, pledge, "pledge.accepted")
    commitments.note_thresholds(session, actor, turned)
    return pledge


def decline(session: Session, actor: Actor, pledge_id: UUID, reason: dict[str, str] | None) -> Pledge:
    """Decline an indicated or offered pledge for the group."""
    pledge, _, _ = hold_pledge(session, actor, pledge_id, Action.ANSWER_OFFER, for_group=True)
    _refuse_expired(pledge)
    step(pledge, "decline")
    pledge.answered_by, pledge.answered_at, pledge.reason = actor.user_id, now(), reason
    session.flush()
    record(session, actor, pledge, "pledge.declined")
    return pledge


def withdraw(session: Session, actor: Actor, pledge_id: UUID, reason: dict[str, str]) -> Pledge:
    """Withdraw a pledge before its agreement is signed; what an accepted one committed goes back, once."""
    return _end(session, actor, pledge_id, "withdraw", "pledge.withdrawn", reason)


def terminate(session: Session, actor: Actor, pledge_id: UUID, reason: dict[str, str]) -> Pledge:
    """End a signed pledge: the unpaid rest is cancelled and freed, what was paid stays paid."""
    return _end(session, actor, pledge_id, "terminate", "pledge.terminated", reason)


def sign_agreement(session: Session, actor: Actor, pledge_id: UUID, agreement: dict[str, Any]) -> Pledge:
    """Record the signed agreement: tranches on agreement can be claimed from now on."""
    pledge, _, _ = hold_pledge(session, actor, pledge_id, Action.SIGN_AGREEMENT)
    rules.refuse_future(agreement["signed_on"], today(), "#/signed_on")
    commitments.settle_due(session, pledge.ask_id)
    lifecycle.pledge_step(pledge.state, "sign")
    conditions.refuse_waiting(session, pledge)
    step(pledge, "sign")
    pledge.signed_on = agreement["signed_on"]
    pledge.agreement_reference = agreement.get("reference")
    session.flush()
    hooks.agreed(session, pledge)
    record(session, actor, pledge, "pledge.contracted")
    return pledge


def record_expired_offers(session: Session) -> int:
    """Record offers whose last day is over. Running it twice, or late, changes nothing: the clock already told."""
    query = select(Pledge.id).where(Pledge.state == "offered", Pledge.expires_on < today())
    count = 0
    over = query.order_by(Pledge.id).limit(500).with_for_update(key_share=True, skip_locked=True)
    for pledge_id in list(session.scalars(over)):
        pledge = queries.lock_pledge(session, pledge_id)
        if lifecycle.pledge_state_at(pledge.state, pledge.expires_on, now()) != pledge.state:
            step(pledge, "lapse")
            record(session, Actor(), pledge, "pledge.expired")
            count += 1
    session.flush()
    return count


def before_withdrawal(session: Session, actor: Actor, proposal: Proposal) -> None:
    """Refuse a proposal's withdrawal while money is promised to it; lapse the offers that are open."""
    for ask_id in session.scalars(select(Ask.id).where(Ask.proposal_id == proposal.id).order_by(Ask.id)).all():
        queries.lock_ask(session, ask_id)
        commitments.settle_due(session, ask_id)
    ids = session.scalars(select(Pledge.id).where(Pledge.proposal_id == proposal.id).order_by(Pledge.id)).all()
    pledges = [queries.lock_pledge(session, pledge_id) for pledge_id in ids]
    if any(pledge.state in lifecycle.COMMITTED for pledge in pledges):
        raise ProposalHasPledges("End the accepted pledges first; what they promise is committed money.")
    for pledge in pledges:
        if pledge.state in lifecycle.OPEN:
            step(pledge, "lapse")
            record(session, actor, pledge, "pledge.expired")
    session.flush()


class ProposalHasPledges(Conflict):
    """A proposal with accepted pledges cannot be withdrawn."""

    code = "proposal-has-pledges"
    title = "Accepted pledges forbid the withdrawal"


def current_ask(session: Session, proposal: Proposal) -> Ask:
    """The open ask of the stage that the group is at; ProposalGone where there is none."""
    query = select(Ask).where(
        Ask.proposal_id == proposal.id, Ask.state == "open", Ask.stage == _stage(session, proposal)
    )
    ask = session.scalars(query).one_or_none()
    if ask is None:
        raise rules.ProposalGone("The proposal has no open ask.")
    return ask


def is_current(session: Session, proposal: Proposal, ask: Ask) -> bool:
    """True for the open ask of the stage that the group is at."""
    return ask.state == "open" and ask.stage == _stage(session, proposal)


def _stage(session: Session, proposal: Proposal) -> str | None:
    published = select(ProposalVersion.ask["stage"].astext).where(ProposalVersion.id == proposal.current_version_id)
    return session.scalars(published).one_or_none()


def refuse_wholesale(session: Session, programme: Programme) -> None:
    """WholesaleOnly, with the intermediaries it funds, where the programme's organisation is a wholesale vehicle."""
    organisation = session.get_one(Organisation, programme.organisation_id)
    if organisation.kind != "wholesale_vehicle":
        return
    intermediaries = intermediaries_of(session, [programme.id]).get(programme.id, [])
    raise rules.WholesaleOnly("Ask one of its intermediaries.", intermediaries=intermediaries)


def _end(session: Session, actor: Actor, pledge_id: UUID, event: str, type_: str, reason: dict[str, str]) -> Pledge:
    pledge, _, ask = hold_pledge(session, actor, pledge_id, Action.END_PLEDGE)
    commitments.settle_due(session, ask.id)
    was_committed = pledge.state in lifecycle.COMMITTED
    step(pledge, event)
    if event == "terminate":
        authority.may_terminate(session, actor, pledge)
    turned: list[Pledge] = []
    if was_committed:
        turned = commitments.free_unpaid(session, actor, pledge)
    pledge.ended_at, pledge.reason = now(), reason
    session.flush()
    record(session, actor, pledge, type_)
    commitments.note_thresholds(session, actor, turned)
    return pledge


def _refuse_expired(pledge: Pledge) -> None:
    if lifecycle.pledge_state_at(pledge.state, pledge.expires_on, now()) == "expired" and pledge.state == "offered":
        raise lifecycle.OfferExpired("The offer's last day is over.", expires_on=str(pledge.expires_on))


def _require_visible(session: Session, actor: Actor, pledge: Pledge) -> None:
    if not queries.sees(session, actor, pledge.proposal_id, pledge.organisation_id):
        raise rules.ProposalGone("The proposal is not shared with your organisation any more.")


def _refuse_changed(session: Session, proposal: Proposal, ask: Ask, pledge: Pledge) -> None:
    """Refuse what others changed since the offer: the ask, the funder's standing, the room under the ticket."""
    instruments = {part.instrument for part in pledge.parts}
    same = ask.currency == pledge.currency and instruments <= rules.allowed_parts(ask.instruments)
    if not same or not is_current(session, proposal, ask):
        raise rules.AskChanged("The ask is another one than the offer was made for; ask for a new offer.")
    funder = session.get_one(Organisation, pledge.organisation_id, populate_existing=True)
    if funder.verification not in VERIFIED_STATES:
        raise rules.FunderNotVerified("The funder's verification does not stand at present.")
    programme = session.get_one(Programme, pledge.programme_id)
    promised = queries.promised_to(session, pledge.programme_id, ask.id)
    if programme.ticket_max is not None and promised + pledge.amount > programme.ticket_max:
        raise rules.TicketExceeded("The programme has promised this ask as much as it gives to one.")


def _beside(session: Session, pledge: Pledge, drafted: dict[str, Any]) -> None:
    """The lines and conditions that the draft gives; lines that were named before have to fit other parts too."""
    if "lines" in drafted:
        lines.name_lines(session, pledge, drafted["lines"])
    elif pledge.lines_named and "parts" in drafted:
        kept = [{"line": line, "amount": amount} for line, amount in lines.named_lines(pledge).items()]
        lines.refuse_wrong_lines(session, pledge.ask_id, kept, pledge.amount)
    if "conditions" in drafted:
        conditions.write_conditions(session, pledge, drafted["conditions"])


def _verifiers(session: Session, draft: dict[str, Any], group_organisation_id: UUID) -> list[UUID]:
    named = list(dict.fromkeys(draft.get("verifier_organisation_ids", [])))
    known = discoverable(session, named)
    faults = [
        {"pointer": f"#/verifier_organisation_ids/{place}", "detail": "There is no such organisation to name."}
        for place, each in enumerate(named)
        if each not in known or each == group_organisation_id
    ]
    if faults:
        raise rules.PartsWrong("A verifier belongs to another organisation than the group.", errors=faults)
    return named


def _parts(plans: tuple[rules.PartPlan, ...]) -> list[PledgePart]:
    return [
        PledgePart(
            position=place,
            instrument=plan.instrument,
            in_kind=plan.in_kind,
            amount=plan.amount,
            terms=plan.terms,
            financial_terms=plan.financial_terms,
            tranches=[
                Tranche(
                    position=step, basis=each.basis, milestone=each.milestone, due_on=each.due_on, amount=each.amount
                )
                for step, each in enumerate(plan.tranches)
            ],
        )
        for place, plan in enumerate(plans)
    ]


def _offer_facts(
    session: Session, programme: Programme, pledge: Pledge, proposal: Proposal, ask: Ask, expires_on: date
) -> rules.OfferFacts:
    sought = sharing_of(session, proposal.id, programme.organisation_id).facts.get("instruments_sought", [])
    published = session.get_one(CriteriaVersion, programme.current_criteria_version_id).columns["instruments"]
    return rules.OfferFacts(
        amount=pledge.amount,
        currency=pledge.currency,
        instruments=tuple(part.instrument for part in pledge.parts),
        programme_status="ended" if programme.ended_at else programme_rules.status_of(programme, now()),
        programme_instruments=frozenset(published or codelists.slugs("instruments")),
        ticket_max=programme.ticket_max,
        promised_before=queries.promised_to(session, programme.id, ask.id),
        budget_left=books.balances(session, "programme", programme.id).get("available", 0),
        ask_currency=ask.currency,
        open_gap=ask.open_gap,
        sought=frozenset(sought),
        expires_on=expires_on,
        today=today(),
        guaranteed=sum(part.amount for part in pledge.parts if part.instrument in rules.GUARANTEES),
    )
