"""Social return on investment, tender scores and benefits: decimals throughout, nothing rounded inside.

Knows values and the arithmetic of the SROI Guide and the Green Book. Must not know where an account is kept, nor what
the day is. Amounts are minor units (pence), shares fractions of one; what is shown is rounded by `accounts`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from marketplace.instruments.amounts import PRECISION
from marketplace.values.money import LARGEST_AMOUNT
from marketplace.values.reasons import Level, Reason
from marketplace.values.reasons import Outcome as Met
from marketplace.values.refusals import Conflict, Unprocessable

P = ParamSpec("P")
R = TypeVar("R")
WHOLE = Decimal(1)
LONGEST_HORIZON = 30
"""Years. The Green Book's first rates, the only ones taken here, hold for years 0 to 30."""
OLD_PROXY, LONG_DURATION = 5, 5
"""Years after which a proxy's price, or a claimed duration, is pointed out."""
MOST_ASSESSMENTS, MOST_VERSIONS, MOST_BENEFITS, MOST_MEASUREMENTS = 20, 50, 100, 500


class AccountFaults(Unprocessable):
    """The account breaks rules of the method; `errors` names each place, `reasons` each rule."""

    code = "social-value-account-faults"
    title = "The account breaks rules of the method"


class RatiosNotComparable(Unprocessable):
    """Ratios of different proposals are never set side by side: each rests on its own judgements."""

    code = "ratios-are-not-comparable"
    title = "Social return ratios of different proposals are not compared"


class TooManyAssessments(Conflict):
    """The proposal, the assessment or the benefit has as many as it may have."""

    code = "too-many-social-value-records"
    title = "No more fit here"


class TenderFaults(Unprocessable):
    """The bids cannot be scored together; `errors` names each place, `reasons` each rule."""

    code = "tender-faults"
    title = "The bids cannot be scored together"


class RateFaults(Unprocessable):
    """Figures of people or outcomes contradict themselves; `errors` names each place, `reasons` each rule."""

    code = "social-value-figures-faults"
    title = "The figures contradict themselves"


class BenefitFaults(Unprocessable):
    """The benefit contradicts itself; `errors` names each place, `reasons` each rule."""

    code = "benefit-faults"
    title = "The benefit contradicts itself"


class BenefitRetired(Conflict):
    """The benefit was retired: it is measured and changed no more."""

    code = "benefit-retired"
    title = "The benefit was retired"


@dataclass(frozen=True, slots=True)
class Fault:
    """A broken rule by its name, where it is broken, and what stands there against what may."""

    rule: str
    pointer: str
    detail: str
    found: Any = None
    wanted: Any = None

    def as_reason(self) -> dict[str, Any]:
        """The fault as a reason."""
        return Reason(self.rule, Met.UNMET, fact=self.pointer, wanted=self.wanted, found=self.found).as_json()


def refuse(kind: type[Unprocessable], faults: Sequence[Fault]) -> None:
    """Raise `kind` with every fault, its place and its rule; nothing where there is none."""
    if faults:
        raise kind(
            "`errors` names each place, `reasons` each rule.",
            errors=[{"pointer": each.pointer, "detail": f"{each.detail} ({each.rule})"} for each in faults],
            reasons=[each.as_reason() for each in faults],
        )


# The account


class Convention(StrEnum):
    """When in a year its value falls: the exponent of year t is t (end_of_year) or t - 1 (start_of_year)."""

    END_OF_YEAR = "end_of_year"
    START_OF_YEAR = "start_of_year"

    @property
    def other(self) -> "Convention":
        return Convention.START_OF_YEAR if self is Convention.END_OF_YEAR else Convention.END_OF_YEAR


class Kind(StrEnum):
    """What a version says: what is expected, or what was measured."""

    FORECAST = "forecast"
    EVALUATED = "evaluated"


