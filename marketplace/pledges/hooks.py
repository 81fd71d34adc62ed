"""Where features that stand above pledges are heard: set once by the application, called by name here."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from marketplace.pledges.models import Pledge, Tranche
from marketplace.values.actor import Actor
from marketplace.values.reasons import Reason

PAYMENT_REASONS: list[Callable[[Session, Tranche], list[Reason]]] = []
"""What a payment needs besides, each a Reason, met or not; asked inside the paying transaction, under its locks."""
REVERSAL_REASONS: list[Callable[[Session, Tranche], list[Reason]]] = []
"""What stands in the way of undoing a payment that was recorded by mistake, each a Reason, met or not."""
ON_OFFER: list[Callable[[Session, Pledge], None]] = []
"""Called in the transaction that issues an offer."""
ON_AGREEMENT: list[Callable[[Session, Pledge], None]] = []
"""Called in the transaction that records the signed agreement."""
ON_PAID: list[Callable[[Session, Actor, Tranche], None]] = []
"""A tranche of money was paid; told in the payment's transaction, under its locks."""
ON_RETURNED: list[Callable[[Session, Actor, Tranche, int], None]] = []
"""Minor units of a paid tranche came back; told in the return's transaction, under its locks."""
ON_PAYMENTS_CHANGED: list[Callable[[Session, Pledge], None]] = []
"""Called in the transaction that records a payment or delivery, or reverses one."""


def payment_reasons(session: Session, tranche: Tranche) -> list[Reason]:
    """Every further reason for or against a payment."""
    return [reason for asked in PAYMENT_REASONS for reason in asked(session, tranche)]


def reversal_reasons(session: Session, tranche: Tranche) -> list[Reason]:
    """Every further reason for or against a reversal."""
    return [reason for asked in REVERSAL_REASONS for reason in asked(session, tranche)]


def offered(session: Session, pledge: Pledge) -> None:
    """Tell those above of an offer."""
    for hears in ON_OFFER:
        hears(session, pledge)


def agreed(session: Session, pledge: Pledge) -> None:
    """Tell those above of an agreement."""
    for hears in ON_AGREEMENT:
        hears(session, pledge)


def payments_changed(session: Session, pledge: Pledge) -> None:
    """Tell those above that something was paid, or a payment undone."""
    for hears in ON_PAYMENTS_CHANGED:
        hears(session, pledge)
