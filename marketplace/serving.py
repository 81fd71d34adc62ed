"""Running the program: the web server and the worker as children of one process; plain words when it cannot start.

Knows processes, ports and the database's address; knows no feature and no request. The children are told where the
database is, so only the parent starts the embedded PostgreSQL, and stops it when nobody uses it any more.
"""

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import IO, Any

import orjson
import psycopg
from environs import Env, EnvError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from marketplace.settings import BadSettings, Settings, settings_from_environment
from marketplace.store.embedded import STOP_AT_EXIT, embedded_server
from marketplace.store.jobs import libpq_url

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 40
STOP_SECONDS = 35
OLDEST_POSTGRESQL = 15
EXIT_NOT_STARTED = 2
PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""


class CannotStart(RuntimeError):
    """The program cannot run here and now. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the web server listens. `workers` are processes, `threads` are per process; durations in seconds."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    threads: int = 8
    timeout: int = 60
    stop_timeout: int = 30

    @property
    def url(self) -> str:
        """The server's address as this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104  (read, not bound)
        return f"http://{host}:{self.port}"

    def variables(self) -> dict[str, str]:
        """The same, as the environment variables that the server reads."""
        return {
            "MARKETPLACE_HOST": self.host,
            "MARKETPLACE_PORT": str(self.port),
            "MARKETPLACE_WORKERS": str(self.workers),
            "MARKETPLACE_THREADS": str(self.threads),
            "MARKETPLACE_TIMEOUT": str(self.timeout),
            "MARKETPLACE_STOP_TIMEOUT": str(self.stop_timeout),
        }


def server_settings_from_environment() -> ServerSettings:
    """How this process is told to listen. `BadSettings` names the variable at fault."""
    env = Env(prefix="MARKETPLACE_")
    try:
        made = ServerSettings(
            host=env.str("HOST", "127.0.0.1"),
            port=env.int("PORT", 8000),
            workers=env.int("WORKERS", 2),
            threads=env.int("THREADS", 8),
            timeout=env.int("TIMEOUT", 60),
            stop_timeout=env.int("STOP_TIMEOUT", 30),
        )
    except EnvError as error:
        raise BadSettings(str(error)) from error
    if not 1 <= made.port <= 65535:
        raise BadSettings("MARKETPLACE_PORT must be between 1 and 65535")
    if made.workers < 1 or made.threads < 1:
        raise BadSettings("MARKETPLACE_WORKERS and MARKETPLACE_THREADS must be 1 or more")
    return made


@contextmanager
def failing_plainly() -> Iterator[None]:
    """Turn what stops the program from starting into one line on standard error and exit status 2."""
    try:
        yield
    except (BadSettings, CannotStart) as error:
        _give_up(str(error))
    except (OperationalError, psycopg.OperationalError) as error:
        words = connection_trouble(error)
        if words is None:
            raise
        _give_up(words)
    except OSError as error:
        if error.filename is None:
            raise
        _give_up(f"cannot use {error.filename}: {error.strerror}. Set MARKETPLACE_INSTANCE to a folder of your own.")


def _give_up(words: str) -> None:
    sys.stderr.write(f"marketplace: {words}\n")
    sys.stderr.flush()
    raise SystemExit(EXIT_NOT_STARTED)


UNREADABLE_ADDRESS = (
    "DATABASE_URL cannot be read. Write it as postgresql://user:password@host:5432/name "
    "(characters such as @ or / in the password percent-encoded)."
)


def connection_trouble(error: Exception) -> str | None:
    """What a failed connection means and what to do; None where the database answered and refused something else."""
    original = getattr(error, "orig", None) or error
    state = getattr(original, "sqlstate", None)
    if state is not None and state[:2] not in {"28", "3D", "08", "57", "53"}:
        return None
    words = " ".join(str(original).split())
    for sign, meaning in CONNECTION_SIGNS:
        if sign in words:
            return meaning
    return f"the database cannot be reached: {words[:300]}. Check DATABASE_URL and that the server runs."


