"""What the letter about a contract's end says. It names nothing: a mailbox of the group is often the employer's."""

from datetime import date
from uuid import UUID

from marketplace.store.mail import present_settings

SUBJECT = "A message about your account"


def contract_end(proposal_id: UUID, ends_on: date) -> tuple[str, str]:
    """Subject and body: something that has to be won again ends on that day."""
    settings = present_settings()
    page = f"{settings.frontend_url}/proposals/{proposal_id}" if settings.frontend_url else None
    where = f"To see it, log in: {page}" if page else f"To see it: GET {settings.public_url}/v1/proposals/{proposal_id}"
    return SUBJECT, f"Something that you recorded ends on {ends_on.isoformat()}: time to prepare.\n\n{where}\n"
