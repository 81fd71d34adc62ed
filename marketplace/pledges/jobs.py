"""Timed work on pledges: recording what the clock has already made true. Safe to repeat and to run late."""

from marketplace.pledges import commitments, offers
from marketplace.store.base import session
from marketplace.store.jobs import jobs


@jobs.periodic(cron="*/10 * * * *")
@jobs.task(name="pledges.record_expired_offers", queueing_lock="pledges.record_expired_offers")
def record_expired_offers(timestamp: int) -> int:
    """Every ten minutes: record offers whose last day is over. `timestamp`: seconds, of the round it stands for."""
    return offers.record_expired_offers(session())


@jobs.periodic(cron="*/10 * * * *")
@jobs.task(name="pledges.record_lapsed_acceptances", queueing_lock="pledges.record_lapsed_acceptances")
def record_lapsed_acceptances(timestamp: int) -> int:
    """Every ten minutes: record acceptances whose threshold was not reached. `timestamp` as above."""
    return commitments.record_lapses(session())
