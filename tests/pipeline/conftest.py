"""The scene of evidence, with the pipeline listening to it."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence import service as evidence_service
from marketplace.pipeline import service
from tests.evidence.scene import Scene, a_scene


@pytest.fixture
def scene(client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A group, a party and a stranger, where evidence moves the pipeline."""
    made = a_scene(session, client)
    listen(made, monkeypatch)
    return made


def listen(made: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the hooks for that scene alone."""
    monkeypatch.setattr(policy, "OWNER_OF_PROPOSAL", made.owner_of)
    monkeypatch.setattr(policy, "PARTIES", [made.party])
    monkeypatch.setattr(policy, "VIEWERS", [made.sees])
    monkeypatch.setattr(policy, "VERIFIERS", [made.verifies])
    monkeypatch.setattr(policy, "AUDIENCES", [made.audience])
    monkeypatch.setattr(evidence_service, "ON_SUBMITTED", [service.open_milestone])
    monkeypatch.setattr(evidence_service, "ON_ACCEPTED", [service.evidence_accepted])
