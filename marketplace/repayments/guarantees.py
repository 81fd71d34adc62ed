"""Guarantees that have run out: the memorandum of what was given ends with their last day."""

from sqlalchemy import String, cast, exists, select
from sqlalchemy.orm import Session

from marketplace.ledger import rules as ledger
from marketplace.ledger import service as books
from marketplace.ledger.models import LedgerTransaction
from marketplace.pledges import queries
from marketplace.pledges.models import PledgePart, Tranche
from marketplace.pledges.rules import GUARANTEES
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import today

ENDED = "guarantee.ended"
AT_MOST = 500


def end_guarantees(session: Session) -> int:
    """Book the end of guarantees whose last day is over; how many. Running it twice, or late, books each once."""
    ended = exists().where(LedgerTransaction.kind == ENDED, LedgerTransaction.reference == cast(Tranche.id, String))
    query = (
        select(Tranche.id, PledgePart.pledge_id)
        .join(PledgePart, PledgePart.id == Tranche.part_id)
        .where(
            PledgePart.instrument.in_(sorted(GUARANTEES)),
            Tranche.state == "paid",
            PledgePart.financial_terms["expires_on"].astext < today().isoformat(),
            ~ended,
        )
        .order_by(PledgePart.pledge_id, Tranche.id)
    )
    due = session.execute(query.limit(AT_MOST)).all()
    for tranche_id, pledge_id in due:
        queries.lock_pledge(session, pledge_id)
        _end(session, session.get_one(Tranche, tranche_id))
    return len(due)


def _end(session: Session, tranche: Tranche) -> None:
    pledge = tranche.part.pledge
    books.post(
        session, kind=ENDED, reference=str(tranche.id), actor=Actor(), description="Guarantee ended",
        entries=ledger.end_guarantee(pledge.programme_id, pledge.id, tranche.amount),
    )  # fmt: skip
    journal.record(
        session, ENDED, "tranche", tranche.id, actor=Actor(),
        audience=journal.only(pledge.organisation_id, pledge.group_organisation_id),
        path=f"/v1/tranches/{tranche.id}", after={"amount": tranche.amount},
    )  # fmt: skip
    session.flush()
