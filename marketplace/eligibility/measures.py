"""Values on one scale: which of two is more, and days a number of months apart.

Knows amounts, numbers, decimals and days in their JSON writing. must not know comparisons, facts or criteria.
"""

import re
from calendar import monthrange
from datetime import date
from decimal import Decimal
from typing import Any

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,10})?")

YearMonthDay = tuple[int, int, int]


def measures(found: Any, wanted: Any) -> tuple[Decimal, Decimal] | None:
    """Both as numbers on one scale: amounts of one currency, whole numbers, decimals, days; None if they have none."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict) or found.get("currency") != wanted.get("currency"):
            return None
        found, wanted = found.get("amount"), wanted.get("amount")
    if type(wanted) is int and type(found) is int:
        return Decimal(found), Decimal(wanted)
    if isinstance(wanted, str) and isinstance(found, str):
        if DAY.fullmatch(wanted) and DAY.fullmatch(found):
            return Decimal(found.replace("-", "")), Decimal(wanted.replace("-", ""))
        if DECIMAL.fullmatch(wanted) and DECIMAL.fullmatch(found):
            return Decimal(found), Decimal(wanted)
    return None


def order(found: Any, wanted: Any) -> int | None:
    """-1, 0 or 1 as `found` is less, equal or more; None where they have no order."""
    pair = measures(found, wanted)
    return None if pair is None else (pair[0] > pair[1]) - (pair[0] < pair[1])


def calendar_day(value: Any) -> YearMonthDay | None:
    """Year, month and day of a day of the calendar written YYYY-MM-DD; None for anything else."""
    if not isinstance(value, str) or not DAY.fullmatch(value):
        return None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return None
    return day.year, day.month, day.day


def months_later(day: YearMonthDay, months: int) -> YearMonthDay:
    """The same day `months` (0 or more) later, or the last of that month where it has no such day."""
    year, month, number = day
    years, month = divmod(month - 1 + months, 12)
    year, month = year + years, month + 1
    return year, month, min(number, monthrange(2000 + year % 400, month)[1])
