"""How gunicorn serves the program: read by `gunicorn wsgi:app` in this folder, under `flask serve` or by itself."""

import gc
import os

import gunicorn

from marketplace.serving import (
    check_database,
    failing_plainly,
    server_settings_from_environment,
    settings_with_database,
)
from marketplace.store.jobs import libpq_url

gunicorn.SERVER = "marketplace"  # the Server header names neither product nor version

with failing_plainly():
    told = server_settings_from_environment()

bind = f"[{told.host}]:{told.port}" if ":" in told.host else f"{told.host}:{told.port}"
worker_class = "gthread"
workers = told.workers
threads = told.threads
timeout = told.timeout
graceful_timeout = told.stop_timeout
keepalive = 5
backlog = 512
limit_request_line = 8190
limit_request_fields = 60
limit_request_field_size = 8190
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  (heartbeats off the disk)
accesslog = None
loglevel = "warning"
control_socket_disable = True
preload_app = False  # a connected engine must not be shared by forks


def on_starting(server: object) -> None:
    """Once, before any worker: check the settings and the database, and tell the workers where the database is."""
    with failing_plainly():
        url = settings_with_database().database_url or ""
        check_database(url)
    os.environ["DATABASE_URL"] = libpq_url(url)


def post_worker_init(worker: object) -> None:
    """Once in each worker, when its application is made: nothing of it ever becomes garbage, so none is looked for.

    Some 400,000 objects otherwise, through which a full collection goes while every request of the worker waits.
    """
    gc.collect()
    gc.freeze()
