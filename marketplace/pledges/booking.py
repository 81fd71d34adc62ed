"""Pledges and the ledger: each step's movement, booked under a business reference that can be used once, for ever."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.ledger import rules as ledger
from marketplace.ledger import service as books
from marketplace.pledges import rules
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.programmes.models import Programme
from marketplace.values.actor import Actor


def book_acceptance(session: Session, actor: Actor, pledge: Pledge) -> None:
    """available -> committed. BudgetExhausted where the programme has no room any more."""
    books.open_accounts(session, "pledge", pledge.id, pledge.currency)
    entries = ledger.accept(pledge.programme_id, pledge.id, pledge.amount)
    try:
        books.post(
            session, kind="pledge.accepted", reference=str(pledge.id), entries=entries, actor=actor,
            description="Pledge accepted",
        )  # fmt: skip
    except ledger.InsufficientBalance as short:
        raise rules.BudgetExhausted("The programme's budget has no room for this pledge any more.") from short


def book_payment(session: Session, actor: Actor, tranche: Tranche) -> None:
    """committed -> paid."""
    pledge = tranche.part.pledge
    entries = ledger.pay(pledge.programme_id, pledge.id, tranche.amount)
    _post(session, actor, "tranche.paid", tranche, entries, "Tranche paid")


def book_delivery(session: Session, actor: Actor, tranche: Tranche) -> None:
    """committed -> delivered in kind: uses the budget, fills the ask, is never cash."""
    pledge = tranche.part.pledge
    entries = ledger.deliver(pledge.programme_id, pledge.id, tranche.amount)
    _post(session, actor, "tranche.delivered", tranche, entries, "Support delivered in kind")


def book_cancellation(session: Session, actor: Actor, tranche: Tranche) -> None:
    """committed -> available: frees exactly the unpaid tranche."""
    pledge = tranche.part.pledge
    entries = ledger.cancel(pledge.programme_id, pledge.id, tranche.amount)
    _post(session, actor, "tranche.cancelled", tranche, entries, "Tranche cancelled")


def book_return(session: Session, actor: Actor, tranche: Tranche, amount: int, reference: str) -> None:
    """paid -> returned, and on to available where the programme recycles."""
    pledge = tranche.part.pledge
    recycles = bool(session.scalar(select(Programme.recycles).where(Programme.id == pledge.programme_id)))
    entries = ledger.return_(pledge.programme_id, pledge.id, amount, recycled=recycles)
    books.post(
        session, kind="tranche.returned", reference=f"{tranche.id}:{reference}", entries=entries, actor=actor,
        description="Money returned",
    )  # fmt: skip


def _post(session: Session, actor: Actor, kind: str, tranche: Tranche, entries: list[ledger.Entry], words: str) -> None:
    books.post(session, kind=kind, reference=str(tranche.id), entries=entries, actor=actor, description=words)


def parts_and_books_differ(session: Session) -> list[str]:
    """For `flask reconcile`: differences between the pledges' own figures and their ledger accounts (P1, P3, P4)."""
    found: list[str] = []
    pledges = session.scalars(select(Pledge).where(Pledge.answered_at.is_not(None)).order_by(Pledge.id))
    committed: dict[object, int] = {}
    for pledge in pledges:
        balances = books.balances(session, "pledge", pledge.id)
        if not balances:
            continue
        figures = _figures(pledge.parts)
        for name, figure in figures.items():
            if balances.get(name, 0) != figure:
                found.append(
                    f"pledge {pledge.id}: {name} is {balances.get(name, 0)} in the ledger and {figure} in its parts"
                )
        committed[pledge.programme_id] = committed.get(pledge.programme_id, 0) + balances.get("committed", 0)
    for programme_id in session.scalars(select(Programme.id).where(Programme.has_budget)):
        booked = books.balances(session, "programme", programme_id).get("committed", 0)
        if booked != committed.get(programme_id, 0):
            found.append(
                f"programme {programme_id}: committed is {booked}, its pledges say {committed.get(programme_id, 0)}"
            )
    return found


def _figures(parts: list[PledgePart]) -> dict[str, int]:
    """What the pledge's ledger accounts must hold, out of its parts."""
    return {
        "committed": sum(part.unpaid for part in parts),
        "paid": sum(part.paid - part.returned for part in parts),
        "delivered_in_kind": sum(part.delivered for part in parts),
        "cancelled": sum(part.cancelled for part in parts),
    }
