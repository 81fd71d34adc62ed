"""For `flask reconcile`: whether asks, lines, pledges, outside awards and pools still say the same (P3).

One statement for each question, so that each sees one moment. Changes nothing.
"""

from typing import Any

from sqlalchemy import ARRAY, Boolean, TextClause, Uuid, bindparam, text
from sqlalchemy.orm import Session

from marketplace.ledger.reconciliation import Owners

WITH = """
    WITH live AS (
        SELECT p.id, sum(part.amount - part.cancelled) AS promised
        FROM pledge p JOIN pledge_part part ON part.pledge_id = p.id
        WHERE p.state IN ('accepted', 'contracted', 'drawing', 'completed', 'terminated', 'clawed_back')
        GROUP BY p.id
    ), held AS (
        SELECT l.pledge_id, l.ask_line_id, l.amount - l.freed AS amount
        FROM pledge_line l JOIN live ON live.id = l.pledge_id
    ), awarded AS (
        SELECT l.ask_line_id, l.amount FROM outside_award_line l JOIN outside_award a ON a.id = l.award_id
        WHERE a.withdrawn_at IS NULL
    )
"""
KINDS: dict[str, Any] = {"everybody": Boolean(), "owners": ARRAY(Uuid())}
QUESTIONS = {
    "ask {}: its lines hold {}, it says {}": """
        SELECT ask.id, sum(line.accepted + line.outside), ask.accepted + ask.outside
        FROM ask JOIN ask_line line ON line.ask_id = ask.id WHERE :everybody GROUP BY ask.id
        HAVING sum(line.accepted) <> ask.accepted OR sum(line.outside) <> ask.outside OR sum(line.amount) <> ask.amount
    """,
    "line {}: pledges hold {} of it, it says {}": """
        SELECT line.id, coalesce(sum(held.amount), 0), line.accepted
        FROM ask_line line LEFT JOIN held ON held.ask_line_id = line.id WHERE :everybody
        GROUP BY line.id HAVING coalesce(sum(held.amount), 0) <> line.accepted
    """,
    "line {}: awards from outside hold {} of it, it says {}": """
        SELECT line.id, coalesce(sum(awarded.amount), 0), line.outside
        FROM ask_line line LEFT JOIN awarded ON awarded.ask_line_id = line.id WHERE :everybody
        GROUP BY line.id HAVING coalesce(sum(awarded.amount), 0) <> line.outside
    """,
    "pledge {}: it holds {} of lines, its parts say {}": """
        SELECT live.id, coalesce(sum(held.amount), 0), live.promised
        FROM live LEFT JOIN held ON held.pledge_id = live.id WHERE :everybody OR live.id = ANY (:owners)
        GROUP BY live.id, live.promised HAVING coalesce(sum(held.amount), 0) <> live.promised
    """,
    "pool {}: pledges draw {} on it, it says {}": """
        SELECT pool.id, coalesce(sum(held.amount), 0), pool.drawn
        FROM programme_pool pool LEFT JOIN pledge_condition condition ON condition.pool_id = pool.id
        LEFT JOIN held ON held.pledge_id = condition.pledge_id
        WHERE :everybody OR pool.programme_id = ANY (:owners)
        GROUP BY pool.id HAVING coalesce(sum(held.amount), 0) <> pool.drawn
    """,
}


def _statement(query: str) -> TextClause:
    named = [bindparam(name, type_=kind) for name, kind in KINDS.items() if f":{name}" in query]
    return text(WITH + query).bindparams(*named)


STATEMENTS = {words: _statement(query) for words, query in QUESTIONS.items()}


def lines_and_pledges_differ(session: Session, owners: Owners = None) -> list[str]:
    """Every difference in words; of some owners, those of their pledges and pools. Asks are everybody's."""
    asked = {"everybody": owners is None, "owners": sorted(owners or ())}
    return [words.format(*row) for words, query in STATEMENTS.items() for row in session.execute(query, asked)]
