"""Recording what comes back: schedules are made when tranches are paid, repayments are shared, booked and kept.

Holds the pledge as pledges/aggregate.py says. Flushes, never commits.
"""

from collections.abc import Collection
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from marketplace.instruments.allocation import Share, allocate
from marketplace.instruments.loans import LoanTerms, loan_schedule
from marketplace.ledger import rules as ledger
from marketplace.ledger import service as books
from marketplace.pledges import queries
from marketplace.pledges.aggregate import hold_pledge
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.pledges.rules import LOANS, REPAYABLE, loan_terms, refuse_future
from marketplace.programmes.models import Programme
from marketplace.repayments import hooks, rules
from marketplace.repayments.models import Reduction, Repayment, RepaymentSchedule
from marketplace.repayments.positions import PartStanding, Standing, part_standing, standings
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.money import Money
from marketplace.values.permissions import Action
from marketplace.values.reasons import Outcome, Reason


def make_schedule(session: Session, actor: Actor, tranche: Tranche) -> None:
    """Make and keep a paid tranche's first schedule, where its part is a loan with financial terms."""
    terms = agreed_loan_terms(tranche.part)
    if terms is None or tranche.paid_on is None:
        return
    schedule = loan_schedule(tranche.amount, terms, tranche.paid_on)
    session.add(
        RepaymentSchedule(
            pledge_id=tranche.part.pledge_id,
            tranche_id=tranche.id,
            number=1,
            starts_on=schedule.starts_on,
            principal=schedule.principal,
            fee=schedule.fee,
            brought_interest=0,
            terms=asdict(terms),
            instalments=rules.kept_instalments(schedule),
        )
    )
    session.flush()


def agreed_loan_terms(part: PledgePart) -> LoanTerms | None:
    """The terms of a part that is repaid in instalments; of a facility's drawing the capital comes last."""
    if part.financial_terms is None:
        return None
    if part.instrument in LOANS:
        return loan_terms(part.financial_terms)
    if part.instrument == "working_capital_facility":
        months = part.financial_terms["months"]
        return LoanTerms(part.financial_terms["rate_bp"], months, holiday_months=months - 1)
    return None


def note_return(session: Session, actor: Actor, tranche: Tranche, amount: int) -> None:
    """Lower what a repayable tranche owes by money that was returned."""
    if tranche.part.instrument not in REPAYABLE:
        return
    standing = next(
        each for each in part_standing(session, tranche.part, today()).tranches if each.tranche.id == tranche.id
    )
    lower(session, standing, "returned", Share(principal=amount), today())


def reversal_reasons(session: Session, tranche: Tranche) -> list[Reason]:
    """A payment that is being repaid is not undone: money recorded by mistake is recorded as returned."""
    if tranche.part.instrument not in REPAYABLE:
        return []
    rests_on_it = exists().where(RepaymentSchedule.tranche_id == tranche.id)
    lowered = exists().where(Reduction.tranche_id == tranche.id)
    found = session.scalar(select(or_(rests_on_it, lowered)))
    outcome = Outcome.UNMET if found else Outcome.MET
    return [Reason("NOTHING_TO_REPAY", outcome, wanted="no repayment schedule and no repayment rests on the payment")]


def refuse_demanded(part: PledgePart) -> None:
    """MoneyDemanded while money of the part is demanded back: what comes is recorded against the demand."""
    demanded = sum(tranche.demanded for tranche in part.tranches)
    if demanded:
        raise rules.MoneyDemanded("Record what comes against the demand, or withdraw the demand.", demanded=demanded)


def record_repayment(session: Session, actor: Actor, pledge_id: UUID, told: dict[str, Any]) -> Repayment:
    """Record money that came back, once per reference. MoreThanOwed past what is owed by then."""
    pledge, _, _ = hold_pledge(session, actor, pledge_id, Action.RECORD_REPAYMENT)
    refuse_future(told["received_on"], today(), "#/received_on")
    part = the_part(pledge, told.get("part_id"), REPAYABLE)
    if not part.paid:
        raise rules.NothingRepayable("Nothing of this part was paid yet.")
    first_paid = min(tranche.paid_on for tranche in part.tranches if tranche.paid_on is not None)
    if told["received_on"] < first_paid:
        raise rules.BeforeItWasPaid("Give a day on or after the first payment.", pointer="#/received_on")
    refuse_demanded(part)
    standing = part_standing(session, part, effective_day(session, part, told["received_on"]))
    shares = _shares(standing, told["amount"], pledge.currency)
    repayment = _book(session, actor, pledge, part, told, shares)
    for each, share in zip(standing.tranches, shares, strict=True):
        if share.amount:
            lower(session, each, "repaid", share, standing.as_of, repayment_id=repayment.id)
            each.tranche.repaid += share.principal
            each.tranche.version += 1
    part.repaid += repayment.principal
    pledge.version += 1
    session.flush()
    hooks.repaid(session, actor, part, repayment)
    said(session, actor, pledge, "repayment.recorded", "repayment", repayment.id, {"amount": repayment.amount})
    return repayment


