"""Changing a loan's remaining term: proposed by one side of the pledge, accepted by the other, a new schedule kept."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.instruments.loans import LoanTerms, faults_of, loan_schedule
from marketplace.pledges import lifecycle, queries
from marketplace.pledges.aggregate import hold_pledge
from marketplace.pledges.models import Pledge, Tranche
from marketplace.repayments import rules
from marketplace.repayments.models import RepaymentSchedule, Reschedule
from marketplace.repayments.positions import Standing, part_standing
from marketplace.repayments.service import said
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action
from marketplace.values.refusals import NotFound

OTHER = {"funder": "group", "group": "funder"}


def propose(session: Session, actor: Actor, pledge_id: UUID, draft: dict[str, Any]) -> Reschedule:
    """Propose another remaining term, or months of interest alone, for a tranche that still owes capital."""
    side = side_of(actor, queries.pledge_for(session, actor, pledge_id))
    pledge, _, _ = hold_pledge(session, actor, pledge_id, Action.PROPOSE_RESCHEDULE, for_group=side == "group")
    standing = _standing(session, pledge, draft["tranche_id"])
    _terms(standing, draft["months"], draft["holiday_months"])
    made = Reschedule(
        pledge_id=pledge.id,
        tranche_id=standing.tranche.id,
        side=side,
        months=draft["months"],
        holiday_months=draft["holiday_months"],
        reason=draft["reason"],
        proposed_by=actor.person,
    )
    session.add(made)
    session.flush()
    _say(session, actor, pledge, made)
    return made


def accept(session: Session, actor: Actor, reschedule_id: UUID) -> Reschedule:
    """Accept for the other side: the tranche has a new schedule for what it owes today."""
    reschedule, pledge = _held(session, actor, reschedule_id, own=False)
    if actor.person == reschedule.proposed_by:
        raise rules.SecondPersonNeeded("Whoever proposed it cannot accept it for the other side.")
    standing = _standing(session, pledge, reschedule.tranche_id)
    terms = _terms(standing, reschedule.months, reschedule.holiday_months)
    _answered(actor, reschedule, "accepted")
    session.flush()
    _keep(session, reschedule, standing, terms)
    standing.tranche.version += 1
    pledge.version += 1
    session.flush()
    _say(session, actor, pledge, reschedule)
    return reschedule


def decline(session: Session, actor: Actor, reschedule_id: UUID) -> Reschedule:
    """Decline what the other side proposed, or take back what one's own did; the schedule stays."""
    found = reschedule_for(session, actor, reschedule_id)
    own = side_of(actor, queries.pledge_for(session, actor, found.pledge_id)) == found.side
    reschedule, pledge = _held(session, actor, reschedule_id, own=own)
    _answered(actor, reschedule, "withdrawn" if own else "declined")
    session.flush()
    _say(session, actor, pledge, reschedule)
    return reschedule


def reschedules_of(session: Session, actor: Actor, pledge_id: UUID, after: UUID | None, limit: int) -> list[Reschedule]:
    """A pledge's reschedules, newest first, for its two parties; one more than `limit` where there are more."""
    pledge = queries.pledge_for(session, actor, pledge_id)
    query = select(Reschedule).where(Reschedule.pledge_id == pledge.id)
    if after is not None:
        query = query.where(Reschedule.id < after)
    return list(session.scalars(query.order_by(Reschedule.id.desc()).limit(limit + 1)))


def reschedule_for(session: Session, actor: Actor, reschedule_id: UUID) -> Reschedule:
    """A reschedule of a pledge that the caller may see; NotFound otherwise."""
    found = session.get(Reschedule, reschedule_id, populate_existing=True)
    if found is None:
        raise NotFound()
    queries.pledge_for(session, actor, found.pledge_id)
    return found


def side_of(actor: Actor, pledge: Pledge) -> str:
    """For which side of the pledge the caller acts; for the funder where they belong to both."""
    return "funder" if actor.membership_in(pledge.organisation_id) is not None else "group"


def _held(session: Session, actor: Actor, reschedule_id: UUID, *, own: bool) -> tuple[Reschedule, Pledge]:
    """The reschedule under its pledge's locks, still unanswered, for one who may answer for that side."""
    found = reschedule_for(session, actor, reschedule_id)
    answering = found.side if own else OTHER[found.side]
    pledge, _, _ = hold_pledge(
        session, actor, found.pledge_id, Action.ANSWER_RESCHEDULE, for_group=answering == "group"
    )
    reschedule = session.get_one(Reschedule, reschedule_id, populate_existing=True)
    if reschedule.state != "proposed":
        raise lifecycle.NoSuchStep(f"A reschedule that is {reschedule.state} is answered.", state=reschedule.state)
    return reschedule, pledge


def _answered(actor: Actor, reschedule: Reschedule, state: str) -> None:
    reschedule.state, reschedule.answered_by, reschedule.answered_at = state, actor.person, now()
    reschedule.version += 1


def _standing(session: Session, pledge: Pledge, tranche_id: UUID) -> Standing:
    tranches = [tranche for part in pledge.parts for tranche in part.tranches if tranche.id == tranche_id]
    if not tranches:
        raise rules.WhichPart("The pledge has no such tranche.", pointer="#/tranche_id")
    tranche: Tranche = tranches[0]
    standing = next(
        (each for each in part_standing(session, tranche.part, today()).tranches if each.tranche.id == tranche_id), None
    )
    if standing is None or standing.position is None or not standing.position.capital:
        raise rules.NothingRepayable("That tranche has no schedule under which capital is owed.")
    return standing


def _terms(standing: Standing, months: int, holiday_months: int) -> LoanTerms:
    assert standing.schedule is not None  # noqa: S101
    terms = LoanTerms(standing.schedule.terms.rate_bp, months, holiday_months)
    faults = faults_of(terms)
    if faults:
        errors = [{"pointer": f"#/{name}", "detail": detail} for name, detail in faults.items()]
        raise rules.TermNotPossible("The new term contradicts itself.", errors=errors)
    return terms


def _keep(session: Session, reschedule: Reschedule, standing: Standing, terms: LoanTerms) -> None:
    kept, schedule, position = standing.kept, standing.schedule, standing.position
    assert kept is not None and schedule is not None and position is not None  # noqa: S101, PT018
    begins, brought = rules.rescheduled_from(schedule, position, today())
    fee = standing.fee_left
    made = loan_schedule(position.capital - fee, terms, begins, fee=fee)
    session.add(
        RepaymentSchedule(
            pledge_id=reschedule.pledge_id,
            tranche_id=reschedule.tranche_id,
            number=kept.number + 1,
            reschedule_id=reschedule.id,
            starts_on=made.starts_on,
            principal=made.principal,
            fee=made.fee,
            brought_interest=brought,
            terms=asdict(terms),
            instalments=rules.kept_instalments(made),
        )
    )


def _say(session: Session, actor: Actor, pledge: Pledge, reschedule: Reschedule) -> None:
    after = {"state": reschedule.state, "months": reschedule.months, "holiday_months": reschedule.holiday_months}
    said(session, actor, pledge, f"reschedule.{reschedule.state}", "reschedule", reschedule.id, after)
