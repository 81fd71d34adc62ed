"""What the letter about a claim of a right says. It names nothing: a mailbox of the group is often the employer's."""

from uuid import UUID

from marketplace.store.mail import discreet


def claim_moved(claim_id: UUID) -> tuple[str, str]:
    """Subject and body: the other side did something that waits to be read."""
    return discreet(f"/v1/right-claims/{claim_id}", "Something that your organisation has a part in has moved on.")
