"""Every part of a run plays through on a small corpus, and prints a line for each of its goals."""

from collections.abc import Iterator

import pytest

from benchmarks.databases import Server
from benchmarks.draws import Recipe
from benchmarks.goals import MISS, PASS
from benchmarks.growth import judge_growth
from benchmarks.match import judge_match
from benchmarks.memory import judge_memory
from benchmarks.reverse import judge_reverse
from benchmarks.stage import Stage
from benchmarks.update import judge_update
from benchmarks.wsgi import judge_wsgi

SMALL = Recipe(programmes=60, proposals=60, seed=9)


@pytest.fixture
def stage(server_url: str) -> Iterator[Stage]:
    server = Server(server_url)
    before = set(server.names())
    yield Stage(server)
    for name in set(server.names()) - before:
        server.drop(name)


@pytest.mark.slow
def test_every_goal_has_its_line(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    judge_match(stage, SMALL, queries=4)
    judge_growth(stage, SMALL, queries=4)
    judge_update(stage, SMALL, changes=4)
    judge_reverse(stage, SMALL, queries=2, pages=2)
    judge_wsgi(stage, SMALL, rounds=2, profile=True)
    judge_memory(stage, [SMALL, SMALL], requests=2)
    lines = capsys.readouterr().out.splitlines()

    for goal in (
        "EXISTS joins",
        "ORM and evaluator",
        "near misses",
        "growth",
        "version, index, commit",
        "reverse page",
    ):
        assert sum(goal in line for line in lines) == 1, goal
    assert [each.name for each in stage.judged if "memory" in each.name and each.verdict not in (PASS, MISS)] == []
    assert [each.verdict for each in stage.judged if "seen at every worker" in each.name] == [PASS]
    assert {"match at 60", "growth from 60 (other-regions)", "update at 60", "reverse at 60"} <= stage.record.keys()
