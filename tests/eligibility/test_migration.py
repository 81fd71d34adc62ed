"""Rows written before the language grew: the migration gives them what they would be written with today."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from marketplace.cli import alembic_config
from marketplace.proposals.models import FactGrant, ProposalProjection, ProposalShare
from marketplace.proposals.projection import refresh_projection
from marketplace.store.base import db
from tests.builders import a_member, an_organisation
from tests.matching.builders import a_criterion, a_programme
from tests.matching.markets import RandomMarket

pytestmark = pytest.mark.slow

NEW_ANSWERS = {"registered_on", "trading_since", "contract_ends_on"}


def filled(app: Flask, work: Callable[[Session], Any]) -> Any:
    """What `work` gives, committed on the application's own database, with no connection left open."""
    with app.app_context():
        session = db.session()
        result = work(session)
        session.commit()
        db.session.remove()
        db.engine.dispose()
    return result


def url_of(app: Flask) -> str:
    return str(app.config["SQLALCHEMY_DATABASE_URI"])


def old(facts: dict[str, Any]) -> dict[str, Any]:
    return {slug: value for slug, value in facts.items() if slug not in NEW_ANSWERS}


def rows(session: Session) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Projections and shares, without the answers that no row from before can hold."""
    projections = {
        row.proposal_id: (
            *(old(row.facts), old(row.open_facts), set(row.open_slugs)),
            {slug: level for slug, level in row.assurance.items() if slug not in NEW_ANSWERS},
        )
        for row in session.scalars(select(ProposalProjection))
    }
    shares = {
        (row.proposal_id, row.organisation_id): (old(row.facts), set(row.slugs))
        for row in session.scalars(select(ProposalShare))
    }
    return projections, shares


def a_market(session: Session) -> None:
    """Proposals in which nobody chose who sees the new facts, as nobody could before."""
    market = RandomMarket(session, Random(7)).fill(0, 30)
    session.execute(text("DELETE FROM fact_visibility WHERE fact = ANY (:new)"), {"new": sorted(NEW_ANSWERS)})
    session.execute(text("DELETE FROM fact_assurance WHERE fact = ANY (:new)"), {"new": sorted(NEW_ANSWERS)})
    for grant in session.scalars(select(FactGrant)):
        grant.facts = [slug for slug in grant.facts if slug not in NEW_ANSWERS]
    for proposal, _ in market.proposals:
        refresh_projection(session, proposal)


def test_rows_from_before_come_to_what_they_would_be_written_with_today(committed_app: Flask) -> None:
    filled(committed_app, a_market)
    before = filled(committed_app, rows)

    command.downgrade(alembic_config(url_of(committed_app)), "0005")
    command.upgrade(alembic_config(url_of(committed_app)), "head")

    projections, shares = before
    assert filled(committed_app, rows) == before
    assert sum("sectors" in facts for facts, *_ in projections.values()) > 5
    assert sum("sectors" not in slugs for _, _, slugs, _ in projections.values()) > 2
    assert any("sectors" in slugs for _, slugs in shares.values())
    for slug in ("sectors", "beneficiary_nation", "region", "areas", "asset_lock", "incorporated", "employer_consent"):
        assert any(slug in assurance for *_, assurance in projections.values()), slug


def test_there_is_no_way_back_while_published_criteria_speak_the_new_language(committed_app: Flask) -> None:
    def publish(session: Session) -> None:
        funder = an_organisation(session, kind="funder")
        member = a_member(session, funder)
        a_programme(session, funder, member.id, {"any": [a_criterion("KNOWN", "sector", "known", True)]})

    filled(committed_app, publish)

    with pytest.raises(RuntimeError, match="1 published criteria versions"):
        command.downgrade(alembic_config(url_of(committed_app)), "0005")


@pytest.mark.parametrize(
    ("leaf", "speaks"),
    [
        (a_criterion("A", "sector", "eq", "youth_services"), False),
        (a_criterion("A", "sector", "eq", "youth_services", assurance="declared"), False),
        (a_criterion("A", "sector", "eq", "youth_services", assurance="verified"), True),
        (a_criterion("A", "staff_count", "between", [1, 2]), True),
        (a_criterion("A", "sector", "within", ["corporate"]), True),
        (a_criterion("A", "trading_since", "at_least_months_before", 6), True),
        (a_criterion("A", "contract_ends_on", "at_least_months_after", 6), True),
    ],
)
def test_the_old_language_is_told_from_the_new(session: Session, leaf: dict[str, Any], speaks: bool) -> None:
    revision = ScriptDirectory.from_config(alembic_config("postgresql+psycopg://none")).get_revision("0006")
    count = text(revision.module.SPEAKS_IT)
    before = session.scalar(count)
    funder = an_organisation(session, kind="funder")

    a_programme(session, funder, a_member(session, funder).id, {"all": [leaf]})

    assert session.scalar(count) - before == speaks
