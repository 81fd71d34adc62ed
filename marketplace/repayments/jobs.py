"""Timed work on what was promised beyond money. Safe to repeat and to run late."""

from marketplace.repayments import guarantees
from marketplace.store.base import session
from marketplace.store.jobs import jobs


@jobs.periodic(cron="20 3 * * *")
@jobs.task(name="repayments.end_guarantees", queueing_lock="repayments.end_guarantees")
def end_guarantees(timestamp: int) -> int:
    """Every night: book the end of guarantees whose last day is over. `timestamp`: seconds, of the round it is for."""
    return guarantees.end_guarantees(session())
