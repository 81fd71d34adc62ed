"""From one proposal to its programmes: the product's seam beside EXISTS, the database's scan and Python.

    python -m benchmarks.match --programmes 10000 --queries 60

Also what ranking and explaining a page adds, and what twenty near misses cost.
"""

from typing import Any

import click
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from benchmarks import engines, goals
from benchmarks.corpus import Corpus
from benchmarks.draws import Recipe
from benchmarks.engines import FILTERED, JOINED, ORM, PYTHON, SEAM, THE_DAY, TWIN, ForProposal, forward_engines
from benchmarks.measuring import Clock, Measured, Spread, interleave
from benchmarks.normalised import normalise
from benchmarks.stage import Stage, finish, group_actor, one_connection, proposal_questions, stage_at, staged
from marketplace.matching import candidates, service
from marketplace.matching.candidates import Stretch

PAGE = 20
LARGE = 100_000
"""From so many programmes on the stricter goals hold."""
MOST_NORMALISED = 200_000
"""Past so many programmes the yardsticks in Python and over normalised rows would take hours, and are left out."""
SLOW = {TWIN: 6, ORM: 3, PYTHON: 3}
"""How many of the questions the slow engines take."""


def judge_match(stage: Stage, recipe: Recipe, queries: int) -> None:
    """All matching ids of a result, every engine, the answers equal."""
    corpus = stage.corpus(recipe)
    large = recipe.programmes >= LARGE
    database, clock = one_connection(corpus.url)
    comparable = recipe.programmes <= MOST_NORMALISED
    normalised = normalise(corpus.url, THE_DAY, stage.say) if comparable else None
    taking = forward_engines(database, normalised)
    if not comparable:
        taking = {name: taking[name] for name in (SEAM, TWIN)}
    questions = proposal_questions(database, recipe, queries)
    stage.load.look()
    measured = interleave(taking, questions, processor=clock, sparse=SLOW, warm_up=2)
    stage.load.look()
    stage.keep(f"match at {recipe.programmes}", {**measured.summary(), "results": results(taking[SEAM], questions)})
    size = f"at {recipe.programmes:,}"
    if comparable:
        exists = min((JOINED, FILTERED), key=lambda name: measured.ratio(name, SEAM).median)
        _judge(stage, measured, exists, f"match {size}: EXISTS joins / seam", 10 if large else 4)
        _judge(stage, measured, ORM, f"match {size}: ORM and evaluator / seam", 500 if large else 400)
        bare = measured.ratio(PYTHON, SEAM)
        stage.judge(goals.for_the_record(f"match {size}: leanest Python / seam", bare, "no goal"))
    twin = measured.ratio(TWIN, SEAM)
    stage.judge(goals.for_the_record(f"match {size}: scan in the database / seam", twin, "no goal"))
    judge_page(stage, corpus, database, clock, questions)
    judge_near_misses(stage, corpus, database, clock, questions)
    database.dispose()


def _judge(stage: Stage, measured: Measured, engine: str, name: str, target: float) -> None:
    stage.judge(goals.at_least(name, measured.ratio(engine, SEAM), target, stage.load))
    processor = measured.ratio(engine, SEAM, processor=True)
    stage.say(f"{name}, processor time: {processor} ({engine})")


def results(seam: Any, questions: list[ForProposal]) -> dict[str, Any]:
    """How many ids the answers hold."""
    counts: dict[str, list[float]] = {}
    for question in questions[:20]:
        counts.setdefault(question.result.value, []).append(len(seam(question)))
    return {result: Spread.of(numbers).as_json() for result, numbers in counts.items()}


def judge_page(stage: Stage, corpus: Corpus, database: Engine, clock: Clock, questions: list[ForProposal]) -> None:
    """What the service adds to its candidates: loading the page, evaluating and explaining it, for both sides."""

    def found(question: ForProposal) -> Any:
        with Session(database, autoflush=False) as current:
            facts = candidates.own_facts(question.facts)
            return candidates.candidates_for_proposal(current, facts, THE_DAY, Stretch(PAGE + 1))

    def page(question: ForProposal) -> Any:
        query = {"limit": PAGE, "as_of": THE_DAY}
        with Session(database, autoflush=False) as current:
            actor = group_actor(current, question.proposal_id)
            return service.matches_for_proposal(current, actor, question.proposal_id, query, None, strict=True)

    stage.load.look()
    measured = interleave({"candidates": found, "page": page}, questions, processor=clock, same=False)
    stage.load.look()
    wall = measured.wall
    adds = [max(0.0, wall["page"][each] - wall["candidates"][each]) / wall["candidates"][each] for each in wall["page"]]
    pages = sorted(wall["page"].values())
    stage.keep(f"page at {corpus.recipe.programmes}", measured.summary())
    name = f"match page at {corpus.recipe.programmes:,}: explaining / match"
    if corpus.recipe.programmes >= LARGE:
        stage.judge(goals.at_most(name, Spread.of(adds), 0.6, stage.load))
        stage.judge(
            goals.at_most(f"match page at {corpus.recipe.programmes:,}: p99 / p50", tail(pages), 20, stage.load)
        )
    else:
        stage.judge(goals.for_the_record(name, Spread.of(adds), f"the goal is for {LARGE:,}"))


def tail(times: list[float]) -> Spread:
    """The ninety-ninth percentile over the median of sorted times."""
    worst = times[min(len(times) - 1, int(len(times) * 0.99))]
    return Spread.of([worst / times[len(times) // 2]])


def judge_near_misses(
    stage: Stage, corpus: Corpus, database: Engine, clock: Clock, questions: list[ForProposal]
) -> None:
    """Twenty near misses beside a match, where the product offers them."""
    name = f"near misses at {corpus.recipe.programmes:,}: twenty / match"
    near = getattr(candidates, "near_for_proposal", None)
    if near is None:
        stage.judge(goals.not_measured(name, "the product lists no near misses yet"))
        return

    def missed(question: ForProposal) -> Any:
        with Session(database, autoflush=False) as current:
            return near(current, candidates.own_facts(question.facts), THE_DAY)

    seam = engines.forward_engines(database, None)[SEAM]
    stage.load.look()
    measured = interleave({"near": missed, SEAM: seam}, questions, processor=clock, same=False)
    stage.load.look()
    stage.keep(f"near misses at {corpus.recipe.programmes}", measured.summary())
    stage.judge(goals.at_most(name, measured.ratio("near", SEAM), 3, stage.load))


@click.command("match")
@click.option("--programmes", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True)
@click.option("--proposals", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True)
@click.option("--queries", type=click.IntRange(2, 10_000), default=60, show_default=True)
@staged
def main(programmes: int, proposals: int, queries: int, database: str, seed: int) -> None:
    """Time matching a proposal against every engine, and judge the goals."""
    stage = stage_at(database, seed)
    judge_match(stage, Recipe(programmes, proposals, seed), queries)
    finish(stage, "match")


if __name__ == "__main__":
    main()
