"""What a request costs a web worker: processor time in its process, as ratios to the smallest route, interleaved.

    python -m benchmarks.wsgi --rounds 25

No sockets and no server: `time.process_time` around the WSGI call, so what counts is Flask, the product, SQLAlchemy,
the driver and marshmallow, and not the database. `--profile` prints the dearest functions of the list and of the page.
"""

import cProfile
import gc
import pstats
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask import Flask

from benchmarks import goals
from benchmarks.callers import Wsgi, answer, headers_of, request_to
from benchmarks.corpus import FUNDER_OWNER, GROUP_OWNER
from benchmarks.databases import application_on
from benchmarks.draws import PROGRAMME, PROPOSAL, Recipe, id_of
from benchmarks.measuring import Spread
from benchmarks.stage import Stage, finish, stage_at, staged

HELLO = "livez"
PAGE = "match page of 20"
REPEATS = {"bare Flask hello": 40, HELLO: 40}
"""Small requests are made several times a round: the clock has a grain."""
DEAREST = 3


def judge_wsgi(stage: Stage, recipe: Recipe, rounds: int, *, profile: bool) -> None:
    """Ratios of processor time to the smallest route, the memory of this process, and where the time goes."""
    corpus = stage.corpus(recipe)
    with application_on(corpus.url) as app:
        requests = requests_on(app)
        for call in requests.values():
            call()
            call()
        before = resident_kib()
        stage.load.look()
        times = _rounds(requests, rounds)
        stage.load.look()
        stage.keep(
            "processor ms", {name: Spread.of([1000 * each for each in of]).as_json() for name, of in times.items()}
        )
        for name, of in times.items():
            if name != HELLO:
                ratio = Spread.of([each / small for each, small in zip(of, times[HELLO], strict=True)])
                stage.judge(goals.for_the_record(f"processor time: {name} / {HELLO}", ratio, "no goal"))
        _judge_collections(stage, times[PAGE])
        stage.keep("resident KiB", {"before": before, "after": resident_kib()})
        stage.say(f"this process holds {resident_kib() / 1024:.0f} MiB")
        for name in ("list of 50 programmes", PAGE):
            dearest = dearest_of(requests[name], 10)
            stage.keep(f"dearest in {name}", dearest)
            if profile:
                stage.say(f"{name}: dearest by own time")
                for place, share in dearest[: 4 * DEAREST]:
                    stage.say(f"  {share:5.1%}  {place}")


def requests_on(app: Flask) -> dict[str, Callable[[], bytes]]:
    """The requests by name, each a function that makes it once."""
    hello = Flask("hello", static_folder=None)
    hello.add_url_rule("/hello", view_func=lambda: {"status": "alive"})
    group, funder = headers_of(app, GROUP_OWNER), headers_of(app, FUNDER_OWNER)
    product: Wsgi = app.wsgi_app
    asked: dict[str, tuple[Wsgi, dict[str, Any]]] = {
        "bare Flask hello": (hello.wsgi_app, request_to("/hello")),
        HELLO: (product, request_to("/livez")),
        "one programme, logged in": (product, request_to(f"/v1/programmes/{id_of(PROGRAMME, 0)}", group)),
        "one proposal of one's own": (product, request_to(f"/v1/proposals/{id_of(PROPOSAL, 0)}", group)),
        "list of 50 programmes": (product, request_to("/v1/programmes?limit=50", group)),
        PAGE: (product, request_to(f"/v1/proposals/{id_of(PROPOSAL, 0)}/matches?limit=20", group)),
        "match page of 20, funder": (product, request_to(f"/v1/programmes/{id_of(PROGRAMME, 0)}/matches", funder)),
    }
    return {name: _calling(*each) for name, each in asked.items()}


def _calling(wsgi: Wsgi, environ: dict[str, Any]) -> Callable[[], bytes]:
    return lambda: answer(wsgi, environ)


def _rounds(requests: dict[str, Callable[[], bytes]], rounds: int) -> dict[str, list[float]]:
    """Seconds of processor time for one request, round by round, the requests in turn."""
    times: dict[str, list[float]] = {name: [] for name in requests}
    for _ in range(rounds):
        for name, call in requests.items():
            repeats = REPEATS.get(name, 3)
            started = time.process_time()
            for _ in range(repeats):
                call()
            times[name].append((time.process_time() - started) / repeats)
    return times


def _judge_collections(stage: Stage, pages: list[float]) -> None:
    """How long a full garbage collection stops the process, in match pages: as it is, and as gunicorn's workers run."""
    found = {"full collection": _collections()}
    gc.freeze()
    found["full collection, the program set aside"] = _collections()
    gc.unfreeze()
    for name, times in found.items():
        ratio = Spread.of([each / page for each in times for page in pages])
        stage.judge(goals.for_the_record(f"processor time: {name} / {PAGE}", ratio, "no goal"))


def _collections(times: int = 5) -> list[float]:
    """Seconds of processor time of each, without what had gathered before."""
    gc.collect()
    taken = []
    for _ in range(times):
        started = time.process_time()
        gc.collect()
        taken.append(time.process_time() - started)
    return taken


def resident_kib() -> int:
    """The memory that this process holds, KiB; 0 where the machine does not tell."""
    told = Path("/proc/self/status")
    lines = told.read_text().splitlines() if told.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


def dearest_of(call: Callable[[], bytes], times: int) -> list[tuple[str, float]]:
    """Functions with their share of the time, their own alone, the dearest first."""
    profile = cProfile.Profile(time.process_time)
    for _ in range(times):
        profile.runcall(call)
    stats: Any = pstats.Stats(profile)
    total = stats.total_tt
    rows = [
        (f"{'/'.join(Path(file).parts[-2:])}:{line} {name}", own / total)
        for (file, line, name), (_, _, own, _, _) in stats.stats.items()
    ]
    return sorted(rows, key=lambda row: -row[1])[:15]


@click.command("wsgi")
@click.option("--programmes", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True)
@click.option("--proposals", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True)
@click.option("--rounds", type=click.IntRange(2, 1_000), default=25, show_default=True)
@click.option("--profile", is_flag=True, help="Say where the time of the list and of the match page goes.")
@staged
def main(programmes: int, proposals: int, rounds: int, profile: bool, database: str, seed: int) -> None:
    """Time requests by the processor time of the process that serves them."""
    stage = stage_at(database, seed)
    judge_wsgi(stage, Recipe(programmes, proposals, seed), rounds, profile=profile)
    finish(stage, "wsgi")


if __name__ == "__main__":
    main()
