"""A body has to arrive in reasonable time: a slow or forgotten one answers 408 and gives its thread back.

Works where the server hands over its socket (gunicorn does). One watcher thread per process, started by the first body.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from werkzeug.exceptions import RequestTimeout

FIRST_SECONDS = 8.0
"""What any body may take."""
BYTES_PER_SECOND = 64 * 1024
"""And a second more for each so many bytes that were announced."""
ROUND_SECONDS = 0.5

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class TimedBody:
    """`wsgi.input` with a deadline: past it the reading side of the connection is shut, and reading raises 408."""

    def __init__(self, body: Any, connection: socket.socket, announced: int) -> None:
        self._body = body
        self._connection = connection
        self._seconds = FIRST_SECONDS + announced / BYTES_PER_SECOND
        self.late = False

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, all for -1."""
        return self._in_time(lambda: self._body.read(size) if size >= 0 else self._body.read())

    def readline(self, size: int = -1) -> bytes:
        """A line."""
        return self._in_time(lambda: self._body.readline(size) if size >= 0 else self._body.readline())

    def readlines(self, _hint: int = -1) -> list[bytes]:
        """The lines that are left."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def shut(self) -> None:
        """Time is up: wake the reader."""
        self.late = True
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RD)

    def _in_time(self, read: Callable[[], bytes]) -> bytes:
        watch.begin(self, self._seconds)
        started = time.monotonic()
        try:
            data = read()
        finally:
            watch.end(self)
            self._seconds -= time.monotonic() - started
        if self.late:
            raise RequestTimeout("The body did not arrive in time; send it again over a faster connection.")
        return data


class Watch:
    """The deadlines of the bodies that are being read now."""

    def __init__(self) -> None:
        self._due: dict[TimedBody, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self, body: TimedBody, seconds: float) -> None:
        """Shut `body` unless it ends within `seconds`."""
        with self._lock:
            self._due[body] = time.monotonic() + seconds
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._patrol, name="slow bodies", daemon=True)
                self._thread.start()

    def end(self, body: TimedBody) -> None:
        """It was read."""
        with self._lock:
            self._due.pop(body, None)

    def _patrol(self) -> None:
        while True:
            time.sleep(ROUND_SECONDS)
            now = time.monotonic()
            with self._lock:
                late = [body for body, due in self._due.items() if due <= now]
                for body in late:
                    del self._due[body]
                    body.shut()


watch = Watch()


def within_time(application: Application) -> Application:
    """`application`, reading bodies against the clock. After a late one the server finds the connection shut."""

    def timed(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        connection = environ.get("gunicorn.socket")
        announced = environ.get("CONTENT_LENGTH") or ""
        if connection is not None and (announced or environ.get("HTTP_TRANSFER_ENCODING")) and announced != "0":
            length = int(announced) if announced.isdecimal() else 0
            environ["wsgi.input"] = TimedBody(environ["wsgi.input"], connection, length)
        return application(environ, start_response)

    return timed
