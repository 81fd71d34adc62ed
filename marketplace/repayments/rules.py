"""What a part owes and what may be done about it. Pure: figures in, refusals and figures out; is told the day."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from marketplace.instruments.allocation import Owed
from marketplace.instruments.amounts import in_order
from marketplace.instruments.loans import (
    Instalment,
    InstalmentNow,
    LoanPosition,
    LoanSchedule,
    LoanTerms,
)
from marketplace.instruments.match_trading import grant_due
from marketplace.instruments.quasi_equity import QuasiEquityTerms, Year, dues
from marketplace.instruments.recoverable import Due, RecoverableTerms
from marketplace.values.refusals import Conflict, Unprocessable

DAYS_TO_PAY = 30
"""Days from the confirmation of a year's revenue until its share is due: the default of the Late Payment of Commercial
Debts (Interest) Act 1998, section 4(5)."""
LEARNING_REPORT = "learning_report_published"
REPORTING = frozenset({"quasi_equity", "match_trading"})
"""Instruments whose sums follow from reported revenue."""


class NothingRepayable(Conflict):
    """The pledge has no part, or no balance, of which this could be recorded."""

    code = "nothing-repayable"
    title = "There is nothing to repay"


class WhichPart(Unprocessable):
    """The pledge has several parts that could be meant, or the one named is none of them."""

    code = "which-part"
    title = "Name the part that is meant"


class MoreThanOwed(Unprocessable):
    """More cannot be repaid or written off than is owed; `owed` says how much that is."""

    code = "more-than-owed"
    title = "More than is owed"


class MoneyDemanded(Conflict):
    """Money of the part is demanded back; `demanded` says how much (minor units)."""

    code = "money-demanded"
    title = "Money of this part is demanded back"


class BeforeItWasPaid(Unprocessable):
    """Nothing comes back before it was paid."""

    code = "before-it-was-paid"
    title = "The money had not been paid by then"


class AlreadyProposed(Conflict):
    """A reschedule of that tranche is waiting for its answer."""

    code = "reschedule-already-proposed"
    title = "A reschedule is proposed already"


class TermNotPossible(Unprocessable):
    """The new term contradicts itself."""

    code = "term-not-possible"
    title = "That term is not possible"


class AlreadyRequested(Conflict):
    """A write-off of that part is waiting for its decision."""

    code = "write-off-already-requested"
    title = "A write-off is requested already"


class SecondPersonNeeded(Conflict):
    """Whoever asked or proposed cannot approve or accept it too."""

    code = "second-person-needed"
    title = "Somebody else has to decide"


class NotForgivable(Conflict):
    """A recoverable grant is forgiven once its learning report was accepted, and while its event has not happened."""

    code = "not-forgivable"
    title = "This cannot be forgiven"


class AlreadyReported(Conflict):
    """The revenue of that year was reported, and not rejected."""

    code = "already-reported"
    title = "That year was reported already"


class AlreadyHappened(Conflict):
    """The success event of that part was recorded before: what it makes due falls due once."""

    code = "already-happened"
    title = "The success event was recorded before"


class EventNotShown(Conflict):
    """The evidence was not accepted for this funder, or shows another milestone than the terms name."""

    code = "event-not-shown"
    title = "The evidence does not show the event"


class CurrencyDiffers(Unprocessable):
    """The amount is in another currency than what it stands beside."""

    code = "currency-differs"
    title = "That is another currency"


class AmountsTooLarge(Unprocessable):
    """The schedule would hold amounts beyond the largest that the marketplace keeps."""

    code = "amounts-too-large"
    title = "These amounts are too large"


class NoRateOfReturn(Unprocessable):
    """No rate of return makes these flows worth nothing."""

    code = "no-rate-of-return"
    title = "These flows have no rate of return"


class SeveralRatesOfReturn(Unprocessable):
    """More than one rate makes these flows worth nothing; `rates` lists them."""

    code = "several-rates-of-return"
    title = "These flows have several rates of return"


def kept_instalments(schedule: LoanSchedule) -> list[dict[str, Any]]:
    """The instalments as JSON, to be kept."""
    return [
        {
            "number": each.number,
            "due_on": each.due_on.isoformat(),
            "opening": each.opening,
            "interest": each.interest,
            "capital": each.capital,
            "balance": each.balance,
        }
        for each in schedule.instalments
    ]


def schedule_again(
    principal: int, fee: int, starts_on: date, terms: Mapping[str, Any], instalments: Sequence[Mapping[str, Any]]
) -> LoanSchedule:
    """The schedule as it was kept, computed by nothing: an agreed schedule does not change with the code."""
    read = tuple(Instalment(**{**each, "due_on": date.fromisoformat(each["due_on"])}) for each in instalments)
    return LoanSchedule(principal, fee, starts_on, LoanTerms(**terms), read)


def loan_owed(position: LoanPosition, fee_left: int) -> Owed:
    """What a loan's tranche owes; the fee that was added to the balance is the first of its capital."""
    fee_due = min(fee_left, position.capital_due)
    later = position.capital - position.capital_due
    return Owed(
        fee_due=fee_due,
        interest_due=position.interest_due,
        principal_due=position.capital_due - fee_due,
        interest_begun=position.interest_begun,
        fee_later=min(fee_left - fee_due, later),
        principal_later=later - min(fee_left - fee_due, later),
    )


