"""Programmes for tests: straight into the database, with fixed values that a test may override."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.eligibility.service import publish_version
from marketplace.identity.models import Organisation
from marketplace.programmes.models import Programme
from marketplace.programmes.service import draft_columns, no_criteria
from tests.builders import a_member


def a_programme(session: Session, organisation: Organisation, **values: Any) -> Programme:
    """A draft programme for grants up to 50,000 pounds."""
    defaults = {"title": {"en": "Seed grants"}, "currency": "GBP", "criteria": no_criteria(), "instruments": ["grant"]}
    programme = Programme(organisation_id=organisation.id, **{**defaults, "ask_max": 5_000_000, **values})
    session.add(programme)
    session.commit()
    return programme


def an_open_programme(session: Session, organisation: Organisation, **values: Any) -> Programme:
    """A published programme without an end."""
    programme = a_programme(session, organisation, **values)
    publish(session, programme, a_member(session, organisation).id)
    session.commit()
    return programme


def publish(session: Session, programme: Programme, person: UUID) -> None:
    """Publish what the programme's draft says."""
    version = publish_version(
        session,
        programme_id=programme.id,
        columns=draft_columns(programme),
        author_tree=programme.criteria,
        published_by=person,
    )
    programme.current_criteria_version_id = version.id
    session.flush()
