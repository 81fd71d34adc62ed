"""Does a match cost what it finds, or what there is? A corpus beside one five times as large with the same answers.

    python -m benchmarks.growth --programmes 10000 --queries 60

`other-regions` adds programmes of other nations only, so each proposal of the home nation finds the same ones in both:
that is asserted. `same-mix` adds more of the same, and says how time grows with what is found; it has no goal.
"""

from typing import Any

import click

from benchmarks import goals
from benchmarks.draws import GROWTH, HOME_NATION, OTHER_REGIONS, SAME_MIX, Recipe
from benchmarks.engines import SEAM, TWIN, forward_engines
from benchmarks.measuring import interleave
from benchmarks.stage import Stage, finish, one_connection, proposal_questions, stage_at, staged


def judge_growth(stage: Stage, recipe: Recipe, queries: int, mode: str = OTHER_REGIONS) -> None:
    """One question to both corpora, turn and turn about."""
    grown = Recipe(recipe.programmes * GROWTH, 1, recipe.seed, mode)
    small, large = stage.corpus(recipe), stage.corpus(grown)
    database, clock = one_connection(small.url)
    larger, _ = one_connection(large.url)
    questions = proposal_questions(database, recipe, queries, _at_home)
    of_small, of_large = forward_engines(database, None), forward_engines(larger, None)
    taking = {"small": of_small[SEAM], "large": of_large[SEAM]}
    scans = {"small, scanned": of_small[TWIN], "large, scanned": of_large[TWIN]}
    same = mode == OTHER_REGIONS
    stage.load.look()
    # each question is first put to both untimed: what the parts before left in the database's memory is of one of them
    measured = interleave(
        taking | scans, questions, processor=clock, sparse=dict.fromkeys(scans, 3), same=same, warm_up=queries
    )
    stage.load.look()
    stage.keep(f"growth from {recipe.programmes} ({mode})", measured.summary())
    what = "same results" if same else "more of the same"
    name = f"growth {recipe.programmes:,} to {grown.programmes:,}, {what}: large / small"
    ratio = measured.ratio("large", "small")
    stage.judge(goals.at_most(name, ratio, 1.3, stage.load) if same else goals.for_the_record(name, ratio, "no goal"))
    scanned = measured.ratio("large, scanned", "small, scanned")
    stage.say(f"a scan in the database grows by {scanned}")
    for each in (database, larger):
        each.dispose()


def _at_home(facts: dict[str, Any]) -> bool:
    return facts.get("beneficiary_nation") == HOME_NATION


@click.command("growth")
@click.option("--programmes", type=click.IntRange(1, 2_000_000), default=10_000, show_default=True)
@click.option("--proposals", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True)
@click.option("--queries", type=click.IntRange(2, 10_000), default=60, show_default=True)
@click.option("--mode", type=click.Choice([OTHER_REGIONS, SAME_MIX]), default=OTHER_REGIONS, show_default=True)
@staged
def main(programmes: int, proposals: int, queries: int, mode: str, database: str, seed: int) -> None:
    """Time a match in a corpus and in one five times as large, and judge the goal."""
    stage = stage_at(database, seed)
    judge_growth(stage, Recipe(programmes, proposals, seed), queries, mode)
    finish(stage, "growth")


if __name__ == "__main__":
    main()
