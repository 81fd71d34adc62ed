"""What holds of watches: what counts as a change and why, when a digest is due, what a shortlist entry needs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from marketplace.values.clock import LONDON
from marketplace.values.refusals import Conflict, Unprocessable

MOST_WATCHES = 100
"""Watches that an organisation may have, ended ones included."""
ELIGIBLE, NEEDS_INFORMATION, INELIGIBLE, LISTED = "eligible", "needs_information", "ineligible", "listed"
NOT_LISTED = "not_listed"
LETTERS_GO_OUT = time(7)
"""Digests are due from this time of the day on, in London."""


class WatchKind(StrEnum):
    """The `watch_kinds` codelist."""

    PROGRAMMES = "programmes"
    PROPOSALS = "proposals"
    SEARCH = "search"


class Delivery(StrEnum):
    """The `watch_deliveries` codelist."""

    AT_ONCE = "at_once"
    DAILY = "daily"
    WEEKLY = "weekly"
    NONE = "none"


class Turn(StrEnum):
    """The `watch_turns` codelist: what a change amounts to."""

    BECAME_ELIGIBLE = "became_eligible"
    CEASED_TO_BE_ELIGIBLE = "ceased_to_be_eligible"
    NOW_NEEDS_INFORMATION = "now_needs_information"
    NOW_INELIGIBLE = "now_ineligible"
    NOW_LISTED = "now_listed"
    LISTED_NO_LONGER = "listed_no_longer"
    WINDOW_CHANGED = "window_changed"


class TooManyWatches(Conflict):
    """The organisation has as many watches as it may."""

    code = "too-many-watches"
    title = "Your organisation has as many watches as it may"


class WatchEnded(Conflict):
    """What was watched for is withdrawn or closed; the watch can be read and deleted."""

    code = "watch-ended"
    title = "The watch has ended"


class WatchFaults(Unprocessable):
    """The watch does not say what it watches, or its query is not one of the list's; `errors` points at each fault."""

    code = "watch-faults"
    title = "The watch cannot be kept as it stands"


class PassNeedsReason(Unprocessable):
    """Passing on a proposal needs a reason of the codelist `pass_reasons`, and a shortlisted one has none."""

    code = "pass-needs-reason"
    title = "Say why you pass on it"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a subject stands: its result, and of a programme where the day lies in its window."""

    result: str
    window: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between the last known answers and the present ones."""

    subject_id: UUID
    was: Standing | None
    became: Standing | None


def differences(held: Mapping[UUID, Standing], found: Mapping[UUID, Standing]) -> list[Change]:
    """What has changed, in the order of ids: the same differences are the same list."""
    return [
        Change(each, held.get(each), found.get(each))
        for each in sorted(held.keys() | found.keys())
        if held.get(each) != found.get(each)
    ]


def turn_of(was: str | None, became: str | None) -> Turn:
    """What the change of a result amounts to; the same result on both sides is a change of the window."""
    if was == became and was is not None:
        return Turn.WINDOW_CHANGED
    if became == ELIGIBLE:
        return Turn.BECAME_ELIGIBLE
    if became == NEEDS_INFORMATION:
        return Turn.NOW_NEEDS_INFORMATION
    if became == INELIGIBLE:
        return Turn.CEASED_TO_BE_ELIGIBLE if was == ELIGIBLE else Turn.NOW_INELIGIBLE
    return Turn.NOW_LISTED if became == LISTED else Turn.LISTED_NO_LONGER


def cause_of(cause: str, change: Change, window_was: str | None, window: str | None, *, by_window: bool) -> str:
    """Why: time that has passed shows as the window that opened or closed, where that is what made the change.

    `by_window`: the watch lists programmes of one window only, so that the window alone may bring one or take it away.
    """
    was, became = change.was, change.became
    same_result = was is not None and became is not None and was.result == became.result
    moved = window_was != window and (same_result or (by_window and (was is None or became is None)))
    if cause != "time_passed" or not moved:
        return cause
    return {"open": "window_opened", "after": "window_closed"}.get(window or "", cause)


def criteria_changed(was: Mapping[str, str], became: Mapping[str, str]) -> list[dict[str, str | None]]:
    """The criteria whose outcome differs, by code; None for one that the other criteria did not have."""
    return [
        {"code": code, "was": was.get(code), "became": became.get(code)}
        for code in sorted(was.keys() | became.keys())
        if was.get(code) != became.get(code)
    ]


def last_boundary(delivery: str, now: datetime) -> datetime:
    """The latest moment at which a digest was due: seven in the morning in London, of a Monday for weekly ones."""
    if delivery == Delivery.AT_ONCE:
        return now
    here = now.astimezone(LONDON)
    day = here.date() if here.time() >= LETTERS_GO_OUT else here.date() - timedelta(days=1)
    if delivery == Delivery.WEEKLY:
        day -= timedelta(days=day.weekday())
    return datetime.combine(day, LETTERS_GO_OUT, LONDON)


def is_due(delivery: str, last_letter_at: datetime, now: datetime) -> bool:
    """Whether a digest with something to tell goes out now. At once: always; none: never."""
    if delivery == Delivery.NONE:
        return False
    return delivery == Delivery.AT_ONCE or last_letter_at < last_boundary(delivery, now)


def anchor_faults(draft: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is missing or too much for the kind of watch, by JSON pointer."""
    needed = {
        WatchKind.PROGRAMMES: "proposal_id",
        WatchKind.PROPOSALS: "programme_id",
        WatchKind.SEARCH: "listing",
    }[WatchKind(draft["kind"])]
    faults = []
    for name in ("proposal_id", "programme_id", "listing"):
        if name == needed and draft.get(name) is None:
            faults.append({"pointer": f"#/{name}", "detail": f"A watch of the kind `{draft['kind']}` needs it."})
        if name != needed and draft.get(name) is not None:
            faults.append({"pointer": f"#/{name}", "detail": f"A watch of the kind `{draft['kind']}` has none."})
    return faults


def check_entry(state: str, reason: str | None) -> None:
    """PassNeedsReason unless a passed entry, and no other, has a reason."""
    if state == "passed" and reason is None:
        raise PassNeedsReason("Give one of the codelist `pass_reasons`.", pointer="#/reason")
    if state != "passed" and reason is not None:
        raise PassNeedsReason("Only an entry that is passed on has a reason.", pointer="#/reason")
