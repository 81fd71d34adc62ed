"""Background work: procrastinate over the same PostgreSQL, deferred in the change's own transaction.

A rolled-back change leaves no job and a committed one cannot lose it. Jobs run at least once, so each must be safe to
repeat. Knows no feature; features declare their tasks with `jobs.task` in their `jobs.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import procrastinate
from procrastinate.jobs import JobDeferrer
from procrastinate.manager import JobManager
from procrastinate.tasks import Task
from sqlalchemy.orm import Session

WRITER = procrastinate.SyncPsycopgConnector()
jobs = procrastinate.App(connector=WRITER)


def defer(session: Session, task: Task[Any, Any, Any], **arguments: Any) -> None:
    """Queue `task` inside the session's transaction, also from within a job. `arguments` are JSON values.

    Written by a connector of its own: a worker's is asynchronous, and takes no connection of ours.
    """
    connection = session.connection().connection.driver_connection
    JobDeferrer(JobManager(WRITER), task.configure().job, connection).defer(**arguments)


def libpq_url(sqlalchemy_url: str) -> str:
    """The address as libpq reads it."""
    return sqlalchemy_url.replace("postgresql+psycopg://", "postgresql://", 1)


@contextmanager
def worker_app(sqlalchemy_url: str) -> Iterator[procrastinate.App]:
    """The same tasks with a connector for a worker process. Raises as psycopg does when it cannot connect.

    The connector is replaced and not copied: a copy's periodic tasks would go on using the first one, which is not for
    workers, and end the worker at the first tick of its clock.
    """
    with jobs.replace_connector(procrastinate.PsycopgConnector(conninfo=libpq_url(sqlalchemy_url))) as app:
        yield app
