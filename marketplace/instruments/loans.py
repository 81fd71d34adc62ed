"""Loans: level repayment, interest-only months, a fee added to the balance, all to the penny.

Pure: amounts in minor units, yearly rates in basis points, a month is a twelfth of a year. Knows no clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext

from marketplace.instruments.amounts import BASIS_POINTS, PRECISION, half_up, in_order, share_of
from marketplace.instruments.dates import months_after

LONGEST_TERM = 600
"""Months: fifty years."""


@dataclass(frozen=True, slots=True)
class LoanTerms:
    """`months` includes the `holiday_months`, in which interest alone is paid. `fee_bp` of the sum lent is added to it.

    `in_advance`: payments at the start of each month, the first on the day of drawing; no holiday then.
    """

    rate_bp: int
    months: int
    holiday_months: int = 0
    fee_bp: int = 0
    in_advance: bool = False


@dataclass(frozen=True, slots=True)
class Instalment:
    """One payment: `payment == interest + capital`; `balance` is what remains after it. `number` from 1."""

    number: int
    due_on: date
    opening: int
    interest: int
    capital: int
    balance: int

    @property
    def payment(self) -> int:
        return self.interest + self.capital


@dataclass(frozen=True, slots=True)
class LoanSchedule:
    """Every payment of a loan drawn on `starts_on`. `opening` is `principal + fee`; both sum to the capital."""

    principal: int
    fee: int
    starts_on: date
    terms: LoanTerms
    instalments: tuple[Instalment, ...]

    @property
    def opening(self) -> int:
        return self.principal + self.fee

    @property
    def interest(self) -> int:
        return sum(each.interest for each in self.instalments)

    @property
    def paid_in_all(self) -> int:
        return sum(each.payment for each in self.instalments)


def faults_of(terms: LoanTerms) -> dict[str, str]:
    """What contradicts itself in the terms, by the name of the term."""
    faults = {}
    if not 1 <= terms.months <= LONGEST_TERM:
        faults["months"] = f"A loan runs for 1 to {LONGEST_TERM} months."
    if not 0 <= terms.holiday_months < max(terms.months, 1):
        faults["holiday_months"] = "At least one month of the term has to repay capital."
    if terms.in_advance and terms.holiday_months:
        faults["in_advance"] = "Interest-only months are paid in arrears: a loan has them, or is paid in advance."
    return faults


def level_payment(balance: int, monthly_rate: Decimal, months: int, *, in_advance: bool = False) -> int:
    """The payment, in minor units, that clears `balance` in `months` equal ones: P = B r / (1 - (1 + r)^-n).

    Divided by (1 + r) when paid in advance; B / n without interest; rounded half-up. The formula and the figures are
    those of Microsoft's PMT function (https://support.microsoft.com/en-us/office/pmt-function).
    """
    with localcontext() as context:
        context.prec = PRECISION
        if not monthly_rate:
            return half_up(Decimal(balance) / months)
        exact = balance * monthly_rate / (1 - (1 + monthly_rate) ** -months)
        return half_up(exact / (1 + monthly_rate) if in_advance else exact)


def monthly_rate(rate_bp: int) -> Decimal:
    """A twelfth of the yearly rate, as a fraction."""
    with localcontext() as context:
        context.prec = PRECISION
        return Decimal(rate_bp) / (12 * BASIS_POINTS)


def month_of_interest(balance: int, rate_bp: int) -> int:
    """A month's interest on `balance`, half-up to the minor unit; exact in integers."""
    return (2 * balance * rate_bp + 12 * BASIS_POINTS) // (24 * BASIS_POINTS)


def loan_schedule(principal: int, terms: LoanTerms, starts_on: date, *, fee: int | None = None) -> LoanSchedule:
    """The loan's payments: interest alone in the holiday, level ones after it, the last one clearing the balance.

    Interest is rounded half-up each month, the payment once. `fee` instead of the terms' share where it is known (what
    is left of one, after a reschedule). Structure as in the published Thrive Together offer: 7.5% fixed, a 2% fee added
    to the balance, up to 12 months' capital holiday (https://actiontogether.org.uk/thrive-together-fund).
    ValueError for terms with faults.
    """
    if faults_of(terms) or principal < 0:
        raise ValueError(f"no schedule for {principal} under {terms}: {faults_of(terms)}")
    added = share_of(principal, terms.fee_bp) if fee is None else fee
    balance = principal + added
    repaying = terms.months - terms.holiday_months
    level = level_payment(balance, monthly_rate(terms.rate_bp), repaying, in_advance=terms.in_advance)
    made = []
    for number in range(1, terms.months + 1):
        months = number - 1 if terms.in_advance else number
        due_on = months_after(starts_on, months)
        interest = month_of_interest(balance, terms.rate_bp) if months else 0
        capital = 0 if number <= terms.holiday_months else min(balance, max(0, level - interest))
        if number == terms.months:
            capital = balance
        made.append(Instalment(number, due_on, balance, interest, capital, balance - capital))
        balance -= capital
    return LoanSchedule(principal, added, starts_on, terms, tuple(made))


