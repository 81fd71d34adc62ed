"""Proposals to be found: as matching's builder makes them, and with the open ask that a publication brings."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.proposals.models import Proposal
from marketplace.proposals.service import open_ask
from marketplace.values.clock import now
from tests.matching import builders
from tests.matching.builders import AN_ASK


def a_proposal(
    session: Session, organisation: Organisation, by: UUID, facts: dict[str, Any] | None = None, **members: Any
) -> Proposal:
    """A proposal with those answers, published to everyone unless told otherwise; `withdrawn=True` takes it back."""
    withdrawn = members.pop("withdrawn", False)
    made = builders.a_proposal(session, organisation, by, facts, **members)
    if made.current_version_id is not None:
        asked = {**AN_ASK, **(members.get("ask") or {})}
        open_ask(session, made.id, {**asked, "lines": [{"purpose": "legal", "amount": asked["amount"]}]})
    if withdrawn:
        made.state, made.withdrawn_at = "withdrawn", now()
    session.commit()
    return made
