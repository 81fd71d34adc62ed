"""The real thing for tests that need it: web processes (and a worker) on a database of the test's own."""

import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from marketplace.serving import ServerSettings, running


@contextmanager
def live_server(
    database_url: str,
    workers: int = 2,
    threads: int = 8,
    env: Mapping[str, str] | None = None,
    *,
    worker: bool = False,
) -> Iterator[str]:
    """Serve that (migrated) database on a free port; yields the base URL. What the children printed shows on failure.

    The children run as in tests (cheap passwords, no rate limits); `env` overrides. `worker` runs a job worker too.
    """
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "output.log"
        environment = {"MARKETPLACE_ENV": "test", "MARKETPLACE_INSTANCE": folder, **(env or {})}
        server = ServerSettings(port=free_port(), workers=workers, threads=threads, stop_timeout=5)
        with written.open("wb") as output:
            try:
                with running(database_url, server, worker=worker, environment=environment, output=output) as made:
                    yield made.url
            except BaseException as error:
                output.flush()
                error.add_note("The server printed:\n" + written.read_text(errors="replace")[-4000:])
                raise


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
