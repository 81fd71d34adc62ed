"""What one change of criteria costs, and that every worker knows of it at its next request.

    python -m benchmarks.update --changes 60

A change is the product's own: compile, keep and index the next version, and commit. It stands beside an UPDATE of one
row and its commit. Two processes, each with the whole application, are asked after each change for the match that the
change has turned: an answer of the version before would be a fault, and fails the goal.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import click
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from benchmarks import goals
from benchmarks.callers import answer_json, headers_of, request_to
from benchmarks.corpus import GROUP_OWNER, LOADER
from benchmarks.databases import application_on, connected
from benchmarks.draws import PROGRAMME, PROPOSAL, Market, Recipe, id_of
from benchmarks.measuring import interleave
from benchmarks.stage import Stage, finish, funder_actor, one_connection, stage_at, staged
from marketplace.eligibility.service import publish_version
from marketplace.programmes.models import Programme
from marketplace.programmes.service import publish_criteria
from marketplace.proposals.models import ProposalProjection
from marketplace.reference import codelists

WORKERS = 2
ASKED = id_of(PROPOSAL, 0)
"""A proposal of the group whose owner is logged in."""
CHANGED = id_of(PROGRAMME, 0)
"""The programme whose criteria change."""


def judge_update(stage: Stage, recipe: Recipe, changes: int) -> None:
    """The cost of a change, the product's and a bare one; then who sees it. On a copy: the corpus stays as it is."""
    corpus = stage.corpus(recipe)
    copied = f"{corpus.name}_changed"
    url = stage.server.copy(corpus.name, copied)
    try:
        _judge_cost(stage, recipe, url, changes)
        _judge_who_sees(stage, recipe, url, min(changes, 20))
    finally:
        stage.server.drop(copied)


def _judge_cost(stage: Stage, recipe: Recipe, url: str, changes: int) -> None:
    with connected(url) as connection:
        connection.execute("CREATE TABLE bench.counter (id integer PRIMARY KEY, n integer NOT NULL)")
        connection.execute("INSERT INTO bench.counter VALUES (1, 0)")
    database, clock = one_connection(url)
    market = Market(recipe)

    def bare(_turn: int) -> None:
        with Session(database) as current:
            current.execute(text("UPDATE bench.counter SET n = n + 1 WHERE id = 1"))
            current.commit()

    def publish(turn: int) -> None:
        drawn = market.programme(turn)
        with Session(database, autoflush=False) as current:
            publish_next(current, drawn.columns, drawn.tree.as_json())
            current.commit()

    def serve(turn: int) -> None:
        with Session(database, autoflush=False) as current:
            current.get_one(Programme, CHANGED).criteria = market.programme(turn).tree.as_json()
            publish_criteria(current, funder_actor(current, CHANGED), CHANGED)
            current.commit()

    stage.load.look()
    engines = {"bare": bare, "publish": publish, "serve": serve}
    measured = interleave(engines, range(changes), processor=clock, same=False, warm_up=2)
    stage.load.look()
    stage.keep(f"update at {recipe.programmes}", measured.summary())
    name = f"criteria change at {recipe.programmes:,}: version, index, commit / UPDATE"
    stage.judge(goals.at_most(name, measured.ratio("publish", "bare"), 10, stage.load))
    name = f"criteria change at {recipe.programmes:,}: whole service / UPDATE"
    stage.judge(goals.for_the_record(name, measured.ratio("serve", "bare"), "no goal"))
    database.dispose()


def _judge_who_sees(stage: Stage, recipe: Recipe, url: str, changes: int) -> None:
    database, _ = one_connection(url)
    stale = 0
    with workers(url) as asked:
        for turn in range(changes):
            met = turn % 2 == 0
            with Session(database, autoflush=False) as current:
                publish_next(current, open_columns(current), tree_that(met=met))
                current.commit()
            stale += sum(ask() != ("eligible" if met else "ineligible") for ask in asked)
    told = f"{stale} stale answers of {WORKERS} processes to {changes} changes"
    name = f"criteria change at {recipe.programmes:,}: seen at every worker's next request"
    stage.judge(goals.holds(name, stale == 0, told))
    database.dispose()


def publish_next(current: Session, columns: Mapping[str, Any], tree: Mapping[str, Any]) -> None:
    """The next version of the programme's criteria, as publishing makes and indexes it."""
    programme = current.scalars(select(Programme).where(Programme.id == CHANGED).with_for_update()).one()
    version = publish_version(
        current, programme_id=programme.id, columns=columns, author_tree=tree, published_by=LOADER
    )
    programme.current_criteria_version_id = version.id
    current.flush()


def open_columns(current: Session) -> dict[str, Any]:
    """Columns that the asked proposal meets."""
    currency = current.get_one(ProposalProjection, ASKED).currency
    return {"currency": currency, "instruments": [], "stages": [], "ask_min": None, "ask_max": None}


def tree_that(*, met: bool) -> dict[str, Any]:
    """A tree that the asked proposal, like any other, meets or fails."""
    stages = list(codelists.slugs("stages"))
    leaf = {"code": "ANY_STAGE", "fact": "stage", "op": "in" if met else "not_in", "value": stages}
    return {"schema_version": 1, "criteria": [leaf]}


# Other processes


@contextmanager
def workers(url: str) -> Iterator[list[Callable[[], str]]]:
    """Processes with an application each; for each a function that asks it for the match now."""
    spawning = multiprocessing.get_context("spawn")
    made: list[tuple[Any, Connection]] = []
    try:
        for _ in range(WORKERS):
            ours, theirs = spawning.Pipe()
            process = spawning.Process(target=_serve, args=(url, theirs), daemon=True)
            process.start()
            made.append((process, ours))
        yield [_asking(ours) for _, ours in made]
    finally:
        for process, ours in made:
            ours.close()
            process.join(20)


def _asking(pipe: Connection) -> Callable[[], str]:
    def ask() -> str:
        pipe.send("now")
        return str(pipe.recv())

    return ask


def _serve(url: str, pipe: Connection) -> None:
    """A worker: answers each message with the result of the match as its application gives it."""
    with application_on(url) as app:
        path = f"/v1/proposals/{ASKED}/matches/{CHANGED}"
        environ = request_to(path, headers_of(app, GROUP_OWNER))
        while True:
            try:
                pipe.recv()
            except EOFError:
                return
            pipe.send(answer_json(app.wsgi_app, environ)["result"])


@click.command("update")
@click.option("--programmes", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True)
@click.option("--proposals", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True)
@click.option("--changes", type=click.IntRange(2, 10_000), default=60, show_default=True)
@staged
def main(programmes: int, proposals: int, changes: int, database: str, seed: int) -> None:
    """Time a change of criteria, and assert that every worker sees it."""
    stage = stage_at(database, seed)
    judge_update(stage, Recipe(programmes, proposals, seed), changes)
    finish(stage, "update")


if __name__ == "__main__":
    main()
