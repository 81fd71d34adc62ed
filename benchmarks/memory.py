"""Does a web worker's memory grow with the corpus? One gunicorn worker each, a small corpus and a large one.

    python -m benchmarks.memory --programmes 10000,1000000 --requests 200

Each server is the product's own, started as an operator starts it, with one worker; it answers match pages of many
proposals over loopback, then the worker's resident memory is read.
"""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from benchmarks import goals
from benchmarks.callers import UnexpectedAnswerError, headers_of
from benchmarks.corpus import GROUP_OWNER
from benchmarks.databases import application_on, bench_folder
from benchmarks.draws import GROUPS, PROPOSAL, Recipe, id_of
from benchmarks.measuring import Spread
from benchmarks.stage import Stage, finish, stage_at, staged
from marketplace.cli import ROOT
from marketplace.settings import settings_from_environment
from marketplace.store.jobs import libpq_url

START_SECONDS = 60
GROWS_AT_MOST = 1.1


def judge_memory(stage: Stage, recipes: list[Recipe], requests: int) -> None:
    """The last recipe's worker beside the first one's."""
    held = []
    for recipe in recipes:
        corpus = stage.corpus(recipe)
        held.append(resident_after(corpus.url, recipe, requests))
        stage.say(f"after {requests} match pages of {recipe.programmes:,} programmes: {held[-1] / 1024:.0f} MiB")
        stage.keep(f"resident KiB at {recipe.programmes}", held[-1])
    if not all(held):
        stage.judge(goals.not_measured("memory of a web worker", "this machine does not tell a process's memory"))
        return
    name = f"memory of a web worker: {recipes[-1].programmes:,} / {recipes[0].programmes:,}"
    stage.judge(goals.at_most(name, Spread.of([held[-1] / held[0]]), GROWS_AT_MOST))


def resident_after(url: str, recipe: Recipe, requests: int) -> int:
    """KiB that the one worker holds after so many match pages; 0 where the machine does not tell."""
    with application_on(url) as app:
        headers = headers_of(app, GROUP_OWNER)
    own = range(0, recipe.proposals, GROUPS)
    with served(url) as (port, process):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        for turn in range(requests):
            connection.request("GET", f"/v1/proposals/{id_of(PROPOSAL, own[turn % len(own)])}/matches", headers=headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise UnexpectedAnswerError(f"{response.status}: {body[:300]!r}")
        connection.close()
        return sum(_resident_kib(each) for each in _children(process.pid))


@contextmanager
def served(url: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """The product behind gunicorn with one worker, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {
        "DATABASE_URL": libpq_url(url),
        "MARKETPLACE_SECRET_KEY": settings_from_environment().secret_key,
        "MARKETPLACE_INSTANCE": str(bench_folder()),
        "MARKETPLACE_RATE_LIMITS": "false",
        "MARKETPLACE_PORT": str(port),
        "MARKETPLACE_WORKERS": "1",
        "MARKETPLACE_THREADS": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"],
        cwd=ROOT,
        env={**os.environ, **told},
    )
    try:
        _wait_for(port, process)
        yield port, process
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/livez")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
        finally:
            connection.close()
    raise RuntimeError("the server did not start")


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(each) for each in listed.read_text().split()] if listed.exists() else []


def _resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


@click.command("memory")
@click.option("--programmes", default="10000,1000000", show_default=True, help="Sizes, the smallest first.")
@click.option("--proposals", type=click.IntRange(1, 10_000_000), help="As many as programmes unless given.")
@click.option("--requests", type=click.IntRange(1, 100_000), default=200, show_default=True)
@staged
def main(programmes: str, proposals: int | None, requests: int, database: str, seed: int) -> None:
    """Compare the memory of a web worker at several sizes of corpus."""
    stage = stage_at(database, seed)
    sizes = [int(size) for size in programmes.split(",")]
    judge_memory(stage, [Recipe(size, proposals or size, seed) for size in sizes], requests)
    finish(stage, "memory")


if __name__ == "__main__":
    main()
