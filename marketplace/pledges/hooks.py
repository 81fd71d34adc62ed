"""Where features that stand above pledges are heard: set once by the application, called by name here."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from marketplace.pledges.models import Pledge, Tranche
from marketplace.proposals.models import Proposal
from marketplace.values.actor import Actor
from marketplace.values.reasons import Reason

OFFER_REASONS: list[Callable[[Session, Pledge, Proposal], list[tuple[str, Reason]]]] = []
"""What an offer needs besides, each a Reason with the rule set that it belongs to (`layer`), met or not."""
ON_ACCEPTED: list[Callable[[Session, Actor, Pledge], None]] = []
"""A pledge was accepted and booked; told in that transaction, under its locks."""
ON_CANCELLED: list[Callable[[Session, Actor, Tranche], None]] = []
"""An unpaid tranche of an accepted pledge was freed; told after it was booked, under its locks."""
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
NOTE_CLAUSES: list[Callable[[Any, Any], ColumnElement[bool]]] = []
"""Whether a proposal's group has written a learning note since a moment; both are columns."""
ON_PAYMENTS_CHANGED: list[Callable[[Session, Pledge], None]] = []
"""Called in the transaction that records a payment or delivery, or reverses one."""


def payment_reasons(session: Session, tranche: Tranche) -> list[Reason]:
    """Every further reason for or against a payment."""
    return [reason for asked in PAYMENT_REASONS for reason in asked(session, tranche)]


def offer_reasons(session: Session, pledge: Pledge, proposal: Proposal) -> list[tuple[str, Reason]]:
    """Every further reason for or against an offer, with its layer."""
    return [reason for asked in OFFER_REASONS for reason in asked(session, pledge, proposal)]


def accepted(session: Session, actor: Actor, pledge: Pledge) -> None:
    """Tell those above of an acceptance."""
    for hears in ON_ACCEPTED:
        hears(session, actor, pledge)


def cancelled(session: Session, actor: Actor, tranche: Tranche) -> None:
    """Tell those above that a tranche was freed."""
    for hears in ON_CANCELLED:
        hears(session, actor, tranche)


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