CONNECTION_SIGNS = (
    ("password authentication failed", "the database refused the user or password in DATABASE_URL. Correct them."),
    ("no password supplied", "the database wants a password and DATABASE_URL has none. Add it."),
    ("no pg_hba.conf entry", "the database does not let this machine or user in. See its pg_hba.conf."),
    ("role ", "the user in DATABASE_URL is not known to the database. Create it, or correct DATABASE_URL."),
    ("database ", "the database named in DATABASE_URL does not exist. Create it (createdb NAME), or correct the name."),
    (
        "refused",
        "no PostgreSQL answers at the host and port in DATABASE_URL. Start it or correct the address; "
        "unset DATABASE_URL to use the PostgreSQL that comes with the program.",
    ),
    ("resolve host", "the host in DATABASE_URL is not known. Correct it."),
    ("translate host", "the host in DATABASE_URL is not known. Correct it."),
    ("timeout", "the host in DATABASE_URL does not answer. Check the address, the network and the firewall."),
    ("too many clients", "the database has no connection left. Raise its max_connections, or lower the pools."),
)


def check_database(url: str) -> None:
    """Connect once. `CannotStart` where the server cannot be reached or is older than PostgreSQL 15."""
    try:
        address = libpq_url(make_url(url).render_as_string(hide_password=False))
        with psycopg.connect(address, connect_timeout=5) as connection:
            version = connection.info.server_version // 10000
    except (ArgumentError, ValueError, psycopg.ProgrammingError) as error:
        raise CannotStart(UNREADABLE_ADDRESS) from error
    except psycopg.OperationalError as error:
        raise CannotStart(connection_trouble(error) or str(error)) from error
    if version < OLDEST_POSTGRESQL:
        raise CannotStart(f"PostgreSQL {OLDEST_POSTGRESQL} or newer is needed; this server is version {version}.")


def check_schema(url: str) -> None:
    """`CannotStart` where the database was not migrated to this program's schema."""
    with psycopg.connect(libpq_url(url), connect_timeout=5) as connection:
        known = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known and known[0] else None
    wanted = (ROOT / "migrations" / ".current-head").read_text().strip()
    if found is None or found[0] != wanted:
        held = f"at schema {found[0]}" if found else "empty"
        raise CannotStart(f"the database is {held}; this program needs {wanted}. Run: make migrate (flask migrate).")


def settings_with_database() -> Settings:
    """The settings of this process, with the address of its database. Connects to nothing that was given.

    The embedded server is started where no DATABASE_URL is given, and stopped when the last process using it ends.
    """
    settings = settings_from_environment()
    if settings.database_url is None:
        return replace(settings, database_url=started_database(settings.database_folder))
    try:
        make_url(settings.database_url)
    except (ArgumentError, ValueError) as error:
        raise CannotStart(UNREADABLE_ADDRESS) from error
    return settings


def started_database(folder: Path) -> str:
    """The address of the embedded server on that folder, started or found running."""
    try:
        server = embedded_server(folder, cleanup_mode=STOP_AT_EXIT)
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        raise CannotStart(
            f"the PostgreSQL that comes with the program could not start in {folder} ({error}); "
            "see the file `log` there, or set DATABASE_URL to a server of your own."
        ) from error
    forget_dead_users(server)
    return str(server.get_uri(driver="psycopg"))


