"""The scene of governance's tests."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.governance.scene import Governed, a_governed_scene


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Governed:
    return a_governed_scene(session, client)
