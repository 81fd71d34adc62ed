"""The scene, with the hooks that evidence asks set for it alone."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from marketplace.evidence import policy, service
from tests.evidence.scene import Scene, a_scene


@pytest.fixture
def scene(client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A group, its proposal, a funder that is party to it, a stranger."""
    made = a_scene(session, client)
    monkeypatch.setattr(policy, "OWNER_OF_PROPOSAL", made.owner_of)
    monkeypatch.setattr(policy, "PARTIES", [made.party])
    monkeypatch.setattr(policy, "VIEWERS", [made.sees])
    monkeypatch.setattr(policy, "VERIFIERS", [made.verifies])
    monkeypatch.setattr(policy, "AUDIENCES", [made.audience])
    monkeypatch.setattr(service, "ON_SUBMITTED", [])
    monkeypatch.setattr(service, "ON_ACCEPTED", [])
    return made
