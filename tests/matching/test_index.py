"""What the index finds is what the evaluator says: class, fit, order, pages and counts, for every shape of market."""

import threading
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import case, event, func, literal, null, select, text, update
from sqlalchemy.orm import Session

from benchmarks.draws import SHAPES, Market, Recipe
from marketplace.eligibility.cells import LAYOUT, MOST_ROWS, point_of
from marketplace.eligibility.distance import gates_away
from marketplace.eligibility.indexing import CELLS, index_version
from marketplace.eligibility.models import CriteriaVersion, IndexedCriteria
from marketplace.eligibility.rules import Result, evaluate
from marketplace.eligibility.service import publish_version
from marketplace.identity.models import Organisation
from marketplace.matching import candidates
from marketplace.matching.candidates import Stretch, facts_shared, own_facts
from marketplace.matching.commands import index_what_is_missing
from marketplace.matching.index import cells_missed, parameters_of
from marketplace.matching.rules import Candidate
from marketplace.programmes.models import Programme
from marketplace.programmes.service import draft_columns
from marketplace.proposals.models import Proposal, ProposalProjection
from marketplace.proposals.points import POINTS
from marketplace.proposals.queries import sharing_of
from marketplace.reference.facts import derive
from marketplace.reference.parameters import values_on
from marketplace.store.base import db
from marketplace.values.actor import VERIFIED_STATES
from tests.builders import a_member, an_organisation
from tests.eligibility.points import random_facts, random_tree
from tests.matching.builders import a_criterion, a_programme, a_proposal
from tests.matching.markets import THE_DAY, RandomMarket

pytestmark = pytest.mark.slow

PARAMETERS = values_on(THE_DAY)
EVERYTHING = 100_000
Facts = dict[str, Any]
Looked = Callable[[Stretch], list[Candidate]]


def looked_at(session: Session) -> list[tuple[UUID, UUID, dict[str, Any]]]:
    """Id, organisation and criteria of each programme that matches look at."""
    rows = (
        select(Programme.id, Programme.organisation_id, CriteriaVersion.tree)
        .join(CriteriaVersion, CriteriaVersion.id == Programme.current_criteria_version_id)
        .join(Organisation, Organisation.id == Programme.organisation_id)
        .where(Organisation.verification.in_(VERIFIED_STATES))
    )
    return [(id_, organisation, tree) for id_, organisation, tree in session.execute(rows)]


def ranked(told: dict[UUID, tuple[int, int]]) -> list[Candidate]:
    found = [Candidate(id_, rank, fit) for id_, (rank, fit) in told.items()]
    return sorted(found, key=lambda each: (each.rank, -each.fit, each.id))


def judged(tree: dict[str, Any], facts: Facts, assurance: dict[str, str] | None = None) -> tuple[int, int]:
    told = evaluate(tree, facts, parameters=PARAMETERS, assurance=assurance)
    return told.result.rank, told.fit


def judged_through(session: Session, tree: dict[str, Any], proposal_id: UUID, organisation: UUID) -> tuple[int, int]:
    """The same over what that organisation is shown of the proposal."""
    view = sharing_of(session, proposal_id, organisation, THE_DAY)
    return judged(tree, view.facts, view.assurance)


def walked(look: Looked, limit: int, result: Result | None = None) -> list[Candidate]:
    """All pages, one after the other."""
    found: list[Candidate] = []
    while page := look(Stretch(limit, found[-1] if found else None, result)):
        found += page
    return found


def for_facts(session: Session, facts: Facts) -> Looked:
    return lambda stretch: candidates.candidates_for_proposal(session, own_facts(facts), THE_DAY, stretch)


def counts(expected: list[Candidate]) -> dict[Result, int]:
    return {candidates.RESULTS[rank]: number for rank, number in Counter(each.rank for each in expected).items()}


