"""Timed work on contracts: telling ahead that they end. Safe to repeat, to run late, and to run twice at once."""

from uuid import UUID

from procrastinate import RetryStrategy

from marketplace.procurement.alerts import tell_of_contract_ends
from marketplace.store.base import session
from marketplace.store.jobs import defer, jobs

AT_A_TIME = 200


@jobs.periodic(cron="41 5 * * *")
@jobs.task(name="procurement.contract_ends", queueing_lock="procurement.contract_ends")
def tell_each_day(timestamp: int) -> int:
    """Each day: tell of contracts that end within the notice. `timestamp`: of the round it stands for."""
    return tell_from(None)


@jobs.task(name="procurement.contract_ends_from", retry=RetryStrategy(max_attempts=8, exponential_wait=2))
def tell_from(after: str | None) -> int:
    """Tell of the next proposals' contracts; the rest is a job, and a transaction, of its own."""
    told, last = tell_of_contract_ends(session(), UUID(after) if after else None, AT_A_TIME)
    if last is not None:
        defer(session(), tell_from, after=str(last))
    return told
