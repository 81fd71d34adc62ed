"""Who was refused: one entry in the record of the organisation they acted for, in a transaction of its own.

A refusal of the same kind to the same person is written once an hour: being refused again and again writes no more.
Only 403 is noted. What is 404 to a caller belongs to others, whose record a stranger shall not be able to write in.
"""

import logging
from datetime import datetime
from uuid import UUID

from flask import request
from sqlalchemy import String, delete, func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.store.base import Model, session
from marketplace.store.chain import MARKETPLACE
from marketplace.store.journal import record_refusal
from marketplace.values.refusals import Forbidden
from marketplace.web.guard import current_actor

KEPT_HOURS = 24
log = logging.getLogger(__name__)


class NotedRefusal(Model):
    """That a refusal was written into an organisation's record within that hour."""

    __tablename__ = "noted_refusal"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(String(200), primary_key=True)
    code: Mapped[str] = mapped_column(String(60), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True, index=True)


def note_refusal(refusal: Forbidden) -> None:
    """Write the refusal down, unless that was done within the hour. Ends the session's present transaction first.

    The answer does not depend on it: where the database is busy, the refusal is logged and given all the same.
    """
    actor = current_actor()
    if actor.user_id is None:
        return
    current = session()
    current.rollback()
    operation = f"{request.method} {request.url_rule.rule if request.url_rule else request.path}"[:200]
    chain = refusal.organisation_id or MARKETPLACE
    try:
        if _first_within_the_hour(current, actor.user_id, chain, operation, refusal.code):
            record_refusal(current, actor, refusal.organisation_id, operation=operation, code=refusal.code)
        current.commit()
    except SQLAlchemyError:
        current.rollback()
        log.warning("a refusal was not written down", extra={"operation": operation, "code": refusal.code})


def prune_noted_refusals(current: Session) -> None:
    """Forget which hours had a refusal, a day later; what was written stays."""
    cut = func.now() - text(f"interval '{KEPT_HOURS} hours'")
    current.execute(delete(NotedRefusal).where(NotedRefusal.hour < cut))


def _first_within_the_hour(current: Session, user_id: UUID, chain: UUID, operation: str, code: str) -> bool:
    noted = insert(NotedRefusal).values(
        user_id=user_id,
        organisation_id=chain,
        operation=operation,
        code=code,
        hour=func.date_trunc("hour", func.now()),
    )
    made = current.execute(noted.on_conflict_do_nothing().returning(NotedRefusal.code))
    return made.first() is not None
