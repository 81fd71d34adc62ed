"""What a pledge's parts owe on a day: the kept schedules and dues with everything that has lowered them. Read-only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.instruments.allocation import Owed
from marketplace.instruments.loans import InstalmentNow, LoanPosition, LoanSchedule, Lowering, loan_position
from marketplace.instruments.quasi_equity import Year
from marketplace.instruments.recoverable import Due, recoverable_dues
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.pledges.rules import REPAYABLE
from marketplace.repayments import rules
from marketplace.repayments.models import Reduction, RepaymentSchedule, RevenueReport, SuccessEvent


@dataclass(slots=True)
class Standing:
    """One paid tranche, its schedule in force (None where nothing was agreed on), and what has lowered it."""

    tranche: Tranche
    owed: Owed
    lowered: list[Reduction]
    kept: RepaymentSchedule | None = None
    schedule: LoanSchedule | None = None
    position: LoanPosition | None = None

    @property
    def fee_left(self) -> int:
        """What remains of the fee that was added to the balance."""
        return self.kept.fee - sum(each.fee for each in self.since()) if self.kept else 0

    def since(self) -> list[Reduction]:
        """What has lowered the balance of the schedule in force."""
        return [each for each in self.lowered if self.kept and each.schedule_id == self.kept.id]


@dataclass(slots=True)
class PartStanding:
    """A repayable part on a day: its tranches, and its dues where they follow from an event or from revenue."""

    part: PledgePart
    as_of: date
    tranches: list[Standing] = field(default_factory=list)
    dues: list[InstalmentNow] = field(default_factory=list)
    success_event: SuccessEvent | None = None

    @property
    def owed(self) -> int:
        """The most that can be repaid now."""
        return sum(each.owed.all for each in self.tranches)

    @property
    def due(self) -> int:
        return sum(each.owed.due for each in self.tranches)

    @property
    def overdue(self) -> int:
        late = sum(each.position.overdue for each in self.tranches if each.position)
        return late + sum(each.unpaid for each in self.dues if each.state == "overdue")


def standings(session: Session, pledge: Pledge, as_of: date) -> list[PartStanding]:
    """Every repayable part of the pledge of which money was paid."""
    return [part_standing(session, part, as_of) for part in pledge.parts if part.instrument in REPAYABLE and part.paid]


def part_standing(session: Session, part: PledgePart, as_of: date) -> PartStanding:
    """The part as it stands on that day, out of everything recorded by now."""
    standing = PartStanding(part, as_of)
    paid = [tranche for tranche in part.tranches if tranche.state == "paid"]
    lowered = _reductions(session, [tranche.id for tranche in paid])
    terms = part.financial_terms
    if part.instrument in {"recoverable_grant", "quasi_equity"}:
        standing.success_event = success_event_of(session, part.id)
        made = _dues(session, part, standing.success_event) if terms is not None else []
        _owe_dues(standing, paid, lowered, made)
        return standing
    kept = _schedules_in_force(session, [tranche.id for tranche in paid])
    for tranche in paid:
        standing.tranches.append(_loan_standing(tranche, kept.get(tranche.id), lowered.get(tranche.id, []), as_of))
    return standing


def success_event_of(session: Session, part_id: UUID) -> SuccessEvent | None:
    """The event on which the part is repaid, once it has happened."""
    return session.scalars(select(SuccessEvent).where(SuccessEvent.part_id == part_id)).one_or_none()


def confirmed_years(session: Session, part_id: UUID) -> list[RevenueReport]:
    """The part's confirmed revenue reports, by the end of their year."""
    query = select(RevenueReport).where(RevenueReport.part_id == part_id, RevenueReport.state == "confirmed")
    return list(session.scalars(query.order_by(RevenueReport.year_ended_on)))


def due_of_years(part: PledgePart, reports: Sequence[RevenueReport]) -> list[int]:
    """What each report makes due, or would, in minor units; nothing where no financial terms were agreed."""
    if part.financial_terms is None:
        return [0] * len(reports)
    drawn = [tranche.paid_on for tranche in part.tranches if tranche.paid_on is not None]
    years = [Year(each.year_ended_on, each.revenue, each.free_cash_was_negative) for each in reports]
    return rules.due_by_year(
        part.instrument, part.financial_terms, part.paid - part.returned, min(drawn, default=None), years
    )


def _loan_standing(tranche: Tranche, kept: RepaymentSchedule | None, lowered: list[Reduction], as_of: date) -> Standing:
    if kept is None:
        return Standing(tranche, Owed(principal_later=tranche.outstanding), lowered)
    schedule = rules.schedule_again(kept.principal, kept.fee, kept.starts_on, kept.terms, kept.instalments)
    standing = Standing(tranche, Owed(), lowered, kept, schedule)
    lowerings = [Lowering(each.effective_on, each.fee + each.principal, each.interest) for each in standing.since()]
    standing.position = loan_position(schedule, lowerings, as_of, brought_interest=kept.brought_interest)
    standing.owed = rules.loan_owed(standing.position, standing.fee_left)
    return standing


def _dues(session: Session, part: PledgePart, happened: SuccessEvent | None) -> list[Due]:
    terms: Any = part.financial_terms
    award = part.paid - part.returned
    if part.instrument == "recoverable_grant":
        event_on = happened.happened_on if happened else None
        return recoverable_dues(award, rules.recoverable_terms(terms), event_on)
    reports = confirmed_years(session, part.id)
    made = due_of_years(part, reports)
    due = [
        (rules.due_after(each.decided_on), amount)
        for each, amount in zip(reports, made, strict=True)
        if amount and each.decided_on is not None
    ]
    return rules.shared_dues(award, due)


def _owe_dues(
    standing: PartStanding, paid: list[Tranche], lowered: dict[UUID, list[Reduction]], made: list[Due]
) -> None:
    part = standing.part
    every = [each for reductions in lowered.values() for each in reductions]
    premium = sum(each.premium for each in every)
    came_off = part.repaid + part.written_off
    if part.financial_terms is None:
        owed = [Owed(principal_later=tranche.outstanding) for tranche in paid]
    else:
        outstanding = [tranche.outstanding for tranche in paid]
        owed = rules.dues_owed(made, outstanding, lowered=came_off, premium_paid=premium, as_of=standing.as_of)
    standing.tranches = [
        Standing(tranche, each, lowered.get(tranche.id, [])) for tranche, each in zip(paid, owed, strict=True)
    ]
    standing.dues = rules.dues_now(made, came_off + premium, standing.as_of)


def _reductions(session: Session, tranche_ids: list[UUID]) -> dict[UUID, list[Reduction]]:
    found: dict[UUID, list[Reduction]] = {}
    query = select(Reduction).where(Reduction.tranche_id.in_(tranche_ids)).order_by(Reduction.id)
    for each in session.scalars(query):
        found.setdefault(each.tranche_id, []).append(each)
    return found


def _schedules_in_force(session: Session, tranche_ids: list[UUID]) -> dict[UUID, RepaymentSchedule]:
    """The latest version of each tranche's schedule."""
    query = select(RepaymentSchedule).where(RepaymentSchedule.tranche_id.in_(tranche_ids))
    return {each.tranche_id: each for each in session.scalars(query.order_by(RepaymentSchedule.number))}