@dataclass(frozen=True, slots=True)
class Proxy:
    """What one unit of an outcome is worth to somebody: the author's own figure, with its source and year of prices."""

    name: str
    value: int
    currency: str
    source: str
    year: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A change for one stakeholder. Shares are fractions; a harm has a negative quantity. `start` counts years from 1.

    `health`: a health or life value, discounted at the Green Book's lower rate.
    """

    beneficiary: str
    quantity: Decimal
    proxy: Proxy
    deadweight: Decimal
    displacement: Decimal
    attribution: Decimal
    drop_off: Decimal
    duration: int
    start: int
    health: bool = False

    @property
    def last_year(self) -> int:
        return self.start + self.duration - 1


@dataclass(frozen=True, slots=True)
class Rates:
    """Yearly discount rates as fractions: for most values, and for health and life values."""

    standard: Decimal
    health: Decimal

    def of(self, outcome: Outcome) -> Decimal:
        """The rate that the outcome's value is discounted at."""
        return self.health if outcome.health else self.standard


@dataclass(frozen=True, slots=True)
class Input:
    """What somebody put in, in minor units: money, or time and things at a stated value. Taken as it is given."""

    at: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Account:
    """Everything that a social return is computed from."""

    currency: str
    convention: Convention
    rates: Rates
    inputs: tuple[Input, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def invested(self) -> Decimal:
        return sum((each.amount for each in self.inputs), Decimal())

    @property
    def horizon(self) -> int:
        return max((each.last_year for each in self.outcomes), default=0)


SHARES = ("deadweight", "displacement", "attribution", "drop_off")


def account_faults(account: Account, as_of: date) -> list[Fault]:
    """Every rule that the account breaks, with its place; empty where it can be computed."""
    faults = [*_input_faults(account), *_outcome_faults(account, as_of)]
    faults += _counted_twice(account.outcomes)
    if not faults and _extent(account) > LARGEST_AMOUNT:
        detail = f"Quantity times proxy over all years may come to {LARGEST_AMOUNT} at most"
        faults.append(Fault("AMOUNTS_WITHIN_BOUNDS", "#/outcomes", detail, wanted=LARGEST_AMOUNT))
    return faults


def _input_faults(account: Account) -> list[Fault]:
    wanted = account.currency
    faults = [
        Fault("ONE_CURRENCY", f"{each.at}/currency", f"The account is in {wanted}", each.currency, wanted)
        for each in account.inputs
        if each.currency != wanted
    ]
    if not 0 < account.invested <= LARGEST_AMOUNT:
        detail = f"Inputs come to more than nothing, and to {LARGEST_AMOUNT} at most"
        faults.append(Fault("INPUTS_POSITIVE", "#/inputs", detail, str(account.invested), LARGEST_AMOUNT))
    return faults


def _outcome_faults(account: Account, as_of: date) -> list[Fault]:
    faults = []
    for place, each in enumerate(account.outcomes):
        at = f"#/outcomes/{place}"
        for name in SHARES:
            share = getattr(each, name)
            if not 0 <= share <= WHOLE:
                detail = "A share is between nothing and the whole, 0 to 10000 basis points"
                faults.append(Fault("SHARE_WITHIN_WHOLE", f"{at}/{name}_bp", detail, int(share * 10_000), 10_000))
        if each.quantity == 0:
            faults.append(Fault("QUANTITY_NOT_ZERO", f"{at}/quantity", "Nothing changes: leave it out", "0"))
        if each.last_year > LONGEST_HORIZON:
            detail = f"Value is counted up to year {LONGEST_HORIZON}, while the discount rate holds"
            faults.append(Fault("WITHIN_HORIZON", f"{at}/duration_years", detail, each.last_year, LONGEST_HORIZON))
        if each.proxy.currency != account.currency:
            detail = f"The account is in {account.currency}"
            at_currency = f"{at}/proxy/value/currency"
            faults.append(Fault("ONE_CURRENCY", at_currency, detail, each.proxy.currency, account.currency))
        if each.proxy.year > as_of.year:
            detail = "A price of a year to come is no source"
            faults.append(Fault("PROXY_YEAR_PAST", f"{at}/proxy/year", detail, each.proxy.year, as_of.year))
    return faults


def _counted_twice(outcomes: Sequence[Outcome]) -> list[Fault]:
    """The same value for the same stakeholder in the same years is counted once.

    The same value: a proxy of the same name, or of the same source and amount under another name.
    """
    faults = []
    for place, later in enumerate(outcomes):
        for earlier_place, earlier in enumerate(outcomes[:place]):
            if _same_value(earlier, later) and earlier.start <= later.last_year and later.start <= earlier.last_year:
                detail = f"Outcome {earlier_place} counts this value for the same stakeholder in the same years"
                pointer = f"#/outcomes/{place}/proxy"
                faults.append(Fault("COUNTED_ONCE", pointer, detail, later.proxy.name, earlier.proxy.name))
                break
    return faults


def _same_value(one: Outcome, other: Outcome) -> bool:
    named = _plain(one.proxy.name) == _plain(other.proxy.name)
    sources = [(_plain(each.proxy.source), each.proxy.value) for each in (one, other)]
    return _plain(one.beneficiary) == _plain(other.beneficiary) and (named or sources[0] == sources[1])


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _extent(account: Account) -> Decimal:
    with localcontext() as context:
        context.prec = PRECISION
        return sum((abs(each.quantity) * each.proxy.value * each.duration for each in account.outcomes), Decimal())


def account_warnings(account: Account, as_of: date) -> list[Reason]:
    """What a careful reader would ask about: old prices, long durations, changes that nothing else is said to cause."""
    warnings = []
    for place, each in enumerate(account.outcomes):
        at = f"#/outcomes/{place}"
        if as_of.year - each.proxy.year > OLD_PROXY:
            found = each.proxy.year
            warnings.append(Reason("PROXY_OLD", Met.UNMET, fact=f"{at}/proxy/year", wanted=OLD_PROXY, found=found))
        if each.duration > LONG_DURATION:
            at_years = f"{at}/duration_years"
            warnings.append(
                Reason("DURATION_LONG", Met.UNMET, fact=at_years, wanted=LONG_DURATION, found=each.duration)
            )
        if not (each.deadweight or each.attribution or each.displacement):
            warnings.append(Reason("NOTHING_TAKEN_OFF", Met.UNMET, fact=at, found="0"))
    return warnings


# The social return


def exactly(function: Callable[P, R]) -> Callable[P, R]:
    """Run with fifty significant digits, whatever the caller's context."""

    @wraps(function)
    def precise(*args: P.args, **kwargs: P.kwargs) -> R:
        with localcontext() as context:
            context.prec = PRECISION
            return function(*args, **kwargs)

    return precise


@dataclass(frozen=True, slots=True)
class OutcomeValue:
    """What one outcome comes to, step by step in its first year, and over its years."""

    gross: Decimal
    after_deadweight: Decimal
    after_displacement: Decimal
    first_year: Decimal
    undiscounted: Decimal
    present_value: Decimal


@dataclass(frozen=True, slots=True)
class YearValue:
    """The value that falls in one year, counted from 1, as it is and discounted."""

    year: int
    undiscounted: Decimal
    present_value: Decimal


@dataclass(frozen=True, slots=True)
class SocialReturn:
    """An account's outcome. `ratio` is total present value / inputs.

    `payback_months` is the Guide's: inputs / (value of year 1 / 12), None where year 1 brings none.
    `cumulative_payback_months` adds up year by year what really falls then; None where it never comes to the inputs.
    """

    invested: Decimal
    total: Decimal
    net: Decimal
    ratio: Decimal
    payback_months: Decimal | None
    cumulative_payback_months: Decimal | None
    years: tuple[YearValue, ...]
    outcomes: tuple[OutcomeValue, ...]


def impact_in(outcome: Outcome, year: int) -> Decimal:
    """What the outcome is worth in that year, undiscounted.

    quantity x proxy x (1 - deadweight) x (1 - displacement) x (1 - attribution) x (1 - drop off)^(year - start), and
    nothing before its start or after its duration (A Guide to Social Return on Investment, 2012, stages 4 and 5).
    """
    if not outcome.start <= year <= outcome.last_year:
        return Decimal(0)
    kept = (WHOLE - outcome.deadweight) * (WHOLE - outcome.displacement) * (WHOLE - outcome.attribution)
    if year > outcome.start:
        kept *= (WHOLE - outcome.drop_off) ** (year - outcome.start)
    return outcome.quantity * outcome.proxy.value * kept


def present_value(amount: Decimal, year: int, rate: Decimal, convention: Convention) -> Decimal:
    """amount / (1 + rate)^e, with e = year at its end, year - 1 at its start (HM Treasury, The Green Book, annex 6)."""
    exponent = year if convention is Convention.END_OF_YEAR else year - 1
    return amount / (WHOLE + rate) ** exponent


@exactly
def social_return(account: Account) -> SocialReturn:
    """The account's social return; the account has no faults."""
    outcomes = tuple(_outcome_value(account, each) for each in account.outcomes)
    years = tuple(_year_value(account, year) for year in range(1, account.horizon + 1))
    total = sum((each.present_value for each in outcomes), Decimal())
    invested = account.invested
    first = years[0].undiscounted if years else Decimal(0)
    return SocialReturn(
        invested=invested,
        total=total,
        net=total - invested,
        ratio=total / invested,
        payback_months=invested * 12 / first if first > 0 else None,
        cumulative_payback_months=_months_until(invested, [each.undiscounted for each in years]),
        years=years,
        outcomes=outcomes,
    )


def _outcome_value(account: Account, outcome: Outcome) -> OutcomeValue:
    gross = outcome.quantity * outcome.proxy.value
    after_deadweight = gross * (WHOLE - outcome.deadweight)
    worth = {year: impact_in(outcome, year) for year in range(outcome.start, outcome.last_year + 1)}
    rate = account.rates.of(outcome)
    return OutcomeValue(
        gross=gross,
        after_deadweight=after_deadweight,
        after_displacement=after_deadweight * (WHOLE - outcome.displacement),
        first_year=worth[outcome.start],
        undiscounted=sum(worth.values(), Decimal()),
        present_value=sum(
            (present_value(amount, year, rate, account.convention) for year, amount in worth.items()), Decimal()
        ),
    )


def _year_value(account: Account, year: int) -> YearValue:
    worth = [(each, impact_in(each, year)) for each in account.outcomes]
    return YearValue(
        year=year,
        undiscounted=sum((amount for _, amount in worth), Decimal()),
        present_value=sum(
            (present_value(amount, year, account.rates.of(each), account.convention) for each, amount in worth),
            Decimal(),
        ),
    )


def _months_until(invested: Decimal, years: Sequence[Decimal]) -> Decimal | None:
    """Months until the value so far first comes to what was invested, evenly within a year."""
    so_far = Decimal(0)
    for place, amount in enumerate(years):
        if so_far + amount >= invested:
            return place * 12 + (invested - so_far) / amount * 12
        so_far += amount
    return None


# Sensitivity


@dataclass(frozen=True, slots=True)
class Case:
    """The return where one assumption is otherwise."""

    name: str
    total: Decimal
    net: Decimal
    ratio: Decimal


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Where the ratio is 1. `value_share`: which share of the present value has to come about.

    `deadweight_points`: how much every outcome's deadweight may rise, as a fraction. None where the ratio is below 1.
    """

    value_share: Decimal | None
    deadweight_points: Decimal | None


def _more(name: str, points: str) -> Callable[[Account], Account]:
    """Every outcome's share is larger by so much, the whole at most."""

    def changed(account: Account) -> Account:
        step = Decimal(points)
        raised = (replace(each, **{name: min(WHOLE, getattr(each, name) + step)}) for each in account.outcomes)
        return replace(account, outcomes=tuple(raised))

    return changed


def _at_rates(change: Callable[[Decimal], Decimal]) -> Callable[[Account], Account]:
    def changed(account: Account) -> Account:
        rates = Rates(change(account.rates.standard), change(account.rates.health))
        return replace(account, rates=rates)

    return changed


def _without_largest(account: Account) -> Account:
    values = [_outcome_value(account, each).present_value for each in account.outcomes]
    largest = max(range(len(values)), key=lambda place: values[place])
    rest = (each for place, each in enumerate(account.outcomes) if place != largest)
    return replace(account, outcomes=tuple(rest))


CASES: tuple[tuple[str, Callable[[Account], Account]], ...] = (
    ("deadweight_plus_10_points", _more("deadweight", "0.10")),
    ("deadweight_plus_20_points", _more("deadweight", "0.20")),
    ("displacement_plus_10_points", _more("displacement", "0.10")),
    ("attribution_plus_10_points", _more("attribution", "0.10")),
    ("drop_off_plus_10_points", _more("drop_off", "0.10")),
    ("rate_plus_1_point", _at_rates(lambda rate: rate + Decimal("0.01"))),
    ("no_discounting", _at_rates(lambda _: Decimal(0))),
    ("other_convention", lambda account: replace(account, convention=account.convention.other)),
    ("without_the_largest_outcome", _without_largest),
)
"""What is changed, one assumption at a time, in every answer."""


@exactly
def sensitivity(account: Account) -> list[Case]:
    """The return under each of CASES."""
    cases = []
    for name, change in CASES:
        told = social_return(change(account))
        cases.append(Case(name, told.total, told.net, told.ratio))
    return cases


@exactly
def break_even(account: Account) -> BreakEven:
    """Where the ratio is exactly 1; both None where it is below 1 to begin with."""
    told, invested = social_return(account), account.invested
    if told.total < invested:
        return BreakEven(None, None)
    return BreakEven(invested / told.total, _deadweight_until(account, invested))


def _deadweight_until(account: Account, invested: Decimal) -> Decimal:
    """The first rise of every deadweight (each the whole at most) at which the total is what was invested.

    The total is linear between those rises at which some outcome vanishes, and nothing once all have.
    """
    slopes = [
        (WHOLE - each.deadweight, _outcome_value(account, replace(each, deadweight=Decimal(0))).present_value)
        for each in account.outcomes
    ]

    def total(rise: Decimal) -> Decimal:
        return sum((slope * max(Decimal(0), left - rise) for left, slope in slopes), Decimal())

    start, at_start = Decimal(0), total(Decimal(0))
    if at_start == invested:
        return start
    for end in sorted({left for left, _ in slopes if left > 0}):
        at_end = total(end)
        if at_end <= invested:
            return start + (at_start - invested) * (end - start) / (at_start - at_end)
        start, at_start = end, at_end
    return start


# A forecast against what was measured


@dataclass(frozen=True, slots=True)
class Pair:
    """One outcome as both accounts have it, matched by beneficiary and proxy; the place in each, None where missing."""

    beneficiary: str
    proxy: str
    first: int | None
    second: int | None


def paired(first: Sequence[Outcome], second: Sequence[Outcome]) -> list[Pair]:
    """The outcomes of both, in the first one's order, and then those that only the second has.

    Several of one name are paired in their order.
    """
    left: dict[tuple[str, str], list[int]] = {}
    for place, each in enumerate(second):
        left.setdefault(_key(each), []).append(place)
    pairs = []
    for place, each in enumerate(first):
        waiting = left.get(_key(each), [])
        pairs.append(Pair(each.beneficiary, each.proxy.name, place, waiting.pop(0) if waiting else None))
    taken = {pair.second for pair in pairs}
    return pairs + [
        Pair(each.beneficiary, each.proxy.name, None, place) for place, each in enumerate(second) if place not in taken
    ]


def _key(outcome: Outcome) -> tuple[str, str]:
    return _plain(outcome.beneficiary), _plain(outcome.proxy.name)


def restated(first: Account, second: Account) -> Account:
    """The first account under the second one's convention and rates, so that only the outcomes and inputs differ."""
    return replace(first, convention=second.convention, rates=second.rates)


# Tenders, jobs and comparison groups


@exactly
def tender_score(value: int, best: int, points: Decimal) -> Decimal:
    """points x bid / best bid: the strongest has all of them, and half of its value half of them."""
    return points * value / best


def tender_faults(values: Sequence[tuple[int, str]]) -> list[Fault]:
    """Bids are in one currency and at least one of them offers something. `values`: amounts and currencies."""
    currency = values[0][1]
    faults = [
        Fault("ONE_CURRENCY", f"#/bids/{place}/value/currency", f"The first bid is in {currency}", each, currency)
        for place, (_, each) in enumerate(values)
        if each != currency
    ]
    if max(amount for amount, _ in values) == 0:
        faults.append(Fault("BEST_BID_POSITIVE", "#/bids", "Where nobody offers anything there is no best bid", 0))
    return faults


@dataclass(frozen=True, slots=True)
class FullTime:
    """Jobs as full-time equivalents, and those times years."""

    equivalents: Decimal
    years: Decimal


@exactly
def full_time_years(full_time: int, part_time: int, fraction: Decimal, years: Decimal) -> FullTime:
    """(full-time + part-time x fraction) x years: the unit of the National TOMs' measure NT1, not its licensed value.

    Method as Torbay Council describes it: https://www.torbay.gov.uk/council/social-value/toms-dos-and-donts/
    """
    equivalents = full_time + part_time * fraction
    return FullTime(equivalents, equivalents * years)


@dataclass(frozen=True, slots=True)
class NetOutcome:
    """What is due to the service: points above the comparison group, people, and the deadweight this implies.

    Points are a fraction. `deadweight` is None where the service reached nobody, or fewer than would have been.
    """

    uplift: Decimal
    people: Decimal
    deadweight: Decimal | None


@exactly
def net_outcome(reached: Decimal, comparison: Decimal, participants: int) -> NetOutcome:
    """(rate among participants - rate of the comparison group) x participants; rates as fractions."""
    uplift = reached - comparison
    deadweight = comparison / reached if reached > 0 and uplift >= 0 else None
    return NetOutcome(uplift, uplift * participants, deadweight)


# Benefits


@dataclass(frozen=True, slots=True)
class Planned:
    """A benefit's plan: baseline and target, and the days on which it is to be measured."""

    baseline: Decimal
    baseline_on: date
    target: Decimal
    target_on: date
    measured_on: tuple[date, ...]


def benefit_faults(plan: Planned, today: date) -> list[Fault]:
    """Every rule that the plan breaks: a baseline of the past, a target that differs, days in order between the two."""
    faults = []
    if plan.baseline_on > today:
        detail = "A baseline was measured: its day has come"
        faults.append(Fault("BASELINE_PAST", "#/baseline/on", detail, str(plan.baseline_on), str(today)))
    if plan.target == plan.baseline:
        faults.append(Fault("TARGET_DIFFERS", "#/target/value", "A target differs from the baseline", str(plan.target)))
    if plan.target_on <= plan.baseline_on:
        detail = "A target is for a day after the baseline's"
        faults.append(Fault("TARGET_LATER", "#/target/on", detail, str(plan.target_on), str(plan.baseline_on)))
    return [*faults, *planned_days_faults(plan.measured_on, plan.baseline_on)]


def planned_days_faults(days: Sequence[date], baseline_on: date) -> list[Fault]:
    """Days of measurement are different ones, in order, and after the baseline's."""
    return [
        Fault("MEASUREMENTS_IN_ORDER", f"#/measurement_days/{place}", "Give days after the baseline's, in order")
        for place, day in enumerate(days)
        if day <= (days[place - 1] if place else baseline_on)
    ]


def next_due(days: Iterable[date], last_measured_on: date | None) -> date | None:
    """The first planned day that no measurement has reached yet; None where every one is past."""
    return next((day for day in sorted(days) if last_measured_on is None or day > last_measured_on), None)


@exactly
def progress(plan: Planned, latest: Decimal) -> Decimal:
    """Which share of the way from baseline to target has been gone: below 0 it got worse, above 1 it went further."""
    return (latest - plan.baseline) / (plan.target - plan.baseline)


def measured_on_time(standing: int, overdue: int) -> Reason:
    """Whether no measurement of the benefits that stand is overdue. Soft: the gate does not ask for it."""
    on_time = Met.UNKNOWN if not standing else Met.UNMET if overdue else Met.MET
    return Reason("BENEFITS_MEASURED_ON_TIME", on_time, "eq", wanted=0, found=overdue, level=Level.SOFT)
