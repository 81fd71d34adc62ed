"""All benchmarks in one go: `make bench` (10,000 programmes) and `make bench-full` (100,000, then a million of each).

One line per judged goal. A run may be stopped and started again: a corpus that is loaded is found, and the full run
writes its record after each part.
"""

import click

from benchmarks.draws import Recipe
from benchmarks.growth import judge_growth
from benchmarks.match import judge_match
from benchmarks.memory import judge_memory
from benchmarks.reverse import judge_reverse
from benchmarks.stage import Stage, finish, stage_at, staged
from benchmarks.update import judge_update
from benchmarks.wsgi import judge_wsgi

SMALL, LARGE, LARGEST = 10_000, 100_000, 1_000_000


@click.command("benchmarks")
@click.option("--full", is_flag=True, help="Also at 100,000 and 1,000,000: hours, and some 25 GB of disk.")
@staged
def main(full: bool, database: str, seed: int) -> None:
    """Run every benchmark and judge every goal."""
    stage = stage_at(database, seed)
    small = Recipe(SMALL, SMALL, seed)
    part(stage, "matching")
    judge_match(stage, small, queries=24 if not full else 60)
    part(stage, "growth")
    judge_growth(stage, small, queries=24)
    part(stage, "one change of criteria")
    judge_update(stage, small, changes=30)
    part(stage, "from a programme to proposals")
    judge_reverse(stage, small, queries=6, pages=12)
    part(stage, "requests")
    judge_wsgi(stage, small, rounds=10, profile=False)
    if full:
        stage.write("bench-full")
        full_size(stage, small, seed)
    finish(stage, "bench-full" if full else "bench")


def full_size(stage: Stage, small: Recipe, seed: int) -> None:
    """What only shows in large corpora."""
    part(stage, f"matching at {LARGE:,}")
    judge_match(stage, Recipe(LARGE, SMALL, seed), queries=40)
    stage.write("bench-full")
    part(stage, f"matching at {LARGEST:,}, both ways")
    largest = Recipe(LARGEST, LARGEST, seed)
    judge_match(stage, largest, queries=100)
    stage.write("bench-full")
    judge_reverse(stage, largest, queries=6, pages=200)
    stage.write("bench-full")
    part(stage, "memory of a web worker")
    judge_memory(stage, [small, largest], requests=200)


def part(stage: Stage, name: str) -> None:
    stage.say(f"-- {name}")


if __name__ == "__main__":
    main()
