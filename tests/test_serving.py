"""Serving: readiness, clean ends, and plain words when the program cannot start."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from sqlalchemy import create_engine

from marketplace.cli import ROOT, in_one_transaction, load_jobs
from marketplace.serving import (
    CannotStart,
    ServerSettings,
    check_database,
    check_port,
    connection_trouble,
    failing_plainly,
    running,
    server_settings_from_environment,
)
from marketplace.settings import BadSettings
from marketplace.store.base import session
from marketplace.store.jobs import jobs
from tests.live import free_port, live_server

OPEN_POST = "/v1/sessions"
OF_JSON = "Content-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        pytest.param('FATAL:  password authentication failed for user "ada"', "refused the user", id="wrong password"),
        pytest.param('FATAL:  database "seed" does not exist', "does not exist", id="no such database"),
        pytest.param("connection failed: Connection refused", "no PostgreSQL answers", id="nobody listens"),
        pytest.param("failed to resolve host 'db': unknown", "host in DATABASE_URL is not known", id="unknown host"),
        pytest.param("connection timeout expired", "does not answer", id="silence"),
    ],
)
def test_a_failed_connection_is_said_in_one_line_with_what_to_do(words: str, wanted: str) -> None:
    said = connection_trouble(psycopg.OperationalError(words))

    assert said is not None
    assert wanted in said
    assert "\n" not in said


def test_an_answer_of_the_database_is_not_called_a_connection_problem() -> None:
    assert connection_trouble(psycopg.errors.LockNotAvailable("lock timeout")) is None


def test_the_password_is_never_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, failing_plainly():
        check_database("postgresql+psycopg://ada:hushhush@127.0.0.1:1/none")

    assert end.value.code == 2
    assert "hushhush" not in capsys.readouterr().err


def test_a_taken_port_is_named_with_one_that_may_be_free() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(CannotStart, match=f"port {port} is in use.*PORT={port + 1}"):
            check_port(ServerSettings(port=port))


@pytest.mark.parametrize(("name", "value"), [("PORT", "eighty"), ("PORT", "70000"), ("WORKERS", "0")])
def test_a_bad_server_setting_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"MARKETPLACE_{name}", value)

    with pytest.raises(BadSettings, match=f"MARKETPLACE_{name}"):
        server_settings_from_environment()


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        pytest.param({"DATABASE_URL": "mysql://a/b"}, "must be a PostgreSQL address", id="another engine"),
        pytest.param({"DATABASE_URL": "postgresql://a:b@h:port/x"}, "cannot be read", id="unreadable address"),
        pytest.param({"DATABASE_URL": "postgresql://a:b@127.0.0.1:1/x"}, "no PostgreSQL answers", id="nobody there"),
        pytest.param({"MARKETPLACE_ENV": "production"}, "MARKETPLACE_SECRET_KEY is not set", id="no secret"),
    ],
)
def test_a_command_that_cannot_start_says_one_line_and_exits_2(
    variables: dict[str, str], wanted: str, server_url: str
) -> None:
    environment = {"DATABASE_URL": server_url, **_environment(), **variables}
    ended = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "migrate"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert ended.returncode == 2
    assert wanted in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_job_that_ends_well_is_committed_and_one_that_fails_is_not(committed_app: Any) -> None:
    transacted = in_one_transaction(committed_app)
    with committed_app.app_context():
        session().execute(_sql("CREATE TABLE seen (word text)"))
        session().commit()

    transacted(lambda: session().execute(_sql("INSERT INTO seen VALUES ('kept')")), None, None)
    with pytest.raises(ZeroDivisionError):
        transacted(lambda: (session().execute(_sql("INSERT INTO seen VALUES ('lost')")), 1 // 0), None, None)

    with committed_app.app_context():
        assert list(session().scalars(_sql("SELECT word FROM seen"))) == ["kept"]


LOOKED_THROUGH = """
import gc, runpy
told = runpy.run_path("gunicorn.conf.py")
import wsgi
before = len(gc.get_objects())
told["post_worker_init"](None)
print(before, len(gc.get_objects()))
"""


def test_a_worker_never_stops_to_look_through_the_program_for_garbage(server_url: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOOKED_THROUGH],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": server_url},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )

    before, after = map(int, told.stdout.split())
    assert before > 100_000
    assert after < before / 100


def test_the_worker_knows_every_feature_s_jobs() -> None:
    load_jobs()

    assert "web.forget_idempotent_answers" in jobs.tasks


@pytest.mark.slow
def test_a_server_with_a_worker_answers_and_leaves_nobody_behind(clone: Callable[[], Any]) -> None:
    with clone() as url:
        with live_server(url, worker=True) as base:
            answer = requests.get(f"{base}/readyz", timeout=5)
            assert (answer.status_code, answer.headers["Server"]) == (200, "marketplace")
            assert requests.get(f"{base}/v1/codelists", timeout=5).status_code == 200
            children = _children_of(os.getpid())
            assert len(children) >= 2

        until = time.monotonic() + 5
        while time.monotonic() < until and any(Path(f"/proc/{pid}").exists() for pid in children):
            time.sleep(0.1)
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
def test_a_server_on_a_database_without_the_schema_says_to_migrate(server_url: str) -> None:
    from tests.conftest import fresh_database

    with (
        fresh_database(server_url, None) as url,
        pytest.raises(CannotStart, match="flask migrate"),
        live_server(url, workers=1),
    ):
        pass


@pytest.mark.slow
def test_the_worker_does_its_timed_work_and_lives_on(clone: Callable[[], Any], tmp_path: Path) -> None:
    """At its start a worker makes up for the last ticks of its clock; one of every ten minutes is always among them."""
    counted = _sql("SELECT count(*) FROM procrastinate_periodic_defers")
    waiting = _sql("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed')")
    with clone() as url:
        server = ServerSettings(port=free_port(), workers=1, stop_timeout=5)
        environment = {"MARKETPLACE_ENV": "test", "MARKETPLACE_INSTANCE": str(tmp_path)}
        engine = create_engine(url)
        with running(url, server, environment=environment) as made:
            for _ in range(300):
                with engine.connect() as connection:
                    if connection.scalar(counted) and not connection.scalar(waiting):
                        break
                time.sleep(0.1)
            with engine.connect() as connection:
                assert connection.scalar(counted) > 0
                assert connection.scalar(waiting) == 0
            assert made.children["worker"].poll() is None
        engine.dispose()


@pytest.mark.slow
def test_serve_ends_in_order_on_a_signal(clone: Callable[[], Any], tmp_path: Path) -> None:
    port = free_port()
    with clone() as url:
        served = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "serve", "--port", str(port)],
            cwd=ROOT,
            env={**_environment(), "DATABASE_URL": url, "MARKETPLACE_INSTANCE": str(tmp_path)},
            stdout=subprocess.PIPE,
        )
        assert served.stdout is not None
        assert b"Serving at" in served.stdout.readline()
        children = _children_of(served.pid)

        served.send_signal(signal.SIGTERM)

        assert served.wait(30) == 0
        served.stdout.close()
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
def test_a_killed_parent_takes_its_children_along(clone: Callable[[], Any], tmp_path: Path) -> None:
    port = free_port()
    with clone() as url:
        served = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "serve", "--port", str(port)],
            cwd=ROOT,
            env={**_environment(), "DATABASE_URL": url, "MARKETPLACE_INSTANCE": str(tmp_path)},
            stdout=subprocess.PIPE,
        )
        assert served.stdout is not None
        assert b"Serving at" in served.stdout.readline()
        children = _children_of(served.pid)

        served.kill()
        served.wait(10)
        served.stdout.close()

        until = time.monotonic() + 15
        while time.monotonic() < until and any(_runs(pid) for pid in children):
            time.sleep(0.2)
        assert not [pid for pid in children if _runs(pid)]


@pytest.mark.slow
def test_bodies_that_never_arrive_are_answered_408_and_give_their_threads_back(clone: Callable[[], Any]) -> None:
    with clone() as url, live_server(url, workers=1, threads=2) as base:
        host, port = base.removeprefix("http://").split(":")
        head = f"POST {OPEN_POST} HTTP/1.1\r\nHost: {host}\r\n{OF_JSON}Content-Length: 90\r\n\r\n"
        slow = [socket.create_connection((host, int(port)), timeout=20) for _ in range(2)]
        for each in slow:
            each.sendall(head.encode() + b'{"')

        answers = [_all_of(each) for each in slow]

        assert {answer.split()[1] for answer in answers} == {b"408"}
        assert all(b"application/problem+json" in answer for answer in answers)
        assert requests.get(f"{base}/livez", timeout=5).status_code == 200


def _environment() -> dict[str, str]:
    return {**os.environ, "MARKETPLACE_ENV": "test"}


def _sql(statement: str) -> Any:
    from sqlalchemy import text

    return text(statement)


def _all_of(connection: socket.socket) -> bytes:
    """What the server sends until it closes the connection."""
    with connection:
        parts = iter(lambda: connection.recv(4000), b"")
        return b"".join(parts)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _children_of(pid: int) -> list[int]:
    """The processes below that one, at any depth (Linux)."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    found: list[int] = []
    waiting = [pid]
    while waiting:
        above = waiting.pop()
        below = [child for child, parent in parents.items() if parent == above and _is_ours(child)]
        found += below
        waiting += below
    return found


def _is_ours(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"gunicorn" in words or b"worker" in words
