"""The books as their owners read them: trial balances, one transaction, and their reconciliation. Read-only.

Knows whose accounts are whose. What a statement, a trial balance or a check is, `ledger` knows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from marketplace.ledger.models import LedgerTransaction, Posting
from marketplace.ledger.queries import TrialLine, trial_balance
from marketplace.ledger.reconciliation import reconcile
from marketplace.ledger.rules import GUARANTEES, INCOME, Owner
from marketplace.pledges import queries
from marketplace.pledges.models import Pledge
from marketplace.programmes.models import Programme
from marketplace.store.base import read_one_snapshot
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """The accounts of some programmes and of the pledges they made, at one instant; `differences` should be none."""

    as_of: datetime
    lines: list[TrialLine]
    differences: list[str]


MIRRORED = ("committed", "paid", "delivered_in_kind", "returned", "repaid", "written_off", *INCOME, *GUARANTEES)
"""Accounts of a programme that hold what those of its pledges, of the same name, hold together."""


def programme_trial_balance(session: Session, actor: Actor, programme_id: UUID, as_of: datetime | None) -> TrialBalance:
    """The trial balance of one programme, for its own organisation."""
    programme = session.get(Programme, programme_id)
    if programme is None:
        raise NotFound()
    permit(actor, Action.READ_PLEDGE, programme.organisation_id)
    return _trial_balance(session, select(Programme.id).where(Programme.id == programme_id), as_of)


def organisation_trial_balance(
    session: Session, actor: Actor, organisation_id: UUID, as_of: datetime | None
) -> TrialBalance:
    """The trial balance of all of an organisation's programmes, for its members."""
    permit(actor, Action.READ_PLEDGE, organisation_id)
    return _trial_balance(session, select(Programme.id).where(Programme.organisation_id == organisation_id), as_of)


def organisation_differences(session: Session, actor: Actor, organisation_id: UUID) -> list[str]:
    """What `flask reconcile` finds in an organisation's programmes' accounts, and in the pledges it is party to."""
    permit(actor, Action.READ_PLEDGE, organisation_id)
    read_one_snapshot(session)
    programmes = session.scalars(select(Programme.id).where(Programme.organisation_id == organisation_id))
    either = or_(Pledge.organisation_id == organisation_id, Pledge.group_organisation_id == organisation_id)
    pledges = session.scalars(select(Pledge.id).where(either, Pledge.answered_at.is_not(None)))
    return reconcile(session, frozenset([*programmes, *pledges]))


def transaction_for(session: Session, actor: Actor, transaction_id: UUID) -> dict[str, Any]:
    """A ledger transaction with those of its postings that are to accounts of the caller's; NotFound without any."""
    booked = session.get(LedgerTransaction, transaction_id)
    own = [] if booked is None else _own_postings(session, actor, booked.postings)
    if booked is None or not own:
        raise NotFound()
    undone_by = select(LedgerTransaction.id).where(LedgerTransaction.reverses_id == booked.id)
    return {
        **{name: getattr(booked, name) for name in ("id", "kind", "reference", "description", "booked_at")},
        "reverses_id": booked.reverses_id,
        "reversed_by_id": session.scalars(undone_by).one_or_none(),
        "postings": own,
    }


def _trial_balance(session: Session, programmes: Any, as_of: datetime | None) -> TrialBalance:
    moment = now()
    read_one_snapshot(session)
    of = list(session.scalars(programmes))
    made = session.scalars(select(Pledge.id).where(Pledge.programme_id.in_(of), Pledge.answered_at.is_not(None)))
    lines = trial_balance(session, [*of, *made], as_of)
    return TrialBalance(as_of or moment, lines, list(_differences(lines)))


def _differences(lines: list[TrialLine]) -> Iterable[str]:
    """What does not come out even, a sentence each: a currency's sum, or a programme's account and its pledges'."""
    held = {(line.currency, line.owner_kind, line.account): line.balance for line in lines}
    for currency in sorted({line.currency for line in lines}):
        for kind in Owner:
            whole = sum(amount for (of, owner, _), amount in held.items() if (of, owner) == (currency, kind))
            if whole:
                yield f"The {kind} accounts in {currency} come to {whole} instead of 0."
        for account in MIRRORED:
            programmes, pledges = (held.get((currency, kind, account), 0) for kind in (Owner.PROGRAMME, Owner.PLEDGE))
            if programmes != pledges:
                yield f"`{account}` in {currency} is {programmes} in programmes and {pledges} in pledges."


def _own_postings(session: Session, actor: Actor, postings: Iterable[Posting]) -> list[dict[str, Any]]:
    """The postings to accounts of programmes of the caller's organisations, and of pledges that the caller may see."""
    found = list(postings)
    owners = {posting.account.owner_id for posting in found}
    mine = Programme.organisation_id.in_(sorted(actor.organisation_ids))
    seen = set(session.scalars(select(Programme.id).where(Programme.id.in_(owners), mine)))
    seen |= set(session.scalars(select(Pledge.id).where(Pledge.id.in_(owners), queries.may_see(actor))))
    return [
        {
            **{name: getattr(posting.account, name) for name in ("owner_kind", "owner_id", "currency")},
            "account": posting.account.name,
            "amount": posting.amount,
        }
        for posting in found
        if posting.account.owner_id in seen
    ]