def forget_dead_users(server: Any) -> None:
    """Strike killed processes off the embedded server's list of users; they would keep it running for ever."""
    users = server.global_process_id_list
    with suppress(OSError, ValueError):
        users.put([pid for pid in {*users.get_and_add(os.getpid()), os.getpid()} if _alive(pid)])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def check_port(server: ServerSettings) -> None:
    """`CannotStart` where another program listens on the port, or this user may not."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((server.host, server.port))
        except OSError as error:
            raise CannotStart(_port_trouble(server, error)) from error


def _port_trouble(server: ServerSettings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        other = server.port + 1 if server.port < 65535 else 8000
        return f"port {server.port} is in use. Choose another: make demo PORT={other} (or make serve PORT={other})."
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"this user may not listen on port {server.port}. Choose one above 1023: make demo PORT=8000."
    return f"cannot listen on {server.host}:{server.port} ({error.strerror}). Check MARKETPLACE_HOST."


@dataclass
class Running:
    """A server, and perhaps a worker, that run as children of this process."""

    server: ServerSettings
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return self.server.url

    def wait(self, stopped: Callable[[], bool]) -> str | None:
        """Wait until `stopped()`, or until a child ends by itself: then its name."""
        while not stopped():
            for name, child in self.children.items():
                if child.poll() is not None:
                    return name
            time.sleep(0.2)
        return None


@contextmanager
def running(
    database_url: str,
    server: ServerSettings,
    *,
    worker: bool = True,
    environment: Mapping[str, str] | None = None,
    output: IO[bytes] | None = None,
) -> Iterator[Running]:
    """Run the web server (and one worker) on that database, ready to answer; stop both at the end.

    `environment` is added to this process's own; `output` takes what the children print (default: where ours goes).
    `CannotStart` for a taken port, a database that is away or not migrated, and a server that does not become ready.
    """
    check_port(server)
    check_database(database_url)
    check_schema(database_url)
    variables = {
        **os.environ,
        **(environment or {}),
        **server.variables(),
        "DATABASE_URL": libpq_url(database_url),
        "PYTHONUNBUFFERED": "1",
    }
    made = Running(server)
    try:
        made.children["server"] = _child(["-m", "gunicorn", "wsgi:app"], variables, output)
        if worker:
            made.children["worker"] = _child(["-m", "flask", "--app", "wsgi", "worker"], variables, output)
        wait_until_ready(made)
        yield made
    finally:
        stop_children(made.children)


def _child(arguments: list[str], variables: Mapping[str, str], output: IO[bytes] | None) -> subprocess.Popen[bytes]:
    """A Python child in a session of its own, so that Ctrl-C reaches us alone and we stop it in order."""
    return subprocess.Popen(  # noqa: S603
        [sys.executable, *arguments],
        cwd=ROOT,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  (one C call, no lock)
    )


if sys.platform == "linux":
    _prctl = ctypes.CDLL(None).prctl


def _end_with_parent() -> None:
    """Between fork and exec: have the kernel end the child, should this process be killed."""
    _prctl(PARENT_DEATH_SIGNAL, int(signal.SIGTERM), 0, 0, 0)


def wait_until_ready(made: Running, seconds: float = START_SECONDS) -> None:
    """Ask /readyz until it says ready. `CannotStart` when a child ends, or when the time is up."""
    until = time.monotonic() + seconds
    checks: dict[str, bool] = {}
    while time.monotonic() < until:
        for name, child in made.children.items():
            if child.poll() is not None:
                raise CannotStart(f"the {name} ended at once (status {child.returncode}); its words stand above.")
        ready, checks = _readiness(made.url)
        if ready:
            return
        if checks.get("database") and not checks.get("durability"):
            raise CannotStart("the database may lose what it acknowledged: set fsync = on and synchronous_commit = on.")
        time.sleep(0.1)
    raise CannotStart(f"the server did not become ready in {seconds:.0f} seconds ({checks or 'no answer'}).")


def _readiness(url: str) -> tuple[bool, dict[str, bool]]:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:  # noqa: S310  (our own http address)
            return True, orjson.loads(answer.read())["checks"]
    except urllib.error.HTTPError as refusal:
        with refusal, suppress(orjson.JSONDecodeError, KeyError, TypeError):
            return False, orjson.loads(refusal.read())["checks"]
    except OSError:
        pass
    return False, {}


def stop_children(children: Mapping[str, subprocess.Popen[bytes]], seconds: float = STOP_SECONDS) -> None:
    """Ask each child to finish its work; end the whole group of one that does not."""
    for child in children.values():
        with suppress(ProcessLookupError):
            child.terminate()
    until = time.monotonic() + seconds
    for child in children.values():
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(0.1, until - time.monotonic()))
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Listen for SIGINT and SIGTERM; the yielded function tells whether one came. For the main thread."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def serve(database_url: str, server: ServerSettings) -> int:
    """Run server and worker on that database until a signal comes. Returns the exit status."""
    with stop_signals() as stopped, running(database_url, server) as made:
        sys.stdout.write(f"Serving at {made.url} (reference: {made.url}/docs). Ctrl-C stops it.\n")
        sys.stdout.flush()
        ended = made.wait(stopped)
    if ended is not None:
        sys.stderr.write(f"marketplace: the {ended} ended by itself; everything was stopped.\n")
        return 1
    return 0
