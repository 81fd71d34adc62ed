"""Offers of public money under subsidy control: what is used of the limit, what an offer counts for, the confirmation.

What a group has had is its own: its members see it, and a funder with which it shares `mfa_received`; to any other the
answer is unknown, whatever it would be. Figures are minor units of pounds sterling.
"""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.identity.organisations import freshly
from marketplace.pledges import lifecycle, queries, subsidy_rules
from marketplace.pledges.aggregate import hold_pledge, record
from marketplace.pledges.condition_models import OutsideAward, PledgeSubsidy, ProgrammeSubsidyTerms
from marketplace.pledges.models import Pledge
from marketplace.pledges.subsidy_rules import Headroom
from marketplace.programmes.models import Programme
from marketplace.programmes.service import own_programme, programme_seen
from marketplace.proposals.models import Proposal
from marketplace.proposals.queries import own_view, sharing_of
from marketplace.proposals.reading import proposal_seen
from marketplace.reference import codelists
from marketplace.reference.parameters import value_on
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import day_of, now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import Level, Outcome, Reason
from marketplace.values.refusals import NotFound

FACT, PARAMETER, STERLING = "mfa_received", "mfa_limit", "GBP"


def terms_of(session: Session, actor: Actor, programme_id: UUID) -> ProgrammeSubsidyTerms:
    """Whether a programme that the caller may see gives public money; by default it does not."""
    programme = programme_seen(session, actor, programme_id)
    return _terms(session, programme.id)


def set_terms(
    session: Session, actor: Actor, programme_id: UUID, terms: dict[str, Any], precondition: Callable[[Any], None]
) -> ProgrammeSubsidyTerms:
    """Say whether the programme's money is public. It counts for offers from now on."""
    programme = own_programme(session, actor, programme_id, Action.WRITE_PROGRAMME, lock=True)
    precondition(_terms(session, programme.id))
    if terms["mfa_only"] and not terms["public_money"]:
        fault = {"pointer": "#/mfa_only", "detail": "Only public money is given as Minimal Financial Assistance."}
        raise subsidy_rules.SubsidyWrong("`errors` names each fault.", errors=[fault])
    kept = session.get(ProgrammeSubsidyTerms, programme.id)
    if kept is None:
        kept = ProgrammeSubsidyTerms(id=programme.id, version=0)
        session.add(kept)
    kept.public_money, kept.mfa_only = terms["public_money"], terms["mfa_only"]
    kept.version += 1
    session.flush()
    journal.record(
        session, "programme.subsidy_terms_set", "programme", programme.id, actor=actor,
        audience=journal.only(programme.organisation_id), path=f"/v1/programmes/{programme.id}/subsidy-terms",
        after=dict(terms),
    )  # fmt: skip
    return kept


def headroom_for(session: Session, actor: Actor, proposal_id: UUID, on: date | None) -> Headroom:
    """What is used and left of the limit on a day: for the group, and for funders that it shares the figure with."""
    proposal = proposal_seen(session, actor, proposal_id)
    if actor.membership_in(proposal.organisation_id) is None:
        shared = [each for each in sorted(actor.organisation_ids) if _is_shared(session, proposal.id, each)]
        if not any(queries.sees(session, actor, proposal.id, each) for each in shared):
            raise NotFound()
    else:
        permit(actor, Action.READ_PROPOSAL, proposal.organisation_id)
    return headroom(session, proposal, on or today())


def headroom(session: Session, proposal: Proposal, on: date, *, without: UUID | None = None) -> Headroom:
    """What is used of the limit on a day by the group whose proposal it is, one pledge left out if so wished."""
    return Headroom(
        on=on,
        limit=limit_on(on),
        committed=subsidy_rules.used_on(on, _promised(session, proposal.organisation_id, without)),
        declared=subsidy_rules.used_on(on, _declared(session, proposal.organisation_id)),
        received=_received(session, proposal.id, on),
    )


def limit_on(on: date) -> int:
    """The limit in force on a day; nothing before the Act."""
    value = value_on(PARAMETER, on)
    return 0 if value is None else int(value["amount"])


