"""The documents that stand in the repository, read once."""

from functools import cache
from typing import Any

import yaml

from marketplace.cli import ROOT


@cache
def committed_openapi() -> dict[str, Any]:
    """openapi.yaml as it is committed. Not to be changed by its readers."""
    return _read("openapi.yaml")


@cache
def authorisation_table() -> dict[str, Any]:
    """docs/authorisation.yaml."""
    return _read("docs/authorisation.yaml")


def _read(path: str) -> dict[str, Any]:
    # libyaml's reader: the one in Python takes ten times as long.
    return dict(yaml.load((ROOT / path).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
