"""Publishing the heads of the audit chains, daily."""

from marketplace.feeds.heads import publish_heads, write_file
from marketplace.store.base import session
from marketplace.store.jobs import jobs
from marketplace.store.mail import present_settings


@jobs.periodic(cron="41 2 * * *")
@jobs.task(name="feeds.publish_audit_heads", queueing_lock="feeds.publish_audit_heads")
def publish_audit_heads(timestamp: int) -> None:
    """Daily: sign the heads and write them into a file. `timestamp`: seconds, of the round it stands for."""
    write_file(publish_heads(session()), present_settings().audit_heads_folder)