def rescheduled_from(schedule: LoanSchedule, position: LoanPosition, today: date) -> tuple[date, int]:
    """When the new schedule begins, and the interest that it brings along.

    It begins where the last instalment fell due, so that every month bears interest once. What is overdue of interest
    comes along; what was paid ahead of the month begun is taken off.
    """
    fallen_due = [each for each in position.instalments if each.instalment.due_on <= today]
    begins = fallen_due[-1].instalment.due_on if fallen_due else schedule.starts_on
    ahead = sum(each.interest_paid for each in position.instalments[len(fallen_due) :])
    return begins, position.interest_due - ahead


def recoverable_terms(terms: Mapping[str, Any]) -> RecoverableTerms:
    """A recoverable grant's financial terms as the arithmetic takes them."""
    return RecoverableTerms(terms["multiple_bp"], terms["instalments"], terms["first_year"])


def quasi_equity_terms(terms: Mapping[str, Any]) -> QuasiEquityTerms:
    """Quasi-equity's financial terms as the arithmetic takes them."""
    tested = date.fromisoformat(terms["test_on"]) if "test_on" in terms else None
    return QuasiEquityTerms(
        terms["threshold"], terms["rate_bp"], terms["cap_multiple_bp"], years=terms["years"], test_on=tested
    )


def due_by_year(
    instrument: str, terms: Mapping[str, Any], principal: int, drawn_on: date | None, years: Sequence[Year]
) -> list[int]:
    """What each confirmed year makes due: to the funder (quasi-equity), or of the grant (match trading)."""
    if instrument == "quasi_equity":
        return [0] * len(years) if drawn_on is None else dues(principal, quasi_equity_terms(terms), drawn_on, years)
    order = sorted(range(len(years)), key=lambda place: years[place].ended_on)
    left, made = terms["cap"], [0] * len(years)
    for place in order:
        made[place] = grant_due(years[place].revenue, terms["baseline"], left, terms["rate_bp"])
        left -= made[place]
    return made


def shared_dues(principal: int, due: Sequence[tuple[date, int]]) -> list[Due]:
    """Amounts that fall due by day, principal before premium: the pool is made whole first."""
    ordered = sorted(due)
    capitals = in_order(principal, [amount for _, amount in ordered])
    return [Due(day, capital, amount - capital) for (day, amount), capital in zip(ordered, capitals, strict=True)]


def due_after(confirmed_on: date) -> date:
    """The day on which a confirmed year's share falls due."""
    return confirmed_on + timedelta(days=DAYS_TO_PAY)


def dues_owed(
    dues_: Sequence[Due], outstanding: Sequence[int], *, lowered: int, premium_paid: int, as_of: date
) -> list[Owed]:
    """What each tranche owes of a part's dues; `outstanding` principal by tranche, `lowered` what came off before.

    The first tranche owes the premium: it belongs to none of them in particular.
    """
    left = sum(outstanding)
    fallen_due = [each for each in dues_ if each.due_on <= as_of]

    def still(made: Sequence[Due]) -> tuple[int, int]:
        principal = sum(each.principal for each in made) - lowered
        return min(left, max(0, principal)), max(0, sum(each.premium for each in made) - premium_paid)

    (principal_due, premium_due), (principal, premium) = still(fallen_due), still(dues_)
    now = in_order(principal_due, outstanding)
    rest = [size - taken for size, taken in zip(outstanding, now, strict=True)]
    later = in_order(principal - principal_due, rest)
    return [
        Owed(
            principal_due=due,
            principal_later=after,
            premium_due=premium_due if place == 0 else 0,
            premium_later=premium - premium_due if place == 0 else 0,
        )
        for place, (due, after) in enumerate(zip(now, later, strict=True))
    ]


def dues_now(dues_: Sequence[Due], paid: int, as_of: date) -> list[InstalmentNow]:
    """The dues as instalments with their state; what was paid fills the oldest first."""
    filled = in_order(paid, [each.amount for each in dues_])
    made = []
    for number, (each, covered) in enumerate(zip(dues_, filled, strict=True), 1):
        state = "scheduled" if each.due_on > as_of else "due" if each.due_on == as_of else "overdue"
        state = "paid" if covered >= each.amount else state
        made.append(
            InstalmentNow(Instalment(number, each.due_on, 0, each.premium, each.principal, 0), covered, 0, state)
        )
    return made
