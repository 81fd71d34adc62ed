"""Background work on evidence: scanning what waits for it, telling of acceptances that have expired. Repeatable."""

from marketplace.evidence import expiry, scanning
from marketplace.evidence.scanning import QUEUE
from marketplace.store.base import session
from marketplace.store.jobs import jobs


@jobs.periodic(cron="*/30 * * * *")
@jobs.task(name="evidence.scan_what_waits", queue=QUEUE, queueing_lock="evidence.scan_what_waits")
def scan_what_waits(timestamp: int) -> None:
    """Every half hour: documents that were kept before a scanner was set, or while it was away for long.

    `timestamp`: seconds, of the round it stands for.
    """
    for sha256 in scanning.still_unscanned(session()):
        scanning.ask_for_scan(session(), sha256)


@jobs.periodic(cron="9 * * * *")
@jobs.task(name="evidence.record_expired_acceptances", queue=QUEUE, queueing_lock="evidence.record_expired_acceptances")
def record_expired_acceptances(timestamp: int) -> None:
    """Each hour: say which acceptances have expired. By the clock they have already. `timestamp`: as above."""
    expiry.record_expired(session())
