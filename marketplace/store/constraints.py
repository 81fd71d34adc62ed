"""What a broken database constraint means to the caller: constraint names mapped to refusals."""

from collections.abc import Callable

from marketplace.values.refusals import Conflict, MarketplaceError

_REFUSALS: dict[str, Callable[[], MarketplaceError]] = {}


def refuse_on(constraint: str, refusal: Callable[[], MarketplaceError]) -> None:
    """Answer a violation of that constraint with that refusal."""
    _REFUSALS[constraint] = refusal


def refusal_for(constraint: str | None) -> MarketplaceError:
    """The refusal for a violated constraint; a plain Conflict where no feature has named one."""
    made = _REFUSALS.get(constraint or "")
    return made() if made else Conflict("Another change got there first, or the data would contradict itself.")
