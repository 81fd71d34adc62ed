"""The declarative base, the session and the column types that every feature shares. Knows no feature."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import uuid_utils
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Engine, Integer, MetaData, SmallInteger, String, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Minor = Annotated[int, mapped_column(BigInteger)]
"""Integer minor units."""
Slug = Annotated[str, mapped_column(String(60))]
"""A codelist slug."""

TYPES: dict[Any, Any] = {
    uuid.UUID: Uuid(),
    datetime: DateTime(timezone=True),
    int: Integer(),
    dict[str, Any]: JSONB(none_as_null=True),
    list[Any]: JSONB(none_as_null=True),
    dict[str, str]: JSONB(none_as_null=True),
}


def new_id() -> uuid.UUID:
    """A fresh UUIDv7 (RFC 9562): unique, and in order of making."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


class Base(DeclarativeBase):
    """Every table's base. Constraint names are fixed, so that a refusal can be mapped from one."""

    registry = registry(metadata=MetaData(naming_convention=NAMING), type_annotation_map=TYPES)


if TYPE_CHECKING:
    Model = Base
db = SQLAlchemy(model_class=Base, disable_autonaming=True, session_options={"autoflush": False})
if not TYPE_CHECKING:
    Model = db.Model


def session() -> Session:
    """The session of the present request or command."""
    return db.session()


def read_one_snapshot(current: Session) -> None:
    """End the transaction, in which nothing was written, and go on in one that sees a single moment and writes nothing.

    REPEATABLE READ, READ ONLY: what several statements read belongs together. A session on a connection that somebody
    else opened stays in their transaction, whose isolation is theirs to say.
    """
    current.rollback()
    if isinstance(current.get_bind(), Engine):
        current.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})


class Identified:
    """A UUIDv7 key, and when the row was made."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Versioned:
    """A number that each change raises; the strong ETag is made of it and the id."""

    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")


__all__ = [
    "JSONB",
    "Base",
    "Identified",
    "Minor",
    "Model",
    "Slug",
    "SmallInteger",
    "Versioned",
    "db",
    "new_id",
    "read_one_snapshot",
    "session",
]
