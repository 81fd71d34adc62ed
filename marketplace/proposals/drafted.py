"""What a group's draft says at present, for the group itself: its answers in every section, and what follows from them.

Knows the sections; must not be shown to anybody else: a draft is nobody's business but the group's.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.proposals.models import ProposalSection
from marketplace.reference.facts import derive


def drafted_facts(current: Session, proposal_id: UUID) -> dict[str, Any]:
    """The facts as the draft has them now, derived ones included; unknown ones are left out."""
    contents = current.scalars(select(ProposalSection.content).where(ProposalSection.proposal_id == proposal_id))
    authored = {slug: value for content in contents for slug, value in content.get("facts", {}).items()}
    return derive(authored, None, None)
