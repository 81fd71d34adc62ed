"""A person whose name, address and words are found wherever they stand, and the erasure of them."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace.identity import passwords
from marketplace.identity.models import User
from marketplace.store.base import new_id
from marketplace.values.clock import now
from tests.builders import Person
from tests.pledges.scene import Scene

PASSWORD = "a quiet word in the ward"
NAME, EMAIL = "Zebedee Quillfeather", "zebedee.quillfeather@canary.example"
WORDS = "the canary sings of Zebedee Quillfeather"


def become(session: Session, person: Person) -> None:
    """The canary's name, address and password."""
    row = session.get_one(User, person.id)
    row.name, row.email, row.password_hash, row.confirmed_at = NAME, EMAIL, passwords.password_hash(PASSWORD), now()
    session.commit()


def erase(scene: Scene, password: str = PASSWORD, **headers: str) -> Any:
    sent = scene.nurse.headers | {"Idempotency-Key": new_id().hex} | headers
    return scene.client.post("/v1/me/erasure", json={"password": password}, headers=sent)


def places_that_hold(session: Session, canary: str) -> set[str]:
    """`table.column` of every text, JSON or binary column of the whole schema in which the canary stands."""
    found = set()
    columns = session.execute(
        text(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea', 'ARRAY', 'tsvector')"
        )
    ).all()
    for table, column, kind in columns:
        written = f"encode({column}, 'escape')" if kind == "bytea" else f'CAST("{column}" AS text)'
        query = text(f"SELECT count(*) FROM {table} WHERE position(lower(:canary) IN lower({written})) > 0")
        if session.execute(query, {"canary": canary}).scalar():
            found.add(f"{table}.{column}")
    return found
