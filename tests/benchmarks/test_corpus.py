"""A small corpus in a database of its own: as the services write it, and every engine gives the same answers."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from benchmarks.corpus import PROGRAMME_TABLES, PROPOSAL_TABLES, Corpus, ensure_corpus
from benchmarks.databases import Server, connected
from benchmarks.draws import FORTY_BY_FOURTEEN, TWO_HUNDRED_BRANCHES, Recipe
from benchmarks.engines import THE_DAY, forward_engines, reverse_engines
from benchmarks.measuring import interleave
from benchmarks.normalised import normalise
from benchmarks.stage import one_connection, programme_questions, proposal_questions
from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.service import publish_version
from marketplace.programmes.models import Programme
from marketplace.programmes.service import draft_columns
from marketplace.proposals.models import Proposal, ProposalProjection
from marketplace.proposals.projection import refresh_projection
from marketplace.store.base import db

RECIPE = Recipe(programmes=200, proposals=80, seed=5)


def _quietly(_line: str) -> None:
    """No progress in tests."""


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(server_url: str) -> Iterator[Server]:
    kept = Server(server_url)
    before = set(kept.names())
    yield kept
    for name in set(kept.names()) - before:
        kept.drop(name)


@pytest.fixture(scope="module")
def corpus(server: Server) -> Corpus:
    return ensure_corpus(server, RECIPE, _quietly)


@pytest.fixture
def database(corpus: Corpus) -> Iterator[Engine]:
    engine, _ = one_connection(corpus.url)
    yield engine
    engine.dispose()


def test_a_corpus_is_found_again_and_one_of_another_program_is_made_anew(server: Server) -> None:
    recipe = Recipe(programmes=5, proposals=5, seed=5)
    made = ensure_corpus(server, recipe, _quietly)
    again = ensure_corpus(server, recipe, _quietly)
    with connected(made.url) as connection:
        connection.execute("UPDATE bench.corpus SET migrations = 'of another program'")
    anew = ensure_corpus(server, recipe, _quietly)

    assert made.loaded_in is not None
    assert again.loaded_in is None
    assert anew.loaded_in is not None


def test_only_databases_of_the_benchmarks_own_are_made_and_dropped(server: Server) -> None:
    for name in ("postgres", "marketplace", 'bench_"; DROP', "bench_"):
        with pytest.raises(ValueError, match="only, not"):
            server.drop(name)


def test_what_is_copied_is_what_publishing_would_have_written(database: Engine) -> None:
    with Session(database, autoflush=False) as current:
        for programme in current.scalars(select(Programme).order_by(Programme.id).limit(30)):
            copied = current.get_one(CriteriaVersion, programme.current_criteria_version_id)
            published = publish_version(
                current,
                programme_id=programme.id,
                columns=draft_columns(programme),
                author_tree=programme.criteria,
                published_by=copied.published_by,
            )
            assert (published.tree, published.columns) == (copied.tree, copied.columns)
        current.rollback()


def test_the_copied_projection_is_the_one_that_the_product_keeps(database: Engine) -> None:
    columns = [column.key for column in ProposalProjection.__table__.columns]
    with Session(database, autoflush=False) as current:
        for proposal in current.scalars(select(Proposal).order_by(Proposal.id).limit(30)):
            row = current.get_one(ProposalProjection, proposal.id)
            copied = {name: getattr(row, name) for name in columns}
            refresh_projection(current, proposal)
            assert {name: getattr(row, name) for name in columns} == copied
        current.rollback()


def test_every_foreign_key_is_back_and_validated(database: Engine) -> None:
    copied = [db.metadata.tables[name] for name in (*PROGRAMME_TABLES, *PROPOSAL_TABLES)]
    promised = {str(key.name) for table in copied for key in table.foreign_key_constraints}
    with database.connect() as connection:
        kept = connection.exec_driver_sql("SELECT conname FROM pg_constraint WHERE contype = 'f' AND convalidated")
        validated = set(kept.scalars())

    assert promised - validated == set()


def test_every_engine_finds_the_same_programmes(corpus: Corpus, database: Engine) -> None:
    engines = forward_engines(database, normalise(corpus.url, THE_DAY, _quietly))
    questions = proposal_questions(database, RECIPE, 8)

    interleave(engines, questions, warm_up=0)
    assert sum(len(engines["seam"](question)) for question in questions) > 0


def test_every_engine_finds_the_same_proposals(database: Engine) -> None:
    engines = reverse_engines(database)
    questions = programme_questions(database, RECIPE, 8)

    interleave(engines, questions, warm_up=0)
    assert sum(len(engines["seam"](question)) for question in questions) > 0


def test_a_corpus_has_what_its_recipe_says(database: Engine) -> None:
    with Session(database) as current:
        assert current.scalar(select(func.count()).select_from(Programme)) == RECIPE.programmes
        assert current.scalar(select(func.count()).select_from(ProposalProjection)) == RECIPE.proposals


@pytest.mark.parametrize("shape", [TWO_HUNDRED_BRANCHES, FORTY_BY_FOURTEEN, "wildcard", "hot-city", "half-unknown"])
def test_under_stress_every_engine_still_finds_the_same(server: Server, shape: str) -> None:
    recipe = Recipe(programmes=400, proposals=200, seed=3, shape=shape)
    stressed = ensure_corpus(server, recipe, _quietly)
    database, _ = one_connection(stressed.url)

    interleave(
        forward_engines(database, normalise(stressed.url, THE_DAY, _quietly)),
        proposal_questions(database, recipe, 20),
        warm_up=0,
    )
    interleave(reverse_engines(database), programme_questions(database, recipe, 20), warm_up=0)
    database.dispose()
