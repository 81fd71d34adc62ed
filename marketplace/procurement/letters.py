"""What the letter about a contract's end says. It names nothing: a mailbox of the group is often the employer's."""

from datetime import date
from uuid import UUID

from marketplace.store.mail import discreet


def contract_end(proposal_id: UUID, ends_on: date) -> tuple[str, str]:
    """Subject and body: something that has to be won again ends on that day."""
    words = f"Something that you recorded ends on {ends_on.isoformat()}: time to prepare."
    return discreet(f"/v1/proposals/{proposal_id}", words)
