"""Timed work on duties: reminding of them. Safe to repeat, to run late, and to run twice at once."""

from uuid import UUID

from procrastinate import RetryStrategy

from marketplace.monitoring.reminders import remind
from marketplace.store.base import session
from marketplace.store.jobs import defer, jobs

AT_A_TIME = 200


@jobs.periodic(cron="17 * * * *")
@jobs.task(name="monitoring.remind", queueing_lock="monitoring.remind")
def remind_each_hour(timestamp: int) -> int:
    """Each hour: remind of duties whose day is near, has come or is over. `timestamp`: of the round it stands for."""
    return remind_from(None)


@jobs.task(name="monitoring.remind_from", retry=RetryStrategy(max_attempts=8, exponential_wait=2))
def remind_from(after: str | None) -> int:
    """Remind of the next duties; the rest is a job, and a transaction, of its own."""
    told, last = remind(session(), UUID(after) if after else None, AT_A_TIME)
    if last is not None:
        defer(session(), remind_from, after=str(last))
    return told
