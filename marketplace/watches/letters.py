"""What the letters of a watch say. To a staff group they name nothing: neither the watch, nor what it found.

A mailbox is often the employer's, and nothing in it may tell that its owner thinks of leaving. Funders are told titles,
of what the reader may see when the letter is written. Every letter says how to stop it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from marketplace.store.mail import DISCREET_SUBJECT, present_settings
from marketplace.watches.rules import Turn

SUBJECT = "News of a watch"
MOST_LINES = 50
WORDS = {
    Turn.BECAME_ELIGIBLE: "became eligible",
    Turn.CEASED_TO_BE_ELIGIBLE: "is eligible no longer",
    Turn.NOW_NEEDS_INFORMATION: "could be eligible, some information is missing",
    Turn.NOW_INELIGIBLE: "is not eligible",
    Turn.NOW_LISTED: "is listed now",
    Turn.LISTED_NO_LONGER: "is listed no longer",
    Turn.WINDOW_CHANGED: "opened, paused or closed",
}
ENDINGS = {
    "proposal_withdrawn": "the proposal that it was for has been withdrawn",
    "programme_closed": "the programme that it was for has been closed",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One change as a letter tells it; without a title where the reader may not see what it is about."""

    turn: Turn
    title: str | None


def changes(watch_id: UUID, name: str | None, lines: Sequence[Line]) -> tuple[str, str]:
    """Subject and body: what has changed. `name` None: a discreet letter, which tells how many and no more."""
    if name is None:
        return DISCREET_SUBJECT, _letter(watch_id, f"Something has changed: {_times(len(lines))}.")
    told = "\n".join(f"- {line.title or 'Something that you may not see'} {WORDS[line.turn]}" for line in _shown(lines))
    more = [] if len(lines) <= MOST_LINES else [f"And {len(lines) - MOST_LINES} more."]
    return SUBJECT, _letter(watch_id, f"What has changed in your watch “{name}”:", told, *more)


def ending(watch_id: UUID, name: str | None, because: str) -> tuple[str, str]:
    """Subject and body: the watch has ended."""
    if name is None:
        return DISCREET_SUBJECT, _letter(watch_id, "Something that you asked to hear of has ended.")
    return SUBJECT, _letter(watch_id, f"Your watch “{name}” has ended: {ENDINGS[because]}.")


def _shown(lines: Sequence[Line]) -> Sequence[Line]:
    return lines[:MOST_LINES]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _letter(watch_id: UUID, *paragraphs: str) -> str:
    settings = present_settings()
    if settings.frontend_url:
        page = f"{settings.frontend_url}/watches/{watch_id}"
        ends = (f"To see it, log in: {page}", f"To stop these letters: {page}#letters")
    else:
        path = f"{settings.public_url}/v1/watches/{watch_id}"
        ends = (f"To see it: GET {path}/changes", f'To stop these letters: POST {path}/letters\n{{"wanted": false}}')
    return "\n\n".join((*paragraphs, *ends)) + "\n"
