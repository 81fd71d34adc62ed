"""A connection to a migrated database, for the evaluator's functions in it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import psycopg
import pytest
from sqlalchemy import make_url


@pytest.fixture(scope="session")
def database(clone: Callable[[], AbstractContextManager[str]]) -> Iterator[psycopg.Connection]:
    with clone() as url:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            yield connection
