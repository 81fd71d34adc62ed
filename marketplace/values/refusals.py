"""The kinds of refusal. Each leaf error sits in its feature's rules; `web` turns the kinds into problem+json."""

from typing import Any, ClassVar
from uuid import UUID


class MarketplaceError(Exception):
    """A refusal that a caller can act on: a stable `code`, a `title`, a `detail` in plain words and extra members."""

    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class NotFound(MarketplaceError):
    """404: there is no such thing, or the caller may not know that there is."""

    code = "not-found"
    title = "There is no such thing, or you may not see it"

    def __init__(self, detail: str = "There is no such thing, or you may not see it.", **facts: Any) -> None:
        """Without a detail of its own: words that said what is missing would tell what belongs to others from what
        is not there.
        """
        super().__init__(detail, **facts)


class Forbidden(MarketplaceError):
    """403: the caller sees the thing, and may not do this to it.

    `organisation_id` is the one they tried to act for, where there is one: its record says that they were refused.
    """

    code = "forbidden"
    title = "Your role does not allow this"
    organisation_id: UUID | None = None


class Conflict(MarketplaceError):
    """409: the thing's present state does not allow this."""

    code = "conflict"
    title = "The present state does not allow this"


class Unprocessable(MarketplaceError):
    """422: the request reads well and means something that cannot be."""

    code = "unprocessable"
    title = "The request cannot be carried out as it stands"

    def __init__(self, detail: str, *, pointer: str | None = None, parameter: str | None = None, **facts: Any) -> None:
        if pointer is not None:
            facts.setdefault("errors", [{"pointer": pointer, "detail": detail}])
        if parameter is not None:
            facts.setdefault("errors", [{"parameter": parameter, "detail": detail}])
        super().__init__(detail, **facts)


class Unavailable(MarketplaceError):
    """503: something that this needs is away or broken. Nothing was changed; the same request may succeed later."""

    code = "unavailable"
    title = "Something that this needs is away"
