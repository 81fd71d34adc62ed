"""What may be asked of reports, calculators and scenarios, and why it is refused. Pure."""

import calendar
from dataclasses import dataclass
from datetime import date

from marketplace.values.refusals import Conflict, NotFound, Unprocessable

YEAR_OF_MONTHS = 12


class NoSuchReport(NotFound):
    """There is no report of that name."""

    code = "no-such-report"
    title = "There is no such report"


class NotForThisReport(Unprocessable):
    """The parameter means nothing to this report."""

    code = "not-for-this-report"
    title = "The parameter means nothing to this report"


class TooFewPoints(Unprocessable):
    """A fit needs at least as many points as parameters, in order, the counts never falling."""

    code = "too-few-points"
    title = "Nothing can be fitted to these points"


class MarketTooSmall(Unprocessable):
    """The potential market is smaller than the number that has adopted already."""

    code = "market-too-small"
    title = "The potential market is smaller than what there is"


class RankBeyondMarket(Unprocessable):
    """A rank lies between 1 and the market."""

    code = "rank-beyond-market"
    title = "The rank lies beyond the market"


class NoSuchPreset(Unprocessable):
    """There is no scenario of that name among those that come with the marketplace."""

    code = "no-such-preset"
    title = "There is no preset of that name"


class ScenarioNameTaken(Conflict):
    """The organisation has a scenario of that name."""

    code = "scenario-name-taken"
    title = "The organisation has a scenario of that name"


class TooManyScenarios(Conflict):
    """An organisation keeps at most a hundred scenarios."""

    code = "too-many-scenarios"
    title = "The organisation keeps too many scenarios"


class CurrenciesDiffer(Unprocessable):
    """Sums that are compared are in one currency."""

    code = "scenario-currencies-differ"
    title = "The scenarios are in different currencies"


@dataclass(frozen=True, slots=True)
class Months:
    """Twelve months, by the first."""

    year: int
    month: int

    def days(self) -> list[tuple[date, date]]:
        """The first and last day of each."""
        found, year, month = [], self.year, self.month
        for _ in range(YEAR_OF_MONTHS):
            found.append((date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])))
            year, month = month_after(year, month)
        return found


def month_after(year: int, month: int) -> tuple[int, int]:
    """The next month."""
    return (year + 1, 1) if month == YEAR_OF_MONTHS else (year, month + 1)
