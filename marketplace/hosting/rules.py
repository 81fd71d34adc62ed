"""What makes a fiscal hosting valid. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from marketplace.values.refusals import Conflict, Unprocessable

TRANSITIONS: Mapping[tuple[str, str], str] = {
    ("proposed", "agree"): "agreed",
    ("proposed", "decline"): "declined",
    ("proposed", "end"): "ended",
    ("agreed", "end"): "ended",
}
HOSTING_KINDS = frozenset({"fiscal_host", "public_body", "funder", "intermediary", "adviser"})


class NotAHost(Unprocessable):
    """Only a verified organisation that can hold money for others may be a fiscal host, and never the group itself."""

    code = "not-a-host"
    title = "That organisation cannot be the fiscal host"


class HostingNotOpen(Conflict):
    """The hosting has already been answered or ended."""

    code = "hosting-not-open"
    title = "The fiscal hosting is not in a state that allows this"


class AlreadyHosted(Conflict):
    """A proposal has at most one agreed fiscal host at a time."""

    code = "already-hosted"
    title = "The proposal already has a fiscal host"


class SignatoriesMissing(Unprocessable):
    """A hosting is agreed by at least one signatory of the group and one of the host."""

    code = "signatories-missing"
    title = "Both sides need a signatory"


def next_state(state: str, event: str) -> str:
    """The state after `event`; HostingNotOpen where the life cycle has no such step."""
    following = TRANSITIONS.get((state, event))
    if following is None:
        raise HostingNotOpen(f"A hosting that is {state} cannot {event}.", state=state)
    return following


def check_signatories(signatories: Iterable[Mapping[str, Any]]) -> None:
    """Refuse an agreement that one side has not signed."""
    sides = {each["side"] for each in signatories}
    if sides != {"group", "host"}:
        raise SignatoriesMissing("Name at least one signatory of the group and one of the host.")