def assess_offer(
    session: Session, programme: Programme, pledge: Pledge, proposal: Proposal, said: dict[str, Any]
) -> tuple[PledgeSubsidy | None, list[Reason]]:
    """What the offer counts for, and what of it stands in its way: nothing where the money is not public.

    Passing the limit is a warning as long as the offer names another route, and refused where the programme gives
    Minimal Financial Assistance alone.
    """
    terms = _terms(session, programme.id)
    _refuse_misplaced(pledge, said, public_money=terms.public_money)
    if not terms.public_money:
        return None, []
    parts = [(part.instrument, part.amount) for part in pledge.parts]
    benefit = subsidy_rules.benefit_of(parts, _subsidies(), said.get("benefit"))
    if benefit is None:
        wanted = "the cash-equivalent benefit of what is repaid"
        return None, [Reason("SUBSIDY_BENEFIT", Outcome.UNKNOWN, op="known", wanted=wanted)]
    if benefit == 0:
        return None, []
    day = today()
    seen = headroom(session, proposal, day) if _is_shared(session, proposal.id, programme.organisation_id) else None
    if pledge.currency != STERLING:
        seen = None
    reason = subsidy_rules.mfa_reason(seen, limit_on(day), benefit, hard=terms.mfa_only)
    route = subsidy_rules.route_of(reason, said.get("route"))
    blocking = [reason] if terms.mfa_only and reason.outcome is not Outcome.MET else []
    if terms.mfa_only and route not in {None, "mfa"}:
        blocking.append(Reason("SUBSIDY_ROUTE", Outcome.UNMET, op="eq", wanted="mfa", found=route))
    if route is None and not blocking:
        blocking = [Reason("SUBSIDY_ROUTE", Outcome.UNKNOWN, op="known", wanted="another route than mfa"), reason]
    kept = PledgeSubsidy(
        pledge_id=pledge.id,
        route=route or "mfa",
        benefit=benefit,
        window_from=subsidy_rules.window_start(day),
        used=None if seen is None else seen.used,
        mfa_limit=limit_on(day),
    )
    return kept, blocking


def warnings_of(kept: PledgeSubsidy) -> list[Reason]:
    """What an offer warns of: the limit as it stood when the offer was made, where it is not known to be kept."""
    if kept.used is None:
        return [subsidy_rules.mfa_reason(None, kept.mfa_limit, kept.benefit, hard=False)]
    then = Headroom(kept.window_from, kept.mfa_limit, kept.used, 0, None)
    reason = subsidy_rules.mfa_reason(then, kept.mfa_limit, kept.benefit, hard=False)
    return [] if reason.outcome is Outcome.MET else [reason]


def confirm(session: Session, actor: Actor, pledge_id: UUID, statement: str | None) -> Pledge:
    """Record the group's written confirmation that the limit is kept with this pledge (section 37 of the Act).

    SubsidyOverLimit where what is known here says otherwise.
    """
    pledge, proposal, _ = hold_pledge(session, actor, pledge_id, Action.ANSWER_OFFER, for_group=True)
    if pledge.state not in lifecycle.COMMITTED:
        raise lifecycle.NoSuchStep(f"A pledge that is {pledge.state} is not confirmed.", state=pledge.state)
    kept = pledge.subsidy
    if kept is None or kept.route != "mfa":
        raise subsidy_rules.NotASubsidy("Only Minimal Financial Assistance is confirmed.")
    if kept.confirmed_at is not None:
        raise lifecycle.NoSuchStep("It was confirmed before.", state="confirmed")
    seen = headroom(session, proposal, today(), without=pledge.id)
    reason = subsidy_rules.mfa_reason(seen, seen.limit, _counted(pledge, kept), hard=True)
    if reason.outcome is not Outcome.MET:
        raise subsidy_rules.SubsidyOverLimit("Another route is needed.", reasons=[reason.as_json()])
    kept.confirmed_by, kept.confirmed_at, kept.statement = actor.user_id, now(), statement
    pledge.version += 1
    session.flush()
    permit(freshly(session, actor), Action.ANSWER_OFFER, pledge.group_organisation_id)
    record(session, actor, pledge, "pledge.subsidy_confirmed")
    return pledge


