"""The codelists: closed lists of slugs with their labels and definitions, as data.

Knows the lists and their version. Must not know who uses which list, nor any rule about the slugs.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from marketplace.reference.data_files import read_document

Entry = Mapping[str, Any]
"""One entry: `slug`, `label`, `definition` (English), `label_cy` where Welsh is sure, and the list's own members."""

_DOCUMENT = read_document("codelists.json")

VERSION: str = _DOCUMENT["version"]
"""The day of the lists' last change, YYYY-MM-DD."""

CODELISTS: Mapping[str, tuple[Entry, ...]] = MappingProxyType(
    {name: tuple(MappingProxyType(entry) for entry in entries) for name, entries in _DOCUMENT["lists"].items()}
)
"""Every list by name, its entries in their meant order."""

_BY_SLUG: Mapping[str, Mapping[str, Entry]] = {
    name: MappingProxyType({entry["slug"]: entry for entry in entries}) for name, entries in CODELISTS.items()
}
_SLUGS: Mapping[str, tuple[str, ...]] = {name: tuple(entries) for name, entries in _BY_SLUG.items()}


def slugs(name: str) -> tuple[str, ...]:
    """The slugs of the list `name`, in their meant order; KeyError if there is no such list."""
    return _SLUGS[name]


def entry(name: str, slug: str) -> Entry:
    """The entry `slug` of the list `name`; KeyError if there is no such list or no such entry."""
    return _BY_SLUG[name][slug]
