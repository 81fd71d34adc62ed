"""The web layer's own background work: forgetting old idempotent answers."""

from marketplace.store.base import session
from marketplace.store.jobs import jobs
from marketplace.web.refusals import prune_noted_refusals
from marketplace.web.writes import prune_idempotent_requests


@jobs.periodic(cron="17 3 * * *")
@jobs.task(name="web.forget_idempotent_answers", queueing_lock="web.forget_idempotent_answers")
def forget_idempotent_answers(timestamp: int) -> None:
    """Daily: forget answers past their 30 days and past hours of refusals. `timestamp`: seconds, of its round."""
    prune_idempotent_requests(session())
    prune_noted_refusals(session())
