"""Where features that stand above proposals are heard: set once by the application, called by name here."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from marketplace.proposals.models import Proposal
from marketplace.values.actor import Actor

BEFORE_WITHDRAWAL: list[Callable[[Session, Actor, Proposal], None]] = []
"""Each may refuse the withdrawal, or end what depends on the proposal. Called with the proposal's row locked."""

PARTY_CHECKS: list[Callable[[Session, UUID, frozenset[UUID]], bool]] = []
"""Each says whether one of the organisations is party to a promise about the proposal: parties go on seeing it."""

PARTY_CLAUSES: list[Callable[[frozenset[UUID], Any], ColumnElement[bool]]] = []
"""The same for lists: a condition in SQL on the organisations and the column of the proposal's id."""

BEFORE_PUBLICATION: list[Callable[[Session, Actor, Proposal, str], None]] = []
"""Each may refuse that the group publishes an ask for that stage. Called with the proposal's row locked."""

ON_FIRST_VERSION: list[Callable[[Session, Actor, Proposal, str], None]] = []
"""Called when a proposal is first published, with the stage that it asks for."""


def is_party(current: Session, proposal_id: UUID, organisations: frozenset[UUID]) -> bool:
    """Whether one of the organisations is party to a promise about the proposal."""
    return bool(organisations) and any(check(current, proposal_id, organisations) for check in PARTY_CHECKS)


ON_CHANGE: list[Callable[[Session, UUID, str], None]] = []
"""Called in the transaction of each change of what a proposal says, of who sees it, or of how sure its facts are.

With the proposal's id and what happened: published, shared, withdrawn, consent_answered, consent_withdrawn or assured.
Whoever is told must let nobody learn of a change that they cannot see.
"""


def tell_of_change(current: Session, proposal_id: UUID, what: str) -> None:
    """Tell those who hang on proposals that one has changed."""
    for heard in ON_CHANGE:
        heard(current, proposal_id, what)