def test_random_programmes_stand_for_random_facts_where_the_evaluator_puts_them(session: Session) -> None:
    random = Random(41)
    RandomMarket(session, random).fill(programmes=60, proposals=0)
    programmes = looked_at(session)
    results: Counter[Result] = Counter()
    pairs = 0

    for place in range(230):
        facts = random_facts(random, random.choice([0.5, 0.9]))
        expected = ranked({id_: judged(tree, facts) for id_, _, tree in programmes})
        look = for_facts(session, facts)
        pairs += len(expected)
        results += Counter(counts(expected))

        assert look(Stretch(EVERYTHING)) == expected
        assert candidates.count_for_proposal(session, own_facts(facts), THE_DAY) == counts(expected)
        if place % 20 == 0:
            assert walked(look, 7) == expected
            for result in Result:
                assert walked(look, 5, result) == [each for each in expected if each.rank == result.rank]

    assert pairs >= 10_000
    assert set(results) == set(Result)


@pytest.mark.soak
def test_a_hundred_thousand_random_pairs_stand_where_the_evaluator_puts_them(session: Session) -> None:
    random = Random(4100)
    session.execute(text("SET statement_timeout = '60s'"))
    funder = an_organisation(session, kind="funder")
    by = a_member(session, funder).id
    for _ in range(500):
        publish_tree(session, funder, by, random_tree(random).as_json())
    programmes = looked_at(session)

    for _ in range(200):
        facts = random_facts(random, random.choice([0.5, 0.9]))
        expected = ranked({id_: judged(tree, facts) for id_, _, tree in programmes})
        assert for_facts(session, facts)(Stretch(EVERYTHING)) == expected


def publish_tree(session: Session, funder: Organisation, by: UUID, tree: dict[str, Any]) -> Programme:
    """A programme with exactly this compiled tree, whatever its columns say."""
    programme = a_programme(session, funder, by, published=False)
    version = CriteriaVersion(
        programme_id=programme.id,
        number=1,
        tree=tree,
        columns=draft_columns(programme),
        author_tree=tree,
        published_by=by,
    )
    session.add(version)
    session.flush()
    index_version(session, version)
    programme.current_criteria_version_id = version.id
    session.flush()
    return programme


@pytest.fixture
def market(session: Session) -> RandomMarket:
    return RandomMarket(session, Random(8)).fill(programmes=18, proposals=18)


def test_over_what_each_organisation_is_shown_the_index_says_what_the_evaluator_says(
    session: Session, market: RandomMarket
) -> None:
    programmes = looked_at(session)
    for proposal, _ in market.proposals:
        if proposal.current_version_id is None:
            continue
        facts = facts_shared(literal(proposal.id), Programme.organisation_id, THE_DAY)
        expected = ranked(
            {id_: judged_through(session, tree, proposal.id, organisation) for id_, organisation, tree in programmes}
        )

        found = candidates.candidates_for_proposal(session, facts, THE_DAY, Stretch(EVERYTHING))

        assert found == expected
        assert candidates.count_for_proposal(session, facts, THE_DAY) == counts(expected)


def test_a_rule_finds_the_proposals_that_the_evaluator_finds_over_what_its_organisation_is_shown(
    session: Session, market: RandomMarket
) -> None:
    published = [proposal.id for proposal, _ in market.proposals if proposal.current_version_id is not None]
    results: Counter[Result] = Counter()
    for _, organisation, tree in looked_at(session):
        expected = ranked({id_: judged_through(session, tree, id_, organisation) for id_ in published})
        results += Counter(counts(expected))
        through = literal(organisation)

        def look(stretch: Stretch, tree: Any = tree, through: Any = through) -> list[Candidate]:
            return candidates.candidates_for_programme(session, tree, through, THE_DAY, stretch)

        assert look(Stretch(EVERYTHING)) == expected
        assert walked(look, 5) == expected
        assert candidates.count_for_programme(session, tree, through, THE_DAY) == counts(expected)

    assert set(results) == set(Result)


