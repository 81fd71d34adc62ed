"""Where features that stand above repayments are heard: set once by the application, called by name here."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from marketplace.pledges.models import PledgePart
from marketplace.repayments.models import Repayment, WriteOff
from marketplace.values.actor import Actor

ON_REPAID: list[Callable[[Session, Actor, PledgePart, Repayment], None]] = []
"""A repayment was booked; told in its transaction, under its locks."""
ON_WRITTEN_OFF: list[Callable[[Session, Actor, PledgePart, WriteOff], None]] = []
"""Principal was written off; told in its transaction, under its locks."""


def repaid(session: Session, actor: Actor, part: PledgePart, repayment: Repayment) -> None:
    """Tell those above of a repayment."""
    for hears in ON_REPAID:
        hears(session, actor, part, repayment)


def written_off(session: Session, actor: Actor, part: PledgePart, write_off: WriteOff) -> None:
    """Tell those above of a write-off."""
    for hears in ON_WRITTEN_OFF:
        hears(session, actor, part, write_off)