def confirmation_reason(pledge: Pledge) -> Reason | None:
    """Whether Minimal Financial Assistance was confirmed; None for a pledge that is none."""
    if pledge.subsidy is None or pledge.subsidy.route != "mfa":
        return None
    outcome = Outcome.UNMET if pledge.subsidy.confirmed_at is None else Outcome.MET
    wanted = "the group's written confirmation"
    return Reason("SUBSIDY_CONFIRMATION", outcome, op="known", wanted=wanted, level=Level.HARD)


def _refuse_misplaced(pledge: Pledge, said: dict[str, Any], *, public_money: bool) -> None:
    """SubsidyWrong for what is said of money that is not public, and for a benefit above the pledge."""
    faults = []
    if said and not public_money:
        faults.append({"pointer": "#/subsidy", "detail": "The programme's money is not public: it is no subsidy."})
    if said.get("benefit", 0) > pledge.amount:
        faults.append({"pointer": "#/subsidy/benefit", "detail": f"At most the pledge's {pledge.amount}."})
    if faults:
        raise subsidy_rules.SubsidyWrong("`errors` names each fault.", errors=faults)


def _terms(session: Session, programme_id: UUID) -> ProgrammeSubsidyTerms:
    kept = session.get(ProgrammeSubsidyTerms, programme_id, populate_existing=True)
    return kept or ProgrammeSubsidyTerms(id=programme_id, public_money=False, mfa_only=False, version=0)


def _is_shared(session: Session, proposal_id: UUID, organisation_id: UUID) -> bool:
    return FACT in sharing_of(session, proposal_id, organisation_id).slugs


def _promised(session: Session, group_id: UUID, without: UUID | None) -> list[tuple[date, int]]:
    """What funders here have promised the group as counted assistance: by the day of acceptance, what is left of it."""
    query = (
        select(Pledge, PledgeSubsidy)
        .join(PledgeSubsidy, PledgeSubsidy.pledge_id == Pledge.id)
        .where(Pledge.group_organisation_id == group_id, Pledge.answered_at.is_not(None))
        .where(Pledge.state.in_(sorted(lifecycle.BINDING | {"terminated", "clawed_back"})))
        .where(PledgeSubsidy.route.in_(sorted(subsidy_rules.COUNTED_ROUTES)))
    )
    return [
        (day_of(row.Pledge.answered_at), _counted(row.Pledge, row.PledgeSubsidy))
        for row in session.execute(query.order_by(Pledge.id))
        if row.Pledge.id != without
    ]


def _counted(pledge: Pledge, kept: PledgeSubsidy) -> int:
    """The benefit of what is neither cancelled nor returned, rounded up to the penny."""
    left = sum(part.amount - part.cancelled - part.returned for part in pledge.parts)
    return -(-kept.benefit * left // pledge.amount)


def _declared(session: Session, group_id: UUID) -> list[tuple[date, int]]:
    query = select(OutsideAward.awarded_on, OutsideAward.benefit).where(
        OutsideAward.organisation_id == group_id,
        OutsideAward.is_subsidy,
        OutsideAward.currency == STERLING,
        OutsideAward.withdrawn_at.is_(None),
    )
    return [(row.awarded_on, row.benefit) for row in session.execute(query)]


def _received(session: Session, proposal_id: UUID, on: date) -> int | None:
    """The group's answer for the whole, which is of the present financial year."""
    if subsidy_rules.window_start(on) != subsidy_rules.window_start(today()):
        return None
    answer = own_view(session, proposal_id, on).facts.get(FACT)
    return int(answer["amount"]) if answer and answer["currency"] == STERLING else None


def _subsidies() -> frozenset[str]:
    instruments = codelists.CODELISTS["instruments"]
    return frozenset(each["slug"] for each in instruments if each["usually_a_subsidy_if_public"])
