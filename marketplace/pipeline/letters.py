"""What the letters about waiting say. They name nothing: neither the group, nor who else is asked, nor what for.

A mailbox of the group is often the employer's, and nothing in it may tell that its owner thinks of leaving.
"""

from datetime import date

from marketplace.store.mail import discreet


def waiting(path: str, since: date) -> tuple[str, str]:
    """Subject and body: something at that path has waited for the reader since that day."""
    return discreet(path, f"Something has waited for you since {since.isoformat()}.")
