"""Pledges and the ledger: each step's movement, booked under a business reference that can be used once, for ever."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.ledger import rules as ledger
from marketplace.ledger import service as books
from marketplace.ledger.models import LedgerTransaction
from marketplace.ledger.reconciliation import Owners
from marketplace.pledges import rules
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.programmes.models import Programme
from marketplace.values.actor import Actor


def book_acceptance(session: Session, actor: Actor, pledge: Pledge) -> None:
    """available -> committed. BudgetExhausted where the programme has no room any more."""
    books.open_accounts(session, "pledge", pledge.id, pledge.currency)
    guaranteed = sum(part.amount for part in pledge.parts if part.instrument in rules.GUARANTEES)
    entries: list[ledger.Entry] = []
    if pledge.amount > guaranteed:
        entries += ledger.accept(pledge.programme_id, pledge.id, pledge.amount - guaranteed)
    if guaranteed:
        for kind, owner in (("programme", pledge.programme_id), ("pledge", pledge.id)):
            books.open_accounts(session, kind, owner, pledge.currency, ledger.GUARANTEES)
        entries += ledger.promise_guarantee(pledge.programme_id, pledge.id, guaranteed)
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
    _post(session, actor, "tranche.paid", tranche, entries, "Tranche paid", payment_reference(tranche))


def book_delivery(session: Session, actor: Actor, tranche: Tranche) -> None:
    """committed -> delivered in kind: uses the budget, fills the ask, is never cash."""
    pledge = tranche.part.pledge
    given = ledger.give_guarantee if _is_guarantee(tranche) else ledger.deliver
    entries = given(pledge.programme_id, pledge.id, tranche.amount)
    _post(
        session, actor, "tranche.delivered", tranche, entries, "Support delivered in kind", payment_reference(tranche)
    )


def book_payment_reversal(session: Session, actor: Actor, tranche: Tranche) -> UUID:
    """The opposite of the tranche's present payment or delivery, once; the id of the reversing transaction."""
    kind = "tranche.delivered" if tranche.part.in_kind else "tranche.paid"
    paid = select(LedgerTransaction.id).where(
        LedgerTransaction.kind == kind, LedgerTransaction.reference == payment_reference(tranche)
    )
    return books.reverse(
        session, session.scalars(paid).one(), actor=actor, description="Payment recorded by mistake, reversed"
    )


def payment_reference(tranche: Tranche) -> str:
    """What the tranche's present payment is booked under: each payment after a reversal has a number of its own."""
    return str(tranche.id) if tranche.reversals == 0 else f"{tranche.id}:{tranche.reversals + 1}"


def book_cancellation(session: Session, actor: Actor, tranche: Tranche) -> None:
    """committed -> available: frees exactly the unpaid tranche."""
    pledge = tranche.part.pledge
    undone = ledger.cancel_guarantee if _is_guarantee(tranche) else ledger.cancel
    entries = undone(pledge.programme_id, pledge.id, tranche.amount)
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


def _is_guarantee(tranche: Tranche) -> bool:
    return tranche.part.instrument in rules.GUARANTEES


def _post(
    session: Session,
    actor: Actor,
    kind: str,
    tranche: Tranche,
    entries: list[ledger.Entry],
    words: str,
    reference: str | None = None,
) -> None:
    named = reference or str(tranche.id)
    books.post(session, kind=kind, reference=named, entries=entries, actor=actor, description=words)


def parts_and_books_differ(session: Session, owners: Owners = None) -> list[str]:
    """For `flask reconcile`: differences between the pledges' own figures and their ledger accounts (P1, P3, P4)."""
    found: list[str] = []
    answered = select(Pledge).where(Pledge.answered_at.is_not(None)).order_by(Pledge.id)
    budgeted = select(Programme.id).where(Programme.has_budget)
    if owners is not None:
        answered, budgeted = answered.where(Pledge.id.in_(owners)), budgeted.where(Programme.id.in_(owners))
    pledges = session.scalars(answered)
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
    for programme_id in session.scalars(budgeted):
        booked = books.balances(session, "programme", programme_id).get("committed", 0)
        if booked != committed.get(programme_id, 0):
            found.append(
                f"programme {programme_id}: committed is {booked}, its pledges say {committed.get(programme_id, 0)}"
            )
    return found


def _figures(parts: list[PledgePart]) -> dict[str, int]:
    """What the pledge's ledger accounts must hold, out of its parts."""
    guarantees = [part for part in parts if part.instrument in rules.GUARANTEES]
    others = [part for part in parts if part.instrument not in rules.GUARANTEES]
    return {
        "committed": sum(part.unpaid for part in others),
        "paid": sum(part.outstanding for part in others),
        "delivered_in_kind": sum(part.delivered for part in others),
        "cancelled": sum(part.cancelled for part in others),
        "written_off": sum(part.written_off for part in others),
        "guarantee_promised": sum(part.unpaid for part in guarantees),
    }
