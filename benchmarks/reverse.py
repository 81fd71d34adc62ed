"""From one programme to the proposals that its organisation sees: the product's seam beside a sequential scan.

python -m benchmarks.reverse --proposals 10000 --queries 20
"""

from typing import Any

import click
from sqlalchemy.orm import Session

from benchmarks import goals
from benchmarks.draws import Recipe
from benchmarks.engines import SCAN, SEAM, THE_DAY, ForProgramme, reverse_engines
from benchmarks.match import PAGE, tail
from benchmarks.measuring import interleave
from benchmarks.stage import Stage, finish, funder_actor, one_connection, programme_questions, stage_at, staged
from marketplace.matching import service

LARGE = 1_000_000
"""From so many proposals on the goals hold."""


def judge_reverse(stage: Stage, recipe: Recipe, queries: int, pages: int) -> None:
    """All ids of a result, both engines, the answers equal; then whole pages of the product."""
    corpus = stage.corpus(recipe)
    database, clock = one_connection(corpus.url)
    questions = programme_questions(database, recipe, max(queries, pages))
    large, size = recipe.proposals >= LARGE, f"at {recipe.proposals:,}"
    stage.load.look()
    measured = interleave(reverse_engines(database), questions[:queries], processor=clock)
    stage.load.look()
    stage.keep(f"reverse at {recipe.proposals}", measured.summary())
    ratio, name = measured.ratio(SCAN, SEAM), f"reverse {size}: sequential scan / seam"
    stage.say(f"{name}, processor time: {measured.ratio(SCAN, SEAM, processor=True)}")
    why = f"the goal is for {LARGE:,}"
    stage.judge(goals.at_least(name, ratio, 10, stage.load) if large else goals.for_the_record(name, ratio, why))

    def page(question: ForProgramme) -> Any:
        query = {"limit": PAGE, "as_of": THE_DAY}
        with Session(database, autoflush=False) as current:
            actor = funder_actor(current, question.programme_id)
            return service.matches_for_programme(current, actor, question.programme_id, query, None, strict=True)

    stage.load.look()
    measured = interleave({"page": page}, questions[:pages], processor=clock, same=False)
    stage.load.look()
    stage.keep(f"reverse page at {recipe.proposals}", measured.summary())
    ratio, name = tail(sorted(measured.wall["page"].values())), f"reverse page {size}: p99 / p50"
    stage.judge(goals.at_most(name, ratio, 20, stage.load) if large else goals.for_the_record(name, ratio, why))
    database.dispose()


@click.command("reverse")
@click.option("--programmes", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True)
@click.option("--proposals", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True)
@click.option("--queries", type=click.IntRange(2, 10_000), default=20, show_default=True)
@click.option("--pages", type=click.IntRange(2, 10_000), default=40, show_default=True)
@staged
def main(programmes: int, proposals: int, queries: int, pages: int, database: str, seed: int) -> None:
    """Time finding a programme's proposals, and judge the goals."""
    stage = stage_at(database, seed)
    judge_reverse(stage, Recipe(programmes, proposals, seed), queries, pages)
    finish(stage, "reverse")


if __name__ == "__main__":
    main()
