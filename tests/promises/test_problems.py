"""Problems: each refusal has a code of its own, a title and a meaning, and stands in docs/errors.md."""

from collections import Counter

import marketplace.app  # noqa: F401  (every feature's refusals)
from marketplace.cli import ROOT, errors_text
from marketplace.values.refusals import Conflict, Forbidden, MarketplaceError, NotFound, Unavailable, Unprocessable

KINDS = {NotFound, Forbidden, Conflict, Unprocessable, Unavailable}


def refusals() -> list[type[MarketplaceError]]:
    """Every refusal of the program, at any depth."""
    found: list[type[MarketplaceError]] = []
    waiting = list(MarketplaceError.__subclasses__())
    while waiting:
        kind = waiting.pop()
        if kind.__module__.startswith("marketplace."):
            found.append(kind)
        waiting.extend(kind.__subclasses__())
    return found


def test_every_refusal_has_its_own_code_title_and_meaning() -> None:
    lacking = [
        f"{kind.__module__}.{kind.__name__}: {name}"
        for kind in refusals()
        for name in ("code", "title", "__doc__")
        if not vars(kind).get(name)
    ]

    assert lacking == []


def test_no_two_refusals_share_a_code() -> None:
    counted = Counter(kind.code for kind in refusals())

    assert {code for code, times in counted.items() if times > 1} == set()


def test_every_code_is_kebab_case() -> None:
    odd = [
        kind.code for kind in refusals() if not kind.code.replace("-", "").isalnum() or kind.code.lower() != kind.code
    ]

    assert odd == []


def test_every_refusal_is_of_one_of_the_kinds() -> None:
    strays = [kind.__name__ for kind in refusals() if not any(issubclass(kind, known) for known in KINDS)]

    assert strays == []


def test_the_list_of_errors_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "errors.md").exists(), "run: make errors"

    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == errors_text(), "run: make errors"
