"""Where features that stand above matching are asked: set once by the application, called by name here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Marks:
    """What a programme's organisation thinks of proposals, by word: of some of them, and as a condition on Proposal."""

    of: Callable[[Session, UUID, Sequence[UUID]], dict[UUID, str]]
    condition: Callable[[UUID, str], ColumnElement[bool]]


MARKS: list[Marks] = []
"""Whoever keeps the shortlist. What it says is shown to the programme's own organisation alone."""
