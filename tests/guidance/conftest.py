"""The scene of guidance: that of the pipeline, at its first stage."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.pipeline.scene import Scene, a_scene


@pytest.fixture
def scene(client: FlaskClient, session: Session) -> Scene:
    """A group that explores, with its employer, commissioner, funder and adviser."""
    return a_scene(session, client)