def effective_day(session: Session, part: PledgePart, told: date) -> date:
    """The day from which something counts: as told, or the latest day that was told before or a schedule began on."""
    ids = [tranche.id for tranche in part.tranches]
    latest = select(Reduction.effective_on).where(Reduction.tranche_id.in_(ids))
    begun = select(RepaymentSchedule.starts_on).where(
        RepaymentSchedule.tranche_id.in_(ids), RepaymentSchedule.number > 1
    )
    days: list[date] = [told, *session.scalars(latest), *session.scalars(begun)]
    return max(days)


def lower(
    session: Session,
    standing: Standing,
    cause: str,
    share: Share,
    on: date,
    *,
    repayment_id: UUID | None = None,
    write_off_id: UUID | None = None,
) -> None:
    """Keep what lowered a tranche's balance."""
    latest = max((each.effective_on for each in standing.lowered), default=on)
    session.add(
        Reduction(
            pledge_id=standing.tranche.part.pledge_id,
            tranche_id=standing.tranche.id,
            schedule_id=standing.kept.id if standing.kept else None,
            repayment_id=repayment_id,
            write_off_id=write_off_id,
            cause=cause,
            effective_on=max(on, latest),
            fee=share.fee,
            interest=share.interest,
            principal=share.principal,
            premium=share.premium,
        )
    )
    session.flush()


def repayments_of(session: Session, actor: Actor, pledge_id: UUID, after: UUID | None, limit: int) -> list[Repayment]:
    """What came back on a pledge, newest first, for its two parties; one more than `limit` where there are more."""
    pledge = queries.pledge_for(session, actor, pledge_id)
    query = select(Repayment).where(Repayment.pledge_id == pledge.id)
    if after is not None:
        query = query.where(Repayment.id < after)
    return list(session.scalars(query.order_by(Repayment.id.desc()).limit(limit + 1)))


def repayment_schedule(session: Session, actor: Actor, pledge_id: UUID) -> tuple[Pledge, list[PartStanding]]:
    """What the pledge's repayable parts owe today, for its two parties."""
    pledge = queries.pledge_for(session, actor, pledge_id)
    return pledge, standings(session, pledge, today())


def the_part(pledge: Pledge, named: UUID | None, instruments: Collection[str]) -> PledgePart:
    """The part that is meant: the one named, or the only one of these instruments."""
    possible = [part for part in pledge.parts if part.instrument in instruments]
    if named is not None:
        chosen = [part for part in possible if part.id == named]
        if not chosen:
            raise rules.WhichPart("The pledge has no such part of which this can be recorded.", pointer="#/part_id")
        return chosen[0]
    if not possible:
        raise rules.NothingRepayable("No part of this pledge is of an instrument to which this applies.")
    if len(possible) > 1:
        raise rules.WhichPart("Several parts can be meant: name one.", pointer="#/part_id")
    return possible[0]


def said(
    session: Session, actor: Actor, pledge: Pledge, type_: str, kind: str, subject_id: UUID, after: dict[str, Any]
) -> None:
    """Journal something of a pledge's repayments for its two parties."""
    journal.record(
        session, type_, kind, subject_id, actor=actor,
        audience=journal.only(pledge.organisation_id, pledge.group_organisation_id),
        path=f"/v1/pledges/{pledge.id}/repayment-schedule", after=after,
    )  # fmt: skip


def _shares(standing: PartStanding, amount: Money, currency: str) -> list[Share]:
    if amount.currency != currency or amount.amount > standing.owed:
        raise rules.MoreThanOwed(
            "Give at most what is owed by that day, in the pledge's currency.",
            pointer="#/amount",
            owed={"amount": standing.owed, "currency": currency},
        )
    return allocate(amount.amount, [each.owed for each in standing.tranches])


def _book(
    session: Session, actor: Actor, pledge: Pledge, part: PledgePart, told: dict[str, Any], shares: list[Share]
) -> Repayment:
    """Principal goes from paid to repaid, and on to available where the programme recycles; the rest is income."""
    recycles = bool(session.scalar(select(Programme.recycles).where(Programme.id == pledge.programme_id)))
    total = {
        kind: sum(getattr(share, kind) for share in shares) for kind in ("fee", "interest", "principal", "premium")
    }
    entries: list[ledger.Entry] = []
    if total["principal"]:
        entries += ledger.repay(pledge.programme_id, pledge.id, total["principal"], recycled=recycles)
    if total["fee"] or total["interest"] or total["premium"]:
        for kind, owner in (("programme", pledge.programme_id), ("pledge", pledge.id)):
            books.open_accounts(session, kind, owner, pledge.currency, ledger.INCOME)
        entries += ledger.earn(
            pledge.programme_id, pledge.id, fee=total["fee"], interest=total["interest"], premium=total["premium"]
        )
    books.post(
        session, kind="repayment.recorded", reference=f"{pledge.id}:{told['reference']}", entries=entries, actor=actor,
        description="Repayment received",
    )  # fmt: skip
    repayment = Repayment(
        pledge_id=pledge.id,
        part_id=part.id,
        amount=told["amount"].amount,
        received_on=told["received_on"],
        reference=told["reference"],
        recycled=recycles and total["principal"] > 0,
        recorded_by=actor.person,
        **total,
    )
    session.add(repayment)
    session.flush()
    return repayment
