"""Where a benchmark plays: the server and its corpora, what has been judged so far, and the record that is kept.

Knows how a run reports itself: progress and one line per goal for people, JSON under the instance's `benchmarks` folder
for machines, with versions, seed, sizes and quartiles.
"""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import click
import orjson
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from benchmarks.corpus import LOADER, Corpus, ensure_corpus
from benchmarks.databases import EMBEDDED, Server, bench_folder, connected, engine_of, server_at
from benchmarks.draws import PROGRAMME, PROPOSAL, Recipe, id_of
from benchmarks.engines import ForProgramme, ForProposal
from benchmarks.goals import MISS, Judged
from benchmarks.measuring import Clock, Load, with_backend
from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.rules import Result
from marketplace.identity.models import Organisation
from marketplace.programmes.models import Programme
from marketplace.proposals.models import Proposal, ProposalProjection
from marketplace.values.actor import Actor, Membership, Role

PACKAGES = (
    "Flask",
    "SQLAlchemy",
    "psycopg",
    "marshmallow",
    "flask-smorest",
    "flask-jwt-extended",
    "gunicorn",
    "orjson",
)
TOLD = (
    *("server_version", "shared_buffers", "work_mem", "jit", "max_parallel_workers_per_gather", "random_page_cost"),
    *("synchronous_commit", "fsync"),
)
"""Settings of the database that bear on the figures."""
PARALLEL = 1_000_000
"""A corpus with so many programmes or proposals is looked through by several of the database's processes at a time."""
BOTH = (Result.ELIGIBLE, Result.NEEDS_INFORMATION)


@dataclass(slots=True)
class Stage:
    """One run of one or more benchmarks."""

    server: Server
    seed: int = 2
    load: Load = field(default_factory=Load)
    judged: list[Judged] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)

    def say(self, line: str) -> None:
        """Progress, on standard error."""
        click.echo(f"  {line}", err=True)

    def corpus(self, recipe: Recipe) -> Corpus:
        """The recipe's corpus, loaded if need be; from PARALLEL rows on its statements take the database's workers."""
        parallel = max(recipe.programmes, recipe.proposals) >= PARALLEL
        workers = int(machine(self.server)["postgresql"]["max_parallel_workers_per_gather"]) if parallel else 0
        self.load.own = 1.0 + workers
        return ensure_corpus(self.server, recipe, self.say)

    def judge(self, *judged: Judged) -> None:
        """Keep and print the goals' lines."""
        for each in judged:
            self.judged.append(each)
            click.echo(str(each))

    def keep(self, part: str, what: Any) -> None:
        """Keep figures for the record."""
        self.record[part] = what

    def write(self, name: str) -> Path:
        """Write the record; its file."""
        folder = bench_folder()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.json"
        written = {
            "benchmark": name,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seed": self.seed,
            "machine": machine(self.server),
            "load_averages": self.load.seen,
            "goals": [each.as_json() for each in self.judged],
            "figures": self.record,
        }
        path.write_bytes(orjson.dumps(written, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))
        self.say(f"written to {path}")
        return path

    @property
    def missed(self) -> bool:
        return any(each.verdict == MISS for each in self.judged)


def machine(server: Server) -> dict[str, Any]:
    """What the figures were measured on."""
    with connected(server.url) as connection:
        settings = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY (%s)", [list(TOLD)]
        ).fetchall()
    return {
        "processors": os.cpu_count(),
        "processor": _processor(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "postgresql": dict(settings),
    }


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


# Who asks, and what


def proposal_questions(
    database: Engine, recipe: Recipe, number: int, wanted: Callable[[dict[str, Any]], bool] = bool
) -> list[ForProposal]:
    """`number` questions of proposals drawn from the recipe, one result after the other."""
    random = Random(recipe.seed)
    questions: list[ForProposal] = []
    with Session(database) as current:
        while len(questions) < number:
            proposal_id = id_of(PROPOSAL, random.randrange(recipe.proposals))
            facts = current.scalars(select(ProposalProjection.facts).filter_by(proposal_id=proposal_id)).one()
            if wanted(facts):
                questions.append(ForProposal(proposal_id, facts, BOTH[len(questions) % 2]))
    return questions


def programme_questions(database: Engine, recipe: Recipe, number: int) -> list[ForProgramme]:
    """`number` questions of programmes drawn from the recipe, one result after the other."""
    random = Random(recipe.seed)
    versions = (
        select(Programme.id, Programme.organisation_id, CriteriaVersion.tree)
        .join(CriteriaVersion, CriteriaVersion.id == Programme.current_criteria_version_id)
        .order_by(Programme.id)
    )
    questions = []
    with Session(database) as current:
        for turn in range(number):
            programme_id = id_of(PROGRAMME, random.randrange(recipe.programmes))
            found = current.execute(versions.where(Programme.id == programme_id)).one()
            questions.append(ForProgramme(found[0], found[1], found[2], BOTH[turn % 2]))
    return questions


def group_actor(current: Session, proposal_id: Any) -> Actor:
    """The owner of that proposal's group."""
    return _owner(current, current.get_one(Proposal, proposal_id).organisation_id)


def funder_actor(current: Session, programme_id: Any) -> Actor:
    """The owner of that programme's organisation."""
    return _owner(current, current.get_one(Programme, programme_id).organisation_id)


def _owner(current: Session, organisation_id: Any) -> Actor:
    organisation = current.get_one(Organisation, organisation_id)
    membership = Membership(organisation.id, Role.OWNER, organisation.kind, organisation.verification)
    return Actor(user_id=LOADER, memberships=(membership,))


def one_connection(url: str) -> tuple[Engine, Clock]:
    """An engine whose every session uses one connection, and the processor clock of both of its ends."""
    database = engine_of(url)
    with database.connect() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
    return database, with_backend(pid)


# The command line


def staged(play: Callable[..., None]) -> Callable[..., None]:
    """A command's usual options: where the databases are, and the seed."""
    play = click.option("--seed", type=click.IntRange(0, 32_767), default=2, show_default=True)(play)
    return click.option("--database", default=EMBEDDED, show_default=True, help="`embedded`, or a server's URL.")(play)


def stage_at(database: str, seed: int) -> Stage:
    return Stage(server_at(database), seed)


def finish(stage: Stage, name: str) -> None:
    """Write the record; exit 1 where a goal was missed."""
    stage.write(name)
    raise SystemExit(1 if stage.missed else 0)
