"""What the letters about duties say. They name nothing: neither the funder, nor the group, nor the money.

A mailbox of the group is often the employer's, and nothing in it may tell that its owner thinks of leaving.
"""

from datetime import date
from uuid import UUID

from marketplace.store.mail import discreet

WORDS = {
    "ahead": "Something that you owe is due on {day}.",
    "on_day": "Something that you owe is due today, {day}.",
    "overdue": "Something that you owe was due on {day} and has not come.",
}


def reminder(duty_id: UUID, occasion: str, due_on: date) -> tuple[str, str]:
    """Subject and body: a duty's day is near, has come, or is over."""
    return discreet(f"/v1/duties/{duty_id}", WORDS[occasion].format(day=due_on.isoformat()))
