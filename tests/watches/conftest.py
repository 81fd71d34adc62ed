"""The scene of the watches' tests."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.watches.scene import Scene, a_scene


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    """A group and a funder, each with what the other looks for."""
    return a_scene(session, client)
