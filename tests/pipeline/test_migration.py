"""Proposals that were published before templates were: the migration pins them to the first version."""

import pytest
from alembic import command
from flask import Flask
from sqlalchemy import text

from marketplace.cli import alembic_config
from marketplace.store.base import db
from tests.pipeline.scene import a_scene


@pytest.mark.slow
def test_a_proposal_that_was_published_before_is_pinned_where_it_stands(committed_app: Flask) -> None:
    url = str(committed_app.config["SQLALCHEMY_DATABASE_URI"])
    with committed_app.app_context():
        made = a_scene(db.session(), committed_app.test_client(), "decision")
        proposal, headers = made.proposal.id, made.people["nurse"].headers
        passed = db.session().execute(text("SELECT passed_at FROM gate_passage")).scalar()
        db.session.remove()
        db.engine.dispose()

    command.downgrade(alembic_config(url), "0013")
    command.upgrade(alembic_config(url), "head")

    with committed_app.app_context():
        kept = (
            db.session()
            .execute(text("SELECT template, template_version, stage, entered_at FROM proposal_pipeline"))
            .one()
        )
        assert tuple(kept) == ("public_service_mutual", 1, "decision", passed)
    told = committed_app.test_client().get(f"/v1/proposals/{proposal}/pipeline", headers=headers).json
    assert [(each["kind"], each["to_stage"]) for each in told["moves"]] == [("entered", "decision")]
