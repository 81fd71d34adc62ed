"""What the letter about a claim of a right says. It names nothing: a mailbox of the group is often the employer's."""

from uuid import UUID

from marketplace.store.mail import present_settings

SUBJECT = "A message about your account"


def claim_moved(claim_id: UUID) -> tuple[str, str]:
    """Subject and body: the other side did something that waits to be read."""
    settings = present_settings()
    page = f"{settings.frontend_url}/right-claims/{claim_id}" if settings.frontend_url else None
    where = f"To see it, log in: {page}" if page else f"To see it: GET {settings.public_url}/v1/right-claims/{claim_id}"
    return SUBJECT, f"Something that your organisation has a part in has moved on.\n\n{where}\n"