def test_a_rule_counts_what_was_granted_only_for_proposals_that_are_looked_at_through_its_organisation(
    session: Session,
) -> None:
    """One criterion is packed, one is left to the evaluator's twin, one speaks of a fact that is granted."""
    funder = an_organisation(session, kind="funder")
    member = a_member(session, funder)
    group = an_organisation(session)
    programme = a_programme(
        session,
        funder,
        member.id,
        a_criterion("SOCIAL", "social_enterprise", "eq", True),
        a_criterion("SINCE", "trading_since", "lte", "2024-01-01", assurance="verified"),
        a_criterion("TURNOVER", "turnover", "gte", {"amount": 5, "currency": "GBP"}),
    )
    tree = session.get_one(CriteriaVersion, programme.current_criteria_version_id).tree
    facts = {
        "social_enterprise": True,
        "trading_since": "2020-01-01",
        "turnover": {"amount": 5, "currency": "GBP"},
    }
    closed = {"turnover": "confidential"}
    levels = {"trading_since": "verified"}
    told, hidden, untold = (
        a_proposal(session, group, member.id, facts, choices=closed, grants=grants, levels=levels).id
        for grants in ({funder.id: ["turnover"]}, {funder.id: ["turnover"]}, {})
    )
    through = case((Proposal.id == hidden, null()), else_=literal(funder.id))

    found = candidates.candidates_for_programme(session, tree, through, THE_DAY, Stretch(EVERYTHING))

    assert found == [Candidate(told, 0, 100), *(Candidate(each, 1, 100) for each in sorted([hidden, untold]))]
    assert candidates.count_for_programme(session, tree, through, THE_DAY) == counts(found)


def test_a_page_of_a_rule_goes_on_in_the_order_of_fit_and_ids(session: Session) -> None:
    """Soft criteria of every kind: packed ones, and one, TEAM, that is left to the evaluator's twin."""
    funder = an_organisation(session, kind="funder")
    member = a_member(session, funder)
    group = an_organisation(session)
    wishes = [
        a_criterion("YEARS", "years_trading", "gte", 3, level="soft", weight=3),
        a_criterion("SOCIAL", "social_enterprise", "eq", True, level="soft", weight=2),
        a_criterion("SINCE", "trading_since", "at_least_months_before", 24, level="soft", weight=1),
        a_criterion("TEAM", "staff_count", "gte", 5, level="soft", weight=4, assurance="verified"),
        a_criterion("PLACE", "area_code", "within", ["E12000007"], level="soft", weight=1),
    ]
    programme = a_programme(session, funder, member.id, *wishes)
    tree = session.get_one(CriteriaVersion, programme.current_criteria_version_id).tree
    answers = {
        "years_trading": [2, 3],
        "social_enterprise": [True, False],
        "trading_since": ["2020-01-01", "2026-09-01"],
        "staff_count": [4, 5],
        "area_code": ["E09000012", "E08000035"],
    }
    random = Random(5)
    published = []
    for _ in range(24):
        facts = {slug: random.choice(values) for slug, values in answers.items() if random.random() < 0.8}
        levels = {"staff_count": random.choice(["evidenced", "verified"])} if "staff_count" in facts else {}
        published.append(a_proposal(session, group, member.id, facts, levels=levels).id)
    expected = ranked({id_: judged_through(session, tree, id_, funder.id) for id_ in published})

    def look(stretch: Stretch) -> list[Candidate]:
        return candidates.candidates_for_programme(session, tree, literal(funder.id), THE_DAY, stretch)

    assert look(Stretch(EVERYTHING)) == expected
    assert [walked(look, limit) for limit in (1, 2, 7)] == [expected] * 3
    assert len({each.fit for each in expected}) > 5


