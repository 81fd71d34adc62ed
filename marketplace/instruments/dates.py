"""Months and years from a day. Standard library only; knows no instrument."""

from calendar import monthrange
from datetime import date

LAST_YEAR = 9999


def months_after(day: date, months: int) -> date:
    """The same day of the month `months` later, or that month's last day where it has no such day.

    ValueError beyond the year 9999.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > LAST_YEAR:
        raise ValueError(f"{months} months after {day} is beyond the calendar")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def years_after(day: date, years: int) -> date:
    """The same day `years` later; 28 February for 29 February in a common year."""
    return months_after(day, 12 * years)
