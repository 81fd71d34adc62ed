"""The invariants of docs/trust.md that can be asked of a whole database at any moment, in one place for every drill.

Each check is one statement, or `flask reconcile`'s own; what it finds is a sentence. Empty: they all hold.
"""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace.ledger.reconciliation import reconcile

CHECKS: Mapping[str, str] = {
    "P3": "SELECT 'ask ' || ask.id || ' says ' || ask.accepted || ', its pledges come to ' || coalesce(sum("
    " part.amount - part.cancelled), 0) FROM ask LEFT JOIN (pledge JOIN pledge_part part ON part.pledge_id = pledge.id)"
    " ON pledge.ask_id = ask.id AND pledge.answered_at IS NOT NULL AND pledge.state <> 'declined'"
    " GROUP BY ask.id HAVING ask.accepted <> coalesce(sum(part.amount - part.cancelled), 0)"
    " OR ask.accepted + ask.outside > ask.amount",
    "P4 parts": "SELECT 'part ' || part.id || ' and its tranches differ' FROM pledge_part part"
    " JOIN tranche ON tranche.part_id = part.id GROUP BY part.id"
    " HAVING part.amount <> sum(tranche.amount) FILTER (WHERE tranche.state <> 'replaced')"
    " OR part.paid + part.delivered <> coalesce(sum(tranche.amount) FILTER (WHERE tranche.state = 'paid'), 0)"
    " OR part.returned <> sum(tranche.returned)"
    " OR part.cancelled <> coalesce(sum(tranche.amount) FILTER (WHERE tranche.state = 'cancelled'), 0)",
    "P4 pledges": "SELECT 'pledge ' || pledge.id || ' and its parts differ' FROM pledge"
    " JOIN pledge_part part ON part.pledge_id = pledge.id GROUP BY pledge.id HAVING pledge.amount <> sum(part.amount)",
    "P5": "SELECT 'tranche ' || id || ' is paid without its three people' FROM tranche WHERE state = 'paid'"
    " AND (claimed_by IS NULL OR approved_by IS NULL OR paid_by IS NULL OR claimed_by = approved_by)",
    "L7 payments": "SELECT 'tranche ' || tranche.id || ' is ' || tranche.state || ' and booked ' || count(booked.id)"
    " || ' times' FROM tranche LEFT JOIN ledger_transaction booked ON split_part(booked.reference, ':', 1)"
    " = tranche.id::text AND booked.kind IN ('tranche.paid', 'tranche.delivered') AND NOT EXISTS (SELECT 1"
    " FROM ledger_transaction undone WHERE undone.reverses_id = booked.id) GROUP BY tranche.id"
    " HAVING count(booked.id) <> CASE WHEN tranche.state = 'paid' THEN 1 ELSE 0 END",
    "L7 reversals": "SELECT 'tranche ' || tranche.id || ' says ' || tranche.reversals || ' reversals, the books say '"
    " || count(undone.id) FROM tranche LEFT JOIN payment_reversal asked ON asked.tranche_id = tranche.id"
    " AND asked.state = 'approved' LEFT JOIN ledger_transaction undone ON undone.id = asked.ledger_transaction_id"
    " AND undone.reverses_id IS NOT NULL GROUP BY tranche.id HAVING count(undone.id) <> tranche.reversals",
    "L7 repayments": "SELECT 'repayment ' || repayment.id || ' is booked ' || count(booked.id) || ' times'"
    " FROM repayment LEFT JOIN ledger_transaction booked ON booked.kind = 'repayment.recorded'"
    " AND booked.reference = repayment.pledge_id || ':' || repayment.reference"
    " GROUP BY repayment.id HAVING count(booked.id) <> 1",
    "P12": "SELECT 'approval ' || approval.id || ' is ' || approval.state || ' and let ' || count(act.id) || ' acts'"
    " || ' pass' FROM approval LEFT JOIN authorised_act act ON act.approval_id = approval.id GROUP BY approval.id"
    " HAVING count(act.id) <> CASE WHEN approval.state = 'consumed' THEN 1 ELSE 0 END",
    "P13": "SELECT 'pledge ' || pledge_id || ' was amended by schedules ' || string_agg(number::text, ', ' ORDER BY"
    " number) FROM schedule WHERE state = 'accepted' GROUP BY pledge_id"
    " HAVING count(*) <> max(number) OR min(number) <> 1",
    "I2": "SELECT 'request ' || route || ' ' || key || ' is in progress for ever' FROM idempotent_request"
    " WHERE status IS NULL",
    "U1": "SELECT 'event ' || event.id || ' (' || event.type || ') has ' || count(entry.id) || ' audit rows, not '"
    " || cardinality(event.organisation_ids) FROM event LEFT JOIN audit_entry entry ON entry.event_id = event.id"
    " GROUP BY event.id HAVING count(entry.id) <> cardinality(event.organisation_ids)",
    "O1": "SELECT booked.kind || ' ' || booked.reference || ' was booked without its event' FROM ledger_transaction"
    " booked WHERE booked.kind LIKE 'tranche.%' AND NOT EXISTS (SELECT 1 FROM event WHERE event.type = booked.kind"
    " AND event.subject_id::text = split_part(booked.reference, ':', 1)) AND NOT (booked.kind = 'tranche.cancelled'"
    " AND EXISTS (SELECT 1 FROM event JOIN tranche ON tranche.id::text = booked.reference JOIN pledge_part part"
    " ON part.id = tranche.part_id WHERE event.subject_id = part.pledge_id"
    " AND event.type IN ('pledge.withdrawn', 'pledge.terminated', 'pledge.expired')))",
    "O1 accepted": "SELECT 'pledge ' || pledge.id || ' has ' || count(event.id) || ' events of its acceptance'"
    " FROM pledge JOIN ledger_transaction booked ON booked.kind = 'pledge.accepted' AND booked.reference ="
    " pledge.id::text LEFT JOIN event ON event.subject_id = pledge.id AND event.type = 'pledge.accepted'"
    " GROUP BY pledge.id HAVING count(event.id) <> 1",
}
"""By the invariant's number; each statement finds what breaks it."""


def broken(session: Session) -> list[str]:
    """Every invariant that does not hold, a sentence each: the books' own checks, and those above."""
    found = [f"reconcile: {difference}" for difference in reconcile(session)]
    for number, statement in CHECKS.items():
        found += [f"{number}: {sentence}" for sentence in session.scalars(text(statement + " LIMIT 20"))]
    return found