@pytest.mark.parametrize("shape", SHAPES)
def test_markets_of_every_shape_stay_within_bounds_and_stand_where_the_evaluator_puts_them(
    session: Session, shape: str
) -> None:
    drawn = Market(Recipe(programmes=101, proposals=20, seed=5, shape=shape))
    funder = an_organisation(session, kind="funder")
    by = a_member(session, funder).id
    group = an_organisation(session)
    for number in (0, 20, 100, *range(1, 10)):
        one = drawn.programme(number)
        a_programme(session, funder, by, *one.tree.as_json()["criteria"], **one.columns)
    published = []
    for number in range(6):
        proposal = drawn.proposal(number)
        published.append(a_proposal(session, group, by, proposal.answers, ask=proposal.ask).id)
    programmes = looked_at(session)
    most = session.scalar(select(func.max(IndexedCriteria.cells))) or 0

    for number, proposal_id in enumerate(published):
        one = drawn.proposal(number)
        facts = derive(one.answers, one.ask, None)
        expected = ranked({id_: judged(tree, facts) for id_, _, tree in programmes})
        assert for_facts(session, facts)(Stretch(EVERYTHING)) == expected, proposal_id
    for _, organisation, tree in programmes:
        expected = ranked({id_: judged_through(session, tree, id_, organisation) for id_ in published})
        through = literal(organisation)
        assert candidates.candidates_for_programme(session, tree, through, THE_DAY, Stretch(EVERYTHING)) == expected

    assert 0 < most <= MOST_ROWS


def many_ways() -> list[dict[str, Any]]:
    """Twelve choices of two: 4096 alternatives."""
    return [
        {
            "any": [
                a_criterion(f"Y{at}", "years_trading", "gte", at),
                a_criterion(f"S{at}", "staff_count", "gte", 10 * at),
            ]
        }
        for at in range(12)
    ]


def test_the_index_never_says_that_more_is_unmet_than_is(session: Session) -> None:
    random = Random(11)
    funder = an_organisation(session, kind="funder")
    by = a_member(session, funder).id
    trees = {}
    for _ in range(80):
        tree = random_tree(random)
        trees[publish_tree(session, funder, by, tree.as_json()).id] = tree
    missed = cells_missed()
    said: Counter[int] = Counter()

    for _ in range(60):
        facts = random_facts(random, 0.9)
        point = parameters_of(point_of(facts), facts, THE_DAY)
        for id_, bound in session.execute(select(missed.c.programme_id, missed.c.bound), point):
            told = evaluate(trees[id_], facts, parameters=PARAMETERS)
            if told.result is Result.INELIGIBLE:
                assert bound <= gates_away(trees[id_], told).unmet, (trees[id_], facts)
                said[bound] += 1

    assert min(said[bound] for bound in (0, 1, 2)) > 0, said


