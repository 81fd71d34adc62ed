"""Timed work on pipelines: reminding of what waits. Safe to repeat, to run late, and to run twice at once."""

from uuid import UUID

from procrastinate import RetryStrategy

from marketplace.pipeline.reminders import remind
from marketplace.store.base import session
from marketplace.store.jobs import defer, jobs

AT_A_TIME = 200


@jobs.periodic(cron="23 6 * * *")
@jobs.task(name="pipeline.remind", queueing_lock="pipeline.remind")
def remind_each_day(timestamp: int) -> int:
    """Each day: remind of what has waited for longer than is usual. `timestamp`: of the round it stands for."""
    return remind_from(None)


@jobs.task(name="pipeline.remind_from", retry=RetryStrategy(max_attempts=8, exponential_wait=2))
def remind_from(after: str | None) -> int:
    """Remind of the next proposals' waits; the rest is a job, and a transaction, of its own."""
    told, last = remind(session(), UUID(after) if after else None, AT_A_TIME)
    if last is not None:
        defer(session(), remind_from, after=str(last))
    return told
