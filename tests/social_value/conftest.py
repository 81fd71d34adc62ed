"""A group that makes its business case, with its employer, commissioner and funder."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.pipeline.scene import Scene, a_scene


@pytest.fixture
def scene(client: FlaskClient, session: Session) -> Scene:
    """The group's proposal is shared by name with employer, commissioner and adviser."""
    return a_scene(session, client, "business_case")
