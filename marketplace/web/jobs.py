"""The web layer's own background work: forgetting old idempotent answers."""

from marketplace.store.base import session
from marketplace.store.jobs import jobs
from marketplace.web.writes import prune_idempotent_requests


@jobs.periodic(cron="17 3 * * *")
@jobs.task(name="web.forget_idempotent_answers", queueing_lock="web.forget_idempotent_answers")
def forget_idempotent_answers(timestamp: int) -> None:
    """Daily: forget answers that are past their 30 days. `timestamp`: seconds, of the round it stands for."""
    prune_idempotent_requests(session())
