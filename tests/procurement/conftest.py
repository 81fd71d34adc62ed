"""The scene of procurement: a group that tenders, its employer and commissioner, a funder and others."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.pipeline.scene import Scene, a_scene


@pytest.fixture
def scene(client: FlaskClient, session: Session) -> Scene:
    """A group with a business case, shown by name to its employer, commissioner and adviser."""
    return a_scene(session, client, "business_case")
