"""The named scenarios that come with the marketplace: parameters, and where each figure is from."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from marketplace.reference.data_files import read_document

_DOCUMENT = read_document("scenarios.json")

VERSION: str = _DOCUMENT["version"]
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {each["slug"]: MappingProxyType(each) for each in _DOCUMENT["presets"]}
)
SOURCES: tuple[Mapping[str, str], ...] = tuple(MappingProxyType(each) for each in _DOCUMENT["sources"])
