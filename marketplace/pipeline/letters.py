"""What the letters about waiting say. They name nothing: neither the group, nor who else is asked, nor what for.

A mailbox of the group is often the employer's, and nothing in it may tell that its owner thinks of leaving.
"""

from datetime import date

from marketplace.store.mail import present_settings

SUBJECT = "A message about your account"


def waiting(path: str, since: date) -> tuple[str, str]:
    """Subject and body: something at that path has waited for the reader since that day."""
    settings = present_settings()
    page = f"{settings.frontend_url}{path.removeprefix('/v1')}" if settings.frontend_url else None
    where = f"To see it, log in: {page}" if page else f"To see it: GET {settings.public_url}{path}"
    return SUBJECT, f"Something has waited for you since {since.isoformat()}.\n\n{where}\n"
