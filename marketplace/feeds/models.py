"""The heads of all audit chains as they were published: one root a day, signed, for anybody to keep."""

from datetime import date
from typing import Any

from sqlalchemy import Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.store.base import Identified, Model


class PublishedHeads(Identified, Model):
    """One day's heads: the Merkle root over them, and its signature (a JWS). `heads`: organisation, seq, hash."""

    __tablename__ = "published_heads"

    day: Mapped[date] = mapped_column(unique=True)
    count: Mapped[int] = mapped_column(Integer)
    root: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(Text)
    heads: Mapped[list[Any]]


__all__ = ["PublishedHeads"]