@dataclass(frozen=True, slots=True)
class Lowering:
    """What lowered a balance on a day: a repayment's shares, a return or a write-off (capital alone)."""

    on: date
    capital: int
    interest: int = 0


@dataclass(frozen=True, slots=True)
class InstalmentNow:
    """An instalment as it stands on a day: `state` is paid, overdue, due or scheduled."""

    instalment: Instalment
    capital_paid: int
    interest_paid: int
    state: str

    @property
    def unpaid(self) -> int:
        return self.instalment.payment - self.capital_paid - self.interest_paid


@dataclass(frozen=True, slots=True)
class LoanPosition:
    """What a loan owes on a day. `capital` is the whole balance, `capital_due` the part of it that has fallen due.

    `interest_begun` is what the month in progress will make due.
    """

    capital: int
    capital_due: int
    interest_due: int
    interest_begun: int
    instalments: tuple[InstalmentNow, ...]

    @property
    def overdue(self) -> int:
        return sum(each.unpaid for each in self.instalments if each.state == "overdue")


def interest_on_what_is_owed(schedule: LoanSchedule, lowered: Sequence[Lowering]) -> tuple[Instalment, ...]:
    """The schedule with interest charged on no more than was owed when each month began.

    Paid early, capital bears no more interest; paid late, it bears what was agreed and nothing on top.
    """
    begun = schedule.starts_on
    made = []
    for each in schedule.instalments:
        owed = schedule.opening - sum(one.capital for one in lowered if one.on <= begun)
        charged = each.interest
        if owed < each.opening and charged:
            charged = min(charged, month_of_interest(max(owed, 0), schedule.terms.rate_bp))
        made.append(each if charged == each.interest else replace(each, interest=charged))
        begun = each.due_on
    return tuple(made)


def loan_position(
    schedule: LoanSchedule, lowered: Sequence[Lowering], as_of: date, *, brought_interest: int = 0
) -> LoanPosition:
    """What is paid, due and overdue on `as_of`, out of all that has lowered the balance since the schedule began.

    `brought_interest` was due before a reschedule and is added to the first instalment (below zero: it was paid ahead
    and is taken off). What was paid fills the oldest instalments first, capital and interest each by itself.
    """
    charged = list(interest_on_what_is_owed(schedule, lowered))
    if brought_interest:
        charged[0] = replace(charged[0], interest=max(0, charged[0].interest + brought_interest))
    capital_paid, interest_paid = sum(one.capital for one in lowered), sum(one.interest for one in lowered)
    capitals = in_order(capital_paid, [each.capital for each in charged])
    interests = in_order(interest_paid, [each.interest for each in charged])
    now = tuple(
        InstalmentNow(each, capital, interest, _state(each, capital + interest, as_of))
        for each, capital, interest in zip(charged, capitals, interests, strict=True)
    )
    fallen_due = [each for each in now if each.instalment.due_on <= as_of]
    return LoanPosition(
        capital=max(0, schedule.opening - capital_paid),
        capital_due=sum(each.instalment.capital - each.capital_paid for each in fallen_due),
        interest_due=sum(each.instalment.interest - each.interest_paid for each in fallen_due),
        interest_begun=_interest_begun(now, len(fallen_due)),
        instalments=now,
    )


def _interest_begun(now: Sequence[InstalmentNow], fallen_due: int) -> int:
    """Unpaid interest of the instalment that falls due next: its month began when the one before it fell due."""
    if fallen_due == len(now):
        return 0
    return now[fallen_due].instalment.interest - now[fallen_due].interest_paid


def _state(instalment: Instalment, paid: int, as_of: date) -> str:
    if paid >= instalment.payment:
        return "paid"
    if instalment.due_on < as_of:
        return "overdue"
    return "due" if instalment.due_on == as_of else "scheduled"
