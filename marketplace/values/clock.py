"""What time it is, and which calendar day that is in London. The one place that asks the computer's clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def now() -> datetime:
    """The present instant, aware, UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Today's calendar day in London."""
    return day_of(now())


def day_of(instant: datetime) -> date:
    """The calendar day of an aware instant in London."""
    return instant.astimezone(LONDON).date()


def end_of_day(day: date) -> datetime:
    """The first instant after `day` in London: a window that closes on `day` includes all before it."""
    return datetime.combine(day + timedelta(days=1), time(), LONDON).astimezone(UTC)
