"""Who is of the group whose social value it is. Knows the proposal's owner; must not know what is looked at."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.values.actor import Actor

Precondition = Callable[[Any], None]


def sees_workings_of_group(session: Session, actor: Actor, proposal_id: UUID) -> bool:
    """Whether the caller is a member of the group whose proposal it is, or its guest."""
    owner = policy.OWNER_OF_PROPOSAL(session, proposal_id)
    return owner is not None and policy.of_the_group(actor, owner, proposal_id)