def test_criteria_with_too_many_alternatives_are_evaluated_in_every_search(session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    member = a_member(session, funder)
    programme = a_programme(session, funder, member.id, *many_ways())
    proposal = a_proposal(session, an_organisation(session), member.id, {"years_trading": 3, "staff_count": 200})
    header = session.get_one(IndexedCriteria, programme.id)
    tree = looked_at(session)[0][2]
    facts = {"years_trading": 3, "staff_count": 200, "ask_currency": "GBP"}

    found = candidates.candidates_for_programme(session, tree, literal(funder.id), THE_DAY, Stretch(5))

    assert (header.layout, header.cells) == (LAYOUT, 0)
    assert for_facts(session, facts)(Stretch(5)) == [Candidate(programme.id, *judged(tree, facts))]
    assert [each.id for each in found] == [proposal.id]


def test_facts_without_a_place_in_the_index_are_evaluated(session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    member = a_member(session, funder)
    place = a_criterion("AREA", "areas", "contains_any", ["E08000035"])
    programme = a_programme(session, funder, member.id, place)
    facts = {"ask_currency": "GBP", "areas": ["E08000035"]}

    assert for_facts(session, facts)(Stretch(5)) == [Candidate(programme.id, 0, 100)]


def test_a_programme_that_nobody_indexed_is_found_and_then_indexed(session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    member = a_member(session, funder)
    asked = a_criterion("SOCIAL", "social_enterprise", "eq", True)
    programme = a_programme(session, funder, member.id, asked)
    older = session.get_one(CriteriaVersion, programme.current_criteria_version_id)
    other = {**older.tree, "criteria": [{**asked, "value": False, "level": "hard"}]}
    newer = CriteriaVersion(
        programme_id=programme.id,
        number=2,
        tree=other,
        columns=older.columns,
        author_tree=other,
        published_by=member.id,
    )
    session.add(newer)
    session.flush()
    facts = {"social_enterprise": False, "ask_currency": "GBP"}

    session.execute(text("UPDATE programme SET current_criteria_version_id = :id"), {"id": newer.id})
    header = session.get_one(IndexedCriteria, programme.id, populate_existing=True)
    waiting = (header.layout, session.scalar(select(func.count()).select_from(CELLS)))
    found = for_facts(session, facts)(Stretch(5, result=Result.ELIGIBLE))
    indexed = index_what_is_missing(session)

    assert waiting == (0, 0)
    assert [each.id for each in found] == [programme.id]
    assert indexed == (1, 0)
    assert index_what_is_missing(session) == (0, 0)
    assert session.scalar(select(func.count()).select_from(CELLS)) == 1
    assert for_facts(session, facts)(Stretch(5, result=Result.ELIGIBLE)) == found


def test_open_facts_that_nobody_placed_are_found_and_then_placed(session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    member = a_member(session, funder)
    programme = a_programme(session, funder, member.id, a_criterion("SOCIAL", "social_enterprise", "eq", True))
    proposal = a_proposal(session, an_organisation(session), member.id, {"social_enterprise": False})
    tree = session.get_one(CriteriaVersion, programme.current_criteria_version_id).tree
    row = session.get_one(ProposalProjection, proposal.id)

    def eligible() -> list[UUID]:
        stretch = Stretch(5, result=Result.ELIGIBLE)
        found = candidates.candidates_for_programme(session, tree, literal(funder.id), THE_DAY, stretch)
        return [each.id for each in found]

    before = eligible()
    session.execute(
        update(ProposalProjection).values(open_facts={**row.open_facts, "social_enterprise": True}),
        execution_options={"synchronize_session": False},
    )
    after = eligible()

    assert (before, after) == ([], [proposal.id])
    assert session.scalar(select(POINTS.c.layout)) == 0
    assert index_what_is_missing(session) == (0, 1)
    assert session.scalar(select(POINTS.c.layout)) == LAYOUT
    assert eligible() == [proposal.id]


def test_nothing_confidential_is_placed(session: Session) -> None:
    group = an_organisation(session)
    by = a_member(session, group).id
    answers = {"area_code": "E08000035", "turnover": {"amount": 5, "currency": "GBP"}, "social_enterprise": True}
    closed = {"social_enterprise": "confidential"}

    def point(facts: Facts) -> Any:
        proposal = a_proposal(session, group, by, facts, choices=closed)
        columns = [column for column in POINTS.c if column.name != "proposal_id"]
        return session.execute(select(*columns).where(POINTS.c.proposal_id == proposal.id)).one()

    assert point(answers | {"turnover": {"amount": 999, "currency": "GBP"}, "social_enterprise": False}) == point(
        answers
    )
    assert point({}).position is None


def test_a_question_about_named_ones_goes_past_the_index(session: Session, market: RandomMarket) -> None:
    programme, _ = next(each for each in market.programmes if each[0].current_criteria_version_id is not None)
    proposal, _ = next(each for each in market.proposals if each[0].current_version_id is not None)
    tree = session.get_one(CriteriaVersion, programme.current_criteria_version_id).tree
    statements: list[str] = []

    def keep(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", keep)
    try:
        for here in (Programme.id == programme.id, Programme.id.in_([programme.id])):
            candidates.candidates_for_proposal(session, own_facts({}), THE_DAY, Stretch(1), here)
        for there in (Proposal.id == proposal.id, Proposal.id.in_([proposal.id])):
            candidates.candidates_for_programme(session, tree, literal(proposal.id), THE_DAY, Stretch(1), there)
        assert len(statements) == 4
        assert not [each for each in statements if "cells_" in each or "proposal_point" in each]

        found = Proposal.id.in_(select(Proposal.id).where(Proposal.id == proposal.id))
        candidates.candidates_for_programme(session, tree, literal(proposal.id), THE_DAY, Stretch(1), found)
        assert "proposal_point" in statements[4]
    finally:
        event.remove(engine, "before_cursor_execute", keep)


def test_a_change_of_criteria_counts_in_the_next_search_of_another_connection(committed_app: Flask) -> None:
    with committed_app.app_context():
        session = db.session()
        funder = an_organisation(session, kind="funder")
        member = a_member(session, funder)
        programme = a_programme(session, funder, member.id, a_criterion("A", "social_enterprise", "eq", True))
        facts = {"social_enterprise": False, "ask_currency": "GBP"}
        with Session(db.engine) as other:
            look = for_facts(other, facts)
            seen = [[each.rank for each in look(Stretch(5))]]
            other.rollback()
            republish(session, programme.id, member.id, [a_criterion("A", "social_enterprise", "eq", False)])
            seen.append([each.rank for each in look(Stretch(5))])
            other.rollback()
            session.commit()
            seen.append([each.rank for each in look(Stretch(5))])

        assert seen == [[2], [2], [0]]


def republish(session: Session, programme_id: UUID, by: UUID, criteria: list[dict[str, Any]]) -> None:
    locked = session.get_one(Programme, programme_id, with_for_update={"key_share": True}, populate_existing=True)
    version = publish_version(
        session,
        programme_id=locked.id,
        columns=draft_columns(locked),
        author_tree={"schema_version": 1, "criteria": criteria},
        published_by=by,
    )
    locked.current_criteria_version_id = version.id
    session.flush()


def test_publishing_one_programme_from_many_sides_leaves_the_rows_of_one_version(committed_app: Flask) -> None:
    with committed_app.app_context():
        session = db.session()
        funder = an_organisation(session, kind="funder")
        member = a_member(session, funder)
        programme_id = a_programme(session, funder, member.id).id
        codes = ["E08000035", "E12000003", "W92000004", "S92000003", "E12000007"]
        engine, errors = db.engine, []

    def publish(number: int) -> None:
        try:
            with committed_app.app_context(), Session(engine) as own:
                wanted = a_criterion("AREA", "areas", "contains_any", codes[: number + 1])
                republish(own, programme_id, member.id, [wanted])
                own.commit()
        except Exception as error:
            errors.append(error)

    def rebuild() -> None:
        try:
            with committed_app.app_context(), Session(engine) as own:
                for _ in range(5):
                    own.execute(update(IndexedCriteria).values(layout=0))
                    own.commit()
                    index_what_is_missing(own)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(5)]
    threads.append(threading.Thread(target=rebuild))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with committed_app.app_context(), Session(engine) as session:
        index_what_is_missing(session)
        current = session.get_one(Programme, programme_id).current_criteria_version_id
        tree = session.get_one(CriteriaVersion, current).tree
        wanted = next(each["value"] for each in tree["criteria"] if each["code"] == "AREA")
        header = session.get_one(IndexedCriteria, programme_id)
        rows = session.scalar(select(func.count()).select_from(CELLS))

    assert errors == []
    assert header.criteria_version_id == current
    assert rows == header.cells == len(wanted)


def test_verify_index_names_what_differs_and_rebuilding_heals_it(committed_app: Flask) -> None:
    run = committed_app.test_cli_runner()
    with committed_app.app_context():
        session = db.session()
        RandomMarket(session, Random(8)).fill(programmes=12, proposals=10)
    fine = run.invoke(args=["verify-index", "--sample", "5"])
    with committed_app.app_context():
        db.session.execute(update(CELLS).values(asks=0, refuses_0=0, refuses_1=0, refuses_2=0))
        db.session.commit()
    broken = run.invoke(args=["verify-index", "--sample", "24"])
    healed = run.invoke(args=["rebuild-index", "--all"])
    again = run.invoke(args=["verify-index", "--sample", "24"])

    assert (fine.exit_code, broken.exit_code, healed.exit_code, again.exit_code) == (0, 1, 0, 0), broken.output
    assert "0 differences" in fine.output
    assert "proposal looks: programme " in broken.output
    assert "Programmes evaluated always: " in again.output
    assert "0 differences" in again.output
